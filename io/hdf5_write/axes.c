#include "io/hdf5_write/axes.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"

#define BOUNDS "bnds" /* the dimension of two */

/* A field of an axis as a variable of its own: scalar, or on the dimensions of the scales. Open; negative
   on failure. */
static hid_t put_axis_values(struct qn_nc *w, const char *name, enum quern_dtype dtype,
			     const struct qn_field *f, int ndims, const hsize_t *shape)
{
	const bool is_real = f->type == QN_FIELD_REAL;
	const hid_t type = qn_nc_type(is_real && dtype != QUERN_F32 ? QUERN_F64 : dtype);
	hid_t space = ndims ? H5Screate_simple(ndims, shape, NULL) : H5Screate(H5S_SCALAR), id = -1;

	if (space >= 0)
		id = qn_nc_create(w, name, type, space, -1);
	qn_h5_close(space);
	if (id >= 0 && H5Dwrite(id, is_real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, H5S_ALL,
				H5S_ALL, H5P_DEFAULT, f->v.ints) >= 0)
		return id;
	qn_h5_close(id);
	return -1;
}

/* Texts, where there are no numbers for them. */
static hid_t put_axis_texts(struct qn_nc *w, const char *name, const struct qn_result_axis *a)
{
	const hsize_t n = a->n;
	hid_t type = qn_nc_text_type(), space = H5Screate_simple(1, &n, NULL), id = -1;

	if (type >= 0 && space >= 0)
		id = qn_nc_create(w, name, type, space, -1);
	if (id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->texts) < 0) {
		qn_h5_close(id);
		id = -1;
	}
	qn_h5_close(space);
	qn_h5_close(type);
	return id;
}

static bool has_bounds(const struct qn_result_axis *a)
{
	return a->bounds.type == QN_FIELD_REAL || a->bounds.type == QN_FIELD_INT;
}

/* As in the input, where the name begins with that of the axis and so is no other one's. */
static bool name_bounds(const struct qn_result_axis *a, const char *axis, char name[QN_NC_NAME])
{
	const char *known = a->bounds_name ? a->bounds_name : "";
	const bool is_own = !strncmp(known, axis, strlen(axis)) && known[strlen(axis)] == '_' &&
			    !strchr(known, '/');

	return snprintf(name, QN_NC_NAME, "%s%s", is_own ? known : axis, is_own ? "" : "_bnds") <
	       QN_NC_NAME;
}

#define MOST_FLAGS 256

/* Numbers that stand for words, as seasons do. */
static bool has_flags(const struct qn_result_axis *a)
{
	return a->texts && !a->units && a->coordinate.type == QN_FIELD_INT && a->n > 0 &&
	       a->n <= MOST_FLAGS;
}

static bool put_flags(hid_t id, const struct qn_result_axis *a)
{
	const hsize_t n = a->n;
	hid_t space = H5Screate_simple(1, &n, NULL), flags = -1;
	char *text = NULL;
	size_t nbytes;
	FILE *f = qn_open_memstream(&text, &nbytes);
	bool ok;

	for (uint64_t i = 0; f && i < a->n; i++)
		fprintf(f, "%s%s", i ? " " : "", a->texts[i]);
	ok = f && !fclose(f) && qn_nc_put_text(id, "flag_meanings", text);
	if (ok && space >= 0)
		flags = H5Acreate2(id, "flag_values", qn_nc_type(a->dtype), space, H5P_DEFAULT,
				   H5P_DEFAULT);
	ok = flags >= 0 && H5Awrite(flags, H5T_NATIVE_INT64, a->coordinate.v.ints) >= 0;
	qn_h5_close(flags);
	qn_h5_close(space);
	free(text);
	return ok;
}

static bool put_attributes(hid_t id, const struct qn_result_axis *a, const char *axis)
{
	char bounds[QN_NC_NAME];
	bool ok = true;

	for (size_t i = 0; ok && i + 1 < a->attributes.n; i += 2)
		ok = qn_nc_put_text(id, a->attributes.name[i], a->attributes.name[i + 1]);
	if (ok && a->units)
		ok = qn_nc_put_text(id, "units", a->units);
	if (ok && a->calendar)
		ok = qn_nc_put_text(id, "calendar", a->calendar);
	if (ok && has_flags(a))
		ok = put_flags(id, a);
	if (ok && has_bounds(a))
		ok = name_bounds(a, axis, bounds) && qn_nc_put_text(id, "bounds", bounds);
	return ok;
}

