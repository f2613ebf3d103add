#include "plan/holes.h"

#include "base/mem.h"
#include "select/progression.h"

void qn_hole_find(struct qn_hole *h, const struct qn_slot *slot)
{
	const struct qn_cut *cut = &slot->cut;

	*h = (struct qn_hole){ .ndim = cut->ndim };
	for (int d = 0; d < cut->ndim; d++) {
		const uint64_t step = cut->selection.step[d];

		h->grid[d] = cut->grid[d];
		/* With a step larger than the chunk each has one element. */
		h->period[d] = step > cut->chunk[d] ? 1 : step / qn_gcd(step, cut->chunk[d]);
	}
}

struct walk {
	const struct qn_hole *hole;
	qn_hole_fn *fn;
	void *ctx;
};

/*
 * The items base + begin, ..., base + end - 1, `times` times. All are of the block of items from
 * `base` on that goes over the dimensions d, d + 1, ... of the grid. Of dimension d:
 *
 *	index    |    0   |   1    |   2    | ... | grid - 1 |
 *	items    |   [====|========|========| ... |====)     |	first and last may be cut or short
 *
 * Those between, a period apart, are alike: the first of them stands for all.
 */
static bool walk(const struct walk *w, int d, uint64_t base, uint64_t begin, uint64_t end,
		 uint64_t times)
{
	const struct qn_hole *h = w->hole;
	uint64_t inner = 1;
	bool more = true;

	if (d == h->ndim)
		return w->fn(w->ctx, base, times);
	for (int k = d + 1; k < h->ndim; k++)
		inner *= h->grid[k];
	while (more && begin < end) {
		const uint64_t at = begin / inner, from = begin % inner;
		const uint64_t until = qn_min_u64(end - at * inner, inner);
		uint64_t n = 1, period = h->period[d];

		if (at && from == 0 && until == inner)
			n = qn_max_u64(1, qn_min_u64(end / inner, h->grid[d] - 1) - at);
		period = qn_min_u64(period, n);
		for (uint64_t r = 0; more && r < period; r++)
			more = walk(w, d + 1, base + (at + r) * inner, from, until,
				    times * qn_ceil_div(n - r, period));
		begin = (at + n - 1) * inner + until;
	}
	return more;
}

bool qn_hole_walk(const struct qn_hole *h, uint64_t begin, uint64_t end, qn_hole_fn *fn, void *ctx)
{
	const struct walk w = { h, fn, ctx };

	return walk(&w, 0, 0, begin, end, 1);
}
