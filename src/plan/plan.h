/*
 * plan.h - which rank does which items.
 *
 * From chunks to tasks, with the words that all files of the chain use:
 *
 *	chunk     what is stored and decoded as one
 *	item      what is computed as one: a chunk, or several that a kernel wants together (cut.h)
 *	          items are numbered part by part of the mosaic (items.h)
 *	place     the position of an item in file order, which plans go by (weigh.h)
 *	row       items whose numbers and places ascend together (weigh.h)
 *	lump      consecutive places that are alike and have the same homes: what a plan weighs
 *	unit      lumps and parts of them that the spread moves as one (spread.h)
 *	seat      a NUMA node with its ranks (seating.h)
 *	piece     consecutive places at one seat, later of one rank (seating.h)
 *	range     consecutive places of a rank in the finished plan: struct qn_series
 *	          here the plan ends; rank 0 scatters it (schedule/scatter.h)
 *	slice     consecutive chunk descriptors in the list of a member, as they are sent
 *	stretch   consecutive items of a rank with as many chunks each (crew/queue.h)
 *	task      an item in the queue of a rank, by its number there
 *	lease     tasks of a rank that another host does (crew/lease.h)
 *	slot      which part an item is in, while items are gone through (items.h)
 *
 * A pure function of its arguments: same cluster, work and rates, same plan. It minimises the
 * predicted finish, which is the largest of
 *	- for each rank, the seconds of its items over its threads, and its longest item;
 *	- for each host, what it reads of its disks, and of shared storage, over their limits;
 *	- what all read of shared storage over its limit.
 * An item's seconds are those of a thread: to read it from the nearest of its homes, as seen from
 * the rank, to decode and to absorb it. Among plans that are as fast, items stay at home, and a
 * rank's items are few and long ranges in the order in which they are given, the file's.
 *
 * Items come in lumps, so what a plan costs goes by their number and that of the ranks, and not by
 * that of the items.
 *
 * Method: items are laid on the NUMA nodes by descent of a potential, the sum of (load/threads)^p
 * over all that is limited, whose marginal costs are prices that an item compares at its homes, at
 * the least loaded node of their hosts, and at the least loaded node of all (spread.c). As p grows
 * this approaches the largest load (Awerbuch et al., Load balancing in the Lp norm, FOCS 1995). The
 * items of a node are divided among its ranks, and plans of few items are improved by iterated
 * local search on the same potential (improve.c).
 */
#ifndef QN_PLAN_PLAN_H
#define QN_PLAN_PLAN_H

#include "base/error.h"
#include "cluster/place.h"
#include "cluster/rates.h"

/* --- homes --- */

#define QN_ANY_NODE UINT16_MAX
#define QN_NO_HOMES UINT32_MAX /* instead of a set: no home, and everybody can read it */

/* QN_HOME_SHARED: the host reads it from shared storage, which other hosts do not all see. */
enum qn_home_tier { QN_HOME_MEMORY, QN_HOME_DISK, QN_HOME_SHARED };

/* A copy of something. A node without a rank is served by the rank before it on the same host,
   whose cores reach there, or by the first one. */
struct qn_home {
	uint32_t host;
	uint16_t node; /* or QN_ANY_NODE */
	uint16_t tier; /* enum qn_home_tier */
};

/* Sets of homes that items share. A set without homes is allowed. */
struct qn_homes {
	uint32_t nsets;
	uint64_t *first; /* nsets + 1: where the homes of each set begin */
	struct qn_home *home;
	uint8_t *shared; /* of each set: can ranks of other hosts read it? */
};

/* Consecutive items that are much alike and have the same homes: n > 0 of them. A plan may part
   them, and takes each for their mean. */
struct qn_lump {
	uint64_t first;
	uint64_t stored;  /* bytes to read of all of them */
	uint64_t decoded; /* bytes of elements that they deliver */
	uint32_t n;
	uint32_t set; /* or QN_NO_HOMES */
};

/* Bytes of one of its items. */
static inline double qn_lump_stored(const struct qn_lump *l)
{
	return (double)l->stored / l->n;
}

static inline double qn_lump_decoded(const struct qn_lump *l)
{
	return (double)l->decoded / l->n;
}

/* The items of a run, in file order: all of them, lump by lump. Where they are few, each is to be a
   lump of its own. */
struct qn_work {
	uint64_t nitems;
	uint64_t nlumps; /* below 2^32 */
	struct qn_lump *lump;
	const struct qn_homes *homes; /* may be NULL when no lump has a set */
};

/* How many lumps are enough: more would not make a better plan, but take longer. */
static inline uint64_t qn_plan_most_lumps(uint64_t nranks)
{
	return nranks > 16384 ? 8 * nranks : 131072;
}

struct qn_cluster {
	int nranks;
	const struct qn_place *place;
};

/* --- the plan --- */

/* Consecutive items. */
struct qn_series {
	uint64_t first, n;
};

/* Why bytes come from shared storage. */
enum qn_why { QN_WHY_NO_HOME, QN_WHY_NO_RANK, QN_WHY_FULL, QN_NWHYS };
const char *qn_why_name(enum qn_why why); /* "no_home", "home_has_no_rank", "home_full" */

/* What a rank gets. */
struct qn_portion {
	uint64_t nitems, stored, decoded;
	uint64_t tier[QN_NTIERS]; /* stored bytes by where they are read */
	double seconds;		  /* of its threads together */
	double finish;		  /* predicted */
};

/* Always: ranges of a rank ascend without meeting; each item is in one range of one rank; a rank's
   portion counts the items of its ranges. */
struct qn_plan {
	int nranks;
	uint64_t nitems;
	uint64_t *at;		  /* owned, nranks + 1: where the ranges of a rank begin */
	struct qn_series *range;  /* owned: ascending within a rank */
	struct qn_portion *rank;  /* owned */
	uint64_t tier[QN_NTIERS]; /* stored bytes in all */
	uint64_t homed;		  /* stored bytes of items that have a home */
	uint64_t why[QN_NWHYS];	  /* of tier[QN_SHARED] */
	double finish;		  /* predicted seconds, from the first read to the last */
	double imbalance;	  /* most seconds a thread over the mean: 1 is perfect */
	const char *limit;	  /* what decides the finish: "threads", "disk", ... */
};

/*
 * The plan is owned by the caller: qn_plan_fini. Not collective.
 * QUERN_ERR_DATA: an item is neither shared nor on a host with a rank; *unreachable (may be NULL)
 * is the first item of such a lump.
 */
enum quern_status qn_plan_make(const struct qn_cluster *cluster, const struct qn_work *work,
			       const struct qn_rates *rates, struct qn_plan *plan,
			       uint64_t *unreachable, struct quern_message *err);
void qn_plan_fini(struct qn_plan *plan);
bool qn_plan_is_valid(const struct qn_plan *plan, const char **why);

void qn_homes_fini(struct qn_homes *homes);

#endif
