#include "schedule/scatter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define FEWEST_EVEN   64 /* chunks that go on evenly, to be a stretch of their own */
#define MOST_FAILURES 16 /* times in a row that fewer do, after which no more are looked for */

/* --- writing --- */

/* A share being written. */
struct writer {
	struct qn_shares *s;
	struct qn_share *share;
	struct qn_slot slot;
	struct qn_chunk_sieve chunks; /* by the masks of the plan */
	uint64_t cursor;	      /* in the list of the member at hand */
	uint64_t row;		      /* the row at hand */
};

/* Adds n items of `each` chunks that are next in the share, to the last stretch where they go on. */
static bool add_items(struct writer *w, uint64_t item, uint64_t n, uint64_t each)
{
	struct qn_shares *s = w->s;
	struct qn_stretch *t = w->share->nstretches ? &s->stretch[s->nstretches - 1] : NULL;

	if (!t || each == QN_EVEN || t->each != each ||
	    t->item + (w->share->nitems - t->task) != item) {
		if (!qn_grow(&s->stretch, &s->room_stretches, s->nstretches + 1, sizeof(*t)))
			return false;
		s->stretch[s->nstretches++] =
			(struct qn_stretch){ .item = item,
					     .chunk = w->share->nchunks,
					     .task = (uint32_t)w->share->nitems,
					     .each = (uint32_t)each };
		w->share->nstretches++;
	}
	w->share->nitems += n;
	return true;
}

static bool add_slice(struct writer *w, uint32_t member, uint64_t first, uint64_t n)
{
	struct qn_shares *s = w->s;
	struct qn_slice *last = w->share->nchunks ? &s->slice[s->nslices - 1] : NULL;

	w->share->nchunks += n;
	if (last && last->member == member && last->first + last->n == first) {
		last->n += n;
		return true;
	}
	if (!qn_grow(&s->slice, &s->room_slices, s->nslices + 1, sizeof(*last)))
		return false;
	s->slice[s->nslices++] = (struct qn_slice){ first, n, member };
	return true;
}

/* n items that are chunks which are not stored. */
static bool add_hole(struct writer *w, uint64_t item, uint64_t number, uint64_t n)
{
	struct qn_shares *s = w->s;
	uint64_t nlisted = qn_min_u64(n, 2);

	if (!qn_grow(&s->own, &s->room_own, s->nown + nlisted, sizeof(*s->own)) ||
	    !add_items(w, item, n, n > 1 ? QN_EVEN : 1))
		return false;
	for (uint64_t k = 0; k < nlisted; k++)
		s->own[s->nown++] = (struct qn_chunk){ .number = number + k, .addr = QN_ADDR_NONE };
	return add_slice(w, QN_OWN_CHUNKS, s->nown - nlisted, nlisted);
}

/* How many of n consecutive chunks go on as the first two. */
static uint64_t count_even(const struct qn_chunk *c, uint64_t n)
{
	uint64_t k = 1;

	while (k < n && c[k].nbytes == c->nbytes && c[k].filter_mask == c->filter_mask &&
	       c[k].addr - c[k - 1].addr == c[1].addr - c->addr)
		k++;
	return k;
}

/* n items that are stored chunks, from `at` on in their member's list: what is even needs no list.
   Where nothing seems to be, looking on costs more than it brings. */
static bool add_stored(struct writer *w, uint64_t item, uint64_t at, uint64_t n)
{
	const uint32_t member = w->slot.part.member;
	const struct qn_chunk *c = w->s->run->subject->mosaic.member[member].chunks + at;
	int nfailures = 0;

	for (uint64_t done = 0, k; done < n; done += k) {
		bool even;

		k = nfailures < MOST_FAILURES ? count_even(c + done, n - done) : n - done;
		even = k >= FEWEST_EVEN && nfailures < MOST_FAILURES;
		nfailures = even ? 0 : nfailures + 1;
		if (!add_items(w, item + done, k, even ? QN_EVEN : 1) ||
		    !add_slice(w, member, at + done, even ? 2 : k))
			return false;
	}
	return true;
}

/* n items that are the chunks number, number + 1, ... Those of a row are all stored, or none is. */
static bool add_chunks(struct writer *w, uint64_t item, uint64_t number, uint64_t n)
{
	const struct qn_member *m = &w->s->run->subject->mosaic.member[w->slot.part.member];
	uint64_t at = qn_lumps_chunk(m, number, w->cursor);

	if (at == m->nchunks || m->chunks[at].number != number)
		return add_hole(w, item, number, n);
	w->cursor = at + n;
	return add_stored(w, item, at, n);
}

