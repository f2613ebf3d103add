/*
 * queue.h - the work of the ranks of a host, in shared memory.
 *
 * Each rank brings a segment that every rank of the host can read:
 *
 *	| header (2 cache lines) | stretch[nstretches] | chunk[nchunks] |
 *
 * A task is an item of the plan. Stretches say which: each is a range of tasks that are as many
 * consecutive items, with as many chunks each, so a share that is in order takes one or a few.
 *
 * header.range holds the tasks that nobody has taken, [head, tail), in one 64-bit word: the owner's
 * threads take from the head, in file order, and thieves from the tail, both by compare-and-swap,
 * so each task is taken exactly once. No rank has to be inside MPI for this.
 */
#ifndef QN_CREW_QUEUE_H
#define QN_CREW_QUEUE_H

#include <stdatomic.h>

#include "cluster/comm.h"
#include "data/dataset.h"

struct qn_queue_header {
	_Alignas(64) _Atomic uint64_t range;	   /* tail << 32 | head */
	_Alignas(64) _Atomic uint64_t done_nbytes; /* weight of the finished tasks */
	_Atomic uint32_t stop;			   /* a rank of this host has failed */
	uint32_t nitems, nstretches;
	uint64_t nchunks, nbytes; /* nbytes: weight of all tasks of this rank */
	uint32_t ncounted;	  /* tasks at the head without weight */
	uint32_t node, nthreads;
};

/* Tasks `task`, task + 1, ... up to that of the next stretch are items `item`, item + 1, ...; the
   chunks of the first begin at `chunk`. QN_EVEN: each is one chunk, and only the first two have
   descriptors: from one to the next, numbers and addresses go on as from the first to the second. */
struct qn_stretch {
	uint64_t item, chunk;
	uint32_t task;
	uint32_t each; /* chunks of each item, or QN_EVEN */
};
#define QN_EVEN 0

/* One rank's segment, as any rank of the host sees it. Always: [head, tail) is within the tasks;
   stretches begin with task 0 and ascend, and their chunks are in the segment (whose tasks are no items
   has none). */
struct qn_queue {
	struct qn_queue_header *header;
	struct qn_stretch *stretch;
	struct qn_chunk *chunk;
};

/* What a task is. */
struct qn_task {
	uint64_t item;
	uint64_t nchunks;
	struct qn_chunk *list; /* borrows; NULL: there is `one` */
	struct qn_chunk one;
	bool counted; /* it has no weight */
};

/* The descriptors of a task; borrows. */
const struct qn_chunk *qn_task_chunks(const struct qn_task *t);

struct qn_queues {
	struct qn_shared *shared;
	int nranks, mine;	/* of this host */
	struct qn_queue *queue; /* owned, by host rank */
	int *victim;		/* owned: the other ranks, nearest first */
};

/* The size of the share of a rank, decided by the plan: nitems is at most QN_MOST_ITEMS. */
#define QN_MOST_ITEMS (UINT32_MAX - 1)
struct qn_share {
	uint64_t nitems, nstretches, nchunks, nbytes;
	uint64_t ncounted; /* the first of the tasks have no weight: their chunks are counted */
};

/* Allocates the segments; the caller fills the tables of its own. Collective on c. */
enum quern_status qn_queues_new(struct qn_comm *c, const struct qn_share *share, uint32_t node,
				uint32_t nthreads, struct qn_queues *q, struct quern_message *err);
void qn_queues_fini(struct qn_queues *q);
bool qn_queue_is_valid(const struct qn_queue *q, const char **why);

/* Puts all tasks back for another pass; the caller then synchronises the host. */
void qn_queues_reset(struct qn_queues *q);

/* Takes up to `most` tasks from the head of a queue; false when it is empty. Not collective. */
bool qn_queue_take(struct qn_queue *q, uint32_t most, uint32_t *begin, uint32_t *end);

/* Takes 1/parts of the remaining tasks, at least one, from the tail; of those with weight, while there
   are any. Not collective. */
bool qn_queue_steal(struct qn_queue *q, uint32_t parts, uint32_t *begin, uint32_t *end);

/* The tasks that nobody has taken, [head, tail): at this moment. Not collective. */
void qn_queue_peek(const struct qn_queue *q, uint32_t *head, uint32_t *tail);

/* Like qn_queue_peek, without the tasks at the head that have no weight. Not collective. */
void qn_queue_peek_weighted(const struct qn_queue *q, uint32_t *head, uint32_t *tail);

/* Takes [begin, end) when it still is at the tail, or at the head, of the tasks that nobody has
   taken: for those that have looked which they want. Not collective. */
bool qn_queue_take_these(struct qn_queue *q, uint32_t begin, uint32_t end);

/* What task number `task` of a queue is. *hint: a stretch near it, as this left it; begins as 0.
   Not collective. */
struct qn_task qn_queue_task(const struct qn_queue *q, uint32_t task, uint32_t *hint);

/* How many tasks from `task` on, all before `end`, are consecutive items of one chunk each that nobody
   has written; 0, if this one is not in a stretch of such. *hint as above. The stretches may not
   change meanwhile, as those of a lease do that has been done. Not collective. */
uint32_t qn_queue_hole(const struct qn_queue *q, uint32_t task, uint32_t end, uint32_t *hint);

/* How many chunks the tasks [begin, end) have. *hint as above. Not collective. */
uint64_t qn_queue_nchunks(const struct qn_queue *q, uint32_t begin, uint32_t end, uint32_t *hint);

void qn_queues_stop(struct qn_queues *q);
bool qn_queues_stopped(const struct qn_queues *q);
/* Weight of finished tasks, and of all, on this host. */
void qn_queues_progress(const struct qn_queues *q, uint64_t *done, uint64_t *total);

#endif
