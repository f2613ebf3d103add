/*
 * test_select.c - selections as users write them, right and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "select/select.h"

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
	/* Bounds are clipped, as in Python. */
	{ "90:1000", { 90, 0, 0 }, { 10, 20, 7 }, { 1, 1, 1 } },
	{ "-1000:3", { 0, 0, 0 }, { 3, 20, 7 }, { 1, 1, 1 } },
	{ "-9223372036854775808:9223372036854775807", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
	{ "::9223372036854775807", { 0, 0, 0 }, { 1, 20, 7 }, { INT64_MAX, 1, 1 } },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box;
		const struct good *g = &good[i];

		if (qn_select(&dataset, g->text, NULL, &box, NULL, &err))
			fail_msg("'%s': %s", g->text, err.text);
		assert_int_equal(box.ndim, 3);
		for (int d = 0; d < 3; d++)
			if (box.start[d] != g->start[d] || box.count[d] != g->count[d] ||
			    box.step[d] != g->step[d])
				fail_msg("'%s': dimension %d: start %d count %d step %d", g->text,
					 d, (int)box.start[d], (int)box.count[d], (int)box.step[d]);
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
	{ "5:5", { "'5:5'", "nothing is selected", "(time)" } },
	{ "7:5", { "nothing is selected", "decimal point", "" } },
	{ "1000:", { "nothing is selected", "length is 100", "" } },
	{ "lat=:0", { "nothing is selected", "(lat)", "length is 20" } },
	{ "9223372036854775807", { "out of range", "", "" } },
	{ "-9223372036854775808", { "out of range", "", "" } },
	{ "9223372036854775808", { "START:STOP:STEP", "", "" } },
	{ "abc", { "'abc'", "START:STOP:STEP", "" } },
	{ "1.5", { "cannot be selected here", "", "" } },
	{ "1.5:2", { "different kinds", "(time)", "" } },
	{ "1:2001-01", { "different kinds", "(time)", "" } },
	{ "1.5:2001-01", { "different kinds", "(time)", "" } },
	{ "1.5.5", { "START:STOP:STEP", "", "" } },
	{ "+5", { "START:STOP:STEP", "", "" } },
	{ "1e", { "START:STOP:STEP", "", "" } },
	{ "1e999", { "START:STOP:STEP", "", "" } },
	{ "nan", { "START:STOP:STEP", "", "" } },
	{ "2001-01x", { "START:STOP:STEP", "", "" } },
	{ "10-20", { "START:STOP:STEP", "", "" } },
	{ "1.5:2.5:0.5", { "step", "1 or more", "" } },
	{ "1.5:2.5:-1", { "step", "1 or more", "" } },
	{ "1.5:2.5:2001-01", { "step", "1 or more", "" } },
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

		if (qn_select(&dataset, bad[i].text, NULL, &box, NULL, &err) != QUERN_ERR_USAGE)
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
	assert_int_equal(qn_select(&d, "::2,1", NULL, &box, NULL, &err), QUERN_OK);
	assert_int_equal(qn_box_nelems(&box), 0);
	assert_int_equal(qn_select(&d, "0", NULL, &box, NULL, &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "dimension 0 (?)"));
}

/* --- values --- */

/* 2001-01-01 and on, every half second, in nanoseconds since 1970: doubles do not tell them apart. */
#define HALF_SECOND INT64_C(500000000)
static const int64_t start_ns = INT64_C(978307200000000000);

static void fill_axis(int dim, struct qn_axis *a)
{
	static const double lat[] = { 3, 2, 2, 2, 1 };

	if (dim == 0) {
		for (uint64_t i = 0; i < a->n; i++)
			a->integers[i] = start_ns + (int64_t)i * HALF_SECOND + (i > 0);
		return;
	}
	for (uint64_t i = 0; i < a->n; i++)
		a->reals[i] = lat[i / 4] + (dim == 2 ? 0.1 : 0);
}

