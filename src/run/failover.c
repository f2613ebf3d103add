#include "run/failover.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "run/kept.h"
#include "run/run.h"

void qn_failover_count_missing(struct qn_run *run)
{
	run->ncopies_missing = 0;
	for (uint32_t i = 0; i < run->subject->mosaic.nmembers; i++) {
		const uint32_t listed = run->subject->mosaic.member[i].nhomes;
		uint32_t n = 0;

		for (uint32_t h = 0; listed && h < (uint32_t)qn_comm_nhosts(run->team->comm); h++)
			n += qn_access_tier(&run->where->access, i, h) != QN_NTIERS;
		run->ncopies_missing += listed > n ? listed - n : 0;
	}
}

/* --- rank 0: rounds --- */

struct rounds {
	struct qn_run *run;
	struct qn_refusals all;	  /* of this round, then with .rank as who is to do it */
	struct qn_refusals tried; /* of all rounds */
	uint64_t *load;		  /* owned: chunks given to each rank */
};

static int by_item(const void *a, const void *b)
{
	const struct qn_refusal *x = a, *y = b;

	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

static bool was_tried(const struct rounds *r, uint64_t item, uint32_t host)
{
	const struct qn_refusal key = { .item = item, .host = host };

	return bsearch(&key, r->tried.refusal, r->tried.n, sizeof(key), by_item) != NULL;
}

/* The least loaded rank of a host that has a copy and has not tried; -1: there is none. */
static int find_rank(const struct rounds *r, const struct qn_refusal *x)
{
	const struct qn_run *run = r->run;
	int best = -1;

	for (int rank = 0; rank < qn_comm_size(run->team->comm); rank++) {
		const uint32_t host = run->team->places[rank].host;

		if ((best < 0 || r->load[rank] < r->load[best]) &&
		    qn_access_tier(&run->where->access, x->member, host) != QN_NTIERS &&
		    !was_tried(r, x->item, host))
			best = rank;
	}
	return best;
}

/* It is told of once, however many sweeps need it. */
static void skip_item(struct qn_run *run, const struct qn_refusal *x, const struct qn_chunk *chunk)
{
	struct qn_slot slot = { .is_set = false };
	struct quern_box from, box;
	bool is_first = true;

	if (run->window.is_window) {
		qn_items_seek(&run->items, x->item, &slot);
		qn_slot_box(&slot, &from, &box);
		qn_kept_meets(run, &box, &is_first);
	}
	if (!is_first)
		return;
	run->report.nskipped += x->nchunks;
	qn_skips_add(&run->report.skips, x->member, 0, chunk, x->nchunks);
}

/* Gives each to a rank, or to none: rank -1. *lost: the rank that has refused one that nobody can do, if
   that ends the run; else -1. */
static void give_away(struct rounds *r, bool skip, int32_t *lost)
{
	const struct qn_chunk *chunk = r->all.chunk;

	*lost = -1;
	for (size_t i = 0; i < r->all.n; chunk += r->all.refusal[i++].nchunks) {
		struct qn_refusal *x = &r->all.refusal[i];
		const int rank = find_rank(r, x);

		if (rank < 0 && !skip && *lost < 0)
			*lost = x->rank;
		if (rank < 0) {
			skip_item(r->run, x, chunk);
		} else {
			r->load[rank] += x->nchunks;
		}
		x->rank = rank;
	}
}

/* All ranks' lists on rank 0; *n: how many there are, on all ranks. */
static enum quern_status gather(struct rounds *r, uint64_t *n, struct quern_message *err)
{
	struct qn_run *run = r->run;
	struct qn_refusals *all = &r->all;
	uint64_t nchunks = run->refused.nchunks;
	void *refusals = NULL, *chunks = NULL;
	enum quern_status st;

	*n = run->refused.n;
	st = qn_comm_gatherv(run->team->comm, run->refused.refusal, n, sizeof(*all->refusal),
			     &refusals, err);
	if (!st)
		st = qn_comm_gatherv(run->team->comm, run->refused.chunk, &nchunks,
				     sizeof(*all->chunk), &chunks, err);
	qn_refusals_fini(all);
	all->refusal = refusals;
	all->chunk = chunks;
	all->n = all->room = qn_comm_rank(run->team->comm) ? 0 : (size_t)*n;
	all->nchunks = all->room_chunks = qn_comm_rank(run->team->comm) ? 0 : (size_t)nchunks;
	return st ? st : qn_comm_bcast(run->team->comm, n, sizeof(*n), err);
}

/* Those of the round that this rank is to do. */
static enum quern_status do_mine(struct rounds *r, const struct qn_refusal *x, size_t n,
				 struct qn_chunk *chunk, struct quern_message *err)
{
	struct qn_task *task = qn_calloc(n, sizeof(*task));
	size_t ntasks = 0;
	enum quern_status st;

	if (!task)
		return qn_error_nomem(err, n * sizeof(*task), "what other hosts have refused");
	for (size_t i = 0; i < n; chunk += x[i++].nchunks)
		if (x[i].rank == qn_comm_rank(r->run->team->comm))
			task[ntasks++] = (struct qn_task){ .item = x[i].item,
							   .list = chunk,
							   .nchunks = x[i].nchunks };
	st = qn_workers_redo(r->run, task, ntasks, err);
	free(task);
	return st;
}

/* Rank 0's decisions, to all. */
static enum quern_status share_round(struct rounds *r, void **list, size_t *n, void **chunks,
				     struct quern_message *err)
{
	const bool leads = qn_comm_rank(r->run->team->comm) == 0;
	size_t nbytes = r->all.n * sizeof(*r->all.refusal);
	size_t chunk_nbytes = r->all.nchunks * sizeof(*r->all.chunk);
	enum quern_status st;

	*list = leads ? r->all.refusal : NULL;
	*chunks = leads ? r->all.chunk : NULL;
	st = qn_comm_bcast_block(r->run->team->comm, list, &nbytes, err);
	if (!st)
		st = qn_comm_bcast_block(r->run->team->comm, chunks, &chunk_nbytes, err);
	*n = nbytes / sizeof(*r->all.refusal);
	return st;
}

/* The lists of this rank become those of the round to come. */
static void start_anew(struct qn_run *run)
{
	struct qn_report *report = &run->report;

	if (run->refused.n && !report->failure[0])
		memcpy(report->failure, run->refused.why, sizeof(report->failure));
	report->nfailed_over += run->refused.nchunks;
	if (run->refused.n)
		qn_log(QN_LOG_WARN, "%zu chunks are left to copies of other hosts: %s",
		       run->refused.nchunks, run->refused.why);
	qn_refusals_fini(&run->refused);
}

static enum quern_status decide(struct rounds *r, struct quern_message *err)
{
	const bool skip = r->run->settings.skips;
	int32_t lost = -1;
	enum quern_status st = QUERN_OK;

	if (qn_comm_rank(r->run->team->comm) == 0) {
		struct qn_refusals copy = { .n = 0 };

		if (!qn_refusals_reserve(&copy, r->all.n, r->all.nchunks)) {
			st = qn_error_nomem(err, 0, "what hosts have refused");
		} else {
			memcpy(copy.refusal, r->all.refusal, r->all.n * sizeof(*copy.refusal));
			copy.n = r->all.n;
			if (!qn_refusals_merge(&r->tried, &copy))
				st = qn_error_nomem(err, 0, "what hosts have refused");
		}
		if (!st) {
			qsort(r->tried.refusal, r->tried.n, sizeof(*r->tried.refusal), by_item);
			give_away(r, skip, &lost);
		}
	}
	st = qn_comm_agree(r->run->team->comm, st, err);
	if (!st)
		st = qn_comm_bcast(r->run->team->comm, &lost, sizeof(lost), err);
	if (!st && lost == qn_comm_rank(r->run->team->comm))
		st = qn_error_set(err, r->run->refused.status,
				  "%s; no other copy can be read either", r->run->refused.why);
	return qn_comm_agree(r->run->team->comm, st, err);
}

static enum quern_status one_round(struct rounds *r, struct quern_message *err)
{
	void *list = NULL, *chunks = NULL;
	size_t n = 0;
	enum quern_status st = decide(r, err);

	if (!st)
		st = share_round(r, &list, &n, &chunks, err);
	if (!st) {
		start_anew(r->run);
		st = do_mine(r, list, n, chunks, err);
	}
	if (qn_comm_rank(r->run->team->comm)) {
		free(list);
		free(chunks);
	}
	return qn_comm_agree(r->run->team->comm, st, err);
}

enum quern_status qn_failover(struct qn_run *run, struct quern_message *err)
{
	struct rounds r = { .run = run };
	enum quern_status st = QUERN_OK;
	uint64_t n = 0;

	/* Only catalogs have copies that are known to be such. */
	if (!run->subject->mosaic.nledgers || qn_comm_nhosts(run->team->comm) == 1)
		return QUERN_OK;
	r.load = qn_calloc((size_t)qn_comm_size(run->team->comm), sizeof(*r.load));
	if (!r.load)
		st = qn_error_nomem(err, 0, "rounds");
	st = qn_comm_agree(run->team->comm, st, err);
	while (!st && !(st = gather(&r, &n, err)) && n)
		st = one_round(&r, err);
	qn_refusals_fini(&r.all);
	qn_refusals_fini(&r.tried);
	free(r.load);
	return st;
}
