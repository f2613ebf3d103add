/*
 * verify.c - the files, one after the other: what is to be looked at, and what was found. Their datasets
 * are batch.c's.
 */
#include "verify/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "describe/describe.h"
#include "resolve/resolve.h"
#include "find/subject.h"
#include "verify/verify_impl.h"

/* --- a file --- */

/* Lists the datasets without the tables of a catalog: `quern stage --verify` knows what these say. */
static enum quern_status list_data(struct qn_verify *v, const struct qn_format *format,
				   const char *file, struct qn_listing *l,
				   struct quern_message *err)
{
	enum quern_status st = format->list(file, l, err);
	size_t n = l->n;

	if (st)
		return st;
	qn_source_hide_tables(l);
	qn_verify_this_file(v)->is_catalog = l->n < n;
	return QUERN_OK;
}

static enum quern_status list(struct qn_verify *v, struct qn_pending *p, const char *file,
			      struct quern_message *err)
{
	const char *only = v->settings.dataset;
	struct quern_message why = { .status = QUERN_OK };
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_listing all = { .n = 0 };
	enum quern_status st = qn_source_format(file, &p->format, &why);

	if (!st && !only)
		st = list_data(v, p->format, file, &p->listing, &why);
	else if (!st && list_data(v, p->format, file, &all, &ignored) == QUERN_ERR_RUN)
		st = qn_error_pass(&why, QUERN_ERR_RUN, &ignored); /* it may be a catalog */
	qn_listing_fini(&all);
	p->n = st ? 0 : only ? 1 : p->listing.n;
	p->only = only;
	p->unlisted = st != QUERN_OK;
	return qn_verify_note_error(v, NULL, st, &why, err);
}

/* Rank 0. A link leads nowhere, as far as can be told. */
static enum quern_status note_link(struct qn_verify *v, struct qn_pending *p, const char *file,
				   const struct qn_link *link, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_target t = { .is = QN_NOTHING };
	double start = qn_comm_wtime();
	enum quern_status st;

	if (p->wasted > QN_VERIFY_PATIENCE)
		return qn_verify_note(v, NULL, link->path, NULL, err,
				      "%s: link %s was not looked at, "
				      "because failing to read others took long",
				      file, link->path);
	st = p->format->locate(file, link->path, &t, &why);
	if (st)
		p->wasted += qn_comm_wtime() - start;
	if (st && qn_verify_is_unverified(st, why.reason)) {
		st = qn_verify_note_error(v, link->path, st, &why, err);
	} else if (st) {
		st = qn_verify_note(v, NULL, link->path, NULL, err, "%s: link %s leads nowhere: %s",
				    file, link->path, why.text);
	} else if (t.is == QN_NOTHING) {
		st = qn_verify_note(v, NULL, link->path, NULL, err, "%s: link %s leads nowhere: %s",
				    file, link->path, t.why);
	}
	qn_target_fini(&t);
	return st;
}

/* Rank 0. What the list says itself: objects that cannot be read, links that lead nowhere. */
static enum quern_status note_listing(struct qn_verify *v, struct qn_pending *p, const char *file,
				      struct quern_message *err)
{
	const struct qn_listing *l = &p->listing;
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < l->nflaws; i++)
		st = qn_verify_note(v, NULL, l->flaw[i].path, NULL, err,
				    "%s: %s cannot be read, nor "
				    "what may be below it: %s",
				    file, l->flaw[i].path, l->flaw[i].why);
	for (size_t i = 0; !st && i < l->nlinks; i++)
		if (l->link[i].leads_to == QN_NOTHING || l->link[i].leads_to == QN_OTHER_FILE)
			st = note_link(v, p, file, &l->link[i], err);
	p->undescribed = p->undescribed || l->nflaws > 0;
	return st;
}

/* Rank 0. Sums that know none of the datasets are of another file: comparing would only confuse. */
static enum quern_status find_sums(struct qn_verify *v, struct qn_pending *p, const char *file,
				   size_t nfiles, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status st = QUERN_OK;

	if (!v->settings.sums)
		return QUERN_OK;
	st = qn_verify_find_sums(v, file, nfiles, &p->expected, &why);
	if (p->expected)
		v->given[p->expected - v->expected.file] = true;
	if (p->unlisted || qn_verify_this_file(v)->is_growing) {
		p->expected = NULL; /* it is known why nothing can be compared */
		return QUERN_OK;
	}
	for (size_t i = 0; !st && i < p->listing.n; i++)
		if (qn_file_sums_find(p->expected, p->listing.path[i]))
			return QUERN_OK;
	if (!st && p->listing.n > 0 && p->expected->n > 0) {
		st = qn_error_set(&why, QUERN_ERR_DATA,
				  "%s: the sums are of another file, %s: they "
				  "know none of its datasets",
				  file, p->expected->name);
		p->expected = NULL;
	}
	return qn_verify_note_error(v, NULL, st, &why, err);
}

