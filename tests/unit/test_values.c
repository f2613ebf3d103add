/*
 * test_values.c - the values of a key: sets within the memory that they share, their union, their numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grouping/values.h"

static void fill(struct qn_value_set *s, int64_t first, int64_t n, int64_t step)
{
	for (int64_t i = 0; i < n; i++)
		qn_value_set_add(s, first + i * step);
}

/* Sets of two threads share what there is, and give it back. */
static void test_room(void **state)
{
	struct qn_value_room room = { .most = 1 << 20 };
	struct qn_value_set a = { .room = &room }, b = { .room = &room };

	(void)state;
	fill(&a, 0, 20000, 1);
	assert_false(a.lacks_room);
	assert_true(room.used == a.nslots * sizeof(*a.slot) && room.used <= room.most);
	fill(&b, 0, 200000, 3);
	assert_true(b.lacks_room && b.wanted > 0 && b.n < 200000);
	assert_true(room.used + b.wanted > room.most);
	assert_true(room.used <= room.most);
	qn_value_set_fini(&b);
	assert_true(room.used == a.nslots * sizeof(*a.slot) && b.room == &room);
	fill(&b, 0, 10000, 1);
	assert_false(b.lacks_room);
	qn_value_set_merge(&b, &a);
	assert_true(b.n == 20000 && !a.nslots && room.used == b.nslots * sizeof(*b.slot));
	qn_value_set_fini(&b);
	assert_true(room.used == 0);
}

static void test_union(void **state)
{
	struct qn_value_set a = { .n = 0 }, b = { .n = 0 };
	uint64_t n;
	int64_t *list, some[] = { 5, INT64_MIN, 5, 7, INT64_MAX, 7, -3 };

	(void)state;
	fill(&a, -10, 7, 3);
	qn_value_set_add(&a, INT64_MIN);
	fill(&b, -10, 7, 2);
	qn_value_set_add(&b, INT64_MAX);
	qn_value_set_merge(&a, &b);
	list = qn_value_set_list(&a, &n);
	assert_true(list && n == 13); /* -10, -4 and 2 are of both */
	assert_true(list[0] == INT64_MIN && list[1] == -10 && list[12] == INT64_MAX);
	for (uint64_t i = 1; i < n; i++)
		assert_true(list[i - 1] < list[i]);
	free(list);
	qn_value_set_fini(&a);
	n = qn_values_sort(some, 7);
	assert_true(n == 5 && some[0] == INT64_MIN && some[1] == -3 && some[2] == 5 &&
		    some[3] == 7 && some[4] == INT64_MAX);
}

/* What numbers take is known before, whatever the values. */
static void test_numbers(void **state)
{
	static const int64_t steps[] = { 1, 5, 1000003, INT64_MAX / 600 };
	int64_t values[1000];

	(void)state;
	for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		struct qn_value_numbers t;

		for (int64_t i = 0; i < 1000; i++)
			values[i] = (i - 500) * steps[k];
		assert_true(qn_value_numbers_init(&t, values, 1000));
		assert_true(qn_value_numbers_need(values, 1000) == qn_value_numbers_nbytes(&t));
		for (int32_t i = 0; i < 1000; i++)
			assert_int_equal(qn_value_numbers_find(&t, values[i]), i);
		assert_int_equal(qn_value_numbers_find(&t, values[999] + 1), -1);
		qn_value_numbers_fini(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
