#include "io/hdf5_library/list.h"
#include "io/hdf5_library/open.h"
#include "io/hdf5_library/sources.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/system.h"
#include "data/external.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_format/names.h"

#define OTHER_FILES 24 /* that a process has open besides the sources */

/* What is open while the sources are listed. */
struct subject {
	const char *file, *path; /* borrows */
	hid_t dcpl;
	int ndim;
	const uint64_t *shape;
	struct qn_sources *out;
	bool full; /* it has as many as can be told */
	struct quern_message *err;
};

static enum quern_status fail(const struct subject *s, const char *doing)
{
	return qn_h5_fail(s->err, s->file, s->path, doing);
}

static enum quern_status no_memory(const struct subject *s)
{
	return qn_error_nomem(s->err, s->out->n * sizeof(*s->out->origin), "a list of sources");
}

/* The first reason stays. */
static void leave_to_library(struct subject *s, const char *why)
{
	if (!s->out->why_not_native[0])
		snprintf(s->out->why_not_native, sizeof(s->out->why_not_native), "%s", why);
}

typedef ssize_t get_name(hid_t dcpl, size_t i, char *name, size_t nbytes);

static enum quern_status name_of(const struct subject *s, get_name *get, size_t i, char **out)
{
	ssize_t n = get(s->dcpl, i, NULL, 0);
	char *name;

	if (n < 0)
		return fail(s, "the name of a source cannot be read");
	name = qn_malloc((size_t)n + 1);
	if (!name)
		return qn_error_nomem(s->err, (size_t)n, "the name of a source");
	if (get(s->dcpl, i, name, (size_t)n + 1) != n || strlen(name) != (size_t)n) {
		free(name);
		return fail(s, "the name of a source cannot be read");
	}
	*out = name;
	return QUERN_OK;
}

/* A source that is not there is kept under its name, for messages. */
static enum quern_status keep_name(const struct subject *s, const char *name, struct qn_origin *out)
{
	free(out->file);
	out->file = qn_strdup(name);
	out->is_missing = true;
	return out->file ? QUERN_OK : no_memory(s);
}

/* One mapping, as the file has it. Names are owned. */
struct mapping {
	char *file, *path;
	struct qn_span to[QUERN_MAX_DIMS], from[QUERN_MAX_DIMS];
	int nto, ndim;	 /* dimensions; ndim, of the source, is 0 for all of it */
	bool none;	 /* nothing is mapped */
	bool has_blocks; /* the names have numbers in them */
};

static void whole_extent(const hsize_t *shape, int ndim, struct qn_span *span)
{
	for (int i = 0; i < ndim; i++)
		span[i] = (struct qn_span){ 0, 1, 1, shape[i] };
}

/* The selection of a dataspace, as far as it is one for native reading. all: see struct mapping. */
static bool read_selection(struct subject *s, hid_t space, struct qn_span *span, int *ndim,
			   bool *all, bool *none)
{
	hsize_t start[H5S_MAX_RANK], stride[H5S_MAX_RANK], count[H5S_MAX_RANK], block[H5S_MAX_RANK];
	H5S_sel_type type = H5Sget_select_type(space);

	*ndim = H5Sget_simple_extent_dims(space, count, NULL);
	*all = type == H5S_SEL_ALL;
	/* The extent of a source that was never opened is not known. */
	if (*ndim < 1 || *ndim > QUERN_MAX_DIMS)
		return *all;
	*none |= type == H5S_SEL_NONE;
	whole_extent(count, *ndim, span);
	if (type != H5S_SEL_HYPERSLABS)
		return type != H5S_SEL_ERROR &&
		       (type != H5S_SEL_POINTS ||
			(leave_to_library(s, "a virtual dataset that is mapped point by point"),
			 true));
	if (H5Sis_regular_hyperslab(space) <= 0) {
		leave_to_library(s, "a virtual dataset with an irregular mapping");
		return true;
	}
	if (H5Sget_regular_hyperslab(space, start, stride, count, block) < 0)
		return false;
	for (int i = 0; i < *ndim; i++) {
		span[i] = (struct qn_span){ start[i], stride[i], count[i], block[i] };
		*none |= count[i] == 0 || block[i] == 0;
	}
	return true;
}

