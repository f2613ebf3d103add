/*
 * attr.h - attributes of a dataset: texts, numbers, the CF conventions, names of dimensions.
 * What is wrong with one is told by a fault (data/attributes.h): nothing is left out without one.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIBRARY_ATTR_H
#define QN_IO_HDF5_LIBRARY_ATTR_H

#include <hdf5.h>

#include "base/names.h"
#include "data/dataset.h"

/* A number: int64 for QN_INT, uint64 for QN_UINT, double for QN_FLOAT, as bits. */
struct qn_h5_number {
	enum qn_class class;
	uint32_t size; /* bytes of its type in the file */
	uint64_t bits;
};

/* The value of an attribute that is one text, of fixed or variable length, cut to room - 1 bytes at
   the boundary of a UTF-8 character; padding is removed. out is "" where it is not there, and where
   there is a fault other than QN_FAULT_CUT. */
enum qn_fault qn_h5_attr_text(hid_t object, enum qn_attribute attribute, char *out, size_t room);

/* The same of any name. */
enum qn_fault qn_h5_attr_named_text(hid_t object, const char *name, char *out, size_t room);

/* Adds all that are one text, name and text by turns, in the order of their names, and flag_values as one, integers with
   blanks between them. False: they cannot be read or, *nomem, there is no memory. */
bool qn_h5_attr_texts(hid_t object, struct qn_names *out, bool *nomem);

/* The values of an attribute of integers, floats, enumerations, bit fields or times, which are
   their integers: *out is owned; NULL, and *n 0, where it is not there or has a fault. */
enum qn_fault qn_h5_attr_numbers(hid_t object, enum qn_attribute attribute,
				 struct qn_h5_number **out, size_t *n);

/* Fills d->cf from _FillValue, missing_value, valid_min, valid_max, valid_range, scale_factor,
   add_offset and _Unsigned, and d->fault. Where signed numbers are meant as unsigned, d->type.class
   becomes QN_UINT. Of text, and of members of records, there are only the faults. */
void qn_h5_cf_describe(hid_t dset, struct qn_dataset *d);

/* Fills d->dim_name and d->dim_scale from dimension scales; names, where there are none, from
   dimension labels. A dataset that is a scale is its own; sets d->dim_only. False: out of memory. */
bool qn_h5_dims_describe(hid_t dset, struct qn_dataset *d);

/* Is a dataset a dimension scale? *dim_only: one that netCDF made for a dimension without a variable. */
bool qn_h5_is_scale(hid_t dset, bool *dim_only);

/* Fills d->units, d->calendar and d->is_longitude. */
void qn_h5_words_describe(hid_t dset, struct qn_dataset *d);

/* Is that scale, with its header at that address, one of the dimension `dim` of a dataset, which has ndim?
   The dataset is not the scale itself. */
bool qn_h5_dims_has_scale(hid_t dset, int ndim, int dim, hid_t scale, haddr_t scale_addr);

/* False: it is a scale that netCDF made for a dimension without a variable. */
bool qn_h5_dims_is_variable(hid_t scale);

#endif
