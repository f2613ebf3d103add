/* Descriptions without the library: the same as with it, and nothing bad from damaged files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "io/hdf5_format/alike.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_format/met.h"
#include "../tools/parts.h"
#include "tests/testing/plan.h"
#include "h5make.h"
#include "random.h"

static const struct part kinds[] = {
	{ .layout = PART_CHUNKED },
	{ .layout = PART_CHUNKED, .scales = true },
	{ .layout = PART_CHUNKED, .latest = true, .scales = true },
	{ .layout = PART_DEFLATED, .variable_text = true, .scales = true },
	{ .layout = PART_DEFLATED, .latest = true, .variable_text = true },
	{ .layout = PART_CONTIGUOUS, .scales = true },
	{ .layout = PART_CONTIGUOUS, .latest = true },
	{ .layout = PART_COMPACT, .scales = true },
	{ .layout = PART_COMPACT, .latest = true, .user_block = 1024 },
	{ .layout = PART_CHUNKED, .user_block = 512, .nothers = 60, .scales = true },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make(const char *file, struct part p, hsize_t length)
{
	p.count[0] = length;
	p.count[1] = 6;
	p.count[2] = 10;
	assert_true(part_write(file, &p));
}

/* Fields of one description in another, which has the names. */
static void assert_same(const struct qn_dataset *a, const struct qn_dataset *b)
{
	assert_int_equal(a->ndim, b->ndim);
	assert_memory_equal(a->shape, b->shape, sizeof(a->shape));
	assert_memory_equal(a->chunk, b->chunk, sizeof(a->chunk));
	assert_string_equal(a->index, b->index);
	assert_string_equal(a->units, b->units);
	assert_string_equal(a->calendar, b->calendar);
	assert_int_equal(a->is_longitude, b->is_longitude);
	assert_memory_equal(&a->cf, &b->cf, sizeof(a->cf));
	assert_memory_equal(a->fault, b->fault, sizeof(a->fault));
	assert_memory_equal(&a->type, &b->type, sizeof(a->type));
	assert_memory_equal(a->fill_value, b->fill_value, sizeof(a->fill_value));
	assert_int_equal(a->layout, b->layout);
	assert_int_equal(a->nfilters, b->nfilters);
	assert_int_equal(a->file_nbytes, b->file_nbytes);
	assert_int_equal(a->file_mtime_ns, b->file_mtime_ns);
	assert_int_equal(a->user_block, b->user_block);
	assert_int_equal(a->nchunks, b->nchunks);
	for (uint64_t i = 0; i < a->nchunks; i++) {
		assert_int_equal(a->chunks[i].number, b->chunks[i].number);
		assert_int_equal(a->chunks[i].addr, b->chunks[i].addr);
		assert_int_equal(a->chunks[i].nbytes, b->chunks[i].nbytes);
		assert_int_equal(a->chunks[i].filter_mask, b->chunks[i].filter_mask);
	}
	for (int i = 0; i < a->ndim; i++) {
		assert_true(!a->dim_name[i] == !b->dim_name[i]);
		if (a->dim_name[i])
			assert_string_equal(a->dim_name[i], b->dim_name[i]);
	}
}

struct pair {
	struct h5make a, b;
	struct qn_dataset first;
	struct qn_h5_alike *alike;
};

static void begin(struct pair *p, struct part kind)
{
	struct quern_message err = { .status = QUERN_OK };

	assert_true(h5make_init(&p->a) && h5make_init(&p->b));
	make(p->a.file, kind, 7);
	assert_int_equal(qn_hdf5_describe(p->a.file, "/t", NULL, true, &p->first, &err), QUERN_OK);
	p->alike = qn_h5_alike_new(&p->first);
	assert_non_null(p->alike);
}

static void end(struct pair *p)
{
	qn_h5_alike_free(p->alike);
	qn_dataset_fini(&p->first);
	h5make_fini(&p->a);
	h5make_fini(&p->b);
}

static void test_as_the_library(void **state)
{
	static const hsize_t lengths[] = { 7, 1, 20, 0 };

	(void)state;
	for (size_t k = 0; k < NKINDS; k++)
		for (size_t i = 0; i < 4; i++) {
			struct quern_message err = { .status = QUERN_OK };
			struct qn_dataset mine, theirs;
			struct part other = kinds[k];
			struct pair p;

			begin(&p, kinds[k]);
			other.nothers += (unsigned)i;
			make(p.b.file, other, lengths[i]);
			assert_true(qn_h5_alike_describe(p.alike, p.b.file, "/t", &mine));
			assert_int_equal(
				qn_hdf5_describe(p.b.file, "/t", NULL, true, &theirs, &err),
				QUERN_OK);
			assert_same(&mine, &theirs);
			free(mine.chunks);
			qn_dataset_fini(&theirs);
			end(&p);
		}
}

