/*
 * hdf5_attr.h - attributes of a dataset: texts, numbers, the CF conventions, names of dimensions.
 * An attribute that is missing, damaged or of an unusable type counts as not there.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_ATTR_H
#define QN_IO_HDF5_ATTR_H

#include <hdf5.h>

#include "data/dataset.h"

/* A number: int64 for QN_INT, uint64 for QN_UINT, double for QN_FLOAT, as bits. */
struct qn_h5_number {
	enum qn_class class;
	uint64_t bits;
	bool single; /* the attribute is of float32 */
};

/* The value of a text attribute of one string, fixed or variable length, cut to room - 1 bytes at
   the boundary of a UTF-8 character; padding is removed. False: none, and out is "". */
bool qn_h5_attr_text(hid_t object, const char *name, char *out, size_t room);

/* The first values, nmax at most, of an attribute of integers or floats; returns how many. */
size_t qn_h5_attr_numbers(hid_t object, const char *name, size_t nmax, struct qn_h5_number *out);

/* Fills d->cf from _FillValue, missing_value, valid_min, valid_max, valid_range, scale_factor,
   add_offset and _Unsigned; with _Unsigned = "true" d->type.class becomes QN_UINT. Nothing is done
   for QN_OTHER. */
void qn_h5_cf_describe(hid_t dset, struct qn_dataset *d);

/* Fills d->dim_name and d->dim_scale from dimension scales; names, where there are none, from
   dimension labels. A dataset that is a scale is its own; sets d->dim_only. False: out of memory. */
bool qn_h5_dims_describe(hid_t dset, struct qn_dataset *d);

#endif
