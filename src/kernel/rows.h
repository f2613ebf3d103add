/*
 * rows.h - which cell of a result an element belongs to, by its place in the dataset.
 *
 *	row = sum over the terms of stride * number
 *
 * The number of a kept dimension is the index of the element in the selection, that of a key the group
 * of its indexes there, or of the element itself, which comes with the tile. A kept dimension of which some indexes
 * are left out is a key, too. What a tile has of rows comes as runs:
 *
 *	ONE          elements of one row, one after the other
 *	CONSECUTIVE  element i of each step is of row `row` + i
 *	INDEXED      element i is of row rows[i], or of none
 *
 * A table may have a window of the rows only: runs number these from 0, and leave all others out.
 */
#ifndef QN_KERNEL_ROWS_H
#define QN_KERNEL_ROWS_H

#include "quern_kernel.h"

/* The most elements of a step of a run, and of a run of one row. */
#define QN_RUN_NELEMS QUERN_TILE_NELEMS

/* Kept dimensions, and keys. */
#define QN_MOST_TERMS (QUERN_MAX_DIMS + 8)

struct qn_row_term {
	uint64_t stride;
	int ndims; /* 1, unless it is a key */
	int dim[QUERN_MAX_DIMS];
	/* Borrows: the groups of a key, of all combinations of selected indexes of its dimensions, in C
	   order of `dim`; negative: none. NULL: a kept dimension. */
	const int32_t *group;
	/* It is a kept dimension of which some indexes are left out: the groups of the others rise by one. */
	bool is_kept;
	int given; /* a key whose groups come with the tile: the number of its array, from 1; 0: it is none */
	uint64_t ngroups; /* of a key */
};

/* Does it depend on the index along that dimension? */
static inline bool qn_row_term_has(const struct qn_row_term *term, int dim)
{
	for (int k = 0; k < term->ndims; k++)
		if (term->dim[k] == dim)
			return true;
	return false;
}

/* Always: strides are such that rows of a kept dimension differ; of a table of all rows, every row is below
   nrows. */
struct qn_rows {
	struct quern_box selection;	  /* of the dataset */
	uint64_t npicked[QUERN_MAX_DIMS]; /* indexes of it that are meant; 0: all */
	uint64_t nrows;			  /* that the table has: all, */
	bool is_window;			  /* or those from `first` on */
	uint64_t first;
	int nterms;
	struct qn_row_term term[QN_MOST_TERMS];
	/* Rows of a group, which follow each other, where it is noted which groups have elements (seen.h);
	   else 0. */
	uint64_t nkept;
};

enum qn_run_kind { QN_RUN_ONE, QN_RUN_CONSECUTIVE, QN_RUN_INDEXED };

struct qn_row_run {
	enum qn_run_kind kind;
	uint64_t first;	 /* element of the box: of the run, or of its first step */
	size_t nelems;	 /* of a step: at most QN_RUN_NELEMS */
	uint64_t nsteps; /* 1, unless CONSECUTIVE */
	uint64_t stride; /* elements from step to step */
	/* CONSECUTIVE: steps go over the dimensions step_dim ... step_end - 1. They need not be next to those of the
	   run: of a chunk (time, lat, lon) of which time is reduced, a run is along lon, and goes through all
	   times of a latitude. */
	int step_dim, step_end;
	uint64_t row;	     /* of the table */
	const int64_t *rows; /* borrows: INDEXED; negative: none of the table */
};

/* Elements of the row that has most, at most. */
uint64_t qn_rows_most(const struct qn_rows *r);

/* Visits all of the box, which lies in the selection, in runs. given: arrays of the groups of all its elements, in
   C order; negative: none; NULL: no term has one. False as soon as the visitor says so. */
typedef bool qn_row_visit(void *ctx, const struct qn_row_run *run);
bool qn_rows_visit(const struct qn_rows *r, const struct quern_box *box,
		   const int32_t *const *given, qn_row_visit *visit, void *ctx);

/* All rows of elements of a box, which lies in the selection, are within [*first, *last] of the whole result.
   False: they have none. */
bool qn_rows_span(const struct qn_rows *r, const struct quern_box *box, uint64_t *first,
		  uint64_t *last);

#endif
