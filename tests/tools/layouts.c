/*
 * layouts - makes datasets whose elements are not in one plain file, for tests of the command.
 *
 *	layouts virtual NROWS	s0.h5 ... s3.h5 with x, each a quarter of the rows of plain.h5, joined
 *				by joined.h5, by turns by turns.h5; gaps.h5 has some and a missing file,
 *				odd.h5 one, irregularly, a missing dataset and a missing file
 *	layouts many N		many.h5: x is mapped to N datasets of the file, of which every tenth is not
 *				there and every seventh is virtual too; x[i, j] is i, or -1
 *	layouts external RAW...	external.h5: a dataset of six bytes in each raw file, and one of 6-bit numbers
 *	layouts deep		deep.h5: l1_0 ... l1_15 have each an element of every l0_0, ..., l2_0 ... of
 *				those, and so on to l6_15
 *	layouts unusual		unusual.h5: numbers of 12 bits in an external file, and half of them mapped;
 *				texts with a fill value, of a missing source; texts in an external file
 *	layouts unwritten	unwritten.h5: netCDF variables, and others, with elements that nobody wrote;
 *				text_scale has a scale_factor that is a text, single a float32
 *	layouts chain N		c0.h5 ...: x, compounds of a and b that are all 9, is mapped to that of the
 *				next file, and so on to that of c<N>.h5
 *	layouts borrowed C RAW	borrowed.h5: 32 compounds, mapped to x of the file C of a chain and to
 *				"raw", which is in an external file
 *	layouts sized BYTES	vast.h5 and wide.h5: x has so many bytes, none of which is stored
 *	layouts lacking		lacking.h5: x is mapped without limits to absent.h5, b to absent-0.h5, ...
 *	layouts strange		strange.h5: x has passed a filter that nobody has, in 8 chunks
 *	layouts bitshuffle	bitshuffle.h5: x is 5, in 8 chunks that bitshuffle has made
 *	layouts half		half.h5: of x 256 chunks of 64 KiB are written, and 3000 after them not;
 *				big.h5: 2048 chunks of 1 KiB, of 6 thousand million
 *	layouts holes		holes.h5: a, b, ... with most chunks not written, and full.h5 with the same
 *				elements, all of them written
 *	layouts family		f-00000.h5 ...
 *	layouts swmr		w.h5, open for SWMR writing; for each line on standard input it says
 *				"done" when: "grow" more is written, "stop" it is closed, "crash" it
 *				ends with the file open; "stream": until the next line it grows and is
 *				flushed every 2 ms
 *	layouts left		left.h5, which a writer without SWMR left open
 */
#include <hdf5.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5_library/relax.h"

#define NSOURCES   4
#define NCOLS	   512
#define NMANY_COLS 5

static hid_t must(hid_t id)
{
	if (id < 0)
		exit(1);
	return id;
}

