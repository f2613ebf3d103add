/*
 * bins.h - dimensions of bins: coordinates of what is counted in them, with bounds (CF, 7.1).
 */
#ifndef QN_IO_HDF5_WRITE_BINS_H
#define QN_IO_HDF5_WRITE_BINS_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"

/* Before the fields of a result are named: of those that are the same in all rows it has the values. Bins that are
   there, from another result, serve where they have the same edges. */
bool qn_h5_write_bins(struct qn_nc *w, const struct qn_labels *l, const struct quern_result *r);

/* What a dimension of fields of the result at hand is called in the file; NULL stays NULL. */
const char *qn_h5_bins_name(const struct qn_nc *w, const char *dimension);

#endif
