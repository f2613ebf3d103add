/*
 * test_balance.c - stealing between hosts: ranks that take each other for hosts, whose thread does the work
 * between the steps. Each item is done once, whoever has it at first; and whatever fails on one of
 * them, all come to their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cluster/comm_mpi.h"
#include "crew/balance.h"
#include "crew/weigher.h"
#include "tests/testing/plan.h"
#include "mpi_test.h"

#define NITEMS	     200
#define ITEM_NBYTES  8
#define TASK_NS	     200000 /* so that leases pay */
#define HANG_SECONDS 120

static MPI_Comm world;
static int nranks = 1;

/* What one of the hosts has. All items are at first in the queue of one of them. */
struct host {
	struct qn_comm *comm;
	struct qn_mosaic mosaic;
	struct quern_box selection;
	struct qn_items items;
	struct qn_item_weigher weigher;
	struct qn_access access;
	struct qn_queues queues;
	struct qn_leases leases;
	struct qn_balance balance;
	int done[NITEMS]; /* by this host: how often each */
	int nleased;
};

/* --- a host --- */

static void make_items(struct host *h)
{
	static const struct qn_type type = { .class = QN_INT, .size = 8, .name = "<i8" };
	struct quern_message err = { .status = QUERN_OK };
	const uint64_t origin[1] = { 0 };
	struct qn_dataset d = { .type = type,
				.layout = QN_CHUNKED,
				.native = true,
				.ndim = 1,
				.shape = { NITEMS },
				.chunk = { 1 },
				.file_nbytes = NITEMS * ITEM_NBYTES };

	d.file = "f";
	d.path = "/d";
	qn_mosaic_init(&h->mosaic, 1);
	assert_int_equal(qn_mosaic_place(&h->mosaic, &d, origin, &err), QUERN_OK);
	h->selection = (struct quern_box){ .ndim = 1, .count = { NITEMS }, .step = { 1 } };
	assert_int_equal(qn_items_init(&h->items, &h->mosaic, &h->selection, NULL, &err), QUERN_OK);
	assert_int_equal(h->items.nitems, NITEMS);
}

/* The file is on a disk of host `owner`; others can read it, or not. */
static void make_access(struct host *h, uint32_t owner, bool shared)
{
	struct qn_homes *homes = &h->access.homes;

	homes->nsets = 1;
	homes->first = calloc(2, sizeof(*homes->first));
	homes->home = calloc(1, sizeof(*homes->home));
	homes->shared = calloc(1, 1);
	h->access.set = calloc(1, sizeof(*h->access.set));
	homes->first[1] = 1;
	homes->home[0] = (struct qn_home){ owner, 0, QN_HOME_DISK };
	homes->shared[0] = shared;
}

static void fill_queue(struct host *h, bool has_work)
{
	struct quern_message err = { .status = QUERN_OK };
	const uint64_t n = has_work ? NITEMS : 0;
	const struct qn_share share = {
		.nitems = n, .nstretches = n ? 1 : 0, .nchunks = n, .nbytes = n * ITEM_NBYTES
	};
	struct qn_queue *q;

	assert_int_equal(qn_queues_new(h->comm, &share, 0, 1, &h->queues, &err), QUERN_OK);
	q = &h->queues.queue[h->queues.mine];
	if (n)
		q->stretch[0] = (struct qn_stretch){ .each = 1 };
	for (uint64_t i = 0; i < n; i++)
		q->chunk[i] = (struct qn_chunk){ .number = i,
						 .nbytes = ITEM_NBYTES,
						 .addr = i * ITEM_NBYTES };
	qn_queues_reset(&h->queues);
}

