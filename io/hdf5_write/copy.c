/*
 * copy.c - what a catalog takes over from the staged file: groups, small datasets, attributes,
 * links, and dimensions with their scales. H5Ocopy copies whole groups, with the large datasets that
 * are to stay behind, so groups are gone through here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/system.h"
#include "io/hdf5_format/met.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_write/stage.h"
#include "io/hdf5_library/versions.h"

#define MOST_DEPTH   64
#define PATH_NBYTES  4096
#define MOST_OBJECTS (1u << 20)

struct copier {
	const struct qn_h5_copying *how;
	hid_t from, to;	       /* roots */
	struct qn_h5_met done; /* what was copied: other hard links lead to it too */
	char **path;	       /* owned, and so is each: of what was copied */
	int depth;
	const char *group; /* "" of the root */
	hid_t in, out;	   /* the group at hand */
	bool failed;
};

static bool fail(struct copier *c, const char *path)
{
	qn_h5_fail(c->how->err, c->how->file, path, "cannot be copied to the catalog");
	c->failed = true;
	return false;
}

/* --- attributes --- */

static bool copy_values(hid_t from, hid_t to, hid_t type, hid_t space)
{
	const hssize_t n = H5Sget_simple_extent_npoints(space);
	const size_t size = H5Tget_size(type);
	void *values = n < 0 || !size ? NULL : qn_calloc((size_t)n + 1, size);
	bool ok = values && H5Aread(from, type, values) >= 0 && H5Awrite(to, type, values) >= 0;

	if (ok && (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0))
		qn_h5_reclaim(type, space, H5P_DEFAULT, values);
	free(values);
	return ok;
}

/* References say where an object is in a file: they mean nothing in another. */
static bool has_references(hid_t type)
{
	if (H5Tdetect_class(type, H5T_REFERENCE) > 0)
		return true;
	if (H5Tget_class(type) == H5T_VLEN || H5Tget_class(type) == H5T_ARRAY) {
		hid_t inner = H5Tget_super(type);
		bool has = inner < 0 || has_references(inner);

		qn_h5_close(inner);
		return has;
	}
	return false;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *ctx)
{
	const hid_t to = *(const hid_t *)ctx;
	hid_t in = H5Aopen(from, name, H5P_DEFAULT), type = in < 0 ? -1 : H5Aget_type(in);
	hid_t space = in < 0 ? -1 : H5Aget_space(in), copy = type < 0 ? -1 : H5Tcopy(type),
	      out = -1;
	bool ok = copy >= 0 && space >= 0;

	(void)info;
	if (ok && !has_references(copy) && H5Aexists(to, name) == 0) {
		out = H5Acreate2(to, name, copy, space, H5P_DEFAULT, H5P_DEFAULT);
		ok = out >= 0 && (H5Sget_simple_extent_type(space) == H5S_NULL ||
				  copy_values(in, out, copy, space));
	}
	qn_h5_close(out);
	qn_h5_close(copy);
	qn_h5_close(space);
	qn_h5_close(type);
	qn_h5_close(in);
	return ok ? 0 : -1;
}

/* In the order in which they were made, where it is known. */
static bool copy_attributes(hid_t from, hid_t to)
{
	hsize_t at = 0;

	if (H5Aiterate2(from, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, copy_attribute, &to) >= 0)
		return true;
	at = 0;
	return H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &at, copy_attribute, &to) >= 0;
}

/* --- objects --- */

static const char *find_done(const struct copier *c, haddr_t addr)
{
	const size_t i = qn_h5_met_find(&c->done, addr);

	return i == QN_H5_NOT_MET ? NULL : c->path[i];
}

static bool note_done(struct copier *c, haddr_t addr, const char *path)
{
	const size_t n = c->done.n;
	char *mine;
	bool is_new = false;

	if (n == MOST_OBJECTS)
		return false;
	if (!qn_grow_by_one(&c->path, n, sizeof(*c->path)))
		return false;
	mine = qn_strdup(path);
	if (mine)
		qn_h5_met_add(&c->done, addr, &is_new);
	if (is_new)
		c->path[n] = mine;
	else
		free(mine);
	return is_new;
}

static bool copy_group(struct copier *c, hid_t in, hid_t out, const char *path);

