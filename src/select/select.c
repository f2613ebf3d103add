#include "select/select.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/check.h"
#include "base/mem.h"

uint64_t qn_box_nelems(const struct quern_box *box)
{
	uint64_t n = 1;

	/* A box lies inside a checked dataset, so the product fits. */
	for (int d = 0; d < box->ndim; d++)
		n *= box->count[d];
	return n;
}

bool qn_selection_is_valid(const struct quern_box *box, const uint64_t *shape, int ndim,
			   const char **why)
{
	QN_HOLDS(box->ndim == ndim, "a selection has the dimensions of its dataset");
	for (int d = 0; d < ndim; d++) {
		uint64_t last;

		QN_HOLDS(box->step[d] >= 1, "the step of a selection is 1 at least");
		QN_HOLDS(!box->count[d] || (qn_mul(box->count[d] - 1, box->step[d], &last) &&
					    qn_add(box->start[d], last, &last) && last < shape[d]),
			 "a selection is inside its dataset");
	}
	return true;
}

void qn_box_format(const struct quern_box *box, size_t nbytes, char *out)
{
	size_t n = 0;

	*out = '\0';
	for (int d = 0; d < box->ndim && n < nbytes; d++) {
		const unsigned long long start = box->start[d], step = box->step[d];
		const unsigned long long stop =
			box->count[d] ? start + (box->count[d] - 1) * step + 1 : start;

		n += (size_t)snprintf(out + n, nbytes - n, "%s%llu:%llu", d ? "," : "", start,
				      stop);
		if (step != 1 && n < nbytes)
			n += (size_t)snprintf(out + n, nbytes - n, ":%llu", step);
	}
}

void qn_shape_format(const uint64_t *shape, int ndim, size_t nbytes, char *out)
{
	size_t n = 0;

	*out = '\0';
	for (int d = 0; d < ndim && n < nbytes; d++)
		n += (size_t)snprintf(out + n, nbytes - n, "%s%llu", d ? "," : "",
				      (unsigned long long)shape[d]);
}

int qn_dimension_find(const struct qn_dataset *d, const char *name)
{
	char *end;
	long n;

	for (int i = 0; i < d->ndim; i++)
		if (d->dim_name[i] && !strcmp(d->dim_name[i], name))
			return i;
	n = strtol(name, &end, 10);
	return end != name && !*end && n >= 0 && n < d->ndim ? (int)n : -1;
}

static const char *dimension_name(const void *ctx, int i)
{
	const struct qn_dataset *d = ctx;

	while (i < d->ndim && !d->dim_name[i])
		i++;
	return i < d->ndim ? d->dim_name[i] : NULL;
}

const char *qn_dimension_nearest(const struct qn_dataset *d, const char *name)
{
	return qn_nearest(name, dimension_name, d);
}

enum quern_status qn_dimension_refuse(const struct qn_dataset *d, const char *option,
				      const char *name, struct quern_message *err)
{
	const char *near = qn_dimension_nearest(d, name);

	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s: %s has no dimension '%s'%s%s%s; `quern inspect` shows them",
			    option, d->path, name, near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "");
}

static const char *dimension_label(const struct qn_dataset *d, int dim)
{
	return d->dim_name[dim] ? d->dim_name[dim] : "?";
}

/* One slice, while it is read. */
struct slice {
	const struct qn_dataset *d;
	const struct qn_coordinates *coordinates;
	int dim;
	const char *text;
	struct quern_box *box;
	struct qn_picks *picks; /* NULL: not wanted */
	bool is_piece;		/* of a union: it is added to the picks, and may select nothing */
	struct quern_message *err;
	int nparts;
	struct qn_bound part[3];
	bool is_year[3]; /* an integer that could be one */
};

/* A slice or a piece, and what there is to say of it. */
static enum quern_status tell(const struct slice *s, const char *what, struct quern_message *out)
{
	return qn_error_set(out, QUERN_ERR_USAGE,
			    "--select: '%s' for dimension %d (%s) of %s: "
			    "%s; its length is %" PRIu64,
			    s->text, s->dim, dimension_label(s->d, s->dim), s->d->path, what,
			    s->d->shape[s->dim]);
}

