#include "results/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fields/fields.h"

/* --- labels --- */

static char *units_of(const struct quern_result *r, const struct qn_field *f, const char *units,
		      const char *with, const char *weights)
{
	const struct qn_field_doc *doc = f->along ? NULL : qn_field_doc_in(r, f);

	if (f->along)
		return qn_strdup(f->along->units ? f->along->units : "");
	return doc ? qn_field_units(doc, units, with, weights) : qn_strdup("");
}

bool qn_results_label(struct quern_result *r, const char *units, const char *with,
		      const char *weights)
{
	char room[QN_FIELD_NAME_NBYTES];

	r->label = qn_calloc(r->nfields, sizeof(*r->label));
	if (!r->label)
		return false;
	for (; r->nlabels < r->nfields; r->nlabels++) {
		const struct qn_field *f = &r->field[r->nlabels];
		struct qn_result_label *l = &r->label[r->nlabels];

		l->name = qn_strdup(qn_field_name(f, room));
		l->units = units_of(r, f, units, with, weights);
		if (!l->name || !l->units) {
			free(l->name);
			free(l->units);
			return false;
		}
	}
	return true;
}

/* --- what there is --- */

/* A struct of the library into one of the caller, which may be of an earlier version and shorter, or of a later one. */
static void give(const void *from, size_t nbytes, void *to, size_t room)
{
	const size_t head = sizeof(size_t), n = nbytes < room ? nbytes : room;

	if (n > head)
		memcpy((char *)to + head, (const char *)from + head, n - head);
	if (room > nbytes)
		memset((char *)to + nbytes, 0, room - nbytes);
}

enum quern_type qn_results_type(const struct qn_field *f)
{
	static const enum quern_type types[] = {
		[QN_FIELD_NULL] = QUERN_TYPE_NONE,	 [QN_FIELD_INT] = QUERN_TYPE_INT64,
		[QN_FIELD_UINT] = QUERN_TYPE_UINT64,	 [QN_FIELD_REAL] = QUERN_TYPE_DOUBLE,
		[QN_FIELD_DECIMAL] = QUERN_TYPE_DECIMAL, [QN_FIELD_TEXT] = QUERN_TYPE_TEXT,
	};

	return types[f->type];
}

uint64_t qn_results_nvalues(const struct quern_result *r, const struct qn_field *f)
{
	return (f->per_row ? r->nrows : 1) * qn_field_nvalues(f);
}

static void add_dimension(struct quern_field *out, uint64_t extent, const char *name)
{
	out->extent[out->ndims] = extent;
	out->dim[out->ndims++] = name;
}

size_t quern_result_nfields(const struct quern_result *r)
{
	return r ? r->nlabels : 0;
}

bool quern_result_field(const struct quern_result *r, size_t i, struct quern_field *out)
{
	struct quern_field field = { .ndims = 0 };
	const struct qn_field *f;

	if (i >= quern_result_nfields(r))
		return false;
	f = &r->field[i];
	field.name = r->label[i].name;
	field.units = r->label[i].units;
	field.calendar = f->dates && f->along->calendar ? f->along->calendar : "";
	field.type = qn_results_type(f);
	field.nvalues = qn_results_nvalues(r, f);
	for (size_t k = 0; f->per_row && k < r->naxes; k++)
		add_dimension(&field, r->axis[k].n, r->axis[k].name);
	if (f->array)
		add_dimension(&field, f->n, qn_field_dimension(r, f, 0));
	if (f->array && f->ncols)
		add_dimension(&field, f->ncols, qn_field_dimension(r, f, 1));
	give(&field, sizeof(field), out, out->size);
	return true;
}

bool quern_result_find(const struct quern_result *r, const char *name, struct quern_field *out)
{
	for (size_t i = 0; i < quern_result_nfields(r); i++)
		if (!strcmp(r->label[i].name, name))
			return quern_result_field(r, i, out);
	return false;
}

size_t quern_result_naxes(const struct quern_result *r)
{
	return r ? r->naxes : 0;
}

const struct qn_field *qn_results_coordinates(const struct quern_result *r, size_t axis)
{
	return axis < quern_result_naxes(r) ? &r->axis[axis].coordinate : NULL;
}

bool quern_result_axis(const struct quern_result *r, size_t i, struct quern_axis *out)
{
	struct quern_axis axis;
	const struct qn_result_axis *a;

	if (i >= quern_result_naxes(r))
		return false;
	a = &r->axis[i];
	axis = (struct quern_axis){
		.name = a->name,
		.extent = a->n,
		.type = a->coordinate.type == QN_FIELD_NULL && a->texts
				? QUERN_TYPE_TEXT
				: qn_results_type(&a->coordinate),
		.units = a->units ? a->units : "",
		.calendar = a->calendar ? a->calendar : "",
		.is_groups = a->dim < 0,
		.has_dates = a->texts != NULL,
	};
	give(&axis, sizeof(axis), out, out->size);
	return true;
}
