/*
 * test_minmax.c - minmax against a plain loop, and its rules for ties, zeros and NaN.
 */
#include "base/cpu.h"
#include "base/isa.h"
#include "kernel_case.h"
#include "../../kernels/minmax_simd.h"

/* Whether element i comes before element k in the order of minmax: integers by value, floating
   point by its key. */
static bool is_less(const struct qn_sample *d, size_t i, size_t k)
{
	uint64_t a, b;

	if (d->dtype != QUERN_I64 && d->dtype != QUERN_U64)
		return qn_key_from_double(qn_sample_value(d, i)) <
		       qn_key_from_double(qn_sample_value(d, k));
	memcpy(&a, qn_sample_at(d, i), sizeof(a));
	memcpy(&b, qn_sample_at(d, k), sizeof(b));
	return d->dtype == QUERN_U64 ? a < b : (int64_t)a < (int64_t)b;
}

struct extremes {
	int64_t count;
	size_t min, max; /* elements */
	bool nan;
};

static struct extremes plain_minmax(const struct qn_sample *d)
{
	struct extremes e = { 0, 0, 0, false };

	for (size_t i = 0; i < d->nelems; i++) {
		if (qn_sample_is_missing(d, i))
			continue;
		if (!e.nan &&
		    (e.count == 0 || isnan(qn_sample_value(d, i)) || is_less(d, i, e.min)))
			e.min = i;
		if (!e.nan &&
		    (e.count == 0 || isnan(qn_sample_value(d, i)) || is_less(d, e.max, i)))
			e.max = i;
		e.nan |= isnan(qn_sample_value(d, i));
		e.count++;
	}
	return e;
}

static void check_place(const struct qn_sample *d, const struct quern_result *r, const char *name,
			size_t i)
{
	const struct qn_field *f = field_of(r, name);
	uint64_t coord[QUERN_MAX_DIMS];

	qn_unravel(i, d->ndim, d->shape, coord);
	assert_true(f->array);
	assert_int_equal(f->n, d->ndim);
	assert_int_equal(f->ncols, 0);
	for (int k = 0; k < d->ndim; k++)
		assert_int_equal(f->v.ints[k], coord[k]);
}

/* The field holds element i, in the form of its type. */
static void check_value(const struct qn_sample *d, const struct quern_result *r, const char *name,
			size_t i)
{
	const struct qn_field *f = field_of(r, name);
	double x = qn_sample_value(d, i);

	if (qn_dtype_is_float(d->dtype)) {
		assert_int_equal(f->type, QN_FIELD_REAL);
		if (!isnan(x))
			assert_memory_equal(&f->v.r, &x, sizeof(x));
		assert_true(isnan(x) == isnan(f->v.r));
	} else if (d->dtype == QUERN_U64) {
		assert_int_equal(f->type, QN_FIELD_UINT);
		assert_memory_equal(&f->v.u, qn_sample_at(d, i), sizeof(f->v.u));
	} else if (d->dtype == QUERN_I64) {
		assert_int_equal(f->type, QN_FIELD_INT);
		assert_memory_equal(&f->v.i, qn_sample_at(d, i), sizeof(f->v.i));
	} else {
		assert_int_equal(f->type, QN_FIELD_INT);
		assert_true((double)f->v.i == x);
	}
}

static void check_dataset(const struct qn_sample *d)
{
	struct extremes e = plain_minmax(d);
	struct quern_result r;

	run_kernel(qn_kernel_find("minmax"), d, NULL, &r);
	assert_int_equal(int_of(&r, "count"), e.count);
	assert_int_equal(int_of(&r, "missing"), d->nelems - (size_t)e.count);
	if (e.count == 0) {
		assert_int_equal(field_of(&r, "min")->type, QN_FIELD_NULL);
		assert_int_equal(field_of(&r, "argmax")->type, QN_FIELD_NULL);
	} else {
		check_value(d, &r, "min", e.min);
		check_value(d, &r, "max", e.max);
		check_place(d, &r, "argmin", e.min);
		check_place(d, &r, "argmax", e.max);
	}
	qn_result_fini(&r);
}

static void check_all(void)
{
	uint64_t seed = random_seed(4101842887655102017u);

	for (int t = 0; t < QUERN_NDTYPES; t++) {
		for (uint64_t n = 1; n < 6000; n += 1 + n / 3) {
			for (int i = 0; i < 4 * QN_NMOODS; i++) {
				const uint64_t shape[] = { 2, n };
				struct qn_sample d;

				dataset_init(&d, (enum quern_dtype)t, 2, shape);
				qn_sample_fill(&d, (enum qn_mood)(i / 4), i & 1 ? 5 : 0, &seed);
				d.nan_missing = i & 2;
				check_dataset(&d);
				qn_sample_fini(&d);
			}
		}
	}
}

