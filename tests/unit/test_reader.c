/*
 * test_reader.c - sessions whose metadata is read by quern-reader: while other threads of the program are inside the
 * HDF5 library, many times, and when processes end that nobody expected to.
 */
#include <dirent.h>
#include <errno.h>
#include <hdf5.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "quern.h"

#define NTHREADS  4
#define NELEMS	  4096
#define MEAN	  ((NELEMS - 1) / 2.0)
#define NRUNS	  50
#define FEW_RUNS  60
#define MANY_RUNS 1000 /* with FAULT_LOOPS=all */

static const char *reader;

/* --- files, and runs over them --- */

static void make_file(const char *name)
{
	const hsize_t shape[] = { NELEMS }, chunk[] = { 512 };
	static double value[NELEMS];
	hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	hid_t space = H5Screate_simple(1, shape, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE), set;

	for (int i = 0; i < NELEMS; i++)
		value[i] = i;
	H5Pset_chunk(dcpl, 1, chunk);
	set = H5Dcreate2(file, "v", H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0);
	H5Dclose(set);
	H5Pclose(dcpl);
	H5Sclose(space);
	H5Fclose(file);
}

static quern_session *new_session(void)
{
	quern_session *s = quern_session_new(MPI_COMM_NULL);

	assert_non_null(s);
	if (quern_session_set(s, "reader", reader))
		fail_msg("%s", quern_session_message(s));
	return s;
}

static double mean_of(quern_session *s, const char *file)
{
	quern_run *run = quern_run_new(s, "moments");
	double mean = -1;

	quern_run_set(run, "threads", "1");
	quern_run_add_file(run, file);
	if (quern_run_execute(run))
		fail_msg("%s", quern_run_message(run));
	assert_true(quern_result_get_real(quern_run_result(run), "mean", &mean));
	quern_run_free(run);
	return mean;
}

/* --- threads inside the library --- */

static pthread_mutex_t library_lock =
	PTHREAD_MUTEX_INITIALIZER; /* of the program, of which quern knows nothing */
static atomic_bool stop;
static atomic_int nreads;

static void read_file(double *value)
{
	hid_t file, set;

	pthread_mutex_lock(&library_lock);
	file = H5Fopen("own.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
	set = H5Dopen2(file, "v", H5P_DEFAULT);
	H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
	H5Dclose(set);
	H5Fclose(file);
	pthread_mutex_unlock(&library_lock);
}

static void *hammer(void *ctx)
{
	(void)ctx;
	while (!atomic_load(&stop)) {
		double *value = malloc(NELEMS * sizeof(*value));

		if (!value)
			return ctx;
		read_file(value);
		atomic_fetch_add(&nreads, value[NELEMS - 1] == NELEMS - 1);
		free(value);
	}
	return NULL;
}

/* Each run is of a file of its own, so that nothing is known of it. */
static void test_threads(void **state)
{
	pthread_t thread[NTHREADS];
	quern_session *s = new_session();
	char name[32];

	(void)state;
	make_file("own.h5");
	for (int i = 0; i < NRUNS; i++) {
		snprintf(name, sizeof(name), "run%d.h5", i);
		make_file(name);
	}
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, NULL), 0);
	for (int i = 0; i < NRUNS; i++) {
		snprintf(name, sizeof(name), "run%d.h5", i);
		assert_true(mean_of(s, name) == MEAN);
		remove(name);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(thread[i], NULL);
	assert_true(atomic_load(&nreads) > NRUNS);
	quern_session_free(s);
	remove("own.h5");
}

/* --- what is left --- */

static int count_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The last process that this one has started, 0: none is there. */
static pid_t child_of(pid_t parent)
{
	char name[64];
	int pid = 0, next;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	f = fopen(name, "r");
	while (f && fscanf(f, "%d", &next) == 1)
		pid = next;
	if (f)
		fclose(f);
	return pid;
}

