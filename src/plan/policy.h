/*
 * policy.h - how workers take and steal work: pure, for the workers and for the simulation of them.
 *
 * A worker takes batches from the head of its own rank's queue, smaller ones towards its end. When
 * that is empty it goes through the other queues, nearest first (same NUMA node, then same host),
 * each time from the next rank on, so that thieves spread out, and takes from the tail of each
 * until it is empty.
 *
 * Between hosts work is leased, many tasks at a time. A host that will soon have nothing left asks
 * another, one that holds copies of the same data first; that one gives half of what would let both
 * be done at the same time, if it pays. Half, because others will come, and rates are estimates;
 * who is done early asks again.
 */
#ifndef QN_PLAN_POLICY_H
#define QN_PLAN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define QN_LARGEST_BATCH 32   /* tasks taken at once: more would spoil the balance at the end */
#define QN_BATCH_SECONDS 2e-3 /* and no more than take so long: nobody else gets them */

/* How many tasks to take at once from one's own queue with `left`. task_seconds: of the last ones,
   0 when it is not known yet. */
static inline uint32_t qn_policy_batch(uint32_t left, uint32_t nthreads, double task_seconds)
{
	uint32_t n = left / (8 * nthreads);

	n = n > QN_LARGEST_BATCH ? QN_LARGEST_BATCH : n;
	if (task_seconds <= 0)
		return 1;
	if (n * task_seconds > QN_BATCH_SECONDS)
		n = (uint32_t)(QN_BATCH_SECONDS / task_seconds);
	return n ? n : 1;
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

/* --- between hosts --- */

#define QN_LARGEST_LEASE 32768 /* tasks */

/* What a host has to do and how fast it is, in any measure of work. */
struct qn_load {
	double waiting; /* work that no worker has taken */
	double working; /* and what is in their hands */
	double rate;	/* a second, all threads together; 0: not known */
	double task;	/* work of the mean task */
	double nthreads;
};

/* Seconds until all is done; what is in hand is half done. */
static inline double qn_policy_finish(const struct qn_load *l)
{
	double left = l->waiting + l->working / 2;

	return left <= 0 ? 0 : l->rate > 0 ? left / l->rate : 1e9;
}

/* Seconds until the last task is done: one thread does it. */
static inline double qn_policy_last(const struct qn_load *l, double more)
{
	double alone = l->rate > 0 ? (l->nthreads - 1) * l->task / l->rate : 0;

	return qn_policy_finish(l) + alone + (l->rate > 0 ? more / l->rate : 0);
}

/* Is it time to ask others for work? latency: seconds from asking to having it. */
static inline bool qn_policy_is_low(const struct qn_load *l, double latency)
{
	return l->waiting < l->nthreads * l->task || qn_policy_finish(l) < 4 * latency;
}

/* Seconds before a host that gave nothing is asked again: work may go on slower than it thinks. */
static inline double qn_policy_wait(double finish)
{
	double wait = finish / 4;

	return wait < 1e-3 ? 1e-3 : wait < 50e-3 ? wait : 50e-3;
}

/* How many of the victim's tasks the thief is to have; 0: it does not pay. The thief's rate is that
   for these tasks, which it may have to read from farther away. */
static inline double qn_policy_lease(const struct qn_load *victim, const struct qn_load *thief,
				     double latency)
{
	double gap = qn_policy_finish(victim) - qn_policy_finish(thief) - latency, n;

	if (gap <= 0 || victim->rate <= 0 || thief->rate <= 0 || victim->waiting < victim->task)
		return 0;
	n = gap / (1 / victim->rate + 1 / thief->rate) / 2 / victim->task;
	n = n < 1 ? 1 : n;
	if (latency + qn_policy_last(thief, n * victim->task) >= qn_policy_last(victim, 0))
		n = latency + qn_policy_last(thief, victim->task) < qn_policy_last(victim, 0);
	return n;
}

#endif
