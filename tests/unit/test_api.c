/*
 * test_api.c - the public interface as a research code uses it, alone and on several ranks.
 */
#include <dirent.h>
#include <fenv.h>
#include <hdf5.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include <cmocka.h>

#include "mpi_test.h"
#include "quern.h"

#define FILE_NAME "api.h5"
#define NROWS	  40
#define NCOLS	  30
#define NCHUNKS	  18 /* of 7 x 11 elements */
#define NSUMMED	  100

static MPI_Comm world;
static quern_session *session; /* on it */
static quern_session *alone;   /* of this process */
static int my_rank, nranks = 1;

/* --- the file: /v packed by shuffle and deflate with missing values, /flat contiguous, /sums with
   checksums of which the second is wrong, /text --- */

static void write_attribute(hid_t set, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(set, name, type, space, H5P_DEFAULT, H5P_DEFAULT);

	H5Awrite(attr, type, value);
	H5Aclose(attr);
	H5Sclose(space);
}

static void write_v(hid_t file)
{
	hsize_t shape[] = { NROWS, NCOLS }, chunk[] = { 7, 11 };
	hid_t space = H5Screate_simple(2, shape, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE), set;
	hid_t text = H5Tcopy(H5T_C_S1);
	float values[NROWS * NCOLS], fill = -1;

	for (int i = 0; i < NROWS * NCOLS; i++)
		values[i] = i % 10 == 3 ? fill : (float)i;
	H5Pset_chunk(dcpl, 2, chunk);
	H5Pset_shuffle(dcpl);
	H5Pset_deflate(dcpl, 4);
	set = H5Dcreate2(file, "v", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
	write_attribute(set, "_FillValue", H5T_NATIVE_FLOAT, &fill);
	write_attribute(set, "units", text, "K");
	H5Tclose(text);
	H5Dclose(set);
	H5Pclose(dcpl);
	H5Sclose(space);
}

static void write_ints(hid_t file, const char *name, hid_t dcpl)
{
	hsize_t shape = NSUMMED;
	hid_t space = H5Screate_simple(1, &shape, NULL), set;
	int values[NSUMMED];

	for (int i = 0; i < NSUMMED; i++)
		values[i] = i - 50;
	set = H5Dcreate2(file, name, H5T_STD_I32BE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	H5Dwrite(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
	H5Dclose(set);
	H5Sclose(space);
}

static void write_text(hid_t file)
{
	hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1), set;

	H5Tset_size(type, 5);
	set = H5Dcreate2(file, "text", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, "word");
	H5Dclose(set);
	H5Tclose(type);
	H5Sclose(space);
}

/* Turns a bit of chunk 1 of /sums, so that its checksum tells: elements 10 to 19, -40 to -31. */
static void spoil(void)
{
	static const unsigned char second[] = { 0xff, 0xff, 0xff, 0xd8 }; /* -40 */
	FILE *f = fopen(FILE_NAME, "r+b");
	static unsigned char data[1 << 16];
	size_t n = fread(data, 1, sizeof(data), f);

	/* -40 at the start of a chunk of -40, -39, ...: in /flat it follows -41. */
	for (size_t i = 4; i + 8 < n; i++)
		if (!memcmp(data + i, second, 4) && data[i + 7] == 0xd9 && data[i - 1] != 0xd7) {
			fseek(f, (long)i + 3, SEEK_SET);
			fputc(0xd0, f);
			break;
		}
	fclose(f);
}

static void barrier(void)
{
	if (world != MPI_COMM_NULL)
		MPI_Barrier(world);
}

static int write_file(void **state)
{
	(void)state;
	if (!my_rank) {
		hid_t file = H5Fcreate(FILE_NAME, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		hsize_t chunk = 10;
		FILE *f = fopen("not.h5", "w");

		fputs("nothing of the kind\n", f);
		fclose(f);
		write_v(file);
		write_ints(file, "flat", H5P_DEFAULT);
		H5Pset_chunk(dcpl, 1, &chunk);
		H5Pset_fletcher32(dcpl);
		write_ints(file, "sums", dcpl);
		write_text(file);
		H5Pclose(dcpl);
		H5Fclose(file);
		spoil();
	}
	barrier();
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	barrier();
	if (!my_rank) {
		remove(FILE_NAME);
		remove("not.h5");
	}
	return 0;
}

/* --- helpers --- */

static void set(quern_run *run, const char *name, const char *value)
{
	if (quern_run_set(run, name, value))
		fail_msg("--%s: %s", name, quern_run_message(run));
}

static quern_run *new_run_of(quern_session *s, const char *kernel, const char *dataset)
{
	quern_run *run = quern_run_new(s, kernel);

	assert_non_null(run);
	set(run, "dataset", dataset);
	return run;
}

static quern_run *new_run(const char *kernel, const char *dataset)
{
	return new_run_of(session, kernel, dataset);
}

static void execute(quern_run *run)
{
	quern_run_add_file(run, FILE_NAME);
	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
	assert_string_equal(quern_run_message(run), "");
	assert_true((quern_run_result(run) != NULL) == (my_rank == 0));
}

/* The whole document; "result" alone as sorted text, owned. Rank 0. */
static json_t *document(quern_run *run)
{
	char *text = quern_run_document(run, true);
	json_t *doc = text ? json_loads(text, 0, NULL) : NULL;

	assert_non_null(doc);
	free(text);
	return doc;
}

static char *result_text(quern_run *run)
{
	json_t *doc = document(run);
	char *text = json_dumps(json_object_get(doc, "result"), JSON_SORT_KEYS);

	json_decref(doc);
	return text;
}

static int64_t int_at(const json_t *doc, const char *object, const char *name)
{
	const json_t *v = json_object_get(json_object_get(doc, object), name);

	if (!json_is_integer(v))
		fail_msg("%s.%s is not an integer", object, name);
	return json_integer_value(v);
}

static int64_t get_int(const quern_run *run, const char *name)
{
	int64_t v = 0;

	if (!quern_result_get_int(quern_run_result(run), name, &v))
		fail_msg("no integer %s", name);
	return v;
}

static double get_real(const quern_run *run, const char *name)
{
	double v = 0;

	if (!quern_result_get_real(quern_run_result(run), name, &v))
		fail_msg("no real %s", name);
	return v;
}

/* --- results --- */

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(quern_version(), QUERN_VERSION);
}

static void test_moments(void **state)
{
	quern_run *run = new_run("moments", "/v");
	double sum = 0;
	int n = 0;
	json_t *doc;

	(void)state;
	for (int i = 0; i < NROWS * NCOLS; i++)
		if (i % 10 != 3) {
			sum += i;
			n++;
		}
	execute(run);
	if (!my_rank) {
		assert_int_equal(get_int(run, "count"), n);
		assert_int_equal(get_int(run, "missing"), NROWS * NCOLS - n);
		assert_true(get_real(run, "sum") == sum);
		assert_true(get_real(run, "mean") == sum / n);
		assert_true(get_real(run, "max") == NROWS * NCOLS - 1);
		doc = document(run);
		assert_string_equal(json_string_value(json_object_get(doc, "quern")),
				    QUERN_VERSION);
		assert_string_equal(json_string_value(json_object_get(doc, "kernel")), "moments");
		assert_int_equal(int_at(doc, "run", "ranks"), nranks);
		assert_int_equal(int_at(doc, "run", "hosts"), 1);
		assert_int_equal(int_at(doc, "run", "chunks"), NCHUNKS);
		assert_int_equal(int_at(doc, "run", "bytes_decoded"), NROWS * NCOLS * 4);
		assert_int_equal(int_at(doc, "run", "bytes_memory") +
					 int_at(doc, "run", "bytes_disk"),
				 int_at(doc, "run", "bytes_local"));
		assert_int_equal(int_at(doc, "run", "bytes_local") +
					 int_at(doc, "run", "bytes_remote"),
				 int_at(doc, "run", "bytes_stored"));
		assert_string_equal(
			json_string_value(json_object_get(json_object_get(doc, "input"), "units")),
			"K");
		json_decref(doc);
	}
	quern_run_free(run);
}

/* --- a kernel of the program: exact sums of what it gets as float32 --- */

static enum quern_status own_open(const struct quern_input *in, void **self)
{
	if (in->dtype != QUERN_F32)
		return quern_message_set(in->message, QUERN_ERR_DATA, "float32 only");
	*self = calloc(1, 1);
	return *self ? QUERN_OK : QUERN_ERR_RUN;
}

static int own_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = QUERN_EXACT_NWORDS };
	return 1;
}

