/*
 * test_options.c - options of every type: values, fallbacks, environment, suggestions, packing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"

static const struct quern_option engine[] = {
	{ "verbose", 'v', QUERN_OPT_FLAG, NULL, NULL, 0, 0, "a flag" },
	{ "threads", 0, QUERN_OPT_INT, "N", NULL, 1, 4096, "a number" },
	{ "memory-limit", 0, QUERN_OPT_SIZE, "BYTES", NULL, 1, INT64_MAX, "a size" },
	{ "dataset", 'd', QUERN_OPT_STRING, "PATH", NULL, 0, 0, "a text" },
	{ "bind", 0, QUERN_OPT_CHOICE, "numa|core|none", "numa", 0, 0, "a choice" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static const struct quern_option kernel[] = {
	{ "bins", 0, QUERN_OPT_INT, "N", "64", -5, 1000, "a number with a default" },
	{ "range", 0, QUERN_OPT_REALS, "LO,HI", NULL, 2, 2, "two reals" },
	{ "q", 0, QUERN_OPT_REALS, "Q,...", "0.5", 1, 4, "some reals" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static struct quern_options new_set(void)
{
	const struct quern_option *const tables[] = { engine, NULL, kernel };
	struct quern_message err = { .status = QUERN_OK };
	struct quern_options o;

	assert_int_equal(qn_options_init(&o, tables, 3, &err), QUERN_OK);
	return o;
}

static void set(struct quern_options *o, const char *name, const char *text)
{
	struct quern_message err = { .status = QUERN_OK };

	if (qn_options_set(o, name, text, &err))
		fail_msg("--%s %s: %s", name, text ? text : "", err.text);
}

/* The value is refused, the message has the words, and the old value stays. */
static void refuse(struct quern_options *o, const char *name, const char *text, const char *says)
{
	struct quern_message err = { .status = QUERN_OK };
	char before[64] = "";
	const char *old = quern_option_string(o, name);

	snprintf(before, sizeof(before), "%s", old ? old : "");
	if (qn_options_set(o, name, text, &err) != QUERN_ERR_USAGE)
		fail_msg("--%s '%s' is taken", name, text ? text : "(none)");
	assert_int_equal(err.status, QUERN_ERR_USAGE);
	if (!strstr(err.text, says))
		fail_msg("'%s' is not in: %s", says, err.text);
	old = quern_option_string(o, name);
	assert_string_equal(before, old ? old : "");
}

static void test_fallbacks(void **state)
{
	struct quern_options o = new_set();
	double q[2] = { 0, 0 };

	(void)state;
	assert_false(quern_option_flag(&o, "verbose"));
	assert_null(quern_option_string(&o, "dataset"));
	assert_int_equal(quern_option_int(&o, "threads"), 0);
	assert_int_equal(quern_option_int(&o, "bins"), 64);
	assert_string_equal(quern_option_string(&o, "bind"), "numa");
	assert_int_equal(quern_option_reals(&o, "range", 2, q), 0);
	assert_int_equal(quern_option_reals(&o, "q", 2, q), 1);
	assert_true(q[0] == 0.5);
	assert_null(quern_option_string(&o, "nothing"));
	assert_int_equal(quern_option_int(&o, "nothing"), 0);
	assert_false(quern_option_flag(&o, "nothing"));
	assert_ptr_equal(qn_options_row(&o, "q"), &kernel[2]);
	assert_null(qn_options_row(&o, "nothing"));
	qn_options_fini(&o);
	qn_options_fini(&o);
}

static void test_flag(void **state)
{
	struct quern_options o = new_set();

	(void)state;
	set(&o, "verbose", NULL);
	assert_true(quern_option_flag(&o, "verbose"));
	set(&o, "verbose", "0");
	assert_false(quern_option_flag(&o, "verbose"));
	set(&o, "verbose", "1");
	assert_true(quern_option_flag(&o, "verbose"));
	refuse(&o, "verbose", "yes", "neither 0 nor 1");
	refuse(&o, "verbose", "", "neither 0 nor 1");
	qn_options_fini(&o);
}

