#include "locate/homes_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/share.h"
#include "locate/homes.h"
#include "find/join.h"
#include "describe/describe.h"

void qn_homes_report_fini(struct qn_homes_report *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->dataset[i].path);
		free(c->dataset[i].why);
		free(c->dataset[i].home);
	}
	free(c->dataset);
	memset(c, 0, sizeof(*c));
}

/* --- rank 0: counting --- */

static int by_home(const void *a, const void *b)
{
	const struct qn_home *x = &((const struct qn_home_bytes *)a)->home;
	const struct qn_home *y = &((const struct qn_home_bytes *)b)->home;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (int)x->tier - (int)y->tier;
}

/* Adds up homes of the same kind. */
static size_t merge(struct qn_home_bytes *a, size_t n)
{
	size_t to = 0;

	if (n)
		qsort(a, n, sizeof(*a), by_home);
	for (size_t i = 0; i < n; i++)
		if (to && !by_home(&a[to - 1], &a[i]))
			a[to - 1].nbytes += a[i].nbytes;
		else
			a[to++] = a[i];
	return to;
}

/* Bytes of each set to bytes of each home. */
static enum quern_status count_homes(const struct qn_homes *h, const uint64_t *nbytes,
				     struct qn_counted *out, struct quern_message *err)
{
	uint64_t room = h->first[h->nsets];

	out->home = qn_calloc(room, sizeof(*out->home));
	if (!out->home)
		return qn_error_nomem(err, room * sizeof(*out->home), "homes");
	for (uint32_t s = 0; s < h->nsets; s++) {
		if (!nbytes[s])
			continue;
		for (uint64_t i = h->first[s]; i < h->first[s + 1]; i++)
			out->home[out->n++] = (struct qn_home_bytes){ h->home[i], nbytes[s] };
		if (h->first[s] == h->first[s + 1])
			out->shared_nbytes += nbytes[s];
	}
	out->n = merge(out->home, out->n);
	return QUERN_OK;
}

static enum quern_status count(const struct qn_mosaic *m, const struct qn_whereabouts *w,
			       struct qn_counted *out, struct quern_message *err)
{
	uint64_t *nbytes = qn_calloc((size_t)w->homes.nsets + 1, sizeof(*nbytes)), hint = 0;
	enum quern_status st;

	if (!nbytes)
		return qn_error_nomem(err, w->homes.nsets * sizeof(*nbytes), "homes");
	for (uint32_t i = 0; i < m->nmembers; i++)
		for (uint64_t k = 0; k < m->member[i].nchunks; k++) {
			const struct qn_chunk *c = &m->member[i].chunks[k];
			uint32_t set = qn_whereabouts_set(w, i, c->addr, &hint);

			out->stored_nbytes += c->nbytes;
			*(set == QN_NO_HOMES ? &out->shared_nbytes : &nbytes[set]) += c->nbytes;
		}
	st = count_homes(&w->homes, nbytes, out, err);
	free(nbytes);
	return st;
}

/* --- all ranks --- */

/* What the describer of the first file finds in it, on all ranks. Collective. */
static enum quern_status list_datasets(const struct qn_team *team, const struct qn_subject *subject,
				       const struct qn_files *m, struct qn_names *paths,
				       struct quern_message *err)
{
	const char *one = subject->settings.dataset, *file = subject->files.name[0];
	const struct qn_format *format = NULL;
	struct qn_listing l = { .n = 0 };
	struct qn_names mine = { .n = 0 };
	enum quern_status st = QUERN_OK;

	if ((uint32_t)qn_comm_rank(team->comm) == m->describer[0]) {
		if (one) {
			st = qn_names_add(&mine, one, err);
		} else {
			st = qn_source_format(file, &format, err);
			if (!st)
				st = format->list(file, &l, err);
			if (!st)
				qn_source_hide_tables(&l);
			for (size_t i = 0; !st && i < l.n; i++)
				st = qn_names_add(&mine, l.path[i], err);
		}
	}
	qn_listing_fini(&l);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_files_gather(team, &mine, paths, err);
	qn_names_fini(&mine);
	return st ? st : qn_share_names(team->comm, QUERN_OK, paths, err);
}

/* Under the name that it has in the file. */
static enum quern_status take_path(struct qn_counted *out, const char *path,
				   struct quern_message *err)
{
	char *copy = qn_strdup(path);

	if (!copy)
		return qn_error_nomem(err, strlen(path), "a name");
	free(out->path);
	out->path = copy;
	return QUERN_OK;
}

/* One dataset. What fails is not fatal for the others; all ranks fail alike. Collective. */
static enum quern_status look_at(const struct qn_team *team, struct qn_subject *subject,
				 const struct qn_files *m, struct qn_counted *out,
				 struct quern_message *err)
{
	struct qn_where where = { .looks_closely = true };
	struct qn_whereabouts w = { .first = NULL };
	enum quern_status st = qn_join(team, subject, m, err);

	if (!st)
		st = qn_share_mosaic(team->comm, &subject->mosaic, err);
	if (!st)
		st = qn_comm_agree(team->comm, qn_access_find(team, subject, &where, err), err);
	if (!st)
		st = qn_whereabouts_find(team, subject, &where, &w, err);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = take_path(out, qn_dataset_name(&subject->dataset), err);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = count(&subject->mosaic, &w, out, err);
	qn_whereabouts_fini(&w);
	qn_access_fini(&where.access);
	qn_mosaic_fini(&subject->mosaic);
	qn_dataset_fini(&subject->dataset);
	return qn_comm_agree(team->comm, st, err);
}

/* Counts a dataset, or notes why it cannot be. */
static enum quern_status add(const struct qn_team *team, struct qn_subject *subject,
			     const struct qn_files *m, const char *path, bool alone,
			     struct qn_homes_report *c, struct quern_message *err)
{
	struct qn_counted *out = &c->dataset[c->n];
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	subject->settings.dataset = path;
	out->path = qn_strdup(path);
	if (!out->path)
		st = qn_error_nomem(err, strlen(path), "a name");
	c->n++;
	st = qn_comm_agree(team->comm, st, err);
	if (st || !look_at(team, subject, m, out, &why))
		return st;
	if (alone || why.status == QUERN_ERR_RUN)
		return qn_error_pass(err, why.status, &why);
	out->why = qn_strdup(why.text);
	out->st = why.status;
	return qn_comm_agree(team->comm, out->why ? QUERN_OK : qn_error_nomem(err, 0, "a message"),
			     err);
}

enum quern_status qn_homes_report_take(const struct qn_team *team, struct qn_subject *subject,
				       const struct qn_names *words, struct qn_homes_report *out,
				       struct quern_message *err)
{
	struct qn_files m = { .describer = NULL };
	struct qn_names paths = { .n = 0 };
	const char *asked = subject->settings.dataset;
	enum quern_status st;

	memset(out, 0, sizeof(*out));
	st = qn_files_find(team, subject, words, &m, err);
	if (!st)
		st = list_datasets(team, subject, &m, &paths, err);
	if (!st) {
		out->dataset = qn_calloc(paths.n, sizeof(*out->dataset));
		if (!out->dataset)
			st = qn_error_nomem(err, paths.n * sizeof(*out->dataset), "datasets");
		st = qn_comm_agree(team->comm, st, err);
	}
	for (size_t i = 0; !st && i < paths.n; i++)
		st = add(team, subject, &m, paths.name[i], paths.n == 1, out, err);
	subject->settings.dataset = asked;
	qn_names_fini(&paths);
	qn_files_fini(&m);
	return st;
}
