/*
 * extent.h - how long the dimensions of a dataset are. One without a limit is as long as the
 * longest variable on it, in the group of the dimension or one below, as netCDF-C has it: a variable
 * that ends earlier has fill values up to there.
 */
#ifndef QN_IO_HDF5_LIBRARY_EXTENT_H
#define QN_IO_HDF5_LIBRARY_EXTENT_H

#include <hdf5.h>

#include "data/dataset.h"
#include "io/hdf5_format/raw.h"

/*
 * Fills d->beyond of a dataset whose dimensions have their scales (qn_h5_dims_describe). most: its
 * largest extents. raw: the file, whose headers are where their addresses say; NULL: they may not be.
 * Looks at the header of every dataset there, but opens only those that are longer. False: out of
 * memory. Between qn_h5_enter and qn_h5_leave.
 */
bool qn_h5_extent_describe(hid_t file, struct qn_h5_raw *raw, const uint64_t *most,
			   struct qn_dataset *d);

#endif
