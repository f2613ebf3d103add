/*
 * test_parts.c - parts of times in every calendar, by known dates; windows, texts, and numbers as files
 * have them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "select/parts.h"

#define NOT_KNOWN -1 /* neither of them has the ISO week of so early a date */
#define HOUR_NS	  (QN_DAY_NS / 24)
#define NKNOWN	  (QN_PART_WINDOW + 1) /* kinds that are looked at by known times */

static struct qn_epoch epoch_of(const char *units, const char *calendar)
{
	struct qn_epoch e = { .unit_ns = 0 };

	assert_null(qn_epoch_parse(units, calendar, &e));
	return e;
}

/* A part in that calendar; days since 1970-01-01. */
static struct qn_time_part part_of(enum qn_part_kind k, const char *units, const char *calendar,
				   int64_t window_ns)
{
	struct qn_epoch e = epoch_of(units, calendar);
	struct qn_time_part p;

	assert_null(qn_time_part_init(&p, k, &e, window_ns));
	return p;
}

enum {
	S = QN_STANDARD,
	P = QN_PROLEPTIC_GREGORIAN,
	J = QN_JULIAN,
	N = QN_NOLEAP,
	A = QN_ALL_LEAP,
	D = QN_360_DAY
};

static const char *const units_of[] = { "hours since 2000-01-01 06:00",
					"minutes since 1850-03-01 00:07" };

/* By cftime 1.6.2 (num2date, has_year_zero=True) and datetime: the parts in the order of their kinds, the
   window being one of 6 hours; then the window of 5 days. */
