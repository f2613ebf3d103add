/*
 * sums_read.c - reading a file of sums, which may be anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/sums.h"

#define END_NBYTES (4 + QN_SUM_DIGITS + 1) /* "end ", digits, newline */

/* A line at a time, a word at a time. */
struct parser {
	const char *file;
	const char *at, *end; /* of the text */
	const char *word_end; /* of the word at hand */
	uint64_t line;
	struct qn_sums *sums;
	struct quern_message *err;
};

static enum quern_status damaged(const struct parser *p, const char *why)
{
	return qn_error_set(p->err, QUERN_ERR_DATA,
			    "%s: line %llu: %s: it is damaged, or not a file of sums; make it "
			    "again with --write-sums",
			    p->file, (unsigned long long)p->line, why);
}

/* Words are taken while there are: every one but the last of a line ends with a space. */
static bool next_word(struct parser *p, char after, const char **word)
{
	const char *stop = p->at;

	while (stop < p->end && *stop != ' ' && *stop != '\n')
		stop++;
	if (stop == p->end || *stop != after || stop == p->at)
		return false;
	*word = p->at;
	p->word_end = stop;
	p->at = stop + 1;
	return true;
}

static bool take_literal(struct parser *p, const char *text, char after)
{
	size_t n = strlen(text);

	if ((size_t)(p->end - p->at) <= n || memcmp(p->at, text, n) != 0 || p->at[n] != after)
		return false;
	p->at += n + 1;
	return true;
}

/* A number without sign and leading zeros, up to the byte `after`. */
static bool take_number(struct parser *p, unsigned base, char after, uint64_t *out)
{
	const char *start = p->at;
	uint64_t v = 0;

	for (; p->at < p->end && *p->at != after; p->at++) {
		char c = *p->at;
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 16;

		if (digit >= base || !qn_mul(v, base, &v) || !qn_add(v, digit, &v))
			return false;
	}
	if (p->at == p->end || p->at == start || (*start == '0' && p->at - start > 1))
		return false;
	p->at++;
	*out = v;
	return true;
}

