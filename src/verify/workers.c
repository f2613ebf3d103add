/*
 * workers.c - the chunks of one dataset, looked at by the threads of all ranks: scattered in file
 * order, taken from queues, stolen within a host; what was found goes to rank 0.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cond.h"
#include "base/mem.h"
#include "data/reading.h"
#include "cluster/room.h"
#include "feed/feed.h"
#include "run/queue.h"
#include "verify/verify.h"

#define MONITOR_NS   200000000
#define MOST_TAKEN   16			 /* chunks at once */
#define MOST_NCHUNKS (UINT64_C(1) << 31) /* in one scatter */

/* Nothing looks at the values. */
static const struct qn_view any_view = { QUERN_U8, QUERN_U8, false };

struct crew;

struct worker {
	struct crew *crew;
	pthread_t thread;
	int index;
	struct qn_feed *feed, *stored; /* of the two descriptions of the task */
	struct qn_summer *summer;
	struct qn_verify_totals totals;
	struct qn_chunk_result *result; /* owned */
	uint64_t nresults, room;
	char *text; /* owned */
	size_t text_nbytes, text_room;
	double wasted;
	struct quern_message err;
};

struct crew {
	const struct qn_team *team;
	struct qn_reading reading; /* of the thread that starts the workers */
	const struct qn_verify_task *task;
	struct qn_queues queues;
	int nworkers;
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	int nrunning; /* under lock */
};

/* --- what a worker notes --- */

static enum quern_status note_damage(struct worker *w, const struct qn_chunk *c,
				     const struct quern_message *m)
{
	const char *why = m->text;
	struct qn_damage_record f = { .number = c->number,
				      .addr = c->addr,
				      .nbytes = c->nbytes,
				      .text_nbytes = (uint32_t)strlen(why),
				      .reason = m->reason };
	size_t need = w->text_nbytes + sizeof(f) + f.text_nbytes;

	if (!qn_grow(&w->text, &w->text_room, need, 1))
		return qn_error_nomem(&w->err, need, "a list of damages");
	memcpy(w->text + w->text_nbytes, &f, sizeof(f));
	memcpy(w->text + w->text_nbytes + sizeof(f), why, f.text_nbytes);
	w->text_nbytes = need;
	w->totals.ndamages += !m->reason;
	return QUERN_OK;
}

