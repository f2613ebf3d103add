/*
 * CF attributes at the edges of their types; the feed's test covers the middle.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "feed/cf.h"

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Applies cf to n <= 64 values; returns the bits that are clear. */
static uint64_t missing(const struct qn_cf *cf, enum quern_dtype t, const void *values, size_t n)
{
	const uint64_t inside = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
	struct quern_var var = { .dtype = t, .values = values };
	struct qn_cf_plan p;
	uint64_t valid = 42;
	double out[64];

	qn_cf_plan_init(&p, cf, t);
	qn_cf_apply(&p, n, &valid, out, &var);
	if (!var.valid) {
		assert_int_equal(var.nmissing, 0);
		return 0;
	}
	assert_true((valid & ~inside) == 0);
	assert_int_equal(var.nmissing, __builtin_popcountll(~valid & inside));
	return ~valid & inside;
}

static void test_nothing(void **state)
{
	const struct qn_cf cf = { 0 };
	const int16_t x[2] = { 1, 2 };

	(void)state;
	assert_true(missing(&cf, QUERN_I16, x, 2) == 0);
}

/* Attributes that the type cannot hold must not wrap around into it. */
static void test_outside_of_the_type(void **state)
{
	const int16_t x[3] = { 0, 4464, -1 };
	const uint8_t u[3] = { 0, 255, 44 };
	struct qn_cf cf = { .has_fill = true, .fill = 70000 };

	(void)state;
	assert_true(missing(&cf, QUERN_I16, x, 3) == 0);
	cf.fill = 300;
	assert_true(missing(&cf, QUERN_U8, u, 3) == 0);
	cf = (struct qn_cf){ .has_min = true, .valid_min = (uint64_t)-70000 };
	assert_true(missing(&cf, QUERN_I16, x, 3) == 0);
	cf.valid_min = 70000;
	assert_true(missing(&cf, QUERN_I16, x, 3) == 7);
	cf = (struct qn_cf){ .has_max = true, .valid_max = 70000 };
	assert_true(missing(&cf, QUERN_I16, x, 3) == 0);
	cf.valid_max = (uint64_t)-70000;
	assert_true(missing(&cf, QUERN_I16, x, 3) == 7);
}

static void test_extremes(void **state)
{
	const int64_t x[3] = { INT64_MIN, 0, INT64_MAX };
	const uint64_t u[3] = { 0, UINT64_MAX, UINT64_C(1) << 63 };
	struct qn_cf cf = { .has_fill = true, .fill = (uint64_t)INT64_MIN };

	(void)state;
	assert_true(missing(&cf, QUERN_I64, x, 3) == 1);
	assert_true(missing(&cf, QUERN_U64, u, 3) == 4);
	cf = (struct qn_cf){ .has_max = true, .valid_max = (uint64_t)INT64_MAX };
	assert_true(missing(&cf, QUERN_I64, x, 3) == 0);
	assert_true(missing(&cf, QUERN_U64, u, 3) == 6);
	cf = (struct qn_cf){ .has_min = true, .valid_min = 1 };
	assert_true(missing(&cf, QUERN_I64, x, 3) == 3);
	assert_true(missing(&cf, QUERN_U64, u, 3) == 1);
}

static void test_floats(void **state)
{
	const float x[6] = { 1e20f, -0.0f, NAN, INFINITY, -INFINITY, 1 };
	struct qn_cf cf = { .has_fill = true, .fill = bits_of((double)1e20f) };

	(void)state;
	assert_true(missing(&cf, QUERN_F32, x, 6) == 1);
	cf.fill = bits_of(0.0);
	assert_true(missing(&cf, QUERN_F32, x, 6) == 2);
	cf.fill = bits_of(NAN);
	assert_true(missing(&cf, QUERN_F32, x, 6) == 0);
	/* NaN is not outside of a range; infinity is. */
	cf = (struct qn_cf){
		.has_min = true,
		.valid_min = bits_of(-1),
		.has_max = true,
		.valid_max = bits_of(1),
	};
	assert_true(missing(&cf, QUERN_F32, x, 6) == 25);
}

/* Two roundings, whatever the instruction set offers. */
static void test_no_fused_multiply(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	const struct qn_cf cf = { .has_scale = true, .scale = 0.1, .offset = -0.3 };
	int16_t x[100];
	double out[100];
	uint64_t valid[2];

	(void)state;
	for (int i = 0; i < 100; i++)
		x[i] = (int16_t)(i - 50);
	for (int l = 0; l < 3; l++) {
		struct quern_var var = { .dtype = QUERN_I16, .values = x };
		struct qn_cf_plan p;

		qn_cpu_choose(level[l]);
		qn_cf_plan_init(&p, &cf, QUERN_I16);
		qn_cf_apply(&p, 100, valid, out, &var);
		assert_true(var.dtype == QUERN_F64 && var.values == out && !var.valid);
		for (int i = 0; i < 100; i++) {
			volatile double product = (double)x[i] * 0.1, want = product + -0.3;

			assert_true(out[i] == want);
		}
	}
	qn_cpu_choose(NULL);
}

/* Attributes in float32: so are the values, where they fit. */
static void test_single(void **state)
{
	static const char *const level[] = { "baseline", "avx2", "avx512" };
	const struct qn_cf cf = {
		.has_scale = true, .single = true, .scale = 0.1f, .offset = 1.7f
	};
	int16_t x[100];
	int32_t wide[1] = { 255 };
	double out[100];
	uint64_t valid[2];

	(void)state;
	for (int i = 0; i < 100; i++)
		x[i] = (int16_t)(i * 655 - 32768);
	for (int l = 0; l < 3; l++) {
		struct quern_var var = { .dtype = QUERN_I16, .values = x };
		struct qn_cf_plan p;

		qn_cpu_choose(level[l]);
		qn_cf_plan_init(&p, &cf, QUERN_I16);
		qn_cf_apply(&p, 100, valid, out, &var);
		for (int i = 0; i < 100; i++) {
			volatile float product = (float)x[i] * 0.1f, want = product + 1.7f;

			assert_true(out[i] == (double)want);
		}
		var = (struct quern_var){ .dtype = QUERN_I32, .values = wide };
		qn_cf_plan_init(&p, &cf, QUERN_I32);
		qn_cf_apply(&p, 1, valid, out, &var);
		assert_true(out[0] == 255 * (double)0.1f + (double)1.7f);
	}
	qn_cpu_choose(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_outside_of_the_type),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_no_fused_multiply),
		cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
