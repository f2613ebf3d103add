/*
 * test_calendar.c - calendars and times: known dates, every day there and back, units as files have
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "select/epoch.h"

/* Days since 2000-01-01 of dates, by cftime 1.6.2 (date2num, has_year_zero=True). */
static const struct known {
	const char *calendar;
	struct qn_date date;
	int64_t days;
} known[] = {
	{ "standard", { 2000, 2, 29 }, 59 },
	{ "standard", { 2001, 3, 1 }, 425 },
	{ "standard", { 1999, 12, 31 }, -1 },
	{ "standard", { 1900, 3, 1 }, -36465 },
	{ "standard", { 1582, 10, 4 }, -152385 },
	{ "standard", { 1582, 10, 15 }, -152384 },
	{ "standard", { 1500, 2, 28 }, -182554 },
	{ "standard", { 1500, 3, 1 }, -182552 },
	{ "standard", { 1, 1, 1 }, -730121 },
	{ "standard", { 0, 2, 28 }, -730429 },
	{ "standard", { 2100, 12, 30 }, 36888 },
	{ "standard", { 9999, 12, 30 }, 2921938 },
	{ "standard", { -4713, 11, 24 }, -2451583 },
	{ "proleptic_gregorian", { 2000, 2, 29 }, 59 },
	{ "proleptic_gregorian", { 2001, 3, 1 }, 425 },
	{ "proleptic_gregorian", { 1999, 12, 31 }, -1 },
	{ "proleptic_gregorian", { 1900, 3, 1 }, -36465 },
	{ "proleptic_gregorian", { 1582, 10, 4 }, -152395 },
	{ "proleptic_gregorian", { 1582, 10, 15 }, -152384 },
	{ "proleptic_gregorian", { 1500, 2, 28 }, -182563 },
	{ "proleptic_gregorian", { 1500, 3, 1 }, -182562 },
	{ "proleptic_gregorian", { 1, 1, 1 }, -730119 },
	{ "proleptic_gregorian", { 0, 2, 28 }, -730427 },
	{ "proleptic_gregorian", { 2100, 12, 30 }, 36888 },
	{ "proleptic_gregorian", { 9999, 12, 30 }, 2921938 },
	{ "proleptic_gregorian", { -4713, 11, 24 }, -2451545 },
	{ "julian", { 2000, 2, 29 }, 59 },
	{ "julian", { 2001, 3, 1 }, 425 },
	{ "julian", { 1999, 12, 31 }, -1 },
	{ "julian", { 1900, 3, 1 }, -36465 },
	{ "julian", { 1582, 10, 4 }, -152398 },
	{ "julian", { 1582, 10, 15 }, -152387 },
	{ "julian", { 1500, 2, 28 }, -182567 },
	{ "julian", { 1500, 3, 1 }, -182565 },
	{ "julian", { 1, 1, 1 }, -730134 },
	{ "julian", { 0, 2, 28 }, -730442 },
	{ "julian", { 2100, 12, 30 }, 36889 },
	{ "julian", { 9999, 12, 30 }, 2921998 },
	{ "julian", { -4713, 11, 24 }, -2451596 },
	{ "noleap", { 2001, 3, 1 }, 424 },
	{ "noleap", { 1999, 12, 31 }, -1 },
	{ "noleap", { 1900, 3, 1 }, -36441 },
	{ "noleap", { 1582, 10, 4 }, -152294 },
	{ "noleap", { 1582, 10, 15 }, -152283 },
	{ "noleap", { 1500, 2, 28 }, -182442 },
	{ "noleap", { 1500, 3, 1 }, -182441 },
	{ "noleap", { 1, 1, 1 }, -729635 },
	{ "noleap", { 0, 2, 28 }, -729942 },
	{ "noleap", { 2100, 12, 30 }, 36863 },
	{ "noleap", { 9999, 12, 30 }, 2919998 },
	{ "noleap", { -4713, 11, 24 }, -2449918 },
	{ "all_leap", { 2000, 2, 29 }, 59 },
	{ "all_leap", { 2001, 3, 1 }, 426 },
	{ "all_leap", { 1999, 12, 31 }, -1 },
	{ "all_leap", { 1900, 3, 1 }, -36540 },
	{ "all_leap", { 1582, 10, 4 }, -152711 },
	{ "all_leap", { 1582, 10, 15 }, -152700 },
	{ "all_leap", { 1500, 2, 28 }, -182942 },
	{ "all_leap", { 1500, 3, 1 }, -182940 },
	{ "all_leap", { 1, 1, 1 }, -731634 },
	{ "all_leap", { 0, 2, 28 }, -731942 },
	{ "all_leap", { 2100, 12, 30 }, 36964 },
	{ "all_leap", { 9999, 12, 30 }, 2927998 },
	{ "all_leap", { -4713, 11, 24 }, -2456630 },
	{ "360_day", { 2000, 2, 29 }, 58 },
	{ "360_day", { 2001, 3, 1 }, 420 },
	{ "360_day", { 1900, 3, 1 }, -35940 },
	{ "360_day", { 1582, 10, 4 }, -150207 },
	{ "360_day", { 1582, 10, 15 }, -150196 },
	{ "360_day", { 1500, 2, 28 }, -179943 },
	{ "360_day", { 1500, 3, 1 }, -179940 },
	{ "360_day", { 1, 1, 1 }, -719640 },
	{ "360_day", { 0, 2, 28 }, -719943 },
	{ "360_day", { 2100, 12, 30 }, 36359 },
	{ "360_day", { 9999, 12, 30 }, 2879999 },
	{ "360_day", { -4713, 11, 24 }, -2416357 },
};

