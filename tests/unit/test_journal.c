/*
 * test_journal.c - records of states: what was written is found and added up again; of a file that is cut anywhere, or
 * has a wrong byte anywhere, there is an earlier record or none, and never a wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cluster/comm_mpi.h"
#include "journal/journal.h"
#include "random.h"

#define NROWS  6
#define NITEMS 200

static const struct quern_kernel kernel = { .name = "a sum and a maximum" };
static const struct qn_layout_of_state layout = {
	.nsegments = 2,
	.nwords = 3,
	.segment = { { .op = QUERN_SUM, .nwords = 2 }, { .op = QUERN_MAX, .nwords = 1 } },
};

struct fixture {
	char folder[64], *file;
	struct qn_comm *comm;
	struct qn_journal *journal;
	struct qn_rows rows;
	struct qn_cells cells;
	uint64_t done[NITEMS / 64 + 1];
};

static void new_cells(struct fixture *f, struct qn_cells *c)
{
	*c = (struct qn_cells){ .kernel = &kernel, .layout = &layout, .rows = &f->rows };
	assert_true(qn_cells_init(c, false));
	qn_cells_clear(c);
}

static void open_journal(struct fixture *f, const char *text)
{
	struct quern_message err = { 0 };

	assert_int_equal(qn_journal_open(f->comm, f->folder, qn_strdup(text), &f->journal, &err),
			 QUERN_OK);
}

static int set_up(void **state)
{
	struct fixture *f = qn_calloc(1, sizeof(*f));
	struct quern_message err = { 0 };

	strcpy(f->folder, "/tmp/test_journal.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->rows = (struct qn_rows){ .nrows = NROWS };
	assert_int_equal(qn_comm_new(MPI_COMM_NULL, &f->comm, &err), QUERN_OK);
	new_cells(f, &f->cells);
	open_journal(f, "of this\n");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	qn_journal_close(f->journal, true);
	qn_cells_fini(&f->cells);
	qn_comm_free(f->comm);
	rmdir(f->folder);
	free(f->file);
	free(f);
	return 0;
}

/* Item i adds i to row i % NROWS, and counts there. */
static void add_item(struct fixture *f, uint64_t item)
{
	int64_t *words = qn_cells_state(&f->cells, item % NROWS);

	words[0] += (int64_t)item;
	words[1]++;
	words[2] = (int64_t)item > words[2] ? (int64_t)item : words[2];
	f->done[item / 64] |= UINT64_C(1) << item % 64;
}

static void expect_items(struct fixture *f, struct qn_cells *c, const uint64_t *items)
{
	int64_t want[NROWS][3];

	for (int r = 0; r < NROWS; r++)
		want[r][0] = want[r][1] = 0, want[r][2] = INT64_MIN;
	for (uint64_t i = 0; i < NITEMS; i++)
		if (items[i / 64] >> i % 64 & 1) {
			want[i % NROWS][0] += (int64_t)i;
			want[i % NROWS][1]++;
			want[i % NROWS][2] = (int64_t)i;
		}
	(void)f;
	for (uint64_t r = 0; r < NROWS; r++)
		assert_memory_equal(qn_cells_state(c, r), want[r], sizeof(want[r]));
}

static void begin_pass(struct fixture *f, struct qn_journal_pass *p, const char *key)
{
	struct quern_message err = { 0 };
	struct qn_sum sum;

	qn_sum_of(key, strlen(key), &sum);
	assert_int_equal(qn_journal_pass_init(p, f->journal, &sum, NITEMS, &err), QUERN_OK);
}

static void keep(struct fixture *f, struct qn_journal_pass *p)
{
	struct qn_states_head head = { .nheld = 7, .nbeyond = 1 };
	struct quern_message err = { 0 };

	assert_int_equal(qn_journal_pass_write(p, &head, f->done, &f->cells, &err), QUERN_OK);
	assert_int_equal(qn_journal_pass_sync(p, &err), QUERN_OK);
	free(f->file);
	f->file = qn_strdup(p->file);
}

/* As the next run does. */
static void open_again(struct fixture *f)
{
	qn_journal_close(f->journal, false);
	qn_cells_fini(&f->cells);
	new_cells(f, &f->cells);
	memset(f->done, 0, sizeof(f->done));
	open_journal(f, "of this\n");
}

