/*
 * unpack.c - fuzz target: what a process is told of a dataset: the flat form of a description, and
 * the answers of the child that reads metadata.
 */
#include <limits.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Its parsers of answers are nobody else's. */
#include "io/hdf5_child/child.c"

#include "fuzz.h"
#include "seed.h"

/* What is unpacked can be packed and is the same then. */
static void unpack(const uint8_t *data, size_t n)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d, again;
	size_t nbytes;
	void *flat;

	if (qn_dataset_unpack(data, n, &d, &err)) {
		FUZZ_CHECK(err.status != QUERN_OK);
		return;
	}
	flat = qn_dataset_pack(&d, &nbytes);
	FUZZ_CHECK(flat && nbytes == n);
	FUZZ_CHECK(qn_dataset_unpack(flat, nbytes, &again, &err) == QUERN_OK);
	FUZZ_CHECK(again.ndim == d.ndim && !strcmp(again.path, d.path));
	qn_dataset_fini(&again);
	qn_dataset_fini(&d);
	free(flat);
}

enum answer { FLAT, DESCRIPTION, LISTING, SOURCES, NANSWERS };

/* Where the elements of a dataset of SEED_SOURCES_DIMS dimensions are. */
static void hear_of_sources(struct qn_child *c)
{
	struct qn_dataset d = { .ndim = SEED_SOURCES_DIMS };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_sources s;
	struct question q = { .dataset = &d, .out = &s };

	for (int i = 0; i < d.ndim; i++)
		d.shape[i] = SEED_SOURCES_EXTENT;
	if (hear_sources(c, &q, &err) == QUERN_OK) {
		FUZZ_CHECK(s.n <= QN_MOST_SOURCES);
		qn_sources_fini(&s);
	}
}

static void hear(struct qn_child *c, enum answer what, bool relative)
{
	struct qn_h5_end end = { .is = QN_NOTHING };
	struct question q = { .file = SEED_FILE,
			      .path = &SEED_PATH[relative],
			      .with_index = true,
			      .st = { .st_size = SEED_FILE_NBYTES },
			      .end = &end };
	struct quern_message err = { .status = QUERN_OK };
	struct qn_listing l = { .n = 0 };
	struct qn_dataset d;

	q.out = what == LISTING ? (void *)&l : &d;
	if (what == SOURCES)
		hear_of_sources(c);
	if (what == LISTING && hear_listing(c, &q, &err) == QUERN_OK) {
		for (size_t i = 0; i < l.n; i++)
			FUZZ_CHECK(l.path[i][0] == '/');
		qn_listing_fini(&l);
	}
	if (what == DESCRIPTION && hear_description(c, &q, &err) == QUERN_OK &&
	    end.is == QN_DATASET) {
		qn_dataset_check(&d, &err);
		qn_dataset_fini(&d);
	}
	qn_h5_end_fini(&end);
}

/* A child that has said this, and died. */
static void answer(const uint8_t *data, size_t n, enum answer what, bool relative)
{
	struct qn_child c = { .process = { INT_MAX, -1 }, .limits = { .wall_seconds = 5 } };
	struct timespec t;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	c.deadline_ns = ((int64_t)t.tv_sec + 5) * 1000000000;
	c.fd = fd[0];
	c.subject = (char[]){ "f: its metadata" };
	if (send(fd[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n) {
		close(fd[1]);
		hear(&c, what, relative);
	} else {
		close(fd[1]);
	}
	close(fd[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_input in = { data, n };
	unsigned what = (unsigned)fuzz_take(&in, 1);

	if (n > 1 << 16)
		return 0;
	if (what % NANSWERS == FLAT)
		unpack(in.at, in.n);
	else
		answer(in.at, in.n, (enum answer)(what % NANSWERS), what / NANSWERS % 2);
	return 0;
}

FUZZ_MAIN
