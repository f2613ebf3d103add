#include "select/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MONTHS	       12
#define WEEK_DAYS      7
#define WEEKS_PER_YEAR 52
#define SECOND_NS      INT64_C(1000000000)
#define FIRST_YEAR     1970
#define THURSDAY       3 /* counted from Monday, 0; 1970-01-01 was one, */
#define WEDNESDAY      2 /* but in the Julian calendar */

/* A time, and where it is in its calendar. */
struct place {
	const struct qn_time_part *part;
	struct qn_instant t;
	struct qn_date date;
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* --- the parts --- */

static bool year(const struct place *at, int64_t *out)
{
	*out = at->date.year;
	return true;
}

static bool month(const struct place *at, int64_t *out)
{
	*out = at->date.month;
	return true;
}

static bool day(const struct place *at, int64_t *out)
{
	*out = at->date.day;
	return true;
}

static bool hour(const struct place *at, int64_t *out)
{
	*out = at->t.ns / SECOND_NS / 3600;
	return true;
}

static bool minute(const struct place *at, int64_t *out)
{
	*out = at->t.ns / SECOND_NS / 60 % 60;
	return true;
}

/* As the months of the year are long, so that a date has the same number in 1582 of the standard calendar
   as in other years. */
static bool dayofyear(const struct place *at, int64_t *out)
{
	*out = at->date.day;
	for (int m = 1; m < at->date.month; m++)
		*out += qn_calendar_month_length(at->part->epoch.calendar, at->date.year, m);
	return true;
}

static bool season(const struct place *at, int64_t *out)
{
	*out = at->date.month % MONTHS / 3;
	return true;
}

static bool seasonyear(const struct place *at, int64_t *out)
{
	*out = at->date.year + (at->date.month == MONTHS);
	return true;
}

static bool dayofweek(const struct place *at, int64_t *out)
{
	const int first = at->part->epoch.calendar == QN_JULIAN ? WEDNESDAY : THURSDAY;
	const int64_t since = at->t.day - at->part->origin + first;

	*out = since - floor_div(since, WEEK_DAYS) * WEEK_DAYS;
	return true;
}

/* A week is of the year that its Thursday is of. */
static bool week(const struct place *at, int64_t *out)
{
	const enum qn_calendar c = at->part->epoch.calendar;
	const int64_t since = at->t.day - at->part->origin + THURSDAY;
	const int64_t monday = at->t.day - (since - floor_div(since, WEEK_DAYS) * WEEK_DAYS);
	struct qn_date new_year = { 0, 1, 1 };
	int64_t first;

	if (!qn_calendar_date(c, monday + THURSDAY, &new_year))
		return false;
	new_year.month = new_year.day = 1;
	if (!qn_calendar_day(c, &new_year, &first))
		return false;
	*out = (monday + THURSDAY - first) / WEEK_DAYS + 1;
	return true;
}

static bool date(const struct place *at, int64_t *out)
{
	*out = at->t.day - at->part->origin;
	return true;
}

static bool yearmonth(const struct place *at, int64_t *out)
{
	*out = (at->date.year - FIRST_YEAR) * MONTHS + at->date.month - 1;
	return true;
}

/* Units since 1970-01-01T00 of the calendar. */
static struct qn_epoch since_origin(const struct qn_time_part *p, int64_t unit_ns)
{
	return (struct qn_epoch){ p->epoch.calendar, unit_ns, { p->origin, 0 } };
}

static bool window(const struct place *at, int64_t *out)
{
	const struct qn_epoch windows = since_origin(at->part, at->part->window_ns);
	int64_t more_ns;

	return qn_epoch_number(&windows, &at->t, out, &more_ns);
}

static const struct row {
	const char *name;
	bool (*at)(const struct place *at, int64_t *out);
	bool is_time;
} rows[QN_NPART_KINDS] = {
	[QN_PART_YEAR] = { "year", year, false },
	[QN_PART_MONTH] = { "month", month, false },
	[QN_PART_DAY] = { "day", day, false },
	[QN_PART_HOUR] = { "hour", hour, false },
	[QN_PART_MINUTE] = { "minute", minute, false },
	[QN_PART_DAYOFYEAR] = { "dayofyear", dayofyear, false },
	[QN_PART_SEASON] = { "season", season, false },
	[QN_PART_SEASONYEAR] = { "seasonyear", seasonyear, false },
	[QN_PART_WEEK] = { "week", week, false },
	[QN_PART_DATE] = { "date", date, true },
	[QN_PART_YEARMONTH] = { "yearmonth", yearmonth, true },
	[QN_PART_WINDOW] = { "window", window, true },
	[QN_PART_DAYOFWEEK] = { "dayofweek", dayofweek, false },
};

bool qn_part_find(const char *name, size_t n, enum qn_part_kind *out)
{
	for (int k = 0; k < QN_NPART_KINDS; k++)
		if (strlen(rows[k].name) == n && !strncmp(rows[k].name, name, n)) {
			*out = (enum qn_part_kind)k;
			return true;
		}
	*out = QN_PART_DAYOFWEEK;
	return n == strlen("weekday") && !strncmp(name, "weekday", n);
}

const char *qn_part_name(enum qn_part_kind k)
{
	return rows[k].name;
}

bool qn_part_is_time(enum qn_part_kind k)
{
	return rows[k].is_time;
}

const char *qn_time_part_init(struct qn_time_part *p, enum qn_part_kind k,
			      const struct qn_epoch *epoch, int64_t window_ns)
{
	const struct qn_date origin = { FIRST_YEAR, 1, 1 };

	*p = (struct qn_time_part){ .kind = k, .epoch = *epoch, .window_ns = window_ns };
	if (k == QN_PART_WEEK && epoch->calendar != QN_STANDARD &&
	    epoch->calendar != QN_PROLEPTIC_GREGORIAN)
		return "is of the calendars standard and proleptic_gregorian only, for weeks of others "
		       "have no numbers: group by window(TIME, '7d')";
	if (k == QN_PART_DAYOFWEEK && epoch->calendar != QN_STANDARD &&
	    epoch->calendar != QN_PROLEPTIC_GREGORIAN && epoch->calendar != QN_JULIAN)
		return "is of the calendars standard, proleptic_gregorian and julian only, for days of others are "
		       "none of a week: group by dayofyear(TIME) or window(TIME, '7d')";
	qn_calendar_day(epoch->calendar, &origin, &p->origin);
	return NULL;
}

bool qn_part_at(const struct qn_time_part *p, const struct qn_instant *t, int64_t *part)
{
	struct place at = { .part = p, .t = *t };

	return qn_calendar_date(p->epoch.calendar, t->day, &at.date) && rows[p->kind].at(&at, part);
}

bool qn_part_at_int(const struct qn_time_part *p, int64_t v, int64_t *part)
{
	struct qn_instant t;

	return qn_epoch_at_int(&p->epoch, v, &t) && qn_part_at(p, &t, part);
}

bool qn_part_at_real(const struct qn_time_part *p, double v, int64_t *part)
{
	struct qn_instant t;

	return qn_epoch_at_real(&p->epoch, v, &t) && qn_part_at(p, &t, part);
}

/* --- parts that are times --- */

/* The start of a part. */
static bool start_of(const struct qn_time_part *p, int64_t part, struct qn_instant *out)
{
	const int64_t years = floor_div(part, MONTHS);
	const int month = (int)((part % MONTHS + MONTHS) % MONTHS) + 1;
	const struct qn_date first = { FIRST_YEAR + years, month, 1 };
	const struct qn_epoch e =
		since_origin(p, p->kind == QN_PART_WINDOW ? p->window_ns : QN_DAY_NS);
	struct qn_date is_there;

	*out = (struct qn_instant){ 0, 0 };
	if (p->kind == QN_PART_YEARMONTH)
		return qn_calendar_day(p->epoch.calendar, &first, &out->day);
	return qn_epoch_at_int(&e, part, out) &&
	       qn_calendar_date(p->epoch.calendar, out->day, &is_there);
}

bool qn_part_span(const struct qn_time_part *p, int64_t part, struct qn_instant *from,
		  struct qn_instant *to)
{
	return part < INT64_MAX && start_of(p, part, from) && start_of(p, part + 1, to);
}

/* Stretches of so many parts of a time line that begin `before` ahead of a multiple of their length. */
static const struct cycle {
	const char *name;
	enum qn_part_kind line;
	int64_t n, before;
} cycles[QN_NPART_KINDS] = {
	[QN_PART_YEAR] = { "", QN_PART_YEARMONTH, MONTHS, 0 },
	[QN_PART_SEASONYEAR] = { "", QN_PART_YEARMONTH, MONTHS, 1 },
	[QN_PART_MONTH] = { "years", QN_PART_YEARMONTH, 1, 0 },
	[QN_PART_SEASON] = { "years", QN_PART_YEARMONTH, 3, 1 },
	[QN_PART_WEEK] = { "years", QN_PART_DATE, WEEK_DAYS, THURSDAY },
	[QN_PART_DAYOFYEAR] = { "years", QN_PART_DATE, 1, 0 },
	[QN_PART_HOUR] = { "days", QN_PART_WINDOW, 1, 0 },
};

const char *qn_part_cycle(enum qn_part_kind k)
{
	return cycles[k].name;
}

/* The time line that the stretches are of. */
static struct qn_time_part line_of(const struct qn_time_part *p)
{
	struct qn_time_part line = *p;

