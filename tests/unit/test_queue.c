/*
 * test_queue.c - queues of work under threads that take and steal at the same time.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/comm_mpi.h"
#include "crew/queue.h"
#include "random.h"

#define NTHREADS 4

struct fixture {
	struct qn_comm *comm;
	struct qn_queues queues;
	struct qn_queue *own;
	_Atomic uint8_t *taken; /* how often each task was */
	uint32_t nitems;
};

static void begin(struct fixture *f, uint32_t nitems)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_share share = {
		.nitems = nitems, .nstretches = nitems, .nchunks = nitems, .nbytes = 8 * nitems
	};

	memset(f, 0, sizeof(*f));
	f->nitems = nitems;
	f->taken = calloc(nitems + 1, sizeof(*f->taken));
	assert_int_equal(qn_comm_new(MPI_COMM_NULL, &f->comm, &err), QUERN_OK);
	assert_int_equal(qn_queues_new(f->comm, &share, 0, NTHREADS, &f->queues, &err), QUERN_OK);
	f->own = &f->queues.queue[0];
	for (uint32_t i = 0; i < nitems; i++)
		f->own->stretch[i] =
			(struct qn_stretch){ .item = i, .chunk = i, .task = i, .each = 1 };
}

static void end(struct fixture *f)
{
	qn_queues_fini(&f->queues);
	qn_comm_free(f->comm);
	free((void *)f->taken);
}

struct actor {
	struct fixture *f;
	pthread_t thread;
	uint64_t seed;
	bool thief;
	uint64_t ndone;
	bool in_order;
};

/* Owners see ascending tasks, thieves descending ranges. */
static void *act(void *arg)
{
	struct actor *a = arg;
	uint32_t from, to, last = a->thief ? UINT32_MAX : 0;

	a->in_order = true;
	for (;;) {
		uint32_t n = 1 + (uint32_t)random_below(&a->seed, 8);
		bool some = a->thief ? qn_queue_steal(a->f->own, n, &from, &to)
				     : qn_queue_take(a->f->own, n, &from, &to);

		if (!some)
			return NULL;
		a->in_order = a->in_order && from < to && to <= a->f->nitems &&
			      (a->thief ? to <= last : from >= last && to - from <= n);
		last = a->thief ? from : to;
		for (uint32_t t = from; t < to; t++)
			atomic_fetch_add(&a->f->taken[t], 1);
		a->ndone += to - from;
	}
}

static void check_once(const struct fixture *f, int times)
{
	for (uint32_t t = 0; t < f->nitems; t++)
		assert_int_equal(f->taken[t], times);
}

static void run_actors(struct fixture *f, int nthieves, int round)
{
	struct actor a[NTHREADS];
	uint64_t ndone = 0;

	for (int i = 0; i < NTHREADS; i++) {
		a[i] = (struct actor){ .f = f,
				       .thief = i < nthieves,
				       .seed = (uint64_t)(97 * round + i + 1) };
		assert_int_equal(pthread_create(&a[i].thread, NULL, act, &a[i]), 0);
	}
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(a[i].thread, NULL);
		assert_true(a[i].in_order);
		ndone += a[i].ndone;
	}
	assert_int_equal(ndone, f->nitems);
}

static void test_each_task_once(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 1000, 200000 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int nthieves = 0; nthieves <= NTHREADS; nthieves++) {
			struct fixture f;

			begin(&f, sizes[s]);
			/* Several passes: all tasks are back each time. */
			for (int pass = 1; pass <= 3; pass++) {
				qn_queues_reset(&f.queues);
				run_actors(&f, nthieves, pass);
				check_once(&f, pass);
			}
			end(&f);
		}
}

static void test_head_ascends(void **state)
{
	struct fixture f;
	uint32_t from, to, next = 0;

	(void)state;
	begin(&f, 100);
	assert_false(qn_queue_take(f.own, 1, &from, &to)); /* empty until it is filled */
	assert_false(qn_queue_steal(f.own, 1, &from, &to));
	qn_queues_reset(&f.queues);
	while (qn_queue_take(f.own, 7, &from, &to)) {
		assert_int_equal(from, next);
		assert_int_equal(to, from + 7 > 100 ? 100 : from + 7);
		next = to;
	}
	assert_int_equal(next, 100);
	end(&f);
}

static void test_thieves_take_a_part_of_the_tail(void **state)
{
	struct fixture f;
	uint32_t from, to;

	(void)state;
	begin(&f, 100);
	qn_queues_reset(&f.queues);
	assert_true(qn_queue_take(f.own, 20, &from, &to));
	assert_true(qn_queue_steal(f.own, 4, &from, &to));
	assert_int_equal(from, 80);
	assert_int_equal(to, 100);
	assert_true(qn_queue_steal(f.own, 1000, &from, &to));
	assert_int_equal(from, 79);
	assert_int_equal(to, 80);
	assert_true(qn_queue_steal(f.own, 1, &from, &to));
	assert_int_equal(from, 20);
	assert_int_equal(to, 79);
	assert_false(qn_queue_steal(f.own, 1, &from, &to));
	end(&f);
}

