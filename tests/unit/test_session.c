/*
 * test_session.c - many runs of one session, several threads with a session each, runs that are cancelled, and what
 * is left of all that: nothing. Alone, without MPI, and as `mpirun -n N test_session mpi`.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpi_test.h"
#include "quern.h"

#define FILE_NAME "session.h5"
#define NCHUNKS	  48
#define CHUNK	  2048 /* elements */
#define NELEMS	  (NCHUNKS * CHUNK)
#define MEAN	  ((NELEMS - 1) / 2.0)
#define NTHREADS  8
#define FEW_RUNS  60   /* enough for what grows by a descriptor or a page a run to be seen */
#define MANY_RUNS 1000 /* with FAULT_LOOPS=all */

static MPI_Comm world;
static int my_rank, nranks = 1;
static quern_session *session; /* on world */
static quern_run *kept;	       /* until after MPI_Finalize */

static void barrier(void)
{
	if (world != MPI_COMM_NULL)
		MPI_Barrier(world);
}

static void write_rows(hsize_t nrows)
{
	const hsize_t shape[] = { nrows, CHUNK }, chunk[] = { 1, CHUNK };
	static double value[NELEMS];
	hid_t file, space, dcpl, set;

	for (int i = 0; i < NELEMS; i++)
		value[i] = i;
	if (!my_rank) {
		file = H5Fcreate(FILE_NAME, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
		space = H5Screate_simple(2, shape, NULL);
		dcpl = H5Pcreate(H5P_DATASET_CREATE);
		H5Pset_chunk(dcpl, 2, chunk);
		set = H5Dcreate2(file, "v", H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
		H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
		H5Dclose(set);
		H5Pclose(dcpl);
		H5Sclose(space);
		H5Fclose(file);
	}
	barrier();
}

static int write_file(void **state)
{
	(void)state;
	write_rows(NCHUNKS);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	barrier();
	if (!my_rank)
		remove(FILE_NAME);
	return 0;
}

static quern_run *new_run(quern_session *s, const char *kernel, const char *threads)
{
	quern_run *run = quern_run_new(s, kernel);

	if (!run)
		return NULL;
	quern_run_set(run, "threads", threads);
	quern_run_add_file(run, FILE_NAME);
	return run;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- runs of one session --- */

static void execute(quern_run *run)
{
	double mean = 0;

	assert_non_null(run);
	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
	if (!my_rank) {
		assert_true(quern_result_get_real(quern_run_result(run), "mean", &mean));
		assert_true(mean == MEAN);
	}
}

/* Runs stay what they were when the team is formed anew, and when the session is freed. */
static void test_runs_outlive(void **state)
{
	static const char *const threads[] = { "1", "2", "2", "1", "3" };
	enum { N = sizeof(threads) / sizeof(*threads) };
	quern_session *own = quern_session_new(world);
	quern_run *run[N];

	(void)state;
	assert_int_equal(quern_session_status(own), QUERN_OK);
	assert_string_equal(quern_session_message(own), "");
	for (int i = 0; i < N; i++)
		execute(run[i] = new_run(own, "moments", threads[i]));
	quern_session_free(own);
	for (int i = 0; i < N; i++) {
		char want[32], *text = quern_run_document(run[i], true);

		snprintf(want, sizeof(want), "\"threads\": %d", atoi(threads[i]) * nranks);
		assert_true((text != NULL) == (my_rank == 0));
		if (text && !strstr(text, want))
			fail_msg("no %s in %s", want, text);
		free(text);
		quern_run_free(run[i]);
	}
}

static void test_of_no_use(void **state)
{
	quern_session *bad;
	quern_run *run;

	(void)state;
	setenv("QUERN_CPU", "abacus", 1);
	bad = quern_session_new(world);
	unsetenv("QUERN_CPU");
	assert_non_null(bad);
	assert_int_equal(quern_session_status(bad), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(bad), "QUERN_CPU"));
	run = new_run(bad, "moments", "1");
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	assert_string_equal(quern_run_message(run), quern_session_message(bad));
	quern_session_free(bad);
	quern_run_free(run);
	run = new_run(NULL, "moments", "1");
	assert_int_equal(quern_run_execute(run), QUERN_ERR_USAGE);
	quern_run_free(run);
	quern_session_free(NULL);
}

/* The communicator as Fortran has it. */
static void test_handle(void **state)
{
	const int handle = world == MPI_COMM_NULL ? QUERN_NO_MPI : MPI_Comm_c2f(world);
	quern_session *own = quern_session_new_f(handle);
	quern_run *run = new_run(own, "moments", "1");

	(void)state;
	execute(run);
	quern_run_free(run);
	quern_session_free(own);
	if (world != MPI_COMM_NULL)
		return;
	own = quern_session_new_f(0);
	assert_int_equal(quern_session_status(own), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(own), "MPI is not begun"));
	quern_session_free(own);
}

static void *make_session(void *out)
{
	quern_session **made = out;

	*made = quern_session_new(world);
	return NULL;
}

static void test_thread_level(void **state)
{
	quern_session *made = NULL;
	pthread_t thread;
	int level;

	(void)state;
	if (world == MPI_COMM_NULL || MPI_Query_thread(&level) || level != MPI_THREAD_FUNNELED)
		return;
	assert_int_equal(pthread_create(&thread, NULL, make_session, &made), 0);
	pthread_join(thread, NULL);
	assert_non_null(made);
	assert_int_equal(quern_session_status(made), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(made), "MPI_THREAD_SERIALIZED"));
	quern_session_free(made);
}