static void own_absorb(const void *self, int64_t *words, void *scratch,
		       const struct quern_tile *tile)
{
	const struct quern_var *v = tile->var;
	double x[QUERN_TILE_NELEMS];
	size_t n = 0;

	(void)self;
	(void)scratch;
	for (size_t i = 0; i < tile->nelems; i++) {
		float f;

		memcpy(&f, (const char *)v->values + i * sizeof(f), sizeof(f));
		if (!v->valid || v->valid[i / 64] >> i % 64 & 1)
			x[n++] = f;
	}
	quern_exact_add(words, x, n);
}

static void own_normalize(const void *self, int64_t *words)
{
	(void)self;
	quern_exact_normalize(words);
}

static const char *const *own_fields(const void *self)
{
	static const char *const names[] = { "total", NULL };

	(void)self;
	return names;
}

static void own_emit(const void *self, const int64_t *words, struct quern_result *r)
{
	(void)self;
	quern_result_real(r, "total", quern_exact_value(words));
}

static struct quern_kernel own_kernel(void)
{
	return (struct quern_kernel){
		.abi = QUERN_KERNEL_ABI,
		.name = "own",
		.doc = "a kernel of the program",
		.open = own_open,
		.close = free,
		.layout = own_layout,
		.absorb = own_absorb,
		.normalize = own_normalize,
		.fields = own_fields,
		.emit = own_emit,
	};
}

static void test_registered_kernel(void **state)
{
	const struct quern_kernel own = own_kernel();
	struct quern_kernel wrong = own;
	quern_session *s = quern_session_new(world);
	quern_run *run;

	(void)state;
	assert_int_equal(quern_session_register(s, &own), QUERN_OK);
	assert_string_equal(quern_session_message(s), "");
	assert_int_equal(quern_session_register(s, &own), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(s), "another kernel own"));
	wrong.name = "wrong";
	wrong.emit = NULL;
	assert_int_equal(quern_session_register(s, &wrong), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(s), "has no emit"));
	run = new_run_of(s, "sum,own", "/v");
	execute(run);
	if (!my_rank)
		assert_true(get_real(run, "total") == get_real(run, "sum"));
	quern_session_free(s);
	quern_run_free(run);
	run = quern_run_new(session, "own");
	assert_int_equal(quern_run_set(run, "dataset", "/v"), QUERN_ERR_USAGE);
	quern_run_free(run);
}

