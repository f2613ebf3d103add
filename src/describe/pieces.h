/*
 * pieces.h - the values of datasets on their way to another rank: what each file has of one.
 */
#ifndef QN_DESCRIBE_PIECES_H
#define QN_DESCRIBE_PIECES_H

#include "describe/values.h"

/* What one file has, in a block for rank 0: this, the values, and a byte each where some are missing. */
struct qn_value_piece {
	uint64_t n, length; /* elements; of the joined dimension */
	enum { QN_PIECE_INTEGERS, QN_PIECE_REALS, QN_PIECE_TEXTS } kind;
	bool is_unsigned, has_missing;
	size_t text_nbytes;
	char units[64], calendar[24];
};

/* Bytes of an element, and where its values are. */
size_t qn_value_piece_size(const struct qn_value_piece *p);
void **qn_value_piece_values(const struct qn_value_piece *p, struct qn_values *v);

/* Blocks that grow by pieces. */
struct qn_value_block {
	char *bytes; /* owned */
	size_t nbytes;
};

/* Adds the values of a file. length: of its joined dimension. Not collective. */
enum quern_status qn_value_piece_add(struct qn_value_block *b, const struct qn_dataset *d,
				     const struct qn_values *v, uint64_t length,
				     struct quern_message *err);

/* Takes the piece at *at, which moves behind it: v is owned by the caller. QUERN_ERR_RUN: it is cut short. */
enum quern_status qn_value_piece_take(const char **at, const char *end,
				      struct qn_value_piece *piece, struct qn_values *v,
				      struct quern_message *err);

#endif
