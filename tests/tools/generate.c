/*
 * generate - writes HDF5 files of every kind that quern reads, and what it must find in them.
 *
 *	generate DIR [FILE...]
 *
 * DIR/made.jsonl gets a line a dataset or part of one, as those of the public corpus: see rows.c.
 * The same files
 * every time. With names only these are written.
 */
#include "made.h"
#include "records.h"

/* Every type in either byte order, in every kind of storage. */
static void make_types(const char *name)
{
	static const char *const types[] = { "|i1", "|u1", "<i2",	">i2",	    "<u2", ">u2",
					     "<i4", ">i4", "<u4",	">u4",	    "<i8", ">i8",
					     "<u8", ">u8", "<f2",	">f2",	    "<f4", ">f4",
					     "<f8", ">f8", "<bfloat16", ">bfloat16" };
	static const struct {
		const char *name;
		enum layout layout;
		unsigned filters;
	} kinds[] = {
		{ "compact", COMPACT, 0 },
		{ "contiguous", CONTIGUOUS, 0 },
		{ "raw", CHUNKED, 0 },
		{ "deflate", CHUNKED, DEFLATE },
		{ "shuffle", CHUNKED, SHUFFLE },
		{ "both", CHUNKED, SHUFFLE | DEFLATE },
		{ "checked", CHUNKED, SHUFFLE | DEFLATE | FLETCHER32 },
		{ "checksum", CHUNKED, FLETCHER32 },
		{ "below", CHUNKED, SHUFFLE | DEFLATE | FLETCHER32_FIRST },
	};
	hid_t file = new_file(name, false, 0);

	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			char path[64];
			struct spec s = { .path = path,
					  .type = types[t],
					  .ndim = 2,
					  .shape = { 37, 53 },
					  .chunk = { 16, 20 },
					  .layout = kinds[k].layout,
					  .filters = kinds[k].filters };

			snprintf(path, sizeof(path), "/%s%s/%s", types[t] + 1,
				 types[t][0] == '>' ? "be" : "", kinds[k].name);
			make(file, name, &s);
		}
	must(H5Fclose(file));
}

