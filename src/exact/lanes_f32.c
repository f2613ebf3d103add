/*
 * lanes_f32.c - the passes over float32.
 *
 * Magnitudes and extremes are found on the bits: of non-negative floats, unsigned and signed integers
 * have the order of the floats; of negative ones, unsigned integers have the reverse.
 *
 * A tail shorter than a step is done on copies: padded with zeros for the bins, which zeros do not
 * change, and with the last element for the extremes.
 */
#include "exact/cut.h"

#define SIGN UINT32_C(0x80000000)

/* Largest magnitude, and smallest less one: zero wraps to the top, so it is the smallest last. */
struct magnitude {
	qn_vu largest, smallest;
};

struct extremes {
	qn_vu umin, umax, smallest;	/* smallest: of twice the bits, less one */
	qn_vs smax;
};

QN_INLINE void track_magnitude(struct magnitude *m, const float *x)
{
	qn_vu bits = qn_vu_load(x) & ~SIGN;

	m->largest = qn_vu_max(m->largest, bits);
	m->smallest = qn_vu_min(m->smallest, bits - 1);
}

QN_INLINE void track(struct extremes *e, const float *x)
{
	qn_vu bits = qn_vu_load(x);

	e->umin = qn_vu_min(e->umin, bits);
	e->umax = qn_vu_max(e->umax, bits);
	e->smax = qn_vs_max(e->smax, (qn_vs)bits);
	e->smallest = qn_vu_min(e->smallest, bits + bits - 1);
}

static uint32_t least(qn_vu v)
{
	uint32_t r = v[0];

	for (int i = 1; i < QN_VF; i++)
		r = v[i] < r ? v[i] : r;
	return r;
}

static uint32_t greatest(qn_vu v)
{
	return ~least(~v);
}

static void finish_magnitude(const struct magnitude *m, struct qn_lanes *out)
{
	uint32_t smallest = least(m->smallest) + 1;

	out->largest = greatest(m->largest);
	out->smallest = smallest ? smallest : UINT64_MAX;
}

static double widen(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return (double)x;
}

static void finish(const struct extremes *e, struct qn_lanes *out)
{
	/* Flipping the sign turns signed order into unsigned order. */
	uint32_t umin = least(e->umin), umax = greatest(e->umax);
	uint32_t smax = greatest((qn_vu)e->smax ^ SIGN) ^ SIGN;
	uint32_t smallest = least(e->smallest);
	uint32_t min = umax & SIGN ? umax : umin, max = smax & SIGN ? umin : smax;

	out->min = widen(min);
	out->max = widen(max);
	out->largest = (min & ~SIGN) > (max & ~SIGN) ? min & ~SIGN : max & ~SIGN;
	out->smallest = smallest == UINT32_MAX ? UINT64_MAX : (smallest >> 1) + 1;
}

static struct extremes no_extremes(void)
{
	return (struct extremes){ qn_vu_set(UINT32_MAX), qn_vu_set(0), qn_vu_set(UINT32_MAX),
				  (qn_vs)qn_vu_set(SIGN) };
}

/* The last n < QN_VF elements once, and then the last of them again. */
static void track_tail(struct extremes *e, const float *x, size_t n)
{
	float pad[QN_VF];

	memcpy(pad, x, n * sizeof(*pad));
	for (size_t i = n; i < QN_VF; i++)
		pad[i] = pad[n - 1];
	track(e, pad);
}

size_t QN_ISA(qn_vector_ndoubles)(void)
{
	return QN_VD;
}

/* --- sum --- */

struct sum {
	struct magnitude m;
	qn_vd s0, s1, s2, s3;
};

#define SUM_STEP (2 * QN_VF)

QN_INLINE void sum_step(struct sum *a, const float *x)
{
	a->s0 += qn_vd_load_f32(x);
	a->s1 += qn_vd_load_f32(x + QN_VD);
	a->s2 += qn_vd_load_f32(x + 2 * QN_VD);
	a->s3 += qn_vd_load_f32(x + 3 * QN_VD);
	track_magnitude(&a->m, x);
	track_magnitude(&a->m, x + QN_VF);
}

void QN_ISA(qn_pass_f32_sum)(const void *values, size_t n, const struct qn_cuts *cuts,
			     struct qn_lanes *out)
{
	const float *x = values;
	const qn_vd zero = qn_vd_set(0.0);
	struct sum a = { { qn_vu_set(0), qn_vu_set(UINT32_MAX) }, zero, zero, zero, zero };
	size_t i = 0;