static hid_t create(const char *name)
{
	hid_t fapl = must(H5Pcreate(H5P_FILE_ACCESS)), file;

	qn_h5_relax(fapl);
	must(H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
	file = must(H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
	H5Pclose(fapl);
	return file;
}

/* Rows first, first + step, ...: each number tells its row and column. */
static void write_rows(const char *name, hsize_t nrows, hsize_t first, hsize_t step)
{
	hsize_t shape[2] = { nrows, NCOLS }, chunk[2] = { nrows < 64 ? nrows : 64, NCOLS };
	hid_t file = create(name), dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;
	hid_t space = must(H5Screate_simple(2, shape, NULL));
	float *v = malloc(nrows * NCOLS * sizeof(*v));

	if (!v)
		exit(1);
	for (hsize_t i = 0; i < nrows * NCOLS; i++)
		v[i] = (float)((first + i / NCOLS * step) * 7 % 1013) + (float)(i % NCOLS) / 1024;
	must(H5Pset_chunk(dcpl, 2, chunk));
	dset = must(H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	must(H5Dwrite(dset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	free(v);
	H5Dclose(dset);
	H5Sclose(space);
	H5Pclose(dcpl);
	H5Fclose(file);
}

/* All rows of sources prefix0.h5 ... at rows first(i), with a step; of `n` of them. */
static void join(const char *name, const char *prefix, hsize_t nrows, hsize_t step, int n)
{
	hsize_t shape[2] = { nrows, NCOLS }, part[2] = { nrows / NSOURCES, NCOLS };
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), file = create(name);
	hid_t from = must(H5Screate_simple(2, part, NULL));
	hid_t to = must(H5Screate_simple(2, shape, NULL));
	float fill = -1;

	must(H5Pset_fill_value(dcpl, H5T_NATIVE_FLOAT, &fill));
	for (int i = 0; i < n; i++) {
		hsize_t start[2] = { step == 1 ? (hsize_t)i * part[0] : (hsize_t)i, 0 };
		hsize_t stride[2] = { step, 1 };
		char source[32];

		snprintf(source, sizeof(source), "%s%d.h5", prefix, i);
		must(H5Sselect_hyperslab(to, H5S_SELECT_SET, start, stride, part, NULL));
		must(H5Pset_virtual(dcpl, to, source, "x", from));
	}
	H5Dclose(must(H5Dcreate2(file, "x", H5T_IEEE_F32LE, to, H5P_DEFAULT, dcpl, H5P_DEFAULT)));
	H5Sclose(to);
	H5Sclose(from);
	H5Pclose(dcpl);
	H5Fclose(file);
}

/* All rows from `first` on but the second: no regular selection. */
static hid_t odd_rows(hsize_t nrows, hsize_t first, hsize_t n)
{
	hsize_t shape[2] = { nrows, NCOLS }, one[2] = { 1, NCOLS }, more[2] = { n - 2, NCOLS };
	hsize_t start[2] = { first, 0 }, third[2] = { first + 2, 0 };
	hid_t space = must(H5Screate_simple(2, shape, NULL));

	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, one, NULL));
	must(H5Sselect_hyperslab(space, H5S_SELECT_OR, third, NULL, more, NULL));
	return space;
}

/* Irregular mappings: of a source, of a dataset that its file does not have, of no file. */
static void join_odd(const char *name, hsize_t nrows)
{
	static const char *const source[][2] = { { "g0.h5", "x" },
						 { "g1.h5", "y" },
						 { "g9.h5", "x" } };
	hsize_t shape[2] = { nrows, NCOLS }, part = nrows / NSOURCES;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), file = create(name);
	float fill = -1;

	must(H5Pset_fill_value(dcpl, H5T_NATIVE_FLOAT, &fill));
	for (hsize_t i = 0; i < 3; i++)
		must(H5Pset_virtual(dcpl, odd_rows(nrows, i * part, part), source[i][0],
				    source[i][1], odd_rows(part, 0, part)));
	H5Dclose(must(H5Dcreate2(file, "x", H5T_IEEE_F32LE, must(H5Screate_simple(2, shape, NULL)),
				 H5P_DEFAULT, dcpl, H5P_DEFAULT)));
	H5Pclose(dcpl);
	H5Fclose(file);
}

static void make_virtual(hsize_t nrows)
{
	write_rows("plain.h5", nrows, 0, 1);
	for (int i = 0; i < NSOURCES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "s%d.h5", i);
		write_rows(name, nrows / NSOURCES, (hsize_t)i * nrows / NSOURCES, 1);
		snprintf(name, sizeof(name), "t%d.h5", i);
		write_rows(name, nrows / NSOURCES, (hsize_t)i, NSOURCES);
	}
	join("joined.h5", "s", nrows, 1, NSOURCES);
	join("turns.h5", "t", nrows, NSOURCES, NSOURCES);
	/* One is not there, one is not mapped. */
	write_rows("g0.h5", nrows / NSOURCES, 0, 1);
	write_rows("g1.h5", nrows / NSOURCES, nrows / NSOURCES, 1);
	join("gaps.h5", "g", nrows, 1, NSOURCES - 1);
	join_odd("odd.h5", nrows);
}

#define NDEEP	16
#define NLEVELS 6

