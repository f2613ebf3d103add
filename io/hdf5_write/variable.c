#include "io/hdf5_write/variable.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "fields/fields.h"

#define BLOCK_NELEMS (1u << 17) /* of values of 8 bytes: 1 MiB */
#define SMALL_NBYTES (1u << 20) /* up to which a variable is contiguous */
#define DEFLATE	     1
#define NOT_DEFLATED 2u /* of the filters, shuffle and deflate, the latter is left out */

/* The library's NC_FILL_BYTE and so on; of uint64 the bits of it. */
static const int64_t fill_of[QUERN_NDTYPES] = {
	[QUERN_I8] = -127,
	[QUERN_U8] = 255,
	[QUERN_I16] = -32767,
	[QUERN_U16] = 65535,
	[QUERN_I32] = -2147483647,
	[QUERN_U32] = 4294967295,
	[QUERN_I64] = -9223372036854775806,
	[QUERN_U64] = -2,
};

/* --- what stands for no value --- */

/*
 * The library's own choice for the type, unless it is a value: then the first of 63 others that is none so far. Readers take
 * the library's for missing where no attribute says otherwise.
 * Of signed integers they count up from the lowest value, of unsigned ones down from the highest, of reals they are the
 * library's number and its opposite, halved again and again: float32 has them too.
 */
enum { INTEGERS, REALS };

#define NMARKS 64

static uint64_t bits_of(double x)
{
	const union qn_cell c = { .r = x };

	return c.u;
}

static bool is_signed(enum quern_dtype t)
{
	return t == QUERN_I8 || t == QUERN_I16 || t == QUERN_I32 || t == QUERN_I64;
}

/* Where integers of a type count from. */
static uint64_t first_mark(enum quern_dtype t)
{
	static const int64_t least[QUERN_NDTYPES] = { [QUERN_I8] = INT8_MIN,
						      [QUERN_I16] = INT16_MIN,
						      [QUERN_I32] = INT32_MIN,
						      [QUERN_I64] = INT64_MIN };
	static const uint64_t most[QUERN_NDTYPES] = { [QUERN_U8] = UINT8_MAX,
						      [QUERN_U16] = UINT16_MAX,
						      [QUERN_U32] = UINT32_MAX,
						      [QUERN_U64] = UINT64_MAX };

	return is_signed(t) ? (uint64_t)least[t] : most[t];
}

/* Which of them an integer is; NMARKS or more: none. */
static uint64_t mark_of_integer(enum quern_dtype t, uint64_t value)
{
	return is_signed(t) ? value - first_mark(t) : first_mark(t) - value;
}

static uint64_t mark_of_real(uint64_t value)
{
	const uint64_t sign = UINT64_C(1) << 63, fill = bits_of(QN_FILL_REAL);
	const uint64_t halved = (fill - (value & ~sign)) >> 52;

	return (value ^ fill) << 12 || halved >= NMARKS / 2 ? NMARKS : 2 * halved + (value >> 63);
}

/* The one to use: *k. False: all are values. */
static bool choose_mark(uint64_t taken, uint64_t preferred, uint64_t *k)
{
	*k = preferred;
	if (taken >> preferred & 1)
		for (*k = 0; *k < NMARKS && (taken >> *k & 1); ++*k)
			;
	return *k < NMARKS;
}

static union qn_cell real_of_mark(uint64_t k)
{
	return (union qn_cell){ .u = (bits_of(QN_FILL_REAL) - (k / 2 << 52)) | k % 2 << 63 };
}

/* False, and the library's: all are values. */
static bool choose_fill(uint64_t taken, enum quern_dtype t, union qn_cell *fill)
{
	uint64_t k;
	const bool ok = choose_mark(taken, mark_of_integer(t, (uint64_t)fill_of[t]), &k);

	if (!ok)
		fill->i = fill_of[t];
	else
		fill->u = is_signed(t) ? first_mark(t) + k : first_mark(t) - k;
	return ok;
}

