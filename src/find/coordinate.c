#include "find/coordinate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "describe/values.h"

/* The axis at hand, and where axes come from. */
struct finder {
	struct qn_joined *joined; /* NULL: one file */
	struct qn_axis axis;
};

/* --- finding --- */

enum quern_status qn_coordinate_path(const struct qn_dataset *d, const char *name, char **path,
				     struct quern_message *err)
{
	const struct qn_format *format = NULL;
	struct qn_listing l = { .n = 0 };
	char *group = qn_strdup(d->path), *slash;
	enum quern_status st = group ? qn_source_format(d->file, &format, err)
				     : qn_error_nomem(err, strlen(d->path), "the name of a group");

	*path = NULL;
	if (!st)
		st = format->list(d->file, &l, err);
	while (!st && !*path && (slash = strrchr(group, '/'))) {
		*slash = '\0';
		if (qn_asprintf(path, "%s/%s", group, name) < 0) {
			*path = NULL;
			st = qn_error_nomem(err, strlen(name), "the name of a coordinate");
		} else if (!qn_listing_has(&l, *path)) {
			free(*path);
			*path = NULL;
		}
	}
	qn_listing_fini(&l);
	free(group);
	return st;
}

static enum quern_status no_coordinate(const struct qn_dataset *d, int dim, const char *why,
				       struct quern_message *err)
{
	const char *name = d->dim_name[dim];

	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--select: %s: dimension %d (%s) of %s %s; select "
			    "by index, START:STOP",
			    d->file, dim, name ? name : "without a name", d->path, why);
}

enum quern_status qn_coordinate_of(const struct qn_dataset *d, int dim, char **path,
				   struct quern_message *err)
{
	*path = NULL;
	if (d->stacked && dim == 0)
		return QUERN_OK;
	if (d->dim_scale[dim]) {
		*path = qn_strdup(d->dim_scale[dim]);
		return *path ? QUERN_OK
			     : qn_error_nomem(err, strlen(d->dim_scale[dim]), "a coordinate");
	}
	return d->dim_name[dim] ? qn_coordinate_path(d, d->dim_name[dim], path, err) : QUERN_OK;
}

static enum quern_status find_coordinate(const struct qn_dataset *d, int dim, char **path,
					 struct quern_message *err)
{
	enum quern_status st = qn_coordinate_of(d, dim, path, err);

	if (!st && !*path)
		st = no_coordinate(d, dim, "has no coordinate variable", err);
	return st;
}

/* --- reading --- */

static bool is_integer(enum quern_dtype t)
{
	return t != QUERN_U64 && t != QUERN_F32 && t != QUERN_F64;
}

static enum quern_status make_room(struct qn_axis *a, const struct qn_view *view,
				   struct quern_message *err)
{
	if (is_integer(view->dtype))
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

static void put_values(struct qn_values *v, struct qn_axis *a, uint64_t at)
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
static enum quern_status read_values(const struct qn_dataset *d, const struct qn_view *view,
				     struct qn_axis *a, uint64_t at, struct quern_message *err)
{
	struct qn_values v;
	enum quern_status st = qn_values_read(d, view, &v, err);

	if (!st)
		put_values(&v, a, at);
	qn_values_fini(&v);
	return st;
}

/* An axis of the one value of d. */
static bool read_one(const struct qn_dataset *d, const struct qn_view *view, uint64_t at,
		     struct qn_axis *a)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_values v = { .n = 0 };
	bool ok;

	a->n = a->missing = 1;
	ok = !make_room(a, view, &ignored) && !qn_values_read_one(d, view, at, &v, &ignored);
	if (ok)
		put_values(&v, a, 0);
	qn_values_fini(&v);
	return ok && a->missing;
}

/* Can the dataset be the coordinate of the dimension? NULL, or why not. */
static const char *refuse(const struct qn_dataset *c, uint64_t length)
{
	if (c->dim_only)
		return "has no coordinate variable, only a length";
	if (c->ndim != 1 || c->scalar)
		return "has a coordinate that is not of one dimension";
	if (c->type.class == QN_OTHER || c->type.class == QN_TEXT)
		return "has a coordinate that is no number";
	return qn_dataset_length(c, 0) != length ? "has a coordinate of another length" : NULL;
}

/* --- joined files --- */

struct joining {
	const struct qn_dataset *first; /* the coordinate in the first file */
	struct qn_view view;
	struct qn_axis *axis;
	uint64_t at;
	enum quern_status status;
	struct quern_message *err;
};

