/*
 * small.h - small valid HDF5 files of many kinds, for tests that damage them: each has one dataset,
 * /x, of 24 x 18 elements or so, in one of the layouts, with one of the indexes and pipelines.
 *
 * The library writes them. What is stored for a filter of which it has no encoder is encoded here
 * and handed to it as a chunk.
 */
#ifndef QN_TESTS_SMALL_H
#define QN_TESTS_SMALL_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef QN_HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef QN_HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef QN_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef QN_HAVE_BLOSC
#include <blosc.h>
#endif
#include "io/hdf5_library/relax.h"

enum small_filters {
	SMALL_SHUFFLE = 1,
	SMALL_DEFLATE = 2,
	SMALL_FLETCHER32 = 4,
	SMALL_SCALEOFFSET = 8,
	SMALL_NBIT = 16,
	SMALL_SZIP = 32,
};

enum small_layout { SMALL_CHUNKED, SMALL_CONTIGUOUS, SMALL_COMPACT };

#define SMALL_ROWS    24
#define SMALL_COLUMNS 18

struct small_kind {
	const char *name;
	bool latest;
	enum small_layout layout;
	hsize_t chunk[2];
	unsigned filters;
	int nunlimited;
	bool early;  /* allocated when created */
	bool packed; /* int16 with CF attributes instead of float */
	hsize_t user_block;
	H5Z_filter_t encoded; /* a filter of which the library has no encoder; 0: none */
};

static const struct small_kind small_kinds[] = {
	{ .name = "compact", .layout = SMALL_COMPACT },
	{ .name = "compact latest", .latest = true, .layout = SMALL_COMPACT, .packed = true },
	{ .name = "contiguous", .layout = SMALL_CONTIGUOUS },
	{ .name = "contiguous latest", .latest = true, .layout = SMALL_CONTIGUOUS },
	{ .name = "user block", .layout = SMALL_CONTIGUOUS, .user_block = 512 },
	{ .name = "v1 B-tree", .chunk = { 8, 9 } },
	{ .name = "v1 B-tree deflate",
	  .chunk = { 8, 9 },
	  .filters = SMALL_SHUFFLE | SMALL_DEFLATE },
	{ .name = "v1 B-tree checksum", .chunk = { 8, 9 }, .filters = SMALL_FLETCHER32 },
	{ .name = "v1 B-tree deflate checksum",
	  .chunk = { 8, 9 },
	  .filters = SMALL_SHUFFLE | SMALL_DEFLATE | SMALL_FLETCHER32,
	  .nunlimited = 2,
	  .packed = true },
	{ .name = "single chunk",
	  .latest = true,
	  .chunk = { 24, 18 },
	  .filters = SMALL_DEFLATE | SMALL_FLETCHER32 },
	{ .name = "implicit", .latest = true, .chunk = { 8, 9 }, .early = true },
	{ .name = "fixed array", .latest = true, .chunk = { 8, 9 }, .packed = true },
	{ .name = "fixed array checksum",
	  .latest = true,
	  .chunk = { 8, 9 },
	  .filters = SMALL_DEFLATE | SMALL_FLETCHER32 },
	{ .name = "extensible array",
	  .latest = true,
	  .chunk = { 3, 9 },
	  .filters = SMALL_SHUFFLE,
	  .nunlimited = 1 },
	{ .name = "extensible array checksum",
	  .latest = true,
	  .chunk = { 3, 9 },
	  .filters = SMALL_FLETCHER32,
	  .nunlimited = 1 },
	{ .name = "v2 B-tree", .latest = true, .chunk = { 6, 7 }, .nunlimited = 2 },
	{ .name = "v2 B-tree checksum",
	  .latest = true,
	  .chunk = { 6, 7 },
	  .filters = SMALL_SHUFFLE | SMALL_DEFLATE | SMALL_FLETCHER32,
	  .nunlimited = 2 },
	{ .name = "scaleoffset",
	  .chunk = { 8, 9 },
	  .filters = SMALL_SCALEOFFSET | SMALL_FLETCHER32,
	  .packed = true },
	{ .name = "nbit", .chunk = { 8, 9 }, .filters = SMALL_NBIT, .packed = true },
	{ .name = "szip", .chunk = { 8, 9 }, .filters = SMALL_SZIP },
#ifdef QN_HAVE_ZSTD
	{ .name = "zstd", .latest = true, .chunk = { 8, 9 }, .encoded = 32015 },
#endif
#ifdef QN_HAVE_BZIP2
	{ .name = "bzip2", .chunk = { 8, 9 }, .encoded = 307 },
#endif
#ifdef QN_HAVE_LZ4
	{ .name = "lz4", .chunk = { 8, 9 }, .encoded = 32004, .packed = true },
#endif
#ifdef QN_HAVE_BLOSC
	{ .name = "blosc", .latest = true, .chunk = { 8, 9 }, .encoded = 32001 },
#endif
};

#define SMALL_NKINDS (sizeof(small_kinds) / sizeof(small_kinds[0]))

/* Values that compress, but not to nothing. */
static inline double small_value(uint64_t i)
{
	return (double)(i * 37 % 101) - 20 + 0.25 * (double)(i % 7);
}

/* Encodes nin bytes of elements of `size`; returns how many bytes there are. */
static inline size_t small_encode(H5Z_filter_t filter, size_t size, const void *in, size_t nin,
				  uint8_t *out, size_t room)
{
	(void)size;
	(void)room;
#ifdef QN_HAVE_ZSTD
	if (filter == 32015)
		return ZSTD_compress(out, room, in, nin, 3);
#endif
#ifdef QN_HAVE_BZIP2
	if (filter == 307) {
		unsigned n = (unsigned)room;

		BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)(uintptr_t)in, (unsigned)nin, 9,
					 0, 0);
		return n;
	}
