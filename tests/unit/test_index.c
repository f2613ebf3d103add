/*
 * test_index.c - the walk of a chunk index gives what the HDF5 library says, chunk by chunk: every
 * kind of index, old and new format, filtered and not, sparse, with a user block; damaged indexes
 * end in an error; and all datasets of the corpus, where it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_format/index.h"
#include "h5make.h"
#include "random.h"

#define U H5S_UNLIMITED

/* How chunks come into the file: every one, every seventh, or all when the dataset is created. */
enum filling { ALL, SPARSE, EARLY, BY_DATA };

struct index_case {
	const char *index; /* expected */
	int ndim;
	hsize_t shape[8], most[8], chunk[8];
	enum filling filling;
	bool latest, filtered;
	hsize_t user_block;
	unsigned istore_k;
	hsize_t from; /* first chunk number that is written */
	bool raw_edges;
	bool library_errs; /* in the coordinates of chunks: see index.h */
};

/* Chunks are of bytes. */
static const struct index_case cases[] = {
	{ "v1 B-tree", 1, { 1000 }, { 1000 }, { 8 }, ALL, .latest = false },
	{ "v1 B-tree", 1, { 1003 }, { U }, { 8 }, ALL, .filtered = true },
	{ "v1 B-tree", 2, { 100, 90 }, { U, U }, { 3, 7 }, ALL, .istore_k = 2, .filtered = true },
	{ "v1 B-tree", 2, { 100, 90 }, { 100, 90 }, { 3, 7 }, SPARSE, .user_block = 512 },
	{ "v1 B-tree", 3, { 9, 20, 30 }, { U, 20, 30 }, { 2, 3, 7 }, EARLY, .istore_k = 1 },
	{ "v1 B-tree", 2, { 40, 45 }, { 40, 45 }, { 8, 8 }, BY_DATA, .filtered = true },
	{ "v1 B-tree",
	  8,
	  { 3, 3, 3, 3, 3, 3, 3, 3 },
	  { 3, 3, 3, 3, 3, 3, 3, 3 },
	  { 2, 2, 2, 1, 2, 3, 2, 3 },
	  ALL,
	  .user_block = 1024 },
	{ "single chunk", 2, { 10, 12 }, { 10, 12 }, { 10, 12 }, ALL, .latest = true },
	{ "single chunk",
	  2,
	  { 10, 12 },
	  { 10, 12 },
	  { 10, 12 },
	  ALL,
	  .latest = true,
	  .filtered = true,
	  .user_block = 2048 },
	{ "implicit", 2, { 100, 90 }, { 100, 90 }, { 3, 7 }, EARLY, .latest = true },
	{ "implicit",
	  2,
	  { 50, 90 },
	  { 100, 120 },
	  { 3, 7 },
	  EARLY,
	  .latest = true,
	  .user_block = 512 },
	{ "fixed array", 2, { 100, 90 }, { 100, 90 }, { 7, 7 }, ALL, .latest = true },
	{ "fixed array",
	  2,
	  { 50, 90 },
	  { 100, 120 },
	  { 3, 7 },
	  SPARSE,
	  .latest = true,
	  .filtered = true },
	{ "fixed array",
	  2,
	  { 300, 90 },
	  { 300, 90 },
	  { 3, 7 },
	  ALL,
	  .latest = true,
	  .user_block = 512 },
	{ "fixed array",
	  1,
	  { 90000 },
	  { 90000 },
	  { 8 },
	  SPARSE,
	  .latest = true,
	  .filtered = true,
	  .from = 6000 },
	{ "fixed array",
	  2,
	  { 40, 45 },
	  { 40, 45 },
	  { 8, 8 },
	  BY_DATA,
	  .latest = true,
	  .filtered = true,
	  .raw_edges = true },
	{ "extensible array", 1, { 1003 }, { U }, { 8 }, ALL, .latest = true },
	{ "extensible array",
	  2,
	  { 100, 90 },
	  { U, 90 },
	  { 3, 7 },
	  ALL,
	  .latest = true,
	  .filtered = true,
	  .user_block = 512 },
	{ "extensible array",
	  3,
	  { 20, 30, 11 },
	  { 25, 33, U },
	  { 3, 7, 2 },
	  SPARSE,
	  .latest = true,
	  .library_errs = true },
	{ "extensible array", 2, { 3, 8 }, { U, 8 }, { 3, 8 }, ALL, .latest = true },
	{ "extensible array",
	  1,
	  { 1800000 },
	  { U },
	  { 8 },
	  SPARSE,
	  .latest = true,
	  .from = 221000 },
	{ "extensible array",
	  1,
	  { 1800000 },
	  { U },
	  { 8 },
	  SPARSE,
	  .latest = true,
	  .filtered = true,
	  .from = 223500 },
	{ "v2 B-tree", 2, { 100, 90 }, { U, U }, { 3, 7 }, ALL, .latest = true },
	{ "v2 B-tree",
	  2,
	  { 100, 90 },
	  { U, U },
	  { 3, 7 },
	  ALL,
	  .latest = true,
	  .filtered = true,
	  .user_block = 512 },
	{ "v2 B-tree", 2, { 10, 9 }, { U, U }, { 3, 7 }, ALL, .latest = true },
	{ "v2 B-tree",
	  8,
	  { 3, 3, 3, 3, 3, 3, 3, 3 },
	  { U, U, 3, 3, 3, 3, 3, 3 },
	  { 2, 2, 1, 1, 2, 1, 2, 1 },
	  ALL,
	  .latest = true,
	  .filtered = true },
	{ "v2 B-tree",
	  2,
	  { 40, 45 },
	  { U, U },
	  { 8, 8 },
	  BY_DATA,
	  .latest = true,
	  .filtered = true,
	  .raw_edges = true },
};

