/*
 * test_moments.c - the kernels `sum` and `moments`: statistics against their definitions in
 * rational arithmetic; missing values, NaN and infinities; and states that do not depend on how
 * the data were cut and merged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/options.h"
#include "exact/stats_parts.h"
#include "exact_oracle.h"
#include "kernel/kernel.h"
#include "kernel/result.h"

extern const struct quern_kernel qn_kernel_moments, qn_kernel_sum;

#define MAX_NELEMS 20000

/* A kernel opened on a type, and room for data. */
struct fixture {
	const struct quern_kernel *kernel;
	enum quern_dtype t;
	struct quern_options options;
	struct quern_message message;
	void *self, *scratch;
	struct qn_layout_of_state layout;
	char *values;
	uint64_t *valid;
};

static void fixture_init(struct fixture *x, const struct quern_kernel *k, enum quern_dtype t,
			 const char *order, bool nan_missing)
{
	static const struct quern_option no_options[] = { { 0 } };
	const struct quern_option *table = k->options ? k->options : no_options;
	const uint64_t shape[1] = { MAX_NELEMS };
	const char *dims[1] = { NULL };
	struct quern_box box = { .ndim = 1, .count = { MAX_NELEMS }, .step = { 1 } };
	struct quern_input in = { .ndim = 1,
				  .shape = shape,
				  .selection = &box,
				  .dtype = t,
				  .nan_missing = nan_missing,
				  .dims = dims,
				  .options = &x->options,
				  .message = &x->message };

	memset(x, 0, sizeof(*x));
	x->kernel = k;
	x->t = t;
	assert_int_equal(qn_options_init(&x->options, &table, 1, &x->message), QUERN_OK);
	if (order)
		assert_int_equal(qn_options_set(&x->options, "order", order, &x->message),
				 QUERN_OK);
	assert_int_equal(k->open(&in, &x->self), QUERN_OK);
	assert_int_equal(qn_state_layout(k, x->self, &x->layout, &x->message), QUERN_OK);
	x->scratch = qn_alloc_aligned(k->scratch(x->self) + 1);
	x->values = qn_alloc_aligned(MAX_NELEMS * 8);
	x->valid = qn_calloc(MAX_NELEMS / 64 + 1, sizeof(uint64_t));
}

static void fixture_fini(struct fixture *x)
{
	x->kernel->close(x->self);
	qn_options_fini(&x->options);
	free(x->scratch);
	free(x->values);
	free(x->valid);
}

static int64_t *new_state(const struct fixture *x)
{
	int64_t *state = qn_calloc(x->layout.nwords, sizeof(int64_t));

	qn_state_identity(&x->layout, state);
	return state;
}

/* Absorbs n elements from the first-th on, of which `masked` says whether valid is looked at. */
static void absorb(const struct fixture *x, int64_t *state, size_t first, size_t n, bool masked)
{
	uint64_t valid[QUERN_TILE_NELEMS / 64] = { 0 };
	struct quern_var v = { .dtype = x->t, .values = x->values + first * oracle_size(x->t) };
	struct quern_tile tile = { .first = first, .nelems = n, .nvars = 1, .var = &v };

	for (size_t i = 0; masked && i < n; i++) {
		bool set = x->valid[(first + i) / 64] >> (first + i) % 64 & 1;

		valid[i / 64] |= (uint64_t)set << i % 64;
		v.nmissing += !set;
	}
	if (masked)
		v.valid = valid;
	x->kernel->absorb(x->self, state, x->scratch, &tile);
}

static void absorb_all(const struct fixture *x, int64_t *state, size_t n, bool masked)
{
	for (size_t i = 0; i < n; i += QUERN_TILE_NELEMS)
		absorb(x, state, i, n - i < QUERN_TILE_NELEMS ? n - i : QUERN_TILE_NELEMS, masked);
	x->kernel->normalize(x->self, state);
}

static struct quern_result emit(const struct fixture *x, const int64_t *state)
{
	struct quern_result r = { 0 };

	x->kernel->emit(x->self, state, &r);
	return r;
}

static void put(struct fixture *x, size_t i, double v)
{
	float w = (float)v;

	memcpy(x->values + i * oracle_size(x->t), x->t == QUERN_F32 ? (void *)&w : (void *)&v,
	       oracle_size(x->t));
}

