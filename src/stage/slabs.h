/*
 * slabs.h - a dataset cut into slabs along one dimension, between chunks, for shards.
 *
 *	chunks along the dimension	| 0 1 2 | 3 4 | 5 6 7 |
 *	slab				    0      1      2
 */
#ifndef QN_STAGE_SLABS_H
#define QN_STAGE_SLABS_H

#include "data/dataset.h"

/* The dimension to cut along: that with the most chunks, of those the first; of elements that lie in
   one piece the first that has more than one index, so that a slab is one piece too. Dimensions of
   records are not cut. */
int qn_slabs_dim(const struct qn_dataset *d);

/* Can it be cut along this dimension? */
bool qn_slabs_can(const struct qn_dataset *d, int dim);

/* Places along the dimension between which it can be cut: chunks, or indexes where elements lie in
   one piece. */
uint64_t qn_slabs_nplaces(const struct qn_dataset *d, int dim);

/* Indexes of a place: all have so many, the last perhaps fewer. */
uint64_t qn_slabs_place_nindexes(const struct qn_dataset *d, int dim);

/*
 * Cuts n places of these weights into nslabs (at most n, at least 1) runs of about equal weight, none
 * of them empty: run i is places bound[i] to bound[i + 1]. bound has room for nslabs + 1.
 */
void qn_slabs_cut(const uint64_t *weight, uint64_t n, uint64_t nslabs, uint64_t *bound);

/* The stored bytes of each place; weight has room for all, zeroed. What is stored nowhere weighs a
   byte, so that it is spread as well. */
void qn_slabs_weigh(const struct qn_dataset *d, int dim, uint64_t *weight);

/* The number in a slab of a chunk of the whole; the slab begins at place `first` and has `n` of
   them. False: the chunk is not in it. */
bool qn_slabs_number(const struct qn_dataset *d, int dim, uint64_t first, uint64_t n,
		     uint64_t number, uint64_t *in_slab);

#endif
