/*
 * ranks - the same result to the last byte on 1 to 8 ranks, with 1 to 4 threads, time and again.
 *
 *	mpirun -n 4 ranks FILE [FEWEST [once]]		FILE: large.h5 of tests/tools/generate
 *
 * Every kernel runs on the first n ranks of MPI_COMM_WORLD for each n from FEWEST (1); what it gives
 * without MPI and with one thread is the reference, which rank 0 makes. `once`: each kernel only
 * with its first options below. Rank 0 prints TAP.
 *
 *	mpirun -n 3 ranks FILE starve
 *
 * Every rank is taken to be a host of its own, and that of rank 1 has no shared memory: prints what
 * rank 0 is told.
 */
#include <jansson.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quern.h"

#define MAX_OPTIONS 4
#define MAX_RANKS   8

struct trial {
	const char *kernel, *dataset;
	const char *option[MAX_OPTIONS][2];
};

static const struct trial trials[] = {
	{ "moments", "/packed", { { NULL, NULL } } },
	{ "moments", "/packed", { { "order", "4" } } },
	{ "moments", "/packed", { { "raw", NULL }, { "select", "3:39:4,::7,10:50" } } },
	{ "moments", "/real", { { NULL, NULL } } },
	{ "moments", "/real", { { "order", "4" }, { "nan", "keep" } } },
	{ "moments", "/big_endian", { { NULL, NULL } } },
	{ "moments", "/contiguous", { { NULL, NULL } } },
	{ "moments", "/contiguous", { { "select", "17:480:3,5:1490" }, { "order", "4" } } },
	{ "sum", "/packed", { { NULL, NULL } } },
	{ "sum", "/real", { { "select", "1:40,:,::3" } } },
	{ "sum", "/contiguous", { { NULL, NULL } } },
	{ "minmax", "/packed", { { NULL, NULL } } },
	{ "minmax", "/real", { { NULL, NULL } } },
	{ "minmax", "/big_endian", { { "select", "::2,::3" } } },
	{ "minmax", "/contiguous", { { NULL, NULL } } },
	{ "count", "/packed", { { NULL, NULL } } },
	{ "count", "/real", { { "raw", NULL } } },
	{ "histogram", "/packed", { { "bins", "20" } } },
	{ "histogram", "/real", { { "range", "-100,100" } } },
	{ "histogram", "/big_endian", { { "bins", "7" }, { "select", "100:,:-1" } } },
	{ "histogram", "/contiguous", { { "bins", "300" } } },
	{ "covariance", "/big_endian", { { "select", ":,0:90" } } },
	{ "covariance", "/real", { { "samples", "0" }, { "select", ":,3:9,:20" } } },
	{ "covariance", "/contiguous", { { "samples", "1" }, { "select", "0:60,:" } } },
	{ "covariance", "/packed", { { "samples", "2" }, { "select", "::9,::9,:" } } },
};

/* --- hosts without shared memory: what the library calls is called here --- */

static bool starving;

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *out)
{
	int rank;

	if (!starving)
		return PMPI_Comm_split_type(comm, type, key, info, out);
	PMPI_Comm_rank(comm, &rank);
	return PMPI_Comm_split(comm, rank, key, out);
}

int MPI_Win_allocate_shared(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base,
			    MPI_Win *win)
{
	int rank;

	PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
	if (starving && rank == 1)
		return MPI_ERR_NO_MEM;
	return PMPI_Win_allocate_shared(size, unit, info, comm, base, win);
}

/* The result as text, owned; on rank 0 of comm only, "" on others. The message where it fails. */
static char *result_text(MPI_Comm comm, const struct trial *t, const char *threads,
			 const char *file)
{
	quern_session *session = quern_session_new(comm);
	quern_run *run = quern_run_new(session, t->kernel);
	char *text = NULL, *result = NULL;
	json_t *doc;

	quern_run_set(run, "dataset", t->dataset);
	quern_run_set(run, "threads", threads);
	for (int i = 0; i < MAX_OPTIONS && t->option[i][0]; i++)
		quern_run_set(run, t->option[i][0], t->option[i][1]);
	quern_run_add_file(run, file);
	if (quern_run_execute(run)) {
		result = strdup(quern_run_message(run));
	} else if ((text = quern_run_document(run, false))) {
		doc = json_loads(text, 0, NULL);
		result = json_dumps(json_object_get(doc, "result"), JSON_REAL_PRECISION(17));
		json_decref(doc);
	}
	free(text);
	quern_run_free(run);
	quern_session_free(session);
	return result ? result : strdup("");
}

