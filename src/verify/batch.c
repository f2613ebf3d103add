/*
 * batch.c - datasets of a file: what is to be looked at, and what was found. Small ones are taken together, as
 * to send the ranks to work takes as long for few chunks as for many. The chunks are workers.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/share.h"
#include "data/storage.h"
#include "resolve/resolve.h"
#include "verify/verify_impl.h"

#define MOST_DATASETS 256   /* together, */
#define ENOUGH_CHUNKS 65536 /* unless they have so many */

/* What all ranks must know of a dataset. */
struct heading {
	uint64_t nchunks, longest; /* to be looked at; of them, as it is stored */
	uint32_t natively, by_library, listed, reserved;
	uint64_t nbytes; /* of the description, packed */
};

struct entry {
	struct heading h;
	struct qn_dataset d;
	/* The same as it is given to the task. */
	struct qn_dataset decoded, stored;
	uint32_t task; /* number, if it has chunks to be looked at */
	/* Rank 0's. */
	bool described;
	size_t number; /* in the list of the file */
	struct qn_way way;
	struct qn_notes notes; /* before the chunks were looked at */
};

struct batch {
	uint64_t next;
	size_t n;
	struct entry *entry; /* owned: of rank 0 also those without work */
	uint64_t nchunks;
	struct qn_verify_task *task; /* owned */
	struct qn_verify_work work;
};

static void batch_fini(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		qn_notes_fini(&b->entry[i].notes);
		free(b->entry[i].way.chunks);
		qn_dataset_fini(&b->entry[i].d);
	}
	free(b->entry);
	free(b->task);
}

/* --- rank 0: which --- */

static struct qn_verified *add_dataset(struct qn_verify *v, const char *path)
{
	struct qn_verified_file *f = qn_verify_this_file(v);
	char *copy = qn_strdup(path);

	if (!copy || !qn_grow_by_one(&f->dataset, f->ndatasets, sizeof(*f->dataset))) {
		free(copy);
		return NULL;
	}
	f->dataset[f->ndatasets] = (struct qn_verified){ .path = copy };
	return &f->dataset[f->ndatasets++];
}

/* Rank 0: the description. What cannot be described is damage, and no failure: *described is false
   then. In a damaged file each may take as long as it can to fail: the rest are given up. */
static enum quern_status describe(struct qn_verify *v, struct qn_pending *p, const char *path,
				  struct qn_dataset *d, bool *described, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	double start = qn_comm_wtime();
	enum quern_status st;

	if (p->wasted > QN_VERIFY_PATIENCE)
		st = qn_error_set(&why, QUERN_ERR_DATA,
				  "%s: dataset %s was not looked at, because "
				  "failing to read others took long; name it with -d",
				  qn_verify_this_file(v)->name, path);
	else
		st = p->format->describe(qn_verify_this_file(v)->name, path, NULL, true, d, &why);
	if (!st && (st = qn_dataset_check(d, &why)) != QUERN_OK)
		qn_dataset_fini(d);
	*described = !st;
	if (!st)
		return QUERN_OK;
	p->wasted += qn_comm_wtime() - start;
	p->undescribed = true;
	return qn_verify_note_error(v, path, st, &why, err);
}

/* Rank 0: what nothing can decode, or may read, is not tried chunk by chunk, and can still be compared with sums. */
static enum quern_status check_filters(struct qn_verify *v, const struct qn_pending *p,
				       const struct qn_dataset *d, struct qn_way *w,
				       struct qn_verified *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	void *reader = NULL;

	if (!w->by_library || (!d->nfilters && d->layout != QN_EXTERNAL))
		return QUERN_OK;
	if (!p->format->open(d, &reader, &why)) {
		p->format->close(reader);
		return QUERN_OK;
	}
	if (why.reason != QN_NO_FILTER && why.status != QUERN_ERR_DENIED)
		return QUERN_OK;
	w->by_library = out->by_library = false;
	snprintf(out->note, sizeof(out->note), "not decoded: %s",
		 why.reason == QN_NO_FILTER ? "a filter is missing" : "not permitted");
	return qn_verify_note_unverified(v, d->path, why.reason, why.text, err);
}

/* Rank 0. They are to be verified themselves; one that is not there cannot be. */
static enum quern_status find_missing(const struct qn_verify *v, const struct qn_dataset *d,
				      struct qn_verified *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };

	if (!qn_resolve_missing(d, (int)v->team.place.nthreads, &out->missing, &why))
		return QUERN_OK;
	out->sources_why = qn_strdup(why.text);
	return out->sources_why ? QUERN_OK : qn_error_nomem(err, sizeof(why.text), "a message");
}

