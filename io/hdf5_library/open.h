/*
 * open.h - opening through the library; files too that do not open as others do: those a writer has
 * open, and those that lie in several files.
 */
#ifndef QN_IO_HDF5_LIBRARY_OPEN_H
#define QN_IO_HDF5_LIBRARY_OPEN_H

#include <hdf5.h>

#include "base/error.h"

/* Opens a file read-only through the library. The caller closes with qn_h5_close. */
enum quern_status qn_h5_open_file(const char *file, hid_t *out, struct quern_message *err);

/* May `name` be another member of the family whose first one is `first`? */
bool qn_h5_is_member(const char *first, const char *name);

/* Does an open file lie in several? Addresses in it are none of one of them. */
bool qn_h5_is_family(hid_t file);

#endif
