/*
 * minmax_simd.c - the extremes of an array, and where a value is. Compiled once per ISA.
 */
#include "minmax_simd.h"

#include <stdbool.h>
#include <string.h>

/* Element by element. KEY turns x, of type TYPE, into its key. */
#define DEFINE_SCALAR(NAME, TYPE, KEY)                                                  \
	static void NAME(const unsigned char *p, size_t n, struct qn_minmax_keys *keys) \
	{                                                                               \
		keys->min = INT64_MAX;                                                  \
		keys->max = INT64_MIN;                                                  \
		for (size_t i = 0; i < n; i++) {                                        \
			TYPE x;                                                         \
			int64_t key;                                                    \
                                                                                        \
			memcpy(&x, p + i * sizeof(x), sizeof(x));                       \
			key = KEY(x);                                                   \
			keys->min = key < keys->min ? key : keys->min;                  \
			keys->max = key > keys->max ? key : keys->max;                  \
		}                                                                       \
	}

static inline int64_t key_of_f32(int32_t bits)
{
	return bits ^ (bits < 0 ? INT32_MAX : 0);
}

static inline int64_t key_of_f64(int64_t bits)
{
	return bits ^ (bits < 0 ? INT64_MAX : 0);
}

DEFINE_SCALAR(scalar_i8, int8_t, (int64_t))
DEFINE_SCALAR(scalar_u8, uint8_t, (int64_t))
DEFINE_SCALAR(scalar_i16, int16_t, (int64_t))
DEFINE_SCALAR(scalar_u16, uint16_t, (int64_t))
DEFINE_SCALAR(scalar_i32, int32_t, (int64_t))
DEFINE_SCALAR(scalar_u32, uint32_t, (int64_t))
DEFINE_SCALAR(scalar_i64, int64_t, (int64_t))
DEFINE_SCALAR(scalar_u64, uint64_t, qn_key_from_uint)
DEFINE_SCALAR(scalar_f32, int32_t, key_of_f32)
DEFINE_SCALAR(scalar_f64, int64_t, key_of_f64)

typedef void scan_fn(const unsigned char *p, size_t n, struct qn_minmax_keys *keys);

static scan_fn *const scalar[QUERN_NDTYPES] = {
	[QUERN_I8] = scalar_i8,	  [QUERN_U8] = scalar_u8,   [QUERN_I16] = scalar_i16,
	[QUERN_U16] = scalar_u16, [QUERN_I32] = scalar_i32, [QUERN_U32] = scalar_u32,
	[QUERN_I64] = scalar_i64, [QUERN_U64] = scalar_u64, [QUERN_F32] = scalar_f32,
	[QUERN_F64] = scalar_f64,
};

static inline bool has_bits(const unsigned char *p, size_t size, uint64_t bits)
{
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	uint64_t x = 0;

	memcpy((unsigned char *)&x + (big_endian ? sizeof(x) - size : 0), p, size);
	return x == bits;
}

static size_t find_scalar(const unsigned char *p, size_t size, uint64_t bits, size_t first,
			  size_t n)
{
	for (size_t i = first; i < n; i++)
		if (has_bits(p + i * size, size, bits))
			return i;
	return n;
}

#define NO_VALID_SCAN                                                             \
	bool QN_ISA(qn_minmax_scan_valid)(enum quern_dtype t, const void *values, \
					  const uint64_t *valid, size_t nelems,   \
					  struct qn_minmax_keys *keys)            \
	{                                                                         \
		(void)t;                                                          \
		(void)values;                                                     \
		(void)valid;                                                      \
		(void)nelems;                                                     \
		(void)keys;                                                       \
		return false;                                                     \
	}

#if defined(__AVX2__)
#include <immintrin.h>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__)

#define WIDTH 64 /* bytes of a vector */
#define V(op) _mm512_##op

typedef __m512i vec;

static inline vec load(const unsigned char *p)
{
	return _mm512_loadu_si512(p);
}

static inline vec load_keys_u64(const unsigned char *p)
{
	return _mm512_xor_si512(load(p), _mm512_set1_epi64(INT64_MIN));
}

#define min64 _mm512_min_epi64
#define max64 _mm512_max_epi64

#else

#define WIDTH 32
#define V(op) _mm256_##op

typedef __m256i vec;

static inline vec load(const unsigned char *p)
{
	return _mm256_loadu_si256((const vec *)(const void *)p);
}

static inline vec load_keys_u64(const unsigned char *p)
{
	return _mm256_xor_si256(load(p), _mm256_set1_epi64x(INT64_MIN));
}

