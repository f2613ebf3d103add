/*
 * feed.c - the life of a feed, and which way a chunk takes.
 */
#include "feed/feed_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "data/frame.h"
#include "extract/extract.h"

#define TILE_NBYTES   (QUERN_TILE_NELEMS * sizeof(double))
#define BITMAP_NBYTES (QUERN_TILE_NELEMS / 8)
/* What the context of a codec takes, and more. */
#define FILTER_STATE_NBYTES (256u << 10)

enum quern_status qn_buffer_reserve(struct qn_buffer *b, size_t nbytes, const char *what,
				    struct quern_message *err)
{
	if (nbytes <= b->nbytes)
		return QUERN_OK;
	free(b->bytes);
	b->nbytes = 0;
	b->bytes = qn_alloc_aligned(nbytes);
	if (!b->bytes)
		return qn_error_nomem(err, nbytes, what);
	b->nbytes = nbytes;
	return QUERN_OK;
}

/* "(3, 0, 12)", as much of it as fits. */
static void print_coord(const struct qn_feed *f, size_t nbytes, char *out)
{
	size_t n = 0;

	for (int d = 0; d < f->d->ndim && n < nbytes; d++)
		n += (size_t)snprintf(out + n, nbytes - n, "%s%" PRIu64, d ? ", " : "(",
				      f->job.coord[d]);
	if (n < nbytes)
		snprintf(out + n, nbytes - n, ")");
}

enum quern_status qn_feed_error(const struct qn_feed *f, enum quern_status status,
				struct quern_message *err, const char *format, ...)
{
	char coord[128], *why = NULL;
	va_list ap;

	va_start(ap, format);
	if (qn_vasprintf(&why, format, ap) < 0)
		why = NULL;
	va_end(ap);
	print_coord(f, sizeof(coord), coord);
	qn_error_set(err, status, "%s: dataset %s, chunk %s at file offset %" PRIu64 ": %s",
		     f->d->file, f->d->path, coord, f->job.chunk->addr,
		     why ? why : "out of memory");
	free(why);
	return status;
}

void qn_feed_locate(const struct qn_feed *f, const struct qn_chunk *chunk, uint64_t *coord,
		    uint64_t *origin)
{
	uint64_t number = chunk->number;

	for (int d = f->d->ndim - 1; d >= 0; d--) {
		coord[d] = number % f->grid[d];
		number /= f->grid[d];
		origin[d] = coord[d] * f->d->chunk[d];
	}
}

/* Records and bytes of a decoded chunk; false if that is more than memory can address. */
static bool find_chunk_size(const struct qn_dataset *d, uint64_t *nrecords, size_t *nbytes)
{
	uint64_t n;

	if (!qn_product(d->chunk, qn_dataset_outer_ndim(d), nrecords) ||
	    !qn_mul(*nrecords, qn_dataset_record_nbytes(d), &n) || n > SIZE_MAX / 4)
		return false;
	*nbytes = (size_t)n;
	return true;
}

static enum quern_status describe(struct qn_feed *f, struct quern_message *err)
{
	const struct qn_dataset *d = f->d;

	f->elem_nbytes = d->type.size;
	f->record_nbytes = qn_dataset_record_nbytes(d);
	f->has_records = !qn_dataset_is_dense(d);
	f->value_nbytes = d->type.class == QN_TEXT ? d->type.size : qn_view_size(f->view.packed);
	f->tile_nelems = qn_min_u64(QUERN_TILE_NELEMS, TILE_NBYTES / f->value_nbytes);
	f->swapped = qn_type_is_swapped(&d->type);
	f->convert = qn_convert_for(&d->type, f->swapped);
	f->widen = qn_convert_for(&d->type, false);
	f->unshuffle = qn_unshuffle_for(f->elem_nbytes);
	if (f->view.decode)
		qn_cf_plan_init(&f->cf, &d->cf, f->view.packed);
	qn_dataset_grid(d, f->grid);
	if (!find_chunk_size(d, &f->chunk_nrecords, &f->chunk_nbytes))
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: the chunks of dataset %s are larger "
				    "than memory can be",
				    d->file, d->path);
	return QUERN_OK;
}

