/*
 * format.c - an extract as a format, and a format whose answers are noted.
 *
 *	D path|column	description of a dataset, without its chunks (dataset.h)
 *	L, C path	list of datasets; the same with what each is for (listing.h)
 *	T path		texts of attributes (names.h)
 *	E path		what a path leads to: kind, file, path, why
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/reading.h"
#include "extract/extract.h"

/* "D /t2m|": owned. */
static char *question(char kind, const char *path, const char *more)
{
	char *text;
	const bool lacks_slash = path && *path != '/';

	return qn_asprintf(&text, "%c %s%s|%s", kind, lacks_slash ? "/" : "", path ? path : "",
			   more ? more : "") < 0
		       ? NULL
		       : text;
}

/* Takes asked and bytes. */
static void note(struct qn_extract *e, const char *file, char *asked, void *bytes, size_t nbytes)
{
	if (asked)
		qn_extract_note(e, file, asked, bytes, nbytes);
	e->lacks_memory |= !asked;
	free(asked);
	free(bytes);
}

static enum quern_status unknown(const char *file, const char *what, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: %s is not among what was noted of the file: make the parts anew",
			    file, what);
}

/* Takes asked. QUERN_ERR_DATA: it was not asked before. */
static enum quern_status find(const char *file, char *asked, const struct qn_answer **out,
			      struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*out = asked ? qn_extract_find(qn_extract_standing(), file, asked) : NULL;
	if (!asked)
		st = qn_error_nomem(err, 0, "a question");
	else if (!*out)
		st = unknown(file, asked + 2, err);
	free(asked);
	return st;
}

/* --- descriptions --- */

/* Where elements are, and how they are stored there, is of the file alone. */
static void leave_storage(struct qn_dataset *d)
{
	d->native = false;
	snprintf(d->why_not_native, sizeof(d->why_not_native), "its elements are elsewhere");
	d->layout = QN_CONTIGUOUS;
	d->nfilters = 0;
	memset(d->filter, 0, sizeof(d->filter));
	memset(d->index, 0, sizeof(d->index));
	d->file_nbytes = d->user_block = 0;
	d->file_mtime_ns = 0;
	d->chunks = NULL;
	d->nchunks = 0;
}

static void note_description(const char *file, const char *path, const char *column,
			     const struct qn_dataset *d)
{
	struct qn_extract *e = qn_extract_noting();
	struct qn_dataset left = *d;
	size_t nbytes = 0;
	void *flat;

	leave_storage(&left);
	flat = qn_dataset_pack(&left, &nbytes);
	if (flat) /* no addresses of this process */
		qn_dataset_disown(flat);
	if (flat)
		((struct qn_dataset *)flat)->nmembers = d->nmembers;
	note(e, file, question('D', path, column), flat, nbytes);
}

static enum quern_status noting_describe(const char *file, const char *path, const char *column,
					 bool with_index, struct qn_dataset *out,
					 struct quern_message *err)
{
	const struct qn_format *real = qn_extract_noting()->real;
	const enum quern_status st = real->describe(file, path, column, with_index, out, err);

	if (!st)
		note_description(file, path, column, out);
	return st;
}

static enum quern_status noting_describe_part(const char *file, const char *path,
					      const char *column, const struct quern_box *part,
					      struct qn_dataset *out, struct quern_message *err)
{
	const struct qn_format *real = qn_extract_noting()->real;
	const enum quern_status st = real->describe_part(file, path, column, part, out, err);

	if (!st)
		note_description(file, path, column, out);
	return st;
}

/* Passes descriptions on. */
struct passing {
	const char *const *paths;
	const char *path; /* where there are no paths */
	const char *column;
	size_t at;
	qn_described *take;
	void *ctx;
};

static bool pass(void *ctx, const char *file, struct qn_dataset *d, const struct quern_message *why)
{
	struct passing *p = ctx;
	const char *path = p->paths ? p->paths[p->at] : p->path;

	p->at++;
	if (d)
		note_description(file, path, p->column, d);
	return p->take(p->ctx, file, d, why);
}

static void noting_describe_like(const struct qn_dataset *like, const char *const *files,
				 const char *const *paths, size_t n, int nprocesses,
				 qn_described *take, void *ctx)
{
	struct passing p = { paths, like->path, qn_dataset_column(like), 0, take, ctx };

	qn_extract_noting()->real->describe_like(like, files, paths, n, nprocesses, pass, &p);
}

