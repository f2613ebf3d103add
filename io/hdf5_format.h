/*
 * hdf5_format.h - the slots of the format HDF5; struct qn_format has their contract.
 */
#ifndef QN_IO_HDF5_FORMAT_H
#define QN_IO_HDF5_FORMAT_H

#include "data/storage.h"

extern const struct qn_format qn_hdf5_format;

enum quern_status qn_hdf5_describe(const char *file, const char *path, bool with_index,
				   struct qn_dataset *out, struct quern_message *err);

enum quern_status qn_hdf5_reader_open(const struct qn_dataset *d, void **reader,
				      struct quern_message *err);
enum quern_status qn_hdf5_reader_read(void *reader, const struct quern_box *box, void *out,
				      struct quern_message *err);
void qn_hdf5_reader_close(void *reader);

#endif