static void set_heading(const struct qn_verify *v, const struct qn_way *w, struct heading *h)
{
	const bool work = w->natively || w->by_library || v->wants_sums;

	*h = (struct heading){ .natively = w->natively,
			       .by_library = w->by_library,
			       .listed = w->listed,
			       .nchunks = work ? w->nchunks : 0 };
	for (uint64_t i = 0; i < h->nchunks; i++)
		h->longest = qn_max_u64(h->longest, w->chunks[i].nbytes);
}

static enum quern_status find_dataset(struct qn_verify *v, struct qn_pending *p, const char *path,
				      struct entry *e, struct quern_message *err)
{
	struct qn_verified *out;
	enum quern_status st = describe(v, p, path, &e->d, &e->described, err);

	if (st || !e->described)
		return st;
	out = add_dataset(v, qn_dataset_name(&e->d));
	if (!out)
		return qn_error_nomem(err, sizeof(*out), "a list of datasets");
	e->number = qn_verify_this_file(v)->ndatasets - 1;
	st = qn_way_choose(v, &e->d, &e->way, out, err);
	if (!st)
		st = check_filters(v, p, &e->d, &e->way, out, err);
	if (!st)
		st = find_missing(v, &e->d, out, err);
	if (st)
		return st;
	qn_way_count_checksums(&e->d, &e->way, out);
	set_heading(v, &e->way, &e->h);
	return QUERN_OK;
}

/* Notes are kept in the order of the datasets: those that are made now come after what is found in the
   chunks of earlier ones. */
static enum quern_status add_entry(struct qn_verify *v, struct qn_pending *p, struct batch *b,
				   struct quern_message *err)
{
	const char *path = p->only ? p->only : p->listing.path[b->next];
	struct qn_notes before;
	struct entry *e;
	enum quern_status st;

	if (!qn_grow_by_one(&b->entry, b->n, sizeof(*e)))
		return qn_error_nomem(err, sizeof(*e), "a list of datasets");
	e = &b->entry[b->n++];
	*e = (struct entry){ .described = false };
	before = qn_verify_swap_notes(v, e->notes);
	st = find_dataset(v, p, path, e, err);
	e->notes = qn_verify_swap_notes(v, before);
	b->nchunks += e->h.nchunks;
	b->next++;
	return st;
}

/* What cannot be described, or is read by a library, may take so long to fail that those after it are given
   up: it is the last. */
static enum quern_status choose(struct qn_verify *v, struct qn_pending *p, struct batch *b,
				struct quern_message *err)
{
	bool more = true;

	b->work.wasted = p->wasted;
	while (more) {
		const enum quern_status st = add_entry(v, p, b, err);
		const struct entry *last;

		if (st)
			return st;
		last = &b->entry[b->n - 1];
		more = b->next < p->n && b->n < MOST_DATASETS && b->nchunks < ENOUGH_CHUNKS &&
		       last->described && !last->h.by_library;
	}
	return QUERN_OK;
}

/* --- to all ranks --- */

struct parcel {
	uint64_t next, n;
	double wasted;
};

/* The descriptions of a batch. Owned; NULL without memory. */
static void *pack(const struct batch *b, size_t *nbytes)
{
	struct parcel head = { .next = b->next, .wasted = b->work.wasted };
	char *text = NULL;
	FILE *f = qn_open_memstream(&text, nbytes);
	bool ok = f && fwrite(&head, sizeof(head), 1, f) == 1;

	for (size_t i = 0; ok && i < b->n; i++) {
		struct heading h = b->entry[i].h;
		size_t n;
		void *d;

		if (!h.nchunks)
			continue;
		d = qn_dataset_pack(&b->entry[i].d, &n);
		h.nbytes = n;
		ok = d && fwrite(&h, sizeof(h), 1, f) == 1 && fwrite(d, 1, n, f) == n;
		head.n++;
		free(d);
	}
	if (f && (fclose(f) || !ok)) {
		free(text);
		text = NULL;
	}
	if (text)
		memcpy(text, &head, sizeof(head));
	return text;
}

static enum quern_status unpack(const void *packed, size_t nbytes, void *thing,
				struct quern_message *err)
{
	struct batch *b = thing;
	const char *at = packed, *end = at + nbytes;
	struct parcel head;
	enum quern_status st = QUERN_OK;

	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	b->next = head.next;
	b->work.wasted = head.wasted;
	b->entry = qn_calloc(head.n, sizeof(*b->entry));
	if (!b->entry)
		return qn_error_nomem(err, head.n * sizeof(*b->entry), "a list of datasets");
	for (; !st && at < end; b->n++) {
		struct entry *e = &b->entry[b->n];

		memcpy(&e->h, at, sizeof(e->h));
		at += sizeof(e->h);
		st = qn_dataset_unpack(at, e->h.nbytes, &e->d, err);
		at += e->h.nbytes;
	}
	return st;
}

/* --- the work --- */

