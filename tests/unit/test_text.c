/*
 * Text of others made plain, and messages that are longer than their room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"
#include "random.h"

static void test_plain(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "", "" },
		{ "t2m [K] \\x1b \"'", "t2m [K] \\x1b \"'" },
		{ "\033[31mred\a", "\\x1b[31mred\\x07" },
		{ "a\nb\tc\r\177", "a\\x0ab\\x09c\\x0d\\x7f" },
		{ "\302\233"
		  "31m",
		  "\\u009b31m" },		     /* CSI of C1 */
		{ "\23331m\377", "\\x9b31m\\xff" },  /* the same as a byte: no UTF-8 */
		{ "\342\200\256gpj", "\\u202egpj" }, /* right to left override */
		{ "\342\201\246x\342\201\251", "\\u2066x\\u2069" },
		{ "\342\200\250", "\\u2028" }, /* line separator */
		{ "\330\234\342\200\217", "\\u061c\\u200f" },
		{ "Gr\303\266\303\237e \346\270\251\345\272\246 \360\237\214\215 e\314\201",
		  "Gr\303\266\303\237e \346\270\251\345\272\246 \360\237\214\215 e\314\201" },
		{ "\303", "\\xc3" },			    /* cut off */
		{ "\300\257 \355\240\200 \364\220\200\200", /* overlong, surrogate, too large */
		  "\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *plain = qn_text_plain(cases[i].text), *again = qn_text_plain(plain);

		assert_string_equal(plain, cases[i].plain);
		assert_string_equal(again, cases[i].plain);
		free(plain);
		free(again);
	}
}

static void test_words(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{ "", "''" },
		{ "/a/b-c_d.nc", "/a/b-c_d.nc" },
		{ "lat=10:20,x+@%", "lat=10:20,x+@%" },
		{ "a b", "'a b'" },
		{ "it's $HOME", "'it'\\''s $HOME'" },
		{ "~", "'~'" },
		{ "\303\266\\", "'\303\266\\'" },
		{ "a\n1'\\\303\266", "$'a\\0121\\'\\\\\\303\\266'" },
		{ "\xff", "$'\\377'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *word = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&word, &n);

		assert_non_null(f);
		qn_text_print_word(f, cases[i].text);
		fclose(f);
		assert_string_equal(word, cases[i].word);
		free(word);
	}
}

/* Nothing that a terminal obeys is left of any bytes. */
static void test_any_bytes(void **state)
{
	uint64_t seed = random_seed(7);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char bytes[24], *plain;
		const char *at, *end;
		size_t n = (size_t)random_below(&seed, sizeof(bytes) - 1);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)(1 + random_below(&seed, 255));
		bytes[n] = 0;
		at = plain = qn_text_plain(bytes);
		end = plain + strlen(plain);
		while (at < end) {
			uint32_t code = 0;
			const size_t nbytes = qn_text_character(at, end, &code);

			assert_int_not_equal(nbytes, 0);
			assert_false(qn_text_is_unsafe(code));
			at += nbytes;
		}
		free(plain);
	}
}

static void test_utf8(void **state)
{
	char *text = qn_text_utf8("a\033\0\377\303\244", 6);

	(void)state;
	assert_string_equal(text, "a\033\\x00\\xff\303\244");
	free(text);
}

/* A name of n characters, in the fashion of files. */
static char *long_name(size_t n, const char *character)
{
	const size_t nbytes = strlen(character);
	char *name = calloc(n * nbytes + 1, 1);

	for (size_t i = 0; i < n; i++)
		memcpy(name + i * nbytes, character, nbytes);
	return name;
}

/* The names go, the advice stays. */
static void test_long_names(void **state)
{
	static const char *const characters[] = { "x", "\303\266", "\033", "\377", "\346\270\251" };

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(*characters); i++)
		for (size_t n = 1; n < 5000; n = 3 * n + 1) {
			struct quern_message err = { 0 };
			char *name = long_name(n, characters[i]), *plain;

			qn_error_set(&err, QUERN_ERR_DATA,
				     "/data/%s.nc: dataset /%s: is damaged; copy the "
				     "file again from where it came from",
				     name, name);
			assert_non_null(
				strstr(err.text, "; copy the file again from where it came from"));
			assert_non_null(strstr(err.text, ": dataset /"));
			assert_memory_equal(err.text, "/data/", 6);
			assert_in_range(strlen(err.text), 1, QN_ERROR_NBYTES - 1);
			plain = qn_text_plain(err.text);
			assert_string_equal(plain, err.text);
			free(plain);
			free(name);
		}
}

static void test_fit(void **state)
{
	char text[2000] = "", wide[200];

	(void)state;
	strcpy(wide, "short");
	qn_text_fit(wide, 100);
	assert_string_equal(wide, "short");
	for (int i = 0; i < 300; i++)
		strcat(text, "a b ");
	strcat(text, "and what to do");
	qn_text_fit(text, 500);
	assert_int_equal(strlen(text), 499);
	assert_non_null(strstr(text, "..."));
	assert_string_equal(text + strlen(text) - 14, "and what to do");
	qn_text_put(wide, 10, "0123456789012345678");
	assert_string_equal(wide, "012345678");
	qn_text_put(wide, 1, "x");
	assert_string_equal(wide, "");
}

/* An expression of the user with the place that is wrong: only these lines have ends. */
static void test_point(void **state)
{
	static const struct {
		const char *expression, *text;
		size_t at;
	} cases[] = {
		{ "a + b", "wrong\n  a + b\n      ^", 4 },
		{ "", "wrong\n  \n  ^", 0 },
		{ "a", "wrong\n  a\n   ^", 1 },
		{ "\303\266 \n+ b", "wrong\n  \303\266 \\x0a+ b\n          ^", 6 },
	};
	char longest[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quern_message err = { .status = QUERN_OK }, other = { .status = QUERN_OK };

		qn_error_point(&err, QUERN_ERR_USAGE, cases[i].expression, cases[i].at, "wrong");
		assert_string_equal(err.text, cases[i].text);
		qn_error_point(&err, QUERN_ERR_USAGE, "x", 0, "not recorded");
		assert_int_equal(qn_error_pass(&other, QUERN_ERR_DATA, &err), QUERN_ERR_DATA);
		assert_int_equal(other.status, QUERN_ERR_DATA);
		assert_string_equal(other.text, cases[i].text);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t at = 0; at < sizeof(longest); at += 7) {
		struct quern_message err = { .status = QUERN_OK };

		qn_error_point(&err, QUERN_ERR_USAGE, longest, at, "a\nb %s", longest);
		assert_null(strstr(err.text, "a\nb"));
		assert_int_equal(err.text[strlen(err.text) - 1], '^');
		assert_non_null(strchr(err.text, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_utf8),  cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_fit),   cmocka_unit_test(test_words),
		cmocka_unit_test(test_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
