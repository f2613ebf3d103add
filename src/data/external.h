/*
 * external.h - raw files that hold the elements of a dataset (external storage): the file that names
 * them is not to be believed, and may name any.
 */
#ifndef QN_DATA_EXTERNAL_H
#define QN_DATA_EXTERNAL_H

#include <sys/stat.h>

#include "base/error.h"

/*
 * Opens the raw file of a dataset in `file`, and looks at it: a descriptor and what fstat says, or -1 with
 * the error recorded. QUERN_ERR_DENIED: it is outside of the directory of `file` and of what
 * HDF5_EXTFILE_PREFIX names, and the thread's access (access.h) does not allow that. QUERN_ERR_DATA: it is
 * not a regular file, or none whose size is the number of its bytes: those of /proc have 0 bytes and would
 * read as zeros.
 */
int qn_external_open(const char *file, const char *dataset, const char *raw, struct stat *st,
		     struct quern_message *err);

#endif