static void set_valid(struct fixture *x, size_t i, bool set)
{
	x->valid[i / 64] &= ~(UINT64_C(1) << i % 64);
	x->valid[i / 64] |= (uint64_t)set << i % 64;
}

/* --- results --- */

static double real(const struct quern_result *r, const char *name)
{
	const struct qn_field *f = qn_result_find(r, name);

	assert_non_null(f);
	assert_int_equal(f->type, QN_FIELD_REAL);
	return f->v.r;
}

static void assert_null_field(const struct quern_result *r, const char *name)
{
	const struct qn_field *f = qn_result_find(r, name);

	assert_non_null(f);
	assert_int_equal(f->type, QN_FIELD_NULL);
}

static void assert_int_field(const struct quern_result *r, const char *name, int64_t v)
{
	const struct qn_field *f = qn_result_find(r, name);

	assert_non_null(f);
	if (f->type == QN_FIELD_UINT)
		assert_int_equal(f->v.u, v);
	else
		assert_int_equal(f->v.i, v);
}

/* Bit for bit, all NaN alike. */
static void assert_real(const struct quern_result *r, const char *name, double expected)
{
	double x = real(r, name);

	if (isnan(expected))
		assert_true(isnan(x));
	else
		assert_memory_equal(&x, &expected, sizeof(x));
}

/* --- definitions --- */

/* m = sum of (x - mean)^k / n. */
static void central_moment(const struct fixture *x, size_t n, const mpq_t mean, unsigned k, mpq_t m)
{
	mpq_t d, p, count;

	mpq_inits(d, p, count, NULL);
	mpq_set_ui(m, 0, 1);
	for (size_t i = 0; i < n; i++) {
		oracle_get(x->t, x->values, i, d);
		mpq_sub(d, d, mean);
		mpq_set_ui(p, 1, 1);
		for (unsigned j = 0; j < k; j++)
			mpq_mul(p, p, d);
		mpq_add(m, m, p);
	}
	mpq_set_ui(count, n, 1);
	mpq_div(m, m, count);
	mpq_clears(d, p, count, NULL);
}

static void exact_mean(const struct fixture *x, size_t n, mpq_t mean)
{
	mpq_t v, count;

	mpq_inits(v, count, NULL);
	mpq_set_ui(mean, 0, 1);
	for (size_t i = 0; i < n; i++) {
		oracle_get(x->t, x->values, i, v);
		mpq_add(mean, mean, v);
	}
	mpq_set_ui(count, n, 1);
	mpq_div(mean, mean, count);
	mpq_clears(v, count, NULL);
}

static void check_variance(const struct quern_result *r, size_t n, const mpq_t m2)
{
	mpq_t v, factor;

	mpq_inits(v, factor, NULL);
	mpq_set_ui(factor, n, n - 1);
	mpq_canonicalize(factor);
	mpq_mul(v, m2, factor);
	assert_true(oracle_is_nearest(real(r, "variance"), v, false));
	assert_true(oracle_is_nearest(real(r, "stddev"), v, true));
	mpq_clears(v, factor, NULL);
}

/* skewness^2 = M3^2 / M2^3; kurtosis = M4 / M2^2 - 3. */
static void check_shape(const struct fixture *x, const struct quern_result *r, size_t n,
			const mpq_t mean, const mpq_t m2)
{
	mpq_t m3, m4, q, three;
	bool negative;

	if (mpq_sgn(m2) == 0) {
		assert_null_field(r, "skewness");
		assert_null_field(r, "kurtosis");
		return;
	}
	mpq_inits(m3, m4, q, three, NULL);
	central_moment(x, n, mean, 3, m3);
	central_moment(x, n, mean, 4, m4);
	mpq_mul(q, m2, m2);
	mpq_div(m4, m4, q);
	mpq_set_ui(three, 3, 1);
	mpq_sub(m4, m4, three);
	assert_true(oracle_is_nearest(real(r, "kurtosis"), m4, false));
	mpq_mul(q, q, m2);
	negative = mpq_sgn(m3) < 0;
	mpq_mul(m3, m3, m3);
	mpq_div(m3, m3, q);
	if (negative)
		mpq_neg(m3, m3);
	assert_true(oracle_is_nearest(real(r, "skewness"), m3, true));
	mpq_clears(m3, m4, q, three, NULL);
}

