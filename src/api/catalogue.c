/*
 * catalogue.c - documents that need no run: what is in a file, the kernels, the build.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/inspect.h"
#include "api/operation.h"
#include "api/options.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/fp.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/system.h"
#include "base/text.h"
#include "cluster/comm.h"
#include "data/sum.h"
#include "describe/describe.h"
#include "json/json.h"
#include "registry/registry.h"
#include "kernel/kernel.h"
#include "quern.h"
#include "cluster/topo.h"

/* Ends a call: the text of the document, or why there is none. Takes doc. */
static enum quern_status finish(enum quern_status st, json_t *doc, char **json,
				struct quern_message *err)
{
	*json = NULL;
	if (st)
		json_decref(doc);
	else if (!(*json = qn_json_dump(doc)))
		st = qn_error_nomem(err, 0, "the document");
	return st;
}

/* The same for callers that have no run. */
static enum quern_status finish_alone(enum quern_status st, json_t *doc, struct quern_message *err,
				      char **json, char *why, size_t nbytes)
{
	st = finish(st, doc, json, err);
	if (why && nbytes)
		qn_text_put(why, nbytes, st ? err->text : "");
	return st;
}

/* --- inspect --- */

#define PATIENCE_SECONDS 1.0

static const char *const layout_names[] = {
	[QN_COMPACT] = "compact", [QN_CONTIGUOUS] = "contiguous", [QN_CHUNKED] = "chunked",
	[QN_VIRTUAL] = "virtual", [QN_EXTERNAL] = "external",
};

static json_t *filters_to_json(const struct qn_dataset *d)
{
	json_t *a = json_array();

	for (int i = 0; i < d->nfilters; i++) {
		const struct qn_filter_step *s = &d->filter[i];
		json_t *params = json_array();

		for (uint32_t k = 0; k < s->nparams; k++)
			qn_json_append(&params, json_integer(s->params[k]));
		qn_json_append(&a, json_pack("{s:i, s:o, s:o, s:b}", "id", (int)s->id, "name",
					     qn_json_text(s->name), "parameters", params, "native",
					     qn_filter_is_native(s)));
	}
	return a;
}

static json_t *dims_to_json(const struct qn_dataset *d)
{
	json_t *a = json_array();

	for (int i = 0; i < (d->scalar ? 0 : d->ndim); i++)
		qn_json_append(&a, qn_json_text(d->dim_name[i]));
	return a;
}

static json_t *members_to_json(const struct qn_dataset *d)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < d->nmembers; i++) {
		const struct qn_column *m = &d->members[i];

		qn_json_append(&a, json_pack("{s:o, s:s, s:I, s:o}", "name", qn_json_text(m->name),
					     "dtype", m->type.name, "offset", (json_int_t)m->offset,
					     "shape", qn_json_uints(m->shape, m->ndim)));
	}
	return a;
}

/* Where it lies, when external links lead to another file. */
static json_t *linked_to_json(const struct qn_dataset *d)
{
	if (!d->asked)
		return json_null();
	return json_pack("{s:o, s:o}", "file", qn_json_text(d->file), "dataset",
			 qn_json_text(d->path));
}

static json_t *dataset_to_json(const struct qn_dataset *d)
{
	const int ndim = d->scalar ? 0 : d->ndim;
	uint64_t grid[QUERN_MAX_DIMS], stored = 0, ngrid = qn_dataset_grid(d, grid);
	struct qn_dataset visible;
	bool chunked = d->layout == QN_CHUNKED;

	qn_dataset_visible(d, &visible);
	for (uint64_t i = 0; i < d->nchunks; i++)
		stored += d->chunks[i].nbytes;
	return json_pack(
		"{s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:I, "
		"s:I, s:I, s:b, s:o, s:o}",
		"dataset", qn_json_text(qn_dataset_name(d)), "column", qn_json_text(d->column),
		"dtype", d->type.name, "record_bytes", (json_int_t)qn_dataset_record_nbytes(d),
		"members", members_to_json(d), "shape", qn_json_uints(visible.shape, ndim),
		"shape_stored", qn_json_uints(d->shape, ndim), "dims", dims_to_json(d), "units",
		qn_json_text(d->units), "layout", layout_names[d->layout], "chunk_shape",
		chunked ? qn_json_uints(d->chunk, d->ndim) : json_null(), "index",
		qn_json_text(d->index), "filters", filters_to_json(d), "chunks",
		(json_int_t)(chunked ? ngrid : 0), "chunks_allocated",
		(json_int_t)(chunked ? d->nchunks : 0), "bytes_stored", (json_int_t)stored,
		"bytes_logical", (json_int_t)qn_dataset_nbytes(d), "native", d->native,
		"library_reason", qn_json_text(d->native ? NULL : d->why_not_native), "linked",
		linked_to_json(d));
}

