/*
 * over.h - which dimensions of a dataset are reduced, and which are kept.
 */
#ifndef QN_SELECT_OVER_H
#define QN_SELECT_OVER_H

#include "base/error.h"
#include "data/dataset.h"

/*
 * text: names and numbers of dimensions with commas between them; numbers may be negative, from the end. NULL: all
 * are reduced. is_joined: d is of several files, which might be stacked instead. A name that two dimensions have is refused, their numbers work. QUERN_ERR_USAGE says which
 * word is wrong.
 */
enum quern_status qn_over_find(const struct qn_dataset *d, bool is_joined, const char *text,
			       bool reduced[QUERN_MAX_DIMS], struct quern_message *err);

#endif