static hsize_t grid_of(const struct index_case *c, hsize_t *grid)
{
	hsize_t n = 1;

	for (int i = 0; i < c->ndim; i++) {
		grid[i] = (c->shape[i] + c->chunk[i] - 1) / c->chunk[i];
		n *= grid[i];
	}
	return n;
}

static hid_t make_dcpl(const struct index_case *c)
{
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

	H5Pset_chunk(dcpl, c->ndim, c->chunk);
	if (c->filtered)
		H5Pset_deflate(dcpl, 1);
	if (c->raw_edges)
		H5Pset_chunk_opts(dcpl, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
	H5Pset_alloc_time(dcpl, c->filling == EARLY ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR);
	return dcpl;
}

static void write_data(const struct index_case *c, hid_t dset)
{
	hsize_t n = 1;
	char *v;

	for (int i = 0; i < c->ndim; i++)
		n *= c->shape[i];
	v = calloc(n, 1);
	assert_non_null(v);
	assert_true(H5Dwrite(dset, H5T_NATIVE_SCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0);
	free(v);
}

/* Stored bytes of different sizes and filter masks, which need not make sense to a filter. */
static void write_chunks(const struct index_case *c, hid_t dset)
{
	hsize_t grid[8], ngrid = grid_of(c, grid), raw = 1;
	hsize_t step = c->filling == ALL ? 1 : 7;
	unsigned char bytes[512];

	for (int i = 0; i < c->ndim; i++)
		raw *= c->chunk[i];
	for (hsize_t n = c->from; n < ngrid; n += step) {
		hsize_t at[8], rest = n;
		size_t nbytes = c->filtered ? 1 + (size_t)(n % 60) : (size_t)raw;

		for (int i = c->ndim - 1; i >= 0; i--) {
			at[i] = rest % grid[i] * c->chunk[i];
			rest /= grid[i];
		}
		memset(bytes, (int)(n % 251), sizeof(bytes));
		/* A chunk without its filter has the size of its elements. */
		if (c->filtered && n % 3 == 0)
			nbytes = (size_t)raw;
		assert_true(H5Dwrite_chunk(dset, H5P_DEFAULT, c->filtered && n % 3 == 0, at, nbytes,
					   bytes) >= 0);
	}
}

static void make_file(const struct index_case *c, const struct h5make *m)
{
	hid_t file = h5make_create(m, c->latest, c->user_block, c->istore_k);
	hid_t dcpl = make_dcpl(c), space = H5Screate_simple(c->ndim, c->shape, c->most);
	hid_t dset = H5Dcreate2(file, "x", H5T_STD_I8LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);

	assert_true(dset >= 0);
	if (c->filling == BY_DATA)
		write_data(c, dset);
	else if (c->filling != EARLY)
		write_chunks(c, dset);
	H5Dclose(dset);
	H5Sclose(space);
	H5Pclose(dcpl);
	H5Fclose(file);
}

/* Does the library's answer leave the user block out? */
static uint64_t left_out(const struct qn_dataset *d)
{
	return H5_VERSION_GE(1, 14, 4) ? 0 : d->user_block;
}

/* The library says the same of a chunk, and has it at all. False with a word on stderr if not. */
static bool library_agrees(hid_t dset, const struct qn_dataset *d, const struct qn_chunk *k,
			   bool raw_edges)
{
	hsize_t at[QUERN_MAX_DIMS], nbytes = 0;
	uint64_t grid[QUERN_MAX_DIMS], rest = k->number;
	haddr_t addr = HADDR_UNDEF;
	unsigned mask = 0, all = (1u << d->nfilters) - 1;
	bool edge = false;

	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		at[i] = rest % grid[i] * d->chunk[i];
		edge = edge || at[i] + d->chunk[i] > d->shape[i];
		rest /= grid[i];
	}
	if (H5Dget_chunk_info_by_coord(dset, at, &mask, &addr, &nbytes) < 0)
		return false;
	if (raw_edges && edge)
		mask |= all;
	if (addr + left_out(d) == k->addr && nbytes == k->nbytes && mask == k->filter_mask)
		return true;
	fprintf(stderr, "chunk %llu: %llu %u %u, but %llu %llu %u by the library\n",
		(unsigned long long)k->number, (unsigned long long)k->addr, k->nbytes,
		k->filter_mask, (unsigned long long)addr, (unsigned long long)nbytes, mask);
	return false;
}

/* Compares the number of chunks, and each of them where they are few, a sample where many. */
static bool compare(hid_t dset, const struct qn_dataset *d, bool raw_edges)
{
	hsize_t n = 0;
	uint64_t grid[QUERN_MAX_DIMS];
	/* The library goes through the whole index for each chunk. */
	uint64_t step = 1 + d->nchunks * qn_dataset_grid(d, grid) / 3000000;

#if H5_VERSION_GE(1, 14, 0)
	if (H5Dget_num_chunks(dset, H5S_ALL, &n) < 0)
		return false;
#else
	hid_t space = H5Dget_space(dset);

	if (H5Dget_num_chunks(dset, space, &n) < 0)
		return false;
	H5Sclose(space);
#endif
	if (n != d->nchunks) {
		fprintf(stderr, "%s %s: %llu chunks, but %llu by the library\n", d->file, d->path,
			(unsigned long long)d->nchunks, (unsigned long long)n);
		return false;
	}
	for (uint64_t i = 0; i < d->nchunks; i += step)
		if (!library_agrees(dset, d, &d->chunks[i], raw_edges))
			return false;
	return true;
}

static void check_description(const struct index_case *c, const struct h5make *m,
			      const struct qn_dataset *d)
{
	hid_t file = H5Fopen(m->file, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t dset = H5Dopen2(file, "x", H5P_DEFAULT);
	struct quern_message err = { 0 };

	assert_int_equal(qn_dataset_check(d, &err), QUERN_OK);
	assert_string_equal(d->index, c->index);
	assert_true(d->native);
	assert_int_equal(d->user_block, c->user_block);
	if (c->filling == ALL || c->filling == EARLY || c->filling == BY_DATA) {
		hsize_t grid[8];

		assert_int_equal(d->nchunks, grid_of(c, grid));
	}
	assert_true(d->nchunks > 0);
	if (!c->library_errs)
		assert_true(compare(dset, d, c->raw_edges));
	H5Dclose(dset);
	H5Fclose(file);
}

/* What is at the address is what was written: independent of the library's opinion. */
static void check_bytes(const struct h5make *m, const struct qn_dataset *d)
{
	int fd = open(m->file, O_RDONLY);

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < d->nchunks; i++) {
		const struct qn_chunk *k = &d->chunks[i];
		unsigned char first, last;

		assert_int_equal(pread(fd, &first, 1, (off_t)k->addr), 1);
		assert_int_equal(pread(fd, &last, 1, (off_t)(k->addr + k->nbytes - 1)), 1);
		assert_int_equal(first, k->number % 251);
		assert_int_equal(last, k->number % 251);
	}
	close(fd);
}

/* Is chunk k among those that a box meets? */
static bool meets(const struct qn_dataset *d, const struct quern_box *box, const struct qn_chunk *k)
{
	uint64_t grid[QUERN_MAX_DIMS], number = k->number;

	qn_dataset_grid(d, grid);
	for (int i = d->ndim - 1; i >= 0; i--) {
		uint64_t first = number % grid[i] * d->chunk[i];

		if (first >= box->start[i] + box->count[i] * box->step[i] ||
		    first + d->chunk[i] <= box->start[i])
			return false;
		number /= grid[i];
	}
	return true;
}

/* A part of an index has the chunks of the whole one that the part meets. */
static void check_part(const struct h5make *m, const struct qn_dataset *d,
		       const struct quern_box *box)
{
	struct quern_message err = { 0 };
	struct qn_dataset part;
	uint64_t n = 0;

	if (qn_hdf5_describe_part(m->file, "/x", NULL, true, box, &part, &err) != QUERN_OK)
		fail_msg("%s", err.text);
	assert_int_equal(qn_dataset_check(&part, &err), QUERN_OK);
	for (uint64_t i = 0; i < d->nchunks; i++)
		if (meets(d, box, &d->chunks[i])) {
			assert_true(n < part.nchunks);
			assert_memory_equal(&part.chunks[n++], &d->chunks[i], sizeof(d->chunks[i]));
		}
	assert_int_equal(n, part.nchunks);
	qn_dataset_fini(&part);
}

static void check_parts(const struct h5make *m, const struct qn_dataset *d)
{
	uint64_t seed = d->nchunks + 7;

	for (int k = 0; k < 24; k++) {
		struct quern_box box = { .ndim = d->ndim };

		for (int i = 0; i < d->ndim; i++) {
			uint64_t most = k % 3 ? d->shape[i] : 1 + d->shape[i] / 9;

			box.start[i] = k % 4 == i ? 0 : random_below(&seed, d->shape[i]);
			box.count[i] =
				1 +
				random_below(&seed, qn_min_u64(most, d->shape[i] - box.start[i]));
			box.step[i] = 1;
		}
		check_part(m, d, &box);
	}
}

static void test_cases(void **state)
{
	struct h5make m;

	(void)state;
	assert_true(h5make_init(&m));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quern_message err = { 0 };
		struct qn_dataset d;

		make_file(&cases[i], &m);
		if (qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err) != QUERN_OK)
			fail_msg("case %zu: %s", i, err.text);
		check_description(&cases[i], &m, &d);
		if (cases[i].filling == ALL || cases[i].filling == SPARSE)
			check_bytes(&m, &d);
		check_parts(&m, &d);
		qn_dataset_fini(&d);
	}
	h5make_fini(&m);
}

