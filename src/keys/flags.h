/*
 * flags.h - the words that numbers stand for, by the attributes flag_values and flag_meanings (CF, 3.5).
 */
#ifndef QN_KEYS_FLAGS_H
#define QN_KEYS_FLAGS_H

#include "cluster/team.h"
#include "data/dataset.h"
#include "keys/keys.h"

/* On rank 0: numbers and words of a dataset by turns; none where it has none, or as many of one as of the other are not
   there. d: of the rank `reader`, which has the file. The caller frees *out, whatever is returned. Collective. */
enum quern_status qn_key_flags_find(const struct qn_team *team, uint32_t reader,
				    const struct qn_dataset *d, struct qn_names *out,
				    struct quern_message *err);

/* Gives the groups of a key of integers their words; those without one are called by their numbers. Not collective. */
enum quern_status qn_key_flags_take(struct qn_key *key, const struct qn_names *flags,
				    struct quern_message *err);

#endif