/* Element j is that number i + j, around, of dataset j of the level below; of level 0 each has one. */
static void make_deep_one(hid_t file, int level, int i)
{
	hsize_t n = NDEEP, below = level == 1 ? 1 : NDEEP, one = 1;
	hid_t to = must(H5Screate_simple(1, &n, NULL)),
	      from = must(H5Screate_simple(1, &below, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	char name[32];

	for (hsize_t j = 0; j < n; j++) {
		hsize_t at = ((hsize_t)i + j) % below;

		must(H5Sselect_hyperslab(to, H5S_SELECT_SET, &j, NULL, &one, NULL));
		must(H5Sselect_hyperslab(from, H5S_SELECT_SET, &at, NULL, &one, NULL));
		snprintf(name, sizeof(name), "/l%d_%d", level - 1, (int)j);
		must(H5Pset_virtual(dcpl, to, ".", name, from));
	}
	snprintf(name, sizeof(name), "l%d_%d", level, i);
	H5Dclose(must(H5Dcreate2(file, name, H5T_STD_I32LE, to, H5P_DEFAULT, dcpl, H5P_DEFAULT)));
	H5Pclose(dcpl);
	H5Sclose(from);
	H5Sclose(to);
}

static void make_deep(void)
{
	hid_t file = create("deep.h5"), dset, space;
	hsize_t one = 1;
	char name[32];

	space = must(H5Screate_simple(1, &one, NULL));
	for (int i = 0; i < NDEEP; i++) {
		snprintf(name, sizeof(name), "l0_%d", i);
		dset = must(H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT,
				       H5P_DEFAULT));
		must(H5Dwrite(dset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &i));
		H5Dclose(dset);
	}
	for (int level = 1; level <= NLEVELS; level++)
		for (int i = 0; i < NDEEP; i++)
			make_deep_one(file, level, i);
	H5Sclose(space);
	H5Fclose(file);
}

static void map_half(hid_t file, const char *name, hid_t type, const char *source, const void *fill)
{
	hsize_t n = 6, half = 3, start = 0;
	hid_t space = must(H5Screate_simple(1, &n, NULL)),
	      dcpl = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &half, NULL));
	must(H5Pset_fill_value(dcpl, type, fill));
	must(H5Pset_virtual(dcpl, space, source, "/plain", space));
	H5Dclose(must(H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT)));
}

static void make_unusual(void)
{
	const short v[6] = { -5, -1, 0, 3, 7, 9 }, fill = -9;
	hid_t file = create("unusual.h5"), type = must(H5Tcopy(H5T_STD_I16LE));
	hid_t text = must(H5Tcopy(H5T_C_S1)), dcpl[2] = { H5P_DEFAULT };
	hsize_t n = 6;
	short stored = fill;
	hid_t raw = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Tset_precision(type, 12));
	must(H5Tset_offset(type, 2));
	must(H5Tconvert(H5T_NATIVE_SHORT, type, 1, &stored, NULL, H5P_DEFAULT));
	dcpl[1] = must(H5Pcreate(H5P_DATASET_CREATE));
	must(H5Pset_external(dcpl[1], "unusual.raw", 0, 2 * n));
	for (int i = 0; i < 2; i++) {
		hid_t dset = must(H5Dcreate2(file, i ? "external" : "plain", type,
					     must(H5Screate_simple(1, &n, NULL)), H5P_DEFAULT,
					     dcpl[i], H5P_DEFAULT));

		must(H5Dwrite(dset, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
		H5Dclose(dset);
	}
	map_half(file, "half", type, ".", &stored);
	must(H5Tset_size(text, 4));
	must(H5Pset_external(raw, "texts.raw", 0, 4 * n));
	H5Dclose(must(H5Dcreate2(file, "external_texts", text, must(H5Screate_simple(1, &n, NULL)),
				 H5P_DEFAULT, raw, H5P_DEFAULT)));
	map_half(file, "texts", text, "none.h5", "no\0");
	H5Fclose(file);
}

/* Elements that are in raw files: /NAME for each of them, six bytes, and /bits_NAME of numbers that only
   the library reads. */
static void make_external(char *const *names, int n)
{
	hid_t file = create("external.h5"), bits = must(H5Tcopy(H5T_STD_I8LE));
	const hsize_t nelems = 6;
	hid_t space = must(H5Screate_simple(1, &nelems, NULL));

	must(H5Tset_precision(bits, 6));
	for (int i = 0; i < 2 * n; i++) {
		hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
		const char *slash = strrchr(names[i / 2], '/');
		char path[64];

		snprintf(path, sizeof(path), "%s%.50s", i % 2 ? "bits_" : "",
			 slash ? slash + 1 : names[i / 2]);
		must(H5Pset_external(dcpl, names[i / 2], 0, nelems));
		H5Dclose(must(H5Dcreate2(file, path, i % 2 ? bits : H5T_STD_I8LE, space,
					 H5P_DEFAULT, dcpl, H5P_DEFAULT)));
		H5Pclose(dcpl);
	}
	H5Sclose(space);
	H5Fclose(file);
}

/* A row is all of a source. */
static void map_row(hid_t dcpl, hid_t to, hsize_t row, const char *source)
{
	hsize_t n = NMANY_COLS, start[2] = { row, 0 }, count[2] = { 1, NMANY_COLS };
	hid_t from = must(H5Screate_simple(1, &n, NULL));

	must(H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, count, NULL));
	must(H5Pset_virtual(dcpl, to, ".", source, from));
	H5Sclose(from);
}

