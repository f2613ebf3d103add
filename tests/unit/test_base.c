/*
 * The lowest layer: error records, checked sizes, aligned memory, CPU levels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/mem.h"

static void test_first_error_stays(void **state)
{
	struct quern_message err = { 0 };

	(void)state;
	assert_int_equal(qn_error_set(&err, QUERN_ERR_DATA, "chunk %d", 3), QUERN_ERR_DATA);
	assert_int_equal(qn_error_set(&err, QUERN_ERR_RUN, "later"), QUERN_ERR_RUN);
	assert_int_equal(err.status, QUERN_ERR_DATA);
	assert_string_equal(err.text, "chunk 3");
	assert_int_equal(qn_error_set(NULL, QUERN_ERR_USAGE, "nobody asks"), QUERN_ERR_USAGE);
}

static void test_long_error(void **state)
{
	struct quern_message err = { 0 };
	char text[2 * QN_ERROR_NBYTES];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	quern_message_set(&err, QUERN_ERR_USAGE, "%s", text);
	assert_int_equal(strlen(err.text), QN_ERROR_NBYTES - 1);
}

static void test_nomem(void **state)
{
	struct quern_message err = { 0 };

	(void)state;
	assert_int_equal(qn_error_nomem(&err, 77, "a chunk"), QUERN_ERR_RUN);
	assert_string_equal(err.text, "cannot allocate 77 bytes for a chunk");
}

static void test_checked_sizes(void **state)
{
	const uint64_t big[3] = { UINT64_MAX, 2, 0 }, small[3] = { 2, 3, 5 };
	uint64_t r = 42;

	(void)state;
	assert_false(qn_mul(UINT64_MAX, 2, &r));
	assert_false(qn_add(UINT64_MAX, 1, &r));
	assert_false(qn_product(big, 2, &r));
	assert_true(r == 42);
	assert_true(qn_product(big, 3, &r) && r == 0);
	assert_true(qn_product(small, 3, &r) && r == 30);
	assert_true(qn_product(NULL, 0, &r) && r == 1);
	assert_true(qn_ceil_div(UINT64_MAX, 2) == UINT64_MAX / 2 + 1);
	assert_true(qn_ceil_div(6, 3) == 2);
}

static void test_memory(void **state)
{
	uint8_t *p = qn_calloc(0, SIZE_MAX), *q = qn_alloc_aligned(0);
	uint8_t *r = qn_calloc(3, 5), *s = qn_alloc_aligned(1000);

	(void)state;
	assert_true(p && q && r && s);
	assert_true((uintptr_t)q % 64 == 0 && (uintptr_t)s % 64 == 0);
	for (int i = 0; i < 15; i++)
		assert_int_equal(r[i], 0);
	memset(s, 1, 1000);
	assert_null(qn_alloc_aligned(SIZE_MAX));
	free(p);
	free(q);
	free(r);
	free(s);
}

static void test_levels(void **state)
{
	enum qn_cpu best;

	(void)state;
	unsetenv("QUERN_CPU");
	best = qn_cpu_level();
	setenv("QUERN_CPU", "baseline", 1);
	assert_int_equal(qn_cpu_level(), QN_CPU_BASELINE);
	setenv("QUERN_CPU", "avx2", 1);
	assert_true(qn_cpu_level() <= QN_CPU_AVX2);
	setenv("QUERN_CPU", "avx512", 1);
	assert_int_equal(qn_cpu_level(), best);
	setenv("QUERN_CPU", "what", 1);
	assert_int_equal(qn_cpu_level(), best);
	unsetenv("QUERN_CPU");
	assert_string_equal(qn_cpu_name(QN_CPU_AVX2), "avx2");
}

#if defined(__x86_64__)
#include <xmmintrin.h>

static void test_fp(void **state)
{
	volatile double tiny = 0x1p-1022, one = 1, half_ulp = 0x1p-53;

	(void)state;
	/* Flush to zero, denormals are zero, round up: what a foreign library may leave. */
	_mm_setcsr(_mm_getcsr() | 0x8040 | 0x4000);
	qn_cpu_reset_fp();
	assert_true(tiny / 2 != 0);
	assert_true(one + half_ulp == one);
	assert_int_equal(_mm_getcsr() & 0xe040, 0);
}
#else
static void test_fp(void **state)
{
	(void)state;
	qn_cpu_reset_fp();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_error_stays),
		cmocka_unit_test(test_long_error),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_checked_sizes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_fp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
