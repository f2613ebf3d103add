/*
 * column - the cost of exact sums of the points of a map over time on one core, beside plain sums,
 * which round.
 *
 *	column [LEVEL]		LEVEL: QUERN_CPU, e.g. baseline
 *
 * Nanoseconds an element, the best of several passes over 368 time steps of a map of 361 x 720
 * points: of the sum of each point, and of the sum and that of squares. `plain` is the loop that one
 * writes in C, `exact` a column (columns/column.h). A call adds one step of the whole map, or so many
 * steps of 4096 points, before the next ones. Data:
 *
 *	kelvin	 temperatures in K: like most fields, within a few powers of two
 *	celsius	 temperatures around 0
 *	rain	 mostly 0, the rest spread over 12 powers of ten
 *	ocean	 the first, with NaN in a third of the points
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "columns/column.h"
#include "exact/power.h"

#define NROWS	((size_t)361 * 720)
#define NSTEPS	368
#define NFIELDS 48 /* that are different: more than fits a cache */
#define REPEATS 4

enum data { KELVIN, CELSIUS, RAIN, OCEAN, NDATA };

static const char *const data_names[NDATA] = { "kelvin", "celsius", "rain", "ocean" };

/* What is measured. */
struct bench {
	enum quern_dtype dtype;
	size_t size, row, n, nsteps; /* n rows by nsteps steps a call */
	char *values;		     /* NFIELDS maps */
	double *sum, *square;	     /* plain */
	struct qn_column *column[2]; /* exact */
	int npowers;
};

static double now(void)
{
	struct timespec t;

	/* The core may be shared. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double number(enum data d, size_t row)
{
	double u = 1 - drand48(), z = sqrt(-2 * log(u)) * cos(2 * M_PI * drand48());

	switch (d) {
	case CELSIUS:
		return 7 + 15 * z;
	case RAIN:
		return drand48() < 0.6 ? 0 : exp2(-40 * drand48());
	case OCEAN:
		return row / 100 % 3 ? 280 + 15 * z : NAN;
	default:
		return 280 + 15 * z;
	}
}

/* Numbers for one map, and maps that are that one turned by some rows. */
static void fill(struct bench *b, enum data d)
{
	for (size_t i = 0; i < NROWS; i++) {
		double x = number(d, i);
		float y = (float)x;

		memcpy(b->values + i * b->size, b->dtype == QUERN_F32 ? (void *)&y : (void *)&x,
		       b->size);
	}
	for (size_t k = 1; k < NFIELDS; k++) {
		char *map = b->values + k * NROWS * b->size;
		const size_t turn = d == OCEAN ? 0 : k * 1000 * b->size;

		memcpy(map, b->values + turn, NROWS * b->size - turn);
		memcpy(map + NROWS * b->size - turn, b->values, turn);
	}
}

/* --- plain sums --- */

#if !defined(__x86_64__)
#define FAST
#elif defined(__clang__)
#define FAST __attribute__((target_clones("avx512f", "avx2", "default"))) /* -O2 vectorizes */
#else
#define FAST __attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#endif

#define DEFINE_PLAIN(type)                                                                    \
	FAST static void plain_##type(const type *restrict x, double *restrict sum, size_t n) \
	{                                                                                     \
		for (size_t i = 0; i < n; i++)                                                \
			sum[i] += (double)x[i];                                               \
	}                                                                                     \
                                                                                              \
	FAST static void plain_squares_##type(const type *restrict x, double *restrict sum,   \
					      double *restrict square, size_t n)              \
	{                                                                                     \
		for (size_t i = 0; i < n; i++) {                                              \
			sum[i] += (double)x[i];                                               \
			square[i] += (double)x[i] * (double)x[i];                             \
		}                                                                             \
	}

DEFINE_PLAIN(float)
DEFINE_PLAIN(double)

static void plain_step(const struct bench *b, const char *values)
{
	double *sum = b->sum + b->row, *square = b->square + b->row;

	if (b->dtype == QUERN_F32 && b->npowers == 1)
		plain_float((const float *)(const void *)values, sum, b->n);
	else if (b->dtype == QUERN_F32)
		plain_squares_float((const float *)(const void *)values, sum, square, b->n);
	else if (b->npowers == 1)
		plain_double((const double *)(const void *)values, sum, b->n);
	else
		plain_squares_double((const double *)(const void *)values, sum, square, b->n);
}

static void plain_add(struct bench *b, const char *values)
{
	for (size_t s = 0; s < b->nsteps; s++)
		plain_step(b, values + s * NROWS * b->size);
}

/* --- exact sums --- */

static void exact_add(struct bench *b, const char *values)
{
	struct qn_column_tile t = {
		.dtype = b->dtype, .values = values, .n = b->n, .nsteps = b->nsteps, .stride = NROWS
	};

	if (!qn_column_add_rows(b->column[0], b->column[1], b->row, &t)) {
		fputs("column: out of memory\n", stderr);
		exit(1);
	}
}

