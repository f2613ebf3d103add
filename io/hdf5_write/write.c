/*
 * write.c - a variable a field, named after it, or after the dataset where it is the only one, with its
 * units and what it is (fields/fields.h), and what the result says of itself as global attributes. A
 * dimension of an array is a dimension scale. Where the field has no name for it, or another array has the
 * name with another length, it is named by its length, n50, and the second dimension m50, because readers
 * such as xarray refuse a variable with twice the same. Results of many cells are those of cells.h.
 */
#include "io/hdf5_library/open.h"
#include "io/hdf5_write/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_write/bins.h"
#include "io/hdf5_write/cells.h"
#include "io/hdf5_write/describe.h"
#include "io/hdf5_write/netcdf.h"
#include "io/hdf5_write/stage.h"
#include "io/hdf5_write/variable.h"
#include "fields/fields.h"
#include "kernel/result.h"

/* What netCDF has for no value. */
static const int64_t no_int = -9223372036854775806;
static const uint64_t no_uint = UINT64_C(18446744073709551614);

struct qn_writing {
	char *file; /* owned: for messages */
	struct qn_nc nc;
	struct qn_h5_cells *cells; /* that are coming; NULL: none are */
	/* Of the result at hand. */
	const struct qn_labels *labels;
	const struct quern_result *result;
	bool has_several; /* datasets */
};

/* What the variable is, in which units, and of integers what stands for no value. */
static bool describe(const struct qn_writing *w, hid_t id, const struct qn_field *f, hid_t type)
{
	const struct qn_field_doc *doc = qn_field_doc_in(w->result, f);
	const char *weights = w->labels->weights;
	char *units = doc ? qn_field_units(doc, w->labels->units, w->labels->with_units, weights)
			  : NULL;
	union qn_cell fill;
	bool ok = true;

	if (f->along) {
		free(units);
		return qn_h5_describe_beside(id, f) &&
		       (f->type != QN_FIELD_NULL || H5Tequal(type, H5T_NATIVE_INT64) <= 0 ||
			qn_nc_put_value(id, "_FillValue", type, &no_int));
	}
	if (doc)
		ok = units && qn_nc_put_text(id, "long_name", qn_field_words(doc, weights)) &&
		     qn_h5_put_comment(id, w->labels, doc) &&
		     (!units[0] || f->type == QN_FIELD_TEXT || qn_nc_put_text(id, "units", units));
	if (ok && f->type == QN_FIELD_DECIMAL)
		ok = qn_nc_put_text(id, "exact", f->v.digits);
	if (ok && qn_variable_needs_fill(f, &fill))
		ok = qn_nc_put_value(id, "_FillValue", type, &fill);
	if (ok && f->type == QN_FIELD_NULL && H5Tequal(type, H5T_NATIVE_INT64) > 0)
		ok = qn_nc_put_value(id, "_FillValue", type, &no_int);
	if (ok && f->type == QN_FIELD_NULL && H5Tequal(type, H5T_NATIVE_UINT64) > 0)
		ok = qn_nc_put_value(id, "_FillValue", type, &no_uint);
	free(units);
	return ok;
}

/* Alone, and where no dimension has its name, a field is called by the dataset, as in cells.c; of several datasets
   by both. */
static void name_variable(const struct qn_writing *w, const struct qn_field *f,
			  char name[QN_NC_NAME])
{
	const bool has_one = qn_h5_count_fields(w->result) == 1 && !f->along;
	char text[QN_NC_NAME], own[QN_FIELD_NAME_NBYTES], clean[QN_NAME_NBYTES];

	qn_text_name(w->labels->name, QN_NAME_NBYTES - sizeof(f->name), text);
	qn_text_name(qn_field_name(f, own), sizeof(clean), clean);
	if (w->has_several && !(has_one && !qn_nc_has(&w->nc, text)))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "_%s", clean);
	else if (!has_one || qn_nc_has(&w->nc, text))
		snprintf(text, sizeof(text), "%s", clean);
	qn_nc_new_name(&w->nc, text, name);
}

