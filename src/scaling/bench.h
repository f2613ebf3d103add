/*
 * bench.h - what the files of `quern bench` share: points of a scaling curve and their report.
 */
#ifndef QN_SCALING_BENCH_H
#define QN_SCALING_BENCH_H

#include <jansson.h>

#include "base/error.h"

#define QN_BENCH_MAX_REPEAT 101

/* One way to run: strong scaling takes the whole selection, weak scaling a share for each worker. */
struct qn_bench_point {
	bool weak;
	bool by_ranks; /* the series: ranks of one thread, or one process of threads */
	int ranks, threads;
	char select[48]; /* of weak scaling; "" otherwise */
	double work[QN_BENCH_MAX_REPEAT], total[QN_BENCH_MAX_REPEAT]; /* seconds, each run */
	double work_median, total_median;
	int64_t stored_nbytes, decoded_nbytes;
	double speedup, efficiency;	/* from work_median, against the first of the series */
	double pread_rate, memory_rate; /* limits, bytes/s on as many cores; NAN: not known */
};

struct qn_bench {
	const char *file, *dataset, *select, *kernel, *mpirun, *output; /* borrowed; may be NULL */
	const char *program;						/* this command */
	int repeat;
	json_t *reference;	      /* owned: document of the first run */
	struct qn_bench_point *point; /* owned; in the order of the series: those that are run, */
	int npoints, nleft_out;	      /* and behind them those that cannot be */
	const char *why_left_out;
};

static inline int qn_bench_workers(const struct qn_bench_point *p)
{
	return p->ranks * p->threads;
}

/* The processors this process may use. */
int qn_bench_ncores(void);

/* Sorts the n values and returns their median; n > 0. */
double qn_bench_median(double *v, int n);

/* Bytes a second that nthreads pinned threads read of the file into buffers that stay in cache,
   and that they read of memory; medians of `repeat` passes. */
enum quern_status qn_bench_pread_rate(const char *file, int nthreads, int repeat, double *rate,
				      struct quern_message *err);
enum quern_status qn_bench_memory_rate(int nthreads, int repeat, double *rate,
				       struct quern_message *err);

/* The table on standard output. */
void qn_bench_print(const struct qn_bench *b);
/* Makes the directory b->output unless it is there. */
enum quern_status qn_bench_make_output(const struct qn_bench *b, struct quern_message *err);
/* scaling.csv, scaling.json, scaling.gp in directory b->output, and scaling.png by gnuplot where
   it is installed. *plotted: the plot was made. */
enum quern_status qn_bench_write(const struct qn_bench *b, bool *plotted,
				 struct quern_message *err);

#endif
