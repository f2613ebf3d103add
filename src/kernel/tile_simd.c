/*
 * tile_simd.c - marking and packing the valid elements of a tile. Compiled once per ISA.
 *
 * Both work by words of the bitmap, 64 elements. Most words are full, and a full word is copied as
 * it is; in the others AVX2 packs 8 elements (4 of 8 bytes) at a time by a permutation looked up by
 * their 8 bits. Such a store writes a whole vector at the end of what is packed: that stays inside
 * `out`, as the packed elements are never more than those looked at, and the last, partial group is
 * done element by element.
 */
#include "kernel/tile_simd.h"

#include <string.h>

#include "kernel/tile.h"

/* For inf; anything above it, sign aside, is NaN. */
#define F32_INF UINT32_C(0x7f800000)
#define F64_INF (UINT64_C(0x7ff) << 52)

static inline uint64_t not_nan_scalar32(const unsigned char *p, size_t first, size_t n)
{
	uint64_t m = 0;

	for (size_t i = first; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, p + 4 * i, sizeof(bits));
		m |= (uint64_t)((bits & ~(UINT32_C(1) << 31)) <= F32_INF) << i;
	}
	return m;
}

static inline uint64_t not_nan_scalar64(const unsigned char *p, size_t first, size_t n)
{
	uint64_t m = 0;

	for (size_t i = first; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, p + 8 * i, sizeof(bits));
		m |= (uint64_t)((bits & ~(UINT64_C(1) << 63)) <= F64_INF) << i;
	}
	return m;
}

#if defined(__AVX2__)
#include <immintrin.h>

static uint64_t not_nan32(const unsigned char *p, size_t n)
{
	uint64_t m = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256 x = _mm256_loadu_ps((const float *)(const void *)(p + 4 * i));

		m |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(x, x, _CMP_ORD_Q)) << i;
	}
	return m | not_nan_scalar32(p, i, n);
}

static uint64_t not_nan64(const unsigned char *p, size_t n)
{
	uint64_t m = 0;
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		__m256d x = _mm256_loadu_pd((const double *)(const void *)(p + 8 * i));

		m |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_cmp_pd(x, x, _CMP_ORD_Q)) << i;
	}
	return m | not_nan_scalar64(p, i, n);
}
#else
static uint64_t not_nan32(const unsigned char *p, size_t n)
{
	return not_nan_scalar32(p, 0, n);
}

static uint64_t not_nan64(const unsigned char *p, size_t n)
{
	return not_nan_scalar64(p, 0, n);
}
#endif

/* The validity of the n <= 64 elements from element 64 * word on. */
static uint64_t valid_word(const struct quern_var *v, size_t word, size_t n, bool drop_nan)
{
	uint64_t m = UINT64_MAX >> (64 - n);

	if (v->valid)
		m &= v->valid[word];
	if (drop_nan && v->dtype == QUERN_F32)
		m &= not_nan32((const unsigned char *)v->values + 256 * word, n);
	else if (drop_nan)
		m &= not_nan64((const unsigned char *)v->values + 512 * word, n);
	return m;
}

size_t QN_ISA(qn_tile_mark)(const struct quern_var *v, size_t nelems, bool drop_nan,
			    uint64_t *valid)
{
	size_t nvalid = 0;

	for (size_t i = 0; i < nelems; i += 64) {
		uint64_t m = valid_word(v, i / 64, nelems - i < 64 ? nelems - i : 64, drop_nan);

		valid[i / 64] = m;
		nvalid += (size_t)__builtin_popcountll(m);
	}
	return nelems - nvalid;
}

/* Packs elements first ... n-1 of a word. Returns the new end of out. */
static inline unsigned char *pack_scalar(const unsigned char *in, uint64_t m, size_t first,
					 size_t n, size_t size, unsigned char *out)
{
	for (size_t i = first; i < n; i++) {
		memcpy(out, in + i * size, size);
		out += (m >> i & 1) * size;
	}
	return out;
}

#if defined(__AVX2__)
/* PERM(m): byte k is the number of the k-th bit set in the 8 bits of m. */
#define POP(m)                                                                                \
	((m & 1) + (m >> 1 & 1) + (m >> 2 & 1) + (m >> 3 & 1) + (m >> 4 & 1) + (m >> 5 & 1) + \
	 (m >> 6 & 1))
#define LANE(m, i) ((m) >> i & 1 ? UINT64_C(i) << 8 * POP(((m) & ((1 << i) - 1))) : 0)
#define PERM(m) \
	(LANE(m, 1) | LANE(m, 2) | LANE(m, 3) | LANE(m, 4) | LANE(m, 5) | LANE(m, 6) | LANE(m, 7))
