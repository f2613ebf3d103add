/*
 * covariance_simd.c - the loops of covariance besides dsyrk. Compiled once per ISA.
 */
#include "covariance_simd.h"

#include <math.h>
#include <string.h>

/* Four doubles or integers at any address, as the compiler's vectors: they become what the
   instruction set has. */
typedef double vec __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t ivec __attribute__((vector_size(32), aligned(8), may_alias));
#define LANES 4

#define VEC(p)	 (*(vec *)(p))
#define CVEC(p)	 (*(const vec *)(p))
#define IVEC(p)	 (*(ivec *)(p))
#define CIVEC(p) (*(const ivec *)(p))

/* a where the lanes of mask are set, else b. */
#define SELECT(mask, a, b) ((vec)(((ivec)(a) & (mask)) | ((ivec)(b) & ~(mask))))
#if defined(__AVX2__)
#include <immintrin.h>
#define MIN(x, m) ((vec)_mm256_min_pd((__m256d)(x), (__m256d)(m)))
#define MAX(x, m) ((vec)_mm256_max_pd((__m256d)(x), (__m256d)(m)))
#else
#define MIN(x, m) SELECT((x) < (m), x, m)
#define MAX(x, m) SELECT((x) > (m), x, m)
#endif

static void range_row(const double *x, size_t k, double unit, const struct qn_cov_ranges *ranges)
{
	double *sum = ranges->sum, *min = ranges->min, *max = ranges->max;
	size_t j = 0;

	for (; j + LANES <= k; j += LANES) {
		const vec v = CVEC(x + j);

		VEC(sum + j) += v * unit;
		VEC(min + j) = MIN(v, CVEC(min + j));
		VEC(max + j) = MAX(v, CVEC(max + j));
	}
	for (; j < k; j++) {
		sum[j] += x[j] * unit;
		min[j] = x[j] < min[j] ? x[j] : min[j];
		max[j] = x[j] > max[j] ? x[j] : max[j];
	}
}

void QN_ISA(qn_cov_range)(const double *x, size_t nrows, size_t k, double unit,
			  const struct qn_cov_ranges *ranges)
{
	for (size_t r = 0; r < nrows; r++)
		range_row(x + r * k, k, unit, ranges);
}

static void scale_row(double *x, size_t k, const double *scale, const double *shift, double *sum)
{
	size_t j = 0;

	for (; j + LANES <= k; j += LANES) {
		const vec z = CVEC(x + j) * CVEC(scale + j) - CVEC(shift + j);

		VEC(x + j) = z;
		VEC(sum + j) += z;
	}
	for (; j < k; j++) {
		x[j] = x[j] * scale[j] - shift[j];
		sum[j] += x[j];
	}
}

void QN_ISA(qn_cov_scale)(double *x, size_t nrows, size_t k, const double *scale,
			  const double *shift, double *sum)
{
	for (size_t r = 0; r < nrows; r++)
		scale_row(x + r * k, k, scale, shift, sum);
}

/* A value that is not finite makes the sum of the values times zero NaN. */
bool QN_ISA(qn_cov_all_finite)(const double *x, size_t n)
{
	vec sum = { 0 };
	double rest = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		sum += CVEC(x + i) * 0.0;
	for (; i < n; i++)
		rest += x[i] * 0.0;
	for (int lane = 0; lane < LANES; lane++)
		rest += sum[lane];
	return rest == 0;
}

/* Adding 1.5 * 2^52 rounds a number below 2^51 to an integer, which then stands, as an integer, in
   the low bits: the difference of the bits from those of the constant. */
#define ROUNDER 0x1.8p52

void QN_ISA(qn_cov_add)(const double *p, size_t n, int point, int64_t *hi, int64_t *lo)
{
	const double unit = ldexp(1, point), low_unit = ldexp(1, QN_COV_LOW_BITS);
	const double rounder = ROUNDER;
	int64_t rounder_bits;
	size_t i = 0;

	memcpy(&rounder_bits, &rounder, sizeof(rounder_bits));
	for (; i + LANES <= n; i += LANES) {
		vec v = CVEC(p + i) * unit, whole = v + rounder, low;

		IVEC(hi + i) += (ivec)whole - rounder_bits;
		low = (v - (whole - rounder)) * low_unit + rounder;
		IVEC(lo + i) += (ivec)low - rounder_bits;
	}
	for (; i < n; i++) {
		double v = p[i] * unit, whole = v + rounder - rounder;

		hi[i] += (int64_t)whole;
		lo[i] += (int64_t)((v - whole) * low_unit + rounder - rounder);
	}
}
