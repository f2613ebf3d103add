#include "select/axis.h"

#include <inttypes.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_VALUE_NBYTES QN_AXIS_TEXT_NBYTES
#define TURN		 360.0 /* degrees */
#define MOST_TURNED	 1e5   /* larger numbers are no longitudes */
#define TOLERANCE_ULPS	 4
#define PACKED_PART	 1000 /* of the step of a packed coordinate */

/* --- values --- */

void qn_axis_init(struct qn_axis *a, const struct qn_dataset *d)
{
	const char *slash = strrchr(d->path, '/');

	memset(a, 0, sizeof(*a));
	a->n = a->missing = d->shape[0];
	a->digits = d->type.class == QN_FLOAT && d->type.size < 8 && !d->cf.has_scale ? 9 : 17;
	snprintf(a->name, sizeof(a->name), "%s", slash ? slash + 1 : d->path);
	snprintf(a->units, sizeof(a->units), "%s", d->units);
	a->is_longitude = d->is_longitude;
	a->no_epoch = qn_epoch_is_meant(d->units) ? qn_epoch_parse(d->units, d->calendar, &a->epoch)
						  : "are not a time";
}

void qn_axis_fini(struct qn_axis *a)
{
	free(a->integers);
	free(a->reals);
	memset(a, 0, sizeof(*a));
}

/* --- times of several units --- */

#define INSTANT_NS 1000

void qn_axis_hold_instants(struct qn_axis *a)
{
	a->instants = true;
	a->meant = a->epoch;
	a->epoch.unit_ns = INSTANT_NS;
	a->epoch.base = (struct qn_instant){ 0, 0 };
}

bool qn_axis_to_instants(struct qn_axis *from, const struct qn_axis *to, int64_t *out)
{
	const int64_t day_units = QN_DAY_NS / INSTANT_NS, most = INT64_MAX / day_units - 1;

	for (uint64_t i = 0; i < from->n; i++) {
		struct qn_instant t;
		bool is = from->integers ? qn_epoch_at_int(&from->epoch, from->integers[i], &t)
					 : qn_epoch_at_real(&from->epoch, from->reals[i], &t);

		out[i] = 0;
		if (!is || i == from->missing || t.day > most || t.day < -most) {
			from->missing = qn_min_u64(from->missing, i);
			continue;
		}
		if (!qn_calendar_turn(from->epoch.calendar, to->epoch.calendar, &t.day) &&
		    i < from->missing)
			return false;
		out[i] = t.day * day_units + t.ns / INSTANT_NS;
	}
	return true;
}

/* As CF lists them. */
static bool are_degrees(const char *units, char direction, const char *word)
{
	const char *rest = units + 6;

	if (strncmp(units, "degree", 6))
		return false;
	rest += *rest == 's';
	return (*rest == '_' && !strcmp(rest + 1, word)) ||
	       (rest[*rest == '_'] == direction && !rest[(*rest == '_') + 1]);
}

bool qn_axis_same_units(const char *a, const char *b)
{
	return !strcmp(a, b) || (are_degrees(a, 'N', "north") && are_degrees(b, 'N', "north")) ||
	       (are_degrees(a, 'E', "east") && are_degrees(b, 'E', "east"));
}

static double value_at(const struct qn_axis *a, uint64_t i)
{
	return a->integers ? (double)a->integers[i] : a->reals[i];
}

/* Of two neighbours: < 0 where the values fall, 0 where they are equal. */
static int direction(const struct qn_axis *a, uint64_t i)
{
	if (a->integers)
		return (a->integers[i] > a->integers[i - 1]) -
		       (a->integers[i] < a->integers[i - 1]);
	return (a->reals[i] > a->reals[i - 1]) - (a->reals[i] < a->reals[i - 1]);
}

/* The first value that is no place on an axis, and what it is instead; NULL: all are. */
static const char *find_hole(const struct qn_axis *a, uint64_t *at)
{
	*at = a->missing;
	for (uint64_t i = 0; a->reals && i < a->missing; i++)
		if (!isfinite(a->reals[i])) {
			*at = i;
			return isnan(a->reals[i]) ? "missing" : "infinite";
		}
	return a->missing < a->n ? "missing" : NULL;
}

/* Distance of two values of the type, at the largest one. */
static double spacing(const struct qn_axis *a, const struct qn_dataset *d)
{
	double most = fmax(fabs(value_at(a, 0)), fabs(value_at(a, a->n - 1)));
	int bits = d->type.class != QN_FLOAT || d->cf.has_scale || d->type.size == 8 ? 52
		   : d->type.size == 4						     ? 23
										     : 10;

	return ldexp(most, -bits);
}

