#include "json/result.h"

#include <stdio.h>

#include "fields/fields.h"
#include "json/json.h"

static json_t *value_to_json(const struct qn_field *f, uint64_t i)
{
	if (f->dates)
		return json_string(f->dates[i]);
	if (f->type == QN_FIELD_TEXT)
		return json_string(f->v.texts[i]);
	if (f->type == QN_FIELD_DECIMAL)
		return qn_json_integer(f->v.texts[i]);
	if (f->type == QN_FIELD_UINT)
		return qn_json_uint(f->v.uints[i]);
	return f->type == QN_FIELD_INT ? json_integer(f->v.ints[i]) : qn_json_real(f->v.reals[i]);
}

/* One, as the first of an array. */
static json_t *scalar_to_json(const struct qn_field *f)
{
	struct qn_field one = *f;

	if (f->type == QN_FIELD_NULL)
		return json_null();
	one.v.ints = (int64_t *)&f->v;
	return value_to_json(&one, 0);
}

/* Values from `first` on, as nested arrays of the given shape. */
static json_t *values_to_json(const struct qn_field *f, uint64_t first, const uint64_t *shape,
			      int ndim)
{
	json_t *a;
	uint64_t inner = 1;

	if (!ndim)
		return f->null && !qn_field_has(f, first) ? json_null() : value_to_json(f, first);
	for (int d = 1; d < ndim; d++)
		inner *= shape[d];
	a = json_array();
	for (uint64_t i = 0; i < shape[0]; i++)
		qn_json_append(&a, values_to_json(f, first + i * inner, shape + 1, ndim - 1));
	return a;
}

/* What each row has. */
static int shape_of_value(const struct qn_field *f, uint64_t shape[2])
{
	shape[0] = f->n;
	shape[1] = f->ncols;
	return f->array ? 1 + (f->ncols > 0) : 0;
}

static json_t *row_to_json(const struct qn_field *f, uint64_t row)
{
	uint64_t shape[2];
	const int ndim = shape_of_value(f, shape);
	const size_t n = qn_field_nvalues(f);

	for (size_t i = 0; i < n; i++)
		if (qn_field_has(f, row * n + i))
			return values_to_json(f, row * n, shape, ndim);
	return json_null();
}

/* Rows from `row` on, as nested arrays over the axes from number k on. */
static json_t *rows_to_json(const struct quern_result *r, const struct qn_field *f, size_t k,
			    uint64_t row)
{
	json_t *a;
	uint64_t inner = 1;

	if (k == r->naxes)
		return row_to_json(f, row);
	for (size_t i = k + 1; i < r->naxes; i++)
		inner *= r->axis[i].n;
	a = json_array();
	for (uint64_t i = 0; i < r->axis[k].n; i++)
		qn_json_append(&a, rows_to_json(r, f, k + 1, row + i * inner));
	return a;
}

static json_t *field_to_json(const struct quern_result *r, const struct qn_field *f)
{
	uint64_t shape[2];

	if (f->per_row)
		return rows_to_json(r, f, 0, 0);
	return f->array ? values_to_json(f, 0, shape, shape_of_value(f, shape)) : scalar_to_json(f);
}

static json_t *lower_bounds_to_json(const struct qn_result_axis *a)
{
	json_t *list = json_array();

	for (uint64_t i = 0; i < a->n; i++)
		qn_json_append(&list, value_to_json(&a->bounds, 2 * i));
	return list;
}

/* Dates where it is a time. */
static json_t *coordinate_to_json(const struct qn_result_axis *a)
{
	const struct qn_field texts = { .type = QN_FIELD_TEXT, .v.texts = a->texts };

	if (!a->texts && a->coordinate.type == QN_FIELD_NULL)
		return json_null();
	if (a->is_bins)
		return lower_bounds_to_json(a);
	return values_to_json(a->texts ? &texts : &a->coordinate, 0, &a->n, 1);
}

static void axes_to_json(const struct quern_result *r, json_t *o)
{
	json_t *dims = json_array(), *shape = json_array(), *coords = json_object();

	for (size_t i = 0; i < r->naxes; i++) {
		const struct qn_result_axis *a = &r->axis[i];

		qn_json_append(&dims, qn_json_text(a->name));
		qn_json_append(&shape, qn_json_uint(a->n));
		qn_json_set(&coords, a->name, coordinate_to_json(a));
		for (size_t k = 0; k < a->nkeys; k++)
			qn_json_set(&coords, a->key[k].name, coordinate_to_json(&a->key[k]));
	}
	qn_json_set(&o, "dims", dims);
	qn_json_set(&o, "shape", shape);
	qn_json_set(&o, "coords", coords);
}

/* The coordinates of the indexes that field i has, by their dimensions: "argmin_coords". */
static void beside_to_json(const struct quern_result *r, size_t i, json_t *o)
{
	json_t *coords = json_object();
	char name[64];

	snprintf(name, sizeof(name), "%s_coords", qn_field_beside(r->field[i].name));
	for (size_t k = 0; k < r->nalong; k++) {
		const bool is = i + 1 < r->nfields && r->field[i + 1].along == &r->along[k];

		qn_json_set(&coords, r->along[k].name,
			    is ? field_to_json(r, &r->field[++i]) : json_null());
	}
	qn_json_set(&o, name, coords);
}

json_t *qn_json_result(const struct quern_result *r)
{
	json_t *o = json_object();

	if (r->naxes)
		axes_to_json(r, o);
	for (size_t i = 0; i < r->nfields; i++) {
		const struct qn_field *f = &r->field[i];

		if (f->along)
			continue;
		qn_json_set(&o, f->name, field_to_json(r, f));
		if (qn_field_is_of_indexes(f->name))
			beside_to_json(r, i, o);
	}
	return o;
}
