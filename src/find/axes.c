/*
 * axes.c - reads the coordinates of a result on the rank that has the files, and brings them to rank 0: of each
 * dimension, of the dataset, which has attributes and no values, and of coordinates that are no dimensions.
 */
#include "find/axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/axes_pack.h"
#include "find/axes_parts.h"
#include "find/coordinate.h"
#include "describe/describe.h"
#include "find/selection.h"
#include "find/warnings.h"
#include "select/over.h"

/* --- joined files --- */

/* Where the selected values do not go on as they began. */
static void find_break(const struct qn_axis *a, const struct qn_subject *s, int dim,
		       struct qn_axis_values *v)
{
	int way = 0;

	for (uint64_t i = 1; i < qn_picked_count(s, dim); i++) {
		const uint64_t at = qn_picked_index(s, dim, i),
			       before = qn_picked_index(s, dim, i - 1);
		const int now = qn_axis_direction(a, before, at);

		way = way ? way : now;
		if (now && now == way)
			continue;
		v->breaks_at = at;
		v->breaks_from = before;
		qn_axis_format(a, before, v->before);
		qn_axis_format(a, at, v->after);
		return;
	}
}

static size_t file_of(const struct qn_subject *s, uint64_t at)
{
	size_t k = s->first;

	while (k + 1 < s->files.n && s->file_end[k] <= at)
		k++;
	return k;
}

/* Rank 0: files that begin where others do are members of an ensemble, or in another order than they should be. */
static enum quern_status warn_of_break(struct qn_subject *s, const struct qn_axis_values *v,
				       struct quern_message *err)
{
	const size_t k = file_of(s, v->breaks_at), last = file_of(s, v->breaks_from);
	const char *name = s->dataset.dim_name[s->along];

	if (!v->breaks_at || k == last)
		return QUERN_OK;
	return qn_warnings_add(
		&s->warnings, err,
		"%s, joined behind %s, does not go on where that ends: %s is %s after %s. If the files "
		"have the same %s, as members of an ensemble, put them on top of each other with "
		"--stack NAME; else name them in their order",
		s->files.name[k], s->files.name[last], name, v->after, v->before, name);
}

/* --- one dimension --- */

/* The numbers of the files, of which none has them. */
static enum quern_status number_files(const struct qn_subject *s, struct qn_axis_values *v,
				      struct quern_message *err)
{
	v->n = qn_picked_count(s, 0);
	v->dtype = QUERN_I64;
	v->values = qn_calloc(v->n, sizeof(*v->values));
	if (!v->values)
		return qn_error_nomem(err, v->n * sizeof(*v->values), "a coordinate");
	for (uint64_t i = 0; i < v->n; i++)
		v->values[i] = (int64_t)qn_picked_index(s, 0, i);
	return qn_names_add(&v->attributes, "long_name", err) ||
			       qn_names_add(&v->attributes, "number of the file, from 0", err)
		       ? err->status
		       : QUERN_OK;
}

/* Copies of a coordinate while it is read, sent to rank 0, and there. */
#define NCOPIES		4
#define NCOPIES_REDUCED 1

/* There is no coordinate of a reduced dimension that memory has no room for; one that stays is refused. */
static enum quern_status check_room(const struct qn_subject *s, int dim, bool reduced,
				    struct quern_message *err)
{
	const uint64_t n = qn_dataset_length(&s->dataset, dim);
	char why[320];

	if (n > QN_MAX_COORDINATES ||
	    qn_room_has(&s->settings.memory, 1,
			(reduced ? NCOPIES_REDUCED : NCOPIES) * n * sizeof(int64_t), sizeof(why),
			why))
		return QUERN_OK;
	return qn_error_set(err, reduced ? QUERN_ERR_DATA : QUERN_ERR_RUN,
			    "%s: the coordinate of dimension %s of %s %s", s->dataset.file,
			    s->dataset.dim_name[dim] ? s->dataset.dim_name[dim] : "",
			    s->dataset.path, why);
}

static enum quern_status read_axis(const struct qn_subject *s, struct qn_joined *joined, int dim,
				   bool reduced, struct qn_axis_values *v,
				   struct quern_message *err)
{
	const struct qn_picked_axis p = { s, dim, reduced };
	const bool is_joined = s->files.n > 1 && dim == s->along;
	struct qn_dataset c;
	struct qn_axis a;
	char *bounds = NULL;
	enum quern_status st;

