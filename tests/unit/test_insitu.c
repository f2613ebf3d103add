/*
 * test_insitu.c - reductions of arrays in memory, by this process alone: what they are told, what they find, and what
 * they refuse. That they find what runs over files find is for tests/mpi/memory.sh.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "quern.h"

#define NY 5
#define NX 7

static quern_session *session;
static const uint64_t shape[2] = { NY, NX }, origin[2] = { 0, 0 };
static const char *const names[2] = { "y", "x" };

/* Of the whole grid, with or without steps. */
static quern_reduction *new_reduction(const char *kernel, uint64_t steps)
{
	quern_reduction *r = quern_reduction_new(session, kernel);

	assert_non_null(r);
	assert_int_equal(quern_reduction_grid(r, 2, shape, names), QUERN_OK);
	if (steps)
		assert_int_equal(quern_reduction_steps(r, "time", steps == UINT64_MAX ? 0 : steps,
						       "days since 2001-01-01", NULL),
				 QUERN_OK);
	assert_int_equal(quern_reduction_box(r, origin, shape), QUERN_OK);
	return r;
}

/* The result of what was absorbed: the run, which was executed. */
static quern_run *execute(quern_reduction *r)
{
	quern_run *run = quern_reduction_run(r);

	assert_non_null(run);
	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
	return run;
}

/* Value i of a field. */
static double value(quern_run *run, const char *name, uint64_t i)
{
	double v = NAN;

	assert_true(quern_result_read_double(quern_run_result(run), name, i, 1, &v, NULL));
	return v;
}

static uint64_t count_cells(quern_run *run)
{
	struct quern_axis axis = { .size = sizeof(axis) };

	assert_true(quern_result_axis(quern_run_result(run), 0, &axis));
	return axis.extent;
}

static void fill(double *u, double first)
{
	for (int i = 0; i < NY * NX; i++)
		u[i] = first + i;
}

/* --- what is found --- */

static void test_grid_without_steps(void **state)
{
	quern_reduction *r = new_reduction("sum", 0);
	double u[NY * NX];
	quern_run *run;

	(void)state;
	fill(u, 1);
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, NULL, "K"), QUERN_OK);
	assert_int_equal(quern_reduction_absorb(r, 0, (const void *[]){ u }), QUERN_OK);
	run = execute(r);
	assert_true(value(run, "sum", 0) == NY * NX * (NY * NX + 1) / 2.0);
	quern_run_free(run);
	assert_int_equal(quern_reduction_absorb(r, 0, (const void *[]){ u }), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_reduction_message(r), "has no steps"));
	quern_reduction_free(r);
}

static void test_no_steps_yet(void **state)
{
	quern_reduction *r = new_reduction("count", UINT64_MAX);
	quern_run *run;

	(void)state;
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL), QUERN_OK);
	run = execute(r);
	assert_true(value(run, "count", 0) == 0);
	quern_run_free(run);
	quern_reduction_free(r);
}

static void test_strides(void **state)
{
	static double wide[NY + 2][NX + 3];
	const ptrdiff_t strides[2] = { sizeof(wide[0]), sizeof(double) };
	quern_reduction *r = new_reduction("moments", UINT64_MAX);
	quern_run *run;

	(void)state;
	for (int y = 0; y < NY + 2; y++)
		for (int x = 0; x < NX + 3; x++)
			wide[y][x] = y >= 1 && y <= NY && x >= 2 && x < NX + 2 ? 7 : -1e300;
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, strides, NULL), QUERN_OK);
	for (int t = 0; t < 3; t++)
		assert_int_equal(quern_reduction_absorb(r, t, (const void *[]){ &wide[1][2] }),
				 QUERN_OK);
	run = execute(r);
	assert_true(value(run, "count", 0) == 3 * NY * NX);
	assert_true(value(run, "min", 0) == 7 && value(run, "max", 0) == 7);
	quern_run_free(run);
	quern_reduction_free(r);
}