/* Chunk indexes of every kind, unallocated chunks, fill values, shapes, selections. */
static void make_shapes(const char *name, bool latest, hsize_t user_block)
{
	static const struct spec specs[] = {
		{ "/scalar", "<f8", 0, .layout = CONTIGUOUS },
		{ "/scalar_compact", ">i4", 0, .layout = COMPACT },
		{ "/empty", "<f4", 2, { 0, 5 }, .layout = CONTIGUOUS },
		{ "/empty_chunked", "<i4", 2, { 0, 5 }, { 4, 5 }, .nunlimited = 1 },
		{ "/one", "<i4", 1, { 1 }, { 1 }, .filters = 0 },
		{ "/single", "<f4", 2, { 20, 30 }, { 20, 30 }, .filters = 0 },
		{ "/single_filtered", "<f4", 2, { 20, 30 }, { 20, 30 }, .filters = DEFLATE },
		{ "/early", "<i4", 2, { 37, 21 }, { 8, 8 }, .early = true },
		{ "/fixed", "<f4", 1, { 5000 }, { 17 }, .filters = 0 },
		{ "/fixed_filtered", "<f4", 1, { 5000 }, { 17 }, .filters = SHUFFLE | DEFLATE },
		{ "/fixed_3d",
		  "<i2",
		  3,
		  { 13, 14, 15 },
		  { 4, 5, 6 },
		  .select = "2:11,3,1:15:3",
		  .box = { { 2, 3, 1 }, { 11, 4, 15 }, { 1, 1, 3 } } },
		{ "/extensible", "<i4", 1, { 3000 }, { 7 }, .nunlimited = 1 },
		{ "/extensible_filtered",
		  "<f8",
		  2,
		  { 300, 5 },
		  { 3, 5 },
		  .filters = DEFLATE,
		  .nunlimited = 1,
		  .select = "::7,-2",
		  .box = { { 0, 3 }, { 300, 4 }, { 7, 1 } } },
		{ "/tree", "<u4", 2, { 90, 70 }, { 3, 4 }, .nunlimited = 2 },
		{ "/tree_filtered",
		  "<f4",
		  2,
		  { 90, 70 },
		  { 3, 4 },
		  .nunlimited = 2,
		  .filters = SHUFFLE | DEFLATE | FLETCHER32,
		  .select = "80:,:-60",
		  .box = { { 80, 0 }, { 90, 10 }, { 1, 1 } } },
		{ "/4d",
		  ">i2",
		  4,
		  { 5, 6, 7, 8 },
		  { 2, 3, 4, 5 },
		  .nunlimited = 1,
		  .filters = SHUFFLE | DEFLATE,
		  .select = "1:5:2,::5,6,2:3",
		  .box = { { 1, 0, 6, 2 }, { 5, 6, 7, 3 }, { 2, 5, 1, 1 } } },
		{ "/raw_edges",
		  "<f4",
		  2,
		  { 33, 35 },
		  { 10, 10 },
		  .filters = SHUFFLE | DEFLATE | RAW_EDGES },
		{ "/large_chunk", "<i4", 1, { 10 }, { 64 }, .nunlimited = 1 },
		{ "/never_written",
		  "<f4",
		  2,
		  { 30, 40 },
		  { 7, 9 },
		  .written = NOTHING,
		  .fill = 2.5 },
		{ "/never_written_contiguous",
		  "<i2",
		  1,
		  { 1000 },
		  .layout = CONTIGUOUS,
		  .written = NOTHING,
		  .fill = -7 },
		{ "/zeros", "<f8", 1, { 100 }, { 9 }, .written = NOTHING },
		{ "/holes",
		  "<i4",
		  2,
		  { 64, 64 },
		  { 8, 8 },
		  .written = LOWER_CORNER,
		  .fill = 12345,
		  .filters = DEFLATE,
		  .select = "20:44,20:44",
		  .box = { { 20, 20 }, { 44, 44 }, { 1, 1 } } },
		{ "/holes_big_endian",
		  ">f4",
		  2,
		  { 64, 64 },
		  { 9, 7 },
		  .written = LOWER_CORNER,
		  .fill = -0.5,
		  .nunlimited = 1 },
		{ "/corner",
		  "<f8",
		  2,
		  { 40, 40 },
		  .layout = CONTIGUOUS,
		  .written = LOWER_CORNER,
		  .fill = 1e300 },
		{ "/enumeration", ">i4", 2, { 40, 30 }, { 7, 9 }, .twist = ENUMERATION },
		{ "/enumeration_compact",
		  "|i1",
		  1,
		  { 99 },
		  .layout = COMPACT,
		  .twist = ENUMERATION },
		{ "/bitfield",
		  "<u2",
		  2,
		  { 40, 30 },
		  { 7, 9 },
		  .filters = DEFLATE,
		  .twist = BITFIELD },
		{ "/bitfield_big_endian",
		  ">u8",
		  1,
		  { 400 },
		  .layout = CONTIGUOUS,
		  .twist = BITFIELD },
		{ "/time", "<i4", 2, { 40, 30 }, { 7, 9 }, .filters = SHUFFLE, .twist = TIME },
		{ "/time_big_endian", ">i8", 1, { 400 }, .layout = CONTIGUOUS, .twist = TIME },
		{ "/long_runs",
		  "<f4",
		  2,
		  { 200, 3000 },
		  .layout = CONTIGUOUS,
		  .select = "3:190:11,17:2900:13",
		  .box = { { 3, 17 }, { 190, 2900 }, { 11, 13 } } },
	};
	hid_t file = new_file(name, latest, user_block);

	MAKE_ALL(file, name, specs);
	must(H5Fclose(file));
}

static void make_cf(const char *name)
{
	static const struct cf packed = { .fill = -32768,
					  .missing = { NAN, NAN },
					  .min = NAN,
					  .max = NAN,
					  .scale = 0.01,
					  .offset = 273.15 };
	static const struct cf ranged = {
		.fill = 99, .missing = { -5, 17 }, .min = -20000, .max = 20000, .scale = NAN
	};
	static const struct cf lower = {
		.fill = NAN, .missing = { 3, NAN }, .min = 10, .max = NAN, .scale = -2, .offset = 1
	};
	static const struct cf bytes = { .fill = -1,
					 .missing = { NAN, NAN },
					 .min = NAN,
					 .max = NAN,
					 .scale = NAN,
					 .as_unsigned = true };
	static const struct cf real = {
		.fill = 0x1.2p115, .missing = { -999, NAN }, .min = NAN, .max = 1e10, .scale = NAN
	};
	static const struct spec specs[] = {
		{ "/packed",
		  "<i2",
		  3,
		  { 20, 30, 40 },
		  { 7, 11, 13 },
		  .filters = SHUFFLE | DEFLATE,
		  .fill = -32768,
		  .cf = &packed },
		{ "/packed_holes",
		  ">i2",
		  2,
		  { 50, 60 },
		  { 11, 13 },
		  .written = LOWER_CORNER,
		  .fill = -32768,
		  .cf = &packed },
		{ "/ranged", "<i4", 1, { 3000 }, { 100 }, .cf = &ranged },
		{ "/lower", "<u2", 1, { 3000 }, .layout = CONTIGUOUS, .cf = &lower },
		{ "/bytes", "|i1", 2, { 50, 50 }, { 50, 7 }, .cf = &bytes },
		{ "/real", "<f4", 2, { 60, 50 }, { 13, 50 }, .filters = DEFLATE, .cf = &real },
		{ "/real_big_endian", ">f8", 1, { 2000 }, .layout = CONTIGUOUS, .cf = &real },
	};
	hid_t file = new_file(name, false, 0);

	MAKE_ALL(file, name, specs);
	must(H5Fclose(file));
}