static void check_statistics(struct fixture *x, size_t n)
{
	int64_t *state = new_state(x);
	struct quern_result r;
	mpq_t mean, m2;

	mpq_inits(mean, m2, NULL);
	absorb_all(x, state, n, false);
	r = emit(x, state);
	assert_int_field(&r, "count", (int64_t)n);
	assert_int_field(&r, "missing", 0);
	exact_mean(x, n, mean);
	assert_true(oracle_is_nearest(real(&r, "mean"), mean, false));
	if (n >= 2) {
		central_moment(x, n, mean, 2, m2);
		check_variance(&r, n, m2);
		check_shape(x, &r, n, mean, m2);
	} else {
		assert_null_field(&r, "variance");
		assert_null_field(&r, "stddev");
		assert_null_field(&r, "skewness");
		assert_null_field(&r, "kurtosis");
	}
	mpq_clears(mean, m2, NULL);
	qn_result_fini(&r);
	free(state);
}

static void test_statistics(void **state)
{
	struct fixture x;

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		fixture_init(&x, &qn_kernel_moments, (enum quern_dtype)t, "4", false);
		for (int i = 0; i < 120; i++) {
			size_t n = 1 + oracle_below(i % 10 ? 12 : 80);

			oracle_fill(x.t, (enum oracle_kind)(i % NKINDS), n, x.values);
			check_statistics(&x, n);
		}
		fixture_fini(&x);
	}
}

/* --- the two ways to a statistic --- */

/* Words of n finite values. */
static void add_values(const struct qn_power *p, const struct fixture *x, size_t n, int64_t *words)
{
	struct qn_extremes e;

	memset(words, 0, p->nwords * sizeof(*words));
	assert_true(qn_power_add(p, x->values, n, words, &e, x->scratch));
}

/* Returns how many were found the quick way. count: at least as many as there are values. */
static int check_ways(const struct qn_power *p, const int64_t *words, uint64_t count)
{
	static const enum qn_stat stat[] = { QN_STAT_MEAN, QN_STAT_RMS, QN_STAT_VARIANCE,
					     QN_STAT_STDDEV };
	int nquick = 0;

	for (int i = 0; i < (count > 1 ? 4 : 2); i++) {
		const double want = qn_stat_gmp(stat[i], p, words, count);
		double got = qn_stat(stat[i], p, words, count);

		assert_memory_equal(&got, &want, sizeof(got));
		if (!qn_stat_quick(stat[i], p, words, count, &got))
			continue;
		assert_memory_equal(&got, &want, sizeof(got));
		nquick++;
	}
	return nquick;
}

static void test_ways(void **state)
{
	static int64_t words[2 * QN_ACC_MAX_LIMBS];
	struct fixture x;
	struct qn_power p;

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		fixture_init(&x, &qn_kernel_moments, (enum quern_dtype)t, NULL, false);
		qn_power_init(&p, x.t, 2);
		for (int i = 0; i < 20 * NKINDS; i++) {
			const enum oracle_kind kind = (enum oracle_kind)(i % NKINDS);
			const size_t n = 1 + oracle_below(i % 7 ? 5 : 3000);
			int nquick;

			oracle_fill(x.t, kind, n, x.values);
			add_values(&p, &x, n, words);
			nquick = check_ways(&p, words, n);
			if (!oracle_is_float(x.t) || kind == KIND_TEMPERATURE)
				assert_int_equal(nquick, n > 1 ? 4 : 2);
			check_ways(&p, words, n + oracle_below(UINT32_MAX - n));
			assert_int_equal(0, check_ways(&p, words, n + (UINT64_C(1) << 32)));
		}
		fixture_fini(&x);
	}
}

/* --- known answers --- */

