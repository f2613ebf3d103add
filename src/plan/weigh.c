#include "plan/weigh.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LONGEST_HOLE	(UINT32_C(1) << 31) /* items that are not stored, in a lump of many */
#define LONGEST_COUNTED (UINT32_C(1) << 27) /* ... in a row that is counted: ranks take billions */
/* In a selection that leaves out chunks of each row of them a row costs some chunks: the first and the
   last of it, and one between. With fewer in it than this they are no less work than others. */
#define SHORTEST_COUNTED 64

#define MISPLACED 100 /* one item in so many may be out of order */

struct weigher {
	const struct qn_items *items;
	size_t element_nbytes;
	qn_find_set *find;
	const void *ctx;
	uint32_t per, hole; /* most items of a lump, and of one that is not stored */
	bool apart;	    /* every stored item is a row of its own */
	struct qn_lumps *out;
	uint64_t room_lumps, room_rows;
	struct qn_sieve sieve;		/* what has work, */
	bool gap;			/* and the item before had none */
	struct qn_slot slot;		/* of the part at hand */
	const struct qn_member *member; /* of it */
	uint64_t *number;		/* owned: chunk numbers of one item */
	struct qn_chunk_sieve chunks;
	uint64_t cursor; /* the chunk after the last that was looked at */
	uint64_t hint;	 /* for `find` */
	uint64_t until;	 /* up to here what it said last holds */
	uint64_t before; /* elements of the part before the lump at hand */
	bool open;	 /* is there a lump at hand? */
	bool counts;	 /* are there rows that are counted? */
	bool failed;	 /* no memory */
};

