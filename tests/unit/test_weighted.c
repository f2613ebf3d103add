/*
 * test_weighted.c - exact sums of weighted elements against rationals, however they are added; cosines.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "exact/stats.h"
#include "exact_oracle.h"
#include "weighted/cosine.h"
#include "weighted/sums.h"

#define MOST   300
#define NWORDS 1200

/* Sums as they should be. */
struct sums {
	mpq_t w, wx, ww, wxx;
};

static void add_rational(struct sums *s, const struct qn_weighted *k, const void *x, const void *w,
			 size_t n)
{
	mpq_t a, b, product;

	mpq_inits(a, b, product, NULL);
	for (size_t i = 0; i < n; i++) {
		oracle_get(k->dtype[QN_FACTOR_X], x, i, a);
		oracle_get(k->dtype[QN_FACTOR_W], w, i, b);
		mpq_add(s->w, s->w, b);
		mpq_mul(product, b, b);
		mpq_add(s->ww, s->ww, product);
		mpq_mul(product, a, b);
		mpq_add(s->wx, s->wx, product);
		mpq_mul(product, product, a);
		mpq_add(s->wxx, s->wxx, product);
	}
	mpq_clears(a, b, product, NULL);
}

/* Not negative. */
static void fill_weights(enum quern_dtype t, enum oracle_kind kind, size_t n, void *w)
{
	char *at = w;

	oracle_fill(t, kind, n, w);
	for (size_t i = 0; i < n; i++, at += oracle_size(t)) {
		double d = oracle_is_float(t) ? fabs(oracle_double(t, at)) : 0;
		const float f = (float)d;
		const int64_t v = oracle_is_float(t) ? 0 : oracle_signed(QUERN_I64, at) & 0xffff;

		if (oracle_below(8) == 0)
			memset(at, 0, oracle_size(t));
		else if (t == QUERN_F64)
			memcpy(at, &d, sizeof(d));
		else if (t == QUERN_F32)
			memcpy(at, &f, sizeof(f));
		else
			memcpy(at, &v, sizeof(v));
	}
}

/* Half of the weights are one. */
static void make_alike(enum quern_dtype t, size_t n, char *w)
{
	for (size_t i = n / 4; i < n * 3 / 4; i++)
		memcpy(w + i * oracle_size(t), w + n / 4 * oracle_size(t), oracle_size(t));
}

static void check_stats(const struct qn_weighted *s, const int64_t *words, const struct sums *right)
{
	mpq_t num, den;
	double d;

	mpq_inits(num, den, NULL);
	assert_int_equal(qn_weighted_stat(QN_STAT_MEAN, s, words, &d), mpq_sgn(right->w) > 0);
	if (mpq_sgn(right->w) > 0) {
		mpq_div(num, right->wx, right->w);
		assert_true(oracle_is_nearest(d, num, false));
		assert_true(qn_weighted_stat(QN_STAT_RMS, s, words, &d));
		mpq_div(num, right->wxx, right->w);
		assert_true(oracle_is_nearest(d, num, true));
	}
	mpq_mul(den, right->w, right->w);
	mpq_sub(den, den, right->ww);
	assert_int_equal(qn_weighted_has(QN_STAT_VARIANCE, s, words), mpq_sgn(den) > 0);
	if (mpq_sgn(den) > 0) {
		mpq_mul(num, right->w, right->wxx);
		mpq_div(num, num, den);
		mpq_div(den, right->wx, den);
		mpq_mul(den, den, right->wx);
		mpq_sub(num, num, den);
		assert_true(qn_weighted_stat(QN_STAT_VARIANCE, s, words, &d));
		assert_true(oracle_is_nearest(d, num, false));
		assert_true(qn_weighted_stat(QN_STAT_STDDEV, s, words, &d));
		assert_true(oracle_is_nearest(d, num, true));
	}
	mpq_clears(num, den, NULL);
}

static size_t add(const struct qn_weighted *s, const void *x, const void *w, size_t n,
		  int64_t *words, int64_t *special, void *scratch)
{
	const void *const v[QN_NFACTORS] = { [QN_FACTOR_W] = w, [QN_FACTOR_X] = x };

	return qn_weighted_add(s, v, n, words, special, scratch);
}

