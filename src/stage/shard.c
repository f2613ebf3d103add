#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "stage/slabs.h"
#include "describe/describe.h"
#include "stage/stage_impl.h"

#define PIECE_NBYTES (UINT64_C(8) << 20)
/* The index of a shard, and what else the library writes besides the chunks. */
#define INDEX_NBYTES 64
#define SLACK_NBYTES (UINT64_C(1) << 20)

/* A shard while it is made. */
struct maker {
	struct qn_stager *stage;
	const struct qn_dataset *d; /* the source */
	const struct qn_shard *shard;
	int fd;			 /* of the source */
	int outer;		 /* dimensions that the file knows of */
	uint64_t first, nplaces; /* of the slab */
	uint64_t at;		 /* the next chunk, or index along the dimension */
	uint8_t *buffer;	 /* owned */
	size_t room;
	uint64_t n, nsums;  /* chunks of the slab */
	struct qn_sum *sum; /* owned: of each, as it was read */
};

static enum quern_status read_source(struct maker *m, uint64_t addr, uint64_t nbytes,
				     struct quern_message *err)
{
	ssize_t n;

	if (nbytes > m->room) {
		free(m->buffer);
		m->room = (size_t)nbytes;
		m->buffer = qn_alloc_aligned(m->room);
		if (!m->buffer) {
			m->room = 0;
			return qn_error_nomem(err, nbytes, "a chunk");
		}
	}
	n = qn_sys_read_data(m->fd, m->buffer, (size_t)nbytes, addr);
	if (n < 0 || (uint64_t)n < nbytes)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s: %" PRIu64 " bytes at offset %" PRIu64
				    " cannot be read: %s",
				    m->d->file, m->d->path, nbytes, addr,
				    n < 0 ? strerror(errno) : "the file is truncated");
	return QUERN_OK;
}

/* The next chunk of the slab; its place in the slab is a multiple of the chunk's extents. */
static enum quern_status next_chunk(struct maker *m, struct qn_put *put, bool *more,
				    struct quern_message *err)
{
	const struct qn_dataset *d = m->d;
	uint64_t grid[QUERN_MAX_DIMS], number = 0;
	const struct qn_chunk *c = NULL;
	enum quern_status st;

	for (*more = false; !*more && m->at < d->nchunks; m->at++) {
		c = &d->chunks[m->at];
		*more = qn_slabs_number(d, m->shard->dim, m->first, m->nplaces, c->number, &number);
	}
	if (!*more)
		return QUERN_OK;
	st = read_source(m, c->addr, c->nbytes, err);
	if (st)
		return st;
	qn_dataset_grid(d, grid);
	grid[m->shard->dim] = m->nplaces;
	for (int i = d->ndim - 1; i >= 0; i--) {
		put->start[i] = number % grid[i] * d->chunk[i];
		number /= grid[i];
	}
	put->filter_mask = c->filter_mask;
	put->nbytes = c->nbytes;
	put->bytes = m->buffer;
	qn_sum_of(m->buffer, c->nbytes, &m->sum[m->nsums++]);
	qn_stage_progress(m->stage, c->nbytes);
	return QUERN_OK;
}

/* Bytes of an index of the dimension, of a dataset in one piece. */
static uint64_t row_nbytes(const struct maker *m)
{
	return qn_dataset_nbytes(m->d) / m->d->shape[m->shard->dim];
}

/* The next few indexes along the dimension, with all of the dimensions inside of it. */
static enum quern_status next_rows(struct maker *m, struct qn_put *put, bool *more,
				   struct quern_message *err)
{
	const uint64_t row = row_nbytes(m), left = m->shard->count - m->at;
	const uint64_t n = qn_min_u64(left, qn_max_u64(1, PIECE_NBYTES / row));
	enum quern_status st;

	*more = left && m->d->nchunks;
	if (!*more)
		return QUERN_OK;
	st = read_source(m, m->d->chunks[0].addr + (m->shard->start + m->at) * row, n * row, err);
	for (int i = 0; i < m->outer; i++) {
		put->start[i] = i == m->shard->dim ? m->at : 0;
		put->count[i] = i == m->shard->dim ? n : m->d->shape[i];
	}
	put->nbytes = (size_t)(n * row);
	put->bytes = m->buffer;
	m->at += n;
	qn_stage_progress(m->stage, n * row);
	return st;
}

