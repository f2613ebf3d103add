/*
 * alike.h - the description of a dataset that is like one which the library has described, but
 * for its extent and its chunks, without the library: of very many files the first is described in
 * full, and the others are compared with it.
 *
 * What is compared are the messages of the object headers, and of the attributes those that a
 * description is made of. Whatever is different, or out of the ordinary, is left to the library.
 */
#ifndef QN_IO_HDF5_FORMAT_ALIKE_H
#define QN_IO_HDF5_FORMAT_ALIKE_H

#include "data/dataset.h"

struct qn_h5_alike;

/* What datasets are to be like; keeps d, which the library has described. NULL: nothing can be
   compared with this one, or there is no memory. Free with qn_h5_alike_free. */
struct qn_h5_alike *qn_h5_alike_new(const struct qn_dataset *d);
void qn_h5_alike_free(struct qn_h5_alike *a);

/*
 * Describes another dataset, of an absolute path. Only its file and path (which are borrowed), shape,
 * chunk, index, chunks (owned), file_nbytes, file_mtime_ns and user_block are its own; all else,
 * pointers too, is that of d. False: it is not like it, or damaged, or is not there; nothing is left to
 * free.
 */
bool qn_h5_alike_describe(struct qn_h5_alike *a, const char *file, const char *path,
			  struct qn_dataset *out);

#endif
