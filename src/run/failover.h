/*
 * failover.h - items that a host has refused (refusals.h) go to another host that has a copy.
 *
 * Of an item that is refused nothing has been absorbed: stored bytes are compared with their sums before
 * anything is made of them. When the workers of a pass have finished, what they have refused is
 * given to hosts that have not tried it, in rounds, until nothing is left, or nobody.
 */
#ifndef QN_RUN_FAILOVER_H
#define QN_RUN_FAILOVER_H

#include "base/error.h"

struct qn_run;

/* Has done what was refused in this pass. The error is the reason of the last refusal of what nobody
   can do, unless bad chunks are to be skipped. Collective. */
enum quern_status qn_failover(struct qn_run *run, struct quern_message *err);

/* Rank 0: run->ncopies_missing. */
void qn_failover_count_missing(struct qn_run *run);

#endif
