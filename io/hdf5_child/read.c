/*
 * read.c - elements through the library, by a child process for each reader.
 *
 * The child has the file open, waits for boxes, and reads each into memory that it shares with the
 * parent, which is as large as a chunk (of text, as what is read at once). What is in it then is values:
 * any are good.
 *
 * A child that has died, or was waited for in vain, is replaced by another one, with memory and a socket
 * of its own, so that what the first may still say or write reaches nobody. Where the box may not be to
 * blame, because somebody has killed or stopped the child, the other one is asked for it again, once.
 * Questions have numbers, which answers repeat.
 */
#include "io/hdf5_child/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"
#include "io/sandbox/child.h"
#include "data/reading.h"
#include "io/hdf5_library/file.h"
#include "io/hdf5_library/ask.h"
#include "io/hdf5_child/errand.h"
#include "io/hdf5_child/grants.h"
#include "io/sandbox/memory.h"

#define MEMORY_NBYTES (UINT64_C(3) << 29)
#define CPU_SECONDS   8
#define WALL_SECONDS  60 /* data may be on a tape */

struct reader {
	const struct qn_dataset *d; /* keeps */
	struct qn_child child;
	uint64_t number; /* of the last question; 0: whether the dataset can be opened */
	struct qn_child_limits limits;
	struct qn_grants grants;
	uint64_t shared_nbytes;
	uint8_t *shared;
	int shared_fd; /* for a child that is not forked here; -1: none */
	uint32_t elem_nbytes;
};

struct question {
	uint64_t number;
	struct quern_box box;
};

/* The slowest decoders make 8 MB a second, and the slowest storage 1. The library keeps chunks in
   the making beside those it has made. */
static struct qn_child_limits limits_for(uint64_t chunk_nbytes)
{
	const unsigned given = qn_reading()->chunk_seconds;
	const unsigned cpu = CPU_SECONDS + (unsigned)(chunk_nbytes >> 23);

	return (struct qn_child_limits){
		.memory_nbytes = MEMORY_NBYTES + 4 * chunk_nbytes,
		.cpu_seconds = given > cpu ? given : cpu,
		.wall_seconds = given ? given : WALL_SECONDS + (unsigned)(chunk_nbytes >> 20),
		.option = "--chunk-timeout",
	};
}

/* A plugin is a program of its own: none is loaded for a dataset that can do without. The filters of
   the sources of a virtual dataset are not known yet. */
static void allow_plugins(const struct qn_dataset *d)
{
	bool needed = d->layout == QN_VIRTUAL;
	struct qn_h5_caller caller;

	qn_h5_enter(&caller);
	for (int i = 0; i < d->nfilters; i++)
		needed |= H5Zfilter_avail((H5Z_filter_t)d->filter[i].id) <= 0;
	if (needed)
		H5PLset_loading_state(H5PL_ALL_PLUGIN);
	qn_h5_leave(&caller);
}

static bool tell(int fd, uint64_t number, enum quern_status status, const struct quern_message *err)
{
	return qn_child_tell(fd, &number, sizeof(number)) && qn_child_tell_verdict(fd, status, err);
}

static void answer_boxes(void *ctx, int fd)
{
	struct reader *r = ctx;
	struct quern_message err = { .status = QUERN_OK };
	struct question q = { .number = 0 };
	void *inner = NULL;
	enum quern_status status;

	allow_plugins(r->d);
	status = qn_hdf5_reader_open(r->d, &inner, &err);
	while (tell(fd, q.number, status, &err) && inner && qn_child_hear(fd, &q, sizeof(q))) {
		qn_child_renew(r->limits.cpu_seconds);
		err = (struct quern_message){ .status = QUERN_OK };
		status = qn_hdf5_reader_read(inner, &q.box, r->shared, &err);
	}
}

static bool put_reader(const void *question, FILE *out)
{
	const struct reader *r = question;

	qn_put_number(out, r->limits.cpu_seconds);
	return qn_put_dataset(out, r->d);
}

static void *take_reader(struct qn_words *in, void *shared)
{
	struct reader *r = qn_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->shared = shared;
	r->limits.cpu_seconds = (unsigned)qn_take_number(in);
	r->d = qn_take_dataset(in);
	return r;
}

const struct qn_errand qn_errand_boxes = { QN_BOXES, answer_boxes, put_reader, take_reader };

/* The answer to the last question. */
static enum quern_status hear(struct reader *r, struct quern_message *err)
{
	uint64_t number = 0;
	enum quern_status status = qn_child_get(&r->child, &number, sizeof(number), err);

	if (status == QUERN_OK && number != r->number)
		status = qn_child_refuse(&r->child, "an answer to another question", err);
	return status == QUERN_OK ? qn_child_get_verdict(&r->child, err) : status;
}

