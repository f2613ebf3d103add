/*
 * divide.c - the items of a NUMA node to its ranks: contiguous ranges in file order, by threads.
 * Where that leaves a rank late because some items are large, these are dealt out first, largest
 * to the rank that is done first (Graham, 1969), and the others fill what room is left.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "plan/seating.h"

#define LARGE	    0.25 /* of a fair share */
#define GOOD_ENOUGH 1.01

struct large {
	uint64_t item;
	uint32_t lump;
	double seconds;
};

struct share {
	uint32_t rank;
	double nthreads, load, room;
};

struct divider {
	const struct qn_seating *s;
	const struct qn_pieces *of; /* by seat */
	uint64_t *begin;	    /* owned: where the pieces of each seat begin */
	struct qn_pieces out;	    /* owned: of the ranks */
	struct share *share;	    /* owned: of the ranks of the seat at hand */
	uint32_t nshares;
	struct large *large; /* owned */
	uint64_t nlarge;
	uint64_t mark; /* pieces that were out before the seat at hand */
	double total, longest;
};

/* Goes through the items of a seat, bite by bite. */
struct walk {
	uint64_t k, end;
	struct qn_piece rest;
	struct qn_bite bite;
	double seconds; /* of one of its items, there */
};

static struct walk begin_walk(const struct divider *d, uint32_t seat)
{
	return (struct walk){ .k = d->begin[seat], .end = d->begin[seat + 1] };
}

static bool walk_on(const struct divider *d, uint32_t seat, struct walk *w)
{
	struct qn_lump_homes f;

	while (!qn_piece_bite(d->s->work, &w->rest, &w->bite)) {
		if (w->k == w->end)
			return false;
		w->rest = d->of->piece[w->k++];
	}
	f = qn_seating_find(d->s, w->bite.lump->set);
	w->seconds = qn_rates_seconds(d->s->rates, qn_seating_tier(d->s, &f, seat),
				      qn_lump_stored(w->bite.lump), qn_lump_decoded(w->bite.lump),
				      1);
	return true;
}

static void give(struct divider *d, uint64_t item, uint64_t n, uint32_t lump, double seconds,
		 struct share *to)
{
	qn_pieces_add(&d->out, item, n, lump, to->rank);
	to->load += (double)n * seconds;
	to->room -= (double)n * seconds;
}

static double latest(const struct divider *d)
{
	double most = 0;

	for (uint32_t k = 0; k < d->nshares; k++) {
		double level = d->share[k].load / d->share[k].nthreads;

		most = level > most ? level : most;
	}
	return most;
}

/* Room up to the one level at which `left` seconds fit on what the ranks have. */
static void level_room(struct divider *d, double left)
{
	bool changed = true;

	for (uint32_t k = 0; k < d->nshares; k++)
		d->share[k].room = 1;
	while (changed) {
		double sum = left, nthreads = 0;

		for (uint32_t k = 0; k < d->nshares; k++)
			if (d->share[k].room > 0) {
				sum += d->share[k].load;
				nthreads += d->share[k].nthreads;
			}
		changed = false;
		for (uint32_t k = 0; k < d->nshares; k++) {
			struct share *h = &d->share[k];
			double room = sum / nthreads * h->nthreads - h->load;

			if (h->room <= 0)
				continue;
			h->room = room > 0 ? room : 0;
			changed = changed || room <= 0;
		}
	}
}

/* Gives a bite away, to rank *k of the seat and those after it. */
static void fill_bite(struct divider *d, struct qn_bite b, double seconds, uint32_t *k)
{
	while (b.n) {
		uint64_t n = b.n;

		while (d->share[*k].room < seconds / 2 && *k + 1 < d->nshares) {
			d->share[*k + 1].room += d->share[*k].room;
			++*k;
		}
		if (*k + 1 < d->nshares && d->share[*k].room / seconds + 0.5 < (double)n)
			n = qn_max_u64((uint64_t)(d->share[*k].room / seconds + 0.5), 1);
		give(d, b.first, n, b.number, seconds, &d->share[*k]);
		b.first += n;
		b.n -= (uint32_t)n;
	}
}

/* All items below `large` seconds in file order. An item goes where the larger part of it falls;
   what does not fit moves the boundary of the next, so that rounding does not pile up. */
static void fill(struct divider *d, uint32_t seat, double large)
{
	struct walk w = begin_walk(d, seat);
	uint32_t k = 0;

	while (walk_on(d, seat, &w))
		if (w.seconds < large)
			fill_bite(d, w.bite, w.seconds, &k);
}