bool qn_variable_needs_fill(const struct qn_field *f, union qn_cell *fill)
{
	const enum quern_dtype t = f->type == QN_FIELD_UINT ? QUERN_U64 : QUERN_I64;
	const bool is_real = f->type == QN_FIELD_REAL;
	const int64_t *values = f->array ? f->v.ints : &f->v.i;
	const int64_t mark = is_real ? (int64_t)bits_of(QN_FILL_REAL) : fill_of[t];
	uint64_t taken = 0, k;
	bool needs = false;

	if (f->type != QN_FIELD_INT && f->type != QN_FIELD_UINT && !is_real)
		return false;
	for (uint64_t i = 0; i < qn_field_nvalues(f); i++) {
		const uint64_t value = (uint64_t)values[i];

		k = is_real ? mark_of_real(value) : mark_of_integer(t, value);
		needs |= values[i] == mark;
		taken |= k < NMARKS ? UINT64_C(1) << k : 0;
	}
	if (!is_real)
		return needs && choose_fill(taken, t, fill);
	choose_mark(taken, 0, &k);
	*fill = real_of_mark(k % NMARKS);
	return needs;
}

/* --- form --- */

/* Is a value one of the data, or of a coordinate? Of which type is that? */
static bool is_of_data(const struct qn_variable *v, enum quern_dtype *t)
{
	*t = v->field->along ? v->field->along->dtype : v->labels->dtype;
	return v->field->along || qn_field_is_element(v->result, v->field);
}

static enum quern_dtype integer_type(const struct qn_variable *v)
{
	enum quern_dtype t;

	return is_of_data(v, &t) && t < QUERN_U64 ? t : QUERN_I64;
}

/* Integers are stored in the type of the data, if something there can stand for no value. */
static void choose_integer(const struct qn_variable *v, struct qn_form *form)
{
	enum quern_dtype t = integer_type(v);

	form->memory = H5T_NATIVE_INT64;
	form->has_fill = v->has_null || v->has_mark;
	if (!choose_fill(v->marks[INTEGERS], t, &form->fill) && form->has_fill) {
		form->lacks_fill = t == QUERN_I64;
		t = QUERN_I64; /* whose own no value of another type is */
		form->fill.i = fill_of[t];
	}
	form->file = qn_nc_type(t);
}

static void choose_unsigned(const struct qn_variable *v, struct qn_form *form)
{
	form->file = form->memory = H5T_NATIVE_UINT64;
	form->has_fill = v->has_null || v->has_mark;
	form->lacks_fill = !choose_fill(v->marks[INTEGERS], QUERN_U64, &form->fill) &&
			   form->has_fill;
}

static void choose_real(const struct qn_variable *v, struct qn_form *form)
{
	enum quern_dtype t;
	const bool is_single = is_of_data(v, &t) && t == QUERN_F32;
	uint64_t k;

	form->file = is_single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
	form->memory = H5T_NATIVE_DOUBLE;
	form->lacks_fill = !choose_mark(v->marks[REALS], 0, &k);
	form->fill = real_of_mark(k);
	form->has_fill = true;
}

static bool is_integer(const struct qn_variable *v)
{
	const struct qn_field_doc *doc = v->field->along ? NULL : qn_field_doc(v->field->name);
	enum quern_dtype t;

	if (v->field->type != QN_FIELD_NULL)
		return v->field->type == QN_FIELD_INT;
	return (doc && doc->integer) || (is_of_data(v, &t) && t <= QUERN_U64);
}

static bool is_unsigned(const struct qn_variable *v)
{
	enum quern_dtype t;

	return v->field->type == QN_FIELD_UINT ||
	       (v->field->type == QN_FIELD_NULL && is_of_data(v, &t) && t == QUERN_U64);
}

/* Extremes are of the type of the data; the rest is int64 or float64. What has no value anywhere is of the
   type that it would have. */