static void test_selection(void **state)
{
	quern_run *run = new_run("sum", "/v");
	double sum = 0;

	(void)state;
	set(run, "select", "5:25:3,-10:");
	set(run, "raw", NULL);
	for (int i = 5; i < 25; i += 3)
		for (int j = 20; j < 30; j++)
			sum += (i * NCOLS + j) % 10 == 3 ? -1 : i * NCOLS + j;
	execute(run);
	if (!my_rank) {
		assert_int_equal(get_int(run, "count"), 70);
		assert_true(get_real(run, "sum") == sum);
	}
	quern_run_free(run);
}

/* Nothing selected: a wrong selection, on all ranks. */
static void test_empty_selection(void **state)
{
	quern_run *run = new_run("moments", "/v");

	(void)state;
	set(run, "select", "7:7");
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	if (!my_rank)
		if (!strstr(quern_run_message(run), "nothing is selected"))
			fail_msg("%s", quern_run_message(run));
	quern_run_free(run);
}

/* The bytes of the result do not depend on threads, pinning or repetition. */
static void test_same_bytes(void **state)
{
	static const char *const options[][2] = { { "threads", "1" }, { "threads", "2" },
						  { "threads", "7" }, { "bind", "core" },
						  { "bind", "none" }, { "on-bad-chunk", "skip" } };
	char *first = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		quern_run *run = new_run("moments", "/v");

		set(run, "order", "4");
		set(run, options[i][0], options[i][1]);
		execute(run);
		if (!my_rank) {
			char *text = result_text(run);

			if (first)
				assert_string_equal(text, first);
			free(first);
			first = text;
		}
		quern_run_free(run);
	}
	free(first);
}

/* Two passes, arrays as results. */
static void test_histogram(void **state)
{
	quern_run *run = new_run("histogram", "/flat");
	const int64_t *counts = NULL;
	const double *edges = NULL;
	size_t ncounts = 0, nedges = 0;

	(void)state;
	set(run, "bins", "11");
	execute(run);
	if (!my_rank) {
		const struct quern_result *r = quern_run_result(run);

		assert_true(quern_result_get_ints(r, "counts", &counts, &ncounts));
		assert_true(quern_result_get_reals(r, "edges", &edges, &nedges));
		assert_int_equal(ncounts, 11);
		assert_int_equal(nedges, 12);
		assert_true(edges[0] == -50 && edges[11] == 49);
		for (size_t i = 0; i < 11; i++)
			assert_int_equal(counts[i], i == 10 ? 10 : 9);
	}
	quern_run_free(run);
}

static void test_minmax(void **state)
{
	quern_run *run = new_run("minmax", "/v");
	const int64_t *at = NULL;
	size_t n = 0;

	(void)state;
	execute(run);
	if (!my_rank) {
		assert_true(get_real(run, "max") == NROWS * NCOLS - 1);
		assert_true(quern_result_get_ints(quern_run_result(run), "argmax", &at, &n));
		assert_int_equal(n, 2);
		assert_int_equal(at[0], NROWS - 1);
		assert_int_equal(at[1], NCOLS - 1);
	}
	quern_run_free(run);
}

/* Only rank 0 sets anything; the others find out. */
static void test_options_of_rank_0(void **state)
{
	quern_run *run = quern_run_new(session, "count");

	(void)state;
	if (!my_rank) {
		set(run, "dataset", "/flat");
		set(run, "select", "10:30");
	} else {
		set(run, "dataset", "/nowhere");
		set(run, "threads", "9");
	}
	execute(run);
	if (!my_rank)
		assert_int_equal(get_int(run, "count"), 20);
	quern_run_free(run);
}

static void test_environment(void **state)
{
	quern_run *run = new_run("count", "/flat");

	(void)state;
	setenv("QUERN_SELECT", "0:5", 1);
	setenv("QUERN_ON_BAD_CHUNK", "skip", 1);
	assert_int_equal(quern_run_set_from_environment(run), QUERN_OK);
	unsetenv("QUERN_SELECT");
	unsetenv("QUERN_ON_BAD_CHUNK");
	execute(run);
	if (!my_rank)
		assert_int_equal(get_int(run, "count"), 5);
	quern_run_free(run);
}

static void test_listed_options(void **state)
{
	quern_run *run = quern_run_new(alone, "histogram");
	const struct quern_option *row = NULL;
	bool select = false, bins = false;
	int n = 0;

	(void)state;
	while ((row = quern_run_option(run, row))) {
		select = select || !strcmp(row->name, "select");
		bins = bins || !strcmp(row->name, "bins");
		assert_non_null(row->doc);
		n++;
	}
	assert_true(select && bins && n > 5 && n < 100);
	quern_run_free(run);
	quern_run_free(NULL);
}

