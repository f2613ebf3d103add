/*
 * sampled_simd.c - see the header. Compiled once per ISA.
 */
#include "kernels/quantiles/sampled_simd.h"

static size_t find_scalar(uint32_t first, uint32_t stride, size_t i, size_t n, uint32_t salt,
			  uint32_t limit, uint16_t *at)
{
	size_t nfound = 0;

	for (; i < n; i++) {
		at[nfound] = (uint16_t)i;
		nfound += qn_sample_mix((first + (uint32_t)i * stride) ^ salt) <= limit;
	}
	return nfound;
}

#if defined(__AVX2__)
#include <immintrin.h>

static inline __m256i mix(__m256i x)
{
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32(0x7feb352d));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68b));
	return _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
}

size_t QN_ISA(qn_sample_find)(uint32_t first, uint32_t stride, size_t n, uint32_t salt,
			      uint32_t limit, uint16_t *at)
{
	const __m256i salts = _mm256_set1_epi32((int)salt), most = _mm256_set1_epi32((int)limit);
	const __m256i eight = _mm256_set1_epi32((int)(8 * stride));
	const __m256i lanes = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
						 _mm256_set1_epi32((int)stride));
	__m256i x = _mm256_add_epi32(_mm256_set1_epi32((int)first), lanes);
	size_t nfound = 0, i = 0;

	for (; i + 8 <= n; i += 8, x = _mm256_add_epi32(x, eight)) {
		const __m256i h = mix(_mm256_xor_si256(x, salts));
		const __m256i is = _mm256_cmpeq_epi32(_mm256_min_epu32(h, most), h);
		unsigned bits = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(is));

		for (; bits; bits &= bits - 1)
			at[nfound++] = (uint16_t)(i + (size_t)__builtin_ctz(bits));
	}
	return nfound + find_scalar(first, stride, i, n, salt, limit, at + nfound);
}
#else
size_t QN_ISA(qn_sample_find)(uint32_t first, uint32_t stride, size_t n, uint32_t salt,
			      uint32_t limit, uint16_t *at)
{
	return find_scalar(first, stride, 0, n, salt, limit, at);
}
#endif
