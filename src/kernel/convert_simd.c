/*
 * convert_simd.c - values of any type as doubles. Compiled once per ISA.
 */
#include "kernel/convert_simd.h"

#include <string.h>

/* As many lanes as a register has: wider vectors would go through the stack. */
#if defined(__AVX512F__)
#define LANES 8
#elif defined(__AVX2__)
#define LANES 4
#else
#define LANES 2
#endif

typedef double vec_double __attribute__((vector_size(8 * LANES)));
typedef int32_t vec_int __attribute__((vector_size(4 * LANES)));

/* Processors convert to double from int32 (and some from int64) only. */
#define DIRECTLY(x)	 __builtin_convertvector(x, vec_double)
#define THROUGH_INT32(x) __builtin_convertvector(__builtin_convertvector(x, vec_int), vec_double)

/* A vector at a time through the compiler's own, whose conversions use what the ISA has. */
#define DEFINE_CONVERT(NAME, TYPE, HOW)                                                   \
	static void NAME(const unsigned char *p, size_t n, double *out)                   \
	{                                                                                 \
		typedef TYPE vec_type __attribute__((vector_size(LANES * sizeof(TYPE)))); \
		size_t i = 0;                                                             \
                                                                                          \
		for (; i + LANES <= n; i += LANES) {                                      \
			vec_type x;                                                       \
			vec_double y;                                                     \
                                                                                          \
			memcpy(&x, p + i * sizeof(TYPE), sizeof(x));                      \
			y = HOW(x);                                                       \
			memcpy(out + i, &y, sizeof(y));                                   \
		}                                                                         \
		for (; i < n; i++) {                                                      \
			TYPE x;                                                           \
                                                                                          \
			memcpy(&x, p + i * sizeof(x), sizeof(x));                         \
			out[i] = (double)x;                                               \
		}                                                                         \
	}

DEFINE_CONVERT(convert_i8, int8_t, THROUGH_INT32)
DEFINE_CONVERT(convert_u8, uint8_t, THROUGH_INT32)
DEFINE_CONVERT(convert_i16, int16_t, THROUGH_INT32)
DEFINE_CONVERT(convert_u16, uint16_t, THROUGH_INT32)
DEFINE_CONVERT(convert_i32, int32_t, DIRECTLY)
DEFINE_CONVERT(convert_u32, uint32_t, DIRECTLY)
DEFINE_CONVERT(convert_i64, int64_t, DIRECTLY)
DEFINE_CONVERT(convert_u64, uint64_t, DIRECTLY)
DEFINE_CONVERT(convert_f32, float, DIRECTLY)

static void convert_f64(const unsigned char *p, size_t n, double *out)
{
	memcpy(out, p, n * sizeof(*out));
}

void QN_ISA(qn_convert_to_double)(enum quern_dtype t, const void *values, size_t n, double *out)
{
	static void (*const convert[QUERN_NDTYPES])(const unsigned char *, size_t, double *) = {
		[QUERN_I8] = convert_i8,   [QUERN_U8] = convert_u8,   [QUERN_I16] = convert_i16,
		[QUERN_U16] = convert_u16, [QUERN_I32] = convert_i32, [QUERN_U32] = convert_u32,
		[QUERN_I64] = convert_i64, [QUERN_U64] = convert_u64, [QUERN_F32] = convert_f32,
		[QUERN_F64] = convert_f64,
	};

	convert[t](values, n, out);
}
