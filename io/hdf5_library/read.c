/*
 * read.c - elements through the library, for what cannot be read by address.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_library/member.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_library/sources.h"
#include "io/hdf5_library/type.h"
#include "io/hdf5_library/versions.h"

struct reader {
	char *file, *path, *column; /* owned, for messages */
	hid_t file_id, dset;
	hid_t number, memory_type; /* see set_types */
	hid_t read_type;	   /* numbers in the arrays that they are in */
	size_t text_nbytes;	   /* of strings of variable length, as the caller has them; or 0 */
	int ndim;		   /* of the dataspace; 0: a scalar */
	size_t nnumbers;	   /* in what the file calls an element */
};

static void reader_free(struct reader *r)
{
	qn_h5_close(r->memory_type);
	qn_h5_close(r->number);
	qn_h5_close(r->read_type);
	qn_h5_close(r->dset);
	qn_h5_close(r->file_id);
	free(r->file);
	free(r->path);
	free(r->column);
	free(r);
}

/*
 * Elements are read as full numbers in the byte order of the file, and swapped after that: asked to
 * do both at once, the library swaps only, and negative numbers of 12 bits lose their signs.
 */
static bool set_number(struct reader *r, hid_t type)
{
	r->memory_type = qn_h5_type_native(type);
	r->number = r->memory_type < 0 ? -1 : H5Tcopy(r->memory_type);
	if (r->number >= 0 && H5Tget_class(type) == H5T_STRING)
		return true;
	return r->number >= 0 && H5Tset_order(r->number, H5Tget_order(type)) >= 0;
}

static bool set_types(struct reader *r, const struct qn_h5_leaf *leaf, hid_t type)
{
	size_t size;

	if (!set_number(r, leaf->type))
		return false;
	r->read_type = qn_h5_member_type(type, r->column, r->number);
	size = H5Tget_size(r->number);
	if (r->read_type < 0 || size == 0)
		return false;
	r->nnumbers = H5Tget_size(r->read_type) / size;
	return r->nnumbers > 0;
}

static enum quern_status find_types(struct reader *r, struct quern_message *err)
{
	hid_t type = H5Dget_type(r->dset);
	struct qn_h5_leaf leaf;
	enum quern_status status;

	if (type < 0)
		return qn_h5_fail(err, r->file, r->path, "its datatype cannot be read");
	/* Only the type is of interest, so the size of addresses does not matter. */
	status = qn_h5_leaf_find(type, r->column, sizeof(uint64_t), r->file, &leaf, err);
	if (status == QUERN_OK) {
		if (!set_types(r, &leaf, type))
			status = qn_h5_fail(err, r->file, r->path, "its datatype cannot be read");
		qn_h5_leaf_fini(&leaf);
	}
	qn_h5_close(type);
	return status;
}

static enum quern_status open_all(struct reader *r, const struct qn_dataset *d,
				  struct quern_message *err)
{
	uint64_t nnumbers = 0;

	enum quern_status status = qn_h5_open_file(r->file, &r->file_id, err);

	if (status == QUERN_OK)
		status = qn_h5_open_dataset(r->file_id, r->file, r->path, &r->dset, err);
	if (status == QUERN_OK)
		status = qn_h5_sources_check(r->dset, r->file, r->path, true, err);
	if (status == QUERN_OK)
		status = find_types(r, err);
	if (status != QUERN_OK)
		return status;
	qn_product(d->shape + qn_dataset_outer_ndim(d), d->record.ndim, &nnumbers);
	if (H5Tget_class(r->number) == H5T_STRING && H5Tis_variable_str(r->number) > 0)
		r->text_nbytes = d->type.size;
	/* The caller's memory has room for elements of the size that was described. */
	if ((!r->text_nbytes && H5Tget_size(r->memory_type) != d->type.size) ||
	    r->nnumbers != nnumbers)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: has another datatype than before; is the file "
				    "being written?",
				    r->file, r->path);
	return QUERN_OK;
}

/* The usual reason, and one that a user can do something about: the first filter that nothing can decode;
   *at is its number in the pipeline. */
static bool find_missing_filter(hid_t dset, int *at, H5Z_filter_t *id, char *name, size_t nbytes)
{
	hid_t dcpl = H5Dget_create_plist(dset);
	int n = dcpl < 0 ? 0 : H5Pget_nfilters(dcpl);
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		unsigned flags, config;
		size_t nparams = 0;

		name[0] = 0;
		*at = i;
		*id = H5Pget_filter2(dcpl, (unsigned)i, &flags, &nparams, NULL, nbytes, name,
				     &config);
		found = *id >= 0 && H5Zfilter_avail(*id) <= 0;
	}
	qn_h5_close(dcpl);
	name[nbytes - 1] = 0;
	return found;
}

