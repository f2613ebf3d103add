#include "crew/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "plan/policy.h"

struct form {
	uint32_t ntasks, nstretches;
	uint64_t nchunks;
};

#define LINE 64

static size_t slot_nbytes(const struct qn_leases *l)
{
	size_t n = sizeof(struct qn_queue_header) + l->room_stretches * sizeof(struct qn_stretch) +
		   l->room_chunks * sizeof(struct qn_chunk);

	return (n + LINE - 1) / LINE * LINE;
}

size_t qn_leases_nbytes(const struct qn_leases *l)
{
	return sizeof(*l->board) + QN_NLEASES * slot_nbytes(l);
}

void qn_leases_locate(struct qn_leases *l, void *memory)
{
	char *at = memory;

	l->board = (struct qn_lease_board *)at;
	at += sizeof(*l->board);
	for (int i = 0; i < QN_NLEASES; i++, at += slot_nbytes(l)) {
		struct qn_queue *q = &l->lease[i];

		q->header = (struct qn_queue_header *)at;
		q->stretch = (struct qn_stretch *)(q->header + 1);
		q->chunk = (struct qn_chunk *)(q->stretch + l->room_stretches);
	}
}

enum quern_status qn_leases_new(struct qn_comm *c, const struct qn_weigher *w, struct qn_leases *l,
				struct quern_message *err)
{
	bool leads = qn_comm_host_rank(c) == 0;
	enum quern_status st;

	memset(l, 0, sizeof(*l));
	if (qn_comm_nhosts(c) == 1)
		return QUERN_OK;
	l->room_stretches = qn_min_u64(QN_LEASE_STRETCHES, w->nitems);
	l->room_chunks = qn_min_u64(QN_LEASE_CHUNKS, w->nchunks);
	st = qn_shared_new(c, leads ? qn_leases_nbytes(l) : 0, &l->shared, err);
	if (!st)
		qn_leases_locate(l, qn_shared_of(l->shared, 0));
	return st;
}

void qn_leases_fini(struct qn_leases *l)
{
	qn_shared_free(l->shared);
	memset(l, 0, sizeof(*l));
}

bool qn_leases_is_valid(const struct qn_leases *l, const char **why)
{
	for (int i = 0; l->board && i < QN_NLEASES; i++) {
		const struct qn_queue *q = &l->lease[i];
		const uint32_t nleft = atomic_load(&l->board->nleft[i]);

		if (!nleft)
			continue;
		QN_HOLDS(nleft <= q->header->nitems, "what is left of a lease was given");
		QN_HOLDS(q->header->nstretches <= l->room_stretches &&
				 q->header->nchunks <= l->room_chunks,
			 "a lease is within its room");
		if (!qn_queue_is_valid(q, why))
			return false;
	}
	return true;
}

void qn_leases_reset(struct qn_leases *l)
{
	atomic_store(&l->board->closed, 0);
	atomic_store(&l->board->moved_nbytes, 0);
	for (int i = 0; i < QN_NLEASES; i++) {
		atomic_store(&l->board->nleft[i], 0);
		atomic_store(&l->lease[i].header->range, 0);
	}
}

void qn_leases_done(struct qn_leases *l, int slot, uint32_t n)
{
	atomic_fetch_sub(&l->board->nleft[slot], n);
}

int qn_leases_vacant(const struct qn_leases *l)
{
	for (int i = 0; i < QN_NLEASES; i++)
		if (!atomic_load(&l->board->nleft[i]))
			return i;
	return -1;
}

/* --- the flat form --- */

size_t qn_lease_most_nbytes(const struct qn_leases *l)
{
	return sizeof(struct form) + l->room_stretches * sizeof(struct qn_stretch) +
	       l->room_chunks * sizeof(struct qn_chunk);
}

/* Do the tasks belong to one stretch? */
static bool follows(const struct qn_task *a, const struct qn_task *b)
{
	return b->item == a->item + 1 && b->nchunks == a->nchunks;
}

uint32_t qn_lease_fit(const struct qn_leases *l, const struct qn_queue *q, uint32_t begin,
		      uint32_t end, uint32_t most)
{
	uint64_t nstretches = 0, nchunks = 0;
	struct qn_task next = { 0 };
	uint32_t hint = 0, n = 0;

	for (; n < most && n < end - begin; n++) {
		struct qn_task t = qn_queue_task(q, end - 1 - n, &hint);

		nstretches += !n || !follows(&t, &next);
		nchunks += t.nchunks;
		if (nstretches > l->room_stretches || nchunks > l->room_chunks)
			break;
		next = t;
	}
	return n;
}

/* How many stretches tasks of a queue make, and how many chunks they have. */
static struct form measure(const struct qn_queue *q, uint32_t begin, uint32_t end)
{
	struct form f = { .ntasks = end - begin };
	struct qn_task last = { 0 };
	uint32_t hint = 0;

