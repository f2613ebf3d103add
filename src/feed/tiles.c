/*
 * tiles.c - elements of a source to tiles.
 *
 * Long runs of elements that are values as they are go to the sink where they lie. Everything else
 * is collected in a tile-sized buffer, on the way being unshuffled, picked out of its row,
 * byte-swapped or widened, and goes to the sink when the buffer is full.
 */
#include "feed/feed_impl.h"

#include <string.h>

#include "base/mem.h"

/* Shorter runs are collected: a call of a kernel costs more than the copy. */
#define MIN_DIRECT_NELEMS 1024
/* Elements of a row further apart than this are runs of their own. */
#define MAX_STEP_NBYTES 4096
/* Longer rows in a record are runs of their own, not groups. */
#define MAX_GROUP_NELEMS 64

/* What is in the job's chunk is one run of a panel: where its next elements belong. */
static uint8_t *place_in_panel(const struct qn_feed *f)
{
	return f->panel.place + f->job.first * f->panel.value_nbytes;
}

/* Values are collected where they belong in a panel, or where they are unpacked from. */
static void start_tile(struct qn_feed *f)
{
	f->nvalues = 0;
	f->collected = f->panel.place && !f->cf.unpack ? place_in_panel(f) : f->values;
}

static void send(struct qn_feed *f, const void *values, size_t n)
{
	struct qn_feed_job *job = &f->job;
	struct quern_var var = { .dtype = f->view.packed,
				 .values = values,
				 .text_nbytes = f->value_nbytes };
	struct quern_tile tile = {
		.box = job->box,
		.first = job->first,
		.nelems = n,
		.nvars = 1,
		.var = &var,
	};

	if (f->view.decode)
		qn_cf_apply(&f->cf, n, f->valid,
			    f->panel.place ? (double *)(void *)place_in_panel(f) : f->unpacked,
			    &var);
	job->sink(job->ctx, &tile);
	job->first += n;
	start_tile(f);
}

/* Texts end with zeros, whatever they are padded with in the file. */
static void clean_texts(uint8_t *p, size_t n, size_t size, enum qn_padding padding)
{
	for (; n > 0; n--, p += size) {
		size_t length = size;

		if (padding == QN_PAD_ANYTHING)
			length = strnlen((const char *)p, size);
		while (padding == QN_PAD_SPACES && length > 0 &&
		       (p[length - 1] == ' ' || p[length - 1] == 0))
			length--;
		memset(p + length, 0, size - length);
	}
}

static void send_collected(struct qn_feed *f)
{
	if (f->nvalues == 0)
		return;
	send(f, f->collected, f->nvalues);
}

/* n elements of a shuffled chunk, in the byte order of the machine, to out. */
static void unshuffle(const struct qn_feed *f, uint64_t at, size_t n, uint64_t step, uint8_t *out)
{
	const size_t size = f->elem_nbytes;
	const uint64_t plane = f->chunk_nrecords;
	const size_t top = f->d->record.offset + (f->swapped ? size - 1 : 0);
	const uint8_t *in = f->source.bytes + at + top * plane;
	const ptrdiff_t stride = f->swapped ? -(ptrdiff_t)plane : (ptrdiff_t)plane;

	if (step == 1 && f->unshuffle) {
		f->unshuffle(in, stride, n, out);
		return;
	}
	for (size_t i = 0; i < n; i++, in += step)
		for (size_t b = 0; b < size; b++)
			*out++ = in[(ptrdiff_t)b * stride];
}

/* Appends n elements of a shuffled chunk to the values. Only the planes of a member are looked at. */
static void collect_shuffled(struct qn_feed *f, uint64_t at, size_t n, uint64_t step)
{
	uint8_t *to = f->collected + f->nvalues * f->value_nbytes;

	if (f->source.has_records) {
		at /= f->record_nbytes;
		step /= f->record_nbytes;
	}
	unshuffle(f, at, n, step, f->source.convert ? f->strip : to);
	if (f->source.convert)
		f->source.convert(f->strip, n, to);
}

