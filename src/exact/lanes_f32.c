/*
 * lanes_f32.c - the passes over float32 for sums and squares.
 */
#include "exact/track.h"

size_t QN_ISA(qn_vector_ndoubles)(void)
{
	return QN_VD;
}

/* --- sum --- */

struct sum {
	struct qn_magnitude32 m;
	qn_vd s0, s1, s2, s3;
};

#define SUM_STEP (2 * QN_VF)

QN_INLINE void sum_step(struct sum *a, const float *x)
{
	a->s0 += qn_vd_load_f32(x);
	a->s1 += qn_vd_load_f32(x + QN_VD);
	a->s2 += qn_vd_load_f32(x + 2 * QN_VD);
	a->s3 += qn_vd_load_f32(x + 3 * QN_VD);
	qn_track_magnitude32(&a->m, x);
	qn_track_magnitude32(&a->m, x + QN_VF);
}

void QN_ISA(qn_pass_f32_sum)(const void *values, size_t n, const struct qn_cuts *cuts,
			     struct qn_lanes *out)
{
	const float *x = values;
	const qn_vd zero = qn_vd_set(0.0);
	struct sum a = { qn_no_magnitude32(), zero, zero, zero, zero };
	size_t i = 0;

	(void)cuts;
	for (; i + SUM_STEP <= n; i += SUM_STEP) {
		qn_fetch_ahead(x + i);
		sum_step(&a, x + i);
	}
	if (i < n) {
		float pad[SUM_STEP] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		sum_step(&a, pad);
	}
	qn_finish_magnitude32(&a.m, out);
	qn_store_plain(a.s0, out, 0, 0);
	qn_store_plain(a.s1, out, 0, 1);
	qn_store_plain(a.s2, out, 0, 2);
	qn_store_plain(a.s3, out, 0, 3);
}

/* --- order 2 --- */

struct order2 {
	qn_vd x0, x1;
	struct qn_float_cut square0, square1;
};

QN_INLINE void add_square(struct qn_float_cut *c, qn_vd x)
{
#ifdef __FMA__
	qn_cut_add_product(c, x, x);
#else
	/* Squares of float32 are doubles: no need for a slow fma. */
	qn_cut_add(c, x * x);
#endif
}

QN_INLINE void order2_step(struct order2 *a, const float *x)
{
	qn_vd y0 = qn_vd_load_f32(x), y1 = qn_vd_load_f32(x + QN_VD);

	a->x0 += y0;
	a->x1 += y1;
	add_square(&a->square0, y0);
	add_square(&a->square1, y1);
}

void QN_ISA(qn_pass_f32_order2)(const void *values, size_t n, const struct qn_cuts *cuts,
				struct qn_lanes *out)
{
	const float *x = values;
	struct qn_extremes32 e = qn_no_extremes32();
	struct order2 a = { qn_vd_set(0.0), qn_vd_set(0.0), qn_cut_start(cuts->start[1]),
			    qn_cut_start(cuts->start[1]) };
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		qn_fetch_ahead(x + i);
		order2_step(&a, x + i);
		qn_track32(&e, x + i);
	}
	if (i < n) {
		float pad[QN_VF] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		order2_step(&a, pad);
		qn_track_tail32(&e, x + i, n - i);
	}
	qn_finish32(&e, out);
	qn_store_plain(a.x0, out, 0, 0);
	qn_store_plain(a.x1, out, 0, 1);
	qn_store_cut(a.square0, out, 1, 0);
	qn_store_cut(a.square1, out, 1, 1);
}

/* --- wide ranges --- */

struct wide_sum {
	struct qn_magnitude32 m;
	struct qn_float_cut x0, x1;
};

QN_INLINE void wide_sum_step(struct wide_sum *a, const float *x)
{
	qn_cut_add(&a->x0, qn_vd_load_f32(x));
	qn_cut_add(&a->x1, qn_vd_load_f32(x + QN_VD));
	qn_track_magnitude32(&a->m, x);
}

void QN_ISA(qn_pass_f32_wide_sum)(const void *values, size_t n, const struct qn_cuts *cuts,
				  struct qn_lanes *out)
{
	const float *x = values;
	const struct qn_float_cut start = qn_cut_start(cuts->start[0]);
	struct wide_sum a = { qn_no_magnitude32(), start, start };
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF)
		wide_sum_step(&a, x + i);
	if (i < n) {
		float pad[QN_VF] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		wide_sum_step(&a, pad);
	}
	qn_finish_magnitude32(&a.m, out);
	qn_store_cut(a.x0, out, 0, 0);
	qn_store_cut(a.x1, out, 0, 1);
}

struct wide_order2 {
	struct qn_float_cut x, d;
	qn_vd c;
};

QN_INLINE void wide_order2_step(struct wide_order2 *a, qn_vd x, qn_vd s)
{
	qn_vd q = x * x, c = qn_split(q, s);

	qn_cut_add(&a->x, x);
	a->c += c;
	qn_cut_add(&a->d, q - c);
}

void QN_ISA(qn_pass_f32_wide_order2)(const void *values, size_t n, const struct qn_cuts *cuts,
				     struct qn_lanes *out)
{
	const float *x = values;
	const qn_vd s = qn_vd_set(cuts->split[0]);
	struct qn_extremes32 e = qn_no_extremes32();
	struct wide_order2 a = { qn_cut_start(cuts->start[0]), qn_cut_start(cuts->start[2]),
				 qn_vd_set(0.0) };
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		wide_order2_step(&a, qn_vd_load_f32(x + i), s);
		wide_order2_step(&a, qn_vd_load_f32(x + i + QN_VD), s);
		qn_track32(&e, x + i);
	}
	if (i < n) {
		float pad[QN_VF] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		wide_order2_step(&a, qn_vd_load_f32(pad), s);
		wide_order2_step(&a, qn_vd_load_f32(pad + QN_VD), s);
		qn_track_tail32(&e, x + i, n - i);
	}
	qn_finish32(&e, out);
	qn_store_cut(a.x, out, 0, 0);
	qn_store_plain(a.c, out, 1, 0);
	qn_store_cut(a.d, out, 2, 0);
}
