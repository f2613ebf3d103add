/*
 * make.c - a part of a run: what its state is of, and its file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "describe/describe.h"
#include "partial/partial.h"
#include "quern.h"
#include "partial/stored.h"
#include "run/kept.h"

/* --- what it can be of --- */

enum quern_status qn_partial_check(const struct qn_run *run, struct quern_message *err)
{
	const struct quern_kernel *k = run->kernel;

	if (k->follows)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"kernel %s is of elements that follow each other, also from one part "
			"to the next: run it over all files at once",
			k->name);
	if (qn_computed_collects(&run->computed))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--by: which groups there are is found by looking at all data first, and a "
			"part has not seen all: write bins, as in bin(x, 0:100:10), or a condition");
	if (!qn_run_looks_again(run))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"kernel %s looks at all data several times, and a part is of one look: see `quern "
		"kernels %s` for options with which it looks once (--range or --edges of histograms, "
		"--approx of quantiles), or run it over all files at once",
		k->name, k->name);
}

/* --- texts --- */

/* What results do not depend on, and what is told in other ways. */
static const char *const left_out[] = {
	"partial",	"select",	  "along", "journal", "journal-every",	  "force",
	"on-bad-chunk", "threads",	  "bind",  "memory",  "metadata-timeout", "chunk-timeout",
	"site",		"allow-external",
};

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (!strcmp(left_out[i], name))
			return true;
	return false;
}

static bool add_text(struct qn_partial *p, const char *name, const char *text,
		     struct quern_message *err)
{
	return !qn_names_add(&p->texts, name, err) && !qn_names_add(&p->texts, text, err);
}

static bool add_option(struct qn_partial *p, const struct qn_option_value *v,
		       struct quern_message *err)
{
	char name[128];

	if (!v->text || is_left_out(v->row->name))
		return true;
	snprintf(name, sizeof(name), "--%s", v->row->name);
	return add_text(p, name, v->text, err);
}

static enum quern_status put_texts(struct qn_partial *p, const struct qn_partial_terms *t,
				   struct quern_message *err)
{
	char digits[QN_SUM_DIGITS + 1];
	bool ok = add_text(p, "version", QUERN_VERSION, err) &&
		  add_text(p, "kernel", t->kernel, err);

	for (size_t i = 0; ok && i < t->nsums; i++) {
		qn_sum_write(&t->kernel_sum[i], digits);
		ok = add_text(p, "kernel-bytes", digits, err);
	}
	for (int i = 0; ok && i < t->options->n; i++)
		ok = add_option(p, &t->options->value[i], err);
	return ok ? QUERN_OK : err->status;
}

/* --- numbers --- */

static bool add_pieces(struct qn_partial *p, const struct qn_run *run, int d)
{
	const struct quern_box *box = &run->subject->selection;
	const struct qn_pick *pick = &run->subject->picks.dim[d];
	const struct qn_piece all = { box->start[d], box->count[d],
				      box->step[d] ? box->step[d] : 1 };

	for (uint64_t i = 0; i < qn_max_u64(pick->nstretches, 1); i++) {
		const struct qn_picked_run *r = pick->nstretches ? &pick->stretch[i] : NULL;

		if (!qn_grow_by_one(&p->piece[d], p->npieces[d], sizeof(*p->piece[d])))
			return false;
		p->piece[d][p->npieces[d]++] =
			r ? (struct qn_piece){ all.start + r->first * all.step, r->n, all.step }
			  : all;
	}
	return true;
}

static enum quern_status put_numbers(struct qn_partial *p, const struct qn_run *run,
				     struct quern_message *err)
{
	const struct qn_subject *s = run->subject;
	enum quern_status st = QUERN_OK;
	bool ok = true;

	p->ndim = s->dataset.ndim;
	p->along = s->along;
	p->is_stacked = s->dataset.stacked;
	for (int d = 0; ok && d < p->ndim; d++) {
		p->shape[d] = s->dataset.shape[d];
		ok = add_pieces(p, run, d);
	}
	for (size_t i = 0; ok && !st && i < s->files.n; i++)
		st = qn_names_add(&p->files, s->files.name[i], err);
	return ok ? st : qn_error_nomem(err, 0, "a part");
}

/* --- files --- */