/* The descriptor of a chunk, even if it is not stored. */
static struct qn_chunk describe(struct writer *w, uint64_t number)
{
	const struct qn_member *m = &w->s->run->subject->mosaic.member[w->slot.part.member];

	w->cursor = qn_lumps_chunk(m, number, w->cursor);
	if (w->cursor == m->nchunks || m->chunks[w->cursor].number != number)
		return (struct qn_chunk){ .number = number, .addr = QN_ADDR_NONE };
	return m->chunks[w->cursor++];
}

/* An item of several chunks. */
static bool add_block(struct writer *w, uint64_t item)
{
	struct qn_shares *s = w->s;
	uint64_t n = qn_cut_nchunks(&w->slot.cut, w->slot.item);

	qn_cut_chunks(&w->slot.cut, w->slot.item, s->number);
	n = qn_chunk_sieve_keep(&w->chunks, &s->run->items, &w->slot, s->number, n);
	if (!n || !qn_grow(&s->own, &s->room_own, s->nown + n, sizeof(*s->own)) ||
	    !add_items(w, item, 1, n))
		return false;
	for (uint64_t k = 0; k < n; k++)
		s->own[s->nown + k] = describe(w, s->number[k]);
	s->nown += n;
	return add_slice(w, QN_OWN_CHUNKS, s->nown - n, n);
}

/* Items of a row, that is with consecutive numbers. */
static bool add_of_row(struct writer *w, uint64_t item, uint64_t n)
{
	while (n) {
		const struct qn_cut *cut = &w->slot.cut;
		uint64_t k = 1;
		bool fine;

		qn_items_seek(&w->s->run->items, item, &w->slot);
		if (cut->run) {
			k = qn_min_u64(n, cut->run - w->slot.item % cut->run);
			fine = add_chunks(w, item, qn_cut_first_chunk(cut, w->slot.item), k);
		} else {
			fine = add_block(w, item);
		}
		if (!fine)
			return false;
		item += k;
		n -= k;
	}
	return true;
}

/* Items by their places in file order. */
static bool add_range(struct writer *w, uint64_t place, uint64_t n)
{
	const struct qn_lumps *l = w->s->lumps;

	while (n) {
		const struct qn_row *r;
		uint64_t offset, k;

		w->row = qn_lumps_row(l, place, w->row);
		r = &l->row[w->row];
		offset = place - r->place;
		k = qn_min_u64(n, qn_row_nplaces(r) - offset);
		if (!add_of_row(w, r->item + offset, r->counted ? r->n : k))
			return false;
		w->share->ncounted += r->counted ? r->n : 0;
		place += k;
		n -= k;
	}
	return true;
}

static bool write_share(struct writer *w, int rank)
{
	const struct qn_plan *plan = &w->s->run->plan;

	w->share = &w->s->share[rank];
	w->share->nbytes = plan->rank[rank].decoded;
	for (uint64_t g = plan->at[rank]; g < plan->at[rank + 1]; g++)
		if (!add_range(w, plan->range[g].first, plan->range[g].n))
			return false;
	w->s->stretch_at[rank + 1] = w->s->nstretches;
	w->s->slice_at[rank + 1] = w->s->nslices;
	return true;
}

/* --- hosts --- */

static uint64_t share_nbytes(const struct qn_share *s)
{
	return s->nstretches * sizeof(struct qn_stretch) + s->nchunks * sizeof(struct qn_chunk);
}

static uint64_t host_nbytes(const struct qn_shares *s, int host)
{
	uint64_t sum = 0;

	for (int k = s->host_at[host]; k < s->host_at[host + 1]; k++)
		sum += share_nbytes(&s->share[s->by_host[k]]);
	return sum;
}

/* Ranks host by host, where they are in the order of ranks too. */
static void list_hosts(struct qn_shares *s, int nhosts)
{
	const struct qn_place *place = s->run->team->places;

	for (int r = 0; r < s->nranks; r++)
		s->host_at[place[r].host + 1]++;
	for (int h = 0; h < nhosts; h++)
		s->host_at[h + 1] += s->host_at[h];
	for (int r = 0; r < s->nranks; r++)
		s->by_host[s->host_at[place[r].host]++] = r;
	for (int h = nhosts; h > 0; h--)
		s->host_at[h] = s->host_at[h - 1];
	s->host_at[0] = 0;
}

/* Rank 0's own host needs no block. */
static bool make_blocks(struct qn_shares *s, int nhosts)
{
	uint64_t most = 0;

	for (int h = 1; h < nhosts; h++)
		most = qn_max_u64(most, host_nbytes(s, h));
	for (int k = 0; k < 2 && k < nhosts - 1; k++) {
		s->block[k] = qn_alloc_aligned(most);
		if (!s->block[k])
			return false;
	}
	return true;
}

