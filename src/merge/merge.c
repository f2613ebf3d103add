#include "merge/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp.h"
#include "base/mem.h"
#include "data/reading.h"

static void merge_free(void *ctx)
{
	struct qn_merge *m = ctx;

	for (size_t i = 0; i < m->n; i++) {
		quern_run_free(m->part[i].run);
		qn_partial_fini(&m->part[i].partial);
		free(m->part[i].file);
		free(m->part[i].begin);
	}
	free(m->part);
	qn_partial_fini(&m->whole);
	quern_session_free(m->alone);
	free(m);
}

/* --- options --- */

static enum quern_status set_options(const struct qn_partial *p, quern_run *run)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i + 1 < p->texts.n; i += 2) {
		const char *name = p->texts.name[i], *value = p->texts.name[i + 1];

		if (!strncmp(name, "--", 2))
			st = quern_run_set(run, name + 2, value);
	}
	return st;
}

static enum quern_status refuse_any(void *ctx, struct qn_run *run, struct quern_message *err)
{
	(void)ctx;
	(void)run;
	return qn_error_set(err, QUERN_ERR_USAGE, "this run has no data");
}

quern_run *qn_merge_new_run(const struct qn_partial *p, quern_session *session)
{
	const char *kernel = qn_partial_text(p, "kernel");
	quern_run *run = quern_run_new(session, kernel ? kernel : "");

	if (!run)
		return NULL;
	run->absorbed = (struct qn_absorbed){ qn_partial_check, refuse_any, NULL };
	run->is_part = true;
	set_options(p, run);
	return run;
}

/* --- parts --- */

/* What a part says of itself, and what its extract says of its files, go together. */
static enum quern_status check_part(const struct qn_merge_part *p, struct quern_message *err)
{
	const struct qn_dataset *d = &p->run->subject.dataset;
	bool ok = d->ndim == p->partial.ndim && d->stacked == p->partial.is_stacked;

	for (int i = 0; ok && i < d->ndim; i++)
		ok = d->shape[i] == p->partial.shape[i];
	return ok ? QUERN_OK
		  : qn_error_set(err, QUERN_ERR_DATA,
				 "%s: has a state of other files than it says: make the part anew",
				 p->partial.name);
}

/* A run on the files of a part, by its extract: up to the rows that its result would have. */
static enum quern_status open_part(struct qn_merge *m, struct qn_merge_part *p,
				   struct quern_message *err)
{
	char along[16];
	bool is_all;
	char *selection = qn_partial_selection(&p->partial, &is_all);
	enum quern_status st = QUERN_OK;

	p->run = selection ? qn_merge_new_run(&p->partial, m->alone) : NULL;
	if (!p->run)
		st = qn_error_nomem(err, 0, "a part");
	snprintf(along, sizeof(along), "%d", p->partial.along);
	for (size_t i = 0; !st && i < p->partial.files.n; i++)
		st = quern_run_add_file(p->run, p->partial.files.name[i]);
	if (!st && !is_all)
		st = quern_run_set(p->run, "select", selection);
	if (!st && p->partial.files.n > 1 && !p->partial.is_stacked)
		st = quern_run_set(p->run, "along", along);
	free(selection);
	if (!st) {
		p->partial.extract.stands = true;
		p->run->extract = &p->partial.extract;
		p->run->is_step = true; /* windows are of the result */
		st = qn_run_prepare(p->run);
	}
	if (st && p->run)
		return qn_error_set(err, st, "%s: %s", p->partial.name, p->run->err.text);
	return st ? st : check_part(p, err);
}

static enum quern_status read_parts(struct qn_merge *m, const char *const *names,
				    struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < m->n; i++) {
		qn_partial_init(&m->part[i].partial);
		st = qn_partial_read(&m->part[i].partial, names[i], err);
	}
	return st;
}

/* --- the run --- */

/* All ranks have read the same. Collective. */
static enum quern_status compare_ranks(const struct qn_merge *m, struct qn_comm *c,
				       struct quern_message *err)
{
	struct qn_summer *s = qn_summer_new();
	struct qn_sum mine, first;
	enum quern_status st = s ? QUERN_OK : qn_error_nomem(err, 0, "a sum");