static enum quern_status fake_axis(void *ctx, const struct qn_dataset *d, int dim,
				   const struct qn_axis **axis, struct quern_message *err)
{
	static char lat_path[] = "/lat", time_path[] = "/time";
	struct qn_dataset c = {
		.path = dim ? lat_path : time_path,
		.type = { .class = dim ? QN_FLOAT : QN_INT, .size = 8 },
		.shape = { d->shape[dim] },
	};
	struct qn_axis *a = ctx;
	char why[200];

	(void)err;
	qn_axis_fini(a);
	snprintf(c.units, sizeof(c.units), "%s", dim ? "m" : "nanoseconds since 1970-01-01");
	qn_axis_init(a, &c);
	a->integers = dim ? NULL : calloc(a->n, sizeof(*a->integers));
	a->reals = dim ? calloc(a->n, sizeof(*a->reals)) : NULL;
	fill_axis(dim, a);
	assert_true(qn_axis_check(a, &c, sizeof(why), why));
	*axis = a;
	return QUERN_OK;
}

/* time rises, lat falls and has values several times. */
static void test_values(void **state)
{
	static const struct good some[] = {
		{ "2001-01-01T00:00", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
		{ "2001-01-01T00:00:07", { 14, 0, 0 }, { 2, 20, 7 }, { 1, 1, 1 } },
		{ "2001-01-01T00:00:00.500000001", { 1, 0, 0 }, { 1, 20, 7 }, { 1, 1, 1 } },
		{ ":2001-01-01T00:00:01.500000000", { 0, 0, 0 }, { 3, 20, 7 }, { 1, 1, 1 } },
		{ ":2001-01-01T00:00:01.500000001", { 0, 0, 0 }, { 4, 20, 7 }, { 1, 1, 1 } },
		{ "2000:2001-01-01T00:00:02:3", { 0, 0, 0 }, { 2, 20, 7 }, { 3, 1, 1 } },
		{ "2001-01:2001", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
		{ "9.783072e17:", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
		{ "lat=2.0", { 0, 4, 0 }, { 100, 12, 7 }, { 1, 1, 1 } },
		{ "lat=2.0:2.0:5", { 0, 4, 0 }, { 100, 3, 7 }, { 1, 5, 1 } },
		{ "lat=1.5:3.0", { 0, 0, 0 }, { 100, 16, 7 }, { 1, 1, 1 } },
		{ "lat=3.0:1.5", { 0, 0, 0 }, { 100, 16, 7 }, { 1, 1, 1 } },
		{ "lat=2.5:", { 0, 0, 0 }, { 100, 4, 7 }, { 1, 1, 1 } },
		{ "lat=:1.9", { 0, 16, 0 }, { 100, 4, 7 }, { 1, 1, 1 } },
		{ "lat=-1e9:1e9", { 0, 0, 0 }, { 100, 20, 7 }, { 1, 1, 1 } },
		{ "lon=3.1,lat=3", { 0, 3, 0 }, { 100, 1, 4 }, { 1, 1, 1 } },
		{ "lat=1.0,time=-5:", { 95, 16, 0 }, { 5, 4, 7 }, { 1, 1, 1 } },
	};
	struct qn_axis axis = { .n = 0 };
	struct qn_coordinates c = { .axis = fake_axis, .ctx = &axis };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box;
		const struct good *g = &some[i];

		if (qn_select(&dataset, g->text, &c, &box, NULL, &err))
			fail_msg("'%s': %s", g->text, err.text);
		for (int d = 0; d < 3; d++)
			if (box.start[d] != g->start[d] || box.count[d] != g->count[d] ||
			    box.step[d] != g->step[d])
				fail_msg("'%s': dimension %d: start %d count %d step %d", g->text,
					 d, (int)box.start[d], (int)box.count[d], (int)box.step[d]);
	}
	qn_axis_fini(&axis);
}

static void test_no_values(void **state)
{
	static const struct bad none[] = {
		{ "lat=1.5", { "nearest values of lat are 2 and 1", "15 and 16", "(lat)" } },
		{ "lat=9.0:", { "lat runs from 3 to 1 m", "", "" } },
		{ "lat=:0.5", { "lat runs from 3 to 1 m", "", "" } },
		{ "lat=2001-01", { "'m' are not a time", "", "" } },
		{ "2001-01-02:2001-01-01",
		  { "lower end comes first", "time runs from 2001-01-01 to", "" } },
		{ "2001-13:2002", { "2001-13-01 is no date", "", "" } },
		{ "2001", { "out of range", "2001-01:2001-12", "" } },
	};
	struct qn_axis axis = { .n = 0 };
	struct qn_coordinates c = { .axis = fake_axis, .ctx = &axis };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box;

		if (qn_select(&dataset, none[i].text, &c, &box, NULL, &err) != QUERN_ERR_USAGE)
			fail_msg("'%s' is taken", none[i].text);
		for (int k = 0; k < 3; k++)
			if (!strstr(err.text, none[i].says[k]))
				fail_msg("'%s': '%s' is not in: %s", none[i].text, none[i].says[k],
					 err.text);
	}
	qn_axis_fini(&axis);
}

/* --- longitudes: what is selected is what turns of 360 degrees lead to --- */

#define MOST_LON 145

static const struct globe {
	double first, step;
	int n;
} globes[] = {
	{ 0, 2.5, 144 },  { -180, 2.5, 144 },	{ 1.25, 2.5, 144 },   { 0, 2.5, 145 },
	{ 230, 2.5, 29 }, { 177.5, -2.5, 144 }, { 357.5, -2.5, 144 },
};

static struct qn_axis lon;

static enum quern_status lon_axis(void *ctx, const struct qn_dataset *d, int dim,
				  const struct qn_axis **axis, struct quern_message *err)
{
	(void)ctx;
	(void)d;
	(void)dim;
	(void)err;
	*axis = &lon;
	return QUERN_OK;
}

static void make_globe(const struct globe *g, struct qn_dataset *d)
{
	static char lon_path[] = "/lon";
	char why[200];

	*d = (struct qn_dataset){ .path = lon_path,
				  .ndim = 1,
				  .shape = { (uint64_t)g->n },
				  .type = { .class = QN_FLOAT, .size = 8 },
				  .dim_name = { names[2] },
				  .is_longitude = true };
	qn_axis_fini(&lon);
	qn_axis_init(&lon, d);
	lon.reals = calloc(lon.n, sizeof(*lon.reals));
	for (int i = 0; i < g->n; i++)
		lon.reals[i] = g->first + i * g->step;
	assert_true(qn_axis_check(&lon, d, sizeof(why), why));
}

/* Marks what a text selects, which may be nothing. */
static void mark_all(const struct qn_dataset *d, const char *text, bool *is)
{
	struct qn_coordinates c = { .axis = lon_axis };
	struct qn_picks picks = { .any = false };
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box box;

	if (qn_select(d, text, &c, &box, &picks, &err)) {
		if (!strstr(err.text, "nothing is there"))
			fail_msg("%s: %s", text, err.text);
		box.count[0] = 0;
	}
	for (uint64_t i = 0; box.count[0] && i < qn_picks_count(&picks, &box, 0); i++) {
		const uint64_t at = qn_picks_index(&picks, &box, 0, i);

		assert_false(is[at]); /* nothing twice */
		is[at] = true;
	}
	qn_picks_fini(&picks);
}

/* Every step-th one of those from `from` eastward to `to`, each meridian once. */
static void expect(const struct globe *g, double from, double to, int step, bool *is)
{
	int k = 0;

	for (double x = from; x <= to && x < from + 360; x += 1.25)
		for (int i = 0; i < g->n; i++) {
			double turns = (lon.reals[i] - x) / 360;

			if (turns == (int)turns) {
				is[i] = k % step == 0;
				k++;
				break;
			}
		}
}

static bool same(const struct globe *g, const bool *a, const bool *b)
{
	bool twin = g->n == MOST_LON; /* the first and the last one are the same meridian */

	for (int i = twin; i < g->n - twin; i++)
		if (a[i] != b[i])
			return false;
	return !twin || (a[0] || a[g->n - 1]) == (b[0] || b[g->n - 1]);
}

static void test_longitudes(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int k = 0; k < 4000; k++) {
		const struct globe *g = &globes[k % 7];
		bool is[MOST_LON] = { false }, want[MOST_LON] = { false };
		double from = 1.25 * ((int)(rand_r(&seed) % 900) - 450);
		double to = from + 1.25 * (rand_r(&seed) % 300);
		int step = g->step > 0 && g->n != MOST_LON ? 1 + (int)(rand_r(&seed) % 3) : 1;
		struct qn_dataset d;
		char text[64];

		make_globe(g, &d);
		snprintf(text, sizeof(text), "lon=%.2f:%.2f:%d", from, to, step);
		mark_all(&d, text, is);
		expect(g, from, to, step, want);
		if (!same(g, is, want))
			fail_msg("%s on %g, %g, ...: not what it should be", text, g->first,
				 g->first + g->step);
	}
	qn_axis_fini(&lon);
}

