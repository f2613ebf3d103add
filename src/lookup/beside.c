/*
 * beside.c - fields of coordinates, from fields of indexes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields/fields.h"
#include "lookup/lookup.h"
#include "select/epoch.h"

/* The number of an index among the values of a coordinate. False: it is none of these. */
static bool find_value(const struct qn_result_axis *a, uint64_t index, uint64_t *at)
{
	uint64_t low = 0, high = a->n;

	if (!a->at) {
		*at = index;
		return index < a->n;
	}
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (a->at[middle] < index)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return low < a->n && a->at[low] == index;
}

static bool is_nan(const struct qn_field *f, const int64_t *bits)
{
	double x;

	memcpy(&x, bits, sizeof(x));
	return f->type == QN_FIELD_REAL && isnan(x);
}

/* The coordinate of value i of a field of indexes. False: there is none. */
static bool look_up(const struct qn_result_axis *a, const struct qn_field *f, uint64_t i,
		    int64_t *out)
{
	uint64_t at;

	if (!qn_field_has(f, i) || !find_value(a, (uint64_t)f->v.ints[i], &at) ||
	    is_nan(&a->coordinate, &a->coordinate.v.ints[at]))
		return false;
	*out = a->coordinate.v.ints[at];
	return true;
}

/* Indexes of a place are the last dimension of a field: the k-th along `a`. Of one place the coordinate is a
   value, of several an array. */
static bool make_field(const struct quern_result *rows, const struct qn_result_axis *a,
		       const struct qn_field *f, size_t k, struct qn_field *out)
{
	const size_t width = f->ncols ? f->ncols : f->n, n = f->ncols ? f->n : 1;
	const uint64_t all = (f->per_row ? rows->nrows : 1) * n;

	*out = (struct qn_field){ .along = a, .per_row = f->per_row };
	memcpy(out->name, qn_field_beside(f->name), strlen(qn_field_beside(f->name)));
	if (f->type == QN_FIELD_NULL)
		return true;
	out->type = a->coordinate.type;
	out->array = f->ncols > 0;
	out->n = out->array ? n : 0;
	if (!out->array && !out->per_row) {
		if (!look_up(a, f, k, &out->v.i))
			out->type = QN_FIELD_NULL;
		return true;
	}
	out->v.ints = qn_calloc((size_t)all + 1, sizeof(*out->v.ints));
	out->null = qn_calloc((size_t)qn_ceil_div(all, 64) + 1, sizeof(*out->null));
	for (uint64_t i = 0; out->v.ints && out->null && i < all; i++)
		if (!look_up(a, f, i * width + k, &out->v.ints[i]))
			out->null[i / 64] |= UINT64_C(1) << i % 64;
	return out->v.ints && out->null;
}

/* Behind field i, which is of indexes along all of result->along. */
static bool put_behind(const struct quern_result *result, struct quern_result *rows, size_t i)
{
	bool ok = qn_grow(&rows->field, &rows->capacity, rows->nfields + result->nalong,
			  sizeof(*rows->field));
	size_t n = 0;

	if (!ok)
		return false;
	memmove(rows->field + i + 1 + result->nalong, rows->field + i + 1,
		(rows->nfields - i - 1) * sizeof(*rows->field));
	for (size_t k = 0; k < result->nalong; k++)
		if (result->along[k].coordinate.type != QN_FIELD_NULL)
			ok = make_field(rows, &result->along[k], &rows->field[i], k,
					&rows->field[i + 1 + n++]) &&
			     ok;
	memmove(rows->field + i + 1 + n, rows->field + i + 1 + result->nalong,
		(rows->nfields - i - 1) * sizeof(*rows->field));
	rows->nfields += n;
	return ok;
}

bool qn_lookup_put_beside(const struct quern_result *result, struct quern_result *rows)
{
	bool ok = true;

	for (size_t i = 0; ok && i < rows->nfields; i++)
		if (!rows->field[i].along && qn_field_is_of_indexes(rows->field[i].name))
			ok = put_behind(result, rows, i);
	return ok;
}

/* --- dates --- */

static double real_of(const int64_t *bits)
{
	double x;

	memcpy(&x, bits, sizeof(x));
	return x;
}

/* Of a field of times. A value that is none leaves all of them numbers. */
static bool make_dates(const struct quern_result *rows, struct qn_field *f,
		       const struct qn_epoch *epoch)
{
	const bool has_many = f->array || f->per_row;
	const uint64_t n = (f->per_row ? rows->nrows : 1) * qn_field_nvalues(f);
	const int64_t *values = has_many ? f->v.ints : &f->v.i;
	struct qn_instant t;

	f->dates = qn_calloc((size_t)n + 1, sizeof(*f->dates));
	for (uint64_t i = 0; f->dates && i < n; i++) {
		if (!qn_field_has(f, i))
			continue;
		if (!(f->type == QN_FIELD_REAL ? qn_epoch_at_real(epoch, real_of(&values[i]), &t)
					       : qn_epoch_at_int(epoch, values[i], &t))) {
			free(f->dates);
			f->dates = NULL;
			return true;
		}
		qn_instant_format_whole(epoch->calendar, &t, sizeof(*f->dates), f->dates[i]);
	}
	return f->dates != NULL;
}

bool qn_lookup_put_dates(struct quern_result *rows)
{
	struct qn_epoch epoch;
	bool ok = true;

	for (size_t i = 0; ok && i < rows->nfields; i++) {
		struct qn_field *f = &rows->field[i];
		const char *units = f->along ? f->along->units : NULL;

		if (units && f->type != QN_FIELD_NULL && qn_epoch_is_meant(units) &&
		    !qn_epoch_parse(units, f->along->calendar, &epoch))
			ok = make_dates(rows, f, &epoch);
	}
	return ok;
}
