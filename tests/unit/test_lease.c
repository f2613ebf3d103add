/*
 * test_lease.c - work leased to other hosts: slots in shared memory, the flat form and hostile ones,
 * and the policy.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cluster/comm_mpi.h"
#include "select/select.h"
#include "crew/weigher.h"
#include "plan/policy.h"
#include "random.h"

#define NROWS	 600 /* of chunks, two in each */
#define NTHREADS 4
#define CHUNK	 100 /* bytes stored */

/* A dataset of NROWS x 2 chunks, elementwise or in panels of two chunks, and a host's memory. */
struct fixture {
	struct qn_mosaic mosaic;
	struct quern_box selection;
	struct qn_items items;
	struct qn_item_weigher weigher;
	struct qn_comm *comm;
	struct qn_queues queues;
	struct qn_queue *own;
	struct qn_leases leases;
	char *flat;
	size_t nbytes;
	uint64_t weight;
};

static void make_dataset(struct qn_dataset *d)
{
	static const struct qn_type type = { .class = QN_INT, .size = 4, .name = "<i4" };

	*d = (struct qn_dataset){ .type = type,
				  .layout = QN_CHUNKED,
				  .native = true,
				  .ndim = 2,
				  .shape = { 2 * NROWS, 20 },
				  .chunk = { 2, 10 },
				  .file_nbytes = 2 * NROWS * CHUNK };
	d->file = "f";
	d->path = "/d";
}

static void make_items(struct fixture *f, bool panels)
{
	const uint64_t origin[2] = { 0, 0 };
	const struct quern_demand demand = { .whole = { false, true }, .min_nelems = 1 };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;

	make_dataset(&d);
	qn_mosaic_init(&f->mosaic, 2);
	assert_int_equal(qn_mosaic_place(&f->mosaic, &d, origin, &err), QUERN_OK);
	f->selection =
		(struct quern_box){ .ndim = 2, .count = { 2 * NROWS, 20 }, .step = { 1, 1 } };
	assert_int_equal(
		qn_items_init(&f->items, &f->mosaic, &f->selection, panels ? &demand : NULL, &err),
		QUERN_OK);
	assert_int_equal(f->items.nitems, panels ? NROWS : 2 * NROWS);
	assert_int_equal(qn_item_weigher_init(&f->weigher, &f->mosaic, &f->items, 4, &err),
			 QUERN_OK);
}

/* All items in one queue, in stretches of 7. */
static void fill_queue(struct fixture *f)
{
	struct quern_message err = { .status = QUERN_OK };
	uint64_t n = f->items.nitems, each = 2 * NROWS / n;
	struct qn_share share = { .nitems = n,
				  .nstretches = qn_ceil_div(n, 7),
				  .nchunks = 2 * NROWS,
				  .nbytes = 8 * NROWS };

	assert_int_equal(qn_queues_new(f->comm, &share, 0, 1, &f->queues, &err), QUERN_OK);
	f->own = &f->queues.queue[0];
	/* Runs of 7, last first: a stretch begins anew where items do not go on. */
	for (uint64_t s = 0, task = 0; s < share.nstretches; s++) {
		uint64_t first = (share.nstretches - 1 - s) * 7, k = qn_min_u64(7, n - first);

		f->own->stretch[s] =
			(struct qn_stretch){ first, task * each, (uint32_t)task, (uint32_t)each };
		for (uint64_t i = 0; i < k * each; i++)
			f->own->chunk[task * each + i] =
				(struct qn_chunk){ .number = first * each + i,
						   .nbytes = CHUNK,
						   .addr = (first * each + i) * CHUNK };
		task += k;
	}
	qn_queues_reset(&f->queues);
}

/* The memory of a host among several: as qn_leases_new would get it. */
static void make_slots(struct fixture *f)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_leases *l = &f->leases;

	memset(l, 0, sizeof(*l));
	l->room_stretches = 30;
	l->room_chunks = 200;
	assert_int_equal(qn_shared_new(f->comm, qn_leases_nbytes(l), &l->shared, &err), QUERN_OK);
	qn_leases_locate(l, qn_shared_of(l->shared, 0));
	assert_int_equal((uintptr_t)l->lease[1].header % 64, 0);
	qn_leases_reset(l);
}

