/*
 * stored.h - the head of a part, as it is stored (partial.h).
 */
#ifndef QN_PARTIAL_STORED_H
#define QN_PARTIAL_STORED_H

#include "data/sum.h"

#define QN_PARTIAL_MAGIC      "quern-part 1\n\0\0" /* 16 bytes, with the last zero */
#define QN_PARTIAL_BYTE_ORDER UINT64_C(0x0102030405060708)

enum {
	QN_PARTIAL_TEXTS,
	QN_PARTIAL_FILES,
	QN_PARTIAL_NUMBERS,
	QN_PARTIAL_EXTRACT,
	QN_PARTIAL_NBODY
};

struct qn_partial_head {
	char magic[16];
	uint64_t byte_order;
	uint64_t description_nbytes; /* of struct qn_dataset, of which the extract has some */
	uint64_t nbytes;	     /* of the file */
	uint64_t body_nbytes[QN_PARTIAL_NBODY];
	uint64_t nrecords;
	struct qn_sum body, sum; /* of the body; of what is before it */
};

/* Before a record. */
struct qn_partial_section {
	uint64_t first, from; /* as of struct qn_partial_record */
	struct qn_sum sum;    /* of what is before it */
};

#endif
