/*
 * scatter.h - the shares of the ranks on their way from the plan to the queues.
 *
 * A share is stretches of items (queue.h) and the descriptors of their chunks. Rank 0 keeps no copy
 * of descriptors: slices say where in the lists of the members they are. It sends one block to each
 * host, to the lowest rank there, which puts the shares of all ranks of the host where they belong:
 *
 *	| stretches, chunks of the 1st rank | stretches, chunks of the 2nd | ...
 */
#ifndef QN_RUN_SCATTER_H
#define QN_RUN_SCATTER_H

#include "run/run.h"
#include "plan/weigh.h"

/* Consecutive descriptors of a member's list, or (QN_OWN_CHUNKS) of those written down here. */
struct qn_slice {
	uint64_t first, n;
	uint32_t member;
};
#define QN_OWN_CHUNKS UINT32_MAX

/* Rank 0. All owned. Always: stretches and slices are rank by rank; those of a rank cover its items from task
   0 on; slices are of chunks that their members, or `own`, have. */
struct qn_shares {
	const struct qn_run *run;     /* borrows */
	const struct qn_lumps *lumps; /* borrows */
	int nranks;
	struct qn_share *share;		 /* of each rank */
	uint64_t *stretch_at, *slice_at; /* nranks + 1: where those of a rank begin */
	struct qn_stretch *stretch;	 /* rank by rank */
	struct qn_slice *slice;		 /* rank by rank */
	struct qn_chunk *own;		 /* of items that have several chunks, or are not stored */
	uint64_t nstretches, nslices, nown, room_stretches, room_slices, room_own;
	uint64_t *number;	/* chunk numbers of one item */
	int *by_host, *host_at; /* ranks host by host; nhosts + 1: where those of each begin */
	void *block[2];		/* room for the shares of any other host, twice */
};

/* Writes down what the plan gives to each rank. Not collective. Freed by qn_shares_fini. */
enum quern_status qn_shares_make(const struct qn_run *run, const struct qn_lumps *lumps,
				 struct qn_shares *s, struct quern_message *err);
void qn_shares_fini(struct qn_shares *s);
bool qn_shares_is_valid(const struct qn_shares *s, const char **why);

/* Fills run->share and run->queues of all ranks; s matters on rank 0 only. Collective. */
enum quern_status qn_shares_scatter(struct qn_run *run, const struct qn_shares *s,
				    struct quern_message *err);

#endif