static enum quern_status bad_slice(const struct slice *s, const char *why)
{
	return tell(s, why, s->err);
}

/* Something to be said of a slice although it is taken. */
static enum quern_status warn(const struct slice *s, const char *what)
{
	struct quern_message text = { .status = QUERN_OK };

	tell(s, what, &text);
	return s->picks ? qn_names_add(&s->picks->said, text.text, s->err) : QUERN_OK;
}

/* --- words --- */

static bool at_end(const char *p)
{
	return *p == ':' || !*p;
}

/* A number of so many characters. */
static bool read_number(const char *text, size_t n, struct qn_bound *b)
{
	char *end;

	errno = 0;
	if (text[strcspn(text, ".eE:")] == ':' || !text[strcspn(text, ".eE:")]) {
		b->kind = QN_BOUND_INDEX;
		b->index = strtoll(text, &end, 10);
		return end == text + n && !errno;
	}
	b->kind = QN_BOUND_REAL;
	b->real = strtod(text, &end);
	return end == text + n && isfinite(b->real);
}

/* One part of a slice, if there is one: false when something else stands there. */
static bool read_part(const char **p, struct qn_bound *b, bool *is_year)
{
	const char *s = *p;
	size_t n;

	b->kind = QN_BOUND_NONE;
	if (at_end(s))
		return true;
	if (qn_moment_parse(&s, &b->moment)) {
		b->kind = QN_BOUND_DATE;
		*p = s;
		return at_end(s);
	}
	n = strspn(s, "-+.0123456789eE");
	if (!at_end(s + n) || *s == '+' || !read_number(s, n, b))
		return false;
	*is_year = n == 4 && b->kind == QN_BOUND_INDEX && b->index >= 0;
	*p = s + n;
	return true;
}

static bool read_parts(struct slice *s)
{
	const char *p = s->text;

	for (;;) {
		if (s->nparts == 3 || !read_part(&p, &s->part[s->nparts], &s->is_year[s->nparts]))
			return false;
		s->nparts++;
		if (!*p)
			return true;
		p++;
	}
}

/* --- values --- */

static bool is_value(const struct qn_bound *b)
{
	return b->kind == QN_BOUND_REAL || b->kind == QN_BOUND_DATE;
}

/* Beside a date an integer of four digits is a year. */
static void make_year(struct slice *s, int i)
{
	struct qn_bound *b = &s->part[i];

	if (!s->is_year[i] || s->part[1 - i].kind != QN_BOUND_DATE)
		return;
	b->kind = QN_BOUND_DATE;
	b->moment = (struct qn_moment){ .date = { b->index, 1, 1 }, .precision = QN_TO_YEAR };
}

/* What a slice or a piece selects. A union has it beside others. */
static enum quern_status take_range(struct slice *s, uint64_t start, uint64_t count, uint64_t step)
{
	const struct qn_piece piece = { start, count, step };

	if (s->is_piece)
		return qn_pick_add(&s->picks->dim[s->dim], &piece)
			       ? QUERN_OK
			       : qn_error_nomem(s->err, sizeof(piece), "a selection");
	s->box->start[s->dim] = start;
	s->box->step[s->dim] = step;
	s->box->count[s->dim] = count;
	return QUERN_OK;
}

/* Of a range of longitudes that goes on at the other end of the axis both parts. Steps are counted across
   the seam. */
static enum quern_status take_parts(struct slice *s, const struct qn_interval part[2],
				    uint64_t step)
{
	const uint64_t skip = (step - part[0].n % step) % step;
	const bool goes_on = skip < part[1].n;
	enum quern_status st;

	if (goes_on && !s->picks)
		return bad_slice(s, "ranges that cross the end of a coordinate cannot be selected "
				    "here");
	s->is_piece = s->is_piece || goes_on;
	st = take_range(s, part[0].first, qn_ceil_div(part[0].n, step), step);
	return st || !goes_on ? st
			      : take_range(s, part[1].first + skip,
					   qn_ceil_div(part[1].n - skip, step), step);
}

