#include "describe/same.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum quern_dtype type_of(const struct qn_dataset *d)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_view view = { .dtype = QUERN_F64 };

	qn_view_init(d, false, &view, &ignored);
	return view.dtype;
}

static double ulp(double x, bool single)
{
	const float f = fabsf((float)x);

	return single ? (double)(nextafterf(f, INFINITY) - f)
		      : nextafter(fabs(x), INFINITY) - fabs(x);
}

static double real_of(const struct qn_values *v, uint64_t i)
{
	return v->reals ? v->reals[i] : (double)v->integers[i];
}

/* What two values may differ by: nothing, of integers. */
static double tolerance(const struct qn_same *s, uint64_t i)
{
	const struct qn_values *a = s->values[0], *b = s->values[1];
	const bool single = type_of(s->like[0]) == QUERN_F32 || type_of(s->like[1]) == QUERN_F32;
	const double x = fmax(fabs(real_of(a, i)), fabs(real_of(b, i)));

	return a->reals || b->reals ? QN_COORDINATE_ULPS * ulp(x, single) : 0;
}

static bool instant_of(const struct qn_epoch *e, const struct qn_values *v, uint64_t i,
		       struct qn_instant *out)
{
	return v->reals ? qn_epoch_at_real(e, v->reals[i], out)
			: qn_epoch_at_int(e, v->integers[i], out);
}

/* Numbers of different units. A real number of them is a time to the millisecond. */
static bool are_same_times(const struct qn_same *s, uint64_t i)
{
	const struct qn_values *a = s->values[0], *b = s->values[1];
	const double unit = (double)(s->epoch[0].unit_ns > s->epoch[1].unit_ns
					     ? s->epoch[0].unit_ns
					     : s->epoch[1].unit_ns);
	struct qn_instant x, y;

	if (!instant_of(&s->epoch[0], a, i, &x) || !instant_of(&s->epoch[1], b, i, &y))
		return false;
	return fabs((double)(x.day - y.day) * (double)QN_DAY_NS + (double)(x.ns - y.ns)) <=
	       (a->reals || b->reals ? 1e6 : 0) + tolerance(s, i) * unit;
}

static bool is_missing(const struct qn_values *v, uint64_t i)
{
	return (v->missing && v->missing[i]) || (v->reals && isnan(v->reals[i]));
}

enum qn_comparable qn_same_init(struct qn_same *s)
{
	const struct qn_dataset *a = s->like[0], *b = s->like[1];

	if (!s->values[0]->texts != !s->values[1]->texts)
		return QN_NOT_COMPARABLE;
	s->are_times = qn_epoch_is_meant(a->units) && qn_epoch_is_meant(b->units) &&
		       (strcmp(a->units, b->units) || strcmp(a->calendar, b->calendar)) &&
		       !qn_epoch_parse(a->units, a->calendar, &s->epoch[0]) &&
		       !qn_epoch_parse(b->units, b->calendar, &s->epoch[1]);
	return s->are_times && s->epoch[0].calendar != s->epoch[1].calendar ? QN_CALENDARS_DIFFER
									    : QN_COMPARABLE;
}

bool qn_same_at(const struct qn_same *s, uint64_t i)
{
	const struct qn_values *a = s->values[0], *b = s->values[1];

	if (a->texts)
		return a->text_nbytes == b->text_nbytes &&
		       !memcmp(a->texts + i * a->text_nbytes, b->texts + i * a->text_nbytes,
			       a->text_nbytes);
	if (is_missing(a, i) || is_missing(b, i))
		return is_missing(a, i) == is_missing(b, i);
	if (s->are_times)
		return are_same_times(s, i);
	if (a->integers && b->integers)
		return a->integers[i] == b->integers[i];
	return real_of(a, i) == real_of(b, i) ||
	       fabs(real_of(a, i) - real_of(b, i)) <= tolerance(s, i);
}

void qn_same_print(const struct qn_same *s, int which, uint64_t i, size_t nbytes, char *out)
{
	const struct qn_values *v = s->values[which];
	const struct qn_dataset *d = s->like[which];

	if (v->texts)
		snprintf(out, nbytes, "'%.*s'", (int)v->text_nbytes, v->texts + i * v->text_nbytes);
	else if (is_missing(v, i))
		snprintf(out, nbytes, "missing");
	else if (v->integers)
		snprintf(out, nbytes, "%lld", (long long)v->integers[i]);
	else
		snprintf(out, nbytes, "%.*g", type_of(d) == QUERN_F32 ? 9 : 17, v->reals[i]);
	if (*d->units && strlen(out) < nbytes)
		snprintf(out + strlen(out), nbytes - strlen(out), " %s", d->units);
}