/* It is no damage that a writer is at the file. */
static enum quern_status note_held(struct qn_verify *v, const char *why, struct quern_message *err)
{
	struct quern_message text = { .status = QUERN_OK };

	qn_error_set(&text, QUERN_ERR_DENIED, "%s: %s", qn_verify_this_file(v)->name, why);
	return qn_verify_note_unverified(v, NULL, QN_HELD, text.text, err);
}

/* Rank 0: a new entry of the file, its datasets, and the sums that were kept of it. */
static enum quern_status begin(struct qn_verify *v, struct qn_pending *p, const char *file,
			       size_t nfiles, struct quern_message *err)
{
	struct qn_verified_file *f = &v->file[v->nfiles];
	enum quern_status st = QUERN_OK;

	*f = (struct qn_verified_file){ .name = qn_strdup(file) };
	if (!f->name)
		return qn_error_nomem(err, strlen(file), "a name");
	v->nfiles++;
	if (qn_sys_stat(file, &p->before) == 0)
		f->nbytes = (uint64_t)p->before.st_size;
	st = list(v, p, file, err);
	if (!st)
		st = note_listing(v, p, file, err);
	f->is_growing = !p->unlisted && p->format->is_growing(file);
	if (!st && v->wants_sums && f->is_growing)
		st = note_held(
			v,
			"is marked as being written: sums of it would not hold, nor do those that "
			"were kept; wait until its writer has finished, or if that has crashed, take "
			"its mark away with h5clear -s",
			err);
	else if (!st && v->wants_sums && !(p->now = qn_sums_add(&v->made, file)))
		st = qn_error_nomem(err, strlen(file), "sums");
	if (!st && p->now) {
		p->now->nbytes = f->nbytes;
		p->now->whole = !p->only;
	}
	return st ? st : find_sums(v, p, file, nfiles, err);
}

/* All ranks open what rank 0 has found; a host that sees another file is an error of the run. */
static enum quern_status open_everywhere(struct qn_verify *v, struct qn_pending *p,
					 const char *file, struct quern_message *err)
{
	struct qn_dataset d = { .file = (char *)(uintptr_t)file };
	enum quern_status st;

	d.file_nbytes = (uint64_t)p->before.st_size;
	d.file_mtime_ns = (int64_t)p->before.st_mtim.tv_sec * 1000000000 +
			  p->before.st_mtim.tv_nsec;
	if (qn_comm_rank(v->team.comm) == 0 && qn_verify_this_file(v)->is_growing)
		d.file_mtime_ns = QN_GROWING;
	st = qn_comm_bcast(v->team.comm, &p->n, sizeof(p->n), err);
	if (!st)
		st = qn_comm_bcast(v->team.comm, &d.file_nbytes, sizeof(d.file_nbytes), err);
	if (!st)
		st = qn_comm_bcast(v->team.comm, &d.file_mtime_ns, sizeof(d.file_mtime_ns), err);
	if (st || p->n == 0)
		return st;
	p->fd = qn_file_open(file, NULL);
	if (p->fd < 0)
		st = qn_error_set(err, qn_file_status(errno),
				  "%s: cannot open it on host %s: %s; every "
				  "host must see the file under this path",
				  file, v->team.host, qn_file_why(errno));
	else
		st = qn_source_check(p->fd, &d, v->team.host, err);
	return qn_comm_agree(v->team.comm, st, err);
}