/* Of a region whose longitudes are small, ends beyond a turn are as exact as they are written. */
static void test_written_longitudes(void **state)
{
	static const struct {
		const char *text;
		uint64_t first, n;
	} wanted[] = { { "lon=350.5:359.9", 5, 95 },
		       { "lon=359.9", 99, 1 },
		       { "lon=350.1:350.2", 1, 2 } };
	const struct globe region = { -10, 0.1, 120 };
	struct qn_coordinates c = { .axis = lon_axis };
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box box;
	struct qn_dataset d;

	(void)state;
	make_globe(&region, &d);
	for (int i = 0; i < region.n; i++)
		lon.reals[i] = (i - 100) / 10.0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_int_equal(qn_select(&d, wanted[i].text, &c, &box, NULL, &err), QUERN_OK);
		assert_int_equal(box.start[0], wanted[i].first);
		assert_int_equal(box.count[0], wanted[i].n);
	}
	qn_axis_fini(&lon);
}

/* --- unions --- */

#define MOST_TIME 100

/* A random piece of time, as text, and what it has; a step may leave gaps. */
static size_t add_piece(unsigned *seed, size_t nbytes, char *out, bool *want)
{
	const int a = (int)(rand_r(seed) % MOST_TIME), n = (int)(rand_r(seed) % 30);
	const int b = a + n < MOST_TIME ? a + n : MOST_TIME;
	const int step = 1 + (int)(rand_r(seed) % 4);

	if (n < 6) {
		want[a] = true;
		return (size_t)snprintf(out, nbytes, "%d", n < 3 ? a : a - MOST_TIME);
	}
	for (int i = a; i < b; i += step)
		want[i] = true;
	return (size_t)snprintf(out, nbytes, "%d:%d:%d", a, b, step);
}