static void test_int(void **state)
{
	struct quern_options o = new_set();

	(void)state;
	set(&o, "bins", "-5");
	assert_int_equal(quern_option_int(&o, "bins"), -5);
	set(&o, "bins", "1000");
	assert_int_equal(quern_option_int(&o, "bins"), 1000);
	refuse(&o, "bins", "1001", "from -5 to 1000");
	refuse(&o, "bins", "-6", "'-6'");
	refuse(&o, "bins", "", "integer");
	refuse(&o, "bins", "12x", "'12x'");
	refuse(&o, "bins", "1.5", "integer");
	refuse(&o, "bins", "1e2", "integer");
	refuse(&o, "bins", "18446744073709551617", "integer");
	refuse(&o, "bins", NULL, "--bins N");
	qn_options_fini(&o);
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		int64_t nbytes;
	} sizes[] = {
		{ "0", 0 },	     { "1", 1 },
		{ "64M", 64 << 20 }, { "1k", 1024 },
		{ "1.5G", 3 << 29 }, { "1T", INT64_C(1) << 40 },
		{ "1KiB", 1024 },    { "2MB", 2 << 20 },
		{ "0.5K", 512 },     { "9007199254740992", INT64_C(1) << 53 },
	};
	static const char *const bad[] = {
		"",    "-1",  "M",   "1P",   "1.5.5", "1 M",	  "nan",
		"inf", "1MM", "1K ", "10EB", "1e30",  "9000000T", "-0.1K"
	};
	struct quern_options o = new_set();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int64_t n = -1;

		if (!qn_parse_size(sizes[i].text, &n) || n != sizes[i].nbytes)
			fail_msg("'%s' is %lld", sizes[i].text, (long long)n);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t n = -1;

		if (qn_parse_size(bad[i], &n))
			fail_msg("'%s' is taken as %lld", bad[i], (long long)n);
		refuse(&o, "memory-limit", bad[i], "such as 512M");
	}
	set(&o, "memory-limit", "1.5G");
	assert_int_equal(quern_option_int(&o, "memory-limit"), 3 << 29);
	refuse(&o, "memory-limit", "0", "from 1");
	qn_options_fini(&o);
}

static void test_string(void **state)
{
	struct quern_options o = new_set();

	(void)state;
	set(&o, "dataset", "/a b,c=|\"x");
	assert_string_equal(quern_option_string(&o, "dataset"), "/a b,c=|\"x");
	refuse(&o, "dataset", "", "the text of PATH is empty");
	refuse(&o, "dataset", " \t", "the text of PATH is empty");
	refuse(&o, "dataset", NULL, "--dataset PATH");
	qn_options_fini(&o);
}

static void test_choice(void **state)
{
	struct quern_options o = new_set();

	(void)state;
	set(&o, "bind", "none");
	set(&o, "bind", "core");
	assert_string_equal(quern_option_string(&o, "bind"), "core");
	refuse(&o, "bind", "cor", "numa|core|none");
	refuse(&o, "bind", "cores", "'cores'");
	refuse(&o, "bind", "", "numa|core|none");
	refuse(&o, "bind", "numa|core", "'numa|core'");
	refuse(&o, "bind", "|", "numa|core|none");
	qn_options_fini(&o);
}

static void test_reals(void **state)
{
	struct quern_options o = new_set();
	double v[4] = { 0 };

	(void)state;
	set(&o, "range", "-1e3,0x1p-3");
	assert_int_equal(quern_option_reals(&o, "range", 4, v), 2);
	assert_true(v[0] == -1000 && v[1] == 0.125);
	/* No more than there is room for. */
	set(&o, "q", "0.1,0.2,0.3");
	v[1] = 7;
	assert_int_equal(quern_option_reals(&o, "q", 1, v), 1);
	assert_true(v[0] == 0.1 && v[1] == 7);
	refuse(&o, "range", "1", "2 numbers");
	refuse(&o, "range", "1,2,3", "2 numbers");
	refuse(&o, "range", "1,", "'1,'");
	refuse(&o, "range", ",1", "2 numbers");
	refuse(&o, "range", "", "2 numbers");
	refuse(&o, "range", "1;2", "2 numbers");
	refuse(&o, "range", "nan,1", "2 numbers");
	refuse(&o, "q", "1,2,3,4,5", "1 to 4");
	refuse(&o, "q", "x", "1 to 4");
	qn_options_fini(&o);
}

static void test_suggestions(void **state)
{
	struct quern_options o = new_set();
	char longest[200];

	(void)state;
	refuse(&o, "thread", "1", "did you mean --threads?");
	refuse(&o, "treads", "1", "did you mean --threads?");
	refuse(&o, "verbsoe", NULL, "did you mean --verbose?");
	refuse(&o, "memory_limit", "1", "did you mean --memory-limit?");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	for (size_t i = 0; i < 2; i++) {
		const char *far = i ? longest : "zzzzzz";
		struct quern_message err = { .status = QUERN_OK };

		assert_int_equal(qn_options_set(&o, far, "1", &err), QUERN_ERR_USAGE);
		assert_non_null(strstr(err.text, "unknown option --"));
		assert_null(strstr(err.text, "did you mean"));
	}
	qn_options_fini(&o);
}

