/*
 * test_comm.c - the communicator at any number of ranks, and without MPI.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/least.h"
#include "base/mem.h"
#include "base/tally.h"
#include "cluster/comm_mpi.h"
#include "cluster/mailbox.h"
#include "crew/queue.h"
#include "mpi_test.h"
#include "random.h"

static MPI_Comm world;

static struct qn_comm *new_comm(void)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_comm *c = NULL;

	assert_int_equal(qn_comm_new(world, &c, &err), QUERN_OK);
	return c;
}

static void test_numbers(void **state)
{
	struct qn_comm *c = new_comm();
	int rank = 0, size = 1;

	(void)state;
	if (world != MPI_COMM_NULL) {
		MPI_Comm_rank(world, &rank);
		MPI_Comm_size(world, &size);
	}
	assert_int_equal(qn_comm_rank(c), rank);
	assert_int_equal(qn_comm_size(c), size);
	/* These tests run on one host. */
	assert_int_equal(qn_comm_nhosts(c), 1);
	assert_int_equal(qn_comm_host(c), 0);
	assert_int_equal(qn_comm_host_rank(c), rank);
	assert_int_equal(qn_comm_host_size(c), size);
	qn_comm_free(c);
	qn_comm_free(NULL);
}

/* An order of ranks of one's own is kept, and the parent is not needed any more. Alone, nothing of
   this begins MPI. */
static void test_parent(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_comm *c = NULL;
	MPI_Comm reversed;
	int rank, size, value;

	(void)state;
	if (world == MPI_COMM_NULL) {
		MPI_Initialized(&value);
		assert_false(value);
		return;
	}
	MPI_Comm_rank(world, &rank);
	MPI_Comm_size(world, &size);
	MPI_Comm_split(world, 0, -rank, &reversed);
	assert_int_equal(qn_comm_new(reversed, &c, &err), QUERN_OK);
	MPI_Comm_free(&reversed);
	assert_int_equal(qn_comm_rank(c), size - 1 - rank);
	value = rank;
	assert_int_equal(qn_comm_bcast(c, &value, sizeof(value), &err), QUERN_OK);
	assert_int_equal(value, size - 1);
	qn_comm_free(c);
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 37 + (i >> 8));
}

static void test_bcast(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 3 << 20 };
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		size_t n = sizes[s], got = 0;
		uint8_t *data = calloc(n + 1, 1);
		void *block = NULL;

		for (size_t i = 0; i < n && !qn_comm_rank(c); i++)
			data[i] = pattern(i);
		assert_int_equal(qn_comm_bcast(c, data, n, &err), QUERN_OK);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(data[i], pattern(i));
		if (!qn_comm_rank(c)) {
			block = data;
			got = n;
		}
		assert_int_equal(qn_comm_bcast_block(c, &block, &got, &err), QUERN_OK);
		assert_int_equal(got, n);
		assert_non_null(block);
		assert_memory_equal(block, data, n);
		if (block != data)
			free(block);
		free(data);
	}
	qn_comm_free(c);
}

struct card {
	int rank;
	char text[20];
};

static void check_cards(const struct card *all, int n)
{
	for (int r = 0; r < n; r++) {
		assert_int_equal(all[r].rank, r);
		assert_string_equal(all[r].text, "card");
	}
}

static void test_gathers(void **state)
{
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };
	struct card mine = { qn_comm_rank(c), "card" };
	struct card *all = calloc((size_t)qn_comm_size(c), sizeof(*all));

	(void)state;
	assert_int_equal(qn_comm_gather(c, &mine, sizeof(mine), qn_comm_rank(c) ? NULL : all, &err),
			 QUERN_OK);
	if (!qn_comm_rank(c))
		check_cards(all, qn_comm_size(c));
	memset(all, 0, (size_t)qn_comm_size(c) * sizeof(*all));
	assert_int_equal(qn_comm_host_allgather(c, &mine, sizeof(mine), all, &err), QUERN_OK);
	check_cards(all, qn_comm_host_size(c));
	free(all);
	qn_comm_free(c);
}

