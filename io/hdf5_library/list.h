/*
 * list.h - which datasets a file has, and which of them a wrong name may have meant.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIBRARY_LIST_H
#define QN_IO_HDF5_LIBRARY_LIST_H

#include <hdf5.h>

#include "data/storage.h"

/* All that the file has, without opening another one: each dataset once, under the first of its names;
   other names, soft and external links as such. What cannot be read is listed as a flaw: an error is
   only that there is nothing else. The caller frees with qn_listing_fini. */
enum quern_status qn_h5_list(hid_t file_id, const char *file, struct qn_listing *out,
			     struct quern_message *err);

/* The same, with what each dataset is for (listing.h), where there are not too many. Opens them all. */
enum quern_status qn_h5_list_closely(hid_t file_id, const char *file, struct qn_listing *out,
				     struct quern_message *err);

/* Opens the dataset `path`; when there is none, says which there are, the likeliest first. Closed with
   qn_h5_close. */
enum quern_status qn_h5_open_dataset(hid_t file_id, const char *file, const char *path, hid_t *out,
				     struct quern_message *err);

#endif
