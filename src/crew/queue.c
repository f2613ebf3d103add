#include "crew/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "plan/policy.h"

static uint64_t pack(uint32_t head, uint32_t tail)
{
	return (uint64_t)tail << 32 | head;
}

static void locate(struct qn_queue *q, void *segment)
{
	q->header = segment;
	q->stretch = (struct qn_stretch *)(q->header + 1);
	q->chunk = (struct qn_chunk *)(q->stretch + q->header->nstretches);
}

static enum quern_status order_victims(struct qn_queues *q, struct quern_message *err)
{
	uint32_t *node = qn_calloc((size_t)q->nranks, sizeof(*node));

	if (!node)
		return qn_error_nomem(err, (size_t)q->nranks * sizeof(*node), "the queues");
	for (int r = 0; r < q->nranks; r++)
		node[r] = q->queue[r].header->node;
	qn_policy_victims(node, q->nranks, q->mine, q->victim);
	free(node);
	return QUERN_OK;
}

const struct qn_chunk *qn_task_chunks(const struct qn_task *t)
{
	return t->list ? t->list : &t->one;
}

enum quern_status qn_queues_new(struct qn_comm *c, const struct qn_share *share, uint32_t node,
				uint32_t nthreads, struct qn_queues *q, struct quern_message *err)
{
	size_t nbytes = sizeof(struct qn_queue_header) +
			share->nstretches * sizeof(struct qn_stretch) +
			share->nchunks * sizeof(struct qn_chunk);
	struct qn_queue_header *header;
	enum quern_status st = QUERN_OK;

	memset(q, 0, sizeof(*q));
	q->nranks = qn_comm_host_size(c);
	q->mine = qn_comm_host_rank(c);
	q->queue = qn_calloc((size_t)q->nranks, sizeof(*q->queue));
	q->victim = qn_calloc((size_t)q->nranks, sizeof(*q->victim));
	if (!q->queue || !q->victim)
		st = qn_error_nomem(err, (size_t)q->nranks * sizeof(*q->queue), "the queues");
	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_shared_new(c, nbytes, &q->shared, err);
	if (st) {
		qn_queues_fini(q);
		return st;
	}
	header = qn_shared_of(q->shared, q->mine);
	header->nitems = (uint32_t)share->nitems;
	header->ncounted = (uint32_t)share->ncounted;
	header->nstretches = (uint32_t)share->nstretches;
	header->nchunks = share->nchunks;
	header->nbytes = share->nbytes;
	header->node = node;
	header->nthreads = nthreads;
	qn_comm_host_barrier(c);
	for (int r = 0; r < q->nranks; r++)
		locate(&q->queue[r], qn_shared_of(q->shared, r));
	st = qn_comm_agree(c, order_victims(q, err), err);
	if (st)
		qn_queues_fini(q);
	return st;
}

void qn_queues_fini(struct qn_queues *q)
{
	qn_shared_free(q->shared);
	free(q->queue);
	free(q->victim);
	memset(q, 0, sizeof(*q));
}

bool qn_queue_is_valid(const struct qn_queue *q, const char **why)
{
	const struct qn_queue_header *h = q->header;
	const uint64_t range = atomic_load(&h->range);

	QN_HOLDS(range >> 32 <= h->nitems, "the tail is one of the tasks, or their end");
	QN_HOLDS(h->ncounted <= h->nitems, "tasks without weight are tasks");
	for (uint32_t i = 0; i < h->nstretches; i++) {
		const struct qn_stretch *s = &q->stretch[i];
		const uint32_t end = i + 1 < h->nstretches ? s[1].task : h->nitems;
		uint64_t n;

		QN_HOLDS(i || !s->task, "the first stretch begins with task 0");
		QN_HOLDS(s->task < end && end <= h->nitems, "stretches ascend by their tasks");
		n = s->each == QN_EVEN ? (end - s->task > 1 ? 2 : 1)
				       : (uint64_t)(end - s->task) * s->each;
		QN_HOLDS(s->chunk <= h->nchunks && n <= h->nchunks - s->chunk,
			 "the chunks of a stretch are in the segment");
	}
	return true;
}

void qn_queues_reset(struct qn_queues *q)
{
	struct qn_queue_header *h = q->queue[q->mine].header;

	atomic_store(&h->done_nbytes, 0);
	atomic_store(&h->range, pack(0, h->nitems));
}

bool qn_queue_take(struct qn_queue *q, uint32_t most, uint32_t *begin, uint32_t *end)
{
	uint64_t seen = atomic_load_explicit(&q->header->range, memory_order_relaxed);

	for (;;) {
		uint32_t head = (uint32_t)seen, tail = (uint32_t)(seen >> 32), n = tail - head;

		if (head >= tail)
			return false;
		n = n < most ? n : most;
		if (atomic_compare_exchange_weak(&q->header->range, &seen, pack(head + n, tail))) {
			*begin = head;
			*end = head + n;
			return true;
		}
	}
}

/* Where the tasks that have weight begin, of those that nobody has taken: at the tail when there are
   none. */
static uint32_t work_head(const struct qn_queue *q, uint32_t head, uint32_t tail)
{
	const uint32_t ncounted = q->header->ncounted;

	if (head >= ncounted)
		return head;
	return tail < ncounted ? tail : ncounted;
}

