/*
 * test_lumps.c - lumps against items that are weighed one by one, on random grids, selections, parts
 * and chunk lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan/weigh.h"
#include "random.h"
#include "select/select.h"

#define ELEMENT	   4
#define SPACING	   (100 << 10)	  /* of chunks in their file */
#define SET_NBYTES (22 * SPACING) /* of a file that have the same homes */

/* Homes go by member and address. */
static uint32_t find_set(const void *ctx, uint32_t member, uint64_t addr, uint64_t *hint,
			 uint64_t *until)
{
	(void)ctx;
	(void)hint;
	if (addr == QN_ADDR_NONE)
		return 1000000 + member;
	*until = (addr / SET_NBYTES + 1) * SET_NBYTES;
	return member * 1000 + (uint32_t)(addr / SET_NBYTES);
}

enum disorder { ASCENDING, REVERSED, SHUFFLED, TWO_WRITERS, NDISORDERS };

/* Where the ith chunk of n is put. */
static uint64_t place_of(enum disorder how, uint64_t i, uint64_t n, uint64_t *seed)
{
	switch (how) {
	case REVERSED:
		return n - i;
	case SHUFFLED:
		return random_below(seed, 10 * n + 1);
	case TWO_WRITERS:
		return i < n / 2 ? 2 * i : 2 * (i - n / 2) + 1;
	default:
		return i;
	}
}

static void make_chunks(struct qn_dataset *d, enum disorder how, uint64_t *seed)
{
	uint64_t grid[QUERN_MAX_DIMS], n = qn_dataset_grid(d, grid);
	uint64_t density = 1 + random_below(seed, 4);

	d->chunks = calloc(n + 1, sizeof(*d->chunks));
	for (uint64_t i = 0; i < n; i++)
		if (random_below(seed, 5) <= density)
			d->chunks[d->nchunks++] =
				(struct qn_chunk){ i, 8 + SPACING * place_of(how, i, n, seed),
						   1 + (uint32_t)random_below(seed, 30), 0 };
	d->file_nbytes = UINT64_MAX / 2;
}

/* A mosaic of a few members one after the other along the first dimension. */
static void make_mosaic(struct qn_mosaic *m, int ndim, uint64_t *shape, enum disorder how,
			uint64_t *seed)
{
	struct quern_message err = { .status = QUERN_OK };
	uint64_t chunk[QUERN_MAX_DIMS], origin[QUERN_MAX_DIMS] = { 0 };
	int nmembers = 1 + (int)random_below(seed, 3);

	qn_mosaic_init(m, ndim);
	for (int d = 0; d < ndim; d++) {
		shape[d] = 1 + random_below(seed, 12);
		chunk[d] = 1 + random_below(seed, 4);
	}
	for (int i = 0; i < nmembers; i++) {
		struct qn_dataset d = { .ndim = ndim,
					.layout = QN_CHUNKED,
					.native = true,
					.nfilters = 1, /* chunks are of any size */
					.filter = { { .id = 1 } },
					.type = { .class = QN_INT, .size = ELEMENT } };

		memcpy(d.shape, shape, sizeof(d.shape));
		memcpy(d.chunk, chunk, sizeof(d.chunk));
		d.shape[0] = 1 + random_below(seed, 9);
		d.file = strdup("f");
		d.path = strdup("/x");
		make_chunks(&d, how, seed);
		assert_int_equal(qn_mosaic_place(m, &d, origin, &err), QUERN_OK);
		origin[0] += d.shape[0];
		qn_dataset_fini(&d);
	}
	shape[0] = origin[0];
}

static void select_box(struct quern_box *box, int ndim, const uint64_t *shape, uint64_t *seed)
{
	bool whole = random_below(seed, 3) == 0;

	memset(box, 0, sizeof(*box));
	box->ndim = ndim;
	for (int d = 0; d < ndim; d++) {
		box->start[d] = whole ? 0 : random_below(seed, shape[d]);
		box->step[d] = whole ? 1 : 1 + random_below(seed, 6);
		box->count[d] =
			whole ? shape[d]
			      : 1 + random_below(seed,
						 (shape[d] - box->start[d] - 1) / box->step[d] + 1);
	}
}

/* An item, weighed by itself. */
struct weight {
	uint64_t stored, decoded, addr, nchunks, npruned;
	uint32_t member, set;
	bool counted;
};