/* A communicator of one's own: some of the ranks, or each alone. */
static void test_other_communicators(void **state)
{
	MPI_Comm comms[2];

	(void)state;
	if (world == MPI_COMM_NULL)
		return;
	MPI_Comm_split(world, my_rank % 2, -my_rank, &comms[0]);
	MPI_Comm_dup(MPI_COMM_SELF, &comms[1]);
	for (int i = 0; i < 2; i++) {
		quern_session *own = quern_session_new(comms[i]);
		quern_run *run = quern_run_new(own, "sum");
		int rank;

		MPI_Comm_rank(comms[i], &rank);
		set(run, "dataset", "/flat");
		quern_run_add_file(run, FILE_NAME);
		assert_int_equal(quern_run_execute(run), QUERN_OK);
		assert_true((quern_run_result(run) != NULL) == (rank == 0));
		if (!rank)
			assert_true(get_real(run, "sum") == -50);
		quern_session_free(own);
		quern_run_free(run);
		MPI_Comm_free(&comms[i]);
	}
}

/* --- failures --- */

/* Every rank has the status and the words. */
static void expect_failure(quern_run *run, const char *file, enum quern_status status,
			   const char *says)
{
	quern_run_add_file(run, file);
	if (quern_run_execute(run) != status || !strstr(quern_run_message(run), says))
		fail_msg("rank %d: no '%s' in: %s", my_rank, says, quern_run_message(run));
	assert_null(quern_run_result(run));
	assert_null(quern_run_document(run, false));
	quern_run_free(run);
}

static void test_failures(void **state)
{
	quern_run *run;

	(void)state;
	expect_failure(quern_run_new(session, "momints"), FILE_NAME, QUERN_ERR_USAGE,
		       "did you mean 'moments'");
	expect_failure(new_run("sum", "/nowhere"), FILE_NAME, QUERN_ERR_DATA, "/nowhere");
	expect_failure(new_run("sum", "/text"), FILE_NAME, QUERN_ERR_DATA, "/text");
	expect_failure(new_run("sum", "/v"), "absent.h5", QUERN_ERR_DATA, "absent.h5");
	expect_failure(new_run("sum", "/v"), "not.h5", QUERN_ERR_DATA, "not.h5");
	expect_failure(quern_run_new(session, "sum"), FILE_NAME, QUERN_ERR_USAGE, "4 variables");
	run = new_run("sum", "/v");
	set(run, "select", "0:3,0:3,0:3");
	expect_failure(run, FILE_NAME, QUERN_ERR_USAGE, "more slices");
	run = new_run("sum", "/v");
	set(run, "memory", "10");
	expect_failure(run, FILE_NAME, QUERN_ERR_RUN, "--memory");
}

/* A wrong option of one rank is known to all when the run begins. */
static void test_bad_options(void **state)
{
	(void)state;
	for (int r = 0; r < nranks; r++) {
		quern_run *run = quern_run_new(session, "sum");

		if (r == my_rank) {
			assert_int_equal(quern_run_set(run, "threads", "many"), QUERN_ERR_USAGE);
			/* It sticks. */
			assert_int_equal(quern_run_set(run, "threads", "1"), QUERN_ERR_USAGE);
		}
		expect_failure(run, FILE_NAME, QUERN_ERR_USAGE, "'many'");
	}
}

static void test_bad_chunk(void **state)
{
	quern_run *run = new_run("sum", "/sums");
	json_t *doc;

	(void)state;
	expect_failure(run, FILE_NAME, QUERN_ERR_DATA, "chunk");
	run = new_run("sum", "/sums");
	set(run, "on-bad-chunk", "skip");
	execute(run);
	if (!my_rank) {
		assert_int_equal(get_int(run, "count"), NSUMMED - 10);
		assert_true(get_real(run, "sum") == -50 + (40 + 31) * 5);
		doc = document(run);
		assert_int_equal(int_at(doc, "run", "chunks_skipped"), 1);
		json_decref(doc);
	}
	quern_run_free(run);
}

static void test_once_a_run(void **state)
{
	quern_run *run = new_run("sum", "/flat");

	(void)state;
	execute(run);
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_plan(run), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_run_message(run), "once"));
	/* What the first one found is still there. */
	if (!my_rank)
		assert_true(get_real(run, "sum") == -50);
	quern_run_free(run);
}

/* --- what there is in a result --- */

static struct quern_field field_of(const struct quern_result *r, const char *name)
{
	struct quern_field f = { .size = sizeof(f) };

	if (!quern_result_find(r, name, &f))
		fail_msg("no field %s", name);
	assert_string_equal(f.name, name);
	assert_int_equal(f.size, sizeof(f));
	return f;
}

static void test_list_of_scalars(void **state)
{
	quern_run *run = new_run("moments", "/v");
	const struct quern_result *r;
	struct quern_field f = { .size = sizeof(f) };
	uint64_t count = 0;
	char text[64];
	size_t n = 0;

	(void)state;
	execute(run);
	r = quern_run_result(run);
	assert_int_equal(quern_result_naxes(r), 0);
	while (quern_result_field(r, n, &f)) {
		assert_int_equal(f.ndims, 0);
		assert_int_equal(f.nvalues, 1);
		n++;
	}
	assert_int_equal(n, quern_result_nfields(r));
	assert_int_equal(n > 0, my_rank == 0);
	assert_false(quern_result_find(r, "median", &f));
	if (!my_rank) {
		double mean = get_real(run, "mean"), read = 0;

		f = field_of(r, "mean");
		assert_int_equal(f.type, QUERN_TYPE_DOUBLE);
		assert_string_equal(f.units, "K");
		assert_true(quern_result_read_double(r, "mean", 0, 1, &read, NULL));
		assert_true(read == mean);
		assert_true(quern_result_read_text(r, "mean", 0, text, sizeof(text)));
		assert_true(strtod(text, NULL) == mean);
		assert_false(quern_result_read_double(r, "mean", 1, 1, &read, NULL));
		assert_string_equal(field_of(r, "count").units, "1");
		assert_string_equal(field_of(r, "variance").units, "K2");
		assert_true(quern_result_get_uint(r, "count", &count));
		assert_int_equal(count, get_int(run, "count"));
		assert_false(quern_result_get_uint(r, "mean", &count));
	}
	quern_run_free(run);
}