/* Given values, repeated, for what random ones do not meet. */
static void make_list(hid_t file, const char *name, const char *path, const char *type, int n,
		      const long double *x)
{
	struct spec s = {
		.path = path, .type = type, .ndim = 1, .shape = { 3 * (hsize_t)n }, .chunk = { 5 }
	};
	struct made m = { .spec = &s, .file = name, .nelems = 3 * (size_t)n };

	m.value = must_alloc(m.nelems * sizeof(*m.value));
	for (size_t i = 0; i < m.nelems; i++)
		m.value[i] = x[i % (size_t)n];
	finish(&m, file);
}

#define MAKE_LIST(path, type, ...)                                                      \
	do {                                                                            \
		const long double x_[] = { __VA_ARGS__ };                               \
		make_list(file, name, path, type, (int)(sizeof(x_) / sizeof(*x_)), x_); \
	} while (0)

static void make_special(const char *name)
{
	hid_t file = new_file(name, false, 0);

	MAKE_LIST("/cancels", "<f8", 1e308, 1, -1e308, 0x1p-1074, 1e-30, -1);
	MAKE_LIST("/huge", "<f8", DBL_MAX, DBL_MAX, -DBL_MAX, 1);
	MAKE_LIST("/overflows", "<f8", DBL_MAX, DBL_MAX);
	MAKE_LIST("/subnormal", "<f8", 0x1p-1074, -0x3p-1074, 0x1p-1060);
	MAKE_LIST("/subnormal_f4", ">f4", 0x1p-149, -0x3p-149, 0x1p-130, 1);
	MAKE_LIST("/subnormal_f2", "<f2", 0x1p-24, 0x3p-20, -0x1p-14, 65504);
	MAKE_LIST("/ties", "<f8", 1, 0x1p-53, 0x1p-106);
	MAKE_LIST("/ties_down", "<f8", 1, 0x1p-53, -0x1p-106);
	MAKE_LIST("/nan", "<f4", 1, NAN, 2.5);
	MAKE_LIST("/all_nan", "<f8", NAN, NAN);
	MAKE_LIST("/nan_f2", ">f2", NAN, 1);
	MAKE_LIST("/inf", "<f8", 1, INFINITY, 3);
	MAKE_LIST("/minus_inf", ">f4", 1, -INFINITY, NAN);
	MAKE_LIST("/both_inf", "<f4", INFINITY, 5, -INFINITY);
	MAKE_LIST("/inf_f2", "<f2", INFINITY, 5);
	MAKE_LIST("/least", "<i8", INT64_MIN, INT64_MIN, -1);
	MAKE_LIST("/most", ">i8", INT64_MAX, INT64_MAX, INT64_MAX);
	MAKE_LIST("/both_ends", "<i8", INT64_MIN, INT64_MAX, 5);
	MAKE_LIST("/unsigned", "<u8", UINT64_MAX, 0, 1);
	MAKE_LIST("/unsigned_only", ">u8", UINT64_MAX, UINT64_MAX);
	MAKE_LIST("/bytes", "|i1", -128, 127, -128);
	must(H5Fclose(file));
}

/* A dataset whose elements are those of /source, in reverse halves. */
static void make_virtual(hid_t file, const char *name, const struct spec *source)
{
	struct spec s = *source;
	struct made m = { .spec = &s, .file = name, .nelems = source->shape[0] };
	hsize_t n = source->shape[0], half = n / 2, start[2] = { 0, half };
	hid_t space = must(H5Screate_simple(1, &n, NULL)), from = must(H5Scopy(space));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), type = file_type(s.type);

	for (int i = 0; i < 2; i++) {
		must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start[i], NULL, &half, NULL));
		must(H5Sselect_hyperslab(from, H5S_SELECT_SET, &start[1 - i], NULL, &half, NULL));
		must(H5Pset_virtual(dcpl, space, ".", s.path, from));
	}
	must(H5Dclose(
		must(H5Dcreate2(file, "/virtual", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT))));
	choose_values(&m);
	for (size_t i = 0; i < half; i++) {
		long double x = m.value[i];

		m.value[i] = m.value[half + i];
		m.value[half + i] = x;
	}
	s.path = "/virtual";
	put_rows(&m);
	free(m.value);
	H5Tclose(type);
	H5Pclose(dcpl);
	H5Sclose(from);
	H5Sclose(space);
}

