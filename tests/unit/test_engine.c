/*
 * test_engine.c - the engine under kernels made for the test, which check all that they are given:
 * each selected element once, panels as demanded, passes, failures of some ranks only.
 *
 * Every element of the file is its own number in C order, so a kernel can tell what it should see.
 */
#include <hdf5.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "mpi_test.h"
#include "quern.h"
#include "random.h"

#define NDATASETS 24
#define NRUNS	  40
#define FILE_NAME "engine.h5"

static MPI_Comm world;
static quern_session *session; /* on it */
static int my_rank, nranks = 1;
static bool open_fails; /* on this rank */

/* --- kernels --- */

struct self {
	int ndim;
	uint64_t shape[QUERN_MAX_DIMS], selected[QUERN_MAX_DIMS];
	struct quern_demand demand;
	bool panels;
	/* Of the kernel with passes. */
	struct {
		int64_t pass, sums[8];
	} shared;
	int64_t npasses;
	uint64_t enough;
};

enum { COUNT, SUM, HASH, WRONG, MIN, MIN_AT, MAX, MAX_AT, NWORDS };

static const struct quern_option panel_options[] = {
	{ "whole", 0, QUERN_OPT_INT, "BITS", "0", 0, 255, "bit d: dimension d is whole" },
	{ "least", 0, QUERN_OPT_INT, "N", "0", 0, 1 << 30, "elements of an item" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static const struct quern_option pass_options[] = {
	{ "passes", 0, QUERN_OPT_INT, "N", "3", 1, 8, "number of passes" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static const struct quern_option sample_options[] = {
	{ "enough", 0, QUERN_OPT_INT, "N", "1", 1, 1 << 30, "items that do for the first pass" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static enum quern_status open_any(const struct quern_input *in, void **self)
{
	struct self *s = calloc(1, sizeof(*s));

	if (open_fails) {
		free(s);
		return quern_message_set(in->message, QUERN_ERR_DATA, "no, says rank %d", my_rank);
	}
	s->ndim = in->ndim;
	memcpy(s->shape, in->shape, (size_t)in->ndim * sizeof(*s->shape));
	memcpy(s->selected, in->selection->count, (size_t)in->ndim * sizeof(*s->selected));
	s->npasses = quern_option_int(in->options, "passes");
	s->enough = (uint64_t)quern_option_int(in->options, "enough");
	for (int d = 0; d < in->ndim; d++)
		s->demand.whole[d] = quern_option_int(in->options, "whole") >> d & 1;
	s->demand.min_nelems = (uint64_t)quern_option_int(in->options, "least");
	*self = s;
	return QUERN_OK;
}

static enum quern_status open_panels(const struct quern_input *in, void **self)
{
	enum quern_status st = open_any(in, self);

	if (!st)
		((struct self *)*self)->panels = true;
	return st;
}

static void demand(const void *self, struct quern_demand *d)
{
	*d = ((const struct self *)self)->demand;
}

static int layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 4 };
	segments[1] = (struct quern_segment){ .op = QUERN_MINLOC, .nwords = 2 };
	segments[2] = (struct quern_segment){ .op = QUERN_MAXLOC, .nwords = 2 };
	return 3;
}

static size_t scratch_nbytes(const void *self)
{
	(void)self;
	return 100;
}

static int64_t hash(uint64_t n)
{
	return (int64_t)(random_below(&(uint64_t){ n + 1 }, 1 << 20));
}

/* Number in the dataset of element k of a box. */
static uint64_t number_of(const struct self *s, const struct quern_box *box, uint64_t k)
{
	uint64_t n = 0, stride = 1;

	for (int d = s->ndim - 1; d >= 0; d--) {
		n += (box->start[d] + k % box->count[d] * box->step[d]) * stride;
		k /= box->count[d];
		stride *= s->shape[d];
	}
	return n;
}

/* A tile of the wrong kind: not the whole of its box, or cut where it must not be, or too long. */
static bool is_wrong(const struct self *s, const struct quern_tile *t)
{
	uint64_t volume = 1;
	bool cut = false;

	for (int d = 0; d < s->ndim; d++) {
		volume *= t->box->count[d];
		cut = cut || (s->demand.whole[d] && t->box->count[d] != s->selected[d]);
	}
	if (t->nvars != 1 || t->first + t->nelems > volume || !t->nelems)
		return true;
	return s->panels ? t->first || t->nelems != volume || cut : t->nelems > QUERN_TILE_NELEMS;
}

static void better(int64_t *pair, int64_t key, int64_t index, int sign)
{
	bool first = pair[1] == -1;

	if (first || sign * key > sign * pair[0] || (key == pair[0] && index < pair[1])) {
		pair[0] = key;
		pair[1] = index;
	}
}

static void absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *t)
{
	const struct self *s = self;

	state[WRONG] += is_wrong(s, t) || (uintptr_t)scratch % 64;
	memset(scratch, 1, scratch_nbytes(s));
	for (size_t i = 0; i < t->nelems; i++) {
		uint64_t expected = number_of(s, t->box, t->first + i);
		int64_t value;

		memcpy(&value, (const char *)t->var->values + i * sizeof(value), sizeof(value));
		state[WRONG] += (uint64_t)value != expected;
		state[COUNT]++;
		state[SUM] += value;
		state[HASH] += hash(expected);
		/* Few keys, so that ties are decided by the index. */
		better(state + MIN, value % 5, value, -1);
		better(state + MAX, value % 5, value, 1);
	}
}

static void emit(const void *self, const int64_t *state, struct quern_result *r)
{
	(void)self;
	quern_result_ints(r, "state", NWORDS, 0, state);
}

/* Passes: pass p sums value * (p + 1), in a state of p + 1 words. */
static int pass_layout(const void *self, struct quern_segment *segments)
{
	const struct self *s = self;

	segments[0] =
		(struct quern_segment){ .op = QUERN_SUM, .nwords = (size_t)s->shared.pass + 1 };
	return 1;
}

static void pass_absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *t)
{
	const struct self *s = self;

	(void)scratch;
	for (size_t i = 0; i < t->nelems; i++) {
		int64_t value;

		memcpy(&value, (const char *)t->var->values + i * sizeof(value), sizeof(value));
		state[s->shared.pass] += value * (s->shared.pass + 1);
	}
}

static bool advance(void *self, const int64_t *state)
{
	struct self *s = self;

	s->shared.sums[s->shared.pass] = state[s->shared.pass];
	if (s->shared.pass + 1 == s->npasses)
		return false;
	s->shared.pass++;
	return true;
}

static void *shared(void *self, size_t *nbytes)
{
	struct self *s = self;

	*nbytes = sizeof(s->shared);
	return &s->shared;
}

static void pass_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct self *s = self;

	(void)state;
	quern_result_ints(r, "sums", (size_t)s->npasses, 0, s->shared.sums);
}

/* A sample: the first of two passes needs some items only. Both count items and elements. */
static uint64_t sample(const void *self)
{
	const struct self *s = self;

	return s->shared.pass == 0 ? s->enough : 0;
}

static int sample_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 2 };
	return 1;
}

