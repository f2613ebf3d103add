/*
 * test_move.c - copies of shards from rank to rank: what fails on one side ends both. On several ranks
 * only; each has a directory of its own, as hosts have.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster/comm_mpi.h"
#include "data/sum.h"
#include "stage/stage_impl.h"
#include "mpi_test.h"

#define NBYTES ((9u << 20) + 5) /* more than one piece, and not whole ones */

static MPI_Comm world;

struct trial {
	const char *name, *message; /* part of it; NULL: it goes well */
	bool is_missing, is_short, is_other, has_no_folder;
};

static const struct trial trials[] = {
	{ .name = "whole" },
	{ .name = "missing",
	  .is_missing = true,
	  .message = "which is to send it to another, cannot "
		     "read it: No such file or directory" },
	{ .name = "short", .is_short = true, .message = "cannot read it: it ends too early" },
	{ .name = "other",
	  .is_other = true,
	  .message = "what another host has sent for it is "
		     "damaged" },
	{ .name = "nowhere",
	  .has_no_folder = true,
	  .message = "cannot be written: No such file or directory" },
	{ .name = "neither", .is_missing = true, .has_no_folder = true, .message = "neither." },
};

static void write_file(const char *file, const uint8_t *bytes, size_t nbytes)
{
	const int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nbytes), nbytes);
	close(fd);
}

static void sum_of(const uint8_t *bytes, size_t nbytes, struct qn_sum *out)
{
	struct qn_summer *s = qn_summer_new();

	qn_summer_reset(s);
	qn_summer_add(s, bytes, nbytes);
	qn_summer_get(s, out);
	qn_summer_free(s);
}

static bool has_bytes(const char *file, const uint8_t *bytes, size_t nbytes)
{
	uint8_t *is = malloc(nbytes);
	const int fd = open(file, O_RDONLY);
	const bool same = fd >= 0 && read(fd, is, nbytes) == (ssize_t)nbytes &&
			  !memcmp(is, bytes, nbytes);

	if (fd >= 0)
		close(fd);
	free(is);
	return same;
}

/* From rank 0 to the last, after a copy that goes well, and with one that does behind it. */
static void move(struct qn_comm *comm, const struct trial *t, uint8_t *bytes)
{
	const int rank = qn_comm_rank(comm), last = qn_comm_size(comm) - 1;
	struct qn_shard shard[2] = { { .nbytes = NBYTES }, { .nbytes = 100 } };
	struct qn_catalog c = { .nshards = 2, .shard = shard };
	struct qn_stager s = { .comm = comm };
	const struct qn_transfer moves[] = { { 1, 0, last }, { 0, 0, last }, { 1, last, 0 } };
	struct quern_message err = { .status = QUERN_OK };
	char *folder, *file[2];
	enum quern_status st;

	assert_true(asprintf(&c.file, "%s.%d", t->name, rank) > 0);
	folder = qn_catalog_folder(c.file);
	shard[1].dataset = 1;
	file[0] = qn_catalog_file_of(&c, 0);
	file[1] = qn_catalog_file_of(&c, 1);
	sum_of(bytes, NBYTES, &shard[0].sum);
	sum_of(bytes, 100, &shard[1].sum);
	if (!t->has_no_folder || rank == 0)
		assert_int_equal(mkdir(folder, 0777), 0);
	if (rank == 0 && !t->is_missing) {
		bytes[NBYTES - 1] ^= t->is_other;
		write_file(file[0], bytes, t->is_short ? NBYTES - 7 : NBYTES);
		bytes[NBYTES - 1] ^= t->is_other;
	}
	if (rank == 0)
		write_file(file[1], bytes, 100);
	st = qn_stage_move(&s, &c, moves, 3, &err);
	assert_int_equal(!st, !t->message);
	if (t->message && !strstr(err.text, t->message))
		fail_msg("%s: %s", t->name, err.text);
	if (rank == last)
		assert_int_equal(has_bytes(file[0], bytes, NBYTES), !t->message);
	if (rank == last && !t->has_no_folder)
		assert_true(has_bytes(file[1], bytes, 100));
	unlink(file[0]);
	unlink(file[1]);
	rmdir(folder);
	assert_int_not_equal(access(folder, F_OK), 0); /* nothing else was left in it */
	free(file[0]);
	free(file[1]);
	free(folder);
	free(c.file);
}

static void test_one_side_fails(void **state)
{
	uint8_t *bytes = malloc(NBYTES);
	struct quern_message err = { .status = QUERN_OK };
	struct qn_comm *comm;

	(void)state;
	assert_int_equal(qn_comm_new(world, &comm, &err), QUERN_OK);
	if (qn_comm_size(comm) < 2 || qn_sum_check(NULL)) {
		puts("it takes several ranks, and libxxhash");
		qn_comm_free(comm);
		free(bytes);
		skip();
	}
	for (size_t i = 0; i < NBYTES; i++)
		bytes[i] = (uint8_t)(i * 37 + (i >> 8));
	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++)
		move(comm, &trials[i], bytes);
	qn_comm_free(comm);
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_one_side_fails) };

	world = mpi_test_begin(&argc, &argv);
	return mpi_test_end(world, cmocka_run_group_tests(tests, NULL, NULL));
}