static void begin(struct fixture *f, bool panels)
{
	struct quern_message err = { .status = QUERN_OK };

	memset(f, 0, sizeof(*f));
	assert_int_equal(qn_comm_new(MPI_COMM_NULL, &f->comm, &err), QUERN_OK);
	make_items(f, panels);
	fill_queue(f);
	make_slots(f);
	f->flat = qn_calloc(qn_lease_most_nbytes(&f->leases), 1);
	assert_non_null(f->flat);
}

static void end(struct fixture *f)
{
	free(f->flat);
	qn_leases_fini(&f->leases);
	qn_queues_fini(&f->queues);
	qn_item_weigher_fini(&f->weigher);
	qn_items_fini(&f->items);
	qn_mosaic_fini(&f->mosaic);
	qn_comm_free(f->comm);
}

static void pack(struct fixture *f, uint32_t from, uint32_t to)
{
	assert_true(qn_queue_take_these(f->own, from, to));
	f->nbytes = qn_lease_pack(f->own, from, to, &f->weigher.weigher, f->flat, &f->weight);
}

static enum quern_status accept(struct fixture *f, uint64_t *weight)
{
	struct quern_message err = { .status = QUERN_OK };

	return qn_lease_accept(&f->leases, qn_leases_vacant(&f->leases), &f->weigher.weigher,
			       f->flat, f->nbytes, weight, &err);
}

/* What is leased is the same work on the other side. */
static void check_same(struct fixture *f, uint32_t from, uint32_t to)
{
	struct qn_queue *q = &f->leases.lease[0];
	uint32_t hint = 0, there = 0, b, e;

	assert_int_equal(q->header->nitems, to - from);
	for (uint32_t t = from; t < to; t++) {
		struct qn_task want = qn_queue_task(f->own, t, &hint), got;

		assert_true(qn_queue_take(q, 1, &b, &e));
		assert_int_equal(b, t - from);
		got = qn_queue_task(q, b, &there);
		assert_int_equal(got.item, want.item);
		assert_int_equal(got.nchunks, want.nchunks);
		assert_memory_equal(qn_task_chunks(&got), qn_task_chunks(&want),
				    want.nchunks * sizeof(struct qn_chunk));
	}
	assert_false(qn_queue_take(q, 1, &b, &e));
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (int panels = 0; panels < 2; panels++) {
		struct fixture f;
		uint64_t seed = random_seed(5), weight;

		begin(&f, panels);
		for (int i = 0; i < 100; i++) {
			uint32_t to = f.own->header->nitems,
				 n = 1 + (uint32_t)random_below(&seed, 90);

			n = qn_lease_fit(&f.leases, f.own, 0, to, n);
			assert_true(n > 0);
			pack(&f, to - n, to);
			assert_int_equal(f.weight, (uint64_t)n * (panels ? 160 : 80));
			assert_int_equal(accept(&f, &weight), QUERN_OK);
			assert_int_equal(weight, f.weight);
			assert_int_equal(qn_leases_vacant(&f.leases), 1);
			check_same(&f, to - n, to);
			qn_leases_done(&f.leases, 0, n);
			assert_int_equal(qn_leases_vacant(&f.leases), 0);
			qn_queues_reset(&f.queues);
		}
		end(&f);
	}
}

/* As many tasks as there is room for, of stretches and of chunks. */
static void test_fit(void **state)
{
	struct fixture f;
	uint32_t n;

	(void)state;
	begin(&f, true);
	n = f.own->header->nitems;
	assert_int_equal(qn_lease_fit(&f.leases, f.own, 0, n, UINT32_MAX), 100);
	assert_int_equal(qn_lease_fit(&f.leases, f.own, n - 3, n, UINT32_MAX), 3);
	assert_int_equal(qn_lease_fit(&f.leases, f.own, 0, n, 9), 9);
	f.leases.room_chunks = 1;
	assert_int_equal(qn_lease_fit(&f.leases, f.own, 0, n, 9), 0);
	f.leases.room_chunks = 200;
	f.leases.room_stretches = 2;
	assert_int_equal(qn_lease_fit(&f.leases, f.own, 0, n, 90), 14);
	end(&f);
}

