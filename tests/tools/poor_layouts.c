/*
 * layouts - writes datasets whose layouts `quern inspect` has something to say about.
 *
 *	layouts FILE
 *
 * Nearly all of them are without a stored chunk, so the file is small.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (1u << 20)
#define ZFP 32013

static const struct layout {
	const char *path;
	hsize_t shape[2], chunk[2];
	H5Z_filter_t filter;
} layouts[] = {
	{ "/good", { 64, MIB }, { 1, MIB }, H5Z_FILTER_DEFLATE },
	{ "/large", { 4, 128 * MIB }, { 1, 65 * MIB }, 0 },
	{ "/just_large_enough", { 4, 128 * MIB }, { 1, 64 * MIB }, 0 },
	{ "/small", { 4096, 1024 }, { 1, 1024 }, H5Z_FILTER_DEFLATE },
	{ "/just_small_enough", { 256, 16384 }, { 1, 16384 }, H5Z_FILTER_DEFLATE },
	{ "/small_all_over", { 16, 1024 }, { 1, 1024 }, 0 },
	{ "/one", { 2, MIB }, { 2, MIB }, H5Z_FILTER_DEFLATE },
	{ "/strange", { 4, MIB }, { 1, MIB }, ZFP },
	{ "/raw", { 64, MIB }, { 1, MIB }, 0 },
};

static void make(hid_t file, const struct layout *l)
{
	hid_t space = H5Screate_simple(2, l->shape, NULL), props = H5Pcreate(H5P_DATASET_CREATE);
	hid_t set;

	H5Pset_chunk(props, 2, l->chunk);
	if (l->filter == H5Z_FILTER_DEFLATE)
		H5Pset_deflate(props, 6);
	else if (l->filter)
		H5Pset_filter(props, l->filter, H5Z_FLAG_OPTIONAL, 0, NULL);
	set = H5Dcreate2(file, l->path, H5T_STD_I8LE, space, H5P_DEFAULT, props, H5P_DEFAULT);
	if (set < 0) {
		fprintf(stderr, "layouts: %s cannot be made\n", l->path);
		exit(1);
	}
	H5Dclose(set);
	H5Pclose(props);
	H5Sclose(space);
}

/* 8 MiB in 512 chunks or in one piece, so that there is something to be resident. */
static void make_stored(hid_t file, const char *path, int chunked)
{
	const hsize_t n = 8 * MIB, chunk = 16384;
	hid_t space = H5Screate_simple(1, &n, NULL), props = H5Pcreate(H5P_DATASET_CREATE), set;
	char *v = calloc(n, 1);

	if (chunked)
		H5Pset_chunk(props, 1, &chunk);
	set = H5Dcreate2(file, path, H5T_STD_I8LE, space, H5P_DEFAULT, props, H5P_DEFAULT);
	if (!v || H5Dwrite(set, H5T_STD_I8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) < 0) {
		fprintf(stderr, "layouts: %s cannot be written\n", path);
		exit(1);
	}
	free(v);
	H5Dclose(set);
	H5Pclose(props);
	H5Sclose(space);
}

int main(int argc, char **argv)
{
	hid_t file = argc == 2 ? H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT) : -1;

	if (file < 0) {
		fprintf(stderr, "usage: layouts FILE\n");
		return 1;
	}
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		make(file, &layouts[i]);
	make_stored(file, "/stored", 1);
	make_stored(file, "/whole", 0);
	return H5Fclose(file) < 0;
}
