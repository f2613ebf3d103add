/*
 * epoch.h - times as files and users write them: "hours since 1900-01-01 00:00:0.0" and a calendar,
 * "2001-12-31T06:00".
 *
 * An instant is a day number of the calendar (base/calendar.h) and nanoseconds from midnight UTC;
 * the month of a time, say, is one step from there. Leap seconds are not counted, as in UDUNITS and CF.
 */
#ifndef QN_SELECT_EPOCH_H
#define QN_SELECT_EPOCH_H

#include <stddef.h>

#include "base/calendar.h"

#define QN_DAY_NS (INT64_C(86400) * 1000000000)

struct qn_instant {
	int64_t day, ns; /* 0 <= ns < QN_DAY_NS */
};

/* What the numbers of a time coordinate count, and from when. */
struct qn_epoch {
	enum qn_calendar calendar;
	int64_t unit_ns;
	struct qn_instant base;
};

/* A date as written, and how much of it. */
struct qn_moment {
	struct qn_date date;
	int64_t ns; /* of the day */
	enum { QN_TO_YEAR, QN_TO_MONTH, QN_TO_DAY, QN_TO_TIME } precision;
	int64_t step_ns; /* QN_TO_TIME: of the last digit */
};

/* Does a text look like units of time, "... since ..."? */
bool qn_epoch_is_meant(const char *units);

/*
 * Reads the attributes units and calendar ("" or NULL: standard). NULL, or why not, to be put after
 * "its units 'UNITS'". Units of weeks to nanoseconds; a month or a year only in 360_day, where it
 * is a number of days: elsewhere UDUNITS defines them as parts of the tropical year, which is seldom
 * meant.
 */
const char *qn_epoch_parse(const char *units, const char *calendar, struct qn_epoch *out);

/* The instant of a number. Floating-point numbers are rounded to a millisecond, or to the unit when
   that is shorter. False: too far away, or not a number. */
bool qn_epoch_at_int(const struct qn_epoch *e, int64_t v, struct qn_instant *out);
bool qn_epoch_at_real(const struct qn_epoch *e, double v, struct qn_instant *out);

/* < 0, 0, > 0 as a is before, at, after b. */
int qn_instant_compare(const struct qn_instant *a, const struct qn_instant *b);

/* "2001-12-31", "-0004-02-29", into out. Returns the length, which may be more than there is room for. */
size_t qn_date_format(const struct qn_date *d, size_t nbytes, char *out);

/* "2001-12-31" or "2001-12-31T06:00:00.5", into out. */
void qn_instant_format(enum qn_calendar c, const struct qn_instant *t, size_t nbytes, char *out);

/* The length of a whole number of units of a clock, as in "6h", "5d" or "30 min". NULL, or why it is none. */
const char *qn_duration_parse(const char *text, int64_t *ns);

/*
 * Takes a moment, UTC, from the text at *p, as much of it as can be one: YYYY-MM, YYYY-MM-DD,
 * YYYY-MM-DDTHH:MM, ...:SS, ...:SS.FFF, with Z or without. False, with *p where it was: there is
 * none. A year has four digits or more, and alone is not taken, for it is an integer too. Whether
 * there is such a date depends on the calendar.
 */
bool qn_moment_parse(const char **p, struct qn_moment *out);

/* The time that a moment stands for, which is as long as its last digit: [*from, *to). False: the
   calendar has no such date. */
bool qn_moment_span(enum qn_calendar c, const struct qn_moment *m, struct qn_instant *from,
		    struct qn_instant *to);

#endif
