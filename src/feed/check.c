/*
 * check.c - a chunk that is only to be looked at: all of its bytes are read and decoded, and no
 * tiles are made of it.
 */
#include "feed/feed_impl.h"

#include "base/mem.h"

/* What lies in the file as it is has nothing to be decoded: it only must be there. */
static enum quern_status check_raw(struct qn_feed *f, struct qn_summer *summer,
				   struct quern_message *err)
{
	const struct qn_chunk *c = f->job.chunk;
	enum quern_status st = QUERN_OK;
	uint8_t *bytes;

	for (uint64_t at = 0; !st && at < c->nbytes; at += QN_WINDOW_NBYTES) {
		size_t n = (size_t)qn_min_u64(QN_WINDOW_NBYTES, c->nbytes - at);

		st = qn_feed_fetch(f, c->addr + at, n, &bytes, err);
		if (!st && summer)
			qn_summer_add(summer, bytes, n);
	}
	return st;
}

/* The elements of the chunk that are within the dataset. */
static void find_box(const struct qn_feed *f, struct quern_box *box)
{
	const struct qn_dataset *d = f->d;

	*box = (struct quern_box){ .ndim = d->ndim };
	for (int i = 0; i < d->ndim; i++) {
		box->start[i] = f->job.origin[i];
		box->count[i] = qn_min_u64(d->chunk[i], d->shape[i] - f->job.origin[i]);
		box->step[i] = 1;
	}
}

static enum quern_status check_library(struct qn_feed *f, const struct quern_box *box,
				       struct qn_summer *summer, struct quern_message *err)
{
	size_t nbytes = (size_t)qn_box_nelems(box) * f->elem_nbytes;
	enum quern_status st = qn_buffer_reserve(&f->read, nbytes, "a chunk", err);

	if (!st)
		st = f->format->read(f->reader, box, f->read.bytes, err);
	if (st)
		return st;
	f->stats.library_nchunks++;
	f->stats.stored_nbytes += nbytes;
	if (summer)
		qn_summer_add(summer, f->read.bytes, nbytes);
	return QUERN_OK;
}

static enum quern_status check_filtered(struct qn_feed *f, struct qn_summer *summer, bool *summed,
					struct quern_message *err)
{
	enum quern_status st = qn_feed_decode(f, err);

	/* What cannot be decoded can be summed, once it is read. */
	if (summer && f->nstored > 0) {
		qn_summer_add(summer, f->stored, f->nstored);
		*summed = true;
	}
	return st;
}

enum quern_status qn_feed_check(struct qn_feed *f, const struct qn_chunk *chunk,
				struct qn_summer *summer, bool *summed, struct quern_message *err)
{
	struct quern_box box;
	enum quern_status st;

	f->job = (struct qn_feed_job){ .chunk = chunk, .box = &box };
	qn_feed_locate(f, chunk, f->job.coord, f->job.origin);
	find_box(f, &box);
	*summed = false;
	if (summer)
		qn_summer_reset(summer);
	if (f->format)
		st = check_library(f, &box, summer, err);
	else if (qn_feed_is_any_filtered(f))
		st = check_filtered(f, summer, summed, err);
	else
		st = check_raw(f, summer, err);
	if (st)
		return st;
	*summed = summer != NULL;
	f->stats.nchunks++;
	f->stats.decoded_nbytes += qn_box_nelems(&box) * f->elem_nbytes;
	return QUERN_OK;
}
