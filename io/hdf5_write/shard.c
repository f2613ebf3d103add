/*
 * shard.c - a shard: a shell, which has all but the elements, and its filling with stored bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_format/raw.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_write/sink.h"
#include "io/hdf5_library/relax.h"
#include "io/hdf5_write/stage.h"

#define GROWTH_NBYTES (1u << 20) /* of a file in memory */

/* --- a file in memory --- */

/* Of one version, so that the bytes do not depend on what the library can do besides; but what the source
   has of a later one, such as datatypes, is taken over as it is, and needs that. */
static hid_t access_list(void)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);

	if (fapl >= 0 && H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_LATEST) < 0) {
		qn_h5_close(fapl);
		return -1;
	}
	qn_h5_relax(fapl);
	return fapl;
}

hid_t qn_h5_create_in_memory(void)
{
	const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
	hid_t fapl = access_list(), fcpl = H5Pcreate(H5P_FILE_CREATE), id = -1;

	/* NetCDF-4 wants to know the order of links and attributes. */
	if (fapl >= 0 && fcpl >= 0 && H5Pset_fapl_core(fapl, GROWTH_NBYTES, false) >= 0 &&
	    H5Pset_link_creation_order(fcpl, order) >= 0 &&
	    H5Pset_attr_creation_order(fcpl, order) >= 0 &&
	    H5Pset_obj_track_times(fcpl, false) >= 0)
		id = H5Fcreate(QN_H5_IN_MEMORY, H5F_ACC_TRUNC, fcpl, fapl);
	qn_h5_close(fcpl);
	qn_h5_close(fapl);
	return id;
}

/*
 * The library takes the mark of a writer out of the superblock of an image, and leaves the checksum
 * that has it. (HDF5 File Format Specification, II.A: versions 2 and 3, addresses of 8 bytes)
 *
 *	signature 8 | version 1 | sizes 2 | flags 1 | 4 addresses of 8 | checksum 4
 */
static bool mend_superblock(uint8_t *image, size_t nbytes)
{
	uint32_t sum;

	if (nbytes < 48 || (image[8] != 2 && image[8] != 3) || image[9] != 8)
		return false;
	image[11] = 0;
	sum = qn_h5_lookup3(image, 44);
	for (int i = 0; i < 4; i++)
		image[44 + i] = (uint8_t)(sum >> 8 * i);
	return true;
}

void *qn_h5_image(hid_t file, size_t *nbytes)
{
	ssize_t n = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(file, NULL, 0);
	void *out = n > 0 ? qn_malloc((size_t)n) : NULL;

	if (out &&
	    (H5Fget_file_image(file, out, (size_t)n) != n || !mend_superblock(out, (size_t)n))) {
		free(out);
		out = NULL;
	}
	*nbytes = out ? (size_t)n : 0;
	return out;
}

/* --- a dataset like another --- */

/* What the type has in it that points elsewhere in the file; NULL: nothing. */
static const char *points_to(hid_t type)
{
	if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0)
		return "values of variable length lie outside of its chunks";
	if (H5Tdetect_class(type, H5T_REFERENCE) > 0)
		return "it has references to other objects";
	if (H5Tdetect_class(type, H5T_STRING) > 0 && H5Tget_class(type) == H5T_COMPOUND)
		for (int i = H5Tget_nmembers(type) - 1; i >= 0; i--) {
			hid_t member = H5Tget_member_type(type, (unsigned)i);
			bool varies = member >= 0 && H5Tget_class(member) == H5T_STRING &&
				      H5Tis_variable_str(member) > 0;

			qn_h5_close(member);
			if (varies)
				return "values of variable length lie outside of its chunks";
		}
	return NULL;
}

/* Nothing is filtered here, so filters need not be there: they become optional. */
static bool free_filters(hid_t dcpl)
{
	const int n = H5Pget_nfilters(dcpl);

	for (int i = 0; i < n; i++) {
		unsigned params[QN_MAX_FILTER_PARAMS], flags, config;
		size_t nparams = QN_MAX_FILTER_PARAMS;
		H5Z_filter_t id = H5Pget_filter2(dcpl, (unsigned)i, &flags, &nparams, params, 0,
						 NULL, &config);

		if (id < 0)
			return false;
		if (H5Zfilter_avail(id) <= 0 &&
		    (nparams > QN_MAX_FILTER_PARAMS ||
		     H5Pmodify_filter(dcpl, id, flags | H5Z_FLAG_OPTIONAL, nparams, params) < 0))
			return false;
	}
	return n >= 0;
}