static void test_nothing_grows(void **state)
{
	const char *loops = getenv("FAULT_LOOPS");
	const int n = loops && !strcmp(loops, "all") ? MANY_RUNS : FEW_RUNS;
	const int before = count_files();
	quern_session *s = new_session();
	int with;
	pid_t program;

	(void)state;
	make_file("many.h5");
	mean_of(s, "many.h5");
	with = count_files();
	program = child_of(getpid());
	for (int i = 0; i < n; i++) {
		assert_true(mean_of(s, "many.h5") == MEAN);
		assert_int_equal(child_of(getpid()), program);
	}
	assert_int_equal(count_files(), with);
	quern_session_free(s);
	assert_int_equal(count_files(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	remove("many.h5");
}

/* --- ends --- */

static bool ends(pid_t pid)
{
	for (int i = 0; i < 1000; i++) {
		if (kill(pid, 0) != 0)
			return true;
		waitpid(pid, NULL, WNOHANG);
		usleep(10000);
	}
	return false;
}

static void test_program_killed(void **state)
{
	quern_session *s = new_session();
	pid_t program;

	(void)state;
	make_file("killed.h5");
	mean_of(s, "killed.h5");
	program = child_of(getpid());
	assert_true(program > 0);
	kill(program, SIGKILL);
	assert_true(mean_of(s, "killed.h5") == MEAN);
	assert_true(child_of(getpid()) != program);
	quern_session_free(s);
	remove("killed.h5");
}

/* The program of a process that is killed becomes a child of this one, and ends. */
static void test_parent_killed(void **state)
{
	int fd[2];
	pid_t parent, program = 0;

	(void)state;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	assert_int_equal(pipe(fd), 0);
	make_file("parent.h5");
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		mean_of(new_session(), "parent.h5");
		program = child_of(getpid());
		_exit(write(fd[1], &program, sizeof(program)) == sizeof(program) && pause());
	}
	assert_int_equal(read(fd[0], &program, sizeof(program)), sizeof(program));
	assert_true(program > 0);
	assert_int_equal(kill(program, 0), 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_true(ends(program));
	close(fd[0]);
	close(fd[1]);
	remove("parent.h5");
}

/* Names of files begin where the process is, also when it goes elsewhere. */
static void test_other_directory(void **state)
{
	quern_session *s = new_session();

	(void)state;
	make_file("here.h5");
	assert_true(mean_of(s, "here.h5") == MEAN);
	assert_int_equal(system("mkdir -p elsewhere && mv here.h5 elsewhere/there.h5"), 0);
	assert_int_equal(chdir("elsewhere"), 0);
	assert_true(mean_of(s, "there.h5") == MEAN);
	quern_session_free(s);
	remove("there.h5");
	assert_int_equal(chdir(".."), 0);
	rmdir("elsewhere");
}

static void test_options(void **state)
{
	quern_session *s = quern_session_new(MPI_COMM_NULL);

	(void)state;
	assert_int_equal(quern_session_set(s, "writer", "fork"), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(s), "writer"));
	assert_int_equal(quern_session_set(s, "reader", "spoon"), QUERN_ERR_USAGE);
	assert_non_null(strstr(quern_session_message(s), "spoon"));
	assert_int_equal(quern_session_set(s, NULL, NULL), QUERN_ERR_USAGE);
	assert_int_equal(quern_session_set(s, "reader", "program"), QUERN_OK);
	assert_int_equal(quern_session_set(s, "reader", "fork"), QUERN_OK);
	assert_string_equal(quern_session_message(s), "");
	quern_session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),		cmocka_unit_test(test_nothing_grows),
		cmocka_unit_test(test_program_killed),	cmocka_unit_test(test_parent_killed),
		cmocka_unit_test(test_other_directory), cmocka_unit_test(test_threads),
	};

	reader = getenv("READER");
	if (!reader)
		reader = "program";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