static void print_trial(const struct trial *t, int n, const char *failure)
{
	printf("%sok %d - %s of %s", failure ? "not " : "", n, t->kernel, t->dataset);
	for (int i = 0; i < MAX_OPTIONS && t->option[i][0]; i++)
		printf(" --%s%s%s", t->option[i][0], t->option[i][1] ? " " : "",
		       t->option[i][1] ? t->option[i][1] : "");
	printf("%s%s\n", failure ? "\n# " : "", failure ? failure : "");
}

/* Appends to failure (n bytes) when the text is not the reference's. Takes text. */
static void compare(const char *reference, char *text, int nranks, const char *threads,
		    char *failure, size_t n)
{
	size_t used = strlen(failure);

	if (strcmp(reference, text))
		snprintf(failure + used, n - used, "%d ranks, %s threads: %.200s; ", nranks,
			 threads, text);
	free(text);
}

/* Collective on MPI_COMM_WORLD. comm[n - 1] has the first n ranks, and is null on the others and for
   numbers that are left out. */
static bool run_trial(const struct trial *t, int number, const MPI_Comm *comm, int size,
		      const char *file)
{
	static const char *const threads[] = { "1", "2", "3", "4" };
	char *reference, failure[2048] = "";
	int rank, bad;

	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	reference = rank == 0 ? result_text(MPI_COMM_NULL, t, "1", file) : strdup("");
	if (rank == 0 && reference[0] != '{')
		snprintf(failure, sizeof(failure), "%s", reference);
	for (int i = 1; i < 4 && rank == 0; i++)
		compare(reference, result_text(MPI_COMM_NULL, t, threads[i], file), 1, threads[i],
			failure, sizeof(failure));
	for (int n = 1; n <= size; n++) {
		const char *nthreads = threads[(number + n) % 3];

		if (comm[n - 1] == MPI_COMM_NULL)
			continue;
		char *text = result_text(comm[n - 1], t, nthreads, file);

		if (rank == 0)
			compare(reference, text, n, nthreads, failure, sizeof(failure));
		else
			free(text);
	}
	free(reference);
	if (rank == 0)
		print_trial(t, number, failure[0] ? failure : NULL);
	bad = failure[0] != 0;
	MPI_Bcast(&bad, 1, MPI_INT, 0, MPI_COMM_WORLD);
	return !bad;
}

static int run_starving(const char *file)
{
	char *text;
	int rank;

	starving = true;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	text = result_text(MPI_COMM_WORLD, &trials[0], "1", file);
	if (rank == 0)
		puts(text);
	free(text);
	MPI_Finalize();
	return 0;
}

int main(int argc, char **argv)
{
	const int ntrials = sizeof(trials) / sizeof(*trials);
	MPI_Comm comm[MAX_RANKS];
	int rank, size, provided, fewest, ndone = 0, nfailed = 0;
	bool once = argc > 3 && !strcmp(argv[3], "once");

	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (argc < 2 || argc > 4 || size > MAX_RANKS) {
		fputs("usage: mpirun -n 4 ranks FILE [FEWEST [once] | starve]\n", stderr);
		MPI_Abort(MPI_COMM_WORLD, 2);
	}
	if (argc == 3 && !strcmp(argv[2], "starve"))
		return run_starving(argv[1]);
	fewest = argc > 2 ? atoi(argv[2]) : 1;
	for (int n = 1; n <= size; n++)
		MPI_Comm_split(MPI_COMM_WORLD, rank < n && n >= fewest ? 0 : MPI_UNDEFINED, rank,
			       &comm[n - 1]);
	for (int i = 0; i < ntrials; i++)
		if (!once || !i || strcmp(trials[i].kernel, trials[i - 1].kernel))
			nfailed += !run_trial(&trials[i], ++ndone, comm, size, argv[1]);
	if (rank == 0)
		printf("1..%d\n", ndone);
	for (int n = 1; n <= size; n++)
		if (comm[n - 1] != MPI_COMM_NULL)
			MPI_Comm_free(&comm[n - 1]);
	MPI_Finalize();
	return nfailed > 0;
}