static void test_environment(void **state)
{
	struct quern_options o = new_set();
	struct quern_message err = { .status = QUERN_OK };
	char name[64], small[8];

	(void)state;
	qn_option_variable(&engine[2], name, sizeof(name));
	assert_string_equal(name, "QUERN_MEMORY_LIMIT");
	qn_option_variable(&engine[2], small, sizeof(small));
	assert_string_equal(small, "QUERN_M");
	setenv("QUERN_MEMORY_LIMIT", "2K", 1);
	setenv("QUERN_VERBOSE", "0", 1);
	setenv("QUERN_BIND", "", 1);
	assert_int_equal(qn_options_from_environment(&o, &err), QUERN_OK);
	assert_int_equal(quern_option_int(&o, "memory-limit"), 2048);
	assert_false(quern_option_flag(&o, "verbose"));
	assert_string_equal(quern_option_string(&o, "bind"), "numa");
	setenv("QUERN_VERBOSE", "1", 1);
	setenv("QUERN_BINS", "many", 1);
	assert_int_equal(qn_options_from_environment(&o, &err), QUERN_ERR_USAGE);
	assert_non_null(strstr(err.text, "QUERN_BINS"));
	assert_non_null(strstr(err.text, "'many'"));
	unsetenv("QUERN_BINS");
	assert_int_equal(qn_options_from_environment(&o, NULL), QUERN_OK);
	assert_true(quern_option_flag(&o, "verbose"));
	unsetenv("QUERN_VERBOSE");
	unsetenv("QUERN_BIND");
	unsetenv("QUERN_MEMORY_LIMIT");
	qn_options_fini(&o);
}

static void check_equal(const struct quern_options *a, const struct quern_options *b)
{
	assert_int_equal(a->n, b->n);
	for (int i = 0; i < a->n; i++) {
		const char *x = a->value[i].text, *y = b->value[i].text;

		assert_true(!x == !y);
		if (x)
			assert_string_equal(x, y);
	}
}

static void test_pack(void **state)
{
	struct quern_options a = new_set(), b = new_set();
	struct quern_message err = { .status = QUERN_OK };
	size_t nbytes = 0;
	char *data;

	(void)state;
	set(&a, "verbose", NULL);
	set(&a, "dataset", "/t");
	set(&a, "q", "0.25,0.75");
	set(&b, "threads", "3"); /* replaced by no value */
	data = qn_options_pack(&a, &nbytes);
	assert_non_null(data);
	assert_int_equal(qn_options_unpack(&b, data, nbytes, &err), QUERN_OK);
	check_equal(&a, &b);
	/* Every shorter piece is refused, and so is one with more behind it. */
	for (size_t n = 0; n < nbytes; n++) {
		struct quern_message why = { .status = QUERN_OK };
		char *piece = malloc(n + 1);

		memcpy(piece, data, n);
		assert_int_equal(qn_options_unpack(&b, piece, n, &why), QUERN_ERR_RUN);
		assert_non_null(strstr(why.text, "cut short"));
		free(piece);
	}
	data = realloc(data, nbytes + 2);
	memset(data + nbytes, 0, 2);
	assert_int_equal(qn_options_unpack(&b, data, nbytes + 2, &err), QUERN_ERR_RUN);
	assert_non_null(strstr(err.text, "too long"));
	free(data);
	qn_options_fini(&a);
	qn_options_fini(&b);
}

static void test_empty_set(void **state)
{
	const struct quern_option *const tables[] = { NULL };
	struct quern_options o;
	size_t nbytes = 1;
	char *data;

	(void)state;
	assert_int_equal(qn_options_init(&o, tables, 1, NULL), QUERN_OK);
	data = qn_options_pack(&o, &nbytes);
	assert_non_null(data);
	assert_int_equal(nbytes, 0);
	assert_int_equal(qn_options_unpack(&o, data, 0, NULL), QUERN_OK);
	free(data);
	qn_options_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fallbacks),   cmocka_unit_test(test_flag),
		cmocka_unit_test(test_int),	    cmocka_unit_test(test_size),
		cmocka_unit_test(test_string),	    cmocka_unit_test(test_choice),
		cmocka_unit_test(test_reals),	    cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_environment), cmocka_unit_test(test_pack),
		cmocka_unit_test(test_empty_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
