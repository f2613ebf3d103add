/*
 * mkchunks.c - writes a file with very many tiny chunks and a chosen kind of chunk index, to measure
 * how fast an index is read.
 *
 *	mkchunks --index btree1|fixed|extensible|btree2|implicit [--chunks N] [--deflate] FILE
 *
 * The dataset /x is int8, N / 1000 x 8000 elements in chunks of 1 x 8, all of the value 1.
 */
#include <getopt.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_NELEMS 8
#define ROW_NCHUNKS  1000

struct kind {
	const char *name;
	bool latest; /* format of HDF5 1.10 and later */
	bool early;  /* all chunks are allocated when the dataset is created */
	int nunlimited;
};

static const struct kind kinds[] = {
	{ "btree1", false, true, 0 },	 { "fixed", true, false, 0 },
	{ "extensible", true, true, 1 }, { "btree2", true, true, 2 },
	{ "implicit", true, true, 0 },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static hid_t create_file(const char *path, bool latest)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), file;

	if (latest)
		H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
	H5Pclose(fapl);
	return file;
}

static hid_t create_dataset(hid_t file, const struct kind *k, hsize_t nrows, bool deflated)
{
	const hsize_t chunk[2] = { 1, CHUNK_NELEMS };
	const hsize_t shape[2] = { nrows, ROW_NCHUNKS * CHUNK_NELEMS };
	const hsize_t most[2] = { k->nunlimited > 0 ? H5S_UNLIMITED : shape[0],
				  k->nunlimited > 1 ? H5S_UNLIMITED : shape[1] };
	const signed char one = 1;
	hid_t space = H5Screate_simple(2, shape, most), dcpl = H5Pcreate(H5P_DATASET_CREATE), dset;

	H5Pset_chunk(dcpl, 2, chunk);
	if (deflated)
		H5Pset_deflate(dcpl, 1);
	H5Pset_fill_value(dcpl, H5T_NATIVE_SCHAR, &one);
	H5Pset_alloc_time(dcpl, k->early ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR);
	dset = H5Dcreate2(file, "x", H5T_NATIVE_SCHAR, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	H5Pclose(dcpl);
	H5Sclose(space);
	return dset;
}

/* What a chunk of ones is in the file; returns its bytes, or 0. */
static size_t pack_chunk(bool deflated, unsigned char packed[64])
{
	unsigned char raw[CHUNK_NELEMS];
	struct libdeflate_compressor *c;
	size_t n;

	memset(raw, 1, sizeof(raw));
	if (!deflated) {
		memcpy(packed, raw, sizeof(raw));
		return sizeof(raw);
	}
	c = libdeflate_alloc_compressor(1);
	n = c ? libdeflate_zlib_compress(c, raw, sizeof(raw), packed, 64) : 0;
	libdeflate_free_compressor(c);
	return n;
}

static int write_chunks(hid_t dset, hsize_t nrows, bool deflated)
{
	unsigned char packed[64];
	size_t nbytes = pack_chunk(deflated, packed);

	for (hsize_t i = 0; i < nrows; i++)
		for (hsize_t j = 0; j < ROW_NCHUNKS; j++) {
			const hsize_t at[2] = { i, j * CHUNK_NELEMS };

			if (H5Dwrite_chunk(dset, H5P_DEFAULT, 0, at, nbytes, packed) < 0)
				return -1;
		}
	return nbytes > 0 ? 0 : -1;
}

static int make(const char *path, const struct kind *k, hsize_t nrows, bool deflated)
{
	hid_t file = create_file(path, k->latest), dset = -1;
	int rc = -1;

	if (file >= 0)
		dset = create_dataset(file, k, nrows, deflated);
	if (dset >= 0)
		rc = k->early ? 0 : write_chunks(dset, nrows, deflated);
	if (dset >= 0 && H5Dclose(dset) < 0)
		rc = -1;
	if (file >= 0 && H5Fclose(file) < 0)
		rc = -1;
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "index", required_argument, NULL, 'i' },
						 { "chunks", required_argument, NULL, 'n' },
						 { "deflate", no_argument, NULL, 'z' },
						 { NULL, 0, NULL, 0 } };
	const struct kind *k = &kinds[0];
	unsigned long long nchunks = 1000000;
	bool deflated = false;

	for (int c; (c = getopt_long(argc, argv, "i:n:z", options, NULL)) != -1;) {
		if (c == 'i')
			k = find_kind(optarg);
		else if (c == 'n')
			nchunks = strtoull(optarg, NULL, 10);
		else if (c == 'z')
			deflated = true;
		else
			k = NULL;
	}
	if (!k || optind != argc - 1 || nchunks == 0 || nchunks % ROW_NCHUNKS != 0) {
		fprintf(stderr, "usage: mkchunks [--index btree1|fixed|extensible|btree2|implicit] "
				"[--chunks N (a multiple of 1000)] [--deflate] FILE\n");
		return 2;
	}
	if (make(argv[optind], k, nchunks / ROW_NCHUNKS, deflated) < 0) {
		fprintf(stderr, "mkchunks: %s cannot be written\n", argv[optind]);
		return 1;
	}
	return 0;
}
