/*
 * header.h - the messages of an object header, version 1 or 2.
 */
#ifndef QN_IO_HDF5_FORMAT_HEADER_H
#define QN_IO_HDF5_FORMAT_HEADER_H

#include "io/hdf5_format/raw.h"

/* Types of messages: IV.A.2 of the specification. */
enum {
	QN_H5_NIL = 0x00,
	QN_H5_DATASPACE = 0x01,
	QN_H5_LINK_INFO = 0x02,
	QN_H5_DATATYPE = 0x03,
	QN_H5_OLD_FILL = 0x04,
	QN_H5_FILL = 0x05,
	QN_H5_LINK = 0x06,
	QN_H5_LAYOUT = 0x08,
	QN_H5_PIPELINE = 0x0b,
	QN_H5_ATTRIBUTE = 0x0c,
	QN_H5_COMMENT = 0x0d,
	QN_H5_OLD_TIME = 0x0e,
	QN_H5_SYMBOL_TABLE = 0x11,
	QN_H5_TIME = 0x12,
	QN_H5_ATTRIBUTE_INFO = 0x15,
	QN_H5_REFERENCES = 0x16,
};

#define QN_H5_SHARED 2u /* flag: the message is elsewhere, and this says where */

struct qn_h5_message {
	unsigned type, flags;
	const uint8_t *data; /* borrows: until the visitor returns */
	size_t nbytes;
	uint64_t addr; /* of data in the file */
};

/* Looks at a message. What it returns ends the walk unless QUERN_OK; so does *stop. */
typedef enum quern_status qn_h5_visitor(void *ctx, struct qn_h5_raw *r,
					const struct qn_h5_message *m, bool *stop);

/* Shows the messages of the header at the absolute offset header_addr, continuations followed.
   QUERN_ERR_DATA when it is damaged. */
enum quern_status qn_h5_header_walk(struct qn_h5_raw *r, uint64_t header_addr, qn_h5_visitor *visit,
				    void *ctx);

#endif
