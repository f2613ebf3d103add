#include "select/cover.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Steps whose least common multiple is larger are too much. */
#define MOST_PERIOD 65536

struct extent {
	uint64_t start, end, step; /* end: after the last index */
	uint64_t box;
};

struct sweep {
	int ndim;
	const uint64_t *shape;
	qn_cover_box *box;
	qn_cover_leaf *leaf;
	void *ctx;
	uint64_t work;
	enum qn_covered verdict;
	struct quern_box at; /* the box in the making */
};

/* What one dimension takes. All owned. */
struct line {
	struct extent *extent; /* sorted by start */
	uint64_t *cut, ncuts;
	struct extent *active;
	uint64_t nactive;
	uint64_t *subset;
};

static bool sweep_line(struct sweep *s, int d, const uint64_t *set, uint64_t n);

static bool stop(struct sweep *s, enum qn_covered verdict)
{
	if (s->verdict == QN_COVERED)
		s->verdict = verdict;
	return false;
}

static bool spend(struct sweep *s, uint64_t n)
{
	if (n > s->work)
		return stop(s, QN_COVER_COMPLEX);
	s->work -= n;
	return true;
}

/* All indexes of the dimensions from d on. */
static bool hand_over(struct sweep *s, int d, uint64_t n, uint64_t last)
{
	for (; d < s->ndim; d++) {
		s->at.start[d] = 0;
		s->at.count[d] = s->shape[d];
		s->at.step[d] = 1;
	}
	return s->leaf(s->ctx, &s->at, n, last) || stop(s, QN_COVER_STOPPED);
}

static int by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void line_fini(struct line *l)
{
	free(l->extent);
	free(l->cut);
	free(l->active);
	free(l->subset);
}

/* The extents of the boxes in a dimension, and where any begins or ends. */
static bool line_init(struct sweep *s, struct line *l, int d, const uint64_t *set, uint64_t n)
{
	uint64_t kept = 0;

	*l = (struct line){ .extent = qn_calloc(n, sizeof(*l->extent)),
			    .cut = qn_calloc(2 * n + 2, sizeof(*l->cut)),
			    .active = qn_calloc(n, sizeof(*l->active)),
			    .subset = qn_calloc(n, sizeof(*l->subset)) };
	if (!l->extent || !l->cut || !l->active || !l->subset)
		return stop(s, QN_COVER_NO_MEMORY);
	l->cut[l->ncuts++] = 0;
	l->cut[l->ncuts++] = s->shape[d];
	for (uint64_t i = 0; i < n; i++) {
		struct quern_box b;

		s->box(s->ctx, set[i], &b);
		l->extent[i] = (struct extent){ b.start[d],
						b.start[d] + (b.count[d] - 1) * b.step[d] + 1,
						b.count[d] > 1 ? b.step[d] : 1, set[i] };
		l->cut[l->ncuts++] = l->extent[i].start;
		l->cut[l->ncuts++] = l->extent[i].end;
	}
	qsort(l->extent, (size_t)n, sizeof(*l->extent), by_start);
	qsort(l->cut, (size_t)l->ncuts, sizeof(*l->cut), by_value);
	for (uint64_t i = 1; i < l->ncuts; i++)
		if (l->cut[i] != l->cut[kept])
			l->cut[++kept] = l->cut[i];
	l->ncuts = kept + 1;
	return true;
}

/* The least number of indexes after which the same boxes come again; 0: too many. */
static uint64_t period_of(const struct line *l)
{
	uint64_t period = 1;

	for (uint64_t i = 0; i < l->nactive; i++) {
		uint64_t a = period, b = l->active[i].step;

		while (b) {
			uint64_t r = a % b;

			a = b;
			b = r;
		}
		if (!qn_mul(period / a, l->active[i].step, &period) || period > MOST_PERIOD)
			return 0;
	}
	return period;
}

/* Goes on with those of the active boxes that have the index x. */
static bool descend(struct sweep *s, int d, struct line *l, uint64_t x)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < l->nactive; i++)
		if ((x - l->active[i].start) % l->active[i].step == 0)
			l->subset[n++] = l->active[i].box;
	return spend(s, l->nactive + 1) && sweep_line(s, d + 1, l->subset, n);
}

/* Indexes a to b, between two cuts. A period that is longer than they are ends with them. */
static bool sweep_between(struct sweep *s, int d, struct line *l, uint64_t a, uint64_t b)
{
	uint64_t period = period_of(l);

	if (!period && b - a > MOST_PERIOD)
		return stop(s, QN_COVER_COMPLEX);
	if (!period || period > b - a)
		period = b - a;
	for (uint64_t r = 0; r < period; r++) {
		s->at.start[d] = a + r;
		s->at.count[d] = qn_ceil_div(b - a - r, period);
		s->at.step[d] = s->at.count[d] > 1 ? period : 1;
		if (!descend(s, d, l, a + r))
			return false;
	}
	return true;
}

/* Those that end at x go, those that begin there come. */
static void pass(struct line *l, uint64_t x, uint64_t *next, uint64_t n)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < l->nactive; i++)
		if (l->active[i].end > x)
			l->active[kept++] = l->active[i];
	for (; *next < n && l->extent[*next].start <= x; ++*next)
		l->active[kept++] = l->extent[*next];
	l->nactive = kept;
}

static bool sweep_line(struct sweep *s, int d, const uint64_t *set, uint64_t n)
{
	uint64_t next = 0, last = 0;
	struct line l;
	bool ok;

	if (n == 0)
		return hand_over(s, d, 0, 0);
	if (d == s->ndim) {
		for (uint64_t i = 0; i < n; i++)
			last = qn_max_u64(last, set[i]);
		return hand_over(s, d, n, last);
	}
	ok = line_init(s, &l, d, set, n);
	for (uint64_t i = 0; ok && i + 1 < l.ncuts; i++) {
		pass(&l, l.cut[i], &next, n);
		ok = spend(s, l.nactive + 1) && sweep_between(s, d, &l, l.cut[i], l.cut[i + 1]);
	}
	line_fini(&l);
	return ok;
}

enum qn_covered qn_cover(int ndim, const uint64_t *shape, uint64_t nboxes, qn_cover_box *box,
			 qn_cover_leaf *leaf, void *ctx, uint64_t work)
{
	struct sweep s = { .ndim = ndim,
			   .shape = shape,
			   .box = box,
			   .leaf = leaf,
			   .ctx = ctx,
			   .work = work,
			   .at = { .ndim = ndim } };
	uint64_t *set = qn_calloc(nboxes, sizeof(*set));

	if (!set)
		return QN_COVER_NO_MEMORY;
	for (uint64_t i = 0; i < nboxes; i++)
		set[i] = i;
	sweep_line(&s, 0, set, nboxes);
	free(set);
	return s.verdict;
}
