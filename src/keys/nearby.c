#include "keys/nearby.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "data/listing.h"
#include "describe/describe.h"
#include "find/coordinate.h"
#include "select/parts.h"

/* Names that there are: dimensions, datasets, parts of times. */
struct nearby {
	const struct qn_dataset *d;
	struct qn_listing list;
	bool makes_groups;
};

/* Is the path in the group of the dataset, or in one above it? */
static bool is_in_reach(const char *path, const struct qn_dataset *d)
{
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(path, d->path, (size_t)(slash + 1 - path));
}

static const char *nth(const void *ctx, int i)
{
	const struct nearby *n = ctx;

	for (int k = 0; k < n->d->ndim; k++)
		if (n->d->dim_name[k] && i-- == 0)
			return n->d->dim_name[k];
	for (size_t k = 0; k < n->list.n; k++)
		if (is_in_reach(n->list.path[k], n->d) && i-- == 0)
			return strrchr(n->list.path[k], '/') + 1;
	return n->makes_groups && i < QN_NPART_KINDS ? qn_part_name((enum qn_part_kind)i) : NULL;
}

static bool is_time(const struct qn_dataset *d, int dim)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_dataset coordinate = { .ndim = 0 };
	struct qn_axis axis;
	bool is = !qn_coordinate_find(d, NULL, dim, &coordinate, &axis, &ignored) &&
		  coordinate.path && qn_epoch_is_meant(coordinate.units);

	qn_dataset_fini(&coordinate);
	qn_axis_fini(&axis);
	return is;
}

/* The dimension of times; NULL: there is none, so that nothing is a part of one. */
static const char *find_time(const struct qn_dataset *d)
{
	for (int k = 0; k < d->ndim; k++)
		if (d->dim_name[k] && is_time(d, k))
			return d->dim_name[k];
	return NULL;
}

static void suggest(const struct nearby *n, const char *near, struct qn_nearby *out)
{
	enum qn_part_kind part;
	const bool is_part = n->makes_groups && qn_part_find(near, strlen(near), &part);
	const char *time = is_part ? find_time(n->d) : NULL;

	if (is_part && time)
		snprintf(out->text, sizeof(out->text), "; did you mean %s(%.64s%s)?", near, time,
			 part == QN_PART_WINDOW ? ", '6h'" : "");
	if (is_part || strlen(near) >= sizeof(out->name))
		return;
	snprintf(out->name, sizeof(out->name), "%s", near);
	snprintf(out->text, sizeof(out->text), "; did you mean '%s'?", out->name);
}

void qn_nearby_find(const struct qn_dataset *d, const char *name, bool makes_groups,
		    struct qn_nearby *out)
{
	struct nearby n = { .d = d, .makes_groups = makes_groups };
	struct quern_message ignored = { .status = QUERN_OK };
	const struct qn_format *format;
	const char *near;

	*out = (struct qn_nearby){ .name = "" };
	if (!qn_source_format(d->file, &format, &ignored) &&
	    format->list(d->file, &n.list, &ignored))
		n.list.n = 0;
	near = qn_nearest(name, nth, &n);
	if (near)
		suggest(&n, near, out);
	qn_listing_fini(&n.list);
}