/* An axis for the values of several files: times become instants, as each file may have units of its
   own. */
static enum quern_status make_joined_axis(const struct qn_dataset *first,
					  const struct qn_view *view, uint64_t n, struct qn_axis *a,
					  struct quern_message *err)
{
	const struct qn_view whole = { .dtype = QUERN_I64 };

	qn_axis_init(a, first);
	a->n = a->missing = n;
	if (!a->no_epoch)
		qn_axis_hold_instants(a);
	return make_room(a, a->instants ? &whole : view, err);
}

static enum quern_status differs(const struct joining *j, const struct qn_dataset *c)
{
	return qn_error_set(
		j->err, QUERN_ERR_DATA,
		"%s: the units '%s' (calendar '%s') or "
		"the type of %s cannot be brought to those of %s ('%s', calendar '%s'): "
		"select by index, or give files that go together",
		c->file, c->units, c->calendar, c->path, j->first->file, j->first->units,
		j->first->calendar);
}

/* Times by the units of their own file. */
static enum quern_status take_times(struct joining *j, const struct qn_dataset *c,
				    const struct qn_view *view)
{
	struct qn_axis times;
	enum quern_status st;

	qn_axis_init(&times, c);
	times.n = times.missing = qn_dataset_length(c, 0);
	st = times.no_epoch ? differs(j, c) : make_room(&times, view, j->err);
	if (!st)
		st = read_values(c, view, &times, 0, j->err);
	if (!st && !qn_axis_to_instants(&times, j->axis, j->axis->integers + j->at))
		st = differs(j, c);
	if (!st && times.missing < times.n)
		j->axis->missing = qn_min_u64(j->axis->missing, j->at + times.missing);
	qn_axis_fini(&times);
	return st;
}

/* Others must be of one kind of number, for the axis has only one. */
static bool go_together(const struct joining *j, const struct qn_dataset *c,
			const struct qn_view *view)
{
	const bool is_time = qn_epoch_is_meant(c->units);

	return qn_axis_same_units(c->units, j->first->units) &&
	       (!is_time || !strcasecmp(c->calendar, j->first->calendar)) &&
	       (view->dtype == j->view.dtype ||
		(is_integer(view->dtype) && is_integer(j->view.dtype)));
}

/* Takes the coordinate of one file. A null dataspace has nothing, of any type. */
static bool take_file(void *ctx, const char *file, struct qn_dataset *c,
		      const struct quern_message *why)
{
	struct joining *j = ctx;
	struct qn_view view;

	if (why->status)
		j->status = qn_error_pass(j->err, why->status, why);
	else if (c->is_null)
		return true;
	else if (c->ndim != 1 || qn_dataset_length(c, 0) > j->axis->n - j->at)
		j->status = qn_error_set(j->err, QUERN_ERR_DATA,
					 "%s: %s is not as long as "
					 "its dimension",
					 file, c->path);
	else if (qn_view_init(c, false, &view, j->err) || view.dtype == QUERN_TEXT)
		j->status = differs(j, c);
	else if (j->axis->instants)
		j->status = take_times(j, c, &view);
	else if (!go_together(j, c, &view))
		j->status = differs(j, c);
	else
		j->status = read_values(c, &view, j->axis, j->at, j->err);
	if (!j->status)
		j->at += qn_dataset_length(c, 0);
	return !j->status;
}

/* The values of all files, in their order. */
static enum quern_status read_joined(const struct finder *f, const struct qn_dataset *first,
				     const struct qn_view *view, struct qn_axis *a,
				     struct quern_message *err)
{
	struct joining j = { .first = first, .view = *view, .axis = a, .err = err };
	const struct qn_names *files = f->joined->files;
	const struct qn_format *format = NULL;

	j.status = qn_source_format(files->name[0], &format, err);
	if (!j.status)
		format->describe_like(first, (const char *const *)files->name, NULL, files->n, 1,
				      take_file, &j);
	if (!j.status && j.at != a->n)
		j.status = qn_error_set(err, QUERN_ERR_DATA,
					"%s: the files have %llu values "
					"of it, and the joined dimension %llu",
					first->path, (unsigned long long)j.at,
					(unsigned long long)a->n);
	return j.status;
}

/* --- files of several hosts --- */

void qn_joined_fini(struct qn_joined *j)
{
	qn_dataset_fini(&j->wanted);
	free(j->values);
	j->values = NULL;
}

