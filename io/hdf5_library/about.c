/*
 * about.c - what the datasets of a list are for: variables, or coordinates and what belongs to these.
 *
 * Dimension scales are coordinates; so are datasets of one dimension that are called like a scale of a
 * group above them, and what an attribute `coordinates` names. Those that `bounds` or `climatology`
 * name are bounds, those that `grid_mapping` names say how a grid lies on the globe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/attr.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_library/sources.h"
#include "io/hdf5_library/type.h"

#define TEXT_NBYTES 1024

/* An attribute that names datasets, and what these are. */
static const struct naming {
	const char *attribute;
	enum qn_role role;
} namings[] = {
	{ "coordinates", QN_COORDINATE },
	{ "bounds", QN_BOUNDS },
	{ "climatology", QN_BOUNDS },
	{ "grid_mapping", QN_GRID_MAPPING },
};

static struct qn_about *find(const struct qn_listing *l, const char *path)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(l->path[middle], path);

		if (!order)
			return &l->about[middle];
		*(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
	}
	return NULL;
}

/* The dataset that a name means in a group, or in the nearest above it that has one. group: bytes of
   the path of a dataset, without the last slash. */
static struct qn_about *resolve(const struct qn_listing *l, const char *path, size_t group,
				const char *name, size_t length)
{
	char text[2 * TEXT_NBYTES];
	struct qn_about *found = NULL;

	while (!found) {
		int n = *name == '/' ? snprintf(text, sizeof(text), "%.*s", (int)length, name)
				     : snprintf(text, sizeof(text), "%.*s/%.*s", (int)group, path,
						(int)length, name);

		if (n > 0 && n < (int)sizeof(text))
			found = find(l, text);
		if (*name == '/' || group == 0)
			break;
		while (group > 0 && path[--group] != '/')
			;
	}
	return found;
}

static size_t group_of(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

/* "lat lon", "crs: x y": a word with a colon names a mapping, those after it coordinates. */
static void take_names(const struct qn_listing *l, const char *path, const char *names,
		       enum qn_role role)
{
	bool colons = strchr(names, ':') != NULL;

	for (const char *p = names; *p;) {
		size_t n;
		bool colon;
		struct qn_about *a;

		p += strspn(p, " \t\n,");
		n = strcspn(p, " \t\n,");
		colon = n > 0 && p[n - 1] == ':';
		a = n ? resolve(l, path, group_of(path), p, n - colon) : NULL;
		/* A dataset does not make itself anything. */
		if (a && a != find(l, path) && a->role == QN_VARIABLE)
			a->role = colons && !colon && role == QN_GRID_MAPPING ? QN_COORDINATE
									      : role;
		p += n;
	}
}

static void take_namings(const struct qn_listing *l, const char *path, hid_t dset)
{
	char text[TEXT_NBYTES];

	for (size_t i = 0; i < sizeof(namings) / sizeof(namings[0]); i++)
		if (qn_h5_attr_named_text(dset, namings[i].attribute, text, sizeof(text)) ==
		    QN_SOUND)
			take_names(l, path, text, namings[i].role);
}

static void take_scale(hid_t dset, struct qn_about *a)
{
	bool dim_only;

	if (qn_h5_is_scale(dset, &dim_only))
		a->role = dim_only ? QN_DIMENSION : QN_COORDINATE;
}

/* The extent of a virtual dataset may depend on its sources. False: no memory. */
static bool take_shape(hid_t dset, const char *file, const char *path, struct qn_about *a)
{
	struct quern_message ignored = { .status = QUERN_OK };
	enum quern_status st;
	hid_t space, type = H5Dget_type(dset);
	hsize_t shape[H5S_MAX_RANK];
	struct qn_type described = { .size = 0 };
	bool plain;

	if (type >= 0 && qn_h5_type_describe(type, &described, &plain))
		snprintf(a->dtype, sizeof(a->dtype), "%s", described.name);
	qn_h5_close(type);
	st = qn_h5_sources_check(dset, file, path, false, &ignored);
	if (st)
		return st != QUERN_ERR_RUN;
	space = H5Dget_space(dset);
	if (space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE) {
		int n = H5Sget_simple_extent_dims(space, shape, NULL);

		for (int i = 0; i < n && i < QUERN_MAX_DIMS; i++)
			a->shape[i] = shape[i];
		a->ndim = n < 0 ? 0 : n < QUERN_MAX_DIMS ? n : QUERN_MAX_DIMS;
	}
	qn_h5_close(space);
	return true;
}

/* False: no memory. */
static bool look(hid_t file_id, const char *file, const struct qn_listing *l, size_t i)
{
	struct qn_about *a = &l->about[i];
	hid_t dset = H5Dopen2(file_id, l->path[i], H5P_DEFAULT);
	bool ok;

	if (dset < 0)
		return true;
	take_scale(dset, a);
	ok = take_shape(dset, file, l->path[i], a);
	take_namings(l, l->path[i], dset);
	qn_h5_close(dset);
	return ok;
}

/* "lat" of one dimension in a group below that of the scale "lat". */
static void take_namesake(const struct qn_listing *l, size_t i)
{
	const char *path = l->path[i];
	size_t group = group_of(path), length = strlen(path + group + 1);
	const struct qn_about *above;

	if (l->about[i].role != QN_VARIABLE || l->about[i].ndim != 1 || group == 0)
		return;
	while (group > 0 && path[--group] != '/')
		;
	above = resolve(l, path, group, strrchr(path, '/') + 1, length);
	if (above && (above->role == QN_COORDINATE || above->role == QN_DIMENSION) &&
	    above->shape[0] == l->about[i].shape[0])
		l->about[i].role = QN_COORDINATE;
}

enum quern_status qn_h5_list_closely(hid_t file_id, const char *file, struct qn_listing *out,
				     struct quern_message *err)
{
	enum quern_status status = qn_h5_list(file_id, file, out, err);
	bool ok;

	if (status != QUERN_OK || out->n == 0 || out->n > QN_MOST_ABOUT)
		return status;
	out->about = qn_calloc(out->n, sizeof(*out->about));
	ok = out->about;
	for (size_t i = 0; ok && i < out->n; i++)
		ok = look(file_id, file, out, i);
	if (!ok) {
		status = qn_error_nomem(err, out->n * sizeof(*out->about), "a list of datasets");
		qn_listing_fini(out);
		return status;
	}
	for (size_t i = 0; i < out->n; i++)
		take_namesake(out, i);
	return QUERN_OK;
}
