/*
 * look - what the root group of an HDF5 file has, as the library and the specifications of dimension scales see
 * it.
 *
 *	look FILE	a line "NAME TYPE(DIM, ...) LAYOUT" for each dataset, in the order in which they were made, and a
 *			line "NAME:ATTRIBUTE = VALUE" for each attribute that is a text or a number
 *	look FILE NAME	the values of a dataset, a line each
 */
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5_library/versions.h"

#define MOST_DIMS 32

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "look: %s failed\n", what);
		exit(1);
	}
}

static void print_type(hid_t type)
{
	const char kind = H5Tget_class(type) == H5T_FLOAT    ? 'f'
			  : H5Tget_class(type) == H5T_STRING ? 's'
			  : H5Tget_sign(type) == H5T_SGN_2   ? 'i'
							     : 'u';

	printf("%c%zu", kind, kind == 's' ? 0 : H5Tget_size(type));
}

static void print_scale(hid_t dset, const hvl_t *list)
{
	char name[256] = "?";

	if (list->len)
		must(H5Rget_name(dset, H5R_OBJECT, list->p, name, sizeof(name)) > 0, "a reference");
	fputs(name + (name[0] == '/'), stdout);
}

/* The names of its dimensions; a scale is its own. */
static void print_dims(hid_t dset, const char *name, int ndim, const hsize_t *shape)
{
	hvl_t list[MOST_DIMS] = { { 0, NULL } };
	const bool has = H5Aexists(dset, "DIMENSION_LIST") > 0;
	hid_t attr = has ? H5Aopen(dset, "DIMENSION_LIST", H5P_DEFAULT) : -1;
	hid_t type = has ? H5Aget_type(attr) : -1;

	if (has)
		must(H5Aread(attr, type, list) >= 0, "DIMENSION_LIST");
	putchar('(');
	for (int i = 0; i < ndim; i++) {
		fputs(i ? ", " : "", stdout);
		if (has)
			print_scale(dset, &list[i]);
		else
			fputs(name, stdout);
		printf(" %llu", (unsigned long long)shape[i]);
	}
	putchar(')');
	if (has) {
		hid_t space = H5Aget_space(attr);

		H5Dvlen_reclaim(type, space, H5P_DEFAULT, list);
		H5Sclose(space);
		H5Tclose(type);
		H5Aclose(attr);
	}
}

static void print_layout(hid_t dset)
{
	hid_t plist = H5Dget_create_plist(dset);
	hsize_t chunk[MOST_DIMS];
	const int n = H5Pget_layout(plist) == H5D_CHUNKED ? H5Pget_chunk(plist, MOST_DIMS, chunk)
							  : 0;

	for (int i = 0; i < n; i++)
		printf("%s%llu", i ? "x" : " ", (unsigned long long)chunk[i]);
	for (int i = 0; i < H5Pget_nfilters(plist); i++) {
		unsigned flags, config;
		size_t nparams = 0;

		printf(" +%d", (int)H5Pget_filter2(plist, (unsigned)i, &flags, &nparams, NULL, 0,
						   NULL, &config));
	}
	putchar('\n');
	H5Pclose(plist);
}

static herr_t print_attribute(hid_t dset, const char *attribute, const H5A_info_t *info, void *ctx)
{
	hid_t a = H5Aopen(dset, attribute, H5P_DEFAULT), type = H5Aget_type(a);
	const H5T_class_t class = H5Tget_class(type);
	char text[4096] = "";
	double number;

	(void)info;
	if (class == H5T_STRING && H5Tget_size(type) < sizeof(text) &&
	    H5Tis_variable_str(type) <= 0) {
		must(H5Aread(a, type, text) >= 0, attribute);
		printf("%s:%s = %s\n", (const char *)ctx, attribute, text);
	} else if ((class == H5T_INTEGER || class == H5T_FLOAT) &&
		   H5Aget_storage_size(a) == H5Tget_size(type)) {
		must(H5Aread(a, H5T_NATIVE_DOUBLE, &number) >= 0, attribute);
		printf("%s:%s = ", (const char *)ctx, attribute);
		print_type(type);
		printf(" %.17g\n", number);
	}
	H5Tclose(type);
	H5Aclose(a);
	return 0;
}

static herr_t print_dataset(hid_t root, const char *name, const qn_h5_link_info *info, void *ctx)
{
	hid_t dset = H5Dopen2(root, name, H5P_DEFAULT), type, space;
	hsize_t shape[MOST_DIMS], at = 0;

	(void)info;
	(void)ctx;
	must(dset >= 0, name);
	type = H5Dget_type(dset);
	space = H5Dget_space(dset);
	printf("%s ", name);
	print_type(type);
	print_dims(dset, name, H5Sget_simple_extent_dims(space, shape, NULL), shape);
	print_layout(dset);
	must(H5Aiterate2(dset, H5_INDEX_NAME, H5_ITER_INC, &at, print_attribute, (void *)name) >= 0,
	     name);
	H5Sclose(space);
	H5Tclose(type);
	return H5Dclose(dset);
}

static void print_values(hid_t file, const char *name)
{
	hid_t dset = H5Dopen2(file, name, H5P_DEFAULT), type, space;
	hssize_t n;
	double *v;
	int64_t *w;

	must(dset >= 0, name);
	type = H5Dget_type(dset);
	space = H5Dget_space(dset);
	n = H5Sget_simple_extent_npoints(space);
	v = calloc((size_t)n + 1, sizeof(*v));
	w = (int64_t *)v;
	if (H5Tget_class(type) == H5T_FLOAT) {
		must(H5Dread(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0, name);
		for (hssize_t i = 0; i < n; i++)
			printf("%.17g\n", v[i]);
	} else {
		must(H5Dread(dset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, w) >= 0, name);
		for (hssize_t i = 0; i < n; i++)
			printf("%lld\n", (long long)w[i]);
	}
	free(v);
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(dset);
}

int main(int argc, char **argv)
{
	hid_t file = argc > 1 ? H5Fopen(argv[1], H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
	hsize_t at = 0;

	must(file >= 0, argc > 1 ? argv[1] : "no file");
	if (argc > 2)
		print_values(file, argv[2]);
	else
		must(qn_h5_literate(file, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, print_dataset,
				    NULL) >= 0,
		     argv[1]);
	return H5Fclose(file) < 0;
}