/* Is a bit of a mask set for one of the elements of a box of the whole? */
static bool is_wanted(const struct qn_mask *m, const struct quern_box *selection,
		      const struct quern_box *box)
{
	for (uint64_t i = 0; i < qn_box_nelems(box); i++) {
		uint64_t rest = i, index[QUERN_MAX_DIMS] = { 0 }, bit = 0;

		for (int d = box->ndim - 1; d >= 0; d--) {
			index[d] = box->start[d] + rest % box->count[d] * box->step[d];
			rest /= box->count[d];
		}
		for (int k = 0; k < m->ndim; k++) {
			const int d = m->dim[k];

			bit = bit * m->count[k] +
			      (index[d] - selection->start[d]) / selection->step[d];
		}
		if (m->bits[bit / 64] >> bit % 64 & 1)
			return true;
	}
	return false;
}

/* Element number i of a box, as a box. */
static struct quern_box element(const struct quern_box *box, uint64_t i)
{
	struct quern_box one = *box;

	for (int d = box->ndim - 1; d >= 0; i /= box->count[d--]) {
		one.start[d] += i % box->count[d] * box->step[d];
		one.count[d] = one.step[d] = 1;
	}
	return one;
}

/* Leaves the chunks of an item of several that have an element which each mask wants, as long as it is not the same
   one, or the first chunk. */
static uint64_t keep_wanted(const struct qn_items *items, const struct qn_masks *masks,
			    const struct qn_slot *slot, uint64_t *number, uint64_t n)
{
	uint8_t *wants = calloc(n, 1);
	struct quern_box from, to;
	uint64_t nkept = 0;

	qn_slot_box(slot, &from, &to);
	for (uint64_t i = 0; i < qn_box_nelems(&to); i++) {
		const struct quern_box f = element(&from, i), t = element(&to, i);
		uint64_t chunk = 0, k = 0;

		for (int d = 0; d < f.ndim; d++)
			chunk = chunk * slot->cut.chunks[d] + f.start[d] / slot->cut.chunk[d];
		while (number[k] != chunk)
			k++;
		for (int m = 0; m < masks->n; m++)
			if (!(wants[k] >> m & 1) &&
			    is_wanted(&masks->mask[m], &items->selection, &t))
				wants[k] |= (uint8_t)(1 << m);
	}
	for (uint64_t k = 0; k < n; k++)
		if (wants[k] == (1 << masks->n) - 1)
			number[nkept++] = number[k];
	free(wants);
	return nkept ? nkept : 1;
}

static struct weight weigh(const struct qn_items *items, const struct qn_masks *masks,
			   uint64_t item)
{
	struct qn_slot slot = { .is_set = false };
	struct weight w = { .addr = QN_ADDR_NONE };
	struct quern_box box;
	uint64_t number[5000], n, hint = 0, until = 0;
	const struct qn_member *m;

	qn_items_seek(items, item, &slot);
	m = &items->mosaic->member[slot.part.member];
	n = qn_cut_nchunks(&slot.cut, slot.item);
	qn_cut_chunks(&slot.cut, slot.item, number);
	assert_int_equal(qn_cut_first_chunk(&slot.cut, slot.item), number[0]);
	w.nchunks = n;
	if (masks && !slot.cut.run)
		n = keep_wanted(items, masks, &slot, number, n);
	w.npruned = w.nchunks - n;
	for (uint64_t k = 0; k < n; k++)
		for (uint64_t c = 0; c < m->nchunks; c++)
			if (m->chunks[c].number == number[k]) {
				w.stored += m->chunks[c].nbytes;
				w.addr = k ? w.addr : m->chunks[c].addr;
			}
	qn_cut_box(&slot.cut, slot.item, &box);
	w.decoded = ELEMENT;
	for (int d = 0; d < box.ndim; d++)
		w.decoded *= box.count[d];
	w.member = slot.part.member;
	w.counted = items->counts_holes && w.addr == QN_ADDR_NONE && slot.cut.run >= 64;
	w.set = find_set(NULL, w.member, w.addr, &hint, &until);
	return w;
}

static uint64_t ncounted_rows; /* so far */

static bool has_work(const struct qn_items *items, const struct qn_masks *masks, uint64_t item)
{
	struct qn_slot slot = { .is_set = false };
	struct quern_box from, to;

	qn_items_seek(items, item, &slot);
	qn_slot_box(&slot, &from, &to);
	for (int i = 0; masks && i < masks->n; i++)
		if (!is_wanted(&masks->mask[i], &items->selection, &to))
			return false;
	return true;
}

