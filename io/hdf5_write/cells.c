/*
 * cells.c - the variables of a result with axes. Values are written in blocks, so that what stands for no
 * value is put into a copy of a block only; large variables have chunks, which are these blocks.
 */
#include "io/hdf5_write/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_write/axes.h"
#include "io/hdf5_write/describe.h"
#include "kernel/fields.h"

#define BLOCK_NELEMS (1u << 17) /* of values of 8 bytes: 1 MiB */
#define SMALL_NBYTES (1u << 20) /* up to which a variable is contiguous */
#define DEFLATE	     1
#define MOST_NDIMS   (QUERN_MAX_DIMS + 2)

/* A value of 8 bytes, as results have them. */
union cell {
	int64_t i;
	uint64_t u;
	double r;
	const char *text;
};

/* How values of a type are stored. */
struct form {
	hid_t file, memory;
	union cell fill;
	bool has_fill;
};

/* The library's NC_FILL_BYTE and so on; of uint64 it is no int64. */
static const int64_t fill_of[QUERN_NDTYPES] = {
	[QUERN_I8] = -127,
	[QUERN_U8] = 255,
	[QUERN_I16] = -32767,
	[QUERN_U16] = 65535,
	[QUERN_I32] = -2147483647,
	[QUERN_U32] = 4294967295,
	[QUERN_I64] = -9223372036854775806,
};

static bool is_integer(enum quern_dtype t)
{
	return t <= QUERN_U64;
}

/* --- fields --- */

/* A variable: a field of all rows, and where it goes. */
struct variable {
	const struct quern_result *r;
	const struct qn_field *f;
	struct form form;
	int ndims;
	hsize_t shape[MOST_NDIMS], block[MOST_NDIMS];
	hid_t scale[MOST_NDIMS];
};

static bool has_value(const struct qn_field *f, int64_t v, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (f->v.ints[i] == v)
			return true;
	return false;
}

/* Integers are stored in the type of the data, if what stands for no value is none of them there. */
static void choose_integer(const struct quern_result *r, const struct qn_field *f,
			   enum quern_dtype t, struct form *form)
{
	const bool has_null = f->null || f->type == QN_FIELD_NULL;

	if (has_null && f->type == QN_FIELD_INT &&
	    has_value(f, fill_of[t], r->nrows * qn_field_nvalues(f)))
		t = QUERN_I64;
	form->file = qn_nc_type(t);
	form->memory = H5T_NATIVE_INT64;
	form->fill.i = fill_of[t];
	form->has_fill = has_null;
}

static void choose_unsigned(const struct qn_field *f, struct form *form)
{
	form->file = form->memory = H5T_NATIVE_UINT64;
	form->fill.u = UINT64_C(18446744073709551614);
	form->has_fill = f->null || f->type == QN_FIELD_NULL;
}

/* Extremes are of the type of the data; the rest is int64 or float64. What has no value anywhere is of the
   type that it would have. text: a type for texts, borrowed. */
static void choose_form(const struct qn_labels *l, const struct quern_result *r,
			const struct qn_field *f, hid_t text, struct form *form)
{
	const struct qn_field_doc *doc = qn_field_doc(f->name);
	const bool is_value = qn_field_is_element(r, f), is_null = f->type == QN_FIELD_NULL;
	const bool is_text = f->type == QN_FIELD_TEXT ||
			     (is_null && is_value && l->dtype == QUERN_TEXT);
	const bool wide = f->type == QN_FIELD_UINT ||
			  (is_null && is_value && l->dtype == QUERN_U64);

	if (is_text)
		*form = (struct form){ .file = text, .memory = text, .fill.text = "" };
	else if (wide)
		choose_unsigned(f, form);
	else if (f->type == QN_FIELD_INT || (is_null && doc && doc->integer) ||
		 (is_null && is_value && is_integer(l->dtype)))
		choose_integer(r, f, is_value && l->dtype < QUERN_U64 ? l->dtype : QUERN_I64, form);
	else
		*form = (struct form){ .file = is_value && l->dtype == QUERN_F32
						       ? H5T_NATIVE_FLOAT
						       : H5T_NATIVE_DOUBLE,
				       .memory = H5T_NATIVE_DOUBLE,
				       .fill.r = QN_FILL_REAL,
				       .has_fill = true };
}