static void start_over(struct divider *d, uint32_t seat)
{
	const struct qn_seat *at = &d->s->seat[seat];

	d->nshares = at->nranks;
	d->out.n = d->mark;
	for (uint32_t k = 0; k < at->nranks; k++) {
		uint32_t rank = d->s->by_place[at->first + k];

		d->share[k] = (struct share){ .rank = rank,
					      .nthreads = d->s->cluster->place[rank].nthreads };
	}
}

static double divide_plainly(struct divider *d, uint32_t seat)
{
	start_over(d, seat);
	level_room(d, d->total);
	fill(d, seat, 2 * d->longest + 1);
	return latest(d);
}

static int by_seconds(const void *a, const void *b)
{
	const struct large *x = a, *y = b;

	if (x->seconds != y->seconds)
		return x->seconds > y->seconds ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static struct share *done_first(struct divider *d, double seconds)
{
	struct share *best = d->share;

	for (uint32_t k = 1; k < d->nshares; k++) {
		struct share *h = &d->share[k];

		if ((h->load + seconds) / h->nthreads < (best->load + seconds) / best->nthreads)
			best = h;
	}
	return best;
}

static double divide_large_first(struct divider *d, uint32_t seat, double large)
{
	struct walk w = begin_walk(d, seat);
	double left = d->total;

	start_over(d, seat);
	d->nlarge = 0;
	while (walk_on(d, seat, &w))
		for (uint32_t i = 0; w.seconds >= large && i < w.bite.n; i++)
			d->large[d->nlarge++] =
				(struct large){ w.bite.first + i, w.bite.number, w.seconds };
	qsort(d->large, d->nlarge, sizeof(*d->large), by_seconds);
	for (uint64_t j = 0; j < d->nlarge; j++) {
		give(d, d->large[j].item, 1, d->large[j].lump, d->large[j].seconds,
		     done_first(d, d->large[j].seconds));
		left -= d->large[j].seconds;
	}
	level_room(d, left > 0 ? left : 0);
	fill(d, seat, large);
	return latest(d);
}

/* The sum and the longest of a seat's items; returns the smallest fair share of its ranks. */
static double measure(struct divider *d, uint32_t seat)
{
	const struct qn_seat *at = &d->s->seat[seat];
	struct walk w = begin_walk(d, seat);
	double fewest = at->nthreads;

	d->total = d->longest = 0;
	d->mark = d->out.n;
	while (walk_on(d, seat, &w)) {
		d->total += w.bite.n * w.seconds;
		d->longest = w.seconds > d->longest ? w.seconds : d->longest;
	}
	for (uint32_t k = 0; k < at->nranks; k++) {
		double n = d->s->cluster->place[d->s->by_place[at->first + k]].nthreads;

		fewest = n < fewest ? n : fewest;
	}
	return d->total * fewest / at->nthreads;
}

static void divide_seat(struct divider *d, uint32_t seat)
{
	double fair = measure(d, seat), even = d->total / d->s->seat[seat].nthreads;
	double plainly = divide_plainly(d, seat);

	if (d->longest < LARGE * fair || plainly <= even * GOOD_ENOUGH)
		return;
	if (divide_large_first(d, seat, LARGE * fair) > plainly / GOOD_ENOUGH)
		divide_plainly(d, seat);
}

/* Room for what is large at a seat: each is at least LARGE of the share of one thread. */
static bool make_room(struct divider *d)
{
	double most = 0;

	for (uint32_t g = 0; g < d->s->nseats; g++)
		most = d->s->seat[g].nthreads > most ? d->s->seat[g].nthreads : most;
	d->share = qn_calloc((size_t)d->s->cluster->nranks, sizeof(*d->share));
	d->large = qn_calloc((size_t)(most / LARGE) + 2, sizeof(*d->large));
	return d->share && d->large;
}

static void rename_seats(const struct qn_seating *s, struct qn_pieces *p)
{
	for (uint64_t i = 0; i < p->n; i++)
		p->piece[i].at = s->by_place[p->piece[i].at];
}

enum quern_status qn_divide(const struct qn_seating *s, struct qn_pieces *pieces,
			    struct quern_message *err)
{
	struct divider d = { .s = s, .of = pieces };
	enum quern_status st;

	if (s->nseats == (uint32_t)s->cluster->nranks) {
		rename_seats(s, pieces);
		return QUERN_OK;
	}
	st = qn_pieces_sort(pieces, s->nseats, &d.begin, err);
	if (!st && !make_room(&d))
		st = qn_error_nomem(err, (size_t)s->cluster->nranks * sizeof(*d.share), "the plan");
	for (uint32_t g = 0; !st && g < s->nseats; g++)
		if (d.begin[g + 1] > d.begin[g])
			divide_seat(&d, g);
	free(d.begin);
	free(d.share);
	free(d.large);
	if (!st) {
		qn_pieces_fini(pieces);
		*pieces = d.out;
	}
	return st;
}