bool qn_queue_steal(struct qn_queue *q, uint32_t parts, uint32_t *begin, uint32_t *end)
{
	uint64_t seen = atomic_load_explicit(&q->header->range, memory_order_relaxed);

	for (;;) {
		uint32_t head = (uint32_t)seen, tail = (uint32_t)(seen >> 32), from, n;

		if (head >= tail)
			return false;
		from = work_head(q, head, tail);
		n = qn_policy_loot(tail - (from < tail ? from : head), parts);
		if (atomic_compare_exchange_weak(&q->header->range, &seen, pack(head, tail - n))) {
			*begin = tail - n;
			*end = tail;
			return true;
		}
	}
}

void qn_queue_peek(const struct qn_queue *q, uint32_t *head, uint32_t *tail)
{
	uint64_t seen = atomic_load_explicit(&q->header->range, memory_order_relaxed);

	*head = (uint32_t)seen;
	*tail = (uint32_t)(seen >> 32);
	if (*head > *tail)
		*head = *tail;
}

void qn_queue_peek_weighted(const struct qn_queue *q, uint32_t *head, uint32_t *tail)
{
	qn_queue_peek(q, head, tail);
	*head = work_head(q, *head, *tail);
}

bool qn_queue_take_these(struct qn_queue *q, uint32_t begin, uint32_t end)
{
	uint64_t seen = atomic_load_explicit(&q->header->range, memory_order_relaxed);

	for (;;) {
		uint32_t head = (uint32_t)seen, tail = (uint32_t)(seen >> 32);
		uint64_t left;

		if (begin >= end || begin < head || end > tail)
			return false;
		if (end == tail)
			left = pack(head, begin);
		else if (begin == head)
			left = pack(end, tail);
		else
			return false;
		if (atomic_compare_exchange_weak(&q->header->range, &seen, left))
			return true;
	}
}

/* Is a task of the stretch or of a later one? */
static bool begins_by(const struct qn_queue *q, uint32_t stretch, uint32_t task)
{
	return stretch < q->header->nstretches && q->stretch[stretch].task <= task;
}

/* The kth chunk of those that go on as the first two. */
static struct qn_chunk go_on(const struct qn_chunk *first, uint64_t k)
{
	return (struct qn_chunk){ .number = first->number + k * (first[1].number - first->number),
				  .addr = first->addr + k * (first[1].addr - first->addr),
				  .nbytes = first->nbytes,
				  .filter_mask = first->filter_mask };
}

/* The stretch that a task is in. *hint: as for qn_queue_task. */
static const struct qn_stretch *find_stretch(const struct qn_queue *q, uint32_t task,
					     uint32_t *hint)
{
	uint32_t low = *hint, high = q->header->nstretches;

	/* Mostly it is in the stretch of the last one, or in the next. */
	if (!begins_by(q, low, task))
		low = 0;
	else if (!begins_by(q, low + 1, task))
		high = low + 1;
	else if (!begins_by(q, low + 2, task))
		high = ++low + 1;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (q->stretch[mid].task <= task)
			low = mid;
		else
			high = mid;
	}
	*hint = low;
	return &q->stretch[low];
}

struct qn_task qn_queue_task(const struct qn_queue *q, uint32_t task, uint32_t *hint)
{
	const struct qn_stretch *s = find_stretch(q, task, hint);
	uint64_t k = task - s->task;

	if (s->each == QN_EVEN)
		return (struct qn_task){ .item = s->item + k,
					 .nchunks = 1,
					 .one = go_on(q->chunk + s->chunk, k),
					 .counted = task < q->header->ncounted };
	return (struct qn_task){ .item = s->item + k,
				 .nchunks = s->each,
				 .list = q->chunk + s->chunk + k * s->each,
				 .counted = task < q->header->ncounted };
}

/* How many tasks from `task` on, before `end`, are in its stretch, which is number `number`. */
static uint32_t left_of_stretch(const struct qn_queue *q, uint32_t number, uint32_t task,
				uint32_t end)
{
	if (begins_by(q, number + 1, end))
		end = q->stretch[number + 1].task;
	return end - task;
}

uint32_t qn_queue_hole(const struct qn_queue *q, uint32_t task, uint32_t end, uint32_t *hint)
{
	const struct qn_stretch *s = find_stretch(q, task, hint);

	if (s->each != QN_EVEN || q->chunk[s->chunk].addr != QN_ADDR_NONE)
		return 0;
	return left_of_stretch(q, *hint, task, end);
}

uint64_t qn_queue_nchunks(const struct qn_queue *q, uint32_t begin, uint32_t end, uint32_t *hint)
{
	uint64_t nchunks = 0;

	while (begin < end) {
		const struct qn_stretch *s = find_stretch(q, begin, hint);
		uint32_t n = left_of_stretch(q, *hint, begin, end);

		nchunks += (uint64_t)n * (s->each == QN_EVEN ? 1 : s->each);
		begin += n;
	}
	return nchunks;
}

void qn_queues_stop(struct qn_queues *q)
{
	for (int r = 0; r < q->nranks; r++)
		atomic_store(&q->queue[r].header->stop, 1);
}

bool qn_queues_stopped(const struct qn_queues *q)
{
	return atomic_load_explicit(&q->queue[q->mine].header->stop, memory_order_relaxed);
}

void qn_queues_progress(const struct qn_queues *q, uint64_t *done, uint64_t *total)
{
	*done = *total = 0;
	for (int r = 0; r < q->nranks; r++) {
		*done += atomic_load_explicit(&q->queue[r].header->done_nbytes,
					      memory_order_relaxed);
		*total += q->queue[r].header->nbytes;
	}
}
