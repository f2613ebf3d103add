/*
 * test_failover.c - items that hosts have refused: who does them then, how often, and what is said when
 * nobody can. On ranks that take each other for hosts; the workers are the test's own, and refuse
 * what it tells them to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/comm_mpi.h"
#include "run/failover.h"
#include "run/run.h"
#include "tests/testing/plan.h"
#include "mpi_test.h"

#define NITEMS	   12
#define NMEMBERS   3
#define MOST_HOSTS 4

/* Members: what all hosts have, what the first two have, what the first has. */
enum { EVERYWHERE, PAIR, ALONE };

static MPI_Comm world;
static int nranks = 1;

struct team {
	struct qn_team team;
	struct qn_subject subject;
	struct qn_where where;
	struct qn_member member[NMEMBERS];
	struct qn_run run;
	int host;
	int done[NITEMS];	  /* by this rank */
	unsigned refuses[NITEMS]; /* bit h: host h refuses it */
	int fails_at;		  /* the item at which redoing fails otherwise, or -1 */
	uint32_t member_of[NITEMS];
};

static struct team *current; /* for what stands in for the workers */

/* --- what stands in for workers --- */

static struct qn_task task_of(uint64_t item)
{
	return (struct qn_task){ .item = item,
				 .nchunks = 1,
				 .one = { .number = 100 + item, .nbytes = 1 } };
}

static void refuse(struct team *t, uint64_t item)
{
	struct quern_message why = { .status = QUERN_ERR_DATA };
	const struct qn_task task = task_of(item);

	snprintf(why.text, sizeof(why.text), "item %d is damaged on host %d", (int)item, t->host);
	assert_true(qn_refusals_add(&t->run.refused, &t->team, &task, t->member_of[item], &why));
}

enum quern_status qn_workers_redo(struct qn_run *run, const struct qn_task *task, size_t n,
				  struct quern_message *err)
{
	struct team *t = current;

	assert_ptr_equal(run, &t->run);
	for (size_t i = 0; i < n; i++) {
		const uint64_t item = task[i].item;

		assert_true(item < NITEMS);
		assert_int_equal(task[i].nchunks, 1);
		assert_int_equal(qn_task_chunks(&task[i])->number, 100 + item);
		if ((int)item == t->fails_at)
			return qn_error_set(err, QUERN_ERR_RUN, "item %d cannot be done",
					    (int)item);
		if (t->refuses[item] >> t->host & 1)
			refuse(t, item);
		else
			t->done[item]++;
	}
	return QUERN_OK;
}

/* --- a team --- */

static void make_access(struct team *t, int nhosts)
{
	static const int most[NMEMBERS] = { [EVERYWHERE] = MOST_HOSTS, [PAIR] = 2, [ALONE] = 1 };
	struct qn_access *a = &t->where.access;
	uint64_t n = 0;

	a->homes.nsets = NMEMBERS;
	a->homes.first = calloc(NMEMBERS + 1, sizeof(*a->homes.first));
	a->homes.home = calloc((size_t)NMEMBERS * MOST_HOSTS, sizeof(*a->homes.home));
	a->homes.shared = calloc(NMEMBERS, 1);
	a->set = calloc(NMEMBERS, sizeof(*a->set));
	for (uint32_t m = 0; m < NMEMBERS; m++) {
		a->set[m] = m;
		for (int h = 0; h < most[m] && h < nhosts; h++)
			a->homes.home[n++] = (struct qn_home){ (uint32_t)h, 0, QN_HOME_DISK };
		a->homes.first[m + 1] = n;
		t->member[m].nhomes = (uint32_t)most[m];
	}
}

static void make_places(struct team *t, int nhosts)
{
	t->team.places = calloc((size_t)nranks, sizeof(*t->team.places));
	for (int r = 0; r < nranks; r++)
		t->team.places[r].host = (uint32_t)((int64_t)r * nhosts / nranks);
}

