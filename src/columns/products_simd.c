/*
 * products_simd.c - passes over elements and weights; column_parts.h explains what a pass does with a number. Compiled
 * once per ISA.
 *
 * A product is a double and the error of that, which is a multiple of the product of both last digits: it is right
 * where the product is no smaller than the least unit of squares, and one that is, is no multiple of the unit.
 */
#include "columns/products_simd.h"

#include "columns/column_sums.h"

/* Vectors and rows of a strip. */
#define VECTORS 2
#define ROWS	(VECTORS * QN_VD)
#define PARTS	QN_COLUMN_PARTS

struct strip {
	struct qn_column_vsums x[VECTORS], w[VECTORS];
	qn_vq rest, range; /* as of column_simd.c */
};

QN_INLINE qn_vd load(const char *p, size_t i, bool is_single)
{
	return is_single ? qn_vd_load_f32((const float *)(const void *)p + i)
			 : qn_vd_load(p + i * sizeof(double));
}

QN_INLINE qn_vd load_one(const char *p, size_t i, bool is_single)
{
	double d;
	float f;

	if (is_single) {
		memcpy(&f, p + i * sizeof(f), sizeof(f));
		return qn_vd_set((double)f);
	}
	memcpy(&d, p + i * sizeof(d), sizeof(d));
	return qn_vd_set(d);
}

/* The error, where there can be one, is too small for the highest part. */
QN_INLINE void put_product(struct strip *a, struct qn_column_vsums *s,
			   const struct qn_column_sum *to, qn_vd x, qn_vd w, bool is_exact, int n)
{
	const qn_vd product = x * w, zero = qn_vd_set(0.0);

	a->rest |= (qn_vq)qn_vsums_put(s, to, product, n, &a->range);
	if (is_exact)
		return;
	a->rest |= (qn_vq)qn_vsums_put(s, to, qn_vd_fma(x, w, -product), n - 1, NULL);
	a->rest |= (qn_vq)(product == zero) & (qn_vq)(x != zero) & (qn_vq)(w != zero);
}

/* Adds the v-th vector of step s of the strip that begins at a row. */
QN_INLINE void add(struct strip *a, const struct qn_products_pass *p, size_t s, size_t row, int v,
		   int n1, int n2)
{
	const size_t i = row + (size_t)v * QN_VD;
	const qn_vd x = load(p->x, s * p->stride + i, p->x_is_single);
	const qn_vd w = p->w_is_one ? load_one(p->w, s * p->w_stride, p->w_is_single)
				    : load(p->w, s * p->w_stride + i, p->w_is_single);

	put_product(a, &a->x[v], &p->sum, x, w, p->x_is_single && p->w_is_single, n1);
	if (n2)
		a->rest |= (qn_vq)qn_vsums_put(&a->w[v], &p->of_w, w, n2, &a->range);
}

QN_INLINE void take_both(struct strip *a, const struct qn_products_pass *p, size_t row, int v,
			 int n1, int n2)
{
	qn_vsums_take(&a->x[v], &p->sum, row + (size_t)v * QN_VD, n1);
	qn_vsums_take(&a->w[v], &p->of_w, row + (size_t)v * QN_VD, n2);
}

QN_INLINE void give_both(const struct strip *a, const struct qn_products_pass *p, size_t row, int v,
			 int n1, int n2)
{
	const bool is_exact = p->x_is_single && p->w_is_single;

	qn_vsums_give(&a->x[v], &p->sum, row + (size_t)v * QN_VD, n1, p->nsteps,
		      is_exact ? p->nsteps : 2 * p->nsteps);
	qn_vsums_give(&a->w[v], &p->of_w, row + (size_t)v * QN_VD, n2, p->nsteps, p->nsteps);
}

/* False, with nothing stored, if an element does not fit. */
QN_INLINE bool add_strip(const struct qn_products_pass *p, size_t row, int n1, int n2)
{
	struct strip a;

	a.rest = a.range = (qn_vq){ 0 };
	take_both(&a, p, row, 0, n1, n2);
	take_both(&a, p, row, 1, n1, n2);
	for (size_t s = 0; s < p->nsteps; s++) {
		add(&a, p, s, row, 0, n1, n2);
		add(&a, p, s, row, 1, n1, n2);
	}
	if (!qn_vsums_fit(a.rest, a.range))
		return false;
	give_both(&a, p, row, 0, n1, n2);
	give_both(&a, p, row, 1, n1, n2);
	return true;
}

/* pass_n1_n2: with n1 parts of products and n2 of weights. Of fewer rows than a strip has none is added. */
#define DEFINE(n1, n2)                                                               \
	static size_t pass_##n1##_##n2(const struct qn_products_pass *p, size_t row) \
	{                                                                            \
		const struct qn_products_pass q = *p;                                \
                                                                                     \
		while (row + ROWS <= q.n && add_strip(&q, row, n1, n2))              \
			row += ROWS;                                                 \
		return row;                                                          \
	}

#define DEFINE_SUMS(n1) DEFINE(n1, 0) DEFINE(n1, 1) DEFINE(n1, 2) DEFINE(n1, 3)

DEFINE_SUMS(1)
DEFINE_SUMS(2)
DEFINE_SUMS(3)

#define PASSES(n1)                                                         \
	{                                                                  \
		pass_##n1##_0, pass_##n1##_1, pass_##n1##_2, pass_##n1##_3 \
	}

size_t QN_ISA(qn_products_pass)(const struct qn_products_pass *p, size_t first)
{
	static qn_products_pass_fn *const pass[PARTS][PARTS + 1] = { PASSES(1), PASSES(2),
								     PASSES(3) };

	return pass[p->sum.nparts - 1][p->of_w.nparts](p, first);
}