/* One that this host has. */
static enum quern_status look_at(const char *name, struct qn_partial_file *file,
				 struct quern_message *err)
{
	struct stat st;
	const int fd = qn_file_open(name, &st);

	if (fd < 0)
		return qn_error_set(err, qn_file_status(errno), "%s: %s", name, qn_file_why(errno));
	file->nbytes = (uint64_t)st.st_size;
	file->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	qn_identity_of(fd, &file->sum);
	qn_sys_close(fd);
	return QUERN_OK;
}

/* Each by the rank that describes it: of all other ranks there are zeros. Collective. */
static enum quern_status find_files(struct qn_partial *p, const struct qn_run *run,
				    struct quern_message *err)
{
	const struct qn_subject *s = run->subject;
	struct qn_comm *c = run->team->comm;
	enum quern_status st = QUERN_OK;

	_Static_assert(sizeof(*p->file) % sizeof(int64_t) == 0, "words");
	for (size_t i = 0; !st && i < s->files.n; i++)
		if (s->describer[i] == (uint32_t)qn_comm_rank(c))
			st = look_at(s->files.name[i], &p->file[i], err);
	st = qn_comm_agree(c, st, err);
	return st ? st
		  : qn_comm_reduce(c, (int64_t *)(void *)p->file,
				   s->files.n * sizeof(*p->file) / sizeof(int64_t), QUERN_SUM, err);
}

static enum quern_status put_files(struct qn_partial *p, const struct qn_run *run,
				   const struct qn_partial_file *file, struct quern_message *err)
{
	const struct qn_subject *s = run->subject;
	const bool leads = qn_comm_rank(run->team->comm) == 0;
	enum quern_status st = QUERN_OK;

	p->file = qn_calloc(s->files.n + 1, sizeof(*p->file));
	st = p->file ? QUERN_OK : qn_error_nomem(err, 0, "a part");
	st = qn_comm_agree(run->team->comm, st, err);
	if (!st && file)
		memcpy(p->file, file, s->files.n * sizeof(*p->file));
	else if (!st)
		st = find_files(p, run, err);
	for (size_t i = 0; !st && leads && !file && i < s->files.n; i++)
		p->file[i].length = p->is_stacked ? 1
						  : s->file_end[i] - (i ? s->file_end[i - 1] : 0);
	return st;
}

enum quern_status qn_partial_make(struct qn_partial *p, const struct qn_run *run,
				  const struct qn_partial_terms *terms,
				  const struct qn_partial_file *file, struct quern_message *err)
{
	enum quern_status st = qn_partial_check(run, err);

	if (!st && run->subject->mosaic.missing.n)
		st = qn_error_set(
			err, QUERN_ERR_DATA,
			"--partial: of dataset %s sources are missing, and a part is of all of "
			"it",
			run->subject->dataset.path);
	if (!st)
		st = qn_sum_check(err);
	if (!st)
		st = put_texts(p, terms, err);
	if (!st)
		st = put_numbers(p, run, err);
	st = qn_comm_agree(run->team->comm, st, err);
	return st ? st : put_files(p, run, file, err);
}

/* --- the file --- */

/* A section of the body: its bytes, which are taken. */
static enum quern_status put(struct qn_partial_writer *w, struct qn_summer *sum, int section,
			     void *bytes, size_t nbytes, struct quern_message *err)
{
	enum quern_status st = bytes ? QUERN_OK : qn_error_nomem(err, nbytes, "a part");

	if (!st) {
		qn_summer_add(sum, bytes, nbytes);
		st = qn_publish_put(&w->file, bytes, nbytes, err);
		w->body_nbytes[section] = nbytes;
		w->at += nbytes;
	}
	free(bytes);
	return st;
}

static void *pack_numbers(const struct qn_partial *p, size_t *nbytes)
{
	char *out = NULL;
	FILE *f = qn_open_memstream(&out, nbytes);
	const uint64_t head[4] = { (uint64_t)p->ndim, (uint64_t)p->along, p->is_stacked,
				   p->files.n };

	if (f) {
		fwrite(head, sizeof(head), 1, f);
		fwrite(p->shape, sizeof(*p->shape), (size_t)p->ndim, f);
		for (int d = 0; d < p->ndim; d++) {
			const uint64_t n = p->npieces[d];

			fwrite(&n, sizeof(n), 1, f);
			fwrite(p->piece[d], sizeof(*p->piece[d]), p->npieces[d], f);
		}
		fwrite(p->file, sizeof(*p->file), p->files.n, f);
	}
	if (f && !fclose(f))
		return out;
	free(out);
	return NULL;
}

