/*
 * division.c - what is computed of integers one after the other: floored division and what is left,
 * powers; and int64 compared with uint64. None of it depends on the instruction set.
 */
#include "program/loops.h"

__extension__ typedef __int128 int128;

/* Why there is no result. */
enum outcome { DEFINED, BY_ZERO, BEYOND };

static enum outcome floordiv(int128 x, int128 y, int128 *r)
{
	if (y == 0)
		return BY_ZERO;
	*r = x / y - (x % y != 0 && (x < 0) != (y < 0));
	return DEFINED;
}

static enum outcome mod(int128 x, int128 y, int128 *r)
{
	if (y == 0)
		return BY_ZERO;
	*r = x % y;
	if (*r != 0 && (*r < 0) != (y < 0))
		*r += y;
	return DEFINED;
}

static enum outcome remainder_of(int128 x, int128 y, int128 *r)
{
	if (y == 0)
		return BY_ZERO;
	*r = x % y;
	return DEFINED;
}

/* Ends soon: |x| >= 2 leaves 128 bits after 127 steps. */
static enum outcome power(int128 x, int128 y, int128 *r)
{
	*r = 1;
	if (y < 0)
		return BEYOND;
	if (x >= -1 && x <= 1) {
		*r = y == 0 || x == 1 ? 1 : x == 0 ? 0 : y % 2 ? -1 : 1;
		return DEFINED;
	}
	for (; y > 0; y--)
		if (__builtin_mul_overflow(*r, x, r))
			return BEYOND;
	return DEFINED;
}

typedef enum outcome operation(int128 x, int128 y, int128 *r);

/* Element i of 64 bits, which are signed or not. */
static inline int128 element(const void *values, bool one, bool is_signed, size_t i)
{
	const uint64_t bits = ((const qn_u64 *)values)[one ? 0 : i];

	return is_signed ? (int128)(int64_t)bits : (int128)bits;
}

/* Inlined for each operation and types, so that these are constants. */
static inline __attribute__((always_inline)) void each(const struct qn_loop_call *call,
						       operation *op, bool a_signed, bool b_signed,
						       bool out_signed)
{
	const int128 least = out_signed ? INT64_MIN : 0;
	const int128 most = out_signed ? (int128)INT64_MAX : (int128)UINT64_MAX;
	uint64_t *out = call->out;

	for (size_t i = 0; i < call->n; i++) {
		int128 r = 0;
		enum outcome o = op(element(call->arg[0], call->one[0], a_signed, i),
				    element(call->arg[1], call->one[1], b_signed, i), &r);

		out[i] = (uint64_t)r;
		if (o == BY_ZERO)
			qn_bit_set(call->lost, i);
		else if (o == BEYOND || r < least || r > most)
			qn_bit_set(call->beyond, i);
	}
}

/* Both of 64 bits, signed: divided as such, which is much faster. */
static inline bool is_plain(int64_t x, int64_t y)
{
	return y != 0 && !(y == -1 && x == INT64_MIN);
}

#define SIGNED_LOOP(name, op, EXPRESSION)                          \
	static void name##_ii(const struct qn_loop_call *call)     \
	{                                                          \
		const qn_i64 *a = call->arg[0], *b = call->arg[1]; \
		int64_t *out = call->out;                          \
                                                                   \
		for (size_t i = 0; i < call->n; i++) {             \
			const int64_t x = a[call->one[0] ? 0 : i]; \
			const int64_t y = b[call->one[1] ? 0 : i]; \
                                                                   \
			if (!is_plain(x, y)) {                     \
				each(call, op, true, true, true);  \
				return;                            \
			}                                          \
			out[i] = EXPRESSION;                       \
		}                                                  \
	}

SIGNED_LOOP(floordiv, floordiv, x / y - (x % y != 0 && (x < 0) != (y < 0)))
SIGNED_LOOP(mod, mod, x % y + (x % y != 0 && (x % y < 0) != (y < 0) ? y : 0))
SIGNED_LOOP(fmod, remainder_of, x % y)

#define LOOP(name, op, suffix, a_signed, b_signed, out_signed)       \
	static void name##_##suffix(const struct qn_loop_call *call) \
	{                                                            \
		each(call, op, a_signed, b_signed, out_signed);      \
	}
#define MIXED_LOOPS(name, op)                   \
	LOOP(name, op, uu, false, false, false) \
	LOOP(name, op, iu, true, false, true)   \
	LOOP(name, op, ui, false, true, true)

MIXED_LOOPS(floordiv, floordiv)
MIXED_LOOPS(mod, mod)
MIXED_LOOPS(fmod, remainder_of)
MIXED_LOOPS(pow, power)
LOOP(pow, power, ii, true, true, true)

/* --- comparisons of int64 with uint64 --- */

#define COMPARE(name, a_signed, OP)                                                              \
	static void name(const struct qn_loop_call *call)                                        \
	{                                                                                        \
		uint64_t *out = call->out;                                                       \
                                                                                                 \
		for (size_t i = 0; i < call->n; i++) {                                           \
			const int128 x = element(call->arg[0], call->one[0], a_signed, i);       \
			const int128 y = element(call->arg[1], call->one[1], !(a_signed), i);    \
                                                                                                 \
			out[i / 64] = (i % 64 ? out[i / 64] : 0) | (uint64_t)(x OP y) << i % 64; \
		}                                                                                \
	}

#define COMPARISONS(name, OP)        \
	COMPARE(name##_iu, true, OP) \
	COMPARE(name##_ui, false, OP)

COMPARISONS(lt, <)
COMPARISONS(le, <=)
COMPARISONS(eq, ==)
COMPARISONS(ne, !=)

#define ROWS(OP, name)                                                      \
	{ QN_OP_##OP, QUERN_I64, QUERN_I64, QUERN_I64, name##_ii },         \
		{ QN_OP_##OP, QUERN_U64, QUERN_U64, QUERN_U64, name##_uu }, \
		{ QN_OP_##OP, QUERN_I64, QUERN_U64, QUERN_I64, name##_iu }, \
	{                                                                   \
		QN_OP_##OP, QUERN_U64, QUERN_I64, QUERN_I64, name##_ui      \
	}
#define COMPARE_ROWS(OP, name)                                       \
	{ QN_OP_##OP, QUERN_I64, QUERN_U64, QN_BITS, name##_iu },    \
	{                                                            \
		QN_OP_##OP, QUERN_U64, QUERN_I64, QN_BITS, name##_ui \
	}

const struct qn_loop qn_loops_division[] = {
	ROWS(FLOORDIV, floordiv), ROWS(MOD, mod),	ROWS(FMOD, fmod),
	ROWS(POW, pow),		  COMPARE_ROWS(LT, lt), COMPARE_ROWS(LE, le),
	COMPARE_ROWS(EQ, eq),	  COMPARE_ROWS(NE, ne), { .fn = NULL },
};
