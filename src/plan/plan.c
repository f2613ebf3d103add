#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* How much of its fair share a rank may be given beyond it to keep items at home: stealing evens
   out less than this for free, and a cut inside an item cannot be avoided. */
#define HOME_SLACK 0.02

/* A rank, in the order in which items fall to ranks. Ranks that are equally near to an item are a
   group of neighbours; what concerns the group is kept in its first seat. */
struct seat {
	uint32_t rank, home;
	uint32_t group;		/* the first seat of the group */
	uint32_t end, cursor;	/* first seat: end of the group, and the seat being filled */
	double demand;		/* first seat: weight of the unplaced items that want the group */
};

/* What a plan is made with. */
struct maker {
	const struct qn_place *place;
	uint32_t nranks;
	const uint64_t *weight;
	const uint32_t *home;
	struct qn_plan *plan;
	struct seat *seat;	/* owned */
	double *fair;		/* owned: of each rank, the weight that lets all finish together */
	double *room;		/* owned: of each rank, the weight it can still take */
};

enum nearness { SAME_NODE, SAME_HOST };

static const uint32_t UNPLACED = UINT32_MAX;

static uint32_t home_of(const struct maker *m, uint32_t rank)
{
	return qn_home(m->place[rank].host, m->place[rank].node);
}

static bool same_host(uint32_t a, uint32_t b)
{
	return a / QN_NODES_PER_HOST == b / QN_NODES_PER_HOST;
}

static void put(struct maker *m, uint64_t item, uint32_t rank)
{
	struct qn_plan *p = m->plan;

	p->rank[item] = rank;
	p->count[rank]++;
	p->nbytes[rank] += m->weight[item];
	m->room[rank] -= (double)m->weight[item];
	if (m->home && m->home[item] == home_of(m, rank))
		p->local_nbytes += m->weight[item];
}

/* Puts an item on the seat in whose room the larger part of it falls, from the cursor of the group
   on; false when all of them are full. */
static bool place(struct maker *m, uint64_t item, struct seat *group)
{
	const struct seat *seat = m->seat;

	while (m->room[seat[group->cursor].rank] < (double)m->weight[item] / 2) {
		if (group->cursor + 1 == group->end)
			return false;
		/* What does not fit here moves the boundary for the next seat as well, so that
		   rounding does not pile up on the last. */
		m->room[seat[group->cursor + 1].rank] += m->room[seat[group->cursor].rank];
		group->cursor++;
	}
	put(m, item, seat[group->cursor].rank);
	return true;
}

/* --- items with a home --- */

static int by_home(const void *a, const void *b)
{
	const struct seat *x = a, *y = b;

	if (x->home != y->home)
		return x->home < y->home ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static void sort_seats(struct maker *m)
{
	for (uint32_t r = 0; r < m->nranks; r++) {
		m->seat[r].rank = r;
		m->seat[r].home = home_of(m, r);
	}
	qsort(m->seat, m->nranks, sizeof(*m->seat), by_home);
}

static void group_seats(struct maker *m, enum nearness near)
{
	struct seat *seat = m->seat;

	for (uint32_t i = 0; i < m->nranks; i++) {
		bool joins = i && (near == SAME_NODE ? seat[i].home == seat[i - 1].home
						     : same_host(seat[i].home, seat[i - 1].home));

		seat[i].group = joins ? seat[i - 1].group : i;
		seat[i].cursor = i;
		seat[i].demand = 0;
		seat[seat[i].group].end = i + 1;
	}
}

/* The group of a home. When no rank is on that node, the one of the node before it on the same
   host: slices of cores begin there and may reach to this node. NULL: no rank is on the host. */
static struct seat *find_group(const struct maker *m, uint32_t home)
{
	uint32_t low = 0, high = m->nranks;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->seat[mid].home <= home)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && same_host(m->seat[low - 1].home, home))
		return &m->seat[m->seat[low - 1].group];
	if (low < m->nranks && same_host(m->seat[low].home, home))
		return &m->seat[m->seat[low].group];
	return NULL;
}

/* What the group may take, cut down evenly to what there is for it. */
static void make_room(struct maker *m, const struct seat *group)
{
	double total = 0;

	for (uint32_t i = group->group; i < group->end; i++) {
		uint32_t r = m->seat[i].rank;
		double room = m->fair[r] * (1 + HOME_SLACK) - (double)m->plan->nbytes[r];

		m->room[r] = room > 0 ? room : 0;
		total += m->room[r];
	}
	for (uint32_t i = group->group; group->demand < total && i < group->end; i++)
		m->room[m->seat[i].rank] *= group->demand / total;
}