static void sample_absorb(const void *self, int64_t *state, void *scratch,
			  const struct quern_tile *t)
{
	(void)self;
	(void)scratch;
	state[0] += t->first == 0;
	state[1] += (int64_t)t->nelems;
}

static bool sample_advance(void *self, const int64_t *state)
{
	struct self *s = self;

	memcpy(s->shared.sums + 2 * s->shared.pass, state, 2 * sizeof(*state));
	return s->shared.pass++ == 0;
}

static void sample_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	(void)state;
	quern_result_ints(r, "seen", 4, 0, ((const struct self *)self)->shared.sums);
}

static int no_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	(void)segments;
	return 0;
}

static int huge_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = (size_t)1 << 50 };
	return 1;
}

static const char *const *no_fields(const void *self)
{
	static const char *const none[] = { NULL };

	(void)self;
	return none;
}

#define COMMON .abi = QUERN_KERNEL_ABI, .doc = "a test", .close = free, .fields = no_fields

static const struct quern_kernel tiles = {
	COMMON,		  .name = "tiles",	     .open = open_any,
	.layout = layout, .scratch = scratch_nbytes, .absorb = absorb,
	.emit = emit,
};
static const struct quern_kernel panels = {
	COMMON,		  .name = "panels", .options = panel_options,  .open = open_panels,
	.demand = demand, .layout = layout, .scratch = scratch_nbytes, .absorb = absorb,
	.emit = emit,
};
static const struct quern_kernel passes = {
	COMMON,
	.name = "passes",
	.options = pass_options,
	.open = open_any,
	.layout = pass_layout,
	.absorb = pass_absorb,
	.advance = advance,
	.shared = shared,
	.emit = pass_emit,
};
static const struct quern_kernel samples = {
	COMMON,
	.name = "samples",
	.options = sample_options,
	.open = open_any,
	.sample = sample,
	.layout = sample_layout,
	.absorb = sample_absorb,
	.advance = sample_advance,
	.shared = shared,
	.emit = sample_emit,
};
static const struct quern_kernel broken = {
	COMMON,		  .name = "broken", .open = open_any, .layout = no_layout,
	.absorb = absorb, .emit = emit,
};
static const struct quern_kernel huge = {
	COMMON,		  .name = "huge", .open = open_any, .layout = huge_layout,
	.absorb = absorb, .emit = emit,
};

