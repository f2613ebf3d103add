/*
 * histogram_simd.h - guessing the bins of values by arithmetic, compiled once per instruction set.
 */
#ifndef QN_KERNELS_HISTOGRAM_SIMD_H
#define QN_KERNELS_HISTOGRAM_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* How close to an edge, in bins, a guess says nothing. */
#define QN_HISTOGRAM_DOUBT 0x1p-18

struct qn_histogram_scale {
	double lo;	  /* lower edge of slot 1 */
	double per_width; /* slots per unit */
	double top;	  /* number of the last slot, below 2^31 */
};

/*
 * Guesses the slot of each of n values, none of them NaN: floor((x - lo) * per_width) + 1, within 0
 * and top. Returns whether any value is in doubt: within QN_HISTOGRAM_DOUBT slots of an edge.
 */
QN_ISA_DECLARE(bool, qn_histogram_guess,
	       (const struct qn_histogram_scale *scale, const double *x, size_t n, uint32_t *slot));

#endif
