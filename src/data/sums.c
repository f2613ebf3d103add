/*
 * sums.c - a file of sums in memory, and writing it.
 */
#include "data/sums.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"

#define MOST_LINE 256 /* of what is put at once; names go sign by sign */

void qn_dataset_sums_fini(struct qn_dataset_sums *d)
{
	free(d->path);
	free(d->chunks);
	memset(d, 0, sizeof(*d));
}

void qn_sums_fini(struct qn_sums *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->file[i].n; k++)
			qn_dataset_sums_fini(&s->file[i].dataset[k]);
		free(s->file[i].dataset);
		free(s->file[i].name);
	}
	free(s->file);
	memset(s, 0, sizeof(*s));
}

struct qn_file_sums *qn_sums_add(struct qn_sums *s, const char *name)
{
	struct qn_file_sums *p;
	char *copy = qn_strdup(name);

	if (!copy || !qn_grow_by_one(&s->file, s->n, sizeof(*p))) {
		free(copy);
		return NULL;
	}
	p = &s->file[s->n++];
	*p = (struct qn_file_sums){ .name = copy };
	return p;
}

struct qn_dataset_sums *qn_file_sums_add(struct qn_file_sums *f, const char *path)
{
	struct qn_dataset_sums *p;
	char *copy = qn_strdup(path);

	if (!copy || !qn_grow_by_one(&f->dataset, f->n, sizeof(*p))) {
		free(copy);
		return NULL;
	}
	p = &f->dataset[f->n++];
	*p = (struct qn_dataset_sums){ .path = copy };
	return p;
}

struct qn_dataset_sums *qn_file_sums_find(const struct qn_file_sums *f, const char *path)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(f->dataset[mid].path, path);

		if (order == 0)
			return &f->dataset[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void qn_dataset_sums_coord(const struct qn_dataset_sums *d, uint64_t number, uint64_t *coord)
{
	for (int i = d->ndim - 1; i >= 0; i--) {
		uint64_t extent = qn_ceil_div(d->shape[i], d->chunk[i]);

		coord[i] = number % extent;
		number /= extent;
	}
}

/* --- writing --- */

/* Where lines go: into the file and into the sum at its end. */
struct writer {
	struct qn_publishing to;
	struct qn_summer *summer;
	enum quern_status st;
	struct quern_message *err;
	size_t nbytes; /* waiting in text */
	char text[1 << 14];
};

static void flush(struct writer *w)
{
	qn_summer_add(w->summer, w->text, w->nbytes);
	if (!w->st)
		w->st = qn_publish_put(&w->to, w->text, w->nbytes, w->err);
	w->nbytes = 0;
}

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
	va_list ap;
	int n;

	if (sizeof(w->text) - w->nbytes < MOST_LINE)
		flush(w);
	va_start(ap, format);
	n = vsnprintf(w->text + w->nbytes, MOST_LINE, format, ap);
	va_end(ap);
	if (n > 0 && n < MOST_LINE)
		w->nbytes += (size_t)n;
	else if (!w->st)
		w->st = qn_error_set(w->err, QUERN_ERR_RUN, "%s: cannot write sums", w->to.name);
}

static void put_word(struct writer *w, const char *word)
{
	for (const char *p = word; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c == '%' || c >= 0x7f)
			put(w, "%%%02X", c);
		else
			put(w, "%c", c);
	}
}

static void put_extents(struct writer *w, int ndim, const uint64_t *v)
{
	for (int i = 0; i < ndim; i++)
		put(w, "%s%" PRIu64, i ? "," : "", v[i]);
}

static void put_sum(struct writer *w, const char *before, const struct qn_sum *sum)
{
	char digits[QN_SUM_DIGITS + 1];

	qn_sum_write(sum, digits);
	put(w, "%s%s", before, digits);
}

