/*
 * test_kernel.c - validity and packing of tiles, keys, positions, and states made of segments.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/least.h"
#include "kernel/kernel.h"
#include "kernel/tile.h"

#define MAX_NELEMS 300
#define GUARD	   0xa5

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

struct case_of_var {
	unsigned char values[8 * MAX_NELEMS + 1];
	uint64_t valid[MAX_NELEMS / 64 + 1];
	struct quern_var var;
};

/* Random bytes; in one of 2^sparsity elements the value is missing, in as many it is NaN. */
static void make_var(struct case_of_var *c, enum quern_dtype t, size_t nelems, int sparsity,
		     uint64_t *seed)
{
	const float nanf32 = NAN;
	const double nanf64 = NAN;
	const uint64_t mask = (UINT64_C(1) << sparsity) - 1;

	memset(c, 0, sizeof(*c));
	c->var = (struct quern_var){ .dtype = t, .values = c->values + 1, .valid = c->valid };
	for (size_t i = 0; i < nelems; i++) {
		uint64_t x = next_random(seed), y = next_random(seed);
		unsigned char *p = c->values + 1 + i * qn_dtype_size(t);

		memcpy(p, &x, qn_dtype_size(t));
		if (qn_dtype_is_float(t) && (y >> 32 & mask) == 0)
			memcpy(p, t == QUERN_F32 ? (const void *)&nanf32 : &nanf64,
			       qn_dtype_size(t));
		if ((y & mask) != 0)
			c->valid[i / 64] |= UINT64_C(1) << i % 64;
		else
			c->var.nmissing++;
	}
}

static bool is_nan_at(const struct quern_var *v, size_t i)
{
	float f;
	double d;

	memcpy(&f, (const char *)v->values + 4 * i, v->dtype == QUERN_F32 ? 4 : 0);
	memcpy(&d, (const char *)v->values + 8 * i, v->dtype == QUERN_F64 ? 8 : 0);
	return v->dtype == QUERN_F32 ? isnan(f) : v->dtype == QUERN_F64 && isnan(d);
}

/* The bitmap of a variable by the plainest way; returns the number of elements left. */
static size_t plain_mark(const struct quern_var *v, size_t n, bool drop_nan, uint64_t *valid)
{
	size_t nvalid = 0;

	memset(valid, 0, (n + 63) / 64 * sizeof(*valid));
	for (size_t i = 0; i < n; i++) {
		if (v->valid && !(v->valid[i / 64] >> i % 64 & 1))
			continue;
		if (drop_nan && is_nan_at(v, i))
			continue;
		valid[i / 64] |= UINT64_C(1) << i % 64;
		nvalid++;
	}
	return nvalid;
}

static void check_var(const struct quern_var *v, size_t n, bool drop_nan)
{
	const size_t size = qn_dtype_size(v->dtype);
	uint64_t expect[MAX_NELEMS / 64 + 1], valid[MAX_NELEMS / 64 + 1];
	size_t nvalid = plain_mark(v, n, drop_nan, expect), k = 0;
	unsigned char *out = malloc(n * size + 1);

	assert_int_equal(qn_tile_mark(v, n, drop_nan, valid), n - nvalid);
	assert_memory_equal(valid, expect, (n + 63) / 64 * 8);
	out[n * size] = GUARD;
	assert_int_equal(qn_tile_pack(v, n, drop_nan, out), nvalid);
	assert_int_equal(out[n * size], GUARD);
	for (size_t i = 0; i < n; i++) {
		if (expect[i / 64] >> i % 64 & 1)
			assert_memory_equal(out + size * k++, (const char *)v->values + size * i,
					    size);
	}
	free(out);
}

