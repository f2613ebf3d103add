/*
 * follow.h - what a path leads to, link by link: the library itself would open the files that
 * external links name. Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIBRARY_FOLLOW_H
#define QN_IO_HDF5_LIBRARY_FOLLOW_H

#include <hdf5.h>

#include "data/listing.h"

/* As many links as the library follows. */
#define QN_MOST_HOPS 16

struct qn_h5_end {
	enum qn_object is;
	int nsoft;  /* soft links that were followed */
	char *file; /* owned: of an external link, the name that it has; NULL otherwise */
	char *path; /* owned: by hard links alone; of nothing, as far as there is something and one
			   name more; the path in the other file */
};

void qn_h5_end_fini(struct qn_h5_end *e);

/* Follows a path from the root. QUERN_ERR_DATA: something on the way cannot be read, there are too many
   soft links, or a link of a kind that is not known; nothing is said of the path then. The caller
   frees with qn_h5_end_fini. */
enum quern_status qn_h5_follow(hid_t file_id, const char *file, const char *path,
			       struct qn_h5_end *out, struct quern_message *err);

#endif
