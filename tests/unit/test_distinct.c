/*
 * test_distinct.c - tallies against plain counts, whatever is added, sorted and merged when; distinct and mode against
 * these; and sketches against their bound.
 */
#include "base/tally.h"
#include "kernel_case.h"
#include "kernels/values/sketch.h"

#define NVALUES 200

/* How often a value is there that is `base + v`. */
struct plain {
	uint64_t count[NVALUES];
};

static void check_tally(int64_t *tally, size_t nwords, size_t width, uint64_t most,
			const struct plain *p)
{
	size_t i = 0;

	qn_tally_sort(tally, nwords, width);
	for (size_t v = 0; v < NVALUES && i < most; v++) {
		const int64_t *e = qn_tally_entry(tally, width, i);

		if (!p->count[v])
			continue;
		for (size_t w = 0; w + 1 < width; w++)
			assert_int_equal(e[w], w + 2 < width ? -7 : (int64_t)v - 100);
		assert_int_equal(e[width - 1], p->count[v]);
		i++;
	}
	assert_int_equal(tally[0], i);
	assert_int_equal(qn_tally_nwords_used(tally, nwords, width), 2 + i * width);
	for (size_t k = 2 + i * width; k < nwords; k++)
		assert_int_equal(tally[k], 0);
}

static void add(int64_t *tally, size_t nwords, size_t width, size_t v, uint64_t n, struct plain *p)
{
	int64_t key[4] = { -7, -7, -7, -7 };

	key[width - 2] = (int64_t)v - 100;
	qn_tally_add(tally, nwords, width, key, n);
	p->count[v] += n;
}

/* Two tallies, of garbage behind what is there. */
static void run_tally(uint64_t most, size_t width, size_t nvalues, uint64_t *seed)
{
	const size_t nwords = qn_tally_nwords(most, width), nbytes = nwords * sizeof(int64_t);
	int64_t *tally[2] = { guarded_alloc(nbytes), guarded_alloc(nbytes) };
	struct plain p[2] = { { { 0 } }, { { 0 } } };

	for (int t = 0; t < 2; t++)
		qn_tally_clear(tally[t]);
	for (int i = 0; i < 600; i++) {
		const size_t t = random_below(seed, 2);

		add(tally[t], nwords, width, random_below(seed, nvalues), 1 + random_below(seed, 3),
		    &p[t]);
		if (random_below(seed, 50) == 0)
			check_tally(tally[t], nwords, width, most, &p[t]);
	}
	for (int t = 0; t < 2; t++)
		check_tally(tally[t], nwords, width, most, &p[t]);
	qn_tally_merge(tally[0], tally[1], nwords, width);
	for (size_t v = 0; v < NVALUES; v++)
		p[0].count[v] += p[1].count[v];
	for (size_t v = 0; v < 50; v++)
		add(tally[0], nwords, width, v * NVALUES / 50, 1, &p[0]);
	check_tally(tally[0], nwords, width, most, &p[0]);
	for (int t = 0; t < 2; t++)
		guarded_free(tally[t], nbytes);
}

static void test_tally(void **state)
{
	uint64_t seed = random_seed(2463534242u);

	(void)state;
	for (uint64_t most = 1; most <= 220; most += 1 + most / 4)
		for (size_t width = 2; width <= 4; width += 2)
			for (size_t nvalues = 1; nvalues <= NVALUES; nvalues += 66)
				run_tally(most, width, nvalues, &seed);
	assert_int_equal(qn_tally_nwords(UINT64_MAX / 2, 2), SIZE_MAX);
	assert_int_equal(qn_tally_nwords(UINT64_MAX / 64, 40), SIZE_MAX);
}

/* --- sketches --- */

