/*
 * products_simd.h - weights that are none, and products of doubles without an error: compiled once per instruction
 * set.
 */
#ifndef QN_WEIGHTED_PRODUCTS_SIMD_H
#define QN_WEIGHTED_PRODUCTS_SIMD_H

#include "base/isa.h"
#include "quern_kernel.h"

/* x[i] * y[i] is high[i] + low[i], for products that are far enough from the ends of the range of doubles. Is
   any low[i] not zero? low NULL: the caller knows that all are. */
QN_ISA_DECLARE(bool, qn_products,
	       (const double *x, const double *y, size_t n, double *high, double *low));

typedef bool qn_products_fn(const double *x, const double *y, size_t n, double *high, double *low);

/* Is each of n numbers zero, or of a magnitude from `least` to below `most`? */
QN_ISA_DECLARE(bool, qn_doubles_fit, (const double *x, size_t n, double least, double most));

typedef bool qn_doubles_fit_fn(const double *x, size_t n, double least, double most);

/* Are n weights of a type, of any alignment, finite and not negative? */
QN_ISA_DECLARE(bool, qn_weights_right, (enum quern_dtype t, const void *values, size_t n));

typedef bool qn_weights_right_fn(enum quern_dtype t, const void *values, size_t n);

/* How many of the first of n > 0 values of 1, 2, 4 or 8 bytes have the same bits. */
QN_ISA_DECLARE(size_t, qn_count_alike, (const char *values, size_t size, size_t n));

typedef size_t qn_count_alike_fn(const char *values, size_t size, size_t n);

#endif