/* A caller that was compiled against fewer members gets those that it has room for; of one that has more, the rest
   is 0. */
static void test_sizes_of_structs(void **state)
{
	quern_run *run = new_run("sum", "/flat");
	union {
		struct quern_field f;
		char bytes[sizeof(struct quern_field) + 16];
	} room;

	(void)state;
	execute(run);
	if (!my_rank) {
		memset(&room, 0x55, sizeof(room));
		room.f.size = offsetof(struct quern_field, type);
		assert_true(quern_result_find(quern_run_result(run), "sum", &room.f));
		assert_string_equal(room.f.name, "sum");
		for (size_t i = offsetof(struct quern_field, type); i < sizeof(room); i++)
			assert_int_equal(room.bytes[i], 0x55);
		room.f.size = sizeof(room);
		assert_true(quern_result_find(quern_run_result(run), "sum", &room.f));
		assert_int_equal(room.f.size, sizeof(room));
		for (size_t i = sizeof(struct quern_field); i < sizeof(room); i++)
			assert_int_equal(room.bytes[i], 0);
	}
	quern_run_free(run);
}

static void test_list_of_cells(void **state)
{
	quern_run *run = new_run("histogram", "/v");
	struct quern_axis axis = { .size = sizeof(axis) };
	const struct quern_result *r;
	int64_t counts[NROWS * 4], all = 0;
	struct quern_field f;
	bool none[NROWS];

	(void)state;
	set(run, "bins", "4");
	set(run, "range", "0,1000000");
	set(run, "over", "1");
	execute(run);
	r = quern_run_result(run);
	assert_int_equal(quern_result_naxes(r), my_rank ? 0 : 1);
	assert_int_equal(quern_result_axis(r, 0, &axis), my_rank == 0);
	if (!my_rank) {
		assert_int_equal(axis.extent, NROWS);
		assert_int_equal(axis.type, QUERN_TYPE_NONE);
		assert_false(axis.is_groups);
		assert_false(quern_result_axis(r, 1, &axis));
		f = field_of(r, "counts");
		assert_int_equal(f.type, QUERN_TYPE_INT64);
		assert_int_equal(f.ndims, 2);
		assert_int_equal(f.extent[0], NROWS);
		assert_int_equal(f.extent[1], 4);
		assert_string_equal(f.dim[1], "bin");
		assert_int_equal(f.nvalues, NROWS * 4);
		assert_true(quern_result_read_int64(r, "counts", 0, f.nvalues, counts, NULL));
		for (int i = 0; i < NROWS * 4; i++)
			all += counts[i];
		assert_int_equal(all, NROWS * NCOLS - (NROWS * NCOLS + 6) / 10);
		/* Of a scalar for each cell, some of them from the middle. */
		assert_true(quern_result_read_int64(r, "missing", 1, NROWS - 1, counts, none));
		assert_false(none[0]);
		assert_false(quern_result_read_int64(r, "missing", 1, NROWS, counts, none));
	}
	quern_run_free(run);
}

/* Of groups: numbers, and names of them where these are texts; cells without elements have no value. */
static void test_list_of_groups(void **state)
{
	quern_run *run = new_run("mean", "/flat");
	struct quern_axis axis = { .size = sizeof(axis) };
	const struct quern_result *r;
	double mean[3], at[3];
	int64_t whole[3];
	bool none[3];
	char text[64];

	(void)state;
	set(run, "by", "bin(flat, -60:120:60)");
	set(run, "where", "flat < 0 || flat >= 60");
	execute(run);
	r = quern_run_result(run);
	if (!my_rank) {
		assert_true(quern_result_axis(r, 0, &axis));
		assert_true(axis.is_groups);
		assert_int_equal(axis.extent, 3);
		assert_true(quern_result_coordinates(r, 0, at));
		assert_true(quern_result_coordinate_text(r, 0, 0, text, sizeof(text)));
		assert_true(strtod(text, NULL) == at[0]);
		assert_false(quern_result_coordinate_text(r, 0, 3, text, sizeof(text)));
		assert_true(quern_result_read_double(r, "mean", 0, 3, mean, none));
		assert_true(mean[0] == -25.5 && !none[0]);
		assert_true(isnan(mean[1]) && none[1]);
		assert_false(quern_result_read_text(r, "mean", 1, text, sizeof(text)));
		assert_false(quern_result_read_int64(r, "mean", 0, 3, whole, none));
	}
	quern_run_free(run);
}

/* --- plans --- */