static void choose_form(const struct qn_variable *v, struct qn_form *form)
{
	*form = (struct qn_form){ .has_fill = false };
	if (is_unsigned(v))
		choose_unsigned(v, form);
	else if (is_integer(v))
		choose_integer(v, form);
	else
		choose_real(v, form);
}

/* The dimensions of the rows, then those that a value has. */
static void choose_shape(struct qn_variable *v)
{
	const struct qn_field *f = v->field;

	v->ndims = 0;
	for (size_t i = 0; f->per_row && i < v->result->naxes; i++)
		v->shape[v->ndims++] = v->result->axis[i].n;
	if (f->array)
		v->shape[v->ndims++] = f->n;
	if (f->array && f->ncols)
		v->shape[v->ndims++] = f->ncols;
}

static uint64_t count_elems(const struct qn_variable *v)
{
	uint64_t n = 1;

	for (int d = 0; d < v->ndims; d++)
		n *= v->shape[d];
	return n;
}

/* Whole along the last dimensions, cut along one, of one index along those before. */
static void cut_blocks(struct qn_variable *v)
{
	hsize_t n = BLOCK_NELEMS;

	for (int d = v->ndims - 1; d >= 0; d--) {
		v->block[d] = qn_max_u64(1, qn_min_u64(v->shape[d], n));
		n /= v->block[d];
	}
}

/* --- blocks --- */

static uint64_t count_block(const struct qn_variable *v, hsize_t count[QN_VARIABLE_NDIMS])
{
	uint64_t n = 1;

	for (int d = 0; d < v->ndims; d++) {
		count[d] = qn_min_u64(v->block[d], v->shape[d] - v->start[d]);
		n *= count[d];
	}
	return n;
}

typedef herr_t transfer(hid_t id, hid_t memory_type, hid_t memory, hid_t space, hid_t plist,
			union qn_cell *room);

static herr_t to_file(hid_t id, hid_t type, hid_t memory, hid_t space, hid_t plist,
		      union qn_cell *room)
{
	return H5Dwrite(id, type, memory, space, plist, room);
}

static herr_t from_file(hid_t id, hid_t type, hid_t memory, hid_t space, hid_t plist,
			union qn_cell *room)
{
	return H5Dread(id, type, memory, space, plist, room);
}

/* The block at v->start, all of it. */
static bool move_block(const struct qn_variable *v, transfer *move)
{
	hsize_t count[QN_VARIABLE_NDIMS], n = count_block(v, count);
	hid_t memory = H5Screate_simple(1, &n, NULL);
	const bool ok = memory >= 0 &&
			(!v->ndims || H5Sselect_hyperslab(v->space, H5S_SELECT_SET, v->start, NULL,
							  count, NULL) >= 0) &&
			move(v->id, v->form.memory, memory, v->space, H5P_DEFAULT, v->room) >= 0;

	qn_h5_close(memory);
	return ok;
}

static void step(struct qn_variable *v)
{
	hsize_t count[QN_VARIABLE_NDIMS];

	for (int d = v->ndims - 1; d >= 0; d--) {
		v->start[d] += v->block[d];
		if (v->start[d] < v->shape[d])
			break;
		v->start[d] = 0;
	}
	v->filled = 0;
	v->nroom = count_block(v, count);
}

static bool is_chunked(const struct qn_variable *v)
{
	return count_elems(v) > SMALL_NBYTES / sizeof(union qn_cell);
}

static void shuffle(const union qn_cell *cells, size_t n, uint8_t *out)
{
	for (size_t b = 0; b < sizeof(*cells); b++)
		for (size_t i = 0; i < n; i++)
			*out++ = ((const uint8_t *)(cells + i))[b];
}

/* Of a block that is a chunk, in the form that it has in the file, the filters are applied here, where deflate is quicker
   than in the library. False: the library is to write it. */