/* What only the library can read. */
static void make_library(const char *name)
{
	static const struct spec specs[] = {
		{ "/source", "<i4", 1, { 600 }, { 50 }, .filters = DEFLATE },
		{ "/scaleoffset",
		  "<i4",
		  2,
		  { 40, 50 },
		  { 16, 20 },
		  .filters = SCALEOFFSET | SHUFFLE,
		  .select = "3:40:9,4:31",
		  .box = { { 3, 4 }, { 40, 31 }, { 9, 1 } } },
		{ "/nbit", ">u2", 2, { 40, 50 }, { 16, 20 }, .filters = NBIT | DEFLATE },
		{ "/narrow", "<i2", 2, { 40, 50 }, { 16, 20 }, .filters = NBIT, .twist = NARROW },
		{ "/narrow_big_endian", ">i4", 1, { 500 }, .layout = CONTIGUOUS, .twist = NARROW },
		{ "/external", "<f8", 1, { 400 }, .layout = EXTERNAL },
		{ "/three_bytes", "<i4", 2, { 40, 50 }, { 16, 20 }, .twist = ODD },
		{ "/three_bytes_big_endian", ">i4", 1, { 500 }, { 60 }, .twist = ODD },
		{ "/one_byte",
		  "<f4",
		  2,
		  { 40, 50 },
		  { 16, 20 },
		  .filters = SHUFFLE | DEFLATE,
		  .twist = ODD },
	};
	hid_t file = new_file(name, false, 0);

	MAKE_ALL(file, name, specs);
	make_virtual(file, name, &specs[0]);
	must(H5Fclose(file));
}

/* Enough work for several ranks and threads, and several passes. */
static void make_large(const char *name)
{
	static const struct cf packed = { .fill = -32768,
					  .missing = { NAN, NAN },
					  .min = NAN,
					  .max = NAN,
					  .scale = 0.0017,
					  .offset = 250.25 };
	static const struct cf real = {
		.fill = 0x1.2p115, .missing = { NAN, NAN }, .min = NAN, .max = NAN, .scale = NAN
	};
	static const struct spec specs[] = {
		{ "/packed",
		  "<i2",
		  3,
		  { 40, 90, 60 },
		  { 5, 30, 20 },
		  .filters = SHUFFLE | DEFLATE,
		  .fill = -32768,
		  .cf = &packed },
		{ "/real",
		  "<f4",
		  3,
		  { 41, 70, 50 },
		  { 6, 20, 50 },
		  .nunlimited = 1,
		  .filters = SHUFFLE | DEFLATE | FLETCHER32,
		  .cf = &real },
		{ "/big_endian", ">i4", 2, { 300, 500 }, { 40, 50 }, .filters = 0 },
		{ "/contiguous", "<f8", 2, { 500, 1500 }, .layout = CONTIGUOUS },
	};
	hid_t file = new_file(name, false, 0);

	MAKE_ALL(file, name, specs);
	must(H5Fclose(file));
}

/* --- what is refused --- */

