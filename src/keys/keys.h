/*
 * keys.h - what --by groups by: the groups of elements that are known from coordinates and from datasets of
 * labels before any data is read.
 *
 * A key is a dataset on some of the dimensions of the subject, and what is made of its values:
 *
 *	month(time), window(time, '6h')	  parts of a time (select/parts.h)
 *	bin(lat, -90:90:30), bin(x, [0, 1, 10])	  bins: closed on the left, the last one on both sides
 *	lat, county, /masks/basin	  the values themselves
 *	NAME=PATH@FILE			  the same of another file; NAME= before any of these names the result
 *
 *	NAME=EXPR, bin(EXPR, ...)  what an expression makes of datasets and of the data (grouping/computed.h)
 *
 * Its groups are the values that occur in the selection, in rising order; bins are all there. Where a value
 * is missing, NaN, or outside all bins, there is no group.
 */
#ifndef QN_KEYS_KEYS_H
#define QN_KEYS_KEYS_H

#include "find/subject.h"
#include "keys/named.h"
#include "keys/parse.h"

enum qn_key_kind {
	QN_KEY_PARTS,	 /* integers: by `part` */
	QN_KEY_INTEGERS, /* integers, and texts where these stand for words (flags.h) */
	QN_KEY_REALS,	 /* reals */
	QN_KEY_TEXTS,	 /* texts */
	QN_KEY_BINS,	 /* edges */
	QN_NKEY_KINDS
};

/*
 * All memory is the key's, and goes with qn_keys_fini. Arrays of groups have ngroups entries and rise; those
 * that the kind does not have are NULL.
 */
struct qn_key {
	char *name; /* of the dimension of the output: "month", "x_bin", "county" */
	char *text; /* the expression as it was written, without NAME= */
	char *path; /* the dataset, absolute, in its file */
	enum qn_key_kind kind;
	bool is_computed; /* by an expression; the rest is up to who evaluates it */

	/* The dimensions of the subject's dataset that the key depends on, rising; at least one, unless it is
	   given. */
	int ndim;
	int dim[QUERN_MAX_DIMS];
	/* The group of each index of the product of their selected extents (subject->selection.count) in C
	   order, dim[0] the slowest: 0 to ngroups - 1, or -1: no group. */
	uint64_t nindexes;
	int32_t *group;

	uint32_t ngroups;  /* 0 where nothing selected has a group */
	int64_t *integers; /* of QN_KEY_PARTS the parts as parts.h numbers them */
	double *reals;
	char *texts; /* text_nbytes each, filled up with zeros; risen as bytes do */
	size_t text_nbytes;
	double *edges; /* ngroups + 1 */

	struct qn_time_part part; /* of QN_KEY_PARTS */
	/* Of parts that are times (qn_part_is_time): where each begins and ends, in `units`. Of parts that have a
	   cycle (qn_part_cycle) the same from the first to the last time that each came, and the middle of the
	   first, or of the next one so that they rise. */
	int64_t *starts, *ends;
	double *middles;
	/* Integers and reals are times: numbers of this epoch, which `units` says. */
	bool is_time;
	struct qn_epoch epoch;
	/* Of starts and ends; else those of the values, as the (first) file has them. "": none. */
	char units[64], calendar[24];
};

struct qn_keys {
	char *by;		   /* owned: the text */
	struct qn_key_specs specs; /* owned: of the keys, by number */
	int n;
	struct qn_key *key; /* owned, in the order in which they are written */
	/* Rank 0: what the user is to know. To be added to those of the run. */
	struct qn_names warnings;
};

#define QN_MOST_KEYS 8

/* The dimension of combinations of groups (--pairs). */
#define QN_PAIRS_NAME "group"

/*
 * Finds the keys of a text, the value of --by, for a subject that is found: all is read, counted and checked
 * here, and is the same on all ranks. `by` is rank 0's. A name is one of `named` before it is a dataset of the file: the
 * others are NULL, or all ranks have the same, and `used` becomes true of those that keys are. QUERN_ERR_USAGE: the text is wrong, or names what
 * is not there; QUERN_ERR_DATA: extents differ from the subject's, or a dataset cannot be read. Every
 * rank returns the same status. *out need not be initialized; the caller frees it with qn_keys_fini, whatever
 * is returned. Nothing of the subject or the text is kept. Names of keys differ from each other; that they
 * differ from those of other dimensions of the output is for the caller to check. Collective.
 */
enum quern_status qn_keys_find(const struct qn_subject *subject, const struct qn_team *team,
			       const char *by, const struct qn_named_list *named, bool *used,
			       struct qn_keys *out, struct quern_message *err);
void qn_keys_fini(struct qn_keys *k);

/* A key that rank 0 has made, or failed to make, to all ranks: they get its status. Collective. */
enum quern_status qn_key_share(const struct qn_team *team, enum quern_status st, struct qn_key *key,
			       struct quern_message *err);

/* Is a group written as text: parts that are times or seasons, times, texts? The others are numbers: integers,
   reals, the lower edges of bins. Not collective. */
bool qn_key_is_text(const struct qn_key *k);

/* The text of a group: "2001-01-31", "2001-01", "2001-01-01T06:00:00", "DJF", or as the file has it. */
#define QN_KEY_TEXT_NBYTES (QN_MAX_TEXT_NBYTES + 1)
void qn_key_format(const struct qn_key *k, uint32_t group, char out[QN_KEY_TEXT_NBYTES]);

#endif
