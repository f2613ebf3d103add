/*
 * axes_reduced.c - bounds, and the one value that a reduced dimension has, with bounds from the first to the last.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "find/axes_parts.h"
#include "find/coordinate.h"

#define ROUNDED 1e-5 /* of a cell: no gap */

/* --- bounds --- */

/* Of the i-th selected value: the lower and the higher one. */
static void bounds_of(const struct qn_axis *bounds, const struct qn_picked_axis *p, uint64_t i,
		      double out[2])
{
	const uint64_t at = 2 * qn_picked_index(p->s, p->dim, i);
	double b[2];

	for (uint64_t k = 0; k < 2; k++)
		b[k] = bounds->reals ? bounds->reals[at + k] : (double)bounds->integers[at + k];
	out[0] = fmin(b[0], b[1]);
	out[1] = fmax(b[0], b[1]);
}

/* Does one of the selected cells begin elsewhere than where the one before it ends? What bounds were rounded to is no
   matter. */
static bool have_gaps(const struct qn_axis *bounds, const struct qn_picked_axis *p)
{
	const uint64_t n = p->only_ends ? qn_picked_count(p->s, p->dim) : 0;

	for (uint64_t i = 1; i < n; i++) {
		double a[2], b[2];

		bounds_of(bounds, p, i - 1, a);
		bounds_of(bounds, p, i, b);
		if (fmax(a[0], b[0]) - fmin(a[1], b[1]) > ROUNDED * (a[1] - a[0] + b[1] - b[0]))
			return true;
	}
	return false;
}

/* Of the values that there are; left out where they are not as they should be. */
enum quern_status qn_axis_bounds(const struct qn_dataset *c, const struct qn_picked_axis *p,
				 const char *name, struct qn_axis_values *v,
				 struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	struct qn_axis a;
	const enum quern_status st = qn_coordinate_bounds(c, name, &a, &why);
	const bool are_there = !st && a.n;

	if (are_there)
		v->bounds = qn_calloc(v->n, 2 * sizeof(*v->bounds));
	for (uint64_t i = 0; v->bounds && i < 2 * v->n; i++) {
		const uint64_t at = 2 * qn_picked_at(p, i / 2) + i % 2;

		v->bounds[i] = a.reals ? qn_axis_bits(a.reals[at]) : a.integers[at];
	}
	v->are_bounds_real = a.reals != NULL;
	v->has_gaps = are_there && have_gaps(&a, p);
	qn_axis_fini(&a);
	if (!are_there) /* an attribute that leads nowhere is no matter */
		return st == QUERN_ERR_RUN ? qn_error_pass(err, st, &why) : QUERN_OK;
	free(v->bounds_name);
	v->bounds_name = qn_strdup(name);
	return v->bounds && v->bounds_name ? QUERN_OK : qn_error_nomem(err, v->n, "bounds");
}

/* --- one value for all --- */

/* Do the selected values rise, or fall? Those that are alike do either. */
static bool is_ordered(const struct qn_axis *a, const struct qn_subject *s, int dim)
{
	int way = 0;

	for (uint64_t i = 1; i < qn_picked_count(s, dim); i++) {
		const int now = qn_axis_direction(a, qn_picked_index(s, dim, i - 1),
						  qn_picked_index(s, dim, i));

		if (way && now && now != way)
			return false;
		way = way ? way : now;
	}
	return true;
}

/* The ends of what the first and the last are bounds of, in the order of these; a cell may have its bounds in
   either order. */
static void find_ends(const struct qn_axis_values *v, uint64_t last, double end[2])
{
	const bool falls = qn_axis_real(v->is_real, v->values[last]) <
			   qn_axis_real(v->is_real, v->values[0]);
	double b[4];

	for (int i = 0; i < 4; i++)
		b[i] = qn_axis_real(v->are_bounds_real,
				    v->bounds[i < 2 ? (uint64_t)i : 2 * last + (uint64_t)i - 2]);
	end[0] = b[0];
	end[1] = b[3];
	if (!last)
		return;
	end[0] = falls ? fmax(b[0], b[1]) : fmin(b[0], b[1]);
	end[1] = falls ? fmin(b[2], b[3]) : fmax(b[2], b[3]);
}

/* One value for all of them, and what it stands for. Bounds are those of the first and the last, or these
   themselves. */
static bool condense(struct qn_axis_values *v)
{
	const uint64_t last = v->n - 1;
	double end[2];

	if (!v->bounds && !(v->bounds = qn_calloc(2, sizeof(*v->bounds))))
		return false;
	if (*v->bounds_name) {
		find_ends(v, last, end);
	} else {
		end[0] = qn_axis_real(v->is_real, v->values[0]);
		end[1] = qn_axis_real(v->is_real, v->values[last]);
	}
	v->n = 1;
	v->is_real = v->are_bounds_real = true;
	v->dtype = QUERN_F64;
	v->values[0] = qn_axis_bits(end[0] / 2 + end[1] / 2);
	v->bounds[0] = qn_axis_bits(end[0]);
	v->bounds[1] = qn_axis_bits(end[1]);
	return true;
}

/* Into its middle and bounds: not a union, of which the bounds would tell otherwise. Integers beyond 2^53 are no doubles. */
static bool is_condensable(const struct qn_subject *s, int dim, const struct qn_axis_values *v)
{
	const int64_t most = INT64_C(1) << 53;

	if (s->picks.dim[dim].nstretches)
		return false;

	for (uint64_t i = 0; !v->is_real && i<v->n; i += v->n> 1 ? v->n - 1 : 1)
		if (v->values[i] > most || v->values[i] < -most)
			return false;
	return true;
}

/* Leaves what is told of it: there is no coordinate. */
static void drop_values(struct qn_axis_values *v)
{
	struct qn_axis_values left = { .breaks_at = v->breaks_at, .breaks_from = v->breaks_from };

	memcpy(left.before, v->before, sizeof(left.before));
	memcpy(left.after, v->after, sizeof(left.after));
	qn_axis_values_fini(v);
	*v = left;
}

/* What bounds from the first to the last have no word for. */
static enum quern_status tell_gaps(struct qn_axis_values *v, struct quern_message *err)
{
	static const char gaps[] = "there are gaps between the values that it stands for";
	const char *known = qn_names_text(&v->attributes, "comment");
	enum quern_status st = QUERN_OK;
	char *text = NULL;

	for (size_t i = 0; known && i + 1 < v->attributes.n; i += 2)
		if (v->attributes.name[i + 1] == known) {
			if (qn_asprintf(&text, "%s; %s", known, gaps) < 0)
				return qn_error_nomem(err, strlen(known), "attributes");
			free(v->attributes.name[i + 1]);
			v->attributes.name[i + 1] = text;
			return QUERN_OK;
		}
	st = qn_names_add(&v->attributes, "comment", err);
	return st ? st : qn_names_add(&v->attributes, gaps, err);
}

/* One value and its bounds, or none: what is not in order has values beyond the first and the last. */
enum quern_status qn_axis_condense(const struct qn_subject *s, int dim, const struct qn_axis *a,
				   struct qn_axis_values *v, struct quern_message *err)
{
	const bool has_gaps = v->has_gaps || (s->selection.step[dim] > 1 && v->n > 1);

	if (!is_ordered(a, s, dim) || !is_condensable(s, dim, v)) {
		drop_values(v);
		return QUERN_OK;
	}
	if (!condense(v))
		return qn_error_nomem(err, 2 * sizeof(*v->bounds), "bounds");
	return has_gaps ? tell_gaps(v, err) : QUERN_OK;
}