/* Values that grow by a file. */
struct piece {
	struct joining joining;
	struct qn_axis axis; /* of the file at hand */
	char *bytes;	     /* owned */
	size_t nbytes;
};

/* Adds to a piece. */
static enum quern_status append(struct piece *p, const void *bytes, size_t nbytes)
{
	char *more = qn_realloc(p->bytes, p->nbytes + nbytes + 1);

	if (!more)
		return qn_error_nomem(p->joining.err, p->nbytes + nbytes, "a coordinate");
	p->bytes = more;
	memcpy(p->bytes + p->nbytes, bytes, nbytes);
	p->nbytes += nbytes;
	return QUERN_OK;
}

static bool take_piece(void *ctx, const char *file, struct qn_dataset *c,
		       const struct quern_message *why)
{
	struct piece *p = ctx;
	struct qn_axis *a = &p->axis;
	struct joining *j = &p->joining;
	bool fits = !why->status && c->ndim == 1 && qn_dataset_length(c, 0) <= QN_MAX_COORDINATES;

	j->axis = a;
	j->at = 0;
	j->status =
		make_joined_axis(j->first, &j->view, fits ? qn_dataset_length(c, 0) : 0, a, j->err);
	if (!j->status && take_file(j, file, c, why)) {
		struct qn_length length = { a->n, a->missing };

		j->status = append(p, &length, sizeof(length));
		if (!j->status)
			j->status = append(p, a->integers ? (void *)a->integers : (void *)a->reals,
					   a->n * sizeof(*a->reals));
	}
	qn_axis_fini(a);
	return !j->status;
}

enum quern_status qn_coordinate_read(const struct qn_dataset *like, const char *const *files,
				     size_t n, void **out, size_t *nbytes,
				     struct quern_message *err)
{
	struct piece p = { .joining = { .first = like, .err = err } };
	const struct qn_format *format = NULL;
	enum quern_status st = qn_view_init(like, false, &p.joining.view, err);

	if (!st && n)
		st = qn_source_format(files[0], &format, err);
	if (!st && n)
		format->describe_like(like, files, NULL, n, 1, take_piece, &p);
	*out = p.bytes;
	*nbytes = p.nbytes;
	return st ? st : p.joining.status;
}

/* Takes the values that others have read, or wants them. */
static enum quern_status take_joined(struct qn_joined *j, const struct qn_dataset *c,
				     struct qn_axis *a, struct quern_message *err)
{
	if (!j->values) {
		size_t nbytes = 0;
		void *flat = qn_dataset_pack(c, &nbytes);
		enum quern_status st = flat ? qn_dataset_unpack(flat, nbytes, &j->wanted, err)
					    : qn_error_nomem(err, sizeof(*c), "a coordinate");

		free(flat);
		return st ? st : QUERN_ERR_DATA;
	}
	if (j->n != a->n)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: the files have %llu values of "
				    "it, and the joined dimension %llu",
				    c->path, (unsigned long long)j->n, (unsigned long long)a->n);
	memcpy(a->integers ? (void *)a->integers : (void *)a->reals, j->values,
	       a->n * sizeof(*j->values));
	a->missing = j->missing;
	return QUERN_OK;
}

/* --- axes --- */

static bool is_joined(const struct finder *f, int dim)
{
	return f->joined && f->joined->files->n > 1 && dim == f->joined->along;
}

/* NULL, or why the dataset c is no coordinate of the dimension. */
static const char *refuse_axis(const struct finder *f, const struct qn_dataset *d, int dim,
			       const struct qn_dataset *c)
{
	const bool joined = is_joined(f, dim);
	const char *why =
		refuse(c, joined && c->ndim == 1 ? qn_dataset_length(c, 0) : d->shape[dim]);

	if (!why && joined && d->asked)
		why = "is joined from files that external links lead to, whose coordinates are not "
		      "looked for";
	if (!why && d->shape[dim] > QN_MAX_COORDINATES)
		why = "has too many coordinates to be searched";
	return why;
}

/* The values, in whatever order they are. */
static enum quern_status read_axis(const struct finder *f, const struct qn_dataset *d, int dim,
				   const struct qn_dataset *c, struct qn_axis *a,
				   struct quern_message *err)
{
	const bool joined = is_joined(f, dim);
	struct qn_view view;
	enum quern_status st = qn_view_init(c, false, &view, err);

