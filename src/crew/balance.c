#include "crew/balance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define FIRST_LATENCY  3e-3 /* seconds from asking to an answer, before that was measured */
#define QUIET_SECONDS  20e-3
#define MEMORY_SECONDS 4.0 /* a pace that is older counts half */

enum kind { ASK, STOP };

struct note {
	uint32_t kind;
	int32_t rumour;	       /* the host that is known to be busy for longest, or -1, */
	double rumour_seconds; /* and for how long */
	struct qn_load load;   /* of the sender */
	double latency;
};

/* Followed by a lease, or by nothing. */
struct answer {
	double finish; /* seconds until the sender is done */
	int32_t rumour;
	uint32_t is_final; /* it will never have anything */
	double rumour_seconds;
};

/* --- who can be asked --- */

static bool is_own(const struct qn_home *h)
{
	return h->tier != QN_HOME_SHARED;
}

/* Marks what the hosts of a set of homes are to this one. */
static void mark_set(struct qn_balance *a, uint32_t set)
{
	const struct qn_homes *h = &a->access->homes;
	bool held = false, readable = h->shared[set];

	for (uint64_t i = h->first[set]; i < h->first[set + 1]; i++)
		if (h->home[i].host == (uint32_t)a->host) {
			held = held || is_own(&h->home[i]);
			readable = true;
		}
	for (uint64_t i = h->first[set]; readable && i < h->first[set + 1]; i++) {
		struct qn_peer *p = &a->peer[h->home[i].host];

		p->readable = true;
		p->holds = p->holds || (held && is_own(&h->home[i]));
	}
	for (int i = 0; h->shared[set] && i < a->nhosts; i++)
		a->peer[i].readable = true;
}

static void mark_readable(struct qn_balance *a)
{
	for (uint32_t s = 0; a->access && s < a->access->homes.nsets; s++)
		mark_set(a, s);
	for (int h = 0; !a->access && h < a->nhosts; h++)
		a->peer[h].readable = true;
}

enum quern_status qn_balance_init(struct qn_balance *a, struct qn_comm *c,
				  const struct qn_access *access, const struct qn_weigher *w,
				  const struct qn_rates *rates, struct qn_queues *q,
				  struct qn_leases *l, struct quern_message *err)
{
	enum quern_status st;

	*a = (struct qn_balance){ .comm = c,
				  .access = access,
				  .weigher = w,
				  .rates = rates,
				  .queues = q,
				  .leases = l,
				  .asked = -1,
				  .nhosts = qn_comm_nhosts(c),
				  .host = qn_comm_host(c) };
	if (a->nhosts == 1)
		return QUERN_OK;
	st = qn_mailbox_new(c, &a->post, err);
	if (!st && a->post) {
		a->peer = qn_calloc((size_t)a->nhosts, sizeof(*a->peer));
		a->answer = qn_calloc(sizeof(struct answer) + qn_lease_most_nbytes(l), 1);
		if (!a->peer || !a->answer)
			st = qn_error_nomem(err, qn_lease_most_nbytes(l), "leases");
		else
			mark_readable(a);
		for (int r = 0; r < q->nranks; r++)
			a->nthreads += q->queue[r].header->nthreads;
	}
	st = qn_comm_agree(c, st, err);
	if (st)
		qn_balance_fini(a);
	return st;
}

void qn_balance_fini(struct qn_balance *a)
{
	qn_mailbox_free(a->post);
	free(a->peer);
	free(a->answer);
	memset(a, 0, sizeof(*a));
}

void qn_balance_begin(struct qn_balance *a)
{
	for (int h = 0; h < a->nhosts; h++) {
		a->peer[h].known = h != a->host && a->peer[h].readable ? QN_UNKNOWN
								       : QN_NOTHING_THERE;
		a->peer[h].ask_after = 0;
	}
	a->nasked = 0;
	a->asked = -1;
	a->latency = FIRST_LATENCY;
	a->at = a->stirred_at = qn_comm_wtime();
	a->busy_seconds = a->busy_nbytes = a->done_nbytes = 0;
	a->told_stop = false;
	a->stage = QN_HAS_WORK;
}

/* --- what this host has to do --- */

