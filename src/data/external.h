/*
 * external.h - raw files that hold the elements of a dataset (external storage): the file that names
 * them is not to be believed, and may name any.
 */
#ifndef QN_DATA_EXTERNAL_H
#define QN_DATA_EXTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* Is what is called `raw` in the directory of `file` or below it, or in what HDF5_EXTFILE_PREFIX names, or
   does the thread's access (access.h) allow others? What is not there is for open(2) to tell. */
bool qn_external_may(const char *file, const char *raw);

/*
 * Opens the raw file of a dataset in `file`, and looks at it: a descriptor and what fstat says, or -1 with
 * the error recorded. QUERN_ERR_DENIED: it may not be where it is. QUERN_ERR_DATA: it is
 * not a regular file, or none whose size is the number of its bytes: those of /proc have 0 bytes and would
 * read as zeros.
 */
int qn_external_open(const char *file, const char *dataset, const char *raw, struct stat *st,
		     struct quern_message *err);

#endif