static void test_known(void **state)
{
	static const double values[] = { 1, 2, 4, 8, -3.5 };
	struct fixture x;
	struct quern_result r;
	int64_t *s;

	(void)state;
	fixture_init(&x, &qn_kernel_moments, QUERN_F64, "4", true);
	for (size_t i = 0; i < 5; i++)
		put(&x, i, values[i]);
	s = new_state(&x);
	absorb_all(&x, s, 5, false);
	r = emit(&x, s);
	assert_real(&r, "sum", 11.5);
	assert_real(&r, "mean", 2.3);
	assert_real(&r, "variance", 17.7);
	assert_real(&r, "stddev", 4.207136793592526);
	assert_real(&r, "min", -3.5);
	assert_real(&r, "max", 8);
	qn_result_fini(&r);
	free(s);
	fixture_fini(&x);
}

static void check_integer_sum(enum quern_dtype t, uint64_t bits, size_t n, const char *expected)
{
	struct fixture x;
	struct quern_result r;
	int64_t *s;

	fixture_init(&x, &qn_kernel_sum, t, NULL, true);
	for (size_t i = 0; i < n; i++)
		memcpy(x.values + i * oracle_size(t), &bits, oracle_size(t));
	s = new_state(&x);
	absorb_all(&x, s, n, false);
	r = emit(&x, s);
	assert_int_equal(qn_result_find(&r, "sum")->type, QN_FIELD_DECIMAL);
	assert_string_equal(qn_result_find(&r, "sum")->v.digits, expected);
	qn_result_fini(&r);
	free(s);
	fixture_fini(&x);
}

static void test_integer_sums(void **state)
{
	(void)state;
	check_integer_sum(QUERN_I8, 0x80, 10000, "-1280000");
	check_integer_sum(QUERN_U16, 0xffff, 20000, "1310700000");
	check_integer_sum(QUERN_I64, UINT64_C(1) << 63, 20000, "-184467440737095516160000");
	check_integer_sum(QUERN_U64, UINT64_MAX, 20000, "368934881474191032300000");
	check_integer_sum(QUERN_I32, 0, 3, "0");
	check_integer_sum(QUERN_I32, 7, 0, "0");
}

static void test_empty(void **state)
{
	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++) {
		struct fixture x;
		struct quern_result r;
		int64_t *s;

		fixture_init(&x, &qn_kernel_moments, (enum quern_dtype)t, "4", true);
		s = new_state(&x);
		/* All missing is as good as nothing. */
		absorb_all(&x, s, 1000, true);
		r = emit(&x, s);
		assert_int_field(&r, "count", 0);
		assert_int_field(&r, "missing", 1000);
		if (oracle_is_float(x.t))
			assert_real(&r, "sum", 0.0);
		else
			assert_string_equal(qn_result_find(&r, "sum")->v.digits, "0");
		for (size_t i = 3; i < r.nfields; i++)
			assert_int_equal(r.field[i].type, QN_FIELD_NULL);
		assert_int_equal(r.nfields, 10);
		qn_result_fini(&r);
		free(s);
		fixture_fini(&x);
	}
}

/* --- infinities and NaN --- */

struct special_case {
	bool nan_missing;
	double a, b;   /* put among ones */
	int64_t count; /* of 10 */
	double sum, mean, variance, min, max;
};

static void check_special(enum quern_dtype t, const struct special_case *c)
{
	struct fixture x;
	struct quern_result r;
	int64_t *s;

	fixture_init(&x, &qn_kernel_moments, t, "4", c->nan_missing);
	for (size_t i = 0; i < 10; i++)
		put(&x, i, 1);
	put(&x, 3, c->a);
	put(&x, 8, c->b);
	s = new_state(&x);
	absorb_all(&x, s, 10, false);
	r = emit(&x, s);
	assert_int_field(&r, "count", c->count);
	assert_int_field(&r, "missing", 10 - c->count);
	assert_real(&r, "sum", c->sum);
	assert_real(&r, "mean", c->mean);
	assert_real(&r, "variance", c->variance);
	assert_real(&r, "min", c->min);
	assert_real(&r, "max", c->max);
	if (c->variance == 0)
		assert_null_field(&r, "kurtosis");
	else
		assert_real(&r, "kurtosis", NAN);
	qn_result_fini(&r);
	free(s);
	fixture_fini(&x);
}

