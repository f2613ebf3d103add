/*
 * convert_simd.h - values of any type as doubles, compiled once per instruction set.
 */
#ifndef QN_KERNEL_CONVERT_SIMD_H
#define QN_KERNEL_CONVERT_SIMD_H

#include "base/isa.h"
#include "quern_kernel.h"

/* Converts n values of type t at any address to doubles. 64-bit integers beyond 2^53 are rounded
   to nearest; everything else is exact. */
QN_ISA_DECLARE(void, qn_convert_to_double,
	       (enum quern_dtype t, const void *values, size_t n, double *out));

typedef void qn_convert_fn(enum quern_dtype t, const void *values, size_t n, double *out);

#endif
