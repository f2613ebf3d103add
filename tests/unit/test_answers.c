/*
 * test_answers.c - answers that are kept: found by all of their key, as copies, the latest of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/answers.h"

static void keep(struct qn_answers *a, const char *key, const char *answer)
{
	qn_answers_keep(a, key, strlen(key), answer, strlen(answer) + 1);
}

static void expect(struct qn_answers *a, const char *key, const char *want)
{
	size_t nbytes = 0;
	char *got = qn_answers_find(a, key, strlen(key), &nbytes);

	if (want) {
		assert_non_null(got);
		assert_int_equal(nbytes, strlen(want) + 1);
		assert_string_equal(got, want);
	} else {
		assert_null(got);
	}
	free(got);
}

static void test_keys(void **state)
{
	struct qn_answers *a = qn_answers_new();

	(void)state;
	assert_non_null(a);
	expect(a, "f 1", NULL);
	keep(a, "f 1", "one");
	keep(a, "f 12", "");
	expect(a, "f 1", "one");
	expect(a, "f 12", "");
	expect(a, "f", NULL);
	expect(a, "f 2", NULL);
	qn_answers_free(a);
	qn_answers_free(NULL);
}

static void test_latest(void **state)
{
	struct qn_answers *a = qn_answers_new();
	char key[32];

	(void)state;
	for (int i = 0; i < 2 * QN_ANSWERS_MOST + 3; i++) {
		snprintf(key, sizeof(key), "%d", i);
		keep(a, key, key);
	}
	expect(a, "0", NULL);
	snprintf(key, sizeof(key), "%d", QN_ANSWERS_MOST + 2);
	expect(a, key, NULL);
	snprintf(key, sizeof(key), "%d", QN_ANSWERS_MOST + 3);
	expect(a, key, key);
	qn_answers_free(a);
}

static void test_large(void **state)
{
	struct qn_answers *a = qn_answers_new();
	char *large = calloc(QN_ANSWERS_MOST_NBYTES + 1, 1);
	size_t nbytes = 0;
	void *got;

	(void)state;
	assert_non_null(large);
	qn_answers_keep(a, "a", 1, large, QN_ANSWERS_MOST_NBYTES);
	qn_answers_keep(a, "b", 1, large, QN_ANSWERS_MOST_NBYTES + 1);
	got = qn_answers_find(a, "a", 1, &nbytes);
	assert_non_null(got);
	assert_int_equal(nbytes, QN_ANSWERS_MOST_NBYTES);
	assert_null(qn_answers_find(a, "b", 1, &nbytes));
	free(got);
	free(large);
	qn_answers_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
