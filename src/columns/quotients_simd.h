/*
 * quotients_simd.h - quotients of the parts of many rows, compiled once per instruction set.
 */
#ifndef QN_COLUMNS_QUOTIENTS_SIMD_H
#define QN_COLUMNS_QUOTIENTS_SIMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/isa.h"

/* Numbers low[i] + high[i] 2^48; high NULL: low[i]. Each is at most 2^63 - 2^52 in magnitude. */
struct qn_parts {
	const int64_t *low, *high;
};

/* Numbers over others, rounded once, times `unit`, a power of two. Bits of rows of which that is not known are set in
   `left`, as those of rows where it is over 0. */
QN_ISA_DECLARE(void, qn_quotients,
	       (const struct qn_parts *upper, const struct qn_parts *lower, size_t n, double unit,
		double *quotient, uint64_t *left));

typedef void qn_quotients_fn(const struct qn_parts *upper, const struct qn_parts *lower, size_t n,
			     double unit, double *quotient, uint64_t *left);

/* What deviations of rows are computed of. */
struct qn_deviations {
	struct qn_parts sums, squares;
	double square_unit; /* of squares, over the square of that of sums */
	bool is_root;	    /* the standard deviation; else the variance */
	double unit;	    /* of the result: that of sums, or its square */
};

/* Of count[i] elements each, over one less, rounded once. Bits of rows of which that is not known are set in `left`, as
   those of fewer than two elements, or of elements that are alike. */
QN_ISA_DECLARE(void, qn_deviations,
	       (const struct qn_deviations *d, const int64_t *count, size_t n, double *out,
		uint64_t *left));

typedef void qn_deviations_fn(const struct qn_deviations *d, const int64_t *count, size_t n,
			      double *out, uint64_t *left);

#endif
