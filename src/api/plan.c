/*
 * plan.c - the JSON document of a plan.
 */
#include <stdlib.h>
#include <string.h>

#include "api/run.h"
#include "base/fp.h"
#include "base/mem.h"
#include "json/json.h"
#include "run/kept.h"
#include "schedule/forecast.h"

#define MOST_LISTED_RANKS 4096 /* a document with more has no array of ranks */

static json_t *tiers_to_json(const uint64_t *nbytes)
{
	json_t *o = json_object();

	for (int t = 0; t < QN_NTIERS; t++)
		qn_json_set(&o, qn_tier_name((enum qn_tier)t), qn_json_uint(nbytes[t]));
	return o;
}

static json_t *whys_to_json(const struct qn_plan *p)
{
	json_t *o = json_object();

	for (int w = 0; w < QN_NWHYS; w++)
		qn_json_set(&o, qn_why_name((enum qn_why)w), qn_json_uint(p->why[w]));
	return o;
}

static json_t *rank_to_json(const struct qn_run *run, int r)
{
	const struct qn_place *at = &run->planned[r];
	const struct qn_portion *p = &run->plan.rank[r];

	return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:o, s:f}", "rank", r, "host",
			 (int)at->host, "numa_node", (int)at->node, "threads", (int)at->nthreads,
			 "items", (json_int_t)p->nitems, "ranges",
			 (json_int_t)(run->plan.at[r + 1] - run->plan.at[r]), "bytes",
			 (json_int_t)p->stored, "bytes_by_tier", tiers_to_json(p->tier),
			 "predicted_seconds", p->finish);
}

static json_t *ranks_to_json(const struct qn_run *run)
{
	json_t *ranks;

	if (run->plan.nranks > MOST_LISTED_RANKS)
		return json_null();
	ranks = json_array();
	for (int r = 0; r < run->plan.nranks; r++)
		qn_json_append(&ranks, rank_to_json(run, r));
	return ranks;
}

/* What the ranks of a host have together. */
struct host {
	uint64_t nranks, nthreads;
	struct qn_portion sum; /* finish: the latest */
};

static void add_rank(struct host *h, const struct qn_place *at, const struct qn_portion *p)
{
	h->nranks++;
	h->nthreads += at->nthreads;
	h->sum.nitems += p->nitems;
	h->sum.stored += p->stored;
	h->sum.finish = p->finish > h->sum.finish ? p->finish : h->sum.finish;
	for (int t = 0; t < QN_NTIERS; t++)
		h->sum.tier[t] += p->tier[t];
}

/* What the site says of a host. */
static json_t *labels_to_json(const struct qn_site *site, const char *host)
{
	json_t *a = json_array();

	for (size_t i = 0; i < site->nlabels; i++)
		if (!strcmp(site->label[i].host, host))
			qn_json_append(&a, json_string(site->label[i].name));
	return a;
}

/* Imagined hosts have no names. */
static json_t *host_to_json(const struct qn_run *run, size_t number, const struct host *h)
{
	const char *name = number < run->team->hosts.n && !run->settings.forecast.cluster
				   ? run->team->hosts.name[number]
				   : NULL;

	return json_pack("{s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:f}", "host",
			 (json_int_t)number, "name", qn_json_text(name), "labels",
			 name ? labels_to_json(&run->team->site, name) : json_null(), "ranks",
			 (json_int_t)h->nranks, "threads", (json_int_t)h->nthreads, "items",
			 (json_int_t)h->sum.nitems, "bytes", (json_int_t)h->sum.stored,
			 "bytes_by_tier", tiers_to_json(h->sum.tier), "predicted_seconds",
			 h->sum.finish);
}

static json_t *hosts_to_json(const struct qn_run *run)
{
	size_t n = (size_t)run->nplanned_hosts;
	struct host *host = qn_calloc(n, sizeof(*host));
	json_t *hosts = host || !n ? json_array() : NULL;

	for (int r = 0; host && r < run->plan.nranks; r++)
		if (run->planned[r].host < n)
			add_rank(&host[run->planned[r].host], &run->planned[r], &run->plan.rank[r]);
	for (size_t h = 0; host && h < n; h++)
		qn_json_append(&hosts, host_to_json(run, h, &host[h]));
	free(host);
	return hosts;
}

/* --- simulation --- */

static json_t *foreseen_to_json(const struct qn_forecast *f)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "total", f->total, "lost",
			 f->lost, "startup", f->startup, "metadata", f->metadata, "plan", f->plan,
			 "scatter", f->scatter, "work", f->work, "reduce", f->reduce, "output",
			 f->output);
}

static json_t *host_number(int64_t host)
{
	return host < 0 ? json_null() : json_integer(host);
}

/* Efficiency against the first point of the same curve: what is read, by thread and second. */
static double efficiency(const struct qn_point *p, double seconds, const struct qn_point *first,
			 double first_seconds)
{
	double now = (double)p->stored / seconds / (double)p->nthreads;
	double then = (double)first->stored / first_seconds / (double)first->nthreads;

	return then > 0 ? now / then : 0;
}

