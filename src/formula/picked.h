/*
 * picked.h - which elements of an item of work are of a selection that is a union (select/picks.h).
 *
 * The elements of the item's box that have the same indexes along the outer dimensions, up to the innermost
 * one that not all of is picked along, are picked or not together: a run.
 */
#ifndef QN_FORMULA_PICKED_H
#define QN_FORMULA_PICKED_H

#include "select/picks.h"

/* Begins zeroed. */
struct qn_picked {
	int ndim; /* of the box, the dimensions up to the innermost of a union; 0: all is picked */
	uint64_t count[QUERN_MAX_DIMS];
	uint64_t run; /* elements of the box inside of these */
	/* Owned: of each dimension of a union bit i % 64 of word i / 64 of index i of the box. */
	uint64_t *bits[QUERN_MAX_DIMS];
	size_t room[QUERN_MAX_DIMS];
};

/* Turns to an item. False: no memory. */
bool qn_picked_turn(struct qn_picked *p, const struct qn_picks *picks,
		    const struct quern_box *selection, const struct quern_box *box);
/* Clears the bits of those of n elements of the box, from number `first` on, that are not picked; returns how many
   bits are left. */
size_t qn_picked_keep(const struct qn_picked *p, uint64_t first, size_t n, uint64_t *bits);
void qn_picked_fini(struct qn_picked *p);

#endif