static enum quern_status read_mapping(struct subject *s, size_t i, struct mapping *m)
{
	hid_t to = H5Pget_virtual_vspace(s->dcpl, i), from = H5Pget_virtual_srcspace(s->dcpl, i);
	enum quern_status status = QUERN_OK;
	bool all = false, ignored = false;

	*m = (struct mapping){ .none = false };
	if (to < 0 || from < 0 || !read_selection(s, to, m->to, &m->nto, &ignored, &m->none) ||
	    !read_selection(s, from, m->from, &m->ndim, &all, &m->none))
		status = fail(s, "what it is mapped to cannot be read");
	else if (m->nto != s->ndim)
		leave_to_library(s, "a virtual dataset of an array datatype");
	if (all)
		m->ndim = 0;
	qn_h5_close(to);
	qn_h5_close(from);
	if (status == QUERN_OK)
		status = name_of(s, H5Pget_virtual_filename, i, &m->file);
	if (status == QUERN_OK)
		status = name_of(s, H5Pget_virtual_dsetname, i, &m->path);
	if (status == QUERN_OK)
		m->has_blocks = qn_h5_has_block(m->file) || qn_h5_has_block(m->path);
	return status;
}

static void mapping_fini(struct mapping *m)
{
	free(m->file);
	free(m->path);
}

/* "x", "./x" and "//x" are /x. */
static char *absolute(const char *path)
{
	char *full;

	while (*path == '/' || !strncmp(path, "./", 2))
		path += *path == '/' ? 1 : 2;
	return qn_asprintf(&full, "/%s", path) < 0 ? NULL : full;
}

/* Of one that is not there, the name. */
static enum quern_status find_source(const struct subject *s, const char *name,
				     struct qn_origin *out)
{
	enum quern_status status = qn_h5_find_source(s->file, name, &out->file, s->err);

	return status != QUERN_OK || out->file[0] ? status : keep_name(s, name, out);
}

/* Finds the file of a source, and adds it. What the library reads is counted: its names matter, and
   what is mapped where does not. */
static enum quern_status add_source(struct subject *s, const struct mapping *m, const char *file,
				    const char *path)
{
	struct qn_span all[QUERN_MAX_DIMS];
	struct qn_origin new = { .ndim = m->ndim,
				 .to = (struct qn_span *)m->to,
				 .from = (struct qn_span *)m->from,
				 .path = absolute(path) };
	enum quern_status status = find_source(s, file, &new);

	if (s->out->why_not_native[0]) {
		for (int i = 0; i < s->ndim; i++)
			all[i] = (struct qn_span){ 0, 1, 1, s->shape[i] };
		new.to = all;
		new.ndim = 0;
	}
	s->full = s->out->n >= QN_MOST_SOURCES;
	if (status == QUERN_OK && !new.path)
		status = no_memory(s);
	else if (status == QUERN_OK && s->full)
		leave_to_library(s, "a virtual dataset with more than a million sources");
	else if (status == QUERN_OK && !qn_sources_add(s->out, &new))
		status = no_memory(s);
	free(new.file);
	free(new.path);
	return status;
}

/* The dimension without limits; -1: there is none. */
static int unlimited_dim(const struct mapping *m, int ndim)
{
	for (int i = 0; i < ndim; i++)
		if (m->to[i].count == QN_UNLIMITED || m->to[i].block == QN_UNLIMITED)
			return i;
	return -1;
}

/* A block of the dataset for each number in the names, as far as its extent goes. Without an extent
   it may be the first source that is lacking. */
static enum quern_status add_blocks(struct subject *s, const struct mapping *m, int dim)
{
	const struct qn_span *to = &m->to[dim];
	struct mapping block = *m;
	enum quern_status status = QUERN_OK;
	uint64_t end;