static const struct known {
	int calendar, units;
	int64_t v;
	int64_t part[NKNOWN + 1];
} known[] = {
	{ S, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 52, 10957, 360, 43829, 2191 } },
	{ S, 0, 1392, { 2000, 2, 28, 6, 0, 59, 0, 2000, 9, 11015, 361, 44061, 2203 } },
	{ S, 0, 1433, { 2000, 2, 29, 23, 0, 60, 0, 2000, 9, 11016, 361, 44067, 2203 } },
	{ S, 0, 1440, { 2000, 3, 1, 6, 0, 61, 1, 2000, 9, 11017, 362, 44069, 2203 } },
	{ S, 0, 8783, { 2001, 1, 1, 5, 0, 1, 0, 2001, 1, 11323, 372, 45292, 2264 } },
	{ S, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 52, 10957, 360, 43828, 2191 } },
	{ S, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 52, 10957, 360, 43828, 2191 } },
	{ S, 0, -7, { 1999, 12, 31, 23, 0, 365, 0, 2000, 52, 10956, 359, 43827, 2191 } },
	{ S, 0, -262968, { 1970, 1, 1, 6, 0, 1, 0, 1970, 1, 0, 0, 1, 0 } },
	{ S, 0, -960005, { 1890, 6, 26, 1, 0, 177, 2, 1890, 26, -29043, -955, -116172, -5809 } },
	{ S,
	  0,
	  -4800000,
	  { 1452, 5, 24, 6, 0, 145, 1, 1452, -1, -189043, -6212, -756171, -37809 } },
	{ S,
	  1,
	  11333803,
	  { 1871, 9, 17, 16, 50, 260, 3, 1871, 37, -35900, -1180, -143598, -7180 } },
	{ S, 1, -17178841, { 1817, 7, 2, 6, 6, 183, 2, 1817, 27, -55700, -1830, -222799, -11140 } },
	{ S, 0, -17544003, { -2, 8, 6, 3, 0, 218, 2, -2, -1, -720043, -23657, -2880172, -144009 } },
	{ P, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 52, 10957, 360, 43829, 2191 } },
	{ P, 0, 1392, { 2000, 2, 28, 6, 0, 59, 0, 2000, 9, 11015, 361, 44061, 2203 } },
	{ P, 0, 1433, { 2000, 2, 29, 23, 0, 60, 0, 2000, 9, 11016, 361, 44067, 2203 } },
	{ P, 0, 1440, { 2000, 3, 1, 6, 0, 61, 1, 2000, 9, 11017, 362, 44069, 2203 } },
	{ P, 0, 8783, { 2001, 1, 1, 5, 0, 1, 0, 2001, 1, 11323, 372, 45292, 2264 } },
	{ P, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 52, 10957, 360, 43828, 2191 } },
	{ P, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 52, 10957, 360, 43828, 2191 } },
	{ P, 0, -7, { 1999, 12, 31, 23, 0, 365, 0, 2000, 52, 10956, 359, 43827, 2191 } },
	{ P, 0, -262968, { 1970, 1, 1, 6, 0, 1, 0, 1970, 1, 0, 0, 1, 0 } },
	{ P, 0, -960005, { 1890, 6, 26, 1, 0, 177, 2, 1890, 26, -29043, -955, -116172, -5809 } },
	{ P, 0, -4800000, { 1452, 6, 2, 6, 0, 154, 2, 1452, -1, -189043, -6211, -756171, -37809 } },
	{ P, 1, 20558680, { 1889, 4, 1, 20, 47, 91, 1, 1889, 14, -29494, -969, -117973, -5899 } },
	{ P,
	  1,
	  -9179589,
	  { 1832, 9, 16, 6, 58, 260, 3, 1832, 37, -50145, -1648, -200579, -10029 } },
	{ P, 0, -17544003, { -2, 8, 4, 3, 0, 216, 2, -2, -1, -720043, -23657, -2880172, -144009 } },
	{ J, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 0, 10957, 360, 43829, 2191 } },
	{ J, 0, 1392, { 2000, 2, 28, 6, 0, 59, 0, 2000, 0, 11015, 361, 44061, 2203 } },
	{ J, 0, 1433, { 2000, 2, 29, 23, 0, 60, 0, 2000, 0, 11016, 361, 44067, 2203 } },
	{ J, 0, 1440, { 2000, 3, 1, 6, 0, 61, 1, 2000, 0, 11017, 362, 44069, 2203 } },
	{ J, 0, 8783, { 2001, 1, 1, 5, 0, 1, 0, 2001, 0, 11323, 372, 45292, 2264 } },
	{ J, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 0, 10957, 360, 43828, 2191 } },
	{ J, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 0, 10957, 360, 43828, 2191 } },
	{ J, 0, -7, { 1999, 12, 31, 23, 0, 365, 0, 2000, 0, 10956, 359, 43827, 2191 } },
	{ J, 0, -262968, { 1970, 1, 1, 6, 0, 1, 0, 1970, 0, 0, 0, 1, 0 } },
	{ J, 0, -960005, { 1890, 6, 27, 1, 0, 178, 2, 1890, 0, -29043, -955, -116172, -5809 } },
	{ J, 0, -4800000, { 1452, 6, 6, 6, 0, 158, 2, 1452, 0, -189043, -6211, -756171, -37809 } },
	{ J, 1, 24702717, { 1897, 2, 16, 16, 4, 47, 0, 1897, 0, -26617, -875, -106466, -5324 } },
	{ J, 1, 16574927, { 1881, 9, 4, 8, 54, 247, 3, 1881, 0, -32261, -1060, -129043, -6453 } },
	{ J, 0, -17544003, { -2, 8, 19, 3, 0, 231, 2, -2, 0, -720043, -23657, -2880172, -144009 } },
	{ N, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 0, 10950, 360, 43801, 2190 } },
	{ N, 0, 1392, { 2000, 2, 28, 6, 0, 59, 0, 2000, 0, 11008, 361, 44033, 2201 } },
	{ N, 0, 1433, { 2000, 3, 1, 23, 0, 60, 1, 2000, 0, 11009, 362, 44039, 2201 } },
	{ N, 0, 1440, { 2000, 3, 2, 6, 0, 61, 1, 2000, 0, 11010, 362, 44041, 2202 } },
	{ N, 0, 8783, { 2001, 1, 2, 5, 0, 2, 0, 2001, 0, 11316, 372, 45264, 2263 } },
	{ N, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 0, 10950, 360, 43800, 2190 } },
	{ N, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 0, 10950, 360, 43800, 2190 } },
	{ N, 0, -7, { 1999, 12, 31, 23, 0, 365, 0, 2000, 0, 10949, 359, 43799, 2189 } },
	{ N, 0, -262968, { 1969, 12, 25, 6, 0, 359, 0, 1970, 0, -7, -1, -27, -2 } },
	{ N, 0, -960005, { 1890, 5, 31, 1, 0, 151, 1, 1890, 0, -29050, -956, -116200, -5810 } },
	{ N, 0, -4800000, { 1452, 1, 21, 6, 0, 21, 0, 1452, 0, -189050, -6216, -756199, -37810 } },
	{ N, 1, 36129057, { 1918, 11, 25, 15, 4, 329, 3, 1918, 0, -18652, -614, -74606, -3731 } },
	{ N, 1, 28296712, { 1903, 12, 31, 11, 59, 365, 0, 1904, 0, -24091, -793, -96363, -4819 } },
	{ N, 0, -17544003, { -3, 4, 6, 3, 0, 96, 1, -3, 0, -720050, -23673, -2880200, -144010 } },
	{ A, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 0, 10980, 360, 43921, 2196 } },
	{ A, 0, 1392, { 2000, 2, 28, 6, 0, 59, 0, 2000, 0, 11038, 361, 44153, 2207 } },
	{ A, 0, 1433, { 2000, 2, 29, 23, 0, 60, 0, 2000, 0, 11039, 361, 44159, 2207 } },
	{ A, 0, 1440, { 2000, 3, 1, 6, 0, 61, 1, 2000, 0, 11040, 362, 44161, 2208 } },
	{ A, 0, 8783, { 2001, 1, 1, 5, 0, 1, 0, 2001, 0, 11346, 372, 45384, 2269 } },
	{ A, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 0, 10980, 360, 43920, 2196 } },
	{ A, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 0, 10980, 360, 43920, 2196 } },
	{ A, 0, -7, { 1999, 12, 31, 23, 0, 366, 0, 2000, 0, 10979, 359, 43919, 2195 } },
	{ A, 0, -262968, { 1970, 1, 24, 6, 0, 24, 0, 1970, 0, 23, 0, 93, 4 } },
	{ A, 0, -960005, { 1890, 9, 17, 1, 0, 261, 3, 1890, 0, -29020, -952, -116080, -5804 } },
	{ A, 0, -4800000, { 1453, 7, 21, 6, 0, 203, 2, 1453, 0, -189020, -6198, -756079, -37804 } },
	{ A, 1, 20412123, { 1888, 11, 23, 2, 10, 328, 3, 1888, 0, -29685, -974, -118740, -5937 } },
	{ A, 1, 13594133, { 1875, 12, 16, 9, 0, 351, 0, 1876, 0, -34420, -1129, -137679, -6884 } },
	{ A, 0, -17544003, { 2, 9, 25, 3, 0, 269, 3, 2, 0, -720020, -23608, -2880080, -144004 } },
	{ D, 0, 0, { 2000, 1, 1, 6, 0, 1, 0, 2000, 0, 10800, 360, 43201, 2160 } },
	{ D, 0, 1392, { 2000, 2, 29, 6, 0, 59, 0, 2000, 0, 10858, 361, 43433, 2171 } },
	{ D, 0, 1433, { 2000, 2, 30, 23, 0, 60, 0, 2000, 0, 10859, 361, 43439, 2171 } },
	{ D, 0, 1440, { 2000, 3, 1, 6, 0, 61, 1, 2000, 0, 10860, 362, 43441, 2172 } },
	{ D, 0, 8783, { 2001, 1, 7, 5, 0, 7, 0, 2001, 0, 11166, 372, 44664, 2233 } },
	{ D, 0, -1, { 2000, 1, 1, 5, 0, 1, 0, 2000, 0, 10800, 360, 43200, 2160 } },
	{ D, 0, -6, { 2000, 1, 1, 0, 0, 1, 0, 2000, 0, 10800, 360, 43200, 2160 } },
	{ D, 0, -7, { 1999, 12, 30, 23, 0, 360, 0, 2000, 0, 10799, 359, 43199, 2159 } },
	{ D, 0, -262968, { 1969, 7, 24, 6, 0, 204, 2, 1969, 0, -157, -6, -627, -32 } },
	{ D, 0, -960005, { 1888, 11, 21, 1, 0, 321, 3, 1888, 0, -29200, -974, -116800, -5840 } },
	{ D, 0, -4800000, { 1444, 6, 11, 6, 0, 161, 2, 1444, 0, -189200, -6307, -756799, -37840 } },
	{ D, 1, 34567435, { 1916, 11, 6, 4, 2, 306, 3, 1916, 0, -19135, -638, -76540, -3827 } },
	{ D, 1, 4128238, { 1858, 2, 17, 20, 5, 47, 0, 1858, 0, -40274, -1343, -161093, -8055 } },
	{ D,
	  0,
	  -17544003,
	  { -31, 6, 11, 3, 0, 161, 2, -31, 0, -720200, -24007, -2880800, -144040 } },
};

