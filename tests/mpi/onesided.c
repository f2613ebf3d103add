/*
 * onesided - what fails on one rank ends all of them, with one status and one message.
 *
 *	mpirun -n 3 onesided FILE DATASET WHAT STRIDE
 *
 * Runs a kernel of two passes over and over, and has the first, second, ... call of WHAT fail on one
 * rank: `mpi`, the functions of MPI that the library uses, which are called and then say that they have
 * failed; `memory`, the library's own allocator; `start`, the same while the communicator is made. Of
 * the calls, every STRIDEth is taken. Ends with 1, and says why, when a run takes longer than
 * LIMIT_SECONDS, ends differently on different ranks, or ends well with another result. Every second
 * rank keeps its runs, and frees them at the very end.
 */
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quern.h"
#include "tests/testing/plan.h"

#define LIMIT_SECONDS 20
#define MOST_RUNS     4000
#define BEFORE_START  2 /* allocations of quern_run_execute for its communicator, and one more */

static int my_rank, nranks;
static char doing[128];

/* --- runs --- */

static void out_of_time(int signal)
{
	static const char text[] = ": does not end\n";

	(void)signal;
	if (write(2, doing, strlen(doing)) > 0 && write(2, text, sizeof(text) - 1) > 0)
		_exit(1);
	_exit(1);
}

static void complain(const char *what)
{
	fprintf(stderr, "%s, rank %d: %s\n", doing, my_rank, what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static quern_run *new_run(const char *file, const char *dataset)
{
	quern_run *run = quern_run_new(MPI_COMM_WORLD, "histogram");

	if (!run)
		complain("no run");
	quern_run_set(run, "dataset", dataset);
	quern_run_set(run, "bins", "5");
	quern_run_set(run, "threads", "1");
	quern_run_set(run, "bind", "none");
	quern_run_add_file(run, file);
	return run;
}

/* The same on all ranks? */
static void compare(quern_run *run, enum quern_status st)
{
	char text[2048] = "", *all = calloc((size_t)nranks, sizeof(text));

	snprintf(text, sizeof(text), "%d %s", (int)st, quern_run_message(run));
	PMPI_Allgather(text, sizeof(text), MPI_CHAR, all, sizeof(text), MPI_CHAR, MPI_COMM_WORLD);
	for (int r = 0; r < nranks; r++)
		if (strcmp(all + (size_t)r * sizeof(text), text))
			complain(text);
	free(all);
}

/* Fails the nth call on `victim`; how many there were of them. */
static int one_run(const char *file, const char *dataset, enum test_kind kind, int victim, int nth,
		   quern_run **run, enum quern_status *st)
{
	int ncalls;

	snprintf(doing, sizeof(doing), "call %d fails on rank %d", nth, victim);
	*run = new_run(file, dataset);
	test_fail_at(kind, my_rank == victim ? nth : 0);
	alarm(LIMIT_SECONDS);
	*st = quern_run_execute(*run);
	ncalls = (int)test_count();
	test_fail_at(kind, 0);
	compare(*run, *st);
	alarm(0);
	return ncalls;
}

static int64_t count_of(quern_run *run)
{
	int64_t n = -1;

	quern_result_get_int(quern_run_result(run), "count", &n);
	return n;
}

static int sweep(const char *file, const char *dataset, enum test_kind kind, int stride, int most)
{
	quern_run *run, **kept = calloc(MOST_RUNS, sizeof(*kept));
	int64_t count = -1;
	int nkept = 0, nfailed = 0, ntimes = 0;
	enum quern_status st;

	for (int victim = 0; victim < 2; victim++) {
		int n = one_run(file, dataset, kind, victim, 0, &run, &st);

		PMPI_Bcast(&n, 1, MPI_INT, victim, MPI_COMM_WORLD);
		n = most && most < n ? most : n;
		for (int nth = 0; nth <= n && nkept < MOST_RUNS;
		     nth += nth ? stride : 1, ntimes++) {
			if (nth)
				one_run(file, dataset, kind, victim, nth, &run, &st);
			nfailed += st != QUERN_OK;
			if (my_rank == 0 && !st && count < 0)
				count = count_of(run);
			if (my_rank == 0 && !st && count_of(run) != count)
				complain("another result");
			if (my_rank % 2)
				kept[nkept++] = run;
			else
				quern_run_free(run);
		}
	}
	if (my_rank == 0)
		printf("%d of %d runs failed\n", nfailed, ntimes);
	PMPI_Barrier(MPI_COMM_WORLD);
	while (nkept)
		quern_run_free(kept[--nkept]);
	free(kept);
	return nfailed ? 0 : 1;
}

int main(int argc, char **argv)
{
	int code;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	if (argc != 5 || nranks < 2) {
		fputs("usage: mpirun -n 3 onesided FILE DATASET mpi|memory|start STRIDE\n", stderr);
		MPI_Abort(MPI_COMM_WORLD, 2);
	}
	signal(SIGALRM, out_of_time);
	code = sweep(argv[1], argv[2], strcmp(argv[3], "mpi") ? TEST_MEMORY : TEST_MPI,
		     atoi(argv[4]), strcmp(argv[3], "start") ? 0 : BEFORE_START);
	MPI_Finalize();
	return code;
}
