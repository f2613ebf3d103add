/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters stretches of items and
 * chunk descriptors into the queues of the ranks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "select/select.h"
#include "run/forecast.h"
#include "locate/homes.h"
#include "run/kept.h"
#include "run/scatter.h"
#include "describe/describe.h"
#include "cluster/room.h"

/* Memory of a process with its libraries, before it has any work: measured with Open MPI 4.1. */
#define PROCESS_NBYTES (UINT64_C(24) << 20)
/* What rank 0 has in hand while it plans. */
struct draft {
	struct qn_whereabouts where;
	struct qn_lumps lumps;
	struct qn_shares shares;
};

static void draft_fini(struct draft *d)
{
	qn_whereabouts_fini(&d->where);
	qn_lumps_fini(&d->lumps);
	qn_shares_fini(&d->shares);
}

static uint32_t find_set(const void *ctx, uint32_t member, uint64_t addr, uint64_t *hint,
			 uint64_t *until)
{
	const struct qn_whereabouts *w = ctx;
	uint32_t set = qn_whereabouts_set(w, member, addr, hint);

	if (addr == QN_ADDR_NONE)
		return set;
	*until = *hint + 1 < w->first[member + 1] ? w->extent[*hint + 1].addr : UINT64_MAX;
	return set;
}

static enum quern_status plan_items(struct qn_run *run, const struct qn_items *items,
				    struct draft *d, bool with_work, struct quern_message *err)
{
	struct qn_cluster cluster = { qn_comm_size(run->team->comm), run->team->places };
	enum quern_status st;

	st = qn_lumps_make(items, run->subject->dataset.type.size,
			   qn_plan_most_lumps((uint64_t)cluster.nranks), find_set, &d->where,
			   &d->lumps, err);
	if (st)
		return st;
	d->lumps.work.homes = &d->where.homes;
	if (!with_work)
		return qn_forecast_make(run, &d->lumps.work, err);
	st = qn_plan_make(&cluster, &d->lumps.work, &run->costs.rates, &run->plan, NULL, err);
	if (!st)
		qn_log(QN_LOG_INFO,
		       "plan: %" PRIu64 " items in %" PRIu64 " lumps, %.6f s, limited by %s; bytes "
		       "with a home %" PRIu64 ", from shared storage %" PRIu64,
		       run->plan.nitems, d->lumps.work.nlumps, run->plan.finish, run->plan.limit,
		       run->plan.homed, run->plan.tier[QN_SHARED]);
	return st ? st : qn_shares_make(run, &d->lumps, &d->shares, err);
}

/* What has no weight is not spread over the ranks: where that is too much for one, all is weighed. */
static enum quern_status make_plan(struct qn_run *run, struct draft *d, bool with_work,
				   struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_items weighed = run->items;
	enum quern_status st = plan_items(run, &run->items, d, with_work, &why);

	if (st != QUERN_ERR_DATA || !run->items.counts_holes)
		return st ? qn_error_pass(err, st, &why) : QUERN_OK;
	qn_log(QN_LOG_INFO, "too many items without weight for one rank: all are weighed: %s",
	       why.text);
	weighed.counts_holes = false;
	qn_plan_fini(&run->plan);
	qn_shares_fini(&d->shares);
	qn_lumps_fini(&d->lumps);
	return plan_items(run, &weighed, d, with_work, err);
}

/* --- memory --- */

/* Rank 0: the longest chunk as it is stored. */
static uint64_t most_stored(const struct qn_run *run)
{
	uint64_t most = 1;

	for (uint32_t m = 0; m < run->subject->mosaic.nmembers; m++)
		for (uint64_t i = 0; i < run->subject->mosaic.member[m].nchunks; i++)
			most = qn_max_u64(most, run->subject->mosaic.member[m].chunks[i].nbytes);
	return most;
}

/* Bytes of the feed of a worker, whatever member it turns to. */
static uint64_t most_fed(const struct qn_run *run, uint64_t stored)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < run->subject->mosaic.nforms; i++)
		most = qn_max_u64(most, qn_feed_nbytes(&run->subject->mosaic.form[i],
						       &run->subject->views[i], run->whole,
						       run->subject->mosaic.nledgers > 0, stored,
						       run->items.max_nelems));
	return most;
}

/* What a rank holds at most: of a state one for each thread, and one for what is tried, one to merge
   into, and on rank 0 the result is made from it. */
struct account {
	uint64_t a_thread, rest;
};

static uint64_t keys_nbytes(const struct qn_run *run)
{
	uint64_t nbytes = 0;

	for (int i = 0; i < run->keys.n; i++)
		nbytes += run->keys.key[i].nindexes * sizeof(*run->keys.key[i].group);
	return nbytes;
}