/* What is inspected, and where its rows go. */
struct inspection {
	const struct qn_format *format;
	const char *file, *column, *select;
	json_t *list, *links, *damaged;
	const struct qn_listing *listing;
	size_t at;	      /* in the listing */
	double wasted, since; /* seconds, on what could not be described; when it was begun */
};

/* What a dataset is for; null: not known. */
static json_t *role_to_json(const struct qn_listing *l, size_t at, const char *path)
{
	for (size_t k = 0; l && l->about && path && k < l->n; k++) {
		const size_t i = (at + k) % l->n; /* mostly it is the one at hand */

		if (!strcmp(l->path[i], path))
			return json_string(qn_role_names[l->about[i].role]);
	}
	return json_null();
}

/* d: checked. */
static enum quern_status add_row(struct inspection *in, const struct qn_dataset *d,
				 struct quern_message *err)
{
	int fd = qn_file_open(d->file, NULL);
	json_t *row = dataset_to_json(d);
	enum quern_status st = qn_inspect_layout(&row, d, fd, in->select, err);

	if (fd >= 0)
		qn_sys_close(fd);
	qn_json_set(&row, "role", role_to_json(d->asked ? NULL : in->listing, in->at, d->path));
	qn_json_set(&row, "error", json_null());
	qn_json_set(&row, "exit_code", json_null());
	if (!st)
		qn_json_append(&in->list, json_incref(row));
	json_decref(row);
	return st;
}

static enum quern_status inspect_one(struct inspection *in, const char *path,
				     struct quern_message *err)
{
	struct qn_dataset d;
	enum quern_status st = in->format->describe(in->file, path, in->column, true, &d, err);

	if (st)
		return st;
	st = qn_dataset_check(&d, err);
	if (!st)
		st = add_row(in, &d, err);
	qn_dataset_fini(&d);
	return st;
}

/* The row of a dataset that cannot be described: the fields of any other, all of them null. */
static json_t *error_row(const char *path, const struct quern_message *why)
{
	const struct qn_dataset nothing = { .ndim = 1, .chunk = { 1 } };
	json_t *row = dataset_to_json(&nothing), *value;
	const char *name;

	qn_inspect_layout(&row, &nothing, -1, NULL, NULL);
	json_object_foreach(row, name, value) qn_json_set(&row, name, json_null());
	qn_json_set(&row, "dataset", qn_json_text(path));
	qn_json_set(&row, "role", json_null());
	qn_json_set(&row, "error", qn_json_text(why->text));
	qn_json_set(&row, "exit_code", json_integer(why->status));
	return row;
}

/* A dataset that cannot be described must not hide the others: its line says why. In a damaged
   file each may take as long as it can to fail: then the rest are only named. */
static void inspect_listed(struct inspection *in, const char *path)
{
	struct quern_message err = { .status = QUERN_OK };
	double start = qn_comm_wtime();

	if (in->wasted > PATIENCE_SECONDS)
		qn_error_set(&err, QUERN_ERR_DATA,
			     "not looked at, because failing to describe "
			     "others took long; name it with -d");
	else if (inspect_one(in, path, &err))
		in->wasted += qn_comm_wtime() - start;
	if (err.status)
		qn_json_append(&in->list, error_row(path, &err));
}