static bool put_chunk(const struct qn_variable *v)
{
	const struct qn_filter *deflate = qn_filter_find(QN_FILTER_DEFLATE);
	const size_t nbytes = v->nroom * sizeof(*v->room);
	hsize_t nchunk = 1;
	uint8_t *shuffled;
	size_t n;
	bool ok;

	for (int d = 0; d < v->ndims; d++)
		nchunk *= v->block[d];
	if (!is_chunked(v) || !deflate || !deflate->encode || v->nroom != nchunk ||
	    H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0 || H5Tequal(v->form.file, v->form.memory) <= 0)
		return false;
	shuffled = qn_malloc(2 * nbytes);
	if (!shuffled)
		return false;
	shuffle(v->room, (size_t)v->nroom, shuffled);
	n = deflate->encode(shuffled, nbytes, shuffled + nbytes, nbytes);
	ok = H5Dwrite_chunk(v->id, H5P_DEFAULT, n ? 0 : NOT_DEFLATED, v->start, n ? n : nbytes,
			    n ? shuffled + nbytes : shuffled) >= 0;
	free(shuffled);
	return ok;
}

/* The block is full. */
static bool flush(struct qn_variable *v)
{
	if (!put_chunk(v) && !move_block(v, to_file))
		return false;
	step(v);
	return true;
}

static bool append(struct qn_variable *v, const union qn_cell *cells, uint64_t n)
{
	bool ok = true;

	while (ok && n) {
		const uint64_t now = qn_min_u64(n, v->nroom - v->filled);

		memcpy(v->room + v->filled, cells, (size_t)now * sizeof(*cells));
		v->filled += now;
		cells += now;
		n -= now;
		ok = v->filled < v->nroom || flush(v);
	}
	return ok;
}

static bool append_nulls(struct qn_variable *v, uint64_t n)
{
	bool ok = true;

	for (; ok && n; n--)
		ok = append(v, &v->form.fill, 1);
	return ok;
}

/* --- making --- */

static hid_t make_properties(const struct qn_variable *v)
{
	hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
	bool ok = plist >= 0;

	if (ok && is_chunked(v)) {
		ok = H5Pset_chunk(plist, v->ndims, v->block) >= 0;
		if (ok && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0)
			ok = H5Pset_shuffle(plist) >= 0 && H5Pset_deflate(plist, DEFLATE) >= 0;
	}
	if (ok && !qn_field_is_coordinate(v->result, v->field))
		ok = H5Pset_fill_value(plist, v->form.memory, &v->form.fill) >= 0;
	if (ok)
		return plist;
	qn_h5_close(plist);
	return -1;
}

/* By its form and shape, empty. */
static bool make(struct qn_variable *v)
{
	hsize_t count[QN_VARIABLE_NDIMS];
	hid_t plist;

	cut_blocks(v);
	memset(v->start, 0, sizeof(v->start));
	v->filled = 0;
	v->nroom = count_block(v, count);
	v->room = qn_calloc((size_t)v->nroom, sizeof(*v->room));
	v->space = v->ndims ? H5Screate_simple(v->ndims, v->shape, NULL) : H5Screate(H5S_SCALAR);
	plist = make_properties(v);
	if (v->room && v->space >= 0 && plist >= 0)
		v->id = qn_nc_create(v->nc, NULL, v->form.file, v->space, plist);
	qn_h5_close(plist);
	return v->id >= 0;
}

/* --- making it anew --- */

/* A value as the new variable has it. */
static union qn_cell translate(const struct qn_variable *old, const struct qn_variable *v,
			       bool had_null, union qn_cell c)
{
	if (had_null && c.i == old->form.fill.i)
		return v->form.fill;
	if (old->form.memory != v->form.memory && old->form.memory == H5T_NATIVE_INT64)
		c.r = (double)c.i;
	return c;
}

