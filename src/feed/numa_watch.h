/*
 * numa_watch.h - what a worker's thread finds out about NUMA while it works: whether the bytes that it
 * read were in the memory of the node that it runs on, and whether its own buffers are. Both by
 * samples, which are asked of the system and not concluded from the plan or from the binding. On a
 * machine of one node nothing is asked.
 */
#ifndef QN_FEED_NUMA_WATCH_H
#define QN_FEED_NUMA_WATCH_H

#include "feed/feed.h"
#include "cluster/topo.h"

struct qn_numa_watch_sums {
	uint64_t
		known_nbytes; /* stored bytes of chunks whose node was known before they were read */
	uint64_t local_nbytes;	 /* of these: on the node of the thread that read them */
	uint64_t npages, nlocal; /* of the thread's buffers: looked at; on its node */
};

struct qn_numa_watch {
	const struct qn_topo *topo; /* borrows; NULL: nothing is asked */
	bool bound, settled;
	uint64_t nasked, unasked_nbytes, nlooks;
	int node; /* of the thread, when its buffers are looked at */
	struct qn_numa_watch_sums sums;
};

/* bound: the calling thread is bound to a node. topo: must outlive *n. */
void qn_numa_watch_init(struct qn_numa_watch *n, const struct qn_topo *topo, bool bound);

/* An item is about to be read from an open file by this thread. */
void qn_numa_watch_item(struct qn_numa_watch *n, int fd, const struct qn_item *item);

/*
 * The thread has its buffers, with nothing in them that is still needed: those of a feed after its
 * first item, or a block of memory. That it was bound before is not enough for them to be near: the
 * allocator hands on memory that other threads had, and has its own first pages written to before a
 * new thread can be bound; and huge pages reach beyond a block. What is elsewhere is given up.
 */
void qn_numa_watch_settle_feed(struct qn_numa_watch *n, const struct qn_feed *feed);
void qn_numa_watch_settle(struct qn_numa_watch *n, void *block, size_t nbytes);

/* The thread has done with them: counts where they are (block: NULL, none). */
void qn_numa_watch_leave_feed(struct qn_numa_watch *n, const struct qn_feed *feed);
void qn_numa_watch_leave(struct qn_numa_watch *n, void *block, size_t nbytes);

void qn_numa_watch_add(struct qn_numa_watch_sums *sums, const struct qn_numa_watch_sums *more);

#endif