/* A source, of which every number is its own; every seventh is virtual, and of another. */
static void make_row(hid_t file, const char *name, hsize_t row)
{
	int v[NMANY_COLS];
	hsize_t shape[2] = { 1, NMANY_COLS };
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;
	hid_t space = must(H5Screate_simple(1, &shape[1], NULL));
	char inner[32];

	for (int i = 0; i < NMANY_COLS; i++)
		v[i] = (int)row;
	snprintf(inner, sizeof(inner), "inner_%s", name);
	dset = must(H5Dcreate2(file, row % 7 ? name : inner, H5T_STD_I32LE, space, H5P_DEFAULT,
			       H5P_DEFAULT, H5P_DEFAULT));
	must(H5Dwrite(dset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	H5Dclose(dset);
	if (row % 7 == 0) {
		must(H5Pset_virtual(dcpl, space, ".", inner, space));
		H5Dclose(must(H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, dcpl,
					 H5P_DEFAULT)));
	}
	H5Sclose(space);
	H5Pclose(dcpl);
}

static void make_many(hsize_t n)
{
	hsize_t shape[2] = { n, NMANY_COLS };
	hid_t file = create("many.h5"), dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	hid_t to = must(H5Screate_simple(2, shape, NULL));
	int fill = -1;

	must(H5Pset_fill_value(dcpl, H5T_NATIVE_INT, &fill));
	for (hsize_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), i % 2 ? "./d%d" : "d%d", (int)i);
		map_row(dcpl, to, i, name);
		if (i % 10)
			make_row(file, strchr(name, 'd'), i);
	}
	H5Dclose(must(H5Dcreate2(file, "x", H5T_STD_I32LE, to, H5P_DEFAULT, dcpl, H5P_DEFAULT)));
	H5Fclose(file);
}

static void mark_as_scale(hid_t dset)
{
	hid_t text = must(H5Tcopy(H5T_C_S1)), space = must(H5Screate(H5S_SCALAR)), attr;

	must(H5Tset_size(text, 16));
	attr = must(H5Acreate2(dset, "CLASS", text, space, H5P_DEFAULT, H5P_DEFAULT));
	must(H5Awrite(attr, text, "DIMENSION_SCALE"));
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(text);
}

/* 6 elements: 1, 2, 3, the fill value, and two that nobody wrote. */
static hid_t make_fill(hid_t file, const char *name, hid_t type, double fill)
{
	const double v[4] = { 1, 2, 3, fill };
	hsize_t n = 6, chunk = 2, start = 0, count = 4;
	hid_t space = must(H5Screate_simple(1, &n, NULL)),
	      memory = must(H5Screate_simple(1, &count, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;

	must(H5Pset_chunk(dcpl, 1, &chunk));
	must(H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &fill));
	dset = must(H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL));
	must(H5Dwrite(dset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, v));
	return dset;
}

