#include "base/calendar.h"

#include <stddef.h>
#include <strings.h>

/* Days of the four-hundred-year cycle in which each calendar repeats. */
#define CYCLE_YEARS 400

static const struct row {
	const char *name, *alias;
	int64_t cycle_days;
} rows[QN_NCALENDARS] = {
	[QN_STANDARD] = { "standard", "gregorian", 146097 },
	[QN_PROLEPTIC_GREGORIAN] = { "proleptic_gregorian", NULL, 146097 },
	[QN_JULIAN] = { "julian", NULL, 146100 },
	[QN_NOLEAP] = { "noleap", "365_day", 146000 },
	[QN_ALL_LEAP] = { "all_leap", "366_day", 146400 },
	[QN_360_DAY] = { "360_day", NULL, 144000 },
};

/* The last day of the Julian and the first of the Gregorian part of the standard calendar. */
static const struct qn_date last_julian = { 1582, 10, 4 }, first_gregorian = { 1582, 10, 15 };

bool qn_calendar_find(const char *name, enum qn_calendar *out)
{
	*out = QN_STANDARD;
	if (!name || !*name)
		return true;
	for (int c = 0; c < QN_NCALENDARS; c++)
		if (!strcasecmp(rows[c].name, name) ||
		    (rows[c].alias && !strcasecmp(rows[c].alias, name))) {
			*out = (enum qn_calendar)c;
			return true;
		}
	return false;
}

const char *qn_calendar_name(enum qn_calendar c)
{
	return rows[c].name;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool divides(int64_t n, int64_t year)
{
	return year % n == 0;
}

static bool is_leap(enum qn_calendar c, int64_t year)
{
	switch (c) {
	case QN_PROLEPTIC_GREGORIAN:
		return divides(4, year) && (!divides(100, year) || divides(400, year));
	case QN_JULIAN:
		return divides(4, year);
	case QN_ALL_LEAP:
		return true;
	default:
		return false;
	}
}

/* Of the calendars but the standard one: days from the first of the year 0, or of the year 1 back,
   to the first of this year. Leap years before `year` are those among 1 to year - 1, up to a
   constant. */
static int64_t days_before_year(enum qn_calendar c, int64_t year)
{
	int64_t last = year - 1;

	switch (c) {
	case QN_PROLEPTIC_GREGORIAN:
		return 365 * year + floor_div(last, 4) - floor_div(last, 100) +
		       floor_div(last, 400);
	case QN_JULIAN:
		return 365 * year + floor_div(last, 4);
	case QN_ALL_LEAP:
		return 366 * year;
	case QN_360_DAY:
		return 360 * year;
	default:
		return 365 * year;
	}
}

static int month_length(enum qn_calendar c, int64_t year, int month)
{
	static const int length[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (c == QN_360_DAY)
		return 30;
	return length[month - 1] + (month == 2 && is_leap(c, year));
}

/* Which of the two parts of the standard calendar a year and month are in, for its lengths. */
static enum qn_calendar part_of(enum qn_calendar c, int64_t year)
{
	if (c != QN_STANDARD)
		return c;
	return year > first_gregorian.year ? QN_PROLEPTIC_GREGORIAN : QN_JULIAN;
}

int qn_calendar_month_length(enum qn_calendar c, int64_t year, int month)
{
	return month_length(part_of(c, year), year, month);
}

static int64_t plain_day(enum qn_calendar c, const struct qn_date *date)
{
	int64_t day = days_before_year(c, date->year) + date->day - 1;

	for (int m = 1; m < date->month; m++)
		day += month_length(c, date->year, m);
	return day;
}

static void plain_date(enum qn_calendar c, int64_t day, struct qn_date *out)
{
	int64_t year = floor_div(day * CYCLE_YEARS, rows[c].cycle_days);
	int month = 1;

	/* The mean length of a year gives the year to within one. */
	while (days_before_year(c, year) > day)
		year--;
	while (days_before_year(c, year + 1) <= day)
		year++;
	day -= days_before_year(c, year);
	for (; day >= month_length(c, year, month); month++)
		day -= month_length(c, year, month);
	*out = (struct qn_date){ year, month, (int)day + 1 };
}

static bool is_before(const struct qn_date *a, const struct qn_date *b)
{
	if (a->year != b->year)
		return a->year < b->year;
	return a->month != b->month ? a->month < b->month : a->day < b->day;
}

/* What to add to a day number of the Julian calendar to make it one of the Gregorian. */
static int64_t julian_shift(void)
{
	return plain_day(QN_PROLEPTIC_GREGORIAN, &first_gregorian) -
	       plain_day(QN_JULIAN, &last_julian) - 1;
}

bool qn_calendar_day(enum qn_calendar c, const struct qn_date *date, int64_t *day)
{
	if (date->year < -QN_MAX_YEAR || date->year > QN_MAX_YEAR || date->month < 1 ||
	    date->month > 12 || date->day < 1 ||
	    date->day > qn_calendar_month_length(c, date->year, date->month))
		return false;
	if (c != QN_STANDARD)
		*day = plain_day(c, date);
	else if (!is_before(date, &first_gregorian))
		*day = plain_day(QN_PROLEPTIC_GREGORIAN, date);
	else if (!is_before(&last_julian, date))
		*day = plain_day(QN_JULIAN, date) + julian_shift();
	else
		return false;
	return true;
}

bool qn_calendar_date(enum qn_calendar c, int64_t day, struct qn_date *out)
{
	int64_t most = 366 * QN_MAX_YEAR;

	if (day < -most || day > most)
		return false;
	if (c != QN_STANDARD)
		plain_date(c, day, out);
	else if (day >= plain_day(QN_PROLEPTIC_GREGORIAN, &first_gregorian))
		plain_date(QN_PROLEPTIC_GREGORIAN, day, out);
	else
		plain_date(QN_JULIAN, day - julian_shift(), out);
	return out->year >= -QN_MAX_YEAR && out->year <= QN_MAX_YEAR;
}

static bool is_gregorian(enum qn_calendar c)
{
	return c == QN_STANDARD || c == QN_PROLEPTIC_GREGORIAN;
}

bool qn_calendar_turn(enum qn_calendar from, enum qn_calendar to, int64_t *day)
{
	struct qn_date date;
	int64_t first;

	if (from == to)
		return true;
	return is_gregorian(from) && is_gregorian(to) &&
	       qn_calendar_day(from, &first_gregorian, &first) && *day >= first &&
	       qn_calendar_date(from, *day, &date) && qn_calendar_day(to, &date, day);
}