static bool copy_new_group(struct copier *c, hid_t in, const char *path)
{
	const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
	hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE), out = -1;
	bool ok;

	if (gcpl >= 0 && H5Pset_link_creation_order(gcpl, order) >= 0 &&
	    H5Pset_attr_creation_order(gcpl, order) >= 0 &&
	    H5Pset_obj_track_times(gcpl, false) >= 0)
		out = H5Gcreate2(c->to, path, H5P_DEFAULT, gcpl, H5P_DEFAULT);
	ok = out >= 0 ? copy_group(c, in, out, path) : fail(c, path);
	qn_h5_close(out);
	qn_h5_close(gcpl);
	return ok;
}

/* Without its attributes, which may have references in them. */
static bool copy_whole(struct copier *c, hid_t in, const char *name, const char *path, hid_t *out)
{
	hid_t ocpypl = H5Pcreate(H5P_OBJECT_COPY);
	bool ok = ocpypl >= 0 && H5Pset_copy_object(ocpypl, H5O_COPY_WITHOUT_ATTR_FLAG) >= 0 &&
		  H5Ocopy(in, name, c->to, path, ocpypl, H5P_DEFAULT) >= 0;

	qn_h5_close(ocpypl);
	*out = ok ? H5Oopen(c->to, path, H5P_DEFAULT) : -1;
	return *out >= 0;
}

static bool copy_object(struct copier *c, hid_t in, const char *name, hid_t object,
			const char *path)
{
	const H5I_type_t type = H5Iget_type(object);
	hid_t out = -1;
	bool ok;

	if (type == H5I_GROUP)
		return copy_new_group(c, object, path);
	if (type != H5I_DATASET || !c->how->stage(c->how->ctx, path, object, c->to, &out))
		copy_whole(c, in, name, path, &out);
	ok = out >= 0 && copy_attributes(object, out);
	qn_h5_close(out);
	return ok ? true : fail(c, path);
}

static bool copy_hard(struct copier *c, hid_t in, const char *name, const char *path)
{
	hid_t object = H5Oopen(in, name, H5P_DEFAULT);
	haddr_t addr = object < 0 ? HADDR_UNDEF : qn_h5_addr_of(object);
	const char *before;
	bool ok = addr != HADDR_UNDEF;

	before = ok ? find_done(c, addr) : NULL;
	if (ok && before)
		ok = H5Lcreate_hard(c->to, before, c->to, path, H5P_DEFAULT, H5P_DEFAULT) >= 0;
	else if (ok)
		ok = note_done(c, addr, path) && copy_object(c, in, name, object, path);
	qn_h5_close(object);
	return ok || c->failed ? ok : fail(c, path);
}

/* A file that is named from where the staged one is gets its whole name: the catalog is elsewhere. */
static bool copy_external(struct copier *c, const char *file, const char *target, const char *path)
{
	char *real = *file == '/' ? NULL : qn_sys_realpath(c->how->file, NULL), *whole = NULL;
	const char *slash = real ? strrchr(real, '/') : NULL;
	bool ok;

	if (slash && qn_asprintf(&whole, "%.*s/%s", (int)(slash - real), real, file) < 0)
		whole = NULL;
	ok = (!slash || whole) && H5Lcreate_external(whole ? whole : file, target, c->to, path,
						     H5P_DEFAULT, H5P_DEFAULT) >= 0;
	free(whole);
	free(real);
	return ok;
}

static bool copy_link(struct copier *c, hid_t in, const char *name, const H5L_info_t *info,
		      const char *path)
{
	const char *file, *target;
	unsigned flags;
	char *value;
	bool ok;

	if (info->type == H5L_TYPE_HARD)
		return copy_hard(c, in, name, path);
	value = qn_calloc(info->u.val_size + 1, 1);
	ok = value && H5Lget_val(in, name, value, info->u.val_size, H5P_DEFAULT) >= 0;
	if (ok && info->type == H5L_TYPE_SOFT)
		ok = H5Lcreate_soft(value, c->to, path, H5P_DEFAULT, H5P_DEFAULT) >= 0;
	else if (ok && info->type == H5L_TYPE_EXTERNAL)
		ok = H5Lunpack_elink_val(value, info->u.val_size, &flags, &file, &target) >= 0 &&
		     copy_external(c, file, target, path);
	free(value);
	return ok ? true : fail(c, path);
}

static herr_t visit_link(hid_t in, const char *name, const H5L_info_t *info, void *ctx)
{
	struct copier *c = ctx;
	char path[PATH_NBYTES];

	/* A catalog that is staged gets a new one. */
	if (!c->group[0] && !strcmp(name, &QN_CATALOG_GROUP[1]))
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", c->group, name) >= (int)sizeof(path))
		return fail(c, c->group) ? 0 : -1;
	return copy_link(c, in, name, info, path) ? 0 : -1;
}

