/*
 * onesided - what fails on one rank ends all of them, with one status and one message.
 *
 *	mpirun -n 3 onesided COMMAND FILE DATASET WHAT STRIDE
 *
 * COMMAND: `run`, a kernel of two passes; `verify`; `stage`, to the directory `staged`, which is there. It is
 * done over and over, with the first, second, ... call of WHAT failing on one rank, then on another:
 * `mpi`, the functions of MPI that the library uses, which are called and then say that they have failed;
 * `left_out`, those that no other rank waits for, which are not called; `memory`, the library's own
 * allocator; `start`, the same while the communicator is made. Of the calls, every STRIDEth is taken. Ends
 * with 1, and says why, when it takes longer than LIMIT_SECONDS, ends differently on different ranks, or ends
 * well with another result; after a stage that failed the same must do what is left to do. Every second rank
 * keeps its runs, and frees them at the very end.
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

/* --- the commands --- */

/* What came of one. */
struct outcome {
	enum quern_status st;
	char why[2048];
	quern_session *session;
	quern_run *run; /* of `run` */
	int64_t count;	/* of elements, on rank 0, which is always the same; -1: there is none */
};

typedef void command_fn(const char *file, const char *dataset, struct outcome *o);

/* What may fail on one rank alone. */
static quern_run *make(quern_run *run)
{
	if (!run)
		complain("no run");
	return run;
}

static void make_run(const char *file, const char *dataset, struct outcome *o)
{
	o->session = quern_session_new(MPI_COMM_WORLD);
	o->run = make(quern_run_new(o->session, "histogram"));
	quern_run_set(o->run, "dataset", dataset);
	quern_run_set(o->run, "bins", "5");
	quern_run_set(o->run, "threads", "1");
	quern_run_set(o->run, "bind", "none");
	quern_run_add_file(o->run, file);
}

