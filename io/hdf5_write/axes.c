#include "io/hdf5_write/axes.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
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
static void name_bounds(const struct qn_nc *w, const struct qn_result_axis *a, const char *axis,
			char name[QN_NC_NAME])
{
	const char *known = a->bounds_name ? a->bounds_name : "";
	const bool is_own = !strncmp(known, axis, strlen(axis)) && known[strlen(axis)] == '_' &&
			    !strchr(known, '/');
	char text[QN_NC_NAME];

	if (a->is_climatology)
		snprintf(text, sizeof(text), "climatology_" BOUNDS);
	else
		snprintf(text, sizeof(text), "%s%s", is_own ? known : axis,
			 is_own ? "" : "_" BOUNDS);
	qn_nc_new_name(w, text, name);
}

#define MOST_FLAGS 256

/* Numbers that stand for words, as seasons do. */
static bool has_words(const struct qn_result_axis *a)
{
	return a->texts && !a->units && a->coordinate.type == QN_FIELD_INT;
}

/* Words that an attribute can have, with blanks between them; others are a variable. */
static bool has_flags(const struct qn_result_axis *a)
{
	bool has = has_words(a) && a->n > 0 && a->n <= MOST_FLAGS;

	for (uint64_t i = 0; has && i < a->n; i++)
		has = *a->texts[i] && !strpbrk(a->texts[i], " \t\n");
	return has;
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

static bool put_fill(hid_t id, const struct qn_result_axis *a)
{
	const float single = (float)QN_FILL_REAL;
	const double real = QN_FILL_REAL;

	if (!a->has_fill)
		return true;
	return a->dtype == QUERN_F32 ? qn_nc_put_value(id, "_FillValue", H5T_NATIVE_FLOAT, &single)
				     : qn_nc_put_value(id, "_FillValue", H5T_NATIVE_DOUBLE, &real);
}

static bool put_attributes(hid_t id, const struct qn_result_axis *a)
{
	bool ok = put_fill(id, a);

	for (size_t i = 0; ok && i + 1 < a->attributes.n; i += 2)
		ok = qn_nc_put_text(id, a->attributes.name[i], a->attributes.name[i + 1]);
	if (ok && a->units)
		ok = qn_nc_put_text(id, "units", a->units);
	if (ok && a->calendar)
		ok = qn_nc_put_text(id, "calendar", a->calendar);
	return ok && (!has_flags(a) || put_flags(id, a));
}

/* Of the coordinate `axis`, which is open as id, on these dimensions of the file. */
static bool write_bounds(struct qn_nc *w, const struct qn_result_axis *a, const char *axis,
			 hid_t coordinate, int ndims, const int *on)
{
	hsize_t shape[QUERN_MAX_DIMS + 1];
	hid_t scale[QUERN_MAX_DIMS + 1], id = -1;
	char name[QN_NC_NAME];
	bool ok;

	if (!has_bounds(a))
		return true;
	for (int k = 0; k < ndims; k++) {
		shape[k] = w->dim[on[k]].length;
		scale[k] = w->dim[on[k]].id;
	}
	shape[ndims] = 2;
	scale[ndims] = qn_nc_dimension(w, BOUNDS, 'n', 2);
	name_bounds(w, a, axis, name);
	if (scale[ndims] >= 0 &&
	    qn_nc_put_text(coordinate, a->is_climatology ? "climatology" : "bounds", name))
		id = put_axis_values(w, name, a->dtype, &a->bounds, ndims + 1, shape);
	ok = id >= 0 && qn_nc_attach(id, ndims + 1, scale);
	qn_h5_close(id);
	return ok;
}

/* The numbers of dimensions tell those of one name apart; the groups of other datasets are called after these. */
static void name_axis(const struct qn_nc *w, const struct qn_result_axis *a, char name[QN_NC_NAME])
{
	char text[QN_NC_NAME];

	qn_text_name(a->name, QN_NAME_NBYTES, text);
	if (qn_nc_has(w, text) && a->dim >= 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "_%d", a->dim);
	else if (qn_nc_has(w, text))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "_%s", w->of);
	qn_nc_new_name(w, text, name);
}