static void set_tolerance(struct qn_axis *a, const struct qn_dataset *d)
{
	double least = INFINITY;

	if (a->integers || !a->n)
		return;
	a->tolerance = TOLERANCE_ULPS * spacing(a, d);
	if (d->cf.has_scale && d->type.class != QN_FLOAT)
		a->tolerance = fmax(a->tolerance, fabs(d->cf.scale) / PACKED_PART);
	for (uint64_t i = 1; i < a->n; i++)
		if (direction(a, i)) /* values may be repeated */
			least = fmin(least, fabs(a->reals[i] - a->reals[i - 1]));
	a->tolerance = fmin(a->tolerance, least / 4);
}

bool qn_axis_check(struct qn_axis *a, const struct qn_dataset *d, size_t nbytes, char *why)
{
	uint64_t hole;
	const char *what = find_hole(a, &hole);
	int sign = 0;

	if (what) {
		snprintf(why, nbytes, "has the coordinate %s, of which value %" PRIu64 " is %s",
			 d->path, hole, what);
		return false;
	}
	for (uint64_t i = 1; i < a->n; i++) {
		int s = direction(a, i);

		if (s && sign && s != sign) {
			snprintf(why, nbytes,
				 "has the coordinate %s, which is not in order: it turns "
				 "at value %" PRIu64,
				 d->path, i);
			return false;
		}
		sign = s ? s : sign;
	}
	a->falls = sign < 0;
	set_tolerance(a, d);
	return true;
}

/* --- what is there, in words --- */

static void format_real(double x, int most_digits, char *out)
{
	for (int digits = 6; digits <= most_digits; digits++) {
		double back;

		snprintf(out, MAX_VALUE_NBYTES, "%.*g", digits, x);
		back = strtod(out, NULL);
		if (most_digits < 17 ? (float)back == (float)x : back == x)
			return;
	}
}

static bool instant_at(const struct qn_axis *a, uint64_t i, struct qn_instant *t)
{
	return a->integers ? qn_epoch_at_int(&a->epoch, a->integers[i], t)
			   : qn_epoch_at_real(&a->epoch, a->reals[i], t);
}

static void format_value(const struct qn_axis *a, uint64_t i, bool dates, char *out)
{
	struct qn_instant t;

	if ((dates || a->instants) && instant_at(a, i, &t))
		qn_instant_format(a->epoch.calendar, &t, MAX_VALUE_NBYTES, out);
	else if (a->integers)
		snprintf(out, MAX_VALUE_NBYTES, "%" PRId64, a->integers[i]);
	else
		format_real(a->reals[i], a->digits, out);
}

void qn_axis_format(const struct qn_axis *a, uint64_t i, char out[QN_AXIS_TEXT_NBYTES])
{
	struct qn_instant t;
	bool dates = !a->no_epoch && instant_at(a, i, &t);

	format_value(a, i, dates, out);
}

static void say_extent(const struct qn_axis *a, const char *before, bool dates, size_t nbytes,
		       char *why)
{
	char first[MAX_VALUE_NBYTES], last[MAX_VALUE_NBYTES];

	if (!a->n) {
		snprintf(why, nbytes, "%s%s has no values", before, a->name);
		return;
	}
	format_value(a, 0, dates, first);
	format_value(a, a->n - 1, dates, last);
	dates = dates || a->instants;
	snprintf(why, nbytes, "%s%s runs from %s to %s%s%s", before, a->name, first, last,
		 dates || !a->units[0] ? "" : " ", dates ? "" : a->units);
}

void qn_axis_say_extent(const struct qn_axis *a, bool dates, size_t nbytes, char *out)
{
	say_extent(a, "", dates && !a->no_epoch, nbytes, out);
}

/* Nothing is where element `at` would have to begin: its neighbours, or where the axis ends. */
static void say_nothing(const struct qn_axis *a, uint64_t at, bool dates, size_t nbytes, char *why)
{
	char left[MAX_VALUE_NBYTES], right[MAX_VALUE_NBYTES];

	if (at == 0 || at >= a->n) {
		say_extent(a, "nothing is there: ", dates, nbytes, why);
		return;
	}
	format_value(a, at - 1, dates, left);
	format_value(a, at, dates, right);
	snprintf(why, nbytes,
		 "nothing is there: the nearest values of %s are %s and %s (indexes "
		 "%" PRIu64 " and %" PRIu64 ")",
		 a->name, left, right, at - 1, at);
}

/* --- search --- */

/* What a bound covers. */
struct span {
	bool dates;
	double low, high;	    /* both included */
	struct qn_instant from, to; /* `to` excluded */
};