static void test_plan(void **state)
{
	quern_run *run = new_run("sum", "/v");
	json_t *doc, *ranks;
	int64_t items = 0;
	char *text;

	(void)state;
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_plan(run), QUERN_OK);
	assert_null(quern_run_result(run));
	assert_null(quern_run_document(run, false));
	text = quern_run_plan_document(run);
	assert_true((text != NULL) == (my_rank == 0));
	if (!my_rank) {
		doc = json_loads(text, 0, NULL);
		assert_int_equal(int_at(doc, "plan", "items"), NCHUNKS);
		assert_int_equal(int_at(doc, "plan", "ranks"), nranks);
		ranks = json_object_get(json_object_get(doc, "plan"), "per_rank");
		assert_int_equal(json_array_size(ranks), nranks);
		for (int r = 0; r < nranks; r++)
			items += json_integer_value(
				json_object_get(json_array_get(ranks, (size_t)r), "items"));
		assert_int_equal(items, NCHUNKS);
		json_decref(doc);
	}
	free(text);
	quern_run_free(run);
}

/* --- files --- */

static void check_json(const char *file, quern_run *run)
{
	json_t *doc = json_load_file(file, 0, NULL), *mine = document(run);

	assert_non_null(doc);
	assert_true(json_equal(json_object_get(doc, "result"), json_object_get(mine, "result")));
	json_decref(doc);
	json_decref(mine);
}

static void check_csv(const char *file)
{
	char text[4000] = "";
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_memory_equal(text, "# quern ", 8);
	assert_non_null(strstr(text, "\nfield,row,column,value\n"));
	assert_non_null(strstr(text, "\ncount,,,100\n"));
	assert_non_null(strstr(text, "\nmean,,,-0.5\n"));
}

static void check_hdf5(const char *file)
{
	hid_t f = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT), set_id;
	double mean = 0;

	assert_true(f >= 0);
	set_id = H5Dopen2(f, "mean", H5P_DEFAULT);
	assert_true(H5Dread(set_id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &mean) >= 0);
	assert_true(mean == -0.5);
	H5Dclose(set_id);
	H5Fclose(f);
}

/* Only what was asked for is in the directory. */
static int count_files(void)
{
	DIR *dir = opendir("out");
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_write(void **state)
{
	static const char *const files[] = { "out/r.json", "out/r.csv", "out/r.h5", "out/r.nc" };
	quern_run *run = new_run("moments", "/flat");

	(void)state;
	execute(run);
	if (!my_rank) {
		assert_int_equal(system("rm -rf out && mkdir out"), 0);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(quern_run_check_output(run, files[i]), QUERN_OK);
			/* Twice: a file that is there is replaced. */
			for (int k = 0; k < 2; k++)
				if (quern_run_write(run, files[i]))
					fail_msg("%s", quern_run_message(run));
		}
		assert_int_equal(count_files(), 4);
		check_json(files[0], run);
		check_csv(files[1]);
		check_hdf5(files[2]);
		check_hdf5(files[3]);
		assert_int_equal(quern_run_write(run, "out/r.txt"), QUERN_ERR_USAGE);
		assert_non_null(strstr(quern_run_message(run), ".json"));
		assert_int_equal(quern_run_write(run, "out/no/such/r.csv"), QUERN_ERR_USAGE);
		assert_int_equal(count_files(), 4);
		assert_int_equal(system("rm -rf out"), 0);
	}
	quern_run_free(run);
}

static void test_check_output(void **state)
{
	static const char *const bad[] = { "r", "r.txt", "no/such/r.csv", ".h5x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		quern_run *run = quern_run_new(alone, "sum");

		assert_int_equal(quern_run_check_output(run, bad[i]), QUERN_ERR_USAGE);
		assert_non_null(strstr(quern_run_message(run), bad[i]));
		assert_int_equal(quern_run_write(run, "r.json"), QUERN_ERR_USAGE);
		quern_run_free(run);
	}
}

/* Files are of rank 0: what others do not have keeps nobody from going on. */
static void test_output_elsewhere(void **state)
{
	quern_run *run = quern_run_new(session, "sum");
	const enum quern_status want = my_rank ? QUERN_OK : QUERN_ERR_USAGE;

	(void)state;
	assert_int_equal(quern_run_check_output(run, "no/such/r.nc"), want);
	quern_run_free(run);
	run = quern_run_new(session, "sum");
	assert_int_equal(quern_run_output(run, "no/such/r.nc"), want);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_run_message(run), "no/such"));
	quern_run_free(run);
}

/* --- documents without a run --- */

static json_t *parse(char *text)
{
	json_t *doc = text ? json_loads(text, 0, NULL) : NULL;

	assert_non_null(doc);
	free(text);
	return doc;
}

/* Executes what is no run of a kernel; its document, on rank 0, which the caller frees. */
static json_t *operate(quern_run *run, const char *file, enum quern_status want, const char *says)
{
	enum quern_status st;
	char *text;
	json_t *doc;

	assert_non_null(run);
	quern_run_add_file(run, file);
	st = quern_run_execute(run);
	if (st != want || !strstr(quern_run_message(run), says))
		fail_msg("status %d, no '%s' in: %s", (int)st, says, quern_run_message(run));
	assert_true(st || !*quern_run_message(run));
	assert_null(quern_run_result(run));
	assert_int_equal(quern_run_ndatasets(run), 0);
	assert_null(quern_run_dataset(run, 0));
	assert_null(quern_run_warning(run, 0));
	assert_int_equal(quern_run_nskipped(run), 0);
	assert_null(quern_run_plan_document(run));
	text = quern_run_document(run, false);
	doc = text ? parse(text) : NULL;
	quern_run_free(run);
	return doc;
}

