/*
 * partial.h - a part: the merged state of a run in a file, with all that it depends on, and all that is known of the
 * files that it is of, so that parts of other files, days or sites are merged where none of these is.
 *
 *	file    | head | texts | files | numbers | extract | record | record | ...
 *	record  | the row that its table begins with, the first that counts, sum | one of the journal (journal/record.h) |
 *
 *	texts     what the state depends on, name and value by turns: version, kernel, kernel-bytes, --over, ...
 *	files     their names, joined in this order
 *	numbers   dimensions, the selection, and the size, time and sum of each file
 *	extract   descriptions, coordinates and attributes (extract/extract.h)
 *
 * Numbers are of 64 bits, in the byte order of the machine. Head and what is behind it up to the records have a sum
 * each (XXH3-128), records have their own; the head has the length of the file. A part is written whole or not at all.
 *
 * Invariants: an element is in a part once; rows of records do not overlap; files, as they are known by size, time and
 * sum, are there once each.
 */
#ifndef QN_PARTIAL_PARTIAL_H
#define QN_PARTIAL_PARTIAL_H

#include "base/options.h"
#include "base/publish.h"
#include "extract/extract.h"
#include "journal/record.h"
#include "run/run.h"

/* Of a file: what it is known by, and its length along the dimension that files are joined along. */
struct qn_partial_file {
	uint64_t nbytes;
	int64_t mtime_ns;
	struct qn_sum sum;
	uint64_t length;
};

struct qn_partial_record {
	uint64_t first,
		from; /* the row of the result that its table begins with; its rows before this one do not count */
	struct qn_states states;
};

struct qn_partial {
	char *name;	       /* owned: of the file that it is in, */
	struct qn_sum sum;     /* and its sum, where it was read */
	struct qn_names texts; /* what it depends on, name and value by turns */
	struct qn_names files;
	struct qn_partial_file *file; /* owned: of each */
	int ndim, along;
	bool is_stacked;
	uint64_t shape[QUERN_MAX_DIMS];
	/* Owned: what is selected along each dimension: pieces that rise and do not overlap, or one without elements. */
	size_t npieces[QUERN_MAX_DIMS];
	struct qn_piece *piece[QUERN_MAX_DIMS];
	struct qn_extract extract;
	size_t nrecords;
	struct qn_partial_record *record; /* owned */
};

void qn_partial_init(struct qn_partial *p);
void qn_partial_fini(struct qn_partial *p);

/* --- making one --- */

/* What the state of a run depends on, but for the files and what is selected of them. */
struct qn_partial_terms {
	const char *kernel;
	const struct qn_sum *kernel_sum; /* of those of users, */
	size_t nsums;			 /* each */
	const struct quern_options *options;
};

/* Can the state of a run, which is open, be a part? QUERN_ERR_USAGE: no, and what to do instead. Not collective. */
enum quern_status qn_partial_check(const struct qn_run *run, struct quern_message *err);

/* Has the call, which notes, ask all that a merge may want to know of the files of a subject: each rank of those that it
   describes. Not collective. */
enum quern_status qn_partial_complete(const struct qn_subject *s, struct qn_comm *c,
				      struct quern_message *err);

/* Makes *p, begun, of a run which is open: on rank 0 all of it but the extract. file: of each, owned by the caller; NULL:
   they are looked at. Collective. */
enum quern_status qn_partial_make(struct qn_partial *p, const struct qn_run *run,
				  const struct qn_partial_terms *terms,
				  const struct qn_partial_file *file, struct quern_message *err);

/* A part on its way, of rank 0. */
struct qn_partial_writer {
	struct qn_publishing file;
	struct qn_partial *partial; /* borrows */
	uint64_t at, nrecords, body_nbytes[4];
	struct qn_sum body;
};

#define QN_PARTIAL_WRITER_NONE ((struct qn_partial_writer){ .file = QN_PUBLISHING_NONE })

/* Begins a file with all but the records. Not collective, like the next. */
enum quern_status qn_partial_begin(struct qn_partial_writer *w, const char *name,
				   struct qn_partial *p, struct quern_message *err);
/* Is what takes the states of the run (struct qn_state_taker). writer: a struct qn_partial_writer. */
enum quern_status qn_partial_take(void *writer, struct qn_run *run, uint64_t first,
				  const int64_t counted[2], struct quern_message *err);
enum quern_status qn_partial_commit(struct qn_partial_writer *w, struct quern_message *err);
void qn_partial_discard(struct qn_partial_writer *w);

/* --- reading one --- */

/* Reads all but the states, of which it only says where they are. *p: begun; freed by the caller, whatever is returned.
   QUERN_ERR_DATA: it is no part, of another version, or damaged. Not collective. */
enum quern_status qn_partial_read(struct qn_partial *p, const char *name,
				  struct quern_message *err);

/* The text of a name; NULL: it has none. Borrowed. */
const char *qn_partial_text(const struct qn_partial *p, const char *name);

/* Elements that are selected along a dimension. */
uint64_t qn_partial_count(const struct qn_partial *p, int dim);

/* The selection as a user would write it, by indexes: owned. *is_all: it is everything. NULL: no memory. */
char *qn_partial_selection(const struct qn_partial *p, bool *is_all);

/* Have two parts an element in common? *file: the number in a of the file that it is in. */
bool qn_partials_overlap(const struct qn_partial *a, const struct qn_partial *b, size_t *file);
bool qn_partial_files_equal(const struct qn_partial_file *a, const struct qn_partial_file *b);

#endif
