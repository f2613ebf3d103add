/*
 * mask.h - which items have nothing to do, as is known of the indexes of their elements alone.
 *
 * A mask has a bit for each combination of the selected indexes of some dimensions: whether there can be
 * anything to do there. An item of whose elements no bit of some mask is set is left out of plans:
 *
 *	mask of time	| 0 0 0 | 0 1 1 | 1 0 0 | 0 0 0 |
 *	items		|  out  |       |       |  out  |
 */
#ifndef QN_PLAN_MASK_H
#define QN_PLAN_MASK_H

#include "plan/items.h"
#include "select/picks.h"

struct qn_mask {
	int ndim, dim[QUERN_MAX_DIMS];	/* of the whole, ascending; none: one bit for everything */
	uint64_t count[QUERN_MAX_DIMS]; /* selected indexes along each of them */
	uint64_t *bits;			/* owned: bit i % 64 of word i / 64, in C order; of nbits */
	uint64_t nbits;
	const struct qn_pick
		*pick; /* borrows: of the one dimension, instead of bits; NULL: there are bits */
};

struct qn_masks {
	int n;
	struct qn_mask *mask; /* owned */
};

void qn_masks_fini(struct qn_masks *m);

/* One mask, for the part of the mosaic at hand: a byte for each place in the grid of items, along the
   dimensions that it is of. */
struct qn_sieve_grid {
	uint64_t stride[QUERN_MAX_DIMS]; /* of the dimensions of the member; 0: does not matter */
	uint8_t *has_work;		 /* owned */
	uint64_t room;
};

/* The masks as one goes through the parts. Begins zeroed, with masks. */
struct qn_sieve {
	const struct qn_masks *masks; /* keeps; NULL: nothing is left out */
	struct qn_sieve_grid *grid;   /* owned */
	uint64_t block;		      /* so many items, from a multiple of it on, are alike */
};

/* Turns to the part of a slot; false: no memory. */
bool qn_sieve_turn(struct qn_sieve *s, const struct qn_items *items, const struct qn_slot *slot);
/* Has an item of the cut work? *n: so many from this one on are as it is. */
bool qn_sieve_has_work(const struct qn_sieve *s, const struct qn_cut *cut, uint64_t item,
		       uint64_t *n);
void qn_sieve_fini(struct qn_sieve *s);

/* Which chunks have work, of items that have several. Begins zeroed, with the masks of its sieve. */
struct qn_chunk_sieve {
	struct qn_sieve sieve;
	struct qn_slot slot; /* the part at hand, cut into items that are a chunk each */
	uint64_t part;
};

/* Leaves those of the n chunks of the item of a slot that have work, of the first at least; numbers: in the order and
   the room of qn_cut_chunks. Returns how many, 0: no memory. */
uint64_t qn_chunk_sieve_keep(struct qn_chunk_sieve *s, const struct qn_items *items,
			     const struct qn_slot *slot, uint64_t *numbers, uint64_t n);

#endif