static void begin(struct host *h, int nhosts, int owner, bool shared)
{
	struct quern_message err = { .status = QUERN_OK };
	char text[16];

	memset(h, 0, sizeof(*h));
	snprintf(text, sizeof(text), "%d", nhosts);
	setenv("QUERN_TEST_HOSTS", text, 1);
	assert_int_equal(qn_comm_new(world, &h->comm, &err), QUERN_OK);
	unsetenv("QUERN_TEST_HOSTS");
	make_items(h);
	make_access(h, (uint32_t)owner, shared);
	fill_queue(h, qn_comm_host(h->comm) == owner && !qn_comm_host_rank(h->comm));
	assert_int_equal(
		qn_item_weigher_init(&h->weigher, &h->mosaic, &h->items, ITEM_NBYTES, &err),
		QUERN_OK);
	assert_int_equal(qn_leases_new(h->comm, &h->weigher.weigher, &h->leases, &err), QUERN_OK);
	assert_int_equal(qn_balance_init(&h->balance, h->comm, &h->access, &h->weigher.weigher,
					 &qn_rates_default, &h->queues, &h->leases, &err),
			 QUERN_OK);
}

static void start_pass(struct host *h)
{
	memset(h->done, 0, sizeof(h->done));
	h->nleased = 0;
	qn_queues_reset(&h->queues);
	if (qn_balance_is_one(&h->balance)) {
		qn_leases_reset(&h->leases);
		qn_balance_begin(&h->balance);
	}
	qn_comm_host_barrier(h->comm);
}

static void end(struct host *h)
{
	qn_balance_fini(&h->balance);
	qn_leases_fini(&h->leases);
	qn_queues_fini(&h->queues);
	qn_homes_fini(&h->access.homes);
	free(h->access.set);
	qn_item_weigher_fini(&h->weigher);
	qn_items_fini(&h->items);
	qn_mosaic_fini(&h->mosaic);
	qn_comm_free(h->comm);
}

/* --- its work --- */

static void do_task(struct host *h, const struct qn_queue *q, uint32_t task)
{
	uint32_t hint = 0;
	const struct qn_task t = qn_queue_task(q, task, &hint);

	assert_true(t.item < NITEMS);
	assert_int_equal(qn_task_chunks(&t)->number, t.item);
	h->done[t.item]++;
	atomic_fetch_add(&h->queues.queue[h->queues.mine].header->done_nbytes, ITEM_NBYTES);
	nanosleep(&(struct timespec){ .tv_nsec = TASK_NS }, NULL);
}

/* One task, of this host's or of a lease. False: there is none. */
static bool work(struct host *h)
{
	struct qn_queue *own = &h->queues.queue[h->queues.mine];
	uint32_t b, e;

	if (qn_queue_take(own, 1, &b, &e)) {
		do_task(h, own, b);
		return true;
	}
	for (int i = 0; h->leases.board && i < QN_NLEASES; i++)
		if (qn_queue_take(&h->leases.lease[i], 1, &b, &e)) {
			do_task(h, &h->leases.lease[i], b);
			qn_leases_done(&h->leases, i, 1);
			h->nleased++;
			return true;
		}
	return false;
}

/* A pass, up to the end of this host's. The work of a host may fail before its task number `fails_at`. */
static enum quern_status pass(struct host *h, int fails_at, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	int ndone = 0;
	bool some;

	while (qn_balance_is_one(&h->balance) && h->balance.stage != QN_OVER) {
		assert_int_equal(st, QUERN_OK); /* which an error ends */
		st = qn_balance_step(&h->balance, err);
		if (ndone == fails_at)
			qn_queues_stop(&h->queues);
		some = !qn_queues_stopped(&h->queues) && work(h);
		ndone += some;
		if (!some)
			nanosleep(&(struct timespec){ .tv_nsec = QN_BALANCE_NS / 5 }, NULL);
	}
	while (!qn_queues_stopped(&h->queues) && work(h))
		;
	if (qn_balance_is_one(&h->balance))
		assert_int_equal(atomic_load(&h->leases.board->closed), 1);
	return st;
}

static int sum(int mine)
{
	int all = mine;

	if (world != MPI_COMM_NULL)
		PMPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_SUM, world);
	return all;
}

static void check_each_once(struct host *h)
{
	if (world != MPI_COMM_NULL)
		PMPI_Allreduce(MPI_IN_PLACE, h->done, NITEMS, MPI_INT, MPI_SUM, world);
	for (int i = 0; i < NITEMS; i++)
		assert_int_equal(h->done[i], 1);
}

/* --- tests --- */