static bool take_described(void *ctx, const char *file, struct qn_dataset *d,
			   const struct quern_message *why)
{
	struct inspection *in = ctx;
	struct quern_message err = *why;
	double now = qn_comm_wtime();

	(void)file;
	if (d && !err.status)
		add_row(in, d, &err);
	if (!d || err.status) {
		in->wasted += now - in->since;
		qn_json_append(&in->list, error_row(in->listing->path[in->at], &err));
	}
	in->since = now;
	in->at++;
	return in->wasted <= PATIENCE_SECONDS;
}

#define MANY_DATASETS 64 /* are described together */

/* Those from in->at on, by few processes: they may be like the first of them. */
static void inspect_many(struct inspection *in)
{
	const struct qn_listing *l = in->listing;
	const size_t n = l->n - in->at, first = in->at;
	const char **files = qn_calloc(n, sizeof(*files));
	struct quern_message ignored = { .status = QUERN_OK };
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct qn_dataset like;

	for (size_t i = 0; files && i < n; i++)
		files[i] = in->file;
	in->since = qn_comm_wtime();
	if (files && !in->format->describe(in->file, l->path[first], NULL, true, &like, &ignored)) {
		if (!qn_dataset_check(&like, &ignored))
			in->format->describe_like(&like, files,
						  (const char *const *)l->path + first, n,
						  ncpus > 1 ? (int)ncpus : 1, take_described, in);
		qn_dataset_fini(&like);
	}
	free(files);
}

static void inspect_all(struct inspection *in)
{
	for (; in->at < in->listing->n; in->at++) {
		if (in->listing->n - in->at >= MANY_DATASETS && in->wasted == 0)
			inspect_many(in);
		if (in->at < in->listing->n)
			inspect_listed(in, in->listing->path[in->at]);
	}
}

/* --- links, and what cannot be read --- */

static const char *const link_names[QN_NLINK_KINDS] = {
	[QN_HARD_LINK] = "hard",
	[QN_SOFT_LINK] = "soft",
	[QN_EXTERNAL_LINK] = "external",
	[QN_OTHER_LINK] = "other",
};

/* Where a link ends, if that is in another file or nowhere; a dataset there gets a row. */
static void follow_link(struct inspection *in, const struct qn_link *link, json_t *row)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_target t = { .is = QN_NOTHING };
	double start = qn_comm_wtime();
	const char *why = err.text;

	if (in->wasted > PATIENCE_SECONDS)
		qn_error_set(&err, QUERN_ERR_DATA,
			     "not looked at, because failing to describe "
			     "others took long; name it with -d");
	else if (in->format->locate(in->file, link->path, &t, &err))
		in->wasted += qn_comm_wtime() - start;
	else
		why = t.why;
	qn_json_set(&row, "leads_to",
		    err.status ? json_null() : json_string(qn_object_names[t.is]));
	qn_json_set(&row, "found",
		    err.status || t.is == QN_NOTHING
			    ? json_null()
			    : json_pack("{s:o, s:o}", "file", qn_json_text(t.file), "path",
					qn_json_text(t.path)));
	qn_json_set(&row, "error",
		    err.status || t.is == QN_NOTHING ? qn_json_text(why) : json_null());
	/* That it leads nowhere says nothing against this file. */
	qn_json_set(&row, "exit_code",
		    err.status && err.status != QUERN_ERR_DATA ? json_integer(err.status)
							       : json_null());
	if (!err.status && t.is == QN_DATASET && link->leads_to == QN_OTHER_FILE)
		inspect_listed(in, link->path);
	qn_target_fini(&t);
}

static void add_link(struct inspection *in, const struct qn_link *link)
{
	json_t *row = json_pack("{s:o, s:s, s:o, s:o, s:s, s:n, s:n, s:n}", "link",
				qn_json_text(link->path), "kind", link_names[link->kind], "file",
				qn_json_text(link->file), "target", qn_json_text(link->target),
				"leads_to", qn_object_names[link->leads_to], "found", "error",
				"exit_code");

	if (link->leads_to == QN_OTHER_FILE || link->leads_to == QN_NOTHING)
		follow_link(in, link, row);
	qn_json_append(&in->links, row);
}