static void check_known(const struct known *k, int kind)
{
	const bool five = kind == NKNOWN;
	const char *calendar = qn_calendar_name((enum qn_calendar)k->calendar);
	const struct qn_epoch e = epoch_of(units_of[k->units], calendar);
	struct qn_time_part p;
	int64_t exact = 0, real = 0;
	const char *why = qn_time_part_init(&p, five ? QN_PART_WINDOW : (enum qn_part_kind)kind, &e,
					    five ? 5 * QN_DAY_NS : 6 * HOUR_NS);

	if (why) {
		assert_int_equal(kind, QN_PART_WEEK);
		assert_int_equal(k->part[kind], 0);
		return;
	}
	assert_true(qn_part_at_int(&p, k->v, &exact));
	assert_true(qn_part_at_real(&p, (double)k->v, &real));
	assert_int_equal(exact, real);
	if (kind == QN_PART_WEEK && k->part[kind] == NOT_KNOWN)
		assert_true(exact >= 1 && exact <= 53);
	else if (exact != k->part[kind])
		fail_msg("%s of %ld %s in %s: %ld, not %ld", qn_part_name(p.kind), (long)k->v,
			 units_of[k->units], calendar, (long)exact, (long)k->part[kind]);
}

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		for (int k = 0; k <= NKNOWN; k++)
			check_known(&known[i], k);
}

