/*
 * h5make.h - for tests: HDF5 files in a directory that is removed at the end.
 */
#ifndef QN_TESTS_UNIT_H5MAKE_H
#define QN_TESTS_UNIT_H5MAKE_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5_library/relax.h"

/* A directory and the path of the one file that a test makes in it. */
struct h5make {
	char dir[256];
	char file[300];
};

static inline bool h5make_init(struct h5make *m)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(m->dir, sizeof(m->dir), "%s/quern-test-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(m->dir))
		return false;
	snprintf(m->file, sizeof(m->file), "%s/t.h5", m->dir);
	return true;
}

static inline void h5make_fini(struct h5make *m)
{
	unlink(m->file);
	rmdir(m->dir);
}

/* Creates the file: format of 1.10 and later or the oldest; bytes of user block; istore_k > 0: half
   the entries of a node of a v1 B-tree of chunks. */
static inline hid_t h5make_create(const struct h5make *m, bool latest, hsize_t user_block,
				  unsigned istore_k)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), fcpl = H5Pcreate(H5P_FILE_CREATE), file;

	qn_h5_relax(fapl);
	if (latest)
		H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
	H5Pset_userblock(fcpl, user_block);
	if (istore_k > 0)
		H5Pset_istore_k(fcpl, istore_k);
	file = H5Fcreate(m->file, H5F_ACC_TRUNC, fcpl, fapl);
	H5Pclose(fcpl);
	H5Pclose(fapl);
	return file;
}

/* An attribute of n numbers (n = 0: a scalar). */
static inline void h5make_numbers(hid_t object, const char *name, hid_t type, hid_t memory,
				  hsize_t n, const void *v)
{
	hid_t space = n > 0 ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);

	H5Awrite(attr, memory, v);
	H5Aclose(attr);
	H5Sclose(space);
}

/* A text attribute; nbytes = 0: of variable length, otherwise padded to nbytes. */
static inline void h5make_text(hid_t object, const char *name, size_t nbytes, H5T_str_t padding,
			       const char *text)
{
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attr;
	char fixed[256];

	H5Tset_size(type, nbytes > 0 ? nbytes : H5T_VARIABLE);
	H5Tset_strpad(type, padding);
	memset(fixed, padding == H5T_STR_SPACEPAD ? ' ' : 0, sizeof(fixed));
	memcpy(fixed, text, strlen(text));
	attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	H5Awrite(attr, type, nbytes > 0 ? (const void *)fixed : (const void *)&text);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

#endif
