/*
 * insitu - what exact moments of a field where it lies cost, beside the step of the simulation that makes it.
 *
 *	insitu [N [TURNS]]	an N x N plate of float64, 2000; 15
 *
 * The explicit heat equation, as examples/heat.c has it, and one thread. Each thing is done once in a turn, and told of
 * it is the median, in seconds of the processor: others on the machine matter little then. `pass` is exact sums over
 * the same elements side by side, tile by tile, as the chunks of a file are reduced once they are decoded: what
 * absorbing adds to that is what the way from arrays to tiles costs. The sums are compared before anything is told.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "exact/power.h"
#include "quern.h"

#define ALPHA	   0.2
#define MOST_TURNS 999

/* What is done in a turn. With halos, rows are not side by side; a map is of each point over time. */
enum { STEP, PASS, DENSE, HALOS, MAP, NTHINGS };

static const struct {
	const char *name, *option, *value;
} things[NTHINGS] = {
	[STEP] = { "step", NULL, NULL },
	[PASS] = { "pass", NULL, NULL },
	[DENSE] = { "absorb, no halos", "order", "2" },
	[HALOS] = { "absorb, halos", "order", "2" },
	[MAP] = { "absorb, --over time", "over", "time" },
};

struct bench {
	size_t n;
	double *u, *next; /* (n + 2) x (n + 2) */
	double *dense;	  /* n x n: u without halos */
	struct qn_power power;
	int64_t *words;
	void *scratch;
	quern_session *session;
	quern_reduction *reduction[NTHINGS];
	int nturns;
	double seconds[NTHINGS][MOST_TURNS];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "insitu: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double *first_of(const struct bench *b, double *u)
{
	return u + (b->n + 2) + 1;
}

/* --- what is measured --- */

static void step(struct bench *b)
{
	const size_t width = b->n + 2;
	double *swap = b->u;

	for (size_t y = 1; y <= b->n; y++) {
		const double *here = b->u + y * width, *above = here - width, *below = here + width;
		double *next = b->next + y * width;

		for (size_t x = 1; x <= b->n; x++)
			next[x] = here[x] + ALPHA * (above[x] + below[x] + here[x - 1] +
						     here[x + 1] - 4 * here[x]);
	}
	b->u = b->next;
	b->next = swap;
}

static void pass(struct bench *b)
{
	const size_t nelems = b->n * b->n;
	struct qn_extremes e;

	for (size_t i = 0; i < nelems; i += QUERN_TILE_NELEMS)
		must(qn_power_add(&b->power, b->dense + i,
				  (size_t)qn_min_u64(nelems - i, QUERN_TILE_NELEMS), b->words, &e,
				  b->scratch),
		     "the plate is not finite");
}

static void absorb(struct bench *b, int thing, double time)
{
	const void *const values[] = { thing == DENSE ? b->dense : first_of(b, b->u) };

	quern_reduction_absorb(b->reduction[thing], time, values);
}

static void copy_without_halos(struct bench *b)
{
	for (size_t y = 0; y < b->n; y++)
		memcpy(b->dense + y * b->n, first_of(b, b->u) + y * (b->n + 2),
		       b->n * sizeof(*b->dense));
}

static void measure(struct bench *b, int thing, int turn)
{
	const double start = now();

	if (thing == STEP)
		step(b);
	else if (thing == PASS)
		pass(b);
	else
		absorb(b, thing, turn);
	b->seconds[thing][turn] = now() - start;
}

/* --- before and after --- */

static void open_plate(struct bench *b)
{
	const size_t width = b->n + 2;

	b->u = calloc(width * width, sizeof(double));
	b->next = calloc(width * width, sizeof(double));
	b->dense = calloc(b->n * b->n, sizeof(double));
	must(b->u && b->next && b->dense, "no memory");
	for (size_t i = 0; i < width * width; i++) {
		const double y = (double)(i / width) / (double)width - 0.4;
		const double x = (double)(i % width) / (double)width - 0.6;

		b->u[i] = b->next[i] = 293.15 + 70 * exp(-40 * (x * x + y * y));
	}
}

static void open_reduction(struct bench *b, int thing)
{
	const uint64_t shape[2] = { b->n, b->n }, origin[2] = { 0, 0 };
	const ptrdiff_t strides[2] = { (ptrdiff_t)((b->n + 2) * sizeof(double)), sizeof(double) };
	static const char *const dims[2] = { "y", "x" };
	quern_reduction *r = quern_reduction_new(b->session, "moments");

	must(r, "no memory");
	quern_reduction_set(r, things[thing].option, things[thing].value);
	quern_reduction_grid(r, 2, shape, dims);
	quern_reduction_steps(r, "time", 0, NULL, NULL);
	quern_reduction_box(r, origin, shape);
	quern_reduction_variable(r, "u", QUERN_F64, thing == DENSE ? NULL : strides, "K");
	b->reduction[thing] = r;
}

static void open_all(struct bench *b)
{
	open_plate(b);
	qn_power_init(&b->power, QUERN_F64, 2);
	b->words = calloc(b->power.nwords, sizeof(*b->words));
	b->scratch = qn_alloc_aligned(qn_power_scratch_nbytes(&b->power));
	b->session = quern_session_new(MPI_COMM_NULL);
	must(b->words && b->scratch && b->session, "no memory");
	for (int i = DENSE; i < NTHINGS; i++)
		open_reduction(b, i);
}

static void check(struct bench *b, int thing)
{
	quern_run *run = quern_reduction_run(b->reduction[thing]);
	double sum = NAN;

	must(run && !quern_run_execute(run), quern_reduction_message(b->reduction[thing]));
	quern_result_get_real(quern_run_result(run), "sum", &sum);
	must(sum == qn_acc_round(&b->power.form[0], b->words), "another sum");
	quern_run_free(run);
}

static void close_all(struct bench *b)
{
	for (int i = DENSE; i < NTHINGS; i++)
		quern_reduction_free(b->reduction[i]);
	quern_session_free(b->session);
	free(b->words);
	free(b->scratch);
	free(b->dense);
	free(b->next);
	free(b->u);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(struct bench *b)
{
	const double nelems = (double)(b->n * b->n);
	double median[NTHINGS];

	printf("%-20s %8s %8s %8s %8s %8s\n", "of a step, absorbing", "ns/elem", "each", "every 10",
	       "25", "50");
	for (int i = 0; i < NTHINGS; i++) {
		qsort(b->seconds[i], (size_t)b->nturns, sizeof(double), by_value);
		median[i] = b->seconds[i][b->nturns / 2];
		printf("%-20s %8.3f", things[i].name, 1e9 * median[i] / nelems);
		if (i != STEP)
			printf(" %8.3f %7.1f%% %7.1f%% %7.1f%%", median[i] / median[STEP],
			       10 * median[i] / median[STEP], 4 * median[i] / median[STEP],
			       2 * median[i] / median[STEP]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static struct bench b;

	b.n = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
	b.nturns = argc > 2 ? atoi(argv[2]) : 15;
	must(b.n > 0 && b.n < 40000 && b.nturns > 0 && b.nturns <= MOST_TURNS, "a number is wrong");
	open_all(&b);
	for (int turn = 0; turn < b.nturns; turn++)
		for (int i = 0; i < NTHINGS; i++) {
			measure(&b, i, turn);
			if (i == STEP)
				copy_without_halos(&b);
		}
	check(&b, DENSE);
	check(&b, HALOS);
	print(&b);
	close_all(&b);
	return 0;
}