static enum quern_status standing_describe(const char *file, const char *path, const char *column,
					   bool with_index, struct qn_dataset *out,
					   struct quern_message *err)
{
	const struct qn_answer *a;
	enum quern_status st = find(file, question('D', path, column), &a, err);
	char *name;

	(void)with_index;
	if (st)
		return qn_error_because(err, st, QN_NO_DATASET, "%s: there is no dataset %s", file,
					path);
	st = qn_dataset_unpack(a->bytes, a->nbytes, out, err);
	if (st || !strcmp(out->file, file))
		return st;
	/* It has another name here. */
	name = out->asked ? NULL : qn_strdup(file);
	if (name) {
		free(out->file);
		out->file = name;
	}
	return QUERN_OK;
}

static enum quern_status standing_describe_part(const char *file, const char *path,
						const char *column, const struct quern_box *part,
						struct qn_dataset *out, struct quern_message *err)
{
	(void)part;
	return standing_describe(file, path, column, true, out, err);
}

static void standing_describe_like(const struct qn_dataset *like, const char *const *files,
				   const char *const *paths, size_t n, int nprocesses,
				   qn_described *take, void *ctx)
{
	bool more = true;

	(void)nprocesses;
	for (size_t i = 0; more && i < n; i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_dataset d = { .file = NULL };
		const enum quern_status st =
			standing_describe(files[i], paths ? paths[i] : like->path,
					  qn_dataset_column(like), true, &d, &err);

		more = take(ctx, files[i], st ? NULL : &d, &err);
		qn_dataset_fini(&d);
	}
}

/* --- lists --- */

typedef enum quern_status list_fn(const char *file, struct qn_listing *out,
				  struct quern_message *err);

static enum quern_status note_list(list_fn *list, char kind, const char *file,
				   struct qn_listing *out, struct quern_message *err)
{
	const enum quern_status st = list(file, out, err);
	size_t nbytes = 0;

	if (!st) {
		void *flat = qn_listing_pack(out, &nbytes);

		note(qn_extract_noting(), file, question(kind, NULL, NULL), flat, nbytes);
	}
	return st;
}

static enum quern_status noting_list(const char *file, struct qn_listing *out,
				     struct quern_message *err)
{
	return note_list(qn_extract_noting()->real->list, 'L', file, out, err);
}

static enum quern_status noting_list_closely(const char *file, struct qn_listing *out,
					     struct quern_message *err)
{
	return note_list(qn_extract_noting()->real->list_closely, 'C', file, out, err);
}

static enum quern_status tell_list(char kind, const char *file, struct qn_listing *out,
				   struct quern_message *err)
{
	const struct qn_answer *a;
	const char *why = NULL;
	enum quern_status st = find(file, question(kind, NULL, NULL), &a, err);

	if (!st && !qn_listing_unpack(a->bytes, a->nbytes, out, &why))
		st = why ? qn_error_set(err, QUERN_ERR_DATA, "%s: %s", file, why)
			 : qn_error_nomem(err, a->nbytes, "a list of datasets");
	return st;
}

static enum quern_status standing_list(const char *file, struct qn_listing *out,
				       struct quern_message *err)
{
	return tell_list('L', file, out, err);
}

static enum quern_status standing_list_closely(const char *file, struct qn_listing *out,
					       struct quern_message *err)
{
	return tell_list('C', file, out, err);
}

/* --- attributes, and ends of paths --- */

static enum quern_status noting_texts(const char *file, const char *path, struct qn_names *out,
				      struct quern_message *err)
{
	struct qn_names texts = { .n = 0 };
	enum quern_status st = qn_extract_noting()->real->texts(file, path, &texts, err);
	size_t nbytes = 0;

	if (!st) {
		void *flat = qn_names_pack(&texts, &nbytes);

		st = flat ? qn_names_unpack(out, flat, nbytes, err)
			  : qn_error_nomem(err, 0, "attributes");
		note(qn_extract_noting(), file, question('T', path, NULL), flat, nbytes);
	}
	qn_names_fini(&texts);
	return st;
}

