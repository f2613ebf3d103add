/*
 * stats.c - statistics from exact sums of weighted elements.
 */
#include <string.h>

#include "exact/fraction.h"
#include "exact/stats.h"
#include "kernel/tile.h"
#include "weighted/sums.h"

/* z * 2^exp */
struct big {
	mpz_t z;
	long exp;
};

static void init(struct big *b)
{
	mpz_init(b->z);
	b->exp = 0;
}

static void strip(struct big *b)
{
	const mp_bitcnt_t n = mpz_sgn(b->z) ? mpz_scan1(b->z, 0) : 0;

	mpz_tdiv_q_2exp(b->z, b->z, n);
	b->exp += (long)n;
}

/* Of the many limbs few are not those of the sign, or zeros below. */
static void load(struct big *b, const struct qn_weighted *s, int sum, const int64_t *words)
{
	struct qn_acc_form f = s->form[sum];
	int64_t limb[QN_ACC_MAX_LIMBS];
	int low = 0, top = f.nlimbs - 1;

	memcpy(limb, words + s->offset[sum], (size_t)f.nlimbs * sizeof(*limb));
	for (; top > 0 && (limb[top] == 0 || limb[top] == -1); top--)
		limb[top - 1] += limb[top] * (INT64_C(1) << 32);
	while (low < top && limb[low] == 0)
		low++;
	f.base += 32 * low;
	f.nlimbs = top - low + 1;
	init(b);
	qn_mpz_from_limbs(b->z, &f, limb + low);
	b->exp = f.base;
	strip(b);
}

static void multiply(struct big *out, const struct big *a, const struct big *b)
{
	init(out);
	mpz_mul(out->z, a->z, b->z);
	out->exp = a->exp + b->exp;
}

/* Gives both the lower exponent. */
static void align(struct big *a, struct big *b)
{
	if (a->exp > b->exp) {
		mpz_mul_2exp(a->z, a->z, (mp_bitcnt_t)(a->exp - b->exp));
		a->exp = b->exp;
	} else {
		mpz_mul_2exp(b->z, b->z, (mp_bitcnt_t)(b->exp - a->exp));
		b->exp = a->exp;
	}
}

/* a -= b, which is given up. */
static void subtract(struct big *a, struct big *b)
{
	align(a, b);
	mpz_sub(a->z, a->z, b->z);
	mpz_clear(b->z);
}

/* The whole sum of w x^2. */
static void load_squares(struct big *b, const struct qn_weighted *s, const int64_t *words)
{
	struct big low;

	load(b, s, QN_SUM_WXX, words);
	if (s->nsums <= QN_SUM_WXX_LOW)
		return;
	load(&low, s, QN_SUM_WXX_LOW, words);
	align(b, &low);
	mpz_add(b->z, b->z, low.z);
	mpz_clear(low.z);
}

/* W^2 - WW */
static void load_freedom(struct big *b, const struct qn_weighted *s, const int64_t *words)
{
	struct big w, squares;

	load(&w, s, QN_SUM_W, words);
	multiply(b, &w, &w);
	load(&squares, s, QN_SUM_WW, words);
	subtract(b, &squares);
	mpz_clear(w.z);
}

/* W WXX - WX^2 */
static void load_spread(struct big *b, const struct qn_weighted *s, const int64_t *words)
{
	struct big w, x, xx, square;

	load(&w, s, QN_SUM_W, words);
	load(&x, s, QN_SUM_WX, words);
	load_squares(&xx, s, words);
	multiply(b, &w, &xx);
	multiply(&square, &x, &x);
	subtract(b, &square);
	mpz_clears(w.z, x.z, xx.z, NULL);
}

static bool is_spread(enum qn_stat which)
{
	return which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV;
}

static void load_divisor(struct big *b, enum qn_stat which, const struct qn_weighted *s,
			 const int64_t *words)
{
	if (is_spread(which))
		load_freedom(b, s, words);
	else
		load(b, s, QN_SUM_W, words);
}

static void load_dividend(struct big *b, enum qn_stat which, const struct qn_weighted *s,
			  const int64_t *words)
{
	if (is_spread(which))
		load_spread(b, s, words);
	else if (which == QN_STAT_RMS)
		load_squares(b, s, words);
	else
		load(b, s, QN_SUM_WX, words);
}

bool qn_weighted_has(enum qn_stat which, const struct qn_weighted *s, const int64_t *words)
{
	struct big b;
	bool has;

	load_divisor(&b, which, s, words);
	has = mpz_sgn(b.z) > 0;
	mpz_clear(b.z);
	return has;
}

bool qn_weighted_stat(enum qn_stat which, const struct qn_weighted *s, const int64_t *words,
		      double *out)
{
	const bool is_root = which == QN_STAT_STDDEV || which == QN_STAT_RMS;
	struct big num, den;
	bool has;

	load_divisor(&den, which, s, words);
	has = mpz_sgn(den.z) > 0;
	load_dividend(&num, which, s, words);
	if (has)
		*out = is_root ? qn_round_root(num.z, den.z, num.exp - den.exp, false)
			       : qn_round_quotient(num.z, den.z, num.exp - den.exp);
	mpz_clears(num.z, den.z, NULL);
	return has;
}

bool qn_weighted_is_integer(const struct qn_weighted *s, int sum)
{
	return !qn_dtype_is_float(s->w) && (sum == QN_SUM_W || !qn_dtype_is_float(s->x));
}

void qn_weighted_decimal(const struct qn_weighted *s, int sum, const int64_t *words,
			 char out[QN_ACC_MAX_DIGITS])
{
	struct big b;

	load(&b, s, sum, words);
	mpz_mul_2exp(b.z, b.z, (mp_bitcnt_t)(mpz_sgn(b.z) ? b.exp : 0));
	mpz_get_str(out, 10, b.z);
	mpz_clear(b.z);
}
