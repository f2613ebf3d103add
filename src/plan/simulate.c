#include "plan/simulate_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * Defaults: MPI_Init of Open MPI 4.1 0.3 s; a network of 25 Gb/s with 5 us between hosts, and 2 us
 * at the root for each message that it sends. Planning as measured by bench/plan with 10 million
 * items, 80,000 ranks on 10,000 hosts, and a home for each item (`bench/plan --replicas 1 weighing
 * shards`): 5 to 6 ns to weigh an item, and 1 to write its descriptor down; 0.13 s for the plan.
 */
const struct qn_costs qn_costs_default = {
	.rates = QN_RATES_DEFAULT,
	.startup = 0.3,
	.metadata = 0.05,
	.plan_item = 7e-9,
	.plan_rank = 1.7e-6,
	.latency = 5e-6,
	.message = 2e-6,
	.network = 3e9,
	.metadata_nbytes = 4096,
	.state_nbytes = 4096,
	.npasses = 1,
};

#define CHUNK_NBYTES   24 /* a descriptor */
#define STRETCH_NBYTES 24
#define SHARE_NBYTES   32
#define REPORT_NBYTES  256

/* --- tasks --- */

/* Asks a server for bytes: when it has delivered them. */
static double serve(double *server, double now, double nbytes, double limit)
{
	if (limit <= 0)
		return now;
	*server = (*server > now ? *server : now) + nbytes / limit;
	return *server;
}

/* Runs an item of a lump on a rank from `now`: when it is done. */
static double run_item(struct qn_model *m, const struct qn_lump *l, uint32_t rank, double now)
{
	uint32_t seat = m->seat_of[rank], host = m->s->host[seat];
	struct qn_lump_homes f = qn_seating_find(m->s, l->set);
	enum qn_tier tier = qn_seating_tier(m->s, &f, seat);
	double stored = qn_lump_stored(l), slow = m->slow ? m->slow[host] : 1;
	double read = stored * m->rates->read[tier] * slow, got = now + read;
	double rest = (qn_lump_decoded(l) * m->rates->compute + m->rates->item) * slow;

	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		got = qn_later(got, serve(&m->disk[host], now, stored * slow, m->rates->disk));
	if (tier == QN_SHARED) {
		got = qn_later(got, serve(&m->link[host], now, stored, m->rates->shared_host));
		got = qn_later(got, serve(&m->storage, now, stored, m->rates->shared));
	}
	m->busy += read + rest;
	return got + rest;
}

/* --- workers --- */

static void sift_down(struct qn_model *m)
{
	uint64_t k = 0;
	struct qn_model_worker w = m->heap[0];

	for (;;) {
		uint64_t c = 2 * k + 1;

		if (c >= m->nworkers)
			break;
		if (c + 1 < m->nworkers && m->heap[c + 1].until < m->heap[c].until)
			c++;
		if (m->heap[c].until >= w.until)
			break;
		m->heap[k] = m->heap[c];
		k = c;
	}
	m->heap[k] = w;
}

/* What a thief that has nothing left takes, nearest first, in the order of policy.h. */
static bool steal(struct qn_model *m, uint32_t thief, uint32_t *victim, uint64_t *first,
		  uint32_t *n)
{
	const struct qn_place *place = m->s->cluster->place;
	uint32_t host = m->s->host[m->seat_of[thief]], nranks = qn_model_nranks(m, host), mine = 0;

	while (qn_model_rank(m, host, mine) != thief)
		mine++;
	for (int far = 0; far < 2; far++)
		for (uint32_t k = 1; k < nranks; k++) {
			uint32_t r = qn_model_rank(m, host, (mine + k) % nranks), loot;
			uint64_t left = m->tail[r] - m->head[r];

			if (!left || (m->seat_of[r] != m->seat_of[thief]) != far)
				continue;
			loot = qn_policy_loot(
				(uint32_t)left,
				qn_policy_parts(place[r].nthreads, place[thief].nthreads));
			m->tail[r] -= loot;
			m->side[host].waiting -= loot;
			*victim = r;
			*first = m->tail[r];
			*n = loot;
			return true;
		}
	return false;
}