/* --- what is left --- */

struct left {
	int nfiles, nthreads;
	long npages;
};

static int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct left look(void)
{
	struct left l = { count_entries("/proc/self/fd"), count_entries("/proc/self/task"), 0 };
	FILE *f = fopen("/proc/self/statm", "r");
	long size;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &l.npages), 2);
	fclose(f);
	return l;
}

static void some_runs(int n)
{
	static const char *const kernels[] = { "moments", "mean", "mean,minmax" };

	for (int i = 0; i < n; i++) {
		quern_session *own = i % 10 == 9 ? quern_session_new(world) : NULL;
		quern_run *run = new_run(own ? own : session, kernels[i % 3], i % 4 ? "1" : "2");

		execute(run);
		quern_run_free(run);
		quern_session_free(own);
		run = quern_inspect_new(session);
		quern_run_add_file(run, i % 5 ? FILE_NAME : "absent.h5");
		assert_int_equal(quern_run_execute(run), i % 5 ? QUERN_OK : QUERN_ERR_DATA);
		quern_run_free(run);
	}
}

/* Sanitizers keep what is freed for a while, and look for what is lost themselves. */
static bool is_sanitized(void)
{
	const char *sanitizers = getenv("SAN");

	return sanitizers && *sanitizers;
}

static void test_nothing_grows(void **state)
{
	const char *loops = getenv("FAULT_LOOPS");
	const int n = loops && !strcmp(loops, "all") ? MANY_RUNS : FEW_RUNS;
	struct left before, after;

	(void)state;
	some_runs(20);
	before = look();
	some_runs(n);
	after = look();
	assert_int_equal(after.nfiles, before.nfiles);
	assert_int_equal(after.nthreads, before.nthreads);
	/* The allocator's share, not a page for each. */
	if (!is_sanitized() && after.npages - before.npages > 256 + n / 8)
		fail_msg("%ld pages more after %d runs", after.npages - before.npages, n);
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* --- what is known of a file --- */

static int64_t count(void)
{
	quern_run *run = new_run(session, "count", "1");
	int64_t n = -1;

	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
	quern_result_get_int(quern_run_result(run), "count", &n);
	quern_run_free(run);
	return n;
}

/* What is known is of the file as it was, also where another one has its times. */
static void test_changed_file(void **state)
{
	struct timespec times[2];
	struct stat before;
	int64_t n;

	(void)state;
	assert_int_equal(stat(FILE_NAME, &before), 0);
	sleep(before.st_ctime + 4 > time(NULL) ? (unsigned)(before.st_ctime + 4 - time(NULL)) : 0);
	for (int i = 0; i < 3; i++) {
		n = count();
		assert_int_equal(n, my_rank ? -1 : NELEMS);
	}
	barrier();
	write_rows(NCHUNKS / 2);
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	if (!my_rank)
		assert_int_equal(utimensat(AT_FDCWD, FILE_NAME, times, 0), 0);
	barrier();
	n = count();
	assert_int_equal(n, my_rank ? -1 : NELEMS / 2);
	barrier();
	write_rows(NCHUNKS);
	n = count();
	assert_int_equal(n, my_rank ? -1 : NELEMS);
}

/* --- threads --- */

struct worker {
	pthread_t thread;
	int nright;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	quern_session *own = quern_session_new(MPI_COMM_NULL);

	for (int i = 0; i < 3; i++) {
		quern_run *run = new_run(own, i == 1 ? "moments,minmax" : "moments", "2");
		double mean = 0;

		w->nright += !quern_run_execute(run) &&
			     quern_result_get_real(quern_run_result(run), "mean", &mean) &&
			     mean == MEAN;
		quern_run_free(run);
	}
	quern_session_free(own);
	return NULL;
}

static void test_threads(void **state)
{
	struct worker w[NTHREADS] = { { .nright = 0 } };

	(void)state;
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].nright, 3);
	}
}