	(void)cuts;
	for (; i + SUM_STEP <= n; i += SUM_STEP)
		sum_step(&a, x + i);
	if (i < n) {
		float pad[SUM_STEP] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		sum_step(&a, pad);
	}
	finish_magnitude(&a.m, out);
	qn_store_plain(a.s0, out, 0, 0);
	qn_store_plain(a.s1, out, 0, 1);
	qn_store_plain(a.s2, out, 0, 2);
	qn_store_plain(a.s3, out, 0, 3);
}

/* --- order 2 --- */

struct order2 {
	qn_vd x0, x1;
	struct qn_cut square0, square1;
};

QN_INLINE void add_square(struct qn_cut *c, qn_vd x)
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
	struct extremes e = no_extremes();
	struct order2 a = { qn_vd_set(0.0), qn_vd_set(0.0), qn_cut_start(cuts->start[1]),
			    qn_cut_start(cuts->start[1]) };
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		order2_step(&a, x + i);
		track(&e, x + i);
	}
	if (i < n) {
		float pad[QN_VF] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		order2_step(&a, pad);
		track_tail(&e, x + i, n - i);
	}
	finish(&e, out);
	qn_store_plain(a.x0, out, 0, 0);
	qn_store_plain(a.x1, out, 0, 1);
	qn_store_cut(a.square0, out, 1, 0);
	qn_store_cut(a.square1, out, 1, 1);
}

/* --- order 4: the square is split into three parts, q = c + d = c + d1 + d2 --- */

struct order4 {
	qn_vd x, c, d1, d2;
	struct qn_cut cx, d1x, d2x;
	struct qn_cut cc, cd, d1d1, d1d2, d2d2;
};

QN_INLINE void order4_step(struct order4 *a, qn_vd x, qn_vd s0, qn_vd s1)
{
	qn_vd q = x * x, c = qn_split(q, s0), d = q - c, d1 = qn_split(d, s1), d2 = d - d1;

	a->x += x;
	a->c += c;
	a->d1 += d1;
	a->d2 += d2;
	qn_cut_add_product(&a->cx, c, x);
	qn_cut_add_product(&a->d1x, d1, x);
	qn_cut_add_product(&a->d2x, d2, x);
	qn_cut_add_product(&a->cc, c, c);
	qn_cut_add_product(&a->cd, c, d);
	qn_cut_add_product(&a->d1d1, d1, d1);
	qn_cut_add_product(&a->d1d2, d1, d2);
	qn_cut_add_product(&a->d2d2, d2, d2);
}

static struct order4 order4_start(const double *start)
{
	return (struct order4){
		qn_vd_set(0.0), qn_vd_set(0.0), qn_vd_set(0.0), qn_vd_set(0.0),
		qn_cut_start(start[4]), qn_cut_start(start[5]), qn_cut_start(start[6]),
		qn_cut_start(start[7]), qn_cut_start(start[8]), qn_cut_start(start[9]),
		qn_cut_start(start[10]), qn_cut_start(start[11]),
	};
}

static void order4_store(const struct order4 *a, struct qn_lanes *out)
{
	qn_store_plain(a->x, out, 0, 0);
	qn_store_plain(a->c, out, 1, 0);
	qn_store_plain(a->d1, out, 2, 0);
	qn_store_plain(a->d2, out, 3, 0);
	qn_store_cut(a->cx, out, 4, 0);
	qn_store_cut(a->d1x, out, 5, 0);
	qn_store_cut(a->d2x, out, 6, 0);
	qn_store_cut(a->cc, out, 7, 0);
	qn_store_cut(a->cd, out, 8, 0);
	qn_store_cut(a->d1d1, out, 9, 0);
	qn_store_cut(a->d1d2, out, 10, 0);
	qn_store_cut(a->d2d2, out, 11, 0);
}

void QN_ISA(qn_pass_f32_order4)(const void *values, size_t n, const struct qn_cuts *cuts,
				struct qn_lanes *out)
{
	const float *x = values;
	const qn_vd s0 = qn_vd_set(cuts->split[0]), s1 = qn_vd_set(cuts->split[1]);
	struct extremes e = no_extremes();
	struct order4 a = order4_start(cuts->start);
	size_t i = 0;

	for (; i + QN_VF <= n; i += QN_VF) {
		order4_step(&a, qn_vd_load_f32(x + i), s0, s1);
		order4_step(&a, qn_vd_load_f32(x + i + QN_VD), s0, s1);
		track(&e, x + i);
	}
	if (i < n) {
		float pad[QN_VF] = { 0 };

		memcpy(pad, x + i, (n - i) * sizeof(*pad));
		order4_step(&a, qn_vd_load_f32(pad), s0, s1);
		order4_step(&a, qn_vd_load_f32(pad + QN_VD), s0, s1);
		track_tail(&e, x + i, n - i);
	}
	finish(&e, out);
	order4_store(&a, out);
}