static void add_text(hid_t dset, const char *name, const char *value)
{
	hid_t text = must(H5Tcopy(H5T_C_S1));

	must(H5Tset_size(text, strlen(value) + 1));
	must(H5Awrite(must(H5Acreate2(dset, name, text, must(H5Screate(H5S_SCALAR)), H5P_DEFAULT,
				      H5P_DEFAULT)),
		      text, value));
}

/* 2^40 chunks, none of them written. */
static void make_vast(hid_t file)
{
	hsize_t n = UINT64_C(1) << 44, chunk = 16;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Pset_chunk(dcpl, 1, &chunk));
	must(H5Dcreate2(file, "vast", H5T_STD_I32LE, must(H5Screate_simple(1, &n, NULL)),
			H5P_DEFAULT, dcpl, H5P_DEFAULT));
}

static void make_unwritten(void)
{
	const struct {
		const char *name;
		hid_t type;
		double fill;
	} kinds[] = {
		{ "f4", H5T_IEEE_F32LE, 0x1.ep+122 },	{ "f8", H5T_IEEE_F64BE, 0x1.ep+122 },
		{ "f4be", H5T_IEEE_F32BE, 0x1.ep+122 }, { "i2", H5T_STD_I16LE, -32767 },
		{ "i2be", H5T_STD_I16BE, -32767 },	{ "i4", H5T_STD_I32LE, -2147483647 },
		{ "u2", H5T_STD_U16LE, 65535 },		{ "u4", H5T_STD_U32BE, 4294967295 },
		{ "i1", H5T_STD_I8LE, -127 },		{ "other", H5T_STD_I16LE, -32768 },
	};
	hid_t file = create("unwritten.h5"), dset;
	short three = 3;
	float tenth = 0.1f;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		mark_as_scale(make_fill(file, kinds[i].name, kinds[i].type, kinds[i].fill));
	make_fill(file, "no_netcdf", H5T_STD_I16LE, -32767);
	dset = make_fill(file, "attribute", H5T_STD_I16LE, -32767);
	mark_as_scale(dset);
	must(H5Awrite(must(H5Acreate2(dset, "missing_value", H5T_STD_I16LE,
				      must(H5Screate(H5S_SCALAR)), H5P_DEFAULT, H5P_DEFAULT)),
		      H5T_NATIVE_SHORT, &three));
	dset = make_fill(file, "single", H5T_STD_I16LE, 255);
	must(H5Awrite(must(H5Acreate2(dset, "scale_factor", H5T_IEEE_F32LE,
				      must(H5Screate(H5S_SCALAR)), H5P_DEFAULT, H5P_DEFAULT)),
		      H5T_NATIVE_FLOAT, &tenth));
	add_text(make_fill(file, "text_scale", H5T_STD_I16LE, -1), "scale_factor", "0.1");
	make_vast(file);
	H5close();
}

static void map_without_limits(hid_t file, const char *name, const char *source, bool numbered)
{
	hsize_t none = 0, most = H5S_UNLIMITED, start = 0, one = 1, four = 4;
	hid_t to = must(H5Screate_simple(1, &none, &most)), from, dcpl;

	must(H5Sselect_hyperslab(to, H5S_SELECT_SET, &start, numbered ? &four : NULL, &most,
				 numbered ? &four : NULL));
	if (numbered) {
		from = must(H5Screate_simple(1, &four, NULL));
	} else {
		from = must(H5Screate_simple(1, &one, &most));
		must(H5Sselect_hyperslab(from, H5S_SELECT_SET, &start, NULL, &most, NULL));
	}
	dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	must(H5Pset_virtual(dcpl, to, source, "/x", from));
	must(H5Dcreate2(file, name, H5T_STD_I32LE, to, H5P_DEFAULT, dcpl, H5P_DEFAULT));
}

static void make_lacking(void)
{
	hid_t file = create("lacking.h5");

	map_without_limits(file, "x", "absent.h5", false);
	map_without_limits(file, "b", "absent-%b.h5", true);
	H5close();
}