/* --- blocks --- */

/* Whole along the last dimensions, cut along one, of one index along those before. */
static void cut_blocks(struct variable *v)
{
	hsize_t n = BLOCK_NELEMS;

	for (int d = v->ndims - 1; d >= 0; d--) {
		v->block[d] = qn_max_u64(1, qn_min_u64(v->shape[d], n));
		n /= v->block[d];
	}
}

static uint64_t count_elems(const struct variable *v)
{
	uint64_t n = 1;

	for (int d = 0; d < v->ndims; d++)
		n *= v->shape[d];
	return n;
}

/* The values from `at` on, n of them: where they are, or with what stands for none in `room`. */
static const void *fill_block(const struct variable *v, uint64_t at, uint64_t n, union cell *room)
{
	const struct qn_field *f = v->f;
	if (f->type != QN_FIELD_NULL && f->type != QN_FIELD_DECIMAL && !f->null)
		return f->v.ints + at;
	for (uint64_t i = 0; i < n; i++) {
		if (!qn_field_has(f, at + i))
			room[i] = v->form.fill;
		else if (f->type == QN_FIELD_DECIMAL)
			room[i].r = strtod(f->v.texts[at + i], NULL);
		else
			room[i].i = f->v.ints[at + i];
	}
	return room;
}

static bool write_block(const struct variable *v, hid_t id, hid_t space, const hsize_t *start,
			uint64_t at, union cell *room)
{
	hsize_t count[MOST_NDIMS], n = 1;
	hid_t memory;
	bool ok;

	for (int d = 0; d < v->ndims; d++) {
		count[d] = qn_min_u64(v->block[d], v->shape[d] - start[d]);
		n *= count[d];
	}
	memory = H5Screate_simple(1, &n, NULL);
	ok = memory >= 0 &&
	     H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
	     H5Dwrite(id, v->form.memory, memory, space, H5P_DEFAULT, fill_block(v, at, n, room)) >=
		     0;
	qn_h5_close(memory);
	return ok;
}

static uint64_t place_of(const struct variable *v, const hsize_t *start)
{
	uint64_t at = 0;

	for (int d = 0; d < v->ndims; d++)
		at = at * v->shape[d] + start[d];
	return at;
}

/* To the next block; false after the last. */
static bool step(const struct variable *v, hsize_t *start)
{
	for (int d = v->ndims - 1; d >= 0; d--) {
		start[d] += v->block[d];
		if (start[d] < v->shape[d])
			return true;
		start[d] = 0;
	}
	return false;
}

static bool write_values(const struct variable *v, hid_t id, hid_t space)
{
	union cell *room = qn_calloc(qn_min_u64(count_elems(v), BLOCK_NELEMS), sizeof(*room));
	hsize_t start[MOST_NDIMS] = { 0 };
	bool ok = room != NULL, more = count_elems(v) > 0;

	for (; ok && more; more = step(v, start))
		ok = write_block(v, id, space, start, place_of(v, start), room);
	free(room);
	return ok;
}

/* --- variables --- */

static hid_t make_properties(const struct variable *v, hid_t text)
{
	hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
	bool ok = plist >= 0;

	if (ok && v->form.file != text && count_elems(v) > SMALL_NBYTES / sizeof(union cell)) {
		ok = H5Pset_chunk(plist, v->ndims, v->block) >= 0;
		if (ok && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0)
			ok = H5Pset_shuffle(plist) >= 0 && H5Pset_deflate(plist, DEFLATE) >= 0;
	}
	if (ok && v->form.has_fill)
		ok = H5Pset_fill_value(plist, v->form.memory, &v->form.fill) >= 0;
	if (ok)
		return plist;
	qn_h5_close(plist);
	return -1;
}

/* _FillValue must be of the type of the variable. */
static bool put_fill(hid_t id, const struct form *form)
{
	union cell fill = form->fill;

	return !form->has_fill ||
	       (H5Tconvert(form->memory, form->file, 1, &fill, NULL, H5P_DEFAULT) >= 0 &&
		qn_nc_put_value(id, "_FillValue", form->file, &fill));
}

