/*
 * hdf5_read.c - elements through the library, for what cannot be read by address.
 */
#include <stdlib.h>
#include <string.h>

#include "hdf5_file.h"
#include "hdf5_format.h"
#include "hdf5_sources.h"
#include "hdf5_type.h"

struct reader {
	char *file, *path; /* owned, for messages */
	hid_t file_id, dset;
	hid_t read_type, memory_type; /* see set_types */
	bool scalar;
	int ndim;
};

static void reader_free(struct reader *r)
{
	qn_h5_close(r->memory_type);
	qn_h5_close(r->read_type);
	qn_h5_close(r->dset);
	qn_h5_close(r->file_id);
	free(r->file);
	free(r->path);
	free(r);
}

/*
 * Elements are read as full numbers in the byte order of the file, and swapped after that: asked to
 * do both at once, the library swaps only, and negative numbers of 12 bits lose their signs.
 */
static bool set_types(struct reader *r)
{
	hid_t type = H5Dget_type(r->dset);

	if (type < 0)
		return false;
	r->memory_type = qn_h5_type_native(type);
	r->read_type = r->memory_type < 0 ? -1 : H5Tcopy(r->memory_type);
	if (r->read_type >= 0 && H5Tset_order(r->read_type, H5Tget_order(type)) < 0) {
		qn_h5_close(r->read_type);
		r->read_type = -1;
	}
	qn_h5_close(type);
	return r->read_type >= 0;
}

static enum quern_status open_all(struct reader *r, uint32_t elem_nbytes,
				  struct quern_message *err)
{
	enum quern_status status = qn_h5_open_file(r->file, &r->file_id, err);

	if (status == QUERN_OK)
		status = qn_h5_open_dataset(r->file_id, r->file, r->path, &r->dset, err);
	if (status == QUERN_OK)
		status = qn_h5_sources_check(r->dset, r->file, r->path, true, err);
	if (status != QUERN_OK)
		return status;
	if (!set_types(r))
		return qn_h5_fail(err, r->file, r->path, "its datatype cannot be read");
	/* The caller's memory has room for elements of the size that was described. */
	if (H5Tget_size(r->memory_type) != elem_nbytes)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: has another datatype than before; is the file "
				    "being written?",
				    r->file, r->path);
	return QUERN_OK;
}

enum quern_status qn_hdf5_reader_open(const struct qn_dataset *d, void **reader,
				      struct quern_message *err)
{
	struct reader *r = calloc(1, sizeof *r);
	struct qn_h5_caller caller;
	enum quern_status status;

	if (!r)
		return qn_error_nomem(err, sizeof *r, "a reader");
	r->file_id = r->dset = r->read_type = r->memory_type = -1;
	r->scalar = d->scalar;
	r->ndim = d->ndim;
	r->file = strdup(d->file);
	r->path = strdup(d->path);
	qn_h5_enter(&caller);
	status = r->file && r->path ? open_all(r, d->type.size, err)
				    : qn_error_nomem(err, strlen(d->file), "a reader");
	if (status != QUERN_OK)
		reader_free(r);
	qn_h5_leave(&caller);
	if (status == QUERN_OK)
		*reader = r;
	return status;
}

/* The usual reason, and one that a user can do something about. */
static bool find_missing_filter(hid_t dset, H5Z_filter_t *id, char *name, size_t nbytes)
{
	hid_t dcpl = H5Dget_create_plist(dset);
	int n = dcpl < 0 ? 0 : H5Pget_nfilters(dcpl);
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		unsigned flags, config;
		size_t nparams = 0;

		name[0] = 0;
		*id = H5Pget_filter2(dcpl, (unsigned)i, &flags, &nparams, NULL, nbytes, name,
				     &config);
		found = *id >= 0 && H5Zfilter_avail(*id) <= 0;
	}
	qn_h5_close(dcpl);
	name[nbytes - 1] = 0;
	return found;
}

static enum quern_status read_failed(const struct reader *r, struct quern_message *err)
{
	char name[64], advice[256];
	H5Z_filter_t id;

	if (!find_missing_filter(r->dset, &id, name, sizeof name))
		return qn_h5_fail(err, r->file, r->path, "cannot be read through the HDF5 library");
	qn_filter_advice((uint32_t)id, name, sizeof advice, advice);
	return qn_error_set(err, QUERN_ERR_DATA,
			    "%s: dataset %s: neither quern nor this HDF5 library can decode %s",
			    r->file, r->path, advice);
}

static enum quern_status read_elements(const struct reader *r, hid_t memory, hid_t space, size_t n,
				       void *out, struct quern_message *err)
{
	if (H5Dread(r->dset, r->read_type, memory, space, H5P_DEFAULT, out) < 0 ||
	    H5Tconvert(r->read_type, r->memory_type, n, out, NULL, H5P_DEFAULT) < 0)
		return read_failed(r, err);
	return QUERN_OK;
}

/* Selects the box in the file, and as many elements in memory. */
static enum quern_status read_box(const struct reader *r, const hsize_t *start,
				  const hsize_t *count, size_t n, void *out,
				  struct quern_message *err)
{
	hid_t space = H5Dget_space(r->dset), memory = -1;
	enum quern_status status;

	if (space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
		memory = H5Screate_simple(r->ndim, count, NULL);
	status = memory < 0 ? read_failed(r, err) : read_elements(r, memory, space, n, out, err);
	qn_h5_close(memory);
	qn_h5_close(space);
	return status;
}

enum quern_status qn_hdf5_reader_read(void *reader, const struct quern_box *box, void *out,
				      struct quern_message *err)
{
	const struct reader *r = reader;
	hsize_t start[QUERN_MAX_DIMS], count[QUERN_MAX_DIMS];
	struct qn_h5_caller caller;
	enum quern_status status;
	size_t n = 1;

	for (int i = 0; i < r->ndim; i++) {
		start[i] = box->start[i];
		count[i] = box->count[i];
		n *= count[i];
		if (count[i] == 0)
			return QUERN_OK;
	}
	qn_h5_enter(&caller);
	if (!r->scalar)
		status = read_box(r, start, count, n, out, err);
	else
		status = read_elements(r, H5S_ALL, H5S_ALL, n, out, err);
	qn_h5_leave(&caller);
	return status;
}

void qn_hdf5_reader_close(void *reader)
{
	struct qn_h5_caller caller;

	if (!reader)
		return;
	qn_h5_enter(&caller);
	reader_free(reader);
	qn_h5_leave(&caller);
}