static void test_known(void **state)
{
	static const struct qn_date origin = { 2000, 1, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct known *k = &known[i];
		enum qn_calendar c;
		struct qn_date back;
		int64_t day, zero;

		assert_true(qn_calendar_find(k->calendar, &c));
		assert_true(qn_calendar_day(c, &origin, &zero));
		assert_true(qn_calendar_day(c, &k->date, &day));
		if (day - zero != k->days)
			fail_msg("%s %ld-%d-%d: %ld days, not %ld", k->calendar, (long)k->date.year,
				 k->date.month, k->date.day, (long)(day - zero), (long)k->days);
		assert_true(qn_calendar_date(c, zero + k->days, &back));
		assert_true(back.year == k->date.year && back.month == k->date.month &&
			    back.day == k->date.day);
	}
}

/* Every day from before the year 0 to beyond 2400 is the day after the day before. */
static void test_all_days(void **state)
{
	(void)state;
	for (int c = 0; c < QN_NCALENDARS; c++) {
		struct qn_date date = { -5, 1, 1 }, next;
		int64_t first, day;

		assert_true(qn_calendar_day((enum qn_calendar)c, &date, &first));
		for (int64_t n = 0; n < 880000; n++) {
			assert_true(qn_calendar_date((enum qn_calendar)c, first + n, &date));
			assert_true(qn_calendar_day((enum qn_calendar)c, &date, &day));
			assert_int_equal(day, first + n);
			assert_true(qn_calendar_date((enum qn_calendar)c, first + n + 1, &next));
			if (next.day == date.day + 1)
				continue;
			if (next.day == 15 && date.day == 4 && c == QN_STANDARD &&
			    date.year == 1582 && date.month == 10)
				continue;
			assert_int_equal(next.day, 1);
			assert_int_equal(date.day, qn_calendar_month_length((enum qn_calendar)c,
									    date.year, date.month));
			assert_int_equal(next.month, date.month % 12 + 1);
			assert_int_equal(next.year, date.year + (date.month == 12));
		}
	}
}

static void test_no_dates(void **state)
{
	static const struct {
		enum qn_calendar c;
		struct qn_date date;
	} none[] = {
		{ QN_STANDARD, { 2001, 2, 29 } },
		{ QN_STANDARD, { 1900, 2, 29 } },
		{ QN_STANDARD, { 1582, 10, 5 } },
		{ QN_STANDARD, { 1582, 10, 14 } },
		{ QN_PROLEPTIC_GREGORIAN, { 1500, 2, 29 } },
		{ QN_JULIAN, { 1501, 2, 29 } },
		{ QN_NOLEAP, { 2000, 2, 29 } },
		{ QN_ALL_LEAP, { 2001, 2, 30 } },
		{ QN_360_DAY, { 2001, 1, 31 } },
		{ QN_STANDARD, { 2001, 0, 1 } },
		{ QN_STANDARD, { 2001, 13, 1 } },
		{ QN_STANDARD, { 2001, 1, 0 } },
		{ QN_STANDARD, { QN_MAX_YEAR + 1, 1, 1 } },
	};
	static const struct qn_date some[] = { { 1500, 2, 29 },
					       { 1582, 10, 4 },
					       { 1582, 10, 15 },
					       { 2000, 2, 29 },
					       { QN_MAX_YEAR, 12, 31 } };
	struct qn_date date;
	int64_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_false(qn_calendar_day(none[i].c, &none[i].date, &day));
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		assert_true(qn_calendar_day(QN_STANDARD, &some[i], &day));
	assert_false(qn_calendar_date(QN_STANDARD, INT64_MAX, &date));
	assert_false(qn_calendar_date(QN_JULIAN, INT64_MIN, &date));
}

