/*
 * cells.h - the state of a kernel for each row of a result: a table of cells.
 *
 * Whoever adds to a cell holds the lock of its block of rows, where a table is shared by threads.
 */
#ifndef QN_KERNEL_CELLS_H
#define QN_KERNEL_CELLS_H

#include <pthread.h>

#include "kernel/kernel.h"
#include "kernel/rows.h"

struct qn_cells {
	const struct quern_kernel *kernel;	  /* borrows, like the next three */
	const void *self;			  /* of the kernel */
	const struct qn_layout_of_state *layout; /* of the state of a row */
	const struct qn_rows *rows;
	int64_t *words; /* owned: nwords of the layout a row */
	size_t nlocks;	/* of threads that share it; 0: one thread has it */
	pthread_mutex_t *lock; /* owned */
};

/* Bytes of a table, for a plan's memory account; UINT64_MAX: more than there can be. */
uint64_t qn_cells_nbytes(const struct qn_layout_of_state *l, uint64_t nrows);

/* Room for cells, in memory that nobody has touched. What is borrowed is given in *c, the rest zeroed. False: no
   memory. */
bool qn_cells_init(struct qn_cells *c, bool is_shared);
void qn_cells_fini(struct qn_cells *c);
/* Makes them cells of no elements. */
void qn_cells_clear(struct qn_cells *c);

/* Bytes of scratch for qn_cells_absorb, that of the kernel among them; 64-byte aligned. */
size_t qn_cells_scratch_nbytes(const struct quern_kernel *k, const void *self);

/* Adds all elements of a tile, which is the whole of its box. */
void qn_cells_absorb(struct qn_cells *c, void *scratch, const struct quern_tile *tile);

/* Brings all states to their canonical form. */
void qn_cells_normalize(struct qn_cells *c);

/* into = into + from, both normalized, and of the same rows. */
void qn_cells_merge(struct qn_cells *into, const struct qn_cells *from);

/* The state of a row, borrowed. */
int64_t *qn_cells_row(const struct qn_cells *c, uint64_t row);

#endif