static void test_special(void **state)
{
	const struct special_case cases[] = {
		{ true, NAN, 1, 9, 9, 1, 0, 1, 1 },
		{ true, NAN, NAN, 8, 8, 1, 0, 1, 1 },
		{ false, NAN, 1, 10, NAN, NAN, NAN, NAN, NAN },
		{ true, NAN, INFINITY, 9, INFINITY, INFINITY, NAN, 1, INFINITY },
		{ true, 1, -INFINITY, 10, -INFINITY, -INFINITY, NAN, -INFINITY, 1 },
		{ true, INFINITY, -INFINITY, 10, NAN, NAN, NAN, -INFINITY, INFINITY },
		{ false, INFINITY, -INFINITY, 10, NAN, NAN, NAN, -INFINITY, INFINITY },
		{ false, NAN, INFINITY, 10, NAN, NAN, NAN, NAN, NAN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_special(QUERN_F32, &cases[i]);
		check_special(QUERN_F64, &cases[i]);
	}
}

/* --- partitions --- */

/* Random data with missing values, and where there can be any, NaN and infinities. */
static void fill_mixed(struct fixture *x, enum oracle_kind kind, size_t n)
{
	const double special[] = { NAN, INFINITY, -INFINITY, -0.0, 0.0 };

	oracle_fill(x->t, kind, n, x->values);
	for (size_t i = 0; i < n; i++)
		set_valid(x, i, oracle_below(30) != 0);
	if (oracle_is_float(x->t))
		for (size_t i = oracle_below(n); i < n; i += 1 + oracle_below(n))
			put(x, i, special[oracle_below(5)]);
}

/* A state of the elements, cut at random into tiles, added in random order to a few states that are
   then merged in random order. */
static int64_t *random_partition(const struct fixture *x, size_t n)
{
	enum { NSTATES = 5 };
	int64_t *part[NSTATES], *merged = new_state(x);
	const size_t most = 1 + oracle_below(QUERN_TILE_NELEMS);
	size_t ntiles = 0, start[MAX_NELEMS + 1];

	for (int i = 0; i < NSTATES; i++)
		part[i] = new_state(x);
	for (size_t i = 0; i < n; i = start[ntiles]) {
		size_t left = n - i < most ? n - i : most;

		start[ntiles] = i;
		start[++ntiles] = i + 1 + oracle_below(left);
	}
	for (size_t i = 0; i < ntiles; i++) {
		size_t k = ntiles - 1 - i;

		absorb(x, part[oracle_below(NSTATES)], start[k], start[k + 1] - start[k], true);
	}
	for (int i = 0; i < NSTATES; i++) {
		int k = (i * 3 + (int)(n % NSTATES)) % NSTATES;

		x->kernel->normalize(x->self, part[k]);
		qn_state_merge(&x->layout, merged, part[k]);
		free(part[k]);
	}
	x->kernel->normalize(x->self, merged);
	return merged;
}

static void check_partitions(const struct quern_kernel *k, enum quern_dtype t, const char *order)
{
	struct fixture x;

	fixture_init(&x, k, t, order, oracle_below(2));
	for (int i = 0; i < NKINDS; i++) {
		size_t n = 1 +
			   oracle_below(t == QUERN_F64 && order && *order == '4' ? 2000 : 15000);
		int64_t *whole = new_state(&x), *parts;

		fill_mixed(&x, (enum oracle_kind)i, n);
		absorb_all(&x, whole, n, true);
		parts = random_partition(&x, n);
		assert_memory_equal(whole, parts, x.layout.nwords * sizeof(int64_t));
		free(whole);
		free(parts);
	}
	fixture_fini(&x);
}

static void test_partitions(void **state)
{
	static const char *const levels[] = { "baseline", "avx2", "avx512" };

	(void)state;
	for (int level = 0; level < 3; level++) {
		qn_cpu_choose(levels[level]);
		for (int t = 0; t < QUERN_NDTYPES; t++) {
			check_partitions(&qn_kernel_sum, (enum quern_dtype)t, NULL);
			check_partitions(&qn_kernel_moments, (enum quern_dtype)t, "2");
			check_partitions(&qn_kernel_moments, (enum quern_dtype)t, "4");
		}
	}
	qn_cpu_choose(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statistics), cmocka_unit_test(test_ways),
		cmocka_unit_test(test_known),	   cmocka_unit_test(test_integer_sums),
		cmocka_unit_test(test_empty),	   cmocka_unit_test(test_special),
		cmocka_unit_test(test_partitions),
	};

	return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