static enum quern_status start_child(struct reader *r, struct quern_message *err)
{
	const struct qn_errand_start s = { .errand = &qn_errand_boxes,
					   .question = r,
					   .plugins = true,
					   .shared = r->shared,
					   .shared_nbytes = r->shared_nbytes,
					   .shared_fd = r->shared_fd };
	enum quern_status status;
	char *subject;

	if (qn_asprintf(&subject, "%s: dataset %s", r->d->file, r->d->path) < 0)
		return qn_error_nomem(err, strlen(r->d->file), "a reader");
	r->limits.files = &r->grants.names;
	status = qn_errand_start(&r->child, subject, &r->limits, &s, err);
	free(subject);
	return status;
}

static void stop(struct reader *r)
{
	qn_child_end(&r->child);
	qn_memory_free(r->shared, r->shared_nbytes);
	r->shared = NULL;
	if (r->shared_fd >= 0)
		qn_sys_close(r->shared_fd);
	r->shared_fd = -1;
}

static enum quern_status start(struct reader *r, struct quern_message *err)
{
	enum quern_status status;

	stop(r);
	r->shared =
		qn_memory_new(r->shared_nbytes, qn_reading()->forkserver ? &r->shared_fd : NULL);
	if (!r->shared)
		return qn_error_nomem(err, r->shared_nbytes, "a chunk");
	r->number = 0;
	status = start_child(r, err);
	if (status == QUERN_OK)
		status = hear(r, err);
	if (status != QUERN_OK)
		qn_process_end(&r->child.process);
	return status;
}

/* box NULL: whether the dataset can be opened. */
static enum quern_status ask_once(struct reader *r, const struct quern_box *box,
				  struct quern_message *err)
{
	struct question q;
	enum quern_status status = QUERN_OK;

	if (!qn_child_is_there(&r->child))
		status = start(r, err);
	if (status != QUERN_OK || !box)
		return status;
	memset(&q, 0, sizeof(q));
	q.number = ++r->number;
	q.box = *box;
	status = qn_child_ask(&r->child, &q, sizeof(q), err);
	return status == QUERN_OK ? hear(r, err) : status;
}

/* Asks, and asks another child when the first has been killed or stopped, or was refused a file that it
   may open. */
static enum quern_status ask(struct reader *r, const struct quern_box *box,
			     struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	enum quern_status status = QUERN_OK, looked;
	bool again = true, more;
	int nlost = 0;

	for (int i = 0; again && i < QN_GRANTS_MOST_ROUNDS; i++) {
		why = (struct quern_message){ .status = QUERN_OK };
		status = ask_once(r, box, &why);
		looked = qn_grants_look(&r->grants, &r->child, &more, err);
		if (looked != QUERN_OK)
			return looked;
		again = more ||
			(status != QUERN_OK && r->child.end != QN_CHILD_OWN && nlost++ == 0);
		if (again && status != QUERN_OK)
			qn_log(more ? QN_LOG_DEBUG : QN_LOG_WARN,
			       "%s: dataset %s: its reader is replaced by another, %s", r->d->file,
			       r->d->path, more ? "which may open one more file" : why.text);
		if (more)
			stop(r);
	}
	if (status == QUERN_OK)
		return again ? qn_grants_no_end(&r->grants, err) : status;
	/* That a raw file is not granted says more than what the library makes of it. */
	if (r->grants.why.status != QUERN_OK)
		why = r->grants.why;
	return qn_error_pass(err, why.status, &why);
}

enum quern_status qn_hdf5_child_open(const struct qn_dataset *d, void **reader,
				     struct quern_message *err)
{
	struct reader *r = qn_calloc(1, sizeof(*r));
	enum quern_status status;

	if (!r)
		return qn_error_nomem(err, sizeof(*r), "a reader");
	r->d = d;
	r->shared_fd = -1;
	r->elem_nbytes = d->type.size;
	r->shared_nbytes = qn_dataset_chunk_nelems(d) * d->type.size;
	if (d->type.class == QN_TEXT)
		r->shared_nbytes = qn_min_u64(r->shared_nbytes, QN_TEXT_BOX_NBYTES);
	r->limits = limits_for(r->shared_nbytes);
	status = qn_grants_init(&r->grants, d->file, d->path,
				d->layout == QN_VIRTUAL || d->layout == QN_EXTERNAL, err);
	if (status == QUERN_OK)
		status = ask(r, NULL, err);
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
		return qn_error_set(err, QUERN_ERR_RUN,
				    "%s: dataset %s: more than a chunk is to be read", r->d->file,
				    r->d->path);
	status = ask(r, box, err);
	if (status == QUERN_OK)
		memcpy(out, r->shared, nbytes);
	return status;
}

void qn_hdf5_child_close(void *reader)
{
	struct reader *r = reader;

	if (!r)
		return;
	stop(r);
	qn_grants_fini(&r->grants);
	free(r);
}
