#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/system.h"
#include "select/select.h"
#include "stage/slabs.h"
#include "describe/describe.h"
#include "stage/stage_impl.h"

#define LEAST_NBYTES (UINT64_C(1) << 20) /* smaller datasets are copied into the catalog */
#define SPARE_HOSTS  64			 /* that may take the place of others */

void qn_stage_source_fini(struct qn_stage_source *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		qn_dataset_fini(&s->dataset[i]);
	free(s->dataset);
	memset(s, 0, sizeof(*s));
}

/* --- which datasets --- */

/* Why not; NULL: it can be. */
static const char *why_not(const struct qn_dataset *d)
{
	if (d->layout == QN_VIRTUAL)
		return "its elements are in other datasets";
	if (d->layout == QN_EXTERNAL)
		return "its elements are in external files";
	if (d->scalar || qn_dataset_outer_ndim(d) < 1 || qn_dataset_nelems(d) == 0)
		return "it has no dimensions, or no elements";
	if (!d->native && !d->nchunks)
		return d->why_not_native;
	return NULL;
}

static bool is_worth_it(const struct qn_dataset *d)
{
	return !why_not(d) && d->type.class != QN_TEXT && qn_dataset_nbytes(d) > LEAST_NBYTES;
}

static struct qn_dataset *add(struct qn_stage_source *s)
{
	return qn_grow_by_one(&s->dataset, s->n, sizeof(*s->dataset)) ? &s->dataset[s->n] : NULL;
}

static enum quern_status take_named(const char *file, const char *path, struct qn_stage_source *s,
				    struct quern_message *err)
{
	struct qn_dataset *d = add(s);
	enum quern_status st;

	if (!d)
		return qn_error_nomem(err, sizeof(*d), "a description");
	st = qn_source_describe(file, path, NULL, true, d, err);
	if (st)
		return st;
	s->n++;
	for (uint32_t i = 0; i + 1 < s->n; i++)
		if (!strcmp(s->dataset[i].path, d->path))
			return qn_error_set(err, QUERN_ERR_USAGE, "--dataset has %s twice", path);
	if (d->asked)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s cannot be staged: it is in "
				    "another file, by an external link: stage %s",
				    file, d->asked, d->file);
	if (!why_not(d))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_DATA, "%s: dataset %s cannot be staged: %s", file,
			    d->path, why_not(d));
}

/* "-d A,B". */
static enum quern_status take_all_named(const char *file, const char *names,
					struct qn_stage_source *s, struct quern_message *err)
{
	char *list = qn_strdup(names), *rest = list, *name;
	enum quern_status st = list ? QUERN_OK : qn_error_nomem(err, strlen(names), "names");

	while (!st && (name = strsep(&rest, ",")))
		st = *name ? take_named(file, name, s, err)
			   : qn_error_set(err, QUERN_ERR_USAGE,
					  "--dataset '%s': a name before or after "
					  "a comma is empty",
					  names);
	free(list);
	return st;
}

/* Coordinates go into the catalog, where every host has them. */
static bool is_scale(const struct qn_stage_source *s, const char *path)
{
	for (uint32_t i = 0; i < s->n; i++)
		for (int k = 0; k < QUERN_MAX_DIMS; k++)
			if (s->dataset[i].dim_scale[k] && !strcmp(s->dataset[i].dim_scale[k], path))
				return true;
	return false;
}

static enum quern_status drop_scales(struct qn_stage_source *s, struct quern_message *err)
{
	bool *drop = qn_calloc(s->n, sizeof(*drop));
	uint32_t n = 0;

	if (!drop)
		return qn_error_nomem(err, s->n, "datasets");
	for (uint32_t i = 0; i < s->n; i++)
		drop[i] = is_scale(s, s->dataset[i].path);
	for (uint32_t i = 0; i < s->n; i++) {
		if (drop[i])
			qn_dataset_fini(&s->dataset[i]);
		else
			s->dataset[n++] = s->dataset[i];
	}
	s->n = n;
	free(drop);
	return QUERN_OK;
}

static enum quern_status take_large(const char *file, const struct qn_format *format,
				    struct qn_stage_source *s, struct quern_message *err)
{
	struct qn_listing l = { .n = 0 };
	enum quern_status st = format->list(file, &l, err);

