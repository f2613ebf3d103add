/*
 * test_result.c - fields of a result as kernels add them and programs read them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fields/fields.h"
#include "kernel/result.h"
#include "quern.h"

static void test_empty(void **state)
{
	struct quern_result r = { 0 };
	int64_t i;

	(void)state;
	assert_null(qn_result_find(&r, "x"));
	assert_false(quern_result_get_int(&r, "x", &i));
	qn_result_fini(&r);
	qn_result_fini(&r);
}

/* Many fields: the table grows, names and order stay. */
static void test_order(void **state)
{
	struct quern_result r = { 0 };
	char name[16];
	int64_t v;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		quern_result_int(&r, name, i);
	}
	assert_int_equal(r.nfields, 1000);
	assert_false(r.nomem);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_string_equal(r.field[i].name, name);
		assert_true(quern_result_get_int(&r, name, &v));
		assert_int_equal(v, i);
	}
	qn_result_fini(&r);
}

/* Units of a variance and of what is no difference to the reference of a time. */
static void test_units(void **state)
{
	static const struct {
		const char *field, *units, *want;
	} rows[] = {
		{ "variance", "K", "K2" },
		{ "variance", "m s-1", "(m s-1)2" },
		{ "variance", "m2", "(m2)2" },
		{ "variance", "%", "(%)2" },
		{ "variance", "1", "1" },
		{ "variance", "", "" },
		{ "variance", NULL, "" },
		{ "covariance", "degC", "degC2" },
		{ "mean", "m s-1", "m s-1" },
		{ "count", "K", "1" },
		{ "skewness", "K", "1" },
		{ "mean", "days since 1900-01-01", "days since 1900-01-01" },
		{ "stddev", "days since 1900-01-01", "days" },
		{ "variance", "days since 1900-01-01", "days2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *units =
			qn_field_units(qn_field_doc(rows[i].field), rows[i].units, NULL, NULL);

		assert_string_equal(units, rows[i].want);
		free(units);
	}
	assert_null(qn_field_doc("none of them"));
}

static void test_integers(void **state)
{
	struct quern_result r = { 0 };
	int64_t v = 5;

	(void)state;
	quern_result_int(&r, "least", INT64_MIN);
	quern_result_uint(&r, "fits", INT64_MAX);
	quern_result_uint(&r, "large", (uint64_t)INT64_MAX + 1);
	quern_result_decimal(&r, "digits", "-9223372036854775808");
	quern_result_decimal(&r, "many", "123456789012345678901234567890");
	quern_result_decimal(&r, "none", "");
	quern_result_real(&r, "real", 3);
	quern_result_null(&r, "null");
	assert_true(quern_result_get_int(&r, "least", &v) && v == INT64_MIN);
	assert_true(quern_result_get_int(&r, "fits", &v) && v == INT64_MAX);
	assert_true(quern_result_get_int(&r, "digits", &v) && v == INT64_MIN);
	v = 5;
	assert_false(quern_result_get_int(&r, "large", &v));
	assert_false(quern_result_get_int(&r, "many", &v));
	assert_false(quern_result_get_int(&r, "none", &v));
	assert_false(quern_result_get_int(&r, "real", &v));
	assert_false(quern_result_get_int(&r, "null", &v));
	assert_false(quern_result_get_int(&r, "absent", &v));
	assert_int_equal(v, 5);
	assert_string_equal(qn_result_find(&r, "many")->v.digits, "123456789012345678901234567890");
	qn_result_fini(&r);
}

static void test_reals(void **state)
{
	struct quern_result r = { 0 };
	double v = 5;

	(void)state;
	quern_result_real(&r, "pi", M_PI);
	quern_result_real(&r, "inf", -INFINITY);
	quern_result_real(&r, "nan", NAN);
	quern_result_int(&r, "exact", INT64_C(1) << 60);
	quern_result_int(&r, "least", INT64_MIN);
	quern_result_int(&r, "most", INT64_MAX);
	quern_result_int(&r, "odd", (INT64_C(1) << 53) + 1);
	quern_result_null(&r, "null");
	assert_true(quern_result_get_real(&r, "pi", &v) && v == M_PI);
	assert_true(quern_result_get_real(&r, "inf", &v) && v == -INFINITY);
	assert_true(quern_result_get_real(&r, "nan", &v) && isnan(v));
	assert_true(quern_result_get_real(&r, "exact", &v) && v == 0x1p60);
	assert_true(quern_result_get_real(&r, "least", &v) && v == -0x1p63);
	v = 5;
	/* Not without loss. */
	assert_false(quern_result_get_real(&r, "odd", &v));
	assert_false(quern_result_get_real(&r, "most", &v));
	assert_false(quern_result_get_real(&r, "null", &v));
	assert_true(v == 5);
	qn_result_fini(&r);
}

static void test_arrays(void **state)
{
	struct quern_result r = { 0 };
	int64_t ints[] = { 1, -2, 3, -4, 5, -6 }, scalar;
	double reals[] = { 0.5, NAN };
	const int64_t *i = NULL;
	const double *x = NULL;
	size_t n = 99;

	(void)state;
	quern_result_ints(&r, "row", 6, 0, ints);
	quern_result_ints(&r, "table", 3, 2, ints);
	quern_result_reals(&r, "reals", 2, 0, reals);
	quern_result_ints(&r, "none", 0, 0, NULL);
	ints[0] = 77; /* copied */
	assert_true(quern_result_get_ints(&r, "row", &i, &n));
	assert_int_equal(n, 6);
	assert_int_equal(i[0], 1);
	assert_int_equal(i[5], -6);
	assert_true(quern_result_get_ints(&r, "table", &i, &n));
	assert_int_equal(n, 6);
	assert_int_equal(qn_result_find(&r, "table")->ncols, 2);
	assert_true(quern_result_get_reals(&r, "reals", &x, &n));
	assert_int_equal(n, 2);
	assert_true(x[0] == 0.5 && isnan(x[1]));
	assert_true(quern_result_get_ints(&r, "none", &i, &n));
	assert_int_equal(n, 0);
	assert_false(quern_result_get_ints(&r, "reals", &i, &n));
	assert_false(quern_result_get_reals(&r, "row", &x, &n));
	assert_false(quern_result_get_int(&r, "row", &scalar));
	qn_result_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty), cmocka_unit_test(test_order),
		cmocka_unit_test(test_units), cmocka_unit_test(test_integers),
		cmocka_unit_test(test_reals), cmocka_unit_test(test_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
