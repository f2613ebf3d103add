/*
 * catalog.c - a catalog: the staged file with virtual datasets in the place of large ones, and
 * the tables of what is where.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_write/stage.h"

struct making {
	const struct qn_catalog *c;
	struct quern_message *err;
};

/* In names that a virtual dataset has, %% is one sign. */
static char *escape(const char *name)
{
	char *out = qn_malloc(2 * strlen(name) + 1), *to = out;

	for (; out && *name; name++) {
		if (*name == '%')
			*to++ = '%';
		*to++ = *name;
	}
	if (out)
		*to = '\0';
	return out;
}

/* Maps a slab to its shard. */
static bool map(hid_t dcpl, hid_t space, const struct qn_catalog *c, uint32_t shard,
		const hsize_t *shape, int ndim)
{
	const struct qn_shard *s = &c->shard[shard];
	hsize_t start[QUERN_MAX_DIMS] = { 0 }, count[QUERN_MAX_DIMS];
	char *plain = qn_catalog_shard_name(c->file, s->dataset, qn_catalog_number(c, shard));
	char *file = plain ? escape(plain) : NULL, *path = escape(c->path[s->dataset]);
	hid_t from = -1;
	bool ok = file && path && s->dim < ndim;

	memcpy(count, shape, (size_t)ndim * sizeof(*count));
	if (ok) {
		start[s->dim] = s->start;
		count[s->dim] = s->count;
		from = H5Screate_simple(ndim, count, NULL);
		ok = from >= 0 &&
		     H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
		     H5Pset_virtual(dcpl, space, file, path, from) >= 0;
	}
	qn_h5_close(from);
	free(path);
	free(file);
	free(plain);
	return ok;
}

/* The fill value of one that has one. */
static bool take_fill(hid_t from, hid_t type, hid_t dcpl)
{
	H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
	hid_t plist = H5Dget_create_plist(from);
	void *value = qn_calloc(1, H5Tget_size(type) + 1);
	bool ok = plist >= 0 && value && H5Pfill_value_defined(plist, &defined) >= 0;

	if (ok && defined == H5D_FILL_VALUE_USER_DEFINED)
		ok = H5Pget_fill_value(plist, type, value) >= 0 &&
		     H5Pset_fill_value(dcpl, type, value) >= 0;
	free(value);
	qn_h5_close(plist);
	return ok;
}

/* A type that has a name is taken from the catalog, if it is there already. */
static hid_t type_of(hid_t dataset, hid_t to)
{
	hid_t type = H5Dget_type(dataset), out = -1;
	char name[1024];

	if (type >= 0 && H5Tcommitted(type) > 0 && H5Iget_name(type, name, sizeof(name)) > 0 &&
	    H5Lexists(to, name, H5P_DEFAULT) > 0)
		out = H5Topen2(to, name, H5P_DEFAULT);
	if (type >= 0 && out < 0)
		out = H5Tcopy(type);
	qn_h5_close(type);
	return out;
}

static hid_t make_virtual(const struct qn_catalog *c, uint32_t dataset, const char *path,
			  hid_t from, hid_t to)
{
	const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
	hid_t type = type_of(from, to), dcpl = H5Pcreate(H5P_DATASET_CREATE), id = -1;
	hid_t space = H5Dget_space(from), all = -1;
	hsize_t shape[H5S_MAX_RANK], most[H5S_MAX_RANK];
	const int ndim = space < 0 ? -1 : H5Sget_simple_extent_dims(space, shape, most);
	bool ok = type >= 0 && dcpl >= 0 && ndim > 0 && ndim <= QUERN_MAX_DIMS &&
		  take_fill(from, type, dcpl) && H5Pset_attr_creation_order(dcpl, order) >= 0 &&
		  H5Pset_obj_track_times(dcpl, false) >= 0;

	/* Shards do not grow, but of a dimension without a limit other variables may have more. */
	for (int i = 0; i < ndim; i++)
		most[i] = most[i] == H5S_UNLIMITED ? most[i] : shape[i];
	if (ok)
		all = H5Screate_simple(ndim, shape, most);
	for (uint32_t i = 0; ok && all >= 0 && i < c->nshards; i++)
		if (c->shard[i].dataset == dataset)
			ok = map(dcpl, all, c, i, shape, ndim);
	if (ok && all >= 0 && H5Sselect_all(all) >= 0)
		id = H5Dcreate2(to, path, type, all, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	qn_h5_close(all);
	qn_h5_close(space);
	qn_h5_close(dcpl);
	qn_h5_close(type);
	return id;
}

static bool stage(void *ctx, const char *path, hid_t dataset, hid_t to, hid_t *made)
{
	const struct making *m = ctx;

	for (uint32_t i = 0; i < m->c->ndatasets; i++)
		if (!strcmp(m->c->path[i], path)) {
			*made = make_virtual(m->c, i, path, dataset, to);
			return true;
		}
	return false;
}

/* --- tables --- */

static bool write_table(hid_t group, int table, const struct qn_tables *t)
{
	const uint64_t width = qn_table_width[table];
	const hid_t type = qn_table_size[table] == 8 ? H5T_STD_U64LE : H5T_STD_U8LE;
	hsize_t shape[2] = { t->nbytes[table] / qn_table_size[table] / width, width };
	hid_t space = H5Screate_simple(width > 1 ? 2 : 1, shape, NULL);
	hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), id = -1;
	bool ok = space >= 0 && dcpl >= 0 && H5Pset_obj_track_times(dcpl, false) >= 0;

	if (ok)
		id = H5Dcreate2(group, qn_table_name[table], type, space, H5P_DEFAULT, dcpl,
				H5P_DEFAULT);
	ok = id >= 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data[table]) >= 0;
	qn_h5_close(id);
	qn_h5_close(dcpl);
	qn_h5_close(space);
	return ok;
}