/* Rank r gets r * 1000 records of an odd size; rank 0 none. */
static void test_scatterv(void **state)
{
	struct record {
		char c[7];
	} *all = NULL, *mine;
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };
	size_t size = (size_t)qn_comm_size(c), rank = (size_t)qn_comm_rank(c), at = 0;
	bool alone = size == 1;
	uint64_t nmine = alone ? 5 : rank * 1000, *count = calloc(size, sizeof(*count));

	(void)state;
	if (!rank) {
		all = calloc(5 + size * size * 1000, sizeof(*all));
		for (size_t r = 0; r < size; r++) {
			count[r] = alone ? 5 : r * 1000;
			for (uint64_t i = 0; i < count[r]; i++, at++)
				memset(all[at].c, (int)(r * 16 + i % 16), sizeof(all[at].c));
		}
	}
	mine = calloc(nmine + 1, sizeof(*mine));
	assert_int_equal(
		qn_comm_scatterv(c, all, rank ? NULL : count, sizeof(*mine), mine, nmine, &err),
		QUERN_OK);
	for (uint64_t i = 0; i < nmine; i++)
		for (size_t k = 0; k < sizeof(mine->c); k++)
			assert_int_equal(mine[i].c[k], (char)(rank * 16 + i % 16));
	assert_int_equal(mine[nmine].c[0], 0);
	free(mine);
	free(all);
	free(count);
	qn_comm_free(c);
}

/* Every rank brings its number of records, rank 1 none. */
static void test_gatherv(void **state)
{
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };
	int rank = qn_comm_rank(c), size = qn_comm_size(c);
	uint64_t n = rank == 1 ? 0 : (uint64_t)rank + 2, at = 0;
	struct {
		uint64_t rank, i, more;
	} mine[64] = { { 0 } }, *record;
	void *all;

	(void)state;
	for (uint64_t i = 0; i < n && i < 64; i++) {
		mine[i].rank = (uint64_t)rank;
		mine[i].i = i;
	}
	assert_int_equal(qn_comm_gatherv(c, mine, &n, sizeof(*mine), &all, &err), QUERN_OK);
	if (rank) {
		assert_null(all);
		assert_int_equal(n, 0);
	}
	record = all;
	for (int r = 0; rank == 0 && r < size; r++)
		for (uint64_t i = 0; r != 1 && i < (uint64_t)r + 2; i++, at++) {
			assert_int_equal(record[at].rank, r);
			assert_int_equal(record[at].i, i);
		}
	assert_int_equal(at, n);
	free(all);
	qn_comm_free(c);
}

/* The word that rank r brings for (key, index) pair p: keys collide, also across ranks. */
static int64_t word_of(int rank, size_t i)
{
	uint64_t s = (uint64_t)rank * 1000003 + i + 1;

	return i % 2 ? (int64_t)random_below(&s, 1000) - (i % 10 == 9) /* index -1 is the largest */
		     : (int64_t)random_below(&s, 5) - 2;
}

static int64_t expected(enum quern_op op, int size, size_t i)
{
	int64_t best = word_of(0, i);
	int winner = 0;

	for (int r = 1; r < size; r++) {
		int64_t v = word_of(r, i), key = word_of(r, i & ~(size_t)1),
			best_key = word_of(winner, i & ~(size_t)1);
		bool larger = op == QUERN_MAXLOC ? key > best_key : key < best_key;
		bool earlier = (uint64_t)word_of(r, i | 1) < (uint64_t)word_of(winner, i | 1);

		switch (op) {
		case QUERN_LEAST:
		case QUERN_EXACT:
		case QUERN_LIST:
		case QUERN_TALLY:
		case QUERN_SUM:
			best += v;
			break;
		case QUERN_MIN:
			best = v < best ? v : best;
			break;
		case QUERN_MAX:
			best = v > best ? v : best;
			break;
		case QUERN_MINLOC:
		case QUERN_MAXLOC:
			if (larger || (key == best_key && earlier)) {
				winner = r;
				best = v;
			}
			break;
		}
	}
	return best;
}

static void test_reduce(void **state)
{
	static const size_t sizes[] = { 0, 2, 1000, 40000 };
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };

	(void)state;
	for (int op = QUERN_SUM; op <= QUERN_MAXLOC; op++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			int64_t *words = calloc(sizes[s] + 1, sizeof(*words));

			for (size_t i = 0; i < sizes[s]; i++)
				words[i] = word_of(qn_comm_rank(c), i);
			assert_int_equal(
				qn_comm_reduce(c, words, sizes[s], (enum quern_op)op, &err),
				QUERN_OK);
			for (size_t i = 0; i < sizes[s] && !qn_comm_rank(c); i++)
				assert_int_equal(words[i],
						 expected((enum quern_op)op, qn_comm_size(c), i));
			free(words);
		}
	qn_comm_free(c);
}