/* The values of the rows so far, whose lists had n values each. */
static bool carry(struct qn_variable *old, struct qn_variable *v, bool had_null, uint64_t n)
{
	const uint64_t all = old->nrows * n, more = qn_field_nvalues(v->field) - n;
	bool ok = true;

	if (!n)
		return append_nulls(v, old->nrows * more);
	memset(old->start, 0, sizeof(old->start));
	old->filled = old->nroom = 0;
	for (uint64_t i = 0; ok && i < all; i++) {
		union qn_cell c;
		hsize_t count[QN_VARIABLE_NDIMS];

		if (old->filled == old->nroom) {
			if (old->nroom)
				step(old);
			old->nroom = count_block(old, count);
			ok = move_block(old, from_file);
			old->filled = 0;
		}
		c = translate(old, v, had_null, old->room[old->filled++]);
		ok = ok && append(v, &c, 1) && ((i + 1) % n || append_nulls(v, more));
	}
	return ok;
}

/* What is of no row yet must be something. */
static bool flush_rest(struct qn_variable *v)
{
	while (v->filled && v->filled < v->nroom)
		v->room[v->filled++] = v->form.fill;
	return !v->filled || move_block(v, to_file);
}

static bool make_anew(struct qn_variable *v, bool had_null, uint64_t nvalues)
{
	struct qn_variable old = *v;
	bool ok = flush_rest(&old);

	v->id = v->space = -1;
	v->room = NULL;
	choose_shape(v);
	choose_form(v, &v->form);
	ok = ok && make(v) && carry(&old, v, had_null, nvalues);
	qn_variable_fini(&old);
	return ok;
}

/* --- rows --- */

/* Has one of the rows no value, or fewer than another? */
static bool lacks(const struct qn_field *f, uint64_t nrows)
{
	const uint64_t n = nrows * qn_field_nvalues(f);

	for (uint64_t i = 0; f->null && i < n; i++)
		if (!qn_field_has(f, i))
			return true;
	return f->type == QN_FIELD_NULL && nrows > 0;
}

static union qn_cell cell_of(const struct qn_field *f, uint64_t i)
{
	union qn_cell c = { .i = f->v.ints[i] };

	if (f->type == QN_FIELD_DECIMAL)
		c.r = f->v.texts[i] ? strtod(f->v.texts[i], NULL) : 0; /* NULL: there is none */
	return c;
}

/* Which of the values that could stand for none are values. */
static void note_marks(struct qn_variable *v, const struct qn_field *f, uint64_t nrows)
{
	const bool is_whole = f->type == QN_FIELD_INT || f->type == QN_FIELD_UINT;
	const enum quern_dtype t = f->type == QN_FIELD_UINT ? QUERN_U64 : integer_type(v);
	const uint64_t n = f->type == QN_FIELD_NULL ? 0 : nrows * qn_field_nvalues(f);
	uint64_t *marks = &v->marks[is_whole ? INTEGERS : REALS];

	for (uint64_t i = 0; i < n; i++) {
		const union qn_cell c = cell_of(f, i);
		const uint64_t k = is_whole ? mark_of_integer(t, c.u) : mark_of_real(c.u);

		if (k >= NMARKS || !qn_field_has(f, i))
			continue;
		v->has_mark |= is_whole && c.i == fill_of[t];
		*marks |= UINT64_C(1) << k;
	}
}

/* What all rows are, with these. False: they do not go together. */
static bool learn(struct qn_field *to, const struct qn_field *f)
{
	const bool is_first = to->type == QN_FIELD_NULL, is_known = f->type != QN_FIELD_NULL;
	const bool is_decimal = f->type == QN_FIELD_DECIMAL || to->type == QN_FIELD_DECIMAL;
	const bool is_int = f->type == QN_FIELD_INT || to->type == QN_FIELD_INT;

	if (f->type == QN_FIELD_TEXT)
		return false;
	if (!is_known)
		return true;
	if (!is_first && (to->array != f->array || to->ncols != f->ncols ||
			  (to->type != f->type && !(is_decimal && is_int))))
		return false;
	to->type = !is_first && is_decimal ? QN_FIELD_DECIMAL : f->type;
	to->array = f->array;
	to->n = is_first ? f->n : qn_max_u64(to->n, f->n);
	to->ncols = f->ncols;
	return true;
}

