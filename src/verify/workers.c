/*
 * workers.c - what a verification does with chunks, which are the tasks of a crew: items are the chunks of
 * all datasets at hand, one after the other in file order; what was found goes to rank 0.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/room.h"
#include "feed/feed.h"
#include "crew/crew.h"
#include "verify/verify.h"

#define MOST_NCHUNKS (UINT64_C(1) << 31) /* in one scatter */

/* Nothing looks at the values. */
static const struct qn_view any_view = { QUERN_U8, QUERN_U8, false };

/* A rank's part in it. */
struct looking {
	const struct qn_team *team;
	const struct qn_verify_work *work;
	uint64_t *first; /* owned: the first item of each task, and the end */
	uint64_t nitems, longest;
	struct qn_queues queues;
	struct qn_leases leases;
	struct qn_weigher weigher;
	struct qn_balance balance;
	struct qn_findings found;
};

struct worker {
	struct looking *of;
	uint32_t stretch;	       /* of the queue, near the chunk at hand */
	uint32_t task;		       /* at hand */
	struct qn_feed *feed, *stored; /* of its two descriptions */
	struct qn_summer *summer;
	struct qn_findings found;
	size_t room_results, room_text;
	struct quern_message *err; /* keeps: of this worker */
};

static const struct qn_verify_task *task_of(const struct worker *w)
{
	return &w->of->work->task[w->task];
}

/* --- what a worker notes --- */

static enum quern_status note_damage(struct worker *w, const struct qn_chunk *c,
				     const struct quern_message *m)
{
	struct qn_findings *found = &w->found;
	const char *why = m->text;
	struct qn_damage_record f = { .number = c->number,
				      .addr = c->addr,
				      .nbytes = c->nbytes,
				      .text_nbytes = (uint32_t)strlen(why),
				      .reason = m->reason,
				      .task = w->task };
	size_t need = found->text_nbytes + sizeof(f) + f.text_nbytes;

	if (!qn_grow(&found->text, &w->room_text, need, 1))
		return qn_error_nomem(w->err, need, "a list of damages");
	memcpy(found->text + found->text_nbytes, &f, sizeof(f));
	memcpy(found->text + found->text_nbytes + sizeof(f), why, f.text_nbytes);
	found->text_nbytes = need;
	found->totals[w->task].ndamages += !m->reason;
	return QUERN_OK;
}

static enum quern_status note_result(struct worker *w, const struct qn_chunk *c, bool damaged,
				     bool summed)
{
	struct qn_findings *found = &w->found;
	struct qn_chunk_result *r;

	if (!w->of->work->wants_sums)
		return QUERN_OK;
	if (!qn_grow(&found->result, &w->room_results, found->nresults + 1, sizeof(*r)))
		return qn_error_nomem(w->err, found->nresults * sizeof(*r), "sums");
	r = &found->result[found->nresults++];
	*r = (struct qn_chunk_result){
		.sum = { .number = c->number, .nbytes = c->nbytes, .filter_mask = c->filter_mask },
		.task = w->task,
		.damaged = damaged,
		.summed = summed,
	};
	if (summed)
		qn_summer_get(w->summer, &r->sum.sum);
	return QUERN_OK;
}

/* --- chunks --- */

static void close_feed(struct worker *w, struct qn_feed **f)
{
	const struct qn_feed_stats *s = *f ? qn_feed_stats(*f) : NULL;

	if (s) {
		w->found.totals[w->task].stored_nbytes += s->stored_nbytes;
		/* What is only summed is not decoded. */
		if (f == &w->feed)
			w->found.totals[w->task].decoded_nbytes += s->decoded_nbytes;
	}
	qn_feed_free(*f);
	*f = NULL;
}

static void close_feeds(struct worker *w)
{
	close_feed(w, &w->feed);
	close_feed(w, &w->stored);
}

static enum quern_status check_with(const struct worker *w, const struct qn_dataset *d,
				    const struct qn_chunk *c, struct qn_summer *summer,
				    struct qn_feed **f, bool *summed, struct quern_message *why)
{
	enum quern_status st = QUERN_OK;