static enum quern_status find_values(struct slice *s, uint64_t step)
{
	const struct qn_axis *axis = NULL;
	struct qn_interval part[2];
	int nparts;
	char why[512];
	enum quern_status st;

	if (!s->coordinates)
		return bad_slice(s, "values of coordinates cannot be selected here");
	st = s->coordinates->axis(s->coordinates->ctx, s->d, s->dim, &axis, s->err);
	if (st)
		return st;
	nparts = qn_axis_find(axis, &s->part[0], &s->part[1], s->nparts == 1, part, sizeof(why),
			      why);
	if (!nparts && s->is_piece && s->nparts > 1)
		return warn(s, why);
	if (nparts < 1)
		return bad_slice(s, why);
	return nparts > 1 ? take_parts(s, part, step)
			  : take_range(s, part[0].first, qn_ceil_div(part[0].n, step), step);
}

/* --- indexes --- */

/* What there is to say of indexes, and where the coordinate is, if there is one. */
static void add_extent(const struct slice *s, const char *what, size_t nbytes, char *out)
{
	char extent[256] = "";

	if (s->coordinates && s->coordinates->extent)
		s->coordinates->extent(s->coordinates->ctx, s->d, s->dim, sizeof(extent), extent);
	snprintf(out, nbytes, "%s%s%s", what, extent[0] ? "; " : "", extent);
}

/* An index or indexes that select nothing. */
static enum quern_status bad_indexes(const struct slice *s, const char *why)
{
	char text[512];

	add_extent(s, why, sizeof(text), text);
	return bad_slice(s, text);
}

/* From the end to an index from the beginning, or beyond the beginning: whoever writes lat=-30:30 mostly means
   values. */
static bool is_doubtful(const struct slice *s)
{
	const struct qn_bound *from = &s->part[0], *to = &s->part[1];

	return from->kind && from->index < 0 &&
	       ((to->kind && to->index >= 0) || 0 - (uint64_t)from->index > s->d->shape[s->dim]);
}

static enum quern_status warn_of_indexes(const struct slice *s, uint64_t start, uint64_t stop)
{
	char text[512], what[256];

	snprintf(what, sizeof(what),
		 "it is read as indexes, of which negative ones count from the end: %" PRIu64
		 ":%" PRIu64 "; values of the coordinate have a decimal point, as in -30.0:30.0",
		 start, stop);
	add_extent(s, what, sizeof(text), text);
	return warn(s, text);
}

/* Counts a negative bound from the end and clips it to [0, length], as Python does. */
static uint64_t clip_bound(int64_t v, uint64_t length)
{
	if (v < 0)
		return 0 - (uint64_t)v > length ? 0 : length + (uint64_t)v;
	return qn_min_u64((uint64_t)v, length);
}

static enum quern_status find_index(struct slice *s)
{
	uint64_t length = s->d->shape[s->dim];
	int64_t v = s->part[0].index;

	if (v < 0 ? 0 - (uint64_t)v > length : (uint64_t)v >= length)
		return bad_indexes(s, s->is_year[0] ? "the index is out of range (a year is "
						      "written as 2001-01:2001-12)"
						    : "the index is out of range");
	return take_range(s, v < 0 ? length + (uint64_t)v : (uint64_t)v, 1, 1);
}

static enum quern_status find_indexes(struct slice *s, uint64_t step)
{
	uint64_t length = s->d->shape[s->dim];
	uint64_t start = s->part[0].kind ? clip_bound(s->part[0].index, length) : 0;
	uint64_t stop = s->part[1].kind ? clip_bound(s->part[1].index, length) : length;

	enum quern_status st = QUERN_OK;

	if (stop <= start && s->is_piece)
		return length ? warn(s, "nothing is selected: it is left out") : QUERN_OK;
	if (stop <= start && length > 0)
		return bad_indexes(s, "nothing is selected: numbers are indexes, half open, unless "
				      "they have a decimal point");
	if (length && is_doubtful(s))
		st = warn_of_indexes(s, start, stop);
	return st ? st
		  : take_range(s, start, stop > start ? qn_ceil_div(stop - start, step) : 0, step);
}

