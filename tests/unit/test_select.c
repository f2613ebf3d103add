/*
 * test_select.c - selections as users write them, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/select.h"

static char path[] = "/t2m", names[3][5] = { "time", "lat", "lon" };

/* time 100, lat 20, lon 7. */
static const struct qn_dataset dataset = {
	.path = path,
	.ndim = 3,
	.shape = { 100, 20, 7 },
	.chunk = { 10, 10, 7 },
	.dim_name = { names[0], names[1], names[2] },
};

static const struct good {
	const char *text;
	uint64_t start[3], count[3], step[3];
} good[] = {
	{ "", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ NULL, { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ ":", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ "::", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ ":,:,:", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ "0:100,:,5", { 0, 0, 5 }, { 100, 20, 1 }, { 1, 1, 1 } },
	{ "time=0:100,lat=10:20:2", { 0, 10, 0 }, { 100, 5, 7 }, { 1, 2, 1 } },
	{ "lat=10:20:2,time=3", { 3, 10, 0 }, { 1, 5, 7 }, { 1, 2, 1 } },
	{ "lon=-1", { 0, 0, 6 }, { 100, 20, 1 }, { 1, 1, 1 } },
	{ "-7", { 93, 0, 0 }, { 1, 20, 7 }, { 1, 1, 1 } },
	{ "-100", { 0, 0, 0 }, { 1, 20, 7 }, { 1, 1, 1 } },
	{ "-10:", { 90, 0, 0 }, { 10, 20, 7 }, { 1, 1, 1 } },
	{ ":-10", { 0, 0, 0 }, { 90, 20, 7 }, { 1, 1, 1 } },
	{ "-20:-10:3", { 80, 0, 0 }, { 4, 20, 7 }, { 3, 1, 1 } },
	{ "1:2:", { 1, 0, 0 }, { 1, 20, 7 }, { 1, 1, 1 } },
	{ "::7", { 0, 0, 0 }, { 15, 20, 7 }, { 7, 1, 1 } },
	{ "1::1000", { 1, 0, 0 }, { 1, 20, 7 }, { 1000, 1, 1 } },
	{ "2=1:3,0=5", { 5, 0, 1 }, { 1, 20, 2 }, { 1, 1, 1 } },
	{ "5,lon=2", { 5, 0, 2 }, { 1, 20, 1 }, { 1, 1, 1 } },
	/* Bounds are clipped and may be empty, as in Python. */
	{ "90:1000", { 90, 0, 0 }, { 10, 20, 7 }, { 1, 1, 1 } },
	{ "-1000:3", { 0, 0, 0 }, { 3, 20, 7 }, { 1, 1, 1 } },
	{ "-9223372036854775808:9223372036854775807", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ "::9223372036854775807", { 0, 0, 0 }, { 1, 20, 7 }, { INT64_MAX, 1, 1 } },
	{ "5:5", { 5, 0, 0 }, { 0, 20, 7 }, { 1, 1, 1 } },
	{ "7:5", { 7, 0, 0 }, { 0, 20, 7 }, { 1, 1, 1 } },
	{ "1000:", { 100, 0, 0 }, { 0, 20, 7 }, { 1, 1, 1 } },
	{ ":0", { 0, 0, 0 }, { 0, 20, 7 }, { 1, 1, 1 } },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box;
		const struct good *g = &good[i];

		if (qn_select(&dataset, g->text, &box, &err))
			fail_msg("'%s': %s", g->text, err.text);
		assert_int_equal(box.ndim, 3);
		for (int d = 0; d < 3; d++)
			if (box.start[d] != g->start[d] || box.count[d] != g->count[d] ||
			    box.step[d] != g->step[d])
				fail_msg("'%s': dimension %d: start %d count %d step %d", g->text,
					 d, (int)box.start[d], (int)box.count[d],
					 (int)box.step[d]);
		assert_int_equal(qn_box_nelems(&box), g->count[0] * g->count[1] * g->count[2]);
	}
}

