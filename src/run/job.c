/*
 * job.c - the phases of a run up to the plan: where the ranks are, what the dataset is, who does
 * what.
 */
#include "run/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/reading.h"
#include "find/selection.h"
#include "find/join.h"
#include "find/meaning.h"
#include "find/warnings.h"

const struct quern_option qn_run_options[] = {
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0,
	  "the dataset to read; not needed when the file has only one" },
	{ "column", 0, QUERN_OPT_STRING, "NAME", NULL, 0, 0,
	  "member of a compound datatype, a.b for a member of a member" },
	{ "along", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "join several files along this dimension, by name or number (default: the first)" },
	{ "select", 's', QUERN_OPT_STRING, "SLICES", NULL, 0, 0,
	  "part of it: 'time=0:100,lat=10:20:2', by position '0:100,:,5', half open, or by values of "
	  "the coordinates 'lat=-30.0:30.0,time=2001-01:2001-12-31', both ends included" },
	{ "raw", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "take stored values as they are: no CF decoding of _FillValue, scale_factor, ..." },
	{ "nan", 0, QUERN_OPT_CHOICE, "missing|keep", "missing", 0, 0,
	  "NaN counts as missing, or is a value like others" },
	{ "on-bad-chunk", 0, QUERN_OPT_CHOICE, "fail|skip", "fail", 0, 0,
	  "a chunk that cannot be read or decoded ends the run, or is left out and reported" },
	{ "force", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "let --output replace a file that is no result of quern" },
	QN_METADATA_ROW,
	QN_CHUNK_ROW,
	QN_EXTERNAL_ROW,
	{ "threads", 0, QUERN_OPT_INT, "N", NULL, 1, 4096,
	  "worker threads a rank (default: its share of the permitted cores)" },
	{ "bind", 0, QUERN_OPT_CHOICE, "numa|core|none", "numa", 0, 0,
	  "pin each thread to its NUMA node, to one core, or not at all" },
	{ "memory", 0, QUERN_OPT_SIZE, "BYTES", NULL, 1, INT64_MAX,
	  "what a rank may need at most: with fewer threads, or not at all (default: what the host has free "
	  "and its control group permits)" },
	{ "site", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "what this file says of bandwidths, of paths that are local or shared, and of hosts counts, "
	  "not what is found or assumed" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

enum quern_status qn_job_place(struct qn_job *j, const struct qn_team_settings *s,
			       struct quern_message *err)
{
	struct qn_report *r = &j->report;
	enum quern_status st = qn_team_form(&j->team, s, err);

	if (st)
		return st;
	memcpy(r->host, j->team.host, sizeof(r->host));
	memcpy(r->cpus, j->team.cpus, sizeof(r->cpus));
	r->host_number = j->team.place.host;
	r->node = j->team.place.node;
	r->nthreads = j->team.place.nthreads;
	qn_site_rates(&j->team.site, &j->costs.rates);
	return QUERN_OK;
}

/* --- metadata --- */

/* Rank 0's flat form of something, on all ranks: owned. pack gives NULL without memory. Collective. */
static enum quern_status share_flat(struct qn_job *j, void *flat, size_t nbytes, void **out,
				    size_t *out_nbytes, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*out = flat;
	*out_nbytes = nbytes;
	if (qn_comm_rank(j->team.comm) == 0 && !flat)
		st = qn_error_nomem(err, sizeof(j->dataset), "the description");
	st = qn_comm_agree(j->team.comm, st, err);
	return st ? st : qn_comm_bcast_block(j->team.comm, out, out_nbytes, err);
}

enum quern_status qn_job_share_dataset(struct qn_job *j, struct quern_message *err)
{
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status st;

	if (qn_comm_rank(j->team.comm) == 0)
		flat = qn_dataset_pack(&j->dataset, &nbytes);
	st = share_flat(j, flat, nbytes, &flat, &nbytes, err);
	if (!st && qn_comm_rank(j->team.comm) != 0)
		st = qn_dataset_unpack(flat, nbytes, &j->dataset, err);
	free(flat);
	return st;
}

enum quern_status qn_job_share_mosaic(struct qn_job *j, struct quern_message *err)
{
	size_t nbytes = 0;
	void *flat = NULL;
	enum quern_status st;

	if (qn_comm_rank(j->team.comm) == 0)
		flat = qn_mosaic_pack(&j->mosaic, false, &nbytes);
	st = share_flat(j, flat, nbytes, &flat, &nbytes, err);
	if (!st && qn_comm_rank(j->team.comm) != 0)
		st = qn_mosaic_unpack(flat, nbytes, &j->mosaic, err);
	free(flat);
	return st;
}

/* The view of the form of a member. A kernel sees one type of value. */
static enum quern_status make_view(struct qn_job *j, uint32_t member, struct quern_message *err)
{
	struct qn_view *view = &j->views[j->mosaic.member[member].form];
	struct qn_dataset d;
	enum quern_status st;

	qn_mosaic_member(&j->mosaic, member, &d);
	st = qn_view_init(&d, quern_option_flag(j->options, "raw"), view, err);
	if (!st && view->dtype == QUERN_TEXT && d.type.size != j->dataset.type.size)
		return qn_error_set(err, QUERN_ERR_DATA, "%s: its strings are of another length than "
				    "those of %s: they cannot be computed with as one dataset",
				    d.file, j->mosaic.member[0].file);
	if (st || view->dtype == j->views[0].dtype)
		return st;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: its values are of another type than those of %s, "
			    "because only one of them has scale_factor or add_offset: they cannot be "
			    "computed with as one dataset", d.file, j->mosaic.member[0].file);
}