/* ISO weeks of the first and the last of January and December, by datetime. */
static const struct {
	int year, first, last;
} weeks[] = {
	{ 1995, 52, 52 }, { 1996, 1, 1 },   { 1997, 1, 1 },   { 1998, 1, 53 },	{ 1999, 53, 52 },
	{ 2000, 52, 52 }, { 2001, 1, 1 },   { 2002, 1, 1 },   { 2003, 1, 1 },	{ 2004, 1, 53 },
	{ 2005, 53, 52 }, { 2006, 52, 52 }, { 2007, 1, 1 },   { 2008, 1, 1 },	{ 2009, 1, 53 },
	{ 2010, 53, 52 }, { 2011, 52, 52 }, { 2012, 52, 1 },  { 2013, 1, 1 },	{ 2014, 1, 1 },
	{ 2015, 1, 53 },  { 2016, 53, 52 }, { 2017, 52, 52 }, { 2018, 1, 1 },	{ 2019, 1, 1 },
	{ 2020, 1, 53 },  { 2021, 53, 52 }, { 2022, 52, 52 }, { 2023, 52, 52 }, { 2024, 1, 1 },
	{ 2025, 1, 1 },	  { 2026, 1, 53 },  { 2027, 53, 52 }, { 2028, 52, 52 }, { 2029, 1, 1 },
	{ 2030, 1, 1 },	  { 2031, 1, 1 },   { 2032, 1, 53 },  { 2033, 53, 52 },
};