static enum quern_status open_filters(struct qn_feed *f, struct quern_message *err)
{
	char advice[256];

	for (int i = 0; i < f->d->nfilters; i++) {
		const struct qn_filter_step *step = &f->d->filter[i];

		f->filter[i] = qn_filter_find(step->id);
		if (!f->filter[i]) {
			qn_filter_advice(step->id, step->name, sizeof(advice), advice);
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: dataset %s: quern cannot decode %s", f->d->file,
					    f->d->path, advice);
		}
		if (!f->filter[i]->state_new)
			continue;
		f->filter_state[i] = f->filter[i]->state_new();
		if (!f->filter_state[i])
			return qn_error_nomem(err, FILTER_STATE_NBYTES, f->filter[i]->name);
	}
	return QUERN_OK;
}

static enum quern_status open_library(struct qn_feed *f, struct quern_message *err)
{
	bool is = false;

	f->format = qn_extract_format();
	if (!f->format)
		f->format = qn_frame_format(f->d->file);
	if (f->format)
		return f->format->open(f->d, &f->reader, err);
	for (const struct qn_format *const *p = qn_formats; *p && !is; p++) {
		enum quern_status st = (*p)->probe(f->d->file, &is, err);

		if (st)
			return st;
		f->format = *p;
	}
	if (!is) {
		f->format = NULL;
		return qn_error_set(err, QUERN_ERR_DATA, "%s: not a format that quern reads",
				    f->d->file);
	}
	return f->format->open(f->d, &f->reader, err);
}

static enum quern_status allocate(struct qn_feed *f, struct quern_message *err)
{
	f->strip = qn_alloc_aligned(TILE_NBYTES);
	f->values = qn_alloc_aligned(TILE_NBYTES);
	f->valid = qn_alloc_aligned(BITMAP_NBYTES);
	f->unpacked = qn_alloc_aligned(TILE_NBYTES);
	if (!f->strip || !f->values || !f->valid || !f->unpacked)
		return qn_error_nomem(err, 3 * TILE_NBYTES + BITMAP_NBYTES, "tiles");
	return QUERN_OK;
}

enum quern_status qn_feed_new(const struct qn_dataset *d, const struct qn_view *view, bool whole,
			      int fd, struct qn_feed **out, struct quern_message *err)
{
	struct qn_feed *f = qn_calloc(1, sizeof(*f));
	enum quern_status st;

	if (!f)
		return qn_error_nomem(err, sizeof(*f), "a feed");
	f->d = d;
	f->view = *view;
	f->whole = whole;
	f->fd = fd;
	st = describe(f, err);
	if (!st)
		st = allocate(f, err);
	if (!st)
		st = d->native ? open_filters(f, err) : open_library(f, err);
	if (st)
		goto fail;
	*out = f;
	return QUERN_OK;

fail:
	qn_feed_free(f);
	return st;
}

enum quern_status qn_feed_turn(struct qn_feed *f, int fd, struct quern_message *err)
{
	f->fd = fd;
	f->expected = NULL;
	f->stats = (struct qn_feed_stats){ .nchunks = 0 };
	return describe(f, err);
}

void qn_feed_free(struct qn_feed *f)
{
	if (!f)
		return;
	if (f->reader)
		f->format->close(f->reader);
	for (int i = 0; i < f->d->nfilters; i++)
		if (f->filter_state[i])
			f->filter[i]->state_free(f->filter_state[i]);
	free(f->strip);
	free(f->values);
	free(f->valid);
	free(f->unpacked);
	free(f->ring.bytes);
	free(f->read.bytes);
	free(f->work[0].bytes);
	free(f->work[1].bytes);
	free(f->panel.values.bytes);
	free(f->panel.valid.bytes);
	free(f);
}