/* The views of all forms, which are numbered as they first occur. */
static enum quern_status make_views(struct qn_job *j, struct quern_message *err)
{
	struct qn_view whole;
	enum quern_status st = qn_view_init(&j->dataset, quern_option_flag(j->options, "raw"),
					    &whole, err);
	uint32_t nknown = 0;

	if (st) /* what is wrong with its type, it knows best */
		return st;
	j->views = qn_calloc(j->mosaic.nforms, sizeof(*j->views));
	if (!j->views)
		return qn_error_nomem(err, j->mosaic.nforms * sizeof(*j->views), "views");
	for (uint32_t i = 0; !st && i < j->mosaic.nmembers; i++)
		if (j->mosaic.member[i].form == nknown) {
			st = make_view(j, i, err);
			nknown++;
		}
	return st;
}

/* A kernel that takes no text says which do. */
static enum quern_status check_text(const struct qn_job *j, struct quern_message *err)
{
	char others[128] = "";

	if (j->views[0].dtype != QUERN_TEXT || j->kernel->takes_text)
		return QUERN_OK;
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++) {
		const size_t n = strlen(others);

		if ((*k)->takes_text)
			snprintf(others + n, sizeof(others) - n, "%s%s", n ? ", " : "", (*k)->name);
	}
	return qn_error_set(err, QUERN_ERR_DATA, "%s: dataset %s has elements of type %s, which is "
			    "text: kernel %s takes numbers; of text you can have: %s",
			    j->dataset.file, j->dataset.path, j->dataset.type.name,
			    j->kernel->name, others);
}

static enum quern_status open_kernel(struct qn_job *j, struct quern_message *err)
{
	struct quern_input in = {
		.ndim = j->dataset.ndim,
		.shape = j->dataset.shape,
		.selection = &j->selection,
		.dtype = j->views[0].dtype,
		.text_nbytes = j->dataset.type.size,
		.nan_missing = strcmp(quern_option_string(j->options, "nan"), "keep") != 0,
		.dims = (const char *const *)j->dataset.dim_name,
		.options = j->options,
		.message = err,
	};

	return j->kernel->open(&in, &j->self);
}

/* Gives up the parts: the library reads the dataset of the one file as a whole. */
static enum quern_status leave_to_library(struct qn_job *j, struct quern_message *err)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	const uint64_t nmissing = j->mosaic.nmissing;
	enum quern_status st;

	qn_mosaic_fini(&j->mosaic);
	qn_mosaic_init(&j->mosaic, j->dataset.ndim);
	j->mosaic.nmissing = nmissing;
	free(j->views);
	j->views = NULL;
	j->dataset.native = false;
	snprintf(j->dataset.why_not_native, sizeof(j->dataset.why_not_native),
		 "the kernel must see whole what several sources share");
	st = qn_mosaic_place(&j->mosaic, &j->dataset, origin, err);
	return st ? st : make_views(j, err);
}

