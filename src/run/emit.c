#include "run/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/collect.h"
#include "fields/fields.h"
#include "run/axes.h"
#include "run/key_axes.h"
#include "run/kept.h"
#include "run/rolled.h"
#include "run/shown.h"

/* An axis a key, or one for all of them. */
static bool add_groups(const struct qn_run *run, const struct qn_shown *shown,
		       struct quern_result *result)
{
	const struct qn_keys *keys = &run->keys;
	bool ok = true;

	if (keys->n && run->settings.pairs)
		return qn_pairs_axis(keys, shown->n, shown->group, &result->axis[result->naxes++]);
	for (int i = 0; ok && i < keys->n; i++)
		ok = qn_key_axis(&keys->key[i], shown->ngroups[i], shown->group[i],
				 &result->axis[result->naxes++]);
	return ok;
}

/* The groups, then the dimensions that stay, in their order. */
static bool add_axes(const struct qn_run *run, const struct qn_shown *shown,
		     struct quern_result *result)
{
	const struct qn_dataset *d = &run->subject->dataset;

	result->axis = qn_calloc((size_t)(d->ndim + run->keys.n), sizeof(*result->axis));
	if (!result->axis || !add_groups(run, shown, result))
		return false;
	for (int dim = 0; dim < d->ndim; dim++) {
		struct qn_result_axis *a = &result->axis[result->naxes];

		if (!qn_kept_stays(run, dim))
			continue;
		result->naxes++;
		a->n = run->reduced[dim] ? 1
					 : qn_picks_count(&run->subject->picks,
							  &run->subject->selection, dim);
		a->dim = dim;
		a->name = qn_dataset_dimension_name(d, dim);
		if (!a->name || !qn_axis_describe(run, a))
			return false;
	}
	result->nrows = shown->n * shown->nkept;
	return qn_axes_add_others(run, shown, result);
}

bool qn_run_is_indexed(const struct qn_run *run, int dim)
{
	return run->reduced[dim] || (run->rolling.n && run->rolling.dim == dim);
}

static size_t list_indexed(const struct qn_run *run, int dims[QUERN_MAX_DIMS])
{
	size_t n = 0;

	for (int d = 0; d < run->rows.selection.ndim; d++)
		if (qn_run_is_indexed(run, d))
			dims[n++] = d;
	return n;
}

/* The fields that are asked for. */
static bool emit_state(const struct qn_run *run, const int64_t *state, struct quern_result *one)
{
	run->kernel->emit(run->self, state, one);
	return !run->fields.n || one->nomem || qn_result_pick(one, &run->fields);
}

/* Where no element has a group, there are no rows, but the fields of one. */
static bool emit_fields(const struct qn_run *run, int64_t *state, struct quern_result *one,
			struct quern_result *result)
{
	qn_state_identity(&run->layout, state);
	return emit_state(run, state, one) && !one->nomem && qn_collect_fields(result, one);
}

/* --- rows --- */

/* The weight of a row of the table. */
static double weight_of(const struct qn_run *run, uint64_t row)
{
	const struct qn_rows *rows = &run->rows;
	uint64_t at = 0;

	row += run->cells.rows->first;
	for (int t = 0; t < rows->nterms; t++) {
		const struct qn_row_term *term = &rows->term[t];
		const int d = term->dim[0];

		if (!term->group && !term->given)
			at += row / term->stride % rows->selection.count[d] *
			      run->formula.row_stride[d];
	}
	return run->formula.row_weight[at];
}

/* Gives n rows of the table their weights, in the word of states that is for them. */
static void weigh_rows(const struct qn_run *run, uint64_t row, size_t n, size_t word)
{
	const struct qn_cells *c = &run->cells;

	for (uint64_t r = row; r < row + n; r++) {
		const double weight = weight_of(run, r);
		int64_t *to = c->has_columns ? qn_cells_column(c, word) + r
					     : qn_cells_state(c, r) + word;

		memcpy(to, &weight, sizeof(*to));
	}
}

static void set_weights(const struct qn_run *run, uint64_t row, size_t n)
{
	size_t word = 0;

	for (int i = 0; run->formula.row_weight && i < run->layout.nsegments; i++) {
		const struct quern_segment *s = &run->layout.segment[i];

		if (s->op == QUERN_MAX && s->nweights)
			weigh_rows(run, row, n, word);
		word += s->nwords;
	}
}

/* *one has the fields of the row before. */
static bool emit_row(const struct qn_run *run, uint64_t row, int64_t *buffer,
		     struct quern_result *one)
{
	const uint64_t at = qn_shown_row(run->shown, row) - run->cells.rows->first;
	const int64_t *state = qn_cells_get(&run->cells, at, buffer);
	bool ok;

