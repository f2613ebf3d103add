/*
 * holes.h - chunks that nobody has written, as many as there are: of those that are alike one is done,
 * and counted so many times.
 */
#ifndef QN_PLAN_HOLES_H
#define QN_PLAN_HOLES_H

#include "plan/items.h"

/* The grid of items of a cut. */
struct qn_hole {
	int ndim;
	uint64_t grid[QUERN_MAX_DIMS];
	/* After so many indexes lengths come again, but for the first and the last index. */
	uint64_t period[QUERN_MAX_DIMS];
};

/* slot: at any item of the hole. */
void qn_hole_find(struct qn_hole *h, const struct qn_slot *slot);

/* Does an item of the cut, which stands for `times` of them. False: no more. */
typedef bool qn_hole_fn(void *ctx, uint64_t item, uint64_t times);

/* Has all of the items [begin, end) of the cut done. False: fn wanted no more. */
bool qn_hole_walk(const struct qn_hole *h, uint64_t begin, uint64_t end, qn_hole_fn *fn, void *ctx);

#endif