static uint32_t nwaiting(const struct qn_queue *q)
{
	uint32_t head, tail;

	qn_queue_peek_weighted(q, &head, &tail);
	return tail - head;
}

/* Of its tasks those that have weight. */
static uint32_t nheavy(const struct qn_queue *q)
{
	return q->header->nitems - q->header->ncounted;
}

static double mean_task(const struct qn_queue *q)
{
	return nheavy(q) ? (double)q->header->nbytes / nheavy(q) : 0;
}

/* Work of its queues and leases that nobody has taken. */
static void count_waiting(const struct qn_balance *a, double *weight, uint64_t *ntasks)
{
	*weight = 0;
	*ntasks = 0;
	for (int i = 0; i < a->queues->nranks + QN_NLEASES; i++) {
		const struct qn_queue *q = i < QN_NLEASES ? &a->leases->lease[i]
							  : &a->queues->queue[i - QN_NLEASES];
		uint32_t n = nwaiting(q);

		*weight += n * mean_task(q);
		*ntasks += n;
	}
}

static void measure_pace(struct qn_balance *a, double now, double done, double share)
{
	a->busy_seconds += (now - a->at) * share;
	a->busy_nbytes += done - a->done_nbytes;
	a->at = now;
	a->done_nbytes = done;
	if (a->busy_seconds > MEMORY_SECONDS) {
		a->busy_seconds /= 2;
		a->busy_nbytes /= 2;
	}
}

static void look_around(struct qn_balance *a)
{
	struct qn_load *l = &a->load;
	double now = qn_comm_wtime(), share, work = 0;
	uint64_t done, total, n = 0, all = 0;

	qn_queues_progress(a->queues, &done, &total);
	count_waiting(a, &l->waiting, &n);
	for (int r = 0; r < a->queues->nranks; r++) {
		work += (double)a->queues->queue[r].header->nbytes;
		all += nheavy(&a->queues->queue[r]);
	}
	l->nthreads = a->nthreads;
	l->task = n ? l->waiting / (double)n : all ? work / (double)all : l->task;
	l->working = (double)total + (double)atomic_load(&a->leases->board->moved_nbytes) -
		     (double)done - l->waiting;
	l->working = l->working > 0 ? l->working : 0;
	share = l->task > 0 ? (l->waiting + l->working) / (l->task * l->nthreads) : 0;
	measure_pace(a, now, (double)done, share < 1 ? share : 1);
	/* One that has done nothing yet will not do a task any sooner. */
	l->rate = a->busy_seconds > 0
			  ? (a->busy_nbytes > l->task ? a->busy_nbytes : l->task) / a->busy_seconds
			  : 0;
}

/* --- what is known of others --- */

static void learn(struct qn_balance *a, int host, double seconds)
{
	struct qn_peer *p = &a->peer[host];

	if (host == a->host || p->known == QN_NOTHING_THERE || !(seconds >= 0))
		return;
	p->known = QN_KNOWN;
	p->finish = a->at + seconds;
}

/* A second-hand report counts only for a host of which nothing is known yet. */
static void note_secondhand(struct qn_balance *a, int32_t host, double seconds)
{
	if (host >= 0 && host < a->nhosts && a->peer[host].known == QN_UNKNOWN)
		learn(a, host, seconds);
}

static int32_t tell_rumour(const struct qn_balance *a, double *seconds)
{
	int best = -1;

	for (int h = 0; h < a->nhosts; h++)
		if (a->peer[h].known == QN_KNOWN &&
		    (best < 0 || a->peer[h].finish > a->peer[best].finish))
			best = h;
	*seconds = best < 0 ? 0 : fmax(0, a->peer[best].finish - a->at);
	return best;
}

/* --- asking --- */

static bool may_ask(const struct qn_balance *a, int host)
{
	const struct qn_peer *p = &a->peer[host];

	return p->known == QN_KNOWN || (p->known == QN_UNKNOWN && a->nasked < QN_MOST_ASKED);
}

/* Holders of copies first, then those who are busy for longest, then the next ones of whom nothing
   is known. */
static bool is_better(const struct qn_peer *a, const struct qn_peer *b)
{
	if (a->holds != b->holds)
		return a->holds;
	if (a->known != b->known)
		return a->known == QN_KNOWN;
	return a->known == QN_KNOWN && a->finish > b->finish;
}

