/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters stretches of items and
 * chunk descriptors into the queues of the ranks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/select.h"
#include "run/forecast.h"
#include "locate/homes.h"
#include "run/scatter.h"
#include "find/describe.h"
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

static enum quern_status plan_items(struct qn_job *j, const struct qn_items *items, struct draft *d,
				    bool with_work, struct quern_message *err)
{
	struct qn_cluster cluster = { qn_comm_size(j->team.comm), j->team.places };
	enum quern_status st;

	st = qn_lumps_make(items, j->dataset.type.size,
			   qn_plan_most_lumps((uint64_t)cluster.nranks), find_set, &d->where,
			   &d->lumps, err);
	if (st)
		return st;
	d->lumps.work.homes = &d->where.homes;
	if (!with_work)
		return qn_forecast_make(j, &d->lumps.work, err);
	st = qn_plan_make(&cluster, &d->lumps.work, &j->costs.rates, &j->plan, NULL, err);
	return st ? st : qn_shares_make(j, &d->lumps, &d->shares, err);
}

/* What has no weight is not spread over the ranks: where that is too much for one, all is weighed. */
static enum quern_status make_plan(struct qn_job *j, struct draft *d, bool with_work,
				   struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_items weighed = j->items;
	enum quern_status st = plan_items(j, &j->items, d, with_work, &why);

	if (st != QUERN_ERR_DATA || !j->items.counts_holes)
		return st ? qn_error_pass(err, st, &why) : QUERN_OK;
	weighed.counts_holes = false;
	qn_plan_fini(&j->plan);
	qn_shares_fini(&d->shares);
	qn_lumps_fini(&d->lumps);
	return plan_items(j, &weighed, d, with_work, err);
}

/* --- memory --- */

/* Rank 0: the longest chunk as it is stored. */
static uint64_t most_stored(const struct qn_job *j)
{
	uint64_t most = 1;

	for (uint32_t m = 0; m < j->mosaic.nmembers; m++)
		for (uint64_t i = 0; i < j->mosaic.member[m].nchunks; i++)
			most = qn_max_u64(most, j->mosaic.member[m].chunks[i].nbytes);
	return most;
}

/* Bytes of the feed of a worker, whatever member it turns to. */
static uint64_t most_fed(const struct qn_job *j, uint64_t stored)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < j->mosaic.nforms; i++)
		most = qn_max_u64(most, qn_feed_nbytes(&j->mosaic.form[i], &j->views[i], j->whole,
						       j->mosaic.nledgers > 0, stored,
						       j->items.max_nelems));
	return most;
}

/* What a rank holds at most: of a state one for each thread, and one for what is tried, one to merge
   into, and on rank 0 the result is made from it. */
struct account {
	uint64_t a_thread, rest;
};

static void take_account(const struct qn_job *j, uint64_t stored, struct account *a)
{
	const bool tries = j->kernel->repeats ||
			   !strcmp(quern_option_string(j->options, "on-bad-chunk"), "skip");
	const uint64_t nwords = j->kernel->most_words ? j->kernel->most_words(j->self)
						      : j->layout.nwords;
	const uint64_t nstate = nwords * sizeof(int64_t);

	/* What is larger than memory can be stays so when more is added. */
	a->a_thread = qn_min_u64(most_fed(j, stored), UINT64_MAX / 4) + (tries ? 2 : 1) * nstate +
		      (j->kernel->scratch ? j->kernel->scratch(j->self) : 0);
	a->rest = PROCESS_NBYTES + (qn_comm_rank(j->team.comm) == 0 ? 3 : 1) * nstate +
		  j->share.nstretches * sizeof(struct qn_stretch) +
		  j->share.nchunks * sizeof(struct qn_chunk);
}

static uint64_t mib(uint64_t nbytes)
{
	return (nbytes >> 20) + 1;
}

/* What a rank may hold: --memory, and its part of what there is on the host. *why: which it is. */
static uint64_t find_limit(const struct qn_job *j, char *why, size_t n)
{
	const int64_t option = quern_option_int(j->options, "memory");
	const struct qn_room room = qn_room_find("");
	const uint64_t there = room.nbytes / (uint64_t)qn_comm_host_size(j->team.comm);

	if (option && (uint64_t)option <= there) {
		snprintf(why, n, "--memory %s", quern_option_string(j->options, "memory"));
		return (uint64_t)option;
	}
	snprintf(why, n, "the %" PRIu64 " MiB that %s%s", mib(there),
		 room.is_group ? "its control group (cgroup) leaves" : "this machine has free",
		 qn_comm_host_size(j->team.comm) > 1 ? ", shared by the ranks there" : "");
	return there;
}

static enum quern_status refuse(const struct qn_job *j, const struct account *a, const char *why,
				struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "rank %d needs about %" PRIu64 " MiB with one thread, "
			    "%" PRIu64 " of them for what it computes with at once (chunks are decoded "
			    "whole), more than %s: %s, or make the chunks smaller with h5repack",
			    qn_comm_rank(j->team.comm), mib(a->rest + a->a_thread), mib(a->a_thread), why,
			    why[0] == '-' ? "raise it" : "start fewer ranks on a host, or where there is more");
}

/* As many threads as there is memory for. */
static enum quern_status fit_threads(struct qn_job *j, uint64_t stored, struct quern_message *err)
{
	struct account a;
	char why[160];
	const uint64_t limit = find_limit(j, why, sizeof(why));
	uint64_t n;

	take_account(j, stored, &a);
	n = limit > a.rest ? (limit - a.rest) / a.a_thread : 0;
	if (!n)
		return refuse(j, &a, why, err);
	j->team.place.nthreads = (uint32_t)qn_min_u64(n, j->team.place.nthreads);
	j->report.nthreads = j->team.place.nthreads;
	return QUERN_OK;
}

