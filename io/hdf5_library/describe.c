/*
 * describe.c - the description of a dataset: what the library knows of it, and its chunk index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "io/hdf5_library/attr.h"
#include "io/hdf5_format/contiguous.h"
#include "io/hdf5_library/extent.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_format/index.h"
#include "io/hdf5_library/list.h"
#include "io/hdf5_library/member.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_format/raw.h"
#include "io/hdf5_library/sources.h"
#include "io/hdf5_library/type.h"
#include "io/hdf5_library/versions.h"

/* What is open while a dataset is described. */
struct subject {
	struct qn_dataset *d;
	const struct quern_box *part; /* of which chunks are to be listed; NULL: all */
	struct quern_message *err;
	int fd;
	hid_t file, dset, dcpl, type;
	unsigned addr_nbytes;
	struct qn_h5_leaf leaf;	  /* of the type, the numbers that are meant */
	struct qn_type leaf_type; /* what they are */
	uint64_t max_shape[QUERN_MAX_DIMS];
	bool raw_edges;
	bool is_growing; /* a writer has the file open */
};

#define MOST_SNAPSHOTS 300 /* of a growing file, which take a second or two */

static enum quern_status fail(const struct subject *s, const char *doing)
{
	return qn_h5_fail(s->err, s->d->file, s->d->path, doing);
}

/* The first reason stays. One whose elements are in other files has none as long as it could be read
   from these by address. */
static void not_native(struct qn_dataset *d, const char *why)
{
	if (!d->why_not_native[0])
		snprintf(d->why_not_native, sizeof(d->why_not_native), "%s", why);
	d->native = false;
}

static enum quern_status set_names(const char *file, const char *path, const char *column,
				   struct qn_dataset *d, struct quern_message *err)
{
	d->file = qn_strdup(file);
	if (column && strlen(column) >= sizeof(d->column))
		return qn_error_set(err, QUERN_ERR_USAGE, "--column: a name of more than %zu bytes",
				    sizeof(d->column) - 1);
	snprintf(d->column, sizeof(d->column), "%s", column ? column : "");
	if (path[0] == '/')
		d->path = qn_strdup(path);
	else if (qn_asprintf(&d->path, "/%s", path) < 0)
		d->path = NULL;
	if (!d->file || !d->path)
		return qn_error_nomem(err, strlen(file) + strlen(path), "the name of a dataset");
	return QUERN_OK;
}

static enum quern_status find_leaf(struct subject *s)
{
	enum quern_status status;
	char *what;

	if (qn_asprintf(&what, "%s: dataset %s", s->d->file, s->d->path) < 0)
		return qn_error_nomem(s->err, strlen(s->d->file), "the name of a dataset");
	status = qn_h5_leaf_find(s->type, qn_dataset_column(s->d), s->addr_nbytes, what, &s->leaf,
				 s->err);
	free(what);
	return status;
}

/* Are the elements in records: members of a compound, or arrays, or of a size that is not the
   numbers' that the library makes of them? */
static bool has_records(const struct subject *s)
{
	return s->leaf_type.class != QN_OTHER && (s->d->column[0] || s->leaf.ndim > 0 ||
						  s->leaf_type.size != H5Tget_size(s->leaf.type));
}

/* Until the chunks are known the elements are what the file calls so: narrow() does the rest. */
static enum quern_status describe_type(struct subject *s)
{
	struct qn_dataset *d = s->d;
	bool plain = true, whole;
	enum quern_status status;

	s->type = H5Dget_type(s->dset);
	if (s->type < 0 || !qn_h5_type_describe(s->type, &d->type, &whole))
		return fail(s, "its datatype cannot be read");
	status = find_leaf(s);
	if (status != QUERN_OK)
		return status;
	if (!qn_h5_type_describe(s->leaf.type, &s->leaf_type, &plain))
		return fail(s, "its datatype cannot be read");
	if (!plain)
		not_native(d, s->leaf_type.class == QN_TEXT
				      ? "strings of variable length"
				      : "its numbers do not use all of their bits");
	if (has_records(s) || s->leaf_type.class == QN_OTHER) {
		uint64_t size = qn_h5_stored_size(s->type, s->addr_nbytes);

		d->type = (struct qn_type){ .class = QN_OTHER,
					    .size = (uint32_t)qn_min_u64(size, UINT32_MAX) };
		snprintf(d->type.name, sizeof(d->type.name), "%s", s->leaf_type.name);
	}
	if (s->leaf_type.class == QN_OTHER && !d->column[0] &&
	    H5Tget_class(s->leaf.type) == H5T_COMPOUND &&
	    !qn_h5_members_list(s->type, s->addr_nbytes, d))
		return qn_error_nomem(s->err, d->nmembers * sizeof(*d->members), "its members");
	return QUERN_OK;
}

