/*
 * track.h - magnitudes and extremes of a tile, found on the way by passes (lanes.h). Only MULTI_ISA
 * sources include this.
 *
 * float32: on the bits. Of non-negative floats, unsigned and signed integers have the order of the
 * floats; of negative ones, unsigned integers have the reverse.
 *
 * float64: vector instructions compare integers of 64 bits slowly, so on the numbers. NaN goes
 * unnoticed, and zeros of both signs are equal: settled at the end.
 *
 * Passes step over whole vectors. A tail shorter than a step is done on copies, padded with zeros
 * for the bins, which zeros do not change, and with the last element for the extremes.
 */
#ifndef QN_EXACT_TRACK_H
#define QN_EXACT_TRACK_H

#include "exact/bits.h"
#include "exact/cut.h"

#define QN_SIGN32     UINT32_C(0x80000000)
#define QN_SIGN64     (UINT64_C(1) << 63)
#define QN_INFINITY64 (UINT64_C(0x7ff) << 52)

/* A tile of the largest elements. */
#define QN_AHEAD_NBYTES (QUERN_TILE_NELEMS * sizeof(double))

/* Has what lies a tile on begin to come into the L2 cache, whatever that is: of an array in memory it is the next tile,
   which is sampled before it is read from front to back: processors foresee nothing then. */
QN_INLINE void qn_fetch_ahead(const void *p)
{
	__builtin_prefetch((const void *)((uintptr_t)p + QN_AHEAD_NBYTES), 0, 2);
}

/* --- float32 --- */

/* Largest magnitude, and smallest less one: zero wraps to the top, so it is the smallest last. */
struct qn_magnitude32 {
	qn_vu largest, smallest;
};

struct qn_extremes32 {
	qn_vu umin, umax, smallest; /* smallest: of twice the bits, less one */
	qn_vs smax;
};

QN_INLINE struct qn_magnitude32 qn_no_magnitude32(void)
{
	return (struct qn_magnitude32){ qn_vu_set(0), qn_vu_set(UINT32_MAX) };
}

QN_INLINE struct qn_extremes32 qn_no_extremes32(void)
{
	return (struct qn_extremes32){ qn_vu_set(UINT32_MAX), qn_vu_set(0), qn_vu_set(UINT32_MAX),
				       (qn_vs)qn_vu_set(QN_SIGN32) };
}

/* QN_VF floats. */
QN_INLINE void qn_track_magnitude32(struct qn_magnitude32 *m, const float *x)
{
	qn_vu bits = qn_vu_load(x) & ~QN_SIGN32;

	m->largest = qn_vu_max(m->largest, bits);
	m->smallest = qn_vu_min(m->smallest, bits - 1);
}

QN_INLINE void qn_track32(struct qn_extremes32 *e, const float *x)
{
	qn_vu bits = qn_vu_load(x);

	e->umin = qn_vu_min(e->umin, bits);
	e->umax = qn_vu_max(e->umax, bits);
	e->smax = qn_vs_max(e->smax, (qn_vs)bits);
	e->smallest = qn_vu_min(e->smallest, bits + bits - 1);
}

/* The last n < QN_VF elements, n > 0. */
QN_INLINE void qn_track_tail32(struct qn_extremes32 *e, const float *x, size_t n)
{
	float pad[QN_VF];

	memcpy(pad, x, n * sizeof(*pad));
	for (size_t i = n; i < QN_VF; i++)
		pad[i] = pad[n - 1];
	qn_track32(e, pad);
}

QN_INLINE uint32_t qn_least32(qn_vu v)
{
	uint32_t r = v[0];

	for (int i = 1; i < QN_VF; i++)
		r = v[i] < r ? v[i] : r;
	return r;
}

QN_INLINE uint32_t qn_greatest32(qn_vu v)
{
	return ~qn_least32(~v);
}

QN_INLINE void qn_finish_magnitude32(const struct qn_magnitude32 *m, struct qn_lanes *out)
{
	uint32_t smallest = qn_least32(m->smallest) + 1;

	out->largest = qn_greatest32(m->largest);
	out->smallest = smallest ? smallest : UINT64_MAX;
}

