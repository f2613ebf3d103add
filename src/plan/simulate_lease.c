#include "plan/simulate_impl.h"

#include <string.h>

#include "base/mem.h"

#define LEASE_SECONDS 2e-3 /* from asking to having it, beside what messages take */
#define NEXT_HOSTS    32   /* that are asked: an agent asks twice as many, as it meets them */
#define FEW_COPIES    8	   /* where there are more, their hosts are found among the next */

static struct qn_load load_of(const struct qn_model *m, uint32_t host)
{
	const struct qn_model_side *d = &m->side[host];
	double n = m->s->host_threads[host], least = d->done > m->task ? d->done : m->task;

	return (struct qn_load){ .waiting = (d->waiting + (double)d->n) * m->task,
				 .working = d->nworking * m->task,
				 .task = m->task,
				 .nthreads = n,
				 .rate = d->seconds > 0 ? least * n / d->seconds : 0 };
}

/* Of a host: the rank with the most tasks. */
static uint32_t fullest(const struct qn_model *m, uint32_t host)
{
	uint32_t best = qn_model_rank(m, host, 0);

	for (uint32_t k = 1; k < qn_model_nranks(m, host); k++) {
		uint32_t r = qn_model_rank(m, host, k);

		if (m->tail[r] - m->head[r] > m->tail[best] - m->head[best])
			best = r;
	}
	return best;
}

/* What a host would get of another. */
struct offer {
	uint32_t rank;	/* whose tasks they are */
	bool from_head; /* what is at its tail the host cannot read */
	uint64_t n;
	bool held;     /* the host has copies */
	double finish; /* of the other one, without */
};

static double lone_seconds(const struct qn_model *m, enum qn_tier tier)
{
	return m->task * (m->rates->read[tier] + m->rates->compute) + m->rates->item;
}

/* From where a host would read a task of a rank. */
static enum qn_tier tier_at(const struct qn_model *m, uint32_t rank, uint64_t task, uint32_t seat)
{
	struct qn_lump_homes f = qn_seating_find(m->s, qn_model_lump(m, rank, task)->set);

	return qn_seating_tier(m->s, &f, seat);
}

/* How many tasks at that end of the rank's queue, at most n, a host can read. */
static uint64_t count_readable(const struct qn_model *m, const struct offer *o, uint32_t host)
{
	const uint32_t seat = m->s->host_first[host];
	uint64_t n = 0;

	while (n < o->n &&
	       tier_at(m, o->rank, o->from_head ? m->head[o->rank] + n : m->tail[o->rank] - 1 - n,
		       seat) != QN_NTIERS)
		n++;
	return n;
}

static struct offer ask(const struct qn_model *m, uint32_t host, uint32_t other)
{
	struct qn_load victim = load_of(m, other), thief = load_of(m, host);
	struct offer o = { .rank = fullest(m, other), .finish = qn_policy_finish(&victim) };
	enum qn_tier there, here;
	uint64_t task;
	double n;

	if (m->tail[o.rank] == m->head[o.rank])
		return o;
	task = m->tail[o.rank] - 1;
	there = tier_at(m, o.rank, task, m->s->host_first[host]);
	if (there == QN_NTIERS) {
		task = m->head[o.rank];
		there = tier_at(m, o.rank, task, m->s->host_first[host]);
		o.from_head = true;
	}
	if (there == QN_NTIERS)
		return o;
	here = tier_at(m, o.rank, task, m->seat_of[o.rank]);
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
static bool next_asked(const struct qn_model *m, uint32_t host, uint64_t k, uint32_t *other)
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
static void seek_lease(struct qn_model *m, uint32_t host, double now)
{
	struct qn_model_side *d = &m->side[host];
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
		left = qn_later(left, o.finish);
		if (is_better(&o, &best))
			best = o;
	}
	d->ask_after = now + qn_later(m->latency, qn_policy_wait(left));
	if (!best.n)
		return;
	best.n = count_readable(m, &best, host);
	m->giver = m->s->host[m->seat_of[best.rank]];
	m->side[m->giver].waiting -= (double)best.n;
	d->from = best.rank;
	if (best.from_head) {
		d->first = m->head[best.rank];
		m->head[best.rank] += best.n;
	} else {
		m->tail[best.rank] -= best.n;
		d->first = m->tail[best.rank];
	}
	d->n = best.n;
	d->ready = now + m->latency;
	d->ask_after = now;
	m->nleased += best.n;
}

void qn_model_look_ahead(struct qn_model *m, uint32_t host, double now)
{
	struct qn_model_side *d = &m->side[host];
	struct qn_load l;

	if (!m->may_lease || d->n || d->over || d->ask_after > now)
		return;
	l = load_of(m, host);
	if (qn_policy_is_low(&l, m->latency))
		seek_lease(m, host, now);
}

bool qn_model_take_lease(struct qn_model *m, struct qn_model_worker *w, uint32_t host)
{
	struct qn_model_side *d = &m->side[host];
	uint32_t n;

	qn_model_look_ahead(m, host, w->until);
	if (!d->n) {
		w->until = d->ask_after > w->until ? d->ask_after : w->until + m->latency;
		return m->may_lease && !d->over;
	}
	n = qn_policy_batch((uint32_t)d->n, (uint32_t)m->s->host_threads[host], w->task_seconds);
	w->from = d->from;
	w->first = d->first;
	w->n = n;
	w->until = qn_later(w->until, d->ready);
	d->first += n;
	d->n -= n;
	return true;
}

/* --- who can lease to whom --- */

/* Can any item be read on several hosts? */
static bool may_lease(const struct qn_seating *s)
{
	const struct qn_homes *h = s->work->homes;

	if (s->nhosts == 1)
		return false;
	for (uint32_t k = 0; h && k < h->nsets; k++)
		if (h->shared[k] || h->first[k + 1] - h->first[k] > 1)
			return true;
	for (uint64_t i = 0; i < s->work->nlumps; i++)
		if (s->work->lump[i].set == QN_NO_HOMES)
			return true;
	return false;
}

/* Goes through pairs of hosts with copies of the same: counts them in peer_at, or writes them. */
static void pair_up(struct qn_model *m, bool write)
{
	const struct qn_homes *h = m->s->work->homes;

	for (uint32_t k = 0; h && k < h->nsets; k++) {
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

static bool find_peers(struct qn_model *m)
{
	uint32_t n = m->s->nhosts;

	m->peer_at = qn_calloc((size_t)n + 1, sizeof(*m->peer_at));
	if (!m->peer_at)
		return false;
	pair_up(m, false);
	for (uint32_t h = 0; h < n; h++)
		m->peer_at[h + 1] += m->peer_at[h];
	m->peer = qn_calloc(m->peer_at[n], sizeof(*m->peer));
	if (!m->peer)
		return false;
	pair_up(m, true);
	memmove(m->peer_at + 1, m->peer_at, n * sizeof(*m->peer_at));
	m->peer_at[0] = 0;
	return true;
}

bool qn_model_prepare_leases(struct qn_model *m)
{
	const struct qn_work *w = m->s->work;

	m->latency += LEASE_SECONDS;
	m->side = qn_calloc(m->s->nhosts, sizeof(*m->side));
	if (!m->side)
		return false;
	m->may_lease = may_lease(m->s);
	if (!m->may_lease)
		return true;
	for (uint64_t i = 0; i < w->nlumps; i++)
		m->task += (double)w->lump[i].decoded / (double)w->nitems;
	return find_peers(m);
}