	if (!*f)
		st = qn_feed_new(d, &any_view, false, d->native ? w->of->work->fd : -1, f, why);
	return st ? st : qn_feed_check(*f, c, summer, summed, why);
}

/* A library's process that has died cannot be asked about the next chunk: another one is started,
   unless that has taken too long already. */
static enum quern_status decode(struct worker *w, const struct qn_chunk *c,
				struct qn_summer *summer, bool *summed, struct quern_message *why)
{
	const struct qn_dataset *d = task_of(w)->decoded;
	double start = qn_comm_wtime();
	enum quern_status st;

	if (w->of->work->wasted + w->found.wasted > QN_VERIFY_PATIENCE)
		return qn_error_set(why, QUERN_ERR_DATA,
				    "%s: dataset %s: a chunk was not decoded, "
				    "because failing to decode others took long; name the dataset "
				    "with -d",
				    d->file, d->path);
	st = check_with(w, d, c, summer, &w->feed, summed, why);
	if (st && !d->native) {
		close_feed(w, &w->feed);
		w->found.wasted += qn_comm_wtime() - start;
	}
	return st;
}

static enum quern_status examine(struct worker *w, const struct qn_chunk *c, bool *summed,
				 struct quern_message *why)
{
	const struct qn_verify_task *t = task_of(w);
	enum quern_status st = QUERN_OK;
	bool unused;

	*summed = false;
	if (t->stored)
		st = check_with(w, t->stored, c, w->summer, &w->stored, summed, why);
	if (!st && t->decoded)
		st = decode(w, c, t->stored ? NULL : w->summer, t->stored ? &unused : summed, why);
	return st;
}

/* A chunk that is asked of the library has no length, and is no less work. */
static uint64_t weight_of(const struct qn_chunk *c)
{
	return c->nbytes + UINT64_C(1);
}

static enum quern_status run_chunk(struct worker *w, const struct qn_chunk *c)
{
	const struct qn_queues *qs = &w->of->queues;
	struct quern_message why = { .status = QUERN_OK };
	bool summed;
	enum quern_status st = examine(w, c, &summed, &why);

	atomic_fetch_add_explicit(&qs->queue[qs->mine].header->done_nbytes, weight_of(c),
				  memory_order_relaxed);
	if (st && st != QUERN_ERR_DATA && why.reason != QN_HELD)
		return qn_error_pass(w->err, st, &why);
	if (st && note_damage(w, c, &why))
		return w->err->status;
	return note_result(w, c, st && !why.reason, summed);
}

static void turn_to_task(struct worker *w, uint64_t item)
{
	const uint64_t *first = w->of->first;
	uint32_t task = w->task;

	while (first[task + 1] <= item)
		task++;
	while (first[task] > item)
		task--;
	if (task != w->task)
		close_feeds(w);
	w->task = task;
}

/* --- the job --- */

static enum quern_status run_chunks(void *worker, const struct qn_queue *q, uint32_t begin,
				    uint32_t end)
{
	struct worker *w = worker;
	enum quern_status st = QUERN_OK;

	for (uint32_t i = begin; !st && i < end && !qn_queues_stopped(&w->of->queues); i++) {
		const struct qn_task t = qn_queue_task(q, i, &w->stretch);

		turn_to_task(w, t.item);
		st = run_chunk(w, qn_task_chunks(&t));
	}
	return st;
}

static enum quern_status equip(void *worker, void *ctx, bool bound, struct quern_message *err)
{
	struct worker *w = worker;

	(void)bound;
	w->of = ctx;
	w->err = err;
	w->found.ntasks = w->of->work->ntasks;
	w->found.totals = qn_calloc(w->found.ntasks, sizeof(*w->found.totals));
	if (w->of->work->wants_sums)
		w->summer = qn_summer_new();
	if (!w->found.totals || (w->of->work->wants_sums && !w->summer))
		return qn_error_nomem(err, 0, "sums");
	return QUERN_OK;
}

