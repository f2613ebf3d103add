/*
 * type.h - datatypes: which can be counted, what to call the others.
 * Between qn_h5_enter and qn_h5_leave.
 */
#ifndef QN_IO_HDF5_LIBRARY_TYPE_H
#define QN_IO_HDF5_LIBRARY_TYPE_H

#include <hdf5.h>

#include "data/dataset.h"

/*
 * Describes a datatype. Integers of 1, 2, 4 or 8 bytes, two's complement, IEEE floats of 2, 4 or 8
 * bytes and bfloat16, in either byte order, are QN_INT, QN_UINT and QN_FLOAT, and so are bitfields,
 * enumerations and times, as their integers. Numbers that do not use all bits of these sizes, or
 * have another size, are too, but not plain: only the library can read them, and it gives numbers
 * of out->size. Everything else is QN_OTHER, with a word for a name. False when the library cannot
 * say. Strings are QN_TEXT; those of variable length are not plain.
 */
bool qn_h5_type_describe(hid_t type, struct qn_type *out, bool *plain);

/* The type, of the size that was described, in which the machine has the numbers; closed with
   qn_h5_close. */
hid_t qn_h5_type_native(hid_t type);

#endif