bool qn_h5_same_filters(hid_t a, hid_t b)
{
	hid_t plist[2] = { H5Dget_create_plist(a), H5Dget_create_plist(b) };
	const int n = H5Pget_nfilters(plist[0]);
	bool same = plist[0] >= 0 && plist[1] >= 0 && n == H5Pget_nfilters(plist[1]);

	for (int i = 0; same && i < n; i++) {
		unsigned params[2][QN_MAX_FILTER_PARAMS] = { { 0 } }, flags, config;
		size_t nparams[2] = { QN_MAX_FILTER_PARAMS, QN_MAX_FILTER_PARAMS };
		H5Z_filter_t id[2];

		for (int k = 0; k < 2; k++)
			id[k] = H5Pget_filter2(plist[k], (unsigned)i, &flags, &nparams[k],
					       params[k], 0, NULL, &config);
		same = id[0] == id[1] && nparams[0] == nparams[1] &&
		       !memcmp(params[0], params[1], sizeof(params[0]));
	}
	qn_h5_close(plist[0]);
	qn_h5_close(plist[1]);
	return same;
}

static hid_t creation_list(hid_t like)
{
	const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
	hid_t dcpl = H5Dget_create_plist(like);
	const H5D_layout_t layout = dcpl < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(dcpl);
	bool ok = layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT;

	if (layout == H5D_COMPACT)
		ok = H5Pset_layout(dcpl, H5D_CONTIGUOUS) >= 0;
	ok = ok && H5Pset_obj_track_times(dcpl, false) >= 0 &&
	     H5Pset_attr_creation_order(dcpl, order) >= 0 &&
	     H5Pset_alloc_time(dcpl, layout == H5D_CHUNKED ? H5D_ALLOC_TIME_INCR
							   : H5D_ALLOC_TIME_LATE) >= 0 &&
	     free_filters(dcpl);
	if (ok)
		return dcpl;
	qn_h5_close(dcpl);
	return -1;
}

/* The groups that a path leads through, without times. */
static bool create_groups(hid_t file, const char *path)
{
	hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE);
	char *name = qn_strdup(path);
	bool ok = name && gcpl >= 0 && H5Pset_obj_track_times(gcpl, false) >= 0;

	for (char *at = ok ? strchr(name + 1, '/') : NULL; ok && at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (H5Lexists(file, name, H5P_DEFAULT) <= 0) {
			hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, gcpl, H5P_DEFAULT);

			ok = group >= 0;
			qn_h5_close(group);
		}
		*at = '/';
	}
	qn_h5_close(gcpl);
	free(name);
	return ok;
}

/* The most extents are the extents, where these are not less than those of a chunk: then the index of
   chunks is an array. */
static hid_t make_space(hid_t dcpl, const hsize_t *shape, int ndim)
{
	hsize_t most[QUERN_MAX_DIMS], chunk[QUERN_MAX_DIMS];
	const bool chunked = H5Pget_layout(dcpl) == H5D_CHUNKED;

	if (ndim > QUERN_MAX_DIMS || (chunked && H5Pget_chunk(dcpl, ndim, chunk) != ndim))
		return -1;
	for (int i = 0; i < ndim; i++)
		most[i] = chunked && chunk[i] > shape[i] ? chunk[i] : shape[i];
	return H5Screate_simple(ndim, shape, most);
}

