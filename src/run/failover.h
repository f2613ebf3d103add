/*
 * failover.h - items that a host could not read, because its copy of a shard is lost or damaged, and
 * that go to another host that has one.
 *
 * Of an item that is refused nothing has been absorbed: stored bytes are compared with their sums before
 * anything is made of them. When the workers of a pass have finished, what they have refused is
 * given to hosts that have not tried it, in rounds, until nothing is left, or nobody.
 */
#ifndef QN_RUN_FAILOVER_H
#define QN_RUN_FAILOVER_H

#include "data/dataset.h"

struct qn_run;
struct qn_task;

struct qn_refusal {
	uint64_t item, nchunks;
	uint32_t member, host;
	int32_t rank;
	uint32_t reserved;
};

struct qn_refusals {
	size_t n, room;
	struct qn_refusal *refusal; /* owned */
	size_t nchunks, room_chunks;
	struct qn_chunk *chunk; /* owned: those of each, one after the other */
	enum quern_status status; /* of the first, */
	char why[256];		/* and its words */
};

void qn_refusals_fini(struct qn_refusals *r);

/* Adds a task; false without memory. Not collective. */
bool qn_refusals_add(struct qn_refusals *r, const struct qn_run *run, const struct qn_task *t,
		     uint32_t member, const struct quern_message *why);
/* Moves all of `from` behind what is there. False, with `from` emptied, without memory. */
bool qn_refusals_merge(struct qn_refusals *into, struct qn_refusals *from);

/* Does a member have sums, and other hosts a copy of it? Not collective. */
bool qn_failover_can(const struct qn_run *run, uint32_t member);

/* Has done what was refused in this pass. The error is the reason of the last refusal of what nobody
   can do, unless bad chunks are to be skipped. Collective. */
enum quern_status qn_failover(struct qn_run *run, struct quern_message *err);

/* Rank 0: run->ncopies_missing. */
void qn_failover_count_missing(struct qn_run *run);

#endif
