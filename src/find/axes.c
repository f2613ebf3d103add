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
#include "find/coordinate.h"
#include "describe/describe.h"
#include "describe/values.h"
#include "find/selection.h"
#include "find/warnings.h"
#include "select/over.h"

__extension__ typedef __int128 int128;

#define ROUNDED 1e-5 /* of a cell: no gap */

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

static int64_t bits_of(double x)
{
	int64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static double real_of(bool is_real, int64_t value)
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

/* What is selected of a dimension; only_ends: the first and the last of that. */
struct picked {
	const struct qn_subject *s;
	int dim;
	bool only_ends;
};

/* The i-th selected index of a dimension, of the dataset. */
static uint64_t index_of(const struct qn_subject *s, int dim, uint64_t i)
{
	return qn_picks_index(&s->picks, &s->selection, dim, i);
}

static uint64_t count_of(const struct qn_subject *s, int dim)
{
	return qn_picks_count(&s->picks, &s->selection, dim);
}

static uint64_t npicked(const struct picked *p)
{
	const uint64_t n = count_of(p->s, p->dim);

	return p->only_ends ? qn_min_u64(n, 2) : n;
}

static uint64_t pick(const struct picked *p, uint64_t i)
{
	return index_of(p->s, p->dim, p->only_ends && i ? count_of(p->s, p->dim) - 1 : i);
}

/* Instants, in the units of the first file. */
static void put_times(const struct qn_axis *a, const struct picked *p, struct qn_axis_values *v)
{
	const int64_t unit_ns = a->meant.unit_ns;

	for (uint64_t i = 0; !v->is_real && i < v->n; i++)
		v->is_real = ns_from_base(a, pick(p, i)) % unit_ns != 0;
	for (uint64_t i = 0; i < v->n; i++) {
		const int128 ns = ns_from_base(a, pick(p, i));

		v->values[i] = v->is_real
				       ? bits_of((double)((long double)ns / (long double)unit_ns))
				       : (int64_t)(ns / unit_ns);
	}
}

/* The selected ones. */
static void put_values(const struct qn_axis *a, const struct picked *p, struct qn_axis_values *v)
{
	for (uint64_t i = 0; i < v->n; i++) {
		const uint64_t at = pick(p, i);

		v->values[i] = v->is_real ? bits_of(a->reals[at]) : a->integers[at];
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
static enum quern_status make_room(struct qn_axis_values *v, uint64_t n, const struct qn_dataset *c,
				   struct quern_message *err)
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

static enum quern_status take_axis(const struct qn_dataset *c, const struct qn_axis *a,
				   const struct picked *p, struct qn_axis_values *v,
				   struct quern_message *err)
{
	struct qn_view view;
	enum quern_status st = qn_view_init(c, false, &view, err);

	if (st)
		return st;
	v->dtype = view.dtype;
	v->is_real = is_real(view.dtype);
	st = make_room(v, npicked(p), c, err);
	if (st)
		return st;
	if (a->instants)
		put_times(a, p, v);
	else
		put_values(a, p, v);
	widen(v);
	return QUERN_OK;
}

/* --- bounds --- */

/* Of the i-th selected value: the lower and the higher one. */
static void bounds_of(const struct qn_axis *bounds, const struct picked *p, uint64_t i,
		      double out[2])
{
	const uint64_t at = 2 * index_of(p->s, p->dim, i);
	double b[2];

	for (uint64_t k = 0; k < 2; k++)
		b[k] = bounds->reals ? bounds->reals[at + k] : (double)bounds->integers[at + k];
	out[0] = fmin(b[0], b[1]);
	out[1] = fmax(b[0], b[1]);
}

/* Does one of the selected cells begin elsewhere than where the one before it ends? What bounds were rounded to is no
   matter. */
static bool have_gaps(const struct qn_axis *bounds, const struct picked *p)
{
	const uint64_t n = p->only_ends ? count_of(p->s, p->dim) : 0;

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
static enum quern_status read_bounds(const struct qn_dataset *c, const struct picked *p,
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
		const uint64_t at = 2 * pick(p, i / 2) + i % 2;

		v->bounds[i] = a.reals ? bits_of(a.reals[at]) : a.integers[at];
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
static enum quern_status read_attributes(const char *file, const char *path, struct qn_names *out,
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

/* --- joined files --- */

static int direction(const struct qn_axis *a, uint64_t from, uint64_t to)
{
	return a->reals ? (a->reals[to] > a->reals[from]) - (a->reals[to] < a->reals[from])
			: (a->integers[to] > a->integers[from]) -
				  (a->integers[to] < a->integers[from]);
}

/* Do the selected values rise, or fall? Those that are alike do either. */
static bool is_ordered(const struct qn_axis *a, const struct qn_subject *s, int dim)
{
	int way = 0;

	for (uint64_t i = 1; i < count_of(s, dim); i++) {
		const int now = direction(a, index_of(s, dim, i - 1), index_of(s, dim, i));

		if (way && now && now != way)
			return false;
		way = way ? way : now;
	}
	return true;
}

/* Where the selected values do not go on as they began. */
static void find_break(const struct qn_axis *a, const struct qn_subject *s, int dim,
		       struct qn_axis_values *v)
{
	int way = 0;

	for (uint64_t i = 1; i < count_of(s, dim); i++) {
		const uint64_t at = index_of(s, dim, i), before = index_of(s, dim, i - 1);
		const int now = direction(a, before, at);

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

/* The ends of what the first and the last are bounds of, in the order of these; a cell may have its bounds in
   either order. */
static void find_ends(const struct qn_axis_values *v, uint64_t last, double end[2])
{
	const bool falls = real_of(v->is_real, v->values[last]) < real_of(v->is_real, v->values[0]);
	double b[4];

	for (int i = 0; i < 4; i++)
		b[i] = real_of(v->are_bounds_real,
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
		end[0] = real_of(v->is_real, v->values[0]);
		end[1] = real_of(v->is_real, v->values[last]);
	}
	v->n = 1;
	v->is_real = v->are_bounds_real = true;
	v->dtype = QUERN_F64;
	v->values[0] = bits_of(end[0] / 2 + end[1] / 2);
	v->bounds[0] = bits_of(end[0]);
	v->bounds[1] = bits_of(end[1]);
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
static enum quern_status stand_for_all(const struct qn_subject *s, int dim, bool is_in_order,
				       struct qn_axis_values *v, struct quern_message *err)
{
	const bool has_gaps = v->has_gaps || (s->selection.step[dim] > 1 && v->n > 1);

	if (!is_in_order || !is_condensable(s, dim, v) || !condense(v)) {
		drop_values(v);
		return QUERN_OK;
	}
	return has_gaps ? tell_gaps(v, err) : QUERN_OK;
}

/* The numbers of the files, of which none has them. */
static enum quern_status number_files(const struct qn_subject *s, struct qn_axis_values *v,
				      struct quern_message *err)
{
	v->n = count_of(s, 0);
	v->dtype = QUERN_I64;
	v->values = qn_calloc(v->n, sizeof(*v->values));
	if (!v->values)
		return qn_error_nomem(err, v->n * sizeof(*v->values), "a coordinate");
	for (uint64_t i = 0; i < v->n; i++)
		v->values[i] = (int64_t)index_of(s, 0, i);
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
	const struct picked p = { s, dim, reduced };
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
		st = take_axis(&c, &a, &p, v, err);
	if (!st && c.path && is_joined)
		find_break(&a, s, dim, v);
	if (!st && c.path)
		st = read_attributes(c.file, c.path, &v->attributes, "bounds", &bounds, err);
	if (!st && bounds && !is_joined)
		st = read_bounds(&c, &p, bounds, v, err);
	if (!st && c.path && reduced)
		st = stand_for_all(s, dim, is_ordered(&a, s, dim), v, err);
	free(bounds);
	qn_axis_fini(&a);
	qn_dataset_fini(&c);
	return st;
}

/* --- coordinates that are no dimensions --- */

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

	for (int k = v->ndims - 1; k >= 0; i /= count_of(s, v->dim[k--])) {
		const int dim = v->dim[k];

		at += index_of(s, dim, i % count_of(s, dim)) * stride;
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
		n *= count_of(s, v->dim[k]);
	v->is_real = from->reals != NULL;
	st = make_room(v, n, c, err);
	if (st)
		return st;
	for (uint64_t i = 0; i < v->n; i++) {
		const uint64_t at = place_of(s, v, i);
		const bool lacks = from->missing && from->missing[at];

		v->has_missing |= lacks;
		v->values[i] = !v->is_real ? from->integers[at]
					   : bits_of(lacks ? (double)NAN : from->reals[at]);
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
		st = read_attributes(c.file, c.path, &v->attributes, NULL, NULL, err);
	/* Of integers nothing says which are missing. */
	if (st || (v->has_missing && !v->is_real))
		qn_axis_values_fini(v);
	qn_values_fini(&values);
	qn_dataset_fini(&c);
	free(path);
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
		if (!(v->is_real ? qn_epoch_at_real(&epoch, real_of(true, v->values[i]), &t)
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

/* A coordinate that is not as it should be is none; that memory or a disk fails ends the run. */
static enum quern_status pass_failure(const struct quern_message *why, struct quern_message *err)
{
	return why->status == QUERN_ERR_RUN ? qn_error_pass(err, why->status, why) : QUERN_OK;
}

/* names: with blanks between them. */
static enum quern_status put_others(const struct qn_subject *s, const bool *reduced, char *names,
				    FILE *f, bool *nomem, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;
	char *name;

	while (!st && !*nomem && (name = strsep(&names, " "))) {
		struct quern_message why = { .status = QUERN_OK };
		struct qn_axis_values v = { .n = 0 };

		if (*name)
			read_other(s, reduced, name, &v, &why);
		st = pass_failure(&why, err);
		if (v.n)
			qn_axis_pack(f, &v, "", nomem);
		qn_axis_values_fini(&v);
	}
	return st;
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
		st = pass_failure(&why, err);
		qn_axis_pack(f, &v, why.status && !reduced[d] ? why.text : "", &nomem);
		qn_axis_values_fini(&v);
	}
	if (!st && !nomem) {
		struct quern_message why = { .status = QUERN_OK };

		if (read_attributes(s->dataset.file, s->dataset.path, &v.attributes, "coordinates",
				    &others, &why))
			qn_names_fini(&v.attributes);
		st = pass_failure(&why, err);
		qn_axis_pack(f, &v, "", &nomem);
		qn_axis_values_fini(&v);
	}
	if (!st && !nomem && others)
		st = put_others(s, reduced, others, f, &nomem, err);
	free(others);
	if (f && fclose(f))
		nomem = true;
	return st ? st : nomem ? qn_error_nomem(err, 0, "coordinates") : QUERN_OK;
}

static enum quern_status warn(struct qn_subject *s, int dim, const char *why,
			      struct quern_message *err)
{
	return qn_warnings_add(&s->warnings, err,
			       "the result is without coordinates of dimension %s: %s",
			       s->dataset.dim_name[dim] ? s->dataset.dim_name[dim] : "", why);
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
			st = warn(s, d, why, err);
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
