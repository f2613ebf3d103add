/*
 * format.h - HDF5 as a format.
 */
#ifndef QN_IO_HDF5_CHILD_FORMAT_H
#define QN_IO_HDF5_CHILD_FORMAT_H

#include "data/storage.h"

extern const struct qn_format qn_hdf5_format;

#endif
