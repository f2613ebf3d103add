#include "kernel/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Of shorter pieces, in the mean, the row of each element is looked up. */
#define SHORTEST_PIECES 8

/* The rows of a box: what each dimension adds, from one index to the next. */
struct field {
	const struct qn_rows *rows;
	const struct quern_box *box;
	const int32_t *const *given;
	bool has_given;
	uint64_t start[QUERN_MAX_DIMS], step[QUERN_MAX_DIMS]; /* in the selection */
	uint64_t linear[QUERN_MAX_DIMS];		      /* rows, by kept dimensions */
	bool varies[QUERN_MAX_DIMS], is_key[QUERN_MAX_DIMS];
	uint64_t index[QUERN_MAX_DIMS]; /* of the run, in the box */
	uint64_t place[QUERN_MAX_DIMS]; /* elements of the box from one index to the next */
	/* The dimensions of a run are those from run_dim on; those of its steps, step_dim to step_end - 1, are before
	   them, with others between or not. */
	int step_dim, step_end, run_dim;
	int along; /* the dimension that an indexed run goes along; -1: several, on which but given terms depend */
	uint64_t run_nelems, nsteps;
	enum qn_run_kind kind;
	/* Of dimension `along`, of which indexes are left out: a run is several, of those that follow each other;
	   NULL: it is one. */
	const struct qn_row_term *in_pieces;
	int64_t at[QN_RUN_NELEMS];
	qn_row_visit *visit;
	void *ctx;
};

static void describe(struct field *f)
{
	const struct quern_box *box = f->box, *all = &f->rows->selection;
	uint64_t place = 1;

	for (int d = box->ndim - 1; d >= 0; d--) {
		f->start[d] = (box->start[d] - all->start[d]) / all->step[d];
		f->step[d] = box->step[d] / all->step[d];
		f->place[d] = place;
		place *= box->count[d];
	}
	for (int t = 0; t < f->rows->nterms; t++) {
		const struct qn_row_term *term = &f->rows->term[t];

		f->has_given |= term->given > 0;
		for (int k = 0; k < term->ndims; k++) {
			f->varies[term->dim[k]] = box->count[term->dim[k]] > 1;
			f->is_key[term->dim[k]] |= term->group != NULL;
		}
		if (!term->group && !term->given)
			f->linear[term->dim[0]] = term->stride * f->step[term->dim[0]];
	}
}

/* The innermost dimensions that do not change the row; returns how many are left. */
static int skip_free(const struct field *f, int ndim)
{
	while (ndim > 0 && !f->varies[ndim - 1])
		ndim--;
	return ndim;
}

static uint64_t count(const struct field *f, int begin, int end)
{
	uint64_t n = 1;

	for (int d = begin; d < end; d++)
		n *= f->box->count[d];
	return n;
}

/* Kept dimensions continue the run outwards as long as their rows follow those of the ones inside. */
static void extend_consecutive(struct field *f, int last)
{
	uint64_t n = f->box->count[last];
	int d = last - 1;

	for (; d >= 0; d--) {
		if (f->box->count[d] == 1)
			continue;
		if (!f->varies[d] || f->is_key[d] || f->linear[d] != n)
			break;
		n *= f->box->count[d];
	}
	f->run_dim = d + 1;
	f->run_nelems = n;
}

/* Steps go over the most elements of the same rows: over those dimensions side by side that do not change the row and
   have most, the inner ones if there are several. */
static void find_steps(struct field *f)
{
	int end = f->run_dim, begin;

	for (; end > 0; end = begin - 1) {
		uint64_t n;

		begin = skip_free(f, end);
		n = count(f, begin, end);
		if (n <= f->nsteps)
			continue;
		f->nsteps = n;
		f->step_dim = begin;
		f->step_end = end;
	}
}

/* The place of the run's first element in the groups of a key, and how far the next index of
   dimension `along` is from it. */
