/*
 * real_simd.c - arithmetic of float32 and float64, conversions, and choosing between two values.
 * Compiled once per ISA: loops of constant length, whose operations round once each, whatever
 * vectors they become.
 */
#include <math.h>

#include "program/loops.h"

#define PI 3.14159265358979323846

#define ARITHMETIC(T, C)                                               \
	QN_BINARY_LOOP(add_##T, T, T, C, x + y)                        \
	QN_BINARY_LOOP(sub_##T, T, T, C, x - y)                        \
	QN_BINARY_LOOP(mul_##T, T, T, C, x *y)                         \
	QN_BINARY_LOOP(quotient_##T, T, T, C, x / y)                   \
	/* NaN if one of them is: the first in order that is. */       \
	QN_BINARY_LOOP(min_##T, T, T, C, ((x < y) | (x != x)) ? x : y) \
	QN_BINARY_LOOP(max_##T, T, T, C, ((x > y) | (x != x)) ? x : y) \
	QN_UNARY_LOOP(neg_##T, T, C, -x)                               \
	QN_UNARY_LOOP(sign_##T, T, C, x != x ? x : (C)((x > 0) - (x < 0)))

ARITHMETIC(f32, float)
ARITHMETIC(f64, double)

QN_UNARY_LOOP(abs_f32, f32, float, fabsf(x))
QN_UNARY_LOOP(abs_f64, f64, double, fabs(x))
QN_UNARY_LOOP(sqrt_f32, f32, float, sqrtf(x))
QN_UNARY_LOOP(sqrt_f64, f64, double, sqrt(x))
QN_UNARY_LOOP(floor_f32, f32, float, floorf(x))
QN_UNARY_LOOP(floor_f64, f64, double, floor(x))
QN_UNARY_LOOP(ceil_f32, f32, float, ceilf(x))
QN_UNARY_LOOP(ceil_f64, f64, double, ceil(x))
QN_UNARY_LOOP(trunc_f32, f32, float, truncf(x))
QN_UNARY_LOOP(trunc_f64, f64, double, trunc(x))
QN_UNARY_LOOP(round_f32, f32, float, rintf(x))
QN_UNARY_LOOP(round_f64, f64, double, rint(x))
QN_UNARY_LOOP(radians_f32, f32, float, (double)x *(PI / 180))
QN_UNARY_LOOP(radians_f64, f64, double, x *(PI / 180))
QN_UNARY_LOOP(degrees_f32, f32, float, (double)x *(180 / PI))
QN_UNARY_LOOP(degrees_f64, f64, double, x *(180 / PI))

/* --- division: 0 / 0 is missing, which is rare, and looked for where there are zeros --- */

#define DIVISION(T)                                                                       \
	static bool has_zero_##T(const qn_##T *b, size_t n)                               \
	{                                                                                 \
		int zero = 0;                                                             \
                                                                                          \
		for (; n >= QN_STEP; n -= QN_STEP, b += QN_STEP)                          \
			for (size_t k = 0; k < QN_STEP; k++)                              \
				zero |= b[k] == 0;                                        \
		for (size_t k = 0; k < n; k++)                                            \
			zero |= b[k] == 0;                                                \
		return zero != 0;                                                         \
	}                                                                                 \
                                                                                          \
	static void div_##T(const struct qn_loop_call *call)                              \
	{                                                                                 \
		const qn_##T *a = call->arg[0], *b = call->arg[1];                        \
                                                                                          \
		quotient_##T(call);                                                       \
		if (!has_zero_##T(b, call->one[1] ? 1 : call->n))                         \
			return;                                                           \
		for (size_t i = 0; i < call->n; i++)                                      \
			if (a[call->one[0] ? 0 : i] == 0 && b[call->one[1] ? 0 : i] == 0) \
				qn_bit_set(call->lost, i);                                \
	}

DIVISION(f32)
DIVISION(f64)

/* --- conversions --- */

QN_UNARY_LOOP(i64_i8, i8, int64_t, x)
QN_UNARY_LOOP(i64_u8, u8, int64_t, x)
QN_UNARY_LOOP(i64_i16, i16, int64_t, x)
QN_UNARY_LOOP(i64_u16, u16, int64_t, x)
QN_UNARY_LOOP(i64_i32, i32, int64_t, x)
QN_UNARY_LOOP(i64_u32, u32, int64_t, x)
QN_UNARY_LOOP(f32_i8, i8, float, x)
QN_UNARY_LOOP(f32_u8, u8, float, x)
QN_UNARY_LOOP(f32_i16, i16, float, x)
QN_UNARY_LOOP(f32_u16, u16, float, x)
QN_UNARY_LOOP(f64_i8, i8, double, x)
QN_UNARY_LOOP(f64_u8, u8, double, x)
QN_UNARY_LOOP(f64_i16, i16, double, x)
QN_UNARY_LOOP(f64_u16, u16, double, x)
QN_UNARY_LOOP(f64_i32, i32, double, x)
QN_UNARY_LOOP(f64_u32, u32, double, x)
QN_UNARY_LOOP(f64_i64, i64, double, x)
QN_UNARY_LOOP(f64_u64, u64, double, x)
QN_UNARY_LOOP(f64_f32, f32, double, x)

/* Bits as 0 and 1. */
#define FROM_BITS(T, C)                                           \
	static void T##_bits(const struct qn_loop_call *call)     \
	{                                                         \
		const uint64_t *bits = call->arg[0];              \
		C *restrict out = call->out;                      \
                                                                  \
		for (size_t i = 0; i < call->n; i++)              \
			out[i] = (C)(bits[i / 64] >> i % 64 & 1); \
	}

FROM_BITS(u8, uint8_t)
FROM_BITS(i64, int64_t)
FROM_BITS(f32, float)
FROM_BITS(f64, double)

/* --- where: by the size of the values, whatever they are --- */

#define BITS_4(b)  UINT64_C(1) << (b), UINT64_C(2) << (b), UINT64_C(4) << (b), UINT64_C(8) << (b)
#define BITS_16(b) BITS_4(b), BITS_4((b) + 4), BITS_4((b) + 8), BITS_4((b) + 12)
#define BITS_32(b) BITS_16(b), BITS_16((b) + 16)

typedef uint32_t any_u32 __attribute__((may_alias));
typedef uint64_t any_u64 __attribute__((may_alias));

static const uint32_t bit_u32[32] = { BITS_32(0) };
static const uint64_t bit_u64[64] = { BITS_32(0), BITS_32(32) };

#define WHERE(T, C, NBITS)                                                                         \
	static inline __attribute__((always_inline)) void choose_##T(                              \
		const struct qn_loop_call *call, bool b_one, bool c_one)                           \
	{                                                                                          \
		const uint64_t *bits = call->arg[0];                                               \
		const any_##T *b = call->arg[1], *c = call->arg[2];                                \
		any_##T *restrict out = call->out;                                                 \
		const C one_b = *b, one_c = *c;                                                    \
		size_t i = 0;                                                                      \
                                                                                                   \
		for (; i + (NBITS) <= call->n; i += (NBITS)) {                                     \
			const C w = (C)(bits[i / 64] >> i % 64);                                   \
                                                                                                   \
			QN_NO_OVERLAP for (size_t k = 0; k < (NBITS); k++)                         \
			{                                                                          \
				const C yes = b_one ? one_b : b[i + k];                            \
				const C no = c_one ? one_c : c[i + k];                             \
                                                                                                   \
				out[i + k] = w & bit_##T[k] ? yes : no;                            \
			}                                                                          \
		}                                                                                  \
		for (; i < call->n; i++)                                                           \
			out[i] = bits[i / 64] >> i % 64 & 1 ? b[b_one ? 0 : i] : c[c_one ? 0 : i]; \
	}                                                                                          \
                                                                                                   \
	static void where_##T(const struct qn_loop_call *call)                                     \
	{                                                                                          \
		if (call->one[1] && call->one[2])                                                  \
			choose_##T(call, true, true);                                              \
		else if (call->one[1])                                                             \
			choose_##T(call, true, false);                                             \
		else if (call->one[2])                                                             \
			choose_##T(call, false, true);                                             \
		else                                                                               \
			choose_##T(call, false, false);                                            \
	}

WHERE(u32, uint32_t, 32)
WHERE(u64, uint64_t, 64)

/* --- the table --- */

#define ROWS(OP, name)                                                  \
	{ QN_OP_##OP, QUERN_F32, QUERN_F32, QUERN_F32, name##_f32 },    \
	{                                                               \
		QN_OP_##OP, QUERN_F64, QUERN_F64, QUERN_F64, name##_f64 \
	}
#define CONVERT(FROM, TO, fn)                     \
	{                                         \
		QN_OP_CONVERT, FROM, FROM, TO, fn \
	}
#define CHOOSE(TYPE, fn)                             \
	{                                            \
		QN_OP_WHERE, QN_BITS, TYPE, TYPE, fn \
	}

static const struct qn_loop loops[] = {
	ROWS(ADD, add),
	ROWS(SUB, sub),
	ROWS(MUL, mul),
	ROWS(DIV, div),
	ROWS(MIN, min),
	ROWS(MAX, max),
	ROWS(NEG, neg),
	ROWS(ABS, abs),
	ROWS(SIGN, sign),
	ROWS(SQRT, sqrt),
	ROWS(FLOOR, floor),
	ROWS(CEIL, ceil),
	ROWS(TRUNC, trunc),
	ROWS(ROUND, round),
	ROWS(RADIANS, radians),
	ROWS(DEGREES, degrees),
	CONVERT(QUERN_I8, QUERN_I64, i64_i8),
	CONVERT(QUERN_U8, QUERN_I64, i64_u8),
	CONVERT(QUERN_I16, QUERN_I64, i64_i16),
	CONVERT(QUERN_U16, QUERN_I64, i64_u16),
	CONVERT(QUERN_I32, QUERN_I64, i64_i32),
	CONVERT(QUERN_U32, QUERN_I64, i64_u32),
	CONVERT(QUERN_I8, QUERN_F32, f32_i8),
	CONVERT(QUERN_U8, QUERN_F32, f32_u8),
	CONVERT(QUERN_I16, QUERN_F32, f32_i16),
	CONVERT(QUERN_U16, QUERN_F32, f32_u16),
	CONVERT(QUERN_I8, QUERN_F64, f64_i8),
	CONVERT(QUERN_U8, QUERN_F64, f64_u8),
	CONVERT(QUERN_I16, QUERN_F64, f64_i16),
	CONVERT(QUERN_U16, QUERN_F64, f64_u16),
	CONVERT(QUERN_I32, QUERN_F64, f64_i32),
	CONVERT(QUERN_U32, QUERN_F64, f64_u32),
	CONVERT(QUERN_I64, QUERN_F64, f64_i64),
	CONVERT(QUERN_U64, QUERN_F64, f64_u64),
	CONVERT(QUERN_F32, QUERN_F64, f64_f32),
	CONVERT(QN_BITS, QUERN_U8, u8_bits),
	CONVERT(QN_BITS, QUERN_I64, i64_bits),
	CONVERT(QN_BITS, QUERN_F32, f32_bits),
	CONVERT(QN_BITS, QUERN_F64, f64_bits),
	CHOOSE(QUERN_F32, where_u32),
	CHOOSE(QUERN_F64, where_u64),
	CHOOSE(QUERN_I64, where_u64),
	CHOOSE(QUERN_U64, where_u64),
	{ .fn = NULL },
};

const struct qn_loop *QN_ISA(qn_loops_real)(void)
{
	return loops;
}