static json_t *points_to_json(const struct qn_run *run)
{
	const struct qn_point *first = run->points;
	json_t *points;

	if (!run->npoints)
		return json_null();
	points = json_array();
	for (int i = 0; i < run->npoints; i++) {
		const struct qn_point *p = &run->points[i];

		if (p->weak != first->weak)
			first = p;
		qn_json_append(
			&points,
			json_pack(
				"{s:s, s:i, s:i, s:I, s:I, s:I, s:f, s:o, s:o, s:f, s:o, s:I, s:I, s:o, s:o, s:o}",
				"scaling", p->weak ? "weak" : "strong", "hosts", (int)p->nhosts,
				"ranks", p->nranks, "threads", (json_int_t)p->nthreads, "items",
				(json_int_t)p->nitems, "bytes", (json_int_t)p->stored,
				"planned_seconds", p->planned, "failed_host",
				host_number(p->failed_host), "slow_host", host_number(p->slow_host),
				"slowness", p->slowness, "seconds", foreseen_to_json(&p->seconds),
				"items_stolen", (json_int_t)p->seconds.ntasks_stolen,
				"items_leased", (json_int_t)p->seconds.ntasks_leased, "efficiency",
				qn_json_real(
					efficiency(p, p->seconds.work, first, first->seconds.work)),
				"efficiency_total",
				qn_json_real(efficiency(p, p->seconds.total, first,
							first->seconds.total)),
				"plan_and_scatter_share",
				qn_json_real((p->seconds.plan + p->seconds.scatter) /
					     p->seconds.total)));
	}
	return points;
}

/* --- the document --- */

static json_t *rates_to_json(const struct qn_rates *r)
{
	json_t *read = json_object();

	for (int t = 0; t < QN_NTIERS; t++)
		qn_json_set(&read, qn_tier_name((enum qn_tier)t), qn_json_real(r->read[t]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "read_seconds_per_byte", read,
			 "compute_seconds_per_byte", qn_json_real(r->compute), "item_seconds",
			 qn_json_real(r->item), "disk_bytes_per_second", qn_json_real(r->disk),
			 "shared_bytes_per_second_and_host", qn_json_real(r->shared_host),
			 "shared_bytes_per_second", qn_json_real(r->shared));
}

static json_t *plan_to_json(const struct qn_run *run)
{
	const struct qn_plan *p = &run->plan;
	const char *why = qn_mosaic_not_native(&run->subject->mosaic);
	const bool counts = qn_computed_collects(&run->computed); /* its cells, while it runs */
	const uint64_t each = qn_kept_emitted(run, run->most_rows);
	const uint64_t nsweeps = qn_ceil_div(run->rows.nrows, qn_max_u64(each, 1));
	json_int_t nthreads = 0, stored = 0;
	json_t *o;

	for (int r = 0; r < p->nranks; r++) {
		nthreads += run->planned[r].nthreads;
		stored += (json_int_t)p->rank[r].stored;
	}
	o = json_pack("{s:i, s:i, s:I, s:I, s:I, s:o, s:b, s:o, s:I, s:I, s:I, s:f, s:f, s:s}",
		      "hosts", run->nplanned_hosts, "ranks", p->nranks, "threads", nthreads,
		      "items", (json_int_t)p->nitems, "ranges", (json_int_t)p->at[p->nranks],
		      "chunk_shape",
		      qn_json_uints(run->subject->dataset.chunk, run->subject->dataset.ndim),
		      "native", !why, "library_reason", qn_json_text(why), "bytes_stored", stored,
		      "bytes_with_home", (json_int_t)p->homed, "bytes_at_home",
		      stored - (json_int_t)p->tier[QN_SHARED], "imbalance", p->imbalance,
		      "predicted_seconds", p->finish, "limited_by", p->limit);
	qn_json_set(&o, "memory_bytes",
		    run->memory_nbytes ? qn_json_uint(run->memory_nbytes) : json_null());
	qn_json_set(&o, "chunks_pruned", qn_json_uint(run->report.npruned));
	qn_json_set(&o, "cells", counts ? json_null() : qn_json_uint(run->rows.nrows));
	qn_json_set(&o, "cells_per_sweep", counts ? json_null() : qn_json_uint(each));
	qn_json_set(&o, "sweeps", counts ? json_null() : qn_json_uint(nsweeps));
	qn_json_set(&o, "sources_missing",
		    json_integer((json_int_t)run->subject->mosaic.missing.n));
	qn_json_set(&o, "missing_sources", qn_json_missing(&run->subject->mosaic.missing));
	qn_json_set(&o, "bytes_by_tier", tiers_to_json(p->tier));
	qn_json_set(&o, "bytes_remote_because", whys_to_json(p));
	qn_json_set(&o, "rates", rates_to_json(&run->costs.rates));
	qn_json_set(&o, "per_host", hosts_to_json(run));
	qn_json_set(&o, "per_rank", ranks_to_json(run));
	return o;
}

char *quern_run_plan_document(quern_run *run)
{
	QN_OWN_FP;
	const struct qn_run *engine = &run->engine;

	if (!run->planned || run->rank != 0)
		return NULL;
	return qn_json_dump(json_pack("{s:s, s:s, s:o, s:o, s:o}", "quern", QUERN_VERSION, "kernel",
				      engine->kernel->name, "input", qn_document_input(run), "plan",
				      plan_to_json(engine), "simulation", points_to_json(engine)));
}
