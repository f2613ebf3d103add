/*
 * swap_simd.c - byte order, and float16 and bfloat16 to float32. Compiled once per ISA.
 *
 * Loops run over blocks of a constant length, which the compiler turns into vector code at -O2.
 */
#include <string.h>

#include "base/isa.h"
#include "feed/swap.h"

qn_convert_fn QN_ISA(qn_swap2), QN_ISA(qn_swap4), QN_ISA(qn_swap8);
qn_convert_fn QN_ISA(qn_widen_half), QN_ISA(qn_widen_swapped_half);
qn_convert_fn QN_ISA(qn_widen_brain), QN_ISA(qn_widen_swapped_brain);

#define BLOCK 64

/* Defines name(in, n, out), which applies f to elements of type IN giving type OUT. */
#define DEFINE_CONVERT(name, IN, OUT, f)                                                  \
	static inline void name##_all(const IN *restrict in, size_t n, OUT *restrict out) \
	{                                                                                 \
		for (; n >= BLOCK; n -= BLOCK, in += BLOCK, out += BLOCK)                 \
			for (int i = 0; i < BLOCK; i++)                                   \
				out[i] = f(in[i]);                                        \
		for (size_t i = 0; i < n; i++)                                            \
			out[i] = f(in[i]);                                                \
	}                                                                                 \
                                                                                          \
	void QN_ISA(name)(const void *in, size_t n, void *out)                            \
	{                                                                                 \
		name##_all(in, n, out);                                                   \
	}

/*
 * A half as the bits of a float. Shifted into place, the exponent is too small by 127 - 15 = 112,
 * and multiplying by 2^112 puts that right, subnormals included, exactly. Infinity and NaN, with
 * the largest exponent, get the largest exponent again.
 */
static inline uint32_t widen(uint16_t half)
{
	const uint32_t two_112 = (127u + 112u) << 23, float_exponent = 0x7f800000;
	uint32_t shifted = (uint32_t)(half & 0x7fff) << 13, bits;
	float x, scale;

	memcpy(&x, &shifted, sizeof(x));
	memcpy(&scale, &two_112, sizeof(scale));
	x *= scale;
	memcpy(&bits, &x, sizeof(bits));
	bits |= (half & 0x7c00) == 0x7c00 ? float_exponent : 0;
	return bits | (uint32_t)(half & 0x8000) << 16;
}

static inline uint32_t widen_swapped(uint16_t half)
{
	return widen(__builtin_bswap16(half));
}

/* A bfloat16 is the upper half of a float. */
static inline uint32_t widen_brain(uint16_t brain)
{
	return (uint32_t)brain << 16;
}

static inline uint32_t widen_swapped_brain(uint16_t brain)
{
	return (uint32_t)__builtin_bswap16(brain) << 16;
}

DEFINE_CONVERT(qn_swap2, uint16_t, uint16_t, __builtin_bswap16)
DEFINE_CONVERT(qn_swap4, uint32_t, uint32_t, __builtin_bswap32)
DEFINE_CONVERT(qn_swap8, uint64_t, uint64_t, __builtin_bswap64)
DEFINE_CONVERT(qn_widen_half, uint16_t, uint32_t, widen)
DEFINE_CONVERT(qn_widen_swapped_half, uint16_t, uint32_t, widen_swapped)
DEFINE_CONVERT(qn_widen_brain, uint16_t, uint32_t, widen_brain)
DEFINE_CONVERT(qn_widen_swapped_brain, uint16_t, uint32_t, widen_swapped_brain)
