/*
 * nearby.h - what may have been meant by a name that is not there.
 */
#ifndef QN_KEYS_NEARBY_H
#define QN_KEYS_NEARBY_H

#include "data/dataset.h"

#define QN_NEARBY_NBYTES 128

/* "; did you mean 'NAME'?", of the dimensions of d and the datasets in its group and above; "" where none is like it.
   makes_groups: or "; did you mean month(time)?", of what parts of times there are. On a host that has the file.
   Not collective. */
void qn_nearby_find(const struct qn_dataset *d, const char *name, bool makes_groups,
		    char out[QN_NEARBY_NBYTES]);

/* The name that a message with such an end suggests. False: there is none. */
bool qn_nearby_suggested(const char *message, char out[QN_NEARBY_NBYTES]);

#endif