/* Tasks of a queue have numbers of 32 bits. */
static enum quern_status check_shares(const struct qn_shares *s, struct quern_message *err)
{
	const struct qn_dataset *d = &s->run->subject->dataset;

	for (int r = 0; r < s->nranks; r++)
		if (s->share[r].nitems > QN_MOST_ITEMS)
			return qn_error_set(
				err, QUERN_ERR_DATA,
				"%s: dataset %s: %" PRIu64
				" pieces of work for one rank, and the limit is %" PRIu32
				": use more ranks or select less",
				d->file, d->path, s->share[r].nitems, QN_MOST_ITEMS);
	return QUERN_OK;
}

enum quern_status qn_shares_make(const struct qn_run *run, const struct qn_lumps *lumps,
				 struct qn_shares *s, struct quern_message *err)
{
	size_t n = (size_t)qn_comm_size(run->team->comm),
	       nhosts = (size_t)qn_comm_nhosts(run->team->comm);
	struct writer w = { .s = s, .chunks = { .sieve = { .masks = lumps->masks } } };
	bool fine;

	*s = (struct qn_shares){ .run = run, .lumps = lumps, .nranks = (int)n };
	s->share = qn_calloc(n, sizeof(*s->share));
	s->stretch_at = qn_calloc(n + 1, sizeof(*s->stretch_at));
	s->slice_at = qn_calloc(n + 1, sizeof(*s->slice_at));
	s->number = qn_calloc(run->items.max_chunks, sizeof(*s->number));
	s->by_host = qn_calloc(n, sizeof(*s->by_host));
	s->host_at = qn_calloc(nhosts + 1, sizeof(*s->host_at));
	fine = s->share && s->stretch_at && s->slice_at && s->number && s->by_host && s->host_at;
	for (int r = 0; fine && r < (int)n; r++)
		fine = write_share(&w, r);
	qn_sieve_fini(&w.chunks.sieve);
	if (fine) {
		list_hosts(s, (int)nhosts);
		fine = make_blocks(s, (int)nhosts);
	}
	if (!fine)
		return qn_error_nomem(err,
				      2 * (s->room_stretches * sizeof(*s->stretch) +
					   s->room_slices * sizeof(*s->slice) +
					   s->room_own * sizeof(*s->own)),
				      "the shares of the ranks");
	QN_ASSERT_VALID(shares, s);
	return check_shares(s, err);
}

static bool is_valid_share(const struct qn_shares *s, int r, const char **why)
{
	const struct qn_share *x = &s->share[r];
	uint64_t nchunks = 0, last = 0;

	for (uint64_t i = s->stretch_at[r]; i < s->stretch_at[r + 1]; i++) {
		QN_HOLDS(i == s->stretch_at[r] ? !s->stretch[i].task : s->stretch[i].task > last,
			 "stretches of a rank ascend from task 0");
		QN_HOLDS(s->stretch[i].task < x->nitems, "stretches of a rank are of its items");
		last = s->stretch[i].task;
	}
	for (uint64_t i = s->slice_at[r]; i < s->slice_at[r + 1]; i++) {
		const struct qn_slice *c = &s->slice[i];
		const uint64_t n = c->member == QN_OWN_CHUNKS
					   ? s->nown
					   : s->run->subject->mosaic.member[c->member].nchunks;

		QN_HOLDS(c->first <= n && c->n <= n - c->first,
			 "slices are of chunks that there are");
		nchunks += c->n;
	}
	QN_HOLDS(nchunks == x->nchunks, "the slices of a rank have its chunks");
	return true;
}

bool qn_shares_is_valid(const struct qn_shares *s, const char **why)
{
	QN_HOLDS(s->nranks > 0 && !s->stretch_at[0] && !s->slice_at[0], "there are ranks");
	QN_HOLDS(s->stretch_at[s->nranks] == s->nstretches && s->slice_at[s->nranks] == s->nslices,
		 "all stretches and slices are of ranks");
	for (int r = 0; r < s->nranks; r++) {
		QN_HOLDS(s->stretch_at[r] + s->share[r].nstretches == s->stretch_at[r + 1],
			 "stretches are rank by rank");
		QN_HOLDS(s->slice_at[r] <= s->slice_at[r + 1], "slices are rank by rank");
	}
	for (int r = 0; r < s->nranks; r++)
		if (!is_valid_share(s, r, why))
			return false;
	return true;
}

