/*
 * schedule.c - the plan phase: rank 0 weighs the items, plans, and scatters stretches of items and
 * chunk descriptors into the queues of the ranks.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/select.h"
#include "exec/foresee.h"
#include "exec/homes.h"
#include "exec/shares.h"
#include "exec/source.h"

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
	*until = *hint + 1 < w->first[member + 1] ? w->stay[*hint + 1].addr : UINT64_MAX;
	return set;
}

static enum quern_status plan_items(struct qn_job *j, const struct qn_items *items, struct draft *d,
				    bool with_work, struct quern_message *err)
{
	struct qn_cluster cluster = { qn_comm_size(j->comm), j->places };
	enum quern_status st;

	st = qn_lumps_make(items, j->dataset.type.size,
			   qn_plan_most_lumps((uint64_t)cluster.nranks), find_set, &d->where,
			   &d->lumps, err);
	if (st)
		return st;
	d->lumps.work.homes = &d->where.homes;
	if (!with_work)
		return qn_foresee(j, &d->lumps.work, err);
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
		return st ? qn_error_set(err, st, "%s", why.text) : QUERN_OK;
	weighed.counts_holes = false;
	qn_plan_fini(&j->plan);
	qn_shares_fini(&d->shares);
	qn_lumps_fini(&d->lumps);
	return plan_items(j, &weighed, d, with_work, err);
}

/* Bytes of the feed of a worker, whatever member it turns to. */
static uint64_t most_fed(const struct qn_job *j)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < j->mosaic.nforms; i++)
		most = qn_max_u64(most, qn_feed_nbytes(&j->mosaic.form[i], &j->views[i], j->whole,
						       j->mosaic.nledgers > 0,
						       j->items.max_nelems));
	return most;
}

/* What this rank will hold at most, against --memory. A rank has a state for each thread, and one for
   what is tried, one to merge into, and on rank 0 the result is made from it. */
static enum quern_status check_memory(struct qn_job *j, struct quern_message *err)
{
	int64_t limit = quern_option_int(j->options, "memory");
	uint64_t nbytes, a_thread, nstate = sizeof(int64_t);
	bool tries = j->kernel->repeats ||
		     !strcmp(quern_option_string(j->options, "on-bad-chunk"), "skip");

	if (!limit)
		return QUERN_OK;
	nstate *= j->kernel->most_words ? j->kernel->most_words(j->self) : j->layout.nwords;
	a_thread = most_fed(j) + (tries ? 2 : 1) * nstate + (j->kernel->scratch ? j->kernel->scratch(j->self) : 0);
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
			st = qn_error_because(err, why.status, why.reason, "%s", why.text);
	}
	free(seen);
	return st;
}

enum quern_status qn_job_plan(struct qn_job *j, bool with_work, struct quern_message *err)
{
	struct draft d = { .lumps = { .nrows = 0 } };
	enum quern_status st = qn_comm_agree(j->comm, qn_reach_find(j, err), err);

	rate_filters(j);
	if (!st && with_work && qn_comm_rank(j->comm) == 0)
		st = check_filters(j, err);
	st = qn_comm_agree(j->comm, st, err);
	if (!st)
		st = qn_whereabouts_find(j, &d.where, err);
	if (!st && qn_comm_rank(j->comm) == 0)
		st = make_plan(j, &d, with_work, err);
	st = qn_comm_agree(j->comm, st, err);
	if (!st && with_work)
		st = qn_shares_scatter(j, &d.shares, err);
	if (!st)
		st = qn_comm_agree(j->comm, qn_state_layout(j->kernel, j->self, &j->layout, err),
				   err);
	if (!st)
		st = qn_comm_agree(j->comm, check_memory(j, err), err);
	draft_fini(&d);
	return st;
}