/* Lists of 70 entries of 3 words, of which each rank has some: rank 0 gets the least of all. */
static void test_reduce_least(void **state)
{
	enum { N = 70, WIDTH = 3, EACH = 100 };
	struct qn_comm *c = new_comm();
	const int size = qn_comm_size(c), rank = qn_comm_rank(c);
	struct quern_message err = { .status = QUERN_OK };
	int64_t mine[N * WIDTH], all[N * WIDTH];
	uint64_t seed = random_seed(7);

	(void)state;
	qn_least_clear(mine, N * WIDTH, WIDTH);
	qn_least_clear(all, N * WIDTH, WIDTH);
	for (int i = 0; i < EACH; i++)
		for (int r = 0; r < size; r++) {
			const int64_t entry[WIDTH] = { (int64_t)random_below(&seed, 7) - 3,
						       (int64_t)random_below(&seed, 20),
						       (i * 7919 % EACH) * size + r };

			/* Some have fewer than there is room for. */
			if (i % (r + 1))
				continue;
			qn_least_offer(all, N * WIDTH, WIDTH, entry);
			if (r == rank)
				qn_least_offer(mine, N * WIDTH, WIDTH, entry);
		}
	qn_least_sort(mine, N * WIDTH, WIDTH);
	qn_least_sort(all, N * WIDTH, WIDTH);
	assert_int_equal(qn_comm_reduce_entries(c, mine, N * WIDTH, WIDTH, qn_least_merge, &err),
			 QUERN_OK);
	if (rank == 0)
		assert_memory_equal(mine, all, sizeof(all));
	qn_comm_free(c);
}

/* Values of 9 that each rank has some of, more or less often: rank 0 gets the least 5 of all, with their counts. */
static void test_reduce_tally(void **state)
{
	enum { N = 9, MOST = 5, WIDTH = 2 };
	struct qn_comm *c = new_comm();
	const size_t nwords = qn_tally_nwords(MOST, WIDTH);
	struct quern_message err = { .status = QUERN_OK };
	int64_t *mine = calloc(nwords, sizeof(*mine)), expect[N] = { 0 };

	(void)state;
	for (int r = 0; r < qn_comm_size(c); r++)
		for (int64_t key = N - 1; key >= 0; key--) {
			const int64_t value = key - 4;

			if ((key + r) % 3 == 0)
				continue;
			expect[key] += r + 1;
			if (r == qn_comm_rank(c))
				qn_tally_add(mine, nwords, WIDTH, &value, (uint64_t)r + 1);
		}
	qn_tally_sort(mine, nwords, WIDTH);
	assert_int_equal(qn_comm_reduce_entries(c, mine, nwords, WIDTH, qn_tally_merge, &err),
			 QUERN_OK);
	for (size_t i = 0, key = 0; qn_comm_rank(c) == 0 && i < MOST; i++, key++) {
		while (!expect[key])
			key++;
		assert_int_equal(qn_tally_entry(mine, WIDTH, i)[0], (int64_t)key - 4);
		assert_int_equal(qn_tally_entry(mine, WIDTH, i)[1], expect[key]);
	}
	free(mine);
	qn_comm_free(c);
}

/* Each rank fails in turn, then several: all hear the lowest one. */
static void test_agree(void **state)
{
	struct qn_comm *c = new_comm();
	int size = qn_comm_size(c), rank = qn_comm_rank(c);

	(void)state;
	for (int failing = 0; failing <= size; failing++) {
		struct quern_message err = { .status = QUERN_OK };
		enum quern_status st = QUERN_OK, verdict;
		char text[40];

		if (rank >= failing)
			st = qn_error_set(&err, rank == failing ? QUERN_ERR_DATA : QUERN_ERR_RUN,
					  "rank %d failed", rank);
		verdict = qn_comm_agree(c, st, &err);
		if (failing == size) {
			assert_int_equal(verdict, QUERN_OK);
			assert_int_equal(err.status, QUERN_OK);
			continue;
		}
		snprintf(text, sizeof(text), "rank %d failed", failing);
		assert_int_equal(verdict, QUERN_ERR_DATA);
		assert_int_equal(err.status, QUERN_ERR_DATA);
		assert_string_equal(err.text, text);
	}
	assert_int_equal(qn_comm_agree(c, QUERN_OK, NULL), QUERN_OK);
	assert_int_equal(qn_comm_agree(c, rank == size - 1 ? QUERN_ERR_RUN : QUERN_OK, NULL),
			 QUERN_ERR_RUN);
	qn_comm_free(c);
}