	for (uint32_t t = begin; t < end; t++) {
		struct qn_task task = qn_queue_task(q, t, &hint);

		f.nstretches += t == begin || !follows(&last, &task);
		f.nchunks += task.nchunks;
		last = task;
	}
	return f;
}

size_t qn_lease_pack(const struct qn_queue *q, uint32_t begin, uint32_t end,
		     const struct qn_weigher *w, void *out, uint64_t *weight)
{
	struct form f = measure(q, begin, end), *form = out;
	struct qn_stretch *s = (struct qn_stretch *)(form + 1);
	struct qn_chunk *chunk = (struct qn_chunk *)(s + f.nstretches), *first = chunk;
	struct qn_task last = { 0 };
	uint32_t hint = 0;
	uint64_t one;

	*form = f;
	*weight = 0;
	for (uint32_t t = begin; t < end; t++) {
		struct qn_task task = qn_queue_task(q, t, &hint);

		if (t == begin || !follows(&last, &task))
			*s++ = (struct qn_stretch){ task.item, (uint64_t)(chunk - first), t - begin,
						    (uint32_t)task.nchunks };
		memcpy(chunk, qn_task_chunks(&task), task.nchunks * sizeof(*chunk));
		chunk += task.nchunks;
		w->weigh(w->ctx, task.item, qn_task_chunks(&task), task.nchunks, &one);
		*weight += one;
		last = task;
	}
	return (size_t)((char *)chunk - (char *)out);
}

/* Stretches cover tasks and chunks without gaps, and are of items that there are. */
static bool are_stretches(const struct form *f, const struct qn_stretch *s, uint64_t nitems)
{
	uint64_t chunk = 0;

	for (uint32_t i = 0; i < f->nstretches; i++) {
		uint32_t end = i + 1 < f->nstretches ? s[i + 1].task : f->ntasks, n;

		if (s[i].task >= end || end > f->ntasks || (!i && s[i].task) || !s[i].each)
			return false;
		n = end - s[i].task;
		if (s[i].chunk != chunk || s[i].item >= nitems || n > nitems - s[i].item ||
		    s[i].each > f->nchunks / n)
			return false;
		chunk += (uint64_t)n * s[i].each;
	}
	return chunk == f->nchunks;
}

/* Has it room, and is it as long as it says? */
static bool is_whole(const struct qn_leases *l, const struct form *f, size_t nbytes)
{
	return f->ntasks && f->ntasks <= QN_LARGEST_LEASE && f->nstretches &&
	       f->nstretches <= l->room_stretches && f->nchunks <= l->room_chunks &&
	       nbytes == sizeof(*f) + f->nstretches * sizeof(struct qn_stretch) +
				 f->nchunks * sizeof(struct qn_chunk);
}

static bool check(const struct form *f, const struct qn_stretch *s, const struct qn_chunk *chunk,
		  const struct qn_weigher *w, uint64_t *weight)
{
	*weight = 0;
	if (!are_stretches(f, s, w->nitems))
		return false;
	for (uint32_t i = 0; i < f->nstretches; i++) {
		uint32_t end = i + 1 < f->nstretches ? s[i + 1].task : f->ntasks;

		for (uint32_t t = s[i].task; t < end; t++, chunk += s[i].each) {
			uint64_t one;

			if (!w->weigh(w->ctx, s[i].item + (t - s[i].task), chunk, s[i].each, &one))
				return false;
			*weight += one;
		}
	}
	return true;
}

enum quern_status qn_lease_accept(struct qn_leases *l, int slot, const struct qn_weigher *w,
				  const void *data, size_t nbytes, uint64_t *weight,
				  struct quern_message *err)
{
	struct qn_queue *q = &l->lease[slot];
	const char *at = (const char *)data + sizeof(struct form);
	struct form f = { .ntasks = 0 };
	bool ok = nbytes >= sizeof(f);

	if (ok)
		memcpy(&f, data, sizeof(f));
	ok = ok && is_whole(l, &f, nbytes);
	/* Copied before they are looked at, so that they lie where they may be read as what they
	   are; nobody takes from the slot yet. */
	if (ok) {
		memcpy(q->stretch, at, f.nstretches * sizeof(*q->stretch));
		at += f.nstretches * sizeof(*q->stretch);
		memcpy(q->chunk, at, f.nchunks * sizeof(*q->chunk));
		ok = check(&f, q->stretch, q->chunk, w, weight);
	}
	if (!ok)
		return qn_error_set(
			err, QUERN_ERR_RUN,
			"another host leases what is no work of "
			"this run (%zu bytes): are all ranks the same version of quern?",
			nbytes);
	q->header->nitems = f.ntasks;
	q->header->nstretches = f.nstretches;
	q->header->nchunks = f.nchunks;
	q->header->nbytes = *weight;
	atomic_store(&l->board->nleft[slot], f.ntasks);
	atomic_store(&q->header->range, (uint64_t)f.ntasks << 32);
	QN_ASSERT_VALID(leases, l);
	return QUERN_OK;
}