static void test_weeks(void **state)
{
	static const char *const calendars[] = { "standard", "proleptic_gregorian" };

	(void)state;
	for (int c = 0; c < 2; c++) {
		struct qn_time_part p =
			part_of(QN_PART_WEEK, "days since 1970-01-01", calendars[c], 0);

		for (size_t i = 0; i < sizeof(weeks) / sizeof(*weeks); i++) {
			const struct qn_date from = { weeks[i].year, 1, 1 },
					     to = { weeks[i].year, 12, 31 };
			struct qn_instant t = { 0, QN_DAY_NS - 1 };
			int64_t week;

			assert_true(qn_calendar_day(p.epoch.calendar, &from, &t.day));
			assert_true(qn_part_at(&p, &t, &week));
			assert_int_equal(week, weeks[i].first);
			assert_true(qn_calendar_day(p.epoch.calendar, &to, &t.day));
			assert_true(qn_part_at(&p, &t, &week));
			assert_int_equal(week, weeks[i].last);
		}
	}
}

/* A week begins on each seventh day, also across the reform and the year 0, and is the next one of its
   year or the first. */
static void test_all_weeks(void **state)
{
	struct qn_time_part p = part_of(QN_PART_WEEK, "days since 1970-01-05", "standard", 0);
	int64_t last = 0, week, next;

	(void)state;
	for (int64_t monday = -7 * 110000; monday < 7 * 5000; monday += 7) {
		assert_true(qn_part_at_int(&p, monday, &week));
		for (int d = 1; d < 7; d++) {
			assert_true(qn_part_at_int(&p, monday + d, &next));
			assert_int_equal(next, week);
		}
		if (last)
			assert_true(week == last + 1 || (week == 1 && last >= 50));
		last = week;
	}
}

static void test_no_weeks(void **state)
{
	static const char *const none[] = { "julian", "noleap", "all_leap", "360_day" };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct qn_epoch e = epoch_of("days since 1970-01-01", none[i]);
		struct qn_time_part p;
		const char *why = qn_time_part_init(&p, QN_PART_WEEK, &e, 0);

		assert_non_null(why);
		assert_non_null(strstr(why, "standard and proleptic_gregorian only"));
	}
}

