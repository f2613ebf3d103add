/*
 * part.h - a run of a tile (kernel/rows.h) as loops over its elements take it, and how many each row has.
 */
#ifndef QN_ELEMENTS_PART_H
#define QN_ELEMENTS_PART_H

#include "kernel/cells.h"
#include "elements/part_simd.h"

/* Elements on their way to cells: that of place i goes to row first_row + i, or first_row + r.row[i]. Those of a run of one
   row are steps of one place. */
struct qn_part {
	struct qn_cells *cells;
	uint64_t first_row;
	const uint64_t *there; /* of the tile, as r.valid; NULL: all are */
	struct qn_part_elements r;
};

/* Room for an indexed run in a form that leaves out those of no row. */
struct qn_picked {
	uint32_t row[QN_RUN_NELEMS];
	uint64_t valid[QN_RUN_NELEMS / 64];
};

/* Borrows from a tile: the values of a role, from the first element of a run on. */
const void *qn_part_values(const struct quern_tile *tile, const struct qn_row_run *run,
			   enum quern_role role);

/* The column of a word, from the first row on. */
int64_t *qn_part_column(const struct qn_part *part, size_t word);

/* Of part->cells. Fills the rest of part, which borrows from tile and room, and adds to the columns of the words
   how many elements of each row are valid, NaN among them, and how many are there and not valid. False: there are none. */
bool qn_part_begin(struct qn_part *part, const struct quern_tile *tile,
		   const struct qn_row_run *run, size_t valid, size_t invalid,
		   struct qn_picked *room);

/* Of place i of each step. */
static inline size_t qn_part_row(const struct qn_part *part, size_t i)
{
	return part->r.row ? part->r.row[i] : i;
}

/* Is element i valid? */
static inline bool qn_part_has(const struct qn_part *part, uint64_t i)
{
	const uint64_t bit = part->r.bit + i;

	return !part->r.valid || (part->r.valid[bit / 64] >> bit % 64 & 1);
}

#endif