static void test_resumes(void **state)
{
	struct fixture *f = *state;
	struct quern_message err = { 0 };
	struct qn_journal_pass p;
	uint64_t done[NITEMS / 64 + 1], nheld = 0, nbeyond = 0, seed = random_seed(5);

	begin_pass(f, &p, "first");
	assert_null(p.before);
	for (int n = 0; n < 50; n++) {
		const uint64_t item = random_below(&seed, NITEMS);

		if (!(f->done[item / 64] >> item % 64 & 1))
			add_item(f, item);
		if (n % 7 == 0)
			keep(f, &p);
	}
	keep(f, &p);
	memcpy(done, f->done, sizeof(done));
	qn_journal_pass_fini(&p);
	open_again(f);

	begin_pass(f, &p, "another");
	assert_null(p.before);
	qn_journal_pass_fini(&p);
	begin_pass(f, &p, "first");
	for (uint64_t i = 0; i < NITEMS; i++)
		assert_int_equal(qn_journal_pass_has(&p, i), done[i / 64] >> i % 64 & 1);
	/* What it does itself is a record of its own. */
	for (uint64_t i = 0; i < NITEMS; i += 3)
		if (!qn_journal_pass_has(&p, i))
			add_item(f, i);
	keep(f, &p);
	assert_int_equal(qn_journal_pass_add(&p, &f->cells, &nheld, &nbeyond, &err), QUERN_OK);
	for (size_t w = 0; w <= NITEMS / 64; w++)
		done[w] |= f->done[w];
	expect_items(f, &f->cells, done);
	assert_int_equal(nheld, 7);
	assert_int_equal(nbeyond, 1);
	qn_journal_pass_fini(&p);
	open_again(f);
	begin_pass(f, &p, "first");
	assert_int_equal(p.nchosen, 2);
	assert_int_equal(qn_journal_pass_add(&p, &f->cells, &nheld, &nbeyond, &err), QUERN_OK);
	expect_items(f, &f->cells, done);
	qn_journal_pass_fini(&p);
}

/* What a file has, as found and added: 0, 1 or 2 records' worth. */
static int what_is_found(struct fixture *f, const uint64_t (*done)[NITEMS / 64 + 1])
{
	struct quern_message err = { 0 };
	struct qn_states s;
	struct qn_cells c;
	bool found;
	int which;

	assert_int_equal(qn_states_find(f->file, &f->journal->identity, &s, &found, &err),
			 QUERN_OK);
	if (!found)
		return 0;
	which = s.head.ncovered == 10 ? 1 : 2;
	new_cells(f, &c);
	assert_int_equal(qn_states_add(&s, &c, &err), QUERN_OK);
	expect_items(f, &c, done[which - 1]);
	qn_cells_fini(&c);
	qn_states_fini(&s);
	return which;
}

static void write_file(const char *file, const char *bytes, size_t n)
{
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(out);
}

static void test_damage(void **state)
{
	struct fixture *f = *state;
	uint64_t done[2][NITEMS / 64 + 1];
	struct qn_journal_pass p;
	size_t first, nbytes;
	char bytes[4096];
	FILE *in;

	begin_pass(f, &p, "first");
	for (uint64_t i = 0; i < 20; i += 2)
		add_item(f, i);
	keep(f, &p);
	first = (size_t)p.nbytes;
	memcpy(done[0], f->done, sizeof(done[0]));
	for (uint64_t i = 100; i < 150; i++)
		add_item(f, i);
	keep(f, &p);
	memcpy(done[1], f->done, sizeof(done[1]));
	qn_journal_pass_fini(&p);

	in = fopen(f->file, "rb");
	assert_non_null(in);
	nbytes = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_true(nbytes > first && nbytes < sizeof(bytes));
	assert_int_equal(what_is_found(f, done), 2);
	for (size_t n = 0; n < nbytes; n++) {
		write_file(f->file, bytes, n);
		assert_int_equal(what_is_found(f, done), n < first ? 0 : 1);
	}
	for (size_t at = 0; at < nbytes; at++)
		for (int bit = 0; bit < 8; bit += 3) {
			bytes[at] ^= (char)(1 << bit);
			write_file(f->file, bytes, nbytes);
			bytes[at] ^= (char)(1 << bit);
			assert_int_equal(what_is_found(f, done), at < first ? 0 : 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_resumes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
	};
	struct quern_message err = { 0 };

	if (qn_sum_check(&err))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
