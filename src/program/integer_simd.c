/*
 * integer_simd.c - sums, differences and products of integers of 64 bits that do not wrap. Compiled
 * once per ISA.
 *
 * A loop computes all results modulo 2^64 and whether any of them may be beyond 64 bits; only then
 * another one looks at each, and marks those that are. int64 with uint64, which is rare, is always
 * looked at.
 */
#include "program/loops.h"

__extension__ typedef __int128 int128;

/*
 * CHECKED(name, TA, TB, TO, WRAPPED, SUSPECT, BEYOND): r = WRAPPED, of x and y, or a and b as they
 * are in uint64; not 0 if it may be wrong: SUSPECT; puts the result into *to and tells whether it
 * is beyond TO: BEYOND.
 */
#define CHECKED(name, TA, TB, TO, WRAPPED, SUSPECT, BEYOND)                              \
	static inline __attribute__((always_inline))                                     \
	uint64_t name##_wrapped(const struct qn_loop_call *call, bool a_one, bool b_one) \
	{                                                                                \
		const qn_u64 *a = call->arg[0], *b = call->arg[1];                       \
		const uint64_t one_a = *a, one_b = *b;                                   \
		uint64_t *restrict out = call->out, any = 0;                             \
		size_t i = 0;                                                            \
                                                                                         \
		for (; i + QN_STEP <= call->n; i += QN_STEP)                             \
			QN_NO_OVERLAP for (size_t k = 0; k < QN_STEP; k++)               \
			{                                                                \
				const uint64_t x = a_one ? one_a : a[i + k];             \
				const uint64_t y = b_one ? one_b : b[i + k];             \
				const uint64_t r = WRAPPED;                              \
                                                                                         \
				out[i + k] = r;                                          \
				any |= SUSPECT;                                          \
			}                                                                \
		for (; i < call->n; i++) {                                               \
			const uint64_t x = a_one ? one_a : a[i];                         \
			const uint64_t y = b_one ? one_b : b[i];                         \
			const uint64_t r = WRAPPED;                                      \
                                                                                         \
			out[i] = r;                                                      \
			any |= SUSPECT;                                                  \
		}                                                                        \
		return any;                                                              \
	}                                                                                \
                                                                                         \
	static void name##_exact(const struct qn_loop_call *call)                        \
	{                                                                                \
		const qn_##TA *a = call->arg[0];                                         \
		const qn_##TB *b = call->arg[1];                                         \
		TO *out = call->out;                                                     \
                                                                                         \
		for (size_t i = 0; i < call->n; i++) {                                   \
			const qn_##TA x = a[call->one[0] ? 0 : i];                       \
			const qn_##TB y = b[call->one[1] ? 0 : i];                       \
			TO *const to = &out[i];                                          \
                                                                                         \
			if (BEYOND)                                                      \
				qn_bit_set(call->beyond, i);                             \
		}                                                                        \
	}                                                                                \
                                                                                         \
	static void name(const struct qn_loop_call *call)                                \
	{                                                                                \
		uint64_t any;                                                            \
                                                                                         \
		if (call->one[1])                                                        \
			any = name##_wrapped(call, false, true);                         \
		else if (call->one[0])                                                   \
			any = name##_wrapped(call, true, false);                         \
		else                                                                     \
			any = name##_wrapped(call, false, false);                        \
		if (any)                                                                 \
			name##_exact(call);                                              \
	}

/* The carry out of the highest bit. */
#define CARRY ((x & y) | ((x | y) & ~r)) >> 63
/* Is one of them not within 31 bits and a sign? */
#define LARGE ((x + (UINT64_C(1) << 31)) | (y + (UINT64_C(1) << 31))) >> 32

CHECKED(add_ii, i64, i64, int64_t, x + y, ((x ^ r) & (y ^ r)) >> 63,
	__builtin_add_overflow(x, y, to))
CHECKED(add_uu, u64, u64, uint64_t, x + y, CARRY, __builtin_add_overflow(x, y, to))
CHECKED(add_iu, i64, u64, int64_t, x + y, 1, __builtin_add_overflow(x, y, to))
CHECKED(add_ui, u64, i64, int64_t, x + y, 1, __builtin_add_overflow(x, y, to))
CHECKED(sub_ii, i64, i64, int64_t, x - y, ((x ^ y) & (x ^ r)) >> 63,
	__builtin_sub_overflow(x, y, to))
