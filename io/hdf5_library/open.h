/*
 * open.h - files that do not open as others do: those a writer has open, and those that lie in
 * several files.
 */
#ifndef QN_IO_HDF5_LIBRARY_OPEN_H
#define QN_IO_HDF5_LIBRARY_OPEN_H

#include <hdf5.h>

#include "base/error.h"

/*
 * After the library has refused a file: opens it as one that is being written in SWMR mode, which
 * shows what the writer has flushed, or as a family of which it is the first member. fapl: how it was
 * to be opened. *out is negative when it is neither. When it is known what it is, and it cannot be read:
 * QUERN_ERR_DENIED of what a writer has left behind, QUERN_ERR_DATA of several files by what they hold.
 */
enum quern_status qn_h5_open_unusual(const char *file, hid_t fapl, hid_t *out,
				     struct quern_message *err);

/* May `name` be another member of the family whose first one is `first`? */
bool qn_h5_is_member(const char *first, const char *name);

/* Does an open file lie in several? Addresses in it are none of one of them. */
bool qn_h5_is_family(hid_t file);

#endif
