/*
 * unite.c - what all parts are of together. Files come in the order of the parts, each once; what is selected of them is
 * a product of indexes of each dimension, which the parts fill.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "merge/merge.h"

/* Indexes of a dimension that can be marked. */
#define MOST_INDEXES (UINT64_C(1) << 33)

/* --- what counts twice --- */

static enum quern_status check_twice(const struct qn_merge *m, struct quern_message *err)
{
	size_t file;

	for (size_t i = 1; i < m->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct qn_partial *a = &m->part[k].partial, *b = &m->part[i].partial;

			if (qn_partials_overlap(a, b, &file))
				return qn_error_set(
					err, QUERN_ERR_USAGE,
					"%s and %s both have elements of %s: they would "
					"count twice",
					a->name, b->name, a->files.name[file]);
		}
	return QUERN_OK;
}

/* --- files --- */

/* The number of a file among all; their number: it is not there yet. */
static size_t find_file(const struct qn_partial *w, const struct qn_partial_file *file)
{
	size_t i = 0;

	while (i < w->files.n && !qn_partial_files_equal(&w->file[i], file))
		i++;
	return i;
}

static bool has_name(const struct qn_partial *w, const char *name)
{
	for (size_t i = 0; i < w->files.n; i++)
		if (!strcmp(w->files.name[i], name))
			return true;
	return false;
}

/* Files of different sites may have the same name. */
static enum quern_status add_file(struct qn_partial *w, const char *name,
				  const struct qn_partial_file *file, struct quern_message *err)
{
	char *other = NULL;
	int n = 1;
	enum quern_status st = QUERN_OK;

	if (!qn_grow_by_one(&w->file, w->files.n, sizeof(*w->file)))
		return qn_error_nomem(err, sizeof(*w->file), "files");
	w->file[w->files.n] = *file;
	while (!st && has_name(w, other ? other : name)) {
		free(other);
		other = NULL;
		if (qn_asprintf(&other, "%s (%d)", name, ++n) < 0)
			st = qn_error_nomem(err, 0, "files");
	}
	if (!st)
		st = qn_names_add(&w->files, other ? other : name, err);
	free(other);
	return st;
}

static enum quern_status unite_files(struct qn_merge *m, struct qn_merge_part *p,
				     struct quern_message *err)
{
	const size_t n = p->partial.files.n;
	enum quern_status st = QUERN_OK;

	p->file = qn_calloc(n, sizeof(*p->file));
	p->begin = qn_calloc(n, sizeof(*p->begin));
	if (!p->file || !p->begin)
		return qn_error_nomem(err, n * sizeof(*p->file), "files");
	for (size_t i = 0; !st && i < n; i++) {
		p->file[i] = find_file(&m->whole, &p->partial.file[i]);
		if (p->file[i] == m->whole.files.n)
			st = add_file(&m->whole, p->partial.files.name[i], &p->partial.file[i],
				      err);
		if (!st && m->whole.file[p->file[i]].length != p->partial.file[i].length)
			st = qn_error_set(
				err, QUERN_ERR_DATA,
				"%s: %s has another length there than in the parts before it",
				p->partial.name, p->partial.files.name[i]);
		if (!st && i && p->file[i] <= p->file[i - 1])
			st = qn_error_set(
				err, QUERN_ERR_USAGE,
				"%s has its files in another order than the parts before it: %s "
				"comes before %s there",
				p->partial.name, m->whole.files.name[p->file[i]],
				m->whole.files.name[p->file[i - 1]]);
	}
	return st;
}

static void find_begins(const struct qn_merge *m, struct qn_merge_part *p)
{
	for (size_t i = 0; i < p->partial.files.n; i++)
		for (size_t k = 0; k < p->file[i]; k++)
			p->begin[i] += m->whole.file[k].length;
}

/* --- the dimension that they are joined along --- */

static enum quern_status check_shape(const struct qn_merge *m, const struct qn_partial *p,
				     struct quern_message *err)
{
	const struct qn_partial *w = &m->whole;
	const struct qn_dataset *d = &m->part[0].run->subject.dataset;

	if (p->files.n > 1 && p->along != w->along)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"%s has files that are joined along dimension %d, and these are to be "
			"joined along dimension %d",
			p->name, p->along, w->along);
	for (int i = 0; i < w->ndim; i++)
		if (i != w->along && p->shape[i] != w->shape[i])
			return qn_error_set(
				err, QUERN_ERR_DATA,
				"%s and %s do not belong together: the length of dimension %s is %" PRIu64
				" in one, and %" PRIu64 " in the other",
				m->part[0].partial.name, p->name,
				d->dim_name[i] ? d->dim_name[i] : "?", w->shape[i], p->shape[i]);
	return QUERN_OK;
}

/* --- what is selected --- */

static bool is_marked(const uint64_t *mark, uint64_t i)
{
	return mark[i / 64] >> i % 64 & 1;
}

/* The index in the whole of an index along `along` of a part. */
static uint64_t place_of(const struct qn_merge_part *p, uint64_t at)
{
	size_t i = 0;

	while (at >= p->partial.file[i].length)
		at -= p->partial.file[i++].length;
	return p->begin[i] + at;
}

