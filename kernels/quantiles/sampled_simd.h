/*
 * sampled_simd.h - which elements are in a sample, by hashes of their indexes: compiled once per instruction set.
 */
#ifndef QN_KERNELS_QUANTILES_SAMPLED_SIMD_H
#define QN_KERNELS_QUANTILES_SAMPLED_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* A bijection of 32 bits of which each bit of the result depends on all of x: multiplications and shifts, as in the
   finalizer of MurmurHash3; the constants are those that Chris Wellons found to be the least biased
   ("Prospecting for Hash Functions", 2018). */
static inline uint32_t qn_sample_mix(uint32_t x)
{
	x = (x ^ x >> 16) * UINT32_C(0x7feb352d);
	x = (x ^ x >> 15) * UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/* Which of the n numbers first, first + stride ... have a hash, of the number ^ salt, of at most `limit`: at[] gets
   their places; returns how many. */
QN_ISA_DECLARE(size_t, qn_sample_find,
	       (uint32_t first, uint32_t stride, size_t n, uint32_t salt, uint32_t limit,
		uint16_t *at));

#endif
