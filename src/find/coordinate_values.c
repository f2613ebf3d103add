/*
 * coordinate_values.c - values of datasets as those of axes.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "find/coordinate_parts.h"

bool qn_axis_is_integer(enum quern_dtype t)
{
	return t != QUERN_U64 && t != QUERN_F32 && t != QUERN_F64;
}

enum quern_status qn_axis_make_values(struct qn_axis *a, const struct qn_view *view,
				      struct quern_message *err)
{
	if (qn_axis_is_integer(view->dtype))
		a->integers = qn_calloc(a->n, sizeof(*a->integers));
	else
		a->reals = qn_calloc(a->n, sizeof(*a->reals));
	if (!a->integers && !a->reals)
		return qn_error_nomem(err, a->n * sizeof(*a->reals), "a coordinate");
	return QUERN_OK;
}

static double real_of(const struct qn_values *v, uint64_t i)
{
	if (v->reals)
		return v->reals[i];
	return v->is_unsigned ? (double)(uint64_t)v->integers[i] : (double)v->integers[i];
}

static void note_missing(const struct qn_values *v, struct qn_axis *a, uint64_t at)
{
	for (uint64_t i = 0; v->missing && i < v->n; i++)
		if (v->missing[i])
			a->missing = qn_min_u64(a->missing, at + i);
}

void qn_axis_put_values(struct qn_values *v, struct qn_axis *a, uint64_t at)
{
	note_missing(v, a, at);
	/* All that it has are not copied. */
	if (v->n == a->n && v->reals && a->reals) {
		free(a->reals);
		a->reals = v->reals;
		v->reals = NULL;
		return;
	}
	for (uint64_t i = 0; i < v->n; i++)
		if (a->integers)
			a->integers[at + i] = v->integers[i];
		else
			a->reals[at + i] = real_of(v, i);
}

/* The values of d, from index `at` of the axis on. */
enum quern_status qn_axis_read_values(const struct qn_dataset *d, const struct qn_view *view,
				      struct qn_axis *a, uint64_t at, struct quern_message *err)
{
	struct qn_values v;
	enum quern_status st = qn_values_read(d, view, &v, err);

	if (!st)
		qn_axis_put_values(&v, a, at);
	qn_values_fini(&v);
	return st;
}
