/*
 * nearby.h - what may have been meant by a name that is not there.
 */
#ifndef QN_KEYS_NEARBY_H
#define QN_KEYS_NEARBY_H

#include "data/dataset.h"

struct qn_nearby {
	char name[QN_NEAR_NBYTES];	/* of a dimension or dataset; "": it is none */
	char text[QN_NEAR_NBYTES + 32]; /* for the end of a message: "; did you mean 'NAME'?" */
};

/* Of the dimensions of d and the datasets in its group and above; "" and "" where none is like it. makes_groups: or
   "; did you mean month(time)?", of what parts of times there are. On a host that has the file. Not collective. */
void qn_nearby_find(const struct qn_dataset *d, const char *name, bool makes_groups,
		    struct qn_nearby *out);

#endif
