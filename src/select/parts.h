/*
 * parts.h - parts of times: the month of a time, its season, the window of six hours that it is in.
 *
 * A part is a whole number. Parts of a time line (year, seasonyear, date, yearmonth, window) never fall
 * as times rise; the others come round again:
 *
 *	year seasonyear	    of the calendar, astronomical; December of 2000 is of the seasonyear 2001
 *	month day	    from 1
 *	hour minute	    from 0, UTC
 *	dayofweek	    from Monday, 0, to Sunday, 6; in calendars that have weeks: standard, proleptic_gregorian, julian
 *	dayofyear	    from 1; 1582 of the standard calendar has no 278 to 287
 *	season		    0 to 3: DJF MAM JJA SON
 *	week		    of ISO 8601, 1 to 53; in the standard and proleptic_gregorian calendars only
 *	date		    days since 1970-01-01
 *	yearmonth	    months since 1970-01
 *	window		    windows of a fixed length since 1970-01-01T00
 *
 * All of them go by the calendar of the data (base/calendar.h), and 1970-01-01 is a date of each.
 */
#ifndef QN_SELECT_PARTS_H
#define QN_SELECT_PARTS_H

#include "select/epoch.h"

enum qn_part_kind {
	QN_PART_YEAR,
	QN_PART_MONTH,
	QN_PART_DAY,
	QN_PART_HOUR,
	QN_PART_MINUTE,
	QN_PART_DAYOFYEAR,
	QN_PART_SEASON,
	QN_PART_SEASONYEAR,
	QN_PART_WEEK,
	QN_PART_DATE,
	QN_PART_YEARMONTH,
	QN_PART_WINDOW,
	QN_PART_DAYOFWEEK,
	QN_NPART_KINDS
};

/* What is taken of the times of a coordinate. Plain memory, made by qn_time_part_init. */
struct qn_time_part {
	enum qn_part_kind kind;
	struct qn_epoch epoch;
	int64_t origin;	   /* the day number of 1970-01-01 */
	int64_t window_ns; /* of a window */
};

/* The part of a name of n bytes, in small letters, or of another name of it (weekday); false: there is none. */
bool qn_part_find(const char *name, size_t n, enum qn_part_kind *out);
const char *qn_part_name(enum qn_part_kind k);

/* window_ns: the length of a window, > 0; of other parts it does not matter. NULL, or why the calendar
   of the times has no such part, to be put after "NAME of TIME". */
const char *qn_time_part_init(struct qn_time_part *p, enum qn_part_kind k,
			      const struct qn_epoch *epoch, int64_t window_ns);

/* The part of a time, which may be a number of p->epoch (qn_epoch_at_int, qn_epoch_at_real). False: not
   a number, or too far away. */
bool qn_part_at(const struct qn_time_part *p, const struct qn_instant *t, int64_t *part);
bool qn_part_at_int(const struct qn_time_part *p, int64_t v, int64_t *part);
bool qn_part_at_real(const struct qn_time_part *p, double v, int64_t *part);

/* Is the part a stretch of the time line that has a date of its own: date, yearmonth, window? */
bool qn_part_is_time(enum qn_part_kind k);

/* Of such a part: its stretch [*from, *to). False: too far away. */
bool qn_part_span(const struct qn_time_part *p, int64_t part, struct qn_instant *from,
		  struct qn_instant *to);

/* Of a part of which all of a time line can be: "years" where it comes round again every year, "days" every day,
   "" where it is a year; NULL: none of these. */
const char *qn_part_cycle(enum qn_part_kind k);

/* Of a part that has such a cycle: the stretch [*from, *to) around a time all of which has the part that the
   time has: the winter around a day in January. False: too far away. */
bool qn_part_around(const struct qn_time_part *p, const struct qn_instant *t,
		    struct qn_instant *from, struct qn_instant *to);

/* Of such a part: *t becomes a time of the next year, or day, that has the same part; not all years have day 366 and
   week 53, and it is near one then. False: too far away. */
bool qn_part_again(const struct qn_time_part *p, struct qn_instant *t);

/* Of such parts and stretches: "hours since 1970-01-01", in the longest unit that all of its starts and ends are whole
   numbers of, and how many of these an instant is. False: it is no whole number of them, or too far away. */
#define QN_PART_UNITS_NBYTES 48
void qn_part_units(const struct qn_time_part *p, char out[QN_PART_UNITS_NBYTES]);
bool qn_part_number(const struct qn_time_part *p, const struct qn_instant *t, int64_t *out);

/* As people read it: "2001-01-31", "2001-01", "2001-01-01T06:00:00" (the start of a window, with a fraction
   where it has one), "DJF", "7". */
#define QN_PART_TEXT_NBYTES 80
void qn_part_format(const struct qn_time_part *p, int64_t part, char out[QN_PART_TEXT_NBYTES]);

#endif