static void take_account(const struct qn_run *run, uint64_t stored, struct account *a)
{
	const bool tries = run->kernel->repeats || run->settings.skips;
	const uint64_t nrows = run->window.nrows, nstate = qn_kept_nbytes(run, nrows);
	const uint64_t nown = qn_kept_are_shared(run, nrows) ? 0 : (tries ? 2 : 1) * nstate;

	/* What is larger than memory can be stays so when more is added. */
	a->a_thread = qn_min_u64(most_fed(run, stored), UINT64_MAX / 4) + nown +
		      qn_cells_scratch_nbytes(run->kernel, run->self, &run->layout) +
		      qn_formula_scratch_nbytes(&run->formula, qn_kept_tile_nelems(run));
	a->rest = PROCESS_NBYTES + qn_formula_nbytes(&run->formula) + keys_nbytes(run) +
		  (qn_comm_rank(run->team->comm) == 0 ? 3 : 1) * nstate +
		  run->share.nstretches * sizeof(struct qn_stretch) +
		  run->share.nchunks * sizeof(struct qn_chunk);
}

static uint64_t mib(uint64_t nbytes)
{
	return (nbytes >> 20) + 1;
}

/* What a rank may hold: --memory, and its part of what there is on the host. *why: which it is. */
static uint64_t find_limit(const struct qn_run *run, char *why, size_t n)
{
	const uint64_t asked = run->settings.memory_nbytes;
	const struct qn_room room = qn_room_find("");
	const uint64_t there = room.nbytes / (uint64_t)qn_comm_host_size(run->team->comm);

	if (asked && asked <= there) {
		snprintf(why, n, "--memory %s", run->settings.memory);
		return asked;
	}
	snprintf(why, n, "the %" PRIu64 " MiB that %s%s", mib(there),
		 room.is_group ? "its control group (cgroup) leaves" : "this machine has free",
		 qn_comm_host_size(run->team->comm) > 1 ? ", shared by the ranks there" : "");
	return there;
}

static enum quern_status refuse(const struct qn_run *run, const struct account *a, const char *why,
				struct quern_message *err)
{
	if (qn_kept_any(run) && a->rest > a->a_thread)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "rank %d needs about %" PRIu64 " MiB for the %" PRIu64
				    " cells of the result, more than %s: reduce over more "
				    "dimensions, or select less with -s",
				    qn_comm_rank(run->team->comm), mib(a->rest), run->rows.nrows,
				    why);
	return qn_error_set(
		err, QUERN_ERR_RUN,
		"rank %d needs about %" PRIu64 " MiB with one thread, "
		"%" PRIu64 " of them for what it computes with at once (chunks are decoded "
		"whole), more than %s: %s, or make the chunks smaller with h5repack",
		qn_comm_rank(run->team->comm), mib(a->rest + a->a_thread), mib(a->a_thread), why,
		why[0] == '-' ? "raise it" : "start fewer ranks on a host, or where there is more");
}

/* As many threads as there is memory for. */
static enum quern_status fit_threads(struct qn_run *run, struct qn_team *team, uint64_t stored,
				     struct quern_message *err)
{
	struct account a;
	char why[160];
	const uint64_t limit = find_limit(run, why, sizeof(why));
	uint64_t n;

	take_account(run, stored, &a);
	n = limit > a.rest ? (limit - a.rest) / a.a_thread : 0;
	if (!n)
		return refuse(run, &a, why, err);
	team->place.nthreads = (uint32_t)qn_min_u64(n, team->place.nthreads);
	run->report.nthreads = team->place.nthreads;
	return QUERN_OK;
}

static enum quern_status warn_of_threads(struct qn_run *run, const struct qn_place *before,
					 uint64_t stored, struct quern_message *err)
{
	char text[512], why[160], others[40] = "";
	struct account a;
	int n = 0, first = -1;

	for (int r = 0; r < qn_comm_size(run->team->comm); r++)
		if (run->team->places[r].nthreads < before[r].nthreads) {
			first = first < 0 ? r : first;
			n++;
		}
	if (!n)
		return QUERN_OK;
	take_account(run, stored, &a);
	find_limit(run, why, sizeof(why));
	if (n > 1)
		snprintf(others, sizeof(others), " (and others, %d in all)", n);
	snprintf(text, sizeof(text),
		 "rank %d works with %u of %u threads%s: each holds about %" PRIu64
		 " MiB, as chunks are decoded whole, and more would not fit into %s",
		 first, run->team->places[first].nthreads, before[first].nthreads, others,
		 mib(a.a_thread), why);
	return qn_names_add(&run->warnings, text, err);
}

/* Fewer threads where chunks are too large for all of them at once, before the plan counts on these. */
static enum quern_status settle_threads(struct qn_run *run, struct qn_team *team, uint64_t *longest,
					struct quern_message *err)
{
	const bool leads = qn_comm_rank(team->comm) == 0;
	const size_t nranks = (size_t)qn_comm_size(team->comm);
	uint64_t stored = leads ? most_stored(run) : 0;
	struct qn_place *before = NULL;
	enum quern_status st = qn_comm_bcast(team->comm, &stored, sizeof(stored), err);