/* In parts, and all of it to the rows of columns: the words are the same. */
static void check_words(const struct qn_weighted *s, const char *x, const char *w, size_t n,
			const int64_t *words, void *scratch)
{
	int64_t other[NWORDS] = { 0 }, special[QN_WEIGHTED_NSPECIALS] = { 0 };
	struct qn_weighted_tile t = {
		.v = { [QN_FACTOR_W] = w, [QN_FACTOR_X] = x }, .n = 1, .nsteps = n, .stride = 1
	};
	struct qn_column *sum[QN_NWEIGHTED] = { NULL };

	for (size_t i = 0, more; i < n; i += more) {
		more = qn_min_u64(1 + oracle_below(100), n - i);
		add(s, x + i * oracle_size(s->dtype[QN_FACTOR_X]),
		    w + i * oracle_size(s->dtype[QN_FACTOR_W]), more, other, special, scratch);
	}
	qn_weighted_normalize(s, other);
	assert_memory_equal(other, words, s->nwords * sizeof(*words));
	for (int k = 0; k < s->nsums; k++)
		assert_non_null(sum[k] = qn_column_new_products(qn_weighted_nfactors(k), 3));
	assert_true(qn_weighted_add_rows(s, sum, 2, &t, scratch));
	for (int k = 0; k < s->nsums; k++) {
		assert_true(qn_column_get(sum[k], 2, other));
		assert_memory_equal(other, words + s->offset[k],
				    (size_t)s->form[k].nlimbs * sizeof(*words));
		qn_column_free(sum[k]);
	}
}

static void check(enum quern_dtype tx, enum quern_dtype tw, enum oracle_kind kx,
		  enum oracle_kind kw)
{
	const enum quern_dtype types[] = {
		[QN_FACTOR_W] = tw, [QN_FACTOR_X] = tx, [QN_FACTOR_Y] = QUERN_I8
	};
	const size_t n = 1 + oracle_below(MOST);
	double x[MOST], w[MOST];
	int64_t words[NWORDS] = { 0 }, special[QN_WEIGHTED_NSPECIALS] = { 0 };
	struct qn_weighted s;
	struct sums right;
	void *scratch;

	qn_weighted_init(&s, types, QN_WEIGHTED_SPREAD, false);
	assert_true(s.nwords <= NWORDS);
	assert_non_null(scratch = qn_alloc_aligned(qn_weighted_scratch_nbytes(&s)));
	oracle_fill(tx, kx, n, x);
	fill_weights(tw, kw, n, w);
	make_alike(tw, n, (char *)w);
	mpq_inits(right.w, right.wx, right.ww, right.wxx, NULL);
	add_rational(&right, &s, x, w, n);
	assert_int_equal(add(&s, x, w, n, words, special, scratch), 0);
	qn_weighted_normalize(&s, words);
	assert_true(oracle_is_nearest(qn_acc_round(&s.form[QN_SUM_W], words), right.w, false));
	assert_true(oracle_is_nearest(qn_acc_round(&s.form[QN_SUM_WX], words + s.offset[QN_SUM_WX]),
				      right.wx, false));
	check_stats(&s, words, &right);
	check_words(&s, (char *)x, (char *)w, n, words, scratch);
	mpq_clears(right.w, right.wx, right.ww, right.wxx, NULL);
	free(scratch);
}

static void test_sums(void **state)
{
	static const enum quern_dtype of_x[] = { QUERN_F32, QUERN_F64, QUERN_I16, QUERN_I64,
						 QUERN_U64 };
	static const enum quern_dtype of_w[] = { QUERN_F32, QUERN_F64, QUERN_I64 };

	(void)state;
	for (size_t i = 0; i < sizeof(of_x) / sizeof(*of_x); i++)
		for (size_t k = 0; k < sizeof(of_w) / sizeof(*of_w); k++)
			for (int kind = 0; kind < NKINDS; kind++)
				check(of_x[i], of_w[k], (enum oracle_kind)kind,
				      (enum oracle_kind)oracle_below(NKINDS));
}

/* Nearest doubles to rationals; the last two are beyond the poles. */
static void test_cosines(void **state)
{
	static const struct {
		double angle;
		bool degrees;
		double cosine;
	} right[] = {
		{ 0, true, 1 },
		{ 90, true, 0x1.1a62633145c07p-54 },
		{ -90, true, 0x1.1a62633145c07p-54 },
		{ 60, true, 0x1.0000000000001p-1 },
		{ 80, true, 0.17364817766693041 },
		{ 40, true, 0.766044443118978 },
		{ (double)0.1f, true, 0.9999984769132423 },
		{ 1e-300, false, 1 },
		{ 1, false, 0x1.14a280fb5068cp-1 },
		{ (double)1.5707964f, false, 0 },
		{ 90.00005, true, 0 },
	};
	double x;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		x = right[i].angle;
		assert_int_equal(qn_cosines(&x, 1, right[i].degrees), 1);
		if (x != right[i].cosine)
			fail_msg("cosine of %.17g: %a, not %a", right[i].angle, x, right[i].cosine);
	}
	x = 90.001;
	assert_int_equal(qn_cosines(&x, 1, true), 0);
	x = -1.6;
	assert_int_equal(qn_cosines(&x, 1, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_cosines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
