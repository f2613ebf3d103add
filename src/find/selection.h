/*
 * selection.h - the selection of a run, made where the files are: coordinates are read by a rank whose
 * host has them, and those of the joined dimension, where no host has all files, by the ranks that
 * have described these.
 */
#ifndef QN_FIND_SELECTION_H
#define QN_FIND_SELECTION_H

#include "find/files.h"

/* subject->selection of option select, on all ranks. Collective. */
enum quern_status qn_selection_make(const struct qn_team *team, struct qn_subject *subject,
				    const struct qn_files *m, struct quern_message *err);

/* A block of the rank `from` on all ranks, in *block; size 0 stays 0. Takes mine. Collective. */
enum quern_status qn_pass_round(const struct qn_team *team, uint32_t from, void *mine,
				size_t nbytes, void **block, size_t *block_nbytes,
				struct quern_message *err);

/* Fills in the values that the reader wants of a joined coordinate (coordinate.h), if it wants any, on
   all ranks: joined->values is there then. Collective. */
struct qn_joined;
enum quern_status qn_joined_fill(const struct qn_team *team, const struct qn_subject *subject,
				 const struct qn_files *m, struct qn_joined *joined,
				 struct quern_message *err);

#endif