static void make_big(void)
{
	hsize_t chunk = 1024, n = 6000000000 * chunk, part = 2048 * chunk, start = 0;
	hid_t file = create("big.h5"), space = must(H5Screate_simple(1, &n, NULL)), dset;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)),
	      memory = must(H5Screate_simple(1, &part, NULL));
	int8_t *v = calloc(part, 1);

	if (!v)
		exit(1);
	must(H5Pset_chunk(dcpl, 1, &chunk));
	dset = must(H5Dcreate2(file, "x", H5T_STD_I8LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &part, NULL));
	must(H5Dwrite(dset, H5T_NATIVE_INT8, memory, space, H5P_DEFAULT, v));
	free(v);
	H5Fclose(file);
}

static void make_half(void)
{
	hsize_t shape[2] = { 3256, 16384 }, chunk[2] = { 1, 16384 }, part[2] = { 256, 16384 };
	hsize_t start[2] = { 0, 0 };
	hid_t file = create("half.h5"), space = must(H5Screate_simple(2, shape, NULL)), dset;
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)),
	      memory = must(H5Screate_simple(2, part, NULL));
	float *v = malloc(part[0] * part[1] * sizeof(*v));

	if (!v)
		exit(1);
	for (hsize_t i = 0; i < part[0] * part[1]; i++)
		v[i] = (float)(i % 1013);
	must(H5Pset_chunk(dcpl, 2, chunk));
	dset = must(H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL));
	must(H5Dwrite(dset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, v));
	free(v);
	H5Fclose(file);
	make_big();
	H5close();
}

