/*
 * spread.h - the inside of spread.c, shared with the file that lays what it has spread in order.
 */
#ifndef QN_PLAN_SPREAD_H
#define QN_PLAN_SPREAD_H

#include "plan/seating.h"

/* Items that follow each other, with the same homes. */
struct qn_unit {
	uint64_t first;
	uint32_t n, set;
	uint32_t lump; /* of the first */
	double stored, decoded;
};

/* How busy a seat is. */
struct qn_gauge {
	double level; /* seconds a thread */
	double share; /* of a second, that a thread is of the seat: 1 / threads */
};

/* What a host must do, for nobody else can read it. */
struct qn_own {
	double seconds, disk; /* of a thread; bytes */
};

struct qn_spread {
	const struct qn_seating *s;
	uint64_t nunits;
	struct qn_unit *unit;	/* owned */
	uint32_t *at;		/* owned: the seat of each unit */
	uint8_t *moved;		/* owned: was it moved from where it went first? */
	struct qn_gauge *gauge; /* owned: of each seat */
	double *disk, *shared;	/* owned: bytes of each host */
	struct qn_own *own;	/* owned: of each host */
	double shared_all;
	uint32_t *least;  /* owned: of each host, the seat with the lowest level */
	uint32_t nleaves; /* a tree of hosts: each knot is the one below that is lowest */
	uint32_t *tree;	  /* owned */
	bool any_shared;
	double bound;	  /* no plan is faster */
	double reference; /* level at which a price is 1 */
	double busy;	  /* what is below this level keeps what it has */
	int sharpness;	  /* the price is level^(2^sharpness - 1) */
};

/* What so much costs where it costs least. */
static inline double qn_spread_size(const struct qn_seating *s, double stored, double decoded,
				    double n)
{
	return qn_rates_seconds(s->rates, QN_MEMORY, stored, decoded, n);
}

/* Lays the units of each set of homes anew in file order, as much to every seat as it has, so that
   ranges are long. */
enum quern_status qn_spread_lay(const struct qn_spread *p, struct qn_pieces *seat_of,
				struct quern_message *err);

#endif