typedef void add_fn(struct bench *b, const char *values);

/* All of the steps. */
static void add_all(struct bench *b, add_fn *add, size_t n, size_t nsteps)
{
	b->nsteps = nsteps;
	for (size_t step = 0; step < NSTEPS; step += nsteps)
		for (b->row = 0; b->row < NROWS; b->row += b->n) {
			b->n = qn_min_u64(n, NROWS - b->row);
			add(b, b->values + (step % NFIELDS * NROWS + b->row) * b->size);
		}
}

static void start(struct bench *b)
{
	for (int k = 0; k < 2; k++) {
		qn_column_free(b->column[k]);
		b->column[k] = NULL;
		if (k < b->npowers && !(b->column[k] = qn_column_new(b->dtype, k + 1, NROWS)))
			exit(1);
	}
	memset(b->sum, 0, NROWS * sizeof(*b->sum));
	memset(b->square, 0, NROWS * sizeof(*b->square));
}

/* Sums of some rows are those of element after element. */
static void verify(struct bench *b, enum data d)
{
	const struct qn_acc_form f = qn_acc_form(b->dtype, 1);
	int64_t limb[QN_ACC_MAX_LIMBS], expected[QN_ACC_MAX_LIMBS];

	start(b);
	add_all(b, exact_add, QN_COLUMN_BLOCK, 1);
	for (size_t row = 0; row < NROWS; row += 997) {
		memset(expected, 0, sizeof(expected));
		for (size_t s = 0; s < NSTEPS; s++) {
			const char *p = b->values + (s % NFIELDS * NROWS + row) * b->size;
			float y;
			double x;

			memcpy(&y, p, sizeof(y));
			memcpy(&x, p, b->size);
			x = b->dtype == QUERN_F32 ? (double)y : x;
			if (!isnan(x))
				qn_acc_add_double(&f, expected, x);
		}
		if (!qn_column_get(b->column[0], row, limb) ||
		    memcmp(limb, expected, (size_t)f.nlimbs * sizeof(*limb)) != 0) {
			fprintf(stderr, "column: sums of %s differ\n", data_names[d]);
			exit(1);
		}
	}
}

static double best(struct bench *b, add_fn *add, size_t n, size_t nsteps)
{
	double seconds = INFINITY;

	for (int i = 0; i < REPEATS; i++) {
		double begin, end;

		start(b);
		begin = now();
		add_all(b, add, n, nsteps);
		end = now();
		seconds = end - begin < seconds ? end - begin : seconds;
	}
	return 1e9 * seconds / (double)(NROWS * NSTEPS);
}

static void compare(struct bench *b, enum data d, size_t n, size_t nsteps)
{
	double plain = best(b, plain_add, n, nsteps), exact = best(b, exact_add, n, nsteps);
	uint64_t nbytes = 0;

	for (int k = 0; k < b->npowers; k++)
		nbytes += qn_column_nbytes_now(b->column[k]);
	printf("%-7s  %-7s  %6d  %6zu  %5zu  %6.3f  %6.3f  %5.2f  %9.1f\n",
	       b->dtype == QUERN_F32 ? "float32" : "float64", data_names[d], b->npowers, n, nsteps,
	       plain, exact, exact / plain, (double)nbytes / (double)NROWS);
}

static void bench_type(struct bench *b, enum quern_dtype t)
{
	b->dtype = t;
	b->size = t == QUERN_F32 ? 4 : 8;
	for (int d = 0; d < NDATA; d++) {
		fill(b, (enum data)d);
		b->npowers = 1;
		verify(b, (enum data)d);
		for (; b->npowers <= 2; b->npowers++) {
			compare(b, (enum data)d, NROWS, 1);
			compare(b, (enum data)d, QN_COLUMN_BLOCK, 4);
			compare(b, (enum data)d, QN_COLUMN_BLOCK, 16);
		}
	}
}

int main(int argc, char **argv)
{
	struct bench b = { .values = qn_alloc_aligned(NFIELDS * NROWS * sizeof(double)),
			   .sum = qn_alloc_aligned(NROWS * sizeof(double)),
			   .square = qn_alloc_aligned(NROWS * sizeof(double)) };

	if (!b.values || !b.sum || !b.square)
		return 1;
	if (argc > 1)
		qn_cpu_choose(argv[1]);
	printf("ns an element, one core, %s\n%-7s  %-7s  %6s  %6s  %5s  %6s  %6s  %5s  %9s\n",
	       qn_cpu_name(qn_cpu_level()), "type", "data", "powers", "rows", "steps", "plain",
	       "exact", "ratio", "bytes/row");
	bench_type(&b, QUERN_F32);
	bench_type(&b, QUERN_F64);
	qn_column_free(b.column[0]);
	qn_column_free(b.column[1]);
	free(b.values);
	free(b.sum);
	free(b.square);
	return 0;
}
