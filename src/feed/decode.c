/*
 * decode.c - undoing the filters of a chunk, last to first.
 *
 *	stored -> work[0] -> work[1] -> work[0] ... -> source
 *
 * A checksum is verified and cut off where the bytes are. A shuffle that would be undone last, of
 * elements of the dataset's size, is left to the tiles: one pass over memory less.
 */
#include "base/mem.h"
#include "feed/feed_impl.h"

#include <errno.h>

#define CHECKSUM_NBYTES 4

/* Bytes on the way from the file to elements: n of them, in one of the buffers. */
struct stage {
	uint8_t *bytes;
	size_t n;
};

/* The most that any stage of a chunk can hold: checksums add four bytes each, and compression of
   what cannot be compressed adds a little. What claims to be larger is damaged. */
static size_t stage_limit(const struct qn_dataset *d, size_t chunk_nbytes)
{
	return chunk_nbytes + chunk_nbytes / 64 + 1024 + (size_t)d->nfilters * CHECKSUM_NBYTES;
}

size_t qn_feed_stored_limit(const struct qn_dataset *d, size_t chunk_nbytes)
{
	return stage_limit(d, chunk_nbytes) + chunk_nbytes / 4;
}

/* As find_tile_shuffle, of a chunk that all filters are applied to. */
static bool leaves_shuffle(const struct qn_dataset *d)
{
	return d->nfilters && d->filter[0].id == QN_FILTER_SHUFFLE && d->filter[0].nparams > 0 &&
	       d->filter[0].params[0] == qn_dataset_record_nbytes(d) && d->record.ndim == 0 &&
	       (d->type.size == 2 || d->type.size == 4 || d->type.size == 8);
}

size_t qn_feed_decode_nbytes(const struct qn_dataset *d, size_t chunk_nbytes, bool summed,
			     uint64_t most_stored)
{
	const bool whole = d->nfilters || summed;
	const size_t limit = qn_feed_stored_limit(d, chunk_nbytes);
	const size_t stored = most_stored ? (size_t)qn_min_u64(limit, most_stored) : limit;
	const size_t ring = qn_feed_ring_nbytes(whole ? stored : QN_WINDOW_NBYTES);
	size_t nwork = 0;

	for (int i = 0; i < d->nfilters; i++)
		if (d->filter[i].id != QN_FILTER_FLETCHER32)
			nwork++;
	nwork -= most_stored && leaves_shuffle(d);
	return ring + (nwork < 2 ? nwork : 2) * stage_limit(d, chunk_nbytes);
}

/* Room for what undoing step i gives; exact unless something below i compresses. */
static size_t room_after(const struct qn_feed *f, int i)
{
	size_t n = f->chunk_nbytes;

	for (int k = 0; k < i; k++) {
		if (!qn_feed_is_filtered(f, k))
			continue;
		if (f->d->filter[k].id == QN_FILTER_FLETCHER32)
			n += CHECKSUM_NBYTES;
		else if (f->d->filter[k].id != QN_FILTER_SHUFFLE)
			return stage_limit(f->d, f->chunk_nbytes);
	}
	return n;
}

static enum quern_status compare(struct qn_feed *f, size_t nbytes, struct quern_message *err)
{
	struct qn_sum is, should;
	const char *host = "";
	enum quern_status st;

	if (!f->expected)
		return QUERN_OK;
	st = f->expected(f->expected_ctx, f->job.chunk, &should, &host, err);
	if (st)
		return st;
	qn_sum_of(f->stored, nbytes, &is);
	if (qn_sum_equal(&is, &should))
		return QUERN_OK;
	return qn_feed_error(f, QUERN_ERR_DATA, err,
			     "damaged on host %s: its %zu bytes have not the sum "
			     "that the catalog has; `quern stage --repair` makes it anew",
			     host, nbytes);
}

enum quern_status qn_feed_stored(struct qn_feed *f, size_t nbytes, struct quern_message *err)
{
	enum quern_status st;