/* In place of the kernels of the library. */
const struct quern_kernel *const qn_kernels[] = { &tiles,  &panels, &passes, &samples,
						  &broken, &huge,   NULL };

/* --- the file --- */

static struct variable {
	int ndim;
	bool chunked, deflated;
	hsize_t shape[4], chunk[4];
	uint64_t nelems;
} variables[NDATASETS];

/* The same on all ranks. */
static void draw_variables(void)
{
	uint64_t seed = random_seed(20);

	for (int i = 0; i < NDATASETS; i++) {
		struct variable *v = &variables[i];
		uint64_t longest[] = { 20000, 300, 40, 14 };

		v->ndim = 1 + (int)random_below(&seed, 4);
		v->chunked = i % 4 != 0;
		v->deflated = i % 2;
		v->nelems = 1;
		for (int d = 0; d < v->ndim; d++) {
			v->shape[d] = 1 + random_below(&seed, longest[v->ndim - 1]);
			v->chunk[d] = 1 + random_below(&seed, v->shape[d]);
			/* Not too many chunks: they are written one by one. */
			if (v->ndim < 3 && v->chunk[d] < v->shape[d] / 12)
				v->chunk[d] = v->shape[d] / 12 + 1;
			v->nelems *= v->shape[d];
		}
	}
}

