/*
 * stored.c - a box of an operand, put together of the parts of the mosaic and of their chunks.
 *
 * A box that one part has, of chunks of which all that the run looks at is wanted, is what the feed delivers.
 * Otherwise it is put together in a panel, piece by piece: from the feed, or from chunks that are kept.
 */
#include "formula/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe/describe.h"
#include "plan/items.h"
#include "select/select.h"

/* Values in C order of a box, and which are there. */
struct block {
	void *values;	 /* owned */
	uint64_t *valid; /* owned */
	bool has_missing;
	size_t room; /* elements */
};

/* A chunk that is kept: what the run looks at of it in a part. Another part of the same member looks at other
   elements. */
struct kept {
	struct block block;
	uint32_t next; /* 1 + the place of another one of its list; 0: there is none */
	uint64_t part, number, nbytes;
};
#define MOST_KEPT (UINT32_C(1) << 14) /* a power of two */

struct qn_stored_reader {
	const struct qn_stored *s;
	const char *host;
	size_t size; /* of a value */

	struct qn_opened file;
	uint32_t form;
	struct qn_dataset member; /* that the feed is on: borrows */
	struct qn_feed *feed;
	uint64_t done_nbytes; /* read by earlier feeds */

	struct quern_box box; /* of the operand, that `values` has; count 0: none */
	const void *values;   /* borrows: of the feed, or of the panel */
	const uint64_t *valid;
	struct block panel; /* of box `of_panel` */
	struct quern_box of_panel;

	uint64_t part;		/* that the last box was found in, or that is at hand */
	struct qn_chunk *chunk; /* owned: of an item */
	size_t room_chunks;
	/* A ring of MOST_KEPT, of which the oldest go first, and lists by a hash. */
	struct kept *kept;   /* owned; NULL: none was kept so far */
	uint32_t *list;	     /* owned: 1 + the place of the first; 0: none */
	uint64_t first, end; /* numbers of the oldest, and of the next */
	uint64_t kept_nbytes;
	struct block
		spare; /* of the last one that went, for the next: allocators do not give back what they split */
};

/* --- blocks --- */

static size_t nwords(uint64_t nelems)
{
	return (size_t)qn_ceil_div(nelems, 64);
}

static enum quern_status block_init(struct block *b, uint64_t n, size_t size,
				    struct quern_message *err)
{
	b->has_missing = false;
	if (n > b->room) {
		free(b->values);
		free(b->valid);
		b->room = 0;
		b->values = qn_alloc_aligned((size_t)n * size);
		b->valid = qn_calloc(nwords(n), sizeof(*b->valid));
		if (!b->values || !b->valid)
			return qn_error_nomem(err, (size_t)n * size, "an operand");
		b->room = (size_t)n;
	}
	memset(b->valid, 0xff, nwords(n) * sizeof(*b->valid));
	return QUERN_OK;
}

static const uint64_t *valid_of(const struct block *b)
{
	return b->has_missing ? b->valid : NULL;
}

static void block_fini(struct block *b)
{
	free(b->values);
	free(b->valid);
	memset(b, 0, sizeof(*b));
}

/* Where a piece goes in a block, and from where it comes: counts and strides of both. */
struct move {
	int ndim;
	uint64_t count[QUERN_MAX_DIMS];
	uint64_t to_stride[QUERN_MAX_DIMS], from_stride[QUERN_MAX_DIMS];
	uint64_t to, from;
};

