#include "select/epoch.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECOND_NS   INT64_C(1000000000)
#define MOST_DIGITS 9 /* of a year, or of a fraction of a second */

__extension__ typedef __int128 int128;

/* --- instants --- */

static int128 floor_div(int128 a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* base + ns; false when that is beyond all calendars. */
static bool add_ns(const struct qn_instant *base, int128 ns, struct qn_instant *out)
{
	int128 sum = base->ns + ns, days = floor_div(sum, QN_DAY_NS);

	if (days < -366 * (int128)QN_MAX_YEAR || days > 366 * (int128)QN_MAX_YEAR)
		return false;
	out->day = base->day + (int64_t)days;
	out->ns = (int64_t)(sum - days * QN_DAY_NS);
	return true;
}

bool qn_epoch_at_int(const struct qn_epoch *e, int64_t v, struct qn_instant *out)
{
	return add_ns(&e->base, (int128)v * e->unit_ns, out);
}

bool qn_epoch_at_real(const struct qn_epoch *e, double v, struct qn_instant *out)
{
	int64_t step_ns = e->unit_ns < SECOND_NS / 1000 ? e->unit_ns : SECOND_NS / 1000;
	double nsteps = rint(v * (double)(e->unit_ns / step_ns));

	if (!(fabs(nsteps) < 0x1p62))
		return false;
	return add_ns(&e->base, (int128)(int64_t)nsteps * step_ns, out);
}

int qn_instant_compare(const struct qn_instant *a, const struct qn_instant *b)
{
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

size_t qn_date_format(const struct qn_date *d, size_t nbytes, char *out)
{
	return (size_t)snprintf(out, nbytes, "%s%04" PRId64 "-%02d-%02d", d->year < 0 ? "-" : "",
				d->year < 0 ? -d->year : d->year, d->month, d->day);
}

void qn_instant_format(enum qn_calendar c, const struct qn_instant *t, size_t nbytes, char *out)
{
	struct qn_date date = { 0, 0, 0 };
	int64_t seconds = t->ns / SECOND_NS, rest = t->ns % SECOND_NS;
	char text[80];
	size_t n;

	qn_calendar_date(c, t->day, &date);
	n = qn_date_format(&date, sizeof(text), text);
	if (t->ns)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "T%02d:%02d",
				      (int)(seconds / 3600), (int)(seconds / 60 % 60));
	if (seconds % 60 || rest)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ":%02d", (int)(seconds % 60));
	if (rest) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%09" PRId64, rest);
		while (text[n - 1] == '0')
			text[--n] = '\0';
	}
	snprintf(out, nbytes, "%s", text);
}

/* --- reading numbers --- */

/* From min to max digits; false, with *p where it was, when there are fewer or more. */
static bool take_digits(const char **p, int min, int max, int64_t *out)
{
	const char *s = *p;
	int64_t v = 0;

	for (; s - *p < max && isdigit((unsigned char)*s); s++)
		v = 10 * v + (*s - '0');
	if (s - *p < min || isdigit((unsigned char)*s))
		return false;
	*p = s;
	*out = v;
	return true;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool take_word(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(*p, word, n) || isalpha((unsigned char)(*p)[n]))
		return false;
	*p += n;
	return true;
}

static void skip_blanks(const char **p)
{
	while (isspace((unsigned char)**p))
		++*p;
}

/* Y, Y-M or Y-M-D. */
static bool take_date(const char **p, struct qn_moment *m)
{
	const char *s = *p;
	bool negative = take_char(&s, '-');
	int64_t v;

	*m = (struct qn_moment){ .date = { 0, 1, 1 }, .precision = QN_TO_YEAR };
	if (!take_digits(&s, 1, MOST_DIGITS, &v))
		return false;
	m->date.year = negative ? -v : v;
	if (*s == '-' && isdigit((unsigned char)s[1])) {
		s++;
		if (!take_digits(&s, 1, 2, &v))
			return false;
		m->date.month = (int)v;
		m->precision = QN_TO_MONTH;
	}
	if (m->precision == QN_TO_MONTH && take_char(&s, '-')) {
		if (!take_digits(&s, 1, 2, &v))
			return false;
		m->date.day = (int)v;
		m->precision = QN_TO_DAY;
	}
	*p = s;
	return true;
}

/* Digits after the point of the seconds; those beyond nanoseconds do not count. */
static void take_fraction(const char **p, struct qn_moment *m)
{
	for (int64_t ns = SECOND_NS / 10; isdigit((unsigned char)**p); ++*p, ns /= 10) {
		m->ns += ns * (**p - '0');
		if (ns)
			m->step_ns = ns;
	}
}

