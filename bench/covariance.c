/*
 * covariance - the speed of the covariance kernel against that of bare BLAS.
 *
 *	covariance [NROWS [NFEATURES [REPEATS]]]	(65536, 512, 3)
 *
 * Panels of random float32 rows in memory go through both passes of the kernel, on one thread. Beside
 * it, dsyrk alone works on the same rows, already doubles, in panels of the same size. First the
 * covariances are checked against those from the plain definition. Prints one line of JSON: the
 * least seconds of each of the repeats, and the ratio of speeds, dsyrk's being 1.
 *
 *	covariance dsyrk NTHREADS NROWS NFEATURES
 *
 * Only dsyrk, the rows dealt to threads, each for itself: seconds by the clock, for bench/run.sh.
 */
#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/options.h"
#include "kernel/kernel.h"
#include "kernel/result.h"

#define PANEL_NROWS 4096

struct bench {
	const struct quern_kernel *kernel;
	void *self;
	size_t nrows, k;
	float *x;
	struct qn_layout_of_state layout;
	int64_t *state;
	void *scratch;
};

/* Time of this thread's core, so that other programs disturb less. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *check(void *memory, const char *what)
{
	if (!memory) {
		fprintf(stderr, "covariance: no memory for %s\n", what);
		exit(1);
	}
	return memory;
}

static void fill(struct bench *b)
{
	uint64_t seed = 88172645463325252u;

	for (size_t i = 0; i < b->nrows * b->k; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		b->x[i] = 280 + (float)(i % b->k) + (float)(seed >> 40) * 0x1p-20f;
	}
}

static void open_kernel(struct bench *b)
{
	const uint64_t shape[2] = { b->nrows, b->k };
	const struct quern_box all = { 2, { 0 }, { b->nrows, b->k }, { 1, 1 } };
	const char *const dims[2] = { NULL, NULL };
	struct quern_message message = { .status = QUERN_OK };
	struct quern_options options;
	const struct quern_option *tables[1];
	struct quern_input in = { .ndim = 2,
				  .shape = shape,
				  .selection = &all,
				  .dtype = QUERN_F32,
				  .nan_missing = true,
				  .dims = dims,
				  .options = &options,
				  .message = &message };

	b->kernel = check((void *)(uintptr_t)qn_kernel_find("covariance"), "the kernel");
	tables[0] = b->kernel->options;
	if (qn_options_init(&options, tables, 1, &message) || b->kernel->open(&in, &b->self)) {
		fprintf(stderr, "covariance: %s\n", message.text);
		exit(1);
	}
	qn_options_fini(&options);
	b->scratch = check(qn_alloc_aligned(b->kernel->scratch(b->self)), "scratch");
}

static void new_state(struct bench *b)
{
	free(b->state);
	qn_state_layout(b->kernel, b->self, &b->layout, NULL);
	b->state = check(qn_alloc_aligned(b->layout.nwords * sizeof(int64_t)), "a state");
	qn_state_identity(&b->layout, b->state);
}

/* One pass over all panels; returns the seconds. */
static double run_pass(struct bench *b)
{
	double start;

	new_state(b);
	start = now();
	for (size_t r = 0; r < b->nrows; r += PANEL_NROWS) {
		size_t n = b->nrows - r < PANEL_NROWS ? b->nrows - r : PANEL_NROWS;
		struct quern_box box = { 2, { r, 0 }, { n, b->k }, { 1, 1 } };
		struct quern_var var = { .dtype = QUERN_F32, .values = b->x + r * b->k };
		struct quern_tile tile = {
			.box = &box, .nelems = n * b->k, .nvars = 1, .var = &var
		};

		b->kernel->absorb(b->self, b->state, b->scratch, &tile);
	}
	b->kernel->normalize(b->self, b->state);
	return now() - start;
}

/* The least seconds of a pass. */
static double best_pass(struct bench *b, int repeats)
{
	double best = run_pass(b);

	for (int i = 1; i < repeats; i++)
		best = fmin(best, run_pass(b));
	return best;
}

/* dsyrk over nrows rows of k doubles. One panel is used again and again, so that the bench needs no
   twice the memory: in favour of dsyrk, if anything. */
static void multiply(const double *panel, size_t nrows, size_t k, double *c)
{
	for (size_t r = 0; r < nrows; r += PANEL_NROWS) {
		size_t n = nrows - r < PANEL_NROWS ? nrows - r : PANEL_NROWS;

		cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)n, 1, panel, (int)k,
			    1, c, (int)k);
	}
}

static double best_dsyrk(const struct bench *b, int repeats)
{
	double *panel = check(qn_alloc_aligned(PANEL_NROWS * b->k * sizeof(double)), "a panel");
	double *c = check(qn_calloc(b->k * b->k, sizeof(double)), "a matrix");
	double best = INFINITY;

	for (size_t i = 0; i < PANEL_NROWS * b->k; i++)
		panel[i] = (double)b->x[i % (b->nrows * b->k)] - 300;
	for (int i = 0; i < repeats; i++) {
		double start = now();

		multiply(panel, b->nrows, b->k, c);
		best = fmin(best, now() - start);
	}
	free(panel);
	free(c);
	return best;
}

