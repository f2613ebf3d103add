/*
 * test_dataset.c - the description of a dataset: derived numbers, flat form, and what the check
 * refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"

/* 10 x 9 float32 in chunks of 4 x 5 with one filter: a grid of 3 x 2, of which three are stored. */
static struct qn_dataset make(void)
{
	static const struct qn_chunk chunks[] = { { 0, 512, 100, 0 },
						  { 3, 700, 80, 1 },
						  { 5, 612, 88, 0 } };
	struct qn_dataset d;

	memset(&d, 0, sizeof(d));
	d.file = strdup("a.nc");
	d.path = strdup("/group/x");
	d.type = (struct qn_type){ .class = QN_FLOAT, .size = 4, .name = "<f4" };
	d.ndim = 2;
	d.shape[0] = 10;
	d.shape[1] = 9;
	d.chunk[0] = 4;
	d.chunk[1] = 5;
	d.layout = QN_CHUNKED;
	strcpy(d.index, "v1 B-tree");
	d.nfilters = 1;
	d.filter[0] = (struct qn_filter_step){
		.id = 1, .nparams = 1, .params = { 4 }, .name = "deflate"
	};
	d.cf.has_fill = true;
	d.cf.scale = 0.5;
	strcpy(d.units, "K");
	strcpy(d.calendar, "noleap");
	d.dim_name[1] = strdup("lon");
	d.dim_scale[1] = strdup("/grid/lon");
	d.native = true;
	d.file_nbytes = 1000;
	d.user_block = 512;
	d.nchunks = 3;
	d.chunks = malloc(sizeof(chunks));
	assert_non_null(d.chunks);
	memcpy(d.chunks, chunks, sizeof(chunks));
	return d;
}

/* A member of records of 50 bytes: an array of 2 x 3 float32, with a gap between its rows. */
static struct qn_dataset make_records(void)
{
	struct qn_dataset d = make();

	strcpy(d.column, "a.b");
	d.ndim = 4;
	d.shape[2] = d.chunk[2] = 2;
	d.shape[3] = d.chunk[3] = 3;
	d.record = (struct qn_record){ .nbytes = 50, .offset = 5, .ndim = 2, .stride = { 20, 4 } };
	d.file_nbytes = 100000;
	d.chunks[1] = (struct qn_chunk){ 3, 10000, 4 * 5 * 50, 1 };
	return d;
}

/* A compound of which no member is chosen. */
static struct qn_dataset make_members(void)
{
	struct qn_dataset d = make();

	d.type = (struct qn_type){ .class = QN_OTHER, .size = 4, .name = "compound" };
	d.nmembers = 2;
	d.members = calloc(2, sizeof(*d.members));
	assert_non_null(d.members);
	d.members[0] = (struct qn_column){ .name = strdup("a"),
					   .type = { .class = QN_INT, .size = 2, .name = "<i2" } };
	d.members[1] = (struct qn_column){ .name = strdup("b.c"),
					   .type = { .class = QN_UINT, .size = 1, .name = "|u1" },
					   .offset = 2,
					   .ndim = 1,
					   .shape = { 2 } };
	return d;
}

static void test_records(void **state)
{
	struct qn_dataset d = make_records();
	struct quern_message err = { 0 };
	uint64_t grid[QUERN_MAX_DIMS];

	(void)state;
	assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
	assert_int_equal(qn_dataset_outer_ndim(&d), 2);
	assert_int_equal(qn_dataset_record_nbytes(&d), 50);
	assert_int_equal(qn_dataset_nelems(&d), 540);
	assert_int_equal(qn_dataset_nbytes(&d), 4500);
	assert_int_equal(qn_dataset_chunk_nbytes(&d), 1000);
	assert_int_equal(qn_dataset_grid(&d, grid), 6);
	assert_false(qn_dataset_is_dense(&d));
	d.record = (struct qn_record){ .nbytes = 24, .ndim = 2, .stride = { 12, 4 } };
	assert_true(qn_dataset_is_dense(&d));
	d.record.nbytes = 25;
	assert_false(qn_dataset_is_dense(&d));
	qn_dataset_fini(&d);
}

static void test_members(void **state)
{
	struct qn_dataset d = make_members(), r;
	struct quern_message err = { 0 };
	char names[QN_MEMBER_NAMES_NBYTES];
	size_t nbytes = 0;
	void *flat = qn_dataset_pack(&d, &nbytes);

	(void)state;
	assert_int_equal(qn_dataset_unpack(flat, nbytes, &r, &err), QUERN_OK);
	assert_int_equal(r.nmembers, 2);
	assert_string_equal(r.members[1].name, "b.c");
	assert_int_equal(r.members[1].offset, 2);
	assert_int_equal(r.members[1].shape[0], 2);
	qn_dataset_member_names(&r, names);
	assert_string_equal(names, "a, b.c");
	free(r.members[0].name);
	r.members[0].name = malloc(1000);
	memset(r.members[0].name, 'x', 999);
	r.members[0].name[999] = '\0';
	qn_dataset_member_names(&r, names);
	assert_string_equal(names, " and 2 more (see quern inspect)");
	qn_dataset_fini(&r);
	qn_dataset_fini(&d);
	free(flat);
}

