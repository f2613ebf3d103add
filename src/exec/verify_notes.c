/*
 * verify_notes.c - the record of what is damaged.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/verify_impl.h"

static void damage_fini(struct qn_damage *d)
{
	free(d->text);
	free(d->dataset);
}

void qn_verify_fini(struct qn_verify *v)
{
	for (size_t i = 0; i < v->nfiles; i++) {
		struct qn_verified_file *f = &v->file[i];

		for (size_t k = 0; k < f->ndatasets; k++)
			free(f->dataset[k].path);
		for (size_t k = 0; k < f->ndamages; k++)
			damage_fini(&f->damage[k]);
		free(f->dataset);
		free(f->damage);
		free(f->name);
	}
	free(v->file);
	qn_sums_fini(&v->expected);
	qn_sums_fini(&v->made);
	qn_job_fini(&v->job);
}

uint64_t qn_verify_ndamages(const struct qn_verify *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->nfiles; i++)
		n += v->file[i].ndamages;
	return n;
}

void qn_verify_locate(struct qn_damage *damage, const struct qn_dataset *d,
		      const struct qn_finding *at)
{
	uint64_t grid[QUERN_MAX_DIMS], number = at->number;

	damage->addr = at->addr;
	damage->nbytes = at->nbytes;
	damage->has_chunk = d && number != QN_ADDR_NONE;
	if (!damage->has_chunk)
		return;
	damage->ndim = d->ndim;
	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		damage->coord[i] = number % grid[i];
		number /= grid[i];
	}
}

enum quern_status qn_verify_note(struct qn_verify *v, const struct qn_dataset *d, const char *path,
				 const struct qn_finding *at, struct quern_message *err,
				 const char *format, ...)
{
	static const struct qn_finding nowhere = { QN_ADDR_NONE, QN_ADDR_NONE, 0, 0 };
	struct qn_verified_file *f = qn_verify_this_file(v);
	struct qn_damage *p = qn_verify_grow(f->damage, f->ndamages, sizeof *p), new = { 0 };
	va_list ap;

	if (p)
		f->damage = p;
	va_start(ap, format);
	if (!p || vasprintf(&new.text, format, ap) < 0)
		new.text = NULL;
	va_end(ap);
	if (path)
		new.dataset = strdup(path);
	if (!new.text || (path && !new.dataset)) {
		damage_fini(&new);
		return qn_error_nomem(err, sizeof *p, "a list of damages");
	}
	qn_verify_locate(&new, d, at ? at : &nowhere);
	f->damage[f->ndamages++] = new;
	return QUERN_OK;
}

enum quern_status qn_verify_note_error(struct qn_verify *v, const char *path, enum quern_status st,
				       const struct quern_message *why, struct quern_message *err)
{
	if (!st)
		return QUERN_OK;
	if (st != QUERN_ERR_DATA)
		return qn_error_set(err, st, "%s", why->text);
	return qn_verify_note(v, NULL, path, NULL, err, "%s", why->text);
}

static int by_coord(const void *a, const void *b)
{
	const struct qn_damage *x = a, *y = b;

	for (int d = 0; d < x->ndim && d < y->ndim; d++)
		if (x->coord[d] != y->coord[d])
			return x->coord[d] < y->coord[d] ? -1 : 1;
	return 0;
}

/* In the order of the chunks, whichever thread found it first. */
enum quern_status qn_verify_note_findings(struct qn_verify *v, const struct qn_dataset *d,
					  const struct qn_findings *found,
					  struct quern_message *err)
{
	const struct qn_verified_file *file = qn_verify_this_file(v);
	const size_t nbefore = file->ndamages;
	enum quern_status st = QUERN_OK;
	size_t at = 0;

	while (!st && at < found->text_nbytes) {
		struct qn_finding f;

		memcpy(&f, found->text + at, sizeof f);
		at += sizeof f;
		st = qn_verify_note(v, d, d->path, &f, err, "%.*s", (int)f.text_nbytes,
				    found->text + at);
		at += f.text_nbytes;
	}
	if (file->ndamages > nbefore)
		qsort(file->damage + nbefore, file->ndamages - nbefore, sizeof(*file->damage),
		      by_coord);
	return st;
}
