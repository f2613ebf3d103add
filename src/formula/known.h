/*
 * known.h - where --where cannot hold, as is known before anything is read: by those of its conjuncts that are of
 * coordinates, indexes and other operands in memory alone.
 *
 * month(time) == 1 && lat > 60 && t > 280 gives a mask of time and one of lat. A conjunct of several dimensions,
 * lat(y, x) > 60, gives a mask of these, which all that is known of fewer of them goes into. A selection that is a
 * union along a dimension gives a mask of that.
 */
#ifndef QN_FORMULA_KNOWN_H
#define QN_FORMULA_KNOWN_H

#include "formula/formula.h"
#include "plan/mask.h"

/* Of larger products of dimensions nothing is made: reading is little more. */
#define QN_MOST_KNOWN (UINT64_C(1) << 24)

/* Nothing is known: no masks. Those of a selection that is a union borrow from its picks. The caller frees with
   qn_masks_fini, whatever is returned. Not collective. */
enum quern_status qn_known_find(const struct qn_formula *f, const struct quern_box *selection,
				struct qn_masks *out, struct quern_message *err);

#endif
