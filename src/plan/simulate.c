#include "plan/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/policy.h"
#include "plan/seating.h"

/*
 * Defaults: MPI_Init of Open MPI 4.1 0.3 s; planning, measured by bench/plan, at most half a
 * microsecond an item, and descriptors 0.05; a network of 25 Gb/s with 5 us between hosts, and 2 us
 * at the root for each message of a linear scatter.
 */
const struct qn_costs qn_costs_default = {
	.rates = QN_RATES_DEFAULT,
	.startup = 0.3,
	.metadata = 0.05,
	.plan_item = 5e-7,
	.plan_rank = 1e-6,
	.latency = 5e-6,
	.message = 2e-6,
	.network = 3e9,
	.metadata_nbytes = 4096,
	.state_nbytes = 4096,
	.npasses = 1,
};

#define CHUNK_NBYTES 24		/* a descriptor */
#define SPAN_NBYTES 24
#define REPORT_NBYTES 256
#define LEASE_SECONDS 2e-3	/* from asking to having it, beside what messages take */
#define NEXT_HOSTS 32		/* that are asked: an agent asks twice as many, as it meets them */
#define FEW_COPIES 8		/* where there are more, their hosts are found among the next */

struct worker {
	double until;		/* when it is free */
	uint32_t rank;
	uint32_t from, n;	/* what it has taken: n tasks of a rank, */
	uint64_t first;		/* from this one on */
	double task_seconds;	/* of its last task, */
	double task_nbytes;	/* which is counted when it is done */
};

/* A host, as its agent sees it. */
struct side {
	double waiting;		/* tasks that nobody has taken */
	double nworking;	/* threads at a task */
	double done, seconds;	/* decoded bytes, and what threads have taken for them */
	uint32_t from;		/* a lease: n tasks of a rank, */
	uint64_t first, n;	/* from this one on, */
	double ready;		/* when it is there */
	double ask_after;
	bool over;		/* nobody has anything for it */
};

struct model {
	const struct qn_seating *s;
	const struct qn_plan *plan;
	const struct qn_rates *rates;
	const double *slow;
	uint32_t *seat_of;	/* owned: of each rank */
	uint64_t *head, *tail;	/* owned: of each rank, tasks that nobody has taken */
	uint64_t *task_at;	/* owned: the first task of each range, within its rank */
	double *disk, *link;	/* owned: of each host, when it has served what it was asked for */
	double storage;
	struct worker *heap;	/* owned: the one that is free first is at 0 */
	uint64_t nworkers;
	double finish, busy;
	uint64_t nstolen, nleased;
	bool may_lease;
	struct side *side;	/* owned: of each host */
	uint64_t *peer_at;	/* owned, nhosts + 1: where the peers of each begin */
	uint32_t *peer;		/* owned: hosts that hold copies of the same */
	uint32_t giver;		/* host that has given last */
	double task, latency;
};

/* --- tasks --- */

/* The item of a task of a rank. */
static uint64_t item_of(const struct model *m, uint32_t rank, uint64_t task)
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

/* Asks a server for bytes: when it has delivered them. */
static double serve(double *server, double now, double nbytes, double limit)
{
	if (limit <= 0)
		return now;
	*server = (*server > now ? *server : now) + nbytes / limit;
	return *server;
}

static double later(double a, double b)
{
	return a > b ? a : b;
}

/* Runs an item on a rank from `now`: when it is done. */
static double run_item(struct model *m, uint64_t item, uint32_t rank, double now)
{
	const struct qn_work *w = m->s->work;
	uint32_t seat = m->seat_of[rank], host = m->s->host[seat];
	struct qn_found f = qn_seating_find(m->s, qn_seating_set(m->s, item));
	enum qn_tier tier = qn_seating_tier(m->s, &f, seat);
	double stored = (double)w->stored[item], slow = m->slow ? m->slow[host] : 1;
	double read = stored * m->rates->read[tier] * slow, got = now + read;
	double rest = ((double)w->decoded[item] * m->rates->compute + m->rates->item) * slow;

	if (tier == QN_DISK || tier == QN_DISK_NEAR)
		got = later(got, serve(&m->disk[host], now, stored * slow, m->rates->disk));
	if (tier == QN_SHARED) {
		got = later(got, serve(&m->link[host], now, stored, m->rates->shared_host));
		got = later(got, serve(&m->storage, now, stored, m->rates->shared));
	}
	m->busy += read + rest;
	return got + rest;
}

