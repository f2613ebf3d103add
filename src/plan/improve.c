/*
 * improve.c - plans of few items, where rounding matters: iterated local search.
 *
 * Items move to other ranks, or trade places, as long as that lowers the potential of plan.h with a
 * high power; then a few are thrown elsewhere at random, and it begins again. What is kept is what
 * finishes first. It ends at a lower bound, or after a fixed number of trials.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/seating.h"

#define MOST_PAIRS  65536 /* of items and ranks; above it, rounding is small */
#define MOST_TRIALS 400000
#define BLUNT	    3	  /* the power is 2^3 at first, so that all ranks count, */
#define SHARP	    6	  /* and then 2^6, where the latest do */
#define WORN	    1e-3  /* a potential that began at 1 or more is made anew */
#define STOP_RATIO  1.005 /* stop within 0.5% of the lower bound */
#define WORTH	    0.995 /* what a new plan must bring, for order is lost */

/* What an item asks for on a rank: up to three of the resources, of which ranks are the first. */
struct use {
	uint8_t n;
	uint32_t what[3];
	double seconds[3]; /* that the resource is busy with it */
	double longest;	   /* seconds of the item itself */
};

struct search {
	const struct qn_seating *s;
	uint32_t nitems, nranks, nresources;
	struct use *use;     /* owned: [item][rank]; n 0: the rank cannot read it */
	double *busy;	     /* owned: of each resource */
	uint32_t *at, *best; /* owned: the rank of each item */
	double best_finish, bound;
	double reference, potential;
	int sharpness;
	uint64_t ntrials, seed;
};

/* --- the model --- */

static void describe_use(struct search *q, uint32_t item, uint32_t seat, uint32_t rank)
{
	const struct qn_seating *s = q->s;
	const struct qn_rates *r = s->rates;
	const struct qn_lump *l = &s->work->lump[item]; /* of this one item */
	struct qn_lump_homes f = qn_seating_find(s, l->set);
	enum qn_tier tier = qn_seating_tier(s, &f, seat);
	struct use *u = &q->use[(size_t)item * q->nranks + rank];
	double stored = (double)l->stored;
	uint32_t disks = q->nranks, links = disks + s->nhosts, host = s->seat[seat].host;

	if (tier == QN_NTIERS)
		return;
	u->longest = qn_rates_seconds(r, tier, stored, (double)l->decoded, 1);
	u->what[0] = rank;
	u->seconds[u->n++] = u->longest / s->cluster->place[rank].nthreads;
	if ((tier == QN_DISK || tier == QN_DISK_NEAR) && r->disk > 0) {
		u->what[u->n] = disks + host;
		u->seconds[u->n++] = stored / r->disk;
	}
	if (tier == QN_SHARED && r->shared_host > 0) {
		u->what[u->n] = links + host;
		u->seconds[u->n++] = stored / r->shared_host;
	}
	if (tier == QN_SHARED && r->shared > 0) {
		u->what[u->n] = links + s->nhosts;
		u->seconds[u->n++] = stored / r->shared;
	}
}

static void describe_uses(struct search *q)
{
	for (uint32_t g = 0; g < q->s->nseats; g++)
		for (uint32_t k = 0; k < q->s->seat[g].nranks; k++)
			for (uint32_t i = 0; i < q->nitems; i++)
				describe_use(q, i, g, q->s->by_place[q->s->seat[g].first + k]);
}

static double power(const struct search *q, double seconds)
{
	double x = seconds / q->reference;

	for (int i = 0; i < q->sharpness; i++)
		x *= x;
	return x;
}

static const struct use *use_of(const struct search *q, uint32_t item, uint32_t rank)
{
	return &q->use[(size_t)item * q->nranks + rank];
}

static void apply(struct search *q, const struct use *u, double sign)
{
	for (int k = 0; k < u->n; k++) {
		double *busy = &q->busy[u->what[k]];

		q->potential -= power(q, *busy);
		*busy += sign * u->seconds[k];
		if (*busy < 0)
			*busy = 0;
		q->potential += power(q, *busy);
	}
	q->potential += sign * power(q, u->longest);
}