/* What grows is the same file, with more. */
static bool has_changed(const struct stat *before, const struct stat *after, bool is_growing)
{
	if (is_growing)
		return after->st_size < before->st_size;
	return after->st_size != before->st_size ||
	       after->st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       after->st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Rank 0, at the end: the file as a whole. */
static enum quern_status end(struct qn_verify *v, struct qn_pending *p, struct quern_message *err)
{
	struct qn_verified_file *f = qn_verify_this_file(v);
	struct quern_message why = { .status = QUERN_OK };
	struct stat after;
	enum quern_status st = QUERN_OK;

	if (p->n > 0 &&
	    (qn_sys_stat(f->name, &after) || has_changed(&p->before, &after, f->is_growing)))
		return note_held(
			v, "was changed while it was verified: wait until its writer has finished",
			err);
	if (p->unlisted || !p->now)
		return QUERN_OK;
	/* What is in chunks that are not known would count as rest. */
	if (p->now->whole && !p->undescribed)
		st = qn_verify_note_error(v, NULL, qn_pending_sum_rest(p, f->name, &why), &why,
					  err);
	if (!st && p->expected)
		st = qn_verify_compare_file(v, p->expected, p->now, !p->only && !p->undescribed,
					    err);
	return st;
}

static enum quern_status verify_file(struct qn_verify *v, const char *file, size_t nfiles,
				     struct quern_message *err)
{
	bool is_root = qn_comm_rank(v->team.comm) == 0;
	struct qn_pending p = { .fd = -1 };
	uint64_t next = 0;
	enum quern_status st = is_root ? begin(v, &p, file, nfiles, err) : QUERN_OK;

	st = qn_comm_agree(v->team.comm, st, err);
	if (!st)
		st = open_everywhere(v, &p, file, err);
	while (!st && next < p.n)
		st = qn_verify_datasets(v, &p, &next, err);
	if (!st && is_root)
		st = end(v, &p, err);
	qn_pending_fini(&p);
	return qn_comm_agree(v->team.comm, st, err);
}

/* --- all of it --- */

/* From a dataset to all files, as far as what was stored tells. */
static bool tell_progress(void *ctx, int pass, uint64_t done, uint64_t total)
{
	struct qn_verify *v = ctx;

	(void)pass;
	(void)total;
	return v->progress(v->progress_ctx, (int)v->nfiles - 1, v->done_nbytes + done,
			   v->total_nbytes);
}

static uint64_t count_bytes(const char *const *files, size_t nfiles)
{
	uint64_t n = 0;

	for (size_t i = 0; i < nfiles; i++) {
		struct stat s;

		if (qn_sys_stat(files[i], &s) == 0)
			n += (uint64_t)s.st_size;
	}
	return n;
}

static enum quern_status prepare(struct qn_verify *v, const char *const *files, size_t nfiles,
				 struct quern_message *err)
{
	const char *sums = v->settings.sums;
	const char *to = v->settings.write_sums;
	enum quern_status st = QUERN_OK;

	v->wants_sums = sums || to;
	if (v->wants_sums)
		st = qn_sum_check(err);
	if (st || qn_comm_rank(v->team.comm) != 0)
		return st;
	/* A wrong name must not cost the work, nor a file. */
	if (to && (st = qn_sums_check_place(to, err)))
		return st;
	if (v->progress) {
		v->team.progress = tell_progress;
		v->team.progress_ctx = v;
		v->total_nbytes = count_bytes(files, nfiles);
	}
	v->file = qn_calloc(nfiles, sizeof(*v->file));
	if (!v->file)
		return qn_error_nomem(err, nfiles * sizeof(*v->file), "a list of files");
	if (sums)
		st = qn_sums_read(sums, &v->expected, err);
	if (st)
		return st;
	v->given = qn_calloc(v->expected.n, sizeof(*v->given));
	return v->given ? QUERN_OK : qn_error_nomem(err, v->expected.n, "a list of files");
}

/* Sums of damaged files would make the damage look right. */
static enum quern_status keep_sums(struct qn_verify *v, struct quern_message *err)
{
	const char *to = v->settings.write_sums;
	struct qn_rights rights = QN_RIGHTS_ALL;

	if (!to || qn_comm_rank(v->team.comm) != 0 || !qn_verify_can_sum(v))
		return QUERN_OK;
	for (size_t i = 0; i < v->nfiles; i++) {
		struct stat st;

		/* Of one that has gone nobody can know who might read it. */
		if (qn_sys_stat(v->file[i].name, &st))
			memset(&st, 0, sizeof(st));
		rights = qn_rights_meet(rights, qn_rights_of(v->file[i].name, &st));
	}
	return qn_sums_write(&v->made, to, rights, err);
}

enum quern_status qn_verify(struct qn_verify *v, const char *const *files, size_t nfiles,
			    struct quern_message *err)
{
	double start = qn_comm_wtime();
	enum quern_status st = qn_comm_agree(v->team.comm, prepare(v, files, nfiles, err), err);

	for (size_t i = 0; !st && i < nfiles; i++)
		st = verify_file(v, files[i], nfiles, err);
	if (!st)
		st = qn_comm_agree(v->team.comm, keep_sums(v, err), err);
	v->seconds = qn_comm_wtime() - start;
	return st;
}
