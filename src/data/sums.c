/*
 * sums.c - a file of sums in memory, and writing it.
 */
#include "data/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

void qn_dataset_sums_fini(struct qn_dataset_sums *d)
{
	free(d->path);
	free(d->chunks);
	memset(d, 0, sizeof *d);
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
	memset(s, 0, sizeof *s);
}

/* Room for one more of n entries: the numbers of entries at which it grows are powers of two. */
static void *grow(void *p, size_t n, size_t size)
{
	if (n & (n - 1))
		return p;
	return realloc(p, (n ? 2 * n : 1) * size);
}

struct qn_file_sums *qn_sums_add(struct qn_sums *s, const char *name)
{
	struct qn_file_sums *p = grow(s->file, s->n, sizeof *p);
	char *copy = strdup(name);

	if (p)
		s->file = p;
	if (!p || !copy) {
		free(copy);
		return NULL;
	}
	p = &s->file[s->n++];
	*p = (struct qn_file_sums){ .name = copy };
	return p;
}

struct qn_dataset_sums *qn_file_sums_add(struct qn_file_sums *f, const char *path)
{
	struct qn_dataset_sums *p = grow(f->dataset, f->n, sizeof *p);
	char *copy = strdup(path);

	if (p)
		f->dataset = p;
	if (!p || !copy) {
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
	FILE *f;
	struct qn_summer *summer;
	bool failed;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text || fputs(text, w->f) == EOF) {
		w->failed = true;
		return;
	}
	qn_summer_add(w->summer, text, (size_t)n);
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
	for (uint64_t i = 0; i < d->nchunks && !w->failed; i++) {
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

static bool put_all(FILE *f, const struct qn_sums *s)
{
	struct writer w = { .f = f, .summer = qn_summer_new() };
	struct qn_sum end;

	if (!w.summer)
		return false;
	put(&w, "quern-sums 1\n");
	for (size_t i = 0; i < s->n; i++)
		put_file(&w, &s->file[i]);
	qn_summer_get(w.summer, &end);
	put_sum(&w, "end ", &end);
	put(&w, "\n");
	qn_summer_free(w.summer);
	return !w.failed;
}

/* The directory has the name: without this the file may be gone after a power failure. */
static void sync_directory(const char *file)
{
	char *copy = strdup(file);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_CLOEXEC | O_DIRECTORY) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

static enum quern_status fail(const char *file, const char *what, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN, "%s: cannot %s it: %s", file, what,
			    strerror(errno));
}

static enum quern_status write_new(const struct qn_sums *s, const char *temporary,
				   struct quern_message *err)
{
	FILE *f = fopen(temporary, "wx");
	bool ok;

	if (!f)
		return fail(temporary, "create", err);
	errno = 0;
	ok = put_all(f, s) && fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (!ok)
		fail(temporary, "write", err);
	if (fclose(f) != 0 && ok) {
		ok = false;
		fail(temporary, "write", err);
	}
	return ok ? QUERN_OK : QUERN_ERR_RUN;
}

/* What is in the place of sums. */
enum place { EMPTY, SUMS, OTHER };

static enum place look_at(const char *file)
{
	static const char mark[] = "quern-sums ";
	char head[sizeof(mark) - 1];
	ssize_t n;
	int fd;

	if (access(file, F_OK) && errno == ENOENT)
		return EMPTY;
	fd = qn_file_open(file, NULL);
	if (fd < 0)
		return OTHER;
	n = read(fd, head, sizeof(head));
	close(fd);
	if (!n)
		return EMPTY;
	return n == sizeof(head) && !memcmp(head, mark, sizeof(head)) ? SUMS : OTHER;
}

enum quern_status qn_sums_check_place(const char *file, struct quern_message *err)
{
	char *copy = strdup(file);
	bool writable;

	if (!copy)
		return qn_error_nomem(err, strlen(file), "a name");
	writable = !access(dirname(copy), W_OK);
	free(copy);
	if (!writable)
		return qn_error_set(err, QUERN_ERR_USAGE, "--write-sums %s: its directory cannot be "
				    "written: %s", file, strerror(errno));
	switch (look_at(file)) {
	case SUMS:
		return qn_error_set(err, QUERN_ERR_USAGE, "--write-sums %s: has sums, maybe of other "
				    "files, and new ones would make any damage since look right: "
				    "compare with them with --sums %s, choose another name, or "
				    "remove it", file, file);
	case OTHER:
		return qn_error_set(err, QUERN_ERR_USAGE, "--write-sums %s: is there and is no file "
				    "of sums, so it is not replaced; choose another name", file);
	case EMPTY:
		break;
	}
	return QUERN_OK;
}

enum quern_status qn_sums_write(const struct qn_sums *s, const char *file,
				struct quern_message *err)
{
	enum quern_status st;
	char *temporary;

	if (asprintf(&temporary, "%s.%ld.tmp", file, (long)getpid()) < 0)
		return qn_error_nomem(err, strlen(file), "a name");
	unlink(temporary);
	st = write_new(s, temporary, err);
	if (!st && rename(temporary, file) != 0)
		st = fail(file, "rename to", err);
	if (st)
		unlink(temporary);
	else
		sync_directory(file);
	free(temporary);
	return st;
}