static enum quern_status next(void *ctx, struct qn_put *put, bool *more, struct quern_message *err)
{
	struct maker *m = ctx;
	enum quern_status st = qn_stage_check_cancelled(m->stage, err);

	if (st)
		return st;
	return m->d->layout == QN_CHUNKED ? next_chunk(m, put, more, err)
					  : next_rows(m, put, more, err);
}

/* --- looking at one --- */

enum qn_state qn_shard_is(const char *file, uint64_t nbytes, int64_t time_ns)
{
	struct stat st;

	if (qn_sys_lstat(file, &st))
		return QN_ABSENT;
	return S_ISREG(st.st_mode) && (!nbytes || (uint64_t)st.st_size == nbytes) &&
			       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
				       time_ns
		       ? QN_SAME
		       : QN_FOREIGN;
}

/* 0 or errno. */
static int sum_bytes(struct qn_stager *s, int fd, struct qn_summer *summer, uint8_t *buffer,
		     uint64_t *nbytes)
{
	ssize_t n = 1;

	while (n > 0) {
		n = qn_sys_read_data(fd, buffer, PIECE_NBYTES, *nbytes);
		if (n < 0)
			return errno;
		qn_summer_add(summer, buffer, (size_t)n);
		*nbytes += (uint64_t)n;
		if (n > 0 && s)
			qn_stage_progress(s, (uint64_t)n);
	}
	return 0;
}

/* 0 or errno. */
static int sum_file(struct qn_stager *s, const char *file, struct qn_sum *sum, uint64_t *nbytes)
{
	int fd = qn_file_open_own(file, NULL), why = fd < 0 ? errno : 0;
	struct qn_summer *summer = qn_summer_new();
	uint8_t *buffer = qn_malloc(PIECE_NBYTES);

	*nbytes = 0;
	if (!why && (!summer || !buffer))
		why = ENOMEM;
	if (!why)
		qn_summer_reset(summer);
	if (!why)
		why = sum_bytes(s, fd, summer, buffer, nbytes);
	if (!why)
		qn_summer_get(summer, sum);
	if (fd >= 0)
		qn_sys_close(fd);
	free(buffer);
	qn_summer_free(summer);
	return why;
}

enum quern_status qn_shard_sum(struct qn_stager *s, const char *file, struct qn_sum *sum,
			       uint64_t *nbytes, struct quern_message *err)
{
	const int why = sum_file(s, file, sum, nbytes);

	return why ? qn_error_set(err, qn_file_status(why), "%s: cannot be read: %s", file,
				  qn_file_why(why))
		   : QUERN_OK;
}

/* The sums of all chunks of a shard. */
static enum quern_status sum_chunks(const char *file, const struct qn_dataset *d,
				    struct qn_found_copy *out, struct quern_message *err)
{
	struct maker m = { .d = d, .fd = qn_file_open_own(file, NULL) };
	enum quern_status st = QUERN_OK;

	if (m.fd < 0)
		return qn_error_set(err, qn_file_status(errno), "%s: cannot be opened: %s", file,
				    qn_file_why(errno));
	for (uint64_t i = 0; !st && i < d->nchunks; i++) {
		out->entry[i].chunk = d->chunks[i];
		st = read_source(&m, d->chunks[i].addr, d->chunks[i].nbytes, err);
		if (!st)
			qn_sum_of(m.buffer, d->chunks[i].nbytes, &out->entry[i].sum);
	}
	free(m.buffer);
	qn_sys_close(m.fd);
	return st;
}

enum quern_status qn_shard_read(const char *file, const char *path, struct qn_found_copy *out,
				struct quern_message *err)
{
	struct qn_dataset d;
	enum quern_status st = qn_source_describe(file, path, NULL, true, &d, err);

	if (st)
		return st;
	memcpy(out->what.chunk, d.chunk, sizeof(d.chunk));
	out->what.nchunks = d.nchunks;
	out->entry = qn_calloc(d.nchunks, sizeof(*out->entry));
	if (!out->entry)
		st = qn_error_nomem(err, d.nchunks * sizeof(*out->entry), "the chunks of a shard");
	else /* Before the chunks: the sums of these are compared with those of the source. */
		st = qn_shard_sum(NULL, file, &out->what.sum, &out->what.nbytes, err);
	if (!st)
		st = sum_chunks(file, &d, out, err);
	if (st) {
		free(out->entry);
		out->entry = NULL;
	}
	qn_dataset_fini(&d);
	return st;
}

/* --- making one --- */

