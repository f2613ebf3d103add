/*
 * seating.h - what the steps of a plan go by: the ranks, gathered by NUMA node; what an item costs
 * there; and which items are whose while the plan is made.
 *
 * A seat is a NUMA node with its ranks. Seats are sorted by host and node, so those of a host are
 * neighbours. Hosts are numbered here by their seats, without gaps.
 */
#ifndef QN_PLAN_SEATING_H
#define QN_PLAN_SEATING_H

#include "plan/plan.h"

#define QN_NO_SEAT UINT32_MAX

struct qn_seat {
	uint32_t host, node;
	uint32_t first, nranks; /* in by_place */
	double nthreads;
};

struct qn_seating {
	const struct qn_cluster *cluster; /* keep */
	const struct qn_work *work;
	const struct qn_rates *rates;
	uint32_t nseats, nhosts;
	double nthreads;
	struct qn_seat *seat; /* owned */
	uint32_t *by_place;   /* owned: ranks, seat by seat */
	uint32_t *host_first; /* owned, nhosts + 1: the seats of a host */
	uint32_t *host;	      /* owned: of each seat, as in the seat */
	double *host_threads; /* owned */
	bool regular;	      /* every host has seats 0, 1, 2, ... without gaps */
	uint32_t nnumbers;
	uint32_t *host_of; /* owned: of a host's number in homes, or QN_NO_SEAT */
};

enum quern_status qn_seating_init(struct qn_seating *s, const struct qn_cluster *cluster,
				  const struct qn_work *work, const struct qn_rates *rates,
				  struct quern_message *err);
void qn_seating_fini(struct qn_seating *s);

/* The homes of a lump, and whether everybody can read it. */
struct qn_lump_homes {
	const struct qn_home *home;
	uint32_t n;
	bool shared;
};

static inline struct qn_lump_homes qn_seating_find(const struct qn_seating *s, uint32_t set)
{
	const struct qn_homes *h = s->work->homes;

	if (set == QN_NO_HOMES)
		return (struct qn_lump_homes){ .shared = true };
	return (struct qn_lump_homes){ .home = h->home + h->first[set],
				       .n = (uint32_t)(h->first[set + 1] - h->first[set]),
				       .shared = h->shared[set] };
}

/* The host of a home here, or QN_NO_SEAT: no rank runs there. */
static inline uint32_t qn_seating_host(const struct qn_seating *s, const struct qn_home *h)
{
	return h->host < s->nnumbers ? s->host_of[h->host] : QN_NO_SEAT;
}

/* The seat that serves a node of a host: `search` where ranks are not on nodes 0, 1, 2, ... */
uint32_t qn_seating_search(const struct qn_seating *s, uint32_t host, uint32_t node);

static inline uint32_t qn_seating_at(const struct qn_seating *s, uint32_t host, uint32_t node)
{
	uint32_t first = s->host_first[host], n = s->host_first[host + 1] - first;

	if (s->regular)
		return first + (node < n ? node : n - 1);
	return qn_seating_search(s, host, node);
}

/* From where a seat reads what has these homes: the cheapest; QN_NTIERS when it cannot. */
enum qn_tier qn_seating_tier(const struct qn_seating *s, const struct qn_lump_homes *f,
			     uint32_t seat);

/* Seconds of a thread for so many bytes of so many items. */
static inline double qn_rates_seconds(const struct qn_rates *r, enum qn_tier tier, double stored,
				      double decoded, double nitems)
{
	return stored * r->read[tier] + decoded * r->compute + nitems * r->item;
}

/* Consecutive items at one seat, or of one rank. A piece may begin and end inside of lumps, and have
   many of them. */
struct qn_piece {
	uint64_t first, n;
	uint32_t lump; /* that the first item is in */
	uint32_t at;   /* seat or rank */
};

struct qn_pieces {
	uint64_t n, room;
	struct qn_piece *piece; /* owned */
	bool failed;		/* there was no memory for one */
};

void qn_pieces_fini(struct qn_pieces *p);

/* Adds a piece, to the last where it goes on. */
void qn_pieces_add(struct qn_pieces *p, uint64_t first, uint64_t n, uint32_t lump, uint32_t at);

/* The pieces by `at`, and ascending; (*begin)[k] (owned by the caller, nplaces + 1) tells where those
   of k begin. */
enum quern_status qn_pieces_sort(struct qn_pieces *p, uint32_t nplaces, uint64_t **begin,
				 struct quern_message *err);

/* What of a piece is in one lump. */
struct qn_bite {
	const struct qn_lump *lump;
	uint64_t first;
	uint32_t n, number; /* number: of the lump */
};

/* Takes the next bite off a piece; false when nothing is left. */
static inline bool qn_piece_bite(const struct qn_work *w, struct qn_piece *rest, struct qn_bite *b)
{
	const struct qn_lump *l;
	uint64_t left;

	if (!rest->n)
		return false;
	l = &w->lump[rest->lump];
	left = l->first + l->n - rest->first;
	*b = (struct qn_bite){ l, rest->first, (uint32_t)(rest->n < left ? rest->n : left),
			       rest->lump };
	rest->first += b->n;
	rest->n -= b->n;
	rest->lump += b->n == left;
	return true;
}

/* Of `sum`, which all items of the lump have together, those of a bite, so that all bites together
   have all of it. */
static inline uint64_t qn_bite_of(const struct qn_bite *b, uint64_t sum)
{
	const uint64_t each = sum / b->lump->n, rest = sum % b->lump->n;
	const uint64_t from = b->first - b->lump->first;

	if (b->n == b->lump->n)
		return sum;
	return each * b->n + rest * (from + b->n) / b->lump->n - rest * from / b->lump->n;
}

/* The lump that an item is in. *hint: one near it, as this left it. */
const struct qn_lump *qn_work_find(const struct qn_work *w, uint64_t item, uint32_t *hint);

/* The parts of a plan. They return QUERN_OK, or memory that was not there. */

/* The seat of each item; every item must have one that can read it. */
enum quern_status qn_spread(const struct qn_seating *s, struct qn_pieces *seat_of,
			    struct quern_message *err);

/* From seats to ranks, in place. */
enum quern_status qn_divide(const struct qn_seating *s, struct qn_pieces *pieces,
			    struct quern_message *err);

/* Improves a plan of few items; does nothing when there are many. */
enum quern_status qn_improve(const struct qn_seating *s, struct qn_pieces *rank_of,
			     struct quern_message *err);

#endif
