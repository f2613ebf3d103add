/*
 * write.h - results as HDF5 that netCDF-4 readers open. Slots of the format: see storage.h.
 */
#ifndef QN_IO_HDF5_WRITE_WRITE_H
#define QN_IO_HDF5_WRITE_WRITE_H

#include "data/storage.h"

enum quern_status qn_hdf5_write(const char *file, const struct qn_output *outputs, size_t n,
				void **image, size_t *nbytes, struct quern_message *err);
bool qn_hdf5_is_result(const char *file); /* in this process */
void qn_hdf5_version(char *out, size_t nbytes);

#endif
