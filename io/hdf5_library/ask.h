/*
 * ask.h - questions about a file, and reading its elements, in this process: they crash and hang as the
 * library does. The slots of the format (data/storage.h), which are these in a child process, have their
 * contract.
 */
#ifndef QN_IO_HDF5_LIBRARY_ASK_H
#define QN_IO_HDF5_LIBRARY_ASK_H

#include "data/storage.h"
#include "io/hdf5_library/follow.h"

enum quern_status qn_hdf5_list(const char *file, struct qn_listing *out, struct quern_message *err);
enum quern_status qn_hdf5_list_closely(const char *file, struct qn_listing *out,
				       struct quern_message *err);
/* What a path leads to as far as this file tells (follow.h). */
enum quern_status qn_hdf5_follow(const char *file, const char *path, struct qn_h5_end *out,
				 struct quern_message *err);
enum quern_status qn_hdf5_describe(const char *file, const char *path, const char *column,
				   bool with_index, struct qn_dataset *out,
				   struct quern_message *err);
enum quern_status qn_hdf5_describe_part(const char *file, const char *path, const char *column,
					bool with_index, const struct quern_box *part,
					struct qn_dataset *out, struct quern_message *err);

enum quern_status qn_hdf5_texts(const char *file, const char *path, struct qn_names *out,
				struct quern_message *err);

enum quern_status qn_hdf5_reader_open(const struct qn_dataset *d, void **reader,
				      struct quern_message *err);
enum quern_status qn_hdf5_reader_read(void *reader, const struct quern_box *box, void *out,
				      struct quern_message *err);
void qn_hdf5_reader_close(void *reader);

#endif
