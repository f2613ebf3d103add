/*
 * workers.c - what a run does with tasks. Each worker has its own feed, state and scratch, made by itself
 * after it was pinned so that they lie in the memory of its NUMA node.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "crew/crew.h"
#include "feed/expected_sums.h"
#include "plan/holes.h"
#include "run/absorb.h"
#include "journal/keeping.h"
#include "run/kept.h"
#include "select/select.h"

#define MOST_MERGED (1u << 20) /* states between two normalisations; the contract allows 2^24 */

/* A pass over the data. */
struct pass {
	struct qn_run *run;
	bool skip;
	bool repeats;	 /* chunks that nobody has written are counted, not absorbed */
	uint64_t stride; /* of this many consecutive items one is needed */
};

struct worker {
	const struct pass *pass;
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
	struct qn_cells own;	 /* of the finished tasks, unless threads share those of the run */
	struct qn_absorber to;	 /* whose cells are one of both */
	struct qn_keeper keeper; /* where the run has a journal, */
	bool is_kept;		 /* once it has joined */
	uint64_t nkept;		 /* chunks that a run before has done */
	int64_t *trial; /* of one task, when bad chunks are to be skipped or alike ones to be
				   counted; else NULL */
	uint64_t operand_nbytes; /* that were read for formula and keys */
	struct qn_numa_watch near;
	uint64_t nskipped;
	struct qn_skips skips;
	uint64_t nrepeated, repeated_nbytes; /* of done: chunks that were counted, not absorbed */
	uint64_t nmerged;		     /* trials in state since it was normalized */
	struct qn_refusals refused;
	struct quern_message *err; /* keeps: of this worker */
};

/* An item on its way to the absorber of a worker. */
struct delivery {
	struct worker *w;
	const struct qn_item *item;
	struct quern_box box;  /* of the item, in the whole: a kernel knows nothing of members */
	struct quern_box part; /* of the tile, in the whole, where the item may be cut */
};

/* An item is cut where only the kernel sees it, and it lies in the member as in the whole. */
static bool may_be_cut(const struct delivery *d, const struct qn_item *item)
{
	const struct worker *w = d->w;
	const struct qn_absorber *to = &w->to;
	bool is_alike = item->box.ndim == d->box.ndim;

	for (int k = 0; is_alike && k < d->box.ndim; k++)
		is_alike = w->slot.part.axis[k] == k && item->box.step[k] == d->box.step[k];
	return is_alike && !to->state && !to->run->kernel->demand && !to->formula && !to->grouper;
}

/* The box of a tile, in the whole. */
static const struct quern_box *place_tile(struct delivery *d, const struct quern_tile *tile)
{
	const struct quern_box *item = &d->item->box;

	if (!d->item->reduced || tile->box == item)
		return &d->box;
	d->part = *tile->box;
	for (int k = 0; k < d->box.ndim; k++)
		d->part.start[k] = d->box.start[k] + (tile->box->start[k] - item->start[k]);
	return &d->part;
}

static void deliver(void *ctx, const struct quern_tile *tile)
{
	struct delivery *d = ctx;
	struct quern_tile data = *tile;

	data.box = place_tile(d, tile);
	qn_absorber_take(&d->w->to, &data);
}

/* Takes leave of the member that was read. */
static enum quern_status leave_member(struct worker *w, struct quern_message *err)
{
	const struct qn_mosaic *m = &w->pass->run->subject->mosaic;
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
	st = qn_opened_close(&w->file, w->pass->run->team->host, has_sums ? &ignored : err);
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
	struct qn_run *run = w->pass->run;
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
	struct qn_run *run = w->pass->run;
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
	const uint64_t enough =
		run->kernel->sample && !run->collects ? run->kernel->sample(run->self) : 0;

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
	struct qn_run *run = w->pass->run;
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
	const struct qn_run *run = w->pass->run;

