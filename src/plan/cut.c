#include "plan/cut.h"

#include <string.h>

#include "base/mem.h"

/* The i-th touched chunk coordinate. With a step larger than the chunk each selected element is in
   a chunk of its own; otherwise every chunk between the first and the last is touched. */
static uint64_t touched(const struct qn_cut *it, int d, uint64_t i)
{
	const struct quern_box *s = &it->selection;

	if (s->step[d] > it->chunk[d])
		return (s->start[d] + i * s->step[d]) / it->chunk[d];
	return s->start[d] / it->chunk[d] + i;
}

static uint64_t count_touched(const struct qn_cut *it, int d)
{
	const struct quern_box *s = &it->selection;
	uint64_t last;

	if (!s->count[d] || s->step[d] > it->chunk[d])
		return s->count[d];
	last = s->start[d] + (s->count[d] - 1) * s->step[d];
	return last / it->chunk[d] - s->start[d] / it->chunk[d] + 1;
}

/* Selected elements in `grain` touched chunks of a dimension, away from the edges. */
static uint64_t nelems_along(const struct qn_cut *it, int d, uint64_t grain)
{
	const struct quern_box *s = &it->selection;

	if (grain >= it->ntouched[d])
		return s->count[d];
	return qn_min_u64(grain * qn_max_u64(it->chunk[d] / s->step[d], 1), s->count[d]);
}

/* Lengthens the cut dimensions, innermost first, until an item has min_nelems elements. */
static void choose_grain(struct qn_cut *it, const struct quern_demand *demand)
{
	uint64_t nelems = 1;

	for (int d = 0; d < it->ndim; d++) {
		it->grain[d] = demand->whole[d] ? qn_max_u64(it->ntouched[d], 1) : 1;
		nelems *= nelems_along(it, d, it->grain[d]);
	}
	for (int d = it->ndim - 1; d >= 0 && nelems && nelems < demand->min_nelems; d--) {
		uint64_t want = qn_ceil_div(demand->min_nelems, nelems);

		if (demand->whole[d])
			continue;
		nelems /= nelems_along(it, d, 1);
		it->grain[d] = qn_min_u64(want, it->ntouched[d]);
		nelems *= nelems_along(it, d, it->grain[d]);
	}
}

/* As far as the touched part of the chunk grid is whole, numbers go on from one row to the next. */
static uint64_t find_run(const struct qn_cut *it)
{
	uint64_t run = 1;
	bool whole = true;

	for (int d = it->ndim - 1; d >= 0; d--) {
		if (it->grain[d] > 1)
			return 0;
		whole = whole && it->selection.step[d] <= it->chunk[d];
		run *= whole ? it->ntouched[d] : 1;
		whole = whole && it->ntouched[d] == it->chunks[d];
	}
	return run;
}

void qn_cut_init(struct qn_cut *it, const struct qn_dataset *d, const struct quern_box *selection,
		 const struct quern_demand *demand)
{
	memset(it, 0, sizeof(*it));
	it->ndim = d->ndim;
	it->selection = *selection;
	memcpy(it->chunk, d->chunk, sizeof(it->chunk));
	qn_dataset_grid(d, it->chunks);
	for (int i = 0; i < it->ndim; i++) {
		it->ntouched[i] = count_touched(it, i);
		it->grain[i] = 1;
	}
	if (demand)
		choose_grain(it, demand);
	it->nitems = 1;
	for (int i = 0; i < it->ndim; i++) {
		it->grid[i] = qn_ceil_div(it->ntouched[i], it->grain[i]);
		it->nitems *= it->grid[i];
	}
	it->run = it->nitems ? find_run(it) : 0;
}

/* What a selection has of the stored elements of a dimension. */
static uint64_t count_stored(const struct quern_box *box, int dim, uint64_t length)
{
	const uint64_t start = box->start[dim];

	return start >= length
		       ? 0
		       : qn_min_u64(box->count[dim], qn_ceil_div(length - start, box->step[dim]));
}