static double finish_of(const struct search *q)
{
	double most = 0;

	for (uint32_t k = 0; k < q->nresources; k++)
		most = q->busy[k] > most ? q->busy[k] : most;
	for (uint32_t i = 0; i < q->nitems; i++) {
		double longest = use_of(q, i, q->at[i])->longest;

		most = longest > most ? longest : most;
	}
	return most;
}

/* Everything anew from q->at. */
static void recount(struct search *q)
{
	memset(q->busy, 0, q->nresources * sizeof(*q->busy));
	q->reference = 1;
	for (uint32_t i = 0; i < q->nitems; i++)
		apply(q, use_of(q, i, q->at[i]), 1);
	q->reference = finish_of(q);
	q->potential = 0;
	for (uint32_t k = 0; k < q->nresources; k++)
		q->potential += power(q, q->busy[k]);
	for (uint32_t i = 0; i < q->nitems; i++)
		q->potential += power(q, use_of(q, i, q->at[i])->longest);
}

/* No plan is faster: work divided evenly, or the longest item, or as many of the shortest as
   there are. */
static double lower_bound(const struct search *q)
{
	double sum = 0, longest = 0, shortest = 0, bound, threads = q->s->nthreads;

	for (uint32_t i = 0; i < q->nitems; i++) {
		double least = 0;

		for (uint32_t r = 0; r < q->nranks; r++) {
			const struct use *u = use_of(q, i, r);

			if (u->n && (least == 0 || u->longest < least))
				least = u->longest;
		}
		sum += least;
		longest = least > longest ? least : longest;
		shortest = i && shortest < least ? shortest : least;
	}
	bound = sum / threads > longest ? sum / threads : longest;
	for (uint32_t r = 0; shortest > 0 && r < q->nranks; r++) {
		/* The next level at which some rank has room for one more of the shortest. */
		double level = 0, slots = 0;

		for (uint32_t k = 0; k < q->nranks; k++) {
			double n = q->s->cluster->place[k].nthreads;
			double fits = (double)(uint64_t)(bound * n / shortest * (1 + 1e-12));
			double next = (fits + 1) * shortest / n;

			slots += fits;
			level = k && level < next ? level : next;
		}
		if (slots >= q->nitems)
			break;
		bound = level;
	}
	return bound;
}

/* --- the search --- */

static uint64_t draw(struct search *q, uint64_t below)
{
	uint64_t x = q->seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % below;
}

static void put(struct search *q, uint32_t item, uint32_t rank)
{
	apply(q, use_of(q, item, q->at[item]), -1);
	apply(q, use_of(q, item, rank), 1);
	q->at[item] = rank;
	q->ntrials++;
}

/* Has it got better? What is left of a potential that has become small is rounding. */
static bool lowered(struct search *q, double before)
{
	bool is = q->potential < before * (1 - 1e-9);

	if (is && q->potential < WORN)
		recount(q);
	return is;
}

static bool try_moves(struct search *q, uint32_t item)
{
	bool moved = false;

	for (uint32_t r = 0; r < q->nranks; r++) {
		double before = q->potential;
		uint32_t from = q->at[item];

		if (r == from || !use_of(q, item, r)->n)
			continue;
		put(q, item, r);
		if (lowered(q, before)) {
			moved = true;
		} else {
			put(q, item, from);
			q->potential =
				before; /* a trial may have been so bad that little is left */
		}
	}
	return moved;
}

static bool try_trades(struct search *q, uint32_t item)
{
	for (uint32_t k = 0; k < item; k++) {
		double before = q->potential;
		uint32_t a = q->at[item], b = q->at[k];

		if (a == b || !use_of(q, item, b)->n || !use_of(q, k, a)->n)
			continue;
		put(q, item, b);
		put(q, k, a);
		if (lowered(q, before))
			return true;
		put(q, item, a);
		put(q, k, b);
		q->potential = before;
	}
	return false;
}

