/*
 * operand.h - what the names of an expression stand for, beside the data itself: coordinates, and other
 * datasets on some of the dimensions of the subject. Small ones are whole in memory on every rank, and so are
 * those in a file that not every host sees; others are read with each item of work (stored.h).
 */
#ifndef QN_FORMULA_OPERAND_H
#define QN_FORMULA_OPERAND_H

#include "find/subject.h"
#include "keys/named.h"
#include "formula/stored.h"

struct qn_frame_variable;

enum qn_operand_kind {
	QN_OPERAND_DATA,   /* the subject itself */
	QN_OPERAND_BESIDE, /* a dataset beside it */
	QN_OPERAND_INDEX,  /* the indexes along a dimension */
	QN_OPERAND_COSINE, /* of the latitude */
};

struct qn_operand {
	enum qn_operand_kind kind;
	char *name;		   /* owned: as it is written */
	const char *option;	   /* borrows: which it is first written in, "--expr" */
	struct quern_message *why; /* owned: why it cannot be had; NULL: it can */
	enum quern_dtype dtype;
	char *units, *calendar; /* owned; NULL: there are none */
	/* Values from one index of a dimension of the subject to the next: 0 where they do not depend on it. */
	uint64_t stride[QUERN_MAX_DIMS];
	void *values; /* owned: BESIDE, all of them, of dtype */
	/* Of a grid in memory (frame.h): values and strides are those of a part of it at a time, given by who has them:
	   borrowed, and there while elements of that part are computed with. */
	const struct qn_frame_variable *held; /* borrows; NULL: it is none */
	bool is_of_step; /* of such a grid: of one value, that of the step at hand */
	uint64_t nvalues;
	bool is_of_first; /* of several files, which may have others */
	bool is_unplaced; /* of another file, without coordinates that could be compared with those of the data */
	struct qn_stored *stored; /* owned: it is read as the data is; NULL: it is in memory */
	uint64_t *valid;	  /* owned: bit i % 64 of word i / 64 of value i; NULL: all are */
};

/* Are its values in memory before any data is read? */
static inline bool qn_operand_is_known(const struct qn_operand *o)
{
	return !o->stored && !o->held;
}

/* Larger datasets beside the data are not held in memory; coordinates, what is on fewer dimensions than the data,
   and what not all ranks can read, from other limits on. */
#define QN_MOST_BESIDE	     (UINT64_C(1) << 16)
#define QN_MOST_BESIDE_FEWER (UINT64_C(1) << 22)
#define QN_MOST_COORDINATE   (UINT64_C(1) << 26)

/* Finds the dataset of out->name: of `named`, or where that is NULL of this name in the group of the data or
   above. QUERN_ERR_USAGE: it is not there (QN_NO_DATASET), or no operand; QUERN_ERR_DATA: it does not go with
   the subject. Every rank returns the same status. Collective. */
enum quern_status qn_operand_find(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_named *named, struct qn_operand *out,
				  struct quern_message *err);
void qn_operand_fini(struct qn_operand *o);

#endif
