/*
 * there.h - tiles of which a part is not there, because a condition of the user does not hold for it.
 */
#ifndef QN_KERNEL_THERE_H
#define QN_KERNEL_THERE_H

#include "kernel/kernel.h"

/* Elements `first` to first + n - 1 of a tile to a state, but for those that are not there. valid: room for
   n bits. */
void qn_absorb_there(const struct quern_kernel *k, const void *self, int64_t *state, void *scratch,
		     uint64_t *valid, const struct quern_tile *tile, uint64_t first, size_t n);

/* The same of a whole tile of at most QUERN_TILE_NELEMS numbers, for a kernel to which it is all the same where
   elements are: those that are there are put side by side. */
void qn_absorb_packed(const struct quern_kernel *k, const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile);

/* Is it all the same to states of a layout where elements are? */
bool qn_state_is_placeless(const struct qn_layout_of_state *l);

#endif
