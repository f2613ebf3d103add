/*
 * test_find.c - which files can be joined, and what coordinates say of a selection: the nearest one by its
 * name, values in any order, ends as they are printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "describe/describe.h"
#include "find/coordinate.h"
#include "find/join.h"
#include "h5make.h"

#define NLATS 4
#define NLONS 3

static struct h5make dir;
static struct qn_dataset data;

/* --- the file --- */

static void put(hid_t at, const char *name, int ndim, const hsize_t *shape, const double *v,
		const char *units)
{
	hid_t space = H5Screate_simple(ndim, shape, NULL);
	hid_t dset =
		H5Dcreate2(at, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

	H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
	h5make_text(dset, "units", 0, H5T_STR_NULLTERM, units);
	H5Dclose(dset);
	H5Sclose(space);
}

/* /g/t has coordinates of its own group and of the one above; /lat is farther than /g/lat. */
static int make_file(void **state)
{
	static const double far[NLATS] = { 1, 2, 3, 4 }, lat[NLATS] = { 40, 30, 20, 10 };
	static const double lon[NLONS] = { 0.5, 1, 1.5 }, t[NLATS * NLONS] = { 0 };
	static const hsize_t shape[] = { NLATS, NLONS };
	struct quern_message err = { .status = QUERN_OK };
	hid_t file, group;

	(void)state;
	assert_true(h5make_init(&dir));
	file = h5make_create(&dir, false, 0, 0);
	group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	put(file, "lat", 1, shape, far, "degrees_north");
	put(file, "lon", 1, shape + 1, lon, "m");
	put(group, "lat", 1, shape, lat, "degrees_north");
	put(group, "t", 2, shape, t, "K");
	H5Gclose(group);
	H5Fclose(file);
	assert_int_equal(qn_source_describe(dir.file, "/g/t", NULL, true, &data, &err), QUERN_OK);
	data.dim_name[0] = qn_strdup("lat");
	data.dim_name[1] = qn_strdup("lon");
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	qn_dataset_fini(&data);
	h5make_fini(&dir);
	return 0;
}

/* --- coordinates --- */

static void test_nearest_of_a_name(void **state)
{
	static const struct {
		const char *name, *path;
	} cases[] = { { "lat", "/g/lat" }, { "lon", "/lon" }, { "height", NULL } };
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *path = NULL;

		assert_int_equal(qn_coordinate_path(&data, cases[i].name, &path, &err), QUERN_OK);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else
			assert_null(path);
		free(path);
	}
}

static void test_selections(void **state)
{
	static const struct {
		const char *text;
		uint64_t start[2], count[2];
	} good[] = {
		{ "lat=15.0:35.0", { 1, 0 }, { 2, NLONS } },
		{ "lat=10.0", { 3, 0 }, { 1, NLONS } },
		{ "lat=1:3,lon=1.0:", { 1, 1 }, { 2, 2 } },
		{ "1:,lon=:0.75", { 1, 0 }, { 3, 1 } },
	};
	static const char *const bad[] = { "lat=41.0:50.0", "height=1.0", "lon=1.0:0.5" };
	struct quern_box box;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct quern_message err = { .status = QUERN_OK };

		if (qn_coordinate_select(&data, NULL, good[i].text, &box, NULL, &err))
			fail_msg("%s: %s", good[i].text, err.text);
		for (int d = 0; d < 2; d++) {
			assert_int_equal(box.start[d], good[i].start[d]);
			assert_int_equal(box.count[d], good[i].count[d]);
		}
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct quern_message err = { .status = QUERN_OK };

		if (!qn_coordinate_select(&data, NULL, bad[i], &box, NULL, &err))
			fail_msg("%s is taken", bad[i]);
		assert_true(err.text[0] != 0);
	}
}

