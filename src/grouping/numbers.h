/*
 * numbers.h - the groups of elements, and values of any type as doubles or int64.
 */
#ifndef QN_GROUPING_NUMBERS_H
#define QN_GROUPING_NUMBERS_H

#include <stddef.h>

#include "grouping/computed.h"

/* QUERN_TILE_NELEMS elements of a tile at the most, and what an expression makes of them. */
struct qn_piece_of_key {
	size_t n;
	const uint64_t *valid; /* NULL: all are */
	union {
		double real[QUERN_TILE_NELEMS];
		int64_t integer[QUERN_TILE_NELEMS];
	} v;
};

/* The groups of all elements of a tile of the item that the worker has turned to, which is the data as it is;
   negative: none. Returns of how many of those that are there (as of struct quern_tile) the value is missing as 64 bits do
   not hold it. */
uint64_t qn_computed_number(const struct qn_computed *c, struct qn_formula_worker *w,
			    const struct quern_tile *tile, const uint64_t *there,
			    struct qn_piece_of_key *p, int32_t *group);

/* Adds the values of those elements of a tile that are there. there: as of struct quern_tile. */
void qn_computed_collect(const struct qn_computed *c, struct qn_formula_worker *w,
			 const struct quern_tile *tile, const uint64_t *there,
			 struct qn_piece_of_key *p, struct qn_value_set *set);

/* Of a variable's first n values. Those of uint64 must be below 2^63. */
void qn_values_to_reals(const struct quern_var *v, size_t n, double *out);
void qn_values_to_integers(const struct quern_var *v, size_t n, int64_t *out);

#endif