void qn_feed_each_buffer(const struct qn_feed *f,
			 void (*visit)(void *ctx, void *block, size_t nbytes), void *ctx)
{
	const struct qn_buffer tiles[] = {
		{ f->strip, TILE_NBYTES },
		{ f->values, TILE_NBYTES },
		{ (uint8_t *)f->valid, BITMAP_NBYTES },
		{ (uint8_t *)f->unpacked, TILE_NBYTES },
	};
	const struct qn_buffer *grown[] = { &f->ring,	 &f->read,	   &f->work[0],
					    &f->work[1], &f->panel.values, &f->panel.valid };

	for (size_t i = 0; i < sizeof(tiles) / sizeof(*tiles); i++)
		visit(ctx, tiles[i].bytes, tiles[i].nbytes);
	for (size_t i = 0; i < sizeof(grown) / sizeof(*grown); i++)
		if (grown[i]->nbytes)
			visit(ctx, grown[i]->bytes, grown[i]->nbytes);
}

void qn_feed_expect(struct qn_feed *f, qn_expected *expected, void *ctx)
{
	f->expected = expected;
	f->expected_ctx = ctx;
}

/* Elements that lie in the file as they are, but must first be compared with their sum. */
static enum quern_status feed_summed(struct qn_feed *f, struct quern_message *err)
{
	enum quern_status st = qn_feed_stored(f, f->job.chunk->nbytes, err);

	if (st)
		return st;
	f->source = (struct qn_source){
		.kind = SOURCE_MEMORY,
		.has_records = f->has_records,
		.bytes = f->stored,
		.nplaces = f->job.chunk->nbytes / (f->has_records ? 1 : f->elem_nbytes),
		.convert = f->convert,
	};
	return qn_feed_tiles(f, f->job.origin, f->d->chunk, err);
}

/* Elements that lie in the file as they are. */
static enum quern_status feed_raw(struct qn_feed *f, struct quern_message *err)
{
	f->source = (struct qn_source){
		.kind = SOURCE_FILE,
		.has_records = f->has_records,
		.addr = f->job.chunk->addr,
		.convert = f->convert,
	};
	return qn_feed_tiles(f, f->job.origin, f->d->chunk, err);
}

static enum quern_status feed_filtered(struct qn_feed *f, struct quern_message *err)
{
	enum quern_status st = qn_feed_decode(f, err);

	return st ? st : qn_feed_tiles(f, f->job.origin, f->d->chunk, err);
}

/* Through the library: everything from the first to the last element of a part of the box, of whole
   records. */
static enum quern_status feed_part(struct qn_feed *f, struct quern_message *err)
{
	const int outer = qn_dataset_outer_ndim(f->d);
	struct quern_box around = f->job.part;
	enum quern_status st;
	uint64_t n;

	for (int d = 0; d < around.ndim; d++) {
		around.count[d] = (around.count[d] - 1) * around.step[d] + 1;
		around.step[d] = 1;
		if (d < outer)
			continue;
		around.start[d] = 0;
		around.count[d] = f->d->shape[d];
	}
	n = qn_box_nelems(&around);
	st = qn_buffer_reserve(&f->read, (size_t)n * f->elem_nbytes, "a chunk", err);
	if (!st)
		st = f->format->read(f->reader, &around, f->read.bytes, err);
	if (st)
		return st;
	f->stats.stored_nbytes += n * f->elem_nbytes;
	f->source = (struct qn_source){
		.kind = SOURCE_MEMORY,
		.bytes = f->read.bytes,
		.nplaces = n,
		.convert = f->widen,
	};
	return qn_feed_tiles(f, around.start, around.count, err);
}

/* Texts of variable length are read a part of the chunk at a time: whole indexes of the outermost
   dimensions, in C order. */
static enum quern_status feed_library(struct qn_feed *f, struct quern_message *err)
{
	struct quern_box *part = &f->job.part;
	const struct quern_box *box = f->job.box;
	uint64_t n, room = f->d->type.class == QN_TEXT ? QN_TEXT_BOX_NBYTES / f->elem_nbytes
						       : UINT64_MAX;
	uint64_t at[QUERN_MAX_DIMS] = { 0 }, count[QUERN_MAX_DIMS];
	enum quern_status st = QUERN_OK;
	int d;

