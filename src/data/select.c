#include "data/select.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint64_t qn_box_nelems(const struct quern_box *box)
{
	uint64_t n = 1;

	/* A box lies inside a checked dataset, so the product fits. */
	for (int d = 0; d < box->ndim; d++)
		n *= box->count[d];
	return n;
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

static const char *dimension_label(const struct qn_dataset *d, int dim)
{
	return d->dim_name[dim] ? d->dim_name[dim] : "?";
}

static enum quern_status bad_slice(const struct qn_dataset *d, int dim, const char *text,
				   const char *why, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_USAGE, "--select: '%s' for dimension %d (%s) of %s: %s; "
			    "its length is %" PRIu64, text, dim, dimension_label(d, dim), d->path,
			    why, d->shape[dim]);
}

/* One number of a slice, if there is one: false when something else stands there. */
static bool parse_part(const char **p, bool *given, int64_t *v)
{
	char *end;

	*given = false;
	if (**p == ':' || !**p)
		return true;
	if (!isdigit((unsigned char)**p) && **p != '-')
		return false;
	errno = 0;
	*v = strtoll(*p, &end, 10);
	if (end == *p || errno || (*end && *end != ':'))
		return false;
	*p = end;
	*given = true;
	return true;
}

/* Counts a negative bound from the end and clips it to [0, length], as Python does. */
static uint64_t clip_bound(int64_t v, uint64_t length)
{
	if (v < 0)
		return 0 - (uint64_t)v > length ? 0 : length + (uint64_t)v;
	return qn_min_u64((uint64_t)v, length);
}

static enum quern_status parse_index(const struct qn_dataset *d, int dim, const char *text,
				     int64_t v, struct quern_box *box, struct quern_message *err)
{
	uint64_t length = d->shape[dim];

	if (v < 0 ? 0 - (uint64_t)v > length : (uint64_t)v >= length)
		return bad_slice(d, dim, text, "the index is out of range", err);
	box->start[dim] = v < 0 ? length + (uint64_t)v : (uint64_t)v;
	box->count[dim] = 1;
	box->step[dim] = 1;
	return QUERN_OK;
}

static enum quern_status parse_slice(const struct qn_dataset *d, int dim, const char *text,
				     struct quern_box *box, struct quern_message *err)
{
	int64_t part[3] = { 0, 0, 1 };
	bool given[3] = { false, false, false };
	const char *p = text;
	uint64_t start, stop, length = d->shape[dim];
	int nparts = 0;

	for (;;) {
		if (nparts == 3 || !parse_part(&p, &given[nparts], &part[nparts]))
			return bad_slice(d, dim, text, "not START:STOP:STEP or an index", err);
		nparts++;
		if (!*p)
			break;
		p++;
	}
	if (nparts == 1)
		return given[0] ? parse_index(d, dim, text, part[0], box, err)
				: bad_slice(d, dim, text, "the slice is empty", err);
	if (!given[2])
		part[2] = 1;
	if (part[2] < 1)
		return bad_slice(d, dim, text, "the step must be 1 or more", err);
	start = given[0] ? clip_bound(part[0], length) : 0;
	stop = given[1] ? clip_bound(part[1], length) : length;
	box->start[dim] = start;
	box->step[dim] = (uint64_t)part[2];
	box->count[dim] = stop > start ? qn_ceil_div(stop - start, (uint64_t)part[2]) : 0;
	return QUERN_OK;
}

/* One comma-separated entry; *position counts the entries without a name. */
static enum quern_status parse_entry(const struct qn_dataset *d, char *entry, int *position,
				     bool *seen, struct quern_box *box, struct quern_message *err)
{
	char *equals = strchr(entry, '=');
	int dim;

	if (equals) {
		*equals = 0;
		dim = qn_dimension_find(d, entry);
		if (dim < 0)
			return qn_error_set(err, QUERN_ERR_USAGE, "--select: %s has no dimension "
					    "'%s'; `quern inspect` shows them", d->path, entry);
	} else {
		dim = (*position)++;
		if (dim >= d->ndim)
			return qn_error_set(err, QUERN_ERR_USAGE, "--select: more slices than the "
					    "%d dimensions of %s", d->ndim, d->path);
	}
	if (seen[dim])
		return qn_error_set(err, QUERN_ERR_USAGE, "--select: dimension %d (%s) of %s is "
				    "given twice", dim, dimension_label(d, dim), d->path);
	seen[dim] = true;
	return parse_slice(d, dim, equals ? equals + 1 : entry, box, err);
}

enum quern_status qn_select(const struct qn_dataset *d, const char *text, struct quern_box *box,
			    struct quern_message *err)
{
	bool seen[QUERN_MAX_DIMS] = { false };
	enum quern_status st = QUERN_OK;
	char *copy, *entry, *rest;
	int position = 0;

	memset(box, 0, sizeof(*box));
	box->ndim = d->ndim;
	for (int i = 0; i < d->ndim; i++) {
		box->count[i] = d->shape[i];
		box->step[i] = 1;
	}
	if (!text || !*text)
		return QUERN_OK;
	rest = copy = strdup(text);
	if (!copy)
		return qn_error_nomem(err, strlen(text), "the selection");
	while (!st && (entry = strsep(&rest, ",")))
		st = parse_entry(d, entry, &position, seen, box, err);
	free(copy);
	return st;
}
