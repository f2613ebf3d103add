/*
 * owners.h - from the cells of all ranks to the fields of rows. Each row is owned by a rank: what the others have
 * found of it goes there, is merged, and is emitted by the threads of the owner. Rank 0 takes the fields.
 *
 *	rows    | block 0 | block 1 | block 2 | block 3 | ...
 *	owner   |  rank 0 |  rank 1 |  rank 0 |  rank 1 | ...	(2 ranks)
 *
 * In a step each rank has one block. Blocks are small, so that no rank has much more than its own table.
 */
#ifndef QN_RUN_OWNERS_H
#define QN_RUN_OWNERS_H

#include "run/run.h"

/* Has run->taker take the rows of the table; *nrows: how many it took, less than all where the sums of some
   took more memory than there is (qn_kept_most_spilled). Collective. */
enum quern_status qn_owners_emit(struct qn_run *run, uint64_t *nrows, struct quern_message *err);

/* Has the table of any rank become too large? Collective. */
enum quern_status qn_owners_are_over(struct qn_run *run, bool *is_over, struct quern_message *err);

/* Bytes that this takes beside tables of so many rows, at most, but for what the taker does. */
uint64_t qn_owners_nbytes(const struct qn_run *run, uint64_t nrows);

#endif