CHECKED(sub_uu, u64, u64, int64_t, x - y, (x | y) >> 63, __builtin_sub_overflow(x, y, to))
CHECKED(sub_iu, i64, u64, int64_t, x - y, 1, __builtin_sub_overflow(x, y, to))
CHECKED(sub_ui, u64, i64, int64_t, x - y, 1, __builtin_sub_overflow(x, y, to))
CHECKED(mul_ii, i64, i64, int64_t, x *y, LARGE, __builtin_mul_overflow(x, y, to))
CHECKED(mul_uu, u64, u64, uint64_t, x *y, (x | y) >> 32, __builtin_mul_overflow(x, y, to))
CHECKED(mul_iu, i64, u64, int64_t, x *y, 1, __builtin_mul_overflow(x, y, to))
CHECKED(mul_ui, u64, i64, int64_t, x *y, 1, __builtin_mul_overflow(x, y, to))

/* The smaller or larger of an int64 and a uint64, as int64. */
static inline bool put(int128 v, int64_t *to)
{
	*to = (int64_t)v;
	return *to != v;
}

#define LESS ((int128)x < (int128)y)

CHECKED(min_iu, i64, u64, int64_t, x + y, 1, put(LESS ? (int128)x : (int128)y, to))
CHECKED(min_ui, u64, i64, int64_t, x + y, 1, put(LESS ? (int128)x : (int128)y, to))
CHECKED(max_iu, i64, u64, int64_t, x + y, 1, put(LESS ? (int128)y : (int128)x, to))
CHECKED(max_ui, u64, i64, int64_t, x + y, 1, put(LESS ? (int128)y : (int128)x, to))

QN_BINARY_LOOP(min_ii, i64, i64, int64_t, x < y ? x : y)
QN_BINARY_LOOP(min_uu, u64, u64, uint64_t, x < y ? x : y)
QN_BINARY_LOOP(max_ii, i64, i64, int64_t, x > y ? x : y)
QN_BINARY_LOOP(max_uu, u64, u64, uint64_t, x > y ? x : y)
QN_UNARY_LOOP(sign_i, i64, int64_t, (x > 0) - (x < 0))
QN_UNARY_LOOP(sign_u, u64, int64_t, x > 0)
QN_UNARY_LOOP(bits_of, u64, uint64_t, x)
QN_UNARY_LOOP(abs_wrapped, i64, uint64_t, x < 0 ? -(uint64_t)x : (uint64_t)x)

/* Results whose highest bit is set are beyond int64. */
static void mark_highest(const struct qn_loop_call *call)
{
	const uint64_t *out = call->out;

	for (size_t i = 0; i < call->n; i++)
		if (out[i] >> 63)
			qn_bit_set(call->beyond, i);
}

static void abs_i(const struct qn_loop_call *call)
{
	abs_wrapped(call);
	mark_highest(call);
}

static void i64_u64(const struct qn_loop_call *call)
{
	bits_of(call);
	mark_highest(call);
}

#define ROWS(OP, name, UU)                                                  \
	{ QN_OP_##OP, QUERN_I64, QUERN_I64, QUERN_I64, name##_ii },         \
		{ QN_OP_##OP, QUERN_U64, QUERN_U64, UU, name##_uu },        \
		{ QN_OP_##OP, QUERN_I64, QUERN_U64, QUERN_I64, name##_iu }, \
	{                                                                   \
		QN_OP_##OP, QUERN_U64, QUERN_I64, QUERN_I64, name##_ui      \
	}

static const struct qn_loop loops[] = {
	ROWS(ADD, add, QUERN_U64),
	ROWS(SUB, sub, QUERN_I64),
	ROWS(MUL, mul, QUERN_U64),
	ROWS(MIN, min, QUERN_U64),
	ROWS(MAX, max, QUERN_U64),
	{ QN_OP_ABS, QUERN_I64, QUERN_I64, QUERN_I64, abs_i },
	{ QN_OP_SIGN, QUERN_I64, QUERN_I64, QUERN_I64, sign_i },
	{ QN_OP_SIGN, QUERN_U64, QUERN_U64, QUERN_I64, sign_u },
	{ QN_OP_CONVERT, QUERN_U64, QUERN_U64, QUERN_I64, i64_u64 },
	{ .fn = NULL },
};

const struct qn_loop *QN_ISA(qn_loops_integer)(void)
{
	return loops;
}
