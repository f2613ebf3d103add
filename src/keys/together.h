/*
 * together.h - the values of one dataset from several files, as ranks read them, put together on rank 0.
 */
#ifndef QN_KEYS_TOGETHER_H
#define QN_KEYS_TOGETHER_H

#include "describe/pieces.h"

/*
 * The values of n files, of which each has piece[i].length along dimension `joined` (-1: one file has all of
 * `like`), as one array of the extents `length`, in the units of the first file. Takes v: what it points to is
 * freed or handed on. QUERN_ERR_DATA: they do not go together. label: with which messages
 * begin: "--by: basin".
 */
enum quern_status qn_key_join(const struct qn_dataset *like, const char *label, int joined,
			      const uint64_t *length, struct qn_value_piece *piece,
			      struct qn_values *v, size_t n, struct qn_values *out,
			      struct quern_message *err);

#endif