	qn_result_clear(one);
	ok = state && emit_state(run, state, one);
	if (ok && run->rolling.n && !qn_rolled_is_whole(run, row))
		qn_result_blank(one);
	return ok;
}

/* How many rows of the result, from `row` on, follow each other in a block of the table; at most n. */
static size_t count_following(const struct qn_run *run, uint64_t row, uint64_t n)
{
	const struct qn_shown *shown = run->shown;
	const uint64_t at = qn_shown_row(shown, row) - run->cells.rows->first;

	n = qn_min_u64(n, QN_RUN_NELEMS - at % QN_RUN_NELEMS);
	return (size_t)(shown->number ? qn_min_u64(n, shown->nkept - row % shown->nkept) : n);
}

/* Rows from `row` of the result on, at once, to number i and on of `rows`. False: one by one, *ok; or there is no
   memory. */
static bool emit_at_once(const struct qn_run *run, uint64_t row, size_t n, uint64_t i,
			 struct quern_result *rows, bool *ok)
{
	const uint64_t at = qn_shown_row(run->shown, row) - run->cells.rows->first;
	struct quern_result some = { .nrows = n };
	bool done;

	if (!run->kernel->emit_rows || !run->cells.has_columns || run->rolling.n)
		return false;
	done = run->kernel->emit_rows(run->self, &run->cells, at, n, &some);
	*ok = !some.nomem && (!done || !run->fields.n || qn_result_pick(&some, &run->fields));
	if (done && *ok)
		*ok = qn_collect_rows(rows, i, &some);
	qn_result_fini(&some);
	return done && *ok;
}

bool qn_run_emit_rows(const struct qn_run *run, uint64_t row, uint64_t n, struct quern_result *rows)
{
	struct quern_result one = { .nfields = 0 };
	int64_t *buffer = qn_alloc_aligned(run->layout.nwords * sizeof(*buffer));
	int indexed[QUERN_MAX_DIMS];
	const size_t nindexed = list_indexed(run, indexed);
	bool ok = buffer != NULL;

	rows->nrows = n;
	if (ok && !n)
		ok = emit_fields(run, buffer, &one, rows);
	for (uint64_t i = 0, k; ok && i < n; i += k) {
		k = count_following(run, row + i, n - i);
		set_weights(run, qn_shown_row(run->shown, row + i) - run->cells.rows->first, k);
		if (emit_at_once(run, row + i, k, i, rows, &ok))
			continue;
		for (uint64_t r = i; ok && r < i + k; r++)
			ok = emit_row(run, row + r, buffer, &one) &&
			     qn_collect_row(rows, r, &one, indexed, nindexed);
	}
	qn_result_fini(&one);
	free(buffer);
	return ok && !rows->nomem;
}

enum quern_status qn_run_emit_axes(const struct qn_run *run, struct quern_result *result,
				   struct quern_message *err)
{
	return add_axes(run, run->shown, result) ? QUERN_OK : qn_error_nomem(err, 0, "the result");
}

enum quern_status qn_run_emit(const struct qn_run *run, struct quern_result *result,
			      struct quern_message *err)
{
	const bool ok = emit_state(run, qn_cells_state(&run->cells, 0), result);

	return ok && !result->nomem ? QUERN_OK : qn_error_nomem(err, 0, "the result");
}

/* The i-th of the fields of the result; NULL: there are no more. */
static const char *field_name(const struct qn_run *run, size_t i)
{
	if (run->fields.n)
		return i < run->fields.n ? run->fields.name[i] : NULL;
	return run->kernel->fields(run->self)[i];
}

uint64_t qn_run_nfields(const struct qn_run *run)
{
	uint64_t n = 0;

	while (field_name(run, n))
		n++;
	return n;
}

uint64_t qn_run_row_nvalues(const struct qn_run *run)
{
	const uint64_t nwords = run->kernel->most_words ? run->kernel->most_words(run->self) : 0;
	const uint64_t most = run->kernel->most_values ? run->kernel->most_values(run->self)
						       : qn_max_u64(run->layout.nwords, nwords);
	int indexed[QUERN_MAX_DIMS];
	const size_t nindexed = list_indexed(run, indexed);
	const char *name;
	uint64_t n = 0;

	for (size_t i = 0; (name = field_name(run, i)); i++) {
		const struct qn_field_doc *doc = qn_field_doc(name);

		if (!doc || !doc->dim[0] || !strcmp(doc->dim[0], "feature"))
			n++;
		else if (!qn_field_is_shared(name))
			/* Rank 0 puts coordinates beside indexes. */
			n += strcmp(doc->dim[0], "dimension") ? most : 2 * qn_max_u64(nindexed, 1);
	}
	return n;
}
