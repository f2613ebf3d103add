/*
 * cf_simd.c - marking missing values and unpacking. Compiled once per ISA.
 *
 * A word of the bitmap is made from 64 values at a time. Comparing with one value is by far the
 * most common test and has its own vector code; the others give 64 bytes of 0 or 255 by a loop of
 * constant length, which the compiler turns into vector code, and then 64 bits.
 */
#include <string.h>

#include "base/isa.h"
#include "feed/cf.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WORD  64 /* values of a word of the bitmap */
#define BLOCK 16

/* Bit i of the result is the highest bit of byte i. */
static inline uint64_t pack_bytes(const uint8_t bytes[WORD])
{
	uint64_t word = 0;

#if defined(__AVX2__)
	for (int i = 0; i < WORD; i += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(bytes + i));

		word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(v) << i;
	}
#elif defined(__SSE2__)
	for (int i = 0; i < WORD; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(bytes + i));

		word |= (uint64_t)(uint32_t)_mm_movemask_epi8(v) << i;
	}
#else
	for (int i = 0; i < WORD; i++)
		word |= (uint64_t)(bytes[i] >> 7) << i;
#endif
	return word;
}

/*
 * word_eq_TYPE(x, v): bit i tells whether x[i] == v. By vectors of N values: COMPARE gives a mask
 * of N bits. The type of the pointer says nothing about its alignment.
 */
#define DEFINE_WORD_EQ(name, T, N, SPLAT, COMPARE)                         \
	static inline uint64_t word_eq_##name(const T *x, T v)             \
	{                                                                  \
		uint64_t word = 0;                                         \
                                                                           \
		for (int i = 0; i < WORD; i += N)                          \
			word |= (uint64_t)(COMPARE(x + i, SPLAT(v))) << i; \
		return word;                                               \
	}

/* gcc 12 with AddressSanitizer keeps vectors of 64 bytes in frames that are aligned to 32. */
#if defined(__AVX512F__) && defined(__AVX512BW__) && !defined(__SANITIZE_ADDRESS__)
#define EQ_INTEGERS(bits, p, v) _mm512_cmpeq_epi##bits##_mask(_mm512_loadu_si512(p), v)
#define EQ_8(p, v)		EQ_INTEGERS(8, p, v)
#define EQ_16(p, v)		EQ_INTEGERS(16, p, v)
#define EQ_32(p, v)		EQ_INTEGERS(32, p, v)
#define EQ_64(p, v)		EQ_INTEGERS(64, p, v)
#define EQ_F32(p, v)		_mm512_cmp_ps_mask(_mm512_loadu_ps(p), v, _CMP_EQ_OQ)
#define EQ_F64(p, v)		_mm512_cmp_pd_mask(_mm512_loadu_pd(p), v, _CMP_EQ_OQ)

DEFINE_WORD_EQ(i8, int8_t, 64, _mm512_set1_epi8, EQ_8)
DEFINE_WORD_EQ(i16, int16_t, 32, _mm512_set1_epi16, EQ_16)
DEFINE_WORD_EQ(i32, int32_t, 16, _mm512_set1_epi32, EQ_32)
DEFINE_WORD_EQ(i64, int64_t, 8, _mm512_set1_epi64, EQ_64)
DEFINE_WORD_EQ(f32, float, 16, _mm512_set1_ps, EQ_F32)
DEFINE_WORD_EQ(f64, double, 8, _mm512_set1_pd, EQ_F64)

#elif defined(__AVX2__)
static inline __m256i load(const void *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static inline uint32_t eq_32x8(const void *p, __m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), v));
}

static inline uint32_t eq_32x16(const int16_t *p, __m256i v)
{
	__m256i a = _mm256_cmpeq_epi16(load(p), v), b = _mm256_cmpeq_epi16(load(p + 16), v);

	/* Packing works within 128-bit halves; the permutation puts the quarters in order. */
	return (uint32_t)_mm256_movemask_epi8(
		_mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8));
}

static inline uint32_t eq_8x32(const void *p, __m256i v)
{
	__m256i m = _mm256_cmpeq_epi32(load(p), v);

	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(m));
}

static inline uint32_t eq_4x64(const void *p, __m256i v)
{
	__m256i m = _mm256_cmpeq_epi64(load(p), v);

	return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(m));
}

static inline uint32_t eq_8xf32(const float *p, __m256 v)
{
	return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(p), v, _CMP_EQ_OQ));
}

static inline uint32_t eq_4xf64(const double *p, __m256d v)
{
	return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(p), v, _CMP_EQ_OQ));
}

