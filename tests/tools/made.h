/*
 * made.h - making a dataset from a description, and the rows of what must be found in it.
 *
 * The HDF5 library writes it; what is expected is computed by oracle.h from the values that were
 * chosen, not from the file. For generate.c.
 */
#ifndef TESTS_CORPUS_MADE_H
#define TESTS_CORPUS_MADE_H

#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5_library/relax.h"
#include "oracle.h"

#define MAX_DIMS     4
#define NARROW_NBITS 12

enum filters {
	SHUFFLE = 1,
	DEFLATE = 2,
	FLETCHER32 = 4,
	SCALEOFFSET = 8,
	NBIT = 16,
	RAW_EDGES = 32,	       /* partial chunks are not filtered */
	FLETCHER32_FIRST = 64, /* below the others */
};

/* Integers that the file calls something else, or with fewer bits than their bytes have; numbers of
   a size that no machine has: integers of 3 bytes, floats of 1. */
enum twist { PLAIN, ENUMERATION, BITFIELD, TIME, NARROW, ODD };

enum layout { CHUNKED, CONTIGUOUS, COMPACT, EXTERNAL };

/* What is written; the rest stays fill value, in chunks that are not allocated. */
enum written { ALL, LOWER_CORNER, NOTHING };

/* CF attributes. A number that is NaN is not there. */
struct cf {
	double fill, missing[2], min, max, scale, offset;
	bool as_unsigned;
};

struct spec {
	const char *path, *type; /* "<i2", ... */
	int ndim;		 /* 0: scalar */
	hsize_t shape[MAX_DIMS], chunk[MAX_DIMS];
	enum layout layout;
	unsigned filters;
	enum written written;
	int nunlimited; /* leading dimensions without a limit */
	bool early;	/* chunks allocated when the dataset is created */
	enum twist twist;
	double fill; /* 0: not set */
	const struct cf *cf;
	const char *select; /* one more row, of this part: box is the same */
	struct box {
		uint64_t start[MAX_DIMS], stop[MAX_DIMS], step[MAX_DIMS];
	} box;
	const char *column; /* of a compound, see records.h; NULL: none */
};

/* A dataset in the making. */
struct made {
	const struct spec *spec;
	const char *file; /* its name in the directory */
	hid_t id;
	size_t nelems;
	long double *value; /* owned: what the dataset reads as */
	uint64_t seed;
};

static FILE *rows;

/* The id or status of an HDF5 call that must not fail; the library has printed the reason. */
static hid_t must(hid_t id)
{
	if (id < 0)
		exit(1);
	return id;
}

