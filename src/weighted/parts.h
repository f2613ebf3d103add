/*
 * parts.h - what the sums of one row and of many share: blocks of elements and weights as doubles, and products of
 * single elements as integers.
 */
#ifndef QN_WEIGHTED_PARTS_H
#define QN_WEIGHTED_PARTS_H

#include "weighted/sums.h"

/* Elements of a block, of all its steps. */
#define QN_WEIGHTED_BLOCK 2048

/* In the scratch, before that of the power sums. */
struct qn_weighted_block {
	double x[QN_WEIGHTED_BLOCK], w[QN_WEIGHTED_BLOCK];
	/* Of products: their doubles, and the errors of these; squares of x, and the errors of these. */
	double high[QN_WEIGHTED_BLOCK], low[QN_WEIGHTED_BLOCK];
	double square[QN_WEIGHTED_BLOCK], error[QN_WEIGHTED_BLOCK];
};

/* n elements and weights from place `at` on, as doubles, to x + to and w + to. */
void qn_weighted_load(const struct qn_weighted *s, struct qn_weighted_block *b, const void *x,
		      const void *w, size_t at, size_t n, size_t to);

/* Do n elements and weights of a block fit? */
bool qn_weighted_fit(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t n);
bool qn_weighted_fits_one(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t i);

/* Receives the doubles of which a sum is to have the sum; false ends it. */
typedef bool qn_weighted_take(void *ctx, int sum, const double *values, size_t n);

/* All products of the first n elements of a block, in whatever order. */
bool qn_weighted_multiply(const struct qn_weighted *s, struct qn_weighted_block *b, size_t n,
			  qn_weighted_take *take, void *ctx);

/* +-m * 2^unit, without zeros at the end of m but for 0. */
struct qn_weighted_number {
	uint64_t m;
	int unit;
	bool negative;
};

/* A finite value of a type. */
struct qn_weighted_number qn_weighted_number(enum quern_dtype t, const void *value);
const char *qn_weighted_at(enum quern_dtype t, const void *values, size_t i);

/* Adds what an element and its weight give to a sum, so many times, to canonical limbs. x NULL: the element is not
   finite, and only sums of weights have it. */
void qn_weighted_add_one(const struct qn_weighted *s, int sum, int64_t *limb,
			 const struct qn_weighted_number *x, const struct qn_weighted_number *w,
			 uint64_t times);

#endif