/* A scalar has one element, a null dataspace none. */
static enum quern_status describe_space(struct subject *s)
{
	struct qn_dataset *d = s->d;
	hid_t space = H5Dget_space(s->dset);
	H5S_class_t class = space < 0 ? H5S_NO_CLASS : H5Sget_simple_extent_type(space);
	hsize_t shape[H5S_MAX_RANK], most[H5S_MAX_RANK];
	enum quern_status status = QUERN_OK;

	d->ndim = 1;
	d->scalar = class == H5S_SCALAR;
	d->is_null = class == H5S_NULL;
	d->shape[0] = s->max_shape[0] = class == H5S_SCALAR;
	if (class == H5S_SIMPLE) {
		d->ndim = H5Sget_simple_extent_dims(space, shape, most);
		for (int i = 0; i < d->ndim; i++) {
			d->shape[i] = shape[i];
			s->max_shape[i] = most[i];
		}
	}
	if (class == H5S_NO_CLASS || d->ndim < 1)
		status = fail(s, "its dataspace cannot be read");
	qn_h5_close(space);
	return status;
}

static enum quern_status describe_filter(struct subject *s, unsigned i)
{
	struct qn_filter_step *step = &s->d->filter[i];
	char why[sizeof(s->d->why_not_native)];
	unsigned flags, config;
	const struct qn_filter_name *known;
	size_t nparams = QN_MAX_FILTER_PARAMS;
	H5Z_filter_t id = H5Pget_filter2(s->dcpl, i, &flags, &nparams, step->params,
					 sizeof(step->name), step->name, &config);

	if (id < 0)
		return fail(s, "its filter pipeline cannot be read");
	step->name[sizeof(step->name) - 1] = '\0';
	step->id = (uint32_t)id;
	known = qn_filter_name_find(step->id);
	if (known) /* what the file has is a sentence with some, cut short */
		snprintf(step->name, sizeof(step->name), "%s", known->name);
	step->nparams = (uint32_t)qn_min_u64(nparams, QN_MAX_FILTER_PARAMS);
	if (!qn_filter_is_native(step)) {
		snprintf(why, sizeof(why), "filter %u (%s)", (unsigned)step->id,
			 step->name[0] ? step->name : "not registered");
		not_native(s->d, why);
	}
	return QUERN_OK;
}

static enum quern_status describe_filters(struct subject *s)
{
	int n = H5Pget_nfilters(s->dcpl);
	enum quern_status status = QUERN_OK;

	if (n < 0 || n > QN_MAX_FILTERS)
		return fail(s, "its filter pipeline cannot be read");
	s->d->nfilters = n;
	for (int i = 0; i < n && status == QUERN_OK; i++)
		status = describe_filter(s, (unsigned)i);
	return status;
}

static enum quern_status describe_chunks(struct subject *s)
{
	hsize_t chunk[H5S_MAX_RANK];
	unsigned options = 0;

	if (H5Pget_chunk(s->dcpl, H5S_MAX_RANK, chunk) != s->d->ndim)
		return fail(s, "its chunks cannot be read");
	for (int i = 0; i < s->d->ndim; i++)
		s->d->chunk[i] = chunk[i];
	if (H5Pget_chunk_opts(s->dcpl, &options) >= 0)
		s->raw_edges = options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
	return describe_filters(s);
}

static enum quern_status describe_layout(struct subject *s)
{
	struct qn_dataset *d = s->d;

	switch (H5Pget_layout(s->dcpl)) {
	case H5D_COMPACT:
		d->layout = QN_COMPACT;
		break;
	case H5D_CONTIGUOUS:
		d->layout = H5Pget_external_count(s->dcpl) > 0 ? QN_EXTERNAL : QN_CONTIGUOUS;
		break;
	case H5D_CHUNKED:
		d->layout = QN_CHUNKED;
		return describe_chunks(s);
	case H5D_VIRTUAL:
		d->layout = QN_VIRTUAL;
		break;
	default:
		return fail(s, "its layout cannot be read");
	}
	/* Not from this file; whether from others is for their sources to tell. */
	if (d->layout == QN_EXTERNAL || d->layout == QN_VIRTUAL)
		not_native(d, "");
	qn_h5_runs_shape(d, d->layout == QN_COMPACT);
	return QUERN_OK;
}