/* H:M:S of at least so many digits each; the minutes may be missing unless `minutes`. */
static bool take_time(const char **p, int digits, bool minutes, struct qn_moment *m)
{
	int64_t hour, minute = 0, second = 0;

	if (!take_digits(p, digits, 2, &hour))
		return false;
	m->step_ns = 3600 * SECOND_NS;
	if (**p == ':' && isdigit((unsigned char)(*p)[1])) {
		++*p;
		if (!take_digits(p, digits, 2, &minute))
			return false;
		m->step_ns = 60 * SECOND_NS;
	} else if (minutes) {
		return false;
	}
	if (m->step_ns == 60 * SECOND_NS && **p == ':') {
		const char *s = *p + 1;

		/* What else follows a colon may be the other end of a range. */
		if (take_digits(&s, digits, 2, &second)) {
			*p = s;
			m->step_ns = SECOND_NS;
		}
	}
	m->precision = QN_TO_TIME;
	m->ns = ((hour * 60 + minute) * 60 + second) * SECOND_NS;
	if (m->step_ns == SECOND_NS && take_char(p, '.'))
		take_fraction(p, m);
	return hour < 24 && minute < 60 && second < 60;
}

/* --- units --- */

#define DAY_UNITS(n) ((n)*QN_DAY_NS)

static const struct unit {
	const char *name;
	int64_t ns;
	bool calendar; /* of a calendar, not of a clock */
} units_of_time[] = {
	{ "days", DAY_UNITS(1), false },
	{ "day", DAY_UNITS(1), false },
	{ "d", DAY_UNITS(1), false },
	{ "hours", 3600 * SECOND_NS, false },
	{ "hour", 3600 * SECOND_NS, false },
	{ "hrs", 3600 * SECOND_NS, false },
	{ "hr", 3600 * SECOND_NS, false },
	{ "h", 3600 * SECOND_NS, false },
	{ "minutes", 60 * SECOND_NS, false },
	{ "minute", 60 * SECOND_NS, false },
	{ "mins", 60 * SECOND_NS, false },
	{ "min", 60 * SECOND_NS, false },
	{ "seconds", SECOND_NS, false },
	{ "second", SECOND_NS, false },
	{ "secs", SECOND_NS, false },
	{ "sec", SECOND_NS, false },
	{ "s", SECOND_NS, false },
	{ "milliseconds", 1000000, false },
	{ "millisecond", 1000000, false },
	{ "millisecs", 1000000, false },
	{ "millisec", 1000000, false },
	{ "msecs", 1000000, false },
	{ "msec", 1000000, false },
	{ "ms", 1000000, false },
	{ "microseconds", 1000, false },
	{ "microsecond", 1000, false },
	{ "microsecs", 1000, false },
	{ "microsec", 1000, false },
	{ "us", 1000, false },
	{ "nanoseconds", 1, false },
	{ "nanosecond", 1, false },
	{ "ns", 1, false },
	{ "weeks", DAY_UNITS(7), false },
	{ "week", DAY_UNITS(7), false },
	{ "months", DAY_UNITS(30), true },
	{ "month", DAY_UNITS(30), true },
	{ "years", DAY_UNITS(360), true },
	{ "year", DAY_UNITS(360), true },
};

static const struct unit *take_unit(const char **p)
{
	for (size_t i = 0; i < sizeof(units_of_time) / sizeof(*units_of_time); i++)
		if (take_word(p, units_of_time[i].name))
			return &units_of_time[i];
	return NULL;
}

const char *qn_duration_parse(const char *text, int64_t *ns)
{
	static const char form[] = "is not a whole number of a unit, as '6h', '5d' or '30min' are";
	const struct unit *unit;
	int64_t n;

	skip_blanks(&text);
	if (!take_digits(&text, 1, MOST_DIGITS, &n))
		return form;
	skip_blanks(&text);
	unit = take_unit(&text);
	skip_blanks(&text);
	if (!unit || *text)
		return form;
	if (unit->calendar)
		return "is of months or years, which have no fixed length: group by yearmonth() or "
		       "year()";
	if (!n)
		return "is of no length";
	if (__builtin_mul_overflow(n, unit->ns, ns))
		return "is longer than 292 years";
	return NULL;
}