static void test_against_plain_loop(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		qn_cpu_choose(level[i]);
		check_all();
	}
	qn_cpu_choose(NULL);
}

static void compare_levels(enum quern_dtype t, const void *values, size_t n)
{
	typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);
	static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);
	struct qn_minmax_keys should, is;

	scans[QN_CPU_BASELINE](t, values, n, &should);
	for (int level = QN_CPU_BASELINE + 1; level <= (int)qn_cpu_level(); level++) {
		scans[level](t, values, n, &is);
		assert_true(is.min == should.min && is.max == should.max);
	}
}

/* Arrays that begin anywhere, as those in records do, by every level as by the lowest. */
static void test_places(void **state)
{
	static unsigned char bytes[128 + 800];
	uint64_t seed = random_seed(1);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		const enum quern_dtype t = (enum quern_dtype)random_below(&seed, QUERN_NDTYPES);
		const size_t at = random_below(&seed, 128), size = qn_dtype_size(t);
		const size_t n = 1 + random_below(&seed, 800 / size);
		const uint64_t sign = random_below(&seed, 2), seldom = 1 + random_below(&seed, 60);

		/* Both signs, or one with some of the other, or NaN, or zeros. */
		for (size_t k = 0; k < n * size; k++) {
			uint64_t s = sign ^ (random_below(&seed, seldom) == 0);

			bytes[at + k] = (unsigned char)(random_below(&seed, 128) + 128 * s);
		}
		if (random_below(&seed, 8) == 0)
			memset(bytes + at + random_below(&seed, n) * size, (int)(255 * sign), size);
		compare_levels(t, bytes + at, n);
	}
}

/* Six values in a row. */
static void check_six(const double x[6], bool nan_missing, size_t argmin, size_t argmax)
{
	static const uint64_t shape[] = { 6 };
	struct quern_result r;
	struct qn_sample d;

	for (int t = QUERN_F32; t <= QUERN_F64; t++) {
		dataset_init(&d, (enum quern_dtype)t, 1, shape);
		d.nan_missing = nan_missing;
		for (size_t i = 0; i < 6; i++)
			qn_number_store(d.dtype, qn_sample_at(&d, i), x[i]);
		run_kernel(qn_kernel_find("minmax"), &d, NULL, &r);
		check_value(&d, &r, "min", argmin);
		check_value(&d, &r, "max", argmax);
		check_place(&d, &r, "argmin", argmin);
		check_place(&d, &r, "argmax", argmax);
		qn_result_fini(&r);
		qn_sample_fini(&d);
	}
}

static void test_rules(void **state)
{
	(void)state;
	check_six((double[]){ 3, 1, 7, 1, 7, 3 }, true, 1, 2);
	check_six((double[]){ 0.0, -0.0, 0.0, -0.0, 0.0, -0.0 }, true, 1, 0);
	check_six((double[]){ NAN, -INFINITY, 7, INFINITY, NAN, 3 }, true, 1, 3);
	check_six((double[]){ -INFINITY, 1, NAN, INFINITY, -NAN, 3 }, false, 2, 2);
	check_six((double[]){ -5, -1, -2, -1, -5, -3 }, true, 0, 1);
}

/* A selection with steps: the index is that in the dataset. */
static void test_selection(void **state)
{
	static const uint64_t shape[] = { 10, 20 };
	struct quern_box box = {
		.ndim = 2, .start = { 1, 3 }, .count = { 4, 5 }, .step = { 2, 3 }
	};
	struct quern_result r;
	struct qn_sample d;

	(void)state;
	dataset_init(&d, QUERN_I16, 2, shape);
	for (size_t i = 0; i < d.nelems; i++)
		qn_number_store(d.dtype, qn_sample_at(&d, i), (double)(i % 97));
	qn_number_store(d.dtype, qn_sample_at(&d, 2 * 20 + 3), -5); /* not selected */
	qn_number_store(d.dtype, qn_sample_at(&d, 5 * 20 + 9), -3);
	qn_number_store(d.dtype, qn_sample_at(&d, 7 * 20 + 15), 1000);
	run_selection(qn_kernel_find("minmax"), &d, &box, NULL, &r);
	assert_int_equal(int_of(&r, "count"), 20);
	assert_int_equal(int_of(&r, "min"), -3);
	check_place(&d, &r, "argmin", 5 * 20 + 9);
	check_place(&d, &r, "argmax", 7 * 20 + 15);
	qn_result_fini(&r);
	qn_sample_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_plain_loop),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_selection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
