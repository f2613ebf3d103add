/*
 * column_blank.c - copies of elements in which those that are left out are zero.
 */
#include <string.h>

#include "base/bitmap.h"
#include "columns/column_parts.h"
#include "exact/cut.h"
#include "exact/vec.h"

/* Elements that are looked at together: one word of a bitmap. */
#define CHUNK 64

static void set_bits(uint64_t *map, size_t bit, uint64_t bits)
{
	const size_t word = bit / 64, shift = bit % 64;

	if (bits << shift)
		map[word] |= bits << shift;
	if (shift && bits >> (64 - shift))
		map[word + 1] |= bits >> (64 - shift);
}

/* Bits of those of CHUNK numbers that are infinite or NaN. */
static uint64_t special_f32(const uint32_t *x)
{
	uint64_t special = 0;

#if defined(__AVX512F__)
	for (int i = 0; i < CHUNK; i += 16) {
		const __m512i v = _mm512_slli_epi32(_mm512_loadu_si512(x + i), 1);

		special |= (uint64_t)_mm512_cmpge_epu32_mask(v, _mm512_set1_epi32((int)0xff000000))
			   << i;
	}
#elif defined(__AVX2__)
	const __m256i infinity = _mm256_set1_epi32(0x7f800000);

	for (int i = 0; i < CHUNK; i += 8) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));

		v = _mm256_cmpeq_epi32(_mm256_and_si256(v, infinity), infinity);
		special |= (uint64_t)(uint32_t)_mm256_movemask_ps((__m256)v) << i;
	}
#else
	for (int i = 0; i < CHUNK; i++)
		special |= (uint64_t)((x[i] & 0x7f800000) == 0x7f800000) << i;
#endif
	return special;
}

static uint64_t special_f64(const uint64_t *x)
{
	const uint64_t infinity = UINT64_C(0x7ff) << 52;
	uint64_t special = 0;

	for (int i = 0; i < CHUNK; i++)
		special |= (uint64_t)((x[i] & infinity) == infinity) << i;
	return special;
}

static uint64_t special_none(const void *x)
{
	(void)x;
	return 0;
}

/* clear_N: zeros those of CHUNK elements of N bytes that are not kept. */
#define DEFINE_CLEAR(N, type)                                                 \
	QN_INLINE void clear_##N(type *x, uint64_t keep)                      \
	{                                                                     \
		for (int i = 0; i < CHUNK; i++)                               \
			x[i] = (type)(x[i] & (type) - (type)(keep >> i & 1)); \
	}

DEFINE_CLEAR(1, uint8_t)
DEFINE_CLEAR(2, uint16_t)

/* With the bits of a vector's lanes in all of them, each lane looks at its own. Vectors are not variables whose address
   is taken: gcc 12 with sanitizers does not align these as they must be. */
static const uint32_t bit_of_4[16] = { 1,	1 << 1,	 1 << 2,  1 << 3, 1 << 4,  1 << 5,
				       1 << 6,	1 << 7,	 1 << 8,  1 << 9, 1 << 10, 1 << 11,
				       1 << 12, 1 << 13, 1 << 14, 1 << 15 };
static const uint64_t bit_of_8[8] = { 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7 };