/* Z, UTC, GMT, or hours and minutes east of Greenwich: +2, -06, +0530, -6:00. */
static bool take_zone(const char **p, int64_t *ns)
{
	int64_t hours, minutes = 0;
	bool west = **p == '-';

	*ns = 0;
	if (take_word(p, "UTC") || take_word(p, "GMT") || take_word(p, "Z"))
		return true;
	if (!take_char(p, '-') && !take_char(p, '+'))
		return **p == '\0';
	if (!take_digits(p, 1, 2, &hours)) {
		if (!take_digits(p, 3, 4, &hours))
			return false;
		minutes = hours % 100;
		hours /= 100;
	} else if (take_char(p, ':') && !take_digits(p, 1, 2, &minutes)) {
		return false;
	}
	*ns = (hours * 60 + minutes) * 60 * SECOND_NS;
	if (west)
		*ns = -*ns;
	return hours < 24 && minutes < 60;
}

/* What comes after "since". */
static bool take_reference(const char *p, struct qn_moment *m, int64_t *zone_ns)
{
	skip_blanks(&p);
	if (!take_date(&p, m))
		return false;
	*zone_ns = 0;
	if (take_char(&p, 'T') || isspace((unsigned char)*p)) {
		skip_blanks(&p);
		if (isdigit((unsigned char)*p) && !take_time(&p, 1, false, m))
			return false;
	}
	skip_blanks(&p);
	if (!take_zone(&p, zone_ns))
		return false;
	skip_blanks(&p);
	return *p == '\0';
}

bool qn_epoch_is_meant(const char *units)
{
	return units && strcasestr(units, " since ");
}

const char *qn_epoch_parse(const char *units, const char *calendar, struct qn_epoch *out)
{
	static const char form[] = "are not of the form 'hours since 1900-01-01 00:00:00'";
	const struct unit *unit;
	struct qn_moment m;
	struct qn_instant to;
	struct qn_epoch e;
	int64_t zone_ns;

	if (!qn_calendar_find(calendar, &e.calendar))
		return "have a calendar that is none of standard, gregorian, proleptic_gregorian, "
		       "julian, noleap, 365_day, all_leap, 366_day and 360_day";
	skip_blanks(&units);
	unit = take_unit(&units);
	skip_blanks(&units);
	if (!unit || !take_word(&units, "since") || !take_reference(units, &m, &zone_ns))
		return form;
	if (unit->calendar && e.calendar != QN_360_DAY)
		return "count months or years, which have no fixed length (UDUNITS takes a year "
		       "for 365.242198781 days and a month for a twelfth of it, which is seldom "
		       "meant); "
		       "select by index";
	if (m.date.year < 0 && (e.calendar == QN_STANDARD || e.calendar == QN_JULIAN))
		return "begin before the year 0, which this calendar counts in two ways; select by "
		       "index";
	if (!qn_moment_span(e.calendar, &m, &e.base, &to))
		return "begin at a date that their calendar does not have";
	e.unit_ns = unit->ns;
	if (!add_ns(&e.base, -zone_ns, &e.base))
		return form;
	*out = e;
	return NULL;
}

/* --- moments --- */

bool qn_moment_parse(const char **p, struct qn_moment *out)
{
	const char *s = *p, *year = s + (*s == '-');

	if (strspn(year, "0123456789") < 4 || !take_date(&s, out) || out->precision == QN_TO_YEAR)
		return false;
	if (out->precision == QN_TO_DAY && take_char(&s, 'T')) {
		if (!take_time(&s, 2, true, out))
			return false;
		take_char(&s, 'Z');
	}
	*p = s;
	return true;
}

/* The date after the last of a year, month or day. */
static bool next_date(enum qn_calendar c, const struct qn_moment *m, int64_t day, int64_t *next)
{
	struct qn_date d = m->date;

	if (m->precision == QN_TO_YEAR) {
		d.year++;
	} else if (m->precision == QN_TO_MONTH) {
		d.year += d.month == 12;
		d.month = d.month % 12 + 1;
	} else {
		*next = day + 1;
		return true;
	}
	return qn_calendar_day(c, &d, next);
}

bool qn_moment_span(enum qn_calendar c, const struct qn_moment *m, struct qn_instant *from,
		    struct qn_instant *to)
{
	struct qn_instant start = { 0, m->ns }, end = { 0, 0 };

	if (!qn_calendar_day(c, &m->date, &start.day))
		return false;
	if (m->precision == QN_TO_TIME) {
		if (!add_ns(&start, m->step_ns, &end))
			return false;
	} else if (!next_date(c, m, start.day, &end.day)) {
		return false;
	}
	*from = start;
	*to = end;
	return true;
}
