/*
 * cells.c - the variables of a result with axes. Values are written in blocks, so that what stands for no
 * value is put into a copy of a block only; large variables have chunks, which are these blocks.
 */
#include "io/hdf5_write/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "kernel/fields.h"
#include "kernel/result.h"

#define BLOCK_NELEMS (1u << 17) /* of values of 8 bytes: 1 MiB */
#define SMALL_NBYTES (1u << 20) /* up to which a variable is contiguous */
#define DEFLATE	     1
#define MOST_NDIMS   (QUERN_MAX_DIMS + 2)
#define BOUNDS	     "bnds" /* the dimension of two */

/* A value of 8 bytes, as results have them. */
union cell {
	int64_t i;
	uint64_t u;
	double r;
	const char *text;
};

/* What netCDF has for no value (netcdf.h of the library). */
#define FILL_REAL 9.9692099683868690e+36

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

static hid_t type_of(enum quern_dtype t)
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
	form->file = type_of(t);
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
	const bool is_value = qn_field_is_value(f->name), is_null = f->type == QN_FIELD_NULL;
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
				       .fill.r = FILL_REAL,
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

static const char *find_text(const struct qn_names *attributes, const char *name)
{
	for (size_t i = 0; attributes && i + 1 < attributes->n; i += 2)
		if (!strcmp(attributes->name[i], name))
			return attributes->name[i + 1];
	return NULL;
}

static bool put_joined(hid_t id, const char *name, const char *a, const char *between,
		       const char *b)
{
	char *text = NULL;
	bool ok = qn_asprintf(&text, "%s%s%s", a, between, b) >= 0 &&
		  qn_nc_put_text(id, name, text);

	free(text);
	return ok;
}

/* What the cells were made of: "area: mean lat: lon: maximum". */
static bool put_method(hid_t id, const struct qn_labels *l, const char *method)
{
	const char *before = find_text(l->attributes, "cell_methods");
	const char *name = find_text(l->attributes, "standard_name");
	char *text = NULL;
	bool ok = qn_asprintf(&text, "%s%s%s%s%s", before ? before : "",
			      before && *l->reduced ? " " : "", l->reduced, *l->reduced ? " " : "",
			      *l->reduced ? method : "") >= 0;

	if (ok && *text)
		ok = qn_nc_put_text(id, "cell_methods", text);
	if (ok && name)
		ok = qn_nc_put_text(id, "standard_name", name);
	free(text);
	return ok;
}

static bool put_units(hid_t id, const struct qn_labels *l, const struct qn_field_doc *doc)
{
	char *units = qn_field_units(doc, l->units);
	bool ok = units && (!*units || qn_nc_put_text(id, "units", units));

	if (ok && *l->calendar && strstr(units, " since "))
		ok = qn_nc_put_text(id, "calendar", l->calendar);
	free(units);
	return ok;
}

/* The names of the coordinates that are no dimensions any more. */
static bool put_coordinates(hid_t id, const struct qn_nc *w, const struct quern_result *r)
{
	char *text = NULL;
	size_t n;
	FILE *f = qn_open_memstream(&text, &n);
	bool ok;

	for (size_t i = 0; f && i < r->nreduced; i++)
		if (H5Lexists(w->file, r->reduced[i].name, H5P_DEFAULT) > 0)
			fprintf(f, "%s%s", ftell(f) ? " " : "", r->reduced[i].name);
	ok = f && !fclose(f);
	if (ok && *text)
		ok = qn_nc_put_text(id, "coordinates", text);
	free(text);
	return ok;
}

static bool describe(const struct qn_nc *w, const struct qn_labels *l, const struct variable *v,
		     hid_t id)
{
	const struct qn_field_doc *doc = qn_field_doc(v->f->name);
	const char *name = find_text(l->attributes, "long_name");
	const char *method = qn_field_method(v->f->name);
	bool ok = put_fill(id, &v->form);

	if (ok && doc)
		ok = put_joined(id, "long_name", name ? name : l->name, ": ", doc->doc);
	if (ok && doc && v->f->type != QN_FIELD_TEXT)
		ok = put_units(id, l, doc);
	if (ok && method)
		ok = put_method(id, l, method);
	return ok && put_coordinates(id, w, v->r);
}

