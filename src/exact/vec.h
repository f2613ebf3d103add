/*
 * vec.h - vectors of the width of the instruction set that a source is compiled for.
 *
 * Arithmetic and comparisons are the compiler's vector extensions; the functions here are what
 * these lack. Only MULTI_ISA sources include this.
 */
#ifndef QN_EXACT_VEC_H
#define QN_EXACT_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define QN_VBYTES 64
#elif defined(__AVX2__)
#define QN_VBYTES 32
#else
#define QN_VBYTES 16
#endif

/* Lanes of a vector of double, of float. */
#define QN_VD (QN_VBYTES / 8)
#define QN_VF (QN_VBYTES / 4)

typedef double qn_vd __attribute__((vector_size(QN_VBYTES)));
typedef int64_t qn_vq __attribute__((vector_size(QN_VBYTES)));
typedef uint64_t qn_vuq __attribute__((vector_size(QN_VBYTES)));
typedef uint32_t qn_vu __attribute__((vector_size(QN_VBYTES)));
typedef int32_t qn_vs __attribute__((vector_size(QN_VBYTES)));

static inline qn_vd qn_vd_set(double x)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_set1_pd(x);
#elif defined(__AVX2__)
	return (qn_vd)_mm256_set1_pd(x);
#else
	return (qn_vd){ x, x };
#endif
}

static inline qn_vu qn_vu_set(uint32_t x)
{
#if defined(__AVX512F__)
	return (qn_vu)_mm512_set1_epi32((int)x);
#elif defined(__AVX2__)
	return (qn_vu)_mm256_set1_epi32((int)x);
#else
	return (qn_vu){ x, x, x, x };
#endif
}

static inline qn_vd qn_vd_load(const void *p)
{
	qn_vd v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline qn_vu qn_vu_load(const void *p)
{
	qn_vu v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* QN_VD floats, widened. */
static inline qn_vd qn_vd_load_f32(const float *p)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif defined(__AVX2__)
	return (qn_vd)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
	float x[2];

	memcpy(x, p, sizeof(x));
	return (qn_vd){ x[0], x[1] };
#endif
}

/* Is any bit set? */
static inline bool qn_vq_any(qn_vq x)
{
#if defined(__AVX512F__)
	return _mm512_test_epi64_mask((__m512i)x, (__m512i)x) != 0;
#elif defined(__AVX2__)
	return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#else
	return (x[0] | x[1]) != 0;
#endif
}

/* Lanes of whose number the bit is set; the others become zero. */
static inline qn_vd qn_vd_some(qn_vd x, uint32_t bits)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_maskz_mov_pd((__mmask8)bits, (__m512d)x);
#elif defined(__AVX2__)
	const qn_vq own = { 1, 2, 4, 8 };

	return (qn_vd)((qn_vq)x & ((((qn_vq){ 0 } + (int64_t)bits) & own) != 0));
#else
	const qn_vq own = { 1, 2 };

	return (qn_vd)((qn_vq)x & ((((qn_vq){ 0 } + (int64_t)bits) & own) != 0));
#endif
}

static inline qn_vu qn_vu_some(qn_vu x, uint32_t bits)
{
#if defined(__AVX512F__)
	return (qn_vu)_mm512_maskz_mov_epi32((__mmask16)bits, (__m512i)x);
#elif defined(__AVX2__)
	const qn_vu own = { 1, 2, 4, 8, 16, 32, 64, 128 };

	return x & (qn_vu)((qn_vu_set(bits) & own) != 0);
#else
	const qn_vu own = { 1, 2, 4, 8 };

	return x & (qn_vu)((qn_vu_set(bits) & own) != 0);
#endif
}

/* x * y + z, rounded once. Without the instruction this is a call for each lane: right, but slow.
   */
static inline qn_vd qn_vd_fma(qn_vd x, qn_vd y, qn_vd z)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)z);
#elif defined(__AVX2__)
	return (qn_vd)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)z);
#else
	return (qn_vd){ fma(x[0], y[0], z[0]), fma(x[1], y[1], z[1]) };
#endif
}

static inline qn_vd qn_vd_sqrt(qn_vd x)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
	return (qn_vd)_mm256_sqrt_pd((__m256d)x);
#else
	return (qn_vd){ sqrt(x[0]), sqrt(x[1]) };
#endif
}

/* The smaller and the larger lane; b where a is NaN. */
static inline qn_vd qn_vd_min(qn_vd a, qn_vd b)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
	return (qn_vd)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
	return (qn_vd){ a[0] < b[0] ? a[0] : b[0], a[1] < b[1] ? a[1] : b[1] };
#endif
}

static inline qn_vd qn_vd_max(qn_vd a, qn_vd b)
{
#if defined(__AVX512F__)
	return (qn_vd)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
	return (qn_vd)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
	return (qn_vd){ a[0] > b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1] };
#endif
}

static inline qn_vu qn_vu_min(qn_vu a, qn_vu b)
{
#if defined(__AVX512F__)
	return (qn_vu)_mm512_min_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
	return (qn_vu)_mm256_min_epu32((__m256i)a, (__m256i)b);
#else
	qn_vu less = (qn_vu)(a < b);

	return (a & less) | (b & ~less);
#endif
}

static inline qn_vu qn_vu_max(qn_vu a, qn_vu b)
{
#if defined(__AVX512F__)
	return (qn_vu)_mm512_max_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
	return (qn_vu)_mm256_max_epu32((__m256i)a, (__m256i)b);
#else
	qn_vu more = (qn_vu)(a > b);

	return (a & more) | (b & ~more);
#endif
}

static inline qn_vs qn_vs_min(qn_vs a, qn_vs b)
{
#if defined(__AVX512F__)
	return (qn_vs)_mm512_min_epi32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
	return (qn_vs)_mm256_min_epi32((__m256i)a, (__m256i)b);
#else
	qn_vs less = a < b;

	return (a & less) | (b & ~less);
#endif
}

static inline qn_vs qn_vs_max(qn_vs a, qn_vs b)
{
#if defined(__AVX512F__)
	return (qn_vs)_mm512_max_epi32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
	return (qn_vs)_mm256_max_epi32((__m256i)a, (__m256i)b);
#else
	qn_vs more = a > b;

	return (a & more) | (b & ~more);
#endif
}

#endif