/* Whom to ask now, or -1. */
static int choose(const struct qn_balance *a)
{
	int best = -1;

	for (int i = 1; i < a->nhosts; i++) {
		int h = (a->host + i) % a->nhosts;

		if (!may_ask(a, h) || a->peer[h].ask_after > a->at)
			continue;
		if (best < 0 || is_better(&a->peer[h], &a->peer[best]))
			best = h;
	}
	return best;
}

static enum quern_status ask(struct qn_balance *a, int host, struct quern_message *err)
{
	struct note n = { .kind = ASK, .load = a->load, .latency = a->latency };
	enum quern_status st = qn_mailbox_expect(a->post, host, err);

	if (st)
		return st;
	n.rumour = tell_rumour(a, &n.rumour_seconds);
	st = qn_mailbox_send(a->post, host, &n, sizeof(n), err);
	if (st)
		return st;
	a->nasked += a->peer[host].known == QN_UNKNOWN;
	a->asked = host;
	a->asked_at = a->at;
	return QUERN_OK;
}

static enum quern_status take_lease(struct qn_balance *a, const void *data, size_t nbytes,
				    struct quern_message *err)
{
	int slot = qn_leases_vacant(a->leases);
	uint64_t weight;
	enum quern_status st;

	if (slot < 0)
		return qn_error_set(err, QUERN_ERR_RUN, "a lease came that nobody has asked for");
	st = qn_lease_accept(a->leases, slot, a->weigher, data, nbytes, &weight, err);
	qn_log(QN_LOG_DEBUG, "lease taken, status %d: %zu bytes, slot %d", (int)st, nbytes, slot);
	if (!st)
		atomic_fetch_add(&a->leases->board->moved_nbytes, (int64_t)weight);
	return st;
}

static enum quern_status take_answer(struct qn_balance *a, const void *data, size_t nbytes,
				     struct quern_message *err)
{
	const int host = a->asked;
	struct qn_peer *p = &a->peer[host];
	struct answer ans;

	a->asked = -1;
	if (nbytes < sizeof(ans))
		return qn_error_set(err, QUERN_ERR_RUN, "host number %d answers %zu bytes", host,
				    nbytes);
	memcpy(&ans, data, sizeof(ans));
	a->latency += (a->at - a->asked_at - a->latency) / 4;
	learn(a, host, ans.finish);
	note_secondhand(a, ans.rumour, ans.rumour_seconds);
	if (nbytes > sizeof(ans)) {
		p->ask_after = 0;
		return take_lease(a, (const char *)data + sizeof(ans), nbytes - sizeof(ans), err);
	}
	p->ask_after = a->at + qn_policy_wait(ans.finish);
	if (ans.is_final)
		p->known = QN_NOTHING_THERE;
	return QUERN_OK;
}

/* --- answering --- */

static bool is_sane(const struct qn_load *l)
{
	return l->waiting >= 0 && l->working >= 0 && l->rate >= 0 && l->nthreads >= 1 &&
	       isfinite(l->waiting) && isfinite(l->working) && isfinite(l->rate) &&
	       isfinite(l->nthreads);
}

static struct qn_queue *fullest(const struct qn_balance *a)
{
	struct qn_queue *best = &a->queues->queue[0];

	for (int r = 1; r < a->queues->nranks; r++)
		if (nwaiting(&a->queues->queue[r]) > nwaiting(best))
			best = &a->queues->queue[r];
	return best;
}

static uint32_t member_of(struct qn_balance *a, const struct qn_queue *q, uint32_t task)
{
	uint32_t hint = 0;

	return a->weigher->member(a->weigher->ctx, qn_queue_task(q, task, &hint).item);
}

/* Seconds of a thread for a task, read from so far away. */
static double task_seconds(const struct qn_rates *r, const struct qn_load *l, enum qn_tier tier)
{
	return l->task * (r->read[tier] + r->compute) + r->item;
}

static enum qn_tier tier_of(const struct qn_balance *a, uint32_t member, int host)
{
	return a->access ? qn_access_tier(a->access, member, (uint32_t)host) : QN_SHARED;
}

