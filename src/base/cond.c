#include "base/cond.h"

#include <errno.h>
#include <time.h>

#define SECOND_NS 1000000000

void qn_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(c, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

bool qn_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += until.tv_nsec;
	until.tv_sec += ns / SECOND_NS;
	until.tv_nsec = ns % SECOND_NS;
	return pthread_cond_timedwait(c, lock, &until) != ETIMEDOUT;
}
