/*
 * globals FILE - prints the attributes of the root group of an HDF5 file that are one integer of 64 bits:
 * "NAME VALUE", a line each, in the order of their names.
 */
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>

static herr_t print(hid_t root, const char *name, const H5A_info_t *info, void *ctx)
{
	hid_t a = H5Aopen(root, name, H5P_DEFAULT), type = H5Aget_type(a);
	int64_t value;

	(void)info;
	(void)ctx;
	if (H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == sizeof(value) &&
	    H5Aget_storage_size(a) == sizeof(value) && H5Aread(a, H5T_NATIVE_INT64, &value) >= 0)
		printf("%s %lld\n", name, (long long)value);
	H5Tclose(type);
	H5Aclose(a);
	return 0;
}

int main(int argc, char **argv)
{
	hid_t file = argc == 2 ? H5Fopen(argv[1], H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
	hsize_t at = 0;

	if (file < 0 || H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, &at, print, NULL) < 0) {
		fprintf(stderr, "globals: cannot read %s\n", argc == 2 ? argv[1] : "no file");
		return 1;
	}
	return H5Fclose(file) < 0;
}
