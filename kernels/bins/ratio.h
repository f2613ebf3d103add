/*
 * ratio.h - steps of equal ratio between two numbers, in about twice the precision of doubles: the double nearest to
 * each, on every machine.
 */
#ifndef QN_KERNELS_BINS_RATIO_H
#define QN_KERNELS_BINS_RATIO_H

#include <stddef.h>

/* high + low, low being at most half a unit in the last place of high. */
struct qn_twofold {
	double high, low;
};

/* Logarithms. */
struct qn_ratio {
	struct qn_twofold from, span;
};

/* From lo to hi, both finite and above 0. */
struct qn_ratio qn_ratio_of(double lo, double hi);

/* lo (hi / lo)^(i / n). */
double qn_ratio_at(const struct qn_ratio *r, size_t i, size_t n);

#endif