/* The field bottom up, its columns from right to left, or both: as it is, and as a name of an expression, which has to
   come to the same of each element. */
static void test_negative_strides(void **state)
{
	static const ptrdiff_t size = sizeof(double);

	(void)state;
	for (int flip = 1; flip < 4; flip++) {
		const bool y = flip & 1, x = flip & 2;
		const ptrdiff_t strides[2] = { y ? -NX * size : NX * size, x ? -size : size };
		quern_reduction *r = new_reduction("sum", UINT64_MAX);
		double u[NY * NX], v[NY * NX];
		quern_run *run;

		for (int i = 0; i < NY * NX; i++) {
			const int row = y ? NY - 1 - i / NX : i / NX;
			const int column = x ? NX - 1 - i % NX : i % NX;

			u[row * NX + column] = v[i] = i + 1;
		}
		quern_reduction_set(r, "over", "time");
		quern_reduction_set(r, "dataset", flip == 3 ? "u" : "v");
		quern_reduction_set(r, "expr", "100 * u + v");
		quern_reduction_variable(r, "u", QUERN_F64, strides, NULL);
		quern_reduction_variable(r, "v", QUERN_F64, NULL, NULL);
		assert_int_equal(quern_reduction_absorb(
					 r, 0,
					 (const void *[]){
						 &u[(y ? NY - 1 : 0) * NX + (x ? NX - 1 : 0)], v }),
				 QUERN_OK);
		run = execute(r);
		for (uint64_t i = 0; i < NY * NX; i++)
			assert_true(value(run, "sum", i) == 101 * (double)(i + 1));
		quern_run_free(run);
		quern_reduction_free(r);
	}
}

/* What is in no box is not there, nor missing. */
static void test_boxes_with_gaps(void **state)
{
	const uint64_t begin[2] = { 3, 1 }, count[2] = { 2, 3 }, first[2] = { 1, 2 };
	quern_reduction *r = quern_reduction_new(session, "moments");
	double u[2 * 3] = { 1, 2, 3, 4, 5, 6 }, v[2] = { 7, 8 };
	quern_run *run;

	(void)state;
	quern_reduction_grid(r, 2, shape, names);
	quern_reduction_box(r, begin, count);
	quern_reduction_box(r, origin, first);
	quern_reduction_set(r, "over", "x");
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	assert_int_equal(quern_reduction_absorb(r, 0, (const void *[]){ u, v }), QUERN_OK);
	run = execute(r);
	assert_int_equal(count_cells(run), NY);
	for (uint64_t y = 0; y < NY; y++) {
		static const double counts[NY] = { 2, 0, 0, 3, 3 };

		assert_true(value(run, "count", y) == counts[y]);
		assert_true(value(run, "missing", y) == 0);
	}
	assert_true(value(run, "sum", 0) == 15 && value(run, "sum", 4) == 15);
	quern_run_free(run);
	quern_reduction_free(r);
}

static void test_mask(void **state)
{
	quern_reduction *r = new_reduction("moments", UINT64_MAX);
	uint8_t land[NY * NX];
	double u[NY * NX];
	quern_run *run;

	(void)state;
	fill(u, 0);
	for (int i = 0; i < NY * NX; i++)
		land[i] = (uint8_t)(i % 2);
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL), QUERN_OK);
	assert_int_equal(quern_reduction_variable(r, "land", QUERN_U8, NULL, NULL), QUERN_OK);
	assert_int_equal(quern_reduction_mask(r, "land"), QUERN_OK);
	for (int t = 0; t < 2; t++)
		assert_int_equal(quern_reduction_absorb(r, t, (const void *[]){ u, land }),
				 QUERN_OK);
	run = execute(r);
	assert_true(value(run, "count", 0) == 2 * (NY * NX / 2));
	assert_true(value(run, "missing", 0) == 2 * (NY * NX - NY * NX / 2));
	assert_true(value(run, "min", 0) == 1);
	quern_run_free(run);
	quern_reduction_free(r);
}

