/*
 * space.h - what an object is by its header, and the extent of a dataset, without the library:
 * of all datasets that may share a dimension. Everything in the file is hostile.
 */
#ifndef QN_IO_HDF5_FORMAT_SPACE_H
#define QN_IO_HDF5_FORMAT_SPACE_H

#include "data/dataset.h"
#include "io/hdf5_format/header.h"

struct qn_h5_space {
	int ndim;					      /* 0: a scalar or a null dataspace */
	uint64_t shape[QUERN_MAX_DIMS], most[QUERN_MAX_DIMS]; /* most UINT64_MAX: unlimited */
};

/* From a message of type QN_H5_DATASPACE. False: it is unusual. */
bool qn_h5_space_take(const struct qn_h5_raw *r, const struct qn_h5_message *m,
		      struct qn_h5_space *out);

/* UNKNOWN: the library must look. */
enum qn_h5_kind { QN_H5_UNKNOWN, QN_H5_IS_DATASET, QN_H5_IS_GROUP, QN_H5_IS_ELSE };

/* The kind of the object with its header at the absolute offset, and of a dataset its extent. It takes
   nothing from the budget of r. */
enum qn_h5_kind qn_h5_look(struct qn_h5_raw *r, uint64_t header, struct qn_h5_space *out);

/* Has the space a dimension without a limit that is longer than n? */
bool qn_h5_space_exceeds(const struct qn_h5_space *s, uint64_t n);

#endif
