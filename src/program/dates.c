/*
 * dates.c - parts of times, and comparisons of a time with a date in quotes, which stands for the
 * whole period that it names. They become comparisons with the first number of the coordinate that
 * is not before the period, or not before its end.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "program/node.h"
#include "select/epoch.h"

#define MOST_DATE_NBYTES 64

/* The text of a node in quotes, into out; false: it is too long for a date. */
static bool text_of(const struct qn_builder *b, const struct qn_node *quoted,
		    char out[MOST_DATE_NBYTES])
{
	const size_t n = (size_t)quoted->operand;

	if (n >= MOST_DATE_NBYTES)
		return false;
	memcpy(out, b->text + quoted->value.u, n);
	out[n] = '\0';
	return true;
}

/* A year alone, which elsewhere is a number. */
static bool parse_year(const char *text, struct qn_moment *out)
{
	const size_t sign = text[0] == '-', n = strspn(text + sign, "0123456789");

	if (n < 4 || n > 9 || text[sign + n])
		return false;
	*out = (struct qn_moment){ .date = { strtoll(text, NULL, 10), 1, 1 },
				   .precision = QN_TO_YEAR };
	return true;
}

static bool parse(const char *text, struct qn_moment *out)
{
	const char *p = text;

	return parse_year(text, out) || (qn_moment_parse(&p, out) && *p == '\0');
}

/* What a number of the coordinate is beside an instant. Numbers too far away for a date are
   before or after all. */
static bool is_int_before(const struct qn_epoch *e, int64_t v, const struct qn_instant *bound)
{
	struct qn_instant t;

	return qn_epoch_at_int(e, v, &t) ? qn_instant_compare(&t, bound) < 0 : v < 0;
}

static bool is_real_before(const struct qn_epoch *e, double v, const struct qn_instant *bound)
{
	struct qn_instant t;

	return qn_epoch_at_real(e, v, &t) ? qn_instant_compare(&t, bound) < 0 : v < 0;
}

static bool is_before(const struct qn_epoch *e, bool is_real, int64_t key,
		      const struct qn_instant *bound)
{
	return is_real ? is_real_before(e, qn_key_to_double(key), bound)
		       : is_int_before(e, key, bound);
}

/* The least number that is not before an instant, as a key that orders like the number; false:
   all are before. */
static bool first_not_before(const struct qn_epoch *e, bool is_real, const struct qn_instant *bound,
			     int64_t *key)
{
	int64_t low = is_real ? qn_key_from_double(-INFINITY) : INT64_MIN;
	int64_t high = is_real ? qn_key_from_double(INFINITY) : INT64_MAX;

	if (is_before(e, is_real, high, bound))
		return false;
	while (low < high) {
		const int64_t middle = (low & high) + ((low ^ high) >> 1);

		if (is_before(e, is_real, middle, bound))
			low = middle + 1;
		else
			high = middle;
	}
	*key = low;
	return true;
}

struct comparison {
	struct qn_builder *b;
	const struct qn_epoch *epoch;
	int time; /* int64 or float64 */
};

/* time < bound, or with `not_before` time >= bound. */
static int beside(const struct comparison *c, const struct qn_instant *bound, bool not_before)
{
	const bool is_real = c->b->node[c->time].type == QUERN_F64;
	int64_t key = INT64_MAX;
	const bool found = first_not_before(c->epoch, is_real, bound, &key);
	const union qn_number v = is_real ? (union qn_number){ .d = qn_key_to_double(key) }
					  : (union qn_number){ .i = key };
	const int limit = qn_build_const(c->b, is_real ? QUERN_F64 : QUERN_I64, v, false);
	const int first = not_before ? limit : c->time, second = not_before ? c->time : limit;

	/* Where none is found, none is larger than the limit. */
	return qn_build_node(c->b, found == not_before ? QN_OP_LE : QN_OP_LT, QN_BITS, 2,
			     (const int[]){ first, second });
}

static int within(const struct comparison *c, const struct qn_instant *from,
		  const struct qn_instant *to)
{
	const int begun = beside(c, from, true), not_over = beside(c, to, false);

	return qn_build_node(c->b, QN_OP_AND, QN_BITS, 2, (const int[]){ begun, not_over });
}

static int compare(const struct comparison *c, enum qn_operation op, bool date_first,
		   const struct qn_instant *from, const struct qn_instant *to)
{
	int same;

	if (op == QN_OP_LT)
		return date_first ? beside(c, to, true) : beside(c, from, false);
	if (op == QN_OP_LE)
		return date_first ? beside(c, from, true) : beside(c, to, false);
	same = within(c, from, to);
	return op == QN_OP_EQ ? same : qn_build_node(c->b, QN_OP_NOT, QN_BITS, 1, &same);
}

