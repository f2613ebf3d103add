/*
 * grouper.h - what a worker has for the keys that come with tiles.
 */
#ifndef QN_GROUPING_GROUPER_H
#define QN_GROUPING_GROUPER_H

#include "grouping/computed.h"

struct qn_grouper;

/* For tiles of at most so many elements. host: the name of this one, for messages. Keeps both. NULL: there is no
   memory. */
struct qn_grouper *qn_grouper_new(const struct qn_computed_keys *c, uint64_t tile_nelems,
				  const char *host);

/* Turns to an item, as qn_formula_worker_turn does. *operand: its number, of qn_computed_operand. */
enum quern_status qn_grouper_turn(struct qn_grouper *g, const struct quern_box *box,
				  uint32_t *operand, struct quern_message *err);

/* The groups of all elements of a tile of the item, which is the data as it is: an array for each key, as of
   qn_rows_visit; borrowed until it is asked again. *nbeyond: of more of those that are there (as of struct
   quern_tile) the value is missing as 64 bits do not hold it. */
const int32_t *const *qn_grouper_number(struct qn_grouper *g, const struct quern_tile *tile,
					const uint64_t *there, uint64_t *nbeyond);

/* Collects the values of those elements of a tile that are there. there: as of struct quern_tile. */
void qn_grouper_collect(struct qn_grouper *g, const struct quern_tile *tile, const uint64_t *there);

/* Why what was collected does not do. */
enum quern_status qn_grouper_check(const struct qn_grouper *g, const struct qn_keys *keys,
				   struct quern_message *err);

/* Moves what was collected to the sets of all keys. */
void qn_grouper_merge(struct qn_grouper *g, struct qn_value_set *set);

/* Bytes that were read for expressions. */
uint64_t qn_grouper_read_nbytes(const struct qn_grouper *g);

/* Reads no more. QUERN_ERR_DATA: a file has changed meanwhile. */
enum quern_status qn_grouper_leave(struct qn_grouper *g, struct quern_message *err);
void qn_grouper_free(struct qn_grouper *g);

#endif