/* The same of n groups of elements that lie in memory. Those of records are not aligned, and a
   conversion wants them to be. */
static void collect(struct qn_feed *f, const uint8_t *in, size_t n, uint64_t step)
{
	const struct qn_source *s = &f->source;
	const size_t size = s->group * f->elem_nbytes;
	uint8_t *to = f->collected + f->nvalues * f->value_nbytes;
	uint8_t *picked = s->convert ? f->strip : to;

	if (step != s->group_nplaces) {
		qn_gather(in, (size_t)step * s->place_nbytes, n, size, picked);
		in = picked;
	} else if (!s->convert || s->has_records) {
		memcpy(picked, in, n * size);
		in = picked;
	}
	if (s->convert)
		s->convert(in, n * s->group, to);
}

/* Takes up to n groups from `at` on, and says in *taken how many. */
static enum quern_status take(struct qn_feed *f, uint64_t at, uint64_t n, uint64_t step,
			      uint64_t block_end, uint64_t *taken, struct quern_message *err)
{
	const struct qn_source *s = &f->source;
	const struct qn_type *type = &f->d->type;
	uint8_t *to = f->collected + f->nvalues * f->value_nbytes;
	const bool direct = step == 1 && f->nvalues == 0 && n >= MIN_DIRECT_NELEMS &&
			    s->kind != SOURCE_SHUFFLED && !s->convert && !s->has_records &&
			    type->class != QN_TEXT;
	uint64_t span;
	const uint8_t *bytes;
	enum quern_status st;

	n = qn_min_u64(n, (f->tile_nelems - f->nvalues) / s->group);
	if (s->kind == SOURCE_SHUFFLED) {
		collect_shuffled(f, at, (size_t)n, step);
	} else {
		span = (n - 1) * step + s->group_nplaces;
		st = qn_feed_reach(f, at, block_end, &span, &bytes, err);
		if (st)
			return st;
		n = (span - s->group_nplaces) / step + 1;
		if (direct)
			send(f, bytes, (size_t)n);
		else
			collect(f, bytes, (size_t)n, step);
	}
	*taken = n;
	if (type->class == QN_TEXT && type->padding != QN_PAD_ZEROS)
		clean_texts(to, (size_t)n * s->group, type->size, type->padding);
	if (!direct)
		f->nvalues += (size_t)n * s->group;
	if (f->nvalues > f->tile_nelems - s->group)
		send_collected(f);
	return QUERN_OK;
}

static enum quern_status take_run(struct qn_feed *f, const struct qn_walk *w,
				  struct quern_message *err)
{
	const size_t width = f->source.group_nplaces;
	const uint64_t step = w->nelems == 1 ? width : w->step;
	uint64_t at = w->at, left = w->nelems, n;

	while (left > 0) {
		enum quern_status st = take(f, at, left, step, w->block_end + width - 1, &n, err);

		if (st)
			return st;
		at += n * step;
		left -= n;
	}
	return QUERN_OK;
}

/* Makes groups of the elements of records: of the innermost dimensions of arrays, as long as what is
   wanted of them lies side by side. Returns how many dimensions are left to walk. */
static int group_elements(struct qn_feed *f)
{
	const struct quern_box *box = &f->job.part;
	const struct qn_record *r = &f->d->record;
	const uint64_t most = qn_min_u64(MAX_GROUP_NELEMS, f->tile_nelems);
	const int outer = box->ndim - r->ndim;
	struct qn_source *s = &f->source;
	int ndim = box->ndim;

	s->group = 1;
	for (bool whole = true; s->has_records && whole && ndim > outer; ndim--) {
		const int d = ndim - 1;

		if (r->stride[d - outer] != s->group * f->elem_nbytes || box->step[d] != 1 ||
		    box->count[d] > most / s->group)
			break;
		s->group *= (size_t)box->count[d];
		whole = box->count[d] == f->d->shape[d];
	}
	s->place_nbytes = s->has_records ? 1 : f->elem_nbytes;
	s->group_nplaces = s->has_records ? s->group * f->elem_nbytes : 1;
	return ndim;
}