static void test_names(void **state)
{
	enum qn_calendar c;

	(void)state;
	assert_true(qn_calendar_find(NULL, &c) && c == QN_STANDARD);
	assert_true(qn_calendar_find("", &c) && c == QN_STANDARD);
	assert_true(qn_calendar_find("Gregorian", &c) && c == QN_STANDARD);
	assert_true(qn_calendar_find("365_day", &c) && c == QN_NOLEAP);
	assert_true(qn_calendar_find("366_DAY", &c) && c == QN_ALL_LEAP);
	assert_false(qn_calendar_find("none", &c));
	assert_false(qn_calendar_find("tai", &c));
	assert_string_equal(qn_calendar_name(QN_NOLEAP), "noleap");
}

/* --- units --- */

/* What a number means, as it is printed. By cftime 1.6.2 (num2date) but for the last of them. */
static const struct meaning {
	const char *units, *calendar;
	double v;
	const char *time;
} meanings[] = {
	{ "hours since 1900-01-01 00:00:0.0", "gregorian", 1051896, "2020-01-01" },
	{ "hours since 1900-01-01 00:00:0.0", NULL, 1051896.5, "2020-01-01T00:30" },
	{ "days since 1850-1-1", "noleap", 365 * 150 + 59, "2000-03-01" },
	{ "days since 1850-01-01", "standard", 0.041666666667, "1850-01-01T01:00" },
	{ "Days Since 1-1-1 00:00", "standard", 577735, "1582-10-03" },
	{ "days since 0001-01-01 00:00:00", "standard", 577737, "1582-10-15" },
	{ "days since 0001-01-01 00:00:00", "julian", 577737, "1582-10-05" },
	{ "days since 0001-01-01 00:00:00", "proleptic_gregorian", 577735, "1582-10-15" },
	{ "seconds since 1970-01-01T00:00:00Z", "", 1e9, "2001-09-09T01:46:40" },
	{ "seconds since 1970-01-01 00:00:00 UTC", "", 0.25, "1970-01-01T00:00:00.25" },
	{ "sec since 1992-10-8 15:15:42.5 -6:00", "", 0, "1992-10-08T21:15:42.5" },
	{ "s since 1992-10-8 15:15:42.5 -0600", "", 0, "1992-10-08T21:15:42.5" },
	{ "hr since 2000-03-01 01:00 +2", "360_day", 0, "2000-02-30T23:00" },
	{ "h since 2000-03-01T01+05:30", "366_day", 0, "2000-02-29T19:30" },
	{ "minutes since 2000-02-28 23:59:30", "all_leap", 1440, "2000-02-29T23:59:30" },
	{ "min since 2001-02-28", "365_day", 1440, "2001-03-01" },
	{ "milliseconds since 1970-01-01", "", 86400001, "1970-01-02T00:00:00.001" },
	{ "microseconds since 1970-01-01", "", 1e15 + 3, "2001-09-09T01:46:40.000003" },
	{ "nanoseconds since 1970-01-01", "", -1, "1969-12-31T23:59:59.999999999" },
	{ "weeks since 2000-01-01", "", 2, "2000-01-15" },
	{ "months since 2000-01-01", "360_day", 13, "2001-02-01" },
	{ "years since 2000-01-01", "360_day", 3, "2003-01-01" },
	{ "days since 2000-01", "", 1, "2000-01-02" },
	{ "  days   since   2000-01-01   12:00  ", "", -1, "1999-12-31T12:00" },
};

static void test_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		const struct meaning *k = &meanings[i];
		struct qn_epoch e;
		struct qn_instant t, exact;
		const char *why = qn_epoch_parse(k->units, k->calendar, &e);
		char text[64];

		if (why)
			fail_msg("'%s' %s", k->units, why);
		assert_true(qn_epoch_at_real(&e, k->v, &t));
		qn_instant_format(e.calendar, &t, sizeof(text), text);
		if (strcmp(text, k->time))
			fail_msg("%g %s: %s, not %s", k->v, k->units, text, k->time);
		if (k->v == (double)(int64_t)k->v) {
			assert_true(qn_epoch_at_int(&e, (int64_t)k->v, &exact));
			assert_int_equal(qn_instant_compare(&t, &exact), 0);
		}
	}
}