#define PERM4(m)  PERM(m), PERM((m + 1)), PERM((m + 2)), PERM((m + 3))
#define PERM16(m) PERM4(m), PERM4((m + 4)), PERM4((m + 8)), PERM4((m + 12))
#define PERM64(m) PERM16(m), PERM16((m + 16)), PERM16((m + 32)), PERM16((m + 48))

static const uint64_t perm[256] = { PERM64(0), PERM64(64), PERM64(128), PERM64(192) };
/* Each bit of a nibble twice: the halves of an 8-byte element move together. */
static const uint8_t twice[16] = { 0x00, 0x03, 0x0c, 0x0f, 0x30, 0x33, 0x3c, 0x3f,
				   0xc0, 0xc3, 0xcc, 0xcf, 0xf0, 0xf3, 0xfc, 0xff };

static inline void pack8x1(const unsigned char *in, unsigned m, unsigned char *out)
{
	__m128i x = _mm_loadl_epi64((const __m128i *)(const void *)in);
	__m128i p = _mm_loadl_epi64((const __m128i *)(const void *)&perm[m]);

	_mm_storel_epi64((__m128i *)(void *)out, _mm_shuffle_epi8(x, p));
}

static inline void pack8x2(const unsigned char *in, unsigned m, unsigned char *out)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)in);
	__m128i p = _mm_loadl_epi64((const __m128i *)(const void *)&perm[m]);

	p = _mm_slli_epi16(_mm_unpacklo_epi8(p, p), 1);
	p = _mm_or_si128(_mm_and_si128(p, _mm_set1_epi8(0x0e)), _mm_set1_epi16(0x0100));
	_mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(x, p));
}

static inline void pack8x4(const unsigned char *in, unsigned m, unsigned char *out)
{
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)in);
	__m128i p = _mm_loadl_epi64((const __m128i *)(const void *)&perm[m]);

	x = _mm256_permutevar8x32_epi32(x, _mm256_cvtepu8_epi32(p));
	_mm256_storeu_si256((__m256i *)(void *)out, x);
}

static inline void pack8(const unsigned char *in, unsigned m, size_t size, unsigned char *out)
{
	if (size == 1)
		pack8x1(in, m, out);
	else if (size == 2)
		pack8x2(in, m, out);
	else
		pack8x4(in, m, out);
}

static inline unsigned char *pack_word(const unsigned char *in, uint64_t m, size_t n, size_t size,
				       unsigned char *out)
{
	const size_t group = size == 8 ? 4 : 8;
	size_t i = 0;

	for (; i + group <= n; i += group) {
		unsigned bits = (unsigned)(m >> i) & (size == 8 ? 0x0f : 0xff);

		if (size == 8)
			pack8x4(in + 8 * i, twice[bits], out);
		else
			pack8(in + i * size, bits, size, out);
		out += (size_t)__builtin_popcount(bits) * size;
	}
	return pack_scalar(in, m, i, n, size, out);
}
#else
static inline unsigned char *pack_word(const unsigned char *in, uint64_t m, size_t n, size_t size,
				       unsigned char *out)
{
	return pack_scalar(in, m, 0, n, size, out);
}
#endif

/* Inlined for each size, so that every copy has a constant length. */
static inline __attribute__((always_inline)) size_t pack_all(const struct quern_var *v,
							     size_t nelems, bool drop_nan,
							     size_t size, unsigned char *out)
{
	const unsigned char *in = v->values, *const start = out;

	for (size_t i = 0; i < nelems; i += 64, in += 64 * size) {
		size_t n = nelems - i < 64 ? nelems - i : 64;
		uint64_t m = valid_word(v, i / 64, n, drop_nan);

		if (m == UINT64_MAX) {
			memcpy(out, in, 64 * size);
			out += 64 * size;
		} else if (m) {
			out = pack_word(in, m, n, size, out);
		}
	}
	return (size_t)(out - start) / size;
}

size_t QN_ISA(qn_tile_pack)(const struct quern_var *v, size_t nelems, bool drop_nan, void *out)
{
	switch (qn_dtype_size(v->dtype)) {
	case 1:
		return pack_all(v, nelems, drop_nan, 1, out);
	case 2:
		return pack_all(v, nelems, drop_nan, 2, out);
	case 4:
		return pack_all(v, nelems, drop_nan, 4, out);
	default:
		return pack_all(v, nelems, drop_nan, 8, out);
	}
}
