/*
 * ends.c - bounds of a time say whether its values are the ends of what they stand for.
 */
#include "keys/ends.h"

#include <stdlib.h>
#include <string.h>

#include "data/listing.h"
#include "describe/describe.h"
#include "describe/values.h"
#include "select/epoch.h"

/* Are the bounds such that each value is the upper end of its interval? values: of the first file. */
static bool are_ends(const struct qn_values *values, const struct qn_values *bounds)
{
	for (uint64_t i = 0; i < values->n; i++) {
		const double low = bounds->reals ? bounds->reals[2 * i]
						 : (double)bounds->integers[2 * i];
		const double high = bounds->reals ? bounds->reals[2 * i + 1]
						  : (double)bounds->integers[2 * i + 1];
		const double x = values->reals ? values->reals[i] : (double)values->integers[i];

		if (!(low < high) || x != high)
			return false;
	}
	return values->n > 0;
}

/* The bounds of a coordinate: a dataset of its name and more, in its group, that something names as bounds. */
static bool is_bounds_of(const struct qn_listing *l, size_t i, const struct qn_dataset *d)
{
	const size_t n = strlen(d->path);

	return l->about && l->about[i].role == QN_BOUNDS && !strncmp(l->path[i], d->path, n) &&
	       l->path[i][n] == '_' && l->about[i].ndim == 2 && l->about[i].shape[1] == 2 &&
	       l->about[i].shape[0] == d->shape[0];
}

/* Values and bounds of the same units are compared as they are stored. */
static bool check_bounds(const struct qn_dataset *d, const char *path)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_values values = { .n = 0 }, bounds = { .n = 0 };
	struct qn_dataset b = { .file = NULL };
	struct qn_view view, view_of_bounds;
	bool ends = !qn_source_describe(d->file, path, NULL, true, &b, &ignored) && b.ndim == 2 &&
		    b.shape[0] == d->shape[0] && b.shape[1] == 2 && !qn_dataset_ends_early(&b) &&
		    (!*b.units || !strcmp(b.units, d->units));

	ends = ends && !qn_view_init(d, false, &view, &ignored) &&
	       !qn_view_init(&b, false, &view_of_bounds, &ignored) && view.dtype != QUERN_TEXT &&
	       view_of_bounds.dtype != QUERN_TEXT && !qn_values_read(d, &view, &values, &ignored) &&
	       !qn_values_read(&b, &view_of_bounds, &bounds, &ignored) &&
	       are_ends(&values, &bounds);
	qn_values_fini(&values);
	qn_values_fini(&bounds);
	qn_dataset_fini(&b);
	return ends;
}

bool qn_key_is_at_ends(const struct qn_dataset *d)
{
	struct quern_message ignored = { .status = QUERN_OK };
	const struct qn_format *format;
	struct qn_listing l = { .n = 0 };
	bool ends = false;

	if (!qn_epoch_is_meant(d->units) || d->ndim != 1 || qn_dataset_ends_early(d) ||
	    qn_source_format(d->file, &format, &ignored))
		return false;
	if (!format->list_closely(d->file, &l, &ignored))
		for (size_t i = 0; !ends && i < l.n; i++)
			ends = is_bounds_of(&l, i, d) && check_bounds(d, l.path[i]);
	qn_listing_fini(&l);
	return ends;
}