/* The group that item i wants, if it has a home and no place; neighbours mostly share a home. */
static struct seat *wanted(const struct maker *m, uint64_t i, uint32_t *home, struct seat **group)
{
	if (m->home[i] == QN_NO_HOME || m->plan->rank[i] != UNPLACED)
		return NULL;
	if (m->home[i] != *home) {
		*home = m->home[i];
		*group = find_group(m, *home);
	}
	return *group;
}

/* Items with a home, in file order, to the ranks near it as far as these have room. */
static void place_near(struct maker *m, enum nearness near)
{
	uint32_t home = QN_NO_HOME;
	struct seat *group = NULL;

	group_seats(m, near);
	for (uint64_t i = 0; i < m->plan->nitems; i++)
		if (wanted(m, i, &home, &group))
			group->demand += (double)m->weight[i];
	for (uint32_t i = 0; i < m->nranks; i = m->seat[i].end)
		make_room(m, &m->seat[i]);
	for (uint64_t i = 0; i < m->plan->nitems; i++)
		if (wanted(m, i, &home, &group))
			place(m, i, group);
}

/* --- the rest --- */

/* Room up to the one level (weight a thread) at which everything that is left fits. Ranks that are
   above it already get nothing, which lowers it for the others. */
static void level_room(struct maker *m, double left)
{
	bool changed = true;

	for (uint32_t r = 0; r < m->nranks; r++)
		m->room[r] = 1;
	while (changed) {
		double sum = left, threads = 0;

		for (uint32_t r = 0; r < m->nranks; r++)
			if (m->room[r] > 0) {
				sum += (double)m->plan->nbytes[r];
				threads += m->place[r].nthreads;
			}
		changed = false;
		for (uint32_t r = 0; r < m->nranks; r++) {
			double room = sum / threads * m->place[r].nthreads -
				      (double)m->plan->nbytes[r];

			if (m->room[r] <= 0)
				continue;
			m->room[r] = room > 0 ? room : 0;
			changed = changed || room <= 0;
		}
	}
}

/* In file order, to ranks in rank order: contiguous runs. */
static void place_rest(struct maker *m)
{
	double left = 0;

	for (uint32_t r = 0; r < m->nranks; r++)
		m->seat[r] = (struct seat){ .rank = r, .end = m->nranks };
	for (uint64_t i = 0; i < m->plan->nitems; i++)
		if (m->plan->rank[i] == UNPLACED)
			left += (double)m->weight[i];
	if (left > 0)
		level_room(m, left);
	for (uint64_t i = 0; i < m->plan->nitems; i++)
		if (m->plan->rank[i] == UNPLACED && !place(m, i, m->seat))
			put(m, i, m->nranks - 1);	/* rounding of the room itself */
}

static void place_all(struct maker *m)
{
	double total = 0, threads = 0;

	for (uint64_t i = 0; i < m->plan->nitems; i++) {
		total += (double)m->weight[i];
		m->plan->rank[i] = UNPLACED;
		if (m->home && m->home[i] != QN_NO_HOME)
			m->plan->homed_nbytes += m->weight[i];
	}
	for (uint32_t r = 0; r < m->nranks; r++)
		threads += m->place[r].nthreads;
	for (uint32_t r = 0; r < m->nranks; r++)
		m->fair[r] = total * m->place[r].nthreads / threads;
	if (m->plan->homed_nbytes) {
		sort_seats(m);
		place_near(m, SAME_NODE);
		place_near(m, SAME_HOST);
	}
	place_rest(m);
}

enum quern_status qn_plan_make(const struct qn_place *place, int nranks, const uint64_t *weight,
			       const uint32_t *home, uint64_t nitems, struct qn_plan *plan,
			       struct quern_message *err)
{
	struct maker m = { .place = place, .nranks = (uint32_t)nranks, .weight = weight,
			   .home = home, .plan = plan };
	size_t n = (size_t)nranks;
	enum quern_status st = QUERN_OK;

	memset(plan, 0, sizeof(*plan));
	plan->nranks = nranks;
	plan->nitems = nitems;
	plan->rank = qn_calloc(nitems, sizeof(*plan->rank));
	plan->count = qn_calloc(n, sizeof(*plan->count));
	plan->nbytes = qn_calloc(n, sizeof(*plan->nbytes));
	m.seat = qn_calloc(n, sizeof(*m.seat));
	m.fair = qn_calloc(n, sizeof(*m.fair));
	m.room = qn_calloc(n, sizeof(*m.room));
	if (plan->rank && plan->count && plan->nbytes && m.seat && m.fair && m.room) {
		place_all(&m);
	} else {
		qn_plan_fini(plan);
		st = qn_error_nomem(err, nitems * sizeof(*plan->rank), "the plan");
	}
	free(m.room);
	free(m.fair);
	free(m.seat);
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