/* More steps than tables are kept for: those of a month are one. */
static void test_months(void **state)
{
	quern_reduction *r = new_reduction("sum", UINT64_MAX);
	double u[NY * NX];
	quern_run *run;

	(void)state;
	assert_int_equal(quern_reduction_set(r, "by", "month(time)"), QUERN_OK);
	assert_int_equal(quern_reduction_set(r, "over", "time"), QUERN_OK);
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL), QUERN_OK);
	for (int t = 0; t < 365; t++) {
		fill(u, t);
		assert_int_equal(quern_reduction_absorb(r, t, (const void *[]){ u }), QUERN_OK);
	}
	run = execute(r);
	assert_int_equal(count_cells(run), 12);
	assert_true(value(run, "count", 0) == 31);
	assert_true(value(run, "sum", 3) == 31 * 30 / 2 + 31 * 3);
	assert_true(value(run, "count", NY * NX + 2) == 28);
	assert_true(value(run, "sum", 11 * NY * NX) == (334 + 364) * 31 / 2);
	quern_run_free(run);
	quern_reduction_free(r);
}

/* --- a kernel of the program: how many elements tiles have had --- */

static enum quern_status own_open(const struct quern_input *in, void **self)
{
	(void)in;
	*self = calloc(1, 1);
	return *self ? QUERN_OK : QUERN_ERR_RUN;
}

static int own_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 1 };
	return 1;
}

static void own_absorb(const void *self, int64_t *words, void *scratch,
		       const struct quern_tile *tile)
{
	(void)self;
	(void)scratch;
	words[0] += (int64_t)tile->nelems;
}

static const char *const *own_fields(const void *self)
{
	static const char *const fields[] = { "elements", NULL };

	(void)self;
	return fields;
}

static void own_emit(const void *self, const int64_t *words, struct quern_result *r)
{
	(void)self;
	quern_result_int(r, "elements", words[0]);
}

static void test_kernel_of_the_program(void **state)
{
	static const struct quern_kernel own = { .abi = QUERN_KERNEL_ABI,
						 .name = "own",
						 .doc = "counts elements",
						 .open = own_open,
						 .close = free,
						 .layout = own_layout,
						 .absorb = own_absorb,
						 .fields = own_fields,
						 .emit = own_emit };
	quern_session *with_own = quern_session_new_f(QUERN_NO_MPI), *before = session;
	quern_reduction *r;
	double u[NY * NX];
	quern_run *run;

	(void)state;
	fill(u, 0);
	assert_int_equal(quern_session_register(with_own, &own), QUERN_OK);
	session = with_own;
	r = new_reduction("own,mean", UINT64_MAX);
	session = before;
	quern_reduction_set(r, "over", "x");
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	for (int t = 0; t < 3; t++)
		assert_int_equal(quern_reduction_absorb(r, t, (const void *[]){ u }), QUERN_OK);
	run = execute(r);
	assert_int_equal(count_cells(run), 3);
	assert_true(value(run, "elements", 3 * NY - 1) == NX);
	assert_true(value(run, "mean", 1) == NX + (NX - 1) / 2);
	quern_run_free(run);
	quern_reduction_free(r);
	quern_session_free(with_own);
}

/* Each result is of all steps before it. */
static void test_results_on_the_way(void **state)
{
	quern_reduction *r = new_reduction("count", UINT64_MAX);
	double u[NY * NX];

	(void)state;
	fill(u, 0);
	assert_int_equal(quern_reduction_set(r, "over", "y,x"), QUERN_OK);
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL), QUERN_OK);
	for (uint64_t t = 0; t < 5; t++) {
		quern_run *run;
		double time[5];

		assert_int_equal(quern_reduction_absorb(r, 10 * (double)t, (const void *[]){ u }),
				 QUERN_OK);
		run = execute(r);
		assert_int_equal(count_cells(run), t + 1);
		assert_true(quern_result_coordinates(quern_run_result(run), 0, time));
		assert_true(time[t] == 10 * (double)t);
		quern_run_free(run);
	}
	quern_reduction_free(r);
}

