/*
 * cells.h - results of many cells: a variable a field, on the dimensions of the result, with coordinates,
 * bounds and the words of CF.
 */
#ifndef QN_IO_HDF5_WRITE_CELLS_H
#define QN_IO_HDF5_WRITE_CELLS_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"

/* Between qn_h5_enter and qn_h5_leave. */
bool qn_h5_write_cells(struct qn_nc *w, const struct qn_labels *labels,
		       const struct quern_result *result);

#endif
