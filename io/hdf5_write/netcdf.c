#include "io/hdf5_write/netcdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dataset.h"
#include "io/hdf5_library/file.h"

#define NO_VARIABLE "This is a netCDF dimension but not a netCDF variable. %10zu"

bool qn_nc_init(struct qn_nc *w, int fd)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_FILE_CREATE);
	unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

	w->sink = NULL;
	w->file = -1;
	w->ndims = w->nothers = 0;
	w->coordinates = NULL;
	w->of = "";
	if (access >= 0 && plist >= 0 &&
	    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST) >= 0 &&
	    H5Pset_link_creation_order(plist, order) >= 0 &&
	    H5Pset_attr_creation_order(plist, order) >= 0)
		w->sink = qn_h5_sink_open(fd, access, plist, &w->file);
	qn_h5_close(plist);
	qn_h5_close(access);
	return w->sink != NULL;
}

bool qn_nc_fini(struct qn_nc *w, int *why)
{
	bool ok = true;

	*why = 0;
	for (int i = 0; i < w->ndims; i++) {
		qn_h5_close(w->dim[i].id);
		free(w->dim[i].edges);
	}
	if (w->sink)
		ok = qn_h5_sink_close(w->sink, w->file, why);
	free(w->coordinates);
	return ok;
}

bool qn_nc_put_value(hid_t where, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR), a = -1;
	bool ok;

	if (space >= 0)
		a = H5Acreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	ok = a >= 0 && H5Awrite(a, type, value) >= 0;
	qn_h5_close(a);
	qn_h5_close(space);
	return ok;
}

bool qn_nc_put_text(hid_t where, const char *name, const char *text)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	char *utf8 = qn_text_utf8(text, strlen(text));
	bool ok = type >= 0 && utf8 && H5Tset_size(type, strlen(utf8) + 1) >= 0 &&
		  H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && qn_nc_put_value(where, name, type, utf8);

	free(utf8);
	qn_h5_close(type);
	return ok;
}

hid_t qn_nc_text_type(void)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	if (type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
	    H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
		return type;
	qn_h5_close(type);
	return -1;
}

hid_t qn_nc_type(enum quern_dtype t)
{
	switch (t) {
	case QUERN_I8:
		return H5T_NATIVE_INT8;
	case QUERN_U8:
		return H5T_NATIVE_UINT8;
	case QUERN_I16:
		return H5T_NATIVE_INT16;
	case QUERN_U16:
		return H5T_NATIVE_UINT16;
	case QUERN_I32:
		return H5T_NATIVE_INT32;
	case QUERN_U32:
		return H5T_NATIVE_UINT32;
	case QUERN_U64:
		return H5T_NATIVE_UINT64;
	case QUERN_F32:
		return H5T_NATIVE_FLOAT;
	case QUERN_F64:
		return H5T_NATIVE_DOUBLE;
	default:
		return H5T_NATIVE_INT64;
	}
}

hid_t qn_nc_create(const struct qn_nc *w, const char *name, hid_t type, hid_t space, hid_t plist)
{
	hid_t own = plist < 0 ? H5Pcreate(H5P_DATASET_CREATE) : -1, id = -1;

	plist = plist < 0 ? own : plist;
	/* NetCDF-4 wants to know the order of attributes. */
	if (plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0 &&
	    H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
		id = name ? H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT)
			  : H5Dcreate_anon(w->file, type, space, plist, H5P_DEFAULT);
	qn_h5_close(own);
	return id;
}

/* --- dimensions --- */

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Values of 8 bytes, to the bit. */
static bool same_values(const struct qn_field *a, const struct qn_field *b, size_t n)
{
	return a->type == b->type &&
	       (a->type == QN_FIELD_NULL || !memcmp(a->v.ints, b->v.ints, n * sizeof(*a->v.ints)));
}

static bool same_texts(char **a, char **b, uint64_t n)
{
	bool same = !a == !b;

	for (uint64_t i = 0; same && a && i < n; i++)
		same = !strcmp(a[i], b[i]);
	return same;
}

bool qn_nc_same_axis(const struct qn_result_axis *a, const struct qn_result_axis *b)
{
	return a->n == b->n && !a->nkeys && !b->nkeys && a->dtype == b->dtype &&
	       a->ndims == b->ndims && a->is_climatology == b->is_climatology &&
	       same_text(a->name, b->name) && same_text(a->units, b->units) &&
	       same_text(a->calendar, b->calendar) &&
	       same_values(&a->coordinate, &b->coordinate, a->n) &&
	       same_values(&a->bounds, &b->bounds, 2 * a->n) &&
	       same_texts(a->texts, b->texts, a->n);
}

