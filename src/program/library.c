/*
 * library.c - functions of the C library, one value after the other, in double: results of float32
 * are rounded from those. Also what is floored of reals, which goes by fmod.
 */
#include <math.h>

#include "program/loops.h"

#define UNARY(name)                                            \
	QN_UNARY_LOOP(name##_f32, f32, float, name((double)x)) \
	QN_UNARY_LOOP(name##_f64, f64, double, name(x))

UNARY(cbrt)
UNARY(exp)
UNARY(log)
UNARY(log10)
UNARY(log2)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)

#define BINARY(name)                                                                   \
	QN_BINARY_LOOP(name##_f32, f32, f32, float, (float)name((double)x, (double)y)) \
	QN_BINARY_LOOP(name##_f64, f64, f64, double, name(x, y))

BINARY(atan2)
BINARY(hypot)
BINARY(pow)

/*
 * Floored division as numpy has it: fmod is exact; what is left gets the sign of the divisor, and
 * the quotient is the whole number nearest to that of what was taken away. By zero they are
 * missing.
 */
#define FLOORED(T, C, FMOD, FLOOR, COPYSIGN)                            \
	static C mod_of_##T(C x, C y)                                   \
	{                                                               \
		const C r = FMOD(x, y);                                 \
                                                                        \
		if (r == 0)                                             \
			return COPYSIGN(0, y);                          \
		return (y < 0) != (r < 0) && r == r ? r + y : r;        \
	}                                                               \
                                                                        \
	static C floordiv_of_##T(C x, C y)                              \
	{                                                               \
		const C r = FMOD(x, y);                                 \
		C q = (x - r) / y;                                      \
                                                                        \
		if (r != 0 && (y < 0) != (r < 0))                       \
			q -= 1;                                         \
		if (q == 0)                                             \
			return COPYSIGN(0, x / y);                      \
		return q - FLOOR(q) > (C)0.5 ? FLOOR(q) + 1 : FLOOR(q); \
	}                                                               \
                                                                        \
	static C fmod_of_##T(C x, C y)                                  \
	{                                                               \
		return FMOD(x, y);                                      \
	}                                                               \
                                                                        \
	static void by_zero_##T(const struct qn_loop_call *call)        \
	{                                                               \
		const qn_##T *b = call->arg[1];                         \
                                                                        \
		for (size_t i = 0; i < call->n; i++)                    \
			if (b[call->one[1] ? 0 : i] == 0)               \
				qn_bit_set(call->lost, i);              \
	}

FLOORED(f32, float, fmodf, floorf, copysignf)
FLOORED(f64, double, fmod, floor, copysign)

#define DIVIDED(name, T, C)                                          \
	QN_BINARY_LOOP(name##_all_##T, T, T, C, name##_of_##T(x, y)) \
                                                                     \
	static void name##_##T(const struct qn_loop_call *call)      \
	{                                                            \
		name##_all_##T(call);                                \
		by_zero_##T(call);                                   \
	}

DIVIDED(mod, f32, float)
DIVIDED(mod, f64, double)
DIVIDED(floordiv, f32, float)
DIVIDED(floordiv, f64, double)
DIVIDED(fmod, f32, float)
DIVIDED(fmod, f64, double)

#define ROWS(OP, name)                                                  \
	{ QN_OP_##OP, QUERN_F32, QUERN_F32, QUERN_F32, name##_f32 },    \
	{                                                               \
		QN_OP_##OP, QUERN_F64, QUERN_F64, QUERN_F64, name##_f64 \
	}

const struct qn_loop qn_loops_library[] = {
	ROWS(CBRT, cbrt), ROWS(EXP, exp),   ROWS(LOG, log),	      ROWS(LOG10, log10),
	ROWS(LOG2, log2), ROWS(SIN, sin),   ROWS(COS, cos),	      ROWS(TAN, tan),
	ROWS(ASIN, asin), ROWS(ACOS, acos), ROWS(ATAN, atan),	      ROWS(SINH, sinh),
	ROWS(COSH, cosh), ROWS(TANH, tanh), ROWS(ATAN2, atan2),	      ROWS(HYPOT, hypot),
	ROWS(POW, pow),	  ROWS(MOD, mod),   ROWS(FLOORDIV, floordiv), ROWS(FMOD, fmod),
	{ .fn = NULL },
};