/* Nothing is written, or there is nothing to write. */
static void test_empty(void **state)
{
	static const struct index_case empty[] = {
		{ "v1 B-tree", 1, { 1000 }, { 1000 }, { 8 }, SPARSE, .from = 500 },
		{ "v1 B-tree", 2, { 0, 10 }, { U, 10 }, { 8, 10 }, SPARSE, .latest = false },
		{ "fixed array",
		  1,
		  { 1000 },
		  { 1000 },
		  { 8 },
		  SPARSE,
		  .from = 500,
		  .latest = true },
		{ "extensible array", 2, { 0, 10 }, { U, 10 }, { 8, 10 }, SPARSE, .latest = true },
		{ "v2 B-tree", 2, { 0, 10 }, { U, U }, { 8, 10 }, SPARSE, .latest = true },
	};
	struct h5make m;

	(void)state;
	assert_true(h5make_init(&m));
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		struct quern_message err = { 0 };
		struct qn_dataset d;

		make_file(&empty[i], &m);
		if (qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err) != QUERN_OK)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
		assert_string_equal(d.index, empty[i].index);
		assert_int_equal(d.nchunks, 0);
		qn_dataset_fini(&d);
	}
	h5make_fini(&m);
}

/* A dataset that shrank and grew again. */
static void test_extent_changes(void **state)
{
	static const struct index_case c = { "extensible array", 2,   { 100, 90 },   { U, 90 },
					     { 3, 7 },		 ALL, .latest = true };
	const hsize_t small[2] = { 31, 90 }, large[2] = { 200, 90 };
	struct quern_message err = { 0 };
	struct index_case after = c;
	struct qn_dataset d;
	struct h5make m;
	hid_t file, dset;

	(void)state;
	assert_true(h5make_init(&m));
	make_file(&c, &m);
	file = H5Fopen(m.file, H5F_ACC_RDWR, H5P_DEFAULT);
	dset = H5Dopen2(file, "x", H5P_DEFAULT);
	H5Dset_extent(dset, small);
	H5Dset_extent(dset, large);
	H5Dclose(dset);
	H5Fclose(file);
	after.filling = SPARSE;
	assert_int_equal(qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err), QUERN_OK);
	check_description(&after, &m, &d);
	assert_int_equal(d.nchunks, 11 * 13);
	qn_dataset_fini(&d);
	h5make_fini(&m);
}