static void descend(struct search *q)
{
	bool changed = true;

	while (changed && q->ntrials < MOST_TRIALS) {
		changed = false;
		for (uint32_t i = 0; i < q->nitems && q->ntrials < MOST_TRIALS; i++)
			changed = try_moves(q, i) || changed;
		for (uint32_t i = 0; !changed && i < q->nitems && q->ntrials < MOST_TRIALS; i++)
			changed = try_trades(q, i);
	}
}

/* Some items go to random ranks that can read them: mostly a few, now and then all. */
static void kick(struct search *q)
{
	uint64_t n = draw(q, 4) ? 1 + draw(q, 4) : q->nitems;

	while (n-- > 0) {
		uint32_t item = (uint32_t)draw(q, q->nitems), rank = (uint32_t)draw(q, q->nranks);

		while (!use_of(q, item, rank)->n)
			rank = (rank + 1) % q->nranks;
		put(q, item, rank);
	}
}

static void settle(struct search *q)
{
	for (q->sharpness = BLUNT; q->sharpness <= SHARP; q->sharpness += SHARP - BLUNT) {
		recount(q);
		descend(q);
	}
	q->sharpness = SHARP;
	recount(q);
}

static void search(struct search *q)
{
	q->best_finish = finish_of(q);
	q->bound = lower_bound(q);
	while (q->best_finish > q->bound * STOP_RATIO && q->ntrials < MOST_TRIALS) {
		double finish;

		settle(q);
		finish = finish_of(q);
		if (finish < q->best_finish) {
			q->best_finish = finish;
			memcpy(q->best, q->at, q->nitems * sizeof(*q->at));
		} else {
			memcpy(q->at, q->best, q->nitems * sizeof(*q->at));
			recount(q);
		}
		kick(q);
	}
}

static bool allocate(struct search *q)
{
	q->use = qn_calloc((size_t)q->nitems * q->nranks, sizeof(*q->use));
	q->busy = qn_calloc(q->nresources, sizeof(*q->busy));
	q->at = qn_calloc(q->nitems, sizeof(*q->at));
	q->best = qn_calloc(q->nitems, sizeof(*q->best));
	return q->use && q->busy && q->at && q->best;
}

static void take_over(struct search *q, const struct qn_pieces *p)
{
	for (uint64_t k = 0; k < p->n; k++)
		for (uint64_t i = 0; i < p->piece[k].n; i++)
			q->at[p->piece[k].first + i] = p->piece[k].at;
	memcpy(q->best, q->at, q->nitems * sizeof(*q->at));
}

static void hand_over(const struct search *q, struct qn_pieces *p)
{
	p->n = 0;
	for (uint32_t i = 0; i < q->nitems; i++)
		qn_pieces_add(p, i, 1, i, q->best[i]);
}

enum quern_status qn_improve(const struct qn_seating *s, struct qn_pieces *rank_of,
			     struct quern_message *err)
{
	uint64_t n = s->work->nitems, nranks = (uint64_t)s->cluster->nranks;
	struct search q = { .s = s,
			    .nitems = (uint32_t)n,
			    .nranks = (uint32_t)nranks,
			    .nresources = (uint32_t)nranks + 2 * s->nhosts + 1,
			    .seed = n,
			    .sharpness = SHARP };
	enum quern_status st = QUERN_OK;

	if (n < 2 || nranks < 2 || n > MOST_PAIRS / nranks || s->work->nlumps < n)
		return QUERN_OK;
	if (allocate(&q)) {
		double before;

		describe_uses(&q);
		take_over(&q, rank_of);
		recount(&q);
		before = finish_of(&q);
		search(&q);
		if (q.best_finish < before * WORTH)
			hand_over(&q, rank_of);
	} else {
		st = qn_error_nomem(err, n * nranks * sizeof(*q.use), "the plan");
	}
	free(q.use);
	free(q.busy);
	free(q.at);
	free(q.best);
	return st;
}
