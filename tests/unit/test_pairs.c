/*
 * test_pairs.c - exact sums of pairs and what they come to, against rationals, however they are added.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "exact_oracle.h"
#include "weighted/pairs.h"

#define MOST 200
#define ALL  ((1u << QN_NPAIR_STATS) - 1)

/* Sums as they should be, and what is made of them. */
enum { W, WW, X, Y, XX, XY, YY, C, DX, DY, FREEDOM, NUMBERS };

/* to += a * b * c */
static void add_product(mpq_t to, const mpq_t a, const mpq_t b, const mpq_t c)
{
	mpq_t product;

	mpq_init(product);
	mpq_mul(product, a, b);
	mpq_mul(product, product, c);
	mpq_add(to, to, product);
	mpq_clear(product);
}

/* to = a * b - c * d */
static void set_difference(mpq_t to, const mpq_t a, const mpq_t b, const mpq_t c, const mpq_t d)
{
	mpq_t product;

	mpq_init(product);
	mpq_mul(to, a, b);
	mpq_mul(product, c, d);
	mpq_sub(to, to, product);
	mpq_clear(product);
}

/* Element i of n: weights of 1 where there are none. */
static void add_rational(mpq_t *s, const struct qn_pairs *p, const void *const v[QN_NFACTORS],
			 size_t n)
{
	const enum quern_dtype *t = p->products.dtype;
	mpq_t w, x, y, one;

	mpq_inits(w, x, y, one, NULL);
	mpq_set_ui(one, 1, 1);
	for (size_t i = 0; i < n; i++) {
		mpq_set(w, one);
		if (p->is_weighted)
			oracle_get(t[QN_FACTOR_W], v[QN_FACTOR_W], i, w);
		oracle_get(t[QN_FACTOR_X], v[QN_FACTOR_X], i, x);
		oracle_get(t[QN_FACTOR_Y], v[QN_FACTOR_Y], i, y);
		add_product(s[W], w, one, one);
		add_product(s[WW], w, w, one);
		add_product(s[X], w, x, one);
		add_product(s[Y], w, y, one);
		add_product(s[XX], w, x, x);
		add_product(s[XY], w, x, y);
		add_product(s[YY], w, y, y);
	}
	set_difference(s[C], s[W], s[XY], s[X], s[Y]);
	set_difference(s[DX], s[W], s[XX], s[X], s[X]);
	set_difference(s[DY], s[W], s[YY], s[Y], s[Y]);
	set_difference(s[FREEDOM], s[W], s[W], s[WW], one);
	mpq_clears(w, x, y, one, NULL);
}

/* A statistic is num / den, or its root, with a sign; not there where den is 0. Changes num. */
static void check_one(const struct qn_pair_stats *got, enum qn_pair_stat which, mpq_t num,
		      const mpq_t den, bool is_root, bool negative)
{
	const double x = negative ? -got->value[which] : got->value[which];

	if (got->has[which] != (mpq_sgn(den) > 0))
		fail_msg("statistic %d: there is one: %d", which, got->has[which]);
	if (mpq_sgn(den) <= 0)
		return;
	mpq_div(num, num, den);
	if (!oracle_is_nearest(x, num, is_root))
		fail_msg("statistic %d: %a is not the nearest double", which, x);
}

static void check_stats(const struct qn_pair_stats *got, mpq_t *s, uint64_t n)
{
	mpq_t num, den, factor;

	mpq_inits(num, den, factor, NULL);
	mpq_set(num, s[C]);
	check_one(got, QN_PAIR_COV, num, s[FREEDOM], false, false);
	mpq_set(num, s[C]);
	check_one(got, QN_PAIR_SLOPE, num, s[DY], false, false);
	mpq_mul(den, s[DX], s[DY]);
	mpq_mul(num, s[C], s[C]);
	check_one(got, QN_PAIR_R2, num, den, false, false);
	mpq_mul(num, s[C], s[C]);
	check_one(got, QN_PAIR_CORR, num, den, true, mpq_sgn(s[C]) < 0);
	set_difference(num, s[X], s[DY], s[C], s[Y]);
	mpq_mul(den, s[W], s[DY]);
	check_one(got, QN_PAIR_INTERCEPT, num, den, false, false);
	set_difference(num, s[DX], s[DY], s[C], s[C]);
	mpq_set_ui(factor, n < 3 ? 0 : n - 2, 1);
	mpq_mul(den, s[DY], s[DY]);
	mpq_mul(den, den, factor);
	check_one(got, QN_PAIR_STDERR, num, den, true, false);
	mpq_clears(num, den, factor, NULL);
}

/* Not negative, and often 0. */
static void fill_weights(enum quern_dtype t, enum oracle_kind kind, size_t n, char *w)
{
	oracle_fill(t, kind, n, w);
	for (size_t i = 0; i < n; i++) {
		char *last = w + (i + 1) * oracle_size(t) - 1;

		*last = (char)(*last & 0x7f);
		if (oracle_below(5) == 0)
			memset(w + i * oracle_size(t), 0, oracle_size(t));
	}
}

static uint64_t count_weighted(enum quern_dtype t, const char *w, size_t n)
{
	static const char zero[sizeof(double)];
	uint64_t nweighted = 0;

	for (size_t i = 0; i < n; i++)
		nweighted += memcmp(w + i * oracle_size(t), zero, oracle_size(t)) != 0;
	return nweighted;
}