static enum quern_status parse_slice(struct slice *s)
{
	uint64_t step = 1;

	if (!read_parts(s))
		return bad_slice(s, "not START:STOP:STEP or an index, nor values of its coordinate "
				    "such as -30.0:30.0 or 2001-01:2001-12");
	if (s->nparts == 1 && !s->part[0].kind)
		return bad_slice(s, "the slice is empty");
	if (s->part[2].kind) {
		if (s->part[2].kind != QN_BOUND_INDEX || s->part[2].index < 1)
			return bad_slice(s, "the step must be 1 or more");
		step = (uint64_t)s->part[2].index;
	}
	make_year(s, 0);
	make_year(s, 1);
	if (s->part[0].kind && s->part[1].kind && s->part[0].kind != s->part[1].kind)
		return bad_slice(s,
				 "its ends are of different kinds: with a decimal point a "
				 "number is a value of the coordinate, without one it is an index");
	if (is_value(&s->part[0]) || is_value(&s->part[1]))
		return find_values(s, step);
	return s->nparts == 1 ? find_index(s) : find_indexes(s, step);
}

/* --- unions --- */

/* A + between two pieces, and not of a number such as 1e+5; NULL: there is none. */
static char *find_plus(char *text)
{
	for (char *p = text; *p; p++)
		if (*p == '+' && p > text && p[-1] != 'e' && p[-1] != 'E')
			return p;
	return NULL;
}

/* Makes the dimension of what was added to the picks. */
static enum quern_status unite(struct slice *s)
{
	const struct qn_pick *pick = &s->picks->dim[s->dim];
	const char *why;

	if (!pick->npieces && s->d->shape[s->dim])
		return bad_slice(s, "nothing is selected by any of its pieces");
	if (!pick->npieces) {
		s->box->count[s->dim] = 0;
		return QUERN_OK;
	}
	why = qn_picks_unite(s->picks, s->dim, s->box);
	return why ? bad_slice(s, why) : QUERN_OK;
}

static bool has_kind(const struct slice *s, int kind)
{
	return (int)s->part[0].kind == kind || (int)s->part[1].kind == kind;
}

/* Pieces with + between them. What is behind the + of 00:00+05:30 was not meant as indexes. */
static enum quern_status parse_pieces(struct slice *s, char *value)
{
	const struct slice fresh = *s;
	bool has_dates = false, has_indexes = false;
	char *whole = qn_strdup(value), *plus;
	enum quern_status st = whole ? QUERN_OK
				     : qn_error_nomem(s->err, strlen(value), "the selection");

	for (; !st && value; value = plus ? plus + 1 : NULL) {
		*s = fresh;
		s->is_piece = true;
		s->text = value += strspn(value, " ");
		plus = find_plus(value);
		if (plus)
			*plus = '\0';
		st = parse_slice(s);
		has_dates = has_dates || has_kind(s, QN_BOUND_DATE);
		has_indexes = has_indexes || has_kind(s, QN_BOUND_INDEX);
		if (!st && has_dates && has_indexes)
			st = bad_slice(s, "dates and indexes cannot be in one union; a time has no "
					  "offset from UTC");
	}
	if (!st) {
		s->text = whole;
		st = unite(s);
	}
	free(whole);
	return st;
}

static enum quern_status parse_value(struct slice *s, char *value)
{
	enum quern_status st;

	s->text = value;
	if (find_plus(value))
		return s->picks ? parse_pieces(s, value)
				: bad_slice(s, "unions of pieces cannot be selected here");
	st = parse_slice(s);
	return st || !s->is_piece ? st : unite(s);
}

/* "time, lat, lon" */
static void list_dimensions(const struct qn_dataset *d, size_t nbytes, char *out)
{
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < d->ndim && at < nbytes; i++)
		at += (size_t)snprintf(out + at, nbytes - at, "%s%s", i ? ", " : "",
				       dimension_label(d, i));
}

