/*
 * table - writes table.h5: x, 4096 x 64 x 512 float32 in chunks of 16 x N x 256, none of which is stored.
 *
 *	table N
 */
#include <hdf5.h>
#include <stdlib.h>

static hid_t must(hid_t id)
{
	if (id < 0)
		exit(1);
	return id;
}

int main(int argc, char **argv)
{
	const hsize_t shape[] = { 4096, 64, 512 };
	const hsize_t chunk[] = { 16, argc > 1 ? strtoull(argv[1], NULL, 10) : 64, 256 };
	hid_t file = must(H5Fcreate("table.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
	hid_t properties = must(H5Pcreate(H5P_DATASET_CREATE));

	must(H5Pset_chunk(properties, 3, chunk));
	must(H5Dcreate2(file, "x", H5T_IEEE_F32LE, must(H5Screate_simple(3, shape, NULL)),
			H5P_DEFAULT, properties, H5P_DEFAULT));
	return H5close() < 0;
}
