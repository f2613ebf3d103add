/*
 * hdf5_list.h - which datasets a file has, and which of them a wrong name may have meant.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIST_H
#define QN_IO_HDF5_LIST_H

#include <hdf5.h>

#include "data/storage.h"

/* All datasets that hard links reach from the root, each once, sorted by path; links to other files
   are not followed. The caller frees with qn_listing_fini. */
enum quern_status qn_h5_list(hid_t file_id, const char *file, struct qn_listing *out,
			     struct quern_message *err);

/* Is there a link by this absolute path, wherever it leads? */
bool qn_h5_is_linked(hid_t file_id, const char *path);

/* And to an object? True also when that cannot be told. The path need not begin with '/'. */
bool qn_h5_leads_somewhere(hid_t file_id, const char *path);

/* "FILE: WHAT PATH in FILE; it has: ...": names some datasets, the likeliest first. Returns
   QUERN_ERR_DATA. */
enum quern_status qn_h5_no_such_dataset(hid_t file_id, const char *file, const char *path,
					const char *what, struct quern_message *err);

#endif