/* below: in this group only, unless NULL. */
static void add_rest(struct inspection *in, const char *below)
{
	const struct qn_listing *l = in->listing;

	for (size_t i = 0; i < l->nlinks; i++)
		if (!below || qn_path_is_below(l->link[i].path, below))
			add_link(in, &l->link[i]);
	for (size_t i = 0; i < l->nflaws; i++)
		if (!below || qn_path_is_below(l->flaw[i].path, below))
			qn_json_append(&in->damaged,
				       json_pack("{s:o, s:o, s:i}", "path",
						 qn_json_text(l->flaw[i].path), "error",
						 qn_json_text(l->flaw[i].why), "exit_code",
						 (int)QUERN_ERR_DATA));
}

/* --- a file --- */

/* What is in a group, under the name that the group was given. */
static enum quern_status inspect_group(struct inspection *in, const struct qn_target *group,
				       const char *given, struct quern_message *err)
{
	struct qn_listing l = { .n = 0 };
	enum quern_status st = qn_source_list(in->format, group->file, &l, err);

	in->listing = &l;
	for (size_t i = 0; !st && i < l.n; i++) {
		char *name;

		if (!qn_path_is_below(l.path[i], group->path))
			continue;
		name = qn_source_name_below(l.path[i], group->path, given);
		if (!name)
			st = qn_error_nomem(err, strlen(given), "the name of a dataset");
		else
			inspect_listed(in, name);
		free(name);
	}
	/* Links are followed by their names in this file. */
	if (!st && !strcmp(group->file, in->file))
		add_rest(in, group->path);
	in->listing = NULL;
	qn_listing_fini(&l);
	return st;
}

static enum quern_status inspect_named(struct inspection *in, const char *path,
				       struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_target t = { .is = QN_NOTHING };
	struct qn_listing l = { .n = 0 };
	enum quern_status st;

	/* Only for its role. */
	st = qn_source_list(in->format, in->file, &l, &ignored);
	if (st == QUERN_ERR_RUN)
		return qn_error_pass(err, st, &ignored);
	in->listing = st ? NULL : &l;
	st = inspect_one(in, path, err);
	in->listing = NULL;
	qn_listing_fini(&l);
	if (st == QUERN_ERR_DATA && !in->select && !in->column &&
	    !in->format->locate(in->file, path, &t, &ignored) && t.is == QN_GROUP) {
		*err = (struct quern_message){ .status = QUERN_OK };
		st = inspect_group(in, &t, path, err);
	}
	qn_target_fini(&t);
	return st;
}

/* All of the file, or a dataset or group; a selection is of one. */
static enum quern_status inspect_file(struct inspection *in, const char *dataset,
				      struct quern_message *err)
{
	struct qn_listing listing = { .n = 0 };
	enum quern_status st;

	if (dataset)
		return inspect_named(in, dataset, err);
	st = qn_source_list(in->format, in->file, &listing, err);
	in->listing = &listing;
	if (!st && (in->select || in->column) && listing.n != 1)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--%s is of one dataset, and %s has %zu: "
				  "name it with -d",
				  in->select ? "select" : "column", in->file, listing.n);
	else if (!st && (in->select || in->column))
		st = inspect_one(in, listing.path[0], err);
	else if (!st)
		inspect_all(in);
	if (!st)
		add_rest(in, NULL);
	in->listing = NULL;
	qn_listing_fini(&listing);
	return st;
}

static enum quern_status inspect(struct inspection *in, const char *dataset, char **json,
				 struct quern_message *err)
{
	enum quern_status st = qn_source_format(in->file, &in->format, err);
	json_t *doc;

	in->list = json_array();
	in->links = json_array();
	in->damaged = json_array();
	if (!st)
		st = inspect_file(in, dataset, err);
	doc = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "quern", QUERN_VERSION, "file",
			qn_json_text(in->file), "format", in->format ? in->format->name : "",
			"datasets", in->list, "links", in->links, "damaged", in->damaged);
	return finish(st, doc, json, err);
}