/* < 0, 0, > 0: element i is below, within, above the span. */
static int compare(const struct qn_axis *a, uint64_t i, const struct span *s)
{
	struct qn_instant t;
	double x;

	if (!s->dates) {
		x = value_at(a, i);
		return (x > s->high) - (x < s->low);
	}
	/* What is too far away to be a date is beyond all of them. */
	if (!instant_at(a, i, &t))
		return value_at(a, i) < 0 ? -1 : 1;
	if (qn_instant_compare(&t, &s->from) < 0)
		return -1;
	return qn_instant_compare(&t, &s->to) >= 0;
}

/* The first element, counted from the smallest, that compares as `least` or above. */
static uint64_t first_at_least(const struct qn_axis *a, const struct span *s, int least)
{
	uint64_t low = 0, high = a->n;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (compare(a, a->falls ? a->n - 1 - mid : mid, s) < least)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The instant that a number stands for; one too far away is beyond all others. */
static void span_instant(const struct qn_axis *a, double x, struct span *s)
{
	s->dates = true;
	if (!qn_epoch_at_real(&a->meant, x, &s->from))
		s->from = (struct qn_instant){ x < 0 ? INT64_MIN : INT64_MAX - 1, 0 };
	s->from.ns -= s->from.ns % INSTANT_NS;
	s->to = s->from;
	s->to.ns += INSTANT_NS;
	if (s->to.ns >= QN_DAY_NS)
		s->to = (struct qn_instant){ s->from.day + 1, 0 };
}

static bool make_span(const struct qn_axis *a, const struct qn_bound *b, struct span *s,
		      size_t nbytes, char *why)
{
	const struct qn_date *d = &b->moment.date;
	char text[MAX_VALUE_NBYTES];

	*s = (struct span){ .dates = b->kind == QN_BOUND_DATE };
	if (!s->dates && a->instants) {
		span_instant(a, b->real, s);
		return true;
	}
	if (!s->dates) {
		s->low = b->real - a->tolerance;
		s->high = b->real + a->tolerance;
		return true;
	}
	if (a->no_epoch) {
		snprintf(why, nbytes, "the values of %s are no dates: its units '%s' %s", a->name,
			 a->units, a->no_epoch);
		return false;
	}
	if (qn_moment_span(a->epoch.calendar, &b->moment, &s->from, &s->to))
		return true;
	qn_date_format(d, sizeof(text), text);
	snprintf(why, nbytes, "%s is no date of the calendar %s, which %s has", text,
		 qn_calendar_name(a->epoch.calendar), a->name);
	return false;
}

/* All of it: "2001-02:2001" is February and what follows of the year. */
static bool is_above(const struct span *a, const struct span *b)
{
	return a->dates ? qn_instant_compare(&a->from, &b->to) >= 0 : a->low > b->high;
}

/* A range without an end is not turned. A longitude more than a cell beyond the axis is on the
   other side of the globe: leaving it out silently would be wrong. */
static bool is_around(const struct qn_axis *a, const struct qn_bound *b)
{
	double low, high, cell;

	if (b->kind != QN_BOUND_REAL || !a->is_longitude || a->n < 2)
		return false;
	low = value_at(a, a->falls ? a->n - 1 : 0);
	high = value_at(a, a->falls ? 0 : a->n - 1);
	cell = (high - low) / (double)(a->n - 1);
	return b->real < low - cell || b->real > high + cell;
}

static bool say_around(const struct qn_axis *a, size_t nbytes, char *why)
{
	size_t n;

	say_extent(a, "", false, nbytes, why);
	n = strlen(why);
	snprintf(why + n, nbytes - n, ": give both ends of a range that goes on at its other end");
	return false;
}

/* The spans of the two ends, the lower one first where the axis falls; a bound that is none is left out. */
static bool make_spans(const struct qn_axis *a, const struct qn_bound *bound[2],
		       struct span span[2], size_t nbytes, char *why)
{
	bool both = bound[0]->kind && bound[1]->kind;

	for (int k = 0; k < 2; k++) {
		if (bound[k]->kind && !make_span(a, bound[k], &span[k], nbytes, why))
			return false;
		if (is_around(a, bound[k]))
			return say_around(a, nbytes, why);
	}
	if (both && a->falls && is_above(&span[0], &span[1])) {
		struct span higher = span[0];

		span[0] = span[1];
		span[1] = higher;
	}
	return true;
}

/* The elements of a span, counted from the smallest, as a stretch in the order of the axis. */
static struct qn_interval stretch_of(const struct qn_axis *a, uint64_t low, uint64_t high)
{
	if (high < low)
		high = low;
	return (struct qn_interval){ a->falls ? a->n - high : low, high - low };
}

/* --- longitudes --- */

static double lowest(const struct qn_axis *a)
{
	return value_at(a, a->falls ? a->n - 1 : 0);
}

static double highest(const struct qn_axis *a)
{
	return value_at(a, a->falls ? 0 : a->n - 1);
}

static bool is_turnable(const struct qn_axis *a, const struct qn_bound *bound[2])
{
	return a->is_longitude && a->n > 0 && highest(a) - lowest(a) <= TURN + a->tolerance &&
	       bound[0]->kind == QN_BOUND_REAL && bound[1]->kind == QN_BOUND_REAL &&
	       fabs(bound[0]->real) < MOST_TURNED && fabs(bound[1]->real) < MOST_TURNED;
}

static struct qn_interval find_degrees(const struct qn_axis *a, double from, double to)
{
	struct span s = { .low = from - a->tolerance, .high = to + a->tolerance };

	return stretch_of(a, first_at_least(a, &s, 0), first_at_least(a, &s, 1));
}

/* Both ends of an axis may be the same place: then one of them counts. */
static void drop_twin(const struct qn_axis *a, const struct qn_interval *high,
		      struct qn_interval *low)
{
	if (!high->n || !low->n || highest(a) - lowest(a) < TURN - a->tolerance ||
	    (a->falls ? high->first > 0 : high->first + high->n < a->n))
		return;
	low->first += !a->falls;
	low->n--;
}

/*
 * The range eastward from `from` to `to`, turned so that it begins at or above the lowest
 * longitude. What is then above the highest one may be at the lower end of the axis.
 */
static int find_turned(const struct qn_axis *a, double from, double to, struct qn_interval out[2])
{
	const double turns = floor((from - lowest(a) + a->tolerance) / TURN) * TURN;
	/* The ends are as exact as they are written, and not as where they are turned to. */
	const double written = TOLERANCE_ULPS * DBL_EPSILON * fmax(fabs(from), fabs(to));
	struct qn_axis near = *a;
	struct qn_interval high, low;
	struct qn_interval *first = a->falls ? &low : &high, *second = a->falls ? &high : &low;

	near.tolerance = fmax(a->tolerance, written);
	high = find_degrees(&near, from - turns, to - turns);
	low = find_degrees(&near, from - turns - TURN, to - turns - TURN);
	if (to - from >= TURN)
		low = a->falls ? (struct qn_interval){ high.n, a->n - high.n }
			       : (struct qn_interval){ 0, high.first };
	drop_twin(a, &high, &low);
	if (!high.n || !low.n) {
		out[0] = high.n ? high : low;
		return out[0].n > 0;
	}
	out[0] = *first;
	out[1] = *second;
	return 2;
}

static int find_longitudes(const struct qn_axis *a, double from, double to,
			   struct qn_interval out[2], size_t nbytes, char *why)
{
	int n;

	if (to < from && a->falls) {
		double higher = from;

		from = to;
		to = higher;
	} else if (to < from) {
		to += TURN;
	}
	n = to < from ? 0 : find_turned(a, from, to, out);
	if (to < from)
		say_extent(a, "the lower end comes first: ", false, nbytes, why);
	else if (!n)
		say_nothing(a, find_degrees(a, from, from).first, false, nbytes, why);
	return n;
}

/* --- ranges --- */

int qn_axis_find(const struct qn_axis *a, const struct qn_bound *from, const struct qn_bound *to,
		 bool single, struct qn_interval out[2], size_t nbytes, char *why)
{
	const struct qn_bound *bound[2] = { from, single ? from : to };
	struct span span[2];
	uint64_t low = 0, high = a->n;
	bool dates = from->kind == QN_BOUND_DATE || to->kind == QN_BOUND_DATE;

	if (is_turnable(a, bound))
		return find_longitudes(a, bound[0]->real, bound[1]->real, out, nbytes, why);
	if (!make_spans(a, bound, span, nbytes, why))
		return -1;
	if (bound[0]->kind && bound[1]->kind && is_above(&span[0], &span[1])) {
		say_extent(a, "the lower end comes first: ", span[0].dates, nbytes, why);
		return 0;
	}
	if (bound[0]->kind)
		low = first_at_least(a, &span[0], 0);
	if (bound[1]->kind)
		high = first_at_least(a, &span[1], 1);
	if (low >= high) {
		say_nothing(a, a->falls ? a->n - low : low, dates, nbytes, why);
		return 0;
	}
	out[0] = stretch_of(a, low, high);
	return 1;
}
