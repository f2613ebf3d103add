/*
 * refusals.h - what could not be read. Items that a host could not read, because its copy of a shard is lost or
 * damaged: lists of them, as workers keep them until the pass has ended (failover.h). Chunks that were skipped.
 */
#ifndef QN_CREW_REFUSALS_H
#define QN_CREW_REFUSALS_H

#include "locate/where.h"
#include "crew/queue.h"

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
	struct qn_chunk *chunk;	  /* owned: those of each, one after the other */
	enum quern_status status; /* of the first, */
	char why[256];		  /* and its words */
};

void qn_refusals_fini(struct qn_refusals *r);

/* Does a member have sums, and other hosts a copy of it? Not collective. */
bool qn_refusals_can(const struct qn_team *team, const struct qn_subject *subject,
		     const struct qn_where *where, uint32_t member);

/* Room for n more with so many chunks; false without memory. */
bool qn_refusals_reserve(struct qn_refusals *r, size_t n, size_t nchunks);
/* Adds a task that this rank of the team has refused; false without memory. Not collective. */
bool qn_refusals_add(struct qn_refusals *r, const struct qn_team *team, const struct qn_task *t,
		     uint32_t member, const struct quern_message *why);
/* Moves all of `from` behind what is there. False, with `from` emptied, without memory. */
bool qn_refusals_merge(struct qn_refusals *into, struct qn_refusals *from);

/* Chunks that were skipped: the first few of a rank. operand: of the formula, which could not be read where they
   lie; 0: they could not. */
#define QN_NSKIPS 4
struct qn_skips {
	uint32_t n, reserved;
	struct {
		uint32_t member, operand;
		uint64_t number; /* in the grid of the member's dataset */
	} skip[QN_NSKIPS];
};

void qn_skips_add(struct qn_skips *s, uint32_t member, uint32_t operand,
		  const struct qn_chunk *chunk, uint64_t n);
void qn_skips_merge(struct qn_skips *into, const struct qn_skips *from);

#endif
