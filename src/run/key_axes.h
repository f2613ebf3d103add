/*
 * key_axes.h - the axes of a result along its groups.
 */
#ifndef QN_RUN_KEY_AXES_H
#define QN_RUN_KEY_AXES_H

#include "kernel/result.h"
#include "keys/keys.h"

/* Makes *a, zeroed, the axis of the groups of a key. False: there is no memory. */
bool qn_key_axis(const struct qn_key *k, struct qn_result_axis *a);

#endif
