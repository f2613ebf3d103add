/*
 * walk.c - the elements of a box as runs.
 */
#include "select/walk.h"

/* Appends a dimension inside the others; joins it with its neighbour if they are evenly spaced
   together. */
static void add_dim(struct qn_walk *w, uint64_t count, uint64_t stride)
{
	const int last = w->ndim - 1;

	if (count == 1)
		return;
	if (last >= 0 && w->stride[last] == count * stride) {
		w->count[last] *= count;
		w->stride[last] = stride;
		return;
	}
	w->count[w->ndim] = count;
	w->stride[w->ndim] = stride;
	w->index[w->ndim] = 0;
	w->ndim++;
}

/* Makes the innermost dimension the run, unless its elements are too far apart. */
static void take_run(struct qn_walk *w, uint64_t max_step)
{
	const int last = w->ndim - 1;

	w->nelems = 1;
	w->step = 1;
	if (last < 0 || w->stride[last] > max_step)
		return;
	w->nelems = w->count[last];
	w->step = w->stride[last];
	w->ndim--;
}

static void find_block(struct qn_walk *w, uint64_t max_gap)
{
	uint64_t span = (w->nelems - 1) * w->step + 1;

	w->nclose = 0;
	for (int d = w->ndim - 1; d >= 0; d--) {
		if (w->stride[d] > span && w->stride[d] - span > max_gap)
			break;
		span += (w->count[d] - 1) * w->stride[d];
		w->nclose++;
	}
	w->block_span = span;
	w->block_end = w->at + span;
}

void qn_walk_init(struct qn_walk *w, int ndim, const uint64_t *count, const uint64_t *stride,
		  uint64_t at, uint64_t max_step, uint64_t max_gap)
{
	w->at = at;
	w->ndim = 0;
	for (int d = 0; d < ndim; d++)
		add_dim(w, count[d], stride[d]);
	take_run(w, max_step);
	find_block(w, max_gap);
}

bool qn_walk_next(struct qn_walk *w)
{
	int d = w->ndim - 1;

	for (; d >= 0; d--) {
		w->at += w->stride[d];
		if (++w->index[d] < w->count[d])
			break;
		w->at -= w->count[d] * w->stride[d];
		w->index[d] = 0;
	}
	/* A step outside of the close dimensions begins a block. */
	if (d >= 0 && d < w->ndim - w->nclose)
		w->block_end = w->at + w->block_span;
	return d >= 0;
}
