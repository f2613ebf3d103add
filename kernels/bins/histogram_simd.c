/*
 * histogram_simd.c - guessing the bins of values by arithmetic. Compiled once per ISA.
 *
 * A value beyond the ends is taken to the middle of the slot there, so that it is not in doubt.
 */
#include "histogram_simd.h"

#include <math.h>

#define NOT_IN_DOUBT (0.5 - QN_HISTOGRAM_DOUBT) /* distance from the middle of a slot */

static bool guess_scalar(const struct qn_histogram_scale *scale, const double *x, size_t n,
			 uint32_t *slot)
{
	const double first = 0.5, last = scale->top + 0.5;
	bool doubt = false;

	for (size_t i = 0; i < n; i++) {
		double t = (x[i] - scale->lo) * scale->per_width + 1;
		int32_t s;

		t = t > first ? t : first;
		t = t < last ? t : last;
		s = (int32_t)t;
		slot[i] = (uint32_t)s;
		doubt |= fabs(t - s - 0.5) > NOT_IN_DOUBT;
	}
	return doubt;
}

#if defined(__AVX2__)
#include <immintrin.h>

bool QN_ISA(qn_histogram_guess)(const struct qn_histogram_scale *scale, const double *x, size_t n,
				uint32_t *slot)
{
	const __m256d lo = _mm256_set1_pd(scale->lo), per_width = _mm256_set1_pd(scale->per_width);
	const __m256d one = _mm256_set1_pd(1), half = _mm256_set1_pd(0.5);
	const __m256d last = _mm256_set1_pd(scale->top + 0.5), sign = _mm256_set1_pd(-0.0);
	__m256d farthest = _mm256_setzero_pd();
	size_t i = 0;
	bool doubt;

	for (; i + 4 <= n; i += 4) {
		__m256d t = _mm256_mul_pd(_mm256_sub_pd(_mm256_loadu_pd(x + i), lo), per_width);
		__m256d off;
		__m128i s;

		t = _mm256_min_pd(_mm256_max_pd(_mm256_add_pd(t, one), half), last);
		s = _mm256_cvttpd_epi32(t);
		_mm_storeu_si128((__m128i *)(void *)(slot + i), s);
		off = _mm256_sub_pd(_mm256_sub_pd(t, _mm256_cvtepi32_pd(s)), half);
		farthest = _mm256_max_pd(farthest, _mm256_andnot_pd(sign, off));
	}
	doubt = _mm256_movemask_pd(
			_mm256_cmp_pd(farthest, _mm256_set1_pd(NOT_IN_DOUBT), _CMP_GT_OQ)) != 0;
	return guess_scalar(scale, x + i, n - i, slot + i) || doubt;
}
#else
bool QN_ISA(qn_histogram_guess)(const struct qn_histogram_scale *scale, const double *x, size_t n,
				uint32_t *slot)
{
	return guess_scalar(scale, x, n, slot);
}
#endif
