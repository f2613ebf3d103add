/*
 * shuffle_simd.c - undoing a shuffle of 2-, 4- and 8-byte elements. Compiled once per ISA.
 *
 * Interleaving the bytes of two planes gives 2-byte units; interleaving those of two such pairs
 * gives 4-byte units, and so on. The AVX2 interleave works within 128-bit halves, so the halves
 * are put right by a permutation, of the input for the first stage, of the output afterwards.
 */
#include "base/isa.h"
#include "feed/shuffle.h"

void QN_ISA(qn_unshuffle2)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out);
void QN_ISA(qn_unshuffle4)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out);
void QN_ISA(qn_unshuffle8)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out);

/* Elements first ... n-1 one by one. */
static inline void finish(const uint8_t *in, ptrdiff_t stride, size_t first, size_t n, int size,
			  uint8_t *out)
{
	for (size_t i = first; i < n; i++)
		for (int b = 0; b < size; b++)
			out[i * (size_t)size + (size_t)b] = in[b * stride + (ptrdiff_t)i];
}

#if defined(__AVX2__)
#include <immintrin.h>

typedef __m256i vec;
#define STEP 32 /* elements a turn: a vector of each plane */

static inline vec load(const uint8_t *p)
{
	return _mm256_loadu_si256((const vec *)p);
}

static inline void store(uint8_t *p, vec v)
{
	_mm256_storeu_si256((vec *)p, v);
}

/* lo, hi: the 64 bytes of a and b interleaved. */
static inline void zip8(vec a, vec b, vec *lo, vec *hi)
{
	a = _mm256_permute4x64_epi64(a, 0xd8);
	b = _mm256_permute4x64_epi64(b, 0xd8);
	*lo = _mm256_unpacklo_epi8(a, b);
	*hi = _mm256_unpackhi_epi8(a, b);
}

static inline void zip16(vec a, vec b, vec *lo, vec *hi)
{
	vec l = _mm256_unpacklo_epi16(a, b), h = _mm256_unpackhi_epi16(a, b);

	*lo = _mm256_permute2x128_si256(l, h, 0x20);
	*hi = _mm256_permute2x128_si256(l, h, 0x31);
}

static inline void zip32(vec a, vec b, vec *lo, vec *hi)
{
	vec l = _mm256_unpacklo_epi32(a, b), h = _mm256_unpackhi_epi32(a, b);

	*lo = _mm256_permute2x128_si256(l, h, 0x20);
	*hi = _mm256_permute2x128_si256(l, h, 0x31);
}

#elif defined(__SSE2__)
#include <emmintrin.h>

typedef __m128i vec;
#define STEP 16

static inline vec load(const uint8_t *p)
{
	return _mm_loadu_si128((const vec *)p);
}

static inline void store(uint8_t *p, vec v)
{
	_mm_storeu_si128((vec *)p, v);
}

static inline void zip8(vec a, vec b, vec *lo, vec *hi)
{
	*lo = _mm_unpacklo_epi8(a, b);
	*hi = _mm_unpackhi_epi8(a, b);
}

static inline void zip16(vec a, vec b, vec *lo, vec *hi)
{
	*lo = _mm_unpacklo_epi16(a, b);
	*hi = _mm_unpackhi_epi16(a, b);
}

static inline void zip32(vec a, vec b, vec *lo, vec *hi)
{
	*lo = _mm_unpacklo_epi32(a, b);
	*hi = _mm_unpackhi_epi32(a, b);
}
#endif

#ifdef STEP
/* v[0], v[1]: STEP elements of the planes at p and p + stride, as 2-byte units. */
static inline void pair(const uint8_t *p, ptrdiff_t stride, vec v[2])
{
	zip8(load(p), load(p + stride), &v[0], &v[1]);
}

/* v[0..3]: STEP elements of four planes, as 4-byte units. */
static inline void quad(const uint8_t *p, ptrdiff_t stride, vec v[4])
{
	vec low[2], high[2];

	pair(p, stride, low);
	pair(p + 2 * stride, stride, high);
	zip16(low[0], high[0], &v[0], &v[1]);
	zip16(low[1], high[1], &v[2], &v[3]);
}
#endif

void QN_ISA(qn_unshuffle2)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out)
{
	size_t i = 0;

#ifdef STEP
	for (; i + STEP <= n; i += STEP) {
		vec v[2];

		pair(in + i, stride, v);
		store(out + 2 * i, v[0]);
		store(out + 2 * i + STEP, v[1]);
	}
#endif
	finish(in, stride, i, n, 2, out);
}

void QN_ISA(qn_unshuffle4)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out)
{
	size_t i = 0;

#ifdef STEP
	for (; i + STEP <= n; i += STEP) {
		vec v[4];

		quad(in + i, stride, v);
		for (size_t k = 0; k < 4; k++)
			store(out + 4 * i + k * STEP, v[k]);
	}
#endif
	finish(in, stride, i, n, 4, out);
}

void QN_ISA(qn_unshuffle8)(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out)
{
	size_t i = 0;

#ifdef STEP
	for (; i + STEP <= n; i += STEP) {
		vec low[4], high[4];

		quad(in + i, stride, low);
		quad(in + i + 4 * stride, stride, high);
		for (size_t k = 0; k < 4; k++) {
			vec a, b;

			zip32(low[k], high[k], &a, &b);
			store(out + 8 * i + 2 * k * STEP, a);
			store(out + 8 * i + (2 * k + 1) * STEP, b);
		}
	}
#endif
	finish(in, stride, i, n, 8, out);
}
