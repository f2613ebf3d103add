/*
 * walk.h - the elements of a box, in C order, as runs of equally spaced places in an array.
 */
#ifndef QN_SELECT_WALK_H
#define QN_SELECT_WALK_H

#include "quern_kernel.h"

/*
 * The current run is nelems places: at, at + step, at + 2 step, ... Dimensions that continue each
 * other are joined, so a box of whole rows is one run. `block_end` is an upper end of the places
 * of this run and of those after it that lie close by: what is worth reading together.
 */
struct qn_walk {
	uint64_t at, nelems, step;
	uint64_t block_end;

	/* The other dimensions, outermost first; of which the last nclose have small gaps. */
	int ndim, nclose;
	uint64_t count[QUERN_MAX_DIMS], stride[QUERN_MAX_DIMS], index[QUERN_MAX_DIMS];
	uint64_t block_span;
};

/*
 * Begins at the first run. count: elements of the box in each dimension, all > 0; stride: places
 * between neighbours there; at: the place of the first. Runs have no step above max_step (runs
 * of one element if need be); gaps of more than max_gap places end a block.
 */
void qn_walk_init(struct qn_walk *w, int ndim, const uint64_t *count, const uint64_t *stride,
		  uint64_t at, uint64_t max_step, uint64_t max_gap);

/* To the next run; false after the last. */
bool qn_walk_next(struct qn_walk *w);

#endif
