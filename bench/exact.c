/*
 * exact - the cost of exact sums on one core, beside plain sums, which round.
 *
 *	exact [LEVEL]		LEVEL: QUERN_CPU, e.g. baseline
 *
 * GB/s of input, the best of several passes, over data in the L2 cache and in memory. `plain` adds
 * up in as many lanes as suits the machine; order 1 is the sum, order 2 also the sum of squares
 * and the extremes (which plain leaves out), order 4 the sums of third and fourth powers too.
 * Data:
 *
 *	climate	 temperatures in K: like most fields, within a few powers of two
 *	normal	 normally distributed around 0
 *	rain	 mostly 0, the rest spread over 12 powers of ten
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "exact/power.h"

#define L2_NBYTES     ((size_t)256 << 10)
#define MEMORY_NBYTES ((size_t)128 << 20)

enum data { CLIMATE, NORMAL, RAIN, NDATA };

static const char *const data_names[NDATA] = { "climate", "normal", "rain" };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double number(enum data d)
{
	double u = 1 - drand48(), z = sqrt(-2 * log(u)) * cos(2 * M_PI * drand48());

	switch (d) {
	case CLIMATE:
		return 280 + 15 * z;
	case RAIN:
		return drand48() < 0.6 ? 0 : exp2(-40 * drand48());
	default:
		return z;
	}
}

static size_t element_size(enum quern_dtype t)
{
	return t == QUERN_F32 ? 4 : t == QUERN_F64 ? 8 : 2;
}

/* Random numbers at the front, and copies of them behind. */
static void fill(enum quern_dtype t, enum data d, char *values, size_t nbytes)
{
	const size_t size = element_size(t);

	for (size_t i = 0; i < L2_NBYTES; i += size) {
		double x = number(d);
		float y = (float)x;
		int16_t k = (int16_t)x;

		memcpy(values + i,
		       t == QUERN_F32	? (void *)&y
		       : t == QUERN_F64 ? (void *)&x
					: &k,
		       size);
	}
	for (size_t i = L2_NBYTES; i < nbytes; i += L2_NBYTES)
		memcpy(values + i, values, L2_NBYTES);
}

/* --- plain sums --- */

typedef double lanes __attribute__((vector_size(32)));
typedef float half_lanes __attribute__((vector_size(16)));

#if defined(__x86_64__)
#define FAST __attribute__((target("avx2,fma")))
#else
#define FAST
#endif

/* LOAD(k): lanes of 4 elements, the k-th of those at p. */
#define DEFINE_PLAIN(NAME, STEP, LOAD)                                                \
	FAST static double NAME##_sum(const char *p, size_t nbytes)                   \
	{                                                                             \
		lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };                 \
                                                                                      \
		for (const char *end = p + nbytes; p < end; p += STEP) {              \
			s0 += LOAD(0);                                                \
			s1 += LOAD(1);                                                \
			s2 += LOAD(2);                                                \
			s3 += LOAD(3);                                                \
		}                                                                     \
		s0 += s1 + s2 + s3;                                                   \
		return s0[0] + s0[1] + s0[2] + s0[3];                                 \
	}                                                                             \
                                                                                      \
	FAST static double NAME##_squares(const char *p, size_t nbytes)               \
	{                                                                             \
		lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };                 \
		lanes q0 = { 0 }, q1 = { 0 }, q2 = { 0 }, q3 = { 0 };                 \
                                                                                      \
		for (const char *end = p + nbytes; p < end; p += STEP) {              \
			lanes x0 = LOAD(0), x1 = LOAD(1), x2 = LOAD(2), x3 = LOAD(3); \
                                                                                      \
			s0 += x0;                                                     \
			s1 += x1;                                                     \
			s2 += x2;                                                     \
			s3 += x3;                                                     \
			q0 += x0 * x0;                                                \
			q1 += x1 * x1;                                                \
			q2 += x2 * x2;                                                \
			q3 += x3 * x3;                                                \
		}                                                                     \
		s0 += s1 + s2 + s3 + q0 + q1 + q2 + q3;                               \
		return s0[0] + s0[1] + s0[2] + s0[3];                                 \
	}

#define LOAD_F32(k) __builtin_convertvector(((const half_lanes *)(const void *)p)[k], lanes)
#define LOAD_F64(k) (((const lanes *)(const void *)p)[k])

DEFINE_PLAIN(plain_f32, 64, LOAD_F32)
DEFINE_PLAIN(plain_f64, 128, LOAD_F64)

