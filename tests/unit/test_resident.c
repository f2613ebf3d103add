/*
 * test_resident.c - what of a file is in the page cache: counted, sampled, and files that are not
 * what they were described as.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "locate/resident.h"

#define FILE_NBYTES (4u << 20)

/* A file in memory, whose first `n` bytes are there; the rest is a hole, which no page holds. */
static int make_file(size_t n)
{
	int fd = memfd_create("resident", 0);
	char *bytes = calloc(1, n + 1);

	assert_true(fd >= 0);
	assert_non_null(bytes);
	memset(bytes, 1, n);
	assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
	assert_int_equal(ftruncate(fd, FILE_NBYTES), 0);
	free(bytes);
	return fd;
}

/* Chunks of nbytes side by side over the whole file. */
static struct qn_dataset describe(uint64_t nbytes)
{
	struct qn_dataset d = { .nchunks = FILE_NBYTES / nbytes };

	d.chunks = calloc(d.nchunks, sizeof(*d.chunks));
	assert_non_null(d.chunks);
	for (uint64_t i = 0; i < d.nchunks; i++)
		d.chunks[i] = (struct qn_chunk){ i, i * nbytes, (uint32_t)nbytes, 0 };
	return d;
}

static void test_counted(void **state)
{
	static const uint64_t sizes[] = { 1000, 4096, 5000, 65536, 100000, FILE_NBYTES };
	int fd = make_file(FILE_NBYTES / 2);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct qn_dataset d = describe(sizes[i]);
		struct qn_resident r;

		qn_resident_look(&d, fd, &r);
		assert_true(r.known);
		assert_false(r.sampled);
		assert_int_equal(r.ntotal, d.nchunks * sizes[i]);
		assert_int_equal(r.nbytes, FILE_NBYTES / 2);
		free(d.chunks);
	}
	close(fd);
}

/* Very many chunks, half of them there. */
static void test_sampled(void **state)
{
	struct qn_dataset d = describe(100);
	int fd = make_file(FILE_NBYTES / 2);
	struct qn_resident r;

	(void)state;
	qn_resident_look(&d, fd, &r);
	assert_true(r.known && r.sampled);
	assert_int_equal(r.ntotal, d.nchunks * 100);
	assert_in_range(r.nbytes, FILE_NBYTES * 0.49, FILE_NBYTES * 0.51);
	free(d.chunks);
	close(fd);
}

static void test_unknown(void **state)
{
	struct qn_dataset none = { .nchunks = 0 }, d = describe(65536);
	int fd = make_file(FILE_NBYTES), empty = memfd_create("empty", 0), pipes[2];
	struct qn_resident r;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	qn_resident_look(&none, fd, &r);
	assert_false(r.known);
	qn_resident_look(&d, empty, &r);
	assert_false(r.known);
	qn_resident_look(&d, pipes[0], &r);
	assert_false(r.known);
	qn_resident_look(&d, -1, &r);
	assert_false(r.known);
	/* Addresses beyond the file, which has been cut. */
	d.chunks[3].addr = UINT64_MAX - 10;
	assert_int_equal(ftruncate(fd, 65536 + 100), 0);
	qn_resident_look(&d, fd, &r);
	assert_true(r.known);
	assert_int_equal(r.nbytes, 65536);
	free(d.chunks);
	close(fd);
	close(empty);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