	if (st)
		return st;
	if (joined) {
		st = make_joined_axis(c, &view, d->shape[dim], a, err);
	} else {
		qn_axis_init(a, c);
		a->n = a->missing = d->shape[dim];
		st = make_room(a, &view, err);
	}
	if (!st && joined && !f->joined->complete)
		st = take_joined(f->joined, c, a, err);
	else if (!st)
		st = joined ? read_joined(f, c, &view, a, err) : read_values(c, &view, a, 0, err);
	return st;
}

static enum quern_status make_axis(const struct finder *f, const struct qn_dataset *d, int dim,
				   const struct qn_dataset *c, struct qn_axis *a,
				   struct quern_message *err)
{
	const bool joined = is_joined(f, dim);
	const char *why = refuse_axis(f, d, dim, c);
	char text[512];
	enum quern_status st;

	if (why)
		return no_coordinate(d, dim, why, err);
	st = read_axis(f, d, dim, c, a, err);
	if (!st && !qn_axis_check(a, c, sizeof(text), text)) {
		size_t used = strlen(text);

		if (joined)
			snprintf(
				text + used, sizeof(text) - used,
				", over all files in the order given (members of an ensemble go on "
				"top of each other, with --stack NAME)");
		st = no_coordinate(d, dim, text, err);
	}
	return st;
}

static enum quern_status find_axis(void *ctx, const struct qn_dataset *d, int dim,
				   const struct qn_axis **axis, struct quern_message *err)
{
	struct finder *f = ctx;
	struct qn_dataset c = { .file = NULL };
	char *path;
	enum quern_status st = find_coordinate(d, dim, &path, err);

	qn_axis_fini(&f->axis);
	if (!st)
		st = qn_source_describe(d->file, path, NULL, true, &c, err);
	free(path);
	if (!st)
		st = make_axis(f, d, dim, &c, &f->axis, err);
	qn_dataset_fini(&c);
	*axis = &f->axis;
	return st;
}

/* A coordinate of more values is not read for a word about it. */
#define MOST_LOOKED_AT UINT64_C(10000000)

/* One end of *out. */
static bool read_end(const char *file, const char *path, uint64_t at, int end, struct qn_ends *out)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_dataset c = { .file = NULL };
	struct qn_axis a = { .n = 0 };
	struct qn_view view;
	bool ok = !qn_source_describe(file, path, NULL, true, &c, &ignored);

	if (ok && end == 0)
		memcpy(out->fault, c.fault, sizeof(out->fault));
	ok = ok && c.ndim == 1 && c.shape[0] > 0 && c.shape[0] <= MOST_LOOKED_AT &&
	     !refuse(&c, qn_dataset_length(&c, 0)) && !qn_view_init(&c, false, &view, &ignored);
	if (ok) {
		qn_axis_init(&a, &c);
		at = at == QN_LAST_VALUE ? a.n - 1 : at;
		ok = at < a.n && read_one(&c, &view, at, &a);
	}
	if (ok)
		qn_axis_format(&a, 0, out->text[end]);
	if (ok && end == 0)
		snprintf(out->units, sizeof(out->units), "%s", a.no_epoch ? a.units : "");
	/* Joined files may have other units. */
	ok = ok && !strcmp(out->units, a.no_epoch ? a.units : "");
	qn_axis_fini(&a);
	qn_dataset_fini(&c);
	return ok;
}

bool qn_coordinate_ends(const struct qn_dataset *d, int dim, const char *const file[2],
			const uint64_t at[2], struct qn_ends *out)
{
	struct quern_message ignored = { .status = QUERN_OK };
	char *path = NULL;
	bool ok = !find_coordinate(d, dim, &path, &ignored);

	memset(out, 0, sizeof(*out));
	if (ok) {
		snprintf(out->file, sizeof(out->file), "%s", file[0]);
		snprintf(out->path, sizeof(out->path), "%s", path);
	}
	for (int i = 0; ok && i < 2; i++)
		ok = read_end(file[i], path, at[i], i, out);
	free(path);
	return ok;
}

static void tell_extent(void *ctx, const struct qn_dataset *d, int dim, size_t nbytes, char *out)
{
	static const uint64_t at[2] = { 0, QN_LAST_VALUE };
	const struct finder *f = ctx;
	const struct qn_names *files = is_joined(f, dim) ? f->joined->files : NULL;
	const char *const file[2] = { files ? files->name[0] : d->file,
				      files ? files->name[files->n - 1] : d->file };
	struct qn_ends ends;

	if (qn_coordinate_ends(d, dim, file, at, &ends))
		snprintf(out, nbytes, "%s runs from %s to %s%s%s", strrchr(ends.path, '/') + 1,
			 ends.text[0], ends.text[1], ends.units[0] ? " " : "", ends.units);
}

