/*
 * notes.c - the record of what is damaged.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/verify_impl.h"

#include "base/mem.h"

static void damage_fini(struct qn_damage *d)
{
	free(d->text);
	free(d->dataset);
}

void qn_notes_fini(struct qn_notes *n)
{
	for (size_t i = 0; i < n->ndamages; i++)
		damage_fini(&n->damage[i]);
	for (size_t i = 0; i < n->nunverified; i++) {
		free(n->unverified[i].text);
		free(n->unverified[i].dataset);
	}
	free(n->damage);
	free(n->unverified);
	*n = (struct qn_notes){ .ndamages = 0 };
}

void qn_verify_fini(struct qn_verify *v)
{
	for (size_t i = 0; i < v->nfiles; i++) {
		struct qn_verified_file *f = &v->file[i];
		struct qn_notes notes;

		for (size_t k = 0; k < f->ndatasets; k++) {
			free(f->dataset[k].path);
			free(f->dataset[k].sources_why);
			qn_missing_fini(&f->dataset[k].missing);
		}
		free(f->dataset);
		free(f->name);
		notes = (struct qn_notes){ f->ndamages, f->nunverified, f->damage, f->unverified };
		qn_notes_fini(&notes);
	}
	free(v->file);
	free(v->given);
	qn_sums_fini(&v->expected);
	qn_sums_fini(&v->made);
	qn_team_fini(&v->team);
}

struct qn_notes qn_verify_swap_notes(struct qn_verify *v, struct qn_notes with)
{
	struct qn_verified_file *f = qn_verify_this_file(v);
	const struct qn_notes before = { f->ndamages, f->nunverified, f->damage, f->unverified };

	f->ndamages = with.ndamages;
	f->nunverified = with.nunverified;
	f->damage = with.damage;
	f->unverified = with.unverified;
	return before;
}

uint64_t qn_verify_ndamages(const struct qn_verify *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->nfiles; i++)
		n += v->file[i].ndamages;
	return n;
}

const char *qn_unverified_word(const struct qn_unverified *u)
{
	static const char *const words[QN_NREASONS] = {
		[QN_NO_REASON] = "denied",	[QN_NO_FILE] = "missing",
		[QN_NO_DATASET] = "no_dataset", [QN_NO_FILTER] = "no_filter",
		[QN_AMBIGUOUS] = "ambiguous",	[QN_HELD] = "held",
		[QN_FAILED] = "failed",
	};

	return words[u->reason];
}

static enum quern_status status_of(enum qn_reason reason)
{
	if (reason == QN_NO_REASON || reason == QN_HELD)
		return QUERN_ERR_DENIED;
	return reason == QN_NO_FILE || reason == QN_NO_DATASET || reason == QN_AMBIGUOUS
		       ? QUERN_ERR_USAGE
		       : QUERN_ERR_RUN;
}

enum quern_status qn_verify_status(const struct qn_verify *v)
{
	enum quern_status st = qn_verify_ndamages(v) ? QUERN_ERR_DATA : QUERN_OK;

	for (size_t i = 0; i < v->nfiles; i++)
		for (size_t k = 0; k < v->file[i].nunverified; k++)
			st = qn_error_worst(st, status_of(v->file[i].unverified[k].reason));
	return st;
}

bool qn_verify_can_sum(const struct qn_verify *v)
{
	for (size_t i = 0; i < v->nfiles; i++)
		for (size_t k = 0; k < v->file[i].nunverified; k++)
			if (v->file[i].unverified[k].reason != QN_NO_FILTER)
				return false;
	return !qn_verify_ndamages(v);
}

bool qn_verify_is_unverified(enum quern_status st, enum qn_reason reason)
{
	return st == QUERN_ERR_DENIED || st == QUERN_ERR_RUN ||
	       (st == QUERN_ERR_DATA && reason != QN_NO_REASON);
}

enum quern_status qn_verify_note_unverified(struct qn_verify *v, const char *path,
					    enum qn_reason reason, const char *text,
					    struct quern_message *err)
{
	struct qn_verified_file *f = qn_verify_this_file(v);
	struct qn_unverified new = { .reason = reason };
	bool ok;

	if (f->nunverified && !strcmp(f->unverified[f->nunverified - 1].text, text))
		return QUERN_OK;
	ok = qn_grow_by_one(&f->unverified, f->nunverified, sizeof(new));
	new.text = qn_strdup(text);
	new.dataset = path ? qn_strdup(path) : NULL;
	if (!ok || !new.text || (path && !new.dataset)) {
		free(new.text);
		free(new.dataset);
		return qn_error_nomem(err, sizeof(new), "a list of what was not verified");
	}
	f->unverified[f->nunverified++] = new;
	return QUERN_OK;
}

void qn_verify_locate(struct qn_damage *damage, const struct qn_dataset *d,
		      const struct qn_damage_record *at)
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
				 const struct qn_damage_record *at, struct quern_message *err,
				 const char *format, ...)
{
	static const struct qn_damage_record nowhere = { .number = QN_ADDR_NONE,
							 .addr = QN_ADDR_NONE };
	struct qn_verified_file *f = qn_verify_this_file(v);
	struct qn_damage new = { 0 };
	const bool ok = qn_grow_by_one(&f->damage, f->ndamages, sizeof(new));
	va_list ap;

	va_start(ap, format);
	if (!ok || qn_vasprintf(&new.text, format, ap) < 0)
		new.text = NULL;
	va_end(ap);
	if (path)
		new.dataset = qn_strdup(path);
	if (!new.text || (path && !new.dataset)) {
		damage_fini(&new);
		return qn_error_nomem(err, sizeof(new), "a list of damages");
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
	if (qn_verify_is_unverified(st, why->reason))
		return qn_verify_note_unverified(
			v, path, st == QUERN_ERR_RUN && !why->reason ? QN_FAILED : why->reason,
			why->text, err);
	if (st != QUERN_ERR_DATA)
		return qn_error_pass(err, st, why);
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

static enum quern_status note_finding(struct qn_verify *v, const struct qn_dataset *d,
				      const struct qn_damage_record *f, const char *text,
				      struct quern_message *err)
{
	char *copy;
	enum quern_status st;

	if (!f->reason)
		return qn_verify_note(v, d, d->path, f, err, "%.*s", (int)f->text_nbytes, text);
	copy = qn_strndup(text, f->text_nbytes);
	st = copy ? qn_verify_note_unverified(v, d->path, (enum qn_reason)f->reason, copy, err)
		  : qn_error_nomem(err, f->text_nbytes, "a list of what was not verified");
	free(copy);
	return st;
}

enum quern_status qn_verify_add_notes(struct qn_verify *v, struct qn_notes *more,
				      struct quern_message *err)
{
	struct qn_verified_file *f = qn_verify_this_file(v);
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; i < more->ndamages; i++) {
		if (!qn_grow_by_one(&f->damage, f->ndamages, sizeof(*f->damage)))
			return qn_error_nomem(err, sizeof(*f->damage), "a list of damages");
		f->damage[f->ndamages++] = more->damage[i];
		more->damage[i] = (struct qn_damage){ .text = NULL };
	}
	for (size_t i = 0; !st && i < more->nunverified; i++)
		st = qn_verify_note_unverified(v, more->unverified[i].dataset,
					       more->unverified[i].reason, more->unverified[i].text,
					       err);
	return st;
}

/* In the order of the chunks, whichever thread found it first. */
enum quern_status qn_verify_note_findings(struct qn_verify *v, const struct qn_dataset *d,
					  const struct qn_findings *found, uint32_t task,
					  struct quern_message *err)
{
	const struct qn_verified_file *file = qn_verify_this_file(v);
	const size_t nbefore = file->ndamages;
	enum quern_status st = QUERN_OK;
	size_t at = 0;

	while (!st && at < found->text_nbytes) {
		struct qn_damage_record f;

		memcpy(&f, found->text + at, sizeof(f));
		at += sizeof(f);
		if (f.task == task)
			st = note_finding(v, d, &f, found->text + at, err);
		at += f.text_nbytes;
	}
	if (file->ndamages > nbefore)
		qsort(file->damage + nbefore, file->ndamages - nbefore, sizeof(*file->damage),
		      by_coord);
	return st;
}