/* Without a limit, in an existing file. */
static void add_dataset(const char *path, const char *name, hsize_t length)
{
	const hsize_t most = H5S_UNLIMITED, chunk = 4;
	hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dcpl = H5Pcreate(H5P_DATASET_CREATE);
	hid_t space = H5Screate_simple(1, &length, &most), dset;

	H5Pset_chunk(dcpl, 1, &chunk);
	dset = H5Dcreate2(file, name, H5T_STD_I16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	assert_true(dset >= 0);
	H5Dclose(dset);
	H5Sclose(space);
	H5Pclose(dcpl);
	H5Fclose(file);
}

/* Whatever a description has that differs, it is not like the first. */
static void test_differences(void **state)
{
	struct part other[] = { kinds[1], kinds[1], kinds[1], kinds[1], kinds[1], kinds[1] };

	(void)state;
	other[0].units = "m";
	other[1].third = "x";
	other[2].wide = true;
	other[3].twice_as_fine = true;
	other[4].layout = PART_CONTIGUOUS;
	other[5].scales = false;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct qn_dataset d;
		struct pair p;

		begin(&p, kinds[1]);
		make(p.b.file, other[i], 7);
		assert_false(qn_h5_alike_describe(p.alike, p.b.file, "/t", &d));
		end(&p);
	}
}

/* A dataset that is longer may be on the same dimension, wherever it is. */
static void test_longer(void **state)
{
	static const char *const paths[] = { "/z", "/other0/z" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct part other = kinds[1];
		struct qn_dataset d;
		struct pair p;

		begin(&p, kinds[1]);
		other.nothers = 1;
		make(p.b.file, other, 7);
		add_dataset(p.b.file, paths[i / 2], i % 2 ? 8 : 7);
		assert_int_equal(qn_h5_alike_describe(p.alike, p.b.file, "/t", &d), i % 2 == 0);
		if (i % 2 == 0)
			free(d.chunks);
		end(&p);
	}
}

#define NLEVELS 24

/* Groups in a row, each with two names for the next one, and the last with one for the root. */
static void add_groups(const char *path)
{
	hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT),
	      above = H5Gopen2(file, "/", H5P_DEFAULT);

	for (int i = 0; i < NLEVELS; i++) {
		hid_t group = H5Gcreate2(above, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

		H5Lcreate_hard(above, "a", above, "b", H5P_DEFAULT, H5P_DEFAULT);
		H5Gclose(above);
		above = group;
	}
	assert_true(H5Lcreate_hard(file, "/", above, "top", H5P_DEFAULT, H5P_DEFAULT) >= 0);
	H5Gclose(above);
	H5Fclose(file);
}

/* By all names there are 2^NLEVELS groups and no end; each is gone through once. */
static void test_groups_of_many_names(void **state)
{
	(void)state;
	for (int longer = 0; longer < 2; longer++) {
		struct qn_dataset d;
		struct pair p;
		char name[2 * NLEVELS + 3] = "";

		begin(&p, kinds[1]);
		make(p.b.file, kinds[1], 7);
		add_groups(p.b.file);
		for (int i = 0; i < NLEVELS; i++)
			memcpy(name + 2 * i, "/b", 2);
		strcpy(name + 2 * NLEVELS, "/z");
		add_dataset(p.b.file, name, longer ? 8 : 7);
		assert_int_equal(qn_h5_alike_describe(p.alike, p.b.file, "/t", &d), !longer);
		if (!longer)
			free(d.chunks);
		end(&p);
	}
}

#define NMANY  1500
#define WITHIN 60 /* reads of a dataset among them */

