/*
 * rolled.h - the windows of a run, from the cells of a sweep.
 */
#ifndef QN_RUN_ROLLED_H
#define QN_RUN_ROLLED_H

#include "run/run.h"

/* run->cells, normalized, become those of the windows, of the rows that are emitted; run->shown is known. Those of
   each rank: what all have is merged after. Not collective. */
enum quern_status qn_rolled_make(struct qn_run *run, struct quern_message *err);

/* Tells the user of groups between those of windows that are not in the result. */
enum quern_status qn_rolled_warn(struct qn_run *run, struct quern_message *err);

/* Is the window of a row of the result whole? */
bool qn_rolled_is_whole(const struct qn_run *run, uint64_t row);

#endif