static enum quern_status leave(void *worker, bool failed)
{
	(void)failed;
	close_feeds(worker);
	return QUERN_OK;
}

/* Adds what a worker found to the rank's; false without memory. */
static bool add_findings(struct qn_findings *f, const struct qn_findings *more)
{
	size_t nresults = f->nresults, ntext = f->text_nbytes;

	if (!qn_grow(&f->result, &nresults, f->nresults + more->nresults, sizeof(*f->result)) ||
	    !qn_grow(&f->text, &ntext, f->text_nbytes + more->text_nbytes, 1))
		return false;
	if (more->nresults)
		memcpy(f->result + f->nresults, more->result,
		       more->nresults * sizeof(*more->result));
	if (more->text_nbytes)
		memcpy(f->text + f->text_nbytes, more->text, more->text_nbytes);
	f->nresults += more->nresults;
	f->text_nbytes += more->text_nbytes;
	f->wasted += more->wasted;
	for (uint32_t i = 0; i < f->ntasks; i++) {
		f->totals[i].stored_nbytes += more->totals[i].stored_nbytes;
		f->totals[i].decoded_nbytes += more->totals[i].decoded_nbytes;
		f->totals[i].ndamages += more->totals[i].ndamages;
	}
	return true;
}

static enum quern_status dismiss(void *worker, bool failed, struct quern_message *err)
{
	struct worker *w = worker;
	enum quern_status st = QUERN_OK;

	if (!failed && !add_findings(&w->of->found, &w->found))
		st = qn_error_nomem(err, 0, "a list of damages");
	qn_summer_free(w->summer);
	qn_findings_fini(&w->found);
	return st;
}

static const struct qn_job job = { .worker_nbytes = sizeof(struct worker),
				   .equip = equip,
				   .run = run_chunks,
				   .leave = leave,
				   .dismiss = dismiss };

/* --- the rank --- */

/* What a thread holds while it decodes the largest chunk. */
static uint64_t a_thread_nbytes(const struct qn_verify_work *work)
{
	uint64_t most = 1;

	for (uint32_t i = 0; i < work->ntasks; i++) {
		const struct qn_verify_task *t = &work->task[i];
		const struct qn_dataset *d = t->decoded ? t->decoded : t->stored;

		if (d)
			most = qn_max_u64(most, qn_feed_nbytes(d, &any_view, false, false,
							       qn_max_u64(1, t->longest), 0));
	}
	return most;
}

/* More threads than there are chunks for this host would have nothing to do, and those that there is no
   memory for wait. *n: at least 1 where there are chunks. */
static enum quern_status count_workers(const struct looking *l, uint32_t *n,
				       struct quern_message *err)
{
	const struct qn_room room = qn_room_find("");
	const uint64_t there = room.nbytes / (uint64_t)l->queues.nranks;
	const uint64_t each = a_thread_nbytes(l->work);
	uint64_t nown = 0, nchunks;

	for (int r = 0; r < l->queues.nranks; r++)
		nown += l->queues.queue[r].header->nitems;
	nchunks = l->leases.shared ? l->nitems : nown;
	*n = (uint32_t)qn_min_u64(qn_min_u64(nchunks, l->team->place.nthreads), there / each);
	if (!*n && !nown)
		*n = 1;
	if (*n)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"a chunk takes about %" PRIu64 " MiB to be decoded, more "
		"than the %" PRIu64 " MiB that %s: start fewer ranks on a host, or where there "
		"is more",
		(each >> 20) + 1, (there >> 20) + 1,
		room.is_group ? "a control group (cgroup) leaves" : "a machine has free");
}

static enum quern_status run_workers(struct looking *l, struct quern_message *err)
{
	struct qn_crew crew = { .team = l->team,
				.job = &job,
				.ctx = l,
				.queues = &l->queues,
				.leases = &l->leases,
				.balance = &l->balance };
	struct qn_crew_report r;
	enum quern_status st;