	if (to->count != QN_UNLIMITED) {
		leave_to_library(s, "a virtual dataset with numbered sources of no length");
		return QUERN_OK;
	}
	block.to[dim] = (struct qn_span){ to->start, to->block, 1, to->block };
	for (uint64_t i = 0; status == QUERN_OK && !s->full; i++) {
		char *file, *path;

		if (!qn_add(block.to[dim].start, to->block, &end) ||
		    (end > s->shape[dim] && (i || s->shape[dim])))
			break;
		file = qn_h5_block_name(m->file, i);
		path = qn_h5_block_name(m->path, i);
		status = file && path ? add_source(s, &block, file, path) : no_memory(s);
		free(file);
		free(path);
		if (!qn_add(block.to[dim].start, to->stride, &block.to[dim].start))
			break;
	}
	return status;
}

static enum quern_status add_mapping(struct subject *s, const struct mapping *m)
{
	int dim = unlimited_dim(m, s->ndim);
	char *file, *path;
	enum quern_status status;

	if (m->none || s->full)
		return QUERN_OK;
	if (m->has_blocks && dim >= 0)
		return add_blocks(s, m, dim);
	/* "%%" is one sign in any name. */
	file = qn_h5_block_name(m->file, 0);
	path = qn_h5_block_name(m->path, 0);
	status = file && path ? add_source(s, m, file, path) : no_memory(s);
	free(file);
	free(path);
	return status;
}

static enum quern_status list_mappings(struct subject *s)
{
	size_t n = 0;
	enum quern_status status = QUERN_OK;

	if (H5Pget_virtual_count(s->dcpl, &n) < 0)
		return fail(s, "what it is mapped to cannot be read");
	for (size_t i = 0; status == QUERN_OK && i < n; i++) {
		struct mapping m;

		status = read_mapping(s, i, &m);
		if (status == QUERN_OK)
			status = add_mapping(s, &m);
		mapping_fini(&m);
	}
	return status;
}

/* --- external files --- */

#define NAME_NBYTES 4096

static enum quern_status read_external(const struct subject *s, unsigned i, char *name,
				       struct qn_origin *out)
{
	off_t offset = 0;
	hsize_t nbytes = 0;
	enum quern_status status;

	if (H5Pget_external(s->dcpl, i, NAME_NBYTES, name, &offset, &nbytes) < 0 || offset < 0)
		return fail(s, "its external files cannot be read");
	name[NAME_NBYTES - 1] = '\0';
	*out = (struct qn_origin){ .path = "", .offset = (uint64_t)offset, .nbytes = nbytes };
	status = qn_h5_find_raw(s->file, name, &out->file, s->err);
	return status != QUERN_OK || out->file[0] ? status : keep_name(s, name, out);
}

static enum quern_status list_external(struct subject *s)
{
	int n = H5Pget_external_count(s->dcpl);
	enum quern_status status = n < 0 ? fail(s, "its external files cannot be read") : QUERN_OK;

	for (int i = 0; status == QUERN_OK && i < n; i++) {
		char name[NAME_NBYTES];
		struct qn_origin new = { .file = NULL };

		status = read_external(s, (unsigned)i, name, &new);
		if (status == QUERN_OK && !qn_sources_add(s->out, &new))
			status = no_memory(s);
		free(new.file);
	}
	return status;
}

enum quern_status qn_hdf5_sources(const struct qn_dataset *d, struct qn_sources *out,
				  struct quern_message *err)
{
	struct qn_sources list = { .ndim = d->ndim };
	struct subject s = { .file = d->file,
			     .path = d->path,
			     .ndim = d->ndim,
			     .dcpl = -1,
			     .shape = d->shape,
			     .out = &list,
			     .err = err };
	struct qn_h5_caller caller;
	hid_t file = -1, dset = -1;
	enum quern_status status;

