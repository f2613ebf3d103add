/*
 * ahead.h - keys of coordinates and of small datasets, which are evaluated before any data is read.
 */
#ifndef QN_GROUPING_AHEAD_H
#define QN_GROUPING_AHEAD_H

#include "formula/formula.h"
#include "keys/keys.h"

/* Does it depend on few elements, and not on the data? */
bool qn_ahead_can(const struct qn_subject *subject, const struct qn_formula *f);

/* The groups of a key from its expression. warnings: rank 0, what the user is to know. Collective. */
enum quern_status qn_ahead_find(const struct qn_subject *subject, const struct qn_team *team,
				const struct qn_key_spec *spec, const struct qn_formula *f,
				struct qn_key *key, struct qn_names *warnings,
				struct quern_message *err);

#endif