static enum quern_status make_items(struct qn_job *j, const struct quern_demand *demand,
				    struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = qn_items_init(&j->items, &j->mosaic, &j->selection, demand, &why);

	/* Who reads a catalog as a whole sees fill values in the place of shards of other hosts. */
	if (st == QUERN_ERR_DATA && j->mosaic.nledgers)
		return qn_error_set(err, st, "%s: this kernel must see a dimension whole along which the "
				    "dataset was staged: stage it along another with --by",
				    j->dataset.file);
	if (st == QUERN_ERR_DATA && j->mosaic.nbeyond)
		return qn_error_set(err, st, "%s: dataset %s ends earlier than its dimensions, which "
				    "other variables make longer, and this kernel must see them whole: "
				    "select what is there with -s (`quern inspect` shows it)",
				    j->dataset.file, j->dataset.path);
	if (st == QUERN_ERR_DATA && j->files.n == 1) {
		st = leave_to_library(j, err);
		return st ? st : qn_items_init(&j->items, &j->mosaic, &j->selection, demand, err);
	}
	return st ? qn_error_pass(err, st, &why) : QUERN_OK;
}

/* Whether the state of a chunk that nobody has written stands for all that are like it. Of a dataset
   that the library reads it is not known which chunks these are. */
static bool counts_holes(const struct qn_job *j)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_layout_of_state layout;
	bool can = j->items.max_chunks == 1 &&
		   !qn_state_layout(j->kernel, j->self, &layout, &ignored) &&
		   qn_state_repeats(j->kernel, &layout);

	for (uint32_t i = 0; i < j->mosaic.nforms; i++)
		can = can && j->mosaic.form[i].native;
	return can;
}

static enum quern_status interpret(struct qn_job *j, struct quern_message *err)
{
	struct quern_demand demand = { .min_nelems = 0 };
	enum quern_status st;

	st = make_views(j, err);
	if (!st)
		st = check_text(j, err);
	if (!st)
		st = open_kernel(j, err);
	if (st)
		return st;
	j->whole = j->kernel->demand != NULL;
	if (j->whole)
		j->kernel->demand(j->self, &demand);
	st = make_items(j, j->whole ? &demand : NULL, err);
	j->items.counts_holes = !st && counts_holes(j);
	return st;
}

enum quern_status qn_job_describe(struct qn_job *j, const struct qn_names *words,
				  struct quern_message *err)
{
	struct qn_files m = { .describer = NULL };
	enum quern_status st = qn_files_find(j, words, &m, err);

	if (!st)
		st = qn_join(j, &m, err);
	if (!st && !m.reads_all) /* what finds coordinates sees the file that describes them */
		m.reader = m.describer[j->first];
	if (!st)
		st = qn_comm_agree(j->team.comm, qn_job_share_mosaic(j, err), err);
	if (!st)
		st = qn_selection_make(j, &m, err);
	if (!st && qn_comm_rank(j->team.comm) == 0)
		st = qn_job_warn(j, err);
	st = qn_comm_agree(j->team.comm, st, err);
	if (!st)
		st = qn_explain(j, &m, err);
	qn_files_fini(&m);
	return qn_comm_agree(j->team.comm, st ? st : interpret(j, err), err);
}

void qn_job_fini(struct qn_job *j)
{
	qn_balance_fini(&j->balance);
	qn_leases_fini(&j->leases);
	qn_queues_fini(&j->queues);
	qn_plan_fini(&j->plan);
	if (j->self)
		j->kernel->close(j->self);
	qn_refusals_fini(&j->refused);
	qn_access_fini(&j->access);
	qn_team_fini(&j->team);
	qn_items_fini(&j->items);
	qn_mosaic_fini(&j->mosaic);
	qn_dataset_fini(&j->dataset);
	qn_names_fini(&j->files);
	qn_names_fini(&j->warnings);
	qn_blames_fini(j->blame);
	free(j->meaning);
	free(j->file_end);
	free(j->views);
	free(j->planned);
	free(j->points);
	free(j->state);
	free(j->reports);
	j->meaning = NULL;
	j->file_end = NULL;
	j->self = NULL;
	j->views = NULL;
	j->planned = NULL;
	j->points = NULL;
	j->state = NULL;
	j->reports = NULL;
}