/* "lat" of a curvilinear grid, say. */
static void tell_about(void *ctx, const struct qn_dataset *d, const char *name, size_t nbytes,
		       char *out)
{
	struct qn_dataset c = { .file = NULL };
	char *path = NULL;

	(void)ctx;
	if (qn_coordinate_path(d, name, &path, NULL) || !path ||
	    qn_source_describe(d->file, path, NULL, false, &c, NULL)) {
		free(path);
		return;
	}
	snprintf(out, nbytes,
		 ", and %s is a dataset of %d dimensions: only the coordinate of a "
		 "dimension selects",
		 path, c.scalar ? 0 : c.ndim);
	free(path);
	qn_dataset_fini(&c);
}

enum quern_status qn_coordinate_select(const struct qn_dataset *d, struct qn_joined *joined,
				       const char *text, struct quern_box *box,
				       struct qn_picks *picks, struct quern_message *err)
{
	struct finder f = { .joined = joined, .axis = { .n = 0 } };
	struct qn_coordinates coordinates = {
		.axis = find_axis, .extent = tell_extent, .about = tell_about, .ctx = &f
	};
	enum quern_status st = qn_select(d, text, &coordinates, box, picks, err);

	qn_axis_fini(&f.axis);
	return st;
}

enum quern_status qn_coordinate_find(const struct qn_dataset *d, struct qn_joined *joined, int dim,
				     struct qn_dataset *coordinate, struct qn_axis *axis,
				     struct quern_message *err)
{
	const struct finder f = { .joined = joined };
	const char *why = NULL;
	char *path = NULL;
	enum quern_status st = qn_coordinate_of(d, dim, &path, err);

	memset(axis, 0, sizeof(*axis));
	memset(coordinate, 0, sizeof(*coordinate));
	if (!st && path)
		st = qn_source_describe(d->file, path, NULL, true, coordinate, err);
	if (!st && path && coordinate->dim_only)
		qn_dataset_fini(coordinate);
	else if (!st && path)
		why = refuse_axis(&f, d, dim, coordinate);
	if (!st && why)
		st = qn_error_set(err, QUERN_ERR_DATA, "%s: dimension %d (%s) of %s %s", d->file,
				  dim, d->dim_name[dim] ? d->dim_name[dim] : "without a name",
				  d->path, why);
	if (!st && coordinate->path)
		st = read_axis(&f, d, dim, coordinate, axis, err);
	free(path);
	return st;
}

/* Two of each value, which lie side by side. */
static bool are_bounds(const struct qn_dataset *d, const struct qn_dataset *coordinate)
{
	return d->ndim == 2 && d->shape[1] == 2 && !d->beyond[1] && d->chunk[1] >= 2 &&
	       d->type.class != QN_OTHER && d->type.class != QN_TEXT &&
	       qn_dataset_length(d, 0) == qn_dataset_length(coordinate, 0) &&
	       qn_dataset_length(d, 0) <= QN_MAX_COORDINATES &&
	       (!d->units[0] || qn_axis_same_units(d->units, coordinate->units));
}

enum quern_status qn_coordinate_bounds(const struct qn_dataset *coordinate, const char *name,
				       struct qn_axis *bounds, struct quern_message *err)
{
	const char *slash = strrchr(coordinate->path, '/');
	struct qn_dataset d = { .file = NULL };
	struct qn_view view;
	char *path = NULL;
	enum quern_status st;

	memset(bounds, 0, sizeof(*bounds));
	if (qn_asprintf(&path, "%.*s/%s", (int)(slash - coordinate->path), coordinate->path, name) <
	    0)
		return qn_error_nomem(err, strlen(name), "the name of bounds");
	st = qn_source_describe(coordinate->file, path, NULL, true, &d, err);
	if (!st && are_bounds(&d, coordinate) && !(st = qn_view_init(&d, false, &view, err))) {
		bounds->n = bounds->missing = 2 * qn_dataset_length(&d, 0);
		st = make_room(bounds, &view, err);
		if (!st)
			st = read_values(&d, &view, bounds, 0, err);
	}
	if (bounds->missing < bounds->n)
		qn_axis_fini(bounds);
	qn_dataset_fini(&d);
	free(path);
	return st;
}