static enum quern_status no_dimension(const struct slice *s, const char *name)
{
	const struct qn_coordinates *c = s->coordinates;
	const char *near = qn_dimension_nearest(s->d, name);
	char dims[256], about[256] = "";

	list_dimensions(s->d, sizeof(dims), dims);
	if (near)
		snprintf(about, sizeof(about), "; did you mean '%.200s'?", near);
	else if (c && c->about)
		c->about(c->ctx, s->d, name, sizeof(about), about);
	return qn_error_set(s->err, QUERN_ERR_USAGE,
			    "--select: %s has no dimension '%s'%s; its "
			    "dimensions are %s (`quern inspect` shows them)",
			    s->d->path, name, about, dims);
}

/* The dimension of an entry; -1: there is none of the name, d->ndim: there are too many entries.
   *value: what comes after the name. *position counts the entries without one. */
static int split_entry(const struct qn_dataset *d, char *entry, int *position, char **value)
{
	char *equals = strchr(entry, '=');

	*value = equals ? equals + 1 : entry;
	if (!equals)
		return *position < d->ndim ? (*position)++ : d->ndim;
	*equals = 0;
	return qn_dimension_find(d, entry);
}

/* One comma-separated entry; *position counts the entries without a name. */
static enum quern_status parse_entry(struct slice *s, char *entry, int *position, bool *seen)
{
	const struct qn_dataset *d = s->d;
	char *value;

	/* A blank after the comma is how people write lists. */
	entry += strspn(entry, " ");
	s->dim = split_entry(d, entry, position, &value);
	if (s->dim < 0)
		return no_dimension(s, entry);
	if (s->dim >= d->ndim)
		return qn_error_set(s->err, QUERN_ERR_USAGE,
				    "--select: more slices than the %d "
				    "dimensions of %s",
				    d->ndim, d->path);
	if (seen[s->dim])
		return qn_error_set(s->err, QUERN_ERR_USAGE,
				    "--select: dimension %d (%s) of %s is "
				    "given twice",
				    s->dim, dimension_label(d, s->dim), d->path);
	seen[s->dim] = true;
	return parse_value(s, value);
}

enum quern_status qn_select(const struct qn_dataset *d, const char *text,
			    const struct qn_coordinates *coordinates, struct quern_box *box,
			    struct qn_picks *picks, struct quern_message *err)
{
	bool seen[QUERN_MAX_DIMS] = { false };
	enum quern_status st = QUERN_OK;
	char *copy, *entry, *rest;
	int position = 0;

	if (picks)
		qn_picks_fini(picks);
	memset(box, 0, sizeof(*box));
	box->ndim = d->ndim;
	for (int i = 0; i < d->ndim; i++) {
		box->count[i] = d->shape[i];
		box->step[i] = 1;
	}
	if (!text || !*text)
		return QUERN_OK;
	rest = copy = qn_strdup(text);
	if (!copy)
		return qn_error_nomem(err, strlen(text), "the selection");
	while (!st && (entry = strsep(&rest, ","))) {
		struct slice s = {
			.d = d, .coordinates = coordinates, .box = box, .picks = picks, .err = err
		};

		st = parse_entry(&s, entry, &position, seen);
	}
	free(copy);
	if (!st)
		QN_ASSERT_VALID(selection, box, d->shape, d->ndim);
	return st;
}

bool qn_select_slice(const struct qn_dataset *d, const char *text, int dim, size_t nbytes,
		     char *out)
{
	char *copy = text ? qn_strdup(text) : NULL, *rest = copy, *entry, *value;
	int position = 0;
	bool found = false;

	while (!found && (entry = strsep(&rest, ","))) {
		found = split_entry(d, entry + strspn(entry, " "), &position, &value) == dim;
		if (found && d->dim_name[dim])
			snprintf(out, nbytes, "%s=%s", d->dim_name[dim], value);
		else if (found)
			snprintf(out, nbytes, "%d=%s", dim, value);
	}
	free(copy);
	return found;
}
