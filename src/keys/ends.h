/*
 * ends.h - times that are the ends of their intervals: the month of the last day of January at 24 h is February.
 */
#ifndef QN_KEYS_ENDS_H
#define QN_KEYS_ENDS_H

#include "data/dataset.h"

/* Has a time of one file bounds, and are all values the upper ones? d: with its chunks. What cannot be found out does not
   matter: it is for a warning. Not collective. */
bool qn_key_is_at_ends(const struct qn_dataset *d);

#endif