/* --- cancelling --- */

struct caller {
	int ncalls, most; /* that it lets pass */
	double at;	  /* when it has cancelled */
};

static bool enough(void *ctx, int pass, uint64_t done, uint64_t total)
{
	struct caller *c = ctx;

	(void)pass;
	(void)done;
	(void)total;
	if (c->ncalls++ < c->most)
		return true;
	c->at = now();
	return false;
}

/* delay: of a read, in ns a KiB: a chunk has 16. On every rank. */
static void cancel(quern_session *s, quern_run *run, const char *delay, int most)
{
	struct caller c = { .most = most };
	double end;

	quern_run_progress(run, enough, &c);
	setenv("QUERN_TEST_READ_DELAY", delay, 1);
	assert_int_equal(quern_run_execute(run), QUERN_ERR_INTERRUPTED);
	end = now();
	unsetenv("QUERN_TEST_READ_DELAY");
	assert_non_null(strstr(quern_run_message(run), "cancelled"));
	assert_int_equal(c.ncalls, my_rank ? 0 : most + 1);
	/* "Soon", with room for a machine that is busy. */
	if (!my_rank && end - c.at > 2)
		fail_msg("%g s after it was cancelled", end - c.at);
	assert_null(quern_run_result(run));
	quern_run_free(run);
	execute(run = new_run(s, "moments", "1"));
	quern_run_free(run);
}

static void test_cancel(void **state)
{
	static const char *const hosts[] = { "1", "2" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		quern_session *own;

		setenv("QUERN_TEST_HOSTS", hosts[i], 1);
		own = quern_session_new(world);
		unsetenv("QUERN_TEST_HOSTS");
		cancel(own, new_run(own, "moments", "1"), "*:2500000", 0);
		cancel(own, new_run(own, "median", "1"), "*:2500000", 1);
		quern_session_free(own);
	}
}

/* Of the file that rows go to nothing is left. One worker has all chunks at once, and it may be another rank's. */
static void test_cancel_with_output(void **state)
{
	quern_run *run = new_run(session, "mean", "1");
	int before;

	(void)state;
	if (nranks > 1) {
		quern_run_free(run);
		return;
	}
	before = count_entries(".");
	quern_run_set(run, "over", "0");
	assert_int_equal(quern_run_output(run, "cancelled.nc"), QUERN_OK);
	cancel(session, run, "*:1000000", 0);
	assert_int_equal(count_entries("."), before);
}

static void test_cancel_verify(void **state)
{
	quern_run *run = quern_verify_new(session);

	(void)state;
	quern_run_set(run, "threads", "1");
	quern_run_add_file(run, FILE_NAME);
	cancel(session, run, "*:2500000", 0);
}

static void test_kept(void **state)
{
	(void)state;
	execute(kept = new_run(session, "moments", "1"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_outlive),
		cmocka_unit_test(test_of_no_use),
		cmocka_unit_test(test_handle),
		cmocka_unit_test(test_thread_level),
		cmocka_unit_test(test_nothing_grows),
		cmocka_unit_test(test_changed_file),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_with_output),
		cmocka_unit_test(test_cancel_verify),
		cmocka_unit_test(test_kept),
	};
	int failed;

	world = mpi_test_begin(&argc, &argv);
	if (world != MPI_COMM_NULL) {
		MPI_Comm_rank(world, &my_rank);
		MPI_Comm_size(world, &nranks);
	}
	session = quern_session_new(world);
	failed = cmocka_run_group_tests(tests, write_file, remove_file);
	failed = mpi_test_end(world, failed);
	/* Each rank lets go of what it has when it likes, after the end of MPI too. */
	quern_run_free(kept);
	quern_session_free(session);
	return failed;
}
