/*
 * describe.h - the attributes of the variables of a result with axes.
 */
#ifndef QN_IO_HDF5_WRITE_DESCRIBE_H
#define QN_IO_HDF5_WRITE_DESCRIBE_H

#include "data/storage.h"
#include "io/hdf5_write/netcdf.h"
#include "fields/fields.h"
#include "kernel/result.h"

/* Of the variable of a field, which is open and has its _FillValue; its coordinates are in the file. */
bool qn_h5_describe_field(hid_t id, const struct qn_nc *w, const struct qn_labels *l,
			  const struct quern_result *r, const struct qn_field *f);

/* Of any variable of a field: how its elements were weighted, where it depends on that. */
bool qn_h5_put_comment(hid_t id, const struct qn_labels *l, const struct qn_field_doc *doc);

/* The same of a field that is a coordinate of the others. */
bool qn_h5_describe_coordinate(hid_t id, const struct qn_field *f);

/* Fields of a kernel: the coordinates that go with them are not counted. */
size_t qn_h5_count_fields(const struct quern_result *r);

/* What coordinates beside indexes are. */
bool qn_h5_describe_beside(hid_t id, const struct qn_field *f);

#endif
