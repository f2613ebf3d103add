/*
 * dims.c - names of dimensions, from the attributes of the dimension scale specification
 * (which NetCDF-4 follows): DIMENSION_LIST refers, for each dimension, to the datasets that are its
 * scales; a scale has CLASS = "DIMENSION_SCALE"; DIMENSION_LABELS are plain words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/attr.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/versions.h"

#define MAX_PATH_NBYTES 1024

/* How the NAME of a scale begins that netCDF made for a dimension without a variable. */
static const char no_variable[] = "This is a netCDF dimension but not a netCDF variable";

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Opens an attribute of one value a dimension; false when it is not that. */
static bool open_per_dim(hid_t dset, enum qn_attribute attribute, int ndim, H5T_class_t class,
			 hid_t *attr, hid_t *type, hid_t *space)
{
	const char *name = qn_attribute_names[attribute];

	*attr = *type = *space = -1;
	if (H5Aexists(dset, name) <= 0)
		return false;
	*attr = H5Aopen(dset, name, H5P_DEFAULT);
	if (*attr < 0)
		return false;
	*type = H5Aget_type(*attr);
	*space = H5Aget_space(*attr);
	return *type >= 0 && *space >= 0 && H5Tget_class(*type) == class &&
	       H5Sget_simple_extent_npoints(*space) == ndim;
}

/* An attribute that is there and has not named the dimensions. */
static void blame(hid_t dset, struct qn_dataset *d, enum qn_attribute attribute)
{
	if (H5Aexists(dset, qn_attribute_names[attribute]) > 0)
		qn_attribute_blame(d->fault, attribute, QN_FAULT_NAMELESS);
}

static bool set_name(struct qn_dataset *d, int dim, const char *name)
{
	if (d->dim_name[dim] || name[0] == '\0')
		return true;
	d->dim_name[dim] = qn_strdup(name);
	return d->dim_name[dim] != NULL;
}

/* The dataset that is the scale of a dimension, and so gives it its name. */
static bool set_scale(struct qn_dataset *d, int dim, const char *path)
{
	if (!d->dim_scale[dim])
		d->dim_scale[dim] = qn_strdup(path);
	return d->dim_scale[dim] && set_name(d, dim, last_part(path));
}

/* The link of an object, searched for by its address: `name` is owned, NULL while not found, and
   `path` too, once it is. */
struct search {
	haddr_t addr;
	char *name, *path;
};

static herr_t compare_link(hid_t group, const char *name, const qn_h5_link_info *info, void *ctx)
{
	struct search *s = ctx;

	if (info->type != H5L_TYPE_HARD || qn_h5_link_addr(group, info) != s->addr)
		return 0;
	s->name = qn_strdup(name);
	return 1;
}

/*
 * Looks in the dataset's group and those above it, where NetCDF keeps the dimensions of a variable.
 * Only links are read: H5Rget_name opens the objects of the file one by one, which takes 20 ms with
 * 2000 of them. On a match s->name and s->path are set, or NULL when there is no memory.
 */
static bool find_link(hid_t dset, const char *path, struct search *s)
{
	char group[MAX_PATH_NBYTES];
	herr_t found = 0;
	char *slash;

	if ((size_t)snprintf(group, sizeof(group), "%s", path) >= sizeof(group))
		return false;
	while (found == 0 && (slash = strrchr(group, '/'))) {
		*slash = '\0';
		found = qn_h5_literate_by_name(dset, group[0] ? group : "/", H5_INDEX_NAME,
					       H5_ITER_NATIVE, NULL, compare_link, s, H5P_DEFAULT);
	}
	if (found > 0 && s->name && qn_asprintf(&s->path, "%s/%s", group, s->name) < 0)
		s->path = NULL;
	return found > 0;
}

static bool name_from_scale(hid_t dset, struct qn_dataset *d, int dim, const hvl_t *scales)
{
	struct search s = { .name = NULL, .path = NULL };
	char path[MAX_PATH_NBYTES];

	if (scales->len == 0 || !scales->p || d->dim_name[dim])
		return true;
	memcpy(&s.addr, scales->p, sizeof(s.addr));
	if (find_link(dset, d->path, &s)) {
		d->dim_name[dim] = s.name;
		d->dim_scale[dim] = s.path;
		return s.name && s.path;
	}
	if (H5Rget_name(dset, H5R_OBJECT, scales->p, path, sizeof(path)) <= 0) {
		blame(dset, d, QN_DIMENSION_LIST);
		return true;
	}
	return set_scale(d, dim, path);
}

static bool holds_references(hid_t list_type)
{
	hid_t base = H5Tget_super(list_type);
	bool is = base >= 0 && H5Tequal(base, H5T_STD_REF_OBJ) > 0;

	qn_h5_close(base);
	return is;
}