	*longest = stored;

	if (!st) {
		before = leads ? qn_calloc(nranks, sizeof(*before)) : NULL;
		if (leads && !before)
			st = qn_error_nomem(err, 0, "cards");
		if (before)
			memcpy(before, team->places, nranks * sizeof(*before));
		st = qn_comm_agree(team->comm, st ? st : fit_threads(run, team, stored, err), err);
	}
	if (!st)
		st = qn_team_update(team, err);
	if (!st && before)
		st = warn_of_threads(run, before, stored, err);
	free(before);
	return qn_comm_agree(team->comm, st, err);
}

/* With its share of the work: against --memory. */
static enum quern_status check_memory(struct qn_run *run, uint64_t stored,
				      struct quern_message *err)
{
	const uint64_t limit = run->settings.memory_nbytes;
	struct account a;
	uint64_t nbytes;

	take_account(run, stored, &a);
	nbytes = a.rest + a.a_thread * run->team->place.nthreads;
	if (!limit || nbytes <= limit)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN,
			    "rank %d needs about %" PRIu64 " MiB (%u threads), "
			    "more than --memory %s: use fewer threads a rank, or raise it",
			    qn_comm_rank(run->team->comm), mib(nbytes), run->team->place.nthreads,
			    run->settings.memory);
}

/* What decoding costs, by the filters of the first form; a calibrated plan knows better. */
static void rate_filters(struct qn_run *run)
{
	const struct qn_dataset *d = run->subject->mosaic.nforms ? &run->subject->mosaic.form[0]
								 : &run->subject->dataset;
	uint32_t id[QN_MAX_FILTERS];

	if (run->settings.is_calibrated)
		return;
	for (int i = 0; i < d->nfilters; i++)
		id[i] = d->filter[i].id;
	run->costs.rates.compute = qn_rates_compute(id, d->nfilters);
}

/* Before any work: what is left to the library, it must be able to decode. Of each form one member is
   asked for; other reasons are told of where it is read. */
static enum quern_status check_filters(const struct qn_run *run, struct quern_message *err)
{
	bool *seen = qn_calloc(run->subject->mosaic.nforms, sizeof(*seen));
	enum quern_status st = seen ? QUERN_OK
				    : qn_error_nomem(err, run->subject->mosaic.nforms, "forms");

	for (uint32_t i = 0; !st && i < run->subject->mosaic.nmembers; i++) {
		const uint32_t form = run->subject->mosaic.member[i].form;
		struct quern_message why = { .status = QUERN_OK };
		const struct qn_format *format;
		struct qn_dataset d;
		void *reader = NULL;

		if (seen[form] || run->subject->mosaic.form[form].native ||
		    !run->subject->mosaic.form[form].nfilters)
			continue;
		seen[form] = true;
		qn_mosaic_member(&run->subject->mosaic, i, &d);
		if (qn_source_format(d.file, &format, &why))
			continue;
		if (!format->open(&d, &reader, &why))
			format->close(reader);
		else if (why.reason == QN_NO_FILTER)
			st = qn_error_pass(err, why.status, &why);
	}
	free(seen);
	return st;
}

enum quern_status qn_run_plan(struct qn_run *run, struct qn_team *team, struct qn_where *where,
			      bool with_work, struct quern_message *err)
{
	struct draft d = { .lumps = { .nrows = 0 } };
	uint64_t stored = 0;
	enum quern_status st =
		qn_comm_agree(team->comm, qn_access_find(team, run->subject, where, err), err);

	run->where = where;
	rate_filters(run);
	if (!st && with_work && qn_comm_rank(team->comm) == 0)
		st = check_filters(run, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_agree(team->comm,
				   qn_state_layout(run->kernel, run->self, &run->layout, err), err);
	/* A cluster that is imagined has other memory than this machine. */
	if (!st && !run->settings.forecast.cluster)
		st = settle_threads(run, team, &stored, err);
	if (!st)
		st = qn_whereabouts_find(team, run->subject, where, &d.where, err);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = make_plan(run, &d, with_work, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st && with_work)
		st = qn_shares_scatter(run, &d.shares, err);
	if (!st && with_work)
		qn_log(QN_LOG_INFO,
		       "share: %" PRIu64 " items, %" PRIu64 " chunks, %" PRIu64
		       " bytes, for %u threads",
		       run->share.nitems, run->share.nchunks, run->share.nbytes,
		       team->place.nthreads);
	if (!st)
		st = qn_comm_agree(team->comm, check_memory(run, stored, err), err);
	draft_fini(&d);
	return st;
}