static void begin(struct team *t, int nhosts)
{
	struct quern_message err = { .status = QUERN_OK };
	char text[16];

	*t = (struct team){ .fails_at = -1 };
	snprintf(text, sizeof(text), "%d", nhosts);
	setenv("QUERN_TEST_HOSTS", text, 1);
	assert_int_equal(qn_comm_new(world, &t->team.comm, &err), QUERN_OK);
	unsetenv("QUERN_TEST_HOSTS");
	t->host = qn_comm_host(t->team.comm);
	t->team.place.host = (uint32_t)t->host;
	if (!qn_comm_rank(t->team.comm))
		make_places(t, nhosts);
	make_access(t, nhosts);
	t->subject.mosaic =
		(struct qn_mosaic){ .nmembers = NMEMBERS, .member = t->member, .nledgers = 1 };
	t->run.team = &t->team;
	t->run.subject = &t->subject;
	t->run.where = &t->where;
	current = t;
}

static void end(struct team *t)
{
	qn_refusals_fini(&t->run.refused);
	qn_homes_fini(&t->where.access.homes);
	free(t->where.access.set);
	free(t->team.places);
	qn_comm_free(t->team.comm);
}

/* A pass, in which the first rank of the first host has refused items. */
static void refuse_first(struct team *t, int nitems)
{
	for (int i = 0; i < nitems && !qn_comm_rank(t->team.comm); i++)
		refuse(t, (uint64_t)i);
}

static enum quern_status rounds(struct team *t, int nitems, struct quern_message *err)
{
	*err = (struct quern_message){ .status = QUERN_OK };
	refuse_first(t, nitems);
	return qn_failover(&t->run, err);
}

static void add_up(struct team *t, int sum[NITEMS])
{
	memcpy(sum, t->done, sizeof(t->done));
	if (world != MPI_COMM_NULL)
		PMPI_Allreduce(t->done, sum, NITEMS, MPI_INT, MPI_SUM, world);
}

static int total(const int *done)
{
	int n = 0;

	for (int i = 0; i < NITEMS; i++)
		n += done[i];
	return n;
}

/* --- tests --- */

static void test_nothing(void **state)
{
	struct quern_message err;
	struct team t;

	(void)state;
	begin(&t, nranks);
	assert_int_equal(rounds(&t, 0, &err), QUERN_OK);
	assert_int_equal(total(t.done), 0);
	assert_int_equal(t.run.report.nfailed_over, 0);
	end(&t);
}

/* Each is done once, on another host, by ranks that are loaded alike; the first reason is kept. */
static void test_once_elsewhere(void **state)
{
	(void)state;
	for (int nhosts = 2; nhosts <= nranks; nhosts++) {
		struct quern_message err;
		int sum[NITEMS], nothers;
		struct team t;

		begin(&t, nhosts);
		assert_int_equal(rounds(&t, NITEMS, &err), QUERN_OK);
		add_up(&t, sum);
		for (int i = 0; i < NITEMS; i++)
			assert_int_equal(sum[i], 1);
		nothers = nranks - qn_comm_host_size(t.team.comm);
		if (t.host == 0) {
			assert_int_equal(total(t.done), 0);
		} else if (nhosts == nranks) {
			assert_true(total(t.done) >= NITEMS / (nranks - 1));
			assert_true(total(t.done) <= NITEMS / (nranks - 1) + 1);
		}
		assert_true(nothers > 0);
		if (!qn_comm_rank(t.team.comm)) {
			assert_int_equal(t.run.report.nfailed_over, NITEMS);
			assert_string_equal(t.run.report.failure, "item 0 is damaged on host 0");
		}
		assert_int_equal(t.run.refused.n, 0);
		end(&t);
	}
}

/* Who has refused an item is not asked again, nor one that has no copy. */
static void test_rounds(void **state)
{
	struct quern_message err;
	int sum[NITEMS];
	struct team t;

	(void)state;
	if (nranks < 3)
		return;
	begin(&t, nranks);
	for (int i = 0; i < NITEMS; i++) {
		t.refuses[i] = i % 3 == 0 ? 0 : ~(1u << (nranks - 1)); /* all but the last host */
		t.member_of[i] = i % 3 == 0 ? PAIR : EVERYWHERE;
	}
	assert_int_equal(rounds(&t, NITEMS, &err), QUERN_OK);
	add_up(&t, sum);
	for (int i = 0; i < NITEMS; i++) {
		assert_int_equal(sum[i], 1);
		assert_int_equal(t.done[i], i % 3 ? t.host == nranks - 1 : t.host == 1);
	}
	end(&t);
}

