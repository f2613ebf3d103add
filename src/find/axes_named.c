/*
 * axes_named.c - coordinates that are no dimensions: those that the attribute `coordinates` of the dataset names.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "describe/values.h"
#include "find/axes_pack.h"
#include "find/axes_parts.h"
#include "find/coordinate.h"

/* The kept dimension of the subject, of one file, that dimension k of another dataset is; -1: there is none. */
static int kept_dimension(const struct qn_subject *s, const bool *reduced,
			  const struct qn_dataset *c, int k)
{
	const struct qn_dataset *d = &s->dataset;
	int found = -1;

	for (int j = 0; c->dim_name[k] && j < d->ndim; j++)
		if (d->dim_name[j] && !strcmp(d->dim_name[j], c->dim_name[k])) {
			if (found >= 0)
				return -1;
			found = j;
		}
	return found >= 0 && !reduced[found] && qn_dataset_length(c, k) == d->shape[found] &&
			       !(s->files.n > 1 && found == s->along)
		       ? found
		       : -1;
}

/* Do all of its dimensions stay? */
static bool stays(const struct qn_subject *s, const bool *reduced, const struct qn_dataset *c,
		  struct qn_axis_values *v)
{
	if (c->is_null || c->dim_only)
		return false;
	v->ndims = c->scalar ? 0 : c->ndim;
	for (int k = 0; k < v->ndims; k++) {
		v->dim[k] = kept_dimension(s, reduced, c, k);
		for (int j = 0; v->dim[k] >= 0 && j < k; j++)
			if (v->dim[j] == v->dim[k])
				v->dim[k] = -1;
		if (v->dim[k] < 0)
			return false;
	}
	/* That of a dimension is an axis. */
	return v->ndims != 1 || strcmp(c->dim_name[0], v->name);
}

/* The place in the whole of the i-th selected value. */
static uint64_t place_of(const struct qn_subject *s, const struct qn_axis_values *v, uint64_t i)
{
	uint64_t at = 0, stride = 1;

	for (int k = v->ndims - 1; k >= 0; i /= qn_picked_count(s, v->dim[k--])) {
		const int dim = v->dim[k];

		at += qn_picked_index(s, dim, i % qn_picked_count(s, dim)) * stride;
		stride *= s->dataset.shape[dim];
	}
	return at;
}

static enum quern_status take_values(const struct qn_subject *s, const struct qn_dataset *c,
				     const struct qn_values *from, struct qn_axis_values *v,
				     struct quern_message *err)
{
	uint64_t n = 1;
	enum quern_status st;

	for (int k = 0; k < v->ndims; k++)
		n *= qn_picked_count(s, v->dim[k]);
	v->is_real = from->reals != NULL;
	st = qn_axis_make_room(v, n, c, err);
	if (st)
		return st;
	for (uint64_t i = 0; i < v->n; i++) {
		const uint64_t at = place_of(s, v, i);
		const bool lacks = from->missing && from->missing[at];

		v->has_missing |= lacks;
		v->values[i] = !v->is_real ? from->integers[at]
					   : qn_axis_bits(lacks ? (double)NAN : from->reals[at]);
	}
	return QUERN_OK;
}

/* One by the name that the dataset has for it. That it is not as it should be, or of texts, is no matter. */
static enum quern_status read_other(const struct qn_subject *s, const bool *reduced,
				    const char *name, struct qn_axis_values *v,
				    struct quern_message *err)
{
	struct qn_dataset c = { .file = NULL };
	struct qn_values values = { .n = 0 };
	struct qn_view view;
	char *path = NULL;
	enum quern_status st = qn_coordinate_path(&s->dataset, name, &path, err);
	bool is = !st && path && !qn_source_describe(s->dataset.file, path, NULL, true, &c, err);

	v->name = qn_strdup(name);
	if (!v->name)
		st = qn_error_nomem(err, 0, "a coordinate");
	is = is && v->name && stays(s, reduced, &c, v) && !qn_view_init(&c, false, &view, err) &&
	     view.dtype != QUERN_TEXT;
	if (is)
		st = qn_values_read(&c, &view, &values, err);
	is = is && !st && !values.is_unsigned && (values.reals || values.integers);
	if (is) {
		v->dtype = view.dtype;
		st = take_values(s, &c, &values, v, err);
	}
	if (is && !st)
		st = qn_axis_attributes(c.file, c.path, &v->attributes, NULL, NULL, err);
	/* Of integers nothing says which are missing. */
	if (st || (v->has_missing && !v->is_real))
		qn_axis_values_fini(v);
	qn_values_fini(&values);
	qn_dataset_fini(&c);
	free(path);
	return st;
}

/* A coordinate that is not as it should be is none; that memory or a disk fails ends the run. */
enum quern_status qn_axis_pass_failure(const struct quern_message *why, struct quern_message *err)
{
	return why->status == QUERN_ERR_RUN ? qn_error_pass(err, why->status, why) : QUERN_OK;
}

/* names: with blanks between them. */
enum quern_status qn_axes_put_named(const struct qn_subject *s, const bool *reduced, char *names,
				    FILE *f, bool *nomem, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char *name;

	while (!st && !*nomem && (name = strsep(&names, " "))) {
		struct quern_message why = { .status = QUERN_OK };
		struct qn_axis_values v = { .n = 0 };

		if (*name)
			read_other(s, reduced, name, &v, &why);
		st = qn_axis_pass_failure(&why, err);
		if (v.n)
			qn_axis_pack(f, &v, "", nomem);
		qn_axis_values_fini(&v);
	}
	return st;
}