/* Items with work; *nchunks: the chunks that have none. */
static uint64_t count_work(const struct qn_items *items, const struct qn_masks *masks,
			   uint64_t *nchunks)
{
	uint64_t n = 0;

	*nchunks = 0;
	for (uint64_t i = 0; i < items->nitems; i++) {
		struct qn_slot slot = { .is_set = false };

		qn_items_seek(items, i, &slot);
		if (!has_work(items, masks, i)) {
			*nchunks += qn_cut_nchunks(&slot.cut, slot.item);
			continue;
		}
		n++;
		*nchunks += weigh(items, masks, i).npruned;
	}
	return n;
}

/* A mask of random dimensions. */
static void make_mask(struct qn_mask *m, const struct quern_box *selection, uint64_t *seed)
{
	const uint64_t density = random_below(seed, 6);

	*m = (struct qn_mask){ .nbits = 1 };
	for (int d = 0; d < selection->ndim; d++)
		if (random_below(seed, 2)) {
			m->count[m->ndim] = selection->count[d];
			m->dim[m->ndim++] = d;
			m->nbits *= selection->count[d];
		}
	m->bits = calloc(m->nbits / 64 + 1, sizeof(*m->bits));
	for (uint64_t i = 0; i < m->nbits; i++)
		if (random_below(seed, 10) < density * density)
			m->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void make_masks(struct qn_masks *m, const struct quern_box *selection, uint64_t *seed)
{
	m->n = 1 + (int)random_below(seed, 2);
	m->mask = calloc((size_t)m->n, sizeof(*m->mask));
	for (int i = 0; i < m->n; i++)
		make_mask(&m->mask[i], selection, seed);
}

/* A row of items that are counted: before all others. */
static void check_counted(const struct qn_items *items, const struct qn_lumps *l, uint64_t r,
			  uint8_t *seen)
{
	const struct qn_row *row = &l->row[r];

	ncounted_rows++;
	assert_true(!r || l->row[r - 1].counted);
	for (uint64_t k = 0; k < row->n; k++) {
		struct weight w = weigh(items, NULL, row->item + k);

		assert_true(!seen[row->item + k]++ && w.counted);
		assert_int_equal(w.member, row->member);
	}
}

/* Rows: every item once, and in file order. order[place] = item. Returns the places. */
static uint64_t check_rows(const struct qn_items *items, const struct qn_masks *masks,
			   const struct qn_lumps *l, uint64_t *order)
{
	uint8_t *seen = calloc(items->nitems + 1, 1);
	struct weight last = { .stored = 0 };
	uint64_t place = 0, nback = 0, nseen = 0, ncounted = 0, npruned;
	const uint64_t nwork = count_work(items, masks, &npruned);

	for (uint64_t r = 0; r < l->nrows; r++) {
		const struct qn_row *row = &l->row[r];

		assert_int_equal(row->place, place);
		assert_true(row->n > 0);
		nseen += row->n;
		if (row->counted) {
			check_counted(items, l, r, seen);
			assert_int_equal(qn_lumps_row(l, place, r % 3), r);
			order[place++] = row->item;
			ncounted++;
			continue;
		}
		for (uint64_t k = 0; k < row->n; k++, place++) {
			struct weight w = weigh(items, masks, row->item + k);

			assert_true(place < items->nitems && !seen[row->item + k]++ && !w.counted);
			assert_int_equal(w.member, row->member);
			assert_true(has_work(items, masks, row->item + k));
			assert_int_equal(w.addr == QN_ADDR_NONE, row->last == QN_ADDR_NONE);
			nback += place > ncounted && w.member == last.member &&
				 w.addr < last.addr && last.addr - w.addr > QN_STEP_BACK;
			assert_true(w.member >= last.member);
			assert_int_equal(qn_lumps_row(l, place, k % 3 ? r : 0), r);
			order[place] = row->item + k;
			last = w;
		}
	}
	assert_int_equal(nseen, nwork);
	assert_int_equal(l->npruned, npruned);
	assert_true(nback <= items->nitems / 100);
	free(seen);
	return place;
}

static void check_lumps(const struct qn_items *items, const struct qn_lumps *l,
			const uint64_t *order, uint64_t nplaces, uint64_t most)
{
	const uint64_t per = qn_ceil_div(items->nitems, most);
	uint64_t place = 0;

	assert_int_equal(l->work.nitems, nplaces);
	for (uint64_t k = 0; k < l->work.nlumps; k++) {
		const struct qn_lump *lump = &l->work.lump[k];
		uint64_t stored = 0, decoded = 0;

		assert_int_equal(lump->first, place);
		assert_true(lump->n > 0 && (lump->n <= per || (per > 1 && !lump->stored)));
		for (uint32_t i = 0; i < lump->n; i++, place++) {
			struct weight w = weigh(items, l->masks, order[place]);

			stored += w.stored;
			decoded += w.counted ? 0 : w.decoded;
			assert_int_equal(w.set, lump->set);
		}
		assert_int_equal(lump->stored, stored);
		assert_int_equal(lump->decoded, decoded);
	}
	assert_int_equal(place, nplaces);
}

static void check_both(const struct qn_mosaic *m, const struct quern_box *box,
		       const struct quern_demand *demand, const struct qn_masks *masks)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_items items;
	uint64_t *order;

	if (qn_items_init(&items, m, box, demand, &err))
		return; /* a dimension that the members share is to be whole */
	order = calloc(items.nitems + 1, sizeof(*order));
	for (uint64_t most = 1; most <= 1000; most = 10 * most) {
		for (int counts = 0; counts < (items.max_chunks == 1 && !masks ? 2 : 1); counts++) {
			struct qn_lumps l;

			items.counts_holes = counts;
			assert_int_equal(qn_lumps_make(&items, masks, ELEMENT, most, find_set, NULL,
						       &l, &err),
					 0);
			check_lumps(&items, &l, order, check_rows(&items, masks, &l, order), most);
			qn_lumps_fini(&l);
		}
	}
	free(order);
	qn_items_fini(&items);
}