static enum quern_status no_filter(const struct reader *r, H5Z_filter_t id, const char *name,
				   struct quern_message *err)
{
	char advice[256];

	qn_filter_advice((uint32_t)id, name, sizeof(advice), advice);
	return qn_error_because(err, QUERN_ERR_DATA, QN_NO_FILTER,
				"%s: dataset %s: neither quern nor this HDF5 library can decode %s",
				r->file, r->path, advice);
}

/* Before any chunk is read. One that nobody has put through a filter can do without it. */
static enum quern_status check_filters(const struct reader *r, const struct qn_dataset *d,
				       struct quern_message *err)
{
	char name[64];
	H5Z_filter_t id;
	int at;

	if (!d->chunks || !d->nchunks ||
	    !find_missing_filter(r->dset, &at, &id, name, sizeof(name)))
		return QUERN_OK;
	for (uint64_t i = 0; i < d->nchunks; i++)
		if (!(d->chunks[i].filter_mask >> at & 1))
			return no_filter(r, id, name, err);
	return QUERN_OK;
}

static enum quern_status read_failed(const struct reader *r, struct quern_message *err)
{
	char name[64];
	H5Z_filter_t id;
	int at;

	if (!find_missing_filter(r->dset, &at, &id, name, sizeof(name)))
		return qn_h5_fail(err, r->file, r->path, "cannot be read through the HDF5 library");
	return no_filter(r, id, name, err);
}

enum quern_status qn_hdf5_reader_open(const struct qn_dataset *d, void **reader,
				      struct quern_message *err)
{
	struct reader *r = qn_calloc(1, sizeof(*r));
	struct qn_h5_caller caller;
	enum quern_status status;

	if (!r)
		return qn_error_nomem(err, sizeof(*r), "a reader");
	r->file_id = r->dset = r->read_type = r->number = r->memory_type = -1;
	r->ndim = d->scalar ? 0 : qn_dataset_outer_ndim(d);
	r->file = qn_strdup(d->file);
	r->path = qn_strdup(d->path);
	r->column = d->column[0] ? qn_strdup(d->column) : NULL;
	qn_h5_enter(&caller);
	status = r->file && r->path && (r->column || !d->column[0])
			 ? open_all(r, d, err)
			 : qn_error_nomem(err, strlen(d->file), "a reader");
	if (status == QUERN_OK)
		status = check_filters(r, d, err);
	if (status != QUERN_OK)
		reader_free(r);
	qn_h5_leave(&caller);
	if (status == QUERN_OK)
		*reader = r;
	return status;
}

/* The strings to places of the same length each. */
static enum quern_status place_texts(const struct reader *r, char *const *text, size_t n, char *out,
				     struct quern_message *err)
{
	for (size_t i = 0; i < n; i++, out += r->text_nbytes) {
		const size_t length = text[i] ? strlen(text[i]) : 0;

		if (length > r->text_nbytes)
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: dataset %s: a string of %zu bytes; of strings of "
					    "variable length quern takes those of up to %zu bytes",
					    r->file, r->path, length, r->text_nbytes);
		memcpy(out, text[i] ? text[i] : "", length);
		memset(out + length, 0, r->text_nbytes - length);
	}
	return QUERN_OK;
}

static void reclaim(hid_t type, hsize_t n, void *values)
{
	hid_t space = H5Screate_simple(1, &n, NULL);

	qn_h5_reclaim(type, space, H5P_DEFAULT, values);
	qn_h5_close(space);
}

static enum quern_status read_texts(const struct reader *r, hid_t memory, hid_t space, size_t n,
				    void *out, struct quern_message *err)
{
	const size_t ntexts = n * r->nnumbers;
	char **text = qn_calloc(ntexts, sizeof(*text));
	enum quern_status status;

	if (!text)
		return qn_error_nomem(err, ntexts * sizeof(*text), "strings");
	if (H5Dread(r->dset, r->read_type, memory, space, H5P_DEFAULT, text) < 0) {
		status = read_failed(r, err);
	} else {
		status = place_texts(r, text, ntexts, out, err);
		reclaim(r->read_type, n, text);
	}
	free(text);
	return status;
}

static enum quern_status read_elements(const struct reader *r, hid_t memory, hid_t space, size_t n,
				       void *out, struct quern_message *err)
{
	if (r->text_nbytes)
		return read_texts(r, memory, space, n, out, err);
	if (H5Dread(r->dset, r->read_type, memory, space, H5P_DEFAULT, out) < 0 ||
	    H5Tconvert(r->number, r->memory_type, n * r->nnumbers, out, NULL, H5P_DEFAULT) < 0)
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
	if (r->ndim > 0)
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