static uint64_t mix(uint64_t h)
{
	h += UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

/* Four standard errors, which one in 16000 is beyond; and half a value, where there are few. */
static void test_sketch(void **state)
{
	int64_t *reg = calloc((size_t)1 << QN_SKETCH_MOST_BITS, sizeof(*reg));

	(void)state;
	for (unsigned bits = QN_SKETCH_LEAST_BITS; bits <= QN_SKETCH_MOST_BITS; bits += 2) {
		uint64_t n = 0;

		for (size_t i = 0; i < (size_t)1 << bits; i++)
			reg[i] = INT64_MIN;
		assert_true(qn_sketch_count(reg, bits) == 0);
		for (uint64_t upto = 1; upto <= 1000000; upto = upto * 3 + 1) {
			double off;

			for (; n < upto; n++)
				for (int again = 0; again < 2; again++)
					qn_sketch_add(reg, bits, mix(n << 32));
			off = fabs(qn_sketch_count(reg, bits) - (double)n);
			assert_true(off <= 4 * qn_sketch_error(bits) * (double)n + 0.5);
		}
	}
	free(reg);
}

/* --- kernels --- */

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The values that are there, in order, without NaN. */
static size_t sort_values(const struct qn_sample *d, double *v, int64_t *nnan)
{
	size_t n = 0;

	*nnan = 0;
	for (size_t i = 0; i < d->nelems; i++) {
		if (qn_sample_is_missing(d, i))
			continue;
		if (isnan(qn_sample_value(d, i)))
			(*nnan)++;
		else
			v[n++] = qn_sample_value(d, i);
	}
	qsort(v, n, sizeof(*v), compare_doubles);
	return n;
}

static void check_kernels(const struct qn_sample *d)
{
	struct quern_result r;
	double *v = calloc(d->nelems, sizeof(*v)), mode = NAN;
	int64_t nnan, ndistinct = 0, most = 0;
	const size_t n = sort_values(d, v, &nnan);

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k] == v[i];)
			k++;
		ndistinct++;
		mode = (int64_t)(k - i) > most ? v[i] : mode;
		most = (int64_t)(k - i) > most ? (int64_t)(k - i) : most;
	}
	mode = nnan > most ? NAN : mode;
	most = nnan > most ? nnan : most;
	run_kernel(qn_kernel_find("distinct"), d, NULL, &r);
	assert_int_equal(int_of(&r, "distinct"), ndistinct + (nnan > 0));
	assert_int_equal(int_of(&r, "exact"), 1);
	assert_true(real_of(&r, "standard_error") == 0);
	qn_result_fini(&r);
	run_kernel(qn_kernel_find("mode"), d, NULL, &r);
	assert_int_equal(int_of(&r, "frequency"), most);
	if (!most)
		assert_int_equal(field_of(&r, "mode")->type, QN_FIELD_NULL);
	else if (qn_dtype_is_float(d->dtype))
		assert_true(real_of(&r, "mode") == mode ||
			    (isnan(mode) && isnan(real_of(&r, "mode"))));
	else if (d->dtype == QUERN_U64)
		assert_true((double)field_of(&r, "mode")->v.u == mode);
	else
		assert_true((double)int_of(&r, "mode") == mode);
	qn_result_fini(&r);
	free(v);
}

static void test_kernels(void **state)
{
	static const uint64_t shape[] = { 7, 300 };
	uint64_t seed = random_seed(88172645463325252u);

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 4 * QN_NMOODS; i++) {
			struct qn_sample d;

			/* What 64 bits hold a double may not. */
			if (i / 4 == QN_WILD && t >= QUERN_I64 && t <= QUERN_U64)
				continue;
			dataset_init(&d, (enum quern_dtype)t, 2, shape);
			qn_sample_fill(&d, (enum qn_mood)(i / 4), i & 1 ? 20 : 0, &seed);
			d.nan_missing = i & 2;
			check_kernels(&d);
			qn_sample_fini(&d);
		}
}

/* Beyond the limit the number is an estimate, and there is no mode. */
static void test_limit(void **state)
{
	static const uint64_t shape[] = { 50, 1000 };
	static const char *const settings[] = { "limit=1000", NULL }, *const enough[] = {
		"limit=50000", NULL
	};
	struct quern_result r;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_F64, 2, shape);
	for (size_t i = 0; i < d.nelems; i++)
		qn_number_store(QUERN_F64, qn_sample_at(&d, i),
				ldexp((double)(d.nelems - i), (int)(i % 50)));
	run_kernel(qn_kernel_find("distinct"), &d, enough, &r);
	assert_int_equal(int_of(&r, "exact"), 1);
	assert_in_range(int_of(&r, "distinct"), 40000, 50000);
	qn_result_fini(&r);
	run_kernel(qn_kernel_find("distinct"), &d, settings, &r);
	assert_int_equal(int_of(&r, "exact"), 0);
	assert_in_range(int_of(&r, "distinct"), 40000, 60000);
	assert_true(real_of(&r, "standard_error") > 800 && real_of(&r, "standard_error") < 1500);
	qn_result_fini(&r);
	run_kernel(qn_kernel_find("mode"), &d, settings, &r);
	assert_int_equal(int_of(&r, "exact"), 0);
	assert_int_equal(field_of(&r, "mode")->type, QN_FIELD_NULL);
	assert_int_equal(field_of(&r, "frequency")->type, QN_FIELD_NULL);
	qn_result_fini(&r);
	qn_sample_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_sketch),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