static enum quern_status not_what_was_read(const char *file, struct quern_message *err)
{
	return qn_error_set(err, QUERN_ERR_RUN,
			    "%s: what was written is not what was read: look at the "
			    "disk and the memory of this host",
			    file);
}

/* Chunks come in the same order in the source and in the slab. Of a dataset in one piece the runs of
   the shard are read from the source again. */
static enum quern_status compare(struct maker *m, const char *file, const struct qn_found_copy *f,
				 struct quern_message *err)
{
	const bool chunked = m->d->layout == QN_CHUNKED;
	enum quern_status st = QUERN_OK;

	if (chunked && f->what.nchunks != m->nsums)
		return not_what_was_read(file, err);
	for (uint64_t i = 0; !st && i < f->what.nchunks; i++) {
		const struct qn_entry *e = &f->entry[i];
		struct qn_sum sum;

		if (!chunked) {
			st = read_source(m,
					 m->d->chunks[0].addr + m->shard->start * row_nbytes(m) +
						 (e->chunk.addr - f->entry[0].chunk.addr),
					 e->chunk.nbytes, err);
			if (!st)
				qn_sum_of(m->buffer, e->chunk.nbytes, &sum);
		}
		if (!st && !qn_sum_equal(chunked ? &m->sum[i] : &sum, &e->sum))
			st = not_what_was_read(file, err);
	}
	return st;
}

/* Room on the disk beforehand, so that the library never finds it full. */
static enum quern_status reserve(const char *file, int fd, const struct maker *m,
				 size_t shell_nbytes, struct quern_message *err)
{
	uint64_t nbytes = shell_nbytes + SLACK_NBYTES, number;
	int rc;

	for (uint64_t i = 0; m->d->layout == QN_CHUNKED && i < m->d->nchunks; i++)
		if (qn_slabs_number(m->d, m->shard->dim, m->first, m->nplaces,
				    m->d->chunks[i].number, &number))
			nbytes += m->d->chunks[i].nbytes + INDEX_NBYTES;
	if (m->d->layout != QN_CHUNKED)
		nbytes += m->shard->count * row_nbytes(m);
	rc = qn_sys_posix_fallocate(fd, 0, (off_t)nbytes);
	if (!rc || rc == EINVAL || rc == EOPNOTSUPP)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_RUN, "%s: cannot have %" PRIu64 " bytes for it: %s",
			    file, nbytes, strerror(rc));
}

static enum quern_status write_shard(struct maker *m, const struct qn_publishing *p,
				     struct quern_message *err)
{
	uint64_t shape[QUERN_MAX_DIMS];
	const struct qn_format *format = NULL;
	void *image = NULL;
	size_t nbytes = 0;
	enum quern_status st = qn_source_format(m->d->file, &format, err);

	memcpy(shape, m->d->shape, sizeof(shape));
	shape[m->shard->dim] = m->shard->count;
	if (!st)
		st = format->shell(m->d->file, m->d->path, shape, m->outer, &image, &nbytes, err);
	if (!st)
		st = qn_publish_put(p, image, nbytes, err);
	if (!st)
		st = reserve(p->file, p->fd, m, nbytes, err);
	if (!st)
		st = format->fill(p->fd, p->name, m->d->path, next, m, err);
	free(image);
	return st;
}

static enum quern_status begin(struct maker *m, struct quern_message *err)
{
	const struct qn_dataset *d = m->d;
	const uint64_t each = qn_slabs_place_nindexes(d, m->shard->dim);

	m->outer = qn_dataset_outer_ndim(d);
	m->first = m->shard->start / each;
	m->nplaces = qn_ceil_div(m->shard->count, each);
	m->sum = qn_calloc(d->layout == QN_CHUNKED ? d->nchunks : 0, sizeof(*m->sum));
	if (!m->sum)
		return qn_error_nomem(err, d->nchunks * sizeof(*m->sum), "sums");
	m->fd = qn_file_open(d->file, NULL);
	if (m->fd < 0)
		return qn_error_set(err, qn_file_status(errno), "%s: cannot be opened: %s", d->file,
				    qn_file_why(errno));
	return qn_source_check(m->fd, d, "this", err);
}

/* It is not in its place yet: who is told knows it by the name that it will have. */
static enum quern_status read_back(const struct qn_publishing *p, const char *path,
				   struct qn_found_copy *out, struct quern_message *err)
{
	struct quern_message why = { .status = QUERN_OK };
	const size_t n = strlen(p->partial);

