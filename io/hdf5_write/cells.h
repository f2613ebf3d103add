/*
 * cells.h - results of many cells: a variable a field, on the dimensions of the result, with coordinates,
 * bounds and the words of CF.
 */
#ifndef QN_IO_HDF5_WRITE_CELLS_H
#define QN_IO_HDF5_WRITE_CELLS_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"

/* One that is being written. */
struct qn_h5_cells;

/* Writes the axes of a result, of which rows are to come; its fields may be there or not. labels and axes: borrowed
   until qn_h5_cells_end. NULL: it cannot be written. All three between qn_h5_enter and qn_h5_leave. */
struct qn_h5_cells *qn_h5_cells_begin(struct qn_nc *w, const struct qn_labels *labels,
				      const struct quern_result *axes);
/* The fields of the next rows, which come in order. */
bool qn_h5_cells_put(struct qn_h5_cells *c, const struct quern_result *rows);
/* After all rows (ok), or because something has failed. Frees it. */
bool qn_h5_cells_end(struct qn_h5_cells *c, bool ok);

#endif