#endif
#ifdef QN_HAVE_LZ4
	if (filter == 32004) {
		/* bytes in all, of a block, of what the one block is compressed to; big-endian */
		int n = LZ4_compress_default(in, (char *)out + 16, (int)nin, (int)room - 16);
		const uint32_t words[] = { 0, (uint32_t)nin, (uint32_t)nin, (uint32_t)n };

		for (size_t i = 0; i < sizeof(words); i++)
			out[i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
		return (size_t)n + 16;
	}
#endif
#ifdef QN_HAVE_BLOSC
	if (filter == 32001)
		return (size_t)blosc_compress_ctx(5, 1, size, nin, in, out, room, "blosclz", 0, 1);
#endif
	memcpy(out, in, nin);
	return nin;
}

/* The elements of the chunk at (row, column), in the type of the file. */
static inline size_t small_chunk(const struct small_kind *k, hsize_t row, hsize_t column,
				 uint8_t *out)
{
	size_t n = 0, size = k->packed ? sizeof(int16_t) : sizeof(float);

	for (hsize_t i = row; i < row + k->chunk[0]; i++)
		for (hsize_t j = column; j < column + k->chunk[1]; j++, n += size) {
			double x = i < SMALL_ROWS && j < SMALL_COLUMNS
					   ? small_value(i * SMALL_COLUMNS + j)
					   : 0;
			int16_t packed = (int16_t)x;
			float plain = (float)x;

			memcpy(out + n, k->packed ? (void *)&packed : (void *)&plain, size);
		}
	return n;
}

static inline bool small_write_encoded(const struct small_kind *k, hid_t dset)
{
	uint8_t plain[4096], stored[8192];
	bool ok = true;

	for (hsize_t i = 0; i < SMALL_ROWS; i += k->chunk[0])
		for (hsize_t j = 0; j < SMALL_COLUMNS; j += k->chunk[1]) {
			hsize_t at[] = { i, j };
			size_t n = small_chunk(k, i, j, plain);

			n = small_encode(k->encoded, k->packed ? 2 : 4, plain, n, stored,
					 sizeof(stored));
			ok = ok && H5Dwrite_chunk(dset, H5P_DEFAULT, 0, at, n, stored) >= 0;
		}
	return ok;
}

static inline bool small_write(const struct small_kind *k, hid_t dset)
{
	double x[SMALL_ROWS * SMALL_COLUMNS];

	if (k->encoded)
		return small_write_encoded(k, dset);
	for (uint64_t i = 0; i < SMALL_ROWS * SMALL_COLUMNS; i++)
		x[i] = small_value(i);
	return H5Dwrite(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0;
}

static inline hid_t small_properties(const struct small_kind *k)
{
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

	if (k->layout == SMALL_COMPACT)
		H5Pset_layout(dcpl, H5D_COMPACT);
	if (k->layout == SMALL_CHUNKED)
		H5Pset_chunk(dcpl, 2, k->chunk);
	if (k->early)
		H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
	if (k->filters & SMALL_NBIT)
		H5Pset_nbit(dcpl);
	if (k->filters & SMALL_SCALEOFFSET)
		H5Pset_scaleoffset(dcpl, H5Z_SO_INT, 0);
	if (k->filters & SMALL_SHUFFLE)
		H5Pset_shuffle(dcpl);
	if (k->filters & SMALL_DEFLATE)
		H5Pset_deflate(dcpl, 6);
	if (k->filters & SMALL_SZIP)
		H5Pset_szip(dcpl, H5_SZIP_NN_OPTION_MASK, 8);
	if (k->filters & SMALL_FLETCHER32)
		H5Pset_fletcher32(dcpl);
	if (k->encoded)
		H5Pset_filter(dcpl, k->encoded, H5Z_FLAG_OPTIONAL, 0, NULL);
	return dcpl;
}

static inline void small_number(hid_t dset, const char *name, double v)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(dset, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);

	H5Awrite(attr, H5T_NATIVE_DOUBLE, &v);
	H5Aclose(attr);
	H5Sclose(space);
}

static inline hid_t small_type(const struct small_kind *k)
{
	hid_t type = H5Tcopy(k->packed ? H5T_STD_I16LE : H5T_IEEE_F32LE);

	if (k->filters & SMALL_NBIT)
		H5Tset_precision(type, 12);
	return type;
}

/* False when the file cannot be made, or the library lacks the encoder. */
static inline bool small_make(const struct small_kind *k, const char *file)
{
	hsize_t shape[] = { SMALL_ROWS, SMALL_COLUMNS }, most[] = { SMALL_ROWS, SMALL_COLUMNS };
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), fcpl = H5Pcreate(H5P_FILE_CREATE);
	hid_t dcpl = small_properties(k), type = small_type(k), space, id, dset;
	bool ok;

	for (int i = 0; i < k->nunlimited; i++)
		most[i] = H5S_UNLIMITED;
	qn_h5_relax(fapl);
	if (k->latest)
		H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	H5Pset_userblock(fcpl, k->user_block);
	space = H5Screate_simple(2, shape, most);
	id = H5Fcreate(file, H5F_ACC_TRUNC, fcpl, fapl);
	dset = H5Dcreate2(id, "/x", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	ok = dset >= 0 && small_write(k, dset);
	if (ok && k->packed) {
		small_number(dset, "scale_factor", 0.5);
		small_number(dset, "add_offset", 3);
		small_number(dset, "_FillValue", -7);
	}
	if (dset >= 0)
		H5Dclose(dset);
	H5Sclose(space);
	H5Tclose(type);
	H5Pclose(dcpl);
	H5Pclose(fcpl);
	H5Pclose(fapl);
	return H5Fclose(id) >= 0 && ok;
}

#endif
