/*
 * windows.h - cells merged along a dimension of the result.
 *
 * Merging commutes: each rank merges what it has found, of all rows, and what the ranks have of a row is merged after
 * that (run/owners.h). Nothing is sent for windows, and the bits are those of one rank.
 *
 * However long a window is, three merges a cell do: of blocks of N cells, what is behind a cell in its block and what is before
 * one in the next are merged as they come. Sums with the weights of a triangle change by the sums of its halves.
 */
#ifndef QN_ROLLING_WINDOWS_H
#define QN_ROLLING_WINDOWS_H

#include "kernel/cells.h"
#include "rolling/rolling.h"

struct qn_windows {
	const struct qn_rolling *rolling;
	const struct qn_cells *from; /* normalized: of the rows of a sweep */
	struct qn_cells *to; /* of those that are emitted of it: cleared, and shared by threads */
	/* Of the dimension: the groups that the result has, rising. */
	uint64_t n;
	const uint32_t *group; /* NULL: all of them */
};

/* Where a window is not whole *to gets nothing. False: there is no memory; or *to is over. */
bool qn_windows_merge(const struct qn_windows *w, size_t nthreads);

/* Bytes that a thread needs for states of this layout. */
uint64_t qn_windows_nbytes(const struct qn_rolling *r, const struct qn_layout_of_state *l);

#endif