static void make_of_type(hid_t file, const char *path, hid_t type)
{
	const hsize_t dim = 4;
	hid_t space = must(H5Screate_simple(1, &dim, NULL));

	must(H5Dclose(
		must(H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
	must(H5Tclose(type));
	H5Sclose(space);
}

/* Datasets of types that no kernel takes. */
static void make_other(const char *name)
{
	hid_t file = new_file(name, false, 0), type;

	type = must(H5Tcopy(H5T_C_S1));
	must(H5Tset_size(type, 8));
	make_of_type(file, "/string", type);
	type = must(H5Tcopy(H5T_C_S1));
	must(H5Tset_size(type, H5T_VARIABLE));
	make_of_type(file, "/variable_string", type);
	type = must(H5Tcreate(H5T_COMPOUND, 12));
	must(H5Tinsert(type, "a", 0, H5T_NATIVE_INT));
	must(H5Tinsert(type, "b", 4, H5T_NATIVE_DOUBLE));
	make_of_type(file, "/compound", type);
	make_of_type(file, "/opaque", must(H5Tcreate(H5T_OPAQUE, 5)));
	make_of_type(file, "/reference", must(H5Tcopy(H5T_STD_REF_OBJ)));
	must(H5Gclose(must(H5Gcreate2(file, "/group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
	must(H5Fclose(file));
}

struct place {
	const char *path;
	haddr_t addr;
	hsize_t nbytes;
};

/* Where chunk (2, 1) of a dataset is stored. */
static void find_chunk(hid_t file, struct place *p)
{
	const hsize_t offset[] = { 32, 20 };
	hid_t dset = must(H5Dopen2(file, p->path, H5P_DEFAULT));
	unsigned mask;

	must(H5Dget_chunk_info_by_coord(dset, offset, &mask, &p->addr, &p->nbytes));
	must(H5Dclose(dset));
}

/* Flips the bits of one byte in the middle of what is stored there. */
static void spoil(const char *name, const struct place *p)
{
	FILE *f = fopen(name, "r+");
	long at = (long)(p->addr + p->nbytes / 2);
	int byte;

	if (!f || fseek(f, at, SEEK_SET) || (byte = getc(f)) == EOF || fseek(f, at, SEEK_SET) ||
	    putc(byte ^ 0xff, f) == EOF || fclose(f)) {
		perror(name);
		exit(1);
	}
}

/* Datasets with a bad chunk; damaged.txt has a line each: path, file offset of the chunk, number of
   elements outside of it. */
static void make_damaged(const char *name)
{
	static const struct spec specs[] = {
		{ "/deflate", "<f4", 2, { 100, 50 }, { 16, 20 }, .filters = SHUFFLE | DEFLATE },
		{ "/checksum", "<f4", 2, { 100, 50 }, { 16, 20 }, .filters = FLETCHER32 },
		{ "/both", ">i2", 2, { 100, 50 }, { 16, 20 }, .filters = DEFLATE | FLETCHER32 },
	};
	struct place places[] = { { "/deflate", 0, 0 }, { "/checksum", 0, 0 }, { "/both", 0, 0 } };
	hid_t file = new_file(name, false, 0);
	FILE *list = fopen("damaged.txt", "w"), *all_rows = rows;

	if (!list) {
		perror("damaged.txt");
		exit(1);
	}
	rows = fopen("/dev/null", "w"); /* nobody can find these values */
	MAKE_ALL(file, name, specs);
	fclose(rows);
	rows = all_rows;
	for (int i = 0; i < 3; i++)
		find_chunk(file, &places[i]);
	must(H5Fclose(file));
	for (int i = 0; i < 3; i++) {
		spoil(name, &places[i]);
		fprintf(list, "%s %" PRIu64 " %d\n", places[i].path, (uint64_t)places[i].addr,
			100 * 50 - 16 * 20);
	}
	fclose(list);
}

/* Chunks in file order of which the last is as long as all others: a half that is a rank's ends behind it. */
static void make_uneven(const char *name)
{
	static const struct spec specs[] = {
		{ "/many", "<i4", 2, { 64, 128 }, { 1, 128 }, .filters = 0 },
		{ "/one", "<i4", 1, { 8500 }, { 8500 }, .filters = 0 },
	};
	hid_t file = new_file(name, false, 0);

	MAKE_ALL(file, name, specs);
	must(H5Fclose(file));
}

/* --- the command --- */

static void make_early(const char *name)
{
	make_shapes(name, false, 0);
}

static void make_latest(const char *name)
{
	make_shapes(name, true, 0);
}

static void make_user_block(const char *name)
{
	make_shapes(name, false, 2048);
}

static const struct {
	const char *name;
	void (*make)(const char *name);
} files[] = {
	{ "types.h5", make_types },
	{ "early.h5", make_early },
	{ "latest.h5", make_latest },
	{ "user_block.h5", make_user_block },
	{ "cf.nc", make_cf },
	{ "special.h5", make_special },
	{ "library.h5", make_library },
	{ "large.h5", make_large },
	{ "compound.h5", make_compound },
	{ "arrays.h5", make_arrays },
	{ "text.h5", make_text },
	{ "other.h5", make_other },
	{ "damaged.h5", make_damaged },
	{ "uneven.h5", make_uneven },
};

static bool is_wanted(const char *name, int n, char **wanted)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(wanted[i], name))
			return true;
	return n == 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: generate DIR [FILE...]\n", stderr);
		return 2;
	}
	if (chdir(argv[1]) || !(rows = fopen("made.jsonl", "w"))) {
		perror(argv[1]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (is_wanted(files[i].name, argc - 2, argv + 2))
			files[i].make(files[i].name);
	return fclose(rows) ? 1 : 0;
}