	if (!cycles[p->kind].name)
		return line;
	line.kind = cycles[p->kind].line;
	line.window_ns = 3600 * SECOND_NS;
	return line;
}

bool qn_part_around(const struct qn_time_part *p, const struct qn_instant *t,
		    struct qn_instant *from, struct qn_instant *to)
{
	const struct cycle *c = &cycles[p->kind];
	const struct qn_time_part line = line_of(p);
	struct qn_instant between;
	int64_t at;

	if (!qn_part_at(&line, t, &at))
		return false;
	at = floor_div(at + c->before, c->n) * c->n - c->before;
	return qn_part_span(&line, at, from, &between) &&
	       qn_part_span(&line, at + c->n - 1, &between, to);
}

static int64_t year_length(enum qn_calendar c, int64_t year)
{
	const struct qn_date first = { year, 1, 1 }, next = { year + 1, 1, 1 };
	int64_t a, b;

	return qn_calendar_day(c, &first, &a) && qn_calendar_day(c, &next, &b) ? b - a : 0;
}

bool qn_part_again(const struct qn_time_part *p, struct qn_instant *t)
{
	struct place at = { .part = p };
	struct qn_instant from, to;
	int64_t part, next, length;

	if (!qn_part_around(p, t, &from, &to) || !qn_part_at(p, t, &part))
		return false;
	t->day = from.day + (to.day - from.day) / 2;
	if (!qn_calendar_date(p->epoch.calendar, t->day, &at.date))
		return false;
	length = p->kind == QN_PART_HOUR   ? 1
		 : p->kind == QN_PART_WEEK ? WEEKS_PER_YEAR * WEEK_DAYS
					   : year_length(p->epoch.calendar, at.date.year);
	t->day += length;
	if (p->kind == QN_PART_WEEK && qn_part_at(p, t, &next) && next != part)
		t->day += WEEK_DAYS;
	return length > 0;
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "days", QN_DAY_NS },	  { "hours", 3600 * SECOND_NS }, { "minutes", 60 * SECOND_NS },
	{ "seconds", SECOND_NS }, { "milliseconds", 1000000 },	 { "microseconds", 1000 },
	{ "nanoseconds", 1 },
};

