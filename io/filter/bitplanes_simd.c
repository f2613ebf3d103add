/*
 * bitplanes_simd.c - transposing matrices of 8 x 8 bits. Compiled once per ISA.
 *
 * Three exchanges of the two off-diagonal quarters of blocks: of 2 x 2 bits, of 4 x 4, of 8 x 8. In a
 * little-endian number, bit k of byte i is bit 8 i + k, so that the partner of a bit above the
 * diagonal is 7, 14 or 28 places higher.
 */
#include <string.h>

#include "base/isa.h"
#include "io/filter/bitplanes.h"

void QN_ISA(qn_transpose_bits)(uint8_t *bytes, size_t n);

#if defined(__AVX512F__)
#define VEC_NBYTES 64
#elif defined(__AVX2__)
#define VEC_NBYTES 32
#else
#define VEC_NBYTES 16
#endif

typedef uint64_t vec __attribute__((vector_size(VEC_NBYTES)));

/* A macro, because it works on numbers and on vectors. */
#define EXCHANGE(x, mask, shift)                               \
	do {                                                   \
		t = ((x) ^ ((x) >> (shift))) & UINT64_C(mask); \
		(x) ^= t ^ (t << (shift));                     \
	} while (0)

static inline uint64_t transpose_one(uint64_t x)
{
	uint64_t t;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	EXCHANGE(x, 0x00aa00aa00aa00aa, 7);
	EXCHANGE(x, 0x0000cccc0000cccc, 14);
	EXCHANGE(x, 0x00000000f0f0f0f0, 28);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline vec transpose_vec(vec x)
{
	vec t;

	EXCHANGE(x, 0x00aa00aa00aa00aa, 7);
	EXCHANGE(x, 0x0000cccc0000cccc, 14);
	EXCHANGE(x, 0x00000000f0f0f0f0, 28);
	return x;
}
#endif

void QN_ISA(qn_transpose_bits)(uint8_t *bytes, size_t n)
{
	size_t i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; i + VEC_NBYTES / 8 <= n; i += VEC_NBYTES / 8) {
		vec v;

		memcpy(&v, bytes + 8 * i, sizeof(v));
		v = transpose_vec(v);
		memcpy(bytes + 8 * i, &v, sizeof(v));
	}
#endif
	for (; i < n; i++) {
		uint64_t x;

		memcpy(&x, bytes + 8 * i, sizeof(x));
		x = transpose_one(x);
		memcpy(bytes + 8 * i, &x, sizeof(x));
	}
}