/* Larger records are no records of fill values. */
#define MAX_FILL_NBYTES (64u << 20)

static bool all_equal(const uint8_t *p, size_t nbytes, size_t size)
{
	return nbytes <= size || memcmp(p, p + size, nbytes - size) == 0;
}

/* One value for all elements of a record: the rare arrays that have several go through the library,
   and so do numbers that it converts. */
static enum quern_status read_fill(struct subject *s, hid_t type)
{
	const size_t nbytes = H5Tget_size(type), size = s->leaf_type.size;
	enum quern_status status = QUERN_OK;
	uint8_t *p;

	/* Converted by the library, which knows it. */
	if (size != H5Tget_size(s->leaf.type))
		return QUERN_OK;

	if (nbytes == 0 || nbytes > MAX_FILL_NBYTES) {
		not_native(s->d, "the size of its fill value");
		return QUERN_OK;
	}
	p = qn_malloc(nbytes);
	if (!p)
		return qn_error_nomem(s->err, nbytes, "a fill value");
	if (H5Pget_fill_value(s->dcpl, type, p) < 0)
		status = fail(s, "its fill value cannot be read");
	else if (s->leaf_type.class == QN_TEXT && (*p || !all_equal(p, nbytes, 1)))
		not_native(s->d, "a fill value that is a text");
	else if (s->leaf_type.class != QN_TEXT && all_equal(p, nbytes, size))
		memcpy(s->d->fill_value, p, size);
	else if (s->leaf_type.class == QN_TEXT)
		memset(s->d->fill_value, 0, sizeof(s->d->fill_value));
	else
		not_native(s->d, "a fill value for each element of its arrays");
	free(p);
	return status;
}

/* In the type of the file, so without a conversion. Where none is defined the library gives zeros. */
static enum quern_status describe_fill(struct subject *s)
{
	H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
	hid_t type;
	enum quern_status status;

	if (s->leaf_type.class == QN_OTHER || H5Pfill_value_defined(s->dcpl, &defined) < 0 ||
	    defined == H5D_FILL_VALUE_UNDEFINED)
		return QUERN_OK;
	type = qn_h5_member_type(s->type, qn_dataset_column(s->d), s->leaf.type);
	status = type < 0 ? fail(s, "its fill value cannot be read") : read_fill(s, type);
	qn_h5_close(type);
	return status;
}

/* Texts of variable length take much more room than their places in the file. */
static enum quern_status check_texts(const struct subject *s)
{
	const struct qn_dataset *d = s->d;
	uint64_t inner = d->type.size, n = 0;

	for (int i = 0; i < s->leaf.ndim; i++)
		if (!qn_mul(inner, s->leaf.shape[i], &inner))
			inner = UINT64_MAX;
	if (d->type.class != QN_TEXT ||
	    (inner <= QN_TEXT_BOX_NBYTES && qn_product(d->chunk, d->ndim, &n) &&
	     n <= UINT32_MAX / d->type.size))
		return QUERN_OK;
	return qn_error_set(s->err, QUERN_ERR_DATA,
			    "%s: dataset %s: a chunk or an array of it has more texts than quern "
			    "takes (%u in an array, %u in a chunk); rewrite it in smaller chunks "
			    "with h5repack -l",
			    d->file, d->path, QN_TEXT_BOX_NBYTES / d->type.size,
			    UINT32_MAX / d->type.size);
}

/*
 * From the elements of the file to the numbers in them, whose dimensions join those of the dataset.
 * The chunks stay what they were: none is cut along these dimensions.
 */
static enum quern_status narrow(struct subject *s)
{
	struct qn_dataset *d = s->d;
	const struct qn_h5_leaf *leaf = &s->leaf;