/* A time, its part as text, and the start and end of it as numbers. */
static const struct as_text {
	enum qn_part_kind kind;
	const char *window, *units, *calendar;
	double v;
	const char *text;
	const char *part_units;
	int64_t from, to;
} texts[] = {
	{ QN_PART_DATE, "", "days since 2001-01-01", "standard", 30.999, "2001-01-31",
	  "days since 1970-01-01", 11353, 11354 },
	{ QN_PART_DATE, "", "days since 2000-02-01", "360_day", 29.5, "2000-02-30",
	  "days since 1970-01-01", 10859, 10860 },
	{ QN_PART_DATE, "", "days since 0000-01-01", "proleptic_gregorian", -1, "-0001-12-31",
	  "days since 1970-01-01", -719529, -719528 },
	{ QN_PART_YEARMONTH, "", "days since 2001-01-01", "standard", 31, "2001-02",
	  "days since 1970-01-01", 11354, 11382 },
	{ QN_PART_YEARMONTH, "", "days since 2000-02-01", "noleap", 0, "2000-02",
	  "days since 1970-01-01", 10981, 11009 },
	{ QN_PART_YEARMONTH, "", "days since 0000-01-01", "proleptic_gregorian", -40, "-0001-11",
	  "days since 1970-01-01", -719589, -719559 },
	{ QN_PART_YEARMONTH, "", "days since 1582-10-04", "standard", 1, "1582-10",
	  "days since 1970-01-01", -141431, -141410 },
	{ QN_PART_WINDOW, "6h", "hours since 2001-01-01", "standard", 11.9, "2001-01-01T06:00:00",
	  "hours since 1970-01-01", 271758, 271764 },
	{ QN_PART_WINDOW, "5 d", "days since 1970-01-01", "standard", -0.5, "1969-12-27T00:00:00",
	  "days since 1970-01-01", -5, 0 },
	{ QN_PART_WINDOW, "90min", "hours since 1970-01-01", "julian", 2, "1970-01-01T01:30:00",
	  "minutes since 1970-01-01", 90, 180 },
	{ QN_PART_WINDOW, "1week", "days since 1970-01-01", "noleap", 7, "1970-01-08T00:00:00",
	  "days since 1970-01-01", 7, 14 },
	{ QN_PART_WINDOW, "500ms", "seconds since 1970-01-01", "standard", 0.75,
	  "1970-01-01T00:00:00.5", "milliseconds since 1970-01-01", 500, 1000 },
	{ QN_PART_WINDOW, "7ns", "nanoseconds since 1970-01-01", "standard", -1,
	  "1969-12-31T23:59:59.999999993", "nanoseconds since 1970-01-01", -7, 0 },
	{ QN_PART_SEASON, "", "days since 2001-01-01", "standard", 364, "DJF", NULL, 0, 0 },
	{ QN_PART_SEASON, "", "days since 2001-01-01", "standard", 330, "SON", NULL, 0, 0 },
	{ QN_PART_MONTH, "", "days since 2001-01-01", "standard", 364, "12", NULL, 0, 0 },
	{ QN_PART_YEAR, "", "days since 0000-01-01", "noleap", -1, "-1", NULL, 0, 0 },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct as_text *k = &texts[i];
		struct qn_time_part p;
		struct qn_instant from, to;
		char text[QN_PART_TEXT_NBYTES], units[QN_PART_UNITS_NBYTES];
		int64_t window_ns = 0, part, number;

		if (*k->window)
			assert_null(qn_duration_parse(k->window, &window_ns));
		p = part_of(k->kind, k->units, k->calendar, window_ns);
		assert_true(qn_part_at_real(&p, k->v, &part));
		qn_part_format(&p, part, text);
		assert_string_equal(text, k->text);
		assert_int_equal(qn_part_is_time(k->kind), k->part_units != NULL);
		if (!k->part_units)
			continue;
		qn_part_units(&p, units);
		assert_string_equal(units, k->part_units);
		assert_true(qn_part_span(&p, part, &from, &to));
		assert_true(qn_part_number(&p, &from, &number));
		assert_int_equal(number, k->from);
		assert_true(qn_part_number(&p, &to, &number));
		assert_int_equal(number, k->to);
	}
}

/* Every stretch of time begins where the one before it ends, and has its own start. */
static void test_spans(void **state)
{
	static const enum qn_part_kind kinds[] = { QN_PART_DATE, QN_PART_YEARMONTH,
						   QN_PART_WINDOW };

	(void)state;
	for (int c = 0; c < QN_NCALENDARS; c++)
		for (int k = 0; k < 3; k++) {
			struct qn_time_part p = part_of(kinds[k], "days since 1970-01-01",
							qn_calendar_name((enum qn_calendar)c),
							7 * HOUR_NS);
			struct qn_instant from, to, end;
			int64_t part, first = -30000;

			assert_true(qn_part_span(&p, first - 1, &from, &end));
			for (int64_t i = first; i < 1000; i++, end = to) {
				assert_true(qn_part_span(&p, i, &from, &to));
				assert_int_equal(qn_instant_compare(&end, &from), 0);
				assert_true(qn_part_at(&p, &from, &part));
				assert_int_equal(part, i);
			}
		}
}