/* A rank without memory for it has none, and knows why. */
static void do_session(const char *file, const char *dataset, struct outcome *o)
{
	int has, all;

	(void)file;
	(void)dataset;
	o->session = quern_session_new(MPI_COMM_WORLD);
	has = o->session != NULL;
	PMPI_Allreduce(&has, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
	o->st = has ? quern_session_status(o->session) : QUERN_ERR_RUN;
	if (!all && o->st != QUERN_ERR_RUN)
		complain("a session that another rank does not have");
	snprintf(o->why, sizeof(o->why), "%s", all ? quern_session_message(o->session) : "memory");
}

static void do_run(const char *file, const char *dataset, struct outcome *o)
{
	(void)file;
	(void)dataset;
	o->st = quern_run_execute(o->run);
	snprintf(o->why, sizeof(o->why), "%s", quern_run_message(o->run));
	quern_result_get_int(quern_run_result(o->run), "count", &o->count);
}

static void make_verify(const char *file, const char *dataset, struct outcome *o)
{
	o->session = quern_session_new(MPI_COMM_WORLD);
	o->run = make(quern_verify_new(o->session));
	quern_run_set(o->run, "dataset", dataset);
	quern_run_set(o->run, "threads", "1");
	quern_run_add_file(o->run, file);
}

static void make_stage(const char *file, const char *dataset, struct outcome *o)
{
	o->session = quern_session_new(MPI_COMM_WORLD);
	o->run = make(quern_stage_new(o->session));
	quern_run_set(o->run, "dataset", dataset);
	quern_run_set(o->run, "to", "staged");
	quern_run_add_file(o->run, file);
}

/* What has been done in part is done to its end, and taken back. */
static void unstage(const char *file, const char *dataset)
{
	const char *base = strrchr(file, '/');
	char catalog[256];
	struct outcome o = { .count = -1 };

	snprintf(catalog, sizeof(catalog), "staged/%s", base ? base + 1 : file);
	make_stage(file, dataset, &o);
	do_run(file, dataset, &o);
	if (o.st && !strstr(o.why, "there already"))
		complain(o.why);
	quern_run_free(o.run);
	o.run = make(quern_unstage_new(o.session));
	quern_run_add_file(o.run, catalog);
	do_run(file, dataset, &o);
	if (o.st)
		complain(o.why);
	quern_run_free(o.run);
	quern_session_free(o.session);
}

static const struct command {
	const char *name;
	command_fn *prepare, *run; /* prepare: NULL, or what comes before any call fails */
	void (*clean)(const char *file, const char *dataset);
} commands[] = {
	{ "session", NULL, do_session, NULL },
	{ "run", make_run, do_run, NULL },
	{ "verify", make_verify, do_run, NULL },
	{ "stage", make_stage, do_run, unstage },
};

/* --- what fails --- */

static void fail_mpi(int n)
{
	test_fail_at(TEST_MPI, n);
}

static void leave_out(int n)
{
	test_leave_out_at(n);
}

static void fail_memory(int n)
{
	test_fail_at(TEST_MEMORY, n);
}

static const struct what {
	const char *name;
	void (*fail)(int n);
	int most;
} whats[] = {
	{ "mpi", fail_mpi, MOST_RUNS },
	{ "left_out", leave_out, MOST_RUNS },
	{ "memory", fail_memory, MOST_RUNS },
	{ "start", fail_memory, BEFORE_START },
};

/* --- tries --- */

struct sweep {
	const struct command *command;
	const struct what *what;
	const char *file, *dataset;
	int stride;
	int ntimes, nfailed;
	int64_t count; /* -1: not known yet */
	quern_run *kept[MOST_RUNS];
	int nkept;
};

/* The same on all ranks? */
static void compare(const struct outcome *o)
{
	char text[2048] = "", *all = calloc((size_t)nranks, sizeof(text));

	snprintf(text, sizeof(text), "%d %.2000s", (int)o->st, o->why);
	PMPI_Allgather(text, sizeof(text), MPI_CHAR, all, sizeof(text), MPI_CHAR, MPI_COMM_WORLD);
	for (int r = 0; r < nranks; r++)
		if (strcmp(all + (size_t)r * sizeof(text), text))
			complain(text);
	if (o->st && !o->why[0])
		complain("no message");
	free(all);
}

static void take_leave(struct sweep *s, struct outcome *o)
{
	if (my_rank % 2 && s->nkept < MOST_RUNS)
		s->kept[s->nkept++] = o->run;
	else
		quern_run_free(o->run);
}

/* Fails the nth call on `victim`; how many there were of them. */
static int try(struct sweep *s, int victim, int nth)
{
	struct outcome o = { .count = -1 };
	int ncalls;

	snprintf(doing, sizeof(doing), "%s: call %d fails on rank %d", s->command->name, nth,
		 victim);
	alarm(LIMIT_SECONDS);
	if (s->command->prepare)
		s->command->prepare(s->file, s->dataset, &o);
	s->what->fail(my_rank == victim ? nth : 0);
	s->command->run(s->file, s->dataset, &o);
	ncalls = (int)test_count();
	test_fail_at(TEST_MPI, 0);
	compare(&o);
	s->ntimes++;
	s->nfailed += o.st != QUERN_OK;
	if (my_rank == 0 && !o.st && s->count < 0)
		s->count = o.count;
	if (my_rank == 0 && !o.st && o.count != s->count)
		complain("another result");
	quern_session_free(o.session);
	take_leave(s, &o);
	if (s->command->clean)
		s->command->clean(s->file, s->dataset);
	alarm(0);
	return ncalls;
}

static int sweep(struct sweep *s)
{
	for (int victim = 0; victim < nranks; victim++) {
		int n = try(s, victim, 0);

		PMPI_Bcast(&n, 1, MPI_INT, victim, MPI_COMM_WORLD);
		n = s->what->most < n ? s->what->most : n;
		for (int nth = 1; nth <= n; nth += s->stride)
			try(s, victim, nth);
	}
	if (my_rank == 0)
		printf("%d of %d tries failed\n", s->nfailed, s->ntimes);
	PMPI_Barrier(MPI_COMM_WORLD);
	while (s->nkept)
		quern_run_free(s->kept[--s->nkept]);
	return s->nfailed ? 0 : 1;
}

static bool parse(int argc, char **argv, struct sweep *s)
{
	if (argc != 6 || nranks < 2)
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			s->command = &commands[i];
	for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++)
		if (!strcmp(argv[4], whats[i].name))
			s->what = &whats[i];
	s->file = argv[2];
	s->dataset = argv[3];
	s->stride = atoi(argv[5]);
	s->count = -1;
	return s->command && s->what && s->stride > 0;
}

int main(int argc, char **argv)
{
	static struct sweep s;
	int code, provided;

	MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
	MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	if (!parse(argc, argv, &s)) {
		fputs("usage: mpirun -n 3 onesided session|run|verify|stage FILE DATASET "
		      "mpi|left_out|memory|start STRIDE\n",
		      stderr);
		MPI_Abort(MPI_COMM_WORLD, 2);
	}
	signal(SIGALRM, out_of_time);
	code = sweep(&s);
	MPI_Finalize();
	return code;
}