static bool write_variable(struct qn_writing *w, const struct qn_field *f, hid_t type,
			   const void *values)
{
	const bool is_coordinate = qn_field_is_coordinate(w->result, f);
	const bool is_there = is_coordinate && qn_nc_has_dimension(&w->nc, f->name, f->n);
	int ndims = !f->array ? 0 : f->ncols ? 2 : 1;
	hsize_t shape[2] = { f->n, f->ncols };
	hid_t scale[2], space, id = -1;
	char name[QN_NC_NAME];
	bool ok;

	if (is_there)
		return true;
	for (int k = 0; !is_coordinate && k < ndims; k++) {
		scale[k] = qn_nc_dimension(
			&w->nc, qn_h5_bins_name(&w->nc, qn_field_dimension(w->result, f, k)),
			k && f->ncols == f->n ? 'm' : 'n', (size_t)shape[k]);
		if (scale[k] < 0)
			return false;
	}
	space = ndims ? H5Screate_simple(ndims, shape, NULL) : H5Screate(H5S_SCALAR);
	name_variable(w, f, name);
	if (space >= 0)
		id = qn_nc_create(&w->nc, name, type, space, -1);
	ok = id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
	     describe(w, id, f, type);
	if (ok && is_coordinate && qn_nc_make_scale(&w->nc, name, f->n, false, id))
		id = -1;
	else if (ok)
		ok = !is_coordinate && (!ndims || qn_nc_attach(id, ndims, scale));
	qn_h5_close(id);
	qn_h5_close(space);
	return ok;
}

/* As UTF-8 of variable length. */
static bool write_texts(struct qn_writing *w, const struct qn_field *f)
{
	hid_t type = qn_nc_text_type();
	bool ok = type >= 0 &&
		  write_variable(w, f, type,
				 f->array ? (const void *)f->v.texts : (const void *)&f->v.text);

	qn_h5_close(type);
	return ok;
}

/* A value that is not there: of the type that it would have. */
static bool write_null(struct qn_writing *w, const struct qn_field *f)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const bool like_values = f->along ||
				 (doc && doc->units == QN_UNITS_VALUE && strcmp(f->name, "mean"));
	const enum quern_dtype dtype = f->along ? f->along->dtype : w->labels->dtype;
	const struct qn_field text = { .name = "", .type = QN_FIELD_TEXT, .v.text = (char *)"" };
	const double nan_value = NAN;
	struct qn_field named = text;

	if (like_values && dtype == QUERN_TEXT) {
		memcpy(named.name, f->name, sizeof(named.name));
		return write_texts(w, &named);
	}
	if (like_values && dtype == QUERN_U64)
		return write_variable(w, f, H5T_NATIVE_UINT64, &no_uint);
	if (doc && ((doc->integer && !f->along) ||
		    (like_values && dtype != QUERN_F32 && dtype != QUERN_F64)))
		return write_variable(w, f, H5T_NATIVE_INT64, &no_int);
	return write_variable(w, f, H5T_NATIVE_DOUBLE, &nan_value);
}

/* An integer of any size is a double, which is near, and its digits are an attribute. */
static bool write_field(struct qn_writing *w, const struct qn_field *f)
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

static bool put_global(hid_t file, const struct qn_global *g)
{
	const int64_t number = g->is_number ? strtoll(g->text, NULL, 10) : 0;

	return g->is_number ? qn_nc_put_value(file, g->name, H5T_NATIVE_INT64, &number)
			    : qn_nc_put_text(file, g->name, g->text);
}

static const char *find_label(const struct qn_labels *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->label[i].name, name))
			return l->label[i].text;
	return "";
}

/* What datasets say of themselves, where it is not the same: "t2m: K; u10: m s-1". Numbers are added up. */
static bool put_different(hid_t file, const struct qn_output *outputs, size_t n,
			  const struct qn_global *g)
{
	struct qn_global sum = *g;
	long long number = 0;
	size_t nbytes;
	FILE *f = qn_open_memstream(&sum.text, &nbytes);
	bool ok;

	for (size_t i = 0; f && i < n; i++) {
		const char *text = find_label(&outputs[i].labels, g->name);

		number += g->is_number ? strtoll(text, NULL, 10) : 0;
		if (!g->is_number)
			fprintf(f, "%s%s: %s", i ? "; " : "", outputs[i].dataset, text);
	}
	if (f && g->is_number)
		fprintf(f, "%lld", number);
	ok = f && !fclose(f) && put_global(file, &sum);
	free(sum.text);
	return ok;
}