static enum quern_status work(quern_run *run, char **json)
{
	struct inspection in = { .column = quern_option_string(&run->options, "column"),
				 .select = quern_option_string(&run->options, "select") };

	if (run->rank)
		return QUERN_OK;
	if (run->files.n != 1)
		return qn_error_set(&run->err, QUERN_ERR_USAGE,
				    "%zu files were added, and an inspection is of one",
				    run->files.n);
	in.file = run->files.name[0];
	return inspect(&in, quern_option_string(&run->options, "dataset"), json, &run->err);
}

quern_run *quern_inspect_new(quern_session *session)
{
	static const struct qn_operation operation = { "inspect", qn_inspect_options, work };

	return qn_operation_new(session, &operation);
}

/* --- kernels --- */

static json_t *option_to_json(const struct quern_option *row)
{
	char variable[64];

	qn_option_variable(row, variable, sizeof(variable));
	return json_pack("{s:s, s:o, s:o, s:s, s:s}", "name", row->name, "argument",
			 qn_json_text(row->arg), "default", qn_json_text(row->fallback),
			 "environment", variable, "doc", row->doc);
}

static json_t *kernel_to_json(const struct quern_kernel *k)
{
	const bool with = qn_kernel_takes(k, QUERN_WITH) && !k->against;
	json_t *options = json_array();

	for (const struct quern_option *row = k->options; row && row->name; row++)
		qn_json_append(&options, option_to_json(row));
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:o}", "name", k->name, "doc", k->doc,
			 "weights", qn_kernel_takes(k, QUERN_WEIGHT), "with", with, "needs_with",
			 with && (k->needs & QUERN_ROLE(QUERN_WITH)), "options", options);
}

enum quern_status quern_kernels(const char *name, char **json, char *why, size_t nbytes)
{
	QN_OWN_FP;
	struct quern_message err = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;
	struct qn_registry registry = { .n = 0 };
	const struct quern_kernel *one;
	json_t *list = json_array();

	for (const struct quern_kernel *const *k = qn_kernels; *k && !name; k++)
		qn_json_append(&list, kernel_to_json(*k));
	if (name)
		st = qn_registry_find(&registry, name, &one, &err);
	if (name && !st)
		qn_json_append(&list, kernel_to_json(one));
	qn_registry_fini(&registry);
	return finish_alone(st, json_pack("{s:s, s:o}", "quern", QUERN_VERSION, "kernels", list),
			    &err, json, why, nbytes);
}

/* --- info --- */

static json_t *codecs_to_json(void)
{
	json_t *a = json_array();

	for (const struct qn_filter *f = qn_filters; f->id; f++)
		qn_json_append(&a, json_pack("{s:i, s:s, s:s}", "id", (int)f->id, "name", f->name,
					     "library", f->library));
	return a;
}

/* Registered filters that this build cannot decode, and what would. */
static json_t *missing_to_json(void)
{
	json_t *a = json_array();

	for (const struct qn_filter_name *n = qn_filter_names; n->id; n++)
		if (!qn_filter_find(n->id))
			qn_json_append(&a, json_pack("{s:i, s:s, s:s?, s:s?}", "id", (int)n->id,
						     "name", n->name, "package", n->package,
						     "plugin", n->plugin));
	return a;
}

/* A positive number that Slurm has set, or otherwise. */
static int from_slurm(const char *name, int otherwise)
{
	const char *text = getenv(name);
	long n = text ? strtol(text, NULL, 10) : 0;

	return n > 0 && n <= INT_MAX ? (int)n : otherwise;
}

/* The launch that is recommended here, in a Slurm job for all of its nodes, which are taken to be
   alike: a rank a NUMA node, with its cores as threads. quern pins itself, so launchers must not;
   as jobs ask Slurm for nodes, Open MPI's mpirun would see one slot in each, and MPICH's Hydra must
   be told how many ranks there are. Slurm counts CPUs, which may be
   hardware threads; quern takes one of each core. */
