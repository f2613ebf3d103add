/*
 * sources.h - what a virtual dataset is mapped to, and the external files of one that has them.
 */
#ifndef QN_IO_HDF5_LIBRARY_SOURCES_H
#define QN_IO_HDF5_LIBRARY_SOURCES_H

#include <hdf5.h>

#include "data/sources.h"

/*
 * Before the library is let near the sources: are all that there are files that can be read? The
 * library opens them as soon as it is asked for the extent of a virtual dataset. QUERN_ERR_DATA: there
 * is a device or a pipe, or there are more sources than the library can have open: all of them to
 * read, without `reading` those that the extent depends on.
 */
enum quern_status qn_h5_sources_check(hid_t dset, const char *file, const char *path, bool reading,
				      struct quern_message *err);

/* In this process: struct qn_format has the contract. */
enum quern_status qn_hdf5_sources(const struct qn_dataset *d, struct qn_sources *out,
				  struct quern_message *err);

#endif
