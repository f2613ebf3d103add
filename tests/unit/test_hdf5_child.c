/*
 * test_hdf5_child.c - what a child process says of a file is what the library says in this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/hdf5_child/child.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_library/ask.h"
#include "base/mem.h"
#include "h5make.h"

#define ROWS	 100
#define COLUMNS	 60
#define NTHREADS 4

static struct h5make m;

static int32_t value_at(uint64_t row, uint64_t column)
{
	return (int32_t)(1000 * row + column);
}

/* Two datasets and a group: /a is chunked, of a type that quern leaves to the library. */
static int make_file(void **state)
{
	const hsize_t shape[] = { ROWS, COLUMNS }, chunk[] = { 30, 20 };
	static int32_t values[ROWS][COLUMNS];
	hid_t file, space, dcpl, type, group, dset;

	(void)state;
	if (!h5make_init(&m))
		return -1;
	for (uint64_t i = 0; i < ROWS; i++)
		for (uint64_t j = 0; j < COLUMNS; j++)
			values[i][j] = value_at(i, j);
	file = h5make_create(&m, true, 512, 0);
	space = H5Screate_simple(2, shape, NULL);
	dcpl = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(dcpl, 2, chunk);
	H5Pset_deflate(dcpl, 1);
	type = H5Tcopy(H5T_STD_I32LE);
	H5Tset_precision(type, 20);
	dset = H5Dcreate2(file, "a", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	H5Dwrite(dset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
	h5make_text(dset, "units", 0, H5T_STR_NULLTERM, "K");
	H5Dclose(dset);
	group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	dset = H5Dcreate2(group, "b", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dclose(dset);
	H5Gclose(group);
	H5Tclose(type);
	H5Pclose(dcpl);
	H5Sclose(space);
	return H5Fclose(file) < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
	(void)state;
	h5make_fini(&m);
	return 0;
}

static void listings_agree(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_listing l;

	(void)state;
	assert_int_equal(qn_hdf5_child_list(m.file, &l, &err), QUERN_OK);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.path[0], "/a");
	assert_string_equal(l.path[1], "/g/b");
	qn_listing_fini(&l);
}

static void descriptions_agree(void **state)
{
	static const char *const paths[] = { "/a", "a", "/g/b" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_dataset here, there;
		size_t nhere, nthere;
		void *flat_here, *flat_there;

		assert_int_equal(qn_hdf5_describe(m.file, paths[i], NULL, true, &here, &err),
				 QUERN_OK);
		assert_int_equal(qn_hdf5_child_describe(m.file, paths[i], NULL, true, &there, &err),
				 QUERN_OK);
		assert_int_equal(here.nchunks, there.nchunks);
		if (here.nchunks > 0)
			assert_memory_equal(here.chunks, there.chunks,
					    here.nchunks * sizeof(*here.chunks));
		/* What pointers point at is not compared by their values. */
		flat_here = qn_dataset_pack(&here, &nhere);
		flat_there = qn_dataset_pack(&there, &nthere);
		assert_int_equal(nhere, nthere);
		assert_memory_equal((char *)flat_here + sizeof(here),
				    (char *)flat_there + sizeof(there), nhere - sizeof(here));
		assert_memory_equal(&here.type, &there.type,
				    offsetof(struct qn_dataset, dim_name) -
					    offsetof(struct qn_dataset, type));
		free(flat_here);
		free(flat_there);
		qn_dataset_fini(&here);
		qn_dataset_fini(&there);
	}
}

static void errors_agree(void **state)
{
	static const char *const paths[] = { "/nothing", "/g", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct quern_message here = { .status = QUERN_OK }, there = { .status = QUERN_OK };
		struct qn_dataset d;

		assert_int_equal(qn_hdf5_describe(m.file, paths[i], NULL, true, &d, &here),
				 qn_hdf5_child_describe(m.file, paths[i], NULL, true, &d, &there));
		assert_string_equal(here.text, there.text);
	}
}

/* --- readers --- */

static void *open_reader(const struct qn_dataset *d)
{
	struct quern_message err = { .status = QUERN_OK };
	void *reader = NULL;

	if (qn_hdf5_child_open(d, &reader, &err) != QUERN_OK)
		fail_msg("%s", err.text);
	return reader;
}

/* Reads boxes until one is not what was written; returns how many were right. */
static size_t count_right_boxes(void *reader, size_t nboxes)
{
	struct quern_message err = { .status = QUERN_OK };
	int32_t values[30 * 20];

	for (size_t n = 0; n < nboxes; n++) {
		struct quern_box box = { .ndim = 2, .step = { 1, 1 } };

		box.start[0] = n * 7 % 80;
		box.start[1] = n * 11 % 50;
		box.count[0] = qn_min_u64(30, ROWS - box.start[0]);
		box.count[1] = qn_min_u64(20, COLUMNS - box.start[1]);
		if (qn_hdf5_child_read(reader, &box, values, &err) != QUERN_OK)
			return n;
		for (uint64_t i = 0; i < box.count[0] * box.count[1]; i++)
			if (values[i] != value_at(box.start[0] + i / box.count[1],
						  box.start[1] + i % box.count[1]))
				return n;
	}
	return nboxes;
}

static void *read_boxes(void *ctx)
{
	const struct qn_dataset *d = ctx;
	struct quern_message err = { .status = QUERN_OK };
	void *reader;
	size_t n = 0;

	if (qn_hdf5_child_open(d, &reader, &err) == QUERN_OK) {
		n = count_right_boxes(reader, 50);
		qn_hdf5_child_close(reader);
	}
	return (void *)n;
}

static void readers_of_threads_agree(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	pthread_t thread[NTHREADS];
	struct qn_dataset d;
	void *n;

	(void)state;
	assert_int_equal(qn_hdf5_child_describe(m.file, "/a", NULL, true, &d, &err), QUERN_OK);
	assert_false(d.native);
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_boxes, &d), 0);
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(thread[i], &n);
		assert_int_equal((size_t)n, 50);
	}
	qn_dataset_fini(&d);
}