/* What is told of ranges of tasks is what is told of each. Some stretches are made holes. */
static void check_ranges(struct qn_queue *q, uint32_t ntasks, uint64_t *seed)
{
	for (uint32_t s = 0; s < q->header->nstretches; s += 2)
		q->chunk[q->stretch[s].chunk].addr = QN_ADDR_NONE;
	for (int i = 0; i < 1000; i++) {
		uint32_t begin = (uint32_t)random_below(seed, ntasks), hint = 0, at = 0;
		uint32_t end = begin + 1 + (uint32_t)random_below(seed, ntasks - begin);
		uint64_t nchunks = 0, nhole = 0;
		const struct qn_stretch *s;

		qn_queue_task(q, begin, &at);
		s = &q->stretch[at];
		for (uint32_t t = begin; t < end; t++) {
			uint32_t there = at;

			nchunks += qn_queue_task(q, t, &there).nchunks;
			nhole += there == at && s->each == QN_EVEN && at % 2 == 0;
		}
		assert_int_equal(qn_queue_nchunks(q, begin, end, &hint), nchunks);
		assert_int_equal(qn_queue_hole(q, begin, end, &hint), nhole);
	}
}

/* Stretches and chunks lie one after the other without touching; every task is found from any
   hint. */
static void test_tasks(void **state)
{
	enum { NSTRETCHES = 100 };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_share share = { .nstretches = NSTRETCHES };
	struct qn_stretch want[NSTRETCHES];
	struct qn_queues q;
	struct qn_queue *own;
	struct qn_comm *c;
	uint64_t seed = random_seed(3);

	(void)state;
	for (uint32_t s = 0; s < NSTRETCHES; s++) {
		uint32_t n = 1 + (uint32_t)random_below(&seed, s % 3 ? 3 : 50);

		want[s] = (struct qn_stretch){ 1000 * (NSTRETCHES - s), share.nchunks,
					       (uint32_t)share.nitems, s % 5 };
		share.nitems += n;
		share.nchunks += want[s].each ? (uint64_t)n * want[s].each : 2;
	}
	assert_int_equal(qn_comm_new(MPI_COMM_NULL, &c, &err), QUERN_OK);
	assert_int_equal(qn_queues_new(c, &share, 0, 1, &q, &err), QUERN_OK);
	own = &q.queue[0];
	memcpy(own->stretch, want, sizeof(want));
	for (uint64_t i = 0; i < share.nchunks; i++)
		own->chunk[i] = (struct qn_chunk){ i, 7 * i, 5, 1 };
	assert_memory_equal(own->stretch, want, sizeof(want));
	for (uint32_t t = 0, s = 0; t < share.nitems; t++) {
		s += s + 1 < NSTRETCHES && want[s + 1].task <= t;
		for (uint32_t from = 0; from < NSTRETCHES; from++) {
			uint32_t hint = from, k = t - want[s].task, each = want[s].each;
			struct qn_task task = qn_queue_task(own, t, &hint);
			const struct qn_chunk *chunk = qn_task_chunks(&task);
			uint64_t number = want[s].chunk + (each == QN_EVEN ? k : k * each);

			assert_int_equal(hint, s);
			assert_int_equal(task.item, want[s].item + k);
			assert_int_equal(task.nchunks, each == QN_EVEN ? 1 : each);
			for (uint64_t i = 0; i < task.nchunks; i++) {
				struct qn_chunk is = { number + i, 7 * (number + i), 5, 1 };

				assert_memory_equal(&chunk[i], &is, sizeof(is));
			}
		}
	}
	assert_int_equal((uintptr_t)own->header % 64, 0);
	check_ranges(own, (uint32_t)share.nitems, &seed);
	qn_queues_fini(&q);
	qn_comm_free(c);
}

static void test_progress_and_stop(void **state)
{
	struct fixture f;
	uint64_t done, total;

	(void)state;
	begin(&f, 10);
	qn_queues_reset(&f.queues);
	atomic_fetch_add(&f.own->header->done_nbytes, 24);
	qn_queues_progress(&f.queues, &done, &total);
	assert_int_equal(done, 24);
	assert_int_equal(total, 80);
	qn_queues_reset(&f.queues);
	qn_queues_progress(&f.queues, &done, &total);
	assert_int_equal(done, 0);
	assert_false(qn_queues_stopped(&f.queues));
	qn_queues_stop(&f.queues);
	assert_true(qn_queues_stopped(&f.queues));
	end(&f);
}

/* A thief is not content with tasks that are counted while there is work. */
static void test_counted(void **state)
{
	struct fixture f;
	uint32_t head, tail, from, to, nstolen = 0;

	(void)state;
	begin(&f, 1000);
	f.own->header->ncounted = 990;
	qn_queues_reset(&f.queues);
	qn_queue_peek_weighted(f.own, &head, &tail);
	assert_int_equal(head, 990);
	while (nstolen < 10) {
		assert_true(qn_queue_steal(f.own, 2, &from, &to));
		assert_in_range(from, 990, to - 1);
		nstolen += to - from;
	}
	qn_queue_peek_weighted(f.own, &head, &tail);
	assert_int_equal(head, 990);
	assert_int_equal(tail, 990);
	assert_true(qn_queue_steal(f.own, 2, &from, &to));
	assert_int_equal(to, 990);
	qn_queue_peek_weighted(f.own, &head, &tail);
	assert_int_equal(head, tail);
	assert_true(qn_queue_take(f.own, 1, &from, &to));
	assert_int_equal(from, 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_task_once),
		cmocka_unit_test(test_head_ascends),
		cmocka_unit_test(test_thieves_take_a_part_of_the_tail),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_progress_and_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