void qn_cut_touch(const struct qn_dataset *d, const struct quern_box *selection,
		  const struct qn_picks *picks, struct qn_touched *out)
{
	struct quern_box stored = *selection;
	struct qn_cut cut;

	for (int i = 0; i < d->ndim; i++)
		stored.count[i] = count_stored(selection, i, d->shape[i]);
	qn_cut_init(&cut, d, &stored, NULL);
	*out = (struct qn_touched){ .nlogical = 1, .nchunks = 1, .nelems = 1, .of = 1 };
	for (int i = 0; i < d->ndim; i++) {
		uint64_t touched = cut.ntouched[i], n = stored.count[i];

		if (picks->dim[i].nstretches)
			n = qn_picks_touch(picks, &stored, i, d->chunk[i], &touched);
		out->count[i] = qn_picks_count(picks, selection, i);
		out->nlogical *= out->count[i];
		out->nchunks *= touched;
		out->nelems *= n;
		/* Edge chunks are stored whole, but only what is in the dataset counts. */
		out->of *= qn_min_u64(touched * d->chunk[i], d->shape[i]);
	}
}

/* Ranges [first, first + n) of touched coordinates of an item. */
static void item_ranges(const struct qn_cut *it, uint64_t item, uint64_t *first, uint64_t *n)
{
	for (int d = it->ndim - 1; d >= 0; d--) {
		uint64_t c = item % it->grid[d];

		item /= it->grid[d];
		first[d] = c * it->grain[d];
		n[d] = qn_min_u64(it->grain[d], it->ntouched[d] - first[d]);
	}
}

uint64_t qn_cut_nchunks(const struct qn_cut *it, uint64_t item)
{
	uint64_t first[QUERN_MAX_DIMS], n[QUERN_MAX_DIMS], nchunks = 1;

	item_ranges(it, item, first, n);
	for (int d = 0; d < it->ndim; d++)
		nchunks *= n[d];
	return nchunks;
}

uint64_t qn_cut_max_chunks(const struct qn_cut *it)
{
	uint64_t n = 1;

	for (int d = 0; d < it->ndim; d++)
		n *= it->grain[d];
	return n;
}

uint64_t qn_cut_max_nelems(const struct qn_cut *it)
{
	uint64_t n = 1;

	for (int d = 0; d < it->ndim; d++)
		n *= qn_min_u64(it->grain[d] * it->chunk[d], it->selection.count[d]);
	return n;
}

void qn_cut_chunks(const struct qn_cut *it, uint64_t item, uint64_t *numbers)
{
	uint64_t first[QUERN_MAX_DIMS], n[QUERN_MAX_DIMS], i[QUERN_MAX_DIMS] = { 0 };
	uint64_t nchunks = qn_cut_nchunks(it, item);

	item_ranges(it, item, first, n);
	for (uint64_t k = 0; k < nchunks; k++) {
		uint64_t number = 0;

		for (int d = 0; d < it->ndim; d++)
			number = number * it->chunks[d] + touched(it, d, first[d] + i[d]);
		numbers[k] = number;
		for (int d = it->ndim - 1; d >= 0 && ++i[d] == n[d]; d--)
			i[d] = 0;
	}
}

uint64_t qn_cut_item_of_chunk(const struct qn_cut *it, uint64_t number)
{
	uint64_t item = 0, place = 1;

	for (int d = it->ndim - 1; d >= 0; number /= it->chunks[d--]) {
		const uint64_t at = number % it->chunks[d], start = it->selection.start[d];
		const uint64_t step = it->selection.step[d], first = at * it->chunk[d];

		if (step <= it->chunk[d])
			item += (at - start / it->chunk[d]) * place;
		else
			item += (first > start ? qn_ceil_div(first - start, step) : 0) * place;
		place *= it->grid[d];
	}
	return item;
}

uint64_t qn_cut_first_chunk(const struct qn_cut *it, uint64_t item)
{
	uint64_t first[QUERN_MAX_DIMS], n[QUERN_MAX_DIMS], number = 0;

	item_ranges(it, item, first, n);
	for (int d = 0; d < it->ndim; d++)
		number = number * it->chunks[d] + touched(it, d, first[d]);
	return number;
}

