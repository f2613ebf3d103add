/*
 * policy.h - how workers take and steal work: pure, for the workers and for the simulation of them.
 *
 * A worker takes batches from the head of its own rank's queue, smaller ones towards its end. When
 * that is empty it goes through the other queues, nearest first (same NUMA node, then same host),
 * each time from the next rank on, so that thieves spread out, and takes from the tail of each
 * until it is empty.
 */
#ifndef QN_PLAN_POLICY_H
#define QN_PLAN_POLICY_H

#include <stdint.h>

#define QN_LARGEST_BATCH 32	/* tasks taken at once: more would spoil the balance at the end */

/* How many tasks to take at once from one's own queue with `left`. */
static inline uint32_t qn_policy_batch(uint32_t left, uint32_t nthreads)
{
	uint32_t n = left / (8 * nthreads);

	return n < 1 ? 1 : n > QN_LARGEST_BATCH ? QN_LARGEST_BATCH : n;
}

/* A thief takes one part in so many of what is left: half, over the threads of both ranks. */
static inline uint32_t qn_policy_parts(uint32_t victim_nthreads, uint32_t thief_nthreads)
{
	return 2 * (victim_nthreads + thief_nthreads);
}

/* How many tasks that is, of `left`. */
static inline uint32_t qn_policy_loot(uint32_t left, uint32_t parts)
{
	uint32_t n = left / parts;

	return n ? n : left ? 1 : 0;
}

/* The other ranks of a host, nearest first: node[r] is that of rank r. victim has room for
   nranks - 1. */
static inline void qn_policy_victims(const uint32_t *node, int nranks, int mine, int *victim)
{
	int n = 0;

	for (int far = 0; far < 2; far++)
		for (int i = 1; i < nranks; i++) {
			int r = (mine + i) % nranks;

			if ((node[r] != node[mine]) == far)
				victim[n++] = r;
		}
}

#endif