hid_t qn_h5_create_like(hid_t like, hid_t file, const char *path, const hsize_t *shape, int ndim,
			char *why)
{
	hid_t type = H5Dget_type(like), copy = type < 0 ? -1 : H5Tcopy(type), dcpl = -1;
	hid_t space = -1, id = -1;
	const char *points = copy < 0 ? NULL : points_to(copy);

	snprintf(why, 96, "%s", points ? points : "");
	if (copy >= 0 && !points)
		dcpl = creation_list(like);
	if (dcpl >= 0)
		space = make_space(dcpl, shape, ndim);
	if (space >= 0 && create_groups(file, path))
		id = H5Dcreate2(file, path, copy, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
	if (id >= 0 && !qn_h5_same_filters(like, id)) {
		snprintf(why, 96, "the HDF5 library gives its filters other parameters");
		qn_h5_close(id);
		id = -1;
	}
	qn_h5_close(dcpl);
	qn_h5_close(space);
	qn_h5_close(copy);
	qn_h5_close(type);
	return id;
}

static enum quern_status make_shell(hid_t like, const char *file, const char *path,
				    const hsize_t *shape, int ndim, void **image, size_t *nbytes,
				    struct quern_message *err)
{
	hid_t out = qn_h5_create_in_memory(), id = -1;
	char why[96] = "";
	enum quern_status status = QUERN_OK;

	if (out >= 0)
		id = qn_h5_create_like(like, out, path, shape, ndim, why);
	qn_h5_close(id);
	*image = id < 0 ? NULL : qn_h5_image(out, nbytes);
	if (!*image)
		status = why[0] ? qn_error_set(err, QUERN_ERR_DATA,
					       "%s: dataset %s cannot be staged: "
					       "%s",
					       file, path, why)
				: qn_h5_fail(err, file, path, "no shard of it can be made");
	qn_h5_close(out);
	return status;
}

enum quern_status qn_hdf5_shell(const char *file, const char *path, const uint64_t *shape, int ndim,
				void **image, size_t *nbytes, struct quern_message *err)
{
	hsize_t extent[QUERN_MAX_DIMS];
	struct qn_h5_caller caller;
	hid_t in = -1, like = -1;
	enum quern_status status;

	for (int i = 0; i < ndim; i++)
		extent[i] = shape[i];
	qn_h5_enter(&caller);
	status = qn_h5_open_file(file, &in, err);
	if (status == QUERN_OK)
		status = qn_h5_open_dataset(in, file, path, &like, err);
	if (status == QUERN_OK)
		status = make_shell(like, file, path, extent, ndim, image, nbytes, err);
	qn_h5_close(like);
	qn_h5_close(in);
	qn_h5_leave(&caller);
	return status;
}

/* --- filling --- */

struct target {
	hid_t dset, type, space;
	int ndim;
	bool chunked;
};

static bool put_box(const struct target *t, const struct qn_put *put)
{
	hsize_t start[QUERN_MAX_DIMS], count[QUERN_MAX_DIMS];
	hid_t memory;
	bool ok;

	for (int i = 0; i < t->ndim; i++) {
		start[i] = put->start[i];
		count[i] = put->count[i];
	}
	if (t->chunked)
		return H5Dwrite_chunk(t->dset, H5P_DEFAULT, put->filter_mask, start, put->nbytes,
				      put->bytes) >= 0;
	memory = H5Screate_simple(t->ndim, count, NULL);
	ok = memory >= 0 &&
	     H5Sselect_hyperslab(t->space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
	     H5Dwrite(t->dset, t->type, memory, t->space, H5P_DEFAULT, put->bytes) >= 0;
	qn_h5_close(memory);
	return ok;
}

static enum quern_status failed(const char *file, const char *path, struct quern_message *err)
{
	return qn_h5_fail_write(err, file, path, "cannot be written");
}

static enum quern_status open_target(const char *path, hid_t file, struct target *t)
{
	hid_t dcpl = -1;
	bool ok;

	t->dset = H5Dopen2(file, path, H5P_DEFAULT);
	t->type = t->dset < 0 ? -1 : H5Dget_type(t->dset);
	t->space = t->dset < 0 ? -1 : H5Dget_space(t->dset);
	t->ndim = t->space < 0 ? 0 : H5Sget_simple_extent_ndims(t->space);
	dcpl = t->dset < 0 ? -1 : H5Dget_create_plist(t->dset);
	t->chunked = dcpl >= 0 && H5Pget_layout(dcpl) == H5D_CHUNKED;
	ok = t->type >= 0 && t->space >= 0 && dcpl >= 0 && t->ndim > 0 && t->ndim <= QUERN_MAX_DIMS;
	qn_h5_close(dcpl);
	return ok ? QUERN_OK : QUERN_ERR_RUN;
}

static enum quern_status not_written(const char *file, int why, struct quern_message *err)
{
	return qn_error_set(err, why == EACCES || why == EPERM ? QUERN_ERR_DENIED : QUERN_ERR_RUN,
			    "%s: cannot write: %s", file, strerror(why));
}

static enum quern_status put_all(const struct target *t, const struct qn_h5_sink *sink,
				 const char *file, const char *path, qn_next_put *next, void *ctx,
				 struct quern_message *err)
{
	enum quern_status status;
	struct qn_put put;
	bool more = true;

	while ((status = next(ctx, &put, &more, err)) == QUERN_OK && more) {
		if (!put_box(t, &put))
			return failed(file, path, err);
		if (qn_h5_sink_why(sink))
			return not_written(file, qn_h5_sink_why(sink), err);
	}
	return status;
}

static enum quern_status fill(int fd, const char *file, const char *path, qn_next_put *next,
			      void *ctx, struct quern_message *err)
{
	struct target t = { .dset = -1, .type = -1, .space = -1 };
	hid_t fapl = access_list(), id = -1;
	struct qn_h5_sink *sink = fapl < 0 ? NULL : qn_h5_sink_open(fd, fapl, -1, &id);
	enum quern_status status;
	int why = 0;

	if (!sink || open_target(path, id, &t))
		status = failed(file, path, err);
	else
		status = put_all(&t, sink, file, path, next, ctx, err);
	qn_h5_close(t.space);
	qn_h5_close(t.type);
	qn_h5_close(t.dset);
	if (sink && !qn_h5_sink_close(sink, id, &why) && status == QUERN_OK)
		status = failed(file, path, err);
	if (why && status == QUERN_OK)
		status = not_written(file, why, err);
	qn_h5_close(fapl);
	return status;
}

enum quern_status qn_hdf5_fill(int fd, const char *file, const char *path, qn_next_put *next,
			       void *ctx, struct quern_message *err)
{
	struct qn_h5_caller caller;
	enum quern_status status;

	qn_h5_enter(&caller);
	status = fill(fd, file, path, next, ctx, err);
	qn_h5_leave(&caller);
	return status;
}
