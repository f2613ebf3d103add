/*
 * lease.h - work that comes from another host: tasks, leased many at a time.
 *
 * The first rank of a host has a few slots in shared memory, each a queue (queue.h) with room for a
 * lease. The rank itself (balance.h) fills a slot, all workers of the host take from it, and when they have
 * done all of it the slot is filled again. On its way a lease is flat:
 *
 *	| ntasks, nstretches, nchunks | stretch[nstretches] | chunk[nchunks] |
 *
 * with tasks and chunks numbered from 0. A host never passes on a task that it has leased.
 */
#ifndef QN_CREW_LEASE_H
#define QN_CREW_LEASE_H

#include "crew/queue.h"

#define QN_NLEASES	   2	/* one is worked on while the next is on its way */
#define QN_LEASE_STRETCHES 4096 /* the most that a lease has; tasks: QN_LARGEST_LEASE */
#define QN_LEASE_CHUNKS	   65536

struct qn_lease_board {
	_Alignas(64) _Atomic uint32_t closed; /* no lease will come any more */
	_Atomic int64_t moved_nbytes;	      /* weight of what came, less that of what was given */
	_Alignas(64) _Atomic uint32_t nleft[QN_NLEASES]; /* tasks that are not done */
};

/* Always: each slot is a queue (queue.h) within its room, and has no more tasks left than it was given. */
struct qn_leases {
	struct qn_shared *shared; /* NULL: there is one host, and never a lease */
	struct qn_lease_board *board;
	struct qn_queue lease[QN_NLEASES];
	uint64_t room_stretches, room_chunks;
};

/* What the items of a job are, to those who lease them: the same on all ranks. */
struct qn_weigher {
	void *ctx;
	uint64_t nitems, nchunks; /* all of them */
	uint32_t nmembers;	  /* files that hosts may see, or not */
	uint32_t (*member)(void *ctx, uint64_t item);
	/* What an item weighs, which is at least 0. False: it has no such chunks. */
	bool (*weigh)(void *ctx, uint64_t item, const struct qn_chunk *chunk, uint64_t n,
		      uint64_t *weight);
};

/* Collective on c. */
enum quern_status qn_leases_new(struct qn_comm *c, const struct qn_weigher *w, struct qn_leases *l,
				struct quern_message *err);
void qn_leases_fini(struct qn_leases *l);
bool qn_leases_is_valid(const struct qn_leases *l, const char **why);

/* The memory that l->room_* take, and where in it everything is. Not collective. */
size_t qn_leases_nbytes(const struct qn_leases *l);
void qn_leases_locate(struct qn_leases *l, void *memory);

/* As before the first pass; by the first rank of a host, which then synchronises it. */
void qn_leases_reset(struct qn_leases *l);

/* n tasks of a lease, taken by qn_queue_take, are done. */
void qn_leases_done(struct qn_leases *l, int slot, uint32_t n);
/* A slot that can be filled, or -1. For the rank that balances alone. */
int qn_leases_vacant(const struct qn_leases *l);

/* --- the flat form --- */

/* How many bytes it has at most. */
size_t qn_lease_most_nbytes(const struct qn_leases *l);

/* How many tasks before `end`, at most `most` and down to `begin`, have room in a lease. */
uint32_t qn_lease_fit(const struct qn_leases *l, const struct qn_queue *q, uint32_t begin,
		      uint32_t end, uint32_t most);

/* Writes tasks of a queue to `out`, which has room for them; returns the bytes. *weight: of all. */
size_t qn_lease_pack(const struct qn_queue *q, uint32_t begin, uint32_t end,
		     const struct qn_weigher *w, void *out, uint64_t *weight);

/* Puts a lease into a vacant slot, for all workers of the host. What it says is checked against the
   items, which all ranks know. QUERN_ERR_RUN: it is no lease. */
enum quern_status qn_lease_accept(struct qn_leases *l, int slot, const struct qn_weigher *w,
				  const void *data, size_t nbytes, uint64_t *weight,
				  struct quern_message *err);

#endif
