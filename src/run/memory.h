/*
 * memory.h - memory is decided before the work: what a rank will hold, with how many threads, and of how many rows
 * of the result at a time (account.h).
 */
#ifndef QN_RUN_MEMORY_H
#define QN_RUN_MEMORY_H

#include "run/run.h"

/* Gives each rank as many threads as there is memory for, and all the same run->most_rows: where the cells of all
   rows do not fit, the data is gone over several times, in whichever way takes least. *longest: of the chunks, as
   they are stored. Collective. */
enum quern_status qn_memory_settle(struct qn_run *run, struct qn_team *team, uint64_t *longest,
				   struct quern_message *err);

/* The same of rows alone, where their number is found while the run works. QUERN_ERR_RUN: there is no room for them.
   Collective. */
enum quern_status qn_memory_settle_rows(struct qn_run *run, struct quern_message *err);

/* With its share of the work: against --memory. Sets run->memory. Not collective. */
enum quern_status qn_memory_check(struct qn_run *run, uint64_t longest, struct quern_message *err);

#endif