static inline vec min64(vec a, vec b)
{
	return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

static inline vec max64(vec a, vec b)
{
	return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

#endif

/*
 * Four pairs of accumulators hide the latency of an operation. As an extreme does not mind seeing a
 * value twice, the first vector and the last may overlap those beside them, which are aligned if
 * the elements are. The lanes are then stored, lowest and highest together, and FINISH, the scan
 * element by element of what LOAD gives, ends the work.
 */
#define DEFINE_SCAN(NAME, SIZE, LOAD, MIN, MAX, FINISH)                                   \
	static void NAME(const unsigned char *p, size_t n, struct qn_minmax_keys *keys)   \
	{                                                                                 \
		const size_t nbytes = n * (SIZE);                                         \
		vec first = LOAD(p), ends[2];                                             \
		vec lo0 = first, lo1 = first, lo2 = first, lo3 = first;                   \
		vec hi0 = first, hi1 = first, hi2 = first, hi3 = first;                   \
		size_t at = -(uintptr_t)p % WIDTH / (SIZE) * (SIZE);                      \
                                                                                          \
		for (; at + 4 * WIDTH <= nbytes; at += 4 * WIDTH) {                       \
			vec x0 = LOAD(p + at), x1 = LOAD(p + at + WIDTH);                 \
			vec x2 = LOAD(p + at + 2 * WIDTH), x3 = LOAD(p + at + 3 * WIDTH); \
                                                                                          \
			lo0 = MIN(lo0, x0), hi0 = MAX(hi0, x0);                           \
			lo1 = MIN(lo1, x1), hi1 = MAX(hi1, x1);                           \
			lo2 = MIN(lo2, x2), hi2 = MAX(hi2, x2);                           \
			lo3 = MIN(lo3, x3), hi3 = MAX(hi3, x3);                           \
		}                                                                         \
		for (; at < nbytes; at += WIDTH) {                                        \
			vec x0 = LOAD(p + (at + WIDTH <= nbytes ? at : nbytes - WIDTH));  \
                                                                                          \
			lo0 = MIN(lo0, x0), hi0 = MAX(hi0, x0);                           \
		}                                                                         \
		ends[0] = MIN(MIN(lo0, lo1), MIN(lo2, lo3));                              \
		ends[1] = MAX(MAX(hi0, hi1), MAX(hi2, hi3));                              \
		FINISH((const unsigned char *)ends, sizeof(ends) / (SIZE), keys);         \
	}

DEFINE_SCAN(scan_i8, 1, load, V(min_epi8), V(max_epi8), scalar_i8)
DEFINE_SCAN(scan_u8, 1, load, V(min_epu8), V(max_epu8), scalar_u8)
DEFINE_SCAN(scan_i16, 2, load, V(min_epi16), V(max_epi16), scalar_i16)
DEFINE_SCAN(scan_u16, 2, load, V(min_epu16), V(max_epu16), scalar_u16)
DEFINE_SCAN(scan_i32, 4, load, V(min_epi32), V(max_epi32), scalar_i32)
DEFINE_SCAN(scan_u32, 4, load, V(min_epu32), V(max_epu32), scalar_u32)
DEFINE_SCAN(scan_i64, 8, load, min64, max64, scalar_i64)
DEFINE_SCAN(scan_u64, 8, load_keys_u64, min64, max64, scalar_i64)

/*
 * Floats need no keys, and two operations a vector find both extremes. Signed integers order the
 * bits of numbers of one sign, upwards or downwards, so then the extremes are those of the bits. Of
 * both signs the largest number has the greatest bits as signed integers, and the lowest as
 * unsigned ones. -0 and NaN have places in the order of bits like all others.
 *
 * If the first vector does not show both signs, one is assumed. Should that be wrong, the least and
 * the greatest bits as signed integers are one of each sign, and the tile is scanned again.
 *
 * SIGNS tells the signs of a vector, a bit an element; ALL is all of these bits. There are
 * NAME_one_sign and NAME_both_signs.
 */
#define DEFINE_FLOAT_SCAN(NAME, SIGNS, ALL)                                             \
	static void NAME(const unsigned char *p, size_t n, struct qn_minmax_keys *keys) \
	{                                                                               \
		const unsigned signs = (unsigned)SIGNS(load(p));                        \
		const bool both = signs != 0 && signs != (ALL);                         \
                                                                                        \
		if (!both)                                                              \
			NAME##_one_sign(p, n, keys);                                    \
		if (both || (keys->min < 0 && keys->max >= 0))                          \
			NAME##_both_signs(p, n, keys);                                  \
	}

DEFINE_SCAN(scan_f32_one_sign, 4, load, V(min_epi32), V(max_epi32), scalar_f32)
DEFINE_SCAN(scan_f32_both_signs, 4, load, V(max_epu32), V(max_epi32), scalar_f32)

#if WIDTH == 64

DEFINE_SCAN(scan_f64_one_sign, 8, load, V(min_epi64), V(max_epi64), scalar_f64)
DEFINE_SCAN(scan_f64_both_signs, 8, load, V(max_epu64), V(max_epi64), scalar_f64)
DEFINE_FLOAT_SCAN(scan_f32, _mm512_movepi32_mask, 0xffff)
DEFINE_FLOAT_SCAN(scan_f64, _mm512_movepi64_mask, 0xff)

#else

static inline int signs_f32(vec x)
{
	return _mm256_movemask_ps(_mm256_castsi256_ps(x));
}

DEFINE_FLOAT_SCAN(scan_f32, signs_f32, 0xff)

static inline vec load_keys_f64(const unsigned char *p)
{
	vec x = load(p), negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);

	return _mm256_xor_si256(x, _mm256_srli_epi64(negative, 1));
}

DEFINE_SCAN(scan_f64_keys, 8, load_keys_f64, min64, max64, scalar_i64)

static inline __m256d load_f64(const unsigned char *p)
{
	return _mm256_loadu_pd((const double *)(const void *)p);
}

/*
 * float64 by the comparisons of the processor, which are faster than AVX2's of 64-bit integers.
 * They do not tell -0 from +0, and pass over NaN: then the keys are scanned after all.
 */
static void scan_f64(const unsigned char *p, size_t n, struct qn_minmax_keys *keys)
{
	const size_t nbytes = 8 * n;
	__m256d lo0 = load_f64(p), lo1 = lo0, hi0 = lo0, hi1 = lo0, ends[2];
	__m256d odd = _mm256_cmp_pd(lo0, load_f64(p + nbytes - WIDTH), _CMP_UNORD_Q);

	for (size_t at = 0; at + 2 * WIDTH <= nbytes; at += 2 * WIDTH) {
		__m256d x0 = load_f64(p + at), x1 = load_f64(p + at + WIDTH);

		lo0 = _mm256_min_pd(x0, lo0), lo1 = _mm256_min_pd(x1, lo1);
		hi0 = _mm256_max_pd(x0, hi0), hi1 = _mm256_max_pd(x1, hi1);
		odd = _mm256_or_pd(odd, _mm256_cmp_pd(x0, x1, _CMP_UNORD_Q));
	}
	for (size_t at = nbytes / (2 * WIDTH) * (2 * WIDTH); at < nbytes; at += WIDTH) {
		__m256d x = load_f64(p + (at + WIDTH <= nbytes ? at : nbytes - WIDTH));

		lo0 = _mm256_min_pd(x, lo0);
		hi0 = _mm256_max_pd(x, hi0);
		odd = _mm256_or_pd(odd, _mm256_cmp_pd(x, x, _CMP_UNORD_Q));
	}
	ends[0] = _mm256_min_pd(lo0, lo1);
	ends[1] = _mm256_max_pd(hi0, hi1);
	for (int i = 0; i < 2; i++)
		odd = _mm256_or_pd(odd, _mm256_cmp_pd(ends[i], _mm256_setzero_pd(), _CMP_EQ_OQ));
	if (_mm256_movemask_pd(odd))
		scan_f64_keys(p, n, keys);
	else
		scalar_f64((const unsigned char *)ends, sizeof(ends) / 8, keys);
}

#endif

static scan_fn *const simd[QUERN_NDTYPES] = {
	[QUERN_I8] = scan_i8,	[QUERN_U8] = scan_u8,	[QUERN_I16] = scan_i16,
	[QUERN_U16] = scan_u16, [QUERN_I32] = scan_i32, [QUERN_U32] = scan_u32,
	[QUERN_I64] = scan_i64, [QUERN_U64] = scan_u64, [QUERN_F32] = scan_f32,
	[QUERN_F64] = scan_f64,
};

void QN_ISA(qn_minmax_scan)(enum quern_dtype t, const void *values, size_t nelems,
			    struct qn_minmax_keys *keys)
{
	if (nelems * qn_dtype_size(t) < WIDTH)
		scalar[t](values, nelems, keys);
	else
		simd[t](values, nelems, keys);
}

#if WIDTH == 64

/* float32: what is not valid is taken for the first valid element, which changes no extreme. The bits past the last
   element are clear. */
#define DEFINE_VALID_SCAN(NAME, MIN, MAX)                                                          \
	static void NAME(const unsigned char *p, const uint64_t *valid, size_t n, vec first,       \
			 struct qn_minmax_keys *keys)                                              \
	{                                                                                          \
		vec lo[4] = { first, first, first, first },                                        \
		    hi[4] = { first, first, first, first };                                        \
		vec ends[2];                                                                       \
                                                                                                   \
		for (size_t at = 0; at < n; at += 64)                                              \
			for (size_t i = 0; i < 4; i++) {                                           \
				const __mmask16 is = (__mmask16)(valid[at / 64] >> 16 * i);        \
				const vec x =                                                      \
					_mm512_mask_loadu_epi32(first, is, p + 4 * (at + 16 * i)); \
                                                                                                   \
				lo[i] = MIN(lo[i], x);                                             \
				hi[i] = MAX(hi[i], x);                                             \
			}                                                                          \
		ends[0] = MIN(MIN(lo[0], lo[1]), MIN(lo[2], lo[3]));                               \
		ends[1] = MAX(MAX(hi[0], hi[1]), MAX(hi[2], hi[3]));                               \
		scalar_f32((const unsigned char *)ends, sizeof(ends) / 4, keys);                   \
	}

DEFINE_VALID_SCAN(scan_valid_one_sign, _mm512_min_epi32, _mm512_max_epi32)
DEFINE_VALID_SCAN(scan_valid_both_signs, _mm512_max_epu32, _mm512_max_epi32)

bool QN_ISA(qn_minmax_scan_valid)(enum quern_dtype t, const void *values, const uint64_t *valid,
				  size_t nelems, struct qn_minmax_keys *keys)
{
	int32_t bits;
	size_t i = 0;
	vec first;

	if (t != QUERN_F32)
		return false;
	while (!valid[i])
		i++;
	i = 64 * i + (size_t)__builtin_ctzll(valid[i]);
	memcpy(&bits, (const unsigned char *)values + 4 * i, sizeof(bits));
	first = _mm512_set1_epi32(bits);
	scan_valid_one_sign(values, valid, nelems, first, keys);
	if (keys->min < 0 && keys->max >= 0)
		scan_valid_both_signs(values, valid, nelems, first, keys);
	return true;
}

#else

NO_VALID_SCAN

#endif

/* `bits` in every element of a vector. Rarely looked for, so AVX2 does. */
static __m256i broadcast(size_t size, uint64_t bits)
{
	switch (size) {
	case 1:
		return _mm256_set1_epi8((char)bits);
	case 2:
		return _mm256_set1_epi16((short)bits);
	case 4:
		return _mm256_set1_epi32((int)bits);
	default:
		return _mm256_set1_epi64x((long long)bits);
	}
}

static inline __m256i equal(size_t size, __m256i a, __m256i b)
{
	switch (size) {
	case 1:
		return _mm256_cmpeq_epi8(a, b);
	case 2:
		return _mm256_cmpeq_epi16(a, b);
	case 4:
		return _mm256_cmpeq_epi32(a, b);
	default:
		return _mm256_cmpeq_epi64(a, b);
	}
}

static inline __attribute__((always_inline)) size_t find_simd(const unsigned char *p, size_t size,
							      uint64_t bits, size_t first, size_t n)
{
	const __m256i wanted = broadcast(size, bits);
	size_t i = first;

	for (; (n - i) * size >= 32; i += 32 / size) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + i * size));
		__m256i same = equal(size, x, wanted);
		unsigned mask = (unsigned)_mm256_movemask_epi8(same);

		if (mask)
			return i + (size_t)__builtin_ctz(mask) / size;
	}
	return find_scalar(p, size, bits, i, n);
}

size_t QN_ISA(qn_minmax_find)(const void *values, size_t size, uint64_t bits, size_t first,
			      size_t nelems)
{
	switch (size) {
	case 1:
		return find_simd(values, 1, bits, first, nelems);
	case 2:
		return find_simd(values, 2, bits, first, nelems);
	case 4:
		return find_simd(values, 4, bits, first, nelems);
	default:
		return find_simd(values, 8, bits, first, nelems);
	}
}

#else /* no vectors */

NO_VALID_SCAN

void QN_ISA(qn_minmax_scan)(enum quern_dtype t, const void *values, size_t nelems,
			    struct qn_minmax_keys *keys)
{
	scalar[t](values, nelems, keys);
}

size_t QN_ISA(qn_minmax_find)(const void *values, size_t size, uint64_t bits, size_t first,
			      size_t nelems)
{
	return find_scalar(values, size, bits, first, nelems);
}

#endif