/* scale: of the axis; negative: it is no dimension any more. */
static bool write_bounds(struct qn_nc *w, const struct qn_result_axis *a, const char *axis,
			 hid_t scale)
{
	const int ndims = scale < 0 ? 1 : 2;
	const hsize_t shape[2] = { a->n, 2 };
	char name[QN_NC_NAME];
	hid_t scales[2] = { scale, -1 }, id = -1;
	bool ok;

	if (!has_bounds(a))
		return true;
	scales[1] = qn_nc_dimension(w, BOUNDS, 'n', 2);
	if (scales[1] >= 0 && name_bounds(a, axis, name))
		id = put_axis_values(w, name, a->dtype, &a->bounds, ndims, shape + 2 - ndims);
	ok = id >= 0 && qn_nc_attach(id, ndims, scales + 2 - ndims);
	qn_h5_close(id);
	return ok;
}

/* Its number is told apart from those of the same name. */
static bool name_axis(const struct qn_nc *w, const struct qn_result_axis *a, char name[QN_NC_NAME])
{
	if (snprintf(name, QN_NC_NAME, "%s", a->name) >= QN_NC_NAME)
		return false;
	return qn_nc_look(w, name) == w->ndims ||
	       snprintf(name, QN_NC_NAME, "%s_%d", a->name, a->dim) < QN_NC_NAME;
}

/* A dimension of the result, with its coordinate if it has one. */
static bool write_axis(struct qn_nc *w, const struct qn_result_axis *a)
{
	const hsize_t n = a->n;
	const bool has_numbers = a->coordinate.type != QN_FIELD_NULL;
	char name[QN_NC_NAME];
	hid_t id;

	if (!name_axis(w, a, name))
		return false;
	if (!has_numbers && !a->texts)
		return qn_nc_dimension(w, name, 'n', a->n) >= 0;
	id = has_numbers ? put_axis_values(w, name, a->dtype, &a->coordinate, 1, &n)
			 : put_axis_texts(w, name, a);
	if (id >= 0 && put_attributes(id, a, name) && qn_nc_make_scale(w, name, a->n, id))
		return true;
	qn_h5_close(id);
	return false;
}

/* What a key has for each combination of groups. */
static bool write_key(struct qn_nc *w, const struct qn_result_axis *a, hid_t scale)
{
	const hsize_t n = a->n;
	const bool is_text = a->coordinate.type == QN_FIELD_NULL;
	hid_t id = -1;
	bool ok;

	if (strlen(a->name) < QN_NC_NAME)
		id = is_text ? put_axis_texts(w, a->name, a)
			     : put_axis_values(w, a->name, a->dtype, &a->coordinate, 1, &n);
	ok = id >= 0 && put_attributes(id, a, a->name) && qn_nc_attach(id, 1, &scale) &&
	     write_bounds(w, a, a->name, scale);
	qn_h5_close(id);
	return ok;
}

/* A coordinate of one value, for all cells. It gives way to whatever is called like it. */
static bool write_reduced(struct qn_nc *w, const struct qn_labels *l,
			  const struct qn_result_axis *a)
{
	hid_t id;
	bool ok;

	if (strlen(a->name) >= QN_NC_NAME || !strcmp(a->name, l->name) ||
	    H5Lexists(w->file, a->name, H5P_DEFAULT) > 0)
		return true;
	id = put_axis_values(w, a->name, a->dtype, &a->coordinate, 0, NULL);
	ok = id >= 0 && put_attributes(id, a, a->name) && write_bounds(w, a, a->name, -1);
	qn_h5_close(id);
	return ok;
}

bool qn_h5_write_axes(struct qn_nc *w, const struct qn_labels *labels,
		      const struct quern_result *result)
{
	bool ok = true;

	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_axis(w, &result->axis[i]);
	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_bounds(w, &result->axis[i], w->dim[i].name, w->dim[i].id);
	for (size_t i = 0; ok && i < result->naxes; i++)
		for (size_t k = 0; ok && k < result->axis[i].nkeys; k++)
			ok = write_key(w, &result->axis[i].key[k], w->dim[i].id);
	for (size_t i = 0; ok && i < result->nreduced; i++)
		ok = write_reduced(w, labels, &result->reduced[i]);
	return ok;
}
