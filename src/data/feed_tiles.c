/*
 * feed_tiles.c - elements of a source to tiles.
 *
 * Long runs of elements that are values as they are go to the sink where they lie. Everything else
 * is collected in a tile-sized buffer, on the way being unshuffled, picked out of its row,
 * byte-swapped or widened, and goes to the sink when the buffer is full.
 */
#include "data/feed_impl.h"

#include <string.h>

#include "base/mem.h"

/* Shorter runs are collected: a call of a kernel costs more than the copy. */
#define MIN_DIRECT_NELEMS 1024
/* Elements of a row further apart than this are runs of their own. */
#define MAX_STEP_NBYTES 4096

static void send(struct qn_feed *f, const void *values, size_t n)
{
	struct qn_feed_job *job = &f->job;
	struct quern_var var = { .dtype = f->view.packed, .values = values };
	struct quern_tile tile = {
		.box = job->box,
		.first = job->first,
		.nelems = n,
		.nvars = 1,
		.var = &var,
	};

	if (f->view.decode)
		qn_cf_apply(&f->cf, n, f->valid, f->unpacked, &var);
	job->sink(job->ctx, &tile);
	job->first += n;
}

static void send_collected(struct qn_feed *f)
{
	if (f->nvalues == 0)
		return;
	send(f, f->values, f->nvalues);
	f->nvalues = 0;
}

/* n elements of a shuffled chunk, in the byte order of the machine, to out. */
static void unshuffle(const struct qn_feed *f, uint64_t at, size_t n, uint64_t step, uint8_t *out)
{
	const size_t size = f->elem_nbytes;
	const uint64_t plane = f->chunk_nelems;
	const uint8_t *in = f->source.bytes + at + (f->swapped ? (size - 1) * plane : 0);
	const ptrdiff_t stride = f->swapped ? -(ptrdiff_t)plane : (ptrdiff_t)plane;

	if (step == 1) {
		f->unshuffle(in, stride, n, out);
		return;
	}
	for (size_t i = 0; i < n; i++, in += step)
		for (size_t b = 0; b < size; b++)
			*out++ = in[(ptrdiff_t)b * stride];
}

/* Appends n elements of a shuffled chunk to the values. */
static void collect_shuffled(struct qn_feed *f, uint64_t at, size_t n, uint64_t step)
{
	uint8_t *to = f->values + f->nvalues * f->value_nbytes;

	unshuffle(f, at, n, step, f->source.convert ? f->strip : to);
	if (f->source.convert)
		f->source.convert(f->strip, n, to);
}

/* The same of elements that lie in memory. */
static void collect(struct qn_feed *f, const uint8_t *in, size_t n, uint64_t step)
{
	uint8_t *to = f->values + f->nvalues * f->value_nbytes;
	qn_convert_fn *convert = f->source.convert;

	if (step != 1) {
		qn_gather(in, step, n, f->elem_nbytes, convert ? f->strip : to);
		in = f->strip;
	} else if (!convert) {
		memcpy(to, in, n * f->elem_nbytes);
	}
	if (convert)
		convert(in, n, to);
}

/* Takes up to n elements from `at` on, and says in *taken how many. */
static enum quern_status take(struct qn_feed *f, const struct qn_walk *w, uint64_t at, uint64_t n,
			      uint64_t *taken, struct quern_message *err)
{
	const bool direct = w->step == 1 && f->nvalues == 0 && n >= MIN_DIRECT_NELEMS &&
			    f->source.kind != SOURCE_SHUFFLED && !f->source.convert;
	uint64_t span;
	const uint8_t *bytes;
	enum quern_status st;

	n = qn_min_u64(n, QUERN_TILE_NELEMS - f->nvalues);
	if (f->source.kind == SOURCE_SHUFFLED) {
		collect_shuffled(f, at, (size_t)n, w->step);
	} else {
		span = (n - 1) * w->step + 1;
		st = qn_feed_reach(f, at, w->block_end, &span, &bytes, err);
		if (st)
			return st;
		n = (span - 1) / w->step + 1;
		if (direct)
			send(f, bytes, (size_t)n);
		else
			collect(f, bytes, (size_t)n, w->step);
	}
	*taken = n;
	if (!direct)
		f->nvalues += (size_t)n;
	if (f->nvalues == QUERN_TILE_NELEMS)
		send_collected(f);
	return QUERN_OK;
}

static enum quern_status take_run(struct qn_feed *f, const struct qn_walk *w,
				  struct quern_message *err)
{
	uint64_t at = w->at, left = w->nelems, n;

	while (left > 0) {
		enum quern_status st = take(f, w, at, left, &n, err);

		if (st)
			return st;
		at += n * w->step;
		left -= n;
	}
	return QUERN_OK;
}

/* Places in an array of the given shape and origin of the elements of the box; *last: the end. */
static void start_walk(const struct qn_feed *f, const uint64_t *origin, const uint64_t *shape,
		       struct qn_walk *w, uint64_t *end)
{
	const struct quern_box *box = f->job.box;
	uint64_t stride[QUERN_MAX_DIMS], at = 0, place = 1;

	*end = 1;
	for (int d = box->ndim - 1; d >= 0; d--) {
		at += (box->start[d] - origin[d]) * place;
		stride[d] = box->step[d] * place;
		*end += (box->count[d] - 1) * stride[d];
		place *= shape[d];
	}
	*end += at;
	qn_walk_init(w, box->ndim, box->count, stride, at, MAX_STEP_NBYTES / f->elem_nbytes,
		     QN_MAX_GAP_NBYTES / f->elem_nbytes);
}

/* Whether the elements of the walk can be read to where they belong in a panel: one run, here and
   there, of values that lie in the file as they are. */
static bool fits_in_place(const struct qn_feed *f, const struct qn_walk *w)
{
	return f->panel.place && f->source.kind == SOURCE_FILE && !f->source.convert &&
	       !f->view.decode && w->step == 1 && w->nelems == qn_box_nelems(f->job.box);
}

enum quern_status qn_feed_tiles(struct qn_feed *f, const uint64_t *origin, const uint64_t *shape,
				struct quern_message *err)
{
	enum quern_status st;
	struct qn_walk w;
	uint64_t end;

	f->nvalues = 0;
	start_walk(f, origin, shape, &w, &end);
	if (f->source.kind == SOURCE_FILE && end > f->job.chunk->nbytes / f->elem_nbytes)
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "damaged index: %u stored bytes are too few for the chunk",
				     f->job.chunk->nbytes);
	if (fits_in_place(f, &w))
		return qn_feed_read(f, f->source.addr + w.at * f->elem_nbytes,
				    (size_t)w.nelems * f->elem_nbytes, f->panel.place, err);
	do {
		st = take_run(f, &w, err);
	} while (!st && qn_walk_next(&w));
	if (!st)
		send_collected(f);
	return st;
}

void qn_feed_fill(struct qn_feed *f)
{
	const uint8_t *fill = f->d->fill_value;
	uint64_t left = qn_box_nelems(f->job.box);
	const size_t n = (size_t)qn_min_u64(left, QUERN_TILE_NELEMS);

	f->source.convert = f->convert;
	f->nvalues = 0;
	for (size_t i = 0; i < n; i++)
		memcpy(f->strip + i * f->elem_nbytes, fill, f->elem_nbytes);
	collect(f, f->strip, n, 1);
	for (; left > n; left -= n)
		send(f, f->values, n);
	send(f, f->values, (size_t)left);
}