static void make_strange(void)
{
	hsize_t n = 80, chunk = 10;
	hid_t file = create("strange.h5"), space = must(H5Screate_simple(1, &n, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;

	must(H5Pset_chunk(dcpl, 1, &chunk));
	must(H5Pset_filter(dcpl, 511, H5Z_FLAG_OPTIONAL, 0, NULL));
	dset = must(H5Dcreate2(file, "x", H5T_STD_I8LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	for (hsize_t at = 0; at < n; at += chunk)
		must(H5Dwrite_chunk(dset, H5P_DEFAULT, 0, &at, 6, "filter"));
	H5close();
}

/* Of 16 bytes 5, row k has bit k of all of them. */
static void make_bitshuffle(void)
{
	static const uint8_t rows[16] = { 0xff, 0xff, 0, 0, 0xff, 0xff };
	const unsigned step[] = { 0, 4, 1, 0,
				  0 }; /* version, size of an element, block, no compression */
	hsize_t n = 128, chunk = 16;
	hid_t file = create("bitshuffle.h5"), space = must(H5Screate_simple(1, &n, NULL));
	hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), dset;

	must(H5Pset_chunk(dcpl, 1, &chunk));
	must(H5Pset_filter(dcpl, 32008, H5Z_FLAG_OPTIONAL, 5, step));
	dset = must(H5Dcreate2(file, "x", H5T_STD_U8LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	for (hsize_t at = 0; at < n; at += chunk)
		must(H5Dwrite_chunk(dset, H5P_DEFAULT, 0, &at, sizeof(rows), rows));
	H5close();
}

/* A few elements of each chunk in about a tenth of the chunks. */
static void write_some(hid_t dset, const hsize_t *shape, int ndim)
{
	uint64_t seed = 1, n = 1;

	for (int d = 0; d < ndim; d++)
		n *= shape[d];
	for (uint64_t i = 0; i < n / 500 + 3; i++) {
		hid_t space = must(H5Dget_space(dset)), one = must(H5Screate(H5S_SCALAR));
		double v = (double)(seed >> 50) - 8000;
		hsize_t at[4];

		for (int d = 0; d < ndim; d++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			at[d] = (seed >> 33) % shape[d];
		}
		must(H5Sselect_elements(space, H5S_SELECT_SET, 1, at));
		must(H5Dwrite(dset, H5T_NATIVE_DOUBLE, one, space, H5P_DEFAULT, &v));
		H5Sclose(space);
		H5Sclose(one);
	}
}

static void make_holes(void)
{
	const struct {
		const char *name;
		hid_t type;
		double fill;
		int ndim;
		hsize_t shape[4], chunk[4];
	} kinds[] = {
		{ "a", H5T_STD_I16LE, -7, 1, { 30001 }, { 16 } },
		{ "b", H5T_IEEE_F32LE, 0.1, 2, { 203, 157 }, { 8, 9 } },
		{ "c", H5T_IEEE_F64LE, -1e300, 3, { 37, 20, 29 }, { 4, 3, 5 } },
		{ "d", H5T_STD_I32BE, 1 << 30, 4, { 9, 11, 7, 13 }, { 2, 3, 2, 4 } },
		{ "e", H5T_IEEE_F32LE, 0x1.ep+122, 2, { 5, 20000 }, { 2, 10 } },
	};
	hid_t holes = create("holes.h5"), full = create("full.h5");

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		hid_t space = must(H5Screate_simple(kinds[k].ndim, kinds[k].shape, NULL));
		hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), from, to;
		double *all = malloc((size_t)H5Sget_simple_extent_npoints(space) * sizeof(*all));

		must(H5Pset_chunk(dcpl, kinds[k].ndim, kinds[k].chunk));
		must(H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &kinds[k].fill));
		from = must(H5Dcreate2(holes, kinds[k].name, kinds[k].type, space, H5P_DEFAULT,
				       dcpl, H5P_DEFAULT));
		to = must(H5Dcreate2(full, kinds[k].name, kinds[k].type, space, H5P_DEFAULT, dcpl,
				     H5P_DEFAULT));
		mark_as_scale(from);
		mark_as_scale(to);
		write_some(from, kinds[k].shape, kinds[k].ndim);
		must(H5Dread(from, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all));
		must(H5Dwrite(to, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, all));
		free(all);
	}
	H5close();
}

static hid_t pairs(void)
{
	hid_t type = must(H5Tcreate(H5T_COMPOUND, 2));

	must(H5Tinsert(type, "a", 0, H5T_STD_U8LE));
	must(H5Tinsert(type, "b", 1, H5T_STD_U8LE));
	return type;
}

static void make_borrowed(const char *other, const char *raw)
{
	hsize_t shape = 32, part = 16, start = 0;
	hid_t file = create("borrowed.h5"), type = pairs(),
	      from = must(H5Screate_simple(1, &part, NULL));
	hid_t to = must(H5Screate_simple(1, &shape, NULL)),
	      dcpl = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Pset_external(dcpl, raw, 0, 32));
	must(H5Dcreate2(file, "raw", type, from, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	dcpl = must(H5Pcreate(H5P_DATASET_CREATE));
	must(H5Sselect_hyperslab(to, H5S_SELECT_SET, &start, NULL, &part, NULL));
	must(H5Pset_virtual(dcpl, to, other, "x", from));
	start = part;
	must(H5Sselect_hyperslab(to, H5S_SELECT_SET, &start, NULL, &part, NULL));
	must(H5Pset_virtual(dcpl, to, "borrowed.h5", "raw", from));
	must(H5Dcreate2(file, "x", type, to, H5P_DEFAULT, dcpl, H5P_DEFAULT));
	H5close();
}

static void make_chain(unsigned n)
{
	hid_t type = pairs(), space;
	hsize_t shape = 16;
	char v[32], name[32];

	memset(v, 9, sizeof(v));
	space = must(H5Screate_simple(1, &shape, NULL));
	for (unsigned i = 0; i <= n; i++) {
		hid_t dcpl = must(H5Pcreate(H5P_DATASET_CREATE)), file, dset;

		snprintf(name, sizeof(name), "c%u.h5", i + 1);
		if (i < n)
			must(H5Pset_virtual(dcpl, space, name, "x", space));
		snprintf(name, sizeof(name), "c%u.h5", i);
		file = create(name);
		dset = must(H5Dcreate2(file, "x", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
		if (i == n)
			must(H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
		H5Dclose(dset);
		H5Fclose(file);
		H5Pclose(dcpl);
	}
}

static void make_family(void)
{
	hid_t fapl = must(H5Pcreate(H5P_FILE_ACCESS)), file, space;
	hsize_t n = 5000;
	int v[5000];

	for (int i = 0; i < 5000; i++)
		v[i] = i;
	must(H5Pset_fapl_family(fapl, 4096, H5P_DEFAULT));
	file = must(H5Fcreate("f-%05d.h5", H5F_ACC_TRUNC, H5P_DEFAULT, fapl));
	space = must(H5Screate_simple(1, &n, NULL));
	must(H5Dwrite(must(H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT,
				      H5P_DEFAULT)),
		      H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, v));
	must(H5Fflush(file, H5F_SCOPE_LOCAL));
}

/* --- a writer --- */

static hid_t make_growing(hid_t file)
{
	hsize_t n = 0, most = H5S_UNLIMITED, chunk = 100;
	hid_t space = must(H5Screate_simple(1, &n, &most)),
	      dcpl = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Pset_chunk(dcpl, 1, &chunk));
	return must(H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT));
}

/* 250 more numbers, flushed. */
static void grow(hid_t dset, hsize_t *n)
{
	hsize_t start = *n, count = 250;
	hid_t memory = must(H5Screate_simple(1, &count, NULL)), space;
	int v[250];

	for (int i = 0; i < 250; i++)
		v[i] = (int)start + i;
	*n += count;
	must(H5Dset_extent(dset, n));
	space = must(H5Dget_space(dset));
	must(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL));
	must(H5Dwrite(dset, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, v));
	must(H5Dflush(dset));
	H5Sclose(space);
	H5Sclose(memory);
}

static void stream(hid_t dset, hsize_t *n)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	puts("done");
	fflush(stdout);
	while (poll(&in, 1, 2) == 0)
		grow(dset, n);
}

static void serve(void)
{
	hid_t file = create("w.h5"), dset = make_growing(file);
	char line[32];
	hsize_t n = 0;

	must(H5Fstart_swmr_write(file));
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "grow\n"))
			grow(dset, &n);
		if (!strcmp(line, "crash\n"))
			_exit(0);
		if (!strcmp(line, "stream\n")) {
			stream(dset, &n);
			continue;
		}
		if (!strcmp(line, "stop\n")) {
			H5Dclose(dset);
			H5Fclose(file);
		}
		puts("done");
		fflush(stdout);
	}
	_exit(0);
}