/* --- workers --- */

static void sift_down(struct model *m)
{
	uint64_t k = 0;
	struct worker w = m->heap[0];

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

/* The nth rank of a host, seat by seat. */
static uint32_t rank_at(const struct model *m, uint32_t host, uint32_t n)
{
	return m->s->by_place[m->s->seat[m->s->host_first[host]].first + n];
}

static uint32_t ranks_of(const struct model *m, uint32_t host)
{
	const struct qn_seat *last = &m->s->seat[m->s->host_first[host + 1] - 1];

	return last->first + last->nranks - m->s->seat[m->s->host_first[host]].first;
}

/* What a thief that has nothing left takes, nearest first, in the order of policy.h. */
static bool steal(struct model *m, uint32_t thief, uint32_t *victim, uint64_t *first, uint32_t *n)
{
	const struct qn_place *place = m->s->cluster->place;
	uint32_t host = m->s->host[m->seat_of[thief]], nranks = ranks_of(m, host), mine = 0;

	while (rank_at(m, host, mine) != thief)
		mine++;
	for (int far = 0; far < 2; far++)
		for (uint32_t k = 1; k < nranks; k++) {
			uint32_t r = rank_at(m, host, (mine + k) % nranks), loot;
			uint64_t left = m->tail[r] - m->head[r];

			if (!left || (m->seat_of[r] != m->seat_of[thief]) != far)
				continue;
			loot = qn_policy_loot((uint32_t)left,
					      qn_policy_parts(place[r].nthreads,
							      place[thief].nthreads));
			m->tail[r] -= loot;
			m->side[host].waiting -= loot;
			*victim = r;
			*first = m->tail[r];
			*n = loot;
			return true;
		}
	return false;
}

/* --- leases --- */

static struct qn_load load_of(const struct model *m, uint32_t host)
{
	const struct side *d = &m->side[host];
	double n = m->s->host_threads[host], least = d->done > m->task ? d->done : m->task;

	return (struct qn_load){ .waiting = (d->waiting + (double)d->n) * m->task,
				 .working = d->nworking * m->task, .task = m->task, .nthreads = n,
				 .rate = d->seconds > 0 ? least * n / d->seconds : 0 };
}

/* Of a host: the rank with the most tasks. */
static uint32_t fullest(const struct model *m, uint32_t host)
{
	uint32_t best = rank_at(m, host, 0);

	for (uint32_t k = 1; k < ranks_of(m, host); k++) {
		uint32_t r = rank_at(m, host, k);

		if (m->tail[r] - m->head[r] > m->tail[best] - m->head[best])
			best = r;
	}
	return best;
}

/* What a host would get of another. */
struct offer {
	uint32_t rank;		/* whose tasks they are */
	uint64_t n;
	bool held;		/* the host has copies */
	double finish;		/* of the other one, without */
};

static double lone_seconds(const struct model *m, enum qn_tier tier)
{
	return m->task * (m->rates->read[tier] + m->rates->compute) + m->rates->item;
}

static struct offer ask(const struct model *m, uint32_t host, uint32_t other)
{
	struct qn_load victim = load_of(m, other), thief = load_of(m, host);
	struct offer o = { .rank = fullest(m, other), .finish = qn_policy_finish(&victim) };
	struct qn_found f;
	enum qn_tier there, here;
	double n;

	if (m->tail[o.rank] == m->head[o.rank])
		return o;
	f = qn_seating_find(m->s, qn_seating_set(m->s, item_of(m, o.rank, m->tail[o.rank] - 1)));
	there = qn_seating_tier(m->s, &f, m->s->host_first[host]);
	here = qn_seating_tier(m->s, &f, m->seat_of[o.rank]);
	if (there == QN_NTIERS)
		return o;
	o.held = there != QN_SHARED;
	if (thief.rate <= 0)
		thief.rate = victim.rate / victim.nthreads * thief.nthreads;
	if (there == QN_SHARED && here != QN_SHARED)
		thief.rate *= lone_seconds(m, here) / lone_seconds(m, there);
	victim.waiting = m->side[other].waiting * m->task;
	n = qn_policy_lease(&victim, &thief, m->latency);
	o.n = (uint64_t)(n < QN_LARGEST_LEASE ? n : QN_LARGEST_LEASE);
	o.n = qn_min_u64(o.n, m->tail[o.rank] - m->head[o.rank]);
	return o;
}

static bool is_better(const struct offer *a, const struct offer *b)
{
	if (!a->n || !b->n)
		return a->n;
	return a->held != b->held ? a->held : a->finish > b->finish;
}

/* The hosts that a host asks, one after the other: false, it was the last one. */
static bool next_asked(const struct model *m, uint32_t host, uint64_t k, uint32_t *other)
{
	uint64_t npeers = m->peer_at[host + 1] - m->peer_at[host];

	if (k < npeers) {
		*other = m->peer[m->peer_at[host] + k];
		return true;
	}
	k -= npeers;
	if (k == 0)
		*other = m->giver;
	else if (k <= NEXT_HOSTS && k < m->s->nhosts)
		*other = (uint32_t)((host + k) % m->s->nhosts);
	else
		return false;
	return true;
}

/* Gets a lease, or learns when to ask again, or that there is nothing left. */
static void seek_lease(struct model *m, uint32_t host, double now)
{
	struct side *d = &m->side[host];
	struct offer best = { .n = 0 };
	double left = 0;
	uint32_t other;

	d->over = true;
	for (uint64_t k = 0; next_asked(m, host, k, &other); k++) {
		struct offer o;

		if (other == host || m->side[other].waiting <= 0)
			continue;
		d->over = false;
		o = ask(m, host, other);
		left = later(left, o.finish);
		if (is_better(&o, &best))
			best = o;
	}
	d->ask_after = now + later(m->latency, qn_policy_wait(left));
	if (!best.n)
		return;
	m->giver = m->s->host[m->seat_of[best.rank]];
	m->side[m->giver].waiting -= (double)best.n;
	m->tail[best.rank] -= best.n;
	d->from = best.rank;
	d->first = m->tail[best.rank];
	d->n = best.n;
	d->ready = now + m->latency;
	d->ask_after = now;
	m->nleased += best.n;
}

/* Asks before threads have nothing to do. */
static void look_ahead(struct model *m, uint32_t host, double now)
{
	struct side *d = &m->side[host];
	struct qn_load l;

	if (!m->may_lease || d->n || d->over || d->ask_after > now)
		return;
	l = load_of(m, host);
	if (qn_policy_is_low(&l, m->latency))
		seek_lease(m, host, now);
}

/* Takes of a lease, or waits for one; false: there will be none. */
static bool take_lease(struct model *m, struct worker *w, uint32_t host)
{
	struct side *d = &m->side[host];
	uint32_t n;

	look_ahead(m, host, w->until);
	if (!d->n) {
		w->until = d->ask_after > w->until ? d->ask_after : w->until + m->latency;
		return m->may_lease && !d->over;
	}
	n = qn_policy_batch((uint32_t)d->n, (uint32_t)m->s->host_threads[host], w->task_seconds);
	w->from = d->from;
	w->first = d->first;
	w->n = n;
	w->until = later(w->until, d->ready);
	d->first += n;
	d->n -= n;
	return true;
}

/* A worker takes a batch of its own, or steals, or waits; false: there is nothing left for it. */
static bool take(struct model *m, struct worker *w)
{
	uint64_t left = m->tail[w->rank] - m->head[w->rank];
	uint32_t nthreads = m->s->cluster->place[w->rank].nthreads;
	uint32_t host = m->s->host[m->seat_of[w->rank]];

	if (!left) {
		if (!steal(m, w->rank, &w->from, &w->first, &w->n))
			return take_lease(m, w, host);
		m->nstolen += w->n;
	} else {
		w->from = w->rank;
		w->first = m->head[w->rank];
		w->n = qn_policy_batch((uint32_t)qn_min_u64(left, UINT32_MAX), nthreads,
				       w->task_seconds);
		m->head[w->rank] += w->n;
		m->side[host].waiting -= w->n;
	}
	look_ahead(m, host, w->until);
	return true;
}

/* The task that a worker was at is done. */
static void account(struct model *m, struct worker *w)
{
	struct side *d = &m->side[m->s->host[m->seat_of[w->rank]]];

	if (w->task_nbytes <= 0)
		return;
	d->nworking--;
	d->done += w->task_nbytes;
	d->seconds += w->task_seconds;
	w->task_nbytes = 0;
}

static void run_next(struct model *m, struct worker *w)
{
	double now = w->until;
	uint64_t item = item_of(m, w->from, w->first++);

	w->until = run_item(m, item, w->rank, now);
	w->task_seconds = w->until - now;
	w->task_nbytes = later((double)m->s->work->decoded[item], 1);
	m->side[m->s->host[m->seat_of[w->rank]]].nworking++;
	m->finish = later(m->finish, w->until);
	w->n--;
}

/* The worker that is free first does one task, or waits, or goes. One at a time, so that servers
   are asked in the order of time. */
static void step(struct model *m)
{
	struct worker *w = &m->heap[0];
	double now = w->until;

	account(m, w);
	if (!w->n && !take(m, w))
		m->heap[0] = m->heap[--m->nworkers];
	else if (w->n && w->until == now)
		run_next(m, w);
	if (m->nworkers)
		sift_down(m);
}

static void start_host(struct model *m, uint32_t host)
{
	for (uint32_t k = 0; k < ranks_of(m, host); k++) {
		uint32_t r = rank_at(m, host, k);

		for (uint32_t t = 0; t < m->s->cluster->place[r].nthreads; t++)
			m->heap[m->nworkers++] = (struct worker){ .rank = r };
	}
}

/* Hosts that share no storage and no copies do not meet: one after the other is quicker. */
static void run_all(struct model *m)
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

/* Can any item be read on several hosts? */
static bool may_lease(const struct qn_seating *s)
{
	const struct qn_homes *h = s->work->homes;

	if (s->nhosts == 1)
		return false;
	for (uint32_t k = 0; s->work->set && k < h->nsets; k++)
		if (h->shared[k] || h->first[k + 1] - h->first[k] > 1)
			return true;
	for (uint64_t i = 0; s->work->set && i < s->work->nitems; i++)
		if (s->work->set[i] == QN_NO_HOMES)
			return true;
	return !s->work->set;
}

/* Goes through pairs of hosts with copies of the same: counts them in peer_at, or writes them. */
static void pair_up(struct model *m, bool write)
{
	const struct qn_homes *h = m->s->work->homes;

	for (uint32_t k = 0; m->s->work->set && k < h->nsets; k++) {
		const struct qn_home *home = h->home + h->first[k];
		uint64_t n = h->first[k + 1] - h->first[k];

		for (uint64_t i = 0; n <= FEW_COPIES && i < n; i++)
			for (uint64_t j = 0; j < n; j++) {
				uint32_t a = qn_seating_host(m->s, &home[i]);
				uint32_t b = qn_seating_host(m->s, &home[j]);

				if (a == b || a == QN_NO_SEAT || b == QN_NO_SEAT)
					continue;
				if (write)
					m->peer[m->peer_at[a]++] = b;
				else
					m->peer_at[a + 1]++;
			}
	}
}

static bool find_peers(struct model *m)
{
	uint32_t n = m->s->nhosts;

	m->peer_at = qn_calloc((size_t)n + 1, sizeof *m->peer_at);
	if (!m->peer_at)
		return false;
	pair_up(m, false);
	for (uint32_t h = 0; h < n; h++)
		m->peer_at[h + 1] += m->peer_at[h];
	m->peer = qn_calloc(m->peer_at[n], sizeof *m->peer);
	if (!m->peer)
		return false;
	pair_up(m, true);
	memmove(m->peer_at + 1, m->peer_at, n * sizeof *m->peer_at);
	m->peer_at[0] = 0;
	return true;
}

static bool prepare_leases(struct model *m)
{
	const struct qn_work *w = m->s->work;

	m->side = qn_calloc(m->s->nhosts, sizeof *m->side);
	if (!m->side)
		return false;
	m->may_lease = may_lease(m->s);
	if (!m->may_lease)
		return true;
	for (uint64_t i = 0; i < w->nitems; i++)
		m->task += (double)w->decoded[i] / (double)w->nitems;
	return find_peers(m);
}

static bool prepare(struct model *m)
{
	size_t nranks = (size_t)m->plan->nranks;

	m->seat_of = qn_calloc(nranks, sizeof *m->seat_of);
	m->head = qn_calloc(nranks, sizeof *m->head);
	m->tail = qn_calloc(nranks, sizeof *m->tail);
	m->task_at = qn_calloc(m->plan->at[nranks], sizeof *m->task_at);
	m->disk = qn_calloc(m->s->nhosts, sizeof *m->disk);
	m->link = qn_calloc(m->s->nhosts, sizeof *m->link);
	m->heap = qn_calloc((size_t)m->s->nthreads, sizeof *m->heap);
	if (!m->seat_of || !m->head || !m->tail || !m->task_at || !m->disk || !m->link ||
	    !m->heap || !prepare_leases(m))
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

static void release(struct model *m)
{
	free(m->seat_of);
	free(m->head);
	free(m->tail);
	free(m->task_at);
	free(m->disk);
	free(m->link);
	free(m->heap);
	free(m->side);
	free(m->peer_at);
	free(m->peer);
}

/* What comes before and after the work: a tree of messages takes log2 of the ranks, the root's own
   sends one for each. */
static void add_collectives(const struct qn_plan *plan, const struct qn_costs *c,
			    struct qn_foreseen *f)
{
	double n = plan->nranks, depth = n > 1 ? ceil(log2(n)) : 0, sent;

	f->startup = c->startup + depth * c->latency;
	f->metadata = c->metadata + depth * (c->latency + c->metadata_nbytes / c->network);
	f->plan = c->plan_item * (double)plan->nitems + c->plan_rank * n;
	sent = SPAN_NBYTES * (double)plan->at[plan->nranks] + CHUNK_NBYTES * (double)plan->nitems;
	f->scatter = n > 1 ? 3 * n * c->message + sent * (n - 1) / n / c->network : 0;
	f->reduce = c->npasses * depth * (c->latency + 2 * c->state_nbytes / c->network) +
		    (n > 1 ? n * REPORT_NBYTES / c->network : 0);
	f->output = c->output;
	f->total = f->startup + f->metadata + f->plan + f->scatter + f->work + f->reduce + f->output;
}

enum quern_status qn_simulate(const struct qn_cluster *cluster, const struct qn_work *work,
			      const struct qn_plan *plan, const struct qn_costs *costs,
			      const double *slow, struct qn_foreseen *out,
			      struct quern_message *err)
{
	struct qn_seating s;
	struct model m = { .s = &s, .plan = plan, .rates = &costs->rates, .slow = slow,
			   .latency = 2 * costs->latency + LEASE_SECONDS };
	enum quern_status st = qn_seating_init(&s, cluster, work, &costs->rates, err);

	if (st)
		return st;
	memset(out, 0, sizeof *out);
	if (prepare(&m)) {
		run_all(&m);
		out->work = m.finish * costs->npasses;
		out->busy = m.busy * costs->npasses;
		out->ntasks_stolen = m.nstolen;
		out->ntasks_leased = m.nleased;
		add_collectives(plan, costs, out);
	} else {
		st = qn_error_nomem(err, (size_t)s.nthreads * sizeof *m.heap, "a simulation");
	}
	release(&m);
	qn_seating_fini(&s);
	return st;
}
