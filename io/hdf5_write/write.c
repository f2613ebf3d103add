/*
 * write.c - a variable a field, with its units and what it is (kernel/fields.h), and what the result
 * says of itself as global attributes. A dimension of an array is a dimension scale. Where the field has
 * no name for it, or another array has the name with another length, it is named by its length, n50, and
 * the second dimension m50, because readers such as xarray refuse a variable with twice the same.
 *
 * Source for the names and attributes of dimension scales: HDF5 Dimension Scale Specification, and
 * the NetCDF-4 format specification, which calls dimensions without a variable by that NAME.
 */
#include "io/hdf5_library/open.h"
#include "io/hdf5_write/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5_library/file.h"
#include "io/hdf5_write/stage.h"
#include "base/text.h"
#include "kernel/fields.h"
#include "kernel/result.h"

#define MAX_DIMS      64
#define GROWTH_NBYTES (1u << 20) /* of a file in memory */
/* What netCDF has for no value. */
static const int64_t no_int = -9223372036854775806;
static const uint64_t no_uint = UINT64_C(18446744073709551614);

#define NO_VARIABLE "This is a netCDF dimension but not a netCDF variable. %10zu"

struct dim {
	char name[32];
	size_t length;
	hid_t id;
};

struct writer {
	hid_t file;
	const struct qn_labels *labels;
	int ndims;
	struct dim dim[MAX_DIMS];
};

static bool put_attribute(hid_t where, const char *name, hid_t type, const void *value)
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

/* Names and units of other files may be any bytes. */
static bool put_text(hid_t where, const char *name, const char *text)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	char *utf8 = qn_text_utf8(text, strlen(text));
	bool ok = type >= 0 && utf8 && H5Tset_size(type, strlen(utf8) + 1) >= 0 &&
		  H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && put_attribute(where, name, type, utf8);

	free(utf8);
	qn_h5_close(type);
	return ok;
}