/* All questions about picks have the answers that a list of the indexes gives. */
static void check_picks(const struct qn_picks *p, const struct quern_box *box, const bool *want)
{
	const struct qn_pick *pick = &p->dim[0];
	int32_t *number;
	uint64_t k = 0, bits[2], nchunks, want_chunks = 0;
	bool chunk[MOST_TIME / 7 + 1] = { false };

	for (uint64_t i = 0; i < MOST_TIME; i++)
		if (want[i]) {
			const uint64_t at = (i - box->start[0]) / box->step[0];

			assert_int_equal((i - box->start[0]) % box->step[0], 0);
			assert_true(at < box->count[0] && qn_pick_has(pick, at));
			assert_int_equal(qn_picks_index(p, box, 0, k++), i);
			want_chunks += !chunk[i / 7];
			chunk[i / 7] = true;
		}
	assert_int_equal(qn_picks_count(p, box, 0), k);
	assert_int_equal(p->any, k < box->count[0]);
	if (!p->any)
		return;
	assert_int_equal(qn_picks_touch(p, box, 0, 7, &nchunks), k);
	assert_int_equal(nchunks, want_chunks);
	number = qn_pick_numbers(pick, box->count[0]);
	assert_non_null(number);
	for (uint64_t step = 1; step < 9; step++)
		for (uint64_t first = 0; first < box->count[0]; first++) {
			const uint64_t n = (box->count[0] - 1 - first) / step + 1;
			bool any = false;

			qn_pick_mark(pick, first, n, step, bits);
			for (uint64_t i = 0; i < n; i++) {
				const uint64_t at = first + i * step;
				const bool is = want[box->start[0] + at * box->step[0]];

				any |= is;
				assert_int_equal(bits[i / 64] >> i % 64 & 1, is);
				assert_int_equal(number[at] >= 0, is);
			}
			assert_int_equal(qn_pick_has_any(pick, first, n, step), any);
		}
	free(number);
}