static bool same_form(const struct qn_form *a, const struct qn_form *b)
{
	return a->file == b->file && a->memory == b->memory && a->fill.i == b->fill.i;
}

/* With rows that are now known of. nvalues, had_null: of the rows before. */
static bool prepare(struct qn_variable *v, uint64_t nvalues, bool had_null)
{
	struct qn_form form;
	bool ok = true;

	if (v->field->type == QN_FIELD_NULL)
		return true;
	choose_form(v, &form);
	if (form.lacks_fill)
		return false;
	if (v->id >= 0 && (!same_form(&form, &v->form) || nvalues != qn_field_nvalues(v->field)))
		return make_anew(v, had_null, nvalues);
	v->form = form;
	if (v->id < 0) {
		choose_shape(v);
		ok = make(v) && append_nulls(v, v->nrows * qn_field_nvalues(v->field));
	}
	return ok;
}

static union qn_cell value_of(const struct qn_variable *v, const struct qn_field *f, uint64_t i)
{
	union qn_cell c = v->form.fill;

	if (!qn_field_has(f, i))
		return c;
	c = cell_of(f, i);
	if (v->field->type == QN_FIELD_DECIMAL && f->type != QN_FIELD_DECIMAL)
		c.r = (double)c.i;
	return c;
}

static bool append_rows(struct qn_variable *v, const struct qn_field *f, uint64_t nrows)
{
	const uint64_t n = qn_field_nvalues(f), all = qn_field_nvalues(v->field);
	bool ok = true;

	if (f->type == QN_FIELD_NULL)
		return append_nulls(v, nrows * all);
	if (!f->null && n == all && f->type == v->field->type && f->type != QN_FIELD_DECIMAL)
		return append(v, (const union qn_cell *)f->v.ints, nrows * n);
	for (uint64_t row = 0; ok && row < nrows; row++) {
		for (uint64_t k = 0; ok && k < n; k++) {
			const union qn_cell c = value_of(v, f, row * n + k);

			ok = append(v, &c, 1);
		}
		ok = ok && append_nulls(v, all - n);
	}
	return ok;
}

bool qn_variable_put(struct qn_variable *v, const struct qn_field *f, uint64_t nrows)
{
	const bool had_null = v->has_null, was_known = v->field->type != QN_FIELD_NULL;
	const uint64_t before = qn_field_nvalues(v->field);
	bool ok = learn(v->field, f);

	if (ok && nrows) {
		const bool differs = f->type != QN_FIELD_NULL && v->nrows > 0 &&
				     (!was_known || qn_field_nvalues(v->field) != before);

		v->has_null = v->has_null || lacks(f, nrows) || differs ||
			      (f->type != QN_FIELD_NULL &&
			       qn_field_nvalues(f) != qn_field_nvalues(v->field));
		note_marks(v, f, nrows);
	}
	ok = ok && prepare(v, before, had_null) && (v->id < 0 || append_rows(v, f, nrows));
	v->nrows += nrows;
	return ok;
}

bool qn_variable_end(struct qn_variable *v)
{
	if (v->id >= 0)
		return true;
	choose_shape(v);
	v->has_null = v->has_null || v->field->type == QN_FIELD_NULL;
	choose_form(v, &v->form);
	return make(v) && append_nulls(v, count_elems(v));
}

void qn_variable_fini(struct qn_variable *v)
{
	qn_h5_close(v->id);
	qn_h5_close(v->space);
	free(v->room);
	v->id = v->space = -1;
	v->room = NULL;
}
