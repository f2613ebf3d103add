/*
 * weigh.h - the items of a run as a plan wants them: weighed, in file order, as lumps (plan.h) and
 * not one by one.
 *
 * File order is that of members, and in each that of the addresses of the items' first chunks, but
 * for short steps back and few long ones, with those that are not stored last. Mostly that is how items are numbered, but for a few turns: rows
 * of items whose numbers and places ascend together.
 *
 *	item	| 0 .. 99 | 100 .. 149 | 150 .. 199 |
 *	stored	|   at 0  |     no     | at 50000   |
 *	place	| 0 .. 99 | 150 .. 199 | 100 .. 149 |
 *
 * Where those that are not stored are counted (items.h) they come first, and a row of them has one
 * place, for a plan gives it as a whole:
 *
 *	place	| 1 .. 100 |     0     | 101 .. 150 |
 *
 * Items that have no work (mask.h) are in no row, and chunks that have none are in no item of several.
 */
#ifndef QN_PLAN_WEIGH_H
#define QN_PLAN_WEIGH_H

#include "plan/mask.h"
#include "plan/plan.h"

/* Steps back that reading ahead makes up for: libraries put small chunks into gaps. */
#define QN_STEP_BACK (UINT64_C(1) << 20)

struct qn_row {
	uint64_t item, n;    /* items item, item + 1, ... */
	uint64_t place;	     /* of the first of them */
	uint64_t addr, last; /* the first one's, and the highest; QN_ADDR_NONE: not stored */
	uint32_t lump, nlumps;
	uint32_t member;
	bool counted;
};

static inline uint64_t qn_row_nplaces(const struct qn_row *r)
{
	return r->counted ? 1 : r->n;
}

struct qn_lumps {
	struct qn_work work; /* of places; without homes; work.lump is owned */
	uint64_t nrows;
	struct qn_row *row; /* owned, by place */
	uint64_t
		npruned; /* chunks without work: of items that have no place, or left out of others */
	const struct qn_masks *masks; /* keeps: those that say so; NULL: none */
};

/* The home set of the bytes at an address of a member, or QN_NO_HOMES; *until: where the next set
   begins. At QN_ADDR_NONE nothing is stored. *hint: as this left it, for what is asked next; begins as 0. */
typedef uint32_t qn_find_set(const void *ctx, uint32_t member, uint64_t addr, uint64_t *hint,
			     uint64_t *until);

/* At most about `most` lumps, of one item each where there are no more items; besides, a lump ends
   with its part of the mosaic and where homes or the order change. element_nbytes: of an element in
   memory. masks NULL: all items have work. find NULL: there are no homes. Not collective. Freed by qn_lumps_fini. */
enum quern_status qn_lumps_make(const struct qn_items *items, const struct qn_masks *masks,
				size_t element_nbytes, uint64_t most, qn_find_set *find,
				const void *ctx, struct qn_lumps *out, struct quern_message *err);
void qn_lumps_fini(struct qn_lumps *l);

/* The row that a place is in. hint: a row near it. */
uint64_t qn_lumps_row(const struct qn_lumps *l, uint64_t place, uint64_t hint);

/* Where a chunk is, or the next that is stored, in a member's list. hint: a place near it. */
uint64_t qn_lumps_chunk(const struct qn_member *m, uint64_t number, uint64_t hint);

#endif