static hid_t create(hid_t file, const char *name, hid_t type, hid_t space)
{
	hid_t plist = H5Pcreate(H5P_DATASET_CREATE), id = -1;

	/* NetCDF-4 wants to know the order of attributes. */
	if (plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0 &&
	    H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
		id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
	qn_h5_close(plist);
	return id;
}

/* A dimension without values: a dimension scale that says so. */
static hid_t create_dim(struct writer *w, const char *name, size_t length)
{
	char label[96];
	hsize_t n = length;
	hid_t space = H5Screate_simple(1, &n, NULL), id = -1;

	snprintf(label, sizeof(label), NO_VARIABLE, length);
	if (space >= 0)
		id = create(w->file, name, H5T_IEEE_F32BE, space);
	qn_h5_close(space);
	if (id >= 0 && put_text(id, "CLASS", "DIMENSION_SCALE") && put_text(id, "NAME", label))
		return id;
	qn_h5_close(id);
	return -1;
}

/* The place in w->dim of the name, or where it would be. */
static int look_for_dim(const struct writer *w, const char *name)
{
	int i = 0;

	while (i < w->ndims && strcmp(w->dim[i].name, name))
		i++;
	return i;
}

/* name: of the field's table, or NULL. */
static hid_t find_dim(struct writer *w, const char *name, char letter, size_t length)
{
	char text[32];
	int i = name ? look_for_dim(w, name) : 0;

	snprintf(text, sizeof(text), "%s", name ? name : "");
	if (!name || (i < w->ndims && w->dim[i].length != length)) {
		snprintf(text, sizeof(text), "%c%zu", letter, length);
		i = look_for_dim(w, text);
	}
	if (i < w->ndims)
		return w->dim[i].id;
	if (w->ndims == MAX_DIMS)
		return -1;
	w->dim[i] = (struct dim){ .length = length, .id = create_dim(w, text, length) };
	memcpy(w->dim[i].name, text, sizeof(text));
	return w->dim[i].id < 0 ? -1 : w->dim[w->ndims++].id;
}

/* The attribute by which a variable names the scales of its dimensions. */
static bool attach(hid_t variable, int ndims, const hid_t *scale)
{
	hobj_ref_t ref[2];
	hvl_t list[2];
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

/* What the variable is, in which units, and of integers what stands for no value. */
static bool describe(const struct writer *w, hid_t id, const struct qn_field *f, hid_t type)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	char *units = doc ? qn_field_units(doc, w->labels->units) : NULL;
	bool ok = true;

	if (doc)
		ok = units && put_text(id, "long_name", doc->doc) &&
		     (!units[0] || f->type == QN_FIELD_TEXT || put_text(id, "units", units));
	if (ok && f->type == QN_FIELD_DECIMAL)
		ok = put_text(id, "exact", f->v.digits);
	if (ok && f->type == QN_FIELD_NULL && H5Tequal(type, H5T_NATIVE_INT64) > 0)
		ok = put_attribute(id, "_FillValue", type, &no_int);
	if (ok && f->type == QN_FIELD_NULL && H5Tequal(type, H5T_NATIVE_UINT64) > 0)
		ok = put_attribute(id, "_FillValue", type, &no_uint);
	free(units);
	return ok;
}

static bool write_variable(struct writer *w, const struct qn_field *f, hid_t type,
			   const void *values)
{
	static const struct qn_field_doc none = { .name = NULL };
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const char *const *dim = doc ? doc->dim : none.dim;
	int ndims = !f->array ? 0 : f->ncols ? 2 : 1;
	hsize_t shape[2] = { f->n, f->ncols };
	hid_t scale[2], space, id = -1;
	bool ok;

	if (ndims > 0 && (scale[0] = find_dim(w, dim[0], 'n', f->n)) < 0)
		return false;
	if (ndims > 1 &&
	    (scale[1] = find_dim(w, dim[1], f->ncols == f->n ? 'm' : 'n', f->ncols)) < 0)
		return false;
	space = ndims ? H5Screate_simple(ndims, shape, NULL) : H5Screate(H5S_SCALAR);
	if (space >= 0)
		id = create(w->file, f->name, type, space);
	ok = id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
	     describe(w, id, f, type) && (!ndims || attach(id, ndims, scale));
	qn_h5_close(id);
	qn_h5_close(space);
	return ok;
}

/* As UTF-8 of variable length. */
static bool write_texts(struct writer *w, const struct qn_field *f)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	bool ok = type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
		  H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
		  write_variable(w, f, type,
				 f->array ? (const void *)f->v.texts : (const void *)&f->v.text);

	qn_h5_close(type);
	return ok;
}

/* A value that is not there: of the type that it would have. */
static bool write_null(struct writer *w, const struct qn_field *f)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const bool like_values = doc && doc->units == QN_UNITS_VALUE && strcmp(f->name, "mean");
	const enum quern_dtype dtype = w->labels->dtype;
	const struct qn_field text = { .name = "", .type = QN_FIELD_TEXT, .v.text = (char *)"" };
	const double nan_value = NAN;
	struct qn_field named = text;

	if (like_values && dtype == QUERN_TEXT) {
		memcpy(named.name, f->name, sizeof(named.name));
		return write_texts(w, &named);
	}
	if (like_values && dtype == QUERN_U64)
		return write_variable(w, f, H5T_NATIVE_UINT64, &no_uint);
	if (doc && (doc->integer || (like_values && dtype != QUERN_F32 && dtype != QUERN_F64)))
		return write_variable(w, f, H5T_NATIVE_INT64, &no_int);
	return write_variable(w, f, H5T_NATIVE_DOUBLE, &nan_value);
}

