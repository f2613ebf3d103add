/*
 * covariance_simd.h - the loops of covariance besides dsyrk, compiled once per instruction set.
 *
 * Rows are of K doubles, one after another. All loops give the same bits in every instruction set:
 * they add each column from the first row to the last, and nothing across columns.
 */
#ifndef QN_KERNELS_COVARIANCE_SIMD_H
#define QN_KERNELS_COVARIANCE_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* What is gathered of each column. NaN does not change min and max. */
struct qn_cov_ranges {
	double *sum, *min, *max;
};

/* Bits of an accumulator's low word: see qn_cov_add. */
#define QN_COV_LOW_BITS 38
/* The most bits before the point of its high word. */
#define QN_COV_HIGH_BITS 38

/* Adds nrows rows, each value times `unit`. */
QN_ISA_DECLARE(void, qn_cov_range,
	       (const double *x, size_t nrows, size_t k, double unit,
		const struct qn_cov_ranges *ranges));

/* Turns nrows rows into x * scale - shift, and adds them to sum. */
QN_ISA_DECLARE(void, qn_cov_scale,
	       (double *x, size_t nrows, size_t k, const double *scale, const double *shift,
		double *sum));

/* Whether no value is NaN or infinite. */
QN_ISA_DECLARE(bool, qn_cov_all_finite, (const double *x, size_t n));

/*
 * Adds n doubles, |p| <= 4096 or little more, to fixed-point accumulators of two words,
 *
 *	value = hi * 2^-point + lo * 2^-(point + QN_COV_LOW_BITS),	0 <= point <= QN_COV_HIGH_BITS
 *
 * each rounded to the unit of lo. A call adds less than 2^QN_COV_LOW_BITS to the magnitude of lo.
 */
QN_ISA_DECLARE(void, qn_cov_add, (const double *p, size_t n, int point, int64_t *hi, int64_t *lo));

#endif