/* A dimension, with its coordinate if it has one. */
static bool write_new_axis(struct qn_nc *w, const struct qn_result_axis *a)
{
	const hsize_t n = a->n;
	const bool has_numbers = a->coordinate.type != QN_FIELD_NULL;
	char name[QN_NC_NAME];
	hid_t id;

	name_axis(w, a, name);
	if (!has_numbers && !a->texts)
		return qn_nc_add_axis(w, name, a->n);
	id = has_numbers ? put_axis_values(w, name, a->dtype, &a->coordinate, 1, &n)
			 : put_axis_texts(w, name, a);
	if (id >= 0 && put_attributes(id, a) && qn_nc_make_scale(w, name, a->n, true, id))
		return true;
	qn_h5_close(id);
	return false;
}

/* The times of the groups of an axis that are the coordinate of the dimension; NULL: it is its own. */
static const struct qn_result_axis *times_of(const struct quern_result *r, size_t axis)
{
	for (size_t i = 0; i < r->nothers; i++)
		if (r->other[i].leads && r->other[i].on[0] == (int)axis)
			return &r->other[i];
	return NULL;
}

/* Is a dimension of another result the same? */
static bool is_same_dim(const struct qn_nc_dim *d, const struct quern_result *r, size_t at)
{
	const struct qn_result_axis *times = times_of(r, at);

	return d->axis && qn_nc_same_axis(d->axis, &r->axis[at]) && !d->times == !times &&
	       (!times || qn_nc_same_axis(d->times, times));
}

/* Its number; w->ndims: there is none. */
static int find_same(const struct qn_nc *w, const struct quern_result *r, size_t at)
{
	for (int i = 0; i < w->ndims; i++) {
		bool is_own = false;

		for (size_t k = 0; k < at; k++)
			is_own = is_own || w->of_axis[k] == i;
		if (!is_own && is_same_dim(&w->dim[i], r, at))
			return i;
	}
	return w->ndims;
}

/* A dimension of the result. *is_new: it was not there yet. */
static bool write_axis(struct qn_nc *w, const struct quern_result *r, size_t i, bool *is_new)
{
	const int known = find_same(w, r, i);
	const struct qn_result_axis *times = times_of(r, i);

	*is_new = known == w->ndims;
	w->of_axis[i] = known;
	if (!*is_new)
		return true;
	if (!write_new_axis(w, times ? times : &r->axis[i]) || w->ndims != known + 1)
		return false;
	w->dim[known].axis = &r->axis[i];
	w->dim[known].times = times;
	return true;
}

static bool list_coordinate(struct qn_nc *w, const char *name)
{
	char *text = NULL;
	const bool ok = qn_asprintf(&text, "%s%s%s", w->coordinates ? w->coordinates : "",
				    w->coordinates ? " " : "", name) >= 0;

	if (ok) {
		free(w->coordinates);
		w->coordinates = text;
	}
	return ok;
}

/* For CDO, which says of each coordinate that is neither a place nor the time axis that it cannot use it, or takes it for
   data: such a variable with coordinates, `of`, it leaves alone without a word. */
static bool hide(hid_t id, const char *of)
{
	return qn_nc_put_text(id, "cdi", "ignore") && qn_nc_put_text(id, "coordinates", of);
}

/* Words that are no flags, as an auxiliary coordinate beside the numbers `axis` (CF, 6.1). is_new: it is not there
   yet. */
static bool write_words(struct qn_nc *w, const struct qn_result_axis *a, const char *axis, int dim,
			bool is_new)
{
	char text[QN_NC_NAME + sizeof("_label")], *name = w->dim[dim].words;
	hid_t id;
	bool ok;

	if (!has_words(a) || has_flags(a) || !a->n)
		return true;
	if (!is_new)
		return list_coordinate(w, name);
	snprintf(text, sizeof(text), "%s_label", axis);
	qn_nc_new_name(w, text, name);
	id = put_axis_texts(w, name, a);
	ok = id >= 0 && qn_nc_put_text(id, "long_name", a->name) && hide(id, axis) &&
	     qn_nc_attach(id, 1, &w->dim[dim].id) && list_coordinate(w, name);
	qn_h5_close(id);
	return ok;
}