QN_INLINE void qn_finish32(const struct qn_extremes32 *e, struct qn_lanes *out)
{
	/* Flipping the sign turns signed order into unsigned order. */
	uint32_t umin = qn_least32(e->umin), umax = qn_greatest32(e->umax);
	uint32_t smax = qn_greatest32((qn_vu)e->smax ^ QN_SIGN32) ^ QN_SIGN32;
	uint32_t min = umax & QN_SIGN32 ? umax : umin, max = smax & QN_SIGN32 ? umin : smax;
	uint32_t a = min & ~QN_SIGN32, b = max & ~QN_SIGN32, smallest = qn_least32(e->smallest);

	out->min = (double)qn_float(min);
	out->max = (double)qn_float(max);
	out->largest = a > b ? a : b;
	out->smallest = smallest == UINT32_MAX ? UINT64_MAX : (smallest >> 1) + 1;
}

/* --- float64 --- */

/* smallest: the number whose bits are those of the magnitude less one, NaN for zero, which the
   minimum passes over. */
struct qn_magnitude64 {
	qn_vd largest, smallest;
};

struct qn_extremes64 {
	qn_vd min, max, smallest;
};

QN_INLINE struct qn_magnitude64 qn_no_magnitude64(void)
{
	return (struct qn_magnitude64){ qn_vd_set(0.0), qn_vd_set(qn_double(QN_INFINITY64)) };
}

QN_INLINE struct qn_extremes64 qn_no_extremes64(void)
{
	const qn_vd inf = qn_vd_set(qn_double(QN_INFINITY64));

	return (struct qn_extremes64){ inf, -inf, inf };
}

QN_INLINE void qn_track_magnitude64(struct qn_magnitude64 *m, qn_vd x)
{
	qn_vuq bits = (qn_vuq)x & ~QN_SIGN64;

	m->largest = qn_vd_max((qn_vd)bits, m->largest);
	m->smallest = qn_vd_min((qn_vd)(bits - 1), m->smallest);
}

QN_INLINE void qn_track64(struct qn_extremes64 *e, qn_vd x)
{
	qn_vuq bits = (qn_vuq)x & ~QN_SIGN64;

	e->min = qn_vd_min(x, e->min);
	e->max = qn_vd_max(x, e->max);
	e->smallest = qn_vd_min((qn_vd)(bits - 1), e->smallest);
}

/* The last n < QN_VD elements, n > 0. */
QN_INLINE void qn_track_tail64(struct qn_extremes64 *e, const double *x, size_t n)
{
	double pad[QN_VD];

	memcpy(pad, x, n * sizeof(*pad));
	for (size_t i = n; i < QN_VD; i++)
		pad[i] = pad[n - 1];
	qn_track64(e, qn_vd_load(pad));
}

QN_INLINE double qn_least64(qn_vd v)
{
	double r = v[0];

	for (int i = 1; i < QN_VD; i++)
		r = v[i] < r ? v[i] : r;
	return r;
}

QN_INLINE double qn_greatest64(qn_vd v)
{
	return -qn_least64(-v);
}

QN_INLINE uint64_t qn_smallest_bits64(qn_vd v)
{
	uint64_t bits = qn_bits64(qn_least64(v)) + 1;

	return bits > QN_INFINITY64 ? UINT64_MAX : bits;
}

QN_INLINE void qn_finish_magnitude64(const struct qn_magnitude64 *m, struct qn_lanes *out)
{
	out->largest = qn_bits64(qn_greatest64(m->largest)) & ~QN_SIGN64;
	out->smallest = qn_smallest_bits64(m->smallest);
}

/* A minimum of zero has no negative numbers beside it, a maximum of zero no positive ones, so the
   signs of all n elements tell the sign of the zero. */
QN_INLINE void qn_settle_zeros64(const void *x, size_t n, struct qn_lanes *out)
{
	uint64_t any = 0, all = QN_SIGN64, bits;

	for (size_t i = 0; i < n; i++) {
		memcpy(&bits, (const char *)x + 8 * i, sizeof(bits));
		any |= bits;
		all &= bits;
	}
	if (out->min == 0.0)
		out->min = any & QN_SIGN64 ? -0.0 : 0.0;
	if (out->max == 0.0)
		out->max = all & QN_SIGN64 ? -0.0 : 0.0;
}

QN_INLINE void qn_finish64(const struct qn_extremes64 *e, const void *x, size_t n,
			   struct qn_lanes *out)
{
	uint64_t a, b;

	out->min = qn_least64(e->min);
	out->max = qn_greatest64(e->max);
	if (out->min == 0.0 || out->max == 0.0)
		qn_settle_zeros64(x, n, out);
	a = qn_bits64(out->min) & ~QN_SIGN64;
	b = qn_bits64(out->max) & ~QN_SIGN64;
	out->largest = a > b ? a : b;
	out->smallest = qn_smallest_bits64(e->smallest);
}

#endif