static enum quern_status note_result(struct worker *w, const struct qn_chunk *c, bool damaged,
				     bool summed)
{
	struct qn_chunk_result *r;

	if (!w->crew->task->wants_sums)
		return QUERN_OK;
	if (!qn_grow(&w->result, &w->room, w->nresults + 1, sizeof(*w->result)))
		return qn_error_nomem(&w->err, w->nresults * sizeof(*w->result), "sums");
	r = &w->result[w->nresults++];
	*r = (struct qn_chunk_result){
		.sum = { .number = c->number, .nbytes = c->nbytes, .filter_mask = c->filter_mask },
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

	w->totals.stored_nbytes += s ? s->stored_nbytes : 0;
	/* What is only summed is not decoded. */
	w->totals.decoded_nbytes += s && f == &w->feed ? s->decoded_nbytes : 0;
	qn_feed_free(*f);
	*f = NULL;
}

static enum quern_status check_with(const struct worker *w, const struct qn_dataset *d,
				    const struct qn_chunk *c, struct qn_summer *summer,
				    struct qn_feed **f, bool *summed, struct quern_message *why)
{
	enum quern_status st = QUERN_OK;

	if (!*f)
		st = qn_feed_new(d, &any_view, false, d->native ? w->crew->task->fd : -1, f, why);
	return st ? st : qn_feed_check(*f, c, summer, summed, why);
}

/* A library's process that has died cannot be asked about the next chunk: another one is started,
   unless that has taken too long already. */
static enum quern_status decode(struct worker *w, const struct qn_chunk *c,
				struct qn_summer *summer, bool *summed, struct quern_message *why)
{
	const struct qn_dataset *d = w->crew->task->decoded;
	double start = qn_comm_wtime();
	enum quern_status st;

	if (w->crew->task->wasted + w->totals.wasted > QN_VERIFY_PATIENCE)
		return qn_error_set(why, QUERN_ERR_DATA,
				    "%s: dataset %s: a chunk was not decoded, "
				    "because failing to decode others took long; name the dataset "
				    "with -d",
				    d->file, d->path);
	st = check_with(w, d, c, summer, &w->feed, summed, why);
	if (st && !d->native) {
		close_feed(w, &w->feed);
		w->totals.wasted += qn_comm_wtime() - start;
	}
	return st;
}

static enum quern_status examine(struct worker *w, const struct qn_chunk *c, bool *summed,
				 struct quern_message *why)
{
	const struct qn_verify_task *t = w->crew->task;
	enum quern_status st = QUERN_OK;
	bool unused;

	*summed = false;
	if (t->stored)
		st = check_with(w, t->stored, c, w->summer, &w->stored, summed, why);
	if (!st && t->decoded)
		st = decode(w, c, t->stored ? NULL : w->summer, t->stored ? &unused : summed, why);
	return st;
}

static enum quern_status run_chunk(struct worker *w, const struct qn_chunk *c)
{
	struct quern_message why = { .status = QUERN_OK };
	bool summed;
	enum quern_status st = examine(w, c, &summed, &why);

	atomic_fetch_add_explicit(&w->crew->queues.queue[w->crew->queues.mine].header->done_nbytes,
				  c->nbytes, memory_order_relaxed);
	if (st && st != QUERN_ERR_DATA && why.reason != QN_HELD)
		return qn_error_pass(&w->err, st, &why);
	if (st && note_damage(w, c, &why))
		return w->err.status;
	return note_result(w, c, st && !why.reason, summed);
}

static enum quern_status run_chunks(struct worker *w, const struct qn_queue *q, uint32_t begin,
				    uint32_t end)
{
	enum quern_status st = QUERN_OK;

	for (uint32_t i = begin; !st && i < end && !qn_queues_stopped(&w->crew->queues); i++)
		st = run_chunk(w, &q->chunk[i]);
	return st;
}

static uint32_t batch_size(const struct qn_team *team, const struct qn_queue *q)
{
	uint64_t range = atomic_load_explicit(&q->header->range, memory_order_relaxed);
	uint32_t head = (uint32_t)range, tail = (uint32_t)(range >> 32);
	uint32_t n = tail > head ? (tail - head) / (8 * team->place.nthreads) : 0;

	return n < 1 ? 1 : n > MOST_TAKEN ? MOST_TAKEN : n;
}

static enum quern_status work(struct worker *w)
{
	struct qn_queues *qs = &w->crew->queues;
	struct qn_queue *own = &qs->queue[qs->mine];
	enum quern_status st = QUERN_OK;
	uint32_t begin, end;

	while (!st && !qn_queues_stopped(qs) &&
	       qn_queue_take(own, batch_size(w->crew->team, own), &begin, &end))
		st = run_chunks(w, own, begin, end);
	for (int v = 0; !st && v < qs->nranks - 1; v++) {
		struct qn_queue *q = &qs->queue[qs->victim[v]];
		uint32_t parts = 2 * (q->header->nthreads + own->header->nthreads);

		while (!st && !qn_queues_stopped(qs) && qn_queue_steal(q, parts, &begin, &end))
			st = run_chunks(w, q, begin, end);
	}
	return st;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct crew *crew = w->crew;
	enum quern_status st = QUERN_OK;

	qn_reading_set(crew->reading);
	qn_topo_bind_thread(crew->team->topo, &crew->team->slice, w->index, crew->team->bind);
	if (crew->task->wants_sums && !(w->summer = qn_summer_new()))
		st = qn_error_nomem(&w->err, 0, "sums");
	if (!st)
		st = work(w);
	if (st)
		qn_queues_stop(&crew->queues);
	close_feed(w, &w->feed);
	close_feed(w, &w->stored);
	pthread_mutex_lock(&crew->lock);
	crew->nrunning--;
	pthread_cond_signal(&crew->finished);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* --- the rank --- */

static void monitor(struct crew *crew)
{
	const struct qn_team *team = crew->team;

	pthread_mutex_lock(&crew->lock);
	while (crew->nrunning) {
		uint64_t done, total;

		if (!team->progress)
			pthread_cond_wait(&crew->finished, &crew->lock);
		else if (!qn_cond_wait(&crew->finished, &crew->lock, MONITOR_NS)) {
			qn_queues_progress(&crew->queues, &done, &total);
			team->progress(team->progress_ctx, 0, done, total);
		}
	}
	pthread_mutex_unlock(&crew->lock);
}

/* What a thread holds while it decodes the largest chunk of this host. */
static uint64_t a_thread_nbytes(const struct crew *crew)
{
	const struct qn_verify_task *t = crew->task;
	const struct qn_dataset *d = t->decoded ? t->decoded : t->stored;
	uint64_t stored = 1;

	for (int r = 0; r < crew->queues.nranks; r++)
		for (uint32_t i = 0; i < crew->queues.queue[r].header->nitems; i++)
			stored = qn_max_u64(stored, crew->queues.queue[r].chunk[i].nbytes);
	return d ? qn_feed_nbytes(d, &any_view, false, false, stored, 0) : 1;
}

/* More threads than there are chunks on this host would have nothing to do, and those that there is no
   memory for wait. *n: at least 1 where there are chunks. */
static enum quern_status count_workers(const struct crew *crew, int *n, struct quern_message *err)
{
	const struct qn_room room = qn_room_find("");
	const uint64_t there = room.nbytes / (uint64_t)crew->queues.nranks;
	const uint64_t each = a_thread_nbytes(crew);
	uint64_t nchunks = 0;

	for (int r = 0; r < crew->queues.nranks; r++)
		nchunks += crew->queues.queue[r].header->nitems;
	*n = (int)qn_min_u64(qn_min_u64(nchunks, crew->team->place.nthreads), there / each);
	if (*n || !nchunks)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"a chunk takes about %" PRIu64 " MiB to be decoded, more "
		"than the %" PRIu64 " MiB that %s: start fewer ranks on a host, or where there "
		"is more",
		(each >> 20) + 1, (there >> 20) + 1,
		room.is_group ? "a control group (cgroup) leaves" : "a machine has free");
}

static enum quern_status start(struct crew *crew, int n, struct quern_message *err)
{
	int rc = 0;

	crew->nrunning = n;
	for (; crew->nworkers < n; crew->nworkers++) {
		struct worker *w = &crew->worker[crew->nworkers];

		w->crew = crew;
		w->index = crew->nworkers;
		rc = pthread_create(&w->thread, NULL, worker_main, w);
		if (rc)
			break;
	}
	pthread_mutex_lock(&crew->lock);
	crew->nrunning -= n - crew->nworkers;
	pthread_mutex_unlock(&crew->lock);
	if (crew->nworkers || n == 0)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "cannot start a thread: %s", strerror(rc));
}