static void mark_part(const struct qn_merge *m, const struct qn_merge_part *p, int d,
		      uint64_t *mark)
{
	for (size_t i = 0; i < p->partial.npieces[d]; i++) {
		const struct qn_piece *piece = &p->partial.piece[d][i];

		for (uint64_t k = 0; k < piece->count; k++) {
			uint64_t at = piece->start + k * piece->step;

			at = d == m->whole.along ? place_of(p, at) : at;
			mark[at / 64] |= UINT64_C(1) << at % 64;
		}
	}
}

/* The next index that is marked, from `from` on; n: there is none. */
static uint64_t next_marked(const uint64_t *mark, uint64_t from, uint64_t n)
{
	while (from < n && !is_marked(mark, from))
		from += mark[from / 64] >> from % 64 ? 1 : 64 - from % 64;
	return qn_min_u64(from, n);
}

/* The longest piece of one step that begins at the first mark from *at on, which is moved behind it. */
static struct qn_piece next_piece(const uint64_t *mark, uint64_t *at, uint64_t n)
{
	const uint64_t start = next_marked(mark, *at, n);
	uint64_t next = next_marked(mark, start + 1, n), last = start;
	struct qn_piece p = { .start = start, .count = 1, .step = 1 };

	if (next < n)
		p.step = next - start;
	while (next < n && next - last == p.step) {
		p.count++;
		last = next;
		next = next_marked(mark, last + 1, n);
	}
	*at = next;
	return p;
}

static enum quern_status take_pieces(struct qn_partial *w, int d, const uint64_t *mark,
				     struct quern_message *err)
{
	const uint64_t n = w->shape[d];
	uint64_t at = next_marked(mark, 0, n);
	struct qn_piece piece = { .step = 1 };

	do {
		if (at < n)
			piece = next_piece(mark, &at, n);
		if (!qn_grow_by_one(&w->piece[d], w->npieces[d], sizeof(piece)))
			return qn_error_nomem(err, sizeof(piece), "a selection");
		w->piece[d][w->npieces[d]++] = piece;
	} while (at < n);
	return QUERN_OK;
}

static enum quern_status unite_dimension(struct qn_merge *m, int d, struct quern_message *err)
{
	struct qn_partial *w = &m->whole;
	uint64_t *mark;
	enum quern_status st;

	if (w->shape[d] > MOST_INDEXES)
		return qn_error_set(err, QUERN_ERR_RUN,
				    "dimension %d has %" PRIu64 " indexes, too many to be united",
				    d, w->shape[d]);
	mark = qn_calloc((size_t)w->shape[d] / 64 + 1, sizeof(*mark));
	if (!mark)
		return qn_error_nomem(err, (size_t)w->shape[d] / 8, "a selection");
	for (size_t i = 0; i < m->n; i++)
		mark_part(m, &m->part[i], d, mark);
	st = take_pieces(w, d, mark, err);
	free(mark);
	return st;
}

static uint64_t count_elements(const struct qn_partial *p)
{
	uint64_t n = 1;

	for (int d = 0; d < p->ndim; d++)
		if (!qn_mul(n, qn_partial_count(p, d), &n))
			return UINT64_MAX;
	return n;
}

/* Parts that have nothing in common fill it when they have as many elements. */
static enum quern_status check_filled(const struct qn_merge *m, struct quern_message *err)
{
	const uint64_t all = count_elements(&m->whole);
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += count_elements(&m->part[i].partial);
	if (n == all)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "the selections of these parts do not make one: of the %" PRIu64
			    " elements of all their indexes they have %" PRIu64
			    ": add what is missing, or merge fewer",
			    all, n);
}

static enum quern_status unite_selections(struct qn_merge *m, struct quern_message *err)
{
	struct qn_partial *w = &m->whole;
	enum quern_status st = QUERN_OK;

	w->shape[w->along] = 0;
	for (size_t i = 0; i < w->files.n; i++)
		if (!qn_add(w->shape[w->along], w->file[i].length, &w->shape[w->along]))
			w->shape[w->along] = UINT64_MAX;
	for (int d = 0; !st && d < w->ndim; d++)
		st = unite_dimension(m, d, err);
	return st ? st : check_filled(m, err);
}

/* --- what is known of the files --- */

static enum quern_status unite_extracts(struct qn_merge *m, struct quern_message *err)
{
	struct qn_extract *e = &m->whole.extract;
	bool ok = true;

	for (size_t i = 0; ok && i < m->n; i++) {
		const struct qn_merge_part *p = &m->part[i];
		const size_t n = p->partial.files.n;
		const char **to = qn_calloc(n, sizeof(*to));

		for (size_t k = 0; to && k < n; k++)
			to[k] = m->whole.files.name[p->file[k]];
		ok = to && qn_extract_add(e, &p->partial.extract, n,
					  (const char *const *)p->partial.files.name, to);
		free(to);
	}
	qn_extract_settle(e);
	if (!ok || e->lacks_memory)
		return qn_error_nomem(err, 0, "what is known of files");
	if (!e->differs.file)
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: these parts do not belong together: its values %s are others in one than "
		"in another",
		e->differs.file, e->differs.question + 2);
}

enum quern_status qn_merge_unite(struct qn_merge *m, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 0; !st && i < m->n; i++)
		st = check_shape(m, &m->part[i].partial, err);
	if (!st)
		st = check_twice(m, err);
	for (size_t i = 0; !st && i < m->n; i++)
		st = unite_files(m, &m->part[i], err);
	for (size_t i = 0; !st && i < m->n; i++)
		find_begins(m, &m->part[i]);
	if (!st)
		st = unite_selections(m, err);
	return st ? st : unite_extracts(m, err);
}
