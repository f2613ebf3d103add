/*
 * agree.c - what has to be the same in all parts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/reading.h"
#include "find/coordinate.h"
#include "merge/merge.h"
#include "select/select.h"

/* --- what they depend on --- */

static enum quern_status differ(const struct qn_partial *a, const struct qn_partial *b,
				const char *name, const char *x, const char *y,
				struct quern_message *err)
{
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"%s and %s do not belong together: %s is %s%s%s in one, and %s%s%s in the "
		"other",
		a->name, b->name, name, x ? "'" : "", x ? x : "not given", x ? "'" : "",
		y ? "'" : "", y ? y : "not given", y ? "'" : "");
}

/* The first name of a that b has with another text, or not at all. */
static const char *find_difference(const struct qn_partial *a, const struct qn_partial *b)
{
	for (size_t i = 0; i + 1 < a->texts.n; i += 2) {
		const char *y = qn_partial_text(b, a->texts.name[i]);

		if (!y || strcmp(a->texts.name[i + 1], y))
			return a->texts.name[i];
	}
	return NULL;
}

static enum quern_status check_texts(const struct qn_partial *a, const struct qn_partial *b,
				     struct quern_message *err)
{
	const char *name = find_difference(a, b);

	if (!name)
		name = find_difference(b, a);
	return name ? differ(a, b, name, qn_partial_text(a, name), qn_partial_text(b, name), err)
		    : QUERN_OK;
}

/* --- what they are of --- */

static const struct qn_dataset *dataset_of(const struct qn_merge_part *p)
{
	return &p->run->subject.dataset;
}

static void put_dimensions(const struct qn_dataset *d, size_t nbytes, char *out)
{
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; i < d->ndim && n < nbytes; i++)
		n += (size_t)snprintf(out + n, nbytes - n, "%s%s", i ? ", " : "",
				      d->dim_name[i] ? d->dim_name[i] : "?");
}

static enum quern_status check_dataset(const struct qn_merge_part *a, const struct qn_merge_part *b,
				       struct quern_message *err)
{
	const struct qn_dataset *x = dataset_of(a), *y = dataset_of(b);
	char dims[2][300];

	put_dimensions(x, sizeof(dims[0]), dims[0]);
	put_dimensions(y, sizeof(dims[1]), dims[1]);
	if (strcmp(dims[0], dims[1]))
		return differ(&a->partial, &b->partial, "the dimensions of the dataset", dims[0],
			      dims[1], err);
	if (strcmp(qn_dataset_name(x), qn_dataset_name(y)))
		return differ(&a->partial, &b->partial, "the dataset", qn_dataset_name(x),
			      qn_dataset_name(y), err);
	if (strcmp(x->type.name, y->type.name))
		return differ(&a->partial, &b->partial, "its type", x->type.name, y->type.name,
			      err);
	if (strcmp(x->units, y->units))
		return differ(&a->partial, &b->partial, "its unit", x->units, y->units, err);
	return QUERN_OK;
}

/* --- coordinates --- */

/* That of a dimension, as the first file of the part has it. n is 0: there is none. */
static void read_axis(const struct qn_merge_part *p, int dim, struct qn_axis *a)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_reading reading = *qn_reading();
	struct qn_dataset c;
	struct qn_reading before;

	reading.extract = p->run->extract;
	before = qn_reading_set(reading);
	if (qn_coordinate_find(dataset_of(p), NULL, dim, &c, a, &ignored) || !c.path)
		a->n = 0;
	qn_dataset_fini(&c);
	qn_reading_set(before);
}

/* The first index at which they differ; n: at none. */
static uint64_t compare_values(const struct qn_axis *a, const struct qn_axis *b)
{
	uint64_t i = 0;

	if (!a->reals != !b->reals)
		return 0;
	while (i < a->n &&
	       (a->reals ? a->reals[i] == b->reals[i] : a->integers[i] == b->integers[i]))
		i++;
	return i;
}

static enum quern_status check_axis(const struct qn_merge_part *a, const struct qn_merge_part *b,
				    int dim, struct quern_message *err)
{
	const char *name = dataset_of(a)->dim_name[dim];
	struct qn_axis x, y;
	char text[2][QN_AXIS_TEXT_NBYTES];
	uint64_t at = 0;
	enum quern_status st = QUERN_OK;

	read_axis(a, dim, &x);
	read_axis(b, dim, &y);
	if (x.n && x.n == y.n)
		at = compare_values(&x, &y);
	if (x.n && x.n == y.n && at < x.n) {
		qn_axis_format(&x, at, text[0]);
		qn_axis_format(&y, at, text[1]);
		st = qn_error_set(
			err, QUERN_ERR_DATA,
			"%s and %s do not belong together: the coordinate %s is %s at index "
			"%" PRIu64 " in one, and %s in the other",
			a->partial.name, b->partial.name, name ? name : "", text[0], at, text[1]);
	}
	qn_axis_fini(&x);
	qn_axis_fini(&y);
	return st;
}

/* Of dimensions that are kept, and that files are not joined along. What is on top of each other is compared when
   the files are. */
static enum quern_status check_axes(const struct qn_merge *m, const struct qn_merge_part *a,
				    const struct qn_merge_part *b, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (int d = 0; !st && !a->partial.is_stacked && d < a->partial.ndim; d++)
		if (d != m->whole.along && !a->run->engine.reduced[d] &&
		    a->partial.shape[d] == b->partial.shape[d])
			st = check_axis(a, b, d, err);
	return st;
}

/* --- the dimension that they are joined along --- */

/* The one file of a part may be joined along any. */
static void join_one(struct qn_partial *p, int along)
{
	if (p->files.n > 1 || p->is_stacked)
		return;
	p->along = along;
	p->file[0].length = p->shape[along];
}

static enum quern_status find_along(struct qn_merge *m, const char *along,
				    struct quern_message *err)
{
	const struct qn_dataset *d = &m->part[0].run->subject.dataset;
	struct qn_partial *w = &m->whole;
	const struct qn_partial *first = &m->part[0].partial;

	w->ndim = first->ndim;
	w->is_stacked = first->is_stacked;
	w->along = first->along;
	memcpy(w->shape, first->shape, sizeof(w->shape));
	for (size_t i = 0; i < m->n; i++)
		if (m->part[i].partial.files.n > 1)
			w->along = m->part[i].partial.along;
	if (along && w->is_stacked)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--along: the files of these parts are on top of each other");
	if (along)
		w->along = qn_dimension_find(d, along);
	if (w->along < 0)
		return qn_dimension_refuse(d, "--along", along, err);
	for (size_t i = 0; i < m->n; i++)
		join_one(&m->part[i].partial, w->along);
	return QUERN_OK;
}

enum quern_status qn_merge_agree(struct qn_merge *m, const char *along, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	for (size_t i = 1; !st && i < m->n; i++) {
		st = check_texts(&m->part[0].partial, &m->part[i].partial, err);
		if (!st)
			st = check_dataset(&m->part[0], &m->part[i], err);
	}
	if (!st)
		st = find_along(m, along, err);
	for (size_t i = 1; !st && i < m->n; i++)
		st = check_axes(m, &m->part[0], &m->part[i], err);
	return st;
}
