/*
 * Filters one by one on any bytes, and on what the HDF5 library wrote.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

#include "base/cpu.h"
#include "feed/feed.h"
#include "feed/shuffle.h"

#define NROWS  37
#define NCOLS  251
#define NELEMS (NROWS * NCOLS)

static uint64_t seed = 88172645463325252u;

static uint8_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 32);
}

static bool decode(uint32_t id, uint32_t param, const uint8_t *in, size_t nin, uint8_t *out,
		   size_t room, size_t *n)
{
	const struct qn_filter *f = qn_filter_find(id);
	const struct qn_filter_step step = { .id = id, .nparams = 1, .params = { param } };
	void *state = f->state_new ? f->state_new() : NULL;
	bool ok = f->decode(state, &step, 4, in, nin, out, room, n);

	if (f->state_free)
		f->state_free(state);
	return ok;
}

static void test_table(void **state)
{
	(void)state;
	assert_null(qn_filter_find(0));
	assert_null(qn_filter_find(32013));
	for (const struct qn_filter *f = qn_filters; f->id; f++) {
		assert_ptr_equal(qn_filter_find(f->id), f);
		assert_true(f->name && f->library && f->decode);
	}
}

/* Any element size, any number of elements and any rest, on every level, both byte orders. */
static void test_unshuffle(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	uint8_t in[2000], out[2000];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = draw();
	for (size_t k = 0; k < 3 * 17 * 110; k++) {
		const size_t size = 1 + k % 17, count = k / 17 % 110;
		const size_t rest = draw() % size, nin = size * count + rest;

		qn_cpu_choose(level[k / (17 * 110)]);
		assert_true(decode(QN_FILTER_SHUFFLE, (uint32_t)size, in, nin, out, nin, &n));
		assert_int_equal(n, nin);
		for (size_t i = 0; i < size * count; i++)
			assert_int_equal(out[i], in[i % size * count + i / size]);
		assert_memory_equal(out + nin - rest, in + nin - rest, rest);
		if (count == 0)
			continue;
		qn_unshuffle(size, in + (size - 1) * count, -(ptrdiff_t)count, count, out);
		for (size_t i = 0; i < size * count; i++)
			assert_int_equal(out[i], in[(size - 1 - i % size) * count + i / size]);
	}
	qn_cpu_choose(NULL);
	assert_false(decode(QN_FILTER_SHUFFLE, 0, in, 8, out, 8, &n));
	assert_false(decode(QN_FILTER_SHUFFLE, 4, in, 9, out, 8, &n));
}

/* Sums modulo 65535 by the definition, in the simplest way. */
static uint32_t reference_fletcher32(const uint8_t *in, size_t n)
{
	uint32_t a = 0, b = 0;

	for (size_t i = 0; i < n; i += 2) {
		a += (uint32_t)in[i] << 8 | (i + 1 < n ? in[i + 1] : 0u);
		a = (a & 0xffff) + (a >> 16);
		b += a;
		b = (b & 0xffff) + (b >> 16);
	}
	return b << 16 | a;
}

static void put_checksum(uint8_t *p, uint32_t sum, bool reversed)
{
	const int order[2][4] = { { 0, 8, 16, 24 }, { 8, 0, 24, 16 } };

	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(sum >> order[reversed][i]);
}

static void test_fletcher32(void **state)
{
	static uint8_t in[40000], out[40000];
	size_t n;

	(void)state;
	for (size_t k = 0; k < 400; k++) {
		const size_t nbytes = k < 200 ? k : draw() * 150u + k;
		const int kind = draw() % 4;

		for (size_t i = 0; i < nbytes; i++)
			in[i] = kind == 0 ? 0 : kind == 1 ? 255 : draw();
		put_checksum(in + nbytes, reference_fletcher32(in, nbytes), k % 2);
		assert_true(decode(QN_FILTER_FLETCHER32, 0, in, nbytes + 4, out, nbytes, &n));
		assert_int_equal(n, nbytes);
		assert_memory_equal(in, out, nbytes);
		assert_true(decode(QN_FILTER_FLETCHER32, 0, in, nbytes + 4, in, nbytes, &n));
		if (nbytes == 0)
			continue;
		assert_false(decode(QN_FILTER_FLETCHER32, 0, in, nbytes + 4, out, nbytes - 1, &n));
		in[seed % nbytes] ^= 4;
		assert_false(decode(QN_FILTER_FLETCHER32, 0, in, nbytes + 4, out, nbytes, &n));
	}
	assert_false(decode(QN_FILTER_FLETCHER32, 0, in, 3, out, 100, &n));
}

static void test_deflate_garbage(void **state)
{
	uint8_t in[200], out[300];
	size_t n;

	(void)state;
	for (int k = 0; k < 1000; k++) {
		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = draw();
		in[0] = 0x78;
		in[1] = 0x01;
		assert_false(decode(QN_FILTER_DEFLATE, 0, in, draw() % 200u, out, 256, &n));
	}
}

/* --- What the library wrote --------------------------------------------------------------------------- */

static hid_t make_pipeline(const char *filters)
{
	const hsize_t chunk[2] = { 10, 61 };
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

	H5Pset_chunk(dcpl, 2, chunk);
	for (; *filters; filters++) {
		if (*filters == 's')
			H5Pset_shuffle(dcpl);
		else if (*filters == 'd')
			H5Pset_deflate(dcpl, 6);
		else
			H5Pset_fletcher32(dcpl);
	}
	return dcpl;
}

