/*
 * extent.c - the search for the longest variable on a dimension without a limit. It starts at the
 * group of the dimension and goes through all that is below, each group once. Headers are read by
 * our own reader where it can (space.h), since the library takes much longer to open an object;
 * only a dataset that is longer than all before it is opened, to see whether it is on the dimension.
 */
#include "io/hdf5_library/extent.h"

#include <stdio.h>
#include <string.h>

#include "data/reading.h"
#include "io/hdf5_library/attr.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_format/met.h"
#include "io/hdf5_format/space.h"
#include "io/hdf5_library/versions.h"

#define MOST_PATH_NBYTES 4096

/* The search for the longest dataset on a dimension. */
struct search {
	hid_t file, scale;
	haddr_t scale_addr;
	struct qn_h5_raw *raw;
	uint64_t length;	 /* the longest until now */
	struct qn_h5_met groups; /* each is gone through once */
	bool no_memory;
};

static bool space_of(hid_t dset, struct qn_h5_space *out)
{
	hid_t space = H5Dget_space(dset);
	hsize_t shape[H5S_MAX_RANK], most[H5S_MAX_RANK];

	memset(out, 0, sizeof(*out));
	if (space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE)
		out->ndim = H5Sget_simple_extent_dims(space, shape, most);
	for (int i = 0; i < out->ndim; i++) {
		out->shape[i] = shape[i];
		out->most[i] = most[i];
	}
	qn_h5_close(space);
	return space >= 0 && out->ndim >= 0;
}

/* What the library says of an object. */
static enum qn_h5_kind ask(const struct search *s, haddr_t addr, struct qn_h5_space *out)
{
	hid_t object = qn_h5_open_at(s->file, addr);
	H5I_type_t type = object < 0 ? H5I_BADID : H5Iget_type(object);
	enum qn_h5_kind kind = type == H5I_GROUP ? QN_H5_IS_GROUP : QN_H5_IS_ELSE;

	if (type == H5I_DATASET && space_of(object, out))
		kind = QN_H5_IS_DATASET;
	qn_h5_close(object);
	return kind;
}

/* A dataset that is longer than the longest, if it has the dimension. */
static void take_longer(struct search *s, haddr_t addr, const struct qn_h5_space *space)
{
	hid_t dset = qn_h5_open_at(s->file, addr);
	bool is_scale = addr == s->scale_addr;

	for (int i = 0; dset >= 0 && i < space->ndim; i++) {
		if (space->most[i] != UINT64_MAX || space->shape[i] <= s->length)
			continue;
		if (is_scale && i == 0
			    ? qn_h5_dims_is_variable(dset)
			    : qn_h5_dims_has_scale(dset, space->ndim, i, s->scale, s->scale_addr))
			s->length = space->shape[i];
	}
	qn_h5_close(dset);
}

static bool add_group(struct search *s, haddr_t addr)
{
	bool is_new;

	s->no_memory = qn_h5_met_add(&s->groups, addr, &is_new) == QN_H5_NOT_MET;
	return !s->no_memory;
}

static herr_t take_link(hid_t group, const char *name, const qn_h5_link_info *info, void *ctx)
{
	struct search *s = ctx;
	struct qn_h5_space space;
	enum qn_h5_kind kind = QN_H5_UNKNOWN;
	haddr_t addr;

	(void)name;
	if (info->type != H5L_TYPE_HARD)
		return 0;
	addr = qn_h5_link_addr(group, info);
	if (addr == HADDR_UNDEF)
		return 0;
	if (s->raw)
		kind = qn_h5_look(s->raw, s->raw->base + addr, &space);
	if (kind == QN_H5_UNKNOWN)
		kind = ask(s, addr, &space);
	if (kind == QN_H5_IS_DATASET && qn_h5_space_exceeds(&space, s->length))
		take_longer(s, addr, &space);
	if (kind == QN_H5_IS_GROUP && !add_group(s, addr))
		return -1;
	return 0;
}

/* In the order in which they were made, where it is known: that is how headers lie in the file. */
static void go_through(struct search *s, hid_t group)
{
	hid_t gcpl = H5Gget_create_plist(group);
	unsigned order = 0;
	hsize_t at = 0;

	if (gcpl >= 0)
		H5Pget_link_creation_order(gcpl, &order);
	qn_h5_literate(group, order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
		       H5_ITER_NATIVE, &at, take_link, s);
	qn_h5_close(gcpl);
}

/* The group of a scale, and what is below. */
static void search_from(struct search *s, const char *scale)
{
	char path[MOST_PATH_NBYTES], *slash;
	hid_t group = -1;
	haddr_t addr;

	if ((size_t)snprintf(path, sizeof(path), "%s", scale) < sizeof(path) &&
	    (slash = strrchr(path, '/'))) {
		slash[slash == path] = '\0';
		group = H5Gopen2(s->file, path, H5P_DEFAULT);
	}
	if (group >= 0 && (addr = qn_h5_addr_of(group)) != HADDR_UNDEF)
		add_group(s, addr);
	qn_h5_close(group);
	for (size_t i = 0; !s->no_memory && i < s->groups.n; i++) {
		group = qn_h5_open_at(s->file, s->groups.addr[i]);
		if (group >= 0)
			go_through(s, group);
		qn_h5_close(group);
	}
}

/* Only a dimension without a limit can be longer than what is on it. */
static bool has_no_limit(hid_t scale)
{
	struct qn_h5_space space;

	return scale >= 0 && space_of(scale, &space) && space.ndim > 0 &&
	       space.most[0] == UINT64_MAX;
}

bool qn_h5_extent_describe(hid_t file, struct qn_h5_raw *raw, const uint64_t *most,
			   struct qn_dataset *d)
{
	struct search s = { .file = file, .raw = raw };

	for (int i = 0; i < d->ndim && !s.no_memory; i++) {
		if (most[i] != UINT64_MAX || !d->dim_scale[i])
			continue;
		s.scale = H5Dopen2(file, d->dim_scale[i], H5P_DEFAULT);
		s.length = d->shape[i];
		if (has_no_limit(s.scale) && (s.scale_addr = qn_h5_addr_of(s.scale)) != HADDR_UNDEF)
			search_from(&s, d->dim_scale[i]);
		if (qn_reading()->as_stored)
			d->left_out_beyond |= s.length > d->shape[i];
		else
			d->beyond[i] = s.length - d->shape[i];
		qn_h5_met_fini(&s.groups);
		qn_h5_close(s.scale);
	}
	return !s.no_memory;
}