/* The units of a time; false: it is none, which is `wanted`. */
static bool epoch_of(struct qn_builder *b, int time, size_t at, const char *wanted,
		     struct qn_epoch *epoch)
{
	const struct qn_column_units *u = qn_build_units(b, time);
	const char *why;

	if (!u || !qn_epoch_is_meant(u->units)) {
		qn_build_error(b, at, "%s, and this has no units of time ('days since ...')",
			       wanted);
		return false;
	}
	why = qn_epoch_parse(u->units, u->calendar, epoch);
	if (why)
		qn_build_error(b, at, "its units '%s' %s", u->units, why);
	return !why;
}

/* A time as int64 or float64. */
static int as_time(struct qn_builder *b, int time, size_t at)
{
	const int x = qn_build_number(b, time, at);

	if (x < 0)
		return x;
	return qn_build_as(b, x, qn_is_real(b->node[x].type) ? QUERN_F64 : QUERN_I64);
}

/* The number of a part of a column; -1 after an error. */
static int part_number(struct qn_builder *b, int node, const struct qn_time_part *part)
{
	for (size_t i = 0; i < b->nparts; i++)
		if (b->part[i].node == node && b->part[i].part.kind == part->kind)
			return (int)i;
	if (!qn_grow(&b->part, &b->part_room, b->nparts + 1, sizeof(*b->part))) {
		qn_error_nomem(b->err, sizeof(*b->part), "an expression");
		return -1;
	}
	b->part[b->nparts] = (struct qn_column_part){ node, *part };
	return (int)b->nparts++;
}

int qn_build_part(struct qn_builder *b, const char *name, int x, size_t x_at)
{
	enum qn_part_kind kind;
	struct qn_time_part part;
	struct qn_epoch epoch;
	const char *why;
	int number, time;

	if (!qn_part_find(name, strlen(name), &kind) ||
	    !epoch_of(b, x, x_at, "a time is wanted", &epoch))
		return -1;
	why = qn_time_part_init(&part, kind, &epoch, 0);
	if (why)
		return qn_build_error(b, b->at, "%s %s", name, why);
	number = part_number(b, x, &part);
	time = number < 0 ? -1 : as_time(b, x, x_at);
	return time < 0 ? -1 : qn_build_part_node(b, number, time);
}

/* season(time) == 'DJF' */
static int compare_season(struct qn_builder *b, enum qn_operation op, int season,
			  const struct qn_node *quoted)
{
	char text[MOST_DATE_NBYTES], name[QN_PART_TEXT_NBYTES];

	for (uint64_t i = 0; i < 4 && text_of(b, quoted, text); i++) {
		qn_part_format(&b->part[b->node[season].value.u].part, (int64_t)i, name);
		if (!strcmp(name, text) && (op == QN_OP_EQ || op == QN_OP_NE))
			return qn_build_compare(b, op, season, qn_build_integer(b, i));
	}
	return qn_build_error(
		b, quoted->value.u,
		"a season is == or != 'DJF', 'MAM', 'JJA' or 'SON', or a number from 0");
}

static bool is_season(const struct qn_builder *b, int x)
{
	return b->node[x].op == QN_OP_PART &&
	       b->part[b->node[x].value.u].part.kind == QN_PART_SEASON;
}

int qn_build_compare_date(struct qn_builder *b, enum qn_operation op, int x, int y)
{
	const bool date_first = b->node[x].op == QN_OP_QUOTED;
	const struct qn_node quoted = b->node[date_first ? x : y];
	struct comparison c = { b, NULL, date_first ? y : x };
	char text[MOST_DATE_NBYTES];
	struct qn_epoch epoch;
	struct qn_moment moment;
	struct qn_instant from, to;

	if (is_season(b, c.time))
		return compare_season(b, op, c.time, &quoted);
	if (!epoch_of(b, c.time, b->arg_at[date_first], "a text in quotes is a date", &epoch))
		return -1;
	if (!text_of(b, &quoted, text) || !parse(text, &moment))
		return qn_build_error(b, quoted.value.u,
				      "no date; write it as '2001', '2001-12', '2001-12-31' or "
				      "'2001-12-31T06:00'");
	if (!qn_moment_span(epoch.calendar, &moment, &from, &to))
		return qn_build_error(b, quoted.value.u, "the calendar %s has no date %s",
				      qn_calendar_name(epoch.calendar), text);
	c.epoch = &epoch;
	c.time = as_time(b, c.time, b->arg_at[date_first]);
	return c.time < 0 ? -1 : compare(&c, op, date_first, &from, &to);
}
