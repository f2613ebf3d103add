/*
 * blocks.h - the elements of a box of an array in memory, block by block: each a box of its own, whose values lie
 * side by side in C order. They stay where they are, if they lie so; else they are copied, a block at a time.
 */
#ifndef QN_INSITU_BLOCKS_H
#define QN_INSITU_BLOCKS_H

#include "quern_kernel.h"

/* An array, by the address of the first element of the box. */
struct qn_held_array {
	const char *first;
	size_t size;			/* bytes of an element */
	int64_t stride[QUERN_MAX_DIMS]; /* bytes from index to index */
};

struct qn_blocks {
	const struct quern_box *box;
	int dim; /* along this one a block has `step` indexes, of those inside all, and of those outside one */
	uint64_t step;
	uint64_t at[QUERN_MAX_DIMS]; /* of the next block, in the box */
	bool is_done;
};

/* Begins. The box has step 1, and is kept. array: that is to be copied as little as can be. most: elements of a block. */
void qn_blocks_init(struct qn_blocks *b, const struct quern_box *box,
		    const struct qn_held_array *array, uint64_t most);

/* The next block, in the grid. False: there are no more. */
bool qn_blocks_next(struct qn_blocks *b, struct quern_box *block);

/* The values of a block of the array of a box: where they are, or copied to room, which is large enough. */
const void *qn_held_values(const struct qn_held_array *array, const struct quern_box *box,
			   const struct quern_box *block, void *room);

#endif