/* Adds what a worker found to the rank's, and frees the worker's. */
static enum quern_status dismiss(struct worker *w, struct qn_findings *f, enum quern_status st,
				 struct quern_message *err)
{
	void *results = f->result, *text = f->text;
	size_t nr = f->nresults, nt = f->text_nbytes;

	if (w->err.status)
		st = qn_error_set(err, w->err.status, "%s", w->err.text);
	if (!st && (!qn_grow(&results, &nr, nr + w->nresults, sizeof(*f->result)) ||
		    !qn_grow(&text, &nt, nt + w->text_nbytes, 1)))
		st = qn_error_nomem(err, 0, "a list of damages");
	f->result = results;
	f->text = text;
	if (!st) {
		if (w->nresults)
			memcpy(f->result + f->nresults, w->result,
			       w->nresults * sizeof(*w->result));
		if (w->text_nbytes)
			memcpy(f->text + f->text_nbytes, w->text, w->text_nbytes);
		f->nresults += w->nresults;
		f->text_nbytes += w->text_nbytes;
		f->totals.stored_nbytes += w->totals.stored_nbytes;
		f->totals.decoded_nbytes += w->totals.decoded_nbytes;
		f->totals.ndamages += w->totals.ndamages;
		f->totals.wasted += w->totals.wasted;
	}
	qn_summer_free(w->summer);
	free(w->result);
	free(w->text);
	return st;
}

static enum quern_status run_workers(struct crew *crew, struct qn_findings *mine,
				     struct quern_message *err)
{
	int n;
	enum quern_status st = count_workers(crew, &n, err);

	if (st)
		return st;
	crew->worker = qn_calloc((size_t)n, sizeof(*crew->worker));
	if (!crew->worker)
		return qn_error_nomem(err, (size_t)n * sizeof(*crew->worker), "threads");
	pthread_mutex_init(&crew->lock, NULL);
	qn_cond_init(&crew->finished);
	st = start(crew, n, err);
	if (!st)
		monitor(crew);
	else
		qn_queues_stop(&crew->queues);
	for (int i = 0; i < crew->nworkers; i++)
		pthread_join(crew->worker[i].thread, NULL);
	for (int i = 0; i < crew->nworkers; i++)
		st = dismiss(&crew->worker[i], mine, st, err);
	pthread_cond_destroy(&crew->finished);
	pthread_mutex_destroy(&crew->lock);
	free(crew->worker);
	return st;
}

/* --- all ranks --- */

/* Rank 0: the chunks in file order to the ranks in runs of about the same size, by threads. */
static void divide(const struct qn_team *team, const struct qn_verify_task *t, int nranks,
		   struct qn_share *share, uint64_t *count)
{
	uint64_t nbytes = 0, nthreads = 0, upto = 0, at = 0;
	double done = 0;

	for (uint64_t i = 0; i < t->nchunks; i++)
		nbytes += t->chunks[i].nbytes + 1u;
	for (int r = 0; r < nranks; r++)
		nthreads += team->places[r].nthreads;
	for (int r = 0; r < nranks; r++) {
		double end;

		upto += team->places[r].nthreads;
		end = (double)nbytes * (double)upto / (double)nthreads;
		while (at < t->nchunks && (done < end || r == nranks - 1)) {
			uint64_t n = t->chunks[at++].nbytes;

			done += (double)n + 1;
			share[r].nbytes += n;
			share[r].nitems++;
		}
		share[r].nchunks = count[r] = share[r].nitems;
	}
}

