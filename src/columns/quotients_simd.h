/*
 * quotients_simd.h - quotients of the parts of many rows, compiled once per instruction set.
 */
#ifndef QN_COLUMNS_QUOTIENTS_SIMD_H
#define QN_COLUMNS_QUOTIENTS_SIMD_H

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

#endif
