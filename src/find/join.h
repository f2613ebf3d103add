/*
 * join.h - the files of a run as one dataset: concatenated along a dimension, or on top of each other along a
 * new one (stack.h), in the order in which they are given.
 *
 * Each file is described by a rank that sees it (files.h); rank 0 puts all together.
 */
#ifndef QN_FIND_JOIN_H
#define QN_FIND_JOIN_H

#include "find/files.h"

#define QN_STACKED -1 /* no dimension of theirs */

/* May `other` follow `first` along a dimension, or lie on top of it (QN_STACKED)? QUERN_ERR_DATA names both files
   and what differs: type, dimensions, other extents, units. How values are packed may differ. */
enum quern_status qn_join_check(const struct qn_dataset *first, const struct qn_dataset *other,
				int along, struct quern_message *err);

/* Fills the dataset and the mosaic of the subject from its files. m: who describes which. The error names
   what files cannot be read or joined, ten of them at most, and is of the first of them. Collective. */
enum quern_status qn_join(const struct qn_team *team, struct qn_subject *subject,
			  const struct qn_files *m, struct quern_message *err);

#endif
