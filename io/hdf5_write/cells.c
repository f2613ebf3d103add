/*
 * cells.c - the variables of a result with axes, in the order of its fields: they get their values as the rows come,
 * and their names at the end, when all is known of them.
 */
#include "io/hdf5_write/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_write/axes.h"
#include "io/hdf5_write/bins.h"
#include "io/hdf5_write/describe.h"
#include "io/hdf5_write/variable.h"
#include "kernel/collect.h"
#include "fields/fields.h"

struct qn_h5_cells {
	struct qn_nc *nc;
	const struct qn_labels *labels;
	/* Axes are borrowed; of fields only those that are the same in all rows have values. */
	struct quern_result result;
	struct qn_variable *variable; /* owned: one a field, once rows have come */
};

struct qn_h5_cells *qn_h5_cells_begin(struct qn_nc *w, const struct qn_labels *labels,
				      const struct quern_result *axes)
{
	struct qn_h5_cells *c = qn_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->nc = w;
	c->labels = labels;
	c->result.naxes = axes->naxes;
	c->result.axis = axes->axis;
	c->result.nrows = axes->nrows;
	if (qn_h5_write_axes(w, labels, axes))
		return c;
	qn_h5_cells_end(c, false);
	return NULL;
}

/* --- rows --- */

/* Which fields there are the first rows tell. */
static bool begin_fields(struct qn_h5_cells *c, const struct quern_result *rows)
{
	struct quern_result *r = &c->result;

	if (c->variable)
		return r->nfields == rows->nfields;
	c->variable = qn_calloc(rows->nfields, sizeof(*c->variable));
	if (!c->variable || !qn_collect_fields(r, rows))
		return false;
	for (size_t i = 0; i < r->nfields; i++)
		c->variable[i] = (struct qn_variable){ .nc = c->nc,
						       .labels = c->labels,
						       .result = r,
						       .field = &r->field[i],
						       .id = -1,
						       .space = -1 };
	return true;
}

bool qn_h5_cells_put(struct qn_h5_cells *c, const struct quern_result *rows)
{
	bool ok = begin_fields(c, rows);

	for (size_t i = 0; ok && i < rows->nfields; i++)
		ok = c->result.field[i].per_row
			     ? qn_variable_put(&c->variable[i], &rows->field[i], rows->nrows)
			     : qn_collect_shared(&c->result.field[i], &rows->field[i]);
	return ok;
}

/* --- names --- */

/* _FillValue must be of the type of the variable. */
static bool put_fill(const struct qn_variable *v)
{
	union qn_cell fill = v->form.fill;

	return qn_field_is_coordinate(v->result, v->field) || !v->form.has_fill ||
	       (H5Tconvert(v->form.memory, v->form.file, 1, &fill, NULL, H5P_DEFAULT) >= 0 &&
		qn_nc_put_value(v->id, "_FillValue", v->form.file, &fill));
}

/* Has a variable the dimensions that it has, or be the coordinate of its own. Takes its id, if it succeeds. */
static bool attach(const struct qn_h5_cells *c, struct qn_variable *v, const char *name,
		   const hid_t *scale)
{
	const hid_t id = v->id;

	if (qn_field_is_coordinate(&c->result, v->field)) {
		if (!qn_nc_make_scale(c->nc, name, v->field->n, false, id))
			return false;
		v->id = -1; /* the scale has it */
		return true;
	}
	return qn_nc_attach(id, v->ndims, scale);
}

/* The dimensions of the rows, then those that a value has. */
static bool find_dimensions(const struct qn_h5_cells *c, const struct qn_variable *v, hid_t *scale)
{
	const struct qn_field *f = v->field;
	const int naxes = f->per_row ? (int)c->result.naxes : 0;
	bool ok = true;

	for (int i = 0; i < naxes; i++)
		scale[i] = c->nc->dim[c->nc->of_axis[i]].id;
	if (qn_field_is_coordinate(&c->result, f))
		return true;
	for (int i = naxes; ok && i < v->ndims; i++) {
		const int k = i - naxes;
		const char letter = k && f->ncols == f->n ? 'm' : 'n';

		scale[i] = qn_nc_dimension(
			c->nc, qn_h5_bins_name(c->nc, qn_field_dimension(&c->result, f, k)), letter,
			(size_t)v->shape[i]);
		ok = scale[i] >= 0;
	}
	return ok;
}

/* Named after the dataset alone where nothing else was computed of it, and no dimension is called so. */
static void name_field(const struct qn_h5_cells *c, const struct qn_field *f, char name[QN_NC_NAME])
{
	char text[QN_NC_NAME], own[QN_FIELD_NAME_NBYTES], clean[QN_NAME_NBYTES];

	if (qn_field_is_coordinate(&c->result, f)) {
		qn_nc_new_name(c->nc, f->name, name);
		return;
	}
	qn_text_name(c->labels->name, QN_NAME_NBYTES - sizeof(f->name), text);
	qn_text_name(qn_field_name(f, own), sizeof(clean), clean);
	if (f->along || qn_h5_count_fields(&c->result) > 1 || qn_nc_has(c->nc, text))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "_%s", clean);
	qn_nc_new_name(c->nc, text, name);
}

/* Is it the same in all rows, of which there are none, or a coordinate that another dataset in the file has
   brought? */
static bool is_left_out(const struct qn_h5_cells *c, const struct qn_field *f)
{
	return (!f->per_row && f->type == QN_FIELD_NULL) ||
	       (qn_field_is_coordinate(&c->result, f) && qn_nc_has_dimension(c->nc, f->name, f->n));
}

/* What is the same in all rows is all there now. */
static bool end_values(struct qn_variable *v)
{
	struct qn_field field = *v->field;
	bool ok = true;

	if (!v->field->per_row) {
		v->field->type = QN_FIELD_NULL;
		ok = qn_variable_put(v, &field, 1);
		v->field->v = field.v;
	}
	return ok && qn_variable_end(v);
}

static bool end_field(struct qn_h5_cells *c, struct qn_variable *v)
{
	hid_t scale[QN_VARIABLE_NDIMS];
	char name[QN_NC_NAME];

	if (is_left_out(c, v->field))
		return true;
	if (!end_values(v) || !find_dimensions(c, v, scale))
		return false;
	name_field(c, v->field, name);
	return H5Olink(v->id, c->nc->file, name, H5P_DEFAULT, H5P_DEFAULT) >= 0 && put_fill(v) &&
	       (qn_field_is_coordinate(&c->result, v->field)
			? qn_h5_describe_coordinate(v->id, v->field)
			: qn_h5_describe_field(v->id, c->nc, c->labels, &c->result, v->field)) &&
	       attach(c, v, name, scale);
}

/* Values of fields of rows are nowhere but in the file. */
static void free_fields(struct qn_h5_cells *c)
{
	for (size_t i = 0; i < c->result.nfields; i++)
		if (!c->result.field[i].per_row && c->result.field[i].type != QN_FIELD_NULL)
			free(c->result.field[i].v.ints);
	free(c->result.field);
}

bool qn_h5_cells_end(struct qn_h5_cells *c, bool ok)
{
	ok = ok && qn_h5_write_bins(c->nc, c->labels, &c->result);
	for (size_t i = 0; c->variable && i < c->result.nfields; i++) {
		ok = ok && end_field(c, &c->variable[i]);
		qn_variable_fini(&c->variable[i]);
	}
	free_fields(c);
	free(c->variable);
	free(c);
	return ok;
}
