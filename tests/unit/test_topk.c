/*
 * test_topk.c - the k best values against a sort of all of them, for every type and kind of data.
 */
#include "kernel_case.h"

static const struct quern_kernel *topk;

struct ranked {
	double value;
	uint64_t index;
	bool nan;
};

static bool smallest;

/* NaN first; -0 below +0; ties by index. */
static int compare(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	const double x = smallest ? a->value : b->value, y = smallest ? b->value : a->value;

	if (a->nan != b->nan)
		return a->nan ? -1 : 1;
	if (!a->nan && x != y)
		return x < y ? -1 : 1;
	if (!a->nan && x == 0 && signbit(x) != signbit(y))
		return signbit(x) ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static double value_of(const struct qn_field *f, size_t i)
{
	if (f->type == QN_FIELD_REAL)
		return f->v.reals[i];
	return f->type == QN_FIELD_UINT ? (double)f->v.uints[i] : (double)f->v.ints[i];
}

static void check(const struct dataset *d, size_t k, const struct quern_result *r)
{
	struct ranked *all = calloc(d->nelems, sizeof(*all));
	const struct qn_field *values = field_of(r, "values"), *at = field_of(r, "coordinates");
	size_t n = 0;

	for (size_t i = 0; i < d->nelems; i++)
		if (!is_missing(d, i))
			all[n++] = (struct ranked){ value_at(d, i), i, isnan(value_at(d, i)) };
	assert_int_equal(int_of(r, "count"), n);
	assert_int_equal(int_of(r, "missing"), d->nelems - n);
	qsort(all, n, sizeof(*all), compare);
	assert_int_equal(values->n, n < k ? n : k);
	assert_int_equal(at->n, values->n);
	for (size_t i = 0; i < values->n; i++) {
		uint64_t coord[QUERN_MAX_DIMS];

		assert_true(value_of(values, i) == all[i].value ||
			    (all[i].nan && isnan(value_of(values, i))));
		qn_unravel(all[i].index, d->ndim, d->shape, coord);
		for (int c = 0; c < d->ndim; c++)
			assert_int_equal(at->v.ints[i * at->ncols + (size_t)c], coord[c]);
	}
	free(all);
}

static void test_sorted(void **state)
{
	static const uint64_t shape[] = { 7, 31, 53 };
	static const char *const settings[][3] = {
		{ "k=1" }, { "k=10", "smallest=1" }, { "k=5000" }, { "k=65536", "smallest=1" },
	};
	static const size_t k[] = { 1, 10, 5000, 65536 };
	uint64_t seed = 99;

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 4 * NMOODS; i++) {
			struct quern_result r;
			struct dataset d;

			/* The double of an integer this large is not exact. */
			if (i / 4 == WILD && (t == QUERN_I64 || t == QUERN_U64))
				continue;
			dataset_init(&d, (enum quern_dtype)t, 3, shape);
			dataset_fill(&d, (enum mood)(i / 4), i % 2 ? 30 : 0, &seed);
			d.nan_missing = i % 3 != 0;
			smallest = i % 2;
			run_kernel(topk, &d, settings[i % 4], &r);
			check(&d, k[i % 4], &r);
			qn_result_fini(&r);
			dataset_fini(&d);
		}
}

/* The ends of the 64-bit types, which are the ends of the keys too. */
static void test_ends(void **state)
{
	static const uint64_t shape[] = { 4 };
	static const int64_t i64[] = { INT64_MAX, 0, INT64_MIN, INT64_MAX };
	static const uint64_t u64[] = { 0, UINT64_MAX, 1, UINT64_MAX };
	static const char *const few[] = { "k=3", NULL }, *const low[] = { "k=9", "smallest=1", NULL };
	struct quern_result r;
	struct dataset d;

	(void)state;
	dataset_init(&d, QUERN_I64, 1, shape);
	memcpy(d.values, i64, sizeof(i64));
	run_kernel(topk, &d, few, &r);
	assert_true(field_of(&r, "values")->v.ints[1] == INT64_MAX);
	assert_int_equal(field_of(&r, "coordinates")->v.ints[0], 0);
	assert_int_equal(field_of(&r, "coordinates")->v.ints[1], 3);
	assert_int_equal(field_of(&r, "values")->v.ints[2], 0);
	qn_result_fini(&r);
	run_kernel(topk, &d, low, &r);
	assert_int_equal(field_of(&r, "values")->n, 4);
	assert_true(field_of(&r, "values")->v.ints[0] == INT64_MIN);
	assert_true(field_of(&r, "values")->v.ints[3] == INT64_MAX);
	qn_result_fini(&r);
	d.dtype = QUERN_U64;
	memcpy(d.values, u64, sizeof(u64));
	run_kernel(topk, &d, few, &r);
	assert_true(field_of(&r, "values")->v.uints[0] == UINT64_MAX);
	assert_int_equal(field_of(&r, "coordinates")->v.ints[0], 1);
	assert_true(field_of(&r, "values")->v.uints[2] == 1);
	qn_result_fini(&r);
	dataset_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_ends),
	};

	topk = qn_kernel_find("topk");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