static uint64_t find_group(const struct field *f, const struct qn_row_term *term, int along,
			   uint64_t *step)
{
	uint64_t at = 0;

	*step = 0;
	for (int k = 0; k < term->ndims; k++) {
		const int d = term->dim[k];
		const uint64_t n = f->rows->selection.count[d];

		at = at * n + f->start[d] + f->index[d] * f->step[d];
		*step = *step * n + (d == along ? f->step[d] : 0);
	}
	return at;
}

/* The term of a dimension if it is the only one that depends on it, and the rows of what is left of it follow each
   other, in long pieces. */
static const struct qn_row_term *find_pieces(const struct field *f, int dim)
{
	const struct qn_row_term *found = NULL;
	uint64_t step, number, n = 0, npieces = 1;

	for (int t = 0; t < f->rows->nterms; t++)
		for (int k = 0; k < f->rows->term[t].ndims; k++)
			if (f->rows->term[t].dim[k] == dim) {
				if (found)
					return NULL;
				found = &f->rows->term[t];
			}
	if (!found || f->has_given || !found->is_kept || found->stride != 1)
		return NULL;
	number = find_group(f, found, dim, &step);
	for (uint64_t i = 0; i < f->box->count[dim]; i++, number += step) {
		n += found->group[number] >= 0;
		npieces += i && found->group[number] >= 0 &&
			   found->group[number] != found->group[number - step] + 1;
	}
	return n >= SHORTEST_PIECES * npieces ? found : NULL;
}

/* What runs there are, and over which dimensions they go. */
static void choose(struct field *f)
{
	const int ndim = f->box->ndim, inner = skip_free(f, ndim);

	f->nsteps = 1;
	f->run_nelems = count(f, inner, ndim);
	f->run_dim = inner;
	f->step_dim = f->step_end = 0;
	f->along = -1;
	f->kind = f->has_given ? QN_RUN_INDEXED : QN_RUN_ONE;
	if (!inner || f->run_nelems > 1)
		return;
	f->along = inner - 1;
	f->run_dim = inner - 1;
	f->run_nelems = f->box->count[inner - 1];
	f->kind = QN_RUN_INDEXED;
	f->in_pieces = find_pieces(f, inner - 1);
	if (!f->in_pieces && (f->has_given || f->is_key[inner - 1] || f->linear[inner - 1] != 1))
		return;
	f->kind = QN_RUN_CONSECUTIVE;
	if (!f->in_pieces)
		extend_consecutive(f, inner - 1);
	find_steps(f);
}

/* The row of the run's first element, in the whole result. False: none. */
static bool find_row(const struct field *f, uint64_t *row)
{
	uint64_t step;

	*row = 0;
	for (int t = 0; t < f->rows->nterms; t++) {
		const struct qn_row_term *term = &f->rows->term[t];
		uint64_t number = find_group(f, term, -1, &step);

		if (term->group && term->group[number] < 0)
			return false;
		*row += term->stride * (term->group ? (uint64_t)term->group[number] : number);
	}
	return true;
}

/* Adds to the rows of n elements what a term gives them: groups that are `step` apart, or numbers. */
static void add_groups(struct field *f, const struct qn_row_term *term, const int32_t *group,
		       uint64_t number, uint64_t step, size_t n)
{
	for (size_t i = 0; i < n; i++, number += step) {
		const int64_t k = group ? group[number] : (int64_t)number;

		if (k < 0 || f->at[i] < 0)
			f->at[i] = -1;
		else
			f->at[i] += (int64_t)term->stride * k;
	}
}

/* The rows of n elements from number `first` of the run on, which begins at element `at` of the box, in the whole
   result. */
static void find_rows(struct field *f, uint64_t at, uint64_t first, size_t n)
{
	memset(f->at, 0, n * sizeof(*f->at));
	if (f->along >= 0)
		f->index[f->along] = first;
	for (int t = 0; t < f->rows->nterms; t++) {
		const struct qn_row_term *term = &f->rows->term[t];
		uint64_t step, number = find_group(f, term, f->along, &step);

		if (term->given)
			add_groups(f, term, f->given[term->given - 1], at + first, 1, n);
		else
			add_groups(f, term, term->group, number, step, n);
	}
	if (f->along >= 0)
		f->index[f->along] = 0;
}