DEFINE_WORD_EQ(i8, int8_t, 32, _mm256_set1_epi8, eq_32x8)
DEFINE_WORD_EQ(i16, int16_t, 32, _mm256_set1_epi16, eq_32x16)
DEFINE_WORD_EQ(i32, int32_t, 8, _mm256_set1_epi32, eq_8x32)
DEFINE_WORD_EQ(i64, int64_t, 4, _mm256_set1_epi64x, eq_4x64)
DEFINE_WORD_EQ(f32, float, 8, _mm256_set1_ps, eq_8xf32)
DEFINE_WORD_EQ(f64, double, 4, _mm256_set1_pd, eq_4xf64)

#elif defined(__SSE2__)
static inline __m128i load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline uint32_t eq_16x8(const void *p, __m128i v)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(load(p), v));
}

static inline uint32_t eq_16x16(const int16_t *p, __m128i v)
{
	__m128i a = _mm_cmpeq_epi16(load(p), v), b = _mm_cmpeq_epi16(load(p + 8), v);

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
}

static inline uint32_t eq_4x32(const void *p, __m128i v)
{
	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(load(p), v)));
}

/* SSE2 cannot compare 64 bits: both halves of 32 must be equal. */
static inline uint32_t eq_2x64(const void *p, __m128i v)
{
	__m128i halves = _mm_cmpeq_epi32(load(p), v);
	__m128i both = _mm_and_si128(halves, _mm_shuffle_epi32(halves, 0xb1));

	return (uint32_t)_mm_movemask_pd(_mm_castsi128_pd(both));
}

static inline uint32_t eq_4xf32(const float *p, __m128 v)
{
	return (uint32_t)_mm_movemask_ps(_mm_cmpeq_ps(_mm_loadu_ps(p), v));
}

static inline uint32_t eq_2xf64(const double *p, __m128d v)
{
	return (uint32_t)_mm_movemask_pd(_mm_cmpeq_pd(_mm_loadu_pd(p), v));
}

DEFINE_WORD_EQ(i8, int8_t, 16, _mm_set1_epi8, eq_16x8)
DEFINE_WORD_EQ(i16, int16_t, 16, _mm_set1_epi16, eq_16x16)
DEFINE_WORD_EQ(i32, int32_t, 4, _mm_set1_epi32, eq_4x32)
DEFINE_WORD_EQ(i64, int64_t, 2, _mm_set1_epi64x, eq_2x64)
DEFINE_WORD_EQ(f32, float, 4, _mm_set1_ps, eq_4xf32)
DEFINE_WORD_EQ(f64, double, 2, _mm_set1_pd, eq_2xf64)

#else
static inline uint32_t eq_i8(const int8_t *p, int8_t v)
{
	return *p == v;
}
static inline uint32_t eq_i16(const int16_t *p, int16_t v)
{
	return *p == v;
}
static inline uint32_t eq_i32(const int32_t *p, int32_t v)
{
	return *p == v;
}
static inline uint32_t eq_i64(const int64_t *p, int64_t v)
{
	return *p == v;
}
static inline uint32_t eq_f32(const float *p, float v)
{
	return *p == v;
}
static inline uint32_t eq_f64(const double *p, double v)
{
	return *p == v;
}

DEFINE_WORD_EQ(i8, int8_t, 1, , eq_i8)
DEFINE_WORD_EQ(i16, int16_t, 1, , eq_i16)
DEFINE_WORD_EQ(i32, int32_t, 1, , eq_i32)
DEFINE_WORD_EQ(i64, int64_t, 1, , eq_i64)
DEFINE_WORD_EQ(f32, float, 1, , eq_f32)
DEFINE_WORD_EQ(f64, double, 1, , eq_f64)
#endif

/* Equality does not care about signs. */
#define word_eq_u8(x, v)  word_eq_i8((const int8_t *)(x), (int8_t)(v))
#define word_eq_u16(x, v) word_eq_i16((const int16_t *)(x), (int16_t)(v))
#define word_eq_u32(x, v) word_eq_i32((const int32_t *)(x), (int32_t)(v))
#define word_eq_u64(x, v) word_eq_i64((const int64_t *)(x), (int64_t)(v))

/* Bit i: is x[i] below, above the limit? */
#define DEFINE_WORD_LIMITS(name, T)                                   \
	static inline uint64_t word_below_##name(const T *x, T limit) \
	{                                                             \
		uint8_t is[WORD];                                     \
                                                                      \
		for (int i = 0; i < WORD; i++)                        \
			is[i] = x[i] < limit ? 255 : 0;               \
		return pack_bytes(is);                                \
	}                                                             \
                                                                      \
	static inline uint64_t word_above_##name(const T *x, T limit) \
	{                                                             \
		uint8_t is[WORD];                                     \
                                                                      \
		for (int i = 0; i < WORD; i++)                        \
			is[i] = x[i] > limit ? 255 : 0;               \
		return pack_bytes(is);                                \
	}