static void write_variable(hid_t file, int i)
{
	const struct variable *v = &variables[i];
	hid_t space = H5Screate_simple(v->ndim, v->shape, NULL), dcpl, set;
	int64_t *values = malloc(v->nelems * sizeof(*values));
	char name[8];

	for (uint64_t n = 0; n < v->nelems; n++)
		values[n] = (int64_t)n;
	dcpl = H5Pcreate(H5P_DATASET_CREATE);
	if (v->chunked)
		H5Pset_chunk(dcpl, v->ndim, v->chunk);
	if (v->chunked && v->deflated) {
		H5Pset_shuffle(dcpl);
		H5Pset_deflate(dcpl, 1);
	}
	snprintf(name, sizeof(name), "v%d", i);
	set = H5Dcreate2(file, name, i % 3 ? H5T_STD_I64LE : H5T_STD_I64BE, space, H5P_DEFAULT,
			 dcpl, H5P_DEFAULT);
	assert_true(H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
	H5Dclose(set);
	H5Pclose(dcpl);
	H5Sclose(space);
	free(values);
}

static void barrier(void)
{
	if (world != MPI_COMM_NULL)
		MPI_Barrier(world);
}

static int write_file(void **state)
{
	(void)state;
	draw_variables();
	if (!my_rank) {
		hid_t file = H5Fcreate(FILE_NAME, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

		for (int i = 0; i < NDATASETS; i++)
			write_variable(file, i);
		H5Fclose(file);
	}
	barrier();
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	barrier();
	if (!my_rank)
		remove(FILE_NAME);
	return 0;
}

/* --- runs --- */

static void set_int(quern_run *run, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	assert_int_equal(quern_run_set(run, name, text), QUERN_OK);
}

static quern_run *new_run(const char *kernel, int variable)
{
	quern_run *run = quern_run_new(session, kernel);
	char name[8];

	snprintf(name, sizeof(name), "/v%d", variable);
	assert_int_equal(quern_run_set(run, "dataset", name), QUERN_OK);
	return run;
}

static void execute(quern_run *run)
{
	quern_run_add_file(run, FILE_NAME);
	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
}

static void draw_selection(const struct variable *v, uint64_t *seed, struct quern_box *box,
			   char *text, size_t nbytes)
{
	size_t used = 0;

	box->ndim = v->ndim;
	for (int d = 0; d < v->ndim; d++) {
		uint64_t start = random_below(seed, v->shape[d]);
		uint64_t stop = start + 1 + random_below(seed, v->shape[d] - start);
		uint64_t step = random_below(seed, 2) ? 1 : 1 + random_below(seed, v->chunk[d] + 2);

		if (random_below(seed, 3) == 0) {
			start = 0;
			stop = v->shape[d];
		}
		box->start[d] = start;
		box->step[d] = step;
		box->count[d] = (stop - start + step - 1) / step;
		used += (size_t)snprintf(text + used, nbytes - used, "%s%llu:%llu:%llu",
					 d ? "," : "", (unsigned long long)start,
					 (unsigned long long)stop, (unsigned long long)step);
	}
}

/* The state by plain arithmetic. */
static void expect(const struct variable *v, const struct quern_box *box, int64_t *state)
{
	struct self s = { .ndim = v->ndim };
	uint64_t volume = 1;

	for (int d = 0; d < v->ndim; d++) {
		s.shape[d] = v->shape[d];
		volume *= box->count[d];
	}
	memset(state, 0, NWORDS * sizeof(*state));
	state[MIN_AT] = state[MAX_AT] = -1;
	for (uint64_t k = 0; k < volume; k++) {
		int64_t n = (int64_t)number_of(&s, box, k);

		state[COUNT]++;
		state[SUM] += n;
		state[HASH] += hash((uint64_t)n);
		better(state + MIN, n % 5, n, -1);
		better(state + MAX, n % 5, n, 1);
	}
}

static void check_state(const quern_run *run, const int64_t *expected)
{
	const int64_t *got = NULL;
	size_t n = 0;

	if (my_rank) {
		assert_null(quern_run_result(run));
		return;
	}
	assert_true(quern_result_get_ints(quern_run_result(run), "state", &got, &n));
	assert_int_equal(n, NWORDS);
	for (int i = 0; i < NWORDS; i++)
		assert_int_equal(got[i], expected[i]);
}

static void run_random(const char *kernel, uint64_t *seed)
{
	int variable = (int)random_below(seed, NDATASETS);
	quern_run *run = new_run(kernel, variable);
	struct quern_box box = { .ndim = 0 };
	int64_t expected[NWORDS];
	char text[300];

	draw_selection(&variables[variable], seed, &box, text, sizeof(text));
	quern_run_set(run, "select", text);
	set_int(run, "threads", 1 + (int64_t)random_below(seed, 3));
	if (!strcmp(kernel, "panels")) {
		set_int(run, "whole", (int64_t)random_below(seed, 16));
		set_int(run, "least",
			random_below(seed, 2) ? (int64_t)random_below(seed, 9999) : 0);
	}
	execute(run);
	expect(&variables[variable], &box, expected);
	check_state(run, expected);
	quern_run_free(run);
}

static void test_tiles(void **state)
{
	uint64_t seed = random_seed(1);

	(void)state;
	for (int i = 0; i < NRUNS; i++)
		run_random("tiles", &seed);
}

static void test_panels(void **state)
{
	uint64_t seed = random_seed(2);

	(void)state;
	for (int i = 0; i < NRUNS; i++)
		run_random("panels", &seed);
}

static void test_skipping_bad_chunks_of_a_good_file(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct quern_box all = { .ndim = variables[i].ndim };
		quern_run *run = new_run("tiles", i);
		int64_t expected[NWORDS];

		for (int d = 0; d < all.ndim; d++) {
			all.count[d] = variables[i].shape[d];
			all.step[d] = 1;
		}
		quern_run_set(run, "on-bad-chunk", "skip");
		execute(run);
		expect(&variables[i], &all, expected);
		check_state(run, expected);
		quern_run_free(run);
	}
}

static void test_passes(void **state)
{
	(void)state;
	for (int npasses = 1; npasses <= 8; npasses++) {
		const struct variable *v = &variables[npasses];
		quern_run *run = new_run("passes", npasses);
		int64_t sum = (int64_t)(v->nelems * (v->nelems - 1) / 2);
		const int64_t *sums = NULL;
		size_t n = 0;

		set_int(run, "passes", npasses);
		execute(run);
		if (!my_rank) {
			assert_true(
				quern_result_get_ints(quern_run_result(run), "sums", &sums, &n));
			assert_int_equal(n, npasses);
			for (int p = 0; p < npasses; p++)
				assert_int_equal(sums[p], sum * (p + 1));
		}
		quern_run_free(run);
	}
}

/* At least as many items as are enough, not many more, the same whoever works; then all. */
static void check_sample(const struct variable *v, int variable, int64_t enough)
{
	int64_t first[4] = { 0 };

	for (int nthreads = 1; nthreads <= 3; nthreads++) {
		quern_run *run = new_run("samples", variable);
		const int64_t *seen = NULL;
		size_t n = 0;

		set_int(run, "enough", enough);
		set_int(run, "threads", nthreads);
		execute(run);
		if (!my_rank) {
			assert_true(
				quern_result_get_ints(quern_run_result(run), "seen", &seen, &n));
			assert_int_equal(seen[3], v->nelems);
			assert_true(seen[0] >= (enough < seen[2] ? enough : seen[2]));
			assert_true(seen[0] == seen[2] || seen[0] <= 2 * enough);
			assert_true(seen[1] <= seen[3] &&
				    (seen[0] < seen[2] || seen[1] == seen[3]));
			if (nthreads > 1)
				assert_memory_equal(seen, first, sizeof(first));
			memcpy(first, seen, sizeof(first));
		}
		quern_run_free(run);
	}
}

static void test_samples(void **state)
{
	(void)state;
	for (int i = 0; i < NDATASETS; i++)
		check_sample(&variables[i], i, 1 + i % 7);
}

/* The kernel refuses on one rank only: all ranks return its words, and none waits. */
static void test_one_rank_refuses(void **state)
{
	(void)state;
	for (int r = 0; r < nranks; r++) {
		quern_run *run = new_run("tiles", 0);
		char text[40];

		open_fails = r == my_rank;
		quern_run_add_file(run, FILE_NAME);
		assert_int_equal(quern_run_execute(run), QUERN_ERR_DATA);
		snprintf(text, sizeof(text), "no, says rank %d", r);
		assert_string_equal(quern_run_message(run), text);
		assert_null(quern_run_result(run));
		quern_run_free(run);
	}
	open_fails = false;
}

static void test_impossible_states(void **state)
{
	static const char *const kernels[] = { "broken", "huge" }, *const says[] = {
		"broken", "needs about"
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		quern_run *run = new_run(kernels[i], 0);

		quern_run_add_file(run, FILE_NAME);
		assert_int_equal(quern_run_execute(run), QUERN_ERR_RUN);
		assert_non_null(strstr(quern_run_message(run), says[i]));
		quern_run_free(run);
	}
}

/* Refused before the work, with numbers. */
static void test_memory_limit(void **state)
{
	quern_run *run = new_run("panels", 1);

	(void)state;
	quern_run_set(run, "memory", "1K");
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_RUN);
	assert_non_null(strstr(quern_run_message(run), "--memory"));
	quern_run_free(run);
	run = new_run("panels", 1);
	quern_run_set(run, "memory", "4G");
	execute(run);
	quern_run_free(run);
}

struct counter {
	int ncalls;
	bool wrong;
};

static bool count_progress(void *ctx, int pass, uint64_t done, uint64_t total)
{
	struct counter *c = ctx;

	c->ncalls++;
	c->wrong = c->wrong || my_rank || pass < 0 || done > total;
	return true;
}

static void test_progress(void **state)
{
	struct counter c = { 0, false };

	(void)state;
	for (int i = 0; i < NDATASETS; i++) {
		quern_run *run = new_run("passes", i);

		quern_run_progress(run, count_progress, &c);
		execute(run);
		quern_run_free(run);
	}
	assert_false(c.wrong);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiles),
		cmocka_unit_test(test_panels),
		cmocka_unit_test(test_skipping_bad_chunks_of_a_good_file),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_one_rank_refuses),
		cmocka_unit_test(test_impossible_states),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_progress),
	};

	int failed;

	world = mpi_test_begin(&argc, &argv);
	if (world != MPI_COMM_NULL) {
		MPI_Comm_rank(world, &my_rank);
		MPI_Comm_size(world, &nranks);
	}
	session = quern_session_new(world);
	failed = cmocka_run_group_tests(tests, write_file, remove_file);
	quern_session_free(session);
	return mpi_test_end(world, failed);
}