static void make_task(struct entry *e, struct qn_verify_task *t)
{
	*t = (struct qn_verify_task){ .chunks = e->way.chunks,
				      .nchunks = e->h.nchunks,
				      .longest = e->h.longest };
	e->decoded = e->stored = e->d;
	e->decoded.native = e->h.natively;
	e->stored.native = true;
	e->stored.nfilters = 0;
	if (e->h.natively || e->h.by_library)
		t->decoded = &e->decoded;
	if (e->h.listed && !e->h.natively)
		t->stored = &e->stored;
}

static enum quern_status make_tasks(struct batch *b, struct quern_message *err)
{
	b->task = qn_calloc(b->n, sizeof(*b->task));
	if (!b->task)
		return qn_error_nomem(err, b->n * sizeof(*b->task), "a list of datasets");
	for (size_t i = 0; i < b->n; i++) {
		if (!b->entry[i].h.nchunks)
			continue;
		b->entry[i].task = b->work.ntasks++;
		make_task(&b->entry[i], &b->task[b->entry[i].task]);
	}
	b->work.task = b->task;
	return QUERN_OK;
}

/* --- rank 0: what was found --- */

/* Rank 0: what the sums file will have of it. */
static enum quern_status make_sums(struct qn_file_sums *f, const struct qn_dataset *d, bool listed,
				   const struct qn_findings *found, struct qn_dataset_sums **out,
				   struct quern_message *err)
{
	struct qn_dataset_sums *s = qn_file_sums_add(f, qn_dataset_name(d));

	if (!s)
		return qn_error_nomem(err, sizeof(*s), "sums");
	s->chunks = qn_calloc(found->nresults, sizeof(*s->chunks));
	if (!s->chunks)
		return qn_error_nomem(err, found->nresults * sizeof(*s->chunks), "sums");
	snprintf(s->type, sizeof(s->type), "%s", d->type.name);
	s->ndim = d->ndim;
	memcpy(s->shape, d->shape, sizeof(s->shape));
	memcpy(s->chunk, d->chunk, sizeof(s->chunk));
	s->elements = !listed;
	s->nchunks = found->nresults;
	for (uint64_t i = 0; i < found->nresults; i++)
		s->chunks[i] = found->result[i].sum;
	*out = s;
	return qn_sum_dataset(d, &s->sum, err);
}

static enum quern_status conclude(struct qn_verify *v, struct qn_pending *p, const struct entry *e,
				  const struct qn_findings *found, struct quern_message *err)
{
	struct qn_verified *out = &qn_verify_this_file(v)->dataset[e->number];
	struct qn_dataset_sums *now = NULL;
	enum quern_status st = qn_verify_note_findings(v, &e->d, found, e->task, err);

	if (found->totals) {
		out->stored_nbytes = found->totals->stored_nbytes;
		out->decoded_nbytes = found->totals->decoded_nbytes;
		out->ndamaged = found->totals->ndamages;
	}
	out->ndamaged += e->way.noverlaps;
	v->done_nbytes += out->stored_nbytes;
	if (st || !p->now)
		return st;
	st = make_sums(p->now, &e->d, e->way.listed, found, &now, err);
	if (!st && p->expected)
		st = qn_verify_compare(v, &e->d, p->expected, now, found, out, err);
	return st ? st : qn_pending_add_ranges(p, &e->d, err);
}

static enum quern_status conclude_all(struct qn_verify *v, struct qn_pending *p, struct batch *b,
				      const struct qn_findings *all, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	p->wasted += all->wasted;
	for (size_t i = 0; !st && i < b->n; i++) {
		struct entry *e = &b->entry[i];
		struct qn_findings found = { .nresults = 0 };

		if (e->h.nchunks)
			found = qn_findings_of(all, e->task);
		st = qn_verify_add_notes(v, &e->notes, err);
		if (!st && e->described)
			st = conclude(v, p, e, &found, err);
	}
	return st;
}

enum quern_status qn_verify_datasets(struct qn_verify *v, struct qn_pending *p, uint64_t *next,
				     struct quern_message *err)
{
	const bool leads = qn_comm_rank(v->team.comm) == 0;
	struct batch b = { .next = *next, .work = { .wants_sums = v->wants_sums, .fd = p->fd } };
	struct qn_findings all = { .nresults = 0 };
	enum quern_status st = leads ? choose(v, p, &b, err) : QUERN_OK;
	size_t nbytes = 0;
	void *packed = leads && !st ? pack(&b, &nbytes) : NULL;

	st = qn_share(v->team.comm, st, packed, nbytes, unpack, &b, "descriptions", err);
	if (!st)
		st = qn_comm_agree(v->team.comm, make_tasks(&b, err), err);
	if (!st && b.work.ntasks)
		st = qn_verify_chunks(&v->team, &b.work, &all, err);
	if (!st && leads)
		st = conclude_all(v, p, &b, &all, err);
	*next = b.next;
	qn_findings_fini(&all);
	batch_fini(&b);
	return qn_comm_agree(v->team.comm, st, err);
}
