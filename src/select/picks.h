/*
 * picks.h - selections that are unions along a dimension: which indexes of the box that holds all of
 * them are picked.
 *
 *	0:3+10:12 of a dimension	| 0 1 2 3 4 5 6 7 8 9 10 11 |
 *	the box				  all of these, 0:12
 *	stretches			| 0 1 2 |           | 10 11 |
 *	number in the result		| 0 1 2 |           |  3  4 |
 *
 * The step of the box is the largest that all picked indexes are on: of a union that is a range the
 * box says it all, and there are no picks. An index that is in several pieces is picked once; all are in
 * the order of the file.
 */
#ifndef QN_SELECT_PICKS_H
#define QN_SELECT_PICKS_H

#include "base/names.h"
#include "quern_kernel.h"

/* What a user wrote: indexes start, start + step, ..., count > 0 of them. */
struct qn_piece {
	uint64_t start, count, step;
};

/* Indexes of the box that follow each other, and how many are picked before them. */
struct qn_picked_run {
	uint64_t first, n, before;
};

/* More stretches than this are refused. */
#define QN_MOST_STRETCHES (UINT64_C(1) << 22)

/* Of a dimension. Stretches rise, and do not touch. */
struct qn_pick {
	size_t npieces, room;
	struct qn_piece *piece;	       /* owned; none: all of the box */
	uint64_t nstretches;	       /* 0: all of the box */
	struct qn_picked_run *stretch; /* owned */
	uint64_t npicked;
};

/* Of all dimensions. Begins zeroed. */
struct qn_picks {
	bool any; /* is there a dimension of whose box not all is picked? */
	struct qn_pick dim[QUERN_MAX_DIMS];
	struct qn_names said; /* warnings about the selection, for the user */
};

void qn_picks_fini(struct qn_picks *p);

bool qn_pick_add(struct qn_pick *p, const struct qn_piece *piece);

/* Makes dimension d of the box, and the stretches, of the pieces, of which there is one at least. NULL, or what is in
   the way. */
const char *qn_picks_unite(struct qn_picks *p, int d, struct quern_box *box);

/* How many indexes of dimension d of a selection are picked. */
uint64_t qn_picks_count(const struct qn_picks *p, const struct quern_box *selection, int d);
/* Elements that are selected. */
uint64_t qn_picks_nelems(const struct qn_picks *p, const struct quern_box *selection);
/* The i-th index of dimension d that is picked, of the dataset. */
uint64_t qn_picks_index(const struct qn_picks *p, const struct quern_box *selection, int d,
			uint64_t i);

/* Is index i of the box picked? */
bool qn_pick_has(const struct qn_pick *p, uint64_t i);
/* One of first, first + step, ..., n of them, of the box? */
bool qn_pick_has_any(const struct qn_pick *p, uint64_t first, uint64_t n, uint64_t step);
/* Sets bit i % 64 of word i / 64 for each i of these n that is picked; the others are clear. Room for n bits. */
void qn_pick_mark(const struct qn_pick *p, uint64_t first, uint64_t n, uint64_t step,
		  uint64_t *bits);
/* The numbers in the result of all n indexes of the box, -1: none; owned by the caller. NULL: no memory, or there are
   more than 31 bits can tell. */
int32_t *qn_pick_numbers(const struct qn_pick *p, uint64_t n);

/* Of a union along dimension d, of whose box the first box->count[d] indexes are there: how many of them are picked, and
   in *nchunks of how many chunks, of so many indexes each, these are. */
uint64_t qn_picks_touch(const struct qn_picks *p, const struct quern_box *box, int d,
			uint64_t chunk, uint64_t *nchunks);

/* Flat form, for ranks of this program: what users wrote, and the warnings. pack returns owned memory, or NULL when
   there is none; unpack gives pieces that are to be united. */
void *qn_picks_pack(const struct qn_picks *p, const struct quern_box *box, size_t *nbytes);
enum quern_status qn_picks_unpack(struct qn_picks *p, const void *data, size_t nbytes,
				  struct quern_box *box, struct quern_message *err);

#endif