static void test_no_units(void **state)
{
	static const struct {
		const char *units, *calendar, *says;
	} none[] = {
		{ "degrees_north", "", "form" },
		{ "", "", "form" },
		{ "days", "", "form" },
		{ "days since", "", "form" },
		{ "days since yesterday", "", "form" },
		{ "dayss since 2000-01-01", "", "form" },
		{ "fortnights since 2000-01-01", "", "form" },
		{ "days since 2000-01-01 25:00", "", "form" },
		{ "days since 2000-01-01 12:60", "", "form" },
		{ "days since 2000-01-01 12:00:61", "", "form" },
		{ "days since 2000-01-01 12:00 +99", "", "form" },
		{ "days since 2000-01-01 12:00 EST", "", "form" },
		{ "days since 2000-01-01x", "", "form" },
		{ "days since 20000101000000", "", "form" },
		{ "days since 2000-01-01", "none", "calendar" },
		{ "days since 2000-02-30", "", "does not have" },
		{ "days since 2000-01-31", "360_day", "does not have" },
		{ "days since 1582-10-10", "standard", "does not have" },
		{ "months since 2000-01-01", "standard", "UDUNITS" },
		{ "years since 2000-01-01", "noleap", "UDUNITS" },
		{ "days since -4713-11-24", "julian", "two ways" },
	};
	struct qn_epoch e;
	struct qn_instant t;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		const char *why = qn_epoch_parse(none[i].units, none[i].calendar, &e);

		if (!why || !strstr(why, none[i].says))
			fail_msg("'%s': %s", none[i].units, why ? why : "taken");
	}
	assert_null(qn_epoch_parse("days since 2000-01-01", NULL, &e));
	assert_false(qn_epoch_at_real(&e, 0.0 / 0.0, &t));
	assert_false(qn_epoch_at_real(&e, 1e300, &t));
	assert_false(qn_epoch_at_int(&e, INT64_MAX, &t));
	assert_false(qn_epoch_at_int(&e, INT64_MIN, &t));
}

/* --- moments --- */

static void test_moments(void **state)
{
	static const struct {
		const char *text, *rest, *from, *to;
	} some[] = {
		{ "2001-12", "", "2001-12-01", "2002-01-01" },
		{ "2001-02-28", "", "2001-02-28", "2001-03-01" },
		{ "2001-1-2:5", ":5", "2001-01-02", "2001-01-03" },
		{ "2001-01-01:2001-12-31", ":2001-12-31", "2001-01-01", "2001-01-02" },
		{ "2001-01-01T06:00", "", "2001-01-01T06:00", "2001-01-01T06:01" },
		{ "2001-01-01T06:00:2001-02", ":2001-02", "2001-01-01T06:00", "2001-01-01T06:01" },
		{ "2001-01-01T06:00:07Z::2", "::2", "2001-01-01T06:00:07", "2001-01-01T06:00:08" },
		{ "2001-01-01T23:59::2", "::2", "2001-01-01T23:59", "2001-01-02" },
		{ "2001-01-01T06:00:07.25", "", "2001-01-01T06:00:07.25",
		  "2001-01-01T06:00:07.26" },
		{ "-0004-02-29", "", "-0004-02-29", "-0004-03-01" },
	};
	static const char *const none[] = { "",
					    "2001",
					    "-5",
					    "1e3",
					    "2001-",
					    "2001-x",
					    "2001-123",
					    "2001-01-",
					    "2001-01-01T",
					    "2001-01-01T06",
					    "2001-01-01T6:00",
					    "2001-01-01T25:00",
					    ":2001-01",
					    "1234567890-01" };
	struct qn_moment m;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		struct qn_instant from, to;
		const char *p = some[i].text;
		char text[64];

		if (!qn_moment_parse(&p, &m))
			fail_msg("'%s' is none", some[i].text);
		assert_string_equal(p, some[i].rest);
		assert_true(qn_moment_span(QN_STANDARD, &m, &from, &to));
		qn_instant_format(QN_STANDARD, &from, sizeof(text), text);
		assert_string_equal(text, some[i].from);
		qn_instant_format(QN_STANDARD, &to, sizeof(text), text);
		assert_string_equal(text, some[i].to);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		const char *p = none[i];

		if (qn_moment_parse(&p, &m))
			fail_msg("'%s' is one", none[i]);
		assert_ptr_equal(p, none[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	 cmocka_unit_test(test_all_days),
		cmocka_unit_test(test_no_dates), cmocka_unit_test(test_names),
		cmocka_unit_test(test_units),	 cmocka_unit_test(test_no_units),
		cmocka_unit_test(test_moments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
