/*
 * stats.c - statistics from exact sums of powers.
 */
#include "exact/stats_parts.h"

#include <gmp.h>

/* Bits of a quotient, or of a root, at the least: those of a double, and then some. */
#define QUOTIENT_BITS 66

/* The big integers of a computation. */
struct sums {
	mpz_t n, a[4];	      /* number of values, power sums without their exponents */
	mpz_t d, t, q;	      /* see stats.h */
	mpz_t num, den, rest; /* of a fraction to round */
};

/* z = limbs, without the exponent. The low ones are an unsigned number, the highest has the sign.
   */
static void from_limbs(mpz_t z, const struct qn_acc_form *f, const int64_t *limb)
{
	uint32_t low[QN_ACC_MAX_LIMBS];
	const int top = f->nlimbs - 1;
	mpz_t high;

	for (int i = 0; i < top; i++)
		low[i] = (uint32_t)limb[i];
	mpz_import(z, (size_t)top, -1, sizeof(low[0]), 0, 0, low);
	mpz_init_set_si(high, limb[top]);
	mpz_mul_2exp(high, high, 32 * (mp_bitcnt_t)top);
	mpz_add(z, z, high);
	mpz_clear(high);
}

static long nbits(const mpz_t z)
{
	return (long)mpz_sizeinbase(z, 2);
}

/* z *= 2^shift, for a shift that loses nothing. */
static void shift_left(mpz_t z, long shift)
{
	if (shift >= 0)
		mpz_mul_2exp(z, z, (mp_bitcnt_t)shift);
}

/* The double nearest to z * 2^exp, or, if more, to a value between that and (z + 1) * 2^exp; z has
   QUOTIENT_BITS or more. Changes z. */
static double round_integer(mpz_t z, bool more, long exp, bool negative)
{
	long drop = nbits(z) - 64;

	more = more || mpz_scan1(z, 0) < (mp_bitcnt_t)drop;
	mpz_tdiv_q_2exp(z, z, (mp_bitcnt_t)drop);
	return qn_round_bits(mpz_get_ui(z), more, (int)(exp + drop), negative);
}

/* num = floor(|num| / den * 2^shift); returns whether there is a rest. */
static bool divide(struct sums *s, long shift)
{
	mpz_abs(s->num, s->num);
	shift_left(s->num, shift);
	shift_left(s->den, -shift);
	mpz_tdiv_qr(s->num, s->rest, s->num, s->den);
	return mpz_sgn(s->rest) != 0;
}

/* num / den * 2^exp rounded once; den > 0. Changes both. */
static double round_quotient(struct sums *s, long exp)
{
	const bool negative = mpz_sgn(s->num) < 0;
	long shift = QUOTIENT_BITS + 1 - (nbits(s->num) - nbits(s->den));
	bool more;

	if (mpz_sgn(s->num) == 0)
		return 0.0;
	more = divide(s, shift);
	return round_integer(s->num, more, exp - shift, negative);
}

/* The square root of num / den * 2^exp, rounded once, with a sign; num >= 0, den > 0. A root of a
   floor is the floor of the root, and exact only if both were. */
static double round_root(struct sums *s, long exp, bool negative)
{
	long shift = 2 * QUOTIENT_BITS + 2 - (nbits(s->num) - nbits(s->den));
	bool more;

	if (mpz_sgn(s->num) == 0)
		return 0.0;
	shift += (exp - shift) & 1;
	more = divide(s, shift);
	mpz_sqrtrem(s->num, s->rest, s->num);
	more = more || mpz_sgn(s->rest) != 0;
	return round_integer(s->num, more, (exp - shift) / 2, negative);
}

/* sum += factor * x * y */
static void add_product(mpz_t sum, long factor, const mpz_t x, const mpz_t y)
{
	mpz_t product;

	mpz_init(product);
	mpz_mul(product, x, y);
	mpz_mul_si(product, product, factor);
	mpz_add(sum, sum, product);
	mpz_clear(product);
}