/* Bit i: does x[i] meet any of the tests? */
#define DEFINE_WORD_MISSING(name, T)                                                       \
	static inline uint64_t word_missing_##name(const T *x, const struct qn_cf_test *t) \
	{                                                                                  \
		uint64_t missing = 0;                                                      \
		T v;                                                                       \
                                                                                           \
		for (int k = 0; k < t->nequal; k++) {                                      \
			memcpy(&v, &t->equal[k], sizeof(v));                               \
			missing |= word_eq_##name(x, v);                                   \
		}                                                                          \
		if (t->has_min) {                                                          \
			memcpy(&v, &t->min, sizeof(v));                                    \
			missing |= word_below_##name(x, v);                                \
		}                                                                          \
		if (t->has_max) {                                                          \
			memcpy(&v, &t->max, sizeof(v));                                    \
			missing |= word_above_##name(x, v);                                \
		}                                                                          \
		return missing;                                                            \
	}

/* Values are looked at where they are; the last ones, fewer than a word, are copied first, and what
   the copy has beyond them is masked off. */
#define DEFINE_MARK(name, T)                                                                       \
	qn_cf_mark_fn QN_ISA(qn_cf_mark_##name);                                                   \
                                                                                                   \
	size_t QN_ISA(qn_cf_mark_##name)(const void *values, size_t n, const struct qn_cf_test *t, \
					 uint64_t *valid)                                          \
	{                                                                                          \
		const T *x = values;                                                               \
		size_t nmissing = 0;                                                               \
                                                                                                   \
		for (; n >= WORD; n -= WORD, x += WORD, valid++) {                                 \
			uint64_t missing = word_missing_##name(x, t);                              \
                                                                                                   \
			*valid = ~missing;                                                         \
			if (missing)                                                               \
				nmissing += (size_t)__builtin_popcountll(missing);                 \
		}                                                                                  \
		if (n) {                                                                           \
			const uint64_t inside = (UINT64_C(1) << n) - 1;                            \
			T last[WORD] = { 0 };                                                      \
			uint64_t missing;                                                          \
                                                                                                   \
			memcpy(last, x, n * sizeof(*x));                                           \
			missing = word_missing_##name(last, t) & inside;                           \
			*valid = ~missing & inside;                                                \
			nmissing += (size_t)__builtin_popcountll(missing);                         \
		}                                                                                  \
		return nmissing;                                                                   \
	}

#define DEFINE_SCALE(name, T)                                                                      \
	qn_cf_scale_fn QN_ISA(qn_cf_scale_##name);                                                 \
                                                                                                   \
	void QN_ISA(qn_cf_scale_##name)(const void *values, size_t n, double scale, double offset, \
					double *restrict out)                                      \
	{                                                                                          \
		const T *restrict x = values;                                                      \
                                                                                                   \
		for (; n >= BLOCK; n -= BLOCK, x += BLOCK, out += BLOCK)                           \
			for (int i = 0; i < BLOCK; i++)                                            \
				out[i] = (double)x[i] * scale + offset;                            \
		for (size_t i = 0; i < n; i++)                                                     \
			out[i] = (double)x[i] * scale + offset;                                    \
	}

#define DEFINE_CF(name, T)           \
	DEFINE_WORD_LIMITS(name, T)  \
	DEFINE_WORD_MISSING(name, T) \
	DEFINE_MARK(name, T)         \
	DEFINE_SCALE(name, T)

#define DEFINE_SINGLE(name, T)                                                       \
	qn_cf_scale_fn QN_ISA(qn_cf_single_##name);                                  \
                                                                                     \
	void QN_ISA(qn_cf_single_##name)(const void *values, size_t n, double scale, \
					 double offset, double *restrict out)        \
	{                                                                            \
		const T *restrict x = values;                                        \
		const float a = (float)scale, b = (float)offset;                     \
                                                                                     \
		for (; n >= BLOCK; n -= BLOCK, x += BLOCK, out += BLOCK)             \
			for (int i = 0; i < BLOCK; i++)                              \
				out[i] = (double)((float)x[i] * a + b);              \
		for (size_t i = 0; i < n; i++)                                       \
			out[i] = (double)((float)x[i] * a + b);                      \
	}

DEFINE_SINGLE(i8, int8_t)
DEFINE_SINGLE(u8, uint8_t)
DEFINE_SINGLE(i16, int16_t)
DEFINE_SINGLE(u16, uint16_t)
DEFINE_SINGLE(f32, float)

DEFINE_CF(i8, int8_t)
DEFINE_CF(u8, uint8_t)
DEFINE_CF(i16, int16_t)
DEFINE_CF(u16, uint16_t)
DEFINE_CF(i32, int32_t)
DEFINE_CF(u32, uint32_t)
DEFINE_CF(i64, int64_t)
DEFINE_CF(u64, uint64_t)
DEFINE_CF(f32, float)
DEFINE_CF(f64, double)
