/*
 * minmax_simd.c - the extremes of an array, and where a value is. Compiled once per ISA.
 */
#include "minmax_simd.h"

#include <string.h>

/* Element by element. KEY turns x, of type TYPE, into its key. */
#define DEFINE_SCALAR(NAME, TYPE, KEY)                                                            \
	static void NAME(const unsigned char *p, size_t n, struct qn_minmax_keys *keys)           \
	{                                                                                         \
		keys->min = INT64_MAX;                                                            \
		keys->max = INT64_MIN;                                                            \
		for (size_t i = 0; i < n; i++) {                                                  \
			TYPE x;                                                                   \
			int64_t key;                                                              \
                                                                                                  \
			memcpy(&x, p + i * sizeof(x), sizeof(x));                                 \
			key = KEY(x);                                                             \
			keys->min = key < keys->min ? key : keys->min;                            \
			keys->max = key > keys->max ? key : keys->max;                            \
		}                                                                                 \
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

#if defined(__AVX2__)
#include <immintrin.h>

#define WIDTH 32 /* bytes of a vector */

typedef __m256i vec;

static inline vec load(const unsigned char *p)
{
	return _mm256_loadu_si256((const vec *)(const void *)p);
}

static inline vec min64(vec a, vec b)
{
	return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

static inline vec max64(vec a, vec b)
{
	return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

static inline vec load_as_is(const unsigned char *p)
{
	return load(p);
}

static inline vec load_keys_u64(const unsigned char *p)
{
	return _mm256_xor_si256(load(p), _mm256_set1_epi64x(INT64_MIN));
}

static inline vec load_keys_f64(const unsigned char *p)
{
	vec x = load(p), negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);

	return _mm256_xor_si256(x, _mm256_srli_epi64(negative, 1));
}

/*
 * Four pairs of accumulators hide the latency of an operation. As an extreme does not mind seeing a
 * value twice, the last vector may overlap the one before it. The lanes are then stored, lowest and
 * highest together, and FINISH, the scan element by element of what LOAD gives, ends the work.
 */
#define DEFINE_SCAN(NAME, SIZE, LOAD, MIN, MAX, FINISH)                                           \
	static void NAME(const unsigned char *p, size_t n, struct qn_minmax_keys *keys)           \
	{                                                                                         \
		const size_t nbytes = n * (SIZE);                                                 \
		vec first = LOAD(p), ends[2];                                                     \
		vec lo0 = first, lo1 = first, lo2 = first, lo3 = first;                           \
		vec hi0 = first, hi1 = first, hi2 = first, hi3 = first;                           \
		size_t at = 0;                                                                    \
                                                                                                  \
		for (; at + 4 * WIDTH <= nbytes; at += 4 * WIDTH) {                               \
			vec x0 = LOAD(p + at), x1 = LOAD(p + at + WIDTH);                         \
			vec x2 = LOAD(p + at + 2 * WIDTH), x3 = LOAD(p + at + 3 * WIDTH);         \
                                                                                                  \
			lo0 = MIN(lo0, x0), hi0 = MAX(hi0, x0);                                   \
			lo1 = MIN(lo1, x1), hi1 = MAX(hi1, x1);                                   \
			lo2 = MIN(lo2, x2), hi2 = MAX(hi2, x2);                                   \
			lo3 = MIN(lo3, x3), hi3 = MAX(hi3, x3);                                   \
		}                                                                                 \
		for (; at < nbytes; at += WIDTH) {                                                \
			vec x0 = LOAD(p + (at + WIDTH <= nbytes ? at : nbytes - WIDTH));          \
                                                                                                  \
			lo0 = MIN(lo0, x0), hi0 = MAX(hi0, x0);                                   \
		}                                                                                 \
		ends[0] = MIN(MIN(lo0, lo1), MIN(lo2, lo3));                                      \
		ends[1] = MAX(MAX(hi0, hi1), MAX(hi2, hi3));                                      \
		FINISH((const unsigned char *)ends, sizeof(ends) / (SIZE), keys);                 \
	}

DEFINE_SCAN(scan_i8, 1, load_as_is, _mm256_min_epi8, _mm256_max_epi8, scalar_i8)
DEFINE_SCAN(scan_u8, 1, load_as_is, _mm256_min_epu8, _mm256_max_epu8, scalar_u8)
DEFINE_SCAN(scan_i16, 2, load_as_is, _mm256_min_epi16, _mm256_max_epi16, scalar_i16)
DEFINE_SCAN(scan_u16, 2, load_as_is, _mm256_min_epu16, _mm256_max_epu16, scalar_u16)
DEFINE_SCAN(scan_i32, 4, load_as_is, _mm256_min_epi32, _mm256_max_epi32, scalar_i32)
DEFINE_SCAN(scan_u32, 4, load_as_is, _mm256_min_epu32, _mm256_max_epu32, scalar_u32)
DEFINE_SCAN(scan_i64, 8, load_as_is, min64, max64, scalar_i64)
DEFINE_SCAN(scan_u64, 8, load_keys_u64, min64, max64, scalar_i64)
DEFINE_SCAN(scan_f64_keys, 8, load_keys_f64, min64, max64, scalar_i64)

/*
 * float32 needs no keys. Its bits, as unsigned integers, put every negative number above all
 * others, the lowest at the top; as signed integers they order the others. So the greatest signed,
 * the greatest unsigned and the least unsigned bits are among them, and the extremes are always two
 * of these three:
 *
 *	values           | min              | max
 *	some of each     | greatest unsigned | greatest signed
 *	none negative    | least unsigned    | greatest signed
 *	all negative     | greatest unsigned | least unsigned
 *
 * so a scan of the three finds both.
 */
static void scan_f32(const unsigned char *p, size_t n, struct qn_minmax_keys *keys)
{
	const size_t nbytes = 4 * n;
	vec first = load(p), ends[3];
	vec s0 = first, s1 = first, g0 = first, g1 = first, l0 = first, l1 = first;
	size_t at = 0;

	for (; at + 2 * WIDTH <= nbytes; at += 2 * WIDTH) {
		vec x0 = load(p + at), x1 = load(p + at + WIDTH);

		s0 = _mm256_max_epi32(s0, x0), s1 = _mm256_max_epi32(s1, x1);
		g0 = _mm256_max_epu32(g0, x0), g1 = _mm256_max_epu32(g1, x1);
		l0 = _mm256_min_epu32(l0, x0), l1 = _mm256_min_epu32(l1, x1);
	}
	if (at < nbytes) {
		vec x0 = load(p + nbytes - WIDTH);

		s0 = _mm256_max_epi32(s0, x0);
		g0 = _mm256_max_epu32(g0, x0);
		l0 = _mm256_min_epu32(l0, x0);
		if (at + WIDTH < nbytes) {
			x0 = load(p + at);
			s0 = _mm256_max_epi32(s0, x0);
			g0 = _mm256_max_epu32(g0, x0);
			l0 = _mm256_min_epu32(l0, x0);
		}
	}
	ends[0] = _mm256_max_epi32(s0, s1);
	ends[1] = _mm256_max_epu32(g0, g1);
	ends[2] = _mm256_min_epu32(l0, l1);
	scalar_f32((const unsigned char *)ends, sizeof(ends) / 4, keys);
}

static inline __m256d load_f64(const unsigned char *p)
{
	return _mm256_loadu_pd((const double *)(const void *)p);
}

/*
 * float64 by the comparisons of the processor, which are faster than those of 64-bit keys. They do
 * not tell -0 from +0, and pass over NaN: then the keys are scanned after all.
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

/* `bits` in every element of a vector. */
static vec broadcast(size_t size, uint64_t bits)
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

static inline vec equal(size_t size, vec a, vec b)
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

static inline __attribute__((always_inline)) size_t
find_simd(const unsigned char *p, size_t size, uint64_t bits, size_t first, size_t n)
{
	const vec wanted = broadcast(size, bits);
	size_t i = first;

	for (; (n - i) * size >= WIDTH; i += WIDTH / size) {
		vec same = equal(size, load(p + i * size), wanted);
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