/* One host has all the work, and leases of it. Then it goes on with the next pass. */
static void test_each_item_once(void **state)
{
	(void)state;
	for (int nhosts = 1; nhosts <= nranks; nhosts++) {
		struct quern_message err = { .status = QUERN_OK };
		struct host h;

		begin(&h, nhosts, nhosts - 1, true);
		assert_int_equal(qn_balance_is_one(&h.balance),
				 nhosts > 1 && !qn_comm_host_rank(h.comm));
		for (int n = 0; n < 2; n++) {
			start_pass(&h);
			assert_int_equal(pass(&h, -1, &err), QUERN_OK);
			assert_int_equal(sum(h.nleased) > 0, nhosts > 1);
			check_each_once(&h);
		}
		end(&h);
	}
}

/* What only one host can read stays there. */
static void test_unreadable(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct host h;

	(void)state;
	begin(&h, nranks, 0, false);
	start_pass(&h);
	assert_int_equal(pass(&h, -1, &err), QUERN_OK);
	assert_int_equal(sum(h.nleased), 0);
	check_each_once(&h);
	end(&h);
}

/* The work of a host fails: all stop, which is no error of the others'. */
static void test_stop(void **state)
{
	(void)state;
	for (int who = 0; who < nranks; who++) {
		struct quern_message err = { .status = QUERN_OK };
		struct host h;
		int ndone = 0;

		begin(&h, nranks, 0, true);
		start_pass(&h);
		assert_int_equal(pass(&h, qn_comm_host(h.comm) == who ? 3 : -1, &err), QUERN_OK);
		for (int i = 0; i < NITEMS; i++)
			ndone += h.done[i];
		if (nranks > 1 && sum(ndone) < NITEMS)
			assert_true(qn_queues_stopped(&h.queues));
		end(&h);
	}
}

/* --- what fails --- */

static void fail_once(long n)
{
	test_fail_at(TEST_MPI, n);
}

static void fail_from(long n)
{
	test_fail_from(TEST_MPI, n);
}

static void fail_memory(long n)
{
	test_fail_at(TEST_MEMORY, n);
}

static const struct {
	const char *name;
	void (*arm)(long n);
} failures[] = {
	{ "a call that was made", fail_once },
	{ "one that was not", test_leave_out_at },
	{ "that one and all that follow", fail_from },
	{ "an allocation", fail_memory },
};

/* Returns whether a step failed, which it may not have, if the call was one that does not matter, or that
   was not reached. */
static bool try(int victim, int f, long nth)
{
	struct quern_message err = { .status = QUERN_OK };
	enum quern_status st;
	struct host h;
	bool failed;

	begin(&h, nranks, 0, true);
	start_pass(&h);
	if (qn_comm_rank(h.comm) == victim)
		failures[f].arm(nth);
	alarm(HANG_SECONDS);
	st = pass(&h, -1, &err);
	test_fail_at(TEST_MPI, 0);
	failed = sum(st != QUERN_OK) > 0;
	alarm(0);
	if (st && (qn_comm_rank(h.comm) != victim || !err.text[0]))
		fail_msg("%s, number %ld on rank %d: '%s' on rank %d", failures[f].name, nth,
			 victim, err.text, qn_comm_rank(h.comm));
	if (st)
		assert_true(qn_queues_stopped(&h.queues));
	if (!failed)
		check_each_once(&h);
	end(&h);
	return failed;
}

static void test_failures(void **state)
{
	static const long numbers[] = { 1, 2, 4, 9, 18, 35, 70 };
	const size_t n = sizeof(numbers) / sizeof(*numbers);
	int nfailed = 0;

	(void)state;
	if (nranks == 1)
		return;
	for (size_t f = 0; f < sizeof(failures) / sizeof(*failures); f++)
		for (size_t i = 0; i < n; i++)
			nfailed += try((int)i % nranks, (int)f, numbers[i]);
	assert_true(nfailed > (int)n);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_item_once),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_failures),
	};

	world = mpi_test_begin(&argc, &argv);
	if (world != MPI_COMM_NULL)
		MPI_Comm_size(world, &nranks);
	return mpi_test_end(world, cmocka_run_group_tests(tests, NULL, NULL));
}