static enum quern_status warn_of_threads(struct qn_job *j, const struct qn_place *before,
					 uint64_t stored, struct quern_message *err)
{
	char text[512], why[160], others[40] = "";
	struct account a;
	int n = 0, first = -1;

	for (int r = 0; r < qn_comm_size(j->team.comm); r++)
		if (j->team.places[r].nthreads < before[r].nthreads) {
			first = first < 0 ? r : first;
			n++;
		}
	if (!n)
		return QUERN_OK;
	take_account(j, stored, &a);
	find_limit(j, why, sizeof(why));
	if (n > 1)
		snprintf(others, sizeof(others), " (and others, %d in all)", n);
	snprintf(text, sizeof(text), "rank %d works with %u of %u threads%s: each holds about %" PRIu64
		 " MiB, as chunks are decoded whole, and more would not fit into %s", first,
		 j->team.places[first].nthreads, before[first].nthreads, others, mib(a.a_thread), why);
	return qn_names_add(&j->warnings, text, err);
}

/* Fewer threads where chunks are too large for all of them at once, before the plan counts on these. */
static enum quern_status settle_threads(struct qn_job *j, uint64_t *longest,
					struct quern_message *err)
{
	uint64_t stored = qn_comm_rank(j->team.comm) == 0 ? most_stored(j) : 0;
	struct qn_place *before = NULL;
	enum quern_status st = qn_comm_bcast(j->team.comm, &stored, sizeof(stored), err);

	*longest = stored;

	if (!st) {
		before = qn_comm_rank(j->team.comm) == 0 ? qn_calloc((size_t)qn_comm_size(j->team.comm),
								sizeof(*before)) : NULL;
		if (qn_comm_rank(j->team.comm) == 0 && !before)
			st = qn_error_nomem(err, 0, "cards");
		if (before)
			memcpy(before, j->team.places, (size_t)qn_comm_size(j->team.comm) * sizeof(*before));
		st = qn_comm_agree(j->team.comm, st ? st : fit_threads(j, stored, err), err);
	}
	if (!st)
		st = qn_team_update(&j->team, err);
	if (!st && before)
		st = warn_of_threads(j, before, stored, err);
	free(before);
	return qn_comm_agree(j->team.comm, st, err);
}

/* With its share of the work: against --memory. */
static enum quern_status check_memory(struct qn_job *j, uint64_t stored, struct quern_message *err)
{
	const int64_t limit = quern_option_int(j->options, "memory");
	struct account a;
	uint64_t nbytes;

	take_account(j, stored, &a);
	nbytes = a.rest + a.a_thread * j->team.place.nthreads;
	if (!limit || nbytes <= (uint64_t)limit)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "rank %d needs about %" PRIu64 " MiB (%u threads), "
			    "more than --memory %s: use fewer threads a rank, or raise it",
			    qn_comm_rank(j->team.comm), mib(nbytes), j->team.place.nthreads,
			    quern_option_string(j->options, "memory"));
}

/* What decoding costs, by the filters of the first form; a calibrated plan knows better. */
static void rate_filters(struct qn_job *j)
{
	const struct qn_dataset *d = j->mosaic.nforms ? &j->mosaic.form[0] : &j->dataset;
	uint32_t id[QN_MAX_FILTERS];

	if (quern_option_string(j->options, "calibrate"))
		return;
	for (int i = 0; i < d->nfilters; i++)
		id[i] = d->filter[i].id;
	j->costs.rates.compute = qn_rates_compute(id, d->nfilters);
}

/* Before any work: what is left to the library, it must be able to decode. Of each form one member is
   asked for; other reasons are told of where it is read. */
static enum quern_status check_filters(const struct qn_job *j, struct quern_message *err)
{
	bool *seen = qn_calloc(j->mosaic.nforms, sizeof *seen);
	enum quern_status st = seen ? QUERN_OK : qn_error_nomem(err, j->mosaic.nforms, "forms");

	for (uint32_t i = 0; !st && i < j->mosaic.nmembers; i++) {
		const uint32_t form = j->mosaic.member[i].form;
		struct quern_message why = { .status = QUERN_OK };
		const struct qn_format *format;
		struct qn_dataset d;
		void *reader = NULL;

		if (seen[form] || j->mosaic.form[form].native || !j->mosaic.form[form].nfilters)
			continue;
		seen[form] = true;
		qn_mosaic_member(&j->mosaic, i, &d);
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

enum quern_status qn_job_plan(struct qn_job *j, bool with_work, struct quern_message *err)
{
	struct draft d = { .lumps = { .nrows = 0 } };
	uint64_t stored = 0;
	enum quern_status st = qn_comm_agree(j->team.comm, qn_access_find(j, err), err);

	rate_filters(j);
	if (!st && with_work && qn_comm_rank(j->team.comm) == 0)
		st = check_filters(j, err);
	st = qn_comm_agree(j->team.comm, st, err);
	if (!st)
		st = qn_comm_agree(j->team.comm, qn_state_layout(j->kernel, j->self, &j->layout, err),
				   err);
	/* A cluster that is imagined has other memory than this machine. */
	if (!st && !quern_option_string(j->options, "cluster"))
		st = settle_threads(j, &stored, err);
	if (!st)
		st = qn_whereabouts_find(j, &d.where, err);
	if (!st && qn_comm_rank(j->team.comm) == 0)
		st = make_plan(j, &d, with_work, err);
	st = qn_comm_agree(j->team.comm, st, err);
	if (!st && with_work)
		st = qn_shares_scatter(j, &d.shares, err);
	if (!st)
		st = qn_comm_agree(j->team.comm, check_memory(j, stored, err), err);
	draft_fini(&d);
	return st;
}
