/*
 * cover.h - which boxes cover which parts of a whole: what none covers, and what several do. Boxes
 * may have steps. The whole is swept dimension by dimension: an index belongs with those that are in
 * the same boxes.
 */
#ifndef QN_SELECT_COVER_H
#define QN_SELECT_COVER_H

#include "quern_kernel.h"

/* Box number i of those that are asked about. */
typedef void qn_cover_box(const void *ctx, uint64_t i, struct quern_box *out);

/* A box of the whole, all of whose elements are in the same n boxes, of which `last` has the highest
   number. False ends the sweep. The boxes it is called with do not overlap and are the whole. */
typedef bool qn_cover_leaf(void *ctx, const struct quern_box *box, uint64_t n, uint64_t last);

enum qn_covered { QN_COVERED, QN_COVER_STOPPED, QN_COVER_COMPLEX, QN_COVER_NO_MEMORY };

/* Every dimension of the whole has an index, and the nboxes boxes are inside of it. QN_COVER_COMPLEX:
   it would take more than `work` steps, each some nanoseconds. */
enum qn_covered qn_cover(int ndim, const uint64_t *shape, uint64_t nboxes, qn_cover_box *box,
			 qn_cover_leaf *leaf, void *ctx, uint64_t work);

#endif
