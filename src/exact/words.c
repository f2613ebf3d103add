/*
 * words.c - exact sums for kernels of users (quern_kernel.h):
 *
 *	| specials (power.h) | limbs (acc.h) | zeros |
 */
#include <math.h>

#include "exact/power.h"

_Static_assert(QN_NSPECIALS < QUERN_EXACT_NWORDS, "an exact sum has room for what is counted");

static struct qn_power form(void)
{
	struct qn_power p;

	qn_power_init(&p, QUERN_F64, 1);
	return p;
}

void quern_exact_add(int64_t *sum, const double *x, size_t n)
{
	_Alignas(64) unsigned char scratch[QN_POWER_MOST_SCRATCH];
	const struct qn_power p = form();

	for (size_t first = 0; first < n; first += QUERN_TILE_NELEMS) {
		const size_t left = n - first;
		const size_t some = left < QUERN_TILE_NELEMS ? left : QUERN_TILE_NELEMS;
		struct qn_extremes e;

		if (!qn_power_add(&p, x + first, some, sum + QN_NSPECIALS, NULL, scratch))
			qn_power_add_special(&p, x + first, some, sum + QN_NSPECIALS, sum, &e,
					     scratch);
	}
}

void quern_exact_normalize(int64_t *sum)
{
	const struct qn_power p = form();

	qn_power_normalize(&p, sum + QN_NSPECIALS);
}

double quern_exact_value(const int64_t *sum)
{
	const struct qn_power p = form();

	if (sum[QN_SPECIAL_NAN] || (sum[QN_SPECIAL_PINF] && sum[QN_SPECIAL_NINF]))
		return NAN;
	if (sum[QN_SPECIAL_PINF] || sum[QN_SPECIAL_NINF])
		return sum[QN_SPECIAL_PINF] ? INFINITY : -INFINITY;
	return qn_acc_round(&p.form[0], sum + QN_NSPECIALS);
}