/* By Horner's rule, one power of n at a time. */
static void combine_high(struct sums *s)
{
	mpz_t square, cube;

	mpz_inits(square, cube, NULL);
	mpz_mul(square, s->a[0], s->a[0]);
	mpz_mul(cube, square, s->a[0]);

	mpz_mul(s->t, s->n, s->a[2]);
	add_product(s->t, -3, s->a[0], s->a[1]);
	mpz_mul(s->t, s->t, s->n);
	mpz_addmul_ui(s->t, cube, 2);

	mpz_mul(s->q, s->n, s->a[3]);
	add_product(s->q, -4, s->a[0], s->a[2]);
	mpz_mul(s->q, s->q, s->n);
	add_product(s->q, 6, square, s->a[1]);
	mpz_mul(s->q, s->q, s->n);
	add_product(s->q, -3, cube, s->a[0]);
	mpz_clears(square, cube, NULL);
}

/* D, T and Q of stats.h. */
static void combine(struct sums *s, int npowers)
{
	if (npowers < 2)
		return;
	mpz_mul(s->d, s->n, s->a[1]);
	mpz_submul(s->d, s->a[0], s->a[0]);
	if (npowers == 4)
		combine_high(s);
}

static void shape(struct sums *s, struct qn_stats *out)
{
	mpz_mul(s->num, s->t, s->t);
	mpz_pow_ui(s->den, s->d, 3);
	out->skewness = round_root(s, 0, mpz_sgn(s->t) < 0);

	mpz_mul(s->den, s->d, s->d);
	mpz_set(s->num, s->q);
	mpz_submul_ui(s->num, s->den, 3);
	out->kurtosis = round_quotient(s, 0);
}

static void sums_init(struct sums *s, const struct qn_power *p, const int64_t *words, uint64_t n)
{
	mpz_inits(s->n, s->d, s->t, s->q, s->num, s->den, s->rest, NULL);
	mpz_inits(s->a[0], s->a[1], s->a[2], s->a[3], NULL);
	mpz_set_ui(s->n, n);
	for (int i = 0; i < p->npowers; i++)
		from_limbs(s->a[i], &p->form[i], words + p->offset[i]);
}

static void sums_fini(struct sums *s)
{
	mpz_clears(s->a[0], s->a[1], s->a[2], s->a[3], NULL);
	mpz_clears(s->n, s->d, s->t, s->q, s->num, s->den, s->rest, NULL);
}

static void set_variance(struct sums *s)
{
	mpz_set(s->num, s->d);
	mpz_sub_ui(s->den, s->n, 1);
	mpz_mul(s->den, s->den, s->n);
}

double qn_stat_gmp(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n)
{
	const bool is_spread = which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV;
	const long exp = (which == QN_STAT_MEAN ? 1 : 2) * (long)p->form[0].base;
	struct sums s;
	double x;

	sums_init(&s, p, words, n);
	combine(&s, p->npowers < 2 ? 1 : 2);
	mpz_set(s.num, s.a[which == QN_STAT_RMS]);
	mpz_set(s.den, s.n);
	if (is_spread)
		set_variance(&s);
	x = which == QN_STAT_MEAN || which == QN_STAT_VARIANCE ? round_quotient(&s, exp)
							       : round_root(&s, exp, false);
	sums_fini(&s);
	return x;
}

double qn_stat(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n)
{
	double x;

	return qn_stat_quick(which, p, words, n, &x) ? x : qn_stat_gmp(which, p, words, n);
}

static void find_shape(const struct qn_power *p, const int64_t *words, uint64_t n,
		       struct qn_stats *out)
{
	struct sums s;

	sums_init(&s, p, words, n);
	combine(&s, p->npowers);
	out->has_shape = mpz_sgn(s.d) > 0;
	if (out->has_shape)
		shape(&s, out);
	sums_fini(&s);
}

void qn_stats_from_power(const struct qn_power *p, const int64_t *words, uint64_t n,
			 struct qn_stats *out)
{
	*out = (struct qn_stats){ .has_mean = n > 0, .has_variance = p->npowers >= 2 && n >= 2 };
	if (out->has_mean)
		out->mean = qn_stat(QN_STAT_MEAN, p, words, n);
	if (out->has_variance) {
		out->variance = qn_stat(QN_STAT_VARIANCE, p, words, n);
		out->stddev = qn_stat(QN_STAT_STDDEV, p, words, n);
	}
	if (out->has_mean && p->npowers == 4)
		find_shape(p, words, n, out);
}
