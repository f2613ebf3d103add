/*
 * power_int.c - power sums of integer tiles.
 */
#include <string.h>

#include "exact/power_parts.h"

/* Cubes and fourth powers of 64-bit integers take words of their own. */
static void add_high_powers(const struct qn_power *p, const void *values, size_t n, int64_t *words)
{
	uint64_t x;

	for (size_t i = 0; i < n; i++) {
		memcpy(&x, (const char *)values + i * sizeof(x), sizeof(x));
		bool negative = p->dtype == QUERN_I64 && x >> 63;

		qn_power_add_one(p, words, negative ? -x : x, 0, negative, 3, 4);
	}
}

/* Adds a number of any size that a sum of the form can have. */
static void add_wide(const struct qn_acc_form *f, int64_t *limb, qn_i128 v)
{
	if (v >> 90 == 0 || v >> 90 == -1) {
		qn_acc_add(f, limb, v, 0);
		return;
	}
	qn_acc_add(f, limb, (qn_i128)(uint64_t)v, 0);
	qn_acc_add(f, limb, v >> 64, 64);
}

void qn_power_add_int(const struct qn_power *p, const void *values, size_t n, int64_t *words,
		      struct qn_extremes *e)
{
	static void (*const pass[])(enum quern_dtype, int, const void *, size_t,
				    struct qn_int_sums *) = QN_ISA_TABLE(qn_pass_int);
	const bool wide = p->dtype == QUERN_I64 || p->dtype == QUERN_U64;
	const int npowers = wide && p->npowers > 2 ? 2 : p->npowers;
	struct qn_int_sums sums;

	pass[p->level](p->dtype, npowers, values, n, &sums);
	for (int i = 0; i < npowers; i++) {
		int64_t *limb = words + p->offset[i];

		add_wide(&p->form[i], limb, sums.lo[i]);
		qn_acc_add(&p->form[i], limb, sums.hi[i], 64);
	}
	if (npowers < p->npowers)
		add_high_powers(p, values, n, words);
	if (p->npowers > 1)
		*e = sums.e;
}