static bool take_sum(struct parser *p, char after, struct qn_sum *out)
{
	const char *word;

	return next_word(p, after, &word) && p->word_end - word == QN_SUM_DIGITS &&
	       qn_sum_read(word, out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A name as new memory; NULL when it is not one, or *nomem. */
static char *take_name(struct parser *p, char after, bool *nomem)
{
	const char *word;
	char *name, *out;

	if (!next_word(p, after, &word))
		return NULL;
	name = out = qn_malloc((size_t)(p->word_end - word) + 1);
	*nomem = !name;
	while (out && word < p->word_end) {
		int high = 0, low = 0;

		if (*word != '%') {
			*out++ = *word++;
			continue;
		}
		high = p->word_end - word > 2 ? hex_digit(word[1]) : -1;
		low = high < 0 ? -1 : hex_digit(word[2]);
		if (low < 0 || (high == 0 && low == 0)) {
			free(name);
			return NULL;
		}
		*out++ = (char)(high << 4 | low);
		word += 3;
	}
	if (out)
		*out = '\0';
	return name;
}

/* Numbers between commas; *n of them at most, or exactly when *n comes negative. */
static bool take_extents(struct parser *p, char after, int *ndim, uint64_t *v)
{
	const char *space = p->at;
	int n = 0;

	while (space < p->end && *space != after && *space != '\n')
		space++;
	while (n < QUERN_MAX_DIMS) {
		const char *comma = memchr(p->at, ',', (size_t)(space - p->at));

		if (!take_number(p, 10, comma ? ',' : after, &v[n++]))
			return false;
		if (!comma)
			break;
		if (n == QUERN_MAX_DIMS)
			return false;
	}
	if (*ndim && *ndim != n)
		return false;
	*ndim = n;
	return true;
}

static enum quern_status take_file(struct parser *p)
{
	struct qn_file_sums *f;
	bool nomem = false, whole;
	uint64_t nbytes;
	char *name;

	if (!take_number(p, 10, ' ', &nbytes))
		return damaged(p, "a file without a size");
	whole = take_literal(p, "whole", ' ');
	if (!whole && !take_literal(p, "part", ' '))
		return damaged(p, "neither whole nor part of a file");
	name = take_name(p, '\n', &nomem);
	if (!name)
		return nomem ? qn_error_nomem(p->err, 0, "a name")
			     : damaged(p, "a file without a name");
	f = qn_sums_add(p->sums, name);
	free(name);
	if (!f)
		return qn_error_nomem(p->err, sizeof(*f), "sums");
	f->nbytes = nbytes;
	f->whole = whole;
	return QUERN_OK;
}

static struct qn_file_sums *last_file(const struct parser *p)
{
	return p->sums->n ? &p->sums->file[p->sums->n - 1] : NULL;
}

/* What follows the path. */
static bool take_shape(struct parser *p, struct qn_dataset_sums *d, bool *nomem)
{
	uint64_t n;
	char *type;

	if (!take_sum(p, ' ', &d->sum))
		return false;
	type = take_name(p, ' ', nomem);
	if (!type || strlen(type) >= sizeof(d->type)) {
		free(type);
		return false;
	}
	strcpy(d->type, type);
	free(type);
	if (!take_extents(p, ' ', &d->ndim, d->shape) || !take_extents(p, ' ', &d->ndim, d->chunk))
		return false;
	for (int i = 0; i < d->ndim; i++)
		if (d->chunk[i] == 0)
			return false;
	d->elements = take_literal(p, "elements", ' ');
	return qn_product(d->shape, d->ndim, &n) && (d->elements || take_literal(p, "stored", ' '));
}

/* The number in the grid; false when there is no such chunk. */
static bool number_of(const struct qn_dataset_sums *d, const uint64_t *coord, uint64_t *number)
{
	*number = 0;
	for (int i = 0; i < d->ndim; i++) {
		uint64_t extent = qn_ceil_div(d->shape[i], d->chunk[i]);

		if (coord[i] >= extent)
			return false;
		*number = *number * extent + coord[i];
	}
	return true;
}

static bool take_chunk(struct parser *p, const struct qn_dataset_sums *d, struct qn_chunk_sum *c)
{
	uint64_t coord[QUERN_MAX_DIMS], nbytes, mask;
	int ndim = d->ndim;

	p->line++;
	if (!take_extents(p, ' ', &ndim, coord) || !number_of(d, coord, &c->number) ||
	    !take_number(p, 10, ' ', &nbytes) || nbytes > UINT32_MAX ||
	    !take_number(p, 16, ' ', &mask) || mask > UINT32_MAX || !take_sum(p, '\n', &c->sum))
		return false;
	c->nbytes = (uint32_t)nbytes;
	c->filter_mask = (uint32_t)mask;
	return true;
}

static enum quern_status take_chunks(struct parser *p, struct qn_dataset_sums *d)
{
	uint64_t n;

	/* A line of a chunk has more bytes than this. */
	if (!take_number(p, 10, '\n', &n) || n > (size_t)(p->end - p->at) / QN_SUM_DIGITS)
		return damaged(p, "a dataset with an impossible number of chunks");
	d->chunks = qn_calloc(n, sizeof(*d->chunks));
	if (!d->chunks)
		return qn_error_nomem(p->err, n * sizeof(*d->chunks), "sums");
	d->nchunks = n;
	for (uint64_t i = 0; i < n; i++)
		if (!take_chunk(p, d, &d->chunks[i]) ||
		    (i > 0 && d->chunks[i].number <= d->chunks[i - 1].number))
			return damaged(p, "not a chunk, or not in order");
	return QUERN_OK;
}

static enum quern_status take_dataset(struct parser *p)
{
	struct qn_file_sums *f = last_file(p);
	struct qn_dataset_sums *d;
	bool nomem = false;
	char *path;

	if (!f)
		return damaged(p, "a dataset of no file");
	path = take_name(p, ' ', &nomem);
	if (!path)
		return nomem ? qn_error_nomem(p->err, 0, "a name")
			     : damaged(p, "a dataset without a path");
	if (f->n > 0 && strcmp(f->dataset[f->n - 1].path, path) >= 0) {
		free(path);
		return damaged(p, "a dataset that is not in order");
	}
	d = qn_file_sums_add(f, path);
	free(path);
	if (!d || !take_shape(p, d, &nomem))
		return !d || nomem ? qn_error_nomem(p->err, sizeof(*d), "sums")
				   : damaged(p, "a dataset that makes no sense");
	return take_chunks(p, d);
}

static enum quern_status take_rest(struct parser *p)
{
	struct qn_file_sums *f = last_file(p);

	if (!f || !f->whole || !take_sum(p, '\n', &f->rest))
		return damaged(p, "a rest that makes no sense");
	return QUERN_OK;
}

static enum quern_status take_lines(struct parser *p)
{
	enum quern_status st = QUERN_OK;

	p->line = 1;
	if (!take_literal(p, "quern-sums", ' ') || !take_literal(p, "1", '\n'))
		return damaged(p, "not the sums that this quern knows");
	while (!st && p->at < p->end) {
		p->line++;
		if (take_literal(p, "dataset", ' '))
			st = take_dataset(p);
		else if (take_literal(p, "file", ' '))
			st = take_file(p);
		else if (take_literal(p, "rest", ' '))
			st = take_rest(p);
		else
			st = damaged(p, "a line of no known kind");
	}
	return st;
}

/* The last line: without it, or with another sum in it, nothing is believed. */
static bool end_is_right(const char *text, size_t nbytes)
{
	struct qn_sum sum, stated;
	const char *line = text + nbytes - END_NBYTES;

	if (nbytes < END_NBYTES || memcmp(line, "end ", 4) != 0 || text[nbytes - 1] != '\n' ||
	    !qn_sum_read(line + 4, &stated))
		return false;
	qn_sum_of(text, nbytes - END_NBYTES, &sum);
	return qn_sum_equal(&sum, &stated);
}

enum quern_status qn_sums_parse(const char *file, const char *text, size_t nbytes,
				struct qn_sums *out, struct quern_message *err)
{
	struct qn_sums sums = { 0, NULL };
	struct parser p = { .file = file, .at = text, .sums = &sums, .err = err };
	enum quern_status st;

	if (nbytes < END_NBYTES || !end_is_right(text, nbytes))
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: is not a file of sums, or was cut short or damaged: its "
				    "last line does not confirm the rest; make it again with "
				    "--write-sums",
				    file);
	p.end = text + nbytes - END_NBYTES;
	st = take_lines(&p);
	if (st)
		qn_sums_fini(&sums);
	else
		*out = sums;
	return st;
}

enum quern_status qn_sums_read(const char *file, struct qn_sums *out, struct quern_message *err)
{
	size_t nbytes = 0;
	char *text = qn_file_load(file, SIZE_MAX - 1, &nbytes);
	enum quern_status st;

	if (!text)
		return qn_error_set(err, qn_file_status(errno), "--sums %s: cannot be read: %s",
				    file, qn_file_why(errno));
	st = qn_sums_parse(file, text, nbytes, out, err);
	free(text);
	return st;
}