static void boxes_have_bounds(void **state)
{
	struct quern_message err = { .status = QUERN_OK }, big = { .status = QUERN_OK };
	struct quern_box outside = {
		.ndim = 2, .start = { ROWS, 0 }, .count = { 1, 1 }, .step = { 1, 1 }
	};
	struct quern_box whole = { .ndim = 2, .count = { ROWS, COLUMNS }, .step = { 1, 1 } };
	struct qn_dataset d;
	int32_t x[1];
	void *reader;

	(void)state;
	assert_int_equal(qn_hdf5_child_describe(m.file, "/a", NULL, true, &d, &err), QUERN_OK);
	reader = open_reader(&d);
	assert_int_equal(qn_hdf5_child_read(reader, &outside, x, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, m.file));
	assert_int_equal(qn_hdf5_child_read(reader, &whole, x, &big), QUERN_ERR_RUN);
	assert_int_equal(count_right_boxes(reader, 5), 5); /* it is none the worse for that */
	qn_hdf5_child_close(reader);
	qn_dataset_fini(&d);
}

/* The size of an element decides how much is written to the caller's memory. */
static void another_type_is_refused(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d;
	void *reader;

	(void)state;
	assert_int_equal(qn_hdf5_child_describe(m.file, "/a", NULL, true, &d, &err), QUERN_OK);
	d.type.size = 2;
	assert_int_equal(qn_hdf5_child_open(&d, &reader, &err), QUERN_ERR_DATA);
	assert_non_null(strstr(err.text, "another datatype"));
	qn_dataset_fini(&d);
}

/* What the library said stays, whatever is called after the failure, and nobody sees it but who asks. */
static void reasons_are_kept(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_h5_caller caller;
	hid_t plist;

	(void)state;
	qn_h5_enter(&caller);
	assert_true(H5Fopen("nowhere/none.h5", H5F_ACC_RDONLY, H5P_DEFAULT) < 0);
	plist = H5Pcreate(H5P_FILE_ACCESS);
	assert_true(plist >= 0);
	qn_h5_close(plist);
	assert_int_equal(qn_h5_fail(&err, "user.h5", NULL, "cannot be made"), QUERN_ERR_DATA);
	assert_string_equal(
		err.text,
		"user.h5: cannot be made: unable to open file: No such file or directory");
	err.status = QUERN_OK;
	assert_true(H5Dopen2(-1, "x", H5P_DEFAULT) < 0);
	assert_int_equal(qn_h5_fail_write(&err, "user.h5", "/x", "fails"), QUERN_ERR_RUN);
	assert_non_null(strstr(err.text, "user.h5: dataset /x: fails: "));
	assert_null(strstr(err.text, "No such file"));
	qn_h5_leave(&caller);
	err.status = QUERN_OK;
	qn_h5_enter(&caller);
	qn_h5_fail(&err, "user.h5", NULL, "fails");
	assert_string_equal(err.text, "user.h5: fails");
	qn_h5_leave(&caller);
}

/* A file that is locked is none of the reasons of another one. */
static void reasons_are_of_one_file(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_h5_caller caller;
	const int fd = open(m.file, O_RDONLY);
	hid_t file;

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	qn_h5_enter(&caller);
	assert_int_equal(qn_h5_open_file(m.file, &file, &err), QUERN_ERR_DENIED);
	assert_non_null(strstr(err.text, "is locked by another program"));
	err.status = QUERN_OK;
	assert_int_equal(qn_h5_fail(&err, "user.h5", NULL, "fails"), QUERN_ERR_DATA);
	assert_string_equal(err.text, "user.h5: fails");
	/* One that nobody was told of, too. */
	assert_true(H5Fopen(m.file, H5F_ACC_RDONLY, H5P_DEFAULT) < 0);
	err.status = QUERN_OK;
	assert_int_equal(qn_h5_fail(&err, "user.h5", "/x", "fails"), QUERN_ERR_DATA);
	assert_null(strstr(err.text, "is locked by"));
	qn_h5_leave(&caller);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listings_agree),    cmocka_unit_test(descriptions_agree),
		cmocka_unit_test(errors_agree),	     cmocka_unit_test(readers_of_threads_agree),
		cmocka_unit_test(boxes_have_bounds), cmocka_unit_test(another_type_is_refused),
		cmocka_unit_test(reasons_are_kept),  cmocka_unit_test(reasons_are_of_one_file),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
