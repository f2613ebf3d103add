/*
 * exact_oracle.h - what exact sums must be, by plain arbitrary-precision arithmetic, slowly; and
 * numbers to try them on. For tests of src/exact and of the kernels on it.
 */
#ifndef QN_TEST_EXACT_ORACLE_H
#define QN_TEST_EXACT_ORACLE_H

#include <float.h>
#include <gmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact/acc.h"

/* --- random numbers --- */

static uint64_t oracle_seed = 1;

static inline uint64_t oracle_random(void)
{
	uint64_t z = oracle_seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 <= x < n. */
static inline uint64_t oracle_below(uint64_t n)
{
	return oracle_random() % n;
}

static inline double oracle_uniform(void)
{
	return (double)(oracle_random() >> 11) * 0x1p-53;
}

enum oracle_kind {
	KIND_ANY_BITS,
	KIND_ONE_TO_TWO,
	KIND_NORMAL,
	KIND_TEMPERATURE,
	KIND_CANCELLING,
	KIND_SUBNORMAL,
	KIND_HUGE,
	KIND_INTEGER,
	KIND_CONSTANT,
	KIND_ZEROS,
	KIND_WIDE,
	KIND_ALL_ONES,
	KIND_SPIKES,
	KIND_NEGATIVE,
	NKINDS
};

static inline double oracle_normal(void)
{
	return sqrt(-2 * log(1 - oracle_uniform())) * cos(2 * M_PI * oracle_uniform());
}

/* A finite float64, or, with `single`, a finite float32. */
static inline double oracle_any_bits(bool single)
{
	uint64_t bits = oracle_random();
	uint32_t half = (uint32_t)bits;
	double x;
	float y;

	memcpy(&x, &bits, sizeof(x));
	memcpy(&y, &half, sizeof(y));
	if (single)
		x = (double)y;
	return isfinite(x) ? x : 1.0;
}

static inline double oracle_number(enum oracle_kind kind, size_t i, bool single)
{
	const double tiny = single ? 0x1p-149 : 0x1p-1074,
		     most = single ? (double)FLT_MAX : DBL_MAX;
	const double sign = oracle_random() & 1 ? -1 : 1;

	switch (kind) {
	case KIND_ANY_BITS:
		return oracle_any_bits(single);
	case KIND_ONE_TO_TWO:
		return 1 + oracle_uniform();
	case KIND_NORMAL:
		return oracle_normal();
	case KIND_TEMPERATURE:
		return 280 + 15 * oracle_normal();
	case KIND_CANCELLING:
		return (i % 2 ? -1 : 1) * (1e10 + (double)(i / 2)) +
		       (i % 97 ? 0 : oracle_uniform());
	case KIND_SUBNORMAL:
		return sign * (double)oracle_below(UINT64_C(1) << (1 + oracle_below(23))) * tiny;
	case KIND_HUGE:
		return sign * most * (1 - oracle_uniform() * 0x1p-6);
	case KIND_INTEGER:
		return (double)(int64_t)oracle_below(20001) - 10000;
	case KIND_CONSTANT:
		return 273.15;
	case KIND_ZEROS:
		return oracle_below(9) ? sign * 0.0 : oracle_uniform();
	case KIND_WIDE:
		return sign * exp2(80 * oracle_uniform() - 40);
	case KIND_ALL_ONES:
		return sign * (single ? 0x1.fffffep0 : 0x1.fffffffffffffp0) *
		       exp2((double)oracle_below(8));
	case KIND_SPIKES:
		return oracle_below(500) ? oracle_normal() : oracle_any_bits(single);
	default:
		return -exp2(3 * oracle_normal());
	}
}

static inline size_t oracle_size(enum quern_dtype t)
{
	static const size_t size[QUERN_NDTYPES] = { 1, 1, 2, 2, 4, 4, 8, 8, 4, 8 };

	return size[t];
}

static inline bool oracle_is_float(enum quern_dtype t)
{
	return t == QUERN_F32 || t == QUERN_F64;
}

/* Fills n elements of a type. Integers take the kind as so many: any, small, extreme. */
static inline void oracle_fill(enum quern_dtype t, enum oracle_kind kind, size_t n, void *values)
{
	const size_t size = oracle_size(t);

	for (size_t i = 0; i < n; i++) {
		double x = oracle_is_float(t) ? oracle_number(kind, i, t == QUERN_F32) : 0;
		float y = (float)x;
		uint64_t bits = oracle_random();
		const void *from = &bits;

		if (!oracle_is_float(t) && kind % 3 == 1)
			bits = oracle_below(20);
		if (!oracle_is_float(t) && kind % 3 == 2)
			bits = (bits & 1 ? UINT64_MAX : UINT64_C(1) << (8 * size - 1)) -
			       (bits >> 1 & 1);
		if (t == QUERN_F32)
			from = &y;
		if (t == QUERN_F64)
			from = &x;
		memcpy((char *)values + i * size, from, size);
	}
}

/* --- exact values --- */

static inline int64_t oracle_signed(enum quern_dtype t, const void *p)
{
	int8_t a;
	int16_t b;
	int32_t c;
	int64_t d;

	switch (t) {
	case QUERN_I8:
		memcpy(&a, p, sizeof(a));
		return a;
	case QUERN_I16:
		memcpy(&b, p, sizeof(b));
		return b;
	case QUERN_I32:
		memcpy(&c, p, sizeof(c));
		return c;
	default:
		memcpy(&d, p, sizeof(d));
		return d;
	}
}

static inline uint64_t oracle_unsigned(enum quern_dtype t, const void *p)
{
	uint64_t x = 0;

	/* The machines that tests run on are little-endian, or 8-byte types are all they pass. */
	memcpy(&x, p, oracle_size(t));
	return x;
}

static inline double oracle_double(enum quern_dtype t, const void *p)
{
	float y;
	double x;

	if (t == QUERN_F32) {
		memcpy(&y, p, sizeof(y));
		return (double)y;
	}
	memcpy(&x, p, sizeof(x));
	return x;
}

/* q = element i, exactly; finite. */
static inline void oracle_get(enum quern_dtype t, const void *values, size_t i, mpq_t q)
{
	const char *p = (const char *)values + i * oracle_size(t);

	if (oracle_is_float(t))
		mpq_set_d(q, oracle_double(t, p));
	else if (t == QUERN_I8 || t == QUERN_I16 || t == QUERN_I32 || t == QUERN_I64)
		mpq_set_si(q, oracle_signed(t, p), 1);
	else
		mpq_set_ui(q, oracle_unsigned(t, p), 1);
}

/* sum[k] += sum of x^(k + 1), for n finite elements, as integers of units of 2^((k + 1) * base). */
static inline void oracle_add_powers(enum quern_dtype t, const void *values, size_t n, int npowers,
				     int base, mpz_t *sum)
{
	mpq_t q;
	mpz_t x, power;

	mpq_init(q);
	mpz_inits(x, power, NULL);
	for (size_t i = 0; i < n; i++) {
		oracle_get(t, values, i, q);
		mpq_mul_2exp(q, q, (mp_bitcnt_t)-base);
		mpz_set_q(x, q);
		mpz_set_ui(power, 1);
		for (int k = 0; k < npowers; k++) {
			mpz_mul(power, power, x);
			mpz_add(sum[k], sum[k], power);
		}
	}
	mpz_clears(x, power, NULL);
	mpq_clear(q);
}

/* Canonical limbs of an integer. */
static inline void oracle_limbs(const mpz_t z, int nlimbs, int64_t *limb)
{
	mpz_t rest, low;

	mpz_init_set(rest, z);
	mpz_init(low);
	for (int i = 0; i < nlimbs - 1; i++) {
		mpz_fdiv_r_2exp(low, rest, 32);
		mpz_fdiv_q_2exp(rest, rest, 32);
		limb[i] = (int64_t)mpz_get_ui(low);
	}
	limb[nlimbs - 1] = mpz_get_si(rest);
	mpz_clears(rest, low, NULL);
}

/* --- rounding --- */

/* q = the bound halfway from |d| to the next double up (or down) in magnitude. */
static inline void oracle_halfway(double d, bool up, mpq_t q)
{
	double other = up ? nextafter(d, INFINITY) : nextafter(d, 0);
	mpq_t o;

	mpq_init(o);
	mpq_set_d(q, d);
	if (isinf(other)) {
		/* The next one, had it an exponent. */
		mpq_set_ui(o, 1, 1);
		mpq_mul_2exp(o, o, 1024);
	} else {
		mpq_set_d(o, other);
	}
	mpq_add(q, q, o);
	mpq_div_2exp(q, q, 1);
	mpq_clear(o);
}

/* Compares magnitude q, or its root, with a bound b >= 0. */
static inline int oracle_compare(const mpq_t q, bool root, mpq_t b)
{
	if (root)
		mpq_mul(b, b, b);
	return mpq_cmp(q, b);
}

/* Whether d is the double nearest to q (root: to sqrt(|q|) with the sign of q), ties to even. */
static inline bool oracle_is_nearest(double d, const mpq_t q, bool root)
{
	double m = fabs(d), finite = isinf(m) ? DBL_MAX : m;
	uint64_t bits;
	bool even, ok;
	mpq_t a, b;
	int c;

	if (isnan(d) || (mpq_sgn(q) != 0 && signbit(d) != (mpq_sgn(q) < 0)))
		return false;
	mpq_inits(a, b, NULL);
	mpq_abs(a, q);
	memcpy(&bits, &m, sizeof(bits));
	even = !(bits & 1);
	oracle_halfway(finite, true, b);
	c = oracle_compare(a, root, b);
	if (isinf(m)) {
		ok = c >= 0;
	} else {
		ok = c < 0 || (c == 0 && even);
		oracle_halfway(m, false, b);
		c = oracle_compare(a, root, b);
		ok = ok && (m == 0 || c > 0 || (c == 0 && even));
	}
	mpq_clears(a, b, NULL);
	return ok;
}

#endif
