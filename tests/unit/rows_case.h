/*
 * rows_case.h - random kept dimensions and keys, and the row of an element by its definition, for tests of
 * what is reduced by rows.
 */
#ifndef QN_TESTS_ROWS_CASE_H
#define QN_TESTS_ROWS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kernel/rows.h"
#include "random.h"

#define MOST_KEYS 3
#define NO_ROW	  (-1)

struct rows_case {
	struct qn_rows rows;
	int ngiven;		       /* keys whose groups come with a tile */
	uint64_t ngroups[MOST_KEYS];   /* of these */
	int32_t *group[QN_MOST_TERMS]; /* owned: of terms that are keys */
};

static inline void add_term(struct rows_case *w, struct qn_row_term term, uint64_t n)
{
	term.stride = w->rows.nrows;
	w->rows.nrows *= n;
	w->rows.term[w->rows.nterms++] = term;
}

/* A key that depends on all dimensions; none of the elements, some or all have a group. */
static inline void add_given_key(struct rows_case *w, uint64_t *seed)
{
	const uint64_t ngroups = 1 + random_below(seed, 5);

	w->ngroups[w->ngiven++] = ngroups;
	add_term(w, (struct qn_row_term){ .given = w->ngiven, .ngroups = ngroups }, ngroups);
}

/* The group that given key k has for an element by its indexes in the selection. */
static inline int32_t given_group(const struct rows_case *w, int k,
				  const uint64_t index[QUERN_MAX_DIMS])
{
	uint64_t mix = w->ngroups[k] + (uint64_t)k;

	for (int d = 0; d < w->rows.selection.ndim; d++)
		mix = (mix ^ index[d]) * UINT64_C(0x9e3779b97f4a7c15) >> 3;
	return (int32_t)(mix / 7 % (w->ngroups[k] + 1)) - 1;
}

/* Of one dimension or more, in any order; none of the elements, some or all have a group. */
static inline void add_key(struct rows_case *w, uint64_t *seed)
{
	const struct quern_box *s = &w->rows.selection;
	struct qn_row_term term = { .ndims = 0 };
	const uint64_t ngroups = 1 + random_below(seed, 5), none = random_below(seed, 4);
	const int first = (int)random_below(seed, (uint64_t)s->ndim);
	uint64_t n = 1;
	int32_t *group;

	if (!random_below(seed, 4)) {
		add_given_key(w, seed);
		return;
	}
	for (int k = 0; k < s->ndim; k++)
		if (!term.ndims || !random_below(seed, 3)) {
			term.dim[term.ndims] = (first + k) % s->ndim;
			n *= s->count[term.dim[term.ndims++]];
		}
	group = qn_calloc((size_t)n, sizeof(*group));
	assert_non_null(group);
	for (uint64_t i = 0; i < n; i++)
		group[i] = random_below(seed, 4) < none ? NO_ROW
							: (int32_t)random_below(seed, ngroups);
	term.group = w->group[w->rows.nterms] = group;
	add_term(w, term, ngroups);
}

/* A kept dimension, of which stretches of indexes may be left out. */
static inline void add_kept(struct rows_case *w, int dim, uint64_t *seed)
{
	struct qn_row_term term = { .ndims = 1, .dim = { dim } };
	const uint64_t count = w->rows.selection.count[dim], turns = 1 + random_below(seed, 20);
	int32_t n = 0;
	bool is = true; /* the first is picked */

	if (random_below(seed, 3)) {
		add_term(w, term, count);
		return;
	}
	term.is_kept = true;
	term.group = w->group[w->rows.nterms] =
		qn_calloc((size_t)count, sizeof(*w->group[w->rows.nterms]));
	assert_non_null(term.group);
	for (uint64_t i = 0; i < count; i++) {
		w->group[w->rows.nterms][i] = is ? n++ : NO_ROW;
		is = random_below(seed, turns) ? is : !is;
	}
	add_term(w, term, (uint64_t)n);
}

/* Kept dimensions with the last side by side, as results have them, or in any order among the keys. */
static inline void make_rows(struct rows_case *w, uint64_t *seed)
{
	const bool usual = random_below(seed, 3) != 0;
	const int ndim = w->rows.selection.ndim;
	int nkeys = ndim && random_below(seed, 2) ? 1 + (int)random_below(seed, MOST_KEYS) : 0;
	uint64_t kept = random_below(seed, 16);

	w->rows.nrows = 1;
	for (int i = 0; i < ndim; i++) {
		const int d = usual ? ndim - 1 - i : (int)((uint64_t)i + kept) % ndim;

		for (; !usual && nkeys && random_below(seed, 2); nkeys--)
			add_key(w, seed);
		if (kept >> d & 1)
			add_kept(w, d, seed);
	}
	w->rows.nkept = usual && nkeys && random_below(seed, 2) ? w->rows.nrows : 0;
	for (; nkeys; nkeys--)
		add_key(w, seed);
}

static inline void free_rows(struct rows_case *w)
{
	for (int t = 0; t < QN_MOST_TERMS; t++)
		free(w->group[t]);
}

/* The indexes in the selection of an element of a box that lies in it. */
static inline void find_indexes(const struct quern_box *s, const struct quern_box *b,
				uint64_t element, uint64_t index[QUERN_MAX_DIMS])
{
	for (int d = b->ndim - 1; d >= 0; d--) {
		index[d] = (b->start[d] + element % b->count[d] * b->step[d] - s->start[d]) /
			   s->step[d];
		element /= b->count[d];
	}
}

/* Those of all elements of a box, in arrays that free_given() frees. */
static inline void make_given(const struct rows_case *w, const struct quern_box *box,
			      uint64_t nelems, int32_t *given[MOST_KEYS])
{
	uint64_t index[QUERN_MAX_DIMS];

	for (int k = 0; k < w->ngiven; k++) {
		given[k] = qn_calloc((size_t)nelems, sizeof(**given));
		assert_non_null(given[k]);
		for (uint64_t i = 0; i < nelems; i++) {
			find_indexes(&w->rows.selection, box, i, index);
			given[k][i] = given_group(w, k, index);
		}
	}
}

static inline void free_given(const struct rows_case *w, int32_t *given[MOST_KEYS])
{
	for (int k = 0; k < w->ngiven; k++)
		free(given[k]);
}

static inline int64_t expected_row(const struct rows_case *w, const struct quern_box *box,
				   uint64_t element)
{
	const struct qn_rows *r = &w->rows;
	uint64_t index[QUERN_MAX_DIMS];
	int64_t row = 0;

	find_indexes(&r->selection, box, element, index);
	for (int t = 0; t < r->nterms; t++) {
		const struct qn_row_term *term = &r->term[t];
		int64_t number = 0;

		for (int k = 0; k < term->ndims; k++)
			number = number * (int64_t)r->selection.count[term->dim[k]] +
				 (int64_t)index[term->dim[k]];
		number = term->group ? term->group[number] : number;
		if (term->given)
			number = given_group(w, term->given - 1, index);
		if (number < 0)
			return NO_ROW;
		row += (int64_t)term->stride * number;
	}
	return row;
}

#endif