/* Contiguous and compact data: runs that cover the bytes once, in order. */
static void check_runs(const struct qn_dataset *d, uint64_t nbytes)
{
	struct quern_message err = { 0 };
	uint64_t sum = 0;

	assert_int_equal(qn_dataset_check(d, &err), QUERN_OK);
	for (uint64_t i = 0; i < d->nchunks; i++) {
		assert_int_equal(d->chunks[i].number, i);
		assert_int_equal(d->chunks[i].addr, d->chunks[0].addr + sum);
		assert_true(d->chunks[i].nbytes <= 4 << 20);
		sum += d->chunks[i].nbytes;
	}
	assert_int_equal(sum, nbytes);
}

static void test_contiguous(void **state)
{
	static const struct {
		int ndim;
		hsize_t shape[3];
		uint64_t nchunks;
	} shapes[] = { { 1, { 10 }, 1 },	 { 1, { 3000001 }, 3 },
		       { 2, { 7, 1000003 }, 7 }, { 3, { 2, 1100, 1024 }, 4 },
		       { 3, { 5, 7, 11 }, 1 },	 { 2, { 2, 2000000 }, 4 },
		       { 2, { 5000, 700 }, 4 } };
	struct quern_message err = { 0 };
	struct h5make m;

	(void)state;
	assert_true(h5make_init(&m));
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		hid_t file = h5make_create(&m, i % 2, i % 3 ? 512 : 0, 0);
		hid_t space = H5Screate_simple(shapes[i].ndim, shapes[i].shape, NULL), dset;
		hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
		uint64_t nbytes = 4, offset;
		struct qn_dataset d;

		H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
		H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
		dset = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
		offset = H5Dget_offset(dset);
		H5Dclose(dset);
		H5Pclose(dcpl);
		H5Sclose(space);
		H5Fclose(file);
		for (int k = 0; k < shapes[i].ndim; k++)
			nbytes *= shapes[i].shape[k];
		if (qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err) != QUERN_OK)
			fail_msg("%s", err.text);
		assert_true(d.layout == QN_CONTIGUOUS && d.native);
		check_runs(&d, nbytes);
		assert_int_equal(d.chunks[0].addr, offset);
		assert_int_equal(d.nchunks, shapes[i].nchunks);
		qn_dataset_fini(&d);
	}
	h5make_fini(&m);
}

