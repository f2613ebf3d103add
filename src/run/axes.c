#include "run/axes.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/ground.h"
#include "find/axes.h"
#include "run/kept.h"
#include "run/key_axes.h"

static bool copy_names(const struct qn_names *from, struct qn_names *to)
{
	bool ok = true;

	for (size_t i = 0; ok && i < from->n; i++)
		ok = !qn_names_add(to, from->name[i], NULL);
	return ok;
}

/* An array of n, or of n pairs. */
static bool copy_values(uint64_t n, bool is_real, const int64_t *from, size_t ncols,
			struct qn_field *to)
{
	to->type = is_real ? QN_FIELD_REAL : QN_FIELD_INT;
	to->array = true;
	to->n = n;
	to->ncols = ncols;
	to->v.ints = qn_calloc(qn_field_nvalues(to), sizeof(*to->v.ints));
	if (to->v.ints)
		memcpy(to->v.ints, from, qn_field_nvalues(to) * sizeof(*to->v.ints));
	return to->v.ints != NULL;
}

static bool copy_dates(const struct qn_axis_values *v, struct qn_result_axis *a)
{
	bool ok = true;

	if (!v->dates.n)
		return true;
	a->texts = qn_calloc(v->dates.n, sizeof(*a->texts));
	for (size_t i = 0; a->texts && ok && i < v->dates.n; i++)
		ok = (a->texts[i] = qn_strdup(v->dates.name[i])) != NULL;
	return a->texts && ok;
}

static bool copy_text(const char *from, char **to)
{
	if (!*from)
		return true;
	*to = qn_strdup(from);
	return *to != NULL;
}

/* a->n is known. */
static bool describe(const struct qn_axis_values *v, struct qn_result_axis *a)
{
	a->dtype = v->dtype;
	return copy_values(v->n, v->is_real, v->values, 0, &a->coordinate) &&
	       (!v->bounds || copy_values(v->n, v->are_bounds_real, v->bounds, 2, &a->bounds)) &&
	       copy_text(v->bounds_name, &a->bounds_name) && copy_text(v->units, &a->units) &&
	       copy_text(v->calendar, &a->calendar) && copy_names(&v->attributes, &a->attributes) &&
	       copy_dates(v, a);
}

bool qn_axis_describe(const struct qn_run *run, struct qn_result_axis *a)
{
	const struct qn_axis_values *v = run->subject->axes;

	return !v || v[a->dim].n != a->n || !a->n || describe(&v[a->dim], a);
}

/* --- coordinates that are no dimensions --- */

static bool is_hidden(const struct qn_axis_values *v)
{
	const char *axis = qn_names_text(&v->attributes, "axis");

	return !qn_is_place(&v->attributes, v->units) && !(axis && !strcmp(axis, "Z")) &&
	       !qn_names_text(&v->attributes, "positive");
}

/* A dimension whose groups have times of their own, or are times, has no other one. */
static bool is_told_by_groups(const struct qn_run *run, const struct quern_result *result,
			      const char *name)
{
	for (int i = 0; i < run->keys.n; i++)
		if (qn_key_is_stretch(&run->keys.key[i]) &&
		    !strcmp(qn_text_last(run->keys.key[i].path), name))
			return true;
	for (size_t i = 0; i < result->nothers; i++)
		if (!strcmp(result->other[i].name, name))
			return true;
	return false;
}

/* The times of groups. */
static bool add_times(const struct qn_run *run, const struct qn_shown *shown,
		      struct quern_result *result)
{
	const bool pairs = run->settings.pairs;
	bool ok = true;

	for (int i = 0; ok && i < run->keys.n; i++)
		if (qn_key_has_times(run, &run->keys.key[i]))
			ok = qn_key_times(&run->keys.key[i], pairs ? shown->n : shown->ngroups[i],
					  shown->group[i], pairs ? 0 : i, !pairs,
					  &result->other[result->nothers++]);
	return ok;
}

/* One value of each dimension that is reduced and does not stay. */
static bool add_reduced(const struct qn_run *run, struct quern_result *result)
{
	const struct qn_dataset *d = &run->subject->dataset;
	const struct qn_axis_values *v = run->subject->axes;

	for (int dim = 0; dim < d->ndim; dim++) {
		struct qn_result_axis *a = &result->other[result->nothers];

		if (qn_kept_stays(run, dim) || !v[dim].n || !d->dim_name[dim] ||
		    is_told_by_groups(run, result, d->dim_name[dim]))
			continue;
		result->nothers++;
		a->n = 1;
		a->dim = dim;
		a->name = qn_strdup(d->dim_name[dim]);
		if (!a->name || !describe(&v[dim], a))
			return false;
		a->is_hidden = is_hidden(&v[dim]);
	}
	return true;
}

static void fill_missing(struct qn_result_axis *a)
{
	for (uint64_t i = 0; i < a->n; i++)
		if (isnan(a->coordinate.v.reals[i]))
			a->coordinate.v.reals[i] = QN_FILL_REAL;
	a->has_fill = true;
}

/* The axis of the result that a kept dimension is. */
static int axis_of(const struct quern_result *result, int dim)
{
	int i = 0;

	while (result->axis[i].dim != dim)
		i++;
	return i;
}

/* What the dataset names as its coordinates. */
static bool add_named(const struct qn_run *run, struct quern_result *result)
{
	for (size_t i = 0; i < run->subject->nothers; i++) {
		const struct qn_axis_values *v = &run->subject->other[i];
		struct qn_result_axis *a = &result->other[result->nothers];

		if (is_told_by_groups(run, result, v->name))
			continue;
		result->nothers++;
		a->n = v->n;
		a->dim = -1;
		a->name = qn_strdup(v->name);
		a->ndims = v->ndims;
		for (int k = 0; k < v->ndims; k++)
			a->on[k] = axis_of(result, v->dim[k]);
		if (!a->name || !describe(v, a))
			return false;
		a->is_hidden = !v->ndims && is_hidden(v);
		if (v->has_missing)
			fill_missing(a);
	}
	return true;
}

bool qn_axes_add_others(const struct qn_run *run, const struct qn_shown *shown,
			struct quern_result *result)
{
	const size_t most = (size_t)(run->subject->dataset.ndim + run->keys.n) +
			    run->subject->nothers;

	if (!run->subject->axes)
		return true;
	result->other = qn_calloc(most, sizeof(*result->other));
	return result->other && add_times(run, shown, result) && add_reduced(run, result) &&
	       add_named(run, result);
}