static bool copy_group(struct copier *c, hid_t in, hid_t out, const char *path)
{
	const char *outer = c->group;
	hid_t gcpl = H5Gget_create_plist(in);
	unsigned order = 0;
	hsize_t at = 0;
	bool ok;

	if (c->depth >= MOST_DEPTH)
		return fail(c, path);
	c->depth++;
	c->group = path;
	ok = copy_attributes(in, out) || fail(c, path);
	if (gcpl >= 0)
		H5Pget_link_creation_order(gcpl, &order);
	qn_h5_close(gcpl);
	ok = ok &&
	     H5Literate(in, order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
			H5_ITER_INC, &at, visit_link, c) >= 0;
	c->group = outer;
	c->depth--;
	return ok || c->failed ? ok : fail(c, path);
}

/* --- scales --- */

/* The scale that a reference of the staged file leads to, as a reference of the catalog. */
static bool translate(const struct copier *c, hid_t from, hobj_ref_t *ref)
{
	hid_t scale = H5Rdereference2(from, H5P_DEFAULT, H5R_OBJECT, ref);
	haddr_t addr = scale < 0 ? HADDR_UNDEF : qn_h5_addr_of(scale);
	const char *path = addr != HADDR_UNDEF ? find_done(c, addr) : NULL;
	bool ok = path && H5Rcreate(ref, c->to, path, H5R_OBJECT, -1) >= 0;

	qn_h5_close(scale);
	return ok;
}

static bool translate_all(const struct copier *c, hid_t from, hvl_t *list, hssize_t n)
{
	bool ok = true;

	for (hssize_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].len; k++)
			ok = ok && translate(c, from, (hobj_ref_t *)list[i].p + k);
	return ok;
}

/* DIMENSION_LIST, as the HDF5 Dimension Scale Specification has it. */
static bool attach_scales(const struct copier *c, hid_t from, hid_t to)
{
	hid_t in = H5Aopen(from, "DIMENSION_LIST", H5P_DEFAULT), out = -1;
	hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space = in < 0 ? -1 : H5Aget_space(in);
	const hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
	hvl_t *list = n < 0 || n > QUERN_MAX_DIMS ? NULL : qn_calloc((size_t)n + 1, sizeof(*list));
	bool ok = list && H5Aread(in, type, list) >= 0;

	/* One that leads nowhere is left out. */
	if (ok && translate_all(c, from, list, n)) {
		out = H5Acreate2(to, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT);
		ok = out >= 0 && H5Awrite(out, type, list) >= 0;
	}
	qn_h5_close(out);
	qn_h5_close(space);
	qn_h5_close(type);
	qn_h5_close(in);
	free(list);
	return ok;
}

static bool attach_all(struct copier *c)
{
	bool ok = true;

	for (size_t i = 0; ok && i < c->done.n; i++) {
		hid_t from = H5Oopen(c->from, c->path[i], H5P_DEFAULT);
		hid_t to = from < 0 ? -1 : H5Oopen(c->to, c->path[i], H5P_DEFAULT);

		if (to >= 0 && H5Iget_type(from) == H5I_DATASET &&
		    H5Aexists(from, "DIMENSION_LIST") > 0)
			ok = attach_scales(c, from, to) || fail(c, c->path[i]);
		qn_h5_close(to);
		qn_h5_close(from);
	}
	return ok;
}

enum quern_status qn_h5_copy_all(hid_t from, hid_t to, const struct qn_h5_copying *how)
{
	struct copier c = { .how = how, .from = from, .to = to, .group = "" };
	hid_t in = H5Gopen2(from, "/", H5P_DEFAULT), out = H5Gopen2(to, "/", H5P_DEFAULT);
	haddr_t addr = in < 0 ? HADDR_UNDEF : qn_h5_addr_of(in);
	bool ok = out >= 0 && addr != HADDR_UNDEF && note_done(&c, addr, "/");

	if (!ok)
		fail(&c, "/");
	ok = ok && copy_group(&c, in, out, "") && attach_all(&c);
	for (size_t i = 0; i < c.done.n; i++)
		free(c.path[i]);
	free(c.path);
	qn_h5_met_fini(&c.done);
	qn_h5_close(out);
	qn_h5_close(in);
	return ok ? QUERN_OK : QUERN_ERR_DATA;
}
