/*
 * plan.h - what is to go wrong. Files of this folder take the place of files of the library in the build
 * for tests (.build/test/quern, unit tests) or stand before them: system.c for base/system.c, memory.c for
 * base/mem.c, hosts.c for cluster/host.c, mpi.c for MPI. They do the same, unless one of these
 * variables is set:
 *
 *	QUERN_TEST_FAULTS=KIND:N:WHAT[:TIMES]	at the Nth call of a kind (from 1), and the following ones
 *					if TIMES says so (0: all)
 *	QUERN_TEST_FAULTS_PATH=PATTERN	of files that match (fnmatch; / is nothing special); default: *. Calls
 *					that take a name are matched by that, others by the full path.
 *	QUERN_TEST_FAULTS_LOG=FILE	gets a line "KIND PATH" for each call that matches, "KIND PATH WHAT"
 *					for one that something was done to: a script counts them, and loops
 *					over N. NULs at its end are room that was not needed.
 *	QUERN_TEST_FAULTS_RANK=R	only on that rank of MPI
 *	QUERN_TEST_READ_DELAY=n3:4000,0:250,*:100	reads of data take at least 4000 ns a KiB on host n3,
 *					250 ns on rank 0 elsewhere, and otherwise 100 ns
 *	QUERN_TEST_HOSTS=4		ranks of a host are divided into four runs, which take each other
 *					for other hosts
 *
 * KIND: one of the names in plan.c; `change` for all that change something, `file` for all on files.
 * `memory` is of allocations, `mpi` of calls of MPI, `agree` of those by which ranks agree on what has
 * failed (MPI_Allreduce), and `end` of the end of the process; these have no file. WHAT: the name
 * of an errno; `short`: a read or a write does half of what it should, and a call of MPI that fails is not made
 * if no other rank waits for it; `wait`: half a second passes;
 * `stop`: the process is stopped by SIGSTOP; `kill`: it is killed; `lose`: it ends as if the power had
 * failed, with nothing but what was synced (durable.h);
 * `tear`: and with some of the rest, by the seed TIMES. A rename matches by either name. A close that
 * fails closes the file, as on Linux. Processes that are forked count together. One that is confined
 * cannot ask what its files are called: there the path is "confined".
 *
 * The variables are taken out of the environment at the start, so that the command does not wonder at them.
 */
#ifndef QN_TESTS_TESTING_PLAN_H
#define QN_TESTS_TESTING_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum test_kind {
	TEST_LOOK,
	TEST_LIST,
	TEST_OPEN,
	TEST_READ,
	TEST_MAP,
	TEST_CREATE,
	TEST_WRITE,
	TEST_SYNC,
	TEST_TRUNCATE,
	TEST_RESERVE,
	TEST_CLOSE,
	TEST_RENAME,
	TEST_UNLINK,
	TEST_MKDIR,
	TEST_RMDIR,
	TEST_LOCK,
	TEST_META,
	TEST_MEMORY,
	TEST_MPI,
	TEST_AGREE,
	TEST_END,
	TEST_NKINDS
};

enum test_action { TEST_PASS, TEST_FAIL, TEST_SHORT, TEST_OTHER };

/* What happens to a call on a file, or (other: NULL or a second name) on two. Whatever is more than
   failing has happened then. TEST_FAIL: errno is set; otherwise it is kept. */
enum test_action test_decide(enum test_kind kind, const char *path, const char *other);
enum test_action test_decide_fd(enum test_kind kind, int fd);

/* Is what was not synced to be forgotten, by this process? */
bool test_loses(void);

/* For programs that do many things in one process: from here on the nth call of a kind fails (0: none),
   and how many there have been since. */
void test_fail_at(enum test_kind kind, long n);
/* The nth and all that follow. */
void test_fail_from(enum test_kind kind, long n);
/* The nth call of MPI, with what is `short` above. */
void test_leave_out_at(long n);
long test_count(void);

/* Of a variable above, or NULL. */
const char *test_variable(const char *name);

/* The delay that a setting as above has for a host and a rank (as text, or NULL), in ns a KiB; 0: none. */
uint64_t test_delay(const char *setting, const char *host, const char *rank);

/* The rank as launchers tell it; "0" without one. */
const char *test_rank(void);

#endif