/* A worker takes a batch of its own, or steals, or waits; false: there is nothing left for it. */
static bool take(struct qn_model *m, struct qn_model_worker *w)
{
	uint64_t left = m->tail[w->rank] - m->head[w->rank];
	uint32_t nthreads = m->s->cluster->place[w->rank].nthreads;
	uint32_t host = m->s->host[m->seat_of[w->rank]];

	if (!left) {
		if (!steal(m, w->rank, &w->from, &w->first, &w->n))
			return qn_model_take_lease(m, w, host);
		m->nstolen += w->n;
	} else {
		w->from = w->rank;
		w->first = m->head[w->rank];
		w->n = qn_policy_batch((uint32_t)qn_min_u64(left, UINT32_MAX), nthreads,
				       w->task_seconds);
		m->head[w->rank] += w->n;
		m->side[host].waiting -= w->n;
	}
	qn_model_look_ahead(m, host, w->until);
	return true;
}

/* The task that a worker was at is done. */
static void account(struct qn_model *m, struct qn_model_worker *w)
{
	struct qn_model_side *d = &m->side[m->s->host[m->seat_of[w->rank]]];

	if (w->task_nbytes <= 0)
		return;
	d->nworking--;
	d->done += w->task_nbytes;
	d->seconds += w->task_seconds;
	w->task_nbytes = 0;
}

static void run_next(struct qn_model *m, struct qn_model_worker *w)
{
	double now = w->until;
	const struct qn_lump *l = qn_model_lump(m, w->from, w->first++);

	w->until = run_item(m, l, w->rank, now);
	w->task_seconds = w->until - now;
	w->task_nbytes = qn_later(qn_lump_decoded(l), 1);
	m->side[m->s->host[m->seat_of[w->rank]]].nworking++;
	m->finish = qn_later(m->finish, w->until);
	w->n--;
}

/* The worker that is free first does one task, or waits, or goes. One at a time, so that servers
   are asked in the order of time. */
static void step(struct qn_model *m)
{
	struct qn_model_worker *w = &m->heap[0];
	double now = w->until;

	account(m, w);
	if (!w->n && !take(m, w))
		m->heap[0] = m->heap[--m->nworkers];
	else if (w->n && w->until == now)
		run_next(m, w);
	if (m->nworkers)
		sift_down(m);
}

static void start_host(struct qn_model *m, uint32_t host)
{
	for (uint32_t k = 0; k < qn_model_nranks(m, host); k++) {
		uint32_t r = qn_model_rank(m, host, k);

		for (uint32_t t = 0; t < m->s->cluster->place[r].nthreads; t++)
			m->heap[m->nworkers++] = (struct qn_model_worker){ .rank = r };
	}
}

/* Hosts that share no storage and no copies do not meet: one after the other is quicker. */
static void run_all(struct qn_model *m)
{
	bool meet = m->may_lease || (m->plan->tier[QN_SHARED] && m->rates->shared > 0);

	for (uint32_t h = 0; h < m->s->nhosts; h++) {
		start_host(m, h);
		while (!meet && m->nworkers)
			step(m);
	}
	while (m->nworkers)
		step(m);
}

/* --- the run --- */

