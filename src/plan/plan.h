/*
 * plan.h - which rank does which items.
 *
 * A pure function of its arguments: same cluster and items, same plan. Every item weighs the bytes
 * that must be moved and decoded for it; every rank has a number of threads. An item with a home
 * (a NUMA node of a host) goes to the ranks of that home, or else of that host, as far as that does
 * not make them finish noticeably later than the rest (2% of a fair share); an item without one
 * goes wherever there is room, in contiguous runs. A rank's items are in file order, which is the
 * order in which they are given. No rank gets more than its fair share, the 2%, and an item.
 */
#ifndef QN_PLAN_PLAN_H
#define QN_PLAN_PLAN_H

#include "base/error.h"

#define QN_NO_HOME UINT32_MAX

/* Where a rank runs. */
struct qn_place {
	uint32_t host;
	uint32_t node;		/* NUMA node of the host, by its order in the topology */
	uint32_t nthreads;	/* > 0 */
};

/* A home is host * QN_NODES_PER_HOST + node. */
#define QN_NODES_PER_HOST 1024u

static inline uint32_t qn_home(uint32_t host, uint32_t node)
{
	return host * QN_NODES_PER_HOST + node;
}

struct qn_plan {
	int nranks;
	uint64_t nitems;
	uint32_t *rank;		/* owned: of each item */
	uint64_t *count;	/* owned: items of each rank */
	uint64_t *nbytes;	/* owned: weight of each rank */
	uint64_t local_nbytes;	/* weight of the items that were put at their home */
	uint64_t homed_nbytes;	/* weight of the items that have a home */
};

/*
 * weight[i] > 0: bytes of item i. home[i]: where it is, or QN_NO_HOME; home NULL: no item has one.
 * The plan is owned by the caller: qn_plan_fini.
 */
enum quern_status qn_plan_make(const struct qn_place *place, int nranks, const uint64_t *weight,
			       const uint32_t *home, uint64_t nitems, struct qn_plan *plan,
			       struct quern_message *err);
void qn_plan_fini(struct qn_plan *plan);

/* The largest weight a thread, over the mean of all threads: 1 is perfect balance. */
double qn_plan_imbalance(const struct qn_plan *plan, const struct qn_place *place);

#endif
