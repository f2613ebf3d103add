/*
 * patient.c - loaded into the ranks of tests (LD_PRELOAD, by tests/run): one that waits for others sleeps between
 * its looks at what has come.
 *
 * MPI looks over and over, and yields in between. Where there are more ranks than cores, whoever yields is soon
 * back, so that ranks without work take as much of the cores as those with work, and as the tests beside them.
 */
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NLOOKS 4 /* for each nap: what comes soon is not kept waiting */
#define NAP_NS 50000

int sched_yield(void)
{
	static _Thread_local unsigned n;

	if (++n % NLOOKS)
		return (int)syscall(SYS_sched_yield);
	nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	return 0;
}
