/*
 * simulate_impl.h - the inside of the simulation: simulate.c, and simulate_lease.c for what hosts
 * lease to each other.
 */
#ifndef QN_PLAN_SIMULATE_IMPL_H
#define QN_PLAN_SIMULATE_IMPL_H

#include "plan/policy.h"
#include "plan/seating.h"
#include "plan/simulate.h"

struct qn_model_worker {
	double until; /* when it is free */
	uint32_t rank;
	uint32_t from, n;    /* what it has taken: n tasks of a rank, */
	uint64_t first;	     /* from this one on */
	double task_seconds; /* of its last task, */
	double task_nbytes;  /* which is counted when it is done */
};

/* A host, as its agent sees it. */
struct qn_model_side {
	double waiting;	      /* tasks that nobody has taken */
	double nworking;      /* threads at a task */
	double done, seconds; /* decoded bytes, and what threads have taken for them */
	uint32_t from;	      /* a lease: n tasks of a rank, */
	uint64_t first, n;    /* from this one on, */
	double ready;	      /* when it is there */
	double ask_after;
	bool over; /* nobody has anything for it */
};

struct qn_model {
	const struct qn_seating *s;
	const struct qn_plan *plan;
	const struct qn_rates *rates;
	const double *slow;
	uint32_t *seat_of;     /* owned: of each rank */
	uint64_t *head, *tail; /* owned: of each rank, tasks that nobody has taken */
	uint32_t *lump;	       /* owned: of each rank, near that of the last task */
	uint64_t *task_at;     /* owned: the first task of each range, within its rank */
	double *disk, *link;   /* owned: of each host, when it has served what it was asked for */
	double storage;
	struct qn_model_worker *heap; /* owned: the one that is free first is at 0 */
	uint64_t nworkers;
	double finish, busy;
	uint64_t nstolen, nleased;
	bool may_lease;
	struct qn_model_side *side; /* owned: of each host */
	uint64_t *peer_at;	    /* owned, nhosts + 1: where the peers of each begin */
	uint32_t *peer;		    /* owned: hosts that hold copies of the same */
	uint32_t giver;		    /* host that has given last */
	double task, latency;
};

static inline double qn_later(double a, double b)
{
	return a > b ? a : b;
}

/* The item of a task of a rank. */
static inline uint64_t qn_model_item(const struct qn_model *m, uint32_t rank, uint64_t task)
{
	uint64_t low = m->plan->at[rank], high = m->plan->at[rank + 1];

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (m->task_at[mid] <= task)
			low = mid;
		else
			high = mid;
	}
	return m->plan->range[low].first + (task - m->task_at[low]);
}

/* The lump of that item. */
static inline const struct qn_lump *qn_model_lump(const struct qn_model *m, uint32_t rank,
						  uint64_t task)
{
	return qn_work_find(m->s->work, qn_model_item(m, rank, task), &m->lump[rank]);
}

/* The nth rank of a host, seat by seat. */
static inline uint32_t qn_model_rank(const struct qn_model *m, uint32_t host, uint32_t n)
{
	return m->s->by_place[m->s->seat[m->s->host_first[host]].first + n];
}

static inline uint32_t qn_model_nranks(const struct qn_model *m, uint32_t host)
{
	const struct qn_seat *last = &m->s->seat[m->s->host_first[host + 1] - 1];

	return last->first + last->nranks - m->s->seat[m->s->host_first[host]].first;
}

/* Whether items can be read on several hosts, and which; false: no memory. */
bool qn_model_prepare_leases(struct qn_model *m);

/* Has a host ask before its threads have nothing to do. */
void qn_model_look_ahead(struct qn_model *m, uint32_t host, double now);

/* A worker takes of its host's lease, or waits for one; false: there will be none. */
bool qn_model_take_lease(struct qn_model *m, struct qn_model_worker *w, uint32_t host);

#endif