static void test_two_slots(void **state)
{
	struct fixture f;
	uint64_t weight;

	(void)state;
	begin(&f, false);
	pack(&f, 0, 10);
	assert_int_equal(accept(&f, &weight), QUERN_OK);
	pack(&f, 10, 15);
	assert_int_equal(accept(&f, &weight), QUERN_OK);
	assert_int_equal(qn_leases_vacant(&f.leases), -1);
	qn_leases_done(&f.leases, 1, 4);
	assert_int_equal(qn_leases_vacant(&f.leases), -1);
	qn_leases_done(&f.leases, 1, 1);
	assert_int_equal(qn_leases_vacant(&f.leases), 1);
	qn_leases_reset(&f.leases);
	assert_int_equal(qn_leases_vacant(&f.leases), 0);
	end(&f);
}

/* Cut anywhere, or with any word changed: refused, or it is work of the run after all. Nothing is
   published of what is refused. */
static void test_hostile(void **state)
{
	(void)state;
	for (int panels = 0; panels < 2; panels++) {
		struct fixture f;
		uint64_t seed = random_seed(11), weight, nrefused = 0;
		size_t whole;
		char *good;

		begin(&f, panels);
		pack(&f, 0, 20);
		whole = f.nbytes;
		good = malloc(whole);
		memcpy(good, f.flat, whole);
		for (f.nbytes = 0; f.nbytes < whole; f.nbytes++)
			assert_int_equal(accept(&f, &weight), QUERN_ERR_RUN);
		f.nbytes = whole;
		for (int i = 0; i < 100000; i++) {
			static const uint64_t evil[] = { 0,	     1,
							 UINT64_MAX, UINT64_C(1) << 32,
							 1u << 31,   UINT64_MAX - 1,
							 21,	     NROWS };
			size_t at = random_below(&seed, whole / 4) * 4,
			       n = 4 + 4 * random_below(&seed, 2);
			uint64_t word = random_below(&seed, 3) ? evil[random_below(&seed, 8)]
							       : random_below(&seed, UINT64_MAX);

			memcpy(f.flat, good, whole);
			memcpy(f.flat + at, &word, qn_min_u64(n, whole - at));
			nrefused += accept(&f, &weight) != QUERN_OK;
			if (qn_leases_vacant(&f.leases) == 1) {
				assert_true(f.leases.lease[0].header->nitems <= 40);
				qn_leases_reset(&f.leases);
			}
		}
		assert_true(nrefused > 50000);
		memcpy(f.flat, good, whole);
		assert_int_equal(accept(&f, &weight), QUERN_OK);
		free(good);
		end(&f);
	}
}

/* --- workers and an agent at the same time --- */

struct crowd {
	struct fixture *f;
	_Atomic uint8_t taken[2 * NROWS];
	_Atomic bool closed;
};

static void *help(void *arg)
{
	struct crowd *c = arg;
	bool closed = false, some = true;
	uint32_t b, e, hint = 0;

	while (some || !closed) {
		closed = atomic_load(&c->closed);
		some = false;
		for (int i = 0; i < QN_NLEASES; i++)
			while (qn_queue_take(&c->f->leases.lease[i], 3, &b, &e)) {
				some = true;
				for (uint32_t t = b; t < e; t++)
					c->taken[qn_queue_task(&c->f->leases.lease[i], t, &hint)
							 .item]++;
				qn_leases_done(&c->f->leases, i, e - b);
			}
	}
	return NULL;
}

static void test_each_task_once(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct fixture f;
		struct crowd *c = calloc(1, sizeof(*c));
		pthread_t thread[NTHREADS];
		uint32_t head, tail;
		uint64_t seed = (uint64_t)round + 1, weight;

		begin(&f, false);
		c->f = &f;
		for (int i = 0; i < NTHREADS; i++)
			assert_int_equal(pthread_create(&thread[i], NULL, help, c), 0);
		for (;;) {
			qn_queue_peek(f.own, &head, &tail);
			if (head == tail)
				break;
			if (qn_leases_vacant(&f.leases) < 0)
				continue;
			pack(&f,
			     tail - qn_lease_fit(&f.leases, f.own, head, tail,
						 1 + (uint32_t)random_below(&seed, 20)),
			     tail);
			assert_int_equal(accept(&f, &weight), QUERN_OK);
		}
		atomic_store(&c->closed, true);
		for (int i = 0; i < NTHREADS; i++)
			pthread_join(thread[i], NULL);
		for (int i = 0; i < 2 * NROWS; i++)
			assert_int_equal(c->taken[i], 1);
		free(c);
		end(&f);
	}
}

