/*
 * heat - a simulation that has its field reduced where it lies, step by step, instead of writing it.
 *
 *	cc heat.c $(pkg-config --cflags --libs quern) -lhdf5 -lm -o heat
 *	mpirun -n 4 ./heat [N [STEPS [EVERY [FILE]]]]
 *
 * The heat equation on a square of N x N points, explicit, in bands of rows with a halo each. Every EVERY steps exact
 * moments and a histogram take in the field: of all points and times together, and moments of each point over time. At the end they are printed, with the
 * time that it took. With FILE the same steps are written there, too, quern reduces the file, and the results must be
 * the same to the last bit.
 */
#include <hdf5.h>
#include <inttypes.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern.h"

#define ROOM 293.15
#define ALPHA \
	0.2 /* diffusivity times time step over the square of the mesh width: stable below 0.25 */

/* A band of rows, with one of each neighbour before and after it and a column of the boundary on both sides. */
struct band {
	uint64_t n;	       /* points of the square along each dimension */
	uint64_t first, nrows; /* of the whole */
	int rank, nranks;
	double *u, *next; /* (nrows + 2) x (n + 2) */
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "heat: %s\n", what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

/* --- the simulation --- */

static double *at(const struct band *b, double *u, uint64_t row, uint64_t column)
{
	return u + (row + 1) * (b->n + 2) + column + 1;
}

/* A plate at room temperature, K, with a warm disc on it; the boundary stays as it is. */
static double initial(const struct band *b, uint64_t y, uint64_t x)
{
	const double h = 1 / (double)b->n, dy = (double)y * h - 0.4, dx = (double)x * h - 0.6;

	return ROOM + 10 * (double)x * h + 70 * exp(-40 * (dx * dx + dy * dy));
}

static void start(struct band *b, uint64_t n)
{
	MPI_Comm_rank(MPI_COMM_WORLD, &b->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &b->nranks);
	b->n = n;
	b->first = n * (uint64_t)b->rank / (uint64_t)b->nranks;
	b->nrows = n * (uint64_t)(b->rank + 1) / (uint64_t)b->nranks - b->first;
	b->u = calloc((b->nrows + 2) * (n + 2), sizeof(double));
	b->next = calloc((b->nrows + 2) * (n + 2), sizeof(double));
	must(b->u && b->next, "no memory");
	for (uint64_t i = 0; i < (b->nrows + 2) * (n + 2); i++)
		b->u[i] = b->next[i] = ROOM;
	for (uint64_t row = 0; row < b->nrows; row++)
		for (uint64_t x = 0; x < n; x++)
			*at(b, b->u, row, x) = initial(b, b->first + row, x);
}

static void exchange_halos(struct band *b)
{
	const int up = b->rank > 0 ? b->rank - 1 : MPI_PROC_NULL;
	const int down = b->rank + 1 < b->nranks ? b->rank + 1 : MPI_PROC_NULL;
	const int n = (int)b->n;
	double *before = at(b, b->u, 0, 0) - (b->n + 2), *after = at(b, b->u, b->nrows, 0);

	MPI_Sendrecv(at(b, b->u, 0, 0), n, MPI_DOUBLE, up, 0, after, n, MPI_DOUBLE, down, 0,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	MPI_Sendrecv(after - (b->n + 2), n, MPI_DOUBLE, down, 1, before, n, MPI_DOUBLE, up, 1,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void step(struct band *b)
{
	double *swap = b->u;

	exchange_halos(b);
	for (uint64_t row = 0; row < b->nrows; row++) {
		const double *here = at(b, b->u, row, 0);
		const double *above = here - (b->n + 2), *below = here + (b->n + 2);
		double *next = at(b, b->next, row, 0);

		for (uint64_t x = 0; x < b->n; x++)
			next[x] = here[x] + ALPHA * (above[x] + below[x] + here[x - 1] +
						     here[x + 1] - 4 * here[x]);
	}
	b->u = b->next;
	b->next = swap;
}

/* --- reductions of it --- */

/* Of all points and times, or of each point. */
enum { MOMENTS, HISTOGRAM, MAP, NREDUCTIONS };

static const struct {
	const char *kernel, *option, *value;
} reductions[NREDUCTIONS] = {
	[MOMENTS] = { "moments", "order", "2" },
	[HISTOGRAM] = { "histogram", "range", "290,380" },
	[MAP] = { "moments", "over", "time" },
};

/* What is wrong with its arguments is told by the first step. */
static quern_reduction *new_reduction(quern_session *session, const struct band *b, int which)
{
	const uint64_t shape[2] = { b->n, b->n }, begin[2] = { b->first, 0 };
	const uint64_t count[2] = { b->nrows, b->n };
	const ptrdiff_t strides[2] = { (ptrdiff_t)((b->n + 2) * sizeof(double)), sizeof(double) };
	static const char *const names[2] = { "y", "x" };
	quern_reduction *r = quern_reduction_new(session, reductions[which].kernel);

	must(r != NULL, "no memory");
	quern_reduction_set(r, reductions[which].option, reductions[which].value);
	quern_reduction_grid(r, 2, shape, names);
	quern_reduction_steps(r, "time", 0, NULL, NULL);
	quern_reduction_box(r, begin, count);
	quern_reduction_variable(r, "u", QUERN_F64, strides, "K");
	return r;
}

/* Adds the seconds that each takes. */
static void absorb(quern_reduction *const *r, struct band *b, double time, double *seconds)
{
	const void *const values[] = { at(b, b->u, 0, 0) };

	for (int i = 0; i < NREDUCTIONS; i++) {
		const double begin = MPI_Wtime();

		quern_reduction_absorb(r[i], time, values);
		must(!quern_reduction_status(r[i]), quern_reduction_message(r[i]));
		seconds[i] += MPI_Wtime() - begin;
	}
}

/* --- the same steps in a file --- */

struct file {
	const char *name;
	hid_t file, u;	    /* of rank 0 */
	uint64_t ntimes;    /* so far */
	double *all;	    /* the square, on rank 0 */
	int *count, *begin; /* elements of each rank */
};

static void create(struct file *f, const struct band *b)
{
	const hsize_t shape[3] = { 0, b->n, b->n }, most[3] = { H5S_UNLIMITED, b->n, b->n };
	const hsize_t chunk[3] = { 1, b->n, b->n };
	hid_t space, props;

	f->count = calloc((size_t)b->nranks, sizeof(int));
	f->begin = calloc((size_t)b->nranks, sizeof(int));
	f->all = b->rank ? NULL : calloc(b->n * b->n, sizeof(double));
	must(f->count && f->begin && (f->all || b->rank), "no memory");
	for (int r = 0; r < b->nranks; r++) {
		f->begin[r] = (int)(b->n * (b->n * (uint64_t)r / (uint64_t)b->nranks));
		f->count[r] = (int)(b->n * (b->n * (uint64_t)(r + 1) / (uint64_t)b->nranks)) -
			      f->begin[r];
	}
	if (b->rank)
		return;
	f->file = H5Fcreate(f->name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	space = H5Screate_simple(3, shape, most);
	props = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(props, 3, chunk);
	f->u = H5Dcreate2(f->file, "u", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, props, H5P_DEFAULT);
	must(f->file >= 0 && f->u >= 0, "the file cannot be made");
	H5Pclose(props);
	H5Sclose(space);
}

/* The names of its dimensions, for --over. */
static void name_dimensions(const struct file *f)
{
	static const char *const names[3] = { "time", "y", "x" };
	const hsize_t n = 3;
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL), attr;

	H5Tset_size(type, H5T_VARIABLE);
	attr = H5Acreate2(f->u, "DIMENSION_LABELS", type, space, H5P_DEFAULT, H5P_DEFAULT);
	must(H5Awrite(attr, type, names) >= 0, "the file cannot be written");
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

static void append(struct file *f, struct band *b)
{
	const hsize_t shape[3] = { f->ntimes + 1, b->n, b->n }, begin[3] = { f->ntimes, 0, 0 };
	const hsize_t count[3] = { 1, b->n, b->n };
	MPI_Datatype rows;
	hid_t space, memory;

	MPI_Type_vector((int)b->nrows, (int)b->n, (int)b->n + 2, MPI_DOUBLE, &rows);
	MPI_Type_commit(&rows);
	MPI_Gatherv(at(b, b->u, 0, 0), 1, rows, f->all, f->count, f->begin, MPI_DOUBLE, 0,
		    MPI_COMM_WORLD);
	MPI_Type_free(&rows);
	f->ntimes++;
	if (b->rank)
		return;
	H5Dset_extent(f->u, shape);
	space = H5Dget_space(f->u);
	memory = H5Screate_simple(3, count, NULL);
	H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, NULL, count, NULL);
	must(H5Dwrite(f->u, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, f->all) >= 0,
	     "the file cannot be written");
	H5Sclose(memory);
	H5Sclose(space);
}

static void close_file(struct file *f, const struct band *b)
{
	if (!b->rank) {
		name_dimensions(f);
		H5Dclose(f->u);
		must(H5Fclose(f->file) >= 0, "the file cannot be written");
	}
	free(f->all);
	free(f->count);
	free(f->begin);
}

static void execute(quern_run *run)
{
	const enum quern_status status = quern_run_execute(run);

	must(!status, quern_run_message(run));
}

static quern_run *reduce_file(quern_session *session, const struct file *f, int which)
{
	quern_run *run = quern_run_new(session, reductions[which].kernel);

	must(run != NULL, "no memory");
	quern_run_set(run, reductions[which].option, reductions[which].value);
	quern_run_add_file(run, f->name);
	execute(run);
	return run;
}

/* --- results --- */

/* Rank 0: the result as text, where each number has its digits; owned. */
static char *text_of(quern_run *run)
{
	char *document = quern_run_document(run, false), *begin, *end;

	begin = document ? strstr(document, "\n  \"result\"") : NULL;
	end = begin ? strstr(begin, "\n  \"run\"") : NULL;
	must(end != NULL, "no memory");
	*end = '\0';
	memmove(document, begin, (size_t)(end - begin) + 1);
	return document;
}

static void compare(quern_session *session, const struct band *b, int which, quern_run *run,
		    const struct file *f)
{
	quern_run *of_file = reduce_file(session, f, which);

	if (!b->rank) {
		char *here = text_of(run), *there = text_of(of_file);

		must(!strcmp(here, there), "the file has another result");
		printf("%s --%s %s: the same of the file\n", reductions[which].kernel,
		       reductions[which].option, reductions[which].value);
		free(here);
		free(there);
	}
	quern_run_free(of_file);
}

static void print(const quern_run *run)
{
	const struct quern_result *result = quern_run_result(run);
	const int64_t *counts;
	double mean, stddev;
	size_t n;

	if (quern_result_get_real(result, "mean", &mean) &&
	    quern_result_get_real(result, "stddev", &stddev))
		printf("mean %.17g, standard deviation %.17g\n", mean, stddev);
	if (quern_result_get_ints(result, "counts", &counts, &n))
		for (size_t i = 0; i < n; i += 10)
			printf("bin %zu: %" PRId64 "\n", i, counts[i]);
}

static void finish(quern_session *session, const struct band *b, quern_reduction *const *r,
		   const struct file *f)
{
	for (int i = 0; i < NREDUCTIONS; i++) {
		quern_run *run = quern_reduction_run(r[i]);

		must(run != NULL, "no memory");
		execute(run);
		if (!b->rank && i != MAP)
			print(run);
		if (f->name)
			compare(session, b, i, run, f);
		quern_run_free(run);
	}
}

static void print_seconds(uint64_t nsteps, double simulating, const double *seconds)
{
	printf("%" PRIu64 " steps: %.3f s\n", nsteps, simulating);
	for (int i = 0; i < NREDUCTIONS; i++)
		printf("%s --%s %s: %.3f s, %.1f%% of that\n", reductions[i].kernel,
		       reductions[i].option, reductions[i].value, seconds[i],
		       100 * seconds[i] / simulating);
}

static uint64_t argument(int argc, char **argv, int i, uint64_t fallback)
{
	return argc > i ? strtoull(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
	struct file f = { .name = argc > 4 ? argv[4] : NULL };
	quern_reduction *r[NREDUCTIONS];
	quern_session *session;
	double begin, seconds[NREDUCTIONS] = { 0 }, simulating = 0;
	uint64_t nsteps, every;
	struct band b;
	int level;

	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
	start(&b, argument(argc, argv, 1, 1000));
	nsteps = argument(argc, argv, 2, 500);
	every = argument(argc, argv, 3, 50);
	must(every > 0 && b.n > 0 && b.n < 40000 && nsteps > 0, "a number is wrong");
	session = quern_session_new(MPI_COMM_WORLD);
	must(session != NULL, "no memory");
	for (int i = 0; i < NREDUCTIONS; i++)
		r[i] = new_reduction(session, &b, i);
	if (f.name)
		create(&f, &b);
	for (uint64_t i = 1; i <= nsteps; i++) {
		begin = MPI_Wtime();
		step(&b);
		simulating += MPI_Wtime() - begin;
		if (i % every)
			continue;
		absorb(r, &b, (double)i, seconds);
		if (f.name)
			append(&f, &b);
	}
	if (f.name)
		close_file(&f, &b);
	if (!b.rank)
		print_seconds(nsteps, simulating, seconds);
	finish(session, &b, r, &f);
	for (int i = 0; i < NREDUCTIONS; i++)
		quern_reduction_free(r[i]);
	quern_session_free(session);
	free(b.u);
	free(b.next);
	MPI_Finalize();
	return 0;
}
