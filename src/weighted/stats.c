/*
 * stats.c - statistics from exact sums of weighted elements.
 */
#include "exact/stats.h"
#include "kernel/tile.h"
#include "weighted/big.h"

/* A sum that there is. */
static void load(struct qn_big *b, const struct qn_weighted *s, int sum, const int64_t *words)
{
	qn_big_init(b);
	qn_big_add_limbs(b, &s->form[sum], words + s->offset[sum]);
}

/* The whole sum of products of three. */
static void load_whole(struct qn_big *b, const struct qn_weighted *s, int sum, const int64_t *words)
{
	load(b, s, sum, words);
	if (qn_weighted_has_sum(s, sum + 1))
		qn_big_add_limbs(b, &s->form[sum + 1], words + s->offset[sum + 1]);
}

void qn_weighted_load_freedom(struct qn_big *b, const struct qn_weighted *s, const int64_t *words)
{
	struct qn_big w, squares;

	load(&w, s, QN_SUM_W, words);
	load(&squares, s, QN_SUM_WW, words);
	qn_big_init(b);
	qn_big_multiply(b, &w, &w);
	qn_big_subtract(b, &squares);
	qn_big_fini(&w);
	qn_big_fini(&squares);
}

/* W WXX - WX^2 */
static void load_spread(struct qn_big *b, const struct qn_weighted *s, const int64_t *words)
{
	struct qn_big w, x, xx, square;

	load(&w, s, QN_SUM_W, words);
	load(&x, s, QN_SUM_WX, words);
	load_whole(&xx, s, QN_SUM_WXX, words);
	qn_big_init(&square);
	qn_big_init(b);
	qn_big_multiply(b, &w, &xx);
	qn_big_multiply(&square, &x, &x);
	qn_big_subtract(b, &square);
	qn_big_fini(&w);
	qn_big_fini(&x);
	qn_big_fini(&xx);
	qn_big_fini(&square);
}

static bool is_spread(enum qn_stat which)
{
	return which == QN_STAT_VARIANCE || which == QN_STAT_STDDEV;
}

static void load_divisor(struct qn_big *b, enum qn_stat which, const struct qn_weighted *s,
			 const int64_t *words)
{
	if (is_spread(which))
		qn_weighted_load_freedom(b, s, words);
	else
		load(b, s, QN_SUM_W, words);
}

static void load_dividend(struct qn_big *b, enum qn_stat which, const struct qn_weighted *s,
			  const int64_t *words)
{
	if (is_spread(which))
		load_spread(b, s, words);
	else if (which == QN_STAT_RMS)
		load_whole(b, s, QN_SUM_WXX, words);
	else
		load(b, s, QN_SUM_WX, words);
}

bool qn_weighted_has(enum qn_stat which, const struct qn_weighted *s, const int64_t *words)
{
	struct qn_big b;
	bool has;

	load_divisor(&b, which, s, words);
	has = mpz_sgn(b.z) > 0;
	qn_big_fini(&b);
	return has;
}

bool qn_weighted_stat(enum qn_stat which, const struct qn_weighted *s, const int64_t *words,
		      double *out)
{
	const bool is_root = which == QN_STAT_STDDEV || which == QN_STAT_RMS;
	struct qn_big num, den;
	bool has;

	load_divisor(&den, which, s, words);
	has = mpz_sgn(den.z) > 0;
	load_dividend(&num, which, s, words);
	if (has)
		*out = is_root ? qn_round_root(num.z, den.z, num.exp - den.exp, false)
			       : qn_round_quotient(num.z, den.z, num.exp - den.exp);
	qn_big_fini(&num);
	qn_big_fini(&den);
	return has;
}

bool qn_weighted_is_integer(const struct qn_weighted *s, int sum)
{
	return !qn_dtype_is_float(s->dtype[QN_FACTOR_W]) &&
	       (sum == QN_SUM_W || !qn_dtype_is_float(s->dtype[QN_FACTOR_X]));
}

void qn_weighted_decimal(const struct qn_weighted *s, int sum, const int64_t *words,
			 char out[QN_ACC_MAX_DIGITS])
{
	struct qn_big b;

	load(&b, s, sum, words);
	mpz_mul_2exp(b.z, b.z, (mp_bitcnt_t)(mpz_sgn(b.z) ? b.exp : 0));
	mpz_get_str(out, 10, b.z);
	qn_big_fini(&b);
}