static bool prepare(struct qn_model *m)
{
	size_t nranks = (size_t)m->plan->nranks;

	m->seat_of = qn_calloc(nranks, sizeof(*m->seat_of));
	m->head = qn_calloc(nranks, sizeof(*m->head));
	m->tail = qn_calloc(nranks, sizeof(*m->tail));
	m->lump = qn_calloc(nranks, sizeof(*m->lump));
	m->task_at = qn_calloc(m->plan->at[nranks], sizeof(*m->task_at));
	m->disk = qn_calloc(m->s->nhosts, sizeof(*m->disk));
	m->link = qn_calloc(m->s->nhosts, sizeof(*m->link));
	m->heap = qn_calloc((size_t)m->s->nthreads, sizeof(*m->heap));
	if (!m->seat_of || !m->head || !m->tail || !m->lump || !m->task_at || !m->disk ||
	    !m->link || !m->heap || !qn_model_prepare_leases(m))
		return false;
	for (uint32_t g = 0; g < m->s->nseats; g++)
		for (uint32_t k = 0; k < m->s->seat[g].nranks; k++)
			m->seat_of[m->s->by_place[m->s->seat[g].first + k]] = g;
	for (size_t r = 0; r < nranks; r++)
		for (uint64_t g = m->plan->at[r]; g < m->plan->at[r + 1]; g++) {
			m->task_at[g] = m->tail[r];
			m->tail[r] += m->plan->range[g].n;
			m->side[m->s->host[m->seat_of[r]]].waiting += (double)m->plan->range[g].n;
		}
	return true;
}

static void release(struct qn_model *m)
{
	free(m->seat_of);
	free(m->head);
	free(m->tail);
	free(m->lump);
	free(m->task_at);
	free(m->disk);
	free(m->link);
	free(m->heap);
	free(m->side);
	free(m->peer_at);
	free(m->peer);
}

/* The sizes of the shares go down a tree, which splits them; the shares in one block from the root to
   each of the other hosts. */
static double scatter_seconds(const struct qn_plan *plan, const struct qn_costs *c, double nhosts,
			      double depth)
{
	double n = plan->nranks, away = (nhosts - 1) / nhosts;
	double block = STRETCH_NBYTES * (double)plan->at[plan->nranks] +
		       CHUNK_NBYTES * (double)plan->nitems;

	return depth * c->latency + (nhosts - 1) * c->message +
	       away * (SHARE_NBYTES * n + block) / c->network;
}

/* What comes before and after the work: a tree of messages takes log2 of the ranks. */
static void add_collectives(const struct qn_plan *plan, const struct qn_costs *c, double nhosts,
			    struct qn_forecast *f)
{
	double n = plan->nranks, depth = n > 1 ? ceil(log2(n)) : 0;

	f->startup = c->startup + depth * c->latency;
	f->metadata = c->metadata + depth * (c->latency + c->metadata_nbytes / c->network);
	f->plan = c->plan_item * (double)plan->nitems + c->plan_rank * n;
	f->scatter = scatter_seconds(plan, c, nhosts, depth);
	f->reduce = c->npasses * depth * (c->latency + 2 * c->state_nbytes / c->network) +
		    (n > 1 ? n * REPORT_NBYTES / c->network : 0);
	f->output = c->output;
	f->total = f->startup + f->metadata + f->plan + f->scatter + f->work + f->reduce +
		   f->output;
}

enum quern_status qn_simulate(const struct qn_cluster *cluster, const struct qn_work *work,
			      const struct qn_plan *plan, const struct qn_costs *costs,
			      const double *slow, struct qn_forecast *out,
			      struct quern_message *err)
{
	struct qn_seating s;
	struct qn_model m = { .s = &s,
			      .plan = plan,
			      .rates = &costs->rates,
			      .slow = slow,
			      .latency = 2 * costs->latency };
	enum quern_status st = qn_seating_init(&s, cluster, work, &costs->rates, err);

	if (st)
		return st;
	memset(out, 0, sizeof(*out));
	if (prepare(&m)) {
		run_all(&m);
		out->work = m.finish * costs->npasses;
		out->busy = m.busy * costs->npasses;
		out->ntasks_stolen = m.nstolen;
		out->ntasks_leased = m.nleased;
		add_collectives(plan, costs, s.nhosts, out);
	} else {
		st = qn_error_nomem(err, (size_t)s.nthreads * sizeof(*m.heap), "a simulation");
	}
	release(&m);
	qn_seating_fini(&s);
	return st;
}
