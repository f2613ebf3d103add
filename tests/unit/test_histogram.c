/*
 * test_histogram.c - histogram against bins found by comparing with every edge, and its rules.
 */
#include <float.h>

#include "base/cpu.h"
#include "kernel_case.h"

struct expected {
	int64_t count, missing, below, above, nan;
	int64_t bin[1000];
};

/* x >= e, exactly, for the element's own type: long double holds every int64 and uint64. */
static bool at_least(const struct qn_sample *d, size_t i, double e)
{
	int64_t s;
	uint64_t u;

	memcpy(&s, qn_sample_at(d, i), d->dtype == QUERN_I64 ? sizeof(s) : 0);
	memcpy(&u, qn_sample_at(d, i), d->dtype == QUERN_U64 ? sizeof(u) : 0);
	if (d->dtype == QUERN_I64)
		return (long double)s >= (long double)e;
	if (d->dtype == QUERN_U64)
		return (long double)u >= (long double)e;
	return qn_sample_value(d, i) >= e;
}

static bool equals(const struct qn_sample *d, size_t i, double e)
{
	return at_least(d, i, e) && (isinf(e) || !at_least(d, i, nextafter(e, INFINITY)));
}

static void count_plainly(const struct qn_sample *d, const double *edge, size_t nbins,
			  struct expected *x)
{
	memset(x, 0, sizeof(*x));
	for (size_t i = 0; i < d->nelems; i++) {
		size_t b = 0;

		if (qn_sample_is_missing(d, i)) {
			x->missing++;
			continue;
		}
		x->count++;
		if (isnan(qn_sample_value(d, i))) {
			x->nan++;
			continue;
		}
		while (b <= nbins && at_least(d, i, edge[b]))
			b++;
		if (b == 0)
			x->below++;
		else if (b <= nbins)
			x->bin[b - 1]++;
		else if (equals(d, i, edge[nbins]))
			x->bin[nbins - 1]++;
		else
			x->above++;
	}
}

static void check_counts(const struct qn_sample *d, const struct quern_result *r)
{
	const struct qn_field *edges = field_of(r, "edges"), *counts = field_of(r, "counts");
	struct expected x;

	assert_int_equal(edges->n, counts->n + 1);
	for (size_t i = 0; i < counts->n; i++)
		assert_true(edges->v.reals[i] <= edges->v.reals[i + 1]);
	count_plainly(d, edges->v.reals, counts->n, &x);
	assert_int_equal(int_of(r, "count"), x.count);
	assert_int_equal(int_of(r, "missing"), x.missing);
	assert_int_equal(int_of(r, "below"), x.below);
	assert_int_equal(int_of(r, "above"), x.above);
	assert_int_equal(int_of(r, "nan"), x.nan);
	for (size_t i = 0; i < counts->n; i++)
		assert_int_equal(counts->v.ints[i], x.bin[i]);
}

static void check_type(enum quern_dtype t, const char *const *settings, uint64_t *seed)
{
	static const uint64_t shape[] = { 3, 300 };

	for (int i = 0; i < 4 * QN_NMOODS; i++) {
		struct quern_result r;
		struct qn_sample d;

		dataset_init(&d, t, 2, shape);
		qn_sample_fill(&d, (enum qn_mood)(i / 4), i & 1 ? 20 : 0, seed);
		d.nan_missing = i & 2;
		run_kernel(qn_kernel_find("histogram"), &d, settings, &r);
		check_counts(&d, &r);
		qn_result_fini(&r);
		qn_sample_fini(&d);
	}
}

static void test_against_plain_loop(void **state)
{
	static const char *const settings[][4] = {
		{ NULL },
		{ "bins=1", NULL },
		{ "bins=7", "range=-3.3,21.7", NULL },
		{ "bins=10", "range=0,10", NULL },
		{ "bins=1000", NULL },
		{ "bins=20", "range=9007199254740992,9007199254741000", NULL },
		{ "bins=13", "range=-1.7e308,1.7e308", NULL },
		{ "bins=4", "range=5,5", NULL },
		{ "bins=9", "log=1", NULL },
		{ "bins=40", "log=1", "range=0.001,1e30", NULL },
		{ "bins=1", "log=1", "range=7,7", NULL },
		{ "edges=-inf,-3,0,0.5,20,inf", NULL },
		{ "edges=-0.0,1,1.0000000000000002,2,3,19,19.5,20,1e300", NULL },
		{ "edges=-1e308,1e308", NULL },
	};
	static const char *const level[] = { "baseline", "avx2" };
	uint64_t seed = random_seed(2685821657736338717u);

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		qn_cpu_choose(level[l]);
		for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
			for (int t = 0; t < QUERN_NDTYPES; t++)
				check_type((enum quern_dtype)t, settings[i], &seed);
	}
	qn_cpu_choose(NULL);
}

