/*
 * cells.h - the state of a kernel for each row of a result: a table of cells.
 *
 * Of a kernel that knows of one row only, or of a single row, the cells are states, one after the other.
 * A kernel with absorb_rows has them by columns: one for each word of its state, but for exact sums, which are
 * columns of their own (columns/column.h) and take a tenth of the room.
 *
 *	states    | a b sum0 sum1 sum2 | a b sum0 sum1 sum2 | ...
 *	columns   | a a a ... | b b b ... | exact column |
 *
 * What is added to QN_ALIKE rows side by side alike, as the number of elements mostly is, is added to one number of
 * theirs, and to the rows when the table is normalized.
 *
 * Whoever adds to a cell holds the lock of its block of rows, where a table is shared by threads.
 */
#ifndef QN_KERNEL_CELLS_H
#define QN_KERNEL_CELLS_H

#include <pthread.h>
#include "columns/column.h"
#include "kernel/kernel.h"
#include "kernel/seen.h"

/* A divisor of QN_RUN_NELEMS: rows of other blocks have other locks. */
#define QN_ALIKE 64

struct qn_cells {
	const struct quern_kernel *kernel;	 /* borrows, like the next three */
	const void *self;			 /* of the kernel */
	const struct qn_layout_of_state *layout; /* of the state of a row */
	const struct qn_rows *rows;
	int64_t *words; /* owned: of states, or columns of all but the exact sums */
	int64_t *
		alike; /* owned: of such a column, what each QN_ALIKE of its rows are to get; NULL: of states */
	bool has_columns, is_new; /* new: all words are zero */
	bool takes_short; /* columns take short runs of one row: their sums are of powers 1 and 2 */
	struct qn_column
		*exact[QUERN_MAX_SEGMENTS]; /* owned: of the segments that are exact sums */
	qn_seen *seen;			    /* owned; NULL: nobody asks */
	size_t nlocks;			    /* of threads that share it; 0: one thread has it */
	pthread_mutex_t *lock;		    /* owned */
	/* Bytes that exact sums may take beyond qn_cells_nbytes, where elements differ much in magnitude; 0: any number. */
	uint64_t most_spilled;
	/* While elements were added: the table must not be used. It is over where that was too little. */
	atomic_bool lacks_memory, is_over;
};

/* Bytes of a table, for a plan's memory account; UINT64_MAX: more than there can be. */
uint64_t qn_cells_nbytes(const struct quern_kernel *k, const struct qn_layout_of_state *l,
			 uint64_t nrows);

/* Room for cells, in memory that nobody has touched. What is borrowed is given in *c, the rest zeroed. False: no
   memory. */
bool qn_cells_init(struct qn_cells *c, bool is_shared);
void qn_cells_fini(struct qn_cells *c);
/* Makes them cells of no elements. */
void qn_cells_clear(struct qn_cells *c);
/* Bytes of the words. */
size_t qn_cells_words_nbytes(const struct qn_cells *c);

/* Bytes of scratch for qn_cells_absorb, that of the kernel among them; 64-byte aligned. */
size_t qn_cells_scratch_nbytes(const struct quern_kernel *k, const void *self,
			       const struct qn_layout_of_state *l);

/* Adds all elements of a tile, which is the whole of its box, that are of rows of the table. given: as of
   qn_rows_visit. */
void qn_cells_absorb(struct qn_cells *c, void *scratch, const struct quern_tile *tile,
		     const int32_t *const *given);

/* Of columns, with the lock: adds to a word, which is summed, of n rows of a block. Who reads the column sees it when the
   table was normalized. */
void qn_cells_add_alike(struct qn_cells *c, size_t word, uint64_t row, size_t n, int64_t more);

/* Brings all states to their canonical form. */
void qn_cells_normalize(struct qn_cells *c);

/* into = into + from, both normalized, and of the same rows. False: no memory. */
bool qn_cells_merge(struct qn_cells *into, const struct qn_cells *from);

/*
 * Rows as bytes, for the same rows of another rank's table: packing says how many bytes at most are needed, and
 * returns how many it wrote; 0: memory was lacking. Normalized before. What was packed begins at a multiple of
 * 8 bytes; unpacking merges it and normalizes. False: no memory, the table is over, or it is no such thing. (cells_pack.c)
 */
uint64_t qn_cells_pack_nbytes(const struct qn_cells *c, uint64_t row, uint64_t n);
uint64_t qn_cells_pack(const struct qn_cells *c, uint64_t row, uint64_t n, void *out);
bool qn_cells_unpack(struct qn_cells *c, uint64_t row, uint64_t n, const void *bytes,
		     uint64_t nbytes);

/* Bytes beyond what was planned. */
uint64_t qn_cells_nbytes_spilled(const struct qn_cells *c);

/* The table is over (see above), from here on. Of threads that share it too. */
bool qn_cells_check_spilled(struct qn_cells *c);

/* The state of a row, of states: borrowed. */
int64_t *qn_cells_state(const struct qn_cells *c, uint64_t row);
/* The state of a row of any table, borrowed from it or from buffer, which has room for one. NULL: memory was
   lacking. */
const int64_t *qn_cells_get(const struct qn_cells *c, uint64_t row, int64_t *buffer);
/* Merges a normalized state into that of a row. False: no memory. */
bool qn_cells_add_state(struct qn_cells *c, uint64_t row, const int64_t *state);

/* Where the cells of a part of a kernel begin, of one that is made of several (several.h): segments before it,
   and words before it that are in no exact sum. */
struct qn_cells_place {
	int segment;
	size_t plain;
};
/* Moves a place behind the segments of a layout. */
void qn_cells_pass(const struct qn_layout_of_state *l, struct qn_cells_place *place);
/* The columns of a part as a table of its own, which borrows them: *part has its kernel, self and layout, the rest
   zeroed. */
void qn_cells_of_part(const struct qn_cells *all, const struct qn_cells_place *place,
		      struct qn_cells *part);

/* Of columns: that of a word of the state which is in no exact sum, borrowed. Not normalized, it may lack what rows
   are to get alike. */
int64_t *qn_cells_column(const struct qn_cells *c, size_t word);

#endif
