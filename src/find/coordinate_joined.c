/*
 * coordinate_joined.c - the coordinate of a dimension along which files are joined, in the files that this rank can
 * read, and in those of others.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "find/coordinate_parts.h"

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
enum quern_status qn_joined_axis_make(const struct qn_dataset *first, const struct qn_view *view,
				      uint64_t n, struct qn_axis *a, struct quern_message *err)
{
	const struct qn_view whole = { .dtype = QUERN_I64 };

	qn_axis_init(a, first);
	a->n = a->missing = n;
	if (!a->no_epoch)
		qn_axis_hold_instants(a);
	return qn_axis_make_values(a, a->instants ? &whole : view, err);
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
	st = times.no_epoch ? differs(j, c) : qn_axis_make_values(&times, view, j->err);
	if (!st)
		st = qn_axis_read_values(c, view, &times, 0, j->err);
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
		(qn_axis_is_integer(view->dtype) && qn_axis_is_integer(j->view.dtype)));
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
		j->status = qn_axis_read_values(c, &view, j->axis, j->at, j->err);
	if (!j->status)
		j->at += qn_dataset_length(c, 0);
	return !j->status;
}

/* The values of all files, in their order. */
enum quern_status qn_joined_axis_read(const struct qn_names *files, const struct qn_dataset *first,
				      const struct qn_view *view, struct qn_axis *a,
				      struct quern_message *err)
{
	struct joining j = { .first = first, .view = *view, .axis = a, .err = err };
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
	j->status = qn_joined_axis_make(j->first, &j->view, fits ? qn_dataset_length(c, 0) : 0, a,
					j->err);
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
enum quern_status qn_joined_axis_take(struct qn_joined *j, const struct qn_dataset *c,
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