#define DEFINE_CLEAR_LANES(N, type, LANES)                                                     \
	typedef type lanes_##N __attribute__((vector_size(QN_VBYTES), aligned(1), may_alias)); \
                                                                                               \
	QN_INLINE void clear_##N(type *x, uint64_t keep)                                       \
	{                                                                                      \
		const lanes_##N own = *(const lanes_##N *)(const void *)bit_of_##N;            \
                                                                                               \
		for (int i = 0; i < CHUNK; i += (LANES)) {                                     \
			const lanes_##N bits = (lanes_##N){ 0 } + (type)(keep >> i);           \
                                                                                               \
			*(lanes_##N *)(void *)(x + i) &= (lanes_##N)((bits & own) != 0);       \
		}                                                                              \
	}

DEFINE_CLEAR_LANES(4, uint32_t, QN_VF)
DEFINE_CLEAR_LANES(8, uint64_t, QN_VD)

/* copy_N: mostly all of them, which takes few instructions as compilers know the number. */
#define DEFINE_COPY(N)                                                                  \
	QN_INLINE void copy_##N(void *restrict to, const void *restrict from, size_t n) \
	{                                                                               \
		if (n == CHUNK)                                                         \
			memcpy(to, from, CHUNK *(N));                                   \
		else                                                                    \
			memcpy(to, from, n *(N));                                       \
	}

DEFINE_COPY(1)
DEFINE_COPY(2)
DEFINE_COPY(4)
DEFINE_COPY(8)

/* keep_NAME: zeros those of CHUNK elements that are not kept, or whose EXPONENT bits are all set, and
   returns the bits of the latter; any: gets the bits of what is left. */
#define DEFINE_KEEP(NAME, N, type, EXPONENT, SPECIAL)                                             \
	static uint64_t keep_##NAME(type *x, uint64_t keep, uint64_t *any)                        \
	{                                                                                         \
		type left = 0, special = 0;                                                       \
                                                                                                  \
		if (keep != UINT64_MAX)                                                           \
			clear_##N(x, keep);                                                       \
		for (int i = 0; i < CHUNK; i++) {                                                 \
			special |= (type)((x[i] & (EXPONENT)) == (EXPONENT));                     \
			left |= x[i];                                                             \
		}                                                                                 \
		*any |= left;                                                                     \
		if (!(EXPONENT) || !special)                                                      \
			return 0;                                                                 \
		keep = SPECIAL(x);                                                                \
		for (int i = 0; i < CHUNK; i++)                                                   \
			x[i] = (x[i] & (EXPONENT)) == (EXPONENT) ? 0 : x[i];                      \
		return keep;                                                                      \
	}                                                                                         \
                                                                                                  \
	static bool blank_##NAME(const char *values, size_t n, const uint64_t *valid, size_t bit, \
				 char *out, uint64_t *special, size_t *nspecial)                  \
	{                                                                                         \
		uint64_t any = 0;                                                                 \
		type x[CHUNK] = { 0 };                                                            \
                                                                                                  \
		for (size_t i = 0, m; i < n; i += m) {                                            \
			uint64_t keep = UINT64_MAX, infinite;                                     \
                                                                                                  \
			m = n - i < CHUNK ? n - i : CHUNK;                                        \
			if (valid || m < CHUNK)                                                   \
				keep = valid ? qn_bitmap_word(valid, bit + i, m)                  \
					     : UINT64_MAX >> (CHUNK - m);                         \
			copy_##N(x, values + i * sizeof(type), m);                                \
			infinite = keep_##NAME(x, keep, &any);                                    \
			if (infinite && special)                                                  \
				set_bits(special, bit + i, infinite);                             \
			*nspecial += (size_t)__builtin_popcountll(infinite);                      \
			copy_##N(out + i * sizeof(type), x, m);                                   \
		}                                                                                 \
		return any != 0;                                                                  \
	}

DEFINE_KEEP(1, 1, uint8_t, 0, special_none)
DEFINE_KEEP(2, 2, uint16_t, 0, special_none)
DEFINE_KEEP(4, 4, uint32_t, 0, special_none)
DEFINE_KEEP(8, 8, uint64_t, 0, special_none)
DEFINE_KEEP(f32, 4, uint32_t, UINT32_C(0x7f800000), special_f32)
DEFINE_KEEP(f64, 8, uint64_t, UINT64_C(0x7ff0000000000000), special_f64)

typedef bool blank_fn(const char *values, size_t n, const uint64_t *valid, size_t bit, char *out,
		      uint64_t *special, size_t *nspecial);

bool QN_ISA(qn_column_blank)(enum quern_dtype t, const char *values, size_t n,
			     const uint64_t *valid, size_t bit, char *out, uint64_t *special,
			     size_t *nspecial)
{
	static blank_fn *const blank[QUERN_NDTYPES] = {
		[QUERN_I8] = blank_1,	 [QUERN_U8] = blank_1,	[QUERN_I16] = blank_2,
		[QUERN_U16] = blank_2,	 [QUERN_I32] = blank_4, [QUERN_U32] = blank_4,
		[QUERN_I64] = blank_8,	 [QUERN_U64] = blank_8, [QUERN_F32] = blank_f32,
		[QUERN_F64] = blank_f64,
	};

	return blank[t](values, n, valid, bit, out, special, nspecial);
}
