/*
 * match.h - which dimension of the data a dimension of another dataset is.
 */
#ifndef QN_KEYS_MATCH_H
#define QN_KEYS_MATCH_H

#include "data/dataset.h"

/* The dimension of d, a subject, that dimension k of `like` is: the one of its name, or where neither dataset has names and
   they have the same extents, the one of its number. -1: none, or more than one. Not collective. */
int qn_key_dimension(const struct qn_dataset *d, const struct qn_dataset *like, int k);

#endif