static quern_run *inspect_dataset(const char *dataset)
{
	quern_run *run = quern_inspect_new(session);

	set(run, "dataset", dataset);
	return run;
}

static void test_inspect(void **state)
{
	json_t *doc, *list;
	quern_run *run;

	(void)state;
	doc = operate(quern_inspect_new(session), FILE_NAME, QUERN_OK, "");
	assert_true((doc != NULL) == (my_rank == 0));
	list = json_object_get(doc, "datasets");
	assert_int_equal(json_array_size(list), my_rank ? 0 : 4);
	json_decref(doc);
	doc = operate(inspect_dataset("/v"), FILE_NAME, QUERN_OK, "");
	list = json_object_get(doc, "datasets");
	assert_int_equal(json_array_size(list), my_rank ? 0 : 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "chunks")),
			 my_rank ? 0 : NCHUNKS);
	json_decref(doc);
	assert_null(operate(inspect_dataset("/nowhere"), FILE_NAME, QUERN_ERR_DATA, "/nowhere"));
	assert_null(operate(quern_inspect_new(session), "absent.h5", QUERN_ERR_DATA, "absent.h5"));
	assert_null(operate(quern_inspect_new(session), "not.h5", QUERN_ERR_DATA, "not.h5"));
	run = quern_inspect_new(session);
	quern_run_add_file(run, FILE_NAME);
	assert_null(operate(run, FILE_NAME, QUERN_ERR_USAGE, "of one"));
}

/* Options, files, status, message and document are those of all runs; there is no plan of it, and it is done once. */
static void test_operations(void **state)
{
	quern_run *run = quern_verify_new(session);
	const struct quern_option *row = NULL;
	bool sums = false;
	json_t *doc;

	(void)state;
	while ((row = quern_run_option(run, row)))
		sums = sums || !strcmp(row->name, "sums");
	assert_true(sums);
	assert_int_equal(quern_run_plan(run), QUERN_ERR_USAGE);
	quern_run_free(run);
	run = quern_verify_new(session);
	assert_int_equal(quern_run_set(run, "bins", "4"), QUERN_ERR_USAGE);
	assert_null(operate(run, FILE_NAME, QUERN_ERR_USAGE, "bins"));
	run = quern_verify_new(session);
	set(run, "dataset", "/sums");
	doc = operate(run, FILE_NAME, QUERN_ERR_DATA, "chunk");
	assert_true((doc != NULL) == (my_rank == 0));
	json_decref(doc);
	doc = operate(quern_homes_new(session), FILE_NAME, QUERN_OK, "");
	assert_true((doc != NULL) == (my_rank == 0));
	json_decref(doc);
	run = quern_homes_new(session);
	quern_run_add_file(run, FILE_NAME);
	assert_int_equal(quern_run_execute(run), QUERN_OK);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	if (!my_rank) {
		assert_int_equal(quern_run_write(run, "homes.csv"), QUERN_ERR_USAGE);
		assert_non_null(strstr(quern_run_message(run), "once"));
	}
	quern_run_free(run);
	assert_null(operate(quern_verify_new(NULL), FILE_NAME, QUERN_ERR_USAGE, "session"));
}

static void test_kernels_and_info(void **state)
{
	char *text = NULL, why[200];
	json_t *doc;

	(void)state;
	assert_int_equal(quern_kernels(NULL, &text, why, sizeof(why)), QUERN_OK);
	doc = parse(text);
	assert_true(json_array_size(json_object_get(doc, "kernels")) >= 5);
	json_decref(doc);
	assert_int_equal(quern_kernels("histogram", &text, why, sizeof(why)), QUERN_OK);
	doc = parse(text);
	assert_int_equal(json_array_size(json_object_get(doc, "kernels")), 1);
	json_decref(doc);
	assert_int_equal(quern_kernels("histgram", &text, why, sizeof(why)), QUERN_ERR_USAGE);
	assert_null(text);
	assert_non_null(strstr(why, "did you mean 'histogram'"));
	assert_int_equal(quern_info(&text, why, sizeof(why)), QUERN_OK);
	doc = parse(text);
	assert_non_null(json_object_get(doc, "machine"));
	json_decref(doc);
}

/* --- what the library leaves alone: the floating-point environment of its caller --- */

struct environment {
	int rounding, traps, flags;
	unsigned mxcsr;
	unsigned short x87;
};

static void get_environment(struct environment *e)
{
	memset(e, 0, sizeof(*e));
	e->rounding = fegetround();
	e->traps = fegetexcept();
	e->flags = fetestexcept(FE_ALL_EXCEPT);
#ifdef __x86_64__
	e->mxcsr = _mm_getcsr();
	__asm__ volatile("fnstcw %0" : "=m"(e->x87));
#endif
}

/* Upward, trapping what it can, denormals flushed, one flag up, long doubles cut to double. */
static void set_environment(void)
{
	fesetround(FE_UPWARD);
#ifdef __x86_64__
	const unsigned short x87 = 0x0a7f;

	__asm__ volatile("fldcw %0" : : "m"(x87));
	_mm_setcsr(_mm_getcsr() | 0x8040);
#endif
	feraiseexcept(FE_UNDERFLOW);
	feenableexcept(FE_DIVBYZERO | FE_INVALID);
}

