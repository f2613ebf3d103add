/*
 * workers.c - the worker threads of a rank. Each has its own feed, state and scratch, made by itself
 * after it was pinned so that they lie in the memory of its NUMA node.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cond.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/reading.h"
#include "select/progression.h"
#include "select/select.h"
#include "run/run.h"
#include "run/expected_sums.h"
#include "find/describe.h"
#include "plan/policy.h"

#define MONITOR_NS     200000000  /* between two progress reports */
#define NAP_NS	       200000	  /* of a worker that waits for work of another host: the first, */
#define LONGEST_NAP_NS 1600000	  /* and it naps longer from time to time */
#define MOST_MERGED    (1u << 20) /* states between two normalisations; the contract allows 2^24 */

struct crew;

struct worker {
	struct crew *crew;
	pthread_t thread;
	int index;
	uint32_t stretch;	  /* of the queue, near the task at hand */
	struct qn_slot slot;	  /* the item at hand, */
	struct qn_opened file;	  /* and its file, */
	bool is_local;		  /* which is on a disk or in memory of this host */
	uint32_t form;		  /* of its member, */
	struct qn_dataset member; /* that the feed is on: borrows */
	struct qn_feed *feed;
	struct qn_feed *idle; /* of a native member before, until one of another form comes */
	struct qn_expected_sums ledger;
	struct qn_feed_stats done; /* of earlier feeds */
	uint64_t local_nbytes, remote_nbytes;
	int64_t *state; /* sum of the finished tasks */
	int64_t *trial; /* of one task, when bad chunks are to be skipped or alike ones to be
				   counted; else NULL */
	void *scratch;
	bool bound;
	struct qn_numa_watch near;
	uint64_t nstolen, nleased, nskipped;
	struct qn_skips skips;
	uint64_t nrepeated, repeated_nbytes; /* of done: chunks that were counted, not absorbed */
	double task_seconds;		     /* of the last tasks, each; 0: there was none */
	uint64_t nmerged;		     /* trials in state since it was normalized */
	double busy_seconds;
	struct qn_refusals refused;
	struct quern_message err;
};

struct crew {
	struct qn_run *run;
	struct qn_reading reading; /* of the thread that starts the workers */
	bool skip;
	bool repeats;	 /* chunks that nobody has written are counted, not absorbed */
	uint64_t stride; /* of this many consecutive items one is needed */
	int nworkers;
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	int nrunning; /* under lock */
};

static double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	nanosleep(&t, NULL);
}

/* Where tiles go: the kernel, with the state of the worker. */
struct absorber {
	const struct quern_kernel *kernel;
	const void *self;
	int64_t *state;
	void *scratch;
	struct quern_box box; /* of the item, in the whole: a kernel knows nothing of members */
};

static void absorb(void *ctx, const struct quern_tile *tile)
{
	struct absorber *a = ctx;
	struct quern_tile there = *tile;

	there.box = &a->box;
	a->kernel->absorb(a->self, a->state, a->scratch, &there);
}

/* Takes leave of the member that was read. */
static enum quern_status leave_member(struct worker *w, struct quern_message *err)
{
	const struct qn_mosaic *m = &w->crew->run->subject->mosaic;
	const bool has_sums = w->file.fd >= 0 && m->member[w->file.member].ledger != QN_NO_LEDGER;
	const struct qn_feed_stats *s;
	enum quern_status st;
	struct quern_message ignored = { .status = QUERN_OK };

	if (w->feed) {
		qn_numa_watch_leave_feed(&w->near, w->feed);
		s = qn_feed_stats(w->feed);
		w->done.nchunks += s->nchunks;
		w->done.library_nchunks += s->library_nchunks;
		w->done.stored_nbytes += s->stored_nbytes;
		w->done.decoded_nbytes += s->decoded_nbytes;
		*(w->is_local ? &w->local_nbytes : &w->remote_nbytes) += s->stored_nbytes;
		if (w->member.native)
			w->idle = w->feed;
		else
			qn_feed_free(w->feed);
		w->feed = NULL;
	}
	/* What has sums was seen to be right when it was read. */
	st = qn_opened_close(&w->file, w->crew->run->team->host, has_sums ? &ignored : err);
	return has_sums ? QUERN_OK : st;
}