static void test_numbers(void **state)
{
	struct qn_dataset d = make();
	uint64_t grid[QUERN_MAX_DIMS];

	(void)state;
	assert_int_equal(qn_dataset_grid(&d, grid), 6);
	assert_int_equal(grid[0], 3);
	assert_int_equal(grid[1], 2);
	assert_int_equal(qn_dataset_nelems(&d), 90);
	assert_int_equal(qn_dataset_chunk_nelems(&d), 20);
	d.shape[1] = 0;
	assert_int_equal(qn_dataset_grid(&d, grid), 0);
	assert_int_equal(qn_dataset_nelems(&d), 0);
	qn_dataset_fini(&d);
	assert_null(d.chunks);
	assert_int_equal(d.ndim, 0);
}

static void test_round_trip(void **state)
{
	struct qn_dataset d = make(), r;
	struct quern_message err = { 0 };
	size_t nbytes = 0;
	void *flat = qn_dataset_pack(&d, &nbytes);

	(void)state;
	assert_non_null(flat);
	assert_int_equal(qn_dataset_unpack(flat, nbytes, &r, &err), QUERN_OK);
	assert_string_equal(r.file, d.file);
	assert_string_equal(r.path, d.path);
	assert_string_equal(r.dim_name[1], "lon");
	assert_null(r.dim_name[0]);
	assert_string_equal(r.dim_scale[1], "/grid/lon");
	assert_null(r.dim_scale[0]);
	assert_string_equal(r.calendar, "noleap");
	assert_string_equal(r.units, "K");
	assert_memory_equal(r.shape, d.shape, sizeof(d.shape));
	assert_memory_equal(&r.filter, &d.filter, sizeof(d.filter));
	assert_memory_equal(&r.cf, &d.cf, sizeof(d.cf));
	assert_int_equal(r.nchunks, 0);
	assert_null(r.chunks);
	qn_dataset_fini(&r);
	qn_dataset_fini(&d);
	free(flat);
}

/* Cut short anywhere, a flat form is refused; damaged anywhere, it is refused or harmless. */
static void damage(struct qn_dataset d)
{
	struct qn_dataset r;
	size_t nbytes = 0;
	uint8_t *flat = qn_dataset_pack(&d, &nbytes), *copy = malloc(nbytes);

	assert_true(flat && copy);
	for (size_t n = 0; n < nbytes; n++) {
		struct quern_message err = { 0 };

		/* A block of its own, so that a checker sees a read past its end. */
		uint8_t *cut = malloc(n ? n : 1);

		assert_non_null(cut);
		memcpy(cut, flat, n);
		assert_int_equal(qn_dataset_unpack(cut, n, &r, &err), QUERN_ERR_DATA);
		free(cut);
	}
	for (size_t i = 0; i < nbytes; i++) {
		struct quern_message err = { 0 };

		memcpy(copy, flat, nbytes);
		copy[i] ^= 0xff;
		if (qn_dataset_unpack(copy, nbytes, &r, &err) == QUERN_OK)
			qn_dataset_fini(&r);
		else
			assert_true(err.text[0] != '\0');
	}
	free(copy);
	free(flat);
	qn_dataset_fini(&d);
}

static void test_damaged_flat_form(void **state)
{
	(void)state;
	damage(make());
	damage(make_records());
	damage(make_members());
}