static void put_bit(uint64_t *bits, uint64_t i, bool is)
{
	if (!is)
		bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static void move_row(const struct move *m, struct block *to, size_t size, const void *values,
		     const uint64_t *valid, uint64_t at, uint64_t from, uint64_t n)
{
	const uint64_t step = m->ndim ? m->from_stride[m->ndim - 1] : 1;
	const uint64_t to_step = m->ndim ? m->to_stride[m->ndim - 1] : 1;

	if (step == 1 && to_step == 1)
		memcpy((char *)to->values + at * size, (const char *)values + from * size,
		       (size_t)n * size);
	else
		for (uint64_t i = 0; i < n; i++)
			memcpy((char *)to->values + (at + i * to_step) * size,
			       (const char *)values + (from + i * step) * size, size);
	to->has_missing |= valid != NULL;
	for (uint64_t i = 0; valid && i < n; i++) {
		const uint64_t k = from + i * step;

		put_bit(to->valid, at + i * to_step, valid[k / 64] >> k % 64 & 1);
	}
}

/* Row after row of the innermost dimension. */
static void move_piece(const struct move *m, struct block *to, size_t size, const void *values,
		       const uint64_t *valid)
{
	const int last = m->ndim - 1;
	uint64_t index[QUERN_MAX_DIMS] = { 0 }, at = m->to, from = m->from;
	int d;

	do {
		move_row(m, to, size, values, valid, at, from, last < 0 ? 1 : m->count[last]);
		for (d = last - 1; d >= 0; d--) {
			at += m->to_stride[d];
			from += m->from_stride[d];
			if (++index[d] < m->count[d])
				break;
			at -= m->to_stride[d] * m->count[d];
			from -= m->from_stride[d] * m->count[d];
			index[d] = 0;
		}
	} while (d >= 0);
}

/* C order of a box. */
static void set_strides(const struct quern_box *box, uint64_t *stride)
{
	uint64_t place = 1;

	for (int d = box->ndim - 1; d >= 0; d--) {
		stride[d] = place;
		place *= box->count[d];
	}
}

/* --- the feed --- */

static void leave_feed(struct qn_stored_reader *r)
{
	if (r->feed)
		r->done_nbytes += qn_feed_stats(r->feed)->stored_nbytes;
	qn_feed_free(r->feed);
	r->feed = NULL;
}

/* Has a feed on a member. */
static enum quern_status turn(struct qn_stored_reader *r, uint32_t member,
			      struct quern_message *err)
{
	const struct qn_mosaic *m = &r->s->subject.mosaic;
	const uint32_t form = m->member[member].form;
	enum quern_status st;

	if (r->feed && r->file.fd >= 0 && r->file.member == member)
		return QUERN_OK;
	if (r->feed && (r->form != form || !r->member.native || !m->form[form].native))
		leave_feed(r); /* while the member is still what it was made for */
	st = qn_opened_turn(&r->file, m, member, r->host, err);
	if (st) {
		leave_feed(r);
		return st;
	}
	r->form = form;
	qn_mosaic_member(m, member, &r->member);
	if (!r->feed)
		return qn_feed_new(&r->member, &r->s->subject.views[form], true, r->file.fd,
				   &r->feed, err);
	r->done_nbytes += qn_feed_stats(r->feed)->stored_nbytes;
	st = qn_feed_turn(r->feed, r->file.fd, err);
	if (st)
		leave_feed(r);
	return st;
}

/* What the feed has delivered. */
struct delivery {
	const void *values;
	const uint64_t *valid;
};

static void note(void *ctx, const struct quern_tile *tile)
{
	struct delivery *d = ctx;

	d->values = tile->var->values;
	d->valid = tile->var->nmissing ? tile->var->valid : NULL;
}

/* A chunk of a member by its number. */
static struct qn_chunk chunk_of(const struct qn_member *m, uint64_t number)
{
	uint64_t low = 0, high = m->nchunks;

	while (low < high) {
		const uint64_t mid = low + (high - low) / 2;

		if (m->chunks[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < m->nchunks && m->chunks[low].number == number)
		return m->chunks[low];
	return (struct qn_chunk){ .number = number, .addr = QN_ADDR_NONE };
}

static enum quern_status feed(struct qn_stored_reader *r, const struct quern_box *box,
			      const struct qn_chunk *chunks, size_t n, struct delivery *out,
			      struct quern_message *err)
{
	const struct qn_item item = { .box = *box, .nchunks = n, .chunks = chunks };

	return qn_feed_item(r->feed, &item, note, out, err);
}

/* --- chunks that are kept --- */

/* What the run looks at of a chunk, as a box of the member. all: the part, cut by all
   that the run looks at. */
static void all_of_chunk(const struct qn_cut *all, uint64_t number, struct quern_box *out)
{
	*out = all->selection;
	for (int d = all->ndim - 1; d >= 0; d--) {
		const uint64_t first = number % all->chunks[d] * all->chunk[d];
		const uint64_t start = all->selection.start[d], step = all->selection.step[d];
		const uint64_t end = first + all->chunk[d];
		const uint64_t low = first > start ? qn_ceil_div(first - start, step) : 0;
		const uint64_t high = end > start ? qn_ceil_div(end - start, step) : 0;

		number /= all->chunks[d];
		out->start[d] = start + low * step;
		out->count[d] = qn_min_u64(high, all->selection.count[d]) - low;
	}
}

static uint32_t *list_of(const struct qn_stored_reader *r, uint64_t part, uint64_t number)
{
	const uint64_t hash = (number ^ part << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return &r->list[hash >> 32 & (MOST_KEPT - 1)];
}

static struct kept *kept_at(const struct qn_stored_reader *r, uint64_t i)
{
	return &r->kept[i % MOST_KEPT];
}

static void drop_oldest(struct qn_stored_reader *r)
{
	struct kept *k = kept_at(r, r->first);
	uint32_t *at = list_of(r, k->part, k->number);

	while (*at != (uint32_t)(k - r->kept) + 1)
		at = &r->kept[*at - 1].next;
	*at = k->next;
	r->kept_nbytes -= k->nbytes;
	block_fini(&r->spare);
	r->spare = k->block;
	r->first++;
}

static struct kept *find_kept(const struct qn_stored_reader *r, uint64_t number)
{
	uint32_t at = r->kept ? *list_of(r, r->part, number) : 0;

	while (at && (r->kept[at - 1].part != r->part || r->kept[at - 1].number != number))
		at = r->kept[at - 1].next;
	return at ? &r->kept[at - 1] : NULL;
}

static uint64_t kept_nbytes(const struct qn_stored_reader *r, uint64_t nelems)
{
	return nelems * r->size + nelems / 8 + sizeof(struct kept);
}

static enum quern_status make_room(struct qn_stored_reader *r, uint64_t nbytes,
				   struct quern_message *err)
{
	if (!r->kept) {
		r->kept = qn_calloc(MOST_KEPT, sizeof(*r->kept));
		r->list = qn_calloc(MOST_KEPT, sizeof(*r->list));
		if (!r->kept || !r->list)
			return qn_error_nomem(err, MOST_KEPT * sizeof(*r->kept), "an operand");
	}
	while (r->first < r->end &&
	       (r->end - r->first == MOST_KEPT || r->kept_nbytes + nbytes > r->s->keeps_nbytes))
		drop_oldest(r);
	return QUERN_OK;
}

/* Reads a chunk, of which the run looks at `box` in the part at hand. */
static enum quern_status keep(struct qn_stored_reader *r, const struct quern_box *box,
			      const struct qn_chunk *chunk, struct kept **out,
			      struct quern_message *err)
{
	const uint64_t n = qn_box_nelems(box);
	struct delivery got = { NULL, NULL };
	struct kept *k;
	enum quern_status st = feed(r, box, chunk, 1, &got, err);

	if (!st)
		st = make_room(r, kept_nbytes(r, n), err);
	if (st)
		return st;
	k = kept_at(r, r->end);
	*k = (struct kept){ .part = r->part, .number = chunk->number, .block = r->spare };
	r->spare = (struct block){ .room = 0 };
	st = block_init(&k->block, n, r->size, err);
	if (st) {
		block_fini(&k->block);
		return st;
	}
	memcpy(k->block.values, got.values, (size_t)n * r->size);
	k->block.has_missing = got.valid != NULL;
	if (got.valid)
		memcpy(k->block.valid, got.valid, nwords(n) * sizeof(*got.valid));
	k->nbytes = kept_nbytes(r, k->block.room);
	k->next = *list_of(r, k->part, k->number);
	*list_of(r, k->part, k->number) = (uint32_t)(k - r->kept) + 1;
	r->kept_nbytes += k->nbytes;
	r->end++;
	*out = k;
	return QUERN_OK;
}

/* Is a chunk worth to be kept, of which `box` is wanted now and `all` by the run? */
static bool is_worth(const struct qn_stored_reader *r, const struct quern_box *box,
		     const struct quern_box *all, const struct qn_chunk *chunk)
{
	if (r->member.native && (!r->member.nfilters || chunk->addr == QN_ADDR_NONE))
		return false;
	return (r->s->is_reused || qn_box_nelems(box) < qn_box_nelems(all)) &&
	       kept_nbytes(r, qn_box_nelems(all)) <= r->s->keeps_nbytes;
}

/* --- boxes --- */

/* A part that the box meets: the slot of the box there, and that of all that the run looks at. */
struct meeting {
	struct qn_items of_box, of_all;
	struct qn_slot slot, all;
};

static void start_meeting(const struct qn_stored *s, const struct quern_box *box, struct meeting *m)
{
	memset(m, 0, sizeof(*m));
	m->of_box = (struct qn_items){ .mosaic = &s->subject.mosaic, .selection = *box };
	m->of_all = (struct qn_items){ .mosaic = &s->subject.mosaic, .selection = s->selection };
}

static bool meet(struct meeting *m, uint64_t part)
{
	return qn_items_cut(&m->of_box, part, &m->slot) && qn_items_cut(&m->of_all, part, &m->all);
}

/* Item i of the part: a chunk of the member. */
static void place(const struct qn_stored_reader *r, struct meeting *m, uint64_t i,
		  struct quern_box *from, struct quern_box *to, struct qn_chunk *chunk)
{
	m->slot.item = i;
	qn_slot_box(&m->slot, from, to);
	*chunk = chunk_of(&r->s->subject.mosaic.member[m->slot.part.member],
			  qn_cut_first_chunk(&m->slot.cut, i));
}

/* From a block of the member, which has box `has`, to the panel. */
static void put(struct qn_stored_reader *r, const struct qn_part *part,
		const struct quern_box *from, const struct quern_box *to,
		const struct quern_box *has, const void *values, const uint64_t *valid)
{
	struct move m = { .ndim = to->ndim };
	uint64_t of_panel[QUERN_MAX_DIMS], of_block[QUERN_MAX_DIMS];

	set_strides(&r->of_panel, of_panel);
	set_strides(has, of_block);
	for (int d = 0; d < to->ndim; d++) {
		const int a = part->axis[d];

		m.count[d] = to->count[d];
		m.to_stride[d] = of_panel[d] * (to->step[d] / r->of_panel.step[d]);
		m.to += of_panel[d] * ((to->start[d] - r->of_panel.start[d]) / r->of_panel.step[d]);
		m.from_stride[d] = a < 0 ? 0 : of_block[a] * (from->step[a] / has->step[a]);
	}
	for (int a = 0; a < has->ndim; a++)
		m.from += of_block[a] * ((from->start[a] - has->start[a]) / has->step[a]);
	move_piece(&m, &r->panel, r->size, values, valid);
}

static enum quern_status put_chunk(struct qn_stored_reader *r, struct meeting *m, uint64_t i,
				   struct quern_message *err)
{
	struct quern_box from, to, all;
	struct delivery got = { NULL, NULL };
	struct qn_chunk chunk;
	struct kept *k = NULL;
	enum quern_status st;

	place(r, m, i, &from, &to, &chunk);
	all_of_chunk(&m->all.cut, chunk.number, &all);
	if (is_worth(r, &from, &all, &chunk)) {
		k = find_kept(r, chunk.number);
		st = k ? QUERN_OK : keep(r, &all, &chunk, &k, err);
		if (st)
			return st;
		put(r, &m->slot.part, &from, &to, &all, k->block.values, valid_of(&k->block));
		return QUERN_OK;
	}
	st = feed(r, &from, &chunk, 1, &got, err);
	if (!st)
		put(r, &m->slot.part, &from, &to, &from, got.values, got.valid);
	return st;
}

static enum quern_status put_part(struct qn_stored_reader *r, struct meeting *m,
				  struct quern_message *err)
{
	enum quern_status st = turn(r, m->slot.part.member, err);

	for (uint64_t i = 0; !st && i < m->slot.cut.nitems; i++)
		st = put_chunk(r, m, i, err);
	return st;
}

/* The chunks of a part that has all of the box, in r->chunk. *direct: none of them is worth to be kept. */
static enum quern_status list_chunks(struct qn_stored_reader *r, struct meeting *m, bool *direct,
				     struct quern_message *err)
{
	struct quern_box from, to, all;

	*direct = true;
	if (!qn_grow(&r->chunk, &r->room_chunks, (size_t)m->slot.cut.nitems, sizeof(*r->chunk)))
		return qn_error_nomem(err, (size_t)m->slot.cut.nitems * sizeof(*r->chunk),
				      "the chunks of an operand");
	for (uint64_t i = 0; *direct && i < m->slot.cut.nitems; i++) {
		place(r, m, i, &from, &to, &r->chunk[i]);
		all_of_chunk(&m->all.cut, r->chunk[i].number, &all);
		*direct = !is_worth(r, &from, &all, &r->chunk[i]);
	}
	return QUERN_OK;
}

/* As the feed delivers it, if it can: *done. */
static enum quern_status read_direct(struct qn_stored_reader *r, struct meeting *m, bool *done,
				     struct quern_message *err)
{
	struct delivery got = { NULL, NULL };
	enum quern_status st = turn(r, m->slot.part.member, err);

	*done = false;
	if (!st)
		st = list_chunks(r, m, done, err);
	if (!st && *done)
		st = feed(r, &m->slot.cut.selection, r->chunk, (size_t)m->slot.cut.nitems, &got,
			  err);
	r->values = got.values;
	r->valid = got.valid;
	return st;
}

static enum quern_status read_parts(struct qn_stored_reader *r, struct meeting *m, uint64_t nelems,
				    struct quern_message *err)
{
	const uint64_t nparts = r->s->subject.mosaic.nparts, first = r->part;
	uint64_t n = 0;
	enum quern_status st = block_init(&r->panel, nelems, r->size, err);

	r->of_panel = m->of_box.selection;
	for (uint64_t i = 0; !st && n < nelems && i < nparts; i++) {
		const uint64_t part = (first + i) % nparts;

		if (!meet(m, part))
			continue;
		r->part = part;
		st = put_part(r, m, err);
		n += qn_box_nelems(&m->slot.cut.selection);
	}
	r->values = r->panel.values;
	r->valid = valid_of(&r->panel);
	if (!st && n < nelems)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s does not have all elements",
				    r->s->subject.dataset.file, r->s->subject.dataset.path);
	return st;
}

/* Boxes of items that follow each other are mostly in one part, or go from one to the next. */
static enum quern_status read_box(struct qn_stored_reader *r, const struct quern_box *box,
				  struct quern_message *err)
{
	const uint64_t nelems = qn_box_nelems(box), nparts = r->s->subject.mosaic.nparts;
	const uint64_t first = r->part;
	struct meeting m;
	bool done = false, meets = false;
	enum quern_status st = QUERN_OK;

	start_meeting(r->s, box, &m);
	for (uint64_t i = 0; !meets && i < nparts; i++) {
		r->part = (first + i) % nparts;
		meets = meet(&m, r->part);
	}
	if (meets && qn_box_nelems(&m.slot.cut.selection) == nelems)
		st = read_direct(r, &m, &done, err);
	return st || done ? st : read_parts(r, &m, nelems, err);
}

static bool is_same(const struct quern_box *a, const struct quern_box *b)
{
	for (int d = 0; d < b->ndim; d++)
		if (a->start[d] != b->start[d] || a->count[d] != b->count[d] ||
		    a->step[d] != b->step[d])
			return false;
	return a->ndim == b->ndim;
}

enum quern_status qn_stored_read(struct qn_stored_reader *r, const struct quern_box *box,
				 struct qn_stored_values *out, struct quern_message *err)
{
	struct quern_box mine = { .ndim = r->s->selection.ndim };
	uint64_t stride[QUERN_MAX_DIMS];
	enum quern_status st = QUERN_OK;

	for (int k = 0; k < mine.ndim; k++) {
		mine.start[k] = box->start[r->s->dim[k]];
		mine.count[k] = box->count[r->s->dim[k]];
		mine.step[k] = box->step[r->s->dim[k]];
	}
	if (!is_same(&r->box, &mine)) {
		r->box.ndim = 0;
		st = read_box(r, &mine, err);
	}
	if (st)
		return st;
	r->box = mine;
	memset(out, 0, sizeof(*out));
	set_strides(&mine, stride);
	for (int k = 0; k < mine.ndim; k++)
		out->stride[r->s->dim[k]] = stride[k];
	out->values = r->values;
	out->valid = r->valid;
	return QUERN_OK;
}

/* --- its life --- */

struct qn_stored_reader *qn_stored_reader_new(const struct qn_stored *s, const char *host)
{
	struct qn_stored_reader *r = qn_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->s = s;
	r->host = host;
	r->size = qn_view_size(s->subject.views[0].dtype);
	r->file = QN_OPENED_NONE;
	return r;
}

uint64_t qn_stored_reader_read_nbytes(const struct qn_stored_reader *r)
{
	return r->done_nbytes + (r->feed ? qn_feed_stats(r->feed)->stored_nbytes : 0);
}

enum quern_status qn_stored_reader_free(struct qn_stored_reader *r, struct quern_message *err)
{
	enum quern_status st;

	if (!r)
		return QUERN_OK;
	qn_feed_free(r->feed);
	st = qn_opened_close(&r->file, r->host, err);
	while (r->first < r->end)
		drop_oldest(r);
	block_fini(&r->spare);
	free(r->kept);
	free(r->list);
	free(r->chunk);
	block_fini(&r->panel);
	free(r);
	return st;
}

uint64_t qn_stored_reader_nbytes(const struct qn_stored *s, uint64_t item_nelems)
{
	const uint64_t size = qn_view_size(s->subject.views[0].dtype);
	uint64_t most = 0;

	for (uint32_t i = 0; i < s->subject.mosaic.nforms; i++) {
		const struct qn_dataset *d = &s->subject.mosaic.form[i];
		const uint64_t nelems = qn_max_u64(item_nelems, qn_dataset_chunk_nelems(d));

		most = qn_max_u64(most, qn_feed_nbytes(d, &s->subject.views[i], true, false,
						       s->longest, nelems));
	}
	return qn_min_u64(most, UINT64_MAX / 4) + item_nelems * size + item_nelems / 8 +
	       s->keeps_nbytes;
}