static void test_compact(void **state)
{
	struct quern_message err = { 0 };
	struct h5make m;

	(void)state;
	assert_true(h5make_init(&m));
	for (int latest = 0; latest < 2; latest++) {
		const hsize_t shape[2] = { 10, 30 };
		hid_t file = h5make_create(&m, latest, 512, 0),
		      dcpl = H5Pcreate(H5P_DATASET_CREATE);
		hid_t space = H5Screate_simple(2, shape, NULL), dset;
		unsigned char v[300], got[300];
		struct qn_dataset d;
		int fd;

		for (int i = 0; i < 300; i++)
			v[i] = (unsigned char)(i * 7);
		H5Pset_layout(dcpl, H5D_COMPACT);
		dset = H5Dcreate2(file, "x", H5T_STD_U8LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
		H5Dwrite(dset, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
		H5Dclose(dset);
		H5Pclose(dcpl);
		H5Sclose(space);
		H5Fclose(file);
		assert_int_equal(qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err), QUERN_OK);
		assert_true(d.layout == QN_COMPACT && d.native);
		assert_int_equal(d.nchunks, 1);
		check_runs(&d, 300);
		fd = open(m.file, O_RDONLY);
		assert_int_equal(pread(fd, got, 300, (off_t)d.chunks[0].addr), 300);
		close(fd);
		assert_memory_equal(got, v, 300);
		qn_dataset_fini(&d);
	}
	h5make_fini(&m);
}

/* Overwrites a byte of the file; returns what was there. */
static unsigned char poke(int fd, off_t at, unsigned char x)
{
	unsigned char old = 0;

	assert_int_equal(pread(fd, &old, 1, at), 1);
	assert_int_equal(pwrite(fd, &x, 1, at), 1);
	return old;
}

/* Walks the index of /x from the header at `header`, without the library, which may not survive
   what is done to the file. */
static enum quern_status walk_only(int fd, const struct qn_dataset *like, uint64_t header,
				   struct quern_message *err)
{
	struct qn_dataset d = *like;
	uint64_t most[QUERN_MAX_DIMS];
	struct qn_h5_layout layout;
	struct qn_h5_raw raw;
	enum quern_status status;

	d.chunks = NULL;
	d.nchunks = 0;
	for (int i = 0; i < d.ndim; i++)
		most[i] = !strcmp(d.index, "v2 B-tree") ||
					  (i == 0 && !strcmp(d.index, "extensible array"))
				  ? U
				  : d.shape[i];
	status = qn_h5_raw_init(&raw, d.file, "/x", fd, d.file_nbytes, err);
	if (status == QUERN_OK)
		status = qn_h5_layout_read(&raw, raw.base + header, &layout);
	if (status == QUERN_OK && layout.is_known)
		status = qn_h5_index_read(&raw, &layout, most, false, NULL, &d);
	if (status == QUERN_OK)
		status = qn_dataset_check(&d, err);
	free(d.chunks);
	return status;
}

static uint64_t header_of(const struct h5make *m)
{
	hid_t file = H5Fopen(m->file, H5F_ACC_RDONLY, H5P_DEFAULT);
	hid_t dset = H5Dopen2(file, "x", H5P_DEFAULT);
	haddr_t addr = 0;
#if H5_VERSION_GE(1, 12, 0)
	H5O_info2_t info;

	H5Oget_info3(dset, &info, H5O_INFO_BASIC);
	H5VLnative_token_to_addr(dset, info.token, &addr);
#else
	H5O_info_t info;

	H5Oget_info2(dset, &info, H5O_INFO_BASIC);
	addr = info.addr;
#endif
	H5Dclose(dset);
	H5Fclose(file);
	return addr;
}

/* Every byte of the file in turn is damaged: the walk must end by itself, with an
   answer that passes the check or with a message. */
static void damage_all(const struct index_case *c, const struct h5make *m)
{
	struct quern_message err = { 0 };
	struct qn_dataset d;
	uint64_t header;
	size_t nbad = 0;
	int fd;

	make_file(c, m);
	assert_int_equal(qn_hdf5_describe(m->file, "/x", NULL, true, &d, &err), QUERN_OK);
	header = header_of(m);
	fd = open(m->file, O_RDWR);
	for (uint64_t at = 0; at < d.file_nbytes; at++) {
		unsigned char old = poke(fd, (off_t)at, at % 2 ? 0xff : 0x01);

		err.status = QUERN_OK;
		if (walk_only(fd, &d, header, &err) != QUERN_OK) {
			assert_int_equal(err.status, QUERN_ERR_DATA);
			nbad++;
		}
		poke(fd, (off_t)at, old);
	}
	assert_true(nbad > 0);
	err.status = QUERN_OK;
	assert_int_equal(walk_only(fd, &d, header, &err), QUERN_OK);
	close(fd);
	qn_dataset_fini(&d);
}

static void test_damage(void **state)
{
	static const struct index_case small[] = {
		{ "v1 B-tree", 2, { 10, 9 }, { U, U }, { 3, 3 }, ALL, .istore_k = 1 },
		{ "single chunk",
		  2,
		  { 10, 12 },
		  { 10, 12 },
		  { 10, 12 },
		  ALL,
		  .latest = true,
		  .filtered = true },
		{ "implicit", 2, { 10, 9 }, { 10, 9 }, { 3, 3 }, EARLY, .latest = true },
		{ "fixed array", 2, { 10, 9 }, { 10, 9 }, { 3, 3 }, ALL, .latest = true },
		{ "fixed array",
		  1,
		  { 1100 },
		  { 1100 },
		  { 1 },
		  SPARSE,
		  .latest = true,
		  .from = 1080 },
		{ "extensible array",
		  2,
		  { 60, 9 },
		  { U, 9 },
		  { 3, 3 },
		  SPARSE,
		  .latest = true,
		  .filtered = true },
		{ "v2 B-tree", 2, { 10, 9 }, { U, U }, { 3, 3 }, ALL, .latest = true },
	};
	struct h5make m;

	(void)state;
	assert_true(h5make_init(&m));
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		damage_all(&small[i], &m);
	h5make_fini(&m);
}

/* A node of a v1 B-tree whose child is itself. */
static void test_circle(void **state)
{
	static const struct index_case c = { "v1 B-tree", 2,   { 10, 9 },    { U, U },
					     { 3, 3 },	  ALL, .istore_k = 1 };
	struct quern_message err = { 0 };
	struct qn_h5_layout layout;
	struct qn_dataset d;
	struct qn_h5_raw raw;
	unsigned char child[8];
	struct h5make m;
	uint64_t header;
	int fd;

	(void)state;
	assert_true(h5make_init(&m));
	make_file(&c, &m);
	assert_int_equal(qn_hdf5_describe(m.file, "/x", NULL, true, &d, &err), QUERN_OK);
	header = header_of(&m);
	fd = open(m.file, O_RDWR);
	assert_int_equal(qn_h5_raw_init(&raw, m.file, "/x", fd, d.file_nbytes, &err), QUERN_OK);
	assert_int_equal(qn_h5_layout_read(&raw, header, &layout), QUERN_OK);
	/* The first child comes after the head of the node (24) and a key (32). */
	for (int i = 0; i < 8; i++)
		child[i] = (unsigned char)(layout.index_addr >> 8 * i);
	assert_int_equal(pwrite(fd, child, 8, (off_t)layout.index_addr + 24 + 32), 8);
	assert_int_equal(walk_only(fd, &d, header, &err), QUERN_ERR_DATA);
	close(fd);
	assert_non_null(strstr(err.text, "levels"));
	qn_dataset_fini(&d);
	h5make_fini(&m);
}

/* The corpus. A file is looked at in a child, because the library does not survive all of them. */

static int ncompared;

/* See index.h. */
static bool library_errs_on(hid_t dset, const struct qn_dataset *d)
{
	hsize_t shape[QUERN_MAX_DIMS], most[QUERN_MAX_DIMS] = { 0 };
	hid_t space = H5Dget_space(dset);

	H5Sget_simple_extent_dims(space, shape, most);
	H5Sclose(space);
	return !strcmp(d->index, "extensible array") && most[0] != U;
}

/* quern refuses what has 2^63 bytes and more. */
static bool is_uncountable(hid_t dset)
{
	hsize_t shape[QUERN_MAX_DIMS];
	hid_t space = H5Dget_space(dset);
	int ndim = H5Sget_simple_extent_dims(space, shape, NULL);
	double n = 1;

	H5Sclose(space);
	for (int i = 0; i < ndim; i++)
		n *= (double)shape[i];
	return n > 0x1p59;
}

static bool compare_dataset(const char *file, const char *path)
{
	struct quern_message err = { 0 };
	struct qn_dataset d;
	unsigned options = 0;
	hid_t f = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT), dcpl;
	hid_t dset = H5Dopen2(f, path, H5P_DEFAULT);
	bool ok = true;

	if (dset < 0 || is_uncountable(dset)) {
		H5Fclose(f);
		return true;
	}
	if (qn_hdf5_describe(file, path, NULL, true, &d, &err) != QUERN_OK) {
		fprintf(stderr, "%s\n", err.text);
		return false;
	}
	if (qn_dataset_check(&d, &err) != QUERN_OK) {
		fprintf(stderr, "%s\n", err.text);
		qn_dataset_fini(&d);
		return false;
	}
	dcpl = H5Dget_create_plist(dset);
	if (d.layout == QN_CHUNKED && d.index[0] && !library_errs_on(dset, &d)) {
		H5Pget_chunk_opts(dcpl, &options);
		ok = compare(dset, &d, options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
	} else if (d.layout == QN_CONTIGUOUS && d.nchunks > 0) {
		ok = H5Dget_offset(dset) == d.chunks[0].addr;
	}
	if (!ok)
		fprintf(stderr, "%s %s: the walk and the library differ\n", file, path);
	H5Pclose(dcpl);
	H5Dclose(dset);
	H5Fclose(f);
	qn_dataset_fini(&d);
	return ok;
}

/* 0: all agree; 1: some do not; 2: the library cannot open it. */
static int compare_file(const char *file)
{
	struct quern_message err = { 0 };
	struct qn_listing l;
	int rc = 0;

	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	if (qn_formats[0]->list(file, &l, &err) != QUERN_OK)
		return 2;
	for (size_t i = 0; i < l.n; i++)
		if (!compare_dataset(file, l.path[i]))
			rc = 1;
	qn_listing_fini(&l);
	return rc;
}

static int visit_file(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
	int status = 0;
	pid_t child;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	child = fork();
	if (child == 0) {
		alarm(20);
		_exit(compare_file(file));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return 1;
	ncompared += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return 0;
}

static void test_corpus(void **state)
{
	static const char *const parts[] = { "hdf5", "netcdf-c" };
	const char *corpus = getenv("QUERN_CORPUS");
	char dir[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", corpus ? corpus : "../shared/corpus", parts[i]);
		if (access(dir, R_OK) != 0) {
			print_message("there is no %s: set QUERN_CORPUS\n", dir);
			skip();
		}
		assert_int_equal(nftw(dir, visit_file, 16, FTW_PHYS), 0);
	}
	assert_true(ncompared > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_extent_changes), cmocka_unit_test(test_contiguous),
		cmocka_unit_test(test_compact),	       cmocka_unit_test(test_damage),
		cmocka_unit_test(test_circle),	       cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