/* Changes that make the description impossible. */
static void no_dims(struct qn_dataset *d)
{
	d->ndim = 0;
}
static void many_dims(struct qn_dataset *d)
{
	d->ndim = 33;
}
static void no_chunk(struct qn_dataset *d)
{
	d->chunk[1] = 0;
}
static void huge(struct qn_dataset *d)
{
	d->shape[0] = d->shape[1] = UINT64_C(1) << 31;
}
static void overflow(struct qn_dataset *d)
{
	d->shape[0] = d->shape[1] = UINT64_C(1) << 33;
}
static void huge_chunk(struct qn_dataset *d)
{
	d->chunk[0] = UINT64_C(1) << 32;
}
static void odd_int(struct qn_dataset *d)
{
	d->type.class = QN_INT, d->type.size = 3;
}
static void byte_float(struct qn_dataset *d)
{
	d->type.size = 1;
}
static void no_size(struct qn_dataset *d)
{
	d->type.class = QN_OTHER, d->type.size = 0;
}
static void many_filters(struct qn_dataset *d)
{
	d->nfilters = 33;
}
static void less_filters(struct qn_dataset *d)
{
	d->nfilters = -1;
}
static void many_params(struct qn_dataset *d)
{
	d->filter[0].nparams = 21;
}
static void endless_name(struct qn_dataset *d)
{
	memset(d->type.name, 'x', sizeof(d->type.name));
}
static void endless_units(struct qn_dataset *d)
{
	memset(d->units, 'x', sizeof(d->units));
}
static void many_missing(struct qn_dataset *d)
{
	d->cf.nmissing = QN_CF_MOST_MISSING + 1;
}
static void large_block(struct qn_dataset *d)
{
	d->user_block = 1001;
}
static void filtered_run(struct qn_dataset *d)
{
	d->layout = QN_CONTIGUOUS;
}
static void no_elements(struct qn_dataset *d)
{
	d->shape[1] = 0;
}
static void outside_grid(struct qn_dataset *d)
{
	d->chunks[2].number = 6;
}
static void twice(struct qn_dataset *d)
{
	d->chunks[1].number = 0;
}
static void backwards(struct qn_dataset *d)
{
	d->chunks[0].number = 4;
}
static void past_end(struct qn_dataset *d)
{
	d->chunks[1].addr = 921;
}
static void far_past_end(struct qn_dataset *d)
{
	d->chunks[1].addr = UINT64_MAX - 10;
}
static void empty_chunk(struct qn_dataset *d)
{
	d->chunks[0].nbytes = 0;
}
static void raw_size(struct qn_dataset *d)
{
	d->chunks[1].nbytes = 79;
}
static void no_list(struct qn_dataset *d)
{
	free(d->chunks), d->chunks = NULL;
}
static void no_name(struct qn_dataset *d)
{
	free(d->path), d->path = NULL;
}
static void elsewhere(struct qn_dataset *d)
{
	d->layout = QN_VIRTUAL, d->nfilters = 0;
}

static void cut_record(struct qn_dataset *d)
{
	d->chunk[3] = 2;
}
static void many_inner(struct qn_dataset *d)
{
	d->record.ndim = 5;
}
static void less_inner(struct qn_dataset *d)
{
	d->record.ndim = -1;
}
static void far_offset(struct qn_dataset *d)
{
	d->record.offset = 19;
}
static void far_stride(struct qn_dataset *d)
{
	d->record.stride[0] = UINT64_MAX - 3;
}
static void endless_array(struct qn_dataset *d)
{
	d->shape[3] = d->chunk[3] = UINT64_C(1) << 33;
}
static void no_record(struct qn_dataset *d)
{
	d->record.nbytes = 0;
}
static void record_size(struct qn_dataset *d)
{
	d->chunks[1].nbytes = 4 * 5 * 4;
}

static void test_check_records(void **state)
{
	static void (*const changes[])(struct qn_dataset *) = {
		cut_record, many_inner,	   less_inner, far_offset,
		far_stride, endless_array, no_record,  record_size,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct qn_dataset d = make_records();
		struct quern_message err = { 0 };

		changes[i](&d);
		if (qn_dataset_check(&d, &err) != QUERN_ERR_DATA)
			fail_msg("change %zu was not refused", i);
		qn_dataset_fini(&d);
	}
}

static void test_check(void **state)
{
	static void (*const changes[])(struct qn_dataset *) = {
		no_dims,       many_dims,    no_chunk,	   overflow,	 huge_chunk,   odd_int,
		byte_float,    no_size,	     many_filters, less_filters, many_params,  endless_name,
		endless_units, many_missing, large_block,  filtered_run, outside_grid, twice,
		backwards,     past_end,     far_past_end, empty_chunk,	 raw_size,     no_list,
		no_name,       elsewhere,    huge,	   no_elements,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct qn_dataset d = make();
		struct quern_message err = { 0 };

		assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
		changes[i](&d);
		if (qn_dataset_check(&d, &err) != QUERN_ERR_DATA)
			fail_msg("change %zu was not refused", i);
		assert_non_null(strstr(err.text, "a.nc"));
		qn_dataset_fini(&d);
	}
}

/* Runs of contiguous data are clipped where the dataset ends; chunks are not. */
static void test_raw_sizes(void **state)
{
	struct qn_dataset d = make();
	struct quern_message err = { 0 };

	(void)state;
	d.nfilters = 0;
	d.layout = QN_CONTIGUOUS;
	d.chunk[0] = 4;
	d.chunk[1] = 9;
	for (uint32_t i = 0; i < 3; i++)
		d.chunks[i] = (struct qn_chunk){ i, 512 + 144 * i, i < 2 ? 144 : 72, 0 };
	assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
	d.chunks[2].nbytes = 144;
	assert_int_equal(qn_dataset_check(&d, &err), QUERN_ERR_DATA);
	err.status = QUERN_OK;
	d.layout = QN_CHUNKED;
	assert_int_equal(qn_dataset_check(&d, &err), QUERN_OK);
	qn_dataset_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),		  cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged_flat_form), cmocka_unit_test(test_check),
		cmocka_unit_test(test_raw_sizes),	  cmocka_unit_test(test_records),
		cmocka_unit_test(test_members),		  cmocka_unit_test(test_check_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
