#include "program/loops.h"

typedef const struct qn_loop *table_fn(void);

static const struct qn_loop *of_library(void)
{
	return qn_loops_library;
}

static const struct qn_loop *of_division(void)
{
	return qn_loops_division;
}

static const struct qn_loop *of_times(void)
{
	return qn_loops_times;
}

#define FOR_ALL(fn)        \
	{                  \
		fn, fn, fn \
	}

static table_fn *const tables[][3] = {
	QN_ISA_TABLE(qn_loops_real), QN_ISA_TABLE(qn_loops_compare), QN_ISA_TABLE(qn_loops_integer),
	FOR_ALL(of_library),	     FOR_ALL(of_division),	     FOR_ALL(of_times),
};

qn_loop_fn *qn_loop_find(enum qn_operation op, enum quern_dtype a, enum quern_dtype b,
			 enum quern_dtype out)
{
	const enum qn_cpu level = qn_cpu_level();

	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct qn_loop *l = tables[t][level](); l->fn; l++)
			if (l->op == op && l->a == a && l->b == b && l->out == out)
				return l->fn;
	return NULL;
}

qn_bits_count_fn *qn_bits_counter(void)
{
	static qn_bits_count_fn *const count[] = QN_ISA_TABLE(qn_bits_count);

	return count[qn_cpu_level()];
}
