/*
 * hdf5_child_read.c - elements through the library, by a child process for each reader.
 *
 * The child has the file open, waits for boxes, and reads each into memory that it shares with the
 * parent, which is as large as a chunk (of text, as what is read at once). What is in it then is values: any are good.
 */
#include "hdf5_child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "child.h"
#include "hdf5_file.h"
#include "hdf5_format.h"

#define MEMORY_NBYTES (UINT64_C(3) << 29)
#define CPU_SECONDS   8
#define WALL_SECONDS  60 /* data may be on a tape */

struct reader {
	const struct qn_dataset *d; /* borrows, while it is opened */
	struct qn_child child;
	struct qn_child_limits limits;
	struct qn_h5_caller caller;
	uint64_t shared_nbytes;
	uint8_t *shared;
	uint32_t elem_nbytes;
};

/* The slowest decoders make 8 MB a second, and the slowest storage 1. The library keeps chunks in
   the making beside those it has made. */
static struct qn_child_limits limits_for(uint64_t chunk_nbytes)
{
	return (struct qn_child_limits){
		.memory_nbytes = MEMORY_NBYTES + 4 * chunk_nbytes,
		.cpu_seconds = CPU_SECONDS + (unsigned)(chunk_nbytes >> 23),
		.wall_seconds = WALL_SECONDS + (unsigned)(chunk_nbytes >> 20),
	};
}

/* A plugin is a program of its own: none is loaded for a dataset that can do without. The filters of
   the sources of a virtual dataset are not known yet. */
static void allow_plugins(const struct qn_dataset *d)
{
	bool needed = d->layout == QN_VIRTUAL;

	H5PLset_loading_state(0);
	for (int i = 0; i < d->nfilters; i++)
		needed |= H5Zfilter_avail((H5Z_filter_t)d->filter[i].id) <= 0;
	if (needed)
		H5PLset_loading_state(H5PL_ALL_PLUGIN);
}

static void answer_boxes(void *ctx, int fd)
{
	struct reader *r = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct quern_box box;
	void *inner = NULL;
	enum quern_status status;

	allow_plugins(r->d);
	qn_h5_leave(&r->caller);
	status = qn_hdf5_reader_open(r->d, &inner, &err);
	while (qn_child_tell_verdict(fd, status, &err) && inner &&
	       qn_child_hear(fd, &box, sizeof box)) {
		qn_child_renew(r->limits.cpu_seconds);
		err = (struct quern_message){ .status = QUERN_OK };
		status = qn_hdf5_reader_read(inner, &box, r->shared, &err);
	}
}

static enum quern_status start(struct reader *r, struct quern_message *err)
{
	enum quern_status status;
	char *subject;

	if (asprintf(&subject, "%s: dataset %s", r->d->file, r->d->path) < 0)
		return qn_error_nomem(err, strlen(r->d->file), "a reader");
	qn_h5_enter(&r->caller);
	status = qn_child_start(&r->child, subject, &r->limits, answer_boxes, r, err);
	qn_h5_leave(&r->caller);
	free(subject);
	return status == QUERN_OK ? qn_child_get_verdict(&r->child, err) : status;
}

enum quern_status qn_hdf5_child_open(const struct qn_dataset *d, void **reader,
				     struct quern_message *err)
{
	struct reader *r = qn_calloc(1, sizeof *r);
	enum quern_status status;

	if (!r)
		return qn_error_nomem(err, sizeof *r, "a reader");
	r->d = d;
	r->elem_nbytes = d->type.size;
	r->shared_nbytes = qn_dataset_chunk_nelems(d) * d->type.size;
	if (d->type.class == QN_TEXT)
		r->shared_nbytes = qn_min_u64(r->shared_nbytes, QN_TEXT_BOX_NBYTES);
	r->limits = limits_for(r->shared_nbytes);
	r->shared = mmap(NULL, r->shared_nbytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->shared == MAP_FAILED) {
		r->shared = NULL;
		status = qn_error_nomem(err, r->shared_nbytes, "a chunk");
	} else {
		status = start(r, err);
	}
	if (status == QUERN_OK)
		*reader = r;
	else
		qn_hdf5_child_close(r);
	return status;
}

enum quern_status qn_hdf5_child_read(void *reader, const struct quern_box *box, void *out,
				     struct quern_message *err)
{
	struct reader *r = reader;
	uint64_t nbytes = r->elem_nbytes;
	enum quern_status status;

	for (int i = 0; i < box->ndim; i++)
		if (!qn_mul(nbytes, box->count[i], &nbytes))
			nbytes = UINT64_MAX;
	if (nbytes > r->shared_nbytes)
		return qn_error_set(err, QUERN_ERR_RUN, "%s: more than a chunk is to be read",
				    r->child.subject);
	status = qn_child_ask(&r->child, box, sizeof *box, err);
	if (status == QUERN_OK)
		status = qn_child_get_verdict(&r->child, err);
	if (status == QUERN_OK)
		memcpy(out, r->shared, nbytes);
	return status;
}

void qn_hdf5_child_close(void *reader)
{
	struct reader *r = reader;

	if (!r)
		return;
	qn_child_end(&r->child);
	if (r->shared)
		munmap(r->shared, r->shared_nbytes);
	free(r);
}
