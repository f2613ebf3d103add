/*
 * test_topk.c - the k best values against a sort of all of them, for every type and kind of data;
 * texts too, and their extremes by minmax.
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

static void check(const struct qn_sample *d, size_t k, const struct quern_result *r)
{
	struct ranked *all = calloc(d->nelems, sizeof(*all));
	const struct qn_field *values = field_of(r, "values"), *at = field_of(r, "coordinates");
	size_t n = 0;

	for (size_t i = 0; i < d->nelems; i++)
		if (!qn_sample_is_missing(d, i))
			all[n++] = (struct ranked){ qn_sample_value(d, i), i,
						    isnan(qn_sample_value(d, i)) };
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
		{ "k=1" },
		{ "k=10", "smallest=1" },
		{ "k=5000" },
		{ "k=65536", "smallest=1" },
	};
	static const size_t k[] = { 1, 10, 5000, 65536 };
	uint64_t seed = random_seed(99);

	(void)state;
	for (int t = 0; t < QUERN_NDTYPES; t++)
		for (int i = 0; i < 4 * QN_NMOODS; i++) {
			struct quern_result r;
			struct qn_sample d;

			/* The double of an integer this large is not exact. */
			if (i / 4 == QN_WILD && (t == QUERN_I64 || t == QUERN_U64))
				continue;
			dataset_init(&d, (enum quern_dtype)t, 3, shape);
			qn_sample_fill(&d, (enum qn_mood)(i / 4), i % 2 ? 30 : 0, &seed);
			d.nan_missing = i % 3 != 0;
			smallest = i % 2;
			run_kernel(topk, &d, settings[i % 4], &r);
			check(&d, k[i % 4], &r);
			qn_result_fini(&r);
			qn_sample_fini(&d);
		}
}

/* The ends of the 64-bit types, which are the ends of the keys too. */
static void test_ends(void **state)
{
	static const uint64_t shape[] = { 4 };
	static const int64_t i64[] = { INT64_MAX, 0, INT64_MIN, INT64_MAX };
	static const uint64_t u64[] = { 0, UINT64_MAX, 1, UINT64_MAX };
	static const char *const few[] = { "k=3", NULL }, *const low[] = { "k=9", "smallest=1",
									   NULL };
	struct quern_result r;
	struct qn_sample d;

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
	qn_sample_fini(&d);
}

static const struct qn_sample *texts;

static int compare_texts(const void *pa, const void *pb)
{
	const uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
	int order = memcmp(qn_sample_at(texts, a), qn_sample_at(texts, b), texts->size);

	if (!smallest)
		order = -order;
	return order ? order : a < b ? -1 : 1;
}

/* The valid elements from the best on; returns how many. */
static size_t rank_texts(const struct qn_sample *d, bool low, uint64_t *index)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nelems; i++)
		if (d->valid[i])
			index[n++] = i;
	texts = d;
	smallest = low;
	qsort(index, n, sizeof(*index), compare_texts);
	return n;
}

static void check_text(const struct qn_sample *d, uint64_t index, const char *text)
{
	char expect[64] = "";

	/* All of them are letters. */
	memcpy(expect, qn_sample_at(d, index), d->size);
	assert_string_equal(text, expect);
}

static void check_place(const struct qn_sample *d, uint64_t index, const int64_t *at)
{
	uint64_t coord[QUERN_MAX_DIMS];

	qn_unravel(index, d->ndim, d->shape, coord);
	for (int c = 0; c < d->ndim; c++)
		assert_int_equal(at[c], coord[c]);
}

static void check_texts(const struct qn_sample *d, bool low)
{
	const char *const settings[] = { "k=700", low ? "smallest=1" : "smallest=0", NULL };
	uint64_t *index = calloc(d->nelems, sizeof(*index));
	const size_t n = rank_texts(d, low, index);
	const struct qn_field *values, *at;
	struct quern_result r;

	run_kernel(topk, d, settings, &r);
	values = field_of(&r, "values");
	at = field_of(&r, "coordinates");
	assert_int_equal(values->type, QN_FIELD_TEXT);
	assert_int_equal(values->n, n < 700 ? n : 700);
	assert_int_equal(int_of(&r, "missing"), d->nelems - n);
	for (size_t i = 0; i < values->n; i++) {
		check_text(d, index[i], values->v.texts[i]);
		check_place(d, index[i], at->v.ints + i * at->ncols);
	}
	qn_result_fini(&r);
	run_kernel(qn_kernel_find("minmax"), d, NULL, &r);
	check_text(d, index[0], field_of(&r, low ? "min" : "max")->v.text);
	check_place(d, index[0], field_of(&r, low ? "argmin" : "argmax")->v.ints);
	assert_int_equal(int_of(&r, "count"), n);
	qn_result_fini(&r);
	free(index);
}

static void test_texts(void **state)
{
	static const uint64_t shape[] = { 7, 31, 5 };
	static const size_t sizes[] = { 1, 7, 8, 9, 40 };
	uint64_t seed = random_seed(5);

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int i = 0; i < 4; i++) {
			struct qn_sample d;

			dataset_init_sized(&d, QUERN_TEXT, sizes[s], 3, shape);
			qn_sample_fill(&d, QN_ROUND, i / 2 ? 10 : 0, &seed);
			check_texts(&d, i % 2);
			qn_sample_fini(&d);
		}
}

/* Bytes that are no UTF-8, and zeros inside of a text, are written out. */
static void test_bytes(void **state)
{
	static const uint64_t shape[] = { 1 };
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "plain\0\0\0", "plain" },
		{ "\0\0\0\0\0\0\0\0", "" },
		{ "a\0b\0\0\0\0\0", "a\\x00b" },
		{ "\xc3\x84\xc3\0\0\0\0\0", "\xc3\x84\\xc3" },
		{ "\xf0\x9f\x8c\xbe\xed\xa0\x80\xff", "\xf0\x9f\x8c\xbe\\xed\\xa0\\x80\\xff" },
		{ "\xc0\xaf\xf4\x90\x80\x80\0\0", "\\xc0\\xaf\\xf4\\x90\\x80\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quern_result r;
		struct qn_sample d;

		dataset_init_sized(&d, QUERN_TEXT, 8, 1, shape);
		memcpy(d.values, cases[i].bytes, 8);
		run_kernel(qn_kernel_find("minmax"), &d, NULL, &r);
		assert_string_equal(field_of(&r, "min")->v.text, cases[i].text);
		assert_string_equal(field_of(&r, "max")->v.text, cases[i].text);
		qn_result_fini(&r);
		qn_sample_fini(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_bytes),
	};

	topk = qn_kernel_find("topk");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
