/*
 * limits.c - what the machine can do at most, measured beside a scaling curve.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "scaling/bench.h"

#define PIECE ((size_t)1 << 20)
/* Larger than the last-level caches of the cores that share it. */
#define MEMORY_NBYTES ((size_t)128 << 20)

/* One pass of all threads over the file, or over memory of their own when fd is -1. */
struct pass {
	int fd, nthreads;
	uint64_t file_nbytes;
	atomic_int nready;
	double *end;		   /* when each thread was done, before it freed its memory */
	atomic_int go;		   /* 1: start; -1: not all threads could be started, end */
	atomic_uint_fast64_t next; /* piece of the file */
	atomic_int nstarted;
	atomic_bool failed;
	atomic_uint_fast64_t sum; /* keeps the reads from being optimised away */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int qn_bench_ncores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double qn_bench_median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* To the n-th permitted processor, counted round. */
static void pin(int n)
{
	cpu_set_t set, one;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	n %= CPU_COUNT(&set);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && n-- == 0) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
			return;
		}
}

static bool read_file(struct pass *p, void *buffer)
{
	uint64_t npieces = qn_ceil_div(p->file_nbytes, PIECE), i;

	while ((i = atomic_fetch_add(&p->next, 1)) < npieces)
		if (qn_sys_pread(p->fd, buffer, PIECE, (off_t)(i * PIECE)) <= 0)
			return false;
	return true;
}

static uint64_t sum_words(const void *data, size_t nbytes)
{
	typedef uint64_t v4 __attribute__((vector_size(32)));
	const v4 *v = data;
	v4 a = { 0 }, b = { 0 };

	for (size_t i = 0; i + 2 <= nbytes / sizeof(v4); i += 2) {
		a += v[i];
		b += v[i + 1];
	}
	a += b;
	return a[0] + a[1] + a[2] + a[3];
}

static size_t share(const struct pass *p)
{
	return p->fd < 0 ? MEMORY_NBYTES / (size_t)p->nthreads / 64 * 64 : PIECE;
}

/* Touches its buffer where it runs, waits for the others, and does its part. */
static void *run_thread(void *arg)
{
	struct pass *p = arg;
	void *buffer = qn_alloc_aligned(share(p));
	int self = atomic_fetch_add(&p->nstarted, 1);

	pin(self);
	if (buffer)
		memset(buffer, 1, share(p));
	atomic_fetch_add(&p->nready, 1);
	while (!atomic_load(&p->go))
		sched_yield();
	if (!buffer || atomic_load(&p->go) < 0 || (p->fd >= 0 && !read_file(p, buffer)))
		atomic_store(&p->failed, true);
	else if (p->fd < 0)
		atomic_fetch_add(&p->sum, sum_words(buffer, share(p)));
	p->end[self] = now();
	free(buffer);
	return NULL;
}

/* Seconds from the moment all threads are ready until the last one is done; negative: failed. */
static double run_threads(struct pass *p, pthread_t *thread)
{
	double start, end;
	int n = 0;

	while (n < p->nthreads && !pthread_create(&thread[n], NULL, run_thread, p))
		n++;
	while (atomic_load(&p->nready) < n)
		sched_yield();
	start = end = now();
	atomic_store(&p->go, n == p->nthreads ? 1 : -1);
	for (int i = 0; i < n; i++) {
		pthread_join(thread[i], NULL);
		end = p->end[i] > end ? p->end[i] : end;
	}
	return n < p->nthreads || p->failed ? -1 : end - start;
}

static double run_pass(int fd, uint64_t file_nbytes, int nthreads)
{
	struct pass p = { .fd = fd, .nthreads = nthreads, .file_nbytes = file_nbytes };
	pthread_t *thread = qn_calloc((size_t)nthreads, sizeof(*thread));
	double seconds = -1;

	p.end = qn_calloc((size_t)nthreads, sizeof(*p.end));
	if (thread && p.end)
		seconds = run_threads(&p, thread);
	free(p.end);
	free(thread);
	return seconds;
}

static enum quern_status measure(int fd, uint64_t file_nbytes, double nbytes, int nthreads,
				 int repeat, double *rate, struct quern_message *err)
{
	double v[QN_BENCH_MAX_REPEAT];

	for (int i = 0; i < repeat; i++) {
		double seconds = run_pass(fd, file_nbytes, nthreads);

		if (seconds < 0)
			return qn_error_set(err, QUERN_ERR_RUN,
					    "cannot measure the limits of %d threads: %s", nthreads,
					    fd < 0 ? "no memory or threads"
						   : "no threads, or the "
						     "file cannot be read");
		v[i] = nbytes / seconds;
	}
	*rate = qn_bench_median(v, repeat);
	return QUERN_OK;
}

enum quern_status qn_bench_pread_rate(const char *file, int nthreads, int repeat, double *rate,
				      struct quern_message *err)
{
	enum quern_status st;
	struct stat info;
	const int fd = qn_file_open(file, &info);

	if (fd < 0) {
		st = qn_error_set(err, qn_file_status(errno), "cannot read %s: %s", file,
				  qn_file_why(errno));
	} else {
		st = measure(fd, (uint64_t)info.st_size, (double)info.st_size, nthreads, repeat,
			     rate, err);
	}
	if (fd >= 0)
		qn_sys_close(fd);
	return st;
}

enum quern_status qn_bench_memory_rate(int nthreads, int repeat, double *rate,
				       struct quern_message *err)
{
	size_t each = MEMORY_NBYTES / (size_t)nthreads / 64 * 64;

	return measure(-1, 0, (double)(each * (size_t)nthreads), nthreads, repeat, rate, err);
}
