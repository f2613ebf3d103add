/*
 * axes.h - the coordinates of a result: those that find/axes.h has read.
 */
#ifndef QN_RUN_AXES_H
#define QN_RUN_AXES_H

#include "kernel/result.h"
#include "run/shown.h"

/* Gives the axis of a kept dimension, which has its name and length, its coordinate, if there is one. False:
   there is no memory. */
bool qn_axis_describe(const struct qn_run *run, struct qn_result_axis *a);

/* Adds the coordinates that are no dimensions: times of groups, and of what is reduced. False: there is no
   memory. */
bool qn_axes_add_others(const struct qn_run *run, const struct qn_shown *shown,
			struct quern_result *result);

#endif