/* Memory of different sizes, none on the last rank: zeroed, aligned, and seen by all. */
static void test_shared(void **state)
{
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };
	struct qn_shared *s = NULL;
	int n = qn_comm_host_size(c), me = qn_comm_host_rank(c);
	size_t nwords = (size_t)(n - 1 - me) * 1001;
	_Atomic uint64_t *mine, *first;

	(void)state;
	assert_int_equal(qn_shared_new(c, 8 + nwords * 8, &s, &err), QUERN_OK);
	mine = qn_shared_of(s, me);
	assert_int_equal((uintptr_t)mine % 64, 0);
	for (size_t i = 0; i <= nwords; i++) {
		assert_int_equal(mine[i], 0);
		atomic_store(&mine[i], (uint64_t)me * 10000 + i);
	}
	qn_comm_host_barrier(c);
	for (int r = 0; r < n; r++) {
		_Atomic uint64_t *theirs = qn_shared_of(s, r);

		for (size_t i = 0; i <= (size_t)(n - 1 - r) * 1001; i++)
			assert_int_equal(atomic_load(&theirs[i]), (uint64_t)r * 10000 + i);
	}
	qn_comm_host_barrier(c);
	/* One counter for all. */
	first = qn_shared_of(s, 0);
	for (int i = 0; i < 10000; i++)
		atomic_fetch_add(first, 1);
	qn_comm_host_barrier(c);
	assert_int_equal(atomic_load(first), 10000 * n);
	qn_comm_host_barrier(c);
	qn_shared_free(s);
	qn_comm_free(c);
}

/* Ranks with very different shares take their own and then steal: every task of every rank runs
   once in each pass. */
static void test_stealing_between_ranks(void **state)
{
	struct qn_comm *c = new_comm();
	struct quern_message err = { .status = QUERN_OK };
	size_t most = 20000, n = (size_t)qn_comm_size(c);
	uint32_t me = (uint32_t)qn_comm_rank(c), begin, end;
	struct qn_share share = { .nitems = me % 2 ? 0 : most - 1000 * me,
				  .nstretches = me % 2 ? 0 : 1,
				  .nbytes = 1 };
	int64_t *taken = calloc(most * n, sizeof(*taken));
	struct qn_queues q;
	bool seen[64] = { false };
	uint32_t hint = 0;

	(void)state;
	assert_int_equal(qn_queues_new(c, &share, me / 2, 1, &q, &err), QUERN_OK);
	if (share.nstretches)
		*q.queue[q.mine].stretch = (struct qn_stretch){ .item = me * most };
	/* All others are victims, those of the same node first. */
	for (int v = 0; v < q.nranks - 1; v++) {
		assert_int_not_equal(q.victim[v], q.mine);
		assert_false(seen[q.victim[v]]);
		seen[q.victim[v]] = true;
	}
	if ((me ^ 1) < n)
		assert_int_equal(q.victim[0], me ^ 1);
	for (int pass = 0; pass < 3; pass++) {
		qn_queues_reset(&q);
		qn_comm_host_barrier(c);
		while (qn_queue_take(&q.queue[q.mine], 3, &begin, &end))
			for (uint32_t t = begin; t < end; t++)
				taken[qn_queue_task(&q.queue[q.mine], t, &hint).item]++;
		for (int v = 0; v < q.nranks - 1; v++) {
			struct qn_queue *victim = &q.queue[q.victim[v]];

			while (qn_queue_steal(victim, 8, &begin, &end))
				for (uint32_t t = begin; t < end; t++)
					taken[qn_queue_task(victim, t, &hint).item]++;
		}
		assert_int_equal(qn_comm_agree(c, QUERN_OK, &err), QUERN_OK);
	}
	assert_int_equal(qn_comm_reduce(c, taken, most * n, QUERN_SUM, &err), QUERN_OK);
	for (size_t i = 0; i < most * n && !me; i++) {
		size_t r = i / most;

		assert_int_equal(taken[i], r % 2 == 0 && i % most < most - 1000 * r ? 3 : 0);
	}
	qn_comm_host_barrier(c);
	qn_queues_stop(&q);
	assert_true(qn_queues_stopped(&q));
	qn_comm_host_barrier(c);
	qn_queues_fini(&q);
	free(taken);
	qn_comm_free(c);
}