static void *must_alloc(size_t nbytes)
{
	void *p = calloc(1, nbytes ? nbytes : 1);

	if (!p) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* --- types --- */

static bool is_signed(const char *type)
{
	return type[1] == 'i';
}

/* "<bfloat16" */
static bool is_brain(const char *type)
{
	return type[1] == 'b';
}

static bool is_float(const char *type)
{
	return type[1] == 'f' || is_brain(type);
}

static size_t type_size(const char *type)
{
	return is_brain(type) ? 2 : (size_t)(type[2] - '0');
}

static hid_t half_float(void)
{
	hid_t t = must(H5Tcopy(H5T_IEEE_F32LE));

	must(H5Tset_fields(t, 15, 10, 5, 0, 10));
	must(H5Tset_size(t, 2));
	must(H5Tset_ebias(t, 15));
	return t;
}

static hid_t brain_float(void)
{
	hid_t t = must(H5Tcopy(H5T_IEEE_F32LE));

	must(H5Tset_fields(t, 15, 7, 8, 0, 7));
	must(H5Tset_size(t, 2));
	return t;
}

/* The type in the file. Caller closes it. */
static hid_t file_type(const char *type)
{
	hid_t t;

	if (is_brain(type))
		t = brain_float();
	else if (is_float(type))
		t = type_size(type) == 2
			    ? half_float()
			    : must(H5Tcopy(type_size(type) == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE));
	else {
		t = must(H5Tcopy(is_signed(type) ? H5T_STD_I64LE : H5T_STD_U64LE));
		must(H5Tset_size(t, type_size(type)));
	}
	must(H5Tset_order(t, type[0] == '>' ? H5T_ORDER_BE : H5T_ORDER_LE));
	return t;
}

static void make_odd(hid_t t)
{
	if (H5Tget_class(t) == H5T_INTEGER) {
		must(H5Tset_size(t, 3));
		return;
	}
	must(H5Tset_fields(t, 7, 3, 4, 0, 3));
	must(H5Tset_size(t, 1));
	must(H5Tset_ebias(t, 7));
}

/* What the file calls the integer. Takes t; caller closes what it returns. */
static hid_t twisted(hid_t t, enum twist twist)
{
	const H5T_order_t order = H5Tget_order(t);
	const size_t size = H5Tget_size(t);
	const char zero[8] = { 0 };
	hid_t other;

	if (twist == NARROW)
		must(H5Tset_precision(t, NARROW_NBITS));
	if (twist == ODD)
		make_odd(t);
	if (twist == PLAIN || twist == NARROW || twist == ODD)
		return t;
	other = must(twist == ENUMERATION ? H5Tenum_create(t)
		     : twist == BITFIELD  ? H5Tcopy(H5T_STD_B64LE)
		     : size == 4	  ? H5Tcopy(H5T_UNIX_D32LE)
					  : H5Tcopy(H5T_UNIX_D64LE));
	if (twist == ENUMERATION)
		must(H5Tenum_insert(other, "NOTHING", zero));
	if (twist == BITFIELD)
		must(H5Tset_size(other, size));
	if (twist == BITFIELD || twist == TIME)
		must(H5Tset_order(other, order));
	must(H5Tclose(t));
	return other;
}

/* The widest type of the kind: what values are handed to the library in. */
static hid_t memory_type(const char *type)
{
	if (is_float(type))
		return H5T_NATIVE_DOUBLE;
	return is_signed(type) ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
}

static void store(const char *type, long double x, void *out)
{
	double f = (double)x;
	int64_t i = is_signed(type) ? (int64_t)x : 0;
	uint64_t u = is_float(type) || is_signed(type) ? 0 : (uint64_t)x;

	memcpy(out, is_float(type) ? (void *)&f : is_signed(type) ? (void *)&i : (void *)&u, 8);
}

/* --- values --- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Any integer of the type, small ones more often. */
static long double random_integer(const char *type, uint64_t *seed)
{
	size_t nbits = 8 * type_size(type);
	uint64_t r = next_random(seed);
	int64_t i = (int64_t)r >> (64 - nbits);

	if (next_random(seed) % 3)
		return (long double)(r % 100);
	return is_signed(type) ? (long double)i : (long double)(r >> (64 - nbits));
}

static long double random_float(const char *type, uint64_t *seed)
{
	uint64_t r = next_random(seed);
	double part = (double)(int64_t)(r | 1) * 0x1p-63;

	if (is_brain(type))
		return ldexpl((int)(r % 511) - 255, (int)(r >> 32) % 60 - 30);

	switch (type_size(type)) {
	case 2:
		return ldexpl((int)(r % 4095) - 2047, (int)(r >> 32) % 15 - 10);
	case 4:
		return (float)ldexp(part, (int)(next_random(seed) % 80) - 40);
	default:
		return ldexp(part, (int)(next_random(seed) % 400) - 200);
	}
}

/* Every 16-th value of a dataset with a missing value is missing, and some come from lists. */
static long double random_value(const struct spec *s, uint64_t *seed)
{
	const struct cf *cf = s->cf;

	if (s->twist == NARROW)
		return (long double)(next_random(seed) >> (65 - NARROW_NBITS)) - 100;
	if (s->twist == ODD)
		return (long double)(next_random(seed) % 16) - 7;
	if (cf && next_random(seed) % 16 == 0) {
		const double rare[] = { cf->fill, cf->missing[0], cf->missing[1], cf->min,
					cf->max };
		double x = rare[next_random(seed) % 5];

		if (!isnan(x))
			return x;
	}
	return is_float(s->type) ? random_float(s->type, seed) : random_integer(s->type, seed);
}

static uint64_t seed_of(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

/* Index of an element to its coordinates. */
static void unravel(const struct spec *s, size_t index, uint64_t *at)
{
	for (int d = s->ndim - 1; d >= 0; d--) {
		at[d] = index % s->shape[d];
		index /= s->shape[d];
	}
}

static bool is_written(const struct spec *s, size_t index)
{
	uint64_t at[MAX_DIMS];

	if (s->written != LOWER_CORNER)
		return s->written == ALL;
	unravel(s, index, at);
	for (int d = 0; d < s->ndim; d++)
		if (at[d] >= s->shape[d] / 2)
			return false;
	return true;
}

static void choose_values(struct made *m)
{
	const struct spec *s = m->spec;

	m->nelems = 1;
	for (int d = 0; d < s->ndim; d++)
		m->nelems *= s->shape[d];
	m->value = must_alloc(m->nelems * sizeof(*m->value));
	m->seed = seed_of(s->path);
	for (size_t i = 0; i < m->nelems; i++)
		m->value[i] = is_written(s, i) ? random_value(s, &m->seed) : s->fill;
}

/* --- rows --- */

/* What an element counts as; false when it is missing. */
static bool decode(const struct spec *s, long double x, bool raw, long double *out)
{
	const struct cf *cf = raw ? NULL : s->cf;

	*out = x;
	if (isnan(x))
		return false;
	if (!cf)
		return true;
	if (x == cf->fill || x == cf->missing[0] || x == cf->missing[1] || x < cf->min ||
	    x > cf->max)
		return false;
	if (cf->as_unsigned && x < 0)
		*out = x + ldexpl(1, 8 * (int)type_size(s->type));
	if (!isnan(cf->scale)) {
		double product = (double)*out * cf->scale;

		*out = product + cf->offset;
	}
	return true;
}

static bool is_in_box(const struct spec *s, const struct box *b, const uint64_t *at)
{
	for (int d = 0; d < s->ndim; d++)
		if (at[d] < b->start[d] || at[d] >= b->stop[d] ||
		    (at[d] - b->start[d]) % b->step[d])
			return false;
	return true;
}

static void ask_oracle(const struct made *m, bool raw, const struct box *box, struct oracle *o)
{
	for (size_t i = 0; i < m->nelems; i++) {
		uint64_t at[MAX_DIMS];
		long double x;

		unravel(m->spec, i, at);
		if (box && !is_in_box(m->spec, box, at))
			continue;
		if (decode(m->spec, m->value[i], raw, &x))
			oracle_add(o, x, i);
		else
			o->missing++;
	}
}

static void put_real(const char *name, double x)
{
	if (isnan(x))
		fprintf(rows, ", \"%s\": \"nan\"", name);
	else if (isinf(x))
		fprintf(rows, ", \"%s\": \"%sinf\"", name, x < 0 ? "-" : "");
	else
		fprintf(rows, ", \"%s\": %.17g", name, x);
}

static void put_dims(const char *name, int n, const hsize_t *dims)
{
	fprintf(rows, ", \"%s\": [", name);
	for (int d = 0; d < n; d++)
		fprintf(rows, "%s%" PRIu64, d ? ", " : "", (uint64_t)dims[d]);
	fputc(']', rows);
}

static void put_place(const struct spec *s, const char *name, uint64_t index)
{
	uint64_t at[MAX_DIMS] = { 0 };
	hsize_t dims[MAX_DIMS];

	unravel(s, index, at);
	for (int d = 0; d < MAX_DIMS; d++)
		dims[d] = at[d];
	put_dims(name, s->ndim ? s->ndim : 1, dims);
}

/* Integers stay integers unless they are scaled. */
static void put_statistics(const struct spec *s, const struct oracle *o, bool integers)
{
	fprintf(rows, ", \"count\": %" PRIu64 ", \"missing\": %" PRIu64, o->count, o->missing);
	if (integers) {
		mpz_t sum;

		mpz_init(sum);
		mpz_tdiv_q_2exp(sum, o->sum, ORACLE_SHIFT);
		gmp_fprintf(rows, ", \"sum\": %Zd", sum);
		mpz_clear(sum);
	} else {
		put_real("sum", oracle_sum(o));
	}
	if (!o->count) {
		fputs(", \"min\": null, \"max\": null, \"mean\": null", rows);
	} else if (integers) {
		fprintf(rows, ", \"min\": %.0Lf, \"max\": %.0Lf", o->min, o->max);
	} else {
		put_real("min", (double)o->min);
		put_real("max", (double)o->max);
	}
	if (o->count) {
		put_real("mean", oracle_mean(o));
		put_place(s, "argmin", o->argmin);
		put_place(s, "argmax", o->argmax);
	}
	if (o->count > 1)
		put_real("variance", oracle_variance(o));
}

static void put_row(const struct made *m, bool raw, const char *select, const struct box *box)
{
	const struct spec *s = m->spec;
	struct oracle o;

	oracle_init(&o);
	ask_oracle(m, raw, box, &o);
	fprintf(rows, "{\"file\": \"%s\", \"dataset\": \"%s\", \"dtype\": \"%s\", \"raw\": %s",
		m->file, s->path, s->type, raw ? "true" : "false");
	if (s->column)
		fprintf(rows, ", \"column\": \"%s\"", s->column);
	if (select)
		fprintf(rows, ", \"select\": \"%s\"", select);
	put_dims("shape", s->ndim, s->shape);
	put_statistics(s, &o, !is_float(s->type) && (raw || !s->cf || isnan(s->cf->scale)));
	fputs("}\n", rows);
	oracle_fini(&o);
}

static void put_rows(const struct made *m)
{
	put_row(m, true, NULL, NULL);
	if (m->spec->cf)
		put_row(m, false, NULL, NULL);
	if (m->spec->select)
		put_row(m, true, m->spec->select, &m->spec->box);
}

/* --- datasets --- */

static void add_filters(const struct spec *s, hid_t dcpl)
{
	if (s->filters & FLETCHER32_FIRST)
		must(H5Pset_fletcher32(dcpl));
	if (s->filters & NBIT)
		must(H5Pset_nbit(dcpl));
	if (s->filters & SCALEOFFSET)
		must(H5Pset_scaleoffset(dcpl, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT));
	if (s->filters & SHUFFLE)
		must(H5Pset_shuffle(dcpl));
	if (s->filters & DEFLATE)
		must(H5Pset_deflate(dcpl, 4));
	if (s->filters & FLETCHER32)
		must(H5Pset_fletcher32(dcpl));
	if (s->filters & RAW_EDGES)
		must(H5Pset_chunk_opts(dcpl, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS));
}

static void set_layout(const struct made *m, hid_t dcpl)
{
	const struct spec *s = m->spec;

	switch (s->layout) {
	case COMPACT:
		must(H5Pset_layout(dcpl, H5D_COMPACT));
		break;
	case CONTIGUOUS:
		must(H5Pset_layout(dcpl, H5D_CONTIGUOUS));
		break;
	case EXTERNAL:
		must(H5Pset_external(dcpl, "external.bin", 0, m->nelems * type_size(s->type)));
		break;
	case CHUNKED:
		must(H5Pset_chunk(dcpl, s->ndim, s->chunk));
		add_filters(s, dcpl);
	}
}

static hid_t creation_properties(const struct made *m)
{
	const struct spec *s = m->spec;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE));

	set_layout(m, dcpl);
	if (s->early)
		must(H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY));
	if (s->fill != 0) {
		unsigned char bytes[8];

		store(s->type, s->fill, bytes);
		must(H5Pset_fill_value(dcpl, memory_type(s->type), bytes));
	}
	return dcpl;
}