static void drop_feeds(struct worker *w)
{
	qn_feed_free(w->feed);
	qn_feed_free(w->idle);
	w->feed = w->idle = NULL;
}

/* Has a feed on a member whose file is open. */
static enum quern_status feed_from(struct worker *w, uint32_t member, struct quern_message *err)
{
	struct qn_run *run = w->crew->run;
	const uint32_t form = run->subject->mosaic.member[member].form;

	if (w->idle && w->form != form)
		drop_feeds(w); /* while the member is still what it was made for */
	w->form = form;
	qn_mosaic_member(&run->subject->mosaic, member, &w->member);
	if (!w->idle)
		return qn_feed_new(&w->member, &run->subject->views[form], run->whole, w->file.fd,
				   &w->feed, err);
	w->feed = w->idle;
	w->idle = NULL;
	return qn_feed_turn(w->feed, w->file.fd, err);
}

/* Has a feed on the member of the item at hand. */
static enum quern_status turn_to_member(struct worker *w, struct quern_message *err)
{
	struct qn_run *run = w->crew->run;
	uint32_t member = w->slot.part.member;
	enum quern_status st;

	if (w->feed && w->file.member == member)
		return QUERN_OK;
	st = leave_member(w, err);
	if (!st)
		st = qn_opened_turn(&w->file, &run->subject->mosaic, member, run->team->host, err);
	if (st)
		return st;
	w->is_local = qn_source_medium(&run->team->site, run->subject->mosaic.member[member].file,
				       w->file.fd) != QN_MEDIUM_SHARED;
	st = feed_from(w, member, err);
	if (!st)
		st = qn_expected_sums_turn(&w->ledger, &run->subject->mosaic, member,
					   run->team->host, w->feed, err);
	if (st) /* it must not be taken for one that knows its sums */
		drop_feeds(w);
	return st;
}

static void count_done(struct qn_run *run, const struct qn_task *t, const struct quern_box *box,
		       uint64_t times)
{
	if (t->counted)
		return;
	atomic_fetch_add_explicit(&run->queues.queue[run->queues.mine].header->done_nbytes,
				  times * qn_box_nelems(box) * run->subject->dataset.type.size,
				  memory_order_relaxed);
}

/* Items that a pass may leave out, so that enough are left for it. */
static uint64_t choose_stride(const struct qn_run *run)
{
	const uint64_t enough = run->kernel->sample ? run->kernel->sample(run->self) : 0;

	return enough && run->items.nitems > enough ? run->items.nitems / enough : 1;
}

/* Whether an item is the one to be taken of its `stride`: anywhere among them, for data may have
   a period. The mixing is that of splitmix64. */
