/*
 * covers.c - which elements a part is of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "partial/partial.h"

uint64_t qn_partial_count(const struct qn_partial *p, int dim)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->npieces[dim]; i++)
		n += p->piece[dim][i].count;
	return n;
}

/* One behind its last index. */
static uint64_t end_of(const struct qn_piece *p)
{
	return p->count ? p->start + (p->count - 1) * p->step + 1 : p->start;
}

static bool is_whole(const struct qn_partial *p, int dim)
{
	const struct qn_piece *only = p->piece[dim];

	return p->npieces[dim] == 1 && !only->start && only->step == 1 &&
	       only->count == p->shape[dim];
}

static void put_pieces(FILE *f, const struct qn_partial *p, int dim)
{
	for (size_t i = 0; i < p->npieces[dim]; i++) {
		const struct qn_piece *piece = &p->piece[dim][i];

		fprintf(f, "%s%" PRIu64 ":%" PRIu64, i ? "+" : "", piece->start, end_of(piece));
		if (piece->step > 1)
			fprintf(f, ":%" PRIu64, piece->step);
	}
}

char *qn_partial_selection(const struct qn_partial *p, bool *is_all)
{
	char *text = NULL;
	size_t nbytes;
	FILE *f = qn_open_memstream(&text, &nbytes);

	*is_all = true;
	for (int d = 0; f && d < p->ndim; d++) {
		fputs(d ? "," : "", f);
		if (is_whole(p, d))
			fputs(":", f);
		else
			put_pieces(f, p, d);
		*is_all = *is_all && is_whole(p, d);
	}
	if (f && !fclose(f))
		return text;
	free(text);
	return NULL;
}

/* --- what two have in common --- */

bool qn_partial_files_equal(const struct qn_partial_file *a, const struct qn_partial_file *b)
{
	return a->nbytes == b->nbytes && a->mtime_ns == b->mtime_ns &&
	       qn_sum_equal(&a->sum, &b->sum);
}

/* A piece within [begin, end), as indexes from begin on. */
static struct qn_piece clip(const struct qn_piece *p, uint64_t begin, uint64_t end)
{
	const uint64_t skip = p->start < begin ? qn_ceil_div(begin - p->start, p->step) : 0;
	struct qn_piece c = { .step = p->step };

	if (skip >= p->count || p->start + skip * p->step >= end)
		return c;
	c.start = p->start + skip * p->step - begin;
	c.count = qn_min_u64(p->count - skip, qn_ceil_div(end - begin - c.start, p->step));
	return c;
}

static bool has(const struct qn_piece *p, uint64_t at)
{
	return at >= p->start && (at - p->start) % p->step == 0 &&
	       (at - p->start) / p->step < p->count;
}

static bool pieces_meet(const struct qn_piece *a, const struct qn_piece *b)
{
	const uint64_t begin = qn_max_u64(a->start, b->start);
	const uint64_t end = qn_min_u64(end_of(a), end_of(b));
	const struct qn_piece *few = a->step > b->step ? a : b, *other = few == a ? b : a;
	uint64_t at;

	if (!a->count || !b->count || begin >= end)
		return false;
	at = few->start + qn_ceil_div(begin - few->start, few->step) * few->step;
	/* Where they meet at all they do so within as many steps as the other's step is long. */
	for (uint64_t i = 0; i < other->step && at < end; i++, at += few->step)
		if (has(other, at))
			return true;
	return false;
}

/* Indexes [begin, end) of dimension d of one, and as many of the other's. */
struct range {
	const struct qn_partial *p;
	uint64_t begin, end;
};

static bool meet_along(const struct range *a, const struct range *b, int d)
{
	for (size_t i = 0; i < a->p->npieces[d]; i++)
		for (size_t k = 0; k < b->p->npieces[d]; k++) {
			const struct qn_piece x = clip(&a->p->piece[d][i], a->begin, a->end);
			const struct qn_piece y = clip(&b->p->piece[d][k], b->begin, b->end);

			if (pieces_meet(&x, &y))
				return true;
		}
	return false;
}

static uint64_t begin_of_file(const struct qn_partial *p, size_t file)
{
	uint64_t at = 0;

	for (size_t i = 0; i < file; i++)
		at += p->file[i].length;
	return at;
}

/* All of dimension d of a file: files are joined along one. */
static struct range range_of(const struct qn_partial *p, size_t file, int d)
{
	struct range r = { .p = p, .end = p->shape[d] };

	if (d == p->along) {
		r.begin = begin_of_file(p, file);
		r.end = r.begin + p->file[file].length;
	}
	return r;
}

static bool meet_in_file(const struct qn_partial *a, size_t i, const struct qn_partial *b, size_t k)
{
	if (a->ndim != b->ndim || a->is_stacked != b->is_stacked)
		return true; /* not to be told apart */
	for (int d = 0; d < a->ndim; d++) {
		const struct range x = range_of(a, i, d), y = range_of(b, k, d);

		if (!meet_along(&x, &y, d))
			return false;
	}
	return true;
}

bool qn_partials_overlap(const struct qn_partial *a, const struct qn_partial *b, size_t *file)
{
	for (size_t i = 0; i < a->files.n; i++)
		for (size_t k = 0; k < b->files.n; k++)
			if (qn_partial_files_equal(&a->file[i], &b->file[k]) &&
			    meet_in_file(a, i, b, k)) {
				*file = i;
				return true;
			}
	return false;
}