/* Has a variable the dimensions that it has, or be the coordinate of its own. Takes id, if it succeeds. */
static bool attach(struct qn_nc *w, const struct variable *v, const char *name, hid_t id)
{
	if (v->ndims == 1 && qn_field_is_coordinate(v->r, v->f))
		return qn_nc_make_scale(w, name, v->f->n, false, id);
	if (!qn_nc_attach(id, v->ndims, v->scale))
		return false;
	qn_h5_close(id);
	return true;
}

/* The dimensions of the rows, then those that a value has. */
static bool find_dimensions(struct qn_nc *w, struct variable *v)
{
	const struct qn_field *f = v->f;
	const size_t naxes = f->per_row ? v->r->naxes : 0;
	bool ok = naxes <= QUERN_MAX_DIMS;

	for (size_t i = 0; ok && i < naxes; i++) {
		v->shape[i] = v->r->axis[i].n;
		v->scale[i] = w->dim[w->of_axis[i]].id;
	}
	v->ndims = (int)naxes;
	if (qn_field_is_coordinate(v->r, f)) {
		v->shape[v->ndims++] = f->n;
		return ok;
	}
	for (int k = 0; ok && f->array && k < 1 + (f->ncols > 0); k++) {
		const size_t n = k ? f->ncols : f->n;
		const char letter = k && f->ncols == f->n ? 'm' : 'n';

		v->shape[v->ndims] = n;
		v->scale[v->ndims] = qn_nc_dimension(w, qn_field_dimension(v->r, f, k), letter, n);
		ok = v->scale[v->ndims++] >= 0;
	}
	return ok;
}

/* Named after the dataset alone where nothing else was computed of it, and no dimension is called so. */
static void name_field(const struct qn_nc *w, const struct qn_labels *l,
		       const struct quern_result *r, const struct qn_field *f,
		       char name[QN_NC_NAME])
{
	char text[QN_NC_NAME];

	if (qn_field_is_coordinate(r, f)) {
		qn_nc_new_name(w, f->name, name);
		return;
	}
	qn_text_name(l->name, QN_NAME_NBYTES - sizeof(f->name), text);
	if (r->nfields > 1 || qn_nc_has(w, text))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "_%s", f->name);
	qn_nc_new_name(w, text, name);
}

static bool write_field(struct qn_nc *w, const struct qn_labels *l, const struct quern_result *r,
			const struct qn_field *f)
{
	struct variable v = { .r = r, .f = f };
	char name[QN_NC_NAME];
	hid_t text = qn_nc_text_type(), space = -1, plist = -1, id = -1;
	bool ok = text >= 0 && find_dimensions(w, &v);

	if (ok) {
		name_field(w, l, r, f, name);
		choose_form(l, r, f, text, &v.form);
		v.form.has_fill = v.form.has_fill && !qn_field_is_coordinate(r, f);
		cut_blocks(&v);
		space = H5Screate_simple(v.ndims, v.shape, NULL);
		plist = make_properties(&v, text);
	}
	if (space >= 0 && plist >= 0)
		id = qn_nc_create(w, name, v.form.file, space, plist);
	ok = id >= 0 && write_values(&v, id, space) && put_fill(id, &v.form) &&
	     (qn_field_is_coordinate(r, f) ? qn_h5_describe_coordinate(id, f)
					   : qn_h5_describe_field(id, w, l, r, f)) &&
	     attach(w, &v, name, id);
	if (!ok)
		qn_h5_close(id);
	qn_h5_close(plist);
	qn_h5_close(space);
	qn_h5_close(text);
	return ok;
}

/* Is it the same in all rows, of which there are none, or a coordinate that another dataset in the file has
   brought? */
static bool is_left_out(const struct qn_nc *w, const struct quern_result *r,
			const struct qn_field *f)
{
	return (!f->per_row && f->type == QN_FIELD_NULL) ||
	       (qn_field_is_coordinate(r, f) && qn_nc_has_dimension(w, f->name, f->n));
}

bool qn_h5_write_cells(struct qn_nc *w, const struct qn_labels *labels,
		       const struct quern_result *result)
{
	bool ok = qn_h5_write_axes(w, labels, result);

	for (size_t i = 0; ok && i < result->nfields; i++)
		ok = is_left_out(w, result, &result->field[i]) ||
		     write_field(w, labels, result, &result->field[i]);
	return ok;
}