static void create(struct made *m, hid_t file)
{
	const struct spec *s = m->spec;
	hsize_t most[MAX_DIMS];
	hid_t space, type = twisted(file_type(s->type), s->twist);
	hid_t dcpl = creation_properties(m);
	hid_t lcpl = must(H5Pcreate(H5P_LINK_CREATE));

	for (int d = 0; d < s->ndim; d++)
		most[d] = d < s->nunlimited ? H5S_UNLIMITED : s->shape[d];
	space = must(s->ndim ? H5Screate_simple(s->ndim, s->shape, most) : H5Screate(H5S_SCALAR));
	must(H5Pset_create_intermediate_group(lcpl, 1));
	m->id = must(H5Dcreate2(file, s->path, type, space, lcpl, dcpl, H5P_DEFAULT));
	H5Pclose(lcpl);
	H5Pclose(dcpl);
	H5Tclose(type);
	H5Sclose(space);
}

/* The integers as they are in the file: the library converts no numbers to enumerations. */
static void write_bytes(const struct made *m)
{
	const size_t size = type_size(m->spec->type);
	unsigned char *bytes = must_alloc(m->nelems * size);
	hid_t type = must(H5Dget_type(m->id));

	for (size_t i = 0; i < m->nelems; i++) {
		const bool is_negative = m->value[i] < 0;
		uint64_t v = is_negative ? (uint64_t)(int64_t)m->value[i] : (uint64_t)m->value[i];

		for (size_t b = 0; b < size; b++, v >>= 8)
			bytes[i * size + (m->spec->type[0] == '>' ? size - 1 - b : b)] =
				(unsigned char)v;
	}
	must(H5Dwrite(m->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes));
	must(H5Tclose(type));
	free(bytes);
}