	if (s->dataset.stacked && dim == 0)
		return reduced ? QUERN_OK : number_files(s, v, err);
	st = check_room(s, dim, reduced, err);
	if (st)
		return st;
	st = qn_coordinate_find(&s->dataset, joined, dim, &c, &a, err);
	if (!st && c.path && a.missing < a.n)
		st = qn_error_set(err, QUERN_ERR_DATA,
				  "%s: value %llu of the coordinate %s is missing", c.file,
				  (unsigned long long)a.missing, c.path);
	if (!st && c.path)
		st = qn_axis_take(&c, &a, &p, v, err);
	if (!st && c.path && is_joined)
		find_break(&a, s, dim, v);
	if (!st && c.path)
		st = qn_axis_attributes(c.file, c.path, &v->attributes, "bounds", &bounds, err);
	if (!st && bounds && !is_joined)
		st = qn_axis_bounds(&c, &p, bounds, v, err);
	if (!st && c.path && reduced)
		st = qn_axis_condense(s, dim, &a, v, err);
	free(bounds);
	qn_axis_fini(&a);
	qn_dataset_fini(&c);
	return st;
}

/* --- dates --- */

/* "2001-12-31T06:00:00": all of it, always. */
static void format_date(enum qn_calendar c, const struct qn_instant *t, size_t nbytes, char *out)
{
	size_t n;

	qn_instant_format(c, t, nbytes, out);
	n = strlen(out);
	if (!t->ns)
		snprintf(out + n, nbytes - n, "T00:00:00");
	else if (!(t->ns % (INT64_C(60) * 1000000000)))
		snprintf(out + n, nbytes - n, ":00");
}

static enum quern_status add_dates(struct qn_axis_values *v, struct quern_message *err)
{
	struct qn_epoch epoch;
	struct qn_instant t;
	char text[96];
	enum quern_status st = QUERN_OK;

	if (!v->n || !qn_epoch_is_meant(v->units) || qn_epoch_parse(v->units, v->calendar, &epoch))
		return QUERN_OK;
	for (uint64_t i = 0; !st && i < v->n; i++) {
		if (!(v->is_real ? qn_epoch_at_real(&epoch, qn_axis_real(true, v->values[i]), &t)
				 : qn_epoch_at_int(&epoch, v->values[i], &t))) {
			qn_names_fini(&v->dates);
			return QUERN_OK;
		}
		format_date(epoch.calendar, &t, sizeof(text), text);
		st = qn_names_add(&v->dates, text, err);
	}
	return st;
}

/* --- all of them --- */

static bool is_wanted(const struct qn_subject *s, const bool *reduced)
{
	bool is = s->settings.grouped;

	for (int d = 0; d < s->dataset.ndim; d++)
		is = is || !reduced[d];
	for (int d = 0; d < s->dataset.ndim; d++)
		is = is && s->selection.count[d] > 0;
	return is;
}

/* On the reader: the flat form of all. Of a reduced dimension nobody misses the coordinate. */
static enum quern_status read_all(const struct qn_subject *s, struct qn_joined *joined,
				  const bool *reduced, char **flat, size_t *nbytes,
				  struct quern_message *err)
{
	FILE *f = qn_open_memstream(flat, nbytes);
	struct qn_axis_values v = { .n = 0 };
	enum quern_status st = QUERN_OK;
	char *others = NULL;
	bool nomem = !f;

	for (int d = 0; !st && !nomem && d < s->dataset.ndim; d++) {
		struct quern_message why = { .status = QUERN_OK };

		if (read_axis(s, joined, d, reduced[d], &v, &why))
			qn_axis_values_fini(&v);
		st = qn_axis_pass_failure(&why, err);
		qn_axis_pack(f, &v, why.status && !reduced[d] ? why.text : "", &nomem);
		qn_axis_values_fini(&v);
	}
	if (!st && !nomem) {
		struct quern_message why = { .status = QUERN_OK };

		if (qn_axis_attributes(s->dataset.file, s->dataset.path, &v.attributes,
				       "coordinates", &others, &why))
			qn_names_fini(&v.attributes);
		st = qn_axis_pass_failure(&why, err);
		qn_axis_pack(f, &v, "", &nomem);
		qn_axis_values_fini(&v);
	}
	if (!st && !nomem && others)
		st = qn_axes_put_named(s, reduced, others, f, &nomem, err);
	free(others);
	if (f && fclose(f))
		nomem = true;
	return st ? st : nomem ? qn_error_nomem(err, 0, "coordinates") : QUERN_OK;
}