	st = qn_comm_agree(l->team->comm, count_workers(l, &crew.nthreads, err), err);
	if (st)
		return st;
	st = qn_crew_work(&crew, &r, err);
	qn_log(QN_LOG_INFO,
	       "verify: a share of %" PRIu32 " of %" PRIu64 " chunks, %" PRIu32 " threads; %" PRIu64
	       " stolen, %" PRIu64 " leased, status %d",
	       l->queues.queue[l->queues.mine].header->nitems, l->nitems, r.nthreads, r.nstolen,
	       r.nleased, (int)st);
	return qn_comm_agree(l->team->comm, st, err);
}

/* --- all ranks --- */

/* What rank 0 scatters; all owned. */
struct scattered {
	struct qn_chunk *joined; /* of several tasks */
	const struct qn_chunk *chunks;
	struct qn_share *share;
	struct qn_stretch *stretch;	/* of each rank that has chunks: its one */
	uint64_t *nchunks, *nstretches; /* of each rank */
};

static void scattered_fini(struct scattered *s)
{
	free(s->joined);
	free(s->share);
	free(s->stretch);
	free(s->nchunks);
	free(s->nstretches);
}

/* The chunks of all tasks, one after the other. */
static enum quern_status join_chunks(const struct looking *l, struct scattered *s,
				     struct quern_message *err)
{
	const struct qn_verify_work *work = l->work;

	s->chunks = work->task[0].chunks;
	if (work->ntasks == 1)
		return QUERN_OK;
	s->chunks = s->joined = qn_calloc(l->nitems, sizeof(*s->joined));
	if (!s->joined)
		return qn_error_nomem(err, l->nitems * sizeof(*s->joined), "a list of chunks");
	for (uint32_t i = 0; i < work->ntasks; i++)
		if (work->task[i].nchunks)
			memcpy(s->joined + l->first[i], work->task[i].chunks,
			       work->task[i].nchunks * sizeof(*s->joined));
	return QUERN_OK;
}

/* The chunks in file order to the ranks in runs of about the same size, by threads. */
static void divide(const struct looking *l, struct scattered *s, int nranks)
{
	uint64_t nbytes = 0, nthreads = 0, upto = 0, at = 0;
	struct qn_stretch *stretch = s->stretch;
	double done = 0;

	for (uint64_t i = 0; i < l->nitems; i++)
		nbytes += weight_of(&s->chunks[i]);
	for (int r = 0; r < nranks; r++)
		nthreads += l->team->places[r].nthreads;
	for (int r = 0; r < nranks; r++) {
		struct qn_share *share = &s->share[r];
		double end;

		*stretch = (struct qn_stretch){ .item = at, .each = 1 };
		upto += l->team->places[r].nthreads;
		end = (double)nbytes * (double)upto / (double)nthreads;
		while (at < l->nitems && (done < end || r == nranks - 1)) {
			uint64_t n = weight_of(&s->chunks[at++]);

			done += (double)n;
			share->nbytes += n;
			share->nitems++;
		}
		share->nchunks = s->nchunks[r] = share->nitems;
		share->nstretches = s->nstretches[r] = share->nitems ? 1 : 0;
		stretch += share->nstretches;
	}
}

/* Rank 0. */
static enum quern_status plan(const struct looking *l, struct scattered *s,
			      struct quern_message *err)
{
	size_t nranks = (size_t)qn_comm_size(l->team->comm);
	const struct qn_verify_task *t = &l->work->task[0];
	const struct qn_dataset *d = t->decoded ? t->decoded : t->stored;
	enum quern_status st;

