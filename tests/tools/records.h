/*
 * records.h - making datasets of compounds and of arrays. For generate.c.
 *
 * A record is laid out here, byte by byte, and written as it is; a row is put for each of its
 * members. Members are not aligned, and their order in the file is not that of their names.
 */
#ifndef TESTS_CORPUS_RECORDS_H
#define TESTS_CORPUS_RECORDS_H

#include "made.h"

#define MAX_INNER 2

/* The numbers that a row is about. */
struct member {
	const char *column, *type;
	size_t offset;
	int ndim; /* of the arrays that they are in */
	hsize_t dim[MAX_INNER];
	size_t stride[MAX_INNER];
	const char *select; /* along those dimensions, for one more row */
	struct box box;
};

struct record {
	hid_t (*type)(size_t begin); /* from byte `begin` on; caller closes it */
	size_t nbytes;
	const struct member *member;
	size_t nmembers;
};

/* How records are stored. */
struct keeping {
	const char *name;
	enum layout layout;
	unsigned filters;
	enum written written; /* LOWER_CORNER: the lower half of the rows */
	bool text; /* begins with a string of variable length, whose size differs in memory */
	bool filled, uneven; /* a fill value; one that is not the same all over an array */
	bool early;
};

#define NROWS	 37
#define NCOLUMNS 23

/* --- the types --- */

static hid_t compound(size_t nbytes)
{
	return must(H5Tcreate(H5T_COMPOUND, nbytes));
}

/* Takes type. */
static void insert(hid_t t, const char *name, size_t offset, hid_t type)
{
	must(H5Tinsert(t, name, offset, type));
	must(H5Tclose(type));
}

/* Takes base. */
static hid_t array(hid_t base, int ndim, hsize_t a, hsize_t b)
{
	const hsize_t dims[] = { a, b };
	hid_t t = must(H5Tarray_create2(base, (unsigned)ndim, dims));

	must(H5Tclose(base));
	return t;
}

static hid_t text(size_t nbytes)
{
	hid_t t = must(H5Tcopy(H5T_C_S1));

	must(H5Tset_size(t, nbytes));
	return t;
}

static hid_t mixed_type(size_t begin)
{
	hid_t t = compound(begin + 196), inner = compound(6), cell = compound(7);

	insert(inner, "re", 0, file_type("<f4"));
	insert(inner, "im", 4, file_type(">i2"));
	insert(cell, "a", 1, file_type("|i1"));
	insert(cell, "b", 3, array(file_type("<i2"), 1, 2, 0));
	if (begin)
		insert(t, "text", 0, text(H5T_VARIABLE));
	insert(t, "x", begin + 5, file_type(">f8"));
	insert(t, "id", begin, file_type("<i4"));
	insert(t, "flag", begin + 4, file_type("|u1"));
	insert(t, "pos", begin + 13, array(file_type("<f4"), 1, 3, 0));
	insert(t, "inner", begin + 25, inner);
	insert(t, "grid", begin + 31, array(cell, 1, 2, 0));
	insert(t, "name", begin + 45, text(5));
	insert(t, "inner.re", begin + 50, file_type("<u2"));
	insert(t, "half", begin + 52, file_type(">f2"));
	insert(t, "brain", begin + 54, file_type("<bfloat16"));
	insert(t, "wide", begin + 56, array(file_type("<u2"), 1, 70, 0));
	return t;
}

static const struct member mixed_members[] = {
	{ "id", "<i4", 0, .ndim = 0 },
	{ "flag", "|u1", 4, .ndim = 0 },
	{ "x", ">f8", 5, .ndim = 0 },
	{ "pos", "<f4", 13, 1, { 3 }, { 4 }, ",::2", { { 0 }, { 3 }, { 2 } } },
	{ "inner.im", ">i2", 29, .ndim = 0 },
	{ "inner.re", "<u2", 50, .ndim = 0 },
	{ "grid.a", "|i1", 32, 1, { 2 }, { 7 }, ",1", { { 1 }, { 2 }, { 1 } } },
	{ "grid.b", "<i2", 34, 2, { 2, 2 }, { 7, 2 }, ",:,1:", { { 0, 1 }, { 2, 2 }, { 1, 1 } } },
	{ "half", ">f2", 52, .ndim = 0 },
	{ "brain", "<bfloat16", 54, .ndim = 0 },
	{ "wide", "<u2", 56, 1, { 70 }, { 2 }, ",3:69", { { 3 }, { 69 }, { 1 } } },
};