static void expect_environment(const struct environment *want, const char *after)
{
	struct environment is;

	get_environment(&is);
	if (memcmp(&is, want, sizeof(is)))
		fail_msg("%s leaves rounding %x, traps %x, flags %x, mxcsr %x, x87 %x", after,
			 is.rounding, is.traps, is.flags, is.mxcsr, is.x87);
}

/* One statement, which may round, overflow and divide as it likes. */
#define KEEPS(what)                               \
	do {                                      \
		what;                             \
		expect_environment(&want, #what); \
	} while (0)

static void test_floating_point(void **state)
{
	static quern_run *(*const makers[])(quern_session *) = { quern_verify_new, quern_homes_new,
								 quern_inspect_new, quern_stage_new,
								 quern_unstage_new };
	struct environment want;
	char *text = NULL, why[256];
	quern_run *run;
	fenv_t before;
	double mean = 0, real = 0;
	int64_t count;

	(void)state;
	run = new_run("moments", "v");
	execute(run);
	if (!my_rank)
		quern_result_get_real(quern_run_result(run), "mean", &mean);
	quern_run_free(run);
	fegetenv(&before);
	set_environment();
	get_environment(&want);
	KEEPS(run = quern_run_new(session, "moments"));
	KEEPS(quern_run_set(run, "dataset", "v"));
	KEEPS(quern_run_set(run, "order", "4"));
	KEEPS(quern_run_set_from_environment(run));
	KEEPS(quern_run_add_file(run, FILE_NAME));
	KEEPS(assert_int_equal(quern_run_execute(run), QUERN_OK));
	KEEPS(free(quern_run_document(run, true)));
	if (!my_rank)
		KEEPS(quern_result_get_real(quern_run_result(run), "mean", &real));
	if (!my_rank)
		KEEPS(quern_result_get_int(quern_run_result(run), "variance", &count));
	if (!my_rank)
		KEEPS(assert_int_equal(quern_run_write(run, "fp.csv"), QUERN_OK));
	remove("fp.csv");
	KEEPS(quern_run_free(run));
	KEEPS(run = quern_run_new(session, "histogram"));
	KEEPS(quern_run_set(run, "dataset", "absent"));
	KEEPS(quern_run_add_file(run, FILE_NAME));
	KEEPS(assert_int_not_equal(quern_run_plan(run), QUERN_OK));
	KEEPS(free(quern_run_plan_document(run)));
	KEEPS(quern_run_free(run));
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		KEEPS(run = makers[i](session));
		KEEPS(quern_run_add_file(run, FILE_NAME));
		KEEPS(quern_run_execute(run));
		KEEPS(free(quern_run_document(run, false)));
		KEEPS(quern_run_free(run));
	}
	KEEPS(quern_kernels(NULL, &text, why, sizeof(why)));
	free(text);
	KEEPS(quern_info(&text, why, sizeof(why)));
	free(text);
	fesetenv(&before);
	if (!my_rank) /* and it was not what the library computed with */
		assert_true(real == mean);
}

/* --- a run is freed by one rank when it likes --- */

static void test_free_is_of_one_rank(void **state)
{
	const char *before = getenv("QUERN_TEST_HOSTS");
	quern_session *hosts;
	quern_run *first, *second;

	(void)state;
	setenv("QUERN_TEST_HOSTS", "2", 1);
	hosts = quern_session_new(world);
	first = new_run_of(hosts, "moments", "/v");
	execute(first);
	if (my_rank == nranks - 1)
		quern_run_free(first);
	barrier();
	second = new_run_of(hosts, "histogram", "/v");
	execute(second);
	quern_session_free(hosts);
	if (my_rank == 0)
		quern_run_free(second);
	barrier();
	if (my_rank != nranks - 1)
		quern_run_free(first);
	if (my_rank != 0)
		quern_run_free(second);
	if (!before)
		unsetenv("QUERN_TEST_HOSTS");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_empty_selection),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_minmax),
		cmocka_unit_test(test_registered_kernel),
		cmocka_unit_test(test_options_of_rank_0),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_listed_options),
		cmocka_unit_test(test_other_communicators),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_bad_chunk),
		cmocka_unit_test(test_once_a_run),
		cmocka_unit_test(test_list_of_scalars),
		cmocka_unit_test(test_sizes_of_structs),
		cmocka_unit_test(test_list_of_cells),
		cmocka_unit_test(test_list_of_groups),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_check_output),
		cmocka_unit_test(test_output_elsewhere),
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_kernels_and_info),
		cmocka_unit_test(test_floating_point),
		cmocka_unit_test(test_free_is_of_one_rank),
	};

	int failed;

	world = mpi_test_begin(&argc, &argv);
	if (world != MPI_COMM_NULL) {
		MPI_Comm_rank(world, &my_rank);
		MPI_Comm_size(world, &nranks);
	}
	session = quern_session_new(world);
	alone = quern_session_new_f(QUERN_NO_MPI);
	failed = cmocka_run_group_tests(tests, write_file, remove_files);
	quern_session_free(session);
	quern_session_free(alone);
	return mpi_test_end(world, failed);
}
