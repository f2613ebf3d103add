/*
 * lanes_f64.c - the passes over float64 for sums and squares.
 */
#include "exact/track.h"

/* --- sum --- */

struct sum {
	struct qn_magnitude64 m;
	struct qn_float_cut s0, s1;
};

#define SUM_STEP (2 * QN_VD)

QN_INLINE void sum_step(struct sum *a, const double *x)
{
	qn_vd y0 = qn_vd_load(x), y1 = qn_vd_load(x + QN_VD);

	qn_cut_add(&a->s0, y0);
	qn_cut_add(&a->s1, y1);
	qn_track_magnitude64(&a->m, y0);
	qn_track_magnitude64(&a->m, y1);
}

void QN_ISA(qn_pass_f64_sum)(const void *values, size_t n, const struct qn_cuts *cuts,
			     struct qn_lanes *out)
{
	const double *x = values;
	const struct qn_float_cut start = qn_cut_start(cuts->start[0]);
	struct sum a = { qn_no_magnitude64(), start, start };
	size_t i = 0;

	for (; i + SUM_STEP <= n; i += SUM_STEP) {
		qn_fetch_ahead(x + i);
		sum_step(&a, x + i);
	}
	if (i < n) {
		double pad[SUM_STEP] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		sum_step(&a, pad);
	}
	qn_finish_magnitude64(&a.m, out);
	qn_store_cut(a.s0, out, 0, 0);
	qn_store_cut(a.s1, out, 0, 1);
}

/* --- order 2: x = a + t, and x^2 = a^2 + 2 a t + t^2 --- */

struct order2 {
	qn_vd a, t;
	struct qn_float_cut aa, at, tt;
};

QN_INLINE void order2_step(struct order2 *o, qn_vd x, qn_vd s)
{
	qn_vd a = qn_split(x, s), t = x - a;

	o->a += a;
	o->t += t;
	qn_cut_add_product(&o->aa, a, a);
	qn_cut_add_product(&o->at, a, t);
	qn_cut_add_product(&o->tt, t, t);
}

QN_INLINE void order2_store(const struct order2 *o, struct qn_lanes *out)
{
	qn_store_plain(o->a, out, 0, 0);
	qn_store_plain(o->t, out, 1, 0);
	qn_store_cut(o->aa, out, 2, 0);
	qn_store_cut(o->at, out, 3, 0);
	qn_store_cut(o->tt, out, 4, 0);
}

void QN_ISA(qn_pass_f64_order2)(const void *values, size_t n, const struct qn_cuts *cuts,
				struct qn_lanes *out)
{
	const double *x = values;
	const qn_vd s = qn_vd_set(cuts->split[0]);
	struct qn_extremes64 e = qn_no_extremes64();
	struct order2 o = { qn_vd_set(0.0), qn_vd_set(0.0), qn_cut_start(cuts->start[2]),
			    qn_cut_start(cuts->start[3]), qn_cut_start(cuts->start[4]) };
	size_t i = 0;

	for (; i + QN_VD <= n; i += QN_VD) {
		qn_vd y = qn_vd_load(x + i);

		qn_fetch_ahead(x + i);
		order2_step(&o, y, s);
		qn_track64(&e, y);
	}
	if (i < n) {
		double pad[QN_VD] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		order2_step(&o, qn_vd_load(pad), s);
		qn_track_tail64(&e, x + i, n - i);
	}
	qn_finish64(&e, values, n, out);
	order2_store(&o, out);
}
