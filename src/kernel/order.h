/*
 * order.h - keys that order values, as unsigned integers of the size of a value; and lists of them, of
 * QUERN_LIST segments.
 *
 * -0 is below +0; there is no key for NaN.
 */
#ifndef QN_KERNEL_ORDER_H
#define QN_KERNEL_ORDER_H

#include "quern_kernel.h"

/* Bits of the keys of a type. */
unsigned qn_order_bits(enum quern_dtype t);

/* Writes the keys of n values, which may lie at any address; those of NaN mean nothing. Returns whether there
   may be NaN among them. */
bool qn_order_keys(enum quern_dtype t, const void *values, size_t n, uint64_t *keys);

/* The double nearest to a + w (b - a), 0 <= w < 1, computed without an error before it is rounded once; a and b
   are values of keys, b >= a. Between finite and infinite it is the infinity, between both infinities NaN. */
double qn_order_between(enum quern_dtype t, uint64_t a, uint64_t b, double w);

/* Appends n keys to a list, which has room. */
void qn_list_append(enum quern_dtype t, int64_t *list, const uint64_t *keys, size_t n);

/* Sorts n keys that lie side by side as those of lists do. */
void qn_order_sort(enum quern_dtype t, void *keys, size_t n);
/* Sorts a list, which has room for `most`, and clears what is behind it. */
void qn_list_sort(enum quern_dtype t, int64_t *list, uint64_t most);

/* Key number i. */
uint64_t qn_list_key(enum quern_dtype t, const int64_t *list, uint64_t i);

#endif
