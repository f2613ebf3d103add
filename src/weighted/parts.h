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
	double v[QN_NFACTORS][QN_WEIGHTED_BLOCK];
	/* Of products: their doubles, and the errors of these; of products of two that are multiplied by weights,
	   these and their errors. */
	double high[QN_WEIGHTED_BLOCK], low[QN_WEIGHTED_BLOCK];
	double product[QN_WEIGHTED_BLOCK], error[QN_WEIGHTED_BLOCK];
};

/* The factors of n elements from place `at` on, as doubles, to place `to` and on. */
void qn_weighted_load(const struct qn_weighted *s, struct qn_weighted_block *b,
		      const void *const v[QN_NFACTORS], size_t at, size_t n, size_t to);

/* Element i with factors of 0, which adds nothing. */
void qn_weighted_blank(struct qn_weighted_block *b, size_t i);

/* Is one of its factors, but for weights, infinite or NaN? */
bool qn_weighted_is_special(const struct qn_weighted *s, const struct qn_weighted_block *b,
			    size_t i);

/* Do the factors of n elements of a block fit? */
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

/* The factors of an element. */
struct qn_weighted_one {
	struct qn_weighted_number v[QN_NFACTORS];
	bool weights_only; /* what it is besides is not finite, and only sums of weights have it */
};

/* Element i of a block, of factors v[...][at]. */
struct qn_weighted_one qn_weighted_one(const struct qn_weighted *s,
				       const struct qn_weighted_block *b, size_t i,
				       const void *const v[QN_NFACTORS], size_t at);

/* Adds what an element gives to a sum, so many times, to canonical limbs. */
void qn_weighted_add_one(const struct qn_weighted *s, int sum, int64_t *limb,
			 const struct qn_weighted_one *one, uint64_t times);

#endif