	for (; times; times >>= 1) {
		normalize(run, w->trial);
		if (times & 1)
			qn_state_merge(&run->layout, qn_cells_state(w->to.cells, 0), w->trial);
		if (times > 1)
			qn_state_double(&run->layout, w->trial);
		w->nmerged += times & 1;
	}
	if (!w->pass->skip || w->nmerged >= MOST_MERGED) {
		qn_cells_normalize(w->to.cells);
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
	const bool on_trial = w->trial && (w->pass->skip || times > 1);
	struct qn_run *run = w->pass->run;
	struct qn_absorber *to = &w->to;
	struct delivery a = { .w = w };
	struct quern_message why = { 0 };
	const struct qn_task t = *task;
	struct qn_feed_stats before;
	struct qn_item item = { .chunks = qn_task_chunks(&t), .nchunks = t.nchunks };
	uint32_t operand = 0; /* that is in the way */
	enum quern_status st;

	to->state = on_trial ? w->trial : qn_kept_any(run) ? NULL : qn_cells_state(to->cells, 0);
	qn_items_seek(&run->items, t.item, &w->slot);
	qn_slot_box(&w->slot, &item.box, &a.box);
	a.item = &item;
	item.reduced = may_be_cut(&a, &item) ? run->reduced : NULL;
	if (qn_keeping_has(run->keeping, t.item)) {
		w->nkept += item.nchunks;
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	if (!is_needed(t.item, w->pass->stride) || !qn_kept_meets(run, &a.box, &to->is_first) ||
	    atomic_load_explicit(&to->cells->is_over, memory_order_relaxed)) {
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	/* What is wrong with the file before, no other copy of this one makes up for. */
	if (w->file.fd >= 0 && w->file.member != w->slot.part.member) {
		st = leave_member(w, &why);
		if (st)
			return qn_error_pass(w->err, st, &why);
	}
	st = turn_to_member(w, &why);
	before = stats_of(w);
	if (on_trial)
		qn_state_identity(&run->layout, w->trial);
	if (!st)
		st = qn_absorber_turn(to, &a.box, &operand, &why);
	if (!st) {
		qn_numa_watch_item(&w->near, w->file.fd, &item);
		st = qn_feed_item(w->feed, &item, deliver, &a, &why);
		qn_numa_watch_settle_feed(&w->near, w->feed);
	}
	if ((st == QUERN_ERR_DATA || st == QUERN_ERR_DENIED) && !operand &&
	    refuse(w, &t, &before, &why)) {
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	/* A filter that is missing is missing for all chunks, and can be had. */
	if (st == QUERN_ERR_DATA && w->pass->skip && w->feed && why.reason != QN_NO_FILTER) {
		if (to->is_first) {
			w->nskipped += item.nchunks;
			qn_skips_add(&w->skips, w->slot.part.member, operand, item.chunks,
				     item.nchunks);
		}
		count_done(run, &t, &item.box, times);
		return QUERN_OK;
	}
	if (st)
		return qn_error_pass(w->err, st, &why);
	st = qn_absorber_check(to, w->err);
	if (st)
		return st;
	if (on_trial)
		add_trial(w, times);
	if (run->keeping)
		qn_keeping_mark(run->keeping, &w->keeper, t.item, 1);
	repeat_stats(w, &before, times);
	count_done(run, &t, &item.box, times);
	return QUERN_OK;
}

static uint64_t item_nelems(struct worker *w, uint64_t item)
{
	struct quern_box from, to;

	qn_items_seek(&w->pass->run->items, item, &w->slot);
	qn_slot_box(&w->slot, &from, &to);
	return qn_box_nelems(&to);
}

/* As do_task, in whichever way is less work. */
static enum quern_status run_task(struct worker *w, const struct qn_queue *q, uint32_t task,
				  uint64_t times)
{
	struct qn_task t = qn_queue_task(q, task, &w->stretch);
	enum quern_status st = QUERN_OK;

	if (times > 1 && (w->pass->skip || is_doubled(w->pass->run, item_nelems(w, t.item), times)))
		return do_task(w, &t, times);
	for (; !st && times && !qn_queues_stopped(&w->pass->run->queues); times--)
		st = do_task(w, &t, 1);
	return st;
}

/* Items of chunks that nobody has written, as tasks of a queue. */
struct hole_tasks {
	struct worker *w;
	const struct qn_queue *q;
	uint32_t first; /* the task of the item */
	uint64_t item;
	enum quern_status st;
};

/* All of a hole is marked when all of it is done. */
static bool run_alike(void *ctx, uint64_t item, uint64_t times)
{
	struct hole_tasks *h = ctx;

	h->st = run_task(h->w, h->q, h->first + (uint32_t)(item - h->item), times);
	return !h->st && !qn_queues_stopped(&h->w->pass->run->queues);
}

static void keep_hole(struct worker *w, uint64_t item, uint64_t n)
{
	struct qn_run *run = w->pass->run;

	if (run->keeping && qn_queues_stopped(&run->queues))
		qn_keeping_tear(run->keeping);
	else if (run->keeping)
		qn_keeping_mark(run->keeping, &w->keeper, item, n);
}

static enum quern_status run_hole(struct worker *w, const struct qn_queue *q, uint32_t task,
				  uint32_t n)
{
	struct hole_tasks h = { .w = w, .q = q, .first = task };
	struct qn_hole hole;
	enum quern_status st = run_task(w, q, task, 1);

	if (st)
		return st;
	qn_items_seek(&w->pass->run->items, qn_queue_task(q, task, &w->stretch).item, &w->slot);
	if (w->feed && w->file.member == w->slot.part.member) {
		h.item = w->slot.item;
		qn_hole_find(&hole, &w->slot);
		qn_hole_walk(&hole, h.item + 1, h.item + n, run_alike, &h);
		keep_hole(w, h.item, n);
		return h.st;
	}
	/* The file is not to be had here: one by one they are left to other hosts. */
	for (uint32_t k = 1; !st && k < n && !qn_queues_stopped(&w->pass->run->queues); k++)
		st = run_task(w, q, task + k, 1);
	return st;
}

/* A worker at a task has its lock: what a task that fails has added is of no item. */
static void begin_task(struct worker *w)
{
	if (w->pass->run->keeping)
		qn_keeping_lock(w->pass->run->keeping, &w->keeper);
}

static enum quern_status end_task(struct worker *w, enum quern_status st)
{
	struct qn_keeping *k = w->pass->run->keeping;

	if (st)
		qn_keeping_tear(k);
	if (k)
		qn_keeping_unlock(&w->keeper);
	return st;
}

static enum quern_status run_tasks(void *worker, const struct qn_queue *q, uint32_t begin,
				   uint32_t end)
{
	struct worker *w = worker;
	enum quern_status st = QUERN_OK;

	for (uint32_t t = begin, n; !st && t < end && !qn_queues_stopped(&w->pass->run->queues);
	     t += n) {
		n = w->pass->repeats ? qn_queue_hole(q, t, end, &w->stretch) : 0;
		begin_task(w);
		st = end_task(w, n > 1 ? run_hole(w, q, t, n) : run_task(w, q, t, 1));
		n = n > 1 ? n : 1;
	}
	return st;
}

static int64_t *new_trial(struct worker *w)
{
	const size_t nbytes = w->pass->run->layout.nwords * sizeof(int64_t);
	int64_t *state = qn_alloc_aligned(nbytes);

	if (state)
		qn_numa_watch_settle(&w->near, state, nbytes);
	return state;
}

/* Cells of its own, or those of the run. */
static bool have_cells(struct worker *w)
{
	struct qn_run *run = w->pass->run;

	w->to = (struct qn_absorber){ .run = run, .cells = &run->cells };
	if (run->cells.nlocks)
		return true;
	w->to.cells = &w->own;
	w->own = (struct qn_cells){ .kernel = run->kernel,
				    .self = run->self,
				    .layout = &run->layout,
				    .rows = run->cells.rows,
				    .most_spilled = run->cells.most_spilled };
	if (!qn_cells_init(&w->own, false))
		return false;
	qn_numa_watch_settle(&w->near, w->own.words, qn_cells_words_nbytes(&w->own));
	qn_cells_clear(&w->own);
	return true;
}

static void join_keeping(struct worker *w)
{
	w->keeper = (struct qn_keeper){ .own = w->own.words ? &w->own : NULL,
					.nheld = &w->to.nheld,
					.nbeyond = &w->to.nbeyond };
	qn_keeping_join(w->pass->run->keeping, &w->keeper);
	w->is_kept = true;
}

/* What it has found goes to the cells of the run, also where the run ends early. */
static enum quern_status leave_keeping(struct worker *w, enum quern_status st)
{
	if (!w->is_kept)
		return st;
	w->is_kept = false;
	return qn_keeping_leave(w->pass->run->keeping, &w->keeper) || st
		       ? st
		       : qn_error_nomem(w->err, 0, "the cells of the result");
}

static enum quern_status equip(void *worker, void *ctx, bool bound, struct quern_message *err)
{
	const struct pass *pass = ctx;
	struct qn_run *run = pass->run;
	/* Of many rows an item is delivered when all of it was read and decoded. */
	const bool tries = !qn_kept_any(run) && (pass->skip || pass->repeats);
	const size_t nscratch = qn_cells_scratch_nbytes(run->kernel, run->self, &run->layout);
	struct worker *w = worker;
	bool has_cells;

	w->pass = pass;
	w->err = err;
	w->file = QN_OPENED_NONE;
	w->ledger = QN_EXPECTED_SUMS_NONE;
	qn_numa_watch_init(&w->near, run->team->topo, bound);
	has_cells = have_cells(w) && qn_absorber_init(&w->to);
	if (tries)
		w->trial = new_trial(w);
	if (!has_cells || (tries && !w->trial))
		return qn_error_nomem(
			err, (size_t)qn_kept_nbytes(run, run->cells.rows->nrows) + nscratch,
			"a worker's state");
	if (run->keeping)
		join_keeping(w);
	return QUERN_OK;
}

static enum quern_status leave(void *worker, bool failed)
{
	struct worker *w = worker;
	const struct qn_run *run = w->pass->run;
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st = leave_member(w, failed ? &ignored : w->err), of_operands;

	w->operand_nbytes = qn_formula_worker_read_nbytes(w->to.formula) +
			    qn_grouper_read_nbytes(w->to.grouper);
	of_operands = qn_absorber_leave(&w->to, failed || st ? &ignored : w->err);
	st = leave_keeping(w, st ? st : of_operands);
	drop_feeds(w);
	qn_expected_sums_close(&w->ledger);
	qn_numa_watch_leave(&w->near, w->own.words, qn_cells_words_nbytes(&run->cells));
	return st;
}

static void add_report(struct qn_run *run, const struct worker *w)
{
	struct qn_report *r = &run->report;
	r->nskipped += w->nskipped;
	r->nbeyond += w->to.nbeyond;
	r->nheld += w->to.nheld;
	r->nkept += w->nkept;
	qn_skips_merge(&r->skips, &w->skips);
	r->nchunks += w->done.nchunks;
	r->nlibrary += w->done.library_nchunks;
	r->nrepeated += w->nrepeated;
	r->repeated_nbytes += w->repeated_nbytes;
	r->stored_nbytes += w->done.stored_nbytes + w->operand_nbytes;
	r->decoded_nbytes += w->done.decoded_nbytes;
	r->local_nbytes += w->local_nbytes;
	r->remote_nbytes += w->remote_nbytes;
	qn_numa_watch_add(&r->near, &w->near.sums);
}

static enum quern_status add_own(struct worker *w, struct quern_message *err)
{
	struct qn_cells *cells = &w->pass->run->cells;

	if (atomic_load(&w->own.is_over) || atomic_load(&cells->is_over)) {
		atomic_store(&cells->is_over, true);
		return QUERN_OK;
	}
	/* They were added when the worker left. */
	if (w->pass->run->keeping)
		return QUERN_OK;
	qn_cells_normalize(&w->own);
	if (!qn_cells_merge(cells, &w->own))
		return qn_error_nomem(err, 0, "the cells of the result");
	qn_cells_check_spilled(cells);
	return QUERN_OK;
}

/* Adds the worker's state to the rank's, and frees what the worker had. */
static enum quern_status dismiss(void *worker, bool failed, struct quern_message *err)
{
	struct worker *w = worker;
	struct qn_run *run = w->pass->run;
	enum quern_status st = QUERN_OK;

	if (!failed && w->own.words)
		st = add_own(w, err);
	if (!qn_refusals_merge(&run->refused, &w->refused) && !st)
		st = qn_error_nomem(err, 0, "what is left to other hosts");
	if (w->to.grouper)
		qn_grouper_merge(w->to.grouper, run->found);
	add_report(run, w);
	qn_absorber_fini(&w->to);
	qn_cells_fini(&w->own);
	free(w->trial);
	return st;
}

static const struct qn_job job = { .worker_nbytes = sizeof(struct worker),
				   .equip = equip,
				   .run = run_tasks,
				   .leave = leave,
				   .dismiss = dismiss };

static void keep_report(struct qn_report *r, const struct qn_crew_report *of)
{
	r->nthreads = of->nthreads;
	r->nbound = of->nbound;
	r->nstolen = of->nstolen;
	r->nleased = of->nleased;
	r->busy_seconds += of->busy_seconds;
}

/* These count chunks, not passes over them; of the sweeps of a pass those of all. */
static void count_anew(struct qn_report *r, const struct qn_report *before)
{
	r->nbeyond = before->nbeyond;
	r->nheld = before->nheld;
	r->nchunks = before->nchunks;
	r->nskipped = before->nskipped;
	r->nlibrary = before->nlibrary;
	r->nrepeated = before->nrepeated;
	r->nfailed_over = before->nfailed_over;
	r->skips = before->skips;
}

enum quern_status qn_workers_run(struct qn_run *run, int number, struct quern_message *err)
{
	struct pass pass = { .run = run,
			     .skip = run->settings.skips,
			     .stride = choose_stride(run) };
	struct qn_crew crew = { .team = run->team,
				.job = &job,
				.ctx = &pass,
				.queues = &run->queues,
				.leases = &run->leases,
				.balance = &run->balance,
				.nthreads = run->nthreads,
				.pass = number };
	struct qn_crew_report done;
	enum quern_status st;

	pass.repeats = run->items.counts_holes && pass.stride == 1 &&
		       !(run->keeping && run->keeping->pass.before) &&
		       qn_state_repeats(run->kernel, &run->layout);
	crew.takes_holes = pass.repeats;
	count_anew(&run->report, &run->counted);
	st = qn_crew_work(&crew, &done, err);
	keep_report(&run->report, &done);
	return st;
}

enum quern_status qn_workers_redo(struct qn_run *run, const struct qn_task *task, size_t n,
				  struct quern_message *err)
{
	struct pass pass = { .run = run, .stride = 1, .skip = run->settings.skips };
	struct quern_message later = { .status = QUERN_OK };
	struct worker w = { .pass = &pass };
	enum quern_status st, now;

	if (!n)
		return QUERN_OK;
	st = equip(&w, &pass, false, err);
	for (size_t i = 0; !st && i < n; i++) {
		begin_task(&w);
		st = end_task(&w, do_task(&w, &task[i], 1));
	}
	now = leave(&w, st);
	st = st ? st : now;
	now = dismiss(&w, st, st ? &later : err);
	return st ? st : now;
}
