/*
 * power.c - exact sums of powers.
 */
#include "exact/power.h"

#include "exact/power_parts.h"
#include "exact/scheme.h"

void qn_power_init(struct qn_power *p, enum quern_dtype t, int order)
{
	const struct qn_scheme *const *schemes;
	int nschemes;

	*p = (struct qn_power){ .dtype = t, .level = qn_cpu_level(), .npowers = order };
	for (int i = 0; i < order; i++) {
		p->form[i] = qn_acc_form(t, i + 1);
		p->offset[i] = p->nwords;
		p->nwords += (size_t)p->form[i].nlimbs;
	}
	nschemes = qn_schemes(t, order, p->level, &schemes);
	for (int i = 0; i < nschemes; i++)
		p->width[i] = qn_scheme_width(schemes[i], p->level);
}

bool qn_power_add(const struct qn_power *p, const void *values, size_t n, int64_t *words,
		  struct qn_extremes *e, void *scratch)
{
	if (p->dtype == QUERN_F32 || p->dtype == QUERN_F64)
		return qn_power_add_float(p, values, n, words, e, scratch);
	qn_power_add_int(p, values, n, words, e);
	return true;
}

/* w *= m; w has room for the product. */
static void multiply(uint64_t w[4], uint64_t m)
{
	qn_u128 carry = 0;

	for (int i = 0; i < 4; i++) {
		carry += (qn_u128)w[i] * m;
		w[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

void qn_power_add_one(const struct qn_power *p, int64_t *words, uint64_t m, int unit, bool negative,
		      int first, int last)
{
	uint64_t w[4] = { 1, 0, 0, 0 };

	if (m == 0)
		return;
	/* Without the zeros at its end, a float32 is no multiple of less than its own unit. */
	unit += __builtin_ctzll(m);
	m >>= __builtin_ctzll(m);
	for (int power = 1; power <= last; power++) {
		multiply(w, m);
		if (power >= first)
			qn_acc_add_words(&p->form[power - 1], words + p->offset[power - 1], w,
					 power, power * unit, negative && power % 2);
	}
}

void qn_power_normalize(const struct qn_power *p, int64_t *words)
{
	for (int i = 0; i < p->npowers; i++)
		qn_acc_normalize(&p->form[i], words + p->offset[i]);
}

int qn_power_segments(const struct qn_power *p, struct quern_segment *segments)
{
	for (int i = 0; i < p->npowers; i++)
		segments[i] = (struct quern_segment){ .op = QUERN_EXACT,
						      .nwords = (size_t)p->form[i].nlimbs,
						      .power = i + 1,
						      .dtype = p->dtype };
	return p->npowers;
}
