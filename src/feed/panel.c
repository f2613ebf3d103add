/*
 * panel.c - an item of several chunks as one tile, in C order of its box.
 *
 * Each chunk is delivered in tiles, to a sink that puts their values where they belong.
 */
#include "feed/feed_impl.h"

#include <string.h>

#include "base/mem.h"

/* The elements of the item's box that are in the chunk, as a box of the dataset (*part) and as
   an offset in the item's box; false if there are none. */
static bool cut_box(const struct qn_feed *f, const struct quern_box *box,
		    const struct qn_chunk *chunk, struct quern_box *part, uint64_t *offset)
{
	uint64_t coord[QUERN_MAX_DIMS], origin[QUERN_MAX_DIMS];

	qn_feed_locate(f, chunk, coord, origin);
	part->ndim = box->ndim;
	for (int d = 0; d < box->ndim; d++) {
		const uint64_t start = box->start[d], step = box->step[d];
		const uint64_t end = origin[d] + f->d->chunk[d];
		uint64_t lo = origin[d] > start ? qn_ceil_div(origin[d] - start, step) : 0;
		uint64_t hi = end > start ? qn_ceil_div(end - start, step) : 0;

		hi = qn_min_u64(hi, box->count[d]);
		if (lo >= hi)
			return false;
		offset[d] = lo;
		part->start[d] = start + lo * step;
		part->count[d] = hi - lo;
		part->step[d] = step;
	}
	return true;
}

static void start_part(struct qn_panel *p, const struct quern_box *box,
		       const struct quern_box *part, const uint64_t *offset)
{
	uint64_t stride[QUERN_MAX_DIMS], at = 0, place = 1;

	for (int d = box->ndim - 1; d >= 0; d--) {
		stride[d] = place;
		at += offset[d] * place;
		place *= box->count[d];
	}
	qn_walk_init(&p->walk, box->ndim, part->count, stride, at, 1, 0);
	p->left = p->walk.nelems;
	/* One run, which step 1 says; a walk of several has dimensions left. */
	p->place = NULL;
	if (p->walk.nelems == qn_box_nelems(part))
		p->place = p->values.bytes + at * p->value_nbytes;
}

static uint64_t *bits_of(const struct qn_panel *p)
{
	return (uint64_t *)(void *)p->valid.bytes;
}

/* Clears the bits of n elements from `at` on that are clear in the tile from `first` on. Mostly words are words of
   both. */
static void put_missing(struct qn_panel *p, uint64_t at, const uint64_t *valid, size_t first,
			size_t n)
{
	uint64_t *bits = bits_of(p);

	for (; at % 64 == 0 && first % 64 == 0 && n >= 64; at += 64, first += 64, n -= 64)
		bits[at / 64] = valid[first / 64];
	for (size_t i = first; i < first + n;) {
		const uint64_t missing = ~valid[i / 64] >> i % 64;
		const size_t skip = missing ? (size_t)__builtin_ctzll(missing) : 64 - i % 64;
		const uint64_t to = at + (i + skip - first);

		i += skip;
		if (missing == 0 || i >= first + n)
			continue;
		bits[to / 64] &= ~(UINT64_C(1) << to % 64);
		i++;
	}
}

static void put_tile(void *ctx, const struct quern_tile *tile)
{
	struct qn_panel *p = ctx;
	const struct quern_var *var = tile->var;
	const uint8_t *values = var->values;
	const size_t size = p->value_nbytes;

	p->nmissing += var->nmissing;
	for (size_t i = 0; i < tile->nelems;) {
		const size_t n = (size_t)qn_min_u64(p->left, tile->nelems - i);
		const uint64_t at = p->walk.at + (p->walk.nelems - p->left);

		/* What was collected there is there. */
		if (values + i * size != p->values.bytes + at * size)
			memcpy(p->values.bytes + at * size, values + i * size, n * size);
		if (var->valid)
			put_missing(p, at, var->valid, i, n);
		i += n;
		p->left -= n;
		if (p->left == 0 && qn_walk_next(&p->walk))
			p->left = p->walk.nelems;
	}
}

static enum quern_status make_room(struct qn_feed *f, const struct quern_box *box,
				   struct quern_message *err)
{
	struct qn_panel *p = &f->panel;
	const size_t nelems = (size_t)qn_box_nelems(box), nwords = (nelems + 63) / 64;
	enum quern_status st;

	p->nelems = nelems;
	p->nmissing = 0;
	p->value_nbytes = qn_view_size(f->view.dtype);
	st = qn_buffer_reserve(&p->values, nelems * p->value_nbytes, "a panel", err);
	if (st || !f->cf.mark)
		return st;
	st = qn_buffer_reserve(&p->valid, nwords * sizeof(uint64_t), "a panel's bitmap", err);
	if (st)
		return st;
	memset(p->valid.bytes, 0xff, nwords * sizeof(uint64_t));
	if (nelems % 64)
		bits_of(p)[nwords - 1] = (UINT64_C(1) << nelems % 64) - 1;
	return QUERN_OK;
}

/* How many chunks a box has elements in. */
static uint64_t count_chunks(const struct qn_feed *f, const struct quern_box *box)
{
	uint64_t n = 1;

	for (int d = 0; d < box->ndim; d++) {
		const uint64_t start = box->start[d], step = box->step[d], chunk = f->d->chunk[d];

		n *= step > chunk
			     ? box->count[d]
			     : (start + (box->count[d] - 1) * step) / chunk - start / chunk + 1;
	}
	return n;
}