/* --- what is refused --- */

/* The first step fails, and says why; so does a run. Frees the reduction. */
static void refused(quern_reduction *r, const void *const *values, const char *why)
{
	const enum quern_status st = quern_reduction_absorb(r, 0, values);
	quern_run *run = quern_reduction_run(r);

	assert_int_not_equal(st, QUERN_OK);
	assert_int_equal(quern_reduction_status(r), st);
	if (!strstr(quern_reduction_message(r), why))
		fail_msg("'%s', without '%s'", quern_reduction_message(r), why);
	assert_int_equal(quern_run_execute(run), st);
	assert_string_equal(quern_run_message(run), quern_reduction_message(r));
	quern_run_free(run);
	quern_reduction_free(r);
}

static void test_refused(void **state)
{
	static const struct {
		const char *kernel, *option, *value, *why;
	} wrong[] = {
		{ "histogram", "over", "time", "looks at the data several times" },
		{ "median", "over", "time", "looks at the data several times" },
		{ "mean", "by", "k=round(u)", "bins" },
		{ "mean", "select", "y=0:2", "--select" },
		{ "mean", "nonsense", "1", "nonsense" },
		{ "nonsense", "over", "time", "nonsense" },
		{ "mean", "dataset", "nothing", "nothing" },
		{ "mean", "dataset", "time", "is a coordinate" },
		{ "mean", "expr", "nothing + 1", "nothing" },
		{ "mean", "weights", "0 - u", "--weights" },
	};
	double u[NY * NX];

	(void)state;
	fill(u, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		quern_reduction *r = new_reduction(wrong[i].kernel, UINT64_MAX);

		quern_reduction_set(r, wrong[i].option, wrong[i].value);
		quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
		refused(r, (const void *[]){ u }, wrong[i].why);
	}
}

/* As memory of a device is. */
static void test_memory_that_cannot_be_read(void **state)
{
	void *none = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	quern_reduction *r = new_reduction("mean", UINT64_MAX);

	(void)state;
	assert_true(none != MAP_FAILED);
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	refused(r, (const void *[]){ none }, "device");
	r = new_reduction("mean", UINT64_MAX);
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	refused(r, (const void *[]){ NULL }, "device");
	munmap(none, 1 << 16);
}

static void test_too_many_steps(void **state)
{
	quern_reduction *r = new_reduction("mean", 2);
	double u[NY * NX];

	(void)state;
	fill(u, 1);
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	for (int t = 0; t < 2; t++)
		assert_int_equal(quern_reduction_absorb(r, t, (const void *[]){ u }), QUERN_OK);
	refused(r, (const void *[]){ u }, "more than 2 steps");
}

/* What is told of the grid. */
static void test_bad_grids(void **state)
{
	const uint64_t outside[2] = { 1, 0 };
	const ptrdiff_t odd[2] = { 20, 8 };
	double lat[NY] = { 0 };
	quern_reduction *r;

	(void)state;
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_box(r, outside, shape), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_reduction_message(r), "dimension y"));
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_variable(r, "u", QUERN_F64, odd, NULL), QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_grid(r, 2, shape, names), QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = quern_reduction_new(session, "mean");
	assert_int_equal(quern_reduction_grid(r, 2, shape, (const char *[]){ "y", "y" }),
			 QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_coordinate(r, "lat", "time", QUERN_F64, lat, NULL),
			 QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_coordinate(r, "lat", "x,y", QUERN_F64, lat, NULL),
			 QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	assert_int_equal(quern_reduction_mask(r, "none"), QUERN_ERR_USAGE);
	quern_reduction_free(r);
	r = new_reduction("mean", UINT64_MAX);
	refused(r, NULL, "no variable");
}

