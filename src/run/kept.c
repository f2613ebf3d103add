#include "run/kept.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "run/key_axes.h"
#include "select/over.h"

_Static_assert(QN_MOST_TERMS >= QUERN_MAX_DIMS + QN_MOST_KEYS, "a term for each of them");

/* Elements of an item; the least that one has whose chunks have steps enough. Chunks side by side are copied to be one
   tile, those of steps that follow each other are not. */
#define ITEM_NELEMS	  (UINT64_C(1) << 20)
#define LEAST_ITEM_NELEMS (UINT64_C(1) << 16)
#define ENOUGH_STEPS	  8
#define MOST_OWN_NBYTES	  (1u << 20) /* of cells that each thread has */
/* Of places, or so many times the rows of the result. */
#define MOST_PLACES_NBYTES (UINT64_C(256) << 20)
#define MOST_PLACES_TIMES  4

/* Are the groups of a key times of a dimension, or have they some? */
static bool is_told(const struct qn_run *run, int dim)
{
	const char *name = run->subject->dataset.dim_name[dim];

	for (int i = 0; name && i < run->keys.n; i++) {
		const struct qn_key *k = &run->keys.key[i];

		if ((qn_key_is_stretch(k) || qn_key_has_times(run, k)) &&
		    !strcmp(qn_text_last(k->path), name))
			return true;
	}
	return false;
}

bool qn_kept_stays(const struct qn_run *run, int dim)
{
	return !run->reduced[dim] || (run->settings.keepdims && !is_told(run, dim));
}

bool qn_kept_any(const struct qn_run *run)
{
	return run->rows.nterms > 0;
}

const struct qn_rows *qn_kept_rows(const struct qn_run *run)
{
	const bool pooled = run->collects ||
			    (run->kernel->is_pooled && run->kernel->is_pooled(run->self));

	if (pooled)
		return &run->all;
	return run->places.are_used ? &run->places.rows : &run->window;
}

uint64_t qn_kept_nbytes(const struct qn_run *run, uint64_t nrows)
{
	const uint64_t now = qn_cells_nbytes(run->kernel, &run->layout, nrows);
	const uint64_t nwords = run->kernel->most_words ? run->kernel->most_words(run->self) : 0;
	uint64_t most;

	if (!qn_mul(nrows, nwords * sizeof(int64_t), &most))
		most = UINT64_MAX;
	return qn_min_u64(qn_max_u64(now, most), UINT64_MAX / 8);
}

uint64_t qn_kept_added_nbytes(const struct qn_run *run, uint64_t nrows)
{
	return qn_kept_nbytes(run, run->places.are_used ? run->places.rows.nrows : nrows);
}

void qn_kept_use_places(struct qn_run *run)
{
	const uint64_t nbytes = qn_kept_nbytes(run, run->places.rows.nrows);
	const uint64_t of_rows = qn_kept_nbytes(run, run->rows.nrows);

	run->places.are_used = run->places.are_there &&
			       nbytes <=
				       qn_max_u64(MOST_PLACES_NBYTES, MOST_PLACES_TIMES * of_rows);
}

uint64_t qn_kept_least_nelems(const struct qn_run *run)
{
	const struct qn_dataset *d = &run->subject->dataset;
	uint64_t nsteps = 1;

	for (int k = 0; k < d->ndim; k++)
		if (run->reduced[k])
			nsteps *= qn_min_u64(d->chunk[k], run->rows.selection.count[k]);
	return nsteps < ENOUGH_STEPS ? ITEM_NELEMS : LEAST_ITEM_NELEMS;
}

bool qn_kept_meets(const struct qn_run *run, const struct quern_box *box, bool *is_first)
{
	const struct qn_rows *r = qn_kept_rows(run);
	uint64_t first, last;

	*is_first = true;
	if (!r->is_window)
		return true;
	if (!qn_rows_span(r, box, &first, &last) || first >= r->first + r->nrows || last < r->first)
		return false;
	*is_first = first >= run->swept;
	return true;
}

uint64_t qn_kept_emitted(const struct qn_run *run, uint64_t nrows)
{
	return run->rolling.n ? qn_rolling_emitted(&run->rolling, run->rows.nrows, nrows) : nrows;
}

uint64_t qn_kept_tile_nelems(const struct qn_run *run)
{
	return run->whole ? qn_max_u64(run->items.max_nelems, 1) : QUERN_TILE_NELEMS;
}