/* Of each dataset one without elements. */
static bool write_shells(const struct making *m, hid_t in, hid_t out)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < m->c->ndatasets; i++) {
		hid_t like = H5Dopen2(in, m->c->path[i], H5P_DEFAULT), id = -1;
		hid_t space = like < 0 ? -1 : H5Dget_space(like);
		hsize_t shape[H5S_MAX_RANK];
		const int ndim = space < 0 ? -1 : H5Sget_simple_extent_dims(space, shape, NULL);
		char path[64], why[96] = "";

		snprintf(path, sizeof(path), QN_CATALOG_GROUP "/shell%u", (unsigned)i);
		if (ndim > 0 && ndim <= QUERN_MAX_DIMS)
			id = qn_h5_create_like(like, out, path, shape, ndim, why);
		ok = id >= 0;
		if (why[0])
			qn_error_set(m->err, QUERN_ERR_DATA, "%s: dataset %s cannot be staged: %s",
				     m->c->source, m->c->path[i], why);
		qn_h5_close(id);
		qn_h5_close(space);
		qn_h5_close(like);
	}
	return ok;
}

static bool write_tables(const struct making *m, hid_t in, hid_t out)
{
	struct qn_tables t;
	hid_t group = -1, gcpl;
	bool ok;

	if (qn_catalog_pack(m->c, &t, m->err))
		return false;
	gcpl = H5Pcreate(H5P_GROUP_CREATE);
	if (gcpl >= 0 && H5Pset_obj_track_times(gcpl, false) >= 0)
		group = H5Gcreate2(out, QN_CATALOG_GROUP, H5P_DEFAULT, gcpl, H5P_DEFAULT);
	ok = group >= 0;
	for (int i = 0; ok && i < QN_NTABLES; i++)
		ok = write_table(group, i, &t);
	qn_h5_close(gcpl);
	qn_h5_close(group);
	qn_tables_fini(&t);
	return ok && write_shells(m, in, out);
}

enum quern_status qn_hdf5_catalog(const struct qn_catalog *c, void **image, size_t *nbytes,
				  struct quern_message *err)
{
	struct making m = { .c = c, .err = err };
	const struct qn_h5_copying how = {
		.stage = stage, .ctx = &m, .file = c->source, .err = err
	};
	struct qn_h5_caller caller;
	hid_t in = -1, out = -1;
	enum quern_status status;

	qn_h5_enter(&caller);
	status = qn_h5_open_file(c->source, &in, err);
	if (status == QUERN_OK) {
		out = qn_h5_create_in_memory();
		if (out < 0)
			status = qn_h5_fail(err, c->file, NULL, "no catalog can be made");
	}
	if (status == QUERN_OK)
		status = qn_h5_copy_all(in, out, &how);
	if (status == QUERN_OK && !write_tables(&m, in, out))
		status = qn_h5_fail(err, c->file, NULL, "its tables cannot be written");
	if (status == QUERN_OK) {
		*image = qn_h5_image(out, nbytes);
		if (!*image)
			status = qn_h5_fail(err, c->file, NULL, "no catalog can be made");
	}
	qn_h5_close(out);
	qn_h5_close(in);
	qn_h5_leave(&caller);
	return status;
}