static enum quern_status standing_texts(const char *file, const char *path, struct qn_names *out,
					struct quern_message *err)
{
	const struct qn_answer *a;
	const size_t before = out->n;
	enum quern_status st = find(file, question('T', path, NULL), &a, err);

	if (!st)
		st = qn_names_unpack(out, a->bytes, a->nbytes, err);
	if (!st && (out->n - before) % 2)
		st = qn_error_set(err, QUERN_ERR_DATA, "%s: an attribute of %s has no text", file,
				  path);
	return st;
}

static enum quern_status noting_locate(const char *file, const char *path, struct qn_target *out,
				       struct quern_message *err)
{
	const enum quern_status st = qn_extract_noting()->real->locate(file, path, out, err);
	struct qn_names texts = { .n = 0 };
	char kind[16];
	size_t nbytes = 0;
	void *flat;

	if (st)
		return st;
	snprintf(kind, sizeof(kind), "%d", (int)out->is);
	flat = qn_names_add(&texts, kind, err) || qn_names_add(&texts, out->file, err) ||
			       qn_names_add(&texts, out->path, err) ||
			       qn_names_add(&texts, out->why ? out->why : "", err)
		       ? NULL
		       : qn_names_pack(&texts, &nbytes);
	note(qn_extract_noting(), file, question('E', path, NULL), flat, nbytes);
	qn_names_fini(&texts);
	return QUERN_OK;
}

static enum quern_status standing_locate(const char *file, const char *path, struct qn_target *out,
					 struct quern_message *err)
{
	const struct qn_answer *a;
	struct qn_names texts = { .n = 0 };
	enum quern_status st = find(file, question('E', path, NULL), &a, err);

	if (!st)
		st = qn_names_unpack(&texts, a->bytes, a->nbytes, err);
	if (!st && (texts.n != 4 || atoi(texts.name[0]) < 0 || atoi(texts.name[0]) >= QN_NOBJECTS))
		st = unknown(file, path, err);
	if (!st) {
		*out = (struct qn_target){ .is = (enum qn_object)atoi(texts.name[0]),
					   .file = qn_strdup(texts.name[1]),
					   .path = qn_strdup(texts.name[2]) };
		out->why = *texts.name[3] ? qn_strdup(texts.name[3]) : NULL;
		if (!out->file || !out->path || (*texts.name[3] && !out->why)) {
			qn_target_fini(out);
			st = qn_error_nomem(err, 0, "the end of a path");
		}
	}
	qn_names_fini(&texts);
	return st;
}

/* --- elements, of which there are none --- */

static enum quern_status standing_probe(const char *file, bool *is, struct quern_message *err)
{
	(void)file;
	(void)err;
	*is = true;
	return QUERN_OK;
}

static bool standing_is_growing(const char *file)
{
	(void)file;
	return false;
}

static enum quern_status standing_sources(const struct qn_dataset *d, struct qn_sources *out,
					  struct quern_message *err)
{
	(void)out;
	return unknown(d->file, d->path, err);
}

static enum quern_status standing_open(const struct qn_dataset *d, void **reader,
				       struct quern_message *err)
{
	(void)reader;
	return unknown(d->file, d->path, err);
}

const struct qn_format *qn_extract_format(void)
{
	static const struct qn_format standing = {
		.name = "Extract",
		.probe = standing_probe,
		.is_growing = standing_is_growing,
		.list = standing_list,
		.list_closely = standing_list_closely,
		.locate = standing_locate,
		.describe = standing_describe,
		.describe_part = standing_describe_part,
		.sources = standing_sources,
		.describe_like = standing_describe_like,
		.texts = standing_texts,
		.open = standing_open,
	};

	return qn_extract_standing() ? &standing : NULL;
}

const struct qn_format *qn_extract_note_format(const struct qn_format *format)
{
	struct qn_extract *e = qn_extract_noting();

	if (!e)
		return format;
	pthread_mutex_lock(&e->lock);
	if (!e->real) {
		e->real = format;
		e->noting = *format;
		e->noting.list = noting_list;
		e->noting.list_closely = noting_list_closely;
		e->noting.locate = noting_locate;
		e->noting.describe = noting_describe;
		e->noting.describe_part = noting_describe_part;
		e->noting.describe_like = noting_describe_like;
		e->noting.texts = noting_texts;
	}
	pthread_mutex_unlock(&e->lock);
	return e->real == format ? &e->noting : format;
}