static enum quern_status take_other(struct qn_subject *s, const char **at, const char *end,
				    struct quern_message *err)
{
	char *why = NULL;
	enum quern_status st;

	if (!qn_grow_by_one(&s->other, s->nothers, sizeof(*s->other)))
		return qn_error_nomem(err, sizeof(*s->other), "a coordinate");
	s->other[s->nothers] = (struct qn_axis_values){ .n = 0 };
	st = qn_axis_unpack(at, end, &s->other[s->nothers++], &why, err);
	free(why);
	return st;
}

/* Rank 0. */
static enum quern_status take_all(struct qn_subject *s, const char *at, size_t nbytes,
				  struct quern_message *err)
{
	const char *end = at + nbytes;
	struct qn_axis_values whole = { .n = 0 };
	char *why = NULL;
	enum quern_status st = QUERN_OK;

	s->axes = qn_calloc((size_t)s->dataset.ndim, sizeof(*s->axes));
	if (!s->axes)
		return qn_error_nomem(err, 0, "coordinates");
	for (int d = 0; !st && d < s->dataset.ndim; d++) {
		st = qn_axis_unpack(&at, end, &s->axes[d], &why, err);
		if (!st)
			st = add_dates(&s->axes[d], err);
		if (!st && *why)
			st = qn_warn_of_lost_axis(&s->warnings, &s->dataset, d, why, err);
		if (!st)
			st = warn_of_break(s, &s->axes[d], err);
		free(why);
		why = NULL;
	}
	if (!st)
		st = qn_axis_unpack(&at, end, &whole, &why, err);
	free(why);
	while (!st && at < end)
		st = take_other(s, &at, end, err);
	s->attributes = whole.attributes;
	whole.attributes = (struct qn_names){ .n = 0 };
	qn_axis_values_fini(&whole);
	return st;
}

/* The values of a joined coordinate of which no host has all: those that the reader lacks come from the
   others. What goes wrong there the reader finds again. Collective. */
static void complete(const struct qn_team *team, struct qn_subject *s, const struct qn_files *m,
		     struct qn_joined *joined)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_dataset c = { .path = NULL };
	struct qn_axis a = { .n = 0 };

	if (m->reads_all || s->files.n < 2)
		return;
	if ((uint32_t)qn_comm_rank(team->comm) == m->reader)
		qn_coordinate_find(&s->dataset, joined, s->along, &c, &a, &ignored);
	qn_axis_fini(&a);
	qn_dataset_fini(&c);
	qn_joined_fill(team, s, m, joined, &ignored);
}

/* Brings the block of the reader to rank 0. Collective. */
static enum quern_status bring(const struct qn_team *team, const void *mine, size_t nbytes,
			       void **all, uint64_t *sum, struct quern_message *err)
{
	const int nranks = qn_comm_size(team->comm);
	uint64_t *sizes = qn_calloc((size_t)nranks, sizeof(*sizes));
	enum quern_status st = sizes ? QUERN_OK : qn_error_nomem(err, 0, "sizes");

	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_comm_gather_blocks(team->comm, mine, nbytes, all, sizes, err);
	for (int r = 0; !st && *all && r < nranks; r++)
		*sum += sizes[r];
	free(sizes);
	return st;
}

enum quern_status qn_axes_find(const struct qn_team *team, struct qn_subject *subject,
			       const struct qn_files *m, struct quern_message *err)
{
	struct qn_joined joined = { .files = &subject->files,
				    .along = subject->along,
				    .complete = m->reads_all };
	const bool reads = (uint32_t)qn_comm_rank(team->comm) == m->reader;
	bool reduced[QUERN_MAX_DIMS];
	char *mine = NULL;
	void *all = NULL;
	size_t nbytes = 0;
	uint64_t sum = 0;
	enum quern_status st = qn_over_find(&subject->dataset,
					    subject->files.n > 1 && !subject->dataset.stacked,
					    subject->settings.over, reduced, err);

	if (st || !is_wanted(subject, reduced))
		return st;
	complete(team, subject, m, &joined);
	if (reads)
		st = read_all(subject, &joined, reduced, &mine, &nbytes, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = bring(team, mine, nbytes, &all, &sum, err);
	if (!st && all)
		st = take_all(subject, all, sum, err);
	free(mine);
	free(all);
	qn_joined_fini(&joined);
	return qn_comm_agree(team->comm, st, err);
}