	if (!qn_shard_read(p->partial, path, out, &why))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_RUN, "%s: what was written cannot be read again: %s", p->name,
		strncmp(why.text, p->partial, n) || why.text[n] != ':' ? why.text
								       : why.text + n + 2);
}

enum quern_status qn_shard_make(struct qn_stager *s, const struct qn_dataset *d,
				const struct qn_catalog *c, uint32_t shard,
				struct qn_found_copy *out, struct quern_message *err)
{
	struct maker m = { .stage = s, .d = d, .shard = &c->shard[shard], .fd = -1 };
	char *file = qn_catalog_file_of(c, shard);
	struct qn_publishing p = QN_PUBLISHING_NONE;
	enum quern_status st = file ? begin(&m, err)
				    : qn_error_nomem(err, strlen(c->file), "a name");

	if (!st) {
		qn_publish_sweep(file);
		st = qn_publish_open(file, QN_REPLACE_LINK, c->rights, &p, err);
	}
	if (!st) {
		st = write_shard(&m, &p, err);
		if (!st)
			st = read_back(&p, d->path, out, err);
		if (!st)
			st = compare(&m, file, out, err);
		if (!st)
			st = qn_source_check(m.fd, d, "this", err);
		if (st)
			qn_publish_discard(&p);
		else
			st = qn_publish_commit(&p, c->time_ns, err);
		if (!st && s->notes_sums)
			st = qn_stage_sums_add(c, shard, out->what.nbytes, &out->what.sum, err);
	}
	if (m.fd >= 0)
		qn_sys_close(m.fd);
	free(m.sum);
	free(m.buffer);
	free(file);
	return st;
}

/* --- against the catalog --- */

static void find_damage(const struct qn_catalog *c, uint32_t shard, const char *file,
			struct qn_copy *out)
{
	const struct qn_shard *x = &c->shard[shard];
	struct quern_message ignored = { .status = QUERN_OK };
	struct maker m = { .d = &(struct qn_dataset){ .file = (char *)file, .path = "" },
			   .fd = qn_file_open_own(file, NULL) };

	for (uint64_t i = 0; i < x->nchunks; i++) {
		const struct qn_entry *e = &c->entry[x->first + i];
		struct qn_sum sum;
		bool bad = m.fd < 0 || read_source(&m, e->chunk.addr, e->chunk.nbytes, &ignored);

		if (!bad) {
			qn_sum_of(m.buffer, e->chunk.nbytes, &sum);
			bad = !qn_sum_equal(&sum, &e->sum);
		}
		if (bad && !out->nbad++) {
			out->number = e->chunk.number;
			out->addr = e->chunk.addr;
		}
	}
	free(m.buffer);
	if (m.fd >= 0)
		qn_sys_close(m.fd);
}

/* Of a copy with the size and the time of what was staged: its bytes. One that there was no memory for
   is not damaged, nor is one that may not be read. */
static void check_bytes(struct qn_stager *s, const struct qn_catalog *c, const char *file,
			struct qn_copy *out)
{
	const struct qn_shard *x = &c->shard[out->shard];
	struct qn_sum sum;
	const int why = sum_file(s, file, &sum, &out->nbytes);

	if (why && qn_file_status(why) != QUERN_ERR_DATA) {
		out->fate = QN_UNREADABLE;
		out->why = why;
	} else if (why || !qn_sum_equal(&sum, &x->sum)) {
		out->fate = QN_DAMAGED;
		find_damage(c, out->shard, file, out);
	}
}

void qn_shard_check(struct qn_stager *s, const struct qn_catalog *c, uint32_t shard,
		    struct qn_copy *out)
{
	const struct qn_shard *x = &c->shard[shard];
	char *file = qn_catalog_file_of(c, shard);
	enum qn_state is = file ? qn_shard_is(file, x->nbytes, c->time_ns) : QN_ABSENT;
	const int why = file ? errno : ENOMEM;

	*out = (struct qn_copy){ .shard = shard, .fate = QN_WHOLE, .nbytes = x->nbytes };
	if (is == QN_FOREIGN) {
		out->fate = QN_CHANGED;
	} else if (is == QN_ABSENT) {
		out->fate = qn_file_is_none(why) ? QN_MISSING : QN_UNREADABLE;
		out->why = out->fate == QN_UNREADABLE ? why : 0;
	} else {
		check_bytes(s, c, file, out);
	}
	free(file);
}