/* What nobody can do ends the run, with the reason of who was the last to try, on all ranks. */
static void test_lost(void **state)
{
	struct quern_message err;
	struct team t;

	(void)state;
	begin(&t, nranks);
	if (nranks > 1) {
		t.refuses[5] = ~0u;
		assert_int_equal(rounds(&t, NITEMS, &err), QUERN_ERR_DATA);
		assert_int_equal(strncmp(err.text, "item 5 is damaged on host ", 26), 0);
		assert_non_null(strstr(err.text, "; no other copy can be read either"));
		assert_null(strstr(err.text, "host 0"));
	}
	end(&t);
}

/* Unless bad chunks are to be skipped: then it is counted, and where it was is kept. */
static void test_skipped(void **state)
{
	struct quern_message err;
	int sum[NITEMS];
	struct team t;

	(void)state;
	begin(&t, nranks);
	if (nranks > 1) {
		t.run.settings.skips = true;
		t.member_of[7] = ALONE;
		t.refuses[5] = ~0u;
		assert_int_equal(rounds(&t, NITEMS, &err), QUERN_OK);
		add_up(&t, sum);
		for (int i = 0; i < NITEMS; i++)
			assert_int_equal(sum[i], i != 5 && i != 7);
		if (!qn_comm_rank(t.team.comm)) {
			assert_int_equal(t.run.report.nskipped, 2);
			assert_int_equal(t.run.report.skips.n, 2);
		}
	}
	end(&t);
}

/* A failure of another kind, while it is done again, is that of all ranks. */
static void test_failure(void **state)
{
	struct quern_message err;
	struct team t;

	(void)state;
	begin(&t, nranks);
	if (nranks > 1) {
		t.fails_at = 3;
		assert_int_equal(rounds(&t, NITEMS, &err), QUERN_ERR_RUN);
		assert_string_equal(err.text, "item 3 cannot be done");
	}
	end(&t);
}

/* Whether it failed. */
static bool try(enum test_kind kind, int nth)
{
	struct quern_message err = { .status = QUERN_OK };
	char mine[256], first[256];
	enum quern_status st;
	struct team t;

	begin(&t, nranks);
	refuse_first(&t, NITEMS);
	if (qn_comm_rank(t.team.comm) == nth % nranks)
		test_fail_at(kind, nth);
	st = qn_failover(&t.run, &err);
	test_fail_at(kind, 0);
	snprintf(mine, sizeof(mine), "%d %.200s", (int)st, st ? err.text : "");
	memcpy(first, mine, sizeof(first));
	PMPI_Bcast(first, sizeof(first), MPI_CHAR, 0, world);
	assert_string_equal(mine, first);
	end(&t);
	return st != QUERN_OK;
}

/* A call of MPI, or an allocation, that fails on one rank: one status and one message, and no rank waits. */
static void test_faults(void **state)
{
	int nfailed = 0;

	(void)state;
	if (nranks == 1)
		return;
	for (int nth = 1; nth <= 40; nth += 1 + nth / 6) {
		nfailed += try(TEST_MPI, nth);
		nfailed += try(TEST_MEMORY, nth);
	}
	assert_true(nfailed > 5);
}

/* Copies that a catalog lists, and that no host has. */
static void test_missing_copies(void **state)
{
	struct team t;

	(void)state;
	begin(&t, nranks);
	if (!qn_comm_rank(t.team.comm)) {
		qn_failover_count_missing(&t.run);
		assert_int_equal(t.run.ncopies_missing, MOST_HOSTS - nranks + (nranks == 1));
	}
	end(&t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_once_elsewhere),
		cmocka_unit_test(test_rounds),	cmocka_unit_test(test_lost),
		cmocka_unit_test(test_skipped), cmocka_unit_test(test_failure),
		cmocka_unit_test(test_faults),	cmocka_unit_test(test_missing_copies),
	};

	world = mpi_test_begin(&argc, &argv);
	if (world != MPI_COMM_NULL)
		MPI_Comm_size(world, &nranks);
	return mpi_test_end(world, cmocka_run_group_tests(tests, NULL, NULL));
}