/* What is nearly a time is that time: 0.1 of a day is no double. */
static void test_rounding(void **state)
{
	struct qn_time_part date = part_of(QN_PART_DATE, "days since 2000-12-31", "standard", 0);
	struct qn_time_part hour = part_of(QN_PART_HOUR, "days since 2000-12-31", "standard", 0);
	struct qn_time_part year = part_of(QN_PART_YEAR, "seconds since 2000-12-31", "standard", 0);
	struct qn_time_part minute =
		part_of(QN_PART_MINUTE, "microseconds since 2000-12-31", "standard", 0);
	int64_t v;

	(void)state;
	assert_true(qn_part_at_real(&date, nextafter(1.0, 0.0), &v));
	assert_int_equal(v, 11323);
	assert_true(qn_part_at_real(&hour, nextafter(1.0, 0.0), &v));
	assert_int_equal(v, 0);
	for (int h = 0; h < 24 * 365; h++) {
		assert_true(qn_part_at_real(&hour, h / 24.0, &v));
		assert_int_equal(v, h % 24);
	}
	assert_true(qn_part_at_real(&year, 86399.9996, &v));
	assert_int_equal(v, 2001);
	assert_true(qn_part_at_real(&year, 86399.9994, &v));
	assert_int_equal(v, 2000);
	assert_true(qn_part_at_int(&minute, 60 * INT64_C(1000000) - 1, &v));
	assert_int_equal(v, 0);
	assert_true(qn_part_at_real(&minute, 60e6 - 1, &v));
	assert_int_equal(v, 0);
}

static void test_no_parts(void **state)
{
	struct qn_time_part p = part_of(QN_PART_YEAR, "days since 2000-01-01", "standard", 0);
	struct qn_time_part w = part_of(QN_PART_WINDOW, "days since 2000-01-01", "standard", 1);
	struct qn_instant from, to;
	enum qn_part_kind k;
	int64_t v;

	(void)state;
	assert_false(qn_part_at_real(&p, (double)NAN, &v));
	assert_false(qn_part_at_real(&p, (double)INFINITY, &v));
	assert_false(qn_part_at_real(&p, -1e300, &v));
	assert_false(qn_part_at_int(&p, INT64_MAX, &v));
	assert_false(qn_part_at_int(&p, INT64_MIN, &v));
	assert_false(qn_part_at_int(&w, 1000000, &v));
	assert_true(qn_part_at_int(&w, 90000, &v));
	assert_false(qn_part_span(&p, INT64_MAX, &from, &to));
	p.kind = QN_PART_DATE;
	assert_false(qn_part_span(&p, INT64_MIN, &from, &to));
	p.kind = QN_PART_YEARMONTH;
	assert_false(qn_part_span(&p, INT64_MIN, &from, &to));
	assert_false(qn_part_find("months", 6, &k));
	assert_false(qn_part_find("mont", 4, &k));
	assert_true(qn_part_find("month(", 5, &k) && k == QN_PART_MONTH);
	for (int i = 0; i < QN_NPART_KINDS; i++) {
		const char *name = qn_part_name((enum qn_part_kind)i);

		assert_true(qn_part_find(name, strlen(name), &k) && (int)k == i);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *says;
	} some[] = {
		{ "6h", 6 * HOUR_NS, NULL },	    { " 5 days ", 5 * QN_DAY_NS, NULL },
		{ "30min", HOUR_NS / 2, NULL },	    { "2W", 0, "whole number" },
		{ "2weeks", 14 * QN_DAY_NS, NULL }, { "1month", 0, "yearmonth" },
		{ "1 year", 0, "yearmonth" },	    { "0h", 0, "no length" },
		{ "-6h", 0, "whole number" },	    { "1.5h", 0, "whole number" },
		{ "6", 0, "whole number" },	    { "h", 0, "whole number" },
		{ "", 0, "whole number" },	    { "6hx", 0, "whole number" },
		{ "6h 5", 0, "whole number" },	    { "106751d", 106751 * QN_DAY_NS, NULL },
		{ "106752d", 0, "292 years" },	    { "9999999999s", 0, "whole number" },
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		const char *why = qn_duration_parse(some[i].text, &ns);

		if (!why != !some[i].says || (why && !strstr(why, some[i].says)))
			fail_msg("'%s': %s", some[i].text, why ? why : "taken");
		if (!why)
			assert_true(ns == some[i].ns);
	}
}