static double plain(enum quern_dtype t, int order, const char *values, size_t nbytes)
{
	if (t == QUERN_F32)
		return order == 1 ? plain_f32_sum(values, nbytes)
				  : plain_f32_squares(values, nbytes);
	return order == 1 ? plain_f64_sum(values, nbytes) : plain_f64_squares(values, nbytes);
}

/* --- exact sums --- */

struct exact {
	struct qn_power p;
	int64_t *words;
	void *scratch;
};

static void exact_pass(struct exact *e, const char *values, size_t nbytes)
{
	const size_t tile = QUERN_TILE_NELEMS * element_size(e->p.dtype);
	struct qn_extremes extremes;

	for (size_t i = 0; i < nbytes; i += tile)
		qn_power_add(&e->p, values + i, QUERN_TILE_NELEMS, e->words, &extremes, e->scratch);
}

/* Sums of tiles do not depend on how they are cut; and the sum is what a long sum says. */
static void verify(struct exact *e, const char *values, size_t nbytes)
{
	const size_t size = element_size(e->p.dtype);
	int64_t *words = qn_calloc(e->p.nwords, sizeof(int64_t)), *kept = e->words;
	struct qn_extremes extremes;

	exact_pass(e, values, nbytes);
	e->words = words;
	for (size_t i = 0, n; i < nbytes / size; i += n) {
		n = nbytes / size - i < 1777 ? nbytes / size - i : 1777;
		qn_power_add(&e->p, values + i * size, n, words, &extremes, e->scratch);
	}
	e->words = kept;
	if (memcmp(words, kept, e->p.nwords * sizeof(int64_t)) != 0) {
		fputs("exact: sums differ\n", stderr);
		exit(1);
	}
	free(words);
}

/* --- timing --- */

static volatile double sink;

/* The best GB/s of `repeats` passes; e NULL: plain. */
static double rate(struct exact *e, enum quern_dtype t, int order, const char *values,
		   size_t nbytes, int repeats)
{
	double best = INFINITY;

	for (int i = 0; i < repeats; i++) {
		double start = now(), seconds;

		if (e)
			exact_pass(e, values, nbytes);
		else
			sink = plain(t, order, values, nbytes);
		seconds = now() - start;
		best = seconds < best ? seconds : best;
	}
	return 1e-9 * (double)nbytes / best;
}

static void show(const char *name, const char *type, int order, const char *data, double l2,
		 double memory)
{
	printf("%-6s  %-7s  %5d  %-8s  %7.1f  %7.1f\n", name, type, order, data, l2, memory);
}

static void bench_exact(enum quern_dtype t, const char *type, int order, enum data d,
			const char *values)
{
	struct exact e;

	qn_power_init(&e.p, t, order);
	e.words = qn_calloc(e.p.nwords, sizeof(int64_t));
	e.scratch = qn_alloc_aligned(qn_power_scratch_nbytes(&e.p) + 1);
	if (!e.words || !e.scratch)
		exit(1);
	verify(&e, values, L2_NBYTES);
	show("exact", type, order, data_names[d], rate(&e, t, order, values, L2_NBYTES, 200),
	     rate(&e, t, order, values, MEMORY_NBYTES, 3));
	free(e.scratch);
	free(e.words);
}

static void bench_type(enum quern_dtype t, const char *type, char *values)
{
	for (int d = 0; d < NDATA; d++) {
		fill(t, (enum data)d, values, MEMORY_NBYTES);
		for (int order = 1; d == 0 && t != QUERN_I16 && order <= 2; order++)
			show("plain", type, order, "any",
			     rate(NULL, t, order, values, L2_NBYTES, 200),
			     rate(NULL, t, order, values, MEMORY_NBYTES, 3));
		for (int order = 1; order <= 4; order *= 2)
			bench_exact(t, type, order, (enum data)d, values);
	}
}

int main(int argc, char **argv)
{
	char *values = qn_alloc_aligned(MEMORY_NBYTES);

	if (!values)
		return 1;
	if (argc > 1)
		qn_cpu_choose(argv[1]);
	printf("GB/s, one core, %s\n%-6s  %-7s  %5s  %-8s  %7s  %7s\n", qn_cpu_name(qn_cpu_level()),
	       "sums", "type", "order", "data", "L2", "memory");
	bench_type(QUERN_F32, "float32", values);
	bench_type(QUERN_F64, "float64", values);
	bench_type(QUERN_I16, "int16", values);
	free(values);
	return 0;
}