static void check_tiles_of_type(enum quern_dtype t, uint64_t *seed)
{
	struct case_of_var c;

	for (size_t n = 1; n <= MAX_NELEMS; n += 1 + n / 40) {
		make_var(&c, t, n, (int)(n % 7), seed);
		check_var(&c.var, n, false);
		check_var(&c.var, n, true);
		c.var.valid = NULL;
		c.var.nmissing = 0;
		check_var(&c.var, n, false);
		check_var(&c.var, n, true);
	}
}

static void test_pack_and_mark(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int l = 0; l < 3; l++) {
		qn_cpu_choose(level[l]);
		for (int t = 0; t < QUERN_NDTYPES; t++)
			check_tiles_of_type((enum quern_dtype)t, &seed);
	}
	qn_cpu_choose(NULL);
}

static void test_keys(void **state)
{
	static const double x[] = { -INFINITY, -1e308, -1, -5e-324, -0.0,
				    0.0,       5e-324, 1,  1e308,   INFINITY };
	static const size_t n = sizeof(x) / sizeof(x[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		double back = qn_key_to_double(qn_key_from_double(x[i]));

		assert_memory_equal(&back, &x[i], sizeof(back));
		if (i > 0)
			assert_true(qn_key_from_double(x[i - 1]) < qn_key_from_double(x[i]));
	}
	assert_true(qn_key_from_double(copysign(NAN, 1)) > qn_key_from_double(INFINITY));
	assert_true(qn_key_from_double(copysign(NAN, -1)) < qn_key_from_double(-INFINITY));
	assert_true(qn_key_from_uint(0) == INT64_MIN);
	assert_true(qn_key_from_uint(UINT64_MAX) == INT64_MAX);
	assert_true(qn_key_to_uint(qn_key_from_uint(12345)) == 12345);
}

static void test_positions(void **state)
{
	static const uint64_t shape[] = { 7, 5, 11 };
	static const struct quern_box box = {
		.ndim = 3, .start = { 1, 2, 3 }, .count = { 3, 1, 4 }, .step = { 2, 1, 2 }
	};
	uint64_t coord[3], i = 0;

	(void)state;
	qn_unravel(2 * 55 + 4 * 11 + 10, 3, shape, coord);
	assert_int_equal(coord[0], 2);
	assert_int_equal(coord[1], 4);
	assert_int_equal(coord[2], 10);
	assert_int_equal(qn_ravel(3, shape, coord), 2 * 55 + 4 * 11 + 10);
	for (uint64_t a = 1; a <= 5; a += 2)
		for (uint64_t b = 3; b <= 9; b += 2)
			assert_int_equal(qn_box_index(&box, i++, shape), a * 55 + 2 * 11 + b);
}

/* A kernel that has only a layout: what self points to. */
struct segments {
	int n;
	struct quern_segment segment[QUERN_MAX_SEGMENTS];
};

static int layout(const void *self, struct quern_segment *segments)
{
	const struct segments *s = self;

	memcpy(segments, s->segment, sizeof(s->segment));
	return s->n;
}

static const struct quern_kernel only_layout = { .name = "test", .layout = layout };

static void test_layout_checks(void **state)
{
	struct segments none = { .n = 0 }, many = { .n = QUERN_MAX_SEGMENTS + 1 };
	struct segments odd = { 1, { { .op = QUERN_MINLOC, .nwords = 3 } } };
	struct segments unknown = { 1, { { .op = (enum quern_op)9, .nwords = 2 } } };
	struct segments huge = { 2,
				 { { .op = QUERN_SUM, .nwords = SIZE_MAX / 8 },
				   { .op = QUERN_SUM, .nwords = SIZE_MAX / 8 } } };
	struct segments narrow = { 1, { { .op = QUERN_LEAST, .nwords = 3, .width = 1 } } };
	struct segments uneven = { 1, { { .op = QUERN_LEAST, .nwords = 10, .width = 3 } } };
	struct segments no_list = { 1, { { .op = QUERN_LEAST, .width = 3 } } };
	struct segments wide = { 1, { { .op = QUERN_SUM, .nwords = 4, .width = 2 } } };
	const void *bad[] = {
		&none, &many, &odd, &unknown, &huge, &narrow, &uneven, &no_list, &wide
	};
	struct qn_layout_of_state l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct quern_message err = { .status = QUERN_OK };

		assert_int_equal(qn_state_layout(&only_layout, bad[i], &l, &err), QUERN_ERR_RUN);
		assert_int_equal(err.status, QUERN_ERR_RUN);
	}
}

