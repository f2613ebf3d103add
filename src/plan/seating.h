/*
 * seating.h - the ranks of a plan, gathered by NUMA node, and what an item costs there.
 *
 * A seat is a NUMA node with its ranks. Seats are sorted by host and node, so those of a host are
 * neighbours. Hosts are numbered here by their seats, without gaps.
 */
#ifndef QN_PLAN_SEATING_H
#define QN_PLAN_SEATING_H

#include "plan/pieces.h"

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