static json_t *launch_to_json(const struct qn_extent *e)
{
	int hosts = from_slurm("SLURM_JOB_NUM_NODES", from_slurm("SLURM_NNODES", 1));
	int ranks = e->nnodes > 0 ? e->nnodes : 1;
	int cpus = from_slurm("SLURM_CPUS_ON_NODE", e->npus) / ranks;
	char library[128], mpirun[256], srun[256];
	bool is_open_mpi;

	qn_comm_library(library, sizeof(library));
	is_open_mpi = strstr(library, "Open MPI") != NULL;
	if (is_open_mpi)
		snprintf(mpirun, sizeof(mpirun),
			 "mpirun --map-by ppr:%d:node --bind-to none%s quern run", ranks,
			 getenv("SLURM_JOB_ID") ? " --oversubscribe" : "");
	else
		snprintf(mpirun, sizeof(mpirun), "mpirun -n %lld -ppn %d -bind-to none quern run",
			 (long long)hosts * ranks, ranks);
	snprintf(srun, sizeof(srun),
		 "srun --mpi=%s --nodes=%d --ntasks-per-node=%d "
		 "--cpus-per-task=%d --cpu-bind=none --wait=30 quern run",
		 is_open_mpi ? "pmix" : "pmi2", hosts, ranks, cpus > 0 ? cpus : 1);
	return json_pack("{s:i, s:i, s:i, s:o, s:s, s:s}", "hosts", hosts, "ranks_per_host", ranks,
			 "threads_per_rank", e->ncores / ranks, "slurm_job",
			 qn_json_text(getenv("SLURM_JOB_ID")), "mpirun", mpirun, "srun", srun);
}

static json_t *machine_to_json(json_t **launch, struct quern_message *err)
{
	struct qn_topo *t;
	struct qn_cpus permitted;
	struct qn_extent extent;
	char text[128], cpus[128];
	json_t *o;

	if (qn_topo_new(NULL, &t, err))
		return NULL;
	qn_topo_describe(t, text, sizeof(text));
	qn_topo_permitted(t, &permitted);
	qn_cpus_format(&permitted, cpus, sizeof(cpus));
	extent = qn_topo_extent(t, &permitted);
	*launch = launch_to_json(&extent);
	o = json_pack("{s:s, s:i, s:s, s:I, s:s}", "topology", text, "numa_nodes",
		      qn_topo_nnodes(t), "permitted_cpus", cpus, "memory_bytes",
		      (json_int_t)qn_topo_memory(t), "simd", qn_cpu_name(qn_cpu_level()));
	qn_topo_free(t);
	return o;
}

static json_t *sandbox_to_json(struct quern_message *err)
{
	struct qn_sandbox s = { .calls = false };

	if (qn_formats[0]->sandbox(&s, err))
		return NULL;
	return json_pack("{s:b, s:b, s:o}", "calls_filtered", s.calls, "files_restricted", s.files,
			 "landlock_abi", s.landlock ? json_integer(s.landlock) : json_null());
}

enum quern_status quern_info(char **json, char *why, size_t nbytes)
{
	QN_OWN_FP;
	struct quern_message err = { .status = QUERN_OK };
	char mpi[128], hwloc[32], sums[32];
	json_t *launch = NULL, *machine = machine_to_json(&launch, &err);
	json_t *formats = json_array(), *sandbox = sandbox_to_json(&err);

	for (const struct qn_format *const *f = qn_formats; *f; f++) {
		char library[64];

		(*f)->version(library, sizeof(library));
		qn_json_append(&formats, json_string(library));
	}
	qn_comm_library(mpi, sizeof(mpi));
	qn_topo_version(hwloc, sizeof(hwloc));
	return finish_alone(err.status,
			    json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:o*, s:o*, s:o*}",
				      "quern", QUERN_VERSION, "compiler", __VERSION__, "mpi", mpi,
				      "hwloc", hwloc, "sums", qn_sum_library(sums, sizeof(sums)),
				      "formats", formats, "codecs", codecs_to_json(), "missing",
				      missing_to_json(), "machine", machine, "launch", launch,
				      "sandbox", sandbox),
			    &err, json, why, nbytes);
}