static double plain_mean(const struct bench *b, size_t j)
{
	double sum = 0;

	for (size_t r = 0; r < b->nrows; r++)
		sum += b->x[r * b->k + j] - 280;
	return 280 + sum / (double)b->nrows;
}

static double plain_covariance(const struct bench *b, size_t j, size_t k)
{
	const double mean_j = plain_mean(b, j), mean_k = plain_mean(b, k);
	double sum = 0;

	for (size_t r = 0; r < b->nrows; r++)
		sum += (b->x[r * b->k + j] - mean_j) * (b->x[r * b->k + k] - mean_k);
	return sum / ((double)b->nrows - 1);
}

/* Some entries of the matrix against their definition. */
static void verify(const struct bench *b)
{
	struct quern_result result = { .nfields = 0 };
	const struct qn_field *f;

	b->kernel->emit(b->self, b->state, &result);
	f = check((void *)(uintptr_t)qn_result_find(&result, "covariance"), "the result");
	for (size_t i = 0; i < 40; i++) {
		size_t j = i * 7919 % b->k, k = i % 2 ? j : i * 104729 % b->k;
		double expect = plain_covariance(b, j, k);

		if (fabs(f->v.reals[j * b->k + k] - expect) <= 1e-10 * plain_covariance(b, j, j))
			continue;
		fprintf(stderr, "covariance of features %zu and %zu: %.17g, not %.17g\n", j, k,
			f->v.reals[j * b->k + k], expect);
		exit(1);
	}
	qn_result_fini(&result);
}

/* --- dsyrk alone, on several threads --- */

struct dsyrk {
	pthread_t thread;
	pthread_barrier_t *ready;
	size_t nrows, k;
};

static void *dsyrk_main(void *arg)
{
	const struct dsyrk *d = arg;
	double *panel = check(qn_alloc_aligned(PANEL_NROWS * d->k * sizeof(double)), "a panel");
	double *c = check(qn_calloc(d->k * d->k, sizeof(double)), "a matrix");

	for (size_t i = 0; i < PANEL_NROWS * d->k; i++)
		panel[i] = (double)(i * 7919 % 4093) / 4093 - 0.5;
	multiply(panel, 1, d->k, c); /* the buffers of BLAS */
	pthread_barrier_wait(d->ready);
	multiply(panel, d->nrows, d->k, c);
	free(panel);
	free(c);
	return NULL;
}

static double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_dsyrk(size_t nthreads, size_t nrows, size_t k)
{
	struct dsyrk *d = check(qn_calloc(nthreads, sizeof(*d)), "threads");
	pthread_barrier_t ready;
	double start;

	openblas_set_num_threads(1);
	pthread_barrier_init(&ready, NULL, (unsigned)nthreads + 1);
	for (size_t i = 0; i < nthreads; i++) {
		d[i].ready = &ready;
		d[i].nrows = nrows * (i + 1) / nthreads - nrows * i / nthreads;
		d[i].k = k;
		if (pthread_create(&d[i].thread, NULL, dsyrk_main, &d[i]))
			check(NULL, "a thread");
	}
	pthread_barrier_wait(&ready);
	start = clock_seconds();
	for (size_t i = 0; i < nthreads; i++)
		pthread_join(d[i].thread, NULL);
	printf("{ \"seconds\": %.6f, \"decoded\": %zu }\n", clock_seconds() - start,
	       nrows * k * sizeof(float));
	pthread_barrier_destroy(&ready);
	free(d);
}

static size_t argument(int argc, char **argv, int i, size_t fallback)
{
	long v = i < argc ? strtol(argv[i], NULL, 10) : (long)fallback;

	if (v < 1) {
		fprintf(stderr, "usage: covariance [NROWS [NFEATURES [REPEATS]]]\n"
				"       covariance dsyrk NTHREADS NROWS NFEATURES\n");
		exit(2);
	}
	return (size_t)v;
}

/* Both passes of the kernel, and dsyrk, in memory. */
static void compare(struct bench *b, int repeats)
{
	double pass1, pass2, dsyrk;

	b->x = check(qn_alloc_aligned(b->nrows * b->k * sizeof(float)), "the data");
	fill(b);
	open_kernel(b);
	pass1 = best_pass(b, repeats);
	b->kernel->advance(b->self, b->state);
	pass2 = best_pass(b, repeats);
	verify(b);
	dsyrk = best_dsyrk(b, repeats);
	printf("{ \"rows\": %zu, \"features\": %zu, \"dsyrk_s\": %.4f, \"pass1_s\": %.4f, "
	       "\"pass2_s\": %.4f, \"ratio\": %.3f }\n",
	       b->nrows, b->k, dsyrk, pass1, pass2, dsyrk / (pass1 + pass2));
	b->kernel->close(b->self);
	free(b->state);
	free(b->scratch);
	free(b->x);
}

int main(int argc, char **argv)
{
	const bool only_dsyrk = argc > 1 && !strcmp(argv[1], "dsyrk");
	struct bench b = { .nrows = 0 };

	if (only_dsyrk) {
		time_dsyrk(argument(argc, argv, 2, 1), argument(argc, argv, 3, 65536),
			   argument(argc, argv, 4, 512));
		return 0;
	}
	b.nrows = argument(argc, argv, 1, 65536);
	b.k = argument(argc, argv, 2, 512);
	compare(&b, (int)argument(argc, argv, 3, 3));
	return 0;
}
