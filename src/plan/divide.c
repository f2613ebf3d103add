/*
 * divide.c - the items of a NUMA node to its ranks: contiguous ranges in file order, by threads.
 * Where that leaves a rank late because some items are large, these are dealt out first, largest
 * to the rank that is done first (Graham, 1969), and the others fill what room is left.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "plan/seating.h"

#define LARGE 0.25		/* of a fair share */
#define GOOD_ENOUGH 1.01

struct large {
	uint64_t item;
	double seconds;
};

struct share {
	uint32_t rank;
	double nthreads, load, room;
};

struct divider {
	const struct qn_seating *s;
	uint32_t *rank_of;
	uint64_t *begin, *item;		/* owned: items of each seat */
	struct share *share;		/* owned: of the ranks of the seat at hand */
	uint32_t nshares;
	struct large *large;		/* owned */
	uint64_t nlarge;
	double total, longest;
};

static double seconds_at(const struct qn_seating *s, uint64_t i, uint32_t seat)
{
	struct qn_found f = qn_seating_find(s, qn_seating_set(s, i));
	enum qn_tier tier = qn_seating_tier(s, &f, seat);

	return qn_rates_seconds(s->rates, tier, (double)s->work->stored[i],
				(double)s->work->decoded[i], 1);
}

static void give(struct divider *d, uint64_t item, double seconds, struct share *to)
{
	d->rank_of[item] = to->rank;
	to->load += seconds;
	to->room -= seconds;
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

/* All items below `large` seconds in file order. An item goes where the larger part of it falls;
   what does not fit moves the boundary of the next, so that rounding does not pile up. */
static void fill(struct divider *d, uint32_t seat, double large)
{
	uint32_t k = 0;

	for (uint64_t j = d->begin[seat]; j < d->begin[seat + 1]; j++) {
		double seconds = seconds_at(d->s, d->item[j], seat);

		if (seconds >= large)
			continue;
		while (d->share[k].room < seconds / 2 && k + 1 < d->nshares) {
			d->share[k + 1].room += d->share[k].room;
			k++;
		}
		give(d, d->item[j], seconds, &d->share[k]);
	}
}

static void start_over(struct divider *d, uint32_t seat)
{
	const struct qn_seat *at = &d->s->seat[seat];

	d->nshares = at->nranks;
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
	double left = d->total;

	start_over(d, seat);
	d->nlarge = 0;
	for (uint64_t j = d->begin[seat]; j < d->begin[seat + 1]; j++) {
		double seconds = seconds_at(d->s, d->item[j], seat);

		if (seconds >= large)
			d->large[d->nlarge++] = (struct large){ d->item[j], seconds };
	}
	qsort(d->large, d->nlarge, sizeof *d->large, by_seconds);
	for (uint64_t j = 0; j < d->nlarge; j++) {
		give(d, d->large[j].item, d->large[j].seconds,
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
	double fewest = at->nthreads;

	d->total = d->longest = 0;
	for (uint64_t j = d->begin[seat]; j < d->begin[seat + 1]; j++) {
		double seconds = seconds_at(d->s, d->item[j], seat);

		d->total += seconds;
		d->longest = seconds > d->longest ? seconds : d->longest;
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

/* Lists the items of each seat. */
static bool list_items(struct divider *d, const uint32_t *seat_of)
{
	uint64_t n = d->s->work->nitems, most = 0;

	d->begin = qn_calloc((size_t)d->s->nseats + 2, sizeof *d->begin);
	d->item = qn_calloc(n, sizeof *d->item);
	d->share = qn_calloc((size_t)d->s->cluster->nranks, sizeof *d->share);
	if (!d->begin || !d->item || !d->share)
		return false;
	for (uint64_t i = 0; i < n; i++)
		d->begin[seat_of[i] + 2]++;
	for (uint32_t g = 0; g < d->s->nseats; g++) {
		most = qn_max_u64(most, d->begin[g + 2]);
		d->begin[g + 2] += d->begin[g + 1];
	}
	for (uint64_t i = 0; i < n; i++)
		d->item[d->begin[seat_of[i] + 1]++] = i;
	d->large = qn_calloc(most, sizeof *d->large);
	return d->large;
}

enum quern_status qn_divide(const struct qn_seating *s, const uint32_t *seat_of, uint32_t *rank_of,
			    struct quern_message *err)
{
	struct divider d = { .s = s, .rank_of = rank_of };
	enum quern_status st = QUERN_OK;

	if (s->nseats == (uint32_t)s->cluster->nranks) {
		for (uint64_t i = 0; i < s->work->nitems; i++)
			rank_of[i] = s->by_place[seat_of[i]];
		return QUERN_OK;
	}
	if (!list_items(&d, seat_of))
		st = qn_error_nomem(err, s->work->nitems * sizeof *d.item, "the plan");
	for (uint32_t g = 0; !st && g < s->nseats; g++)
		if (d.begin[g + 1] > d.begin[g])
			divide_seat(&d, g);
	free(d.begin);
	free(d.item);
	free(d.share);
	free(d.large);
	return st;
}
