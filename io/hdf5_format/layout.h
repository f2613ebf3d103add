/*
 * layout.h - the layout message of a dataset, from its object header.
 */
#ifndef QN_IO_HDF5_FORMAT_LAYOUT_H
#define QN_IO_HDF5_FORMAT_LAYOUT_H

#include "data/dataset.h"
#include "io/hdf5_format/header.h"

enum qn_h5_index {
	QN_H5_BTREE1,
	QN_H5_SINGLE,
	QN_H5_IMPLICIT,
	QN_H5_FIXED_ARRAY,
	QN_H5_EXTENSIBLE_ARRAY,
	QN_H5_BTREE2,
};

struct qn_h5_layout {
	bool is_known; /* false: a version that is newer than this reader; rest unset */
	unsigned version;
	enum qn_layout class;
	/* Compact and contiguous: absolute offset, or QN_ADDR_NONE, and bytes of the data. */
	uint64_t data_addr, data_nbytes;
	/* Chunked. The last of ndims is the size of an element. */
	enum qn_h5_index index;
	uint64_t index_addr; /* absolute, or QN_ADDR_NONE: no chunk is allocated */
	unsigned ndims;
	uint64_t dim[QUERN_MAX_DIMS + 1];
	bool raw_edges; /* chunks that the edge of the dataset cuts are stored unfiltered */
	bool single_filtered;
	uint64_t single_nbytes;
	uint32_t single_mask;
};

/* Reads the message; false when it makes no sense. */
bool qn_h5_layout_take(const struct qn_h5_raw *r, const struct qn_h5_message *m,
		       struct qn_h5_layout *out);

/* header_addr: absolute offset of the object header (version 1 or 2). QUERN_ERR_DATA when the
   header is damaged or has no layout message. */
enum quern_status qn_h5_layout_read(struct qn_h5_raw *r, uint64_t header_addr,
				    struct qn_h5_layout *out);

#endif
