#include "feed/numa_watch.h"

#include <string.h>

/* Asking for a chunk's node takes some 15 us: the first chunks are all asked for, which is all of a
   small dataset, and then one every 16 MiB, which takes a millisecond or more to read. */
#define FIRST_ASKED  128
#define ASKED_NBYTES (UINT64_C(16) << 20)
/* A worker turns to another feed with every file, and the pages stay where they are. */
#define MOST_LOOKS 16

void qn_numa_watch_init(struct qn_numa_watch *n, const struct qn_topo *topo, bool bound)
{
	memset(n, 0, sizeof(*n));
	n->topo = qn_topo_nnodes(topo) > 1 ? topo : NULL;
	n->bound = bound;
}

static void ask(struct qn_numa_watch *n, int fd, const struct qn_chunk *c)
{
	int there, here;

	n->nasked++;
	n->unasked_nbytes = 0;
	there = qn_topo_file_node(n->topo, fd, c->addr, c->nbytes);
	here = qn_topo_thread_node(n->topo);
	if (there < 0 || here < 0)
		return;
	n->sums.known_nbytes += c->nbytes;
	n->sums.local_nbytes += there == here ? c->nbytes : 0;
}

void qn_numa_watch_item(struct qn_numa_watch *n, int fd, const struct qn_item *item)
{
	if (!n->topo || fd < 0)
		return;
	for (size_t i = 0; i < item->nchunks; i++) {
		const struct qn_chunk *c = &item->chunks[i];

		if (c->addr == QN_ADDR_NONE || !c->nbytes)
			continue;
		n->unasked_nbytes += c->nbytes;
		if (n->nasked < FIRST_ASKED || n->unasked_nbytes >= ASKED_NBYTES)
			ask(n, fd, c);
	}
}

static void settle(void *ctx, void *block, size_t nbytes)
{
	struct qn_numa_watch *n = ctx;

	qn_topo_settle(n->topo, block, nbytes, n->node);
}

static void look(void *ctx, void *block, size_t nbytes)
{
	struct qn_numa_watch *n = ctx;

	qn_topo_count_pages(n->topo, block, nbytes, n->node, &n->sums.npages, &n->sums.nlocal);
}

/* Is there anything to be found out, now and on which node? */
static bool begin(struct qn_numa_watch *n)
{
	if (!n->topo)
		return false;
	n->node = qn_topo_thread_node(n->topo);
	return n->node >= 0;
}

void qn_numa_watch_settle_feed(struct qn_numa_watch *n, const struct qn_feed *feed)
{
	if (n->topo && n->bound && !n->settled && n->nlooks < MOST_LOOKS && begin(n))
		qn_feed_each_buffer(feed, settle, n);
	n->settled = true;
}

void qn_numa_watch_settle(struct qn_numa_watch *n, void *block, size_t nbytes)
{
	if (n->bound && begin(n))
		settle(n, block, nbytes);
}

void qn_numa_watch_leave_feed(struct qn_numa_watch *n, const struct qn_feed *feed)
{
	if (n->nlooks++ < MOST_LOOKS && begin(n))
		qn_feed_each_buffer(feed, look, n);
	n->settled = false;
}

void qn_numa_watch_leave(struct qn_numa_watch *n, void *block, size_t nbytes)
{
	if (block && begin(n))
		look(n, block, nbytes);
}

void qn_numa_watch_add(struct qn_numa_watch_sums *sums, const struct qn_numa_watch_sums *more)
{
	sums->known_nbytes += more->known_nbytes;
	sums->local_nbytes += more->local_nbytes;
	sums->npages += more->npages;
	sums->nlocal += more->nlocal;
}
