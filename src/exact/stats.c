/*
 * stats.c - statistics from exact sums of powers.
 */
#include "exact/stats_parts.h"

#include "exact/fraction.h"

/* The big integers of a computation. */
struct sums {
	mpz_t n, a[4];	/* number of values, power sums without their exponents */
	mpz_t d, t, q;	/* see stats.h */
	mpz_t num, den; /* of a fraction to round */
};

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
	out->skewness = qn_round_root(s->num, s->den, 0, mpz_sgn(s->t) < 0);

	mpz_mul(s->den, s->d, s->d);
	mpz_set(s->num, s->q);
	mpz_submul_ui(s->num, s->den, 3);
	out->kurtosis = qn_round_quotient(s->num, s->den, 0);
}

static void sums_init(struct sums *s, const struct qn_power *p, const int64_t *words, uint64_t n)
{
	mpz_inits(s->n, s->d, s->t, s->q, s->num, s->den, NULL);
	mpz_inits(s->a[0], s->a[1], s->a[2], s->a[3], NULL);
	mpz_set_ui(s->n, n);
	for (int i = 0; i < p->npowers; i++)
		qn_mpz_from_limbs(s->a[i], &p->form[i], words + p->offset[i]);
}

static void sums_fini(struct sums *s)
{
	mpz_clears(s->a[0], s->a[1], s->a[2], s->a[3], NULL);
	mpz_clears(s->n, s->d, s->t, s->q, s->num, s->den, NULL);
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
	x = which == QN_STAT_MEAN || which == QN_STAT_VARIANCE
		    ? qn_round_quotient(s.num, s.den, exp)
		    : qn_round_root(s.num, s.den, exp, false);
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