static void test_values(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset coordinate;
	struct qn_axis axis;

	(void)state;
	assert_int_equal(qn_coordinate_find(&data, NULL, 0, &coordinate, &axis, &err), QUERN_OK);
	assert_string_equal(coordinate.path, "/g/lat");
	assert_int_equal(axis.n, NLATS);
	assert_int_equal(axis.missing, NLATS);
	for (int i = 0; i < NLATS; i++)
		assert_true(axis.reals[i] == 40 - 10 * i);
	qn_dataset_fini(&coordinate);
	qn_axis_fini(&axis);
}

static void test_ends(void **state)
{
	const char *const file[2] = { dir.file, dir.file };
	const uint64_t at[2] = { 1, QN_LAST_VALUE }, none[2] = { 0, NLATS };
	struct qn_ends ends;

	(void)state;
	assert_true(qn_coordinate_ends(&data, 0, file, at, &ends));
	assert_string_equal(ends.text[0], "30");
	assert_string_equal(ends.text[1], "10");
	assert_string_equal(ends.units, "degrees_north");
	assert_false(qn_coordinate_ends(&data, 0, file, none, &ends));
}

/* Of two files, in one piece: of each its length and its values. */
static void test_values_of_files(void **state)
{
	const char *const files[2] = { dir.file, dir.file };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset coordinate;
	struct qn_axis axis;
	size_t nbytes = 0;
	void *all = NULL;

	(void)state;
	assert_int_equal(qn_coordinate_find(&data, NULL, 0, &coordinate, &axis, &err), QUERN_OK);
	assert_int_equal(qn_coordinate_read(&coordinate, files, 2, &all, &nbytes, &err), QUERN_OK);
	assert_int_equal(nbytes, 2 * (sizeof(struct qn_length) + NLATS * sizeof(double)));
	for (const char *at = all; at < (char *)all + nbytes; at += nbytes / 2) {
		struct qn_length length;

		memcpy(&length, at, sizeof(length));
		assert_int_equal(length.n, NLATS);
		assert_int_equal(length.missing, NLATS);
		assert_memory_equal(at + sizeof(length), axis.reals, NLATS * sizeof(double));
	}
	free(all);
	qn_dataset_fini(&coordinate);
	qn_axis_fini(&axis);
}

/* --- joining --- */

struct pair {
	struct qn_dataset first, other;
};

static void other_type(struct pair *p)
{
	strcpy(p->other.type.name, "<f4");
}

static void other_signedness(struct pair *p)
{
	p->other.cf.as_unsigned = true;
}

static void other_ndim(struct pair *p)
{
	p->other.ndim = 1;
}

static void other_name(struct pair *p)
{
	static char name[] = "latitude";

	p->other.dim_name[0] = name;
}

static void other_length(struct pair *p)
{
	p->other.shape[1]++;
}

static void other_unit(struct pair *p)
{
	strcpy(p->other.units, "degC");
}

/* What can be joined: of another length along the dimension, or without elements. */
static void longer(struct pair *p)
{
	p->other.shape[0] = 100;
}

static void without_elements(struct pair *p)
{
	p->other.is_null = true;
	p->other.ndim = 1;
}

static void test_joining(void **state)
{
	static const struct {
		void (*change)(struct pair *);
		const char *says;
	} cases[] = {
		{ other_type, "its type" },
		{ other_signedness, "_Unsigned" },
		{ other_ndim, "the number of its dimensions" },
		{ other_name, "the name of dimension 0" },
		{ other_length, "the length of dimension 1 (lon)" },
		{ other_unit, "its unit" },
		{ longer, NULL },
		{ without_elements, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct pair p = { data, data };
		enum quern_status st;

		cases[i].change(&p);
		st = qn_join_check(&p.first, &p.other, 0, &err);
		assert_int_equal(st, cases[i].says ? QUERN_ERR_DATA : QUERN_OK);
		if (cases[i].says && !strstr(err.text, cases[i].says))
			fail_msg("'%s' is not in: %s", cases[i].says, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest_of_a_name),
		cmocka_unit_test(test_selections),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_values_of_files),
		cmocka_unit_test(test_joining),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
