/*
 * put.h - files of HDF5 for programs that write such: what must succeed, and attributes of text.
 */
#ifndef QN_TESTS_PUT_H
#define QN_TESTS_PUT_H

#include <errno.h>
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program, which has a name, if it has not. */
static inline void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, what);
		exit(1);
	}
}

static inline hid_t create(const char *name)
{
	hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

	must(file >= 0, name);
	return file;
}

/* An attribute of one value. */
static inline void put_value(hid_t object, const char *name, hid_t type, hid_t memory,
			     const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);

	must(attr >= 0 && H5Awrite(attr, memory, value) >= 0, name);
	H5Aclose(attr);
	H5Sclose(space);
}

static inline void put_text(hid_t object, const char *name, const char *text)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, strlen(text) + 1);
	put_value(object, name, type, type, text);
	H5Tclose(type);
}

#endif
