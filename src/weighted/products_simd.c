/*
 * products_simd.c - weights that are none, and products of doubles without an error. Compiled once per ISA.
 */
#include "weighted/products_simd.h"

#include <float.h>

#include "exact/vec.h"

static void multiply(const double *x, const double *y, size_t n, double *high)
{
	size_t i = 0;

	for (; i + QN_VD <= n; i += QN_VD) {
		const qn_vd p = qn_vd_load(x + i) * qn_vd_load(y + i);

		memcpy(high + i, &p, sizeof(p));
	}
	for (; i < n; i++)
		high[i] = x[i] * y[i];
}

bool QN_ISA(qn_products)(const double *x, const double *y, size_t n, double *high, double *low)
{
	qn_vq rest = { 0 };
	size_t i = 0;
	bool any;

	if (!low) {
		multiply(x, y, n, high);
		return false;
	}
	for (; i + QN_VD <= n; i += QN_VD) {
		const qn_vd a = qn_vd_load(x + i), b = qn_vd_load(y + i), p = a * b;
		const qn_vd e = qn_vd_fma(a, b, -p);

		memcpy(high + i, &p, sizeof(p));
		memcpy(low + i, &e, sizeof(e));
		rest |= e != qn_vd_set(0);
	}
	any = qn_vq_any(rest);
	for (; i < n; i++) {
		high[i] = x[i] * y[i];
		low[i] = fma(x[i], y[i], -high[i]);
		any = any || low[i] != 0;
	}
	return any;
}

bool QN_ISA(qn_doubles_fit)(const double *x, size_t n, double least, double most)
{
	const qn_vq magnitude = (qn_vq) ~(qn_vuq)qn_vd_set(-0.0);
	qn_vq bad = { 0 };
	size_t i = 0;
	bool any;

	for (; i + QN_VD <= n; i += QN_VD) {
		const qn_vd a = (qn_vd)((qn_vq)qn_vd_load(x + i) & magnitude);

		bad |= ~(a < qn_vd_set(most)) | ((a < qn_vd_set(least)) & (a != qn_vd_set(0)));
	}
	any = qn_vq_any(bad);
	for (; i < n; i++) {
		const double a = fabs(x[i]);

		any = any || !(a < most) || (a < least && a != 0);
	}
	return !any;
}

/* As doubles: all types but integers without a sign come to that. */
#define DEFINE_RIGHT(NAME, TYPE)                                                          \
	static bool NAME(const char *values, size_t n)                                    \
	{                                                                                 \
		typedef TYPE vec_type __attribute__((vector_size(QN_VD * sizeof(TYPE)))); \
		qn_vq bad = { 0 };                                                        \
		size_t i = 0;                                                             \
                                                                                          \
		for (; i + QN_VD <= n; i += QN_VD) {                                      \
			vec_type v;                                                       \
			qn_vd x;                                                          \
                                                                                          \
			memcpy(&v, values + i * sizeof(TYPE), sizeof(v));                 \
			x = __builtin_convertvector(v, qn_vd);                            \
			bad |= ~((x >= qn_vd_set(0)) & (x <= qn_vd_set(DBL_MAX)));        \
		}                                                                         \
		for (; i < n; i++) {                                                      \
			TYPE v;                                                           \
                                                                                          \
			memcpy(&v, values + i * sizeof(v), sizeof(v));                    \
			if (!((double)v >= 0 && (double)v <= DBL_MAX))                    \
				return false;                                             \
		}                                                                         \
		return !qn_vq_any(bad);                                                   \
	}

DEFINE_RIGHT(right_i8, int8_t)
DEFINE_RIGHT(right_i16, int16_t)
DEFINE_RIGHT(right_i32, int32_t)
DEFINE_RIGHT(right_i64, int64_t)
DEFINE_RIGHT(right_f32, float)
DEFINE_RIGHT(right_f64, double)

bool QN_ISA(qn_weights_right)(enum quern_dtype t, const void *values, size_t n)
{
	static bool (*const right[QUERN_NDTYPES])(const char *, size_t) = {
		[QUERN_I8] = right_i8,	 [QUERN_I16] = right_i16, [QUERN_I32] = right_i32,
		[QUERN_I64] = right_i64, [QUERN_F32] = right_f32, [QUERN_F64] = right_f64,
	};

	return !right[t] || right[t](values, n);
}

/* Vectors that are compared at a time. */
#define STRIDE 4

static bool differ(const char *values, qn_vq first)
{
	qn_vq rest = { 0 };

	for (size_t k = 0; k < STRIDE; k++)
		rest |= (qn_vq)qn_vd_load(values + k * QN_VBYTES) ^ first;
	return qn_vq_any(rest);
}

size_t QN_ISA(qn_count_alike)(const char *values, size_t size, size_t n)
{
	const size_t nbytes = n * size;
	char repeated[QN_VBYTES];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(repeated); i += size)
		memcpy(repeated + i, values, size);
	while (at + STRIDE * QN_VBYTES <= nbytes &&
	       !differ(values + at, (qn_vq)qn_vd_load(repeated)))
		at += STRIDE * QN_VBYTES;
	while (at < nbytes && !memcmp(values, values + at, size))
		at += size;
	return at / size;
}
