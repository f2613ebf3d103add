/*
 * session.c - what a run costs over a small file: alone, from a session that is made for it, and from one session for
 * all. The answer is checked first, and again in each run.
 *
 *	session [--runs N] [--threads N] [--kernel NAME] FILE [DATASET]
 *	mpirun -n 4 session ...
 *
 * Times are of the median run; the seconds of the phases are those that the last one has in its document.
 */
#include <getopt.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quern.h"

struct setup {
	MPI_Comm comm;
	const char *kernel, *threads, *file, *dataset;
	int nruns, rank;
	int64_t count; /* of the first run */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void fail(const struct setup *s, const char *why)
{
	if (!s->rank)
		fprintf(stderr, "session: %s\n", why);
	exit(1);
}

/* One run; its document in *text where that is asked for. */
static void run(struct setup *s, quern_session *session, char **text)
{
	quern_run *r = quern_run_new(session, s->kernel);
	int64_t count = 0;

	if (!r)
		fail(s, "out of memory");
	quern_run_set(r, "threads", s->threads);
	if (s->dataset)
		quern_run_set(r, "dataset", s->dataset);
	quern_run_add_file(r, s->file);
	if (quern_run_execute(r))
		fail(s, quern_run_message(r));
	quern_result_get_int(quern_run_result(r), "count", &count);
	if (s->count >= 0 && count != s->count)
		fail(s, "another answer");
	s->count = count;
	if (text)
		*text = quern_run_document(r, false);
	quern_run_free(r);
}

static double median(double *seconds, int n)
{
	qsort(seconds, (size_t)n, sizeof(*seconds), by_value);
	return seconds[n / 2];
}

/* each: a session for each run. */
static double measure(struct setup *s, quern_session *session, bool each, double *seconds)
{
	for (int i = 0; i < s->nruns; i++) {
		const double start = now();
		quern_session *own = each ? quern_session_new(s->comm) : session;

		run(s, own, NULL);
		if (each)
			quern_session_free(own);
		seconds[i] = now() - start;
	}
	return median(seconds, s->nruns);
}

/* Those of the document, as they are there. */
static void print_phases(const char *text)
{
	const char *seconds = text ? strstr(text, "\"seconds\": {") : NULL;

	if (seconds)
		printf("%.*s}\n", (int)strcspn(seconds, "}"), seconds);
}

static void report(struct setup *s)
{
	double *seconds = calloc((size_t)s->nruns, sizeof(*seconds)), start, made, first, each, one;
	quern_session *session;
	char *text = NULL;

	if (!seconds)
		fail(s, "out of memory");
	each = measure(s, NULL, true, seconds);
	start = now();
	session = quern_session_new(s->comm);
	made = now();
	run(s, session, NULL);
	first = now();
	one = measure(s, session, false, seconds);
	run(s, session, &text);
	if (!s->rank) {
		printf("a session for each run  %8.3f ms\n", 1e3 * each);
		printf("a session               %8.3f ms\n", 1e3 * (made - start));
		printf("its first run           %8.3f ms\n", 1e3 * (first - made));
		printf("its other runs          %8.3f ms, %.3f to %.3f\n", 1e3 * one,
		       1e3 * seconds[0], 1e3 * seconds[s->nruns - 1]);
		print_phases(text);
	}
	free(text);
	free(seconds);
	quern_session_free(session);
}

static bool parse(int argc, char **argv, struct setup *s)
{
	static const struct option options[] = { { "runs", 1, NULL, 'n' },
						 { "threads", 1, NULL, 't' },
						 { "kernel", 1, NULL, 'k' },
						 { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'n')
			s->nruns = atoi(optarg);
		else if (c == 't')
			s->threads = optarg;
		else if (c == 'k')
			s->kernel = optarg;
		else
			return false;
	}
	s->file = argv[optind];
	s->dataset = optind + 1 < argc ? argv[optind + 1] : NULL;
	return s->file && s->nruns > 0;
}

int main(int argc, char **argv)
{
	struct setup s = { .comm = MPI_COMM_NULL,
			   .kernel = "moments",
			   .threads = "1",
			   .nruns = 200,
			   .count = -1 };
	const bool has_ranks = getenv("OMPI_COMM_WORLD_RANK") || getenv("PMI_RANK");
	int level;

	if (has_ranks) {
		MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
		MPI_Comm_rank(MPI_COMM_WORLD, &s.rank);
		s.comm = MPI_COMM_WORLD;
	}
	if (!parse(argc, argv, &s))
		fail(&s, "usage: session [--runs N] [--threads N] [--kernel NAME] FILE [DATASET]");
	report(&s);
	if (has_ranks)
		MPI_Finalize();
	return 0;
}
