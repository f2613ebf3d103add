/*
 * key_axes.h - the axes of a result along its groups.
 */
#ifndef QN_RUN_KEY_AXES_H
#define QN_RUN_KEY_AXES_H

#include "kernel/result.h"
#include "keys/keys.h"

/* Makes *a, zeroed, the axis of n groups of a key; list: which they are; NULL: all. False: there is no memory. */
bool qn_key_axis(const struct qn_key *k, uint64_t n, const uint32_t *list,
		 struct qn_result_axis *a);

/* The axis of n combinations: list[k][i] is the group that combination i has of key k. */
bool qn_pairs_axis(const struct qn_keys *keys, uint64_t n, uint32_t *const *list,
		   struct qn_result_axis *a);

#endif