/* By datetime and cftime; 1582-10-04, a Thursday, is followed by 1582-10-15 in the standard calendar. */
static void test_days_of_weeks(void **state)
{
	static const struct {
		const char *calendar;
		struct qn_date date;
		int64_t day;
	} some[] = {
		{ "standard", { 1970, 1, 1 }, 3 },
		{ "standard", { 2026, 11, 30 }, 0 },
		{ "standard", { 2000, 2, 29 }, 1 },
		{ "standard", { 1582, 10, 4 }, 3 },
		{ "standard", { 1582, 10, 15 }, 4 },
		{ "standard", { 1969, 12, 28 }, 6 },
		{ "julian", { 1970, 1, 1 }, 2 },
		{ "julian", { 1582, 10, 4 }, 3 },
		{ "proleptic_gregorian", { 1582, 10, 4 }, 0 },
		{ "proleptic_gregorian", { 2026, 11, 29 }, 6 },
	};
	static const char *const none[] = { "noleap", "all_leap", "360_day" };
	enum qn_part_kind kind;

	(void)state;
	assert_true(qn_part_find("weekday", strlen("weekday"), &kind));
	assert_int_equal(kind, QN_PART_DAYOFWEEK);
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		const struct qn_time_part p =
			part_of(kind, "days since 1970-01-01", some[i].calendar, 0);
		struct qn_instant t = { 0, QN_DAY_NS - 1 };
		int64_t day;

		assert_true(qn_calendar_day(p.epoch.calendar, &some[i].date, &t.day));
		assert_true(qn_part_at(&p, &t, &day));
		assert_int_equal(day, some[i].day);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		const struct qn_epoch e = epoch_of("days since 1970-01-01", none[i]);
		struct qn_time_part p;

		assert_non_null(qn_time_part_init(&p, kind, &e, 0));
	}
}

/* Days since 2001-01-01: one of a part, and one of it a year, or a day, on. */
static void test_again(void **state)
{
	static const struct {
		enum qn_part_kind kind;
		const char *calendar;
		int64_t day, next, same;
	} some[] = {
		{ QN_PART_MONTH, "standard", 58, 410,
		  true }, /* 02-28; the middle of the next February */
		{ QN_PART_SEASON, "noleap", 364, 744, true },	  /* 12-31, of the winter of 2002 */
		{ QN_PART_DAYOFYEAR, "standard", 59, 424, true }, /* 2001-03-01, 2002-03-01 */
		{ QN_PART_DAYOFYEAR, "standard", 789, 1154, true },   /* 2003-03-01, 2004-02-29 */
		{ QN_PART_DAYOFYEAR, "standard", 1460, 1826, false }, /* 2004-12-31, 2006-01-01 */
		{ QN_PART_DAYOFYEAR, "360_day", 359, 719, true },
		{ QN_PART_WEEK, "standard", 2922, 3293, true },	 /* 2009-01-01, 2010-01-07 */
		{ QN_PART_WEEK, "standard", 3286, 3657, false }, /* 2009-12-31 is of week 53 */
		{ QN_PART_HOUR, "360_day", 29, 30, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		const struct qn_time_part p =
			part_of(some[i].kind, "days since 2001-01-01", some[i].calendar, 0);
		struct qn_instant t, next;
		int64_t part, again;

		assert_true(qn_epoch_at_int(&p.epoch, some[i].day, &t));
		assert_true(qn_part_at(&p, &t, &part));
		assert_true(qn_part_again(&p, &t));
		assert_true(qn_epoch_at_int(&p.epoch, some[i].next, &next));
		assert_int_equal(t.day, next.day);
		assert_true(qn_part_at(&p, &t, &again));
		assert_int_equal(part == again, some[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	      cmocka_unit_test(test_weeks),
		cmocka_unit_test(test_all_weeks),     cmocka_unit_test(test_no_weeks),
		cmocka_unit_test(test_texts),	      cmocka_unit_test(test_spans),
		cmocka_unit_test(test_rounding),      cmocka_unit_test(test_no_parts),
		cmocka_unit_test(test_durations),     cmocka_unit_test(test_again),
		cmocka_unit_test(test_days_of_weeks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
