/*
 * weigher.h - what the items of a run weigh, and whether what another host leases is such an item.
 */
#ifndef QN_CREW_WEIGHER_H
#define QN_CREW_WEIGHER_H

#include "plan/items.h"
#include "crew/lease.h"

/* Goes through items, best in order. May not be moved. */
struct qn_item_weigher {
	struct qn_weigher weigher;
	const struct qn_mosaic *mosaic; /* keeps */
	const struct qn_items *items;	/* keeps */
	uint64_t elem_nbytes;
	struct qn_slot slot;
	struct qn_cut_walk walk;
	uint64_t touched;
	uint64_t *number; /* owned: chunks of an item */
};

enum quern_status qn_item_weigher_init(struct qn_item_weigher *w, const struct qn_mosaic *m,
				       const struct qn_items *items, uint64_t elem_nbytes,
				       struct quern_message *err);
void qn_item_weigher_fini(struct qn_item_weigher *w);

#endif