	f->stats.library_nchunks++;
	for (d = box->ndim - 1; d >= 0; d--) {
		const bool inner = d >= qn_dataset_outer_ndim(f->d);
		uint64_t step = box->step[d];

		n = inner ? f->d->shape[d] : (box->count[d] - 1) * step + 1;
		count[d] = n <= room || inner ? box->count[d]
					      : qn_max_u64(1, (room - 1) / step + 1);
		room = n <= room ? room / n : 1;
	}
	do {
		for (d = 0; d < box->ndim; d++) {
			part->start[d] = box->start[d] + at[d] * box->step[d];
			part->count[d] = qn_min_u64(count[d], box->count[d] - at[d]);
		}
		st = feed_part(f, err);
		for (d = box->ndim - 1; d >= 0 && (at[d] += count[d]) >= box->count[d]; d--)
			at[d] = 0;
	} while (!st && d >= 0);
	return st;
}

bool qn_feed_is_filtered(const struct qn_feed *f, int i)
{
	const struct qn_filter_step *s = &f->d->filter[i];
	bool is_nothing = s->id == QN_FILTER_SHUFFLE && s->nparams > 0 && s->params[0] == 1;

	return !(f->job.chunk->filter_mask >> i & 1) && !is_nothing;
}

bool qn_feed_is_any_filtered(const struct qn_feed *f)
{
	for (int i = 0; i < f->d->nfilters; i++)
		if (qn_feed_is_filtered(f, i))
			return true;
	return false;
}

void qn_feed_begin(struct qn_feed *f, const struct quern_box *box, const struct qn_chunk *chunk,
		   qn_sink *sink, void *ctx)
{
	f->job = (struct qn_feed_job){
		.chunk = chunk, .box = box, .part = *box, .sink = sink, .ctx = ctx
	};
	qn_feed_locate(f, chunk, f->job.coord, f->job.origin);
	f->stats.nchunks++;
	f->stats.decoded_nbytes += qn_box_nelems(box) * f->elem_nbytes;
}

enum quern_status qn_feed_chunk(struct qn_feed *f, const struct quern_box *box,
				const struct qn_chunk *chunk, qn_sink *sink, void *ctx,
				struct quern_message *err)
{
	qn_feed_begin(f, box, chunk, sink, ctx);
	if (f->format)
		return feed_library(f, err);
	if (chunk->addr == QN_ADDR_NONE) {
		qn_feed_fill(f);
		return QUERN_OK;
	}
	if (qn_feed_is_any_filtered(f))
		return feed_filtered(f, err);
	return f->expected ? feed_summed(f, err) : feed_raw(f, err);
}

enum quern_status qn_feed_item(struct qn_feed *f, const struct qn_item *item, qn_sink *sink,
			       void *ctx, struct quern_message *err)
{
	if (f->whole)
		return qn_feed_panel(f, item, sink, ctx, err);
	assert(item->nchunks == 1);
	return qn_feed_chunk(f, &item->box, item->chunks, sink, ctx, err);
}

size_t qn_feed_nbytes(const struct qn_dataset *d, const struct qn_view *view, bool whole,
		      bool summed, uint64_t most_stored, uint64_t item_nelems)
{
	size_t n = sizeof(struct qn_feed) + 3 * TILE_NBYTES + BITMAP_NBYTES;
	size_t chunk_nbytes = 0;
	uint64_t nrecords;

	if (!find_chunk_size(d, &nrecords, &chunk_nbytes))
		return SIZE_MAX;
	if (d->native)
		n += qn_feed_decode_nbytes(d, chunk_nbytes, summed, most_stored) +
		     (size_t)d->nfilters * FILTER_STATE_NBYTES;
	else
		n += (size_t)qn_min_u64(qn_dataset_chunk_nelems(d) * d->type.size,
					d->type.class == QN_TEXT ? QN_TEXT_BOX_NBYTES : UINT64_MAX);
	if (whole)
		n += (size_t)item_nelems * qn_view_size(view->dtype) +
		     (size_t)qn_ceil_div(item_nelems, 64) * sizeof(uint64_t);
	return n;
}

const struct qn_feed_stats *qn_feed_stats(const struct qn_feed *f)
{
	return &f->stats;
}