static enum quern_status put_body(struct qn_partial_writer *w, struct qn_summer *sum,
				  struct quern_message *err)
{
	const struct qn_partial *p = w->partial;
	size_t nbytes = 0;
	void *flat = qn_names_pack(&p->texts, &nbytes);
	enum quern_status st = put(w, sum, 0, flat, nbytes, err);

	flat = st ? NULL : qn_names_pack(&p->files, &nbytes);
	if (!st)
		st = put(w, sum, 1, flat, nbytes, err);
	flat = st ? NULL : pack_numbers(p, &nbytes);
	if (!st)
		st = put(w, sum, 2, flat, nbytes, err);
	flat = st ? NULL : qn_extract_pack(&p->extract, &nbytes);
	return st ? st : put(w, sum, 3, flat, nbytes, err);
}

enum quern_status qn_partial_begin(struct qn_partial_writer *w, const char *name,
				   struct qn_partial *p, struct quern_message *err)
{
	static const struct qn_partial_head empty;
	struct qn_summer *sum = qn_summer_new();
	enum quern_status st;

	*w = QN_PARTIAL_WRITER_NONE;
	w->partial = p;
	st = sum ? qn_publish_open(name, QN_FOLLOW_LINK, QN_RIGHTS_ALL, &w->file, err)
		 : qn_error_nomem(err, 0, "a part");
	if (!st)
		st = qn_publish_put(&w->file, &empty, sizeof(empty), err);
	w->at = sizeof(empty);
	if (!st)
		st = put_body(w, sum, err);
	if (sum)
		qn_summer_get(sum, &w->body);
	qn_summer_free(sum);
	return st;
}

static enum quern_status failed(const struct qn_partial_writer *w, int why,
				struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "%s: cannot be written: %s", w->file.name,
			    qn_file_why(why));
}

static int put_at(int fd, uint64_t at, const void *bytes, size_t nbytes)
{
	const char *from = bytes;

	while (nbytes) {
		const ssize_t n = qn_sys_pwrite(fd, from, nbytes, (off_t)at);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n <= 0)
			continue;
		from += n;
		at += (uint64_t)n;
		nbytes -= (size_t)n;
	}
	return 0;
}

enum quern_status qn_partial_take(void *writer, struct qn_run *run, uint64_t first,
				  const int64_t counted[2], struct quern_message *err)
{
	struct qn_partial_writer *w = writer;
	struct qn_partial_section section = { .first = run->cells.rows->first, .from = first };
	struct qn_states_head head = { .nheld = (uint64_t)counted[0],
				       .nbeyond = (uint64_t)counted[1] };
	int why;

	qn_sum_of(&section, offsetof(struct qn_partial_section, sum), &section.sum);
	why = put_at(w->file.fd, w->at, &section, sizeof(section));
	w->at += sizeof(section);
	if (!why)
		why = qn_states_write(w->file.fd, w->at, &head, NULL, &run->cells);
	w->at += head.nbytes;
	w->nrecords++;
	return why ? failed(w, why, err) : QUERN_OK;
}

enum quern_status qn_partial_commit(struct qn_partial_writer *w, struct quern_message *err)
{
	struct qn_partial_head head = { .byte_order = QN_PARTIAL_BYTE_ORDER,
					.description_nbytes = sizeof(struct qn_dataset),
					.nbytes = w->at,
					.nrecords = w->nrecords,
					.body = w->body };
	int why;

	memcpy(head.magic, QN_PARTIAL_MAGIC, sizeof(head.magic));
	memcpy(head.body_nbytes, w->body_nbytes, sizeof(head.body_nbytes));
	qn_sum_of(&head, offsetof(struct qn_partial_head, sum), &head.sum);
	why = put_at(w->file.fd, 0, &head, sizeof(head));
	if (!why)
		return qn_publish_commit(&w->file, QN_PUBLISH_NOW, err);
	failed(w, why, err);
	qn_partial_discard(w);
	return QUERN_ERR_RUN;
}

void qn_partial_discard(struct qn_partial_writer *w)
{
	qn_publish_discard(&w->file);
}