/* Those that the table does not have are none. */
static void number_rows(struct field *f, size_t n)
{
	const int64_t first = (int64_t)f->rows->first, nrows = (int64_t)f->rows->nrows;

	if (!f->rows->is_window)
		return;
	for (size_t i = 0; i < n; i++) {
		const int64_t row = f->at[i] - first;

		f->at[i] = row < 0 || row >= nrows ? -1 : row;
	}
}

/* A block of the run ends where the table has a block of QN_RUN_NELEMS rows end. */
static size_t block_of(const struct field *f, uint64_t row, uint64_t left)
{
	const uint64_t most = f->kind == QN_RUN_CONSECUTIVE ? QN_RUN_NELEMS - row % QN_RUN_NELEMS
							    : QN_RUN_NELEMS;

	return (size_t)qn_min_u64(most, left);
}

/* Which of n elements of the run are of rows of the table, where the first is of this row. */
static void clip(const struct field *f, uint64_t row, uint64_t n, uint64_t *begin, uint64_t *end)
{
	const uint64_t first = f->rows->first, stop = first + f->rows->nrows;

	*begin = 0;
	*end = n;
	if (!f->rows->is_window)
		return;
	if (f->kind == QN_RUN_CONSECUTIVE && row < first)
		*begin = qn_min_u64(first - row, *end);
	if (f->kind == QN_RUN_CONSECUTIVE)
		*end = qn_min_u64(*end, stop > row ? stop - row : 0);
	else if (f->kind == QN_RUN_ONE && (row < first || row >= stop))
		*end = 0;
}

/* n elements of a run, from element `at` of the box on. */
static bool visit_part(struct field *f, uint64_t at, uint64_t n)
{
	uint64_t row = 0, begin, end;
	struct qn_row_run run = { .kind = f->kind,
				  .nsteps = f->nsteps,
				  .stride = f->step_end > 0 ? f->place[f->step_end - 1] : 0,
				  .step_dim = f->step_dim,
				  .step_end = f->step_end,
				  .rows = f->at };

	if (f->kind != QN_RUN_INDEXED && !find_row(f, &row))
		return true;
	clip(f, row, n, &begin, &end);
	for (uint64_t i = begin; i < end; i += run.nelems) {
		run.row = f->kind == QN_RUN_INDEXED ? 0 : row - f->rows->first;
		run.row += f->kind == QN_RUN_CONSECUTIVE ? i : 0;
		run.first = at + i;
		run.nelems = block_of(f, run.row, end - i);
		if (f->kind == QN_RUN_INDEXED) {
			find_rows(f, at, i, run.nelems);
			number_rows(f, run.nelems);
		}
		if (!f->visit(f->ctx, &run))
			return false;
	}
	return true;
}

static bool visit_pieces(struct field *f, uint64_t at)
{
	const uint64_t n = f->run_nelems;
	uint64_t step, number = find_group(f, f->in_pieces, f->along, &step), k;
	bool ok = true;

	for (uint64_t i = 0; ok && i < n; i += k, number += k * step) {
		const int32_t *group = f->in_pieces->group + number;

		for (k = 1; *group >= 0 && i + k < n; k++)
			if (group[k * step] != *group + (int32_t)k)
				break;
		f->index[f->along] = i;
		ok = *group < 0 || visit_part(f, at + i, k);
		f->index[f->along] = 0;
	}
	return ok;
}

static bool visit_run(struct field *f, uint64_t at)
{
	return f->in_pieces ? visit_pieces(f, at) : visit_part(f, at, f->run_nelems);
}

/* Turns to the next run, which begins at element *at of the box. False: that was the last. */
static bool turn(struct field *f, uint64_t *at)
{
	for (int d = f->run_dim - 1; d >= 0; d--) {
		if (d >= f->step_dim && d < f->step_end)
			continue;
		*at += f->place[d];
		if (++f->index[d] < f->box->count[d])
			return true;
		*at -= f->place[d] * f->box->count[d];
		f->index[d] = 0;
	}
	return false;
}

