/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters item numbers and chunk
 * descriptors into the queues of the ranks.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/select.h"
#include "exec/job.h"
#include "exec/source.h"

/* Memory of a process with its libraries, before it has any work: measured with Open MPI 4.1. */
#define PROCESS_NBYTES (UINT64_C(24) << 20)
/* What rank 0 needs for a chunk while it plans, and after: order, weight, descriptors. */
#define PLAN_NBYTES_PER_CHUNK 100
#define MOST_ASKED_HOMES 8192	/* items whose pages are looked for */

struct ordered {
	uint32_t member;
	uint64_t addr, item;
};

/* What rank 0 has in hand while it plans. All owned. */
struct draft {
	struct qn_job *job;
	struct ordered *order;		/* items in file order */
	uint64_t *weight;		/* by position in order */
	uint32_t *home;
	struct qn_share *share;		/* of each rank */
	uint64_t *count;		/* records of each rank, for a scatter */
	uint64_t *item;			/* rank by rank */
	struct qn_chunk *chunk;
	uint64_t *number;		/* chunk numbers of one item */
	struct qn_slot slot;		/* the item at hand */
	uint64_t cursor;		/* the chunk after the last that was looked up */
};

static void draft_fini(struct draft *d)
{
	free(d->order);
	free(d->weight);
	free(d->home);
	free(d->share);
	free(d->count);
	free(d->item);
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

/* Turns to an item: its place, and its chunk numbers; returns how many. */
static uint64_t turn_to(struct draft *d, uint64_t item)
{
	qn_items_seek(&d->job->items, item, &d->slot);
	qn_cut_chunks(&d->slot.cut, d->slot.item, d->number);
	return qn_cut_nchunks(&d->slot.cut, d->slot.item);
}

/* Bytes of elements that an item delivers. */
static uint64_t delivered_nbytes(const struct draft *d)
{
	struct quern_box from;

	qn_cut_box(&d->slot.cut, d->slot.item, &from);
	return qn_box_nelems(&from) * d->job->dataset.type.size;
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

/* Items in the order of files, and there of the addresses of their first chunks; unallocated ones
   last. */
static void put_in_file_order(struct draft *d)
{
	bool sorted = true;

	for (uint64_t i = 0; i < d->job->items.nitems; i++) {
		struct ordered *o = &d->order[i];

		turn_to(d, i);
		o->item = i;
		o->member = d->slot.part.member;
		o->addr = look_up(d, d->number[0]).addr;
		sorted = sorted && (!i || by_place(o - 1, o) <= 0);
	}
	if (!sorted)
		qsort(d->order, d->job->items.nitems, sizeof(*d->order), by_place);
}

/* Reading and decoding a stored byte is taken to cost as much as absorbing a decoded one. */
static void weigh(struct draft *d)
{
	for (uint64_t i = 0; i < d->job->items.nitems; i++) {
		uint64_t nchunks = turn_to(d, d->order[i].item);

		d->weight[i] = delivered_nbytes(d) + 1;
		for (uint64_t k = 0; k < nchunks; k++)
			d->weight[i] += look_up(d, d->number[k]).nbytes;
	}
}

/* The node of the memory that holds the beginning of an item, as a home. */
static uint32_t look_for_home(struct draft *d, uint64_t item, struct qn_opened *file)
{
	const struct qn_job *j = d->job;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_chunk c;
	int node = -1;

	turn_to(d, item);
	c = look_up(d, d->number[0]);
	/* A file that cannot be opened is reported by whoever must read it. */
	if (c.addr != QN_ADDR_NONE && c.nbytes &&
	    !qn_opened_turn(file, &j->mosaic, d->slot.part.member, j->report.host, &err))
		node = qn_topo_file_node(j->topo, file->fd, c.addr, c.nbytes);
	return node < 0 ? QN_NO_HOME : qn_home(j->place.host, (uint32_t)node);
}

/* Homes: the NUMA node of the pages of this host's page cache, where there is more than one node.
   Only rank 0's host is asked; on one node there is nothing to know. Asking takes tens of
   microseconds, so of very many items a part is asked, and speaks for those after it: neighbours
   in a file were mostly cached by the same process. */
static enum quern_status find_homes(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	uint64_t nitems = j->items.nitems, step = qn_ceil_div(nitems, MOST_ASKED_HOMES);
	struct qn_opened file = QN_OPENED_NONE;
	struct quern_message ignored = { .status = QUERN_OK };

	if (qn_topo_nnodes(j->topo) < 2)
		return QUERN_OK;
	d->home = qn_calloc(nitems, sizeof(*d->home));
	if (!d->home)
		return qn_error_nomem(err, nitems * sizeof(*d->home), "homes");
	for (uint64_t i = 0; i < nitems; i++)
		d->home[i] = i % step ? d->home[i - 1]
				      : look_for_home(d, d->order[i].item, &file);
	qn_opened_close(&file, j->report.host, &ignored);
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

static enum quern_status make_plan(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	uint64_t n = j->items.nitems;
	enum quern_status st = check_nchunks(j, err);

	if (st)
		return st;
	d->order = qn_calloc(n, sizeof(*d->order));
	d->weight = qn_calloc(n, sizeof(*d->weight));
	d->number = qn_calloc(j->items.max_chunks, sizeof(*d->number));
	if (!d->order || !d->weight || !d->number)
		return qn_error_nomem(err, n * sizeof(*d->order), "the plan");
	put_in_file_order(d);
	weigh(d);
	st = find_homes(d, err);
	return st ? st : qn_plan_make(j->places, qn_comm_size(j->comm), d->weight, d->home, n,
				      &j->plan, err);
}

/* Sizes of the shares, and where each rank's begin: items and chunks rank by rank. */
static enum quern_status lay_out(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	size_t nranks = (size_t)qn_comm_size(j->comm);
	uint64_t nchunks = 0;

	d->share = qn_calloc(nranks, sizeof(*d->share));
	d->count = qn_calloc(nranks, sizeof(*d->count));
	if (!d->share || !d->count)
		return qn_error_nomem(err, nranks * sizeof(*d->share), "the shares");
	for (uint64_t i = 0; i < j->items.nitems; i++) {
		struct qn_share *s = &d->share[j->plan.rank[i]];
		uint64_t n;

		qn_items_seek(&j->items, d->order[i].item, &d->slot);
		n = qn_cut_nchunks(&d->slot.cut, d->slot.item);
		s->nitems++;
		s->nchunks += n;
		nchunks += n;
	}
	d->item = qn_calloc(j->items.nitems, sizeof(*d->item));
	d->chunk = qn_calloc(nchunks, sizeof(*d->chunk));
	if (!d->item || !d->chunk)
		return qn_error_nomem(err, nchunks * sizeof(*d->chunk), "chunk descriptors");
	return QUERN_OK;
}

static enum quern_status write_shares(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	int nranks = qn_comm_size(j->comm);
	uint64_t *at = qn_calloc(2 * (size_t)nranks, sizeof(*at)), *chunk_at = at + nranks;

	if (!at)
		return qn_error_nomem(err, 2 * (size_t)nranks * sizeof(*at), "the shares");
	for (int r = 1; r < nranks; r++) {
		at[r] = at[r - 1] + d->share[r - 1].nitems;
		chunk_at[r] = chunk_at[r - 1] + d->share[r - 1].nchunks;
	}
	for (uint64_t i = 0; i < j->items.nitems; i++) {
		uint32_t r = j->plan.rank[i];
		uint64_t n = turn_to(d, d->order[i].item);

		d->share[r].nbytes += delivered_nbytes(d);
		d->item[at[r]++] = d->order[i].item;
		for (uint64_t k = 0; k < n; k++)
			d->chunk[chunk_at[r]++] = look_up(d, d->number[k]);
	}
	free(at);
	return QUERN_OK;
}

/* count[r] = 1, or the items or chunks of each rank: what a scatter wants. */
enum counted { COUNT_ONE, COUNT_ITEMS, COUNT_CHUNKS };

static const uint64_t *counts(const struct draft *d, enum counted what)
{
	if (!d->share)
		return NULL;	/* not rank 0 */
	for (int r = 0; r < qn_comm_size(d->job->comm); r++)
		d->count[r] = what == COUNT_ONE ? 1 : what == COUNT_ITEMS ? d->share[r].nitems
									  : d->share[r].nchunks;
	return d->count;
}

static enum quern_status scatter(struct draft *d, struct quern_message *err)
{
	struct qn_job *j = d->job;
	struct qn_queue *own;
	enum quern_status st;
	uint64_t first = 0;

	st = qn_comm_scatterv(j->comm, d->share, counts(d, COUNT_ONE), sizeof(j->share),
			      &j->share, 1, err);
	if (!st)
		st = qn_queues_new(j->comm, &j->share, j->place.node, j->place.nthreads,
				   &j->queues, err);
	/* One host may have too little shared memory. */
	st = qn_comm_agree(j->comm, st, err);
	if (st)
		return st;
	own = &j->queues.queue[j->queues.mine];
	st = qn_comm_scatterv(j->comm, d->item, counts(d, COUNT_ITEMS), sizeof(*own->item),
			      own->item, j->share.nitems, err);
	if (!st)
		st = qn_comm_scatterv(j->comm, d->chunk, counts(d, COUNT_CHUNKS),
				      sizeof(*own->chunk), own->chunk, j->share.nchunks, err);
	for (uint64_t i = 0; !st && i < j->share.nitems; i++) {
		qn_items_seek(&j->items, own->item[i], &d->slot);
		own->first[i] = first;
		first += qn_cut_nchunks(&d->slot.cut, d->slot.item);
	}
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
		 j->share.nitems * 2 * sizeof(uint64_t) + j->share.nchunks * sizeof(struct qn_chunk);
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
	enum quern_status st = QUERN_OK;

	if (qn_comm_rank(j->comm) == 0) {
		st = make_plan(&d, err);
		if (!st && with_work)
			st = lay_out(&d, err);
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