static void test_unions(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int k = 0; k < 1000; k++) {
		bool want[MOST_TIME] = { false };
		struct qn_picks picks = { .any = false }, other = { .any = false };
		struct quern_message err = { .status = QUERN_OK };
		struct quern_box box, round;
		char text[256] = "lat=1+3,time=";
		size_t at = strlen(text), nbytes;
		void *flat;

		for (int n = 2 + (int)(rand_r(&seed) % 5); n > 0; n--) {
			at += add_piece(&seed, sizeof(text) - at, text + at, want);
			at += (size_t)snprintf(text + at, sizeof(text) - at, n > 1 ? "+" : "");
		}
		if (qn_select(&dataset, text, NULL, &box, &picks, &err))
			fail_msg("%s: %s", text, err.text);
		check_picks(&picks, &box, want);
		assert_int_equal(box.step[1], 2); /* a union that is a range */
		assert_int_equal(picks.dim[1].nstretches, 0);
		flat = qn_picks_pack(&picks, &box, &nbytes);
		assert_int_equal(qn_picks_unpack(&other, flat, nbytes, &round, &err), QUERN_OK);
		assert_null(qn_picks_unite(&other, 0, &round));
		assert_memory_equal(&box, &round, sizeof(box));
		check_picks(&other, &round, want);
		for (size_t n = 0; n < nbytes; n++)
			assert_int_equal(qn_picks_unpack(&other, flat, n, &round, &err),
					 QUERN_ERR_RUN);
		free(flat);
		qn_picks_fini(&picks);
		qn_picks_fini(&other);
	}
}

static void test_wrong_unions(void **state)
{
	static const struct bad wrong[] = {
		{ "1+100", { "'100'", "out of range", "(time)" } },
		{ "1+", { "''", "empty", "(time)" } },
		{ "1++2", { "'+2'", "START:STOP:STEP", "" } },
		{ "1+x", { "'x'", "START:STOP:STEP", "" } },
		{ "5:5+7:6", { "'5:5+7:6'", "any of its pieces", "" } },
		{ "1+1.5", { "'1.5'", "cannot be selected here", "" } },
	};
	static const struct {
		const char *text, *says;
	} said[] = {
		{ "5:5+7", "'5:5'" },  { "lat=-30:30", "0:20" }, { "-20:90", "80:90" },
		{ "-1000:", "0:100" }, { "-20:", NULL },	 { "-20:-5", NULL },
		{ "lat=0:20", NULL },
	};
	struct qn_picks picks = { .any = false };
	struct quern_box box;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct quern_message err = { .status = QUERN_OK };

		if (qn_select(&dataset, wrong[i].text, NULL, &box, &picks, &err) != QUERN_ERR_USAGE)
			fail_msg("'%s' is taken", wrong[i].text);
		for (int k = 0; k < 3; k++)
			if (!strstr(err.text, wrong[i].says[k]))
				fail_msg("'%s': '%s' is not in: %s", wrong[i].text,
					 wrong[i].says[k], err.text);
	}
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		struct quern_message err = { .status = QUERN_OK };

		assert_int_equal(qn_select(&dataset, said[i].text, NULL, &box, &picks, &err), 0);
		assert_int_equal(picks.said.n, said[i].says != NULL);
		if (said[i].says && !strstr(picks.said.name[0], said[i].says))
			fail_msg("%s: %s", said[i].text, picks.said.name[0]);
	}
	qn_picks_fini(&picks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	       cmocka_unit_test(test_bad),
		cmocka_unit_test(test_dimension_find), cmocka_unit_test(test_unnamed_and_empty),
		cmocka_unit_test(test_values),	       cmocka_unit_test(test_no_values),
		cmocka_unit_test(test_longitudes),     cmocka_unit_test(test_written_longitudes),
		cmocka_unit_test(test_unions),	       cmocka_unit_test(test_wrong_unions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