/* The dimensions of the rows, then those that a value has. */
static bool find_dimensions(struct qn_nc *w, struct variable *v)
{
	const struct qn_field_doc *doc = qn_field_doc(v->f->name);
	const struct qn_field *f = v->f;
	bool ok = v->r->naxes <= QUERN_MAX_DIMS;

	for (size_t i = 0; ok && i < v->r->naxes; i++) {
		v->shape[i] = v->r->axis[i].n;
		v->scale[i] = w->dim[i].id;
	}
	v->ndims = (int)v->r->naxes;
	for (int k = 0; ok && f->array && k < 1 + (f->ncols > 0); k++) {
		const size_t n = k ? f->ncols : f->n;
		const char letter = k && f->ncols == f->n ? 'm' : 'n';

		v->shape[v->ndims] = n;
		v->scale[v->ndims] = qn_nc_dimension(w, doc ? doc->dim[k] : NULL, letter, n);
		ok = v->scale[v->ndims++] >= 0;
	}
	return ok;
}

/* Named after the dataset alone where nothing else was computed of it, and no dimension is called so. */
static bool name_field(const struct qn_nc *w, const struct qn_labels *l,
		       const struct quern_result *r, const struct qn_field *f,
		       char name[QN_NC_NAME])
{
	const bool alone = r->nfields == 1 && H5Lexists(w->file, l->name, H5P_DEFAULT) <= 0;

	return snprintf(name, QN_NC_NAME, "%s%s%s", l->name, alone ? "" : "_",
			alone ? "" : f->name) < QN_NC_NAME;
}

static bool write_field(struct qn_nc *w, const struct qn_labels *l, const struct quern_result *r,
			const struct qn_field *f)
{
	struct variable v = { .r = r, .f = f };
	char name[QN_NC_NAME];
	hid_t text = qn_nc_text_type(), space = -1, plist = -1, id = -1;
	bool ok = text >= 0 && find_dimensions(w, &v) && name_field(w, l, r, f, name);

	if (ok) {
		choose_form(l, r, f, text, &v.form);
		cut_blocks(&v);
		space = H5Screate_simple(v.ndims, v.shape, NULL);
		plist = make_properties(&v, text);
	}
	if (space >= 0 && plist >= 0)
		id = qn_nc_create(w, name, v.form.file, space, plist);
	ok = id >= 0 && write_values(&v, id, space) && describe(w, l, &v, id) &&
	     qn_nc_attach(id, v.ndims, v.scale);
	qn_h5_close(id);
	qn_h5_close(plist);
	qn_h5_close(space);
	qn_h5_close(text);
	return ok;
}

/* --- coordinates --- */

/* A field of an axis as a variable of its own: scalar, or on the dimensions of the scales. Open; negative
   on failure. */
static hid_t put_axis_values(struct qn_nc *w, const char *name, enum quern_dtype dtype,
			     const struct qn_field *f, int ndims, const hsize_t *shape)
{
	const bool is_real = f->type == QN_FIELD_REAL;
	const hid_t type = type_of(is_real && dtype != QUERN_F32 ? QUERN_F64 : dtype);
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
		flags = H5Acreate2(id, "flag_values", type_of(a->dtype), space, H5P_DEFAULT,
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

bool qn_h5_write_cells(struct qn_nc *w, const struct qn_labels *labels,
		       const struct quern_result *result)
{
	bool ok = true;

	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_axis(w, &result->axis[i]);
	for (size_t i = 0; ok && i < result->naxes; i++)
		ok = write_bounds(w, &result->axis[i], w->dim[i].name, w->dim[i].id);
	for (size_t i = 0; ok && i < result->nreduced; i++)
		ok = write_reduced(w, labels, &result->reduced[i]);
	for (size_t i = 0; ok && i < result->nfields; i++)
		ok = write_field(w, labels, result, &result->field[i]);
	return ok;
}
