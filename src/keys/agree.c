#include "keys/agree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "select/epoch.h"
#include "select/select.h"

/* A coordinate of each of the two. */
struct pair {
	const struct qn_subject *subject;
	const struct qn_key_spec *spec;
	const struct qn_key_source *source;
	int k; /* dimension of the source */
	struct qn_key_source mine, other;
	bool are_times;
	struct qn_epoch epoch[2];
};

/* --- two values --- */

static enum quern_dtype type_of(const struct qn_key_source *s)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_view view = { .dtype = QUERN_F64 };

	qn_view_init(&s->like, false, &view, &ignored);
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
static double tolerance(const struct pair *p, uint64_t i)
{
	const struct qn_values *a = &p->mine.values, *b = &p->other.values;
	const bool single = type_of(&p->mine) == QUERN_F32 || type_of(&p->other) == QUERN_F32;
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
static bool are_same_times(const struct pair *p, uint64_t i)
{
	const struct qn_values *a = &p->mine.values, *b = &p->other.values;
	const double unit = (double)(p->epoch[0].unit_ns > p->epoch[1].unit_ns
					     ? p->epoch[0].unit_ns
					     : p->epoch[1].unit_ns);
	struct qn_instant x, y;

	if (!instant_of(&p->epoch[0], a, i, &x) || !instant_of(&p->epoch[1], b, i, &y))
		return false;
	return fabs((double)(x.day - y.day) * (double)QN_DAY_NS + (double)(x.ns - y.ns)) <=
	       (a->reals || b->reals ? 1e6 : 0) + tolerance(p, i) * unit;
}

static bool is_missing(const struct qn_values *v, uint64_t i)
{
	return (v->missing && v->missing[i]) || (v->reals && isnan(v->reals[i]));
}

static bool are_same(const struct pair *p, uint64_t i)
{
	const struct qn_values *a = &p->mine.values, *b = &p->other.values;

	if (a->texts)
		return a->text_nbytes == b->text_nbytes &&
		       !memcmp(a->texts + i * a->text_nbytes, b->texts + i * a->text_nbytes,
			       a->text_nbytes);
	if (is_missing(a, i) || is_missing(b, i))
		return is_missing(a, i) == is_missing(b, i);
	if (p->are_times)
		return are_same_times(p, i);
	if (a->integers && b->integers)
		return a->integers[i] == b->integers[i];
	return real_of(a, i) == real_of(b, i) ||
	       fabs(real_of(a, i) - real_of(b, i)) <= tolerance(p, i);
}

/* --- all of them, on rank 0 --- */

static void print_value(const struct qn_key_source *s, uint64_t i, size_t nbytes, char *out)
{
	const struct qn_values *v = &s->values;

	if (v->texts)
		snprintf(out, nbytes, "'%.*s'", (int)v->text_nbytes, v->texts + i * v->text_nbytes);
	else if (is_missing(v, i))
		snprintf(out, nbytes, "missing");
	else if (v->integers)
		snprintf(out, nbytes, "%lld", (long long)v->integers[i]);
	else
		snprintf(out, nbytes, "%.*g", type_of(s) == QUERN_F32 ? 9 : 17, v->reals[i]);
	if (*s->like.units && strlen(out) < nbytes)
		snprintf(out + strlen(out), nbytes - strlen(out), " %s", s->like.units);
}

static enum quern_status differ(const struct pair *p, uint64_t i, struct quern_message *err)
{
	char mine[160], other[160];

	print_value(&p->mine, i, sizeof(mine), mine);
	print_value(&p->other, i, sizeof(other), other);
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: %s: %s of %s in %s is %s at index %llu, and that of %s in %s is "
			    "%s: elements that are computed with together must have the same "
			    "coordinates",
			    p->spec->option, p->spec->text, p->mine.like.path, p->source->like.path,
			    p->source->like.file, other, (unsigned long long)i,
			    p->subject->dataset.path, p->subject->dataset.file, mine);
}

static enum quern_status compare(struct pair *p, struct quern_message *err)
{
	const struct qn_dataset *a = &p->mine.like, *b = &p->other.like;
	const struct quern_box *box = &p->subject->selection;
	const int d = p->source->dim[p->k];