static void test_boxes_that_overlap(void **state)
{
	/* Of the second: beside, below, and two indexes into the first. */
	static const uint64_t begin[][2] = { { 0, 4 }, { 3, 0 }, { 2, 3 } }, count[2] = { 2, 3 };
	const uint64_t first[2] = { 3, 4 };
	double u[12] = { 0 }, v[6] = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		quern_reduction *r = quern_reduction_new(session, "count");
		quern_run *run;

		quern_reduction_grid(r, 2, shape, names);
		quern_reduction_box(r, begin[i], count);
		quern_reduction_box(r, origin, first);
		quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
		assert_int_equal(quern_reduction_absorb(r, 0, (const void *[]){ v, u }), QUERN_OK);
		run = quern_reduction_run(r);
		assert_int_equal(quern_run_execute(run), i < 2 ? QUERN_OK : QUERN_ERR_USAGE);
		if (i == 2)
			assert_non_null(strstr(quern_run_message(run),
					       "the box y=2:4,x=3:6 of rank 0 and the box "
					       "y=0:3,x=0:4 of rank 0 overlap"));
		quern_run_free(run);
		quern_reduction_free(r);
	}
}

/* The cells are there: a run of them has the options that they were made with. */
static void test_settled(void **state)
{
	static const char *const option[][2] = { { "over", "time" }, { "where", "u > 5" } };
	double u[NY * NX];
	quern_run *run;

	(void)state;
	fill(u, 1);
	for (size_t i = 0; i < 4; i++) {
		quern_reduction *r = new_reduction("mean", UINT64_MAX);
		const enum quern_status want = i < 3 ? QUERN_ERR_USAGE : QUERN_OK;

		quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
		assert_int_equal(quern_reduction_absorb(r, 0, (const void *[]){ u }), QUERN_OK);
		run = quern_reduction_run(r);
		if (i < 2)
			assert_int_equal(quern_run_set(run, option[i][0], option[i][1]), want);
		else if (i == 2)
			assert_int_equal(quern_run_add_file(run, "other.h5"), want);
		else
			assert_int_equal(quern_run_set(run, "force", NULL), want);
		assert_int_equal(quern_run_execute(run), want);
		assert_true(!want == !strstr(quern_run_message(run), "before its first step"));
		quern_run_free(run);
		quern_reduction_free(r);
	}
}

/* What a program finds wrong itself, and names of kernels that are none. */
static void test_failed(void **state)
{
	quern_reduction *r = new_reduction("mean", UINT64_MAX);
	double u[NY * NX];
	quern_run *run;

	(void)state;
	fill(u, 1);
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	assert_int_equal(quern_reduction_fail(r, "no convergence"), QUERN_ERR_USAGE);
	assert_int_equal(quern_reduction_fail(r, "another"), QUERN_ERR_USAGE);
	refused(r, (const void *[]){ u }, "no convergence");
	r = new_reduction(NULL, UINT64_MAX);
	quern_reduction_variable(r, "u", QUERN_F64, NULL, NULL);
	refused(r, (const void *[]){ u }, "kernel");
	run = quern_run_new(session, NULL);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_run_message(run), "not NULL"));
	quern_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid_without_steps),
		cmocka_unit_test(test_no_steps_yet),
		cmocka_unit_test(test_strides),
		cmocka_unit_test(test_negative_strides),
		cmocka_unit_test(test_boxes_with_gaps),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_kernel_of_the_program),
		cmocka_unit_test(test_results_on_the_way),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory_that_cannot_be_read),
		cmocka_unit_test(test_too_many_steps),
		cmocka_unit_test(test_bad_grids),
		cmocka_unit_test(test_boxes_that_overlap),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_failed),
	};
	int failed;

	session = quern_session_new_f(QUERN_NO_MPI);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	quern_session_free(session);
	return failed;
}
