/*
 * cut.h - how the selected part of one stored dataset is cut into items of work.
 *
 * In each dimension the selection touches some coordinates of the chunk grid; the touched chunks
 * are the product of these. An item is `grain` consecutive touched coordinates in each dimension (1
 * for an elementwise kernel: an item is a chunk). The items form a grid, numbered in C order. All
 * of it is arithmetic on a few numbers: no list is made, and every rank computes the same.
 */
#ifndef QN_PLAN_CUT_H
#define QN_PLAN_CUT_H

#include "data/dataset.h"
#include "select/picks.h"

struct qn_cut {
	int ndim;
	uint64_t chunk[QUERN_MAX_DIMS];	 /* chunk shape of the dataset */
	uint64_t chunks[QUERN_MAX_DIMS]; /* chunk grid of the dataset */
	struct quern_box selection;
	uint64_t ntouched[QUERN_MAX_DIMS]; /* touched chunk coordinates */
	uint64_t grain[QUERN_MAX_DIMS];
	uint64_t grid[QUERN_MAX_DIMS]; /* ceil(ntouched / grain) */
	uint64_t nitems;
	/* Items k * run to k * run + run - 1 are chunks, one each, with consecutive numbers; 0: items
	   may have several chunks. */
	uint64_t run;
};

/* demand NULL: elementwise. */
void qn_cut_init(struct qn_cut *it, const struct qn_dataset *d, const struct quern_box *selection,
		 const struct quern_demand *demand);

/* What a selection touches of a dataset, of whose dimensions the extents may be longer than it. */
struct qn_touched {
	uint64_t count[QUERN_MAX_DIMS], nlogical; /* selected, of the extents */
	uint64_t nchunks;
	uint64_t nelems,
		of; /* selected and stored, of so many that the chunks have in the dataset */
};
void qn_cut_touch(const struct qn_dataset *d, const struct quern_box *selection,
		  const struct qn_picks *picks, struct qn_touched *out);

/* Number of chunks of an item, and the most that an item can have. */
uint64_t qn_cut_nchunks(const struct qn_cut *it, uint64_t item);
uint64_t qn_cut_max_chunks(const struct qn_cut *it);
/* The most elements an item can have. */
uint64_t qn_cut_max_nelems(const struct qn_cut *it);

/* The number of the first chunk of an item. */
uint64_t qn_cut_first_chunk(const struct qn_cut *it, uint64_t item);

/* How many selected elements the items before this one have; up to item == nitems. */
uint64_t qn_cut_nelems_before(const struct qn_cut *it, uint64_t item);

/* Chunk numbers of an item in ascending order; room for qn_cut_nchunks. */
void qn_cut_chunks(const struct qn_cut *it, uint64_t item, uint64_t *numbers);

/* The item that is a chunk, of those of an elementwise kernel: one that the selection touches. */
uint64_t qn_cut_item_of_chunk(const struct qn_cut *it, uint64_t number);

/* An item as one goes through the items in order, which is much cheaper than asking for each: only
   what changes from one to the next is worked out. Begins zeroed. */
struct qn_cut_walk {
	bool is_set;
	uint64_t item;
	uint64_t at[QUERN_MAX_DIMS];	  /* its coordinates in the grid of items */
	uint64_t touched[QUERN_MAX_DIMS]; /* its first chunk coordinates */
	uint64_t n[QUERN_MAX_DIMS];	  /* chunks along each dimension */
	uint64_t length[QUERN_MAX_DIMS];  /* selected elements along each dimension */
	uint64_t number;		  /* of its first chunk */
	uint64_t nchunks, nelems;
};
void qn_cut_walk(const struct qn_cut *it, uint64_t item, struct qn_cut_walk *walk);

/* The selected elements inside an item. */
void qn_cut_box(const struct qn_cut *it, uint64_t item, struct quern_box *box);

#endif