/* --- taking what one has looked at --- */

static void test_take_these(void **state)
{
	struct fixture f;
	uint32_t b, e, head, tail, n;

	(void)state;
	begin(&f, false);
	n = f.own->header->nitems;
	assert_false(qn_queue_take_these(f.own, n - 5, n - 1)); /* in the middle */
	assert_false(qn_queue_take_these(f.own, n, n));
	assert_false(qn_queue_take_these(f.own, n - 1, n + 1));
	assert_true(qn_queue_take_these(f.own, n - 5, n));
	assert_false(qn_queue_take_these(f.own, n - 5, n));
	assert_true(qn_queue_take(f.own, 1, &b, &e));
	assert_true(qn_queue_take_these(f.own, 1, 4));
	qn_queue_peek(f.own, &head, &tail);
	assert_int_equal(head, 4);
	assert_int_equal(tail, n - 5);
	assert_true(qn_queue_take_these(f.own, 4, n - 5));
	qn_queue_peek(f.own, &head, &tail);
	assert_int_equal(head, tail);
	end(&f);
}

/* --- the policy --- */

static void test_policy(void **state)
{
	struct qn_load victim = { 100, 1, 1, 1, 1 }, thief = { 0, 0, 4, 1, 1 }, small;

	(void)state;
	/* 100.5 s left: both are done at the same time when the thief has 80.4 of them. */
	assert_true(fabs(qn_policy_lease(&victim, &thief, 0) - 40.2) < 1e-9);
	/* One that has as much to do as the victim gets nothing, nor has one to be quicker than it. */
	thief.waiting = 402;
	assert_true(qn_policy_lease(&victim, &thief, 0) == 0);
	thief.waiting = 0;
	assert_true(qn_policy_lease(&victim, &thief, 101) == 0);
	/* The last task: only for one that does it sooner than the victim would. */
	small = (struct qn_load){ 1, 1, 1, 1, 1 };
	assert_true(qn_policy_lease(&small, &thief, 0.1) == 1);
	thief.rate = 0.5;
	assert_true(qn_policy_lease(&small, &thief, 0.1) == 0);
	/* With many threads, what one thread takes for a task counts. */
	small = (struct qn_load){ 8, 8, 8, 1, 8 };
	thief = (struct qn_load){ 0, 0, 8, 1, 8 };
	assert_true(qn_policy_lease(&small, &thief, 0.01) >= 1);
	small = (struct qn_load){ 0, 8, 8, 1, 8 };
	assert_true(qn_policy_lease(&small, &thief, 0.01) == 0);
	/* Who is low asks: when threads would find nothing, or it would not last for a question. */
	assert_true(qn_policy_is_low(&small, 1e-3));
	assert_false(qn_policy_is_low(&victim, 1e-3));
	assert_true(qn_policy_is_low(&victim, 30));
}

static void test_batches(void **state)
{
	(void)state;
	assert_int_equal(qn_policy_batch(1000, 1, 0), 1);
	assert_int_equal(qn_policy_batch(1000, 1, 1e-6), QN_LARGEST_BATCH);
	assert_int_equal(qn_policy_batch(1000, 1, 0.5e-3), 4);
	assert_int_equal(qn_policy_batch(1000, 1, 1), 1);
	assert_int_equal(qn_policy_batch(80, 5, 1e-6), 2);
	assert_int_equal(qn_policy_batch(0, 1, 1e-6), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_fit),
		cmocka_unit_test(test_two_slots),      cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_each_task_once), cmocka_unit_test(test_take_these),
		cmocka_unit_test(test_policy),	       cmocka_unit_test(test_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