/* An integer of any size is a double, which is near, and its digits are an attribute. */
static bool write_field(struct writer *w, const struct qn_field *f)
{
	double near;

	switch (f->type) {
	case QN_FIELD_NULL:
		return write_null(w, f);
	case QN_FIELD_INT:
		return write_variable(w, f, H5T_NATIVE_INT64,
				      f->array ? (const void *)f->v.ints : &f->v.i);
	case QN_FIELD_UINT:
		return write_variable(w, f, H5T_NATIVE_UINT64,
				      f->array ? (const void *)f->v.uints : &f->v.u);
	case QN_FIELD_REAL:
		return write_variable(w, f, H5T_NATIVE_DOUBLE,
				      f->array ? (const void *)f->v.reals : &f->v.r);
	case QN_FIELD_TEXT:
		return write_texts(w, f);
	case QN_FIELD_DECIMAL:
		near = strtod(f->v.digits, NULL);
		return write_variable(w, f, H5T_NATIVE_DOUBLE, &near);
	}
	return false;
}

/* In memory: the library never has a file that it cannot write, which it would try again, and fall
   over, when the program ends. */
static hid_t create_file(void)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_FILE_CREATE), id = -1;
	unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

	if (access >= 0 && plist >= 0 && H5Pset_fapl_core(access, GROWTH_NBYTES, false) >= 0 &&
	    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST) >= 0 &&
	    H5Pset_link_creation_order(plist, order) >= 0 &&
	    H5Pset_attr_creation_order(plist, order) >= 0)
		id = H5Fcreate("quern", H5F_ACC_TRUNC, plist, access);
	qn_h5_close(plist);
	qn_h5_close(access);
	return id;
}

static bool put_global(hid_t file, const struct qn_global *g)
{
	const int64_t number = g->is_number ? strtoll(g->text, NULL, 10) : 0;

	return g->is_number ? put_attribute(file, g->name, H5T_NATIVE_INT64, &number)
			    : put_text(file, g->name, g->text);
}

static bool write_labels(hid_t file, const struct qn_labels *labels)
{
	bool ok = put_text(file, "Conventions", "CF-1.10");

	for (size_t i = 0; ok && i < labels->n; i++)
		ok = put_global(file, &labels->label[i]);
	return ok;
}

enum quern_status qn_hdf5_write(const char *file, const struct qn_labels *labels,
				const struct quern_result *result, void **image, size_t *nbytes,
				struct quern_message *err)
{
	struct qn_h5_caller caller;
	struct writer w = { .labels = labels };
	enum quern_status st = QUERN_OK;
	bool ok;

	qn_h5_enter(&caller);
	w.file = create_file();
	ok = w.file >= 0 && write_labels(w.file, labels);
	for (size_t i = 0; ok && i < result->nfields; i++)
		ok = write_field(&w, &result->field[i]);
	*image = ok ? qn_h5_image(w.file, nbytes) : NULL;
	if (!*image)
		st = qn_h5_fail_write(err, file, NULL, "cannot be made");
	for (int i = 0; i < w.ndims; i++)
		qn_h5_close(w.dim[i].id);
	qn_h5_close(w.file);
	qn_h5_leave(&caller);
	return st;
}

/* By what write_labels writes. */
bool qn_hdf5_is_result(const char *file)
{
	static const char *const label[] = { "kernel", "source", "dataset", "units" };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_h5_caller caller;
	hid_t id = -1;
	bool is;

	qn_h5_enter(&caller);
	is = qn_h5_open_file(file, &id, &err) == QUERN_OK;
	for (size_t i = 0; is && i < sizeof(label) / sizeof(*label); i++)
		is = H5Aexists(id, label[i]) > 0;
	qn_h5_close(id);
	qn_h5_leave(&caller);
	return is;
}

void qn_hdf5_version(char *out, size_t nbytes)
{
	unsigned major = 0, minor = 0, release = 0;
	struct qn_h5_caller caller;

	qn_h5_enter(&caller);
	H5get_libversion(&major, &minor, &release);
	qn_h5_leave(&caller);
	snprintf(out, nbytes, "HDF5 %u.%u.%u", major, minor, release);
}