/* How many tasks of a member a thief is to have. Its rate is that of work near to it. */
static uint32_t lease_of(const struct qn_balance *a, const struct note *n, int thief,
			 uint32_t member)
{
	enum qn_tier there = tier_of(a, member, thief);
	enum qn_tier here = tier_of(a, member, a->host);
	struct qn_load l = n->load;
	double most;

	if (there == QN_NTIERS)
		return 0;
	if (l.rate <= 0)
		l.rate = a->load.rate / a->nthreads * l.nthreads;
	l.task = a->load.task;
	if (there == QN_SHARED && here != QN_SHARED)
		l.rate *= task_seconds(a->rates, &a->load, here) /
			  task_seconds(a->rates, &a->load, there);
	most = qn_policy_lease(&a->load, &l, n->latency);
	return most > QN_LARGEST_LEASE ? QN_LARGEST_LEASE : (uint32_t)most;
}

/* The tasks before `end` that are of one member: at most `most`. */
static uint32_t count_alike(struct qn_balance *a, const struct qn_queue *q, uint32_t head,
			    uint32_t end, uint32_t most)
{
	uint32_t member = member_of(a, q, end - 1), n = 1;

	if (a->weigher->nmembers == 1)
		return most < end - head ? most : end - head;
	while (n < most && n < end - head && member_of(a, q, end - 1 - n) == member)
		n++;
	return n;
}

/* The tail of a queue, or its head where the thief cannot read what is at the tail. False: nothing
   for this thief. */
static bool choose_tasks(struct qn_balance *a, const struct note *n, int thief, struct qn_queue *q,
			 uint32_t *begin, uint32_t *end)
{
	uint32_t head, tail, most;

	qn_queue_peek_weighted(q, &head, &tail);
	if (head == tail)
		return false;
	most = lease_of(a, n, thief, member_of(a, q, tail - 1));
	if (most) {
		most = count_alike(a, q, head, tail, most);
		*end = tail;
		*begin = tail - qn_lease_fit(a->leases, q, head, tail, most);
		return *begin < *end;
	}
	most = lease_of(a, n, thief, member_of(a, q, head));
	if (!most)
		return false;
	*begin = head;
	*end = head + 1;
	while (*end < tail && *end - head < most && member_of(a, q, *end) == member_of(a, q, head))
		++*end;
	while (*end > head && qn_lease_fit(a->leases, q, head, *end, *end - head) < *end - head)
		*end = head + (*end - head) / 2;
	return *end > head;
}

/* Takes tasks for a thief and appends them to the answer: returns the bytes. */
static size_t give(struct qn_balance *a, const struct note *n, int thief, uint8_t *out)
{
	struct qn_queue *q = fullest(a);
	uint32_t begin, end;
	uint64_t weight;
	size_t nbytes;

	for (int try = 0; try < 4; try++) {
		if (!choose_tasks(a, n, thief, q, &begin, &end))
			return 0;
		if (!qn_queue_take_these(q, begin, end))
			continue;
		nbytes = qn_lease_pack(q, begin, end, a->weigher, out, &weight);
		atomic_fetch_sub(&a->leases->board->moved_nbytes, (int64_t)weight);
		qn_log(QN_LOG_DEBUG,
		       "lease given to host number %d: %u tasks, %llu bytes of elements", thief,
		       end - begin, (unsigned long long)weight);
		return nbytes;
	}
	return 0;
}

static enum quern_status answer(struct qn_balance *a, const struct note *n, int thief,
				struct quern_message *err)
{
	struct answer ans = { .finish = qn_policy_finish(&a->load) };
	bool stopped = qn_queues_stopped(a->queues);
	size_t nbytes = 0;

	if (!stopped && is_sane(&n->load) && isfinite(n->latency))
		nbytes = give(a, n, thief, a->answer + sizeof(ans));
	ans.rumour = tell_rumour(a, &ans.rumour_seconds);
	ans.is_final = stopped || !nwaiting(fullest(a));
	memcpy(a->answer, &ans, sizeof(ans));
	return qn_mailbox_answer(a->post, thief, a->answer, sizeof(ans) + nbytes, err);
}

/* --- a step --- */

