/*
 * test_variable.c - a file has the same variables whether the rows of a result come all at once or a few at a time,
 * whatever of them is only known late: that integers need more than 64 bits, what stands for no value, how long
 * lists are, that there are values at all.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

#include "data/storage.h"
#include "kernel/collect.h"
#include "kernel/result.h"

#define FILL	    (-127) /* of int8 */
#define MOST_NBYTES (1u << 23)
#define NNAMES	    5
static const char *const names[NNAMES] = { "d_min", "d_max", "d_sum", "d_values", "d_mean" };

/* What a row of a few cases has; a case sets some of them. */
struct plan {
	uint64_t nrows, null_before, null_from, digits_from, mark_at, list_from;
};

/* Rows are as emit_marks has them. */
static const struct plan with_marks = { 60, UINT64_MAX, 0, 0, 0, 0 };

static bool has_marks(const struct plan *p)
{
	return p->null_before == UINT64_MAX;
}

/* The first two are what stands for no value, and the next choice for it. */
#define NMARKS 3
static const int64_t int_marks[NMARKS] = { INT64_MIN + 2, INT64_MIN, 17 };
static const uint64_t uint_marks[NMARKS] = { UINT64_MAX - 1, UINT64_MAX, 17 };
static const double real_marks[NMARKS] = { QN_FILL_REAL, -QN_FILL_REAL, 17 };

/* Which of them a row has; the first not in the rows that come first. NMARKS: it has no value. */
static size_t mark_of_row(uint64_t row)
{
	return row % 7 == 6 ? NMARKS : row == 33 ? 0 : row == 50 ? 1 : 2;
}

static void emit_marks(uint64_t row, struct quern_result *r)
{
	const size_t k = mark_of_row(row);

	if (k == NMARKS) {
		quern_result_null(r, "min");
		quern_result_null(r, "max");
		quern_result_null(r, "mean");
		return;
	}
	quern_result_int(r, "min", int_marks[k]);
	quern_result_uint(r, "max", uint_marks[k]);
	quern_result_real(r, "mean", real_marks[k]);
}

static void emit(const struct plan *p, uint64_t row, struct quern_result *r)
{
	const int64_t list[3] = { (int64_t)row % 100, 7, 9 };
	const bool is_null = row < p->null_before || row >= p->null_from;

	is_null ? quern_result_null(r, "min") : quern_result_int(r, "min", (int64_t)row % 100);
	row == p->mark_at ? quern_result_int(r, "max", FILL)
	: is_null	  ? quern_result_null(r, "max")
			  : quern_result_int(r, "max", 5);
	row < p->digits_from ? quern_result_int(r, "sum", -(int64_t)row)
			     : quern_result_decimal(r, "sum", "100000000000000000000");
	quern_result_ints(r, "values", row < p->list_from ? 1 : 3, 0, list);
	is_null ? quern_result_null(r, "mean") : quern_result_real(r, "mean", (double)row / 3);
}

/* Rows from `first` on. */
static void collect(const struct plan *p, uint64_t first, uint64_t n, struct quern_result *rows)
{
	rows->nrows = n;
	for (uint64_t i = 0; i < n; i++) {
		struct quern_result one = { .nfields = 0 };

		has_marks(p) ? emit_marks(first + i, &one) : emit(p, first + i, &one);
		assert_true(qn_collect_row(rows, i, &one, NULL, 0));
		qn_result_fini(&one);
	}
}

static void write_file(const struct plan *p, uint64_t each, const char *file)
{
	static const struct qn_names nothing;
	struct qn_result_axis axis[2] = { { .name = (char *)"y", .n = 2, .dim = 0 },
					  { .name = (char *)"x", .n = p->nrows / 2, .dim = 1 } };
	struct quern_result all = { .naxes = 2, .axis = axis, .nrows = p->nrows };
	struct qn_output o = { .labels = { .units = "",
					   .calendar = "",
					   .dtype = has_marks(p) ? QUERN_I64 : QUERN_I8,
					   .name = "d",
					   .in_steps = (char *)"",
					   .at_once = (char *)"",
					   .attributes = &nothing },
			       .result = &all };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_writing *w;
	const int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(qn_formats[0]->begin(fd, file, &w, &err), QUERN_OK);
	assert_int_equal(qn_formats[0]->put(w, &o, &err), QUERN_OK);
	for (uint64_t row = 0; row < p->nrows; row += each) {
		struct quern_result rows = { .nfields = 0 };

		collect(p, row, p->nrows - row < each ? p->nrows - row : each, &rows);
		assert_int_equal(qn_formats[0]->put_rows(w, &rows, &err), QUERN_OK);
		qn_result_fini(&rows);
	}
	assert_int_equal(qn_formats[0]->end_rows(w, &err), QUERN_OK);
	assert_int_equal(qn_formats[0]->end(w, &o, 1, &err), QUERN_OK);
	close(fd);
}

/* What was never written is what the attribute says; without one it is nothing that a value is. */
static void check_fill(hid_t d, const double *values, size_t nvalues)
{
	const hid_t plist = H5Dget_create_plist(d);
	H5D_fill_value_t is;
	double fill, said;

	assert_true(H5Pfill_value_defined(plist, &is) >= 0);
	assert_true(H5Pget_fill_value(plist, H5T_NATIVE_DOUBLE, &fill) >= 0);
	H5Pclose(plist);
	if (H5Aexists(d, "_FillValue") > 0) {
		const hid_t a = H5Aopen(d, "_FillValue", H5P_DEFAULT);

		assert_true(H5Aread(a, H5T_NATIVE_DOUBLE, &said) >= 0);
		assert_true(is == H5D_FILL_VALUE_USER_DEFINED && said == fill);
		H5Aclose(a);
		return;
	}
	for (size_t i = 0; is == H5D_FILL_VALUE_USER_DEFINED && i < nvalues; i++)
		assert_true(values[i] != fill);
}