	s->share = qn_calloc(nranks, sizeof(*s->share));
	s->stretch = qn_calloc(nranks, sizeof(*s->stretch));
	s->nchunks = qn_calloc(nranks, sizeof(*s->nchunks));
	s->nstretches = qn_calloc(nranks, sizeof(*s->nstretches));
	if (!s->share || !s->stretch || !s->nchunks || !s->nstretches)
		return qn_error_nomem(err, nranks * sizeof(*s->share), "the shares");
	if (l->nitems >= MOST_NCHUNKS)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: %" PRIu64 " chunks, and the "
				    "limit is %" PRIu64 ": name other datasets with -d",
				    d->file, d->path, l->nitems, MOST_NCHUNKS - 1);
	st = join_chunks(l, s, err);
	if (!st)
		divide(l, s, (int)nranks);
	return st;
}

static enum quern_status scatter(struct looking *l, struct scattered *s, struct quern_message *err)
{
	struct qn_comm *c = l->team->comm;
	const bool leads = qn_comm_rank(c) == 0;
	struct qn_share mine = { 0 };
	struct qn_queue *q;
	enum quern_status st = qn_comm_agree(c, leads ? plan(l, s, err) : QUERN_OK, err);

	if (!st)
		st = qn_comm_scatter(c, s->share, sizeof(mine), &mine, err);
	if (!st)
		st = qn_queues_new(c, &mine, l->team->place.node, l->team->place.nthreads,
				   &l->queues, err);
	if (st)
		return st;
	q = &l->queues.queue[l->queues.mine];
	st = qn_comm_scatterv(c, s->stretch, s->nstretches, sizeof(*s->stretch), q->stretch,
			      mine.nstretches, err);
	if (!st)
		st = qn_comm_scatterv(c, s->chunks, s->nchunks, sizeof(*s->chunks), q->chunk,
				      mine.nchunks, err);
	return st;
}

/* Every host sees the file. */
static uint32_t member_of(void *ctx, uint64_t item)
{
	(void)ctx;
	(void)item;
	return 0;
}

/* Whether it lies in the file is what is to be found out. */
static bool weigh(void *ctx, uint64_t item, const struct qn_chunk *chunk, uint64_t n,
		  uint64_t *weight)
{
	const struct looking *l = ctx;

	*weight = n == 1 ? weight_of(chunk) : 0;
	return n == 1 && item < l->nitems;
}

static enum quern_status prepare_leases(struct looking *l, struct quern_message *err)
{
	struct qn_comm *c = l->team->comm;
	enum quern_status st;

	l->weigher = (struct qn_weigher){ .ctx = l,
					  .nitems = l->nitems,
					  .nchunks = l->nitems,
					  .nmembers = 1,
					  .member = member_of,
					  .weigh = weigh };
	st = qn_leases_new(c, &l->weigher, &l->leases, err);
	if (!st)
		st = qn_balance_init(&l->balance, c, NULL, &l->weigher, &qn_rates_default,
				     &l->queues, &l->leases, err);
	if (st || !qn_balance_is_one(&l->balance))
		return st;
	qn_leases_reset(&l->leases);
	qn_balance_begin(&l->balance);
	return QUERN_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct qn_chunk_result *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return (x->sum.number > y->sum.number) - (x->sum.number < y->sum.number);
}

#define NTOTALS 3

/* The totals of all ranks, on rank 0. */
static enum quern_status add_totals(struct qn_comm *c, const struct qn_findings *mine,
				    struct qn_findings *all, struct quern_message *err)
{
	const size_t n = NTOTALS * (size_t)mine->ntasks;
	int64_t *word = qn_calloc(n + 1, sizeof(*word));
	enum quern_status st = word ? QUERN_OK : qn_error_nomem(err, n * sizeof(*word), "totals");

