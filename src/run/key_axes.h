/*
 * key_axes.h - the axes of a result along its groups.
 */
#ifndef QN_RUN_KEY_AXES_H
#define QN_RUN_KEY_AXES_H

#include "kernel/result.h"
#include "run/run.h"

/* Makes *a, zeroed, the axis of n groups of a key; list: which they are; NULL: all. False: there is no memory. */
bool qn_key_axis(const struct qn_key *k, uint64_t n, const uint32_t *list,
		 struct qn_result_axis *a);

/* The axis of n combinations: list[k][i] is the group that combination i has of key k. */
bool qn_pairs_axis(const struct qn_keys *keys, uint64_t n, uint32_t *const *list,
		   struct qn_result_axis *a);

/* Have the groups of a key times besides: months of years, from the first to the last of them? */
bool qn_key_has_times(const struct qn_run *run, const struct qn_key *k);
/* Makes *a, zeroed, the coordinate of these times, for the same groups as those of that axis. leads: in files it is
   the dimension. False: there is no memory. */
bool qn_key_times(const struct qn_key *k, uint64_t n, const uint32_t *list, int axis, bool leads,
		  struct qn_result_axis *a);
/* Are the groups stretches of the time line, and so the times? */
bool qn_key_is_stretch(const struct qn_key *k);

#endif