static void write_values(const struct made *m)
{
	const struct spec *s = m->spec;
	unsigned char *packed = must_alloc(8 * m->nelems);
	hsize_t start[MAX_DIMS] = { 0 }, count[MAX_DIMS];
	hid_t space = must(H5Dget_space(m->id));

	for (size_t i = 0; i < m->nelems; i++)
		store(s->type, m->value[i], packed + 8 * i);
	for (int d = 0; d < s->ndim; d++)
		count[d] = s->written == LOWER_CORNER ? s->shape[d] / 2 : s->shape[d];
	if (s->ndim)
		must(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
	must(H5Dwrite(m->id, memory_type(s->type), space, space, H5P_DEFAULT, packed));
	H5Sclose(space);
	free(packed);
}

static void put_attribute(const struct made *m, const char *name, const char *type, int n,
			  const double *x)
{
	hsize_t dim = (hsize_t)n;
	hid_t space = must(n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dim, NULL));
	hid_t t = file_type(type);
	hid_t a = must(H5Acreate2(m->id, name, t, space, H5P_DEFAULT, H5P_DEFAULT));

	must(H5Awrite(a, H5T_NATIVE_DOUBLE, x));
	H5Aclose(a);
	H5Tclose(t);
	H5Sclose(space);
}

static void put_text_attribute(hid_t id, const char *name, const char *text)
{
	hid_t space = must(H5Screate(H5S_SCALAR)), t = must(H5Tcopy(H5T_C_S1)), a;

	must(H5Tset_size(t, strlen(text)));
	a = must(H5Acreate2(id, name, t, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(a, t, text));
	H5Aclose(a);
	H5Tclose(t);
	H5Sclose(space);
}

static void write_cf(const struct made *m)
{
	const struct cf *cf = m->spec->cf;
	const char *type = m->spec->type;
	int nmissing = isnan(cf->missing[0]) ? 0 : isnan(cf->missing[1]) ? 1 : 2;

	if (!isnan(cf->fill))
		put_attribute(m, "_FillValue", type, 1, &cf->fill);
	if (nmissing)
		put_attribute(m, "missing_value", type, nmissing, cf->missing);
	if (!isnan(cf->min) && !isnan(cf->max)) {
		double range[] = { cf->min, cf->max };

		put_attribute(m, "valid_range", type, 2, range);
	} else if (!isnan(cf->min)) {
		put_attribute(m, "valid_min", type, 1, &cf->min);
	} else if (!isnan(cf->max)) {
		put_attribute(m, "valid_max", type, 1, &cf->max);
	}
	if (!isnan(cf->scale)) {
		put_attribute(m, "scale_factor", "<f8", 1, &cf->scale);
		put_attribute(m, "add_offset", "<f8", 1, &cf->offset);
	}
	if (cf->as_unsigned)
		put_text_attribute(m->id, "_Unsigned", "true");
	put_text_attribute(m->id, "units", "K");
}

/* Creates, fills and closes a dataset whose values are chosen, and puts its rows. */
static void finish(struct made *m, hid_t file)
{
	create(m, file);
	if (m->spec->twist >= ENUMERATION && m->spec->twist <= TIME)
		write_bytes(m);
	else if (m->spec->written != NOTHING && m->nelems)
		write_values(m);
	if (m->spec->cf)
		write_cf(m);
	must(H5Dclose(m->id));
	put_rows(m);
	free(m->value);
}

static void make(hid_t file, const char *name, const struct spec *s)
{
	struct made m = { .spec = s, .file = name };

	choose_values(&m);
	finish(&m, file);
}

static void make_all(hid_t file, const char *name, size_t n, const struct spec *s)
{
	for (size_t i = 0; i < n; i++)
		make(file, name, &s[i]);
}

#define MAKE_ALL(file, name, specs) make_all(file, name, sizeof(specs) / sizeof(*specs), specs)

/* A new file; latest: with the newest format of everything. */
static hid_t new_file(const char *name, bool latest, hsize_t user_block)
{
	hid_t fapl = must(H5Pcreate(H5P_FILE_ACCESS)), fcpl = must(H5Pcreate(H5P_FILE_CREATE)), f;

	qn_h5_relax(fapl);
	if (latest)
		must(H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
	must(H5Pset_userblock(fcpl, user_block));
	f = must(H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl));
	H5Pclose(fapl);
	H5Pclose(fcpl);
	return f;
}

#endif
