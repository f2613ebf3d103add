/* Slabs, and the tables of a catalog: what was packed is what is parsed, and what is impossible is
   refused, be it damaged or made so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/catalog.h"
#include "stage/slabs.h"

/* --- slabs --- */

static void cut(const uint64_t *weight, uint64_t n, uint64_t nslabs, const uint64_t *want)
{
	uint64_t bound[16];

	qn_slabs_cut(weight, n, nslabs, bound);
	for (uint64_t i = 0; i <= nslabs; i++)
		assert_int_equal(bound[i], want[i]);
}

static void slabs_are_equal_and_never_empty(void **state)
{
	const uint64_t same[8] = { 5, 5, 5, 5, 5, 5, 5, 5 };
	const uint64_t first[6] = { 100, 1, 1, 1, 1, 1 }, last[6] = { 1, 1, 1, 1, 1, 100 };
	const uint64_t huge[4] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };

	(void)state;
	cut(same, 8, 4, (const uint64_t[]){ 0, 2, 4, 6, 8 });
	cut(same, 8, 8, (const uint64_t[]){ 0, 1, 2, 3, 4, 5, 6, 7, 8 });
	cut(same, 8, 1, (const uint64_t[]){ 0, 8 });
	cut(first, 6, 3, (const uint64_t[]){ 0, 1, 2, 6 });
	cut(last, 6, 3, (const uint64_t[]){ 0, 4, 5, 6 });
	cut(huge, 4, 2, (const uint64_t[]){ 0, 2, 4 });
}

static void slabs_go_along_the_dimension_with_the_most_chunks(void **state)
{
	struct qn_dataset d = { .ndim = 3,
				.layout = QN_CHUNKED,
				.shape = { 10, 40, 7 },
				.chunk = { 5, 4, 7 },
				.type = { .size = 4 } };
	uint64_t weight[10];
	struct qn_chunk chunk[] = { { .number = 0, .nbytes = 100 }, { .number = 19, .nbytes = 7 } };

	(void)state;
	assert_int_equal(qn_slabs_dim(&d), 1);
	assert_int_equal(qn_slabs_nplaces(&d, 1), 10);
	assert_true(qn_slabs_can(&d, 2) && !qn_slabs_can(&d, 3) && !qn_slabs_can(&d, -1));
	d.chunks = chunk;
	d.nchunks = 2;
	qn_slabs_weigh(&d, 1, weight);
	assert_int_equal(weight[0], 101);
	assert_int_equal(weight[5], 1);
	assert_int_equal(weight[9], 8);
	/* In one piece: along the first dimension that has several indexes. */
	d.layout = QN_CONTIGUOUS;
	d.shape[0] = 1;
	assert_int_equal(qn_slabs_dim(&d), 1);
	assert_true(qn_slabs_can(&d, 1) && !qn_slabs_can(&d, 2));
	assert_int_equal(qn_slabs_nplaces(&d, 1), 40);
}

static void chunks_are_numbered_anew_in_a_slab(void **state)
{
	struct qn_dataset d = {
		.ndim = 2, .layout = QN_CHUNKED, .shape = { 12, 20 }, .chunk = { 4, 5 }
	};
	uint64_t n = 99;

	(void)state; /* a grid of 3 x 4 */
	assert_true(qn_slabs_number(&d, 1, 2, 2, 1 * 4 + 3, &n));
	assert_int_equal(n, 1 * 2 + 1);
	assert_false(qn_slabs_number(&d, 1, 2, 2, 1 * 4 + 1, &n));
	assert_true(qn_slabs_number(&d, 0, 1, 2, 2 * 4 + 3, &n));
	assert_int_equal(n, 1 * 4 + 3);
}

/* --- catalogs --- */

/* Two datasets of two shards each, with two chunks in each of them. */
static void make(struct qn_catalog *c)
{
	memset(c, 0, sizeof(*c));
	c->file = strdup("dir/data.nc");
	c->source = strdup("/from/data.nc");
	c->source_nbytes = 1000;
	c->source_mtime_ns = -5;
	c->nreplicas = 2;
	c->time_ns = 1234567890123;
	c->nhosts = 3;
	c->host = calloc(3, sizeof(*c->host));
	strcpy(c->host[0], "n1");
	strcpy(c->host[1], "n2");
	c->ndatasets = 2;
	c->path = calloc(2, sizeof(*c->path));
	c->path[0] = strdup("/a");
	c->path[1] = strdup("/g/b");
	c->nshards = 4;
	c->shard = calloc(4, sizeof(*c->shard));
	c->nentries = 8;
	c->entry = calloc(8, sizeof(*c->entry));
	for (uint32_t i = 0; i < 4; i++) {
		c->shard[i] = (struct qn_shard){ .dataset = i / 2,
						 .dim = 1,
						 .start = i % 2 * 10,
						 .count = 10,
						 .nbytes = 500 + i,
						 .first = 2 * i,
						 .nchunks = 2,
						 .nhomes = 2,
						 .home = { i % 2, 1 - i % 2 },
						 .chunk = { 3, 5 } };
		c->shard[i].sum.byte[0] = (uint8_t)i;
	}
	for (uint32_t i = 0; i < 8; i++) {
		c->entry[i].chunk = (struct qn_chunk){
			.number = i % 2, .addr = 100 + i, .nbytes = 9, .filter_mask = i
		};
		c->entry[i].sum.byte[15] = (uint8_t)(200 + i);
	}
}

