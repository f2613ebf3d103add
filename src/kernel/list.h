/*
 * list.h - what QUERN_LIST segments hold: all elements of a state, as keys that order them.
 *
 *	| number of keys | keys, side by side, 4 or 8 bytes each | zeros |
 */
#ifndef QN_KERNEL_LIST_H
#define QN_KERNEL_LIST_H

#include "quern_kernel.h"

/* Bytes of a key of a type. */
size_t qn_list_key_nbytes(enum quern_dtype t);

/* Words of a list with room for n keys. SIZE_MAX: more than there can be. */
size_t qn_list_nwords(enum quern_dtype t, uint64_t n);

/* Keys that a list of so many words has room for. */
uint64_t qn_list_most(enum quern_dtype t, size_t nwords);

/* Words that are in use. */
size_t qn_list_nwords_used(enum quern_dtype t, const int64_t *list);

/* Appends the keys of a list to another, which has room for them. */
void qn_list_merge(enum quern_dtype t, int64_t *into, const int64_t *from);

#endif
