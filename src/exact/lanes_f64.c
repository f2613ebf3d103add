/*
 * lanes_f64.c - the passes over float64.
 *
 * Tails are padded as in lanes_f32.c.
 */
#include "exact/bits.h"
#include "exact/cut.h"

#define SIGN (UINT64_C(1) << 63)
#define INFINITE (UINT64_C(0x7ff) << 52)

struct magnitude {
	qn_vd largest;	/* magnitude */
	qn_vd smallest;	/* the number whose bits are those of the magnitude less one: NaN for zero,
			   which the minimum passes over */
};

QN_INLINE void track_magnitude(struct magnitude *m, qn_vd x)
{
	qn_vuq bits = (qn_vuq)x & ~SIGN;

	m->largest = qn_vd_max((qn_vd)bits, m->largest);
	m->smallest = qn_vd_min((qn_vd)(bits - 1), m->smallest);
}

struct extremes {
	qn_vd min, max, smallest;
};

QN_INLINE void track(struct extremes *e, qn_vd x)
{
	qn_vuq bits = (qn_vuq)x & ~SIGN;

	e->min = qn_vd_min(x, e->min);
	e->max = qn_vd_max(x, e->max);
	e->smallest = qn_vd_min((qn_vd)(bits - 1), e->smallest);
}

static double least(qn_vd v)
{
	double r = v[0];

	for (int i = 1; i < QN_VD; i++)
		r = v[i] < r ? v[i] : r;
	return r;
}

static double greatest(qn_vd v)
{
	return -least(-v);
}

static uint64_t smallest_bits(qn_vd v)
{
	uint64_t bits = qn_bits64(least(v)) + 1;

	return bits > INFINITE ? UINT64_MAX : bits;
}

static void finish_magnitude(const struct magnitude *m, struct qn_lanes *out)
{
	out->largest = qn_bits64(greatest(m->largest)) & ~SIGN;
	out->smallest = smallest_bits(m->smallest);
}

/* Floating-point minimum and maximum do not tell -0 from +0. A minimum of zero has no negative
   numbers beside it, a maximum of zero no positive ones, so the signs alone decide. */
static void settle_zeros(const char *x, size_t n, struct qn_lanes *out)
{
	uint64_t any = 0, all = SIGN, bits;

	for (size_t i = 0; i < n; i++) {
		memcpy(&bits, x + 8 * i, sizeof(bits));
		any |= bits;
		all &= bits;
	}
	if (out->min == 0.0)
		out->min = any & SIGN ? -0.0 : 0.0;
	if (out->max == 0.0)
		out->max = all & SIGN ? -0.0 : 0.0;
}

static void finish(const struct extremes *e, const void *x, size_t n, struct qn_lanes *out)
{
	uint64_t a, b;

	out->min = least(e->min);
	out->max = greatest(e->max);
	if (out->min == 0.0 || out->max == 0.0)
		settle_zeros(x, n, out);
	a = qn_bits64(out->min) & ~SIGN;
	b = qn_bits64(out->max) & ~SIGN;
	out->largest = a > b ? a : b;
	out->smallest = smallest_bits(e->smallest);
}

/* --- sum --- */

struct sum {
	struct magnitude m;
	struct qn_cut s0, s1;
};

#define SUM_STEP (2 * QN_VD)

QN_INLINE void sum_step(struct sum *a, const double *x)
{
	qn_vd y0 = qn_vd_load(x), y1 = qn_vd_load(x + QN_VD);

	qn_cut_add(&a->s0, y0);
	qn_cut_add(&a->s1, y1);
	track_magnitude(&a->m, y0);
	track_magnitude(&a->m, y1);
}

void QN_ISA(qn_pass_f64_sum)(const void *values, size_t n, const struct qn_cuts *cuts,
			     struct qn_lanes *out)
{
	const double *x = values;
	const struct qn_cut start = qn_cut_start(cuts->start[0]);
	struct sum a = { { qn_vd_set(0.0), qn_vd_set(qn_double(INFINITE)) }, start, start };
	size_t i = 0;

	for (; i + SUM_STEP <= n; i += SUM_STEP)
		sum_step(&a, x + i);
	if (i < n) {
		double pad[SUM_STEP] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		sum_step(&a, pad);
	}
	finish_magnitude(&a.m, out);
	qn_store_cut(a.s0, out, 0, 0);
	qn_store_cut(a.s1, out, 0, 1);
}

/* --- order 2: x = a + b, and x^2 = a^2 + 2 a b + b^2 --- */

struct order2 {
	qn_vd a, b;
	struct qn_cut aa, ab, bb;
};

QN_INLINE void order2_step(struct order2 *t, qn_vd x, qn_vd s)
{
	qn_vd a = qn_split(x, s), b = x - a;

	t->a += a;
	t->b += b;
	qn_cut_add_product(&t->aa, a, a);
	qn_cut_add_product(&t->ab, a, b);
	qn_cut_add_product(&t->bb, b, b);
}

static void order2_store(const struct order2 *t, struct qn_lanes *out)
{
	qn_store_plain(t->a, out, 0, 0);
	qn_store_plain(t->b, out, 1, 0);
	qn_store_cut(t->aa, out, 2, 0);
	qn_store_cut(t->ab, out, 3, 0);
	qn_store_cut(t->bb, out, 4, 0);
}

void QN_ISA(qn_pass_f64_order2)(const void *values, size_t n, const struct qn_cuts *cuts,
				struct qn_lanes *out)
{
	const double *x = values, inf = qn_double(INFINITE);
	const qn_vd s = qn_vd_set(cuts->split[0]);
	struct extremes e = { qn_vd_set(inf), qn_vd_set(-inf), qn_vd_set(inf) };
	struct order2 t = { qn_vd_set(0.0), qn_vd_set(0.0), qn_cut_start(cuts->start[2]),
			    qn_cut_start(cuts->start[3]), qn_cut_start(cuts->start[4]) };
	size_t i = 0;

	for (; i + QN_VD <= n; i += QN_VD) {
		qn_vd y = qn_vd_load(x + i);

		order2_step(&t, y, s);
		track(&e, y);
	}
	if (i < n) {
		double pad[QN_VD] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		order2_step(&t, qn_vd_load(pad), s);
		for (size_t j = n - i; j < QN_VD; j++)
			pad[j] = pad[n - i - 1];
		track(&e, qn_vd_load(pad));
	}
	finish(&e, values, n, out);
	order2_store(&t, out);
}