bool qn_rows_visit(const struct qn_rows *r, const struct quern_box *box,
		   const int32_t *const *given, qn_row_visit *visit, void *ctx)
{
	struct field f = { .rows = r, .box = box, .given = given, .visit = visit, .ctx = ctx };
	uint64_t at = 0;

	describe(&f);
	choose(&f);
	do {
		if (!visit_run(&f, at))
			return false;
	} while (turn(&f, &at));
	return true;
}

/* --- what rows a box has --- */

/* The least and the largest number of a key over the box; false: all of it is of no group. */
static bool span_of_key(const struct field *f, const struct qn_row_term *term, uint64_t *least,
			uint64_t *most)
{
	uint64_t index[QUERN_MAX_DIMS] = { 0 };
	int k;

	*least = UINT64_MAX;
	*most = 0;
	do {
		uint64_t at = 0;

		for (int i = 0; i < term->ndims; i++) {
			const int d = term->dim[i];

			at = at * f->rows->selection.count[d] + f->start[d] + index[i] * f->step[d];
		}
		if (term->group[at] >= 0) {
			*least = qn_min_u64(*least, (uint64_t)term->group[at]);
			*most = qn_max_u64(*most, (uint64_t)term->group[at]);
		}
		for (k = term->ndims - 1; k >= 0; k--) {
			if (++index[k] < f->box->count[term->dim[k]])
				break;
			index[k] = 0;
		}
	} while (k >= 0);
	return *least <= *most;
}

bool qn_rows_span(const struct qn_rows *r, const struct quern_box *box, uint64_t *first,
		  uint64_t *last)
{
	struct field f = { .rows = r, .box = box };

	describe(&f);
	*first = *last = 0;
	for (int t = 0; t < r->nterms; t++) {
		const struct qn_row_term *term = &r->term[t];
		const int d = term->dim[0];
		uint64_t least = f.start[d], most = f.start[d] + (box->count[d] - 1) * f.step[d];

		if (term->given)
			least = 0, most = term->ngroups - 1;
		else if (term->group && !span_of_key(&f, term, &least, &most))
			return false;
		*first += term->stride * least;
		*last += term->stride * most;
	}
	return true;
}

/* Of the combinations of indexes of a key, those of the group that has most. */
static uint64_t count_largest_group(const struct qn_rows *r, const struct qn_row_term *term)
{
	uint64_t n = 1, most = 0, *count;
	int32_t ngroups = 0;

	for (int k = 0; k < term->ndims; k++)
		n *= r->selection.count[term->dim[k]];
	for (uint64_t i = 0; i < n; i++)
		if (term->group[i] >= ngroups)
			ngroups = term->group[i] + 1;
	count = qn_calloc((size_t)ngroups, sizeof(*count));
	for (uint64_t i = 0; count && i < n; i++)
		if (term->group[i] >= 0 && ++count[term->group[i]] > most)
			most = count[term->group[i]];
	free(count);
	return count ? most : n;
}

static uint64_t count_picked(const struct qn_rows *r, int d)
{
	return r->npicked[d] ? r->npicked[d] : r->selection.count[d];
}

uint64_t qn_rows_most(const struct qn_rows *r)
{
	bool is_kept[QUERN_MAX_DIMS] = { false };
	uint64_t all = 1, most;

	for (int t = 0; t < r->nterms; t++)
		if (r->term[t].is_kept || (!r->term[t].group && !r->term[t].given))
			is_kept[r->term[t].dim[0]] = true;
	for (int d = 0; d < r->selection.ndim; d++)
		if (!is_kept[d])
			all *= count_picked(r, d);
	most = all;
	for (int t = 0; t < r->nterms; t++) {
		const struct qn_row_term *term = &r->term[t];
		uint64_t others = all;
		bool is_reduced = term->group != NULL;

		for (int k = 0; k < term->ndims; k++) {
			is_reduced = is_reduced && !is_kept[term->dim[k]];
			others /= qn_max_u64(
				is_kept[term->dim[k]] ? 1 : count_picked(r, term->dim[k]), 1);
		}
		if (is_reduced)
			most = qn_min_u64(most, others * count_largest_group(r, term));
	}
	return most;
}
