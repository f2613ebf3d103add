/*
 * source.h - from the words of a user to a dataset: formats, names, and the file on this host.
 */
#ifndef QN_EXEC_SOURCE_H
#define QN_EXEC_SOURCE_H

#include "data/storage.h"

/* The format of a file; QUERN_ERR_DATA when it is none that is known. Not collective. */
enum quern_status qn_source_format(const char *file, const struct qn_format **format,
				   struct quern_message *err);

/* The checked description of a dataset. path NULL: the only one of the file; with more, the error
   lists them. Owned by the caller: qn_dataset_fini. Not collective. */
enum quern_status qn_source_describe(const char *file, const char *path, bool with_index,
				     struct qn_dataset *d, struct quern_message *err);

/* Is the file on a disk or in memory of this host, by the kind of its file system? */
bool qn_source_is_local(int fd);

/* That the file which this host sees is the one that was described: size and time of change. */
enum quern_status qn_source_check(int fd, const struct qn_dataset *d, const char *host,
				  struct quern_message *err);

#endif
