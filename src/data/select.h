/*
 * select.h - the part of a dataset that a run looks at.
 */
#ifndef QN_DATA_SELECT_H
#define QN_DATA_SELECT_H

#include "data/dataset.h"

/*
 * Parses a selection of a dataset: slices by name ("time=0:100,lat=10:20:2") or by position
 * ("0:100,:,5"). A slice is START:STOP:STEP, half open, each part optional, negative numbers
 * counting from the end, or a single index. text NULL or "": everything. QUERN_ERR_USAGE says which
 * slice is wrong and what the dimension is.
 */
enum quern_status qn_select(const struct qn_dataset *d, const char *text, struct quern_box *box,
			    struct quern_message *err);

/* The dimension of a name, or of a number written out; -1 when there is none. */
int qn_dimension_find(const struct qn_dataset *d, const char *name);

/* Elements of a box. */
uint64_t qn_box_nelems(const struct quern_box *box);

#endif