static void read_pipeline(hid_t dcpl, struct qn_dataset *d)
{
	d->nfilters = H5Pget_nfilters(dcpl);
	for (int i = 0; i < d->nfilters; i++) {
		struct qn_filter_step *s = &d->filter[i];
		size_t nparams = QN_MAX_FILTER_PARAMS;
		unsigned flags, config;

		s->id = (uint32_t)H5Pget_filter2(dcpl, (unsigned)i, &flags, &nparams, s->params,
						 sizeof(s->name), s->name, &config);
		s->nparams = (uint32_t)nparams;
	}
}

static void read_chunks(hid_t set, struct qn_dataset *d, struct qn_chunk *chunks)
{
	hid_t space = H5Dget_space(set);
	hsize_t n;

	assert_true(H5Dget_num_chunks(set, space, &n) >= 0);
	for (hsize_t i = 0; i < n; i++) {
		hsize_t offset[2], nbytes;
		haddr_t addr;
		unsigned mask;
		uint64_t number;

		assert_true(H5Dget_chunk_info(set, space, i, offset, &mask, &addr, &nbytes) >= 0);
		number = offset[0] / d->chunk[0] * 5 + offset[1] / d->chunk[1];
		chunks[number] = (struct qn_chunk){
			.number = number,
			.addr = addr,
			.nbytes = (uint32_t)nbytes,
			.filter_mask = mask,
		};
	}
	d->nchunks = n;
	d->chunks = chunks;
	H5Sclose(space);
}

/* Writes elems as a dataset of NROWS x NCOLS in 4 x 5 chunks; describes it. */
static void write_file(const char *name, hid_t type, const char *filters, const void *elems,
		       struct qn_dataset *d, struct qn_chunk *chunks)
{
	const hsize_t shape[2] = { NROWS, NCOLS };
	hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	hid_t space = H5Screate_simple(2, shape, NULL), dcpl = make_pipeline(filters), set;

	set = H5Dcreate2(file, "/v", type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	assert_true(set >= 0);
	assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elems) >= 0);
	H5Fflush(file, H5F_SCOPE_LOCAL);
	H5Pclose(dcpl);
	dcpl = H5Dget_create_plist(set);
	read_pipeline(dcpl, d);
	read_chunks(set, d, chunks);
	H5Pclose(dcpl);
	H5Sclose(space);
	H5Dclose(set);
	H5Fclose(file);
}

struct sink {
	const uint8_t *elems;
	size_t elem_nbytes;
	bool big_endian;
};

static void compare_tile(void *ctx, const struct quern_tile *tile)
{
	const struct sink *s = ctx;
	const size_t size = s->elem_nbytes;
	const uint8_t *got = tile->var->values;

	for (size_t i = 0; i < tile->nelems * size; i++) {
		const size_t k = s->big_endian ? i / size * size + size - 1 - i % size : i;

		assert_int_equal(got[i], s->elems[tile->first * size + k]);
	}
}

static void check_file(hid_t type, const char *filters)
{
	static uint8_t elems[NELEMS * 8];
	static char path[] = "/v";
	const char *dir = getenv("TMPDIR");
	char name[4096];
	struct quern_message err = { 0 };
	struct qn_chunk chunks[20] = { { 0 } };
	struct qn_dataset d = {
		.file = name, .path = path, .native = true, .layout = QN_CHUNKED, .ndim = 2,
		.shape = { NROWS, NCOLS }, .chunk = { 10, 61 },
		.type = {
			.class = QN_INT, .size = (uint32_t)H5Tget_size(type),
			.big_endian = H5Tget_order(type) == H5T_ORDER_BE,
		},
	};
	struct qn_item item = {
		.box = { .ndim = 2, .count = { NROWS, NCOLS }, .step = { 1, 1 } },
		.nchunks = 20,
		.chunks = chunks,
	};
	struct sink sink = { elems, d.type.size, d.type.big_endian };
	struct qn_view view;
	struct qn_feed *f;
	int fd;

	snprintf(name, sizeof(name), "%s/quern-test-XXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(elems); i++)
		elems[i] = draw() % 5;
	write_file(name, type, filters, elems, &d, chunks);
	assert_int_equal(qn_view_init(&d, false, &view, &err), QUERN_OK);
	assert_int_equal(qn_feed_new(&d, &view, true, fd, &f, &err), QUERN_OK);
	if (qn_feed_item(f, &item, compare_tile, &sink, &err))
		fail_msg("%s: %s", filters, err.text);
	qn_feed_free(f);
	close(fd);
	unlink(name);
}

static void test_library(void **state)
{
	static const char *const filters[] = {
		"", "s", "d", "f", "sd", "sdf", "fsd", "df", "fd", "dsf", "sfd", "ds", "sdd", "fsf",
	};
	const hid_t type[] = {
		H5T_STD_I8LE,  H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE,
		H5T_STD_I16BE, H5T_STD_I32BE, H5T_STD_I64BE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++)
		for (size_t t = 0; t < sizeof(type) / sizeof(*type); t++)
			check_file(type[t], filters[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_unshuffle),
		cmocka_unit_test(test_fletcher32), cmocka_unit_test(test_deflate_garbage),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