	all->ntasks = mine->ntasks;
	all->totals = qn_calloc(mine->ntasks, sizeof(*all->totals));
	if (!all->totals)
		st = qn_error_nomem(err, n * sizeof(*word), "totals");
	st = qn_comm_agree(c, st, err);
	for (uint32_t i = 0; !st && i < mine->ntasks; i++) {
		word[NTOTALS * i] = (int64_t)mine->totals[i].stored_nbytes;
		word[NTOTALS * i + 1] = (int64_t)mine->totals[i].decoded_nbytes;
		word[NTOTALS * i + 2] = (int64_t)mine->totals[i].ndamages;
	}
	if (!st) {
		word[n] = (int64_t)(mine->wasted * 1e6);
		st = qn_comm_reduce(c, word, n + 1, QUERN_SUM, err);
	}
	for (uint32_t i = 0; !st && i < mine->ntasks; i++)
		all->totals[i] = (struct qn_verify_totals){ (uint64_t)word[NTOTALS * i],
							    (uint64_t)word[NTOTALS * i + 1],
							    (uint64_t)word[NTOTALS * i + 2] };
	if (!st)
		all->wasted = 1e-6 * (double)word[n];
	free(word);
	return st;
}

/* What the ranks found, to rank 0. */
static enum quern_status gather(struct qn_comm *c, const struct qn_findings *mine,
				struct qn_findings *all, struct quern_message *err)
{
	void *results = NULL, *text = NULL;
	uint64_t n = mine->nresults, nt = mine->text_nbytes;
	enum quern_status st;

	st = qn_comm_gatherv(c, mine->result, &n, sizeof(*mine->result), &results, err);
	if (!st)
		st = qn_comm_gatherv(c, mine->text, &nt, 1, &text, err);
	all->nresults = n;
	all->result = results;
	all->text_nbytes = (size_t)nt;
	all->text = text;
	if (!st && results)
		qsort(results, n, sizeof(*all->result), by_number);
	return st ? st : add_totals(c, mine, all, err);
}

/* Numbers the items, and has room for what is found. */
static enum quern_status begin(struct looking *l, struct quern_message *err)
{
	const struct qn_verify_work *work = l->work;

	l->found.ntasks = work->ntasks;
	l->found.totals = qn_calloc(work->ntasks, sizeof(*l->found.totals));
	l->first = qn_calloc(work->ntasks + (size_t)1, sizeof(*l->first));
	if (!l->first || !l->found.totals)
		return qn_error_nomem(err, work->ntasks * sizeof(*l->first), "datasets");
	for (uint32_t i = 0; i < work->ntasks; i++)
		l->first[i + 1] = l->first[i] + work->task[i].nchunks;
	l->nitems = l->first[work->ntasks];
	return QUERN_OK;
}

enum quern_status qn_verify_chunks(const struct qn_team *team, const struct qn_verify_work *work,
				   struct qn_findings *all, struct quern_message *err)
{
	struct looking l = { .team = team, .work = work };
	struct scattered s = { .joined = NULL };
	enum quern_status st = qn_comm_agree(team->comm, begin(&l, err), err);

	*all = (struct qn_findings){ .nresults = 0 };
	if (!st)
		st = scatter(&l, &s, err);
	if (!st)
		st = prepare_leases(&l, err);
	if (!st) {
		qn_queues_reset(&l.queues);
		qn_comm_host_barrier(team->comm);
		st = run_workers(&l, err);
	}
	if (!st)
		st = gather(team->comm, &l.found, all, err);
	qn_balance_fini(&l.balance);
	qn_leases_fini(&l.leases);
	qn_queues_fini(&l.queues);
	qn_findings_fini(&l.found);
	scattered_fini(&s);
	free(l.first);
	return st;
}

struct qn_findings qn_findings_of(const struct qn_findings *all, uint32_t task)
{
	struct qn_findings f = { .text = all->text,
				 .text_nbytes = all->text_nbytes,
				 .ntasks = 1,
				 .totals = all->totals + task };
	uint64_t begin = 0, end;

	while (begin < all->nresults && all->result[begin].task < task)
		begin++;
	for (end = begin; end < all->nresults && all->result[end].task == task;)
		end++;
	f.result = all->result ? all->result + begin : NULL;
	f.nresults = end - begin;
	return f;
}

void qn_findings_fini(struct qn_findings *f)
{
	free(f->result);
	free(f->text);
	free(f->totals);
	memset(f, 0, sizeof(*f));
}
