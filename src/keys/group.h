/*
 * group.h - from the values of a dataset to the groups of a key. Pure but for memory.
 */
#ifndef QN_KEYS_GROUP_H
#define QN_KEYS_GROUP_H

#include "keys/keys.h"
#include "keys/source.h"

/* Fills a zeroed key: of rank 0. QUERN_ERR_USAGE: its values are no times, or none of the kind; QUERN_ERR_DATA:
   one of them is too far away to be a date, or there are too many. The caller frees with qn_key_fini, whatever is
   returned. Not collective. */
enum quern_status qn_key_group(const struct qn_key_spec *spec, const char *by,
			       const struct qn_key_source *source, const struct qn_subject *subject,
			       struct qn_key *key, struct quern_message *err);
void qn_key_fini(struct qn_key *key);

#endif
