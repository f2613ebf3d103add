/*
 * axes_pack.h - coordinates of a result on their way from the rank that has the files to rank 0.
 */
#ifndef QN_FIND_AXES_PACK_H
#define QN_FIND_AXES_PACK_H

#include <stdio.h>

#include "find/axes.h"

/* Puts one behind what is there. why: why there is none, or "". *nomem becomes true where there is no memory. */
void qn_axis_pack(FILE *f, const struct qn_axis_values *v, const char *why, bool *nomem);

/* Takes the next one, zeroed before; *at moves behind it. *why is owned by the caller. */
enum quern_status qn_axis_unpack(const char **at, const char *end, struct qn_axis_values *v,
				 char **why, struct quern_message *err);

#endif
