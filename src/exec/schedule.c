/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters stretches of items and
 * chunk descriptors into the queues of the ranks. It goes through the items twice: to weigh, and to
 * write.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/select.h"
#include "exec/foresee.h"
#include "exec/homes.h"

/* Memory of a process with its libraries, before it has any work: measured with Open MPI 4.1. */
#define PROCESS_NBYTES (UINT64_C(24) << 20)
/* What rank 0 needs for a chunk while it plans, and after: order, weights, descriptors. */
#define PLAN_NBYTES_PER_CHUNK 130

struct ordered {
	uint32_t member;
	uint64_t addr, item;
};

/* What rank 0 has in hand while it plans. All owned. */
struct draft {
	struct qn_job *job;
	struct ordered *order;		/* items in file order; NULL: they are in it as numbered */
	uint64_t *stored, *decoded;	/* bytes, by place in file order */
	uint32_t *set;			/* of homes; NULL: none */
	struct qn_whereabouts where;
	struct qn_share *share;		/* of each rank */
	uint64_t *count;		/* records of each rank, for a scatter */
	struct qn_stretch *stretch;	/* rank by rank */
	uint64_t nstretches, room_stretches;
	struct qn_chunk *chunk;		/* rank by rank */
	uint64_t nchunks;
	uint64_t *number;		/* chunk numbers of one item */
	struct qn_slot slot;		/* the item at hand, */
	struct qn_cut_walk walk;	/* and its place in the cut of its part */
	uint64_t touched;		/* the part that the walk is in */
	uint64_t cursor;		/* the chunk after the last that was looked up */
};

static void draft_fini(struct draft *d)
{
	free(d->order);
	free(d->stored);
	free(d->decoded);
	free(d->set);
	qn_whereabouts_fini(&d->where);
	free(d->share);
	free(d->count);
	free(d->stretch);
	free(d->chunk);
	free(d->number);
}

/* The descriptor of a chunk of the member at hand; mostly the one after the last. */
static struct qn_chunk look_up(struct draft *d, uint64_t number)
{
	const struct qn_member *m = &d->job->mosaic.member[d->slot.part.member];
	struct qn_chunk none = { .number = number, .addr = QN_ADDR_NONE };
	uint64_t low = 0, high = m->nchunks;