/* --- messages between hosts: ranks that take each other for hosts --- */

enum { NNOTES = 20 };

/* A note asks for so many bytes of a value. */
struct note {
	uint64_t nbytes;
	int value;
};

static void answer_notes(struct qn_mailbox *p, char *room)
{
	struct quern_message err = { .status = QUERN_OK };
	struct note n;
	int from;

	while (!qn_mailbox_note(p, &n, sizeof(n), &from, &err) && from >= 0) {
		memset(room, n.value, n.nbytes);
		assert_int_equal(qn_mailbox_answer(p, from, room, n.nbytes, &err), QUERN_OK);
	}
}

static void check_answer(const char *answer, size_t nbytes, const struct note *asked)
{
	assert_int_equal(nbytes, asked->nbytes);
	for (size_t i = 0; i < nbytes; i++)
		if (answer[i] != asked->value)
			fail_msg("byte %zu is %d, not %d", i, answer[i], asked->value);
}

/* Every host asks all others in turn, for up to all that an answer can be, and answers meanwhile,
   until all have all they want. */
static void converse(struct qn_mailbox *p, int host, int nhosts)
{
	struct quern_message err = { .status = QUERN_OK };
	struct note n = { .nbytes = 0 };
	char *room = malloc(QN_MAILBOX_ROOM);
	bool over = false, waiting = false;
	const void *answer;
	size_t nbytes;

	for (int i = 0; !over; answer_notes(p, room)) {
		if (i < NNOTES && !waiting) {
			int other = (host + 1 + i % (nhosts - 1)) % nhosts;

			n = (struct note){ i % 3 ? QN_MAILBOX_ROOM >> (i % 21) : QN_MAILBOX_ROOM,
					   i };
			assert_int_equal(qn_mailbox_expect(p, other, &err), QUERN_OK);
			assert_int_equal(qn_mailbox_send(p, other, &n, sizeof(n), &err), QUERN_OK);
			waiting = true;
		}
		assert_int_equal(qn_mailbox_answered(p, &answer, &nbytes, &err), QUERN_OK);
		if (answer) {
			check_answer(answer, nbytes, &n);
			waiting = false;
			if (++i == NNOTES)
				qn_mailbox_arrive(p);
		}
		assert_int_equal(qn_mailbox_listen(p, &err), QUERN_OK);
		if (i == NNOTES)
			assert_int_equal(qn_mailbox_gathered(p, &over, &err), QUERN_OK);
	}
	free(room);
}

static void test_post(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_comm *c;
	struct qn_mailbox *p;

	(void)state;
	for (int m = 1; m <= 4; m++) {
		char text[8];

		snprintf(text, sizeof(text), "%d", m);
		setenv("QUERN_TEST_HOSTS", text, 1);
		c = new_comm();
		unsetenv("QUERN_TEST_HOSTS");
		assert_int_equal(qn_comm_nhosts(c),
				 qn_min_u64((uint64_t)m, (uint64_t)qn_comm_size(c)));
		assert_int_equal(qn_mailbox_new(c, &p, &err), QUERN_OK);
		assert_int_equal(p != NULL, qn_comm_nhosts(c) > 1 && qn_comm_host_rank(c) == 0);
		for (int pass = 0; p && pass < 3; pass++)
			converse(p, qn_comm_host(c), qn_comm_nhosts(c));
		assert_int_equal(qn_comm_agree(c, QUERN_OK, &err), QUERN_OK);
		qn_mailbox_free(p);
		qn_comm_free(c);
	}
}

static void test_library(void **state)
{
	char text[64];

	(void)state;
	qn_comm_library(text, sizeof(text));
	assert_true(strlen(text) > 2);
	assert_null(strchr(text, '\n'));
}

static void test_clock(void **state)
{
	double a = qn_comm_wtime(), b;

	(void)state;
	usleep(2000);
	b = qn_comm_wtime();
	assert_true(b - a >= 0.002 && b - a < 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bcast),
		cmocka_unit_test(test_gathers),
		cmocka_unit_test(test_scatterv),
		cmocka_unit_test(test_gatherv),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_reduce_least),
		cmocka_unit_test(test_reduce_tally),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_stealing_between_ranks),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_post),
	};

	world = mpi_test_begin(&argc, &argv);
	return mpi_test_end(world, cmocka_run_group_tests(tests, NULL, NULL));
}
