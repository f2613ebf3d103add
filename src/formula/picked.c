#include "formula/picked.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"

static bool mark(struct qn_picked *p, const struct qn_pick *pick, const struct quern_box *selection,
		 const struct quern_box *box, int d)
{
	const uint64_t step = selection->step[d];

	if (!qn_grow(&p->bits[d], &p->room[d], qn_ceil_div(box->count[d], 64), sizeof(uint64_t)))
		return false;
	qn_pick_mark(pick, (box->start[d] - selection->start[d]) / step, box->count[d],
		     qn_max_u64(box->step[d] / step, 1), p->bits[d]);
	return true;
}

bool qn_picked_turn(struct qn_picked *p, const struct qn_picks *picks,
		    const struct quern_box *selection, const struct quern_box *box)
{
	bool ok = true;

	p->ndim = 0;
	p->run = 1;
	for (int d = box->ndim - 1; ok && d >= 0; d--) {
		p->count[d] = box->count[d];
		if (picks->dim[d].nstretches) {
			p->ndim = p->ndim ? p->ndim : d + 1;
			ok = mark(p, &picks->dim[d], selection, box, d);
		} else if (!p->ndim) {
			p->run *= box->count[d];
		}
	}
	return ok;
}

static bool has(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* Bits `at` to at + n - 1, of one run. */
static void clear(uint64_t *bits, size_t at, size_t n)
{
	for (size_t k; n; n -= k, at += k) {
		k = qn_min_u64(n, 64 - at % 64);
		bits[at / 64] &= ~(UINT64_MAX >> (64 - k) << at % 64);
	}
}

/* Clears those of n bits, from bit `to` on, that are clear among those of `from` from bit `at` on. */
static void and_bits(const uint64_t *from, uint64_t at, uint64_t *bits, size_t to, size_t n)
{
	for (size_t k; n; n -= k, at += k, to += k) {
		k = (size_t)qn_min_u64(n, 64 - qn_max_u64(to % 64, at % 64));
		bits[to / 64] &= ~((~from[at / 64] >> at % 64 & UINT64_MAX >> (64 - k)) << to % 64);
	}
}

/* A row of the innermost dimension of a union, from element `at` of it on: those of n that are not picked. */
static void keep_row(const struct qn_picked *p, uint64_t at, uint64_t *bits, size_t to, size_t n)
{
	const uint64_t *picked = p->bits[p->ndim - 1];
	uint64_t i = at / p->run, left = p->run - at % p->run;

	if (p->run == 1) {
		and_bits(picked, at, bits, to, n);
		return;
	}
	for (size_t k; n; i++, to += k, n -= k, left = p->run) {
		k = (size_t)qn_min_u64(n, left);
		if (!has(picked, i))
			clear(bits, to, k);
	}
}

/* Is a row, by its number, picked along all of the outer dimensions? */
static bool is_row_picked(const struct qn_picked *p, uint64_t row)
{
	for (int d = p->ndim - 2; d >= 0; d--) {
		if (p->bits[d] && !has(p->bits[d], row % p->count[d]))
			return false;
		row /= p->count[d];
	}
	return true;
}

size_t qn_picked_keep(const struct qn_picked *p, uint64_t first, size_t n, uint64_t *bits)
{
	const uint64_t length = p->ndim ? p->count[p->ndim - 1] * p->run : 1;
	size_t k;

	for (size_t i = 0; p->ndim && i < n; i += k, first += k) {
		const uint64_t at = first % length;

		k = (size_t)qn_min_u64(n - i, length - at);
		if (is_row_picked(p, first / length))
			keep_row(p, at, bits, i, k);
		else
			clear(bits, i, k);
	}
	return qn_bitmap_count(bits, n);
}

void qn_picked_fini(struct qn_picked *p)
{
	for (int d = 0; d < QUERN_MAX_DIMS; d++)
		free(p->bits[d]);
	memset(p, 0, sizeof(*p));
}