	st = qn_comm_agree(c, st, err);
	for (size_t i = 0; !st && i < m->n; i++)
		qn_summer_add(s, &m->part[i].partial.sum, sizeof(mine));
	if (!st)
		qn_summer_get(s, &mine);
	qn_summer_free(s);
	first = mine;
	if (!st)
		st = qn_comm_bcast(c, &first, sizeof(first), err);
	if (!st && !qn_sum_equal(&first, &mine))
		st = qn_error_set(
			err, QUERN_ERR_DATA,
			"%s: ranks see different parts under these names: put them on storage "
			"that all hosts share",
			m->part[0].partial.name);
	return qn_comm_agree(c, st, err);
}

static enum quern_status unite(struct qn_merge *m, quern_run *run, struct quern_message *err)
{
	const struct qn_partial *w = &m->whole;
	char along[16];
	bool is_all = true;
	char *selection;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < m->n; i++)
		st = open_part(m, &m->part[i], err);
	if (!st)
		st = qn_merge_agree(m, quern_run_value(run, "along"), err);
	if (!st)
		st = qn_merge_unite(m, err);
	for (size_t i = 0; !st && i < w->files.n; i++)
		st = qn_names_add(&run->files, w->files.name[i], err);
	selection = st ? NULL : qn_partial_selection(w, &is_all);
	if (!st && !selection)
		st = qn_error_nomem(err, 0, "a selection");
	if (!st && !is_all)
		st = qn_options_set(&run->options, "select", selection, err);
	snprintf(along, sizeof(along), "%d", w->along);
	if (!st && w->files.n > 1 && !w->is_stacked)
		st = qn_options_set(&run->options, "along", along, err);
	free(selection);
	m->whole.extract.stands = true;
	run->extract = &m->whole.extract;
	run->parts = w;
	return st;
}

/* Before the run looks at its files. */
static enum quern_status assemble(void *ctx, quern_run *run)
{
	struct qn_merge *m = ctx;
	enum quern_status st = compare_ranks(m, run->comm, &run->err);

	return st ? st : qn_comm_agree(run->comm, unite(m, run, &run->err), &run->err);
}

/* Each rank of a host takes some parts; of several hosts rank 0 all, as these have more to say to each other. */
static bool is_mine(size_t i, struct qn_comm *c)
{
	const size_t n = qn_comm_nhosts(c) == 1 ? (size_t)qn_comm_size(c) : 1;

	return i % n == (size_t)qn_comm_rank(c);
}

static enum quern_status fill(void *ctx, struct qn_run *run, struct quern_message *err)
{
	const struct qn_merge *m = ctx;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < m->n; i++)
		if (is_mine(i, run->team->comm))
			st = qn_merge_add(&m->part[i], run, err);
	return st;
}

quern_run *quern_merge_new(quern_session *session, const char *const *parts, size_t nparts)
{
	QN_OWN_FP;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_merge *m = qn_calloc(1, sizeof(*m));
	quern_run *run = NULL;
	enum quern_status st = QUERN_OK;

	if (!m)
		return NULL;
	qn_partial_init(&m->whole);
	m->session = session;
	m->part = qn_calloc(nparts + 1, sizeof(*m->part));
	m->alone = quern_session_new(MPI_COMM_NULL);
	m->n = m->part ? nparts : 0;
	if (!m->part || !m->alone)
		goto free_merge;
	if (session)
		st = qn_registry_add_all(&m->alone->registry, &session->registry, &err);
	if (!st && !nparts)
		st = qn_error_set(&err, QUERN_ERR_USAGE, "no part is given");
	if (!st)
		st = read_parts(m, parts, &err);
	run = st ? quern_run_new(session, "count") : qn_merge_new_run(&m->part[0].partial, session);
	if (!run)
		goto free_merge;
	if (st && !run->err.status)
		qn_error_pass(&run->err, st, &err);
	run->absorbed = (struct qn_absorbed){ qn_partial_check, fill, m };
	run->assemble = assemble;
	run->free_absorbed = merge_free;
	run->is_settled = true;
	return run;
free_merge:
	merge_free(m);
	return NULL;
}