	qn_h5_enter(&caller);
	status = qn_h5_open_file(d->file, &file, err);
	if (status == QUERN_OK)
		status = qn_h5_open_dataset(file, d->file, d->path, &dset, err);
	if (status == QUERN_OK) {
		s.dcpl = H5Dget_create_plist(dset);
		status = s.dcpl < 0		   ? fail(&s, "its properties cannot be read")
			 : d->layout == QN_VIRTUAL ? list_mappings(&s)
						   : list_external(&s);
	}
	qn_h5_close(s.dcpl);
	qn_h5_close(dset);
	qn_h5_close(file);
	qn_h5_leave(&caller);
	if (status == QUERN_OK)
		*out = list;
	else
		qn_sources_fini(&list);
	return status;
}

/* --- before the library opens any --- */

/* Looks at the files of a mapping: of numbered ones as long as there are any. */
static enum quern_status check_mapping(const struct subject *s, const struct mapping *m)
{
	bool more = true;
	enum quern_status status = QUERN_OK;

	for (uint64_t i = 0; status == QUERN_OK && more && i < QN_MOST_SOURCES; i++) {
		char *file = qn_h5_block_name(m->file, i), *found = NULL;

		status = file ? qn_h5_find_source(s->file, file, &found, s->err) : no_memory(s);
		more = status == QUERN_OK && found[0] && qn_h5_has_block(m->file);
		free(file);
		free(found);
	}
	return status;
}

static uint64_t most_open(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return r.rlim_cur > OTHER_FILES ? r.rlim_cur - OTHER_FILES : 1;
}

/* Of sources that the library cannot open because too many are open it makes fill values. To describe
   a dataset it opens those of which the extent depends, and no others: a shard of a catalog may be
   damaged, for there may be other copies of it. */
static enum quern_status check_mappings(struct subject *s, bool reading)
{
	uint64_t nheld = 0;
	size_t n = 0;
	enum quern_status status = QUERN_OK;

	if (H5Pget_virtual_count(s->dcpl, &n) < 0)
		return fail(s, "what it is mapped to cannot be read");
	for (size_t i = 0; status == QUERN_OK && i < n; i++) {
		struct mapping m;

		status = read_mapping(s, i, &m);
		if (status == QUERN_OK && (reading || unlimited_dim(&m, m.nto) >= 0)) {
			nheld++;
			status = check_mapping(s, &m);
		}
		mapping_fini(&m);
	}
	if (status == QUERN_OK && nheld > most_open())
		status = qn_error_set(s->err, QUERN_ERR_DATA,
				      "%s: dataset %s: the HDF5 library would "
				      "have to open more than %" PRIu64 " sources of it at once: "
				      "join it from several virtual datasets of fewer",
				      s->file, s->path, most_open());
	return status;
}

/* May the library read them? For a description it is enough that they can be found. */
static enum quern_status check_raw(const struct subject *s, const struct qn_sources *list)
{
	struct stat st;

	for (uint64_t i = 0; i < list->n; i++) {
		int fd = qn_external_open(s->file, s->path, list->origin[i].file, &st, s->err);

		if (fd < 0)
			return s->err->status;
		qn_sys_close(fd);
	}
	return QUERN_OK;
}

static enum quern_status check_external(struct subject *s, bool reading)
{
	struct qn_sources list = { .ndim = 0 };
	enum quern_status status;

	s->out = &list;
	status = list_external(s);
	if (status == QUERN_OK && reading)
		status = check_raw(s, &list);
	qn_sources_fini(&list);
	return status;
}

enum quern_status qn_h5_sources_check(hid_t dset, const char *file, const char *path, bool reading,
				      struct quern_message *err)
{
	struct qn_sources none = { .n = 0 };
	struct subject s = { .file = file, .path = path, .out = &none, .err = err };
	enum quern_status status = QUERN_OK;

	s.dcpl = H5Dget_create_plist(dset);
	if (s.dcpl < 0)
		return fail(&s, "its properties cannot be read");
	if (H5Pget_layout(s.dcpl) == H5D_VIRTUAL)
		status = check_mappings(&s, reading);
	else if (H5Pget_layout(s.dcpl) == H5D_CONTIGUOUS)
		status = check_external(&s, reading);
	qn_h5_close(s.dcpl);
	return status;
}