/* What is wrong, and words that the message must have. */
static const struct bad {
	const char *text, *says[3];
} bad[] = {
	{ "100", { "'100'", "(time)", "length is 100" } },
	{ "-101", { "'-101'", "out of range", "/t2m" } },
	{ "lon=7", { "'7'", "(lon)", "length is 7" } },
	{ "9223372036854775807", { "out of range", "", "" } },
	{ "-9223372036854775808", { "out of range", "", "" } },
	{ "9223372036854775808", { "START:STOP:STEP", "", "" } },
	{ "abc", { "'abc'", "START:STOP:STEP", "" } },
	{ "1.5", { "START:STOP:STEP", "", "" } },
	{ "1:2:3:4", { "'1:2:3:4'", "START:STOP:STEP", "" } },
	{ "1 :2", { "START:STOP:STEP", "", "" } },
	{ "-", { "START:STOP:STEP", "", "" } },
	{ "--1", { "START:STOP:STEP", "", "" } },
	{ "0x10", { "START:STOP:STEP", "", "" } },
	{ "::0", { "'::0'", "step", "1 or more" } },
	{ "10:0:-1", { "step", "(time)", "" } },
	{ ",", { "empty", "(time)", "" } },
	{ "1,,2", { "empty", "(lat)", "" } },
	{ "time=", { "empty", "(time)", "" } },
	{ "height=3", { "no dimension 'height'", "/t2m", "quern inspect" } },
	{ "=3", { "no dimension ''", "", "" } },
	{ "3=1", { "no dimension '3'", "", "" } },
	{ "-1=1", { "no dimension '-1'", "", "" } },
	{ "1,2,3,4", { "more slices", "3 dimensions", "" } },
	{ "time=1,time=2", { "twice", "(time)", "" } },
	{ "1,time=2", { "twice", "(time)", "" } },
	{ "1=1,lat=2", { "twice", "(lat)", "" } },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box;

		if (qn_select(&dataset, bad[i].text, &box, &err) != QUERN_ERR_USAGE)
			fail_msg("'%s' is taken", bad[i].text);
		assert_int_equal(err.status, QUERN_ERR_USAGE);
		assert_non_null(strstr(err.text, "--select"));
		for (int k = 0; k < 3; k++)
			if (!strstr(err.text, bad[i].says[k]))
				fail_msg("'%s': '%s' is not in: %s", bad[i].text, bad[i].says[k],
					 err.text);
	}
}

static void test_dimension_find(void **state)
{
	static char one[] = "1", zero[] = "x";
	struct qn_dataset odd = { .ndim = 3, .dim_name = { zero, NULL, one } };

	(void)state;
	assert_int_equal(qn_dimension_find(&dataset, "lat"), 1);
	assert_int_equal(qn_dimension_find(&dataset, "2"), 2);
	assert_int_equal(qn_dimension_find(&dataset, "3"), -1);
	assert_int_equal(qn_dimension_find(&dataset, "la"), -1);
	assert_int_equal(qn_dimension_find(&dataset, ""), -1);
	assert_int_equal(qn_dimension_find(&dataset, "99999999999999999999"), -1);
	/* A name goes before a number. */
	assert_int_equal(qn_dimension_find(&odd, "1"), 2);
}

/* Dimensions without names are shown as such, and empty ones have no index. */
static void test_unnamed_and_empty(void **state)
{
	struct qn_dataset d = { .path = path, .ndim = 2, .shape = { 0, 3 }, .chunk = { 1, 1 } };
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box box;

	(void)state;
	assert_int_equal(qn_select(&d, "::2,1", &box, &err), QUERN_OK);
	assert_int_equal(qn_box_nelems(&box), 0);
	assert_int_equal(qn_select(&d, "0", &box, &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "dimension 0 (?)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_dimension_find),
		cmocka_unit_test(test_unnamed_and_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