	if (!st)
		qn_source_hide_tables(&l);
	if (!st && l.nflaws)
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: it cannot be staged as a whole: %s cannot be "
				  "read: %s; name the datasets to stage with -d",
				  file, l.flaw[0].path, l.flaw[0].why);
	for (size_t i = 0; !st && i < l.n; i++) {
		struct quern_message why = { .status = QUERN_OK };
		struct qn_dataset *d = add(s);

		if (!d)
			st = qn_error_nomem(err, sizeof(*d), "a description");
		else if (qn_source_describe(file, l.path[i], NULL, true, d, &why))
			st = why.status == QUERN_ERR_DATA
				     ? QUERN_OK /* the library copies it into the catalog */
				     : qn_error_pass(err, why.status, &why);
		else if (is_worth_it(d))
			s->n++;
		else
			qn_dataset_fini(d);
	}
	qn_listing_fini(&l);
	if (!st)
		st = drop_scales(s, err);
	if (!st && !s->n)
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: it has no numeric dataset of more than 1 MiB "
				  "that can be staged; name a smaller one with -d",
				  file);
	return st;
}

/* --- shards --- */

static enum quern_status choose_dim(const struct qn_stager *s, const struct qn_dataset *d, int *dim,
				    struct quern_message *err)
{
	const char *name = s->settings.cut;

	*dim = name ? qn_dimension_find(d, name) : qn_slabs_dim(d);
	if (*dim < 0)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--cut: %s has no dimension '%s'; `quern inspect` "
				    "shows them",
				    d->path, name);
	if (qn_slabs_can(d, *dim))
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--cut: dataset %s is not chunked: it can be cut along "
			    "its first dimension only",
			    d->path);
}

static enum quern_status cut_dataset(const struct qn_stager *s, const struct qn_dataset *d,
				     uint32_t number, int nhosts, struct qn_catalog *c,
				     struct quern_message *err)
{
	int dim = 0;
	enum quern_status st = choose_dim(s, d, &dim, err);
	uint64_t nplaces, nslabs, each, *weight, *bound;
	struct qn_shard *more;

	if (st)
		return st;
	nplaces = qn_slabs_nplaces(d, dim);
	each = qn_slabs_place_nindexes(d, dim);
	nslabs = qn_min_u64(nplaces, (uint64_t)nhosts * s->settings.nshards);
	if (c->nshards + nslabs > QN_MOST_SHARDS)
		return qn_error_set(err, QUERN_ERR_USAGE, "--shards: more than a million of them");
	weight = qn_calloc(nplaces, sizeof(*weight));
	bound = qn_calloc(nslabs + 1, sizeof(*bound));
	more = qn_realloc(c->shard, (c->nshards + nslabs) * sizeof(*more));
	if (more)
		c->shard = more;
	if (!weight || !bound || !more) {
		st = qn_error_nomem(err, nplaces * sizeof(*weight), "shards");
		goto out;
	}
	qn_slabs_weigh(d, dim, weight);
	qn_slabs_cut(weight, nplaces, nslabs, bound);
	for (uint64_t i = 0; i < nslabs; i++) {
		struct qn_shard *x = &c->shard[c->nshards++];
		const uint64_t start = bound[i] * each;

		*x = (struct qn_shard){ .dataset = number, .dim = dim, .start = start };
		x->count = qn_min_u64(bound[i + 1] * each, d->shape[dim]) - start;
		for (uint64_t k = bound[i]; k < bound[i + 1]; k++)
			x->nbytes += weight[k]; /* about: until it is made */
		if (d->layout != QN_CHUNKED)
			x->nbytes = qn_dataset_nbytes(d) / d->shape[dim] * x->count;
	}
out:
	free(weight);
	free(bound);
	return st;
}

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* Names of files: the one that is staged by its whole path, which another directory must not change. */
static enum quern_status name_files(const char *file, const char *to, struct qn_catalog *c,
				    struct quern_message *err)
{
	struct stat st;

	c->source = qn_sys_realpath(file, NULL);
	if (!c->source || qn_sys_stat(file, &st))
		return qn_error_set(err, QUERN_ERR_DATA, "%s: cannot be opened", file);
	c->rights = qn_rights_of(c->source, &st);
	c->source_nbytes = (uint64_t)st.st_size;
	c->source_mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (qn_asprintf(&c->file, "%s/%s", to, base_name(file)) < 0) {
		c->file = NULL;
		return qn_error_nomem(err, strlen(to), "a name");
	}
	return QUERN_OK;
}

static enum quern_status name_datasets(const struct qn_stage_source *s, struct qn_catalog *c,
				       int nhosts, struct quern_message *err)
{
	c->path = qn_calloc(s->n, sizeof(*c->path));
	c->nhosts = (uint32_t)nhosts + SPARE_HOSTS;
	c->host = qn_calloc(c->nhosts, sizeof(*c->host));
	if (!c->path || !c->host)
		return qn_error_nomem(err, c->nhosts * sizeof(*c->host), "a catalog");
	for (; c->ndatasets < s->n; c->ndatasets++) {
		c->path[c->ndatasets] = qn_strdup(s->dataset[c->ndatasets].path);
		if (!c->path[c->ndatasets])
			return qn_error_nomem(err, 0, "a catalog");
	}
	return QUERN_OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct qn_dataset *)a)->path, ((const struct qn_dataset *)b)->path);
}

