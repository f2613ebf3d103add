#include "plan/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void qn_masks_fini(struct qn_masks *m)
{
	for (int i = 0; i < m->n; i++)
		free(m->mask[i].bits);
	free(m->mask);
	memset(m, 0, sizeof(*m));
}

/* --- boxes and bits --- */

/* Is one of n bits from number `first` on set? */
static bool has_any(const uint64_t *bits, uint64_t first, uint64_t n)
{
	while (n) {
		const uint64_t at = first % 64, k = qn_min_u64(n, 64 - at);
		const uint64_t these = k == 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1;

		if (bits[first / 64] >> at & these)
			return true;
		first += k;
		n -= k;
	}
	return false;
}

/* Along dimension k of a mask, what of it a box of the whole has: indexes into the mask. */
struct reach {
	uint64_t first, n, step;
};

static bool row_has_any(const struct qn_mask *m, const struct reach *last, uint64_t base)
{
	if (last->step == 1)
		return has_any(m->bits, base + last->first, last->n);
	for (uint64_t i = 0; i < last->n; i++)
		if (has_any(m->bits, base + last->first + i * last->step, 1))
			return true;
	return false;
}

static bool reach_has_any(const struct qn_mask *m, const struct reach *r, int k, uint64_t base)
{
	if (k >= m->ndim - 1)
		return row_has_any(m, &r[k], base);
	for (uint64_t i = 0; i < r[k].n; i++)
		if (reach_has_any(m, r, k + 1,
				  (base + r[k].first + i * r[k].step) * m->count[k + 1]))
			return true;
	return false;
}

static bool box_has_any(const struct qn_mask *m, const struct quern_box *selection,
			const struct quern_box *box)
{
	struct reach r[QUERN_MAX_DIMS] = { { 0, 1, 1 } };

	for (int k = 0; k < m->ndim; k++) {
		const int d = m->dim[k];
		const uint64_t step = qn_max_u64(selection->step[d], 1);

		r[k] = (struct reach){ (box->start[d] - selection->start[d]) / step, box->count[d],
				       qn_max_u64(box->step[d] / step, 1) };
	}
	return m->pick ? qn_pick_has_any(m->pick, r->first, r->n, r->step)
		       : reach_has_any(m, r, 0, 0);
}

/* --- parts --- */

/* Strides along the grid of items; *n: places. False: too many. */
static bool lay_out(const struct qn_mask *m, const struct qn_slot *slot, struct qn_sieve_grid *g,
		    uint64_t *n)
{
	bool ok = true;

	memset(g->stride, 0, sizeof(g->stride));
	*n = 1;
	for (int k = m->ndim - 1; ok && k >= 0; k--) {
		const int a = slot->part.axis[m->dim[k]];

		if (a < 0 || slot->cut.grid[a] == 1)
			continue;
		g->stride[a] = *n;
		ok = qn_mul(*n, slot->cut.grid[a], n);
	}
	return ok;
}

/* The item at a place, and at the first index of each other dimension. */
static uint64_t item_at(const struct qn_cut *cut, const struct qn_sieve_grid *g, uint64_t place)
{
	uint64_t item = 0;

	for (int a = 0; a < cut->ndim; a++)
		item = item * cut->grid[a] +
		       (g->stride[a] ? place / g->stride[a] % cut->grid[a] : 0);
	return item;
}

static bool turn_grid(const struct qn_mask *m, const struct qn_items *items,
		      const struct qn_slot *slot, struct qn_sieve_grid *g)
{
	struct qn_slot at = *slot;
	struct quern_box from, to;
	uint64_t n;

	if (!lay_out(m, slot, g, &n) || !qn_grow(&g->has_work, &g->room, n, sizeof(*g->has_work)))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		at.item = item_at(&at.cut, g, i);
		qn_slot_box(&at, &from, &to);
		g->has_work[i] = box_has_any(m, &items->selection, &to);
	}
	return true;
}

/* Items that differ only in dimensions that no mask is of. */
static uint64_t find_block(const struct qn_sieve *s, const struct qn_cut *cut)
{
	uint64_t block = 1;

	for (int a = cut->ndim - 1; a >= 0; a--) {
		for (int i = 0; i < s->masks->n; i++)
			if (s->grid[i].stride[a])
				return block;
		block *= cut->grid[a];
	}
	return block;
}

bool qn_sieve_turn(struct qn_sieve *s, const struct qn_items *items, const struct qn_slot *slot)
{
	if (!s->masks)
		return true;
	if (!s->grid)
		s->grid = qn_calloc((size_t)s->masks->n, sizeof(*s->grid));
	if (!s->grid)
		return false;
	for (int i = 0; i < s->masks->n; i++)
		if (!turn_grid(&s->masks->mask[i], items, slot, &s->grid[i]))
			return false;
	s->block = find_block(s, &slot->cut);
	return true;
}

bool qn_sieve_has_work(const struct qn_sieve *s, const struct qn_cut *cut, uint64_t item,
		       uint64_t *n)
{
	uint64_t at[QUERN_MAX_DIMS], rest = item;

	*n = cut->nitems - item;
	if (!s->masks)
		return true;
	*n = s->block - item % s->block;
	for (int a = cut->ndim - 1; a >= 0; a--) {
		at[a] = rest % cut->grid[a];
		rest /= cut->grid[a];
	}
	for (int i = 0; i < s->masks->n; i++) {
		const struct qn_sieve_grid *g = &s->grid[i];
		uint64_t place = 0;

		for (int a = 0; a < cut->ndim; a++)
			place += at[a] * g->stride[a];
		if (!g->has_work[place])
			return false;
	}
	return true;
}

static bool turn_chunk_sieve(struct qn_chunk_sieve *s, const struct qn_items *items,
			     const struct qn_slot *slot)
{
	struct qn_items by_chunk = *items;

	if (s->slot.is_set && s->part == items->part[slot->touched])
		return true;
	by_chunk.has_demand = false;
	s->part = items->part[slot->touched];
	s->slot.is_set = qn_items_cut(&by_chunk, s->part, &s->slot);
	return s->slot.is_set && qn_sieve_turn(&s->sieve, &by_chunk, &s->slot);
}

uint64_t qn_chunk_sieve_keep(struct qn_chunk_sieve *s, const struct qn_items *items,
			     const struct qn_slot *slot, uint64_t *numbers, uint64_t n)
{
	uint64_t nkept = 0, alike;

	if (!s->sieve.masks)
		return n;
	if (!turn_chunk_sieve(s, items, slot))
		return 0;
	for (uint64_t k = 0; k < n; k++)
		if (qn_sieve_has_work(&s->sieve, &s->slot.cut,
				      qn_cut_item_of_chunk(&s->slot.cut, numbers[k]), &alike))
			numbers[nkept++] = numbers[k];
	return qn_max_u64(nkept, 1);
}

void qn_sieve_fini(struct qn_sieve *s)
{
	for (int i = 0; s->grid && i < s->masks->n; i++)
		free(s->grid[i].has_work);
	free(s->grid);
	memset(s, 0, sizeof(*s));
}