bool qn_nc_has(const struct qn_nc *w, const char *name)
{
	return H5Lexists(w->file, name, H5P_DEFAULT) > 0;
}

void qn_nc_new_name(const struct qn_nc *w, const char *text, char name[QN_NC_NAME])
{
	size_t n;

	qn_text_name(text, QN_NAME_NBYTES, name);
	n = strlen(name);
	for (int i = 2; qn_nc_has(w, name); i++)
		snprintf(name + n, QN_NC_NAME - n, "_%d", i);
}

/* Has a dataset be a dimension scale. label: its name, or that it is no variable. */
static bool add_dim(struct qn_nc *w, const char *name, const char *label, size_t length,
		    bool is_axis, hid_t id)
{
	struct qn_nc_dim *d = &w->dim[w->ndims];

	if (w->ndims == QN_NC_MAX_DIMS || !qn_nc_put_text(id, "CLASS", "DIMENSION_SCALE") ||
	    !qn_nc_put_text(id, "NAME", label) ||
	    !qn_nc_put_value(id, "_Netcdf4Dimid", H5T_NATIVE_INT, &w->ndims))
		return false;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->length = length;
	d->id = id;
	d->is_axis = is_axis;
	d->axis = d->times = NULL;
	d->edges = NULL;
	d->words[0] = d->groups[0] = '\0';
	w->ndims++;
	return true;
}

bool qn_nc_make_scale(struct qn_nc *w, const char *name, size_t length, bool is_axis, hid_t id)
{
	return add_dim(w, name, name, length, is_axis, id);
}

/* A dimension without values: a dimension scale that says so. */
static hid_t create_dim(struct qn_nc *w, const char *name, size_t length, bool is_axis)
{
	char label[96];
	hsize_t n = length;
	hid_t space = H5Screate_simple(1, &n, NULL), id = -1;

	snprintf(label, sizeof(label), NO_VARIABLE, length);
	if (space >= 0)
		id = qn_nc_create(w, name, H5T_IEEE_F32BE, space, -1);
	qn_h5_close(space);
	if (id >= 0 && add_dim(w, name, label, length, is_axis, id))
		return id;
	qn_h5_close(id);
	return -1;
}

bool qn_nc_add_axis(struct qn_nc *w, const char *name, size_t length)
{
	return create_dim(w, name, length, true) >= 0;
}

/* A dimension of that name that arrays share. */
static hid_t find_dim(const struct qn_nc *w, const char *name, size_t length)
{
	for (int i = 0; i < w->ndims; i++)
		if (!w->dim[i].is_axis && w->dim[i].length == length &&
		    !strcmp(w->dim[i].name, name))
			return w->dim[i].id;
	return -1;
}

bool qn_nc_has_dimension(const struct qn_nc *w, const char *name, size_t length)
{
	return find_dim(w, name, length) >= 0;
}

hid_t qn_nc_dimension(struct qn_nc *w, const char *name, char letter, size_t length)
{
	char text[QN_NC_NAME], by_length[32];
	hid_t id;

	snprintf(by_length, sizeof(by_length), "%c%zu", letter, length);
	snprintf(text, sizeof(text), "%s", name ? name : by_length);
	id = find_dim(w, text, length);
	if (id < 0 && qn_nc_has(w, text)) {
		id = find_dim(w, by_length, length);
		qn_nc_new_name(w, by_length, text);
	}
	return id < 0 ? create_dim(w, text, length, false) : id;
}

bool qn_nc_attach(hid_t variable, int ndims, const hid_t *scale)
{
	hobj_ref_t ref[QUERN_MAX_DIMS + 2];
	hvl_t list[QUERN_MAX_DIMS + 2];
	hsize_t n = (hsize_t)ndims;
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space = H5Screate_simple(1, &n, NULL), a = -1;
	bool ok = type >= 0 && space >= 0;

	for (int i = 0; ok && i < ndims; i++) {
		ok = H5Rcreate(&ref[i], scale[i], ".", H5R_OBJECT, -1) >= 0;
		list[i] = (hvl_t){ 1, &ref[i] };
	}
	if (ok)
		a = H5Acreate2(variable, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	ok = a >= 0 && H5Awrite(a, type, list) >= 0;
	qn_h5_close(a);
	qn_h5_close(space);
	qn_h5_close(type);
	return ok;
}
