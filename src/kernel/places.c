#include "kernel/places.h"

#include <string.h>

#include "base/mem.h"

/* Elements that a place has at least: with fewer, there is little to gain. */
#define LEAST_STEPS 8

/* --- which places there are --- */

static bool depends_on(const struct qn_row_term *t, int dim)
{
	for (int k = 0; k < t->ndims; k++)
		if (t->dim[k] == dim)
			return true;
	return false;
}

/* The innermost dimension that the elements have side by side; -1: none. */
static int innermost(const struct quern_box *selection)
{
	int d = selection->ndim - 1;

	while (d >= 0 && selection->count[d] == 1)
		d--;
	return d;
}

/* A key becomes places, one for each combination of its dimensions, where its groups are here and there along the
   innermost dimension; or where there are such places anyway. */
struct choice {
	const struct qn_rows *rows;
	bool is_place[QUERN_MAX_DIMS]; /* of dimensions */
	bool is_moved[QN_MOST_TERMS];  /* of keys: they become places */
};

static void move_key(struct choice *c, int t)
{
	const struct qn_row_term *term = &c->rows->term[t];

	c->is_moved[t] = true;
	for (int k = 0; k < term->ndims; k++)
		c->is_place[term->dim[k]] = true;
}

static bool has_places(const struct choice *c, const struct qn_row_term *term)
{
	for (int k = 0; k < term->ndims; k++)
		if (!c->is_place[term->dim[k]])
			return false;
	return true;
}

/* False: no key becomes places. */
static bool choose(const struct qn_rows *rows, struct choice *c)
{
	const int inner = innermost(&rows->selection);
	bool any = false;

	*c = (struct choice){ .rows = rows };
	for (int t = 0; t < rows->nterms; t++) {
		const struct qn_row_term *term = &rows->term[t];

		if (term->given)
			return false;
		if (!term->group)
			c->is_place[term->dim[0]] = true;
		else if (depends_on(term, inner) && !term->is_kept)
			any = true, move_key(c, t);
	}
	for (int t = 0; t < rows->nterms; t++)
		c->is_moved[t] |= rows->term[t].group && has_places(c, &rows->term[t]);
	return any;
}

/* --- their rows --- */

/* Another dimension of the places, outside of those that there are. The dimensions of p->groups.selection are in reverse
   order until all are there. */
static bool add_dimension(struct qn_places *p, struct qn_row_term term, uint64_t n)
{
	struct quern_box *all = &p->groups.selection;

	if (all->ndim == QUERN_MAX_DIMS)
		return false;
	term.stride = p->rows.nrows;
	p->rows.term[p->rows.nterms++] = term;
	all->count[all->ndim++] = n;
	return qn_mul(p->rows.nrows, n, &p->rows.nrows);
}

/* number: of a dimension of the data among those of places; of a key that is not moved. */
static bool add_places(const struct choice *c, struct qn_places *p, int number[QUERN_MAX_DIMS],
		       int of_key[QN_MOST_TERMS])
{
	const struct qn_rows *rows = c->rows;
	bool ok = true;

	for (int d = rows->selection.ndim - 1; ok && d >= 0; d--) {
		const struct qn_row_term term = { .ndims = 1, .dim = { d } };

		number[d] = p->groups.selection.ndim;
		if (c->is_place[d])
			ok = add_dimension(p, term, rows->selection.count[d]);
	}
	for (int t = 0; ok && t < rows->nterms; t++) {
		of_key[t] = p->groups.selection.ndim;
		if (rows->term[t].group && !c->is_moved[t])
			ok = add_dimension(p, rows->term[t], rows->term[t].ngroups);
	}
	return ok;
}

/* From the innermost first to the outermost. */
static void turn(struct quern_box *all)
{
	for (int d = 0; d < all->ndim / 2; d++) {
		const uint64_t n = all->count[d];

		all->count[d] = all->count[all->ndim - 1 - d];
		all->count[all->ndim - 1 - d] = n;
	}
	for (int d = 0; d < all->ndim; d++)
		all->step[d] = 1;
}

/* The terms of the result's rows, on places. */
static void add_terms(const struct choice *c, struct qn_places *p, const int *number,
		      const int *of_key)
{
	const int last = p->groups.selection.ndim - 1;

	p->groups.nterms = c->rows->nterms;
	for (int t = 0; t < c->rows->nterms; t++) {
		struct qn_row_term *term = &p->groups.term[t];

		*term = c->rows->term[t];
		for (int k = 0; k < term->ndims; k++)
			term->dim[k] = last - number[term->dim[k]];
		if (term->group && !c->is_moved[t]) {
			term->group = NULL;
			term->is_kept = false;
			term->ndims = 1;
			term->dim[0] = last - of_key[t];
		}
	}
}

