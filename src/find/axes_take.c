/*
 * axes_take.c - the values of a coordinate, of the indexes that are selected, and its attributes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "find/axes_parts.h"

__extension__ typedef __int128 int128;

void qn_axis_values_fini(struct qn_axis_values *v)
{
	free(v->values);
	free(v->bounds);
	free(v->units);
	free(v->calendar);
	free(v->bounds_name);
	free(v->name);
	qn_names_fini(&v->attributes);
	qn_names_fini(&v->dates);
	memset(v, 0, sizeof(*v));
}

/* --- values --- */

int64_t qn_axis_bits(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

double qn_axis_real(bool is_real, int64_t value)
{
	double x;

	if (!is_real)
		return (double)value;
	memcpy(&x, &value, sizeof(x));
	return x;
}

static int128 ns_from_base(const struct qn_axis *a, uint64_t i)
{
	return (int128)a->integers[i] * a->epoch.unit_ns -
	       ((int128)a->meant.base.day * QN_DAY_NS + a->meant.base.ns);
}

/* The i-th selected index of a dimension, of the dataset. */
uint64_t qn_picked_index(const struct qn_subject *s, int dim, uint64_t i)
{
	return qn_picks_index(&s->picks, &s->selection, dim, i);
}

uint64_t qn_picked_count(const struct qn_subject *s, int dim)
{
	return qn_picks_count(&s->picks, &s->selection, dim);
}

static uint64_t npicked(const struct qn_picked_axis *p)
{
	const uint64_t n = qn_picked_count(p->s, p->dim);

	return p->only_ends ? qn_min_u64(n, 2) : n;
}

uint64_t qn_picked_at(const struct qn_picked_axis *p, uint64_t i)
{
	return qn_picked_index(p->s, p->dim,
			       p->only_ends && i ? qn_picked_count(p->s, p->dim) - 1 : i);
}

/* Instants, in the units of the first file. */
static void put_times(const struct qn_axis *a, const struct qn_picked_axis *p,
		      struct qn_axis_values *v)
{
	const int64_t unit_ns = a->meant.unit_ns;

	for (uint64_t i = 0; !v->is_real && i < v->n; i++)
		v->is_real = ns_from_base(a, qn_picked_at(p, i)) % unit_ns != 0;
	for (uint64_t i = 0; i < v->n; i++) {
		const int128 ns = ns_from_base(a, qn_picked_at(p, i));

		v->values[i] =
			v->is_real ? qn_axis_bits((double)((long double)ns / (long double)unit_ns))
				   : (int64_t)(ns / unit_ns);
	}
}

/* The selected ones. */
static void put_values(const struct qn_axis *a, const struct qn_picked_axis *p,
		       struct qn_axis_values *v)
{
	for (uint64_t i = 0; i < v->n; i++) {
		const uint64_t at = qn_picked_at(p, i);

		v->values[i] = v->is_real ? qn_axis_bits(a->reals[at]) : a->integers[at];
	}
}

static bool is_real(enum quern_dtype t)
{
	return t == QUERN_F32 || t == QUERN_F64 || t == QUERN_U64;
}

/* Texts and values of a coordinate. */
static bool is_single(int64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return isnan(x) || (double)(float)x == x;
}

/* The type is that of the first file; values of others may need a wider one. */
static void widen(struct qn_axis_values *v)
{
	if (v->is_real && !is_real(v->dtype))
		v->dtype = QUERN_F64;
	for (uint64_t i = 0; i < v->n; i++)
		if (v->is_real && v->dtype == QUERN_F32 && !is_single(v->values[i]))
			v->dtype = QUERN_F64;
		else if (!v->is_real && !qn_dtype_holds(v->dtype, v->values[i]))
			v->dtype = QUERN_I64;
}

/* For n values of a coordinate, and what it says of them. */
enum quern_status qn_axis_make_room(struct qn_axis_values *v, uint64_t n,
				    const struct qn_dataset *c, struct quern_message *err)
{
	v->n = n;
	v->values = qn_calloc(n, sizeof(*v->values));
	v->units = qn_strdup(c->units);
	v->calendar = qn_strdup(c->calendar);
	v->bounds_name = qn_strdup("");
	if (!v->values || !v->units || !v->calendar || !v->bounds_name)
		return qn_error_nomem(err, n * sizeof(*v->values), "a coordinate");
	return QUERN_OK;
}

enum quern_status qn_axis_take(const struct qn_dataset *c, const struct qn_axis *a,
			       const struct qn_picked_axis *p, struct qn_axis_values *v,
			       struct quern_message *err)
{
	struct qn_view view;
	enum quern_status st = qn_view_init(c, false, &view, err);

	if (st)
		return st;
	v->dtype = view.dtype;
	v->is_real = is_real(view.dtype);
	st = qn_axis_make_room(v, npicked(p), c, err);
	if (st)
		return st;
	if (a->instants)
		put_times(a, p, v);
	else
		put_values(a, p, v);
	widen(v);
	return QUERN_OK;
}

int qn_axis_direction(const struct qn_axis *a, uint64_t from, uint64_t to)
{
	return a->reals ? (a->reals[to] > a->reals[from]) - (a->reals[to] < a->reals[from])
			: (a->integers[to] > a->integers[from]) -
				  (a->integers[to] < a->integers[from]);
}

/* --- attributes --- */

/* What is said anew, what refers to what is not there, and what is the file's. */
static bool is_kept(const char *name)
{
	static const char *const dropped[] = {
		"units",	 "calendar",	 "bounds",	  "climatology",
		"CLASS",	 "NAME",	 "coordinates",	  "cell_measures",
		"formula_terms", "grid_mapping", "flag_meanings", "ancillary_variables",
		"flag_values",	 "_Unsigned",
	};

	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		if (!strcmp(name, dropped[i]))
			return false;
	return strncmp(name, "_Netcdf", 7) != 0;
}

/* Of a dataset; *text, owned, is that of the attribute `one`, if it is there. */
enum quern_status qn_axis_attributes(const char *file, const char *path, struct qn_names *out,
				     const char *one, char **text, struct quern_message *err)
{
	const struct qn_format *format = NULL;
	struct qn_names all = { .n = 0 };
	enum quern_status st = qn_source_format(file, &format, err);

	if (!st)
		st = format->texts(file, path, &all, err);
	for (size_t i = 0; !st && i + 1 < all.n; i += 2) {
		if (one && !strcmp(all.name[i], one) && !*text &&
		    !(*text = qn_strdup(all.name[i + 1])))
			st = qn_error_nomem(err, 0, "attributes");
		if (st || !is_kept(all.name[i]))
			continue;
		st = qn_names_add(out, all.name[i], err);
		if (!st)
			st = qn_names_add(out, all.name[i + 1], err);
	}
	qn_names_fini(&all);
	return st;
}