/* Six values of a type, then the fields. */
static void run_six(enum quern_dtype t, const double x[6], const char *const *settings,
		    struct quern_result *r)
{
	static const uint64_t shape[] = { 6 };
	struct qn_sample d;

	dataset_init(&d, t, 1, shape);
	for (size_t i = 0; i < 6; i++)
		qn_number_store(t, qn_sample_at(&d, i), x[i]);
	run_kernel(qn_kernel_find("histogram"), &d, settings, r);
	check_counts(&d, r);
	qn_sample_fini(&d);
}

static void check_edges(const struct quern_result *r, double lo, double hi)
{
	const struct qn_field *f = field_of(r, "edges");

	assert_true(f->v.reals[0] == lo);
	assert_true(f->v.reals[f->n - 1] == hi);
}

static void test_ranges(void **state)
{
	struct quern_result r;

	(void)state;
	run_six(QUERN_F32, (double[]){ 1, 2, INFINITY, 3, -INFINITY, NAN }, NULL, &r);
	check_edges(&r, 1, 3);
	assert_int_equal(int_of(&r, "below"), 1);
	assert_int_equal(int_of(&r, "above"), 1);
	qn_result_fini(&r);
	run_six(QUERN_F64, (double[]){ 4, 4, 4, 4, 4, 4 }, NULL, &r);
	check_edges(&r, 3.5, 4.5);
	qn_result_fini(&r);
	run_six(QUERN_F64, (double[]){ NAN, NAN, NAN, INFINITY, NAN, NAN }, NULL, &r);
	check_edges(&r, 0, 1);
	qn_result_fini(&r);
	run_six(QUERN_F64, (double[]){ DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX }, NULL,
		&r);
	assert_int_equal(int_of(&r, "above"), 0);
	qn_result_fini(&r);
}

/* What numpy.histogram gives for these: numpy.linspace(0, 1, 11) has 0.30000000000000004. */
static void test_like_numpy(void **state)
{
	static const char *const settings[] = { "bins=10", "range=0,1", NULL };
	static const int64_t expect[] = { 1, 0, 1, 1, 0, 0, 0, 1, 0, 2 };
	const struct qn_field *counts, *edges;
	struct quern_result r;

	(void)state;
	run_six(QUERN_F64, (double[]){ 0, 0.3, 0.30000000000000004, 0.7000000000000001, 1, 0.95 },
		settings, &r);
	counts = field_of(&r, "counts");
	edges = field_of(&r, "edges");
	assert_true(edges->v.reals[3] == 3 * 0.1);
	assert_memory_equal(counts->v.ints, expect, sizeof(expect));
	qn_result_fini(&r);
}

/* Steps of equal ratio are the nearest doubles: powers of ten are met. */
static void test_ratios(void **state)
{
	static const char *const settings[] = { "bins=22", "log=1", "range=1,1e22", NULL };
	struct quern_result r;

	(void)state;
	run_six(QUERN_F64, (double[]){ 0, -1, 1, 9.999999999999998, 10, INFINITY }, settings, &r);
	for (int i = 0; i <= 22; i++) {
		char text[16];

		snprintf(text, sizeof(text), "1e%d", i);
		assert_true(field_of(&r, "edges")->v.reals[i] == strtod(text, NULL));
	}
	assert_int_equal(int_of(&r, "below"), 2);
	assert_int_equal(field_of(&r, "counts")->v.ints[0], 2);
	assert_int_equal(field_of(&r, "counts")->v.ints[1], 1);
	qn_result_fini(&r);
}

static void test_bad_ranges(void **state)
{
	static const char *const bad[] = { "range=2,1", "range=1e300,-1e300", "edges=1,1",
					   "edges=0,inf,1" };
	static const uint64_t shape[] = { 1 };
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F32, 1, shape);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const settings[] = { bad[i], NULL };
		struct quern_box box = qn_sample_box(&d);
		struct quern_message message;
		void *self;

		assert_int_equal(open_kernel(qn_kernel_find("histogram"), &d, &box, settings, &self,
					     &message),
				 QUERN_ERR_USAGE);
		assert_int_equal(message.status, QUERN_ERR_USAGE);
	}
	qn_sample_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_plain_loop), cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_like_numpy),	   cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_bad_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
