/*
 * stage.h - files that staging makes: shards and catalogs.
 *
 * What is taken from the staged file is taken by a child process, which makes the new file in its
 * memory; the parent gets the bytes.
 */
#ifndef QN_IO_HDF5_WRITE_STAGE_H
#define QN_IO_HDF5_WRITE_STAGE_H

#include <hdf5.h>

#include "data/storage.h"

/* Slots of the format: struct qn_format has their contract. */
enum quern_status qn_hdf5_child_shell(const char *file, const char *path, const uint64_t *shape,
				      int ndim, void **image, size_t *nbytes,
				      struct quern_message *err);
enum quern_status qn_hdf5_fill(int fd, const char *file, const char *path, qn_next_put *next,
			       void *ctx, struct quern_message *err);
enum quern_status qn_hdf5_child_catalog(const struct qn_catalog *c, void **image, size_t *nbytes,
					struct quern_message *err);

/* The same in this process. */
enum quern_status qn_hdf5_shell(const char *file, const char *path, const uint64_t *shape, int ndim,
				void **image, size_t *nbytes, struct quern_message *err);
enum quern_status qn_hdf5_catalog(const struct qn_catalog *c, void **image, size_t *nbytes,
				  struct quern_message *err);

/* --- what both are made of; between qn_h5_enter and qn_h5_leave --- */

/* A new file in memory. Without times, so that it is the same whenever it is made. */
hid_t qn_h5_create_in_memory(void);
/* Its bytes, owned; NULL on failure. The file stays open. */
void *qn_h5_image(hid_t file, size_t *nbytes);

/* Creates a dataset like `like`, with its type and properties, of these extents and without elements,
   and the groups that it is in. Negative on failure; *why (96 bytes) then says why it cannot be
   staged, or is "". */
hid_t qn_h5_create_like(hid_t like, hid_t file, const char *path, const hsize_t *shape, int ndim,
			char *why);

/* Is every filter of the two the same, and every parameter? */
bool qn_h5_same_filters(hid_t a, hid_t b);

/*
 * copy.c: copies everything of `from`, the root of a file, to `to`, the root of another, but the
 * datasets for which stage() makes something else. References to objects are not copied; those of
 * dimensions to their scales are made anew.
 */
struct qn_h5_copying {
	/* Whether `path` is made by itself, and then *made, open, to get its attributes; negative:
	   failure. */
	bool (*stage)(void *ctx, const char *path, hid_t dataset, hid_t to, hid_t *made);
	void *ctx;
	const char *file; /* for messages */
	struct quern_message *err;
};
enum quern_status qn_h5_copy_all(hid_t from, hid_t to, const struct qn_h5_copying *how);

#endif