	if (nbytes > qn_feed_stored_limit(f->d, f->chunk_nbytes))
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "damaged index: %zu stored bytes are more than a chunk of %zu "
				     "can take",
				     nbytes, f->chunk_nbytes);
	st = qn_feed_fetch(f, f->job.chunk->addr, nbytes, &f->stored, err);
	return st ? st : compare(f, nbytes, err);
}

static enum quern_status read_stored(struct qn_feed *f, struct stage *s, struct quern_message *err)
{
	const struct qn_chunk *c = f->job.chunk;
	enum quern_status st;

	f->nstored = 0;
	st = qn_feed_stored(f, c->nbytes, err);
	if (st)
		return st;
	s->bytes = f->stored;
	s->n = f->nstored = c->nbytes;
	return QUERN_OK;
}

/* Step i could not be undone: the bytes are damaged, or there was no memory for it. */
static enum quern_status refuse(const struct qn_feed *f, int i, size_t nbytes, int number,
				struct quern_message *err)
{
	const char *name = f->filter[i]->name;

	if (number == ENOMEM)
		return qn_feed_error(f, QUERN_ERR_RUN, err,
				     "there is no memory for %s to decode the %zu bytes", name,
				     nbytes);
	return qn_feed_error(f, QUERN_ERR_DATA, err,
			     "corrupt: %s %s the %zu bytes; copy or download the file again", name,
			     f->d->filter[i].id == QN_FILTER_FLETCHER32 ? "does not confirm"
									: "cannot decode",
			     nbytes);
}

static enum quern_status undo(struct qn_feed *f, int i, struct stage *s, struct quern_message *err)
{
	const struct qn_filter_step *step = &f->d->filter[i];
	struct qn_buffer *to = &f->work[s->bytes == f->work[0].bytes];
	const size_t room = room_after(f, i);
	uint8_t *out = s->bytes;
	size_t n;

	if (step->id != QN_FILTER_FLETCHER32) {
		enum quern_status st = qn_buffer_reserve(to, room, "a decoded chunk", err);

		if (st)
			return st;
		out = to->bytes;
	}
	errno = 0;
	if (!f->filter[i]->decode(f->filter_state[i], step, f->record_nbytes, s->bytes, s->n, out,
				  room, &n))
		return refuse(f, i, s->n, errno, err);
	s->bytes = out;
	s->n = n;
	return QUERN_OK;
}

/* The step to be undone last, if it is a shuffle that the tiles can undo; otherwise -1. */
static int find_tile_shuffle(const struct qn_feed *f)
{
	int i = 0;

	if (!f->unshuffle && f->elem_nbytes > 1)
		return -1;

	while (i < f->d->nfilters && !qn_feed_is_filtered(f, i))
		i++;
	if (i == f->d->nfilters || f->d->filter[i].id != QN_FILTER_SHUFFLE)
		return -1;
	return f->d->filter[i].nparams > 0 && f->d->filter[i].params[0] == f->record_nbytes &&
			       f->d->record.ndim == 0
		       ? i
		       : -1;
}

enum quern_status qn_feed_decode(struct qn_feed *f, struct quern_message *err)
{
	const int shuffle = find_tile_shuffle(f);
	struct stage s = { 0 };
	enum quern_status st = read_stored(f, &s, err);

	for (int i = f->d->nfilters - 1; !st && i > shuffle; i--)
		if (qn_feed_is_filtered(f, i))
			st = undo(f, i, &s, err);
	if (st)
		return st;
	if (s.n != f->chunk_nbytes)
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "corrupt: it decodes to %zu bytes instead of %zu; copy or "
				     "download the file again",
				     s.n, f->chunk_nbytes);
	f->source = (struct qn_source){
		.kind = shuffle >= 0 ? SOURCE_SHUFFLED : SOURCE_MEMORY,
		.has_records = f->has_records,
		.bytes = s.bytes,
		.nplaces = f->chunk_nbytes / (f->has_records ? 1 : f->elem_nbytes),
		/* The unshuffling swaps too. */
		.convert = shuffle >= 0 ? f->widen : f->convert,
	};
	return QUERN_OK;
}