/* What a key has for each group or combination of groups, along that dimension of the file. of: its coordinate; NULL: it
   has none. */
static bool write_key(struct qn_nc *w, const struct qn_result_axis *a, int dim, const char *of,
		      char name[QN_NC_NAME])
{
	const hsize_t n = a->n;
	hid_t id;
	bool ok;

	name_axis(w, a, name);
	id = a->coordinate.type == QN_FIELD_NULL
		     ? put_axis_texts(w, name, a)
		     : put_axis_values(w, name, a->dtype, &a->coordinate, 1, &n);
	ok = id >= 0 && put_attributes(id, a) && hide(id, of ? of : name) &&
	     qn_nc_attach(id, 1, &w->dim[dim].id) && write_bounds(w, a, name, id, 1, &dim) &&
	     list_coordinate(w, name) && write_words(w, a, name, dim, true);
	qn_h5_close(id);
	return ok;
}

/* That of another result which has the name serves where it is the same. */
static bool list_known(struct qn_nc *w, const struct qn_result_axis *a, const char *name)
{
	for (int i = 0; i < w->nothers; i++)
		if (qn_nc_same_axis(w->other[i], a))
			return list_coordinate(w, name);
	return true;
}

/* A coordinate that is no dimension. It gives way to whatever is called like it. */
static bool write_other(struct qn_nc *w, const struct qn_labels *l, const struct qn_result_axis *a)
{
	char name[QN_NC_NAME], of_data[QN_NC_NAME];
	hsize_t shape[QUERN_MAX_DIMS];
	hid_t scale[QUERN_MAX_DIMS], id;
	int on[QUERN_MAX_DIMS];
	bool ok;

	qn_text_name(a->name, QN_NAME_NBYTES, name);
	qn_text_name(l->name, QN_NAME_NBYTES, of_data);
	if (!strcmp(name, of_data) || qn_nc_has(w, name))
		return list_known(w, a, name);
	for (int k = 0; k < a->ndims; k++) {
		on[k] = w->of_axis[a->on[k]];
		shape[k] = w->dim[on[k]].length;
		scale[k] = w->dim[on[k]].id;
	}
	id = put_axis_values(w, name, a->dtype, &a->coordinate, a->ndims, shape);
	ok = id >= 0 && put_attributes(id, a) && (!a->is_hidden || hide(id, name)) &&
	     (!a->ndims || qn_nc_attach(id, a->ndims, scale)) &&
	     write_bounds(w, a, name, id, a->ndims, on) && list_coordinate(w, name);
	qn_h5_close(id);
	if (w->nothers < QN_NC_MAX_DIMS)
		w->other[w->nothers++] = a;
	return ok;
}

/* What belongs to a dimension of the result, which is there. */
static bool write_beside(struct qn_nc *w, const struct quern_result *r, size_t i, bool is_new)
{
	const int dim = w->of_axis[i];
	const struct qn_result_axis *times = times_of(r, i), *a = &r->axis[i];
	struct qn_nc_dim *d = &w->dim[dim];

	if (is_new && !write_bounds(w, times ? times : a, d->name, d->id, 1, &dim))
		return false;
	if (!times)
		return write_words(w, a, d->name, dim, is_new);
	return is_new ? write_key(w, a, dim, d->name, d->groups) : list_coordinate(w, d->groups);
}

bool qn_h5_write_axes(struct qn_nc *w, const struct qn_labels *labels,
		      const struct quern_result *result)
{
	char name[QN_NC_NAME];
	bool is_new[QUERN_MAX_DIMS], ok = result->naxes <= QUERN_MAX_DIMS;

	free(w->coordinates);
	w->coordinates = NULL;
	w->of = labels->name;
	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_axis(w, result, i, &is_new[i]);
	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_beside(w, result, i, is_new[i]);
	for (size_t i = 0; ok && i < result->naxes; i++)
		for (size_t k = 0; ok && k < result->axis[i].nkeys; k++)
			ok = write_key(w, &result->axis[i].key[k], w->of_axis[i], NULL, name);
	for (size_t i = 0; ok && i < result->nothers; i++)
		ok = result->other[i].leads || write_other(w, labels, &result->other[i]);
	return ok;
}