void qn_shares_fini(struct qn_shares *s)
{
	free(s->share);
	free(s->stretch_at);
	free(s->slice_at);
	free(s->stretch);
	free(s->slice);
	free(s->own);
	free(s->number);
	free(s->by_host);
	free(s->host_at);
	free(s->block[0]);
	free(s->block[1]);
	memset(s, 0, sizeof(*s));
}

/* --- the scatter --- */

static void copy_stretches(const struct qn_shares *s, int rank, void *to)
{
	if (s->share[rank].nstretches)
		memcpy(to, s->stretch + s->stretch_at[rank],
		       s->share[rank].nstretches * sizeof(*s->stretch));
}

static void copy_chunks(const struct qn_shares *s, int rank, struct qn_chunk *to)
{
	for (uint64_t k = s->slice_at[rank]; k < s->slice_at[rank + 1]; k++) {
		const struct qn_slice *c = &s->slice[k];
		const struct qn_chunk *from =
			c->member == QN_OWN_CHUNKS
				? s->own
				: s->run->subject->mosaic.member[c->member].chunks;

		memcpy(to, from + c->first, c->n * sizeof(*to));
		to += c->n;
	}
}

/* What a host gets; called on rank 0. */
static void fill_block(void *ctx, int host, void *block)
{
	const struct qn_shares *s = ctx;
	char *to = block;

	for (int k = s->host_at[host]; k < s->host_at[host + 1]; k++) {
		int r = s->by_host[k];

		copy_stretches(s, r, to);
		copy_chunks(s, r,
			    (struct qn_chunk *)(to + s->share[r].nstretches * sizeof(*s->stretch)));
		to += share_nbytes(&s->share[r]);
	}
}

/* Rank 0's own host: into the queues at once. */
static void fill_own_host(const struct qn_shares *s, struct qn_queues *q)
{
	for (int k = 0; k < s->host_at[1]; k++) {
		copy_stretches(s, s->by_host[k], q->queue[k].stretch);
		copy_chunks(s, s->by_host[k], q->queue[k].chunk);
	}
}

static uint64_t queue_nbytes(const struct qn_queue *q)
{
	const struct qn_queue_header *h = q->header;

	return h->nstretches * sizeof(*q->stretch) + h->nchunks * sizeof(*q->chunk);
}

static void unpack_block(struct qn_queues *q, const char *block)
{
	for (int k = 0; k < q->nranks; k++) {
		memcpy(q->queue[k].stretch, block, queue_nbytes(&q->queue[k]));
		block += queue_nbytes(&q->queue[k]);
	}
}

/* One block a host. */
static enum quern_status scatter_blocks(struct qn_run *run, const struct qn_shares *s,
					struct quern_message *err)
{
	const bool root = qn_comm_rank(run->team->comm) == 0;
	struct qn_queues *q = &run->queues;
	uint64_t nbytes = 0, *nbytes_of = NULL;
	int nhosts = qn_comm_nhosts(run->team->comm), *leader = NULL;
	void *mine = NULL;
	enum quern_status st = QUERN_OK;

	for (int k = 0; !root && !qn_comm_host_rank(run->team->comm) && k < q->nranks; k++)
		nbytes += queue_nbytes(&q->queue[k]);
	if (root) {
		nbytes_of = qn_calloc((size_t)nhosts, sizeof(*nbytes_of));
		leader = qn_calloc((size_t)nhosts, sizeof(*leader));
	}
	mine = qn_alloc_aligned(nbytes);
	if (!mine || (root && (!nbytes_of || !leader)))
		st = qn_error_nomem(err, nbytes, "the shares of a host");
	st = qn_comm_agree(run->team->comm, st, err);
	for (int h = 0; !st && root && h < nhosts; h++) {
		nbytes_of[h] = host_nbytes(s, h);
		leader[h] = s->by_host[s->host_at[h]];
	}
	if (!st)
		st = qn_comm_scatter_blocks(run->team->comm, fill_block, (void *)s, leader,
					    nbytes_of, root ? s->block : NULL, mine, nbytes, err);
	if (!st && root)
		fill_own_host(s, q);
	else if (!st && nbytes)
		unpack_block(q, mine);
	free(mine);
	free(nbytes_of);
	free(leader);
	return st;
}

enum quern_status qn_shares_scatter(struct qn_run *run, const struct qn_shares *s,
				    struct quern_message *err)
{
	enum quern_status st =
		qn_comm_scatter(run->team->comm, s->share, sizeof(run->share), &run->share, err);

	if (!st)
		st = qn_queues_new(run->team->comm, &run->share, run->team->place.node,
				   run->team->place.nthreads, &run->queues, err);
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st)
		st = qn_comm_agree(run->team->comm, scatter_blocks(run, s, err), err);
	return st;
}