static enum quern_status check_no_catalog(const char *file, const struct qn_format *format,
					  struct quern_message *err)
{
	bool is = false;
	enum quern_status st = qn_source_has(format, file, QN_CATALOG_GROUP "/head", &is, err);

	if (st || !is)
		return st;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s: it is a catalog of quern stage already; `quern stage --repair` "
			    "spreads it anew, `quern unstage` removes it",
			    file);
}

enum quern_status qn_stage_check(const struct qn_stager *s, struct quern_message *err)
{
	const int nhosts = qn_comm_nhosts(s->comm);
	const int64_t nreplicas = s->settings.nreplicas;
	enum quern_status st = qn_sum_check(err);

	if (!st && !s->settings.to)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--to is missing: the directory, on a disk of each "
				  "host, to stage to");
	if (!st && nreplicas > nhosts)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--replicas %" PRId64 ": there %s, and a host has "
				  "no use for two copies",
				  nreplicas, nhosts == 1 ? "is one host only" : "are fewer hosts");
	return st;
}

enum quern_status qn_stage_cut(const struct qn_stager *s, const char *file, int nhosts,
			       struct qn_stage_source *subject, struct qn_catalog *c,
			       struct quern_message *err)
{
	const char *names = s->settings.dataset;
	const struct qn_format *format = NULL;
	enum quern_status st = qn_source_format(file, &format, err);

	if (!st)
		st = check_no_catalog(file, format, err);
	if (!st)
		st = names ? take_all_named(file, names, subject, err)
			   : take_large(file, format, subject, err);
	if (!st)
		st = name_files(file, s->settings.to, c, err);
	if (st)
		return st;
	qsort(subject->dataset, subject->n, sizeof(*subject->dataset), by_path);
	c->nreplicas = (uint32_t)s->settings.nreplicas;
	st = name_datasets(subject, c, nhosts, err);
	for (uint32_t i = 0; !st && i < subject->n; i++)
		st = cut_dataset(s, &subject->dataset[i], i, nhosts, c, err);
	return st;
}

/* Shard k goes to hosts k, k + 1, ...: when one is lost, its work is spread over two others. */
void qn_stage_give_homes(struct qn_catalog *c, const struct qn_hosts *hosts)
{
	for (int h = 0; h < hosts->n; h++)
		qn_catalog_host(c, hosts->name[h]);
	for (uint32_t i = 0; i < c->nshards; i++) {
		struct qn_shard *x = &c->shard[i];

		x->nhomes = c->nreplicas;
		for (uint32_t k = 0; k < x->nhomes; k++)
			x->home[k] = qn_catalog_host(c, hosts->name[(i + k) % (uint32_t)hosts->n]);
	}
}

/* --- all ranks --- */

static enum quern_status share_dataset(struct qn_comm *comm, struct qn_dataset *d,
				       struct quern_message *err)
{
	const bool leads = qn_comm_rank(comm) == 0;
	size_t nbytes = 0, nchunks = leads ? d->nchunks * sizeof(*d->chunks) : 0;
	void *flat = leads ? qn_dataset_pack(d, &nbytes) : NULL, *chunks = leads ? d->chunks : NULL;
	enum quern_status st = leads && !flat ? qn_error_nomem(err, nbytes, "a description")
					      : QUERN_OK;

	st = qn_stage_share(comm, st, &flat, &nbytes, err);
	if (!st && !leads)
		st = qn_dataset_unpack(flat, nbytes, d, err);
	free(flat);
	st = qn_stage_share(comm, qn_comm_agree(comm, st, err), &chunks, &nchunks, err);
	if (!st && !leads) {
		d->chunks = chunks;
		d->nchunks = nchunks / sizeof(*d->chunks);
	}
	return st;
}

enum quern_status qn_stage_share_subject(struct qn_comm *comm, struct qn_stage_source *s,
					 struct quern_message *err)
{
	uint32_t n = s->n;
	enum quern_status st = qn_comm_bcast(comm, &n, sizeof(n), err);

	if (!st && qn_comm_rank(comm) != 0) {
		s->dataset = qn_calloc(n, sizeof(*s->dataset));
		s->n = s->dataset ? n : 0;
		if (!s->dataset)
			st = qn_error_nomem(err, n * sizeof(*s->dataset), "descriptions");
	}
	st = qn_comm_agree(comm, st, err);
	for (uint32_t i = 0; !st && i < n; i++)
		st = share_dataset(comm, &s->dataset[i], err);
	return st;
}