/* A variable with its type, its shape and its values as float64. */
static size_t load(const char *file, const char *name, double *values, size_t shape[4])
{
	const hid_t f = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
	const hid_t d = H5Dopen2(f, name, H5P_DEFAULT), space = H5Dget_space(d);
	const hid_t type = H5Dget_type(d);
	hsize_t n[4] = { 0 };
	const size_t nvalues = (size_t)H5Sget_simple_extent_npoints(space);

	assert_true(d >= 0 && nvalues * sizeof(double) <= MOST_NBYTES);
	shape[3] = (size_t)H5Tget_class(type) * 16 + H5Tget_size(type);
	shape[3] = shape[3] * 2 + (H5Aexists(d, "_FillValue") > 0);
	assert_true(H5Sget_simple_extent_ndims(space) <= 3);
	H5Sget_simple_extent_dims(space, n, NULL);
	for (int i = 0; i < 3; i++)
		shape[i] = (size_t)n[i];
	assert_true(H5Dread(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
	check_fill(d, values, nvalues);
	H5Tclose(type);
	H5Sclose(space);
	H5Dclose(d);
	H5Fclose(f);
	return nvalues;
}

static void check_same(const struct plan *p, uint64_t each)
{
	double *a = malloc(MOST_NBYTES), *b = malloc(MOST_NBYTES);

	assert_true(a && b);
	write_file(p, each, "some.nc");
	for (int i = 0; i < NNAMES; i++) {
		size_t of_a[4], of_b[4];
		const size_t n = load("one.nc", names[i], a, of_a);

		assert_int_equal(load("some.nc", names[i], b, of_b), n);
		assert_memory_equal(of_a, of_b, sizeof(of_a));
		assert_memory_equal(a, b, n * sizeof(*a));
	}
	free(a);
	free(b);
}

static const struct plan plans[] = {
	{ 60, 0, 60, 60, 60, 60 },
	{ 60, 7, 60, 60, 60, 60 },  /* the first rows have none */
	{ 60, 0, 31, 60, 3, 60 },   /* what would stand for none is there before it is needed, */
	{ 60, 2, 60, 60, 55, 60 },  /* and after */
	{ 60, 0, 60, 60, 3, 60 },   /* and none is needed */
	{ 60, 0, 60, 29, 60, 60 },  /* integers outgrow 64 bits */
	{ 60, 0, 60, 60, 60, 41 },  /* lists grow */
	{ 60, 5, 44, 17, 30, 23 },  /* all of it */
	{ 60, 60, 60, 60, 60, 60 }, /* no values at all */
	{ 300000, 9, 299999, 150001, 131072, 140000 }, /* in chunks */
};

static void test_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		const struct plan *p = &plans[i];

		write_file(p, p->nrows, "one.nc");
		check_same(p, p->nrows > 100 ? 16384 : 1);
		check_same(p, p->nrows > 100 ? 100003 : 13);
	}
	unlink("one.nc");
	unlink("some.nc");
}

/* As it was put, and not only the same. */
static void test_values(void **state)
{
	const struct plan p = { 60, 5, 44, 17, 30, 23 };
	double v[180];
	size_t shape[4];

	(void)state;
	write_file(&p, 4, "one.nc");
	assert_int_equal(load("one.nc", "d_sum", v, shape), 60);
	assert_true(v[16] == -16 && v[17] == 1e20 && v[59] == 1e20);
	assert_int_equal(load("one.nc", "d_values", v, shape), 180);
	assert_true(v[22 * 3] == 22 && v[22 * 3 + 2] == FILL && v[23 * 3 + 2] == 9);
	assert_int_equal(load("one.nc", "d_max", v, shape), 60);
	assert_true(v[4] == FILL - 1 && v[5] == 5 && v[30] == FILL && v[44] == FILL - 1);
	assert_int_equal(load("one.nc", "d_min", v, shape), 60);
	assert_true(v[4] == FILL && v[5] == 5);
	unlink("one.nc");
}

/* Values of 8 bytes, and what stands for none. */
static void load_words(const char *name, hid_t type, uint64_t words[60], uint64_t *fill)
{
	const hid_t f = H5Fopen("one.nc", H5F_ACC_RDONLY, H5P_DEFAULT);
	const hid_t d = H5Dopen2(f, name, H5P_DEFAULT), a = H5Aopen(d, "_FillValue", H5P_DEFAULT);

	assert_true(H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) >= 0);
	assert_true(H5Aread(a, type, fill) >= 0);
	H5Aclose(a);
	H5Dclose(d);
	H5Fclose(f);
}

static void check_marks(const char *name, hid_t type, const void *marks)
{
	uint64_t words[60], fill, mark[NMARKS];

	memcpy(mark, marks, sizeof(mark));
	load_words(name, type, words, &fill);
	for (size_t k = 0; k < NMARKS; k++)
		assert_int_not_equal(fill, mark[k]);
	for (uint64_t row = 0; row < 60; row++) {
		const size_t k = mark_of_row(row);

		assert_int_equal(words[row], k == NMARKS ? fill : mark[k]);
	}
}

/* A value that is what mostly stands for none is a value, and others that are none are told apart from it. */
static void test_marks(void **state)
{
	static const uint64_t each[] = { 60, 1, 13 };

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		write_file(&with_marks, each[i], "one.nc");
		check_marks("d_min", H5T_NATIVE_INT64, int_marks);
		check_marks("d_max", H5T_NATIVE_UINT64, uint_marks);
		check_marks("d_mean", H5T_NATIVE_DOUBLE, real_marks);
	}
	unlink("one.nc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
