/*
 * mkfiles.c - writes very many files of one chunk each, to measure how fast files are opened.
 *
 *	mkfiles FILES KIB DIR
 *
 * The dataset /x of each is float32, 1 x KIB * 256 elements in one chunk, all of the value 1.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(int argc, char **argv)
{
	int nfiles = argc == 4 ? atoi(argv[1]) : 0, kib = argc == 4 ? atoi(argv[2]) : 0;
	size_t nelems = (size_t)kib * 256;
	float *values;
	char path[4096];

	if (nfiles < 1 || kib < 1 || kib > 1 << 20) {
		fputs("usage: mkfiles FILES KIB DIR\n", stderr);
		return 2;
	}
	values = malloc(nelems * sizeof *values);
	for (size_t i = 0; values && i < nelems; i++)
		values[i] = 1;
	for (int i = 0; i < nfiles; i++) {
		snprintf(path, sizeof path, "%s/f%06d.h5", argv[3], i);
		if (!values || make(path, nelems, values)) {
			fprintf(stderr, "mkfiles: %s cannot be written\n", path);
			return 1;
		}
	}
	free(values);
	return 0;
}
