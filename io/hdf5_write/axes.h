/*
 * axes.h - the dimensions of a result as netCDF has them: coordinate variables, their bounds, and scalar
 * coordinates of what is reduced.
 */
#ifndef QN_IO_HDF5_WRITE_AXES_H
#define QN_IO_HDF5_WRITE_AXES_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"
#include "kernel/result.h"

/* Which dimensions they are is w->of_axis; those of a result before that are the same serve. */
bool qn_h5_write_axes(struct qn_nc *w, const struct qn_labels *labels,
		      const struct quern_result *result);

#endif
