/*
 * mkfiles.c - writes very many files of one chunk each, to measure how fast files are opened.
 *
 *	mkfiles FILES KIB DIR [VIRTUAL]
 *
 * The dataset /x of each is float32, 1 x KIB * 256 elements in one chunk, all of the value 1. VIRTUAL
 * is a file whose virtual dataset /x is all of them, one after another.
 */
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void file_name(char path[4096], const char *dir, hsize_t i)
{
	snprintf(path, 4096, "%s/f%06llu.h5", dir, (unsigned long long)i);
}

static int make(const char *path, hsize_t nelems, const float *values)
{
	const hsize_t shape[2] = { 1, nelems };
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space, dcpl, dset;
	int rc;

	if (file < 0)
		return -1;
	space = H5Screate_simple(2, shape, NULL);
	dcpl = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(dcpl, 2, shape);
	dset = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	rc = H5Dwrite(dset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? -1 : 0;
	H5Dclose(dset);
	H5Pclose(dcpl);
	H5Sclose(space);
	return H5Fclose(file) < 0 ? -1 : rc;
}

static int map_file(hid_t dcpl, hid_t to, hid_t from, const char *dir, hsize_t i, hsize_t nelems)
{
	const hsize_t start[2] = { i, 0 }, count[2] = { 1, nelems };
	char path[4096];

	file_name(path, dir, i);
	if (H5Sselect_hyperslab(to, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
		return -1;
	return H5Pset_virtual(dcpl, to, path, "/x", from) < 0 ? -1 : 0;
}

static int make_virtual(const char *path, const char *dir, hsize_t nfiles, hsize_t nelems)
{
	const hsize_t shape[2] = { nfiles, nelems }, part[2] = { 1, nelems };
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), dcpl = H5Pcreate(H5P_DATASET_CREATE), file, dset;
	hid_t to = H5Screate_simple(2, shape, NULL), from = H5Screate_simple(2, part, NULL);
	int rc = 0;

	for (hsize_t i = 0; !rc && i < nfiles; i++)
		rc = map_file(dcpl, to, from, dir, i, nelems);
	H5Sselect_all(to);
	H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
	dset = H5Dcreate2(file, "x", H5T_IEEE_F32LE, to, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	if (dset < 0 || H5Dclose(dset) < 0 || H5Fclose(file) < 0)
		rc = -1;
	H5Sclose(from);
	H5Sclose(to);
	H5Pclose(dcpl);
	H5Pclose(fapl);
	return rc;
}

int main(int argc, char **argv)
{
	bool ok = argc == 4 || argc == 5;
	int nfiles = ok ? atoi(argv[1]) : 0, kib = ok ? atoi(argv[2]) : 0;
	size_t nelems = (size_t)kib * 256;
	float *values;
	char path[4096];

	if (nfiles < 1 || kib < 1 || kib > 1 << 20) {
		fputs("usage: mkfiles FILES KIB DIR [VIRTUAL]\n", stderr);
		return 2;
	}
	values = malloc(nelems * sizeof(*values));
	for (size_t i = 0; values && i < nelems; i++)
		values[i] = 1;
	for (int i = 0; i < nfiles; i++) {
		file_name(path, argv[3], (hsize_t)i);
		if (!values || make(path, nelems, values)) {
			fprintf(stderr, "mkfiles: %s cannot be written\n", path);
			return 1;
		}
	}
	free(values);
	if (argc == 5 && make_virtual(argv[4], argv[3], (hsize_t)nfiles, nelems)) {
		fprintf(stderr, "mkfiles: %s cannot be written\n", argv[4]);
		return 1;
	}
	return 0;
}
