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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "quern.h"

#define LIMIT_SECONDS 20
#define MOST_RUNS 4000
#define BEFORE_START 2		/* allocations of quern_run_execute for its communicator, and one more */

enum what { NOTHING, MPI, MEMORY };

static enum what armed;
static atomic_int ncalls;	/* of the armed kind, on this rank */
static int failing;		/* of them, this one fails; 0: none on this rank */
static int my_rank, nranks;
static char doing[128];

static bool fails(enum what what)
{
	return armed == what && atomic_fetch_add(&ncalls, 1) + 1 == failing;
}

/* --- memory: what src/base/mem.c has --- */

bool qn_product(const uint64_t *v, int n, uint64_t *out)
{
	uint64_t p = 1;

	for (int i = 0; i < n; i++)
		if (!qn_mul(p, v[i], &p))
			return false;
	*out = p;
	return true;
}

void *qn_calloc(size_t nelems, size_t size)
{
	uint64_t nbytes;

	if (fails(MEMORY) || !qn_mul(nelems, size, &nbytes))
		return NULL;
	return calloc(1, nbytes ? nbytes : 1);
}

void *qn_alloc_aligned(size_t nbytes)
{
	return fails(MEMORY) ? NULL : aligned_alloc(64, (nbytes / 64 + 1) * 64);
}

void *qn_alloc_pages(size_t nbytes)
{
	return qn_alloc_aligned(nbytes);
}

static bool resize(void *list, size_t n, size_t size)
{
	void *p;

	memcpy(&p, list, sizeof(p));
	if (fails(MEMORY) || !(p = realloc(p, n * size)))
		return false;
	memcpy(list, &p, sizeof(p));
	return true;
}

bool qn_grow(void *list, size_t *room, size_t n, size_t size)
{
	const size_t want = qn_max_u64(n, qn_max_u64(2 * *room, 16));

	if (n <= *room)
		return true;
	if (!resize(list, want, size))
		return false;
	*room = want;
	return true;
}

bool qn_grow_by_one(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? true : resize(list, n ? 2 * n : 1, size);
}

/* --- MPI: called, and then it has failed --- */

#define FAILING(name, parameters, arguments)			\
	int MPI_##name parameters				\
	{							\
		int rc = PMPI_##name arguments;			\
								\
		return fails(MPI) ? MPI_ERR_OTHER : rc;		\
	}

FAILING(Bcast, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c), (b, n, t, root, c))
FAILING(Gather, (const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u, int root,
		 MPI_Comm c), (s, n, t, r, m, u, root, c))
FAILING(Gatherv, (const void *s, int n, MPI_Datatype t, void *r, const int *m, const int *at,
		  MPI_Datatype u, int root, MPI_Comm c), (s, n, t, r, m, at, u, root, c))
FAILING(Scatter, (const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u, int root,
		  MPI_Comm c), (s, n, t, r, m, u, root, c))
FAILING(Scatterv, (const void *s, const int *n, const int *at, MPI_Datatype t, void *r, int m,
		   MPI_Datatype u, int root, MPI_Comm c), (s, n, at, t, r, m, u, root, c))
FAILING(Allgather, (const void *s, int n, MPI_Datatype t, void *r, int m, MPI_Datatype u,
		    MPI_Comm c), (s, n, t, r, m, u, c))
FAILING(Reduce, (const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, int root, MPI_Comm c),
	(s, r, n, t, o, root, c))
FAILING(Exscan, (const void *s, void *r, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
	(s, r, n, t, o, c))
FAILING(Send, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c),
	(b, n, t, to, tag, c))
FAILING(Recv, (void *b, int n, MPI_Datatype t, int from, int tag, MPI_Comm c, MPI_Status *s),
	(b, n, t, from, tag, c, s))
FAILING(Type_contiguous, (int n, MPI_Datatype t, MPI_Datatype *u), (n, t, u))
FAILING(Comm_split, (MPI_Comm c, int color, int key, MPI_Comm *d), (c, color, key, d))
FAILING(Comm_split_type, (MPI_Comm c, int type, int key, MPI_Info i, MPI_Comm *d),
	(c, type, key, i, d))
FAILING(Win_allocate_shared, (MPI_Aint n, int u, MPI_Info i, MPI_Comm c, void *b, MPI_Win *w),
	(n, u, i, c, b, w))
FAILING(Win_shared_query, (MPI_Win w, int r, MPI_Aint *n, int *u, void *b), (w, r, n, u, b))

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
static int one_run(const char *file, const char *dataset, enum what what, int victim, int nth,
		   quern_run **run, enum quern_status *st)
{
	snprintf(doing, sizeof(doing), "call %d fails on rank %d", nth, victim);
	*run = new_run(file, dataset);
	ncalls = 0;
	failing = my_rank == victim ? nth : 0;
	armed = what;
	alarm(LIMIT_SECONDS);
	*st = quern_run_execute(*run);
	armed = NOTHING;
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

static int sweep(const char *file, const char *dataset, enum what what, int stride, int most)
{
	quern_run *run, **kept = calloc(MOST_RUNS, sizeof(*kept));
	int64_t count = -1;
	int nkept = 0, nfailed = 0, ntimes = 0;
	enum quern_status st;

	for (int victim = 0; victim < 2; victim++) {
		int n = one_run(file, dataset, what, victim, 0, &run, &st);

		PMPI_Bcast(&n, 1, MPI_INT, victim, MPI_COMM_WORLD);
		n = most && most < n ? most : n;
		for (int nth = 0; nth <= n && nkept < MOST_RUNS; nth += nth ? stride : 1, ntimes++) {
			if (nth)
				one_run(file, dataset, what, victim, nth, &run, &st);
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
	code = sweep(argv[1], argv[2], strcmp(argv[3], "mpi") ? MEMORY : MPI, atoi(argv[4]),
		     strcmp(argv[3], "start") ? 0 : BEFORE_START);
	MPI_Finalize();
	return code;
}
