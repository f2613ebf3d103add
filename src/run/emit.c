#include "run/emit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "kernel/collect.h"
#include "run/axes.h"
#include "run/key_axes.h"
#include "run/kept.h"
#include "run/shown.h"

/* A dimension without a name is called by its number. */
static char *name_dimension(const struct qn_dataset *d, int dim)
{
	char *name = NULL;

	if (d->dim_name[dim])
		return qn_strdup(d->dim_name[dim]);
	return qn_asprintf(&name, "dim_%d", dim) < 0 ? NULL : name;
}

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

/* The groups, then the kept dimensions, in their order. */
static bool add_axes(const struct qn_run *run, const struct qn_shown *shown,
		     struct quern_result *result)
{
	const struct qn_dataset *d = &run->subject->dataset;

	result->axis = qn_calloc((size_t)run->rows.nterms, sizeof(*result->axis));
	if (!result->axis || !add_groups(run, shown, result))
		return false;
	for (int dim = 0; dim < d->ndim; dim++) {
		struct qn_result_axis *a = &result->axis[result->naxes];

		if (run->reduced[dim])
			continue;
		result->naxes++;
		a->n = run->rows.selection.count[dim];
		a->dim = dim;
		a->name = name_dimension(d, dim);
		if (!a->name || !qn_axis_describe(run, a))
			return false;
	}
	result->nrows = shown->n * shown->nkept;
	return qn_axes_add_others(run, shown, result);
}

/* Within the dataset: indexes along the reduced dimensions, which the row does not tell. */
static size_t list_reduced(const struct qn_run *run, int reduced[QUERN_MAX_DIMS])
{
	size_t n = 0;

	for (int d = 0; d < run->rows.selection.ndim; d++)
		if (run->reduced[d])
			reduced[n++] = d;
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

static enum quern_status emit_rows(const struct qn_run *run, struct quern_result *result,
				   struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	struct quern_result one = { .nfields = 0 };
	int64_t *buffer = qn_alloc_aligned(run->layout.nwords * sizeof(*buffer));
	int reduced[QUERN_MAX_DIMS];
	const size_t nreduced = list_reduced(run, reduced);
	struct qn_shown shown;
	bool ok = qn_shown_find(run, &shown) && buffer && add_axes(run, &shown, result);

	if (ok)
		st = qn_kept_check_number(run, result->nrows, err);
	ok &= !st;
	if (ok && !result->nrows)
		ok = emit_fields(run, buffer, &one, result);
	for (uint64_t row = 0; ok && row < result->nrows; row++) {
		const int64_t *state = qn_cells_get(&run->cells, qn_shown_row(&shown, row), buffer);

		ok = state && emit_state(run, state, &one) &&
		     qn_collect_row(result, row, &one, reduced, nreduced);
		qn_result_clear(&one);
	}
	qn_shown_fini(&shown);
	qn_result_fini(&one);
	free(buffer);
	return st || (ok && !result->nomem) ? st : qn_error_nomem(err, 0, "the result");
}

enum quern_status qn_run_emit(const struct qn_run *run, struct quern_result *result,
			      struct quern_message *err)
{
	bool ok;

	if (qn_kept_any(run))
		return emit_rows(run, result, err);
	ok = emit_state(run, qn_cells_state(&run->cells, 0), result);
	return ok && !result->nomem ? QUERN_OK : qn_error_nomem(err, 0, "the result");
}