static void put_dataset(struct writer *w, const struct qn_dataset_sums *d)
{
	uint64_t coord[QUERN_MAX_DIMS];

	put(w, "dataset ");
	put_word(w, d->path);
	put_sum(w, " ", &d->sum);
	put(w, " ");
	put_word(w, d->type);
	put(w, " ");
	put_extents(w, d->ndim, d->shape);
	put(w, " ");
	put_extents(w, d->ndim, d->chunk);
	put(w, " %s %" PRIu64 "\n", d->elements ? "elements" : "stored", d->nchunks);
	for (uint64_t i = 0; i < d->nchunks && !w->st; i++) {
		const struct qn_chunk_sum *c = &d->chunks[i];

		qn_dataset_sums_coord(d, c->number, coord);
		put_extents(w, d->ndim, coord);
		put(w, " %" PRIu32 " %" PRIx32, c->nbytes, c->filter_mask);
		put_sum(w, " ", &c->sum);
		put(w, "\n");
	}
}

static void put_file(struct writer *w, const struct qn_file_sums *f)
{
	put(w, "file %" PRIu64 " %s ", f->nbytes, f->whole ? "whole" : "part");
	put_word(w, f->name);
	put(w, "\n");
	for (size_t i = 0; i < f->n; i++)
		put_dataset(w, &f->dataset[i]);
	if (!f->whole)
		return;
	put_sum(w, "rest ", &f->rest);
	put(w, "\n");
}

static void put_all(struct writer *w, const struct qn_sums *s)
{
	struct qn_sum end;

	put(w, "quern-sums 1\n");
	for (size_t i = 0; i < s->n; i++)
		put_file(w, &s->file[i]);
	flush(w);
	qn_summer_get(w->summer, &end);
	put_sum(w, "end ", &end);
	put(w, "\n");
	flush(w);
}

/* What is in the place of sums. */
enum place { EMPTY, SUMS, OTHER };

static enum place look_at(const char *file)
{
	static const char mark[] = "quern-sums ";
	char head[sizeof(mark) - 1];
	ssize_t n;
	int fd;

	if (qn_sys_access(file, F_OK) && errno == ENOENT)
		return EMPTY;
	fd = qn_file_open(file, NULL);
	if (fd < 0)
		return OTHER;
	n = qn_sys_read(fd, head, sizeof(head));
	qn_sys_close(fd);
	if (!n)
		return EMPTY;
	return n == sizeof(head) && !memcmp(head, mark, sizeof(head)) ? SUMS : OTHER;
}

enum quern_status qn_sums_check_place(const char *file, struct quern_message *err)
{
	const enum quern_status st = qn_publish_check("--write-sums", file, err);

	if (st)
		return st;
	switch (look_at(file)) {
	case SUMS:
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--write-sums %s: has sums, maybe of other "
				    "files, and new ones would make any damage since look right: "
				    "compare with them with --sums %s, choose another name, or "
				    "remove it",
				    file, file);
	case OTHER:
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--write-sums %s: is there and is no file "
				    "of sums, so it is not replaced; choose another name",
				    file);
	case EMPTY:
		break;
	}
	return QUERN_OK;
}

enum quern_status qn_sums_write(const struct qn_sums *s, const char *file, struct qn_rights rights,
				struct quern_message *err)
{
	struct writer w = { .err = err, .to = QN_PUBLISHING_NONE };

	w.summer = qn_summer_new();
	w.st = w.summer ? qn_publish_open(file, QN_FOLLOW_LINK, rights, &w.to, err)
			: qn_error_nomem(err, 0, "a sum");
	if (!w.st)
		put_all(&w, s);
	/* Others may have written sums since the work began. */
	if (!w.st)
		w.st = qn_sums_check_place(file, err);
	w.to.only_new = !w.st && qn_sys_access(w.to.file, F_OK);
	if (!w.st)
		w.st = qn_publish_commit(&w.to, QN_PUBLISH_NOW, err);
	qn_publish_discard(&w.to);
	qn_summer_free(w.summer);
	return w.st;
}