static const struct unit *unit_of(const struct qn_time_part *p)
{
	const struct unit *u = units;

	while (p->kind == QN_PART_WINDOW && p->window_ns % u->ns)
		u++;
	return u;
}

void qn_part_units(const struct qn_time_part *p, char out[QN_PART_UNITS_NBYTES])
{
	const struct qn_time_part line = line_of(p);

	snprintf(out, QN_PART_UNITS_NBYTES, "%s since 1970-01-01", unit_of(&line)->name);
}

bool qn_part_number(const struct qn_time_part *p, const struct qn_instant *t, int64_t *out)
{
	const struct qn_time_part line = line_of(p);
	const struct qn_epoch e = since_origin(p, unit_of(&line)->ns);
	int64_t more_ns;

	return qn_epoch_number(&e, t, out, &more_ns) && !more_ns;
}

/* --- texts --- */

static bool put_time(const struct qn_time_part *p, int64_t part, char out[QN_PART_TEXT_NBYTES])
{
	struct qn_instant from;
	struct qn_date d;

	if (!start_of(p, part, &from) || !qn_calendar_date(p->epoch.calendar, from.day, &d))
		return false;
	if (p->kind == QN_PART_WINDOW)
		qn_instant_format_whole(p->epoch.calendar, &from, QN_PART_TEXT_NBYTES, out);
	else if (p->kind == QN_PART_YEARMONTH)
		out[qn_date_format(&d, QN_PART_TEXT_NBYTES, out) - strlen("-01")] = '\0';
	else
		qn_date_format(&d, QN_PART_TEXT_NBYTES, out);
	return true;
}

void qn_part_format(const struct qn_time_part *p, int64_t part, char out[QN_PART_TEXT_NBYTES])
{
	static const char *const seasons[] = { "DJF", "MAM", "JJA", "SON" };

	if (p->kind == QN_PART_SEASON && part >= 0 && part < 4)
		snprintf(out, QN_PART_TEXT_NBYTES, "%s", seasons[part]);
	else if (!rows[p->kind].is_time || !put_time(p, part, out))
		snprintf(out, QN_PART_TEXT_NBYTES, "%" PRId64, part);
}