static bool is_same(const struct qn_output *outputs, size_t n, const struct qn_global *g)
{
	if (n > 1 && g->is_number)
		return false;
	for (size_t i = 1; i < n; i++)
		if (strcmp(find_label(&outputs[i].labels, g->name), g->text))
			return false;
	return true;
}

static bool write_labels(hid_t file, const struct qn_output *outputs, size_t n)
{
	const struct qn_labels *first = &outputs[0].labels;
	bool ok = qn_nc_put_text(file, "Conventions", "CF-1.10");

	for (size_t i = 0; ok && i < first->n; i++)
		ok = is_same(outputs, n, &first->label[i])
			     ? put_global(file, &first->label[i])
			     : put_different(file, outputs, n, &first->label[i]);
	return ok;
}

/* --- the slots --- */

static enum quern_status not_written(const struct qn_writing *w, int why, struct quern_message *err)
{
	return why ? qn_error_set(err, qn_error_status_of(why), "%s: cannot be written: %s",
				  w->file, strerror(why))
		   : qn_h5_fail_write(err, w->file, NULL, "cannot be made");
}

/* A write that failed in silence is told before anything else. */
static enum quern_status check(const struct qn_writing *w, bool ok, struct quern_message *err)
{
	const int why = w->nc.sink ? qn_h5_sink_why(w->nc.sink) : 0;

	return ok && !why ? QUERN_OK : not_written(w, why, err);
}

enum quern_status qn_hdf5_begin(int fd, const char *file, struct qn_writing **out,
				struct quern_message *err)
{
	struct qn_writing *w = *out = qn_calloc(1, sizeof(*w));
	struct qn_h5_caller caller;
	enum quern_status st;

	if (!w || !(w->file = qn_strdup(file)))
		return qn_error_nomem(err, sizeof(*w), "a file");
	qn_h5_enter(&caller);
	st = check(w, qn_nc_init(&w->nc, fd), err);
	qn_h5_leave(&caller);
	return st;
}

enum quern_status qn_hdf5_put(struct qn_writing *w, const struct qn_output *o,
			      struct quern_message *err)
{
	const struct quern_result *r = o->result;
	struct qn_h5_caller caller;
	enum quern_status st;
	bool ok = true;

	qn_h5_enter(&caller);
	w->labels = &o->labels;
	w->result = r;
	w->has_several = o->dataset != NULL;
	if (r->naxes)
		ok = (w->cells = qn_h5_cells_begin(&w->nc, &o->labels, r)) != NULL;
	else
		ok = qn_h5_write_bins(&w->nc, &o->labels, r);
	for (size_t i = 0; ok && !r->naxes && i < r->nfields; i++)
		ok = write_field(w, &r->field[i]);
	st = check(w, ok, err);
	qn_h5_leave(&caller);
	return st;
}

enum quern_status qn_hdf5_put_rows(struct qn_writing *w, const struct quern_result *rows,
				   struct quern_message *err)
{
	struct qn_h5_caller caller;
	enum quern_status st;

	qn_h5_enter(&caller);
	st = check(w, qn_h5_cells_put(w->cells, rows), err);
	qn_h5_leave(&caller);
	return st;
}

enum quern_status qn_hdf5_end_rows(struct qn_writing *w, struct quern_message *err)
{
	struct qn_h5_caller caller;
	enum quern_status st;

	qn_h5_enter(&caller);
	st = check(w, qn_h5_cells_end(w->cells, true), err);
	w->cells = NULL;
	qn_h5_leave(&caller);
	return st;
}

enum quern_status qn_hdf5_end(struct qn_writing *w, const struct qn_output *outputs, size_t n,
			      struct quern_message *err)
{
	struct qn_h5_caller caller;
	enum quern_status st = QUERN_OK;
	bool ok = outputs == NULL;
	int why = 0;

	if (!w)
		return QUERN_OK;
	qn_h5_enter(&caller);
	if (w->cells)
		qn_h5_cells_end(w->cells, false);
	if (outputs)
		ok = write_labels(w->nc.file, outputs, n);
	ok = (!w->nc.sink || qn_nc_fini(&w->nc, &why)) && ok;
	if (outputs && (!ok || why))
		st = not_written(w, why, err);
	qn_h5_leave(&caller);
	free(w->file);
	free(w);
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
