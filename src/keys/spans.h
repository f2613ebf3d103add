/*
 * spans.h - where the groups of parts of times begin and end on the time line.
 */
#ifndef QN_KEYS_SPANS_H
#define QN_KEYS_SPANS_H

#include "describe/values.h"
#include "keys/keys.h"

/* Makes starts, ends, middles, units and calendar of a key of parts whose groups are there (keys.h), where its parts have
   such. values: the times; place: which of them each index of the key has, NULL: not known. Not collective. */
enum quern_status qn_key_span(struct qn_key *key, const struct qn_values *values,
			      const uint64_t *place, struct quern_message *err);

#endif