	if (!has_records(s))
		return QUERN_OK;
	if (d->scalar && leaf->ndim > 0) {
		d->scalar = false;
		d->ndim = 0;
	}
	if (leaf->ndim > QUERN_MAX_DIMS - d->ndim)
		return qn_error_set(s->err, QUERN_ERR_DATA,
				    "%s: dataset %s: it has %d dimensions with those of its array "
				    "datatype; quern takes up to %d",
				    d->file, d->path, d->ndim + leaf->ndim, QUERN_MAX_DIMS);
	for (int i = 0; i < leaf->ndim; i++) {
		d->shape[d->ndim + i] = d->chunk[d->ndim + i] = leaf->shape[i];
		d->record.stride[i] = leaf->stride[i];
	}
	d->ndim += leaf->ndim;
	d->record.ndim = leaf->ndim;
	d->record.nbytes = d->type.size;
	d->record.offset = (uint32_t)qn_min_u64(leaf->offset, UINT32_MAX);
	d->type = s->leaf_type;
	if (qn_h5_stored_size(s->type, s->addr_nbytes) != d->record.nbytes)
		not_native(d, "the size of its records");
	return check_texts(s);
}

static enum quern_status describe_file(struct subject *s, const struct stat *st)
{
	hid_t fcpl = H5Fget_create_plist(s->file);
	hsize_t user_block = 0;
	size_t addr_nbytes = 0, length_nbytes;
	enum quern_status status = QUERN_OK;

	if (fcpl < 0 || H5Pget_userblock(fcpl, &user_block) < 0 ||
	    H5Pget_sizes(fcpl, &addr_nbytes, &length_nbytes) < 0)
		status = fail(s, "the properties of the file cannot be read");
	qn_h5_close(fcpl);
	s->addr_nbytes = (unsigned)addr_nbytes;
	s->d->user_block = user_block;
	s->d->file_nbytes = (uint64_t)st->st_size;
	s->d->file_mtime_ns = s->is_growing ? QN_GROWING
					    : (int64_t)st->st_mtim.tv_sec * 1000000000 +
						      st->st_mtim.tv_nsec;
	return status;
}

/* The number of the file that holds an object, and the address of its header relative to the end
   of the user block. */
static bool where(hid_t object, unsigned long *file, haddr_t *header)
{
	qn_h5_object_info info;

	if (qn_h5_get_info(object, &info) < 0)
		return false;
	*header = qn_h5_object_addr(object, &info);
	if (*header == HADDR_UNDEF)
		return false;
	*file = info.fileno;
	return true;
}

static enum quern_status read_chunked(struct subject *s, struct qn_h5_raw *raw,
				      const struct qn_h5_layout *layout)
{
	char why[sizeof(s->d->why_not_native)];

	if (!layout->is_known) {
		snprintf(why, sizeof(why), "layout message of version %u", layout->version);
		not_native(s->d, why);
		return QUERN_OK;
	}
	return qn_h5_index_read(raw, layout, s->max_shape, s->raw_edges, s->part, s->d);
}

static enum quern_status read_whole(struct subject *s, const struct qn_h5_raw *raw,
				    const struct qn_h5_layout *layout)
{
	struct qn_dataset *d = s->d;
	uint64_t nbytes = 0;

	if (!layout->is_known || (layout->version < 3 && layout->class == QN_COMPACT)) {
		not_native(d, "layout message of an unusual version");
		return QUERN_OK;
	}
	if (layout->class != d->layout)
		return qn_h5_damaged(raw, raw->base, "the layout message is of another dataset");
	if (layout->data_addr == QN_ADDR_NONE || qn_dataset_nelems(d) == 0)
		return QUERN_OK;
	if (layout->version >= 3 &&
	    (!qn_mul(qn_dataset_nelems(d), d->type.size, &nbytes) || nbytes > layout->data_nbytes))
		return qn_h5_damaged(raw, layout->data_addr, "less is stored than the dataset has");
	return qn_h5_runs_list(d, layout->data_addr, s->err);
}

/* With a cache image, headers and indexes are in it and not where their addresses say. */
static bool has_cache_image(hid_t file)
{
	haddr_t addr = HADDR_UNDEF;
	hsize_t nbytes = 0;

	return H5Fget_mdc_image_info(file, &addr, &nbytes) >= 0 && addr != HADDR_UNDEF;
}

/* Sets *header to the absolute offset of the dataset's object header, or to QN_ADDR_NONE when only
   the library can find the data. */
