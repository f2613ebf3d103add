/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters stretches of items and
 * chunk descriptors into the queues of the ranks.
 */
#include "schedule/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "select/select.h"
#include "formula/known.h"
#include "locate/homes.h"
#include "run/memory.h"
#include "schedule/forecast.h"
#include "schedule/scatter.h"
#include "describe/describe.h"

/* What rank 0 has in hand while it plans. */
struct draft {
	struct qn_whereabouts where;
	struct qn_masks masks; /* of --where */
	struct qn_lumps lumps;
	struct qn_shares shares;
};

static void draft_fini(struct draft *d)
{
	qn_whereabouts_fini(&d->where);
	qn_masks_fini(&d->masks);
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

	st = qn_lumps_make(items, d->masks.n ? &d->masks : NULL, run->subject->dataset.type.size,
			   qn_plan_most_lumps((uint64_t)cluster.nranks), find_set, &d->where,
			   &d->lumps, err);
	if (st)
		return st;
	d->lumps.work.homes = &d->where.homes;
	run->report.npruned = d->lumps.npruned;
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
	enum quern_status st =
		qn_known_find(&run->formula, &run->subject->selection, &d->masks, &why);

	if (!st)
		st = plan_items(run, &run->items, d, with_work, &why);
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
		st = qn_memory_settle(run, team, &stored, err);
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
		st = qn_comm_agree(team->comm, qn_memory_check(run, stored, err), err);
	draft_fini(&d);
	return st;
}