static void a_catalog_survives_packing(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_catalog c, d;
	size_t nbytes;
	void *flat;
	char *file;

	(void)state;
	make(&c);
	c.at[4] = 77;
	flat = qn_catalog_flatten(&c, &nbytes, &err);
	assert_non_null(flat);
	assert_int_equal(qn_catalog_unflatten(flat, nbytes, &d, &err), QUERN_OK);
	assert_string_equal(d.file, "dir/data.nc");
	assert_string_equal(d.source, "/from/data.nc");
	assert_string_equal(d.path[1], "/g/b");
	assert_string_equal(d.host[1], "n2");
	assert_int_equal(d.at[4], 77);
	assert_true(d.source_mtime_ns == -5 && d.time_ns == 1234567890123);
	assert_memory_equal(d.shard, c.shard, 4 * sizeof(*c.shard));
	assert_memory_equal(d.entry, c.entry, 8 * sizeof(*c.entry));
	file = qn_catalog_file_of(&d, 3);
	assert_string_equal(file, "dir/data.nc.shards/d1.s0001.h5");
	free(file);
	free(flat);
	qn_catalog_fini(&d);
	qn_catalog_fini(&c);
}

static void every_damaged_byte_is_found(void **state)
{
	struct qn_catalog c, d;
	struct qn_tables t;

	(void)state;
	make(&c);
	assert_int_equal(qn_catalog_pack(&c, &t, NULL), QUERN_OK);
	for (int i = 0; i < QN_NTABLES; i++)
		for (uint64_t k = 0; k < t.nbytes[i]; k++) {
			((uint8_t *)t.data[i])[k] ^= 0x10;
			/* What the head has behind its last word means nothing, but is summed. */
			assert_int_equal(qn_catalog_parse("f", &t, &d, NULL), QUERN_ERR_DATA);
			((uint8_t *)t.data[i])[k] ^= 0x10;
		}
	for (int i = 0; i < QN_NTABLES; i++) {
		t.nbytes[i]--;
		assert_int_equal(qn_catalog_parse("f", &t, &d, NULL), QUERN_ERR_DATA);
		t.nbytes[i]++;
	}
	assert_int_equal(qn_catalog_parse("f", &t, &d, NULL), QUERN_OK);
	qn_catalog_fini(&d);
	qn_tables_fini(&t);
	qn_catalog_fini(&c);
}

/* With sums that are right. */
static void refused(struct qn_catalog *c)
{
	struct qn_tables t;
	struct qn_catalog d;

	assert_int_equal(qn_catalog_pack(c, &t, NULL), QUERN_OK);
	assert_int_equal(qn_catalog_parse("f", &t, &d, NULL), QUERN_ERR_DATA);
	qn_tables_fini(&t);
	qn_catalog_fini(c);
	make(c);
}

static void what_is_impossible_is_refused(void **state)
{
	struct qn_catalog c;

	(void)state;
	make(&c);
	c.shard[1].start = 11;
	refused(&c);
	c.shard[0].start = 1;
	refused(&c);
	c.shard[1].count = UINT64_MAX;
	refused(&c);
	c.shard[2].count = 0;
	refused(&c);
	c.shard[2].dataset = 7;
	refused(&c);
	c.shard[3].dim = QUERN_MAX_DIMS;
	refused(&c);
	c.shard[1].dim = 0;
	refused(&c);
	c.shard[3].nchunks = 3;
	refused(&c);
	c.shard[3].nchunks = 1;
	refused(&c);
	c.shard[3].first = UINT64_MAX;
	refused(&c);
	c.shard[0].nhomes = QN_MOST_REPLICAS + 1;
	refused(&c);
	c.shard[0].home[1] = 3;
	refused(&c);
	c.shard[0].nbytes = UINT64_MAX;
	refused(&c);
	c.nreplicas = 0;
	refused(&c);
	c.nreplicas = QN_MOST_REPLICAS + 1;
	refused(&c);
	c.path[0][0] = 'x';
	refused(&c);
	c.path[0][0] = '\0';
	refused(&c);
	c.host[0][1] = '\n';
	refused(&c);
	memset(c.host[2], 'x', QN_HOST_NBYTES);
	refused(&c);
	c.nshards = 0;
	refused(&c);
	qn_catalog_fini(&c);
}

int main(void)
{
	const struct CMUnitTest slabs[] = {
		cmocka_unit_test(slabs_are_equal_and_never_empty),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slabs_are_equal_and_never_empty),
		cmocka_unit_test(slabs_go_along_the_dimension_with_the_most_chunks),
		cmocka_unit_test(chunks_are_numbered_anew_in_a_slab),
		cmocka_unit_test(a_catalog_survives_packing),
		cmocka_unit_test(every_damaged_byte_is_found),
		cmocka_unit_test(what_is_impossible_is_refused),
	};

	if (qn_sum_check(NULL)) /* a build without sums has no catalogs */
		return cmocka_run_group_tests_name("slabs", slabs, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