/* Arrays of numbers, without anything else. */
static hid_t plain_type(size_t begin)
{
	(void)begin;
	return array(file_type(">i2"), 2, 3, 2);
}

static const struct member plain_members[] = {
	{ NULL, ">i2", 0, 2, { 3, 2 }, { 4, 2 }, ",1:,:", { { 1, 0 }, { 3, 2 }, { 1, 1 } } },
};

/* An array of compounds that have an array each. */
static hid_t nested_type(size_t begin)
{
	hid_t t = compound(20);

	(void)begin;
	insert(t, "r", 0, file_type("<f8"));
	insert(t, "k", 8, array(file_type("<i4"), 1, 3, 0));
	return array(t, 1, 5, 0);
}

static const struct member nested_members[] = {
	{ "r", "<f8", 0, 1, { 5 }, { 20 }, ",1::2", { { 1 }, { 5 }, { 2 } } },
	{ "k", "<i4", 8, 2, { 5, 3 }, { 20, 4 }, ",4,:", { { 4, 0 }, { 5, 3 }, { 1, 1 } } },
};

#define RECORD(name, nbytes)                                               \
	{                                                                  \
		name##_type, nbytes, name##_members,                       \
			sizeof(name##_members) / sizeof(name##_members[0]) \
	}

static const struct record mixed = RECORD(mixed, 196), plain = RECORD(plain, 12),
			   nested = RECORD(nested, 100);

/* --- values --- */

/* A number as the file has it. */
static void encode(const char *type, long double x, unsigned char *out)
{
	unsigned char bytes[16];
	hid_t file = file_type(type);

	store(type, x, bytes);
	must(H5Tconvert(memory_type(type), file, 1, bytes, NULL, H5P_DEFAULT));
	memcpy(out, bytes, type_size(type));
	must(H5Tclose(file));
}

static size_t inner_nelems(const struct member *m)
{
	size_t n = 1;

	for (int d = 0; d < m->ndim; d++)
		n *= m->dim[d];
	return n;
}

/* Where element i of the arrays of a record is. */
static size_t inner_place(const struct member *m, size_t i)
{
	size_t at = m->offset;

	for (int d = m->ndim - 1; d >= 0; d--) {
		at += i % m->dim[d] * m->stride[d];
		i /= m->dim[d];
	}
	return at;
}

/* Small numbers, which every type has. */
static long double fill_of(const struct keeping *k, size_t member, size_t i)
{
	return k->filled ? (long double)(member + 2 + (k->uneven ? i : 0)) : 0;
}

/* A dataset of records in the making. */
struct made_records {
	const struct record *record;
	const struct keeping *keeping;
	const char *path;
	bool scalar;
	size_t begin, nbytes, nrecords, nwritten; /* begin: of what `record` lays out, in memory */
	unsigned char *bytes;
};

static void init_records(struct made_records *r)
{
	r->begin = r->keeping->text ? sizeof(char *) : 0;
	r->nbytes = r->begin + r->record->nbytes;
	r->nrecords = r->scalar ? 1 : NROWS * NCOLUMNS;
	r->nwritten = r->keeping->written == ALL	    ? r->nrecords
		      : r->keeping->written == LOWER_CORNER ? NROWS / 2 * NCOLUMNS
							    : 0;
	r->bytes = must_alloc(r->nrecords * r->nbytes);
	for (size_t i = 0; i < r->nrecords && r->begin; i++) {
		static char *words[] = { "", "short", "a text that is longer than a heap id" };

		memcpy(r->bytes + i * r->nbytes, &words[i % 3], sizeof(char *));
	}
}

/* Chooses the values of one member, and puts its bytes into the records. */
static void choose_member(struct made_records *r, size_t member, struct made *m)
{
	const struct member *w = &r->record->member[member];
	const size_t n = inner_nelems(w);

	choose_values(m);
	for (size_t i = 0; i < m->nelems; i++) {
		unsigned char *p = r->bytes + i / n * r->nbytes + r->begin;

		if (i / n >= r->nwritten)
			m->value[i] = fill_of(r->keeping, member, i % n);
		encode(w->type, m->value[i], p + inner_place(w, i % n));
	}
}

/* --- rows --- */

static void join_dims(const struct made_records *r, const struct member *w, struct spec *s)
{
	s->ndim = r->scalar ? 0 : 2;
	s->shape[0] = NROWS;
	s->shape[1] = NCOLUMNS;
	for (int d = 0; d < w->ndim; d++)
		s->shape[s->ndim++] = w->dim[d];
}

/* A part along all dimensions. */
static void put_part(const struct made_records *r, const struct member *w, const struct made *m)
{
	struct box box = { { 1, 4 }, { 30, 21 }, { 3, 1 } };
	char select[64];

	if (r->scalar)
		return;
	snprintf(select, sizeof(select), "1:30:3,4:21%s", w->select ? w->select : "");
	for (int d = 0; d < w->ndim; d++) {
		box.start[2 + d] = w->box.start[d];
		box.stop[2 + d] = w->box.stop[d];
		box.step[2 + d] = w->box.step[d];
	}
	put_row(m, true, select, &box);
	put_row(m, true, "::40,22",
		&(struct box){ { 0, 22 }, { NROWS, 23, w->dim[0], w->dim[1] }, { 40, 1, 1, 1 } });
}

static void make_member(struct made_records *r, const char *file, size_t member)
{
	const struct member *w = &r->record->member[member];
	char seed[128];
	struct spec s = { .path = seed, .type = w->type, .column = w->column };
	struct made m = { .spec = &s, .file = file };

	join_dims(r, w, &s);
	snprintf(seed, sizeof(seed), "%s%s", r->path, w->column ? w->column : "");
	choose_member(r, member, &m);
	s.path = r->path;
	put_row(&m, true, NULL, NULL);
	put_part(r, w, &m);
	free(m.value);
}

/* --- datasets --- */

static void set_fill(const struct made_records *r, hid_t dcpl, hid_t type)
{
	unsigned char *fill = must_alloc(r->nbytes);
	char *none = NULL;

	memcpy(fill, &none, r->begin ? sizeof(none) : 0);
	for (size_t k = 0; k < r->record->nmembers; k++) {
		const struct member *w = &r->record->member[k];

		for (size_t i = 0; i < inner_nelems(w); i++)
			encode(w->type, fill_of(r->keeping, k, i),
			       fill + r->begin + inner_place(w, i));
	}
	must(H5Pset_fill_value(dcpl, type, fill));
	free(fill);
}

static hid_t create_records(const struct made_records *r, hid_t file, hid_t type)
{
	const hsize_t shape[] = { NROWS, NCOLUMNS }, chunk[] = { 8, 10 };
	const struct spec s = { .ndim = 2,
				.chunk = { chunk[0], chunk[1] },
				.layout = r->keeping->layout,
				.filters = r->keeping->filters };
	const struct made m = { .spec = &s };
	hid_t space = must(r->scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(2, shape, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;

	if (!r->scalar)
		set_layout(&m, dcpl);
	if (r->keeping->early)
		must(H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY));
	if (r->keeping->filled)
		set_fill(r, dcpl, type);
	dset = must(H5Dcreate2(file, r->path, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	H5Pclose(dcpl);
	H5Sclose(space);
	return dset;
}

static void write_records(const struct made_records *r, hid_t dset, hid_t type)
{
	const hsize_t start[] = { 0, 0 }, count[] = { r->nwritten / NCOLUMNS, NCOLUMNS };
	hid_t space = must(H5Dget_space(dset));

	if (!r->scalar)
		must(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
	if (r->nwritten)
		must(H5Dwrite(dset, type, space, space, H5P_DEFAULT, r->bytes));
	H5Sclose(space);
}

static void make_dataset(hid_t file, const char *name, const char *path, bool scalar,
			 const struct record *record, const struct keeping *keeping)
{
	struct made_records r = {
		.record = record, .keeping = keeping, .path = path, .scalar = scalar
	};
	hid_t type, dset;

	init_records(&r);
	for (size_t k = 0; k < record->nmembers; k++)
		make_member(&r, name, k);
	type = record->type(r.begin);
	dset = create_records(&r, file, type);
	write_records(&r, dset, type);
	must(H5Dclose(dset));
	must(H5Tclose(type));
	free(r.bytes);
}

static const struct keeping keepings[] = {
	{ "/contiguous", CONTIGUOUS, .written = ALL },
	{ "/raw", CHUNKED, .written = ALL },
	{ "/deflate", CHUNKED, DEFLATE, .written = ALL },
	{ "/both", CHUNKED, SHUFFLE | DEFLATE, .written = ALL },
	{ "/checked", CHUNKED, SHUFFLE | FLETCHER32, .written = ALL },
	{ "/nbit", CHUNKED, NBIT, .written = ALL },
	{ "/nothing", CHUNKED, DEFLATE, .written = NOTHING, .filled = true },
	{ "/half", CHUNKED, SHUFFLE | DEFLATE, .written = LOWER_CORNER, .filled = true },
	{ "/half_zero", CHUNKED, .written = LOWER_CORNER },
	{ "/early", CHUNKED, .written = LOWER_CORNER, .filled = true, .early = true },
	{ "/uneven", CHUNKED, DEFLATE, .written = LOWER_CORNER, .filled = true, .uneven = true },
};

static void make_compound(const char *name)
{
	static const struct keeping texts[] = {
		{ "/text", CONTIGUOUS, .written = ALL, .text = true },
		{ "/text_both", CHUNKED, SHUFFLE | DEFLATE, .written = ALL, .text = true },
		{ "/text_filled", CHUNKED, DEFLATE, .written = LOWER_CORNER, .text = true,
		  .filled = true },
	};
	hid_t file = new_file(name, false, 0);

	for (size_t k = 0; k < sizeof(keepings) / sizeof(keepings[0]); k++)
		make_dataset(file, name, keepings[k].name, false, &mixed, &keepings[k]);
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		make_dataset(file, name, texts[k].name, false, &mixed, &texts[k]);
	make_dataset(file, name, "/scalar", true, &mixed, &keepings[0]);
	must(H5Fclose(file));
}

static void make_arrays(const char *name)
{
	hid_t file = new_file(name, true, 0);
	char path[64];

	for (size_t k = 0; k < sizeof(keepings) / sizeof(keepings[0]); k++) {
		make_dataset(file, name, keepings[k].name, false, &plain, &keepings[k]);
		snprintf(path, sizeof(path), "%s_nested", keepings[k].name);
		make_dataset(file, name, path, false, &nested, &keepings[k]);
	}
	make_dataset(file, name, "/scalar", true, &plain, &keepings[0]);
	make_dataset(file, name, "/scalar_nested", true, &nested, &keepings[0]);
	must(H5Fclose(file));
}

/* --- text --- */

#define NTEXTS 600

/* Text i of a list with ties, an empty one, one that fills its element, and no UTF-8. */
static const char *text_at(size_t i)
{
	static const char *const parts[] = { "",
					     "a",
					     "ab",
					     "b",
					     "zz",
					     "Zebra",
					     "\xc3\x84rger",
					     "a longer one",
					     "\xff\xfe",
					     "abcdefghijklmnop" };

	return parts[i * i % 97 % (sizeof(parts) / sizeof(parts[0]))];
}

static hid_t padded(H5T_str_t padding)
{
	hid_t t = text(16);

	must(H5Tset_strpad(t, padding));
	return t;
}

/* The texts as elements of the type, and in the way it pads them. */
static unsigned char *pad_texts(H5T_str_t padding)
{
	unsigned char *bytes = must_alloc(NTEXTS * 16);

	if (padding == H5T_STR_SPACEPAD)
		memset(bytes, ' ', NTEXTS * 16);
	for (size_t i = 0; i < NTEXTS; i++) {
		memcpy(bytes + 16 * i, text_at(i), strlen(text_at(i)));
		/* What is after the end does not count. */
		if (padding == H5T_STR_NULLTERM && strlen(text_at(i)) < 12)
			memcpy(bytes + 16 * i + strlen(text_at(i)) + 1, "zzz", 3);
	}
	return bytes;
}

/* 30 x 20 texts, in chunks with filters or without. Takes type. */
static void make_texts(hid_t file, const char *path, hid_t type, unsigned filters, const void *data)
{
	const hsize_t shape[] = { 30, 20 };
	const struct spec s = {
		.ndim = 2, .chunk = { 7, 6 }, .layout = CHUNKED, .filters = filters
	};
	const struct made m = { .spec = &s };
	hid_t space = must(H5Screate_simple(2, shape, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;

	if (filters)
		set_layout(&m, dcpl);
	dset = must(H5Dcreate2(file, path, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	if (data)
		must(H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
	must(H5Dclose(dset));
	must(H5Pclose(dcpl));
	must(H5Sclose(space));
	must(H5Tclose(type));
}

/* A record: a number, a text of 16 bytes, one of variable length. */
static hid_t labelled(void)
{
	hid_t t = compound(28);

	insert(t, "n", 0, file_type("<i4"));
	insert(t, "fixed", 4, padded(H5T_STR_NULLPAD));
	insert(t, "variable", 20, text(H5T_VARIABLE));
	return t;
}

static unsigned char *label(void)
{
	unsigned char *fixed = pad_texts(H5T_STR_NULLPAD), *bytes = must_alloc(NTEXTS * 28);

	for (size_t i = 0; i < NTEXTS; i++) {
		const char *word = text_at(i);

		memcpy(bytes + 28 * i + 4, fixed + 16 * i, 16);
		memcpy(bytes + 28 * i + 20, &word, sizeof(word));
	}
	free(fixed);
	return bytes;
}

/* The same texts in every way; texts.txt has a line each. */
static void make_text(const char *name)
{
	static const struct {
		const char *plain, *filtered;
		H5T_str_t padding;
	} kinds[] = {
		{ "/null", "/null_both", H5T_STR_NULLPAD },
		{ "/terminated", "/terminated_both", H5T_STR_NULLTERM },
		{ "/space", "/space_both", H5T_STR_SPACEPAD },
	};
	const char **words = must_alloc(NTEXTS * sizeof(*words));
	char *longer = must_alloc(1026);
	unsigned char *records = label();
	hid_t file = new_file(name, false, 0);
	FILE *list = fopen("texts.txt", "w");

	for (size_t i = 0; i < NTEXTS; i++) {
		words[i] = text_at(i);
		if (list)
			fprintf(list, "%s\n", words[i]);
	}
	for (int k = 0; k < 3; k++) {
		unsigned char *bytes = pad_texts(kinds[k].padding);

		make_texts(file, kinds[k].plain, padded(kinds[k].padding), 0, bytes);
		make_texts(file, kinds[k].filtered, padded(kinds[k].padding), SHUFFLE | DEFLATE,
			   bytes);
		free(bytes);
	}
	make_texts(file, "/variable", text(H5T_VARIABLE), 0, words);
	make_texts(file, "/variable_both", text(H5T_VARIABLE), SHUFFLE | DEFLATE, words);
	make_texts(file, "/unwritten", text(H5T_VARIABLE), DEFLATE, NULL);
	make_texts(file, "/labelled", labelled(), 0, records);
	make_texts(file, "/labelled_both", labelled(), SHUFFLE | DEFLATE, records);
	memset(longer, 'x', 1025);
	words[77] = longer;
	make_texts(file, "/too_long", text(H5T_VARIABLE), 0, words);
	make_texts(file, "/too_wide", text(4097), 0, NULL);
	must(H5Fclose(file));
	if (!list || fclose(list))
		exit(1);
	free(longer);
	free(records);
	free(words);
}

#endif
