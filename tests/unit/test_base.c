/*
 * The lowest layer: error records, checked sizes, aligned memory, CPU levels.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/real.h"
#include "base/system.h"
#include "random.h"
#include "tests/testing/plan.h"

/* Nothing but regular files, and none is waited for. */
static void test_regular_files(void **state)
{
	char dir[] = "/tmp/test_base.XXXXXX";
	size_t n = 0;
	struct stat st;
	char *text;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(symlink("file", "link"), 0);
	fd = open("file", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
	assert_int_equal(qn_file_open("pipe", NULL), -1);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(qn_file_open(".", NULL), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(qn_file_open("/dev/zero", NULL), -1);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(qn_file_open("none", NULL), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(qn_file_open_own("link", NULL), -1);
	assert_int_equal(errno, ELOOP);
	fd = qn_file_open("link", &st);
	assert_true(fd >= 0);
	assert_int_equal(st.st_size, 4);
	close(fd);
	text = qn_file_load("link", 4, &n);
	assert_string_equal(text, "text");
	assert_int_equal(n, 4);
	free(text);
	assert_null(qn_file_load("file", 3, &n));
	assert_int_equal(errno, EFBIG);
	assert_int_equal(unlink("pipe") | unlink("link") | unlink("file"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(qn_file_status(EACCES), QUERN_ERR_DENIED);
	assert_int_equal(qn_file_status(EMFILE), QUERN_ERR_RUN);
	assert_int_equal(qn_file_status(ENOENT), QUERN_ERR_DATA);
}

/* Whatever the places of source and target: in the buffer, aligned, and not just behind the
   source. */
static void test_place(void **state)
{
	_Alignas(64) static uint8_t buffer[4096 + QN_PLACE_NBYTES];

	(void)state;
	for (uint8_t *b = buffer; b < buffer + 4096; b += 16)
		for (uint64_t i = 0; i < 4096; i++) {
			uint64_t offset = (UINT64_C(1) << 40) + i;
			uint8_t *p = qn_file_place(b, offset);
			uint64_t behind = ((uintptr_t)p - offset) % 4096;

			assert_in_range(p - b, 0, QN_PLACE_NBYTES - 16);
			assert_int_equal((p - b) % 16, 0);
			assert_true(behind >= 32 && behind % 32 != 0);
		}
}

static void test_first_error_stays(void **state)
{
	struct quern_message err = { .reason = QN_HELD };

	(void)state;
	assert_int_equal(qn_error_set(&err, QUERN_ERR_DATA, "chunk %d", 3), QUERN_ERR_DATA);
	assert_int_equal(qn_error_set(&err, QUERN_ERR_RUN, "later"), QUERN_ERR_RUN);
	assert_int_equal(err.reason, QN_NO_REASON);
	assert_int_equal(err.status, QUERN_ERR_DATA);
	assert_string_equal(err.text, "chunk 3");
	assert_int_equal(qn_error_set(NULL, QUERN_ERR_USAGE, "nobody asks"), QUERN_ERR_USAGE);
}

static void test_long_error(void **state)
{
	struct quern_message err = { 0 };
	char text[2 * QN_ERROR_NBYTES];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
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

/* A character that the locale "C" has not cannot be printed: what is freed then is no rest of the stack. */
static void test_failed_text(void **state)
{
	char rest, *text = &rest;

	(void)state;
	assert_true(qn_asprintf(&text, "%lc", (wint_t)0x20ac) < 0);
	assert_null(text);
}

static void test_levels(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	enum qn_cpu best;

	(void)state;
	unsetenv("QUERN_CPU");
	assert_int_equal(qn_cpu_check(&err), QUERN_OK);
	best = qn_cpu_level();
	setenv("QUERN_CPU", "baseline", 1);
	assert_int_equal(qn_cpu_level(), best);
	assert_int_equal(qn_cpu_check(&err), QUERN_OK);
	assert_int_equal(qn_cpu_level(), QN_CPU_BASELINE);
	setenv("QUERN_CPU", "avx2", 1);
	assert_int_equal(qn_cpu_check(&err), QUERN_OK);
	assert_true(qn_cpu_level() <= QN_CPU_AVX2);
	setenv("QUERN_CPU", "avx512", 1);
	assert_int_equal(qn_cpu_check(&err), QUERN_OK);
	assert_int_equal(qn_cpu_level(), best);
	setenv("QUERN_CPU", "what", 1);
	assert_int_equal(qn_cpu_check(&err), QUERN_ERR_USAGE);
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

static void test_delays(void **state)
{
	static const struct {
		const char *setting;
		uint64_t ns;
	} rows[] = {
		{ "", 0 },
		{ "n3", 0 },
		{ "n3:7", 7 },
		{ "n4:7", 0 },
		{ "n4:7,n3:8", 8 },
		{ "n4:7,*:9,n3:8", 9 },
		{ "12:5", 5 },
		{ "1:6,12:5", 5 },
		{ "n:1,n33:2", 0 },
		{ "n3,12:4", 4 },
		{ ",,n4:1,,n3:2,", 2 },
		{ "n3:99999999999", 1000000000 },
		{ "n4:7x,n3:8", 8 },
		{ ":3", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(test_delay(rows[i].setting, "n3", "12"), rows[i].ns);
	assert_int_equal(test_delay("n3:1,12:2", NULL, NULL), 0);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads that end with the file, and ones that are slowed down; no upper limit of time is certain. */
static void test_file(void **state)
{
	char name[] = "file.XXXXXX", bytes[100];
	int fd = mkstemp(name);
	double start;

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	assert_int_equal(qn_sys_read_data(fd, bytes, 4, 3), 4);
	assert_memory_equal(bytes, "3456", 4);
	assert_int_equal(qn_sys_read_data(fd, bytes, sizeof(bytes), 8), 2);
	assert_int_equal(qn_sys_read_data(fd, bytes, sizeof(bytes), 50), 0);
	assert_int_equal(ftruncate(fd, sizeof(bytes)), 0);
	setenv("QUERN_TEST_READ_DELAY", "*:10000000", 1);
	start = seconds_now();
	for (int i = 0; i < 5; i++)
		assert_int_equal(qn_sys_read_data(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_true(seconds_now() - start > 0.9 * 500 * 10e6 / 1024 * 1e-9 - 1e-3);
	unsetenv("QUERN_TEST_READ_DELAY");
	close(fd);
	assert_int_equal(qn_sys_read_data(fd, bytes, 1, 0), -1);
}

static void test_reals(void **state)
{
	static const struct {
		double x;
		const char *text;
	} cases[] = {
		{ 0.1, "0.1" },
		{ 0x1p-1074, "5e-324" },
		{ 1e22, "1e+22" },
		{ -3, "-3" },
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 275.46946739695562, "275.4694673969556" },
		{ 0x1.fffffffffffffp1023, "1.7976931348623157e+308" },
		{ 1.0 / 0.0, "inf" },
		{ 25.5f, "25.5" },
	};
	char text[QN_REAL_NBYTES];
	uint64_t seed = random_seed(5);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		qn_real_print(cases[i].x, text);
		assert_string_equal(text, cases[i].text);
	}
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = random_below(&seed, UINT64_MAX) >> (i % 13 ? 0 : 12);
		double x;

		memcpy(&x, &bits, sizeof(x));
		qn_real_print(x, text);
		assert_true(x != x || strtod(text, NULL) == x);
	}
}

/* Entries stay, room at least doubles, and what cannot be had leaves all as it was. */
static void test_lists_grow(void **state)
{
	uint32_t *a = NULL, *b = NULL, *same;
	size_t room = 0, before;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		before = room;
		assert_true(qn_grow(&a, &room, (size_t)i + 1, sizeof(*a)));
		assert_true(room > i && (room == before || room >= 2 * before));
		assert_true(qn_grow_by_one(&b, i, sizeof(*b)));
		a[i] = b[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(a[i] == i && b[i] == i);
	same = a;
	before = room;
	assert_false(qn_grow(&a, &room, SIZE_MAX / 2, sizeof(*a)));
	assert_false(qn_grow(&a, &room, SIZE_MAX, 1));
	assert_ptr_equal(a, same);
	assert_int_equal(room, before);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_grow),
		cmocka_unit_test(test_failed_text),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_regular_files),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_first_error_stays),
		cmocka_unit_test(test_long_error),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_checked_sizes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_reals),
		cmocka_unit_test(test_fp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
