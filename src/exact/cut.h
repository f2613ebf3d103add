/*
 * cut.h - the steps of a pass, on vectors; see lanes.h. Only MULTI_ISA sources include this.
 */
#ifndef QN_EXACT_CUT_H
#define QN_EXACT_CUT_H

#include "exact/lanes.h"
#include "exact/vec.h"

#define QN_INLINE static inline __attribute__((always_inline))

/* A cut bin. */
struct qn_float_cut {
	qn_vd hi, lo;
};

QN_INLINE struct qn_float_cut qn_cut_start(double start)
{
	return (struct qn_float_cut){ qn_vd_set(start), qn_vd_set(0.0) };
}

QN_INLINE void qn_cut_add(struct qn_float_cut *c, qn_vd x)
{
	qn_vd next = c->hi + x;

	c->lo += x - (next - c->hi);
	c->hi = next;
}

QN_INLINE void qn_cut_add_product(struct qn_float_cut *c, qn_vd x, qn_vd y)
{
	qn_vd next = qn_vd_fma(x, y, c->hi);

	c->lo += qn_vd_fma(x, y, c->hi - next);
	c->hi = next;
}

QN_INLINE qn_vd qn_split(qn_vd x, qn_vd s)
{
	return (x + s) - s;
}

/* Stores the lanes of the `set`-th vector of a bin. */
QN_INLINE void qn_store_plain(qn_vd lo, struct qn_lanes *out, int bin, int set)
{
	memcpy(out->lo[bin] + set * QN_VD, &lo, sizeof(lo));
}

QN_INLINE void qn_store_cut(struct qn_float_cut c, struct qn_lanes *out, int bin, int set)
{
	memcpy(out->hi[bin] + set * QN_VD, &c.hi, sizeof(c.hi));
	qn_store_plain(c.lo, out, bin, set);
}

#endif
