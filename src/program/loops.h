/*
 * loops.h - the loops that instructions are: one a type and operation, in tables. Those in *_simd.c
 * are compiled once per instruction set.
 */
#ifndef QN_PROGRAM_LOOPS_H
#define QN_PROGRAM_LOOPS_H

#include "base/isa.h"
#include "program/node.h"

/* Elements that all instructions are done for before the next. */
#define QN_BLOCK_NELEMS 1024
#define QN_BLOCK_NWORDS (QN_BLOCK_NELEMS / 64)

/* n <= QN_BLOCK_NELEMS elements. Arguments are aligned to their type, the result to a cache
   line; it overlaps none of them. Conditions are bits, as in bitmaps, and what is in theirs past
   n is undefined. */
struct qn_loop_call {
	const void *arg[QN_MOST_ARGS];
	bool one[QN_MOST_ARGS]; /* the argument is one number for all elements; at most one of two is,
				   and none if there is but one argument */
	void *out;
	size_t n;
	const struct qn_time_part *part; /* of QN_OP_PART */
	/* Cleared, for bits of elements whose result is missing; of beyond, as no 64 bits hold
	   it. */
	uint64_t *lost, *beyond;
};

typedef void qn_loop_fn(const struct qn_loop_call *call);

struct qn_loop {
	enum qn_operation op;
	enum quern_dtype a, b, out; /* a loop with one argument has b = a */
	qn_loop_fn *fn;
};

typedef int8_t qn_i8;
typedef uint8_t qn_u8;
typedef int16_t qn_i16;
typedef uint16_t qn_u16;
typedef int32_t qn_i32;
typedef uint32_t qn_u32;
typedef int64_t qn_i64;
typedef uint64_t qn_u64;
typedef float qn_f32;
typedef double qn_f64;

/* Elements of a loop of constant length, which compilers turn into vectors; those of a word of a
   bitmap. */
#define QN_STEP 64

/* Before such a loop: what it writes is none of its arguments. Other compilers look whether it
   is. */
#if defined(__GNUC__) && !defined(__clang__)
#define QN_NO_OVERLAP _Pragma("GCC ivdep")
#else
#define QN_NO_OVERLAP
#endif

/* for all i: out[i] = the expression of x (and y), with n and out as they are called in a loop. */
#define QN_LOOP_1(TA, X, EXPRESSION)                                       \
	do {                                                               \
		size_t i = 0;                                              \
                                                                           \
		for (; i + QN_STEP <= n; i += QN_STEP)                     \
			QN_NO_OVERLAP for (size_t k = 0; k < QN_STEP; k++) \
			{                                                  \
				const TA x = X(i + k);                     \
                                                                           \
				out[i + k] = EXPRESSION;                   \
			}                                                  \
		for (; i < n; i++) {                                       \
			const TA x = X(i);                                 \
                                                                           \
			out[i] = EXPRESSION;                               \
		}                                                          \
	} while (0)

#define QN_LOOP_2(TA, TB, X, Y, EXPRESSION)                                \
	do {                                                               \
		size_t i = 0;                                              \
                                                                           \
		for (; i + QN_STEP <= n; i += QN_STEP)                     \
			QN_NO_OVERLAP for (size_t k = 0; k < QN_STEP; k++) \
			{                                                  \
				const TA x = X(i + k);                     \
				const TB y = Y(i + k);                     \
                                                                           \
				out[i + k] = EXPRESSION;                   \
			}                                                  \
		for (; i < n; i++) {                                       \
			const TA x = X(i);                                 \
			const TB y = Y(i);                                 \
                                                                           \
			out[i] = EXPRESSION;                               \
		}                                                          \
	} while (0)

#define QN_A(i)	    a[i]
#define QN_B(i)	    b[i]
#define QN_A_ONE(i) a_one
#define QN_B_ONE(i) b_one

/* Defines a loop over arguments of the types qn_TA and qn_TB. */
#define QN_UNARY_LOOP(name, TA, TO, EXPRESSION)             \
	static void name(const struct qn_loop_call *call)   \
	{                                                   \
		const qn_##TA *a = call->arg[0];            \
		const size_t n = call->n;                   \
		TO *restrict out = call->out;               \
                                                            \
		QN_LOOP_1(qn_##TA, QN_A, (TO)(EXPRESSION)); \
	}

#define QN_BINARY_LOOP(name, TA, TB, TO, EXPRESSION)                             \
	static void name(const struct qn_loop_call *call)                        \
	{                                                                        \
		const qn_##TA *a = call->arg[0], a_one = *a;                     \
		const qn_##TB *b = call->arg[1], b_one = *b;                     \
		const size_t n = call->n;                                        \
		TO *restrict out = call->out;                                    \
                                                                                 \
		if (call->one[1])                                                \
			QN_LOOP_2(qn_##TA, qn_##TB, QN_A, QN_B_ONE, EXPRESSION); \
		else if (call->one[0])                                           \
			QN_LOOP_2(qn_##TA, qn_##TB, QN_A_ONE, QN_B, EXPRESSION); \
		else                                                             \
			QN_LOOP_2(qn_##TA, qn_##TB, QN_A, QN_B, EXPRESSION);     \
	}

/* Sets the bit of an element. */
static inline void qn_bit_set(uint64_t *words, size_t i)
{
	words[i / 64] |= UINT64_C(1) << i % 64;
}

/* The loop of an operation for these types, or NULL; instruction set as qn_cpu_level() has it. */
qn_loop_fn *qn_loop_find(enum qn_operation op, enum quern_dtype a, enum quern_dtype b,
			 enum quern_dtype out);

/* Number of set bits; instruction set as qn_cpu_level() has it. */
typedef size_t qn_bits_count_fn(const uint64_t *words, size_t nwords);
qn_bits_count_fn *qn_bits_counter(void);
QN_ISA_DECLARE(size_t, qn_bits_count, (const uint64_t *words, size_t nwords));

/* The tables; they end with a NULL function. */
QN_ISA_DECLARE(const struct qn_loop *, qn_loops_real, (void));
QN_ISA_DECLARE(const struct qn_loop *, qn_loops_compare, (void));
QN_ISA_DECLARE(const struct qn_loop *, qn_loops_integer, (void));
extern const struct qn_loop qn_loops_library[], qn_loops_division[], qn_loops_times[];

#endif