	if (d->cursor < high && m->chunks[d->cursor].number == number)
		return m->chunks[d->cursor++];
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (m->chunks[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	d->cursor = low;
	if (low == m->nchunks || m->chunks[low].number != number)
		return none;
	return m->chunks[d->cursor++];
}

/* Turns to an item: its place and its chunk numbers. Cheap when it is the one after the last. */
static void turn_to(struct draft *d, uint64_t item)
{
	qn_items_seek(&d->job->items, item, &d->slot);
	if (d->walk.is_set && d->touched != d->slot.touched)
		d->walk.is_set = false;
	d->touched = d->slot.touched;
	qn_cut_walk(&d->slot.cut, d->slot.item, &d->walk);
	if (d->walk.nchunks == 1)
		d->number[0] = d->walk.number;
	else
		qn_cut_chunks(&d->slot.cut, d->slot.item, d->number);
}

/* The item at a place of file order. */
static uint64_t item_at(const struct draft *d, uint64_t i)
{
	return d->order ? d->order[i].item : i;
}

static int by_place(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* What an item weighs; returns where it is in its file. */
static struct ordered weigh(struct draft *d, uint64_t item, uint64_t place)
{
	struct ordered at = { .item = item };

	turn_to(d, item);
	d->decoded[place] = d->walk.nelems * d->job->dataset.type.size;
	d->stored[place] = 0;
	for (uint64_t k = 0; k < d->walk.nchunks; k++) {
		struct qn_chunk c = look_up(d, d->number[k]);

		d->stored[place] += c.nbytes;
		at.addr = k ? at.addr : c.addr;
	}
	at.member = d->slot.part.member;
	return at;
}

/* Weighs all items, in the order of files, and there of the addresses of their first chunks,
   unallocated ones last. Mostly that is the order of their numbers: one walk is enough then. */
static enum quern_status weigh_all(struct draft *d, struct quern_message *err)
{
	uint64_t n = d->job->items.nitems;
	struct ordered last = { .member = 0 };
	bool sorted = true;

	for (uint64_t i = 0; i < n; i++) {
		struct ordered o = weigh(d, i, i);

		sorted = sorted && (!i || by_place(&last, &o) <= 0);
		last = o;
	}
	if (sorted)
		return QUERN_OK;
	d->order = qn_calloc(n, sizeof(*d->order));
	if (!d->order)
		return qn_error_nomem(err, n * sizeof(*d->order), "the plan");
	for (uint64_t i = 0; i < n; i++)
		d->order[i] = weigh(d, i, i);
	qsort(d->order, n, sizeof(*d->order), by_place);
	for (uint64_t i = 0; i < n; i++)
		weigh(d, d->order[i].item, i);
	return QUERN_OK;
}

/* The sets of homes of all items: those of their first chunks. */
static enum quern_status find_homes(struct draft *d, struct quern_message *err)
{
	uint64_t nitems = d->job->items.nitems, hint = 0;

	d->set = qn_calloc(nitems, sizeof(*d->set));
	if (!d->set)
		return qn_error_nomem(err, nitems * sizeof(*d->set), "homes");
	for (uint64_t i = 0; i < nitems; i++) {
		struct qn_chunk c;

		turn_to(d, item_at(d, i));
		c = look_up(d, d->number[0]);
		d->set[i] = qn_whereabouts_set(&d->where, d->slot.part.member, c.addr, &hint);
	}
	return QUERN_OK;
}

/* A small file can have a grid of very many chunks, none of them stored. */
static enum quern_status check_nchunks(const struct qn_job *j, struct quern_message *err)
{
	uint64_t nbytes, most = qn_topo_memory(j->topo) / 2;

	if (qn_mul(j->items.nchunks, PLAN_NBYTES_PER_CHUNK, &nbytes) && nbytes <= most)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: dataset %s: a plan for all of its chunks would "
			    "take more than half of this host's memory: select a part of it with "
			    "--select", j->dataset.file, j->dataset.path);
}

static enum quern_status make_plan(struct draft *d, bool with_work, struct quern_message *err)
{
	struct qn_job *j = d->job;
	uint64_t n = j->items.nitems;
	struct qn_cluster cluster = { qn_comm_size(j->comm), j->places };
	struct qn_work work;
	enum quern_status st = check_nchunks(j, err);

	if (st)
		return st;
	d->stored = qn_calloc(n, sizeof(*d->stored));
	d->decoded = qn_calloc(n, sizeof(*d->decoded));
	d->number = qn_calloc(j->items.max_chunks, sizeof(*d->number));
	if (!d->stored || !d->decoded || !d->number)
		return qn_error_nomem(err, 2 * n * sizeof(*d->stored), "the plan");
	st = weigh_all(d, err);
	if (!st)
		st = find_homes(d, err);
	work = (struct qn_work){ n, d->stored, d->decoded, d->set, &d->where.homes };
	if (!st && !with_work)
		return qn_foresee(j, &work, err);
	return st ? st : qn_plan_make(&cluster, &work, &j->costs.rates, &j->plan, NULL, err);
}

/* --- shares --- */

/* A new stretch of a share, or NULL. */
static struct qn_stretch *add_stretch(struct draft *d)
{
	if (d->nstretches == d->room_stretches) {
		uint64_t room = d->room_stretches ? 2 * d->room_stretches : 64;
		struct qn_stretch *more = realloc(d->stretch, room * sizeof(*more));

		if (!more)
			return NULL;
		d->stretch = more;
		d->room_stretches = room;
	}
	return &d->stretch[d->nstretches++];
}

/* Adds the item at hand to a share; *open: its last stretch, or NULL. False without memory. */
static bool add_item(struct draft *d, struct qn_share *share, uint64_t item,
		     struct qn_stretch **open)
{
	struct qn_stretch *s = *open;
	uint64_t n = d->walk.nchunks;

	if (!s || s->each != n || s->item + (share->nitems - s->task) != item) {
		s = *open = add_stretch(d);
		if (!s)
			return false;
		*s = (struct qn_stretch){ .item = item, .chunk = share->nchunks,
				       .task = (uint32_t)share->nitems, .each = (uint32_t)n };
		share->nstretches++;
	}
	for (uint64_t k = 0; k < n; k++)
		d->chunk[d->nchunks++] = look_up(d, d->number[k]);
	share->nitems++;
	share->nchunks += n;
	return true;
}

static bool write_share(struct draft *d, int rank)
{
	const struct qn_plan *plan = &d->job->plan;
	struct qn_share *share = &d->share[rank];
	struct qn_stretch *open = NULL;

	share->nbytes = plan->rank[rank].decoded;
	for (uint64_t g = plan->at[rank]; g < plan->at[rank + 1]; g++)
		for (uint64_t k = 0; k < plan->range[g].n; k++) {
			uint64_t item = item_at(d, plan->range[g].first + k);

			turn_to(d, item);
			if (!add_item(d, share, item, &open))
				return false;
		}
	return true;
}

static enum quern_status write_shares(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	size_t nranks = (size_t)qn_comm_size(j->comm);

	d->share = qn_calloc(nranks, sizeof(*d->share));
	d->count = qn_calloc(nranks, sizeof(*d->count));
	d->chunk = qn_calloc(j->items.nchunks, sizeof(*d->chunk));
	if (!d->share || !d->count || !d->chunk)
		return qn_error_nomem(err, j->items.nchunks * sizeof(*d->chunk),
				      "chunk descriptors");
	for (int r = 0; r < (int)nranks; r++)
		if (!write_share(d, r))
			return qn_error_nomem(err, 2 * d->room_stretches * sizeof(*d->stretch),
					      "the shares of the ranks");
	return QUERN_OK;
}

/* count[r] = 1, or the stretches or chunks of each rank: what a scatter wants. */
enum counted { COUNT_ONE, COUNT_STRETCHES, COUNT_CHUNKS };

static const uint64_t *counts(const struct draft *d, enum counted what)
{
	if (!d->share)
		return NULL;	/* not rank 0 */
	for (int r = 0; r < qn_comm_size(d->job->comm); r++)
		d->count[r] = what == COUNT_ONE ? 1
			    : what == COUNT_STRETCHES ? d->share[r].nstretches
						      : d->share[r].nchunks;
	return d->count;
}

static enum quern_status scatter(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	struct qn_queue *own;
	enum quern_status st;

	st = qn_comm_scatterv(j->comm, d->share, counts(d, COUNT_ONE), sizeof(j->share),
			      &j->share, 1, err);
	if (!st)
		st = qn_queues_new(j->comm, &j->share, j->place.node, j->place.nthreads,
				   &j->queues, err);
	st = qn_comm_agree(j->comm, st, err);
	if (st)
		return st;
	own = &j->queues.queue[j->queues.mine];
	st = qn_comm_scatterv(j->comm, d->stretch, counts(d, COUNT_STRETCHES),
			      sizeof(*own->stretch), own->stretch, j->share.nstretches, err);
	if (!st)
		st = qn_comm_scatterv(j->comm, d->chunk, counts(d, COUNT_CHUNKS),
				      sizeof(*own->chunk), own->chunk, j->share.nchunks, err);
	return st;
}

/* Bytes of the feed of a worker, whatever member it turns to. */
static uint64_t most_fed(const struct qn_job *j)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < j->mosaic.nforms; i++)
		most = qn_max_u64(most, qn_feed_nbytes(&j->mosaic.form[i], &j->views[i], j->whole,
						       j->items.max_nelems));
	return most;
}