bool qn_kept_are_all_picked(const struct qn_run *run)
{
	const struct qn_picks *p = &run->subject->picks;
	bool are = run->cells.rows == &run->window && !run->collects;

	for (int d = 0; d < run->rows.selection.ndim; d++)
		are = are && !(run->reduced[d] && p->dim[d].nstretches);
	return are;
}

bool qn_kept_are_shared(const struct qn_run *run, uint64_t nrows)
{
	/* Of a whole selection nobody locks the one state that there is. */
	const uint64_t n = run->places.are_used ? run->places.rows.nrows : nrows;

	return qn_kept_any(run) && qn_cells_nbytes(run->kernel, &run->layout, n) > MOST_OWN_NBYTES;
}

uint64_t qn_kept_ntables(const struct qn_run *run, uint64_t nrows)
{
	const uint64_t n = qn_kept_are_shared(run, nrows) ? 1 : 1 + run->nthreads;

	return n + (run->rolling.n > 0);
}

uint64_t qn_kept_most_spilled(const struct qn_run *run, uint64_t nrows)
{
	const uint64_t ntables = qn_kept_ntables(run, nrows);
	const uint64_t used = ntables * qn_kept_added_nbytes(run, nrows), all = run->cells_nbytes;

	return all ? qn_max_u64(all > used ? (all - used) / ntables : 0, 1) : 0;
}

static enum quern_status check_kernel(const struct qn_run *run, struct quern_message *err)
{
	if (run->kernel->demand)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--over, --by: kernel %s must see all of its dimensions at once",
			run->kernel->name);
	if (run->subject->views[0].dtype == QUERN_TEXT)
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--over, --by: dataset %s is text, which can only be reduced as a "
			"whole",
			run->subject->dataset.path);
	return QUERN_OK;
}

/* Another dimension of the result, outside of those that there are. */
static bool add_term(struct qn_rows *r, const struct qn_row_term *term, uint64_t n)
{
	r->term[r->nterms] = *term;
	r->term[r->nterms++].stride = r->nrows;
	return qn_mul(r->nrows, n, &r->nrows);
}

/* The number of the array of a key's groups, from 1; 0: they are not given. */
static int find_given(const struct qn_run *run, int key)
{
	for (int i = 0; i < run->computed.n; i++)
		if (run->computed.given[i].key == key)
			return i + 1;
	return 0;
}

static bool add_key(struct qn_run *run, int key)
{
	const struct qn_key *k = &run->keys.key[key];
	struct qn_row_term term = { .ndims = k->ndim,
				    .group = k->group,
				    .given = find_given(run, key),
				    .ngroups = k->ngroups };

	memcpy(term.dim, k->dim, sizeof(term.dim));
	return add_term(&run->rows, &term, k->ngroups);
}

static bool share_dimension(const struct qn_key *a, const struct qn_key *b)
{
	for (int i = 0; i < a->ndim; i++)
		for (int k = 0; k < b->ndim; k++)
			if (a->dim[i] == b->dim[k])
				return true;
	return false;
}

/* Bins are there without elements, and an element in none of them is in no group of other keys. */
static bool may_be_empty(const struct qn_key *k)
{
	for (uint64_t i = 0; k->kind == QN_KEY_BINS && i < k->nindexes; i++)
		if (k->group[i] >= 0)
			return false;
	return k->kind == QN_KEY_BINS;
}

/* Is it only known when all is done which groups have elements? Of keys that have no dimension in common all
   have that occur in the selection. */
static bool notes_groups(const struct qn_run *run)
{
	const bool pairs = run->settings.pairs;
	bool notes = run->keys.n && (pairs || run->formula.where || run->computed.n);

	if (run->keys.n == 1 && !pairs && qn_computed_has_all(&run->computed, 0))
		return false;
	for (int i = 0; run->keys.n > 1 && !notes && i < run->keys.n; i++)
		notes = may_be_empty(&run->keys.key[i]);
	for (int i = 0; i < run->keys.n; i++)
		for (int k = 0; k < i; k++)
			notes |= share_dimension(&run->keys.key[i], &run->keys.key[k]);
	return notes;
}

/* Groups come first, then the kept dimensions in their order; the last has its rows side by side. */
static enum quern_status keep(struct qn_run *run, struct quern_message *err)
{
	struct qn_rows *r = &run->rows;
	const struct qn_picks *picks = &run->subject->picks;
	bool ok = true;

