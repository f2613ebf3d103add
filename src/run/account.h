/*
 * account.h - what a rank will hold, of each kind.
 *
 *	process | keys, operands, share of the plan | table of rows | rows on their way | result (rank 0) | threads
 */
#ifndef QN_RUN_ACCOUNT_H
#define QN_RUN_ACCOUNT_H

#include "run/run.h"

/* Of a process with its libraries before it has any work: what is resident, measured with HDF5 1.10. */
#define QN_PROCESS_NBYTES (UINT64_C(16) << 20)
/* Of each variable of a result that is written: its block. */
#define QN_BLOCK_NBYTES (UINT64_C(1) << 20)

/* What a rank holds at most. */
enum qn_part_of_memory {
	QN_OF_PROCESS,
	QN_OF_INDEX,
	QN_OF_OPERANDS,
	QN_OF_KEYS,
	QN_OF_TABLE,
	QN_OF_SHARE,
	QN_OF_MERGING,
	QN_OF_RESULT,
	QN_NPARTS_OF_MEMORY
};

/* What each thread has, a state of its own among it where states are small, and one for what is tried; and the rest,
   with the table that all is merged into. */
struct qn_account {
	uint64_t a_thread, rest;
	uint64_t part[QN_NPARTS_OF_MEMORY]; /* of the rest */
};

/* With a table of so many rows, and chunks of so many bytes, stored. What is larger than memory can be stays so when more
   is added. */
void qn_account_take(const struct qn_run *run, uint64_t stored, uint64_t nrows,
		     struct qn_account *a);
void qn_account_log(const struct qn_account *a, uint64_t nthreads);

/* Multiplies, to what is larger than memory can be. */
uint64_t qn_account_product(uint64_t a, uint64_t b);

#endif