static enum quern_status read_notes(struct qn_balance *a, struct quern_message *err)
{
	struct note n;
	int from;
	enum quern_status st = qn_mailbox_note(a->post, &n, sizeof(n), &from, err);

	for (; !st && from >= 0;
	     st = st ? st : qn_mailbox_note(a->post, &n, sizeof(n), &from, err)) {
		if (n.kind == STOP) {
			a->told_stop = true;
			qn_queues_stop(a->queues);
			continue;
		}
		a->stirred_at = a->at;
		note_secondhand(a, n.rumour, n.rumour_seconds);
		if (is_sane(&n.load) && n.load.rate > 0)
			learn(a, from, qn_policy_finish(&n.load));
		st = answer(a, &n, from, err);
		look_around(a);
	}
	return st;
}

static enum quern_status tell_all_to_stop(struct qn_balance *a, struct quern_message *err)
{
	struct note n = { .kind = STOP, .rumour = -1 };
	enum quern_status st = QUERN_OK;

	a->told_stop = true;
	for (int i = 1; !st && i < a->nhosts; i++)
		st = qn_mailbox_send(a->post, (a->host + i) % a->nhosts, &n, sizeof(n), err);
	return st;
}

static enum quern_status seek_work(struct qn_balance *a, struct quern_message *err)
{
	int host;

	if (a->asked >= 0 || a->stage > QN_EMPTY || qn_queues_stopped(a->queues) ||
	    !qn_policy_is_low(&a->load, a->latency) || qn_leases_vacant(a->leases) < 0)
		return QUERN_OK;
	host = choose(a);
	return host < 0 ? QUERN_OK : ask(a, host, err);
}

/* Comes to a gathering when it may, and to the next stage when all have. */
static enum quern_status advance(struct qn_balance *a, struct quern_message *err)
{
	bool stopped = qn_queues_stopped(a->queues), all = false;
	enum quern_status st = QUERN_OK;

	if (a->stage == QN_HAS_WORK ? stopped || !nwaiting(fullest(a))
				    : a->stage == QN_ALL_EMPTY && a->asked < 0) {
		qn_mailbox_arrive(a->post);
		a->stage++;
	}
	if (a->stage == QN_EMPTY || a->stage == QN_QUIET)
		st = qn_mailbox_gathered(a->post, &all, err);
	a->stage += all;
	return st;
}

static enum quern_status look_for_answer(struct qn_balance *a, struct quern_message *err)
{
	const void *data = NULL;
	size_t nbytes;
	enum quern_status st = QUERN_OK;

	if (a->asked >= 0)
		st = qn_mailbox_answered(a->post, &data, &nbytes, err);
	if (!st && data) {
		st = take_answer(a, data, nbytes, err);
		look_around(a);
	}
	return st;
}

static enum quern_status step(struct qn_balance *a, struct quern_message *err)
{
	enum quern_status st = qn_mailbox_listen(a->post, err);

	if (st || qn_mailbox_is_abandoned(a->post))
		return st;
	look_around(a);
	st = read_notes(a, err);
	if (!st && qn_queues_stopped(a->queues) && !a->told_stop)
		st = tell_all_to_stop(a, err);
	if (!st)
		st = look_for_answer(a, err);
	if (!st)
		st = seek_work(a, err);
	return st ? st : advance(a, err);
}

enum quern_status qn_balance_step(struct qn_balance *a, struct quern_message *err)
{
	enum quern_status st = step(a, err);

	if (st) {
		qn_log(QN_LOG_WARN, "leases between hosts have failed, and the work ends: %s",
		       err ? err->text : "");
		qn_mailbox_abandon(a->post);
	}
	if (qn_mailbox_is_abandoned(a->post)) {
		qn_queues_stop(a->queues);
		a->stage = QN_OVER;
	}
	if (a->stage == QN_OVER)
		atomic_store(&a->leases->board->closed, 1);
	return st;
}

long qn_balance_pause(const struct qn_balance *a)
{
	bool quiet = a->stage == QN_HAS_WORK && a->asked < 0 &&
		     a->at - a->stirred_at > QUIET_SECONDS &&
		     !qn_policy_is_low(&a->load, a->latency);

	return quiet ? QN_BALANCE_QUIET_NS : QN_BALANCE_NS;
}
