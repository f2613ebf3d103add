/*
 * oracle.h - statistics of a list of numbers by the plainest exact means there are: big integers.
 *
 * Values are long double, which holds every 64-bit integer and every double. A value x is added as
 * the integer x * 2^ORACLE_SHIFT and its square as x^2 * 2^(2 ORACLE_SHIFT), so nothing is ever
 * rounded before the end. Nothing here is shared with quern.
 */
#ifndef TESTS_CORPUS_ORACLE_H
#define TESTS_CORPUS_ORACLE_H

#include <float.h>
#include <gmp.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert(LDBL_MANT_DIG >= 64, "long double must hold 64-bit integers");

#define ORACLE_SHIFT 1200 /* the least subnormal is 2^-1074, a significand here has 64 bits */

struct oracle {
	uint64_t count, missing;
	uint64_t argmin, argmax; /* the first index that was given with each */
	bool nan, pinf, ninf;
	long double min, max;
	mpz_t sum, squares, term; /* term: room for the value at hand */
};

static inline void oracle_init(struct oracle *o)
{
	*o = (struct oracle){ .count = 0 };
	mpz_inits(o->sum, o->squares, o->term, NULL);
}

static inline void oracle_fini(struct oracle *o)
{
	mpz_clears(o->sum, o->squares, o->term, NULL);
}

static inline void oracle_add_exactly(struct oracle *o, long double x)
{
	int exponent;
	long double part = frexpl(fabsl(x), &exponent);
	uint64_t significand = (uint64_t)ldexpl(part, 64);

	mpz_import(o->term, 1, -1, sizeof(significand), 0, 0, &significand);
	mpz_mul_2exp(o->term, o->term, (mp_bitcnt_t)(exponent - 64 + ORACLE_SHIFT));
	if (x < 0)
		mpz_neg(o->term, o->term);
	mpz_add(o->sum, o->sum, o->term);
	mpz_addmul(o->squares, o->term, o->term);
}

/* A value with its index; indices ascend. */
static inline void oracle_add(struct oracle *o, long double x, uint64_t index)
{
	if (o->count == 0 || x < o->min) {
		o->min = x;
		o->argmin = index;
	}
	if (o->count == 0 || x > o->max) {
		o->max = x;
		o->argmax = index;
	}
	o->count++;
	o->nan = o->nan || isnan(x);
	o->pinf = o->pinf || (isinf(x) && x > 0);
	o->ninf = o->ninf || (isinf(x) && x < 0);
	if (isfinite(x) && x != 0)
		oracle_add_exactly(o, x);
}

/* numerator / denominator * 2^exponent to the nearest double, ties to even. */
static inline double oracle_round(const mpz_t numerator, const mpz_t denominator, long exponent)
{
	mpz_t q, r;
	size_t nbits;
	long drop, up = 70 + (long)mpz_sizeinbase(denominator, 2);
	bool odd, half, rest;
	double x;

	if (mpz_sgn(numerator) == 0)
		return 0;
	mpz_inits(q, r, NULL);
	mpz_mul_2exp(q, numerator, (mp_bitcnt_t)up);
	mpz_abs(q, q);
	mpz_tdiv_qr(q, r, q, denominator);
	exponent -= up;
	nbits = mpz_sizeinbase(q, 2);
	/* Keep 53 bits, fewer where the result is subnormal. */
	drop = (long)nbits - DBL_MANT_DIG;
	if (exponent + drop < DBL_MIN_EXP - DBL_MANT_DIG)
		drop = DBL_MIN_EXP - DBL_MANT_DIG - exponent;
	half = mpz_tstbit(q, (mp_bitcnt_t)drop - 1);
	rest = mpz_sgn(r) != 0 || mpz_scan1(q, 0) < (mp_bitcnt_t)drop - 1;
	mpz_tdiv_q_2exp(q, q, (mp_bitcnt_t)drop);
	odd = mpz_odd_p(q);
	if (half && (rest || odd))
		mpz_add_ui(q, q, 1);
	x = ldexp(mpz_get_d(q), (int)(exponent + drop));
	if (mpz_sgn(numerator) < 0)
		x = -x;
	mpz_clears(q, r, NULL);
	return x;
}

/* What infinities and NaN make of a sum; 0 when there are none. */
static inline double oracle_special(const struct oracle *o)
{
	if (o->nan || (o->pinf && o->ninf))
		return NAN;
	return o->pinf ? INFINITY : o->ninf ? -INFINITY : 0;
}

static inline bool oracle_is_finite(const struct oracle *o)
{
	return !o->nan && !o->pinf && !o->ninf;
}

static inline double oracle_sum(const struct oracle *o)
{
	mpz_t one;
	double x;

	mpz_init_set_ui(one, 1);
	x = oracle_is_finite(o) ? oracle_round(o->sum, one, -ORACLE_SHIFT) : oracle_special(o);
	mpz_clear(one);
	return x;
}

/* sum / n. Needs a value. */
static inline double oracle_mean(const struct oracle *o)
{
	mpz_t n;
	double x;

	if (!oracle_is_finite(o))
		return oracle_special(o);
	mpz_init_set_ui(n, o->count);
	x = oracle_round(o->sum, n, -ORACLE_SHIFT);
	mpz_clear(n);
	return x;
}

/* (n * sum of squares - (sum)^2) / (n * (n - 1)). Needs two values. */
static inline double oracle_variance(const struct oracle *o)
{
	mpz_t n, top;
	double x;

	if (!oracle_is_finite(o))
		return NAN;
	mpz_init_set_ui(n, o->count);
	mpz_init(top);
	mpz_mul(top, o->squares, n);
	mpz_submul(top, o->sum, o->sum);
	mpz_mul_ui(n, n, o->count - 1);
	x = oracle_round(top, n, -2 * ORACLE_SHIFT);
	mpz_clears(n, top, NULL);
	return x;
}

#endif