uint64_t qn_lumps_chunk(const struct qn_member *m, uint64_t number, uint64_t hint)
{
	uint64_t low = 0, high = m->nchunks;

	if (hint < high && m->chunks[hint].number >= number &&
	    (!hint || m->chunks[hint - 1].number < number))
		return hint;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (m->chunks[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* --- rows and lumps --- */

/* The lump at hand ends before this item. */
static void close_lump(struct weigher *w, uint64_t item)
{
	const uint64_t first = w->items->first[w->slot.touched];
	uint64_t before;

	if (!w->open)
		return;
	before = qn_cut_nelems_before(&w->slot.cut, item - first);
	w->out->work.lump[w->out->work.nlumps - 1].decoded = (before - w->before) *
							     w->element_nbytes;
	w->before = before;
	w->open = false;
}

static struct qn_row *last_row(const struct weigher *w)
{
	return w->out->nrows ? &w->out->row[w->out->nrows - 1] : NULL;
}

static bool is_after(uint64_t addr, uint64_t last)
{
	return addr >= last || last - addr <= QN_STEP_BACK;
}

/* Are items of the part at hand that are not stored counted? */
static bool are_counted(const struct weigher *w)
{
	return w->items->counts_holes && w->slot.cut.run >= SHORTEST_COUNTED;
}

/* Does an item at this address go on with a row? */
static bool goes_on(const struct weigher *w, const struct qn_row *r, uint64_t addr)
{
	if (!r || r->member != w->slot.part.member || w->gap)
		return false;
	if (addr == QN_ADDR_NONE || r->last == QN_ADDR_NONE)
		return addr == r->last && r->counted == are_counted(w) &&
		       !(r->counted && r->n >= LONGEST_COUNTED);
	return is_after(addr, r->last) && !w->apart;
}

static struct qn_row *open_row(struct weigher *w, uint64_t item, uint64_t addr)
{
	struct qn_lumps *l = w->out;
	struct qn_row *r;

	close_lump(w, item);
	if (!qn_grow(&l->row, &w->room_rows, l->nrows + 1, sizeof(*r))) {
		w->failed = true;
		return NULL;
	}
	r = &l->row[l->nrows++];
	*r = (struct qn_row){ .item = item,
			      .addr = addr,
			      .lump = (uint32_t)l->work.nlumps,
			      .member = w->slot.part.member,
			      .counted = addr == QN_ADDR_NONE && are_counted(w) };
	w->counts |= r->counted;
	w->gap = false;
	return r;
}

/* Items that have been weighed: the place of the next, as long as nothing is sorted. */
static uint64_t count_weighed(const struct qn_work *k)
{
	return k->nlumps ? k->lump[k->nlumps - 1].first + k->lump[k->nlumps - 1].n : 0;
}

static struct qn_lump *open_lump(struct weigher *w, uint64_t item, uint32_t set)
{
	struct qn_work *k = &w->out->work;
	const uint64_t place = count_weighed(k);
	struct qn_lump *l;

	close_lump(w, item);
	if (k->nlumps == UINT32_MAX ||
	    !qn_grow(&k->lump, &w->room_lumps, k->nlumps + 1, sizeof(*l))) {
		w->failed = true;
		return NULL;
	}
	l = &k->lump[k->nlumps++];
	*l = (struct qn_lump){ .first = place, .set = set };
	last_row(w)->nlumps++;
	w->open = true;
	return l;
}

/* The lump that the next item goes to, with at most `most` items; NULL without memory. */
static struct qn_lump *turn_to(struct weigher *w, uint64_t item, uint64_t addr, uint32_t set,
			       uint32_t most)
{
	struct qn_row *r = last_row(w);
	struct qn_lump *l = w->open ? &w->out->work.lump[w->out->work.nlumps - 1] : NULL;

	if (!goes_on(w, r, addr)) {
		r = open_row(w, item, addr);
		l = NULL;
	}
	if (r && (!l || l->set != set || l->n >= most))
		l = open_lump(w, item, set);
	if (!r || !l)
		return NULL;
	r->last = qn_max_u64(r->last, addr);
	return l;
}

static uint32_t find_set(struct weigher *w, uint64_t addr)
{
	w->until = QN_ADDR_NONE;
	if (!w->find)
		return QN_NO_HOMES;
	return w->find(w->ctx, w->slot.part.member, addr, &w->hint, &w->until);
}

/* --- items --- */

/* n items from this one on whose chunks are not stored. */
static void weigh_hole(struct weigher *w, uint64_t item, uint64_t n)
{
	const uint32_t set = n ? find_set(w, QN_ADDR_NONE) : QN_NO_HOMES;
	const uint32_t most = are_counted(w) ? LONGEST_COUNTED : w->hole;

	while (n && !w->failed) {
		struct qn_lump *l = turn_to(w, item, QN_ADDR_NONE, set, most);
		uint64_t k;

		if (!l)
			return;
		k = qn_min_u64(n, most - l->n);
		l->n += (uint32_t)k;
		last_row(w)->n += k;
		item += k;
		n -= k;
	}
}

/* Adds chunks to a lump as long as they follow each other in every respect, at most n; returns how
   many. The first is known to belong there. */
static uint64_t extend(const struct weigher *w, const struct qn_chunk *c, uint64_t n,
		       struct qn_lump *l)
{
	struct qn_row *r = last_row(w);
	uint64_t k = 0, stored = 0, last = r->last;

	n = w->apart ? 1 : qn_min_u64(n, w->per - l->n);
	do {
		last = qn_max_u64(last, c[k].addr);
		stored += c[k].nbytes;
		k++;
	} while (k < n && c[k].number == c->number + k && is_after(c[k].addr, last) &&
		 c[k].addr >= c->addr && c[k].addr < w->until);
	l->n += (uint32_t)k;
	l->stored += stored;
	r->n += k;
	r->last = last;
	return k;
}

/* Up to n items that are chunks which follow each other in the list; returns how many do. */
static uint64_t weigh_stored(struct weigher *w, uint64_t item, uint64_t n)
{
	const struct qn_chunk *c = w->member->chunks + w->cursor;
	uint64_t k = 0;

	n = qn_min_u64(n, w->member->nchunks - w->cursor);
	while (k < n && c[k].number == c->number + k) {
		struct qn_lump *l = turn_to(w, item + k, c[k].addr, find_set(w, c[k].addr), w->per);

		if (!l)
			return n;
		k += extend(w, c + k, n - k, l);
	}
	w->cursor += k;
	return k;
}

/* n items from this one on that are the chunks number, number + 1, ... */
static void weigh_chunks(struct weigher *w, uint64_t item, uint64_t number, uint64_t n)
{
	const struct qn_member *m = w->member;

	while (n && !w->failed) {
		uint64_t k;

		w->cursor = qn_lumps_chunk(m, number, w->cursor);
		if (w->cursor < m->nchunks && m->chunks[w->cursor].number == number) {
			k = weigh_stored(w, item, n);
		} else {
			k = w->cursor < m->nchunks
				    ? qn_min_u64(n, m->chunks[w->cursor].number - number)
				    : n;
			weigh_hole(w, item, k);
		}
		item += k;
		number += k;
		n -= k;
	}
}

/* An item of several chunks. */
static void weigh_block(struct weigher *w, uint64_t item)
{
	const struct qn_cut *cut = &w->slot.cut;
	const uint64_t i = item - w->items->first[w->slot.touched], all = qn_cut_nchunks(cut, i);
	const struct qn_member *m = w->member;
	uint64_t n, stored = 0, addr = QN_ADDR_NONE;
	struct qn_lump *l;

	qn_cut_chunks(cut, i, w->number);
	n = qn_chunk_sieve_keep(&w->chunks, w->items, &w->slot, w->number, all);
	w->failed = w->failed || !n;
	w->out->npruned += all - n;
	for (uint64_t k = 0; k < n; k++) {
		w->cursor = qn_lumps_chunk(m, w->number[k], w->cursor);
		if (w->cursor == m->nchunks || m->chunks[w->cursor].number != w->number[k])
			continue;
		addr = k ? addr : m->chunks[w->cursor].addr;
		stored += m->chunks[w->cursor++].nbytes;
	}
	l = turn_to(w, item, addr, find_set(w, addr), w->per);
	if (!l)
		return;
	l->n++;
	l->stored += stored;
	last_row(w)->n++;
}

/* n items of the cut from number i on have no work. */
static void prune(struct weigher *w, uint64_t i, uint64_t n)
{
	const struct qn_cut *cut = &w->slot.cut;

	close_lump(w, w->items->first[w->slot.touched] + i);
	w->before = qn_cut_nelems_before(cut, i + n);
	w->gap = true;
	for (uint64_t k = 0; !cut->run && k < n; k++)
		w->out->npruned += qn_cut_nchunks(cut, i + k);
	w->out->npruned += cut->run ? n : 0;
}

/* Items of the cut from number i on that are alike; returns how many. */
static uint64_t weigh_some(struct weigher *w, uint64_t first, uint64_t i)
{
	const struct qn_cut *cut = &w->slot.cut;
	uint64_t n;

	if (!qn_sieve_has_work(&w->sieve, cut, i, &n)) {
		prune(w, i, n);
		return n;
	}
	if (!cut->run) {
		weigh_block(w, first + i);
		return 1;
	}
	n = qn_min_u64(n, cut->run - i % cut->run);
	weigh_chunks(w, first + i, qn_cut_first_chunk(cut, i), n);
	return n;
}

static void weigh_part(struct weigher *w, uint64_t touched)
{
	const uint64_t first = w->items->first[touched];
	const struct qn_cut *cut = &w->slot.cut;

	qn_items_seek(w->items, first, &w->slot);
	w->member = &w->items->mosaic->member[w->slot.part.member];
	w->before = 0;
	w->failed = w->failed || !qn_sieve_turn(&w->sieve, w->items, &w->slot);
	for (uint64_t i = 0; i < cut->nitems && !w->failed;)
		i += weigh_some(w, first, i);
	if (!w->failed)
		close_lump(w, first + cut->nitems);
}

/* --- order --- */

static int by_place(const void *a, const void *b)
{
	const struct qn_row *x = a, *y = b;

	if (x->counted != y->counted)
		return x->counted ? -1 : 1;
	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Do the rows ascend? Those that are sorted may yet lie among each other; a few items do not matter.
   Of a row that begins before an earlier one ends, and that one, the items of the smaller one are where
   others should be. */
static bool is_ordered(const struct qn_lumps *l)
{
	const struct qn_row *far = NULL; /* the row of the member that ends last */
	uint64_t n = 0, all = 0;

	for (uint64_t i = 0; i < l->nrows; i++) {
		const struct qn_row *r = &l->row[i];

		if (r->counted)
			continue;
		all += r->n;
		if (far && far->member > r->member)
			return false;
		if (far && far->member == r->member && !is_after(r->addr, far->last))
			n += qn_min_u64(r->n, far->n);
		if (!far || far->member < r->member || far->last <= r->last)
			far = r;
	}
	return n <= all / MISPLACED;
}

/* Adds a lump behind the others, or to the last of them. */
static void append(struct qn_work *k, const struct qn_lump *l, uint64_t place, uint32_t per)
{
	struct qn_lump *all = k->lump;
	struct qn_lump *last = k->nlumps ? &all[k->nlumps - 1] : NULL;

	if (last && last->set == l->set && !last->stored == !l->stored &&
	    (uint64_t)last->n + l->n <= per) {
		last->n += l->n;
		last->stored += l->stored;
		last->decoded += l->decoded;
		return;
	}
	all[k->nlumps] = *l;
	all[k->nlumps++].first = place;
}

/* A lump of a row as a plan is to see it. */
static struct qn_lump lump_of(const struct qn_lumps *l, const struct qn_row *r, uint32_t k)
{
	struct qn_lump lump = l->work.lump[r->lump + k];

	if (r->counted) {
		lump.n = 1;
		lump.decoded = 0;
	}
	return lump;
}

/* Lumps in the order of the sorted rows. */
static enum quern_status reorder(struct qn_lumps *l, uint32_t per, struct quern_message *err)
{
	struct qn_work sorted = { .lump = qn_calloc(l->work.nlumps, sizeof(*sorted.lump)) };

	if (!sorted.lump)
		return qn_error_nomem(err, l->work.nlumps * sizeof(*sorted.lump), "the plan");
	for (uint64_t i = 0; i < l->nrows; i++)
		for (uint32_t k = 0; k < (l->row[i].counted ? 1 : l->row[i].nlumps); k++) {
			const struct qn_lump lump = lump_of(l, &l->row[i], k);

			append(&sorted, &lump, sorted.nitems, per);
			sorted.nitems += lump.n;
		}
	free(l->work.lump);
	l->work = sorted;
	return QUERN_OK;
}

static void number_places(struct qn_lumps *l)
{
	uint64_t place = 0;

	for (uint64_t i = 0; i < l->nrows; i++) {
		l->row[i].place = place;
		place += qn_row_nplaces(&l->row[i]);
	}
}

static enum quern_status weigh_all(struct weigher *w, struct quern_message *err)
{
	struct qn_lumps *l = w->out;

	l->nrows = l->work.nlumps = l->npruned = 0;
	w->slot.is_set = w->open = w->gap = false;
	w->cursor = w->hint = 0;
	for (uint64_t t = 0; t < w->items->ntouched && !w->failed; t++)
		weigh_part(w, t);
	if (w->failed)
		return qn_error_nomem(err,
				      2 * (w->room_rows * sizeof(*l->row) +
					   w->room_lumps * sizeof(*l->work.lump)),
				      "the plan");
	l->work.nitems = count_weighed(&l->work);
	return QUERN_OK;
}

/* Sorts what is not in order. Rows that lie among each other are taken apart. */
static enum quern_status put_in_order(struct weigher *w, struct quern_message *err)
{
	struct qn_lumps *l = w->out;
	enum quern_status st = QUERN_OK;

	if (is_ordered(l) && !w->counts)
		return QUERN_OK;
	qsort(l->row, l->nrows, sizeof(*l->row), by_place);
	if (!is_ordered(l)) {
		w->apart = true;
		st = weigh_all(w, err);
		if (!st)
			qsort(l->row, l->nrows, sizeof(*l->row), by_place);
	}
	return st ? st : reorder(l, w->per, err);
}

/* Items, but for those that are counted: about as many as there are chunks. */
static uint64_t count_work(const struct qn_items *items)
{
	uint64_t n = 0;

	if (!items->counts_holes)
		return items->nitems;
	for (uint32_t i = 0; i < items->mosaic->nmembers; i++)
		n += items->mosaic->member[i].nchunks;
	return qn_max_u64(1, qn_min_u64(n, items->nitems));
}

enum quern_status qn_lumps_make(const struct qn_items *items, const struct qn_masks *masks,
				size_t element_nbytes, uint64_t most, qn_find_set *find,
				const void *ctx, struct qn_lumps *out, struct quern_message *err)
{
	struct weigher w = { .items = items,
			     .sieve = { .masks = masks },
			     .chunks = { .sieve = { .masks = masks } },
			     .element_nbytes = element_nbytes,
			     .find = find,
			     .ctx = ctx,
			     .out = out,
			     .per = (uint32_t)qn_min_u64(qn_ceil_div(count_work(items), most),
							 LONGEST_HOLE) };
	enum quern_status st;

	w.hole = w.per > 1 ? LONGEST_HOLE : 1;
	*out = (struct qn_lumps){ .masks = masks };
	w.number = qn_calloc(items->max_chunks, sizeof(*w.number));
	if (!w.number)
		return qn_error_nomem(err, items->max_chunks * sizeof(*w.number), "the plan");
	st = weigh_all(&w, err);
	if (!st)
		st = put_in_order(&w, err);
	number_places(out);
	free(w.number);
	qn_sieve_fini(&w.sieve);
	qn_sieve_fini(&w.chunks.sieve);
	if (st)
		qn_lumps_fini(out);
	return st;
}

void qn_lumps_fini(struct qn_lumps *l)
{
	free(l->work.lump);
	free(l->row);
	memset(l, 0, sizeof(*l));
}

uint64_t qn_lumps_row(const struct qn_lumps *l, uint64_t place, uint64_t hint)
{
	uint64_t low = 0, high = l->nrows;

	for (uint64_t k = hint; k < l->nrows && k < hint + 2; k++)
		if (place >= l->row[k].place &&
		    place - l->row[k].place < qn_row_nplaces(&l->row[k]))
			return k;
	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if (l->row[mid].place <= place)
			low = mid;
		else
			high = mid;
	}
	return low;
}