static bool names_from_scales(hid_t dset, struct qn_dataset *d)
{
	hvl_t lists[QUERN_MAX_DIMS] = { { 0, NULL } };
	hid_t attr, type, space;
	bool ok = true;

	if (open_per_dim(dset, QN_DIMENSION_LIST, d->ndim, H5T_VLEN, &attr, &type, &space) &&
	    holds_references(type) && H5Aread(attr, type, lists) >= 0) {
		for (int i = 0; i < d->ndim && ok; i++)
			ok = name_from_scale(dset, d, i, &lists[i]);
		qn_h5_reclaim(type, space, H5P_DEFAULT, lists);
	} else {
		blame(dset, d, QN_DIMENSION_LIST);
	}
	qn_h5_close(space);
	qn_h5_close(type);
	qn_h5_close(attr);
	return ok;
}

static bool names_from_labels(hid_t dset, struct qn_dataset *d)
{
	char *labels[QUERN_MAX_DIMS] = { NULL };
	hid_t attr, type, space;
	bool ok = true;

	if (open_per_dim(dset, QN_DIMENSION_LABELS, d->ndim, H5T_STRING, &attr, &type, &space) &&
	    H5Tis_variable_str(type) > 0 && H5Aread(attr, type, labels) >= 0) {
		for (int i = 0; i < d->ndim && ok; i++)
			if (labels[i])
				ok = set_name(d, i, labels[i]);
		qn_h5_reclaim(type, space, H5P_DEFAULT, labels);
	} else {
		blame(dset, d, QN_DIMENSION_LABELS);
	}
	qn_h5_close(space);
	qn_h5_close(type);
	qn_h5_close(attr);
	return ok;
}

static bool is_scale(hid_t dset)
{
	char class[32];

	qn_h5_attr_text(dset, QN_CLASS, class, sizeof(class));
	return !strcmp(class, "DIMENSION_SCALE");
}

/* Of a scale: is it a dimension without a variable? */
static bool is_dimension_only(hid_t scale)
{
	char name[sizeof(no_variable)];

	qn_h5_attr_text(scale, QN_NAME, name, sizeof(name));
	return !strcmp(name, no_variable);
}

/* Numbers that netCDF gives its dimensions; false where there are not n of them. */
static bool read_numbers(hid_t object, const char *name, int n, int *out)
{
	hid_t attr = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
	hid_t space = attr < 0 ? -1 : H5Aget_space(attr);
	bool ok = space >= 0 && H5Sget_simple_extent_npoints(space) == n &&
		  H5Aread(attr, H5T_NATIVE_INT, out) >= 0;

	qn_h5_close(space);
	qn_h5_close(attr);
	return ok;
}

/* The variable of a dimension cannot have scales: its other dimensions are known by their numbers. */
static bool has_number(hid_t dset, int ndim, int dim, hid_t scale)
{
	int number, of[QUERN_MAX_DIMS];

	return is_scale(dset) && read_numbers(scale, "_Netcdf4Dimid", 1, &number) &&
	       read_numbers(dset, "_Netcdf4Coordinates", ndim, of) && of[dim] == number;
}

bool qn_h5_dims_has_scale(hid_t dset, int ndim, int dim, hid_t scale, haddr_t scale_addr)
{
	hvl_t lists[QUERN_MAX_DIMS] = { { 0, NULL } };
	hid_t attr, type, space;
	bool has = false;

	if (open_per_dim(dset, QN_DIMENSION_LIST, ndim, H5T_VLEN, &attr, &type, &space) &&
	    holds_references(type) && H5Aread(attr, type, lists) >= 0) {
		for (size_t i = 0; lists[dim].p && i < lists[dim].len; i++)
			has = has || !memcmp((hobj_ref_t *)lists[dim].p + i, &scale_addr,
					     sizeof(scale_addr));
		qn_h5_reclaim(type, space, H5P_DEFAULT, lists);
	}
	qn_h5_close(space);
	qn_h5_close(type);
	qn_h5_close(attr);
	return has || has_number(dset, ndim, dim, scale);
}

bool qn_h5_dims_is_variable(hid_t scale)
{
	return !is_scale(scale) || !is_dimension_only(scale);
}

/* Others use these names for other things, so that nothing is a fault. */
bool qn_h5_is_scale(hid_t dset, bool *dim_only)
{
	*dim_only = is_scale(dset) && is_dimension_only(dset);
	return is_scale(dset);
}

bool qn_h5_dims_describe(hid_t dset, struct qn_dataset *d)
{
	if (!names_from_scales(dset, d))
		return false;
	if (qn_h5_is_scale(dset, &d->dim_only) && !set_scale(d, 0, d->path))
		return false;
	return names_from_labels(dset, d);
}