static void attach(hid_t file, hid_t dset, const char *scale)
{
	const hsize_t ndims = 1;
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space = H5Screate_simple(1, &ndims, NULL);
	hid_t attr = H5Acreate2(dset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
	hobj_ref_t reference;
	hvl_t list = { 1, &reference };

	assert_true(H5Rcreate(&reference, file, scale, H5R_OBJECT, -1) >= 0);
	assert_true(H5Awrite(attr, type, &list) >= 0);
	H5Aclose(attr);
	H5Sclose(space);
	H5Tclose(type);
}

/* A scale, of a group above or of the same one, and very many datasets on it. */
static void make_many(const char *path, const char *scale)
{
	const hsize_t length = 7, most = H5S_UNLIMITED, chunk = 4;
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	hid_t group = H5Gcreate2(file, "/g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), x, d;
	hid_t space = H5Screate_simple(1, &length, &most);

	H5Pset_chunk(dcpl, 1, &chunk);
	x = H5Dcreate2(file, scale, H5T_STD_I16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	h5make_text(x, "CLASS", 16, H5T_STR_NULLTERM, "DIMENSION_SCALE");
	for (int i = 0; i < NMANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", i);
		d = H5Dcreate2(group, name, H5T_STD_I16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
		attach(file, d, scale);
		H5Dclose(d);
	}
	H5Dclose(x);
	H5Sclose(space);
	H5Pclose(dcpl);
	H5Gclose(group);
	assert_true(H5Fclose(file) >= 0);
}

static void assert_described(struct qn_h5_alike *alike, const char *file, int i)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset mine, theirs;
	char path[32];

	snprintf(path, sizeof(path), "/g/d%d", i);
	assert_true(qn_h5_alike_describe(alike, file, path, &mine));
	assert_int_equal(qn_hdf5_describe(file, path, NULL, true, &theirs, &err), QUERN_OK);
	assert_same(&mine, &theirs);
	free(mine.chunks);
	qn_dataset_fini(&theirs);
}

static long reads_of(struct qn_h5_alike *alike, const char *file, int i)
{
	struct qn_dataset d;
	char path[32];

	snprintf(path, sizeof(path), "/g/d%d", i);
	test_fail_at(TEST_READ, 0);
	assert_true(qn_h5_alike_describe(alike, file, path, &d));
	free(d.chunks);
	return test_count();
}

/* Only one of the datasets of a group has all of it gone through, until the file changes. */
static void test_many_in_one_file(void **state)
{
	static const char *const scales[] = { "/x", "/g/x" };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct quern_message err = { .status = QUERN_OK };
		struct qn_dataset first, d;
		struct qn_h5_alike *alike;
		struct h5make m;

		assert_true(h5make_init(&m));
		make_many(m.file, scales[k]);
		assert_int_equal(qn_hdf5_describe(m.file, "/g/d0", NULL, true, &first, &err),
				 QUERN_OK);
		assert_string_equal(first.dim_name[0], "x");
		assert_non_null(alike = qn_h5_alike_new(&first));
		for (int i = 1; i < NMANY; i += NMANY / 6)
			assert_described(alike, m.file, i);
		for (int i = 2; i < NMANY; i += NMANY / 15)
			assert_in_range(reads_of(alike, m.file, i), 1, WITHIN);
		add_dataset(m.file, "/g/z", 7);
		assert_described(alike, m.file, 3);
		add_dataset(m.file, "/g/longer", 8);
		assert_false(qn_h5_alike_describe(alike, m.file, "/g/d4", &d));
		qn_h5_alike_free(alike);
		qn_dataset_fini(&first);
		h5make_fini(&m);
	}
}

/* Addresses of every size, and such as differ only in bits that a hash could lose. */
static uint64_t address(size_t i)
{
	return i % 2 ? (uint64_t)i << 44 : 96 + 8 * (uint64_t)i;
}

static void test_met(void **state)
{
	struct qn_h5_met met = { .n = 0 };
	bool is_new;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < 5000; i++) {
			assert_int_equal(qn_h5_met_find(&met, address(i)),
					 turn == 0 ? QN_H5_NOT_MET : i);
			assert_int_equal(qn_h5_met_add(&met, address(i), &is_new), i);
			assert_int_equal(is_new, turn == 0);
			assert_int_equal(met.addr[i], address(i));
		}
		assert_int_equal(met.n, 5000);
	}
	qn_h5_met_fini(&met);
	assert_int_equal(qn_h5_met_add(&met, address(7), &is_new), 0);
	assert_true(is_new);
	qn_h5_met_fini(&met);
}

static size_t read_file(const char *path, uint8_t **out)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	n = (size_t)ftell(f);
	rewind(f);
	*out = malloc(n);
	assert_int_equal(fread(*out, 1, n, f), n);
	fclose(f);
	return n;
}

static void write_file(const char *path, const uint8_t *data, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
}

/* Flipped bits and cut ends: false, or a description that passes the checks. */
static void test_damaged(void **state)
{
	uint64_t seed = random_seed(11);

	(void)state;
	for (size_t k = 0; k < NKINDS; k++) {
		struct pair p;
		uint8_t *good;
		size_t n;

		begin(&p, kinds[k]);
		n = read_file(p.a.file, &good);
		for (int i = 0; i < 400; i++) {
			struct quern_message err = { .status = QUERN_OK };
			size_t at = (size_t)random_below(&seed, n < 6000 ? n : 6000);
			uint8_t bit = (uint8_t)(1u << random_below(&seed, 8));
			struct qn_dataset d;

			good[at] ^= bit;
			write_file(p.b.file, good, i % 8 ? n : at);
			good[at] ^= bit;
			if (qn_h5_alike_describe(p.alike, p.b.file, "/t", &d)) {
				assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
				free(d.chunks);
			}
		}
		free(good);
		end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_library),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_longer),
		cmocka_unit_test(test_groups_of_many_names),
		cmocka_unit_test(test_many_in_one_file),
		cmocka_unit_test(test_met),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
