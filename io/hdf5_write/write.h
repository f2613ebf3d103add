/*
 * write.h - results as HDF5 that netCDF-4 readers open. Slots of the format: see storage.h.
 */
#ifndef QN_IO_HDF5_WRITE_WRITE_H
#define QN_IO_HDF5_WRITE_WRITE_H

#include "data/storage.h"

enum quern_status qn_hdf5_begin(int fd, const char *file, struct qn_writing **out,
				struct quern_message *err);
enum quern_status qn_hdf5_put(struct qn_writing *w, const struct qn_output *o,
			      struct quern_message *err);
enum quern_status qn_hdf5_put_rows(struct qn_writing *w, const struct quern_result *rows,
				   struct quern_message *err);
enum quern_status qn_hdf5_end_rows(struct qn_writing *w, struct quern_message *err);
enum quern_status qn_hdf5_end(struct qn_writing *w, const struct qn_output *outputs, size_t n,
			      struct quern_message *err);
bool qn_hdf5_is_result(const char *file); /* in this process */
void qn_hdf5_version(char *out, size_t nbytes);

#endif