/* Places in an array of the given shape and origin of the elements of the box; *end: past the last. */
static void start_walk(struct qn_feed *f, const uint64_t *origin, const uint64_t *shape,
		       struct qn_walk *w, uint64_t *end)
{
	const struct quern_box *box = &f->job.part;
	const struct qn_source *s = &f->source;
	const int ndim = group_elements(f), outer = qn_dataset_outer_ndim(f->d);
	uint64_t stride[QUERN_MAX_DIMS], at = s->has_records ? f->d->record.offset : 0;
	uint64_t place = s->has_records ? f->record_nbytes : 1;

	*end = s->group_nplaces;
	for (int d = box->ndim - 1; d >= 0; d--) {
		const bool inside = s->has_records && d >= outer;
		const uint64_t unit = inside ? f->d->record.stride[d - outer] : place;

		at += (box->start[d] - origin[d]) * unit;
		stride[d] = box->step[d] * unit;
		if (d < ndim)
			*end += (box->count[d] - 1) * stride[d];
		if (!inside)
			place *= shape[d];
	}
	*end += at;
	qn_walk_init(w, ndim, box->count, stride, at, MAX_STEP_NBYTES / s->place_nbytes,
		     QN_MAX_GAP_NBYTES / s->place_nbytes);
}

/* Whether the elements of the walk can be read to where they belong in a panel: one run, here and
   there, of values that lie in the file as they are. */
static bool fits_in_place(const struct qn_feed *f, const struct qn_walk *w)
{
	return f->collected != f->values && f->source.kind == SOURCE_FILE &&
	       !f->source.has_records && !f->source.convert && w->step == 1 &&
	       w->nelems == qn_box_nelems(f->job.box);
}

/* Reads them there. Where some may be missing, they are looked at as tiles. */
static enum quern_status read_in_place(struct qn_feed *f, const struct qn_walk *w,
				       struct quern_message *err)
{
	enum quern_status st = qn_feed_read(f, f->source.addr + w->at * f->elem_nbytes,
					    (size_t)w->nelems * f->elem_nbytes, f->collected, err);

	for (uint64_t left = w->nelems, n; !st && f->cf.mark && left > 0; left -= n) {
		n = qn_min_u64(left, f->tile_nelems);
		send(f, f->collected, (size_t)n);
	}
	return st;
}

enum quern_status qn_feed_tiles(struct qn_feed *f, const uint64_t *origin, const uint64_t *shape,
				struct quern_message *err)
{
	enum quern_status st;
	struct qn_walk w;
	uint64_t end;

	start_tile(f);
	start_walk(f, origin, shape, &w, &end);
	if (f->source.kind == SOURCE_FILE && end > f->job.chunk->nbytes / f->source.place_nbytes)
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "damaged index: %u stored bytes are too few for the chunk",
				     f->job.chunk->nbytes);
	if (f->source.kind == SOURCE_MEMORY && end > f->source.nplaces)
		return qn_feed_error(f, QUERN_ERR_DATA, err,
				     "damaged: %u bytes are too few for the chunk",
				     f->job.chunk->nbytes);
	if (fits_in_place(f, &w))
		return read_in_place(f, &w, err);
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
	const size_t n = (size_t)qn_min_u64(left, f->tile_nelems);

	if (f->d->type.class == QN_TEXT) /* others than the empty one are not native */
		memset(f->strip, 0, n * f->elem_nbytes);
	for (size_t i = 0; i < n && f->d->type.class != QN_TEXT; i++)
		memcpy(f->strip + i * f->elem_nbytes, fill, f->elem_nbytes);
	if (f->convert)
		f->convert(f->strip, n, f->values);
	else
		memcpy(f->values, f->strip, n * f->elem_nbytes);
	for (; left > n; left -= n)
		send(f, f->values, n);
	send(f, f->values, (size_t)left);
}