static bool is_needed(uint64_t item, uint64_t stride)
{
	uint64_t mix = item / stride * UINT64_C(0x9e3779b97f4a7c15);

	mix = (mix ^ mix >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mix = (mix ^ mix >> 27) * UINT64_C(0x94d049bb133111eb);
	return item % stride == (mix ^ mix >> 31) % stride;
}

static struct qn_feed_stats stats_of(const struct worker *w)
{
	return w->feed ? *qn_feed_stats(w->feed) : (struct qn_feed_stats){ .nchunks = 0 };
}

/* Leaves an item to another host that has a copy of it. False: there is none, or what was read is in
   the state already. */
static bool refuse(struct worker *w, const struct qn_task *t, const struct qn_feed_stats *before,
		   const struct quern_message *why)
{
	struct qn_run *run = w->crew->run;
	const struct qn_feed_stats after = stats_of(w);
	const uint32_t member = w->slot.part.member;

	if (!qn_refusals_can(run->team, run->subject, run->where, member) ||
	    !qn_refusals_add(&w->refused, run->team, t, member, why))
		return false;
	/* It is counted where it is done. */
	if (w->feed && after.nchunks > before->nchunks) {
		w->done.nchunks -= after.nchunks - before->nchunks;
		w->done.decoded_nbytes -= after.decoded_nbytes - before->decoded_nbytes;
	}
	return true;
}

static void normalize(const struct qn_run *run, int64_t *state)
{
	if (run->kernel->normalize)
		run->kernel->normalize(run->self, state);
}

/* Adds the trial to the state, `times` times: by doubling it. absorb() may assume that the state is
   normalized. */
static void add_trial(struct worker *w, uint64_t times)
{
	const struct qn_run *run = w->crew->run;

	for (; times; times >>= 1) {
		normalize(run, w->trial);
		if (times & 1)
			qn_state_merge(&run->layout, w->state, w->trial);
		if (times > 1)
			qn_state_double(&run->layout, w->trial);
		w->nmerged += times & 1;
	}
	if (!w->crew->skip || w->nmerged >= MOST_MERGED) {
		normalize(run, w->state);
		w->nmerged = 0;
	}
}

/* Counts that what was done since `before` is done `times` times. */
static void repeat_stats(struct worker *w, const struct qn_feed_stats *before, uint64_t times)
{
	const struct qn_feed_stats after = stats_of(w);

	const uint64_t nchunks = (times - 1) * (after.nchunks - before->nchunks);
	const uint64_t nbytes = (times - 1) * (after.decoded_nbytes - before->decoded_nbytes);

	w->done.nchunks += nchunks;
	w->done.decoded_nbytes += nbytes;
	w->nrepeated += nchunks;
	w->repeated_nbytes += nbytes;
}

/* Elements that could be absorbed in the time that it takes to find a task and its fill values: a few
   hundred ns. */
#define TASK_NELEMS 500

/* Whether it takes less to double a state than to absorb so many alike: a pass over it for its
   identity and the last merge each, and two for each doubling. */
static bool is_doubled(const struct qn_run *run, uint64_t nelems, uint64_t times)
{
	uint64_t npasses = 2, absorbed;

	for (uint64_t left = times; left > 1; left >>= 1)
		npasses += 2;
	return !qn_mul(nelems + TASK_NELEMS, times, &absorbed) ||
	       absorbed > npasses * run->layout.nwords;
}

/* times > 1: there are so many alike, of which this is the first. Nobody has written them, and their
   file is open: nothing can be wrong with them. */
static enum quern_status do_task(struct worker *w, const struct qn_task *task, uint64_t times)
{
	const bool on_trial = w->crew->skip || times > 1;
	struct qn_run *run = w->crew->run;
	struct absorber a = { .kernel = run->kernel,
			      .self = run->self,
			      .scratch = w->scratch,
			      .state = on_trial ? w->trial : w->state };
	struct quern_message why = { 0 };
	const struct qn_task t = *task;
	struct qn_feed_stats before;
	struct qn_item item = { .chunks = qn_task_chunks(&t), .nchunks = t.nchunks };
	enum quern_status st;

	qn_items_seek(&run->items, t.item, &w->slot);
	qn_slot_box(&w->slot, &item.box, &a.box);
	if (!is_needed(t.item, w->crew->stride)) {
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	/* What is wrong with the file before, no other copy of this one makes up for. */
	if (w->file.fd >= 0 && w->file.member != w->slot.part.member) {
		st = leave_member(w, &why);
		if (st)
			return qn_error_pass(&w->err, st, &why);
	}
	st = turn_to_member(w, &why);
	before = stats_of(w);
	if (on_trial)
		qn_state_identity(&run->layout, w->trial);
	if (!st) {
		qn_numa_watch_item(&w->near, w->file.fd, &item);
		st = qn_feed_item(w->feed, &item, absorb, &a, &why);
		qn_numa_watch_settle_feed(&w->near, w->feed);
	}
	if ((st == QUERN_ERR_DATA || st == QUERN_ERR_DENIED) && refuse(w, &t, &before, &why)) {
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	/* A filter that is missing is missing for all chunks, and can be had. */
	if (st == QUERN_ERR_DATA && w->crew->skip && w->feed && why.reason != QN_NO_FILTER) {
		w->nskipped += item.nchunks;
		qn_skips_add(&w->skips, w->slot.part.member, item.chunks, item.nchunks);
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	if (st)
		return qn_error_pass(&w->err, st, &why);
	if (on_trial)
		add_trial(w, times);
	repeat_stats(w, &before, times);
	count_done(run, &t, &item.box, times);
	return QUERN_OK;
}

static uint64_t item_nelems(struct worker *w, uint64_t item)
{
	struct quern_box from, to;

	qn_items_seek(&w->crew->run->items, item, &w->slot);
	qn_slot_box(&w->slot, &from, &to);
	return qn_box_nelems(&to);
}

/* As do_task, in whichever way is less work. */
static enum quern_status run_task(struct worker *w, const struct qn_queue *q, uint32_t task,
				  uint64_t times)
{
	struct qn_task t = qn_queue_task(q, task, &w->stretch);
	enum quern_status st = QUERN_OK;

	if (times > 1 && (w->crew->skip || is_doubled(w->crew->run, item_nelems(w, t.item), times)))
		return do_task(w, &t, times);
	for (; !st && times && !qn_queues_stopped(&w->crew->run->queues); times--)
		st = do_task(w, &t, 1);
	return st;
}

/* Tasks for chunks that nobody has written: consecutive items of one cut. */
struct hole {
	struct worker *w;
	const struct qn_queue *q;
	uint32_t task; /* of the item `item` of the cut */
	uint64_t item;
	int ndim;
	uint64_t grid[QUERN_MAX_DIMS]; /* of items */
	/* After so many indexes lengths come again, but for the first and the last index. */
	uint64_t period[QUERN_MAX_DIMS];
};

static void find_hole(struct worker *w, const struct qn_queue *q, uint32_t task, struct hole *h)
{
	const struct qn_task first = qn_queue_task(q, task, &w->stretch);
	const struct qn_cut *cut = &w->slot.cut;

	qn_items_seek(&w->crew->run->items, first.item, &w->slot);
	*h = (struct hole){ .w = w, .q = q, .task = task, .item = w->slot.item, .ndim = cut->ndim };
	for (int d = 0; d < cut->ndim; d++) {
		const uint64_t step = cut->selection.step[d];

		h->grid[d] = cut->grid[d];
		/* With a step larger than the chunk each has one element. */
		h->period[d] = step > cut->chunk[d] ? 1 : step / qn_gcd(step, cut->chunk[d]);
	}
}

/*
 * Does the items base + begin, ..., base + end - 1, `times` times. All are of the block of items from
 * `base` on that goes over the dimensions d, d + 1, ... of the grid. Of dimension d:
 *
 *	index    |    0   |   1    |   2    | ... | grid - 1 |
 *	items    |   [====|========|========| ... |====)     |	first and last may be cut or short
 *
 * Those between, a period apart, are alike: the first of them stands for all.
 */
static enum quern_status do_hole(const struct hole *h, int d, uint64_t base, uint64_t begin,
				 uint64_t end, uint64_t times)
{
	enum quern_status st = QUERN_OK;
	uint64_t inner = 1;

	if (d == h->ndim)
		return run_task(h->w, h->q, h->task + (uint32_t)(base - h->item), times);
	for (int k = d + 1; k < h->ndim; k++)
		inner *= h->grid[k];
	while (!st && begin < end && !qn_queues_stopped(&h->w->crew->run->queues)) {
		const uint64_t at = begin / inner, from = begin % inner;
		const uint64_t until = qn_min_u64(end - at * inner, inner);
		uint64_t n = 1, period = h->period[d];

		if (at && from == 0 && until == inner)
			n = qn_max_u64(1, qn_min_u64(end / inner, h->grid[d] - 1) - at);
		period = qn_min_u64(period, n);
		for (uint64_t r = 0; !st && r < period; r++)
			st = do_hole(h, d + 1, base + (at + r) * inner, from, until,
				     times * qn_ceil_div(n - r, period));
		begin = (at + n - 1) * inner + until;
	}
	return st;
}

static enum quern_status run_hole(struct worker *w, const struct qn_queue *q, uint32_t task,
				  uint32_t n)
{
	enum quern_status st = run_task(w, q, task, 1);
	struct hole h;

	if (st)
		return st;
	find_hole(w, q, task, &h);
	if (w->feed && w->file.member == w->slot.part.member)
		return do_hole(&h, 0, 0, h.item + 1, h.item + n, 1);
	/* The file is not to be had here: one by one they are left to other hosts. */
	for (uint32_t k = 1; !st && k < n && !qn_queues_stopped(&w->crew->run->queues); k++)
		st = run_task(w, q, task + k, 1);
	return st;
}

static enum quern_status run_tasks(struct worker *w, struct qn_queue *q, uint32_t begin,
				   uint32_t end)
{
	double start = qn_comm_wtime();
	enum quern_status st = QUERN_OK;

	for (uint32_t t = begin, n; !st && t < end && !qn_queues_stopped(&w->crew->run->queues);
	     t += n) {
		n = w->crew->repeats ? qn_queue_hole(q, t, end, &w->stretch) : 0;
		st = n > 1 ? run_hole(w, q, t, n) : run_task(w, q, t, 1);
		n = n > 1 ? n : 1;
	}
	w->task_seconds = (qn_comm_wtime() - start) / (end - begin);
	if (st)
		qn_queues_stop(&w->crew->run->queues);
	return st;
}

/* How many tasks to take at once from a queue. */
static uint32_t batch_size(const struct worker *w, const struct qn_queue *q, uint32_t nthreads)
{
	uint32_t head, tail;

	qn_queue_peek(q, &head, &tail);
	return qn_policy_batch(tail - head, nthreads, w->task_seconds);
}

/* Takes the next tasks of this rank: a hole at once. */
static bool take(const struct worker *w, uint32_t *begin, uint32_t *end)
{
	const struct qn_run *run = w->crew->run;
	struct qn_queue *q = &run->queues.queue[run->queues.mine];
	uint32_t hint = w->stretch, tail;

	if (w->crew->repeats) {
		qn_queue_peek(q, begin, &tail);
		*end = *begin < tail ? *begin + qn_queue_hole(q, *begin, tail, &hint) : 0;
		if (*end > *begin + 1 && qn_queue_take_these(q, *begin, *end))
			return true;
	}
	return qn_queue_take(q, batch_size(w, q, run->team->place.nthreads), begin, end);
}

static enum quern_status steal_from(struct worker *w, struct qn_queue *q)
{
	uint32_t begin, end;
	uint32_t parts = qn_policy_parts(q->header->nthreads, w->crew->run->team->place.nthreads);
	enum quern_status st = QUERN_OK;

	while (!st && !qn_queues_stopped(&w->crew->run->queues) &&
	       qn_queue_steal(q, parts, &begin, &end)) {
		w->nstolen += qn_queue_nchunks(q, begin, end, &w->stretch);
		st = run_tasks(w, q, begin, end);
	}
	return st;
}

/* Takes what other hosts have leased to this one. *some: there was something. */
static enum quern_status take_leases(struct worker *w, bool *some)
{
	struct qn_run *run = w->crew->run;
	uint32_t nthreads = run->team->place.nthreads * (uint32_t)run->queues.nranks, begin, end;
	enum quern_status st = QUERN_OK;

	*some = false;
	for (int i = 0; i < QN_NLEASES; i++) {
		struct qn_queue *q = &run->leases.lease[i];

		while (!st && !qn_queues_stopped(&run->queues) &&
		       qn_queue_take(q, batch_size(w, q, nthreads), &begin, &end)) {
			*some = true;
			w->nleased += qn_queue_nchunks(q, begin, end, &w->stretch);
			st = run_tasks(w, q, begin, end);
			qn_leases_done(&run->leases, i, end - begin);
		}
	}
	return st;
}

/* Does what comes from other hosts until there will be nothing more. That no more will come is
   asked before the last look. */
static enum quern_status help_others(struct worker *w)
{
	struct qn_run *run = w->crew->run;
	enum quern_status st = QUERN_OK;
	bool closed = false, some = true;
	long ns = NAP_NS;

	while (!st && !qn_queues_stopped(&run->queues) && (some || !closed)) {
		closed = atomic_load(&run->leases.board->closed);
		st = take_leases(w, &some);
		if (some)
			ns = NAP_NS;
		else if (!closed)
			nap(ns);
		if (!some && 2 * ns <= LONGEST_NAP_NS)
			ns *= 2;
	}
	return st;
}

static enum quern_status work(struct worker *w)
{
	struct qn_run *run = w->crew->run;
	enum quern_status st = QUERN_OK;
	uint32_t begin, end;

	while (!st && !qn_queues_stopped(&run->queues) && take(w, &begin, &end))
		st = run_tasks(w, &run->queues.queue[run->queues.mine], begin, end);
	for (int v = 0; !st && v < run->queues.nranks - 1; v++)
		st = steal_from(w, &run->queues.queue[run->queues.victim[v]]);
	if (!st && run->leases.shared)
		st = help_others(w);
	return st;
}

static int64_t *new_state(struct worker *w)
{
	const struct qn_layout_of_state *layout = &w->crew->run->layout;
	const size_t nbytes = layout->nwords * sizeof(int64_t);
	int64_t *state = qn_alloc_aligned(nbytes);

	if (!state)
		return NULL;
	qn_numa_watch_settle(&w->near, state, nbytes);
	qn_state_identity(layout, state);
	return state;
}

static enum quern_status equip(struct worker *w)
{
	const bool tries = w->crew->skip || w->crew->repeats;
	struct qn_run *run = w->crew->run;
	size_t nscratch = run->kernel->scratch ? run->kernel->scratch(run->self) : 0;

	w->state = new_state(w);
	w->scratch = qn_alloc_aligned(nscratch);
	if (tries)
		w->trial = new_state(w);
	if (!w->state || !w->scratch || (tries && !w->trial))
		return qn_error_nomem(&w->err, 2 * run->layout.nwords * sizeof(int64_t) + nscratch,
				      "a worker's state");
	return QUERN_OK;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct crew *crew = w->crew;
	struct qn_run *run = crew->run;
	struct quern_message ignored = { .status = QUERN_OK };
	double start = thread_seconds();
	enum quern_status st;

	qn_reading_set(crew->reading);
	w->bound =
		qn_topo_bind_thread(run->team->topo, &run->team->slice, w->index, run->team->bind);
	qn_log(QN_LOG_DEBUG, "worker %d begins, %s", w->index, w->bound ? "bound" : "not bound");
	qn_cpu_reset_fp();
	w->file = QN_OPENED_NONE;
	w->ledger = QN_EXPECTED_SUMS_NONE;
	qn_numa_watch_init(&w->near, run->team->topo, w->bound);
	st = equip(w);
	if (!st)
		st = work(w);
	if (leave_member(w, st ? &ignored : &w->err) || st)
		qn_queues_stop(&run->queues);
	drop_feeds(w);
	qn_expected_sums_close(&w->ledger);
	qn_numa_watch_leave(&w->near, w->state, run->layout.nwords * sizeof(*w->state));
	w->busy_seconds = thread_seconds() - start;
	pthread_mutex_lock(&crew->lock);
	crew->nrunning--;
	pthread_cond_signal(&crew->finished);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static void report_progress(struct qn_run *run, int pass)
{
	uint64_t done, total;

	qn_queues_progress(&run->queues, &done, &total);
	if (run->leases.shared)
		total += (uint64_t)atomic_load(&run->leases.board->moved_nbytes);
	run->team->progress(run->team->progress_ctx, pass, done < total ? done : total, total);
}

/* Waits until the workers have finished or it is time for something else. */
static bool wait_for_workers(struct crew *crew, long ns)
{
	bool finished;

	pthread_mutex_lock(&crew->lock);
	if (!ns)
		while (crew->nrunning)
			pthread_cond_wait(&crew->finished, &crew->lock);
	else if (crew->nrunning)
		qn_cond_wait(&crew->finished, &crew->lock, ns);
	finished = !crew->nrunning;
	pthread_mutex_unlock(&crew->lock);
	return finished;
}

/* Waits for the workers, reporting progress meanwhile and, on the first rank of a host, speaking
   for it with other hosts. */
static enum quern_status monitor(struct crew *crew, int pass, struct quern_message *err)
{
	struct qn_run *run = crew->run;
	struct quern_message later = { .status = QUERN_OK };
	long every = qn_balance_is_one(&run->balance) ? QN_BALANCE_NS
		     : run->team->progress	      ? MONITOR_NS
						      : 0;
	double reported = qn_comm_wtime();
	enum quern_status st = QUERN_OK, now;
	bool busy = qn_balance_is_one(&run->balance), finished;

	while (!(finished = wait_for_workers(crew, every)) || busy) {
		if (finished)
			nap(QN_BALANCE_NS);
		if (run->team->progress && qn_comm_wtime() - reported > 1e-9 * MONITOR_NS) {
			report_progress(run, pass);
			reported = qn_comm_wtime();
		}
		if (!busy)
			continue;
		now = qn_balance_step(&run->balance, st ? &later : err);
		st = st ? st : now;
		every = qn_balance_pause(&run->balance);
		busy = run->balance.stage != QN_OVER;
	}
	return st;
}

static void add_report(struct qn_run *run, const struct worker *w)
{
	struct qn_report *r = &run->report;
	r->nbound += w->bound;
	r->nstolen += w->nstolen;
	r->nleased += w->nleased;
	r->nskipped += w->nskipped;
	qn_skips_merge(&r->skips, &w->skips);
	r->busy_seconds += w->busy_seconds;
	r->nchunks += w->done.nchunks;
	r->nlibrary += w->done.library_nchunks;
	r->nrepeated += w->nrepeated;
	r->repeated_nbytes += w->repeated_nbytes;
	r->stored_nbytes += w->done.stored_nbytes;
	r->decoded_nbytes += w->done.decoded_nbytes;
	r->local_nbytes += w->local_nbytes;
	r->remote_nbytes += w->remote_nbytes;
	qn_numa_watch_add(&r->near, &w->near.sums);
}

/* Adds the worker's state to the rank's, and frees what the worker had. */
static enum quern_status dismiss(struct qn_run *run, struct worker *w, enum quern_status so_far,
				 struct quern_message *err)
{
	enum quern_status st = w->err.status;

	if (!st && !so_far && w->state) {
		normalize(run, w->state);
		qn_state_merge(&run->layout, run->state, w->state);
	}
	if (st)
		qn_error_set(err, st, "%s", w->err.text);
	if (!qn_refusals_merge(&run->refused, &w->refused) && !st)
		st = qn_error_nomem(err, 0, "what is left to other hosts");
	add_report(run, w);
	free(w->state);
	free(w->trial);
	free(w->scratch);
	return so_far ? so_far : st;
}

/* Starts the workers; when the system gives no more threads, fewer must do. */
static enum quern_status start(struct crew *crew, struct quern_message *err)
{
	int n = (int)crew->run->team->place.nthreads, rc = 0;

	if (!crew->worker)
		return qn_error_nomem(err, (size_t)n * sizeof(*crew->worker), "threads");
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
	if (crew->nworkers < n)
		qn_log(QN_LOG_WARN, "%d of %d threads: the system gives no more: %s",
		       crew->nworkers, n, strerror(rc));
	if (crew->nworkers)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "cannot start a thread: %s", strerror(rc));
}

enum quern_status qn_workers_run(struct qn_run *run, int pass, struct quern_message *err)
{
	struct crew crew = { .run = run, .reading = *qn_reading() };
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st, watched;

	crew.skip = run->settings.skips;
	crew.stride = choose_stride(run);
	crew.repeats = run->items.counts_holes && crew.stride == 1 &&
		       qn_state_repeats(run->kernel, &run->layout);
	crew.worker = qn_calloc(run->team->place.nthreads, sizeof(*crew.worker));
	pthread_mutex_init(&crew.lock, NULL);
	qn_cond_init(&crew.finished);
	/* These count chunks, not passes over them. */
	run->report.nbound = 0;
	run->report.nchunks = run->report.nstolen = run->report.nskipped = run->report.nlibrary = 0;
	run->report.nleased = run->report.nrepeated = 0;
	run->report.nfailed_over = 0;
	run->report.skips.n = 0;
	st = start(&crew, err);
	/* Others wait for this rank: it has to see it through with them. */
	if (st)
		qn_queues_stop(&run->queues);
	watched = monitor(&crew, pass, st ? &ignored : err);
	st = st ? st : watched;
	run->report.nthreads = (uint32_t)crew.nworkers;
	for (int i = 0; i < crew.nworkers; i++)
		pthread_join(crew.worker[i].thread, NULL);
	for (int i = 0; i < crew.nworkers; i++)
		st = dismiss(run, &crew.worker[i], st, err);
	pthread_cond_destroy(&crew.finished);
	pthread_mutex_destroy(&crew.lock);
	free(crew.worker);
	return st;
}

enum quern_status qn_workers_redo(struct qn_run *run, const struct qn_task *task, size_t n,
				  struct quern_message *err)
{
	struct crew crew = { .run = run, .stride = 1, .skip = run->settings.skips };
	struct worker w = { .crew = &crew,
			    .file = QN_OPENED_NONE,
			    .ledger = QN_EXPECTED_SUMS_NONE };
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st;

	if (!n)
		return QUERN_OK;
	st = equip(&w);
	for (size_t i = 0; !st && i < n; i++)
		st = do_task(&w, &task[i], 1);
	leave_member(&w, st ? &ignored : &w.err);
	drop_feeds(&w);
	qn_expected_sums_close(&w.ledger);
	return dismiss(run, &w, QUERN_OK, err);
}