/* What this rank will hold at most, against --memory. A rank has a state for each thread, one to
   merge into, and on rank 0 the result is made from it. */
static enum quern_status check_memory(struct qn_job *j, struct quern_message *err)
{
	int64_t limit = quern_option_int(j->options, "memory");
	uint64_t nbytes, a_thread, nstate = sizeof(int64_t);

	if (!limit)
		return QUERN_OK;
	nstate *= j->kernel->most_words ? j->kernel->most_words(j->self) : j->layout.nwords;
	a_thread = most_fed(j) + nstate + (j->kernel->scratch ? j->kernel->scratch(j->self) : 0);
	nbytes = PROCESS_NBYTES + a_thread * j->place.nthreads +
		 (qn_comm_rank(j->comm) == 0 ? 3 : 1) * nstate +
		 j->share.nstretches * sizeof(struct qn_stretch) +
		 j->share.nchunks * sizeof(struct qn_chunk);
	if (nbytes <= (uint64_t)limit)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "rank %d needs about %" PRIu64 " MiB (%u threads), "
			    "more than --memory %s: use fewer threads a rank, or raise it",
			    qn_comm_rank(j->comm), (nbytes >> 20) + 1, j->place.nthreads,
			    quern_option_string(j->options, "memory"));
}

enum quern_status qn_job_plan(struct qn_job *j, bool with_work, struct quern_message *err)
{
	struct draft d = { .job = j };
	enum quern_status st = qn_comm_agree(j->comm, qn_reach_find(j, err), err);

	if (!st)
		st = qn_whereabouts_find(j, &d.where, err);
	if (!st && qn_comm_rank(j->comm) == 0) {
		st = make_plan(&d, with_work, err);
		if (!st && with_work)
			st = write_shares(&d, err);
	}
	st = qn_comm_agree(j->comm, st, err);
	if (!st && with_work)
		st = qn_comm_agree(j->comm, scatter(&d, err), err);
	if (!st)
		st = qn_comm_agree(j->comm, qn_state_layout(j->kernel, j->self, &j->layout, err),
				   err);
	if (!st)
		st = qn_comm_agree(j->comm, check_memory(j, err), err);
	draft_fini(&d);
	return st;
}