	if (!p->mine.values.texts != !p->other.values.texts)
		return QUERN_OK; /* numbers of the one, names of the other */
	p->are_times = qn_epoch_is_meant(a->units) && qn_epoch_is_meant(b->units) &&
		       (strcmp(a->units, b->units) || strcmp(a->calendar, b->calendar)) &&
		       !qn_epoch_parse(a->units, a->calendar, &p->epoch[0]) &&
		       !qn_epoch_parse(b->units, b->calendar, &p->epoch[1]);
	if (p->are_times && p->epoch[0].calendar != p->epoch[1].calendar)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: %s: %s in %s goes by the calendar '%s', and in %s by '%s'",
				    p->spec->option, p->spec->text, a->path, b->file, b->calendar,
				    a->file, a->calendar);
	for (uint64_t i = 0; i < box->count[d]; i++) {
		const uint64_t at = box->start[d] + i * box->step[d];

		if (at < p->mine.values.n && at < p->other.values.n && !are_same(p, at))
			return differ(p, at, err);
	}
	return QUERN_OK;
}

/* --- finding them --- */

/* The coordinate of a dimension, if there is one: *has. Collective. */
static enum quern_status find_one(const struct qn_subject *subject, const struct qn_team *team,
				  const struct pair *p, int dim, struct qn_key_source *out,
				  bool *has, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	char *name = subject->dataset.dim_name[dim];
	const struct qn_key_spec spec = { .name = name,
					  .text = name,
					  .source = name,
					  .option = p->spec->option,
					  .is_operand = true };
	enum quern_status st = QUERN_ERR_USAGE;

	if (name)
		st = qn_key_source_find(subject, team, &spec, NULL, out, &why);
	*has = !st && out->like.ndim == 1 && out->dim[0] == dim;
	return st && st != QUERN_ERR_USAGE ? qn_error_pass(err, st, &why) : QUERN_OK;
}

/* Collective. */
static enum quern_status agree_on_one(struct pair *p, const struct qn_subject *other,
				      const struct qn_team *team, int *n, struct quern_message *err)
{
	bool mine = false, theirs = false;
	enum quern_status st =
		find_one(p->subject, team, p, p->source->dim[p->k], &p->mine, &mine, err);

	if (!st && mine)
		st = find_one(other, team, p, p->k, &p->other, &theirs, err);
	if (!st && theirs && qn_comm_rank(team->comm) == 0)
		st = compare(p, err);
	*n += theirs;
	qn_key_source_fini(&p->mine);
	qn_key_source_fini(&p->other);
	memset(&p->mine, 0, sizeof(p->mine));
	memset(&p->other, 0, sizeof(p->other));
	return qn_comm_agree(team->comm, st, err);
}

/* The other dataset as a subject, of which one element is selected: its chunks do not matter. Collective. */
static enum quern_status find_other(const struct qn_team *team, const struct pair *p,
				    struct qn_subject *other, struct quern_message *err)
{
	struct quern_box first = { .ndim = p->source->like.ndim };
	struct qn_names words = { .n = 0 };
	char select[QUERN_MAX_DIMS * 8];
	enum quern_status st = qn_names_add(&words, p->spec->file, err);

	for (int k = 0; k < first.ndim; k++)
		first.count[k] = first.step[k] = 1;
	qn_box_format(&first, sizeof(select), select);
	other->settings =
		(struct qn_subject_settings){ .dataset = qn_dataset_name(&p->source->like),
					      .select = select };
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_subject_find(other, team, &words, err);
	other->settings = (struct qn_subject_settings){ .raw = false };
	qn_names_fini(&words);
	return st;
}

enum quern_status qn_coordinates_agree(const struct qn_subject *subject, const struct qn_team *team,
				       const struct qn_key_spec *spec,
				       const struct qn_key_source *source, int *n,
				       struct quern_message *err)
{
	struct pair p = { .subject = subject, .spec = spec, .source = source };
	struct qn_subject other = { .files = { .n = 0 } };
	enum quern_status st;

	*n = 0;
	for (int k = 0; k < source->like.ndim; k++)
		if (source->like.scalar || !source->length[k])
			return QUERN_OK;
	st = find_other(team, &p, &other, err);
	for (p.k = 0; !st && p.k < source->like.ndim; p.k++)
		st = agree_on_one(&p, &other, team, n, err);
	qn_subject_fini(&other);
	return st;
}