/* What is in the panel, all of the box. */
static void deliver(struct qn_feed *f, const struct quern_box *box, qn_sink *sink, void *ctx)
{
	struct qn_panel *p = &f->panel;
	struct quern_var var = { .dtype = f->view.dtype,
				 .values = p->values.bytes,
				 .nmissing = p->nmissing,
				 .valid = p->nmissing ? bits_of(p) : NULL };
	const struct quern_tile tile = { .box = box, .nelems = p->nelems, .nvars = 1, .var = &var };

	p->place = NULL;
	sink(ctx, &tile);
}

/* --- one chunk, as several boxes --- */

/* Elements of a box, and those of a step of it that lie side by side at the least. */
#define SLAB_NELEMS    (1u << 14)
#define LEAST_SLAB_RUN 256
/* Sums of so many rows stay in cache beside the elements. */
#define MOST_CACHED_NROWS 4096

/* The elements of a box over the dimensions begin ... ndim - 1. */
static uint64_t count_inner(const struct quern_box *box, int begin)
{
	uint64_t n = 1;

	for (int d = begin; d < box->ndim; d++)
		n *= box->count[d];
	return n;
}

/* The outermost dimension of several indexes; with `reduced`, of those that are not. */
static int find_outermost(const struct quern_box *box, const bool *reduced)
{
	int d = 0;

	while (d < box->ndim && (box->count[d] == 1 || (reduced && reduced[d])))
		d++;
	return d;
}

static uint64_t count_rows(const struct quern_box *box, const bool *reduced)
{
	uint64_t n = 1;

	for (int d = 0; d < box->ndim; d++)
		n *= reduced[d] ? 1 : box->count[d];
	return n;
}

/*
 * The dimension along which an item is cut, and after how many indexes. Boxes that follow each other in the chunk are
 * best, unless the rows of each are so many that all of them go through memory for every box: then a box has all
 * elements of some rows. False: it is left whole.
 */
static bool find_slabs(const struct quern_box *box, const bool *reduced, int *dim, uint64_t *n)
{
	int d = find_outermost(box, NULL);

	if (d < box->ndim && reduced[d] && count_rows(box, reduced) > MOST_CACHED_NROWS)
		d = find_outermost(box, reduced);
	if (d == box->ndim)
		return false;
	*dim = d;
	*n = qn_max_u64(SLAB_NELEMS / (qn_box_nelems(box) / box->count[d]), 1);
	return *n < box->count[d] && *n * count_inner(box, d + 1) >= LEAST_SLAB_RUN;
}

static enum quern_status feed_slab(struct qn_feed *f, const struct quern_box *slab,
				   struct quern_message *err)
{
	static const uint64_t none[QUERN_MAX_DIMS];
	enum quern_status st = make_room(f, slab, err);

	if (st)
		return st;
	start_part(&f->panel, slab, slab, none);
	f->job.box = slab;
	f->job.part = *slab;
	f->job.first = 0;
	return qn_feed_tiles(f, f->job.origin, f->d->chunk, err);
}

/* Nothing can be wrong with what was decoded: what is delivered of it is delivered to the end. */
static enum quern_status feed_slabs(struct qn_feed *f, const struct qn_item *item, int dim,
				    uint64_t n, qn_sink *sink, void *ctx, struct quern_message *err)
{
	struct quern_box slab = item->box;
	enum quern_status st = qn_feed_decode(f, err);

	for (uint64_t i = 0; !st && i < item->box.count[dim]; i += n) {
		slab.start[dim] = item->box.start[dim] + i * slab.step[dim];
		slab.count[dim] = qn_min_u64(n, item->box.count[dim] - i);
		st = feed_slab(f, &slab, err);
		if (!st)
			deliver(f, &slab, sink, ctx);
	}
	return st;
}

/* --- items --- */

/* Delivers it in slabs, if it can be and that is of use. */
static bool try_slabs(struct qn_feed *f, const struct qn_item *item, qn_sink *sink, void *ctx,
		      enum quern_status *st, struct quern_message *err)
{
	uint64_t n = 0;
	int dim = 0;

	if (!item->reduced || item->nchunks != 1 || f->format ||
	    item->chunks->addr == QN_ADDR_NONE || count_chunks(f, &item->box) > 1 ||
	    !find_slabs(&item->box, item->reduced, &dim, &n))
		return false;
	f->job.chunk = item->chunks;
	if (!qn_feed_is_any_filtered(f))
		return false;
	qn_feed_begin(f, &item->box, item->chunks, put_tile, &f->panel);
	*st = feed_slabs(f, item, dim, n, sink, ctx, err);
	return true;
}

enum quern_status qn_feed_panel(struct qn_feed *f, const struct qn_item *item, qn_sink *sink,
				void *ctx, struct quern_message *err)
{
	struct qn_panel *p = &f->panel;
	uint64_t offset[QUERN_MAX_DIMS];
	struct quern_box part;
	enum quern_status st;

	if (try_slabs(f, item, sink, ctx, &st, err))
		return st;
	st = make_room(f, &item->box, err);

	/* Chunks of which no element is there are left out. */
	if (!st && item->nchunks < count_chunks(f, &item->box))
		memset(p->values.bytes, 0, p->nelems * p->value_nbytes);
	for (size_t i = 0; !st && i < item->nchunks; i++) {
		if (!cut_box(f, &item->box, &item->chunks[i], &part, offset))
			continue;
		start_part(p, &item->box, &part, offset);
		st = qn_feed_chunk(f, &part, &item->chunks[i], put_tile, p, err);
	}
	if (!st)
		deliver(f, &item->box, sink, ctx);
	return st;
}
