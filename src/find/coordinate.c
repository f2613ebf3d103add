#include "find/coordinate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "describe/values.h"
#include "find/coordinate_parts.h"

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

/* An axis of the one value of d. */
static bool read_one(const struct qn_dataset *d, const struct qn_view *view, uint64_t at,
		     struct qn_axis *a)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_values v = { .n = 0 };
	bool ok;

	a->n = a->missing = 1;
	ok = !qn_axis_make_values(a, view, &ignored) &&
	     !qn_values_read_one(d, view, at, &v, &ignored);
	if (ok)
		qn_axis_put_values(&v, a, 0);
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
		st = qn_joined_axis_make(c, &view, d->shape[dim], a, err);
	} else {
		qn_axis_init(a, c);
		a->n = a->missing = d->shape[dim];
		st = qn_axis_make_values(a, &view, err);
	}
	if (!st && joined && !f->joined->complete)
		st = qn_joined_axis_take(f->joined, c, a, err);
	else if (!st)
		st = joined ? qn_joined_axis_read(f->joined->files, c, &view, a, err)
			    : qn_axis_read_values(c, &view, a, 0, err);
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
		st = qn_axis_make_values(bounds, &view, err);
		if (!st)
			st = qn_axis_read_values(&d, &view, bounds, 0, err);
	}
	if (bounds->missing < bounds->n)
		qn_axis_fini(bounds);
	qn_dataset_fini(&d);
	free(path);
	return st;
}