static void test_merge(void **state)
{
	struct segments s = { 5,
			      { { .op = QUERN_SUM, .nwords = 2 },
				{ .op = QUERN_MIN, .nwords = 1 },
				{ .op = QUERN_MAX, .nwords = 1 },
				{ .op = QUERN_MINLOC, .nwords = 4 },
				{ .op = QUERN_MAXLOC, .nwords = 4 } } };
	const int64_t a[] = { 1, -5, 3, 3, 7, 10, 8, 4, 7, 10, 8, 4 };
	const int64_t b[] = { 2, -6, 4, 4, 7, 9, 9, 1, 7, -2, 9, 1 };
	const int64_t both[] = { 3, -11, 3, 4, 7, 9, 8, 4, 7, 10, 9, 1 };
	int64_t identity[12], sum[12];
	struct qn_layout_of_state l;

	(void)state;
	assert_int_equal(qn_state_layout(&only_layout, &s, &l, NULL), QUERN_OK);
	assert_int_equal(l.nwords, 12);
	qn_state_identity(&l, identity);
	memcpy(sum, a, sizeof(sum));
	qn_state_merge(&l, sum, identity);
	assert_memory_equal(sum, a, sizeof(sum));
	qn_state_merge(&l, sum, b);
	assert_memory_equal(sum, both, sizeof(sum));
	memcpy(sum, b, sizeof(sum));
	qn_state_merge(&l, sum, a);
	assert_memory_equal(sum, both, sizeof(sum));
}

/* Entries of two words of key; those of one list and of the other, in order, and the least three. */
static void test_merge_lists(void **state)
{
	struct segments s = { 1, { { .op = QUERN_LEAST, .nwords = 9, .width = 3 } } };
	const int64_t a[] = { 5, 0, 9, 2, 7, 3, 1, 1, 4 }, b[] = { 2, 7, 2, 1, 2, 0, 1, 1, 8 };
	const int64_t both[] = { 1, 2, 0, 1, 1, 8, 1, 1, 4 };
	int64_t list[9], identity[9];
	struct qn_layout_of_state l;

	(void)state;
	assert_int_equal(qn_state_layout(&only_layout, &s, &l, NULL), QUERN_OK);
	qn_state_identity(&l, identity);
	assert_true(qn_least_is_empty(identity, 3));
	memcpy(list, a, sizeof(list));
	qn_state_merge(&l, list, identity);
	assert_memory_equal(list, a, sizeof(list));
	qn_state_merge(&l, list, b);
	assert_memory_equal(list, both, sizeof(list));
	memcpy(list, b, sizeof(list));
	qn_state_merge(&l, list, a);
	assert_memory_equal(list, both, sizeof(list));
	/* By hand, in another order; the heap keeps three. */
	for (int i = 0; i < 3; i++) {
		qn_least_offer(identity, 9, 3, b + (size_t)(3 * ((i + 1) % 3)));
		qn_least_offer(identity, 9, 3, a + (size_t)(3 * i));
	}
	qn_least_sort(identity, 9, 3);
	assert_memory_equal(identity, both, sizeof(both));
}

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; qn_kernels[i]; i++)
		assert_ptr_equal(qn_kernel_find(qn_kernels[i]->name), qn_kernels[i]);
	assert_null(qn_kernel_find("no such kernel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack_and_mark), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_positions),     cmocka_unit_test(test_layout_checks),
		cmocka_unit_test(test_merge),	      cmocka_unit_test(test_find),
		cmocka_unit_test(test_merge_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