	for (int d = r->selection.ndim - 1; ok && d >= 0; d--) {
		struct qn_row_term term = { .ndims = 1, .dim = { d } };
		const uint64_t n = r->selection.count[d];

		if (run->reduced[d])
			continue;
		if (picks->dim[d].nstretches && !run->number[d])
			run->number[d] = qn_pick_numbers(&picks->dim[d], n);
		if (picks->dim[d].nstretches && !run->number[d])
			return qn_error_nomem(err, n * sizeof(int32_t), "a kept dimension");
		term.group = run->number[d];
		term.is_kept = term.group != NULL;
		term.ngroups = qn_picks_count(picks, &r->selection, d);
		ok = add_term(r, &term, term.ngroups);
	}
	r->nkept = notes_groups(run) ? r->nrows : 0;
	for (int i = run->keys.n - 1; ok && i >= 0; i--)
		ok = add_key(run, i);
	/* Rows of a run are told by 32 bits, from the first of them (absorb_rows). */
	ok = ok && ((!run->keys.n && !picks->any) || r->nrows <= UINT32_MAX);
	return ok ? QUERN_OK
		  : qn_error_set(err, QUERN_ERR_USAGE,
				 "the result has more cells than there can be: reduce over more "
				 "dimensions with --over");
}

enum quern_status qn_kept_check_number(const struct qn_run *run, uint64_t nrows,
				       struct quern_message *err)
{
	const uint64_t most = run->settings.most_cells;

	if (!most || nrows <= most)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "the result has %" PRIu64 " cells, too many for a table or a JSON "
			    "document, which take %" PRIu64 ": write it with -o FILE.nc",
			    nrows, most);
}

static enum quern_status find_windows(struct qn_run *run, struct quern_message *err)
{
	const struct qn_rolling_result of = { .dataset = &run->subject->dataset,
					      .reduced = run->reduced,
					      .keys = &run->keys,
					      .rows = &run->rows,
					      .pairs = run->settings.pairs,
					      .is_known = !qn_computed_collects(&run->computed) };

	return qn_rolling_find(&run->rolling, &of, err);
}

enum quern_status qn_kept_find(struct qn_run *run, struct quern_message *err)
{
	const struct qn_dataset *d = &run->subject->dataset;
	enum quern_status st = qn_over_find(d, run->subject->files.n > 1 && !d->stacked,
					    run->settings.over, run->reduced, err);

	run->all = (struct qn_rows){ .selection = run->subject->selection, .nrows = 1 };
	for (int k = 0; k < d->ndim; k++)
		run->all.npicked[k] =
			qn_picks_count(&run->subject->picks, &run->subject->selection, k);
	run->rows = run->all;
	if (!st)
		st = keep(run, err);
	if (!st && run->rolling.n && !run->settings.is_step)
		st = find_windows(run, err);
	if (!st && qn_kept_any(run))
		st = check_kernel(run, err);
	run->window = run->rows;
	run->most_rows = run->rows.nrows;
	run->places = (struct qn_places){ .are_there = false };
	if (!st && run->kernel->absorb_rows && !run->kernel->has_row_states)
		qn_places_find(&run->rows, &run->places);
	/* How many pairs there are is seen at the end. */
	return st || run->settings.pairs ? st : qn_kept_check_number(run, run->rows.nrows, err);
}

/* Is the key on kept dimensions alone? *dim: one of them. */
static bool is_kept(const struct qn_run *run, int key, int *dim)
{
	const struct qn_key *k = &run->keys.key[key];

	for (int i = 0; i < k->ndim; i++) {
		*dim = k->dim[i];
		if (run->reduced[*dim])
			return false;
	}
	return k->ndim > 0 && k->ngroups > 1;
}

enum quern_status qn_kept_warn(struct qn_run *run, struct quern_message *err)
{
	const char *const *name = (const char *const *)run->subject->dataset.dim_name;
	enum quern_status st = QUERN_OK;
	int dim;

	for (int i = 0; !st && i < run->keys.n; i++)
		if (!find_given(run, i) && is_kept(run, i, &dim))
			st = qn_warnings_add(
				&run->warnings, err,
				"--by: %s: dimension %s is kept, so that of the %" PRIu32
				" groups at each of its indexes all but one are empty: reduce it "
				"too, with --over",
				run->keys.key[i].text, name[dim] ? name[dim] : "",
				run->keys.key[i].ngroups);
	return st;
}