static void leave(void)
{
	hid_t file = create("left.h5"), dset = make_growing(file);
	hsize_t n = 0;

	grow(dset, &n);
	must(H5Fflush(file, H5F_SCOPE_GLOBAL));
	_exit(0);
}

static void make_sized(const char *name, hsize_t nbytes)
{
	const hsize_t shape[2] = { 64, nbytes / 64 };
	hid_t file = create(name);

	H5Dclose(must(H5Dcreate2(file, "x", H5T_STD_U8LE, must(H5Screate_simple(2, shape, NULL)),
				 H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)));
	H5Fclose(file);
}

static void make_two_sized(hsize_t nbytes)
{
	make_sized("vast.h5", nbytes);
	make_sized("wide.h5", nbytes);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "virtual"))
		make_virtual(strtoull(argv[2], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "many"))
		make_many(strtoull(argv[2], NULL, 10));
	else if (argc == 4 && !strcmp(argv[1], "borrowed"))
		make_borrowed(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "chain"))
		make_chain((unsigned)strtoul(argv[2], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "sized"))
		make_two_sized(strtoull(argv[2], NULL, 10));
	else if (argc == 2 && !strcmp(argv[1], "deep"))
		make_deep();
	else if (argc == 2 && !strcmp(argv[1], "unusual"))
		make_unusual();
	else if (argc > 2 && !strcmp(argv[1], "external"))
		make_external(argv + 2, argc - 2);
	else if (argc == 2 && !strcmp(argv[1], "unwritten"))
		make_unwritten();
	else if (argc == 2 && !strcmp(argv[1], "lacking"))
		make_lacking();
	else if (argc == 2 && !strcmp(argv[1], "half"))
		make_half();
	else if (argc == 2 && !strcmp(argv[1], "strange"))
		make_strange();
	else if (argc == 2 && !strcmp(argv[1], "bitshuffle"))
		make_bitshuffle();
	else if (argc == 2 && !strcmp(argv[1], "holes"))
		make_holes();
	else if (argc == 2 && !strcmp(argv[1], "family"))
		make_family();
	else if (argc == 2 && !strcmp(argv[1], "swmr"))
		serve();
	else if (argc == 2 && !strcmp(argv[1], "left"))
		leave();
	else
		return 2;
	return 0;
}
