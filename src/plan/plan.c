#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* How much of its fair share a rank may be given beyond it to keep items at home: stealing evens
   out less than this for free, and a cut inside an item cannot be avoided. */
#define HOME_SLACK 0.02

/* What a plan is made with. */
struct maker {
	const struct qn_place *place;
	int nranks;
	const uint64_t *weight;
	const uint32_t *home;
	struct qn_plan *plan;
	double *room;		/* bytes each rank can still take within the fair finish */
};

static const uint32_t UNPLACED = UINT32_MAX;

static void put(struct maker *m, uint64_t item, int rank)
{
	struct qn_plan *p = m->plan;

	p->rank[item] = (uint32_t)rank;
	p->count[rank]++;
	p->nbytes[rank] += m->weight[item];
	m->room[rank] -= (double)m->weight[item];
}

static int next_at_home(const struct maker *m, int rank, uint32_t home)
{
	for (; rank < m->nranks; rank++)
		if (qn_home(m->place[rank].host, m->place[rank].node) == home)
			return rank;
	return m->nranks;
}

/* Items at home, in file order: fills one rank of the home after the other. `cursor` keeps the
   rank that is being filled, for each rank as the first of its home. */
static void place_homed(struct maker *m, int *cursor, double slack)
{
	uint32_t home = QN_NO_HOME;
	int first = m->nranks;

	for (uint64_t i = 0; i < m->plan->nitems; i++) {
		int r;

		if (m->home[i] == QN_NO_HOME)
			continue;
		m->plan->homed_nbytes += m->weight[i];
		if (m->home[i] != home) {	/* neighbours mostly share a home */
			home = m->home[i];
			first = next_at_home(m, 0, home);
		}
		if (first == m->nranks)
			continue;
		r = cursor[first];
		while (r < m->nranks && m->room[r] + slack < (double)m->weight[i] / 2)
			r = next_at_home(m, r + 1, home);
		cursor[first] = r;
		if (r == m->nranks)
			continue;
		put(m, i, r);
		m->plan->local_nbytes += m->weight[i];
	}
}

/* The rest, in file order, to ranks in rank order while they have room: contiguous runs. An item
   goes to the rank in whose room the larger part of it falls. */
static void place_rest(struct maker *m)
{
	int r = 0;

	for (uint64_t i = 0; i < m->plan->nitems; i++) {
		if (m->plan->rank[i] != UNPLACED)
			continue;
		while (r + 1 < m->nranks && m->room[r] < (double)m->weight[i] / 2) {
			/* What does not fit here moves the boundary for the next rank as well, so
			   that rounding does not pile up on the last. */
			m->room[r + 1] += m->room[r];
			r++;
		}
		put(m, i, r);
	}
}

static void place_all(struct maker *m, int *cursor)
{
	double total = 0, threads = 0;

	for (uint64_t i = 0; i < m->plan->nitems; i++) {
		total += (double)m->weight[i];
		m->plan->rank[i] = UNPLACED;
	}
	for (int r = 0; r < m->nranks; r++)
		threads += m->place[r].nthreads;
	for (int r = 0; r < m->nranks; r++) {
		m->room[r] = total * m->place[r].nthreads / threads;
		cursor[r] = r;
	}
	if (m->home)
		place_homed(m, cursor, HOME_SLACK * total / m->nranks);
	place_rest(m);
}

enum quern_status qn_plan_make(const struct qn_place *place, int nranks, const uint64_t *weight,
			       const uint32_t *home, uint64_t nitems, struct qn_plan *plan,
			       struct quern_message *err)
{
	struct maker m = { place, nranks, weight, home, plan, NULL };
	int *cursor = qn_calloc((size_t)nranks, sizeof(*cursor));
	enum quern_status st = QUERN_OK;

	memset(plan, 0, sizeof(*plan));
	plan->nranks = nranks;
	plan->nitems = nitems;
	plan->rank = qn_calloc(nitems, sizeof(*plan->rank));
	plan->count = qn_calloc((size_t)nranks, sizeof(*plan->count));
	plan->nbytes = qn_calloc((size_t)nranks, sizeof(*plan->nbytes));
	m.room = qn_calloc((size_t)nranks, sizeof(*m.room));
	if (cursor && plan->rank && plan->count && plan->nbytes && m.room) {
		place_all(&m, cursor);
	} else {
		qn_plan_fini(plan);
		st = qn_error_nomem(err, nitems * sizeof(*plan->rank), "the plan");
	}
	free(m.room);
	free(cursor);
	return st;
}

void qn_plan_fini(struct qn_plan *plan)
{
	free(plan->rank);
	free(plan->count);
	free(plan->nbytes);
	memset(plan, 0, sizeof(*plan));
}

double qn_plan_imbalance(const struct qn_plan *plan, const struct qn_place *place)
{
	double most = 0, total = 0, threads = 0;

	for (int r = 0; r < plan->nranks; r++) {
		double a_thread = (double)plan->nbytes[r] / place[r].nthreads;

		most = a_thread > most ? a_thread : most;
		total += (double)plan->nbytes[r];
		threads += place[r].nthreads;
	}
	return total > 0 ? most * threads / total : 1;
}
