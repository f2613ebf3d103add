/*
 * stack.h - the files of a run on top of each other: one dataset with a dimension more, the first, along which
 * each file has one index, in the order in which they are given. An ensemble is one: its members are files.
 *
 * But for that dimension all files are the same: in the extents of their datasets, and in the coordinates of these.
 */
#ifndef QN_FIND_STACK_H
#define QN_FIND_STACK_H

#include "find/files.h"

/* Can the dimension have the name, and the dataset of the subject, of the first file, have it? Not collective. */
enum quern_status qn_stack_check(const struct qn_subject *subject, struct quern_message *err);

/* Compares the coordinates of all files with those of the first, whose dataset that of the subject still is.
   QUERN_ERR_DATA tells the first difference. Collective. */
enum quern_status qn_stack_agree(const struct qn_team *team, struct qn_subject *subject,
				 const struct qn_files *m, struct quern_message *err);

/* Makes the description of a dataset of one file that of n of them; it has no chunks. */
enum quern_status qn_stack_raise(struct qn_dataset *d, const char *name, uint64_t n,
				 struct quern_message *err);

#endif