struct scattered {
	struct qn_share *share; /* rank 0, owned */
	uint64_t *count;	/* rank 0, owned */
};

static enum quern_status plan(const struct qn_team *team, const struct qn_verify_task *t,
			      struct scattered *s, struct quern_message *err)
{
	const struct qn_dataset *d = t->decoded ? t->decoded : t->stored;
	size_t nranks = (size_t)qn_comm_size(team->comm);

	if (qn_comm_rank(team->comm) != 0)
		return QUERN_OK;
	s->share = qn_calloc(nranks, sizeof(*s->share));
	s->count = qn_calloc(2 * nranks, sizeof(*s->count));
	if (!s->share || !s->count)
		return qn_error_nomem(err, nranks * sizeof(*s->share), "the shares");
	if (t->nchunks >= MOST_NCHUNKS)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: %" PRIu64 " chunks, and the "
				    "limit is %" PRIu64 ": name other datasets with -d",
				    d->file, d->path, t->nchunks, MOST_NCHUNKS - 1);
	divide(team, t, (int)nranks, s->share, s->count + nranks);
	for (size_t r = 0; r < nranks; r++)
		s->count[r] = 1;
	return QUERN_OK;
}

static enum quern_status scatter(struct crew *crew, struct scattered *s, struct quern_message *err)
{
	const struct qn_team *team = crew->team;
	const struct qn_verify_task *t = crew->task;
	struct qn_share mine = { 0 };
	enum quern_status st = qn_comm_agree(team->comm, plan(team, t, s, err), err);

	if (!st)
		st = qn_comm_scatterv(team->comm, s->share, s->count, sizeof(mine), &mine, 1, err);
	if (!st)
		st = qn_queues_new(team->comm, &mine, team->place.node, team->place.nthreads,
				   &crew->queues, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_scatterv(
			team->comm, t->chunks,
			s->count ? s->count + qn_comm_size(team->comm) : NULL, sizeof(*t->chunks),
			crew->queues.queue[crew->queues.mine].chunk, mine.nchunks, err);
	return qn_comm_agree(team->comm, st, err);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct qn_chunk_result *)a)->sum.number;
	uint64_t y = ((const struct qn_chunk_result *)b)->sum.number;

	return (x > y) - (x < y);
}

/* What the ranks found, to rank 0. */
static enum quern_status gather(struct qn_comm *c, struct qn_findings *mine,
				struct qn_findings *all, struct quern_message *err)
{
	void *results = NULL, *text = NULL;
	uint64_t n = mine->nresults, nt = mine->text_nbytes;
	const struct qn_verify_totals *m = &mine->totals;
	int64_t totals[] = { (int64_t)m->stored_nbytes, (int64_t)m->decoded_nbytes,
			     (int64_t)m->ndamages, (int64_t)(m->wasted * 1e6) };
	enum quern_status st;

	st = qn_comm_gatherv(c, mine->result, &n, sizeof(*mine->result), &results, err);
	if (!st)
		st = qn_comm_gatherv(c, mine->text, &nt, 1, &text, err);
	if (!st)
		st = qn_comm_reduce(c, totals, 4, QUERN_SUM, err);
	*all = (struct qn_findings){
		.nresults = n,
		.result = results,
		.text_nbytes = (size_t)nt,
		.text = text,
		.totals = { (uint64_t)totals[0], (uint64_t)totals[1], (uint64_t)totals[2],
			    1e-6 * (double)totals[3] },
	};
	if (!st && results)
		qsort(results, n, sizeof(*all->result), by_number);
	return st;
}

enum quern_status qn_verify_chunks(const struct qn_team *team, const struct qn_verify_task *t,
				   struct qn_findings *all, struct quern_message *err)
{
	struct crew crew = { .team = team, .reading = *qn_reading(), .task = t };
	struct qn_findings mine = { .nresults = 0 };
	struct scattered s = { NULL, NULL };
	enum quern_status st = scatter(&crew, &s, err);

	*all = mine;
	if (!st) {
		qn_queues_reset(&crew.queues);
		qn_comm_host_barrier(team->comm);
		st = qn_comm_agree(team->comm, run_workers(&crew, &mine, err), err);
	}
	if (!st)
		st = gather(team->comm, &mine, all, err);
	qn_queues_fini(&crew.queues);
	qn_findings_fini(&mine);
	free(s.share);
	free(s.count);
	return st;
}

void qn_findings_fini(struct qn_findings *f)
{
	free(f->result);
	free(f->text);
	memset(f, 0, sizeof(*f));
}
