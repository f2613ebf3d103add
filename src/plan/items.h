/*
 * items.h - the items of work of a run: the selection meets every part of the mosaic, and what it
 * selects there is cut along the chunks of the member (cut.h). Items are numbered part by part.
 *
 *	part    |     0      | 1 |        3         |		(2 is not touched)
 *	item    | 0  1  2  3 | 4 | 5  6  7  8  9 10 |
 *
 * Per part there are two numbers, per item none: every rank computes the same.
 */
#ifndef QN_PLAN_ITEMS_H
#define QN_PLAN_ITEMS_H

#include "data/mosaic.h"
#include "plan/cut.h"

/* Always: touched parts ascend and are of the mosaic; each has an item at least; their first items ascend
   from 0, and all are below nitems. */
struct qn_items {
	const struct qn_mosaic *mosaic; /* keeps */
	struct quern_box selection;	/* of the whole */
	struct quern_demand demand;
	bool has_demand;
	uint64_t ntouched;	/* parts with items */
	uint64_t *part, *first; /* owned: which they are, and their first items */
	uint64_t nitems, nchunks;
	/* Items of chunks that nobody has written are no work: one is done for all that are alike. Set
	   by whoever knows; items have one chunk each then. */
	bool counts_holes;
	uint64_t max_chunks, max_nelems; /* the most that an item has */
};

/* Where an item is: the part, and the item's number there. Parts are worked out once for a run of
   items, so whoever goes through items keeps one slot; it begins zeroed. */
struct qn_slot {
	bool is_set;
	uint64_t touched; /* index into items->part */
	uint64_t item;	  /* in the cut */
	struct qn_part part;
	struct qn_cut cut;
};

/* demand NULL: elementwise. QUERN_ERR_DATA: the kernel demands a dimension whole that several parts
   share. Freed by qn_items_fini. */
enum quern_status qn_items_init(struct qn_items *it, const struct qn_mosaic *m,
				const struct quern_box *selection,
				const struct quern_demand *demand, struct quern_message *err);
void qn_items_fini(struct qn_items *it);
bool qn_items_is_valid(const struct qn_items *it, const char **why);

/* What a part has of the selection, cut: the slot for it, of items whose parts are not listed (ntouched 0).
   False: nothing. */
bool qn_items_cut(const struct qn_items *it, uint64_t part, struct qn_slot *slot);

/* Moves the slot to an item. */
void qn_items_seek(const struct qn_items *it, uint64_t item, struct qn_slot *slot);

/* The selected elements inside the item: in the member, and in the whole. */
void qn_slot_box(const struct qn_slot *slot, struct quern_box *from, struct quern_box *to);

#endif
