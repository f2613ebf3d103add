/*
 * together.h - the values of one dataset from several files, as ranks read them, put together on rank 0.
 */
#ifndef QN_KEYS_TOGETHER_H
#define QN_KEYS_TOGETHER_H

#include "describe/values.h"

/* What one file has, in a block for rank 0: this, the values, and a byte each where some are missing. */
struct qn_key_piece {
	uint64_t n, length; /* elements; of the joined dimension */
	enum { QN_PIECE_INTEGERS, QN_PIECE_REALS, QN_PIECE_TEXTS } kind;
	bool is_unsigned, has_missing;
	size_t text_nbytes;
	char units[64], calendar[24];
};

/* Blocks that grow by pieces. */
struct qn_key_block {
	char *bytes; /* owned */
	size_t nbytes;
};

/* Adds the values of a file. length: of its joined dimension. */
enum quern_status qn_key_block_add(struct qn_key_block *b, const struct qn_dataset *d,
				   const struct qn_values *v, uint64_t length,
				   struct quern_message *err);

/* Takes the piece at *at: v is owned by the caller. QUERN_ERR_RUN: it is cut short. */
enum quern_status qn_key_block_take(const char **at, const char *end, struct qn_key_piece *piece,
				    struct qn_values *v, struct quern_message *err);

/*
 * The values of n files, of which each has piece[i].length along dimension `joined` (-1: one file has all of
 * `like`), as one array of the extents `length`, in the units of the first file. Takes v: what it points to is
 * freed or handed on. QUERN_ERR_DATA: they do not go together. label: with which messages
 * begin: "--by: basin".
 */
enum quern_status qn_key_join(const struct qn_dataset *like, const char *label, int joined,
			      const uint64_t *length, struct qn_key_piece *piece,
			      struct qn_values *v, size_t n, struct qn_values *out,
			      struct quern_message *err);

#endif