static enum quern_status find_header(struct subject *s, uint64_t base, uint64_t *out)
{
	struct qn_dataset *d = s->d;
	haddr_t header, root_header;
	unsigned long file, root_file;

	if (!where(s->dset, &file, &header) || !where(s->file, &root_file, &root_header))
		return fail(s, "its place in the file cannot be read");
	*out = QN_ADDR_NONE;
	if (file != root_file)
		not_native(d, "it is in another file, by an external link");
	else if (has_cache_image(s->file))
		not_native(d, "the file has a metadata cache image");
	else if (qn_h5_is_family(s->file))
		not_native(d, "a family of files");
	else if (d->layout != QN_VIRTUAL && d->layout != QN_EXTERNAL && !qn_add(base, header, out))
		*out = QN_ADDR_NONE - 1; /* beyond any file: refused when it is read */
	return QUERN_OK;
}

/* Of references and of what is stored elsewhere, such as strings of variable length, the library
   tells the size in memory, which is not that in the file. */
static void correct_size(struct qn_dataset *d, const struct qn_h5_layout *layout)
{
	uint64_t nelems = qn_dataset_nelems(d), size = 0;

	if (d->type.class != QN_OTHER || !layout->is_known || layout->class != d->layout)
		return;
	if (layout->class == QN_CHUNKED)
		size = layout->dim[layout->ndims - 1];
	else if (layout->version >= 3 && nelems > 0 && layout->data_nbytes % nelems == 0)
		size = layout->data_nbytes / nelems;
	if (size > 0 && size <= UINT32_MAX)
		d->type.size = (uint32_t)size;
}

/* Of a growing file the index was read last, and chunks are written before they are in it: it is as
   long as all of them need. */
static enum quern_status look_again(struct subject *s)
{
	struct stat st;

	if (qn_sys_fstat(s->fd, &st))
		return fail(s, "its size cannot be read");
	s->d->file_nbytes = (uint64_t)st.st_size;
	return QUERN_OK;
}

static enum quern_status read_index(struct subject *s)
{
	struct qn_dataset *d = s->d;
	struct qn_h5_raw raw;
	struct qn_h5_layout layout;
	uint64_t header = QN_ADDR_NONE;
	enum quern_status status;

	status = qn_h5_raw_init(&raw, d->file, d->path, s->fd, d->file_nbytes, s->err);
	if (status == QUERN_OK)
		status = find_header(s, raw.base, &header);
	if (status != QUERN_OK || header == QN_ADDR_NONE)
		return status;
	d->user_block = raw.base;
	status = qn_h5_layout_read(&raw, header, &layout);
	if (status != QUERN_OK)
		return status;
	correct_size(d, &layout);
	raw.is_growing = s->is_growing;
	status = d->layout == QN_CHUNKED ? read_chunked(s, &raw, &layout)
					 : read_whole(s, &raw, &layout);
	return status == QUERN_OK && s->is_growing ? look_again(s) : status;
}

/* Headers may be elsewhere than their addresses say. Of a dataset in another file, by an external link,
   the scales are there too. */
static enum quern_status describe_extent(struct subject *s)
{
	struct quern_message ignored = { .status = QUERN_OK };
	struct qn_h5_window window = { .n = 0 };
	unsigned long number = 0, root_number = 1;
	hid_t file = H5Iget_file_id(s->dset);
	haddr_t header, root_header;
	struct qn_h5_raw raw;
	bool plain = where(s->dset, &number, &header) &&
		     where(s->file, &root_number, &root_header) && number == root_number &&
		     !has_cache_image(file) && !qn_h5_is_family(file) &&
		     qn_h5_raw_init(&raw, s->d->file, s->d->path, s->fd, s->d->file_nbytes,
				    &ignored) == QUERN_OK;
	bool ok;

	raw.window = &window;
	ok = file < 0 || qn_h5_extent_describe(file, plain ? &raw : NULL, s->max_shape, s->d);
	qn_h5_close(file);
	return ok ? QUERN_OK : qn_error_nomem(s->err, 0, "the groups of a file");
}

static enum quern_status describe_all(struct subject *s, const struct stat *st, bool with_index)
{
	struct qn_dataset *d = s->d;
	enum quern_status status;

