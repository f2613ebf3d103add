/*
 * times.c - parts of times, one after the other: what is equal to the one before it, as in a
 * coordinate that is repeated over other dimensions, is taken from there.
 */
#include "program/loops.h"

#define PARTS(name, T, AT)                                              \
	static void name(const struct qn_loop_call *call)               \
	{                                                               \
		const T *a = call->arg[0];                              \
		int64_t *out = call->out, part = 0;                     \
		bool is_known = false;                                  \
                                                                        \
		for (size_t i = 0; i < call->n; i++) {                  \
			if (i == 0 || a[i] != a[i - 1])                 \
				is_known = AT(call->part, a[i], &part); \
			out[i] = part;                                  \
			if (!is_known)                                  \
				qn_bit_set(call->lost, i);              \
		}                                                       \
	}

PARTS(part_i64, int64_t, qn_part_at_int)
PARTS(part_f64, double, qn_part_at_real)

const struct qn_loop qn_loops_times[] = {
	{ QN_OP_PART, QUERN_I64, QUERN_I64, QUERN_I64, part_i64 },
	{ QN_OP_PART, QUERN_F64, QUERN_F64, QUERN_I64, part_f64 },
	{ .fn = NULL },
};