/* Adds in parts: in any the words are the same. */
static void add_in_parts(const struct qn_pairs *p, const void *const v[QN_NFACTORS], size_t n,
			 int64_t *words, void *scratch)
{
	for (size_t i = 0, more; i < n; i += more) {
		const void *at[QN_NFACTORS] = { NULL };

		more = (size_t)qn_min_u64(1 + oracle_below(100), n - i);
		for (int f = 0; f < QN_NFACTORS; f++)
			if (v[f])
				at[f] = (const char *)v[f] + i * oracle_size(p->products.dtype[f]);
		assert_int_equal(qn_pairs_add(p, at, more, words, scratch), 0);
	}
	qn_pairs_normalize(p, words);
}

static void check(const enum quern_dtype t[QN_NFACTORS], bool is_weighted)
{
	const size_t n = 1 + oracle_below(oracle_below(4) ? MOST : 4);
	double x[MOST], y[MOST], w[MOST];
	const void *const v[QN_NFACTORS] = {
		[QN_FACTOR_W] = is_weighted ? w : NULL, [QN_FACTOR_X] = x, [QN_FACTOR_Y] = y
	};
	struct qn_pairs p;
	struct qn_pair_stats got;
	uint64_t nweighted;
	mpq_t s[NUMBERS];
	int64_t *words, *other;
	void *scratch;

	qn_pairs_init(&p, t, is_weighted);
	words = qn_calloc(p.nwords, sizeof(*words));
	other = qn_calloc(p.nwords, sizeof(*other));
	scratch = qn_alloc_aligned(qn_pairs_scratch_nbytes(&p));
	assert_true(words && other && scratch);
	oracle_fill(t[QN_FACTOR_X], (enum oracle_kind)oracle_below(NKINDS), n, x);
	oracle_fill(t[QN_FACTOR_Y], (enum oracle_kind)oracle_below(NKINDS), n, y);
	fill_weights(t[QN_FACTOR_W], (enum oracle_kind)oracle_below(NKINDS), n, (char *)w);
	assert_int_equal(qn_pairs_add(&p, v, n, words, scratch), 0);
	qn_pairs_normalize(&p, words);
	add_in_parts(&p, v, n, other, scratch);
	assert_memory_equal(words, other, p.nwords * sizeof(*words));
	for (int i = 0; i < NUMBERS; i++)
		mpq_init(s[i]);
	add_rational(s, &p, v, n);
	nweighted = is_weighted ? count_weighted(t[QN_FACTOR_W], (char *)w, n) : n;
	qn_pairs_stats(&p, words, n, nweighted, ALL, &got);
	check_stats(&got, s, nweighted);
	for (int i = 0; i < NUMBERS; i++)
		mpq_clear(s[i]);
	free(words);
	free(other);
	free(scratch);
}

static void test_pairs(void **state)
{
	static const enum quern_dtype types[] = { QUERN_F32, QUERN_F64, QUERN_I16, QUERN_I64,
						  QUERN_U64 };
	const size_t n = sizeof(types) / sizeof(*types);

	(void)state;
	for (size_t i = 0; i < n * n; i++)
		for (int k = 0; k < 24; k++) {
			const enum quern_dtype t[QN_NFACTORS] = {
				[QN_FACTOR_W] = types[oracle_below(n)],
				[QN_FACTOR_X] = types[i / n],
				[QN_FACTOR_Y] = types[i % n],
			};

			check(t, k % 2);
		}
}

/* Of constants there is no correlation, and along a constant no line. */
static void test_constants(void **state)
{
	static const double same[] = { 2, 2, 2, 2 }, rising[] = { 1, 2, 3, 5 };
	static const enum quern_dtype t[QN_NFACTORS] = { QUERN_F64, QUERN_F64, QUERN_F64 };
	const void *v[QN_NFACTORS] = { NULL, same, rising };
	int64_t words[2000] = { 0 };
	struct qn_pair_stats got;
	struct qn_pairs p;
	void *scratch;

	(void)state;
	qn_pairs_init(&p, t, false);
	assert_true(p.nwords <= 1000);
	assert_non_null(scratch = qn_alloc_aligned(qn_pairs_scratch_nbytes(&p)));
	qn_pairs_add(&p, v, 4, words, scratch);
	qn_pairs_normalize(&p, words);
	qn_pairs_stats(&p, words, 4, 4, ALL, &got);
	assert_true(got.has[QN_PAIR_COV] && got.has[QN_PAIR_SLOPE] && got.has[QN_PAIR_STDERR]);
	assert_true(got.value[QN_PAIR_COV] == 0 && got.value[QN_PAIR_SLOPE] == 0 &&
		    got.value[QN_PAIR_INTERCEPT] == 2 && got.value[QN_PAIR_STDERR] == 0);
	assert_false(got.has[QN_PAIR_CORR] || got.has[QN_PAIR_R2]);
	memset(words, 0, sizeof(words));
	v[QN_FACTOR_X] = rising;
	v[QN_FACTOR_Y] = same;
	qn_pairs_add(&p, v, 4, words, scratch);
	qn_pairs_normalize(&p, words);
	qn_pairs_stats(&p, words, 4, 4, ALL, &got);
	assert_true(got.has[QN_PAIR_COV] && got.value[QN_PAIR_COV] == 0);
	assert_false(got.has[QN_PAIR_CORR] || got.has[QN_PAIR_SLOPE] ||
		     got.has[QN_PAIR_INTERCEPT] || got.has[QN_PAIR_R2] || got.has[QN_PAIR_STDERR]);
	qn_pairs_stats(&p, words, 0, 0, ALL, &got);
	assert_false(got.has[QN_PAIR_COV]);
	free(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
