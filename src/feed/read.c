/*
 * read.c - bytes of the file, to where they belong or to the ring.
 */
#include "feed/feed_impl.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/system.h"

enum quern_status qn_feed_read(struct qn_feed *f, uint64_t addr, size_t nbytes, void *out,
			       struct quern_message *err)
{
	ssize_t n = qn_sys_read_data(f->fd, out, nbytes, addr);

	if (n < 0)
		return qn_feed_error(f, errno == EIO ? QUERN_ERR_DATA : QUERN_ERR_RUN, err,
				     "cannot read %zu bytes: %s", nbytes, strerror(errno));
	if ((size_t)n < nbytes)
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "truncated: the file ends %zu bytes before the end of what is "
				     "stored there; copy or download it again",
				     nbytes - (size_t)n);
	f->stats.stored_nbytes += nbytes;
	return QUERN_OK;
}

size_t qn_feed_ring_nbytes(size_t most)
{
	return qn_max_u64(QN_RING_NBYTES, most) + QN_PLACE_NBYTES;
}

static enum quern_status reserve_ring(struct qn_feed *f, size_t most, struct quern_message *err)
{
	const size_t nbytes = qn_feed_ring_nbytes(most);

	if (f->ring.bytes || most > QN_RING_NBYTES)
		return qn_buffer_reserve(&f->ring, nbytes, "stored bytes", err);
	f->ring.bytes = qn_alloc_pages(nbytes);
	if (!f->ring.bytes)
		return qn_error_nomem(err, nbytes, "stored bytes");
	f->ring.nbytes = nbytes;
	return QUERN_OK;
}

enum quern_status qn_feed_fetch(struct qn_feed *f, uint64_t addr, size_t nbytes, uint8_t **bytes,
				struct quern_message *err)
{
	enum quern_status st = reserve_ring(f, nbytes, err);

	if (st)
		return st;
	if (f->ring_at + nbytes > f->ring.nbytes - QN_PLACE_NBYTES)
		f->ring_at = 0;
	*bytes = qn_file_place(f->ring.bytes + f->ring_at, addr);
	f->ring_at += qn_ceil_div(nbytes, QN_PLACE_NBYTES) * QN_PLACE_NBYTES;
	return qn_feed_read(f, addr, nbytes, *bytes, err);
}

static enum quern_status move_window(struct qn_feed *f, uint64_t at, uint64_t block_end,
				     struct quern_message *err)
{
	struct qn_source *s = &f->source;
	uint64_t n = qn_min_u64(QN_WINDOW_NBYTES / s->place_nbytes, block_end - at);
	enum quern_status st;
	uint8_t *bytes;

	s->nplaces = 0;
	st = qn_feed_fetch(f, s->addr + at * s->place_nbytes, (size_t)n * s->place_nbytes, &bytes,
			   err);
	if (st)
		return st;
	s->bytes = bytes;
	s->first = at;
	s->nplaces = n;
	return QUERN_OK;
}

enum quern_status qn_feed_reach(struct qn_feed *f, uint64_t at, uint64_t block_end,
				uint64_t *nplaces, const uint8_t **bytes, struct quern_message *err)
{
	const struct qn_source *s = &f->source;

	/* Outside of what is at hand, on either side, or not wholly in it. */
	if (at < s->first || at + s->group_nplaces > s->first + s->nplaces) {
		enum quern_status st = move_window(f, at, block_end, err);

		if (st)
			return st;
	}
	*nplaces = qn_min_u64(*nplaces, s->nplaces - (at - s->first));
	*bytes = s->bytes + (at - s->first) * s->place_nbytes;
	return QUERN_OK;
}