/* Selected elements of a dimension in the items before a coordinate of the grid of items. */
static uint64_t before_along(const struct qn_cut *it, int d, uint64_t at)
{
	const struct quern_box *s = &it->selection;
	uint64_t lo;

	if (at >= it->grid[d])
		return s->count[d];
	lo = touched(it, d, at * it->grain[d]) * it->chunk[d];
	return lo > s->start[d] ? qn_ceil_div(lo - s->start[d], s->step[d]) : 0;
}

/* An item at (i, j, k) comes after all those at lower i, those at i and lower j, and so on. */
uint64_t qn_cut_nelems_before(const struct qn_cut *it, uint64_t item)
{
	uint64_t at[QUERN_MAX_DIMS], before = 0, slab = 1, rest = item;

	for (int d = it->ndim - 1; d > 0; d--) {
		at[d] = rest % it->grid[d];
		rest /= it->grid[d];
	}
	at[0] = rest;
	for (int d = 0; d < it->ndim; d++) {
		uint64_t lo = before_along(it, d, at[d]);

		before = before * it->selection.count[d] + slab * lo;
		slab *= before_along(it, d, at[d] + 1) - lo;
	}
	return before;
}

/* Works out one dimension of a walk. */
static void walk_along(const struct qn_cut *it, int d, struct qn_cut_walk *w)
{
	const struct quern_box *s = &it->selection;
	uint64_t first = w->at[d] * it->grain[d], lo, hi;

	w->n[d] = qn_min_u64(it->grain[d], it->ntouched[d] - first);
	w->touched[d] = touched(it, d, first);
	lo = w->touched[d] * it->chunk[d];
	hi = w->n[d] == 1 ? lo + it->chunk[d]
			  : (touched(it, d, first + w->n[d] - 1) + 1) * it->chunk[d];
	lo = lo > s->start[d] ? lo - s->start[d] : 0;
	hi -= s->start[d];
	if (s->step[d] > 1) {
		lo = qn_ceil_div(lo, s->step[d]);
		hi = qn_ceil_div(hi, s->step[d]);
	}
	w->length[d] = qn_min_u64(s->count[d], hi) - lo;
}

void qn_cut_walk(const struct qn_cut *it, uint64_t item, struct qn_cut_walk *w)
{
	int d = it->ndim - 1;

	if (w->is_set && item == w->item + 1) {
		for (; d > 0 && w->at[d] + 1 == it->grid[d]; d--) {
			w->at[d] = 0;
			walk_along(it, d, w);
		}
		w->at[d]++;
		walk_along(it, d, w);
	} else {
		for (uint64_t rest = item; d >= 0; d--) {
			w->at[d] = rest % it->grid[d];
			rest /= it->grid[d];
			walk_along(it, d, w);
		}
	}
	w->is_set = true;
	w->item = item;
	w->number = 0;
	w->nchunks = w->nelems = 1;
	for (d = 0; d < it->ndim; d++) {
		w->number = w->number * it->chunks[d] + w->touched[d];
		w->nchunks *= w->n[d];
		w->nelems *= w->length[d];
	}
}

void qn_cut_box(const struct qn_cut *it, uint64_t item, struct quern_box *box)
{
	uint64_t first[QUERN_MAX_DIMS], n[QUERN_MAX_DIMS];
	const struct quern_box *s = &it->selection;

	item_ranges(it, item, first, n);
	box->ndim = it->ndim;
	for (int d = 0; d < it->ndim; d++) {
		uint64_t lo = touched(it, d, first[d]) * it->chunk[d];
		uint64_t hi = (touched(it, d, first[d] + n[d] - 1) + 1) * it->chunk[d];
		uint64_t from = lo > s->start[d] ? qn_ceil_div(lo - s->start[d], s->step[d]) : 0;
		uint64_t to = qn_min_u64(s->count[d], qn_ceil_div(hi - s->start[d], s->step[d]));

		box->start[d] = s->start[d] + from * s->step[d];
		box->count[d] = to - from;
		box->step[d] = s->step[d];
	}
}