static void test_against_single_items(void **state)
{
	uint64_t seed = random_seed(5);

	(void)state;
	for (int round = 0; round < 400; round++) {
		int ndim = 1 + (int)random_below(&seed, 3);
		struct quern_demand demand = { .min_nelems = random_below(&seed, 50) };
		uint64_t shape[QUERN_MAX_DIMS];
		struct qn_masks masks;
		struct quern_box box;
		struct qn_mosaic m;

		make_mosaic(&m, ndim, shape, (enum disorder)(round % NDISORDERS), &seed);
		select_box(&box, ndim, shape, &seed);
		demand.whole[ndim - 1] = random_below(&seed, 2);
		check_both(&m, &box, NULL, NULL);
		check_both(&m, &box, &demand, NULL);
		make_masks(&masks, &box, &seed);
		check_both(&m, &box, NULL, &masks);
		check_both(&m, &box, &demand, &masks);
		qn_masks_fini(&masks);
		qn_mosaic_fini(&m);
	}
	assert_true(ncounted_rows > 100);
}

/* A grid of which nothing is stored is one row, whatever its size. */
static void test_nothing_stored(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset d = { .ndim = 2,
				.layout = QN_CHUNKED,
				.native = true,
				.type = { .class = QN_INT, .size = ELEMENT },
				.shape = { 1 << 20, 1 << 20 },
				.chunk = { 8, 8 },
				.file = strdup("f"),
				.path = strdup("/x") };
	struct quern_box all = { .ndim = 2, .count = { 1 << 20, 1 << 20 }, .step = { 1, 1 } };
	struct qn_mosaic m;
	struct qn_items items;
	struct qn_lumps l;
	uint64_t decoded = 0;

	(void)state;
	qn_mosaic_init(&m, 2);
	assert_int_equal(qn_mosaic_place(&m, &d, (uint64_t[QUERN_MAX_DIMS]){ 0 }, &err), 0);
	qn_dataset_fini(&d);
	assert_int_equal(qn_items_init(&items, &m, &all, NULL, &err), 0);
	assert_int_equal(items.nitems, UINT64_C(1) << 34);
	assert_int_equal(qn_lumps_make(&items, NULL, ELEMENT, 1000, NULL, NULL, &l, &err), 0);
	assert_int_equal(l.nrows, 1);
	assert_true(l.work.nlumps < 10);
	for (uint64_t k = 0; k < l.work.nlumps; k++)
		decoded += l.work.lump[k].decoded;
	assert_int_equal(decoded, UINT64_C(1) << 42);
	qn_lumps_fini(&l);
	/* Counted: pieces of which a rank can have some. */
	items.counts_holes = true;
	assert_int_equal(qn_lumps_make(&items, NULL, ELEMENT, 1000, NULL, NULL, &l, &err), 0);
	assert_int_equal(l.work.nitems, l.nrows);
	assert_in_range(l.nrows, 8, 1000);
	for (uint64_t k = 0; k < l.work.nlumps; k++)
		assert_int_equal(l.work.lump[k].decoded, 0);
	qn_lumps_fini(&l);
	qn_items_fini(&items);
	qn_mosaic_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_single_items),
		cmocka_unit_test(test_nothing_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
