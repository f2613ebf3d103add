/*
 * calendar.h - the calendars of the CF conventions, as arithmetic on whole numbers.
 *
 * A date is a year, a month from 1 and a day from 1; years are counted astronomically, so that 0 is
 * the year before 1. A day number counts days within one calendar: only differences of day numbers
 * of the same calendar mean anything.
 *
 * "standard" is the mixed calendar: Julian up to 1582-10-04, and from the next day, 1582-10-15,
 * Gregorian. (CF conventions, section 4.4.1)
 */
#ifndef QN_BASE_CALENDAR_H
#define QN_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum qn_calendar {
	QN_STANDARD,
	QN_PROLEPTIC_GREGORIAN,
	QN_JULIAN,
	QN_NOLEAP,
	QN_ALL_LEAP,
	QN_360_DAY,
	QN_NCALENDARS
};

struct qn_date {
	int64_t year;
	int month, day;
};

/* Years beyond this are no dates. */
#define QN_MAX_YEAR INT64_C(100000000)

/* The calendar of a CF name, in capitals or not; NULL and "" are the standard one. False: none. */
bool qn_calendar_find(const char *name, enum qn_calendar *out);
const char *qn_calendar_name(enum qn_calendar c);

/* Days of a month, which is within 1 to 12. In the standard calendar October 1582 has 31, of which
   ten never were. */
int qn_calendar_month_length(enum qn_calendar c, int64_t year, int month);

/* The number of a date's day; false when the calendar has no such date. */
bool qn_calendar_day(enum qn_calendar c, const struct qn_date *date, int64_t *day);

/* The date of a day number; false when its year is beyond QN_MAX_YEAR. */
bool qn_calendar_date(enum qn_calendar c, int64_t day, struct qn_date *out);

/* From a day number of one calendar to that of the same date in another one: of the standard and the
   proleptic Gregorian calendar, which have the same dates from the reform on. False: they have not. */
bool qn_calendar_turn(enum qn_calendar from, enum qn_calendar to, int64_t *day);

#endif