/* Are there so many elements that it pays? */
static bool pays(const struct choice *c)
{
	uint64_t nsteps = 1;

	for (int d = 0; d < c->rows->selection.ndim; d++)
		if (!c->is_place[d])
			nsteps *= c->rows->selection.count[d];
	for (int t = 0; t < c->rows->nterms; t++)
		if (c->rows->term[t].group && !c->is_moved[t])
			nsteps /= qn_max_u64(c->rows->term[t].ngroups, 1);
	return nsteps >= LEAST_STEPS;
}

void qn_places_find(const struct qn_rows *rows, struct qn_places *out)
{
	int number[QUERN_MAX_DIMS], of_key[QN_MOST_TERMS];
	struct choice c;

	*out = (struct qn_places){ .rows = { .selection = rows->selection, .nrows = 1 } };
	if (rows->nrows < 2 || !choose(rows, &c) || !pays(&c) ||
	    !add_places(&c, out, number, of_key))
		return;
	turn(&out->groups.selection);
	add_terms(&c, out, number, of_key);
	out->rows.nkept = rows->nkept ? 1 : 0;
	out->groups.nrows = rows->nrows;
	out->groups.nkept = rows->nkept;
	out->are_there = out->rows.nrows > 1;
}

/* --- to groups --- */

struct regrouping {
	const struct qn_cells *places;
	struct qn_cells *into;
};

/* Words of n places to rows. */
static void scatter_words(int64_t *into, const int64_t *from, enum quern_op op, const int64_t *row,
			  size_t n)
{
	struct qn_layout_of_state one = { .nsegments = 1,
					  .segment = { { .op = op, .nwords = 1 } } };

	for (size_t i = 0; i < n; i++) {
		if (row[i] < 0 || (op == QUERN_SUM && !from[i]))
			continue;
		if (op == QUERN_SUM)
			into[row[i]] += from[i];
		else
			qn_state_merge(&one, into + row[i], from + i);
	}
}

/* Pairs, each word of which has a column. */
static void scatter_pairs(int64_t *const into[2], const int64_t *const from[2],
			  const struct quern_segment *s, const int64_t *row, size_t n)
{
	struct qn_layout_of_state one = { .nsegments = 1, .segment = { *s } };

	one.segment[0].nwords = 2;
	for (size_t i = 0; i < n; i++) {
		int64_t a[2], b[2];

		if (row[i] < 0)
			continue;
		for (int w = 0; w < 2; w++) {
			a[w] = into[w][row[i]];
			b[w] = from[w][i];
		}
		qn_state_merge(&one, a, b);
		for (int w = 0; w < 2; w++)
			into[w][row[i]] = a[w];
	}
}

/* The words of a segment, those before it being `word`, of n places from `first` on. */
static void scatter_segment(const struct regrouping *g, const struct quern_segment *s, size_t word,
			    uint64_t first, const int64_t *row, size_t n)
{
	const size_t width = s->op == QUERN_MINLOC || s->op == QUERN_MAXLOC ? 2 : 1;

	for (size_t k = 0; k < s->nwords; k += width) {
		int64_t *into[2];
		const int64_t *from[2];

		for (size_t w = 0; w < width; w++) {
			into[w] = qn_cells_column(g->into, word + k + w);
			from[w] = qn_cells_column(g->places, word + k + w) + first;
		}
		if (width == 2)
			scatter_pairs(into, from, s, row, n);
		else
			scatter_words(into[0], from[0], s->op, row, n);
	}
}

static bool scatter(const struct regrouping *g, uint64_t first, const int64_t *row, size_t n)
{
	const struct qn_layout_of_state *l = g->into->layout;
	size_t word = 0;
	bool ok = true;

	if (g->into->seen)
		qn_seen_scatter(g->into->seen, g->into->rows, g->places->seen, first, row, n);
	for (int i = 0; ok && i < l->nsegments; i++) {
		if (l->segment[i].op == QUERN_EXACT)
			ok = qn_column_scatter(g->into->exact[i], g->places->exact[i], first, n,
					       row);
		else
			scatter_segment(g, &l->segment[i], word, first, row, n);
		word += l->segment[i].nwords;
	}
	return ok && !qn_cells_check_spilled(g->into);
}

static bool scatter_run(void *ctx, const struct qn_row_run *run)
{
	const struct regrouping *g = ctx;
	int64_t row[QN_RUN_NELEMS];
	bool ok = true;

	if (run->kind == QN_RUN_INDEXED)
		return scatter(g, run->first, run->rows, run->nelems);
	for (size_t i = 0; i < run->nelems; i++)
		row[i] = (int64_t)(run->row + (run->kind == QN_RUN_CONSECUTIVE ? i : 0));
	for (uint64_t s = 0; ok && s < run->nsteps; s++)
		ok = scatter(g, run->first + s * run->stride, row, run->nelems);
	return ok;
}

bool qn_places_regroup(const struct qn_places *p, const struct qn_cells *places,
		       struct qn_cells *into)
{
	struct regrouping g = { .places = places, .into = into };

	if (atomic_load(&places->is_over))
		atomic_store(&into->is_over, true);
	return !atomic_load(&into->is_over) &&
	       qn_rows_visit(&p->groups, &p->groups.selection, NULL, scatter_run, &g);
}