	d->native = true;
	if ((status = describe_file(s, st)) != QUERN_OK ||
	    (status = qn_h5_sources_check(s->dset, d->file, d->path, false, s->err)) != QUERN_OK ||
	    (status = describe_type(s)) != QUERN_OK || (status = describe_space(s)) != QUERN_OK ||
	    (status = describe_layout(s)) != QUERN_OK || (status = describe_fill(s)) != QUERN_OK)
		return status;
	/* The index relies on products of these not to overflow. */
	status = qn_dataset_check(d, s->err);
	if (status == QUERN_OK && with_index)
		status = read_index(s);
	if (status != QUERN_OK)
		return status;
	if (!qn_h5_dims_describe(s->dset, d))
		return qn_error_nomem(s->err, 0, "the names of dimensions");
	status = describe_extent(s);
	if (status == QUERN_OK)
		status = narrow(s);
	/* The attributes of a compound are not those of one of its members. */
	if (status == QUERN_OK && !d->column[0])
		qn_h5_words_describe(s->dset, d);
	if (status == QUERN_OK)
		qn_h5_cf_describe(s->dset, d);
	/* One that is left out would give other numbers. */
	for (int i = 0; status == QUERN_OK && i < QN_NATTRIBUTES; i++)
		if (d->fault[i] == QN_FAULT_NO_MEMORY)
			status = qn_error_nomem(s->err, 0, "an attribute");
	return status;
}

static enum quern_status describe_opened(struct subject *s, const struct stat *st, bool with_index)
{
	struct qn_dataset *d = s->d;
	enum quern_status status;

	status = qn_h5_open_file(d->file, &s->file, s->err);
	if (status == QUERN_OK)
		status = qn_h5_open_dataset(s->file, d->file, d->path, &s->dset, s->err);
	if (status == QUERN_OK) {
		s->dcpl = H5Dget_create_plist(s->dset);
		status = s->dcpl < 0 ? fail(s, "its properties cannot be read")
				     : describe_all(s, st, with_index);
	}
	qn_h5_leaf_fini(&s->leaf);
	qn_h5_close(s->type);
	qn_h5_close(s->dcpl);
	qn_h5_close(s->dset);
	qn_h5_close(s->file);
	return status;
}

enum quern_status qn_hdf5_describe(const char *file, const char *path, const char *column,
				   bool with_index, struct qn_dataset *out,
				   struct quern_message *err)
{
	return qn_hdf5_describe_part(file, path, column, with_index, NULL, out, err);
}

static enum quern_status describe_once(const char *file, const char *path, const char *column,
				       bool with_index, const struct quern_box *part,
				       bool *is_growing, struct qn_dataset *out,
				       struct quern_message *err)
{
	struct qn_dataset d;
	struct subject s = { .d = &d,
			     .part = part,
			     .err = err,
			     .fd = -1,
			     .file = -1,
			     .dset = -1,
			     .dcpl = -1,
			     .type = -1,
			     .leaf = { .type = -1 } };
	struct qn_h5_caller caller;
	struct stat st;
	enum quern_status status;

	memset(&d, 0, sizeof(d));
	status = set_names(file, path, column, &d, err);
	if (status == QUERN_OK)
		status = qn_h5_open_signed(file, &s.fd, &st, err);
	if (status == QUERN_OK) {
		s.is_growing = *is_growing = qn_h5_is_growing(s.fd);
		qn_h5_enter(&caller);
		status = describe_opened(&s, &st, with_index);
		qn_h5_leave(&caller);
		qn_sys_close(s.fd);
	}
	if (status == QUERN_OK)
		*out = d;
	else
		qn_dataset_fini(&d);
	return status;
}

/* While a writer is at it, what refers to each other may be read from before and after a flush, which
   checksums tell: it is read anew, unless it has no such dataset, which no flush changes. */
enum quern_status qn_hdf5_describe_part(const char *file, const char *path, const char *column,
					bool with_index, const struct quern_box *part,
					struct qn_dataset *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	bool is_growing = false;
	enum quern_status status;

	for (int n = 1;; n++) {
		why = (struct quern_message){ .status = QUERN_OK };
		status =
			describe_once(file, path, column, with_index, part, &is_growing, out, &why);
		if ((status != QUERN_ERR_DATA && why.reason != QN_HELD) ||
		    why.reason == QN_NO_DATASET || !is_growing || n == MOST_SNAPSHOTS)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = n % 10 * 300000 }, NULL);
	}
	return status == QUERN_OK ? status : qn_error_pass(err, status, &why);
}
