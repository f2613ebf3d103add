/*
 * record.h - records: the state of a rank in a pass over the data, with the items that it is of.
 *
 * A file of records belongs to one rank and one pass of a run. Each record has all that the rank has found so far,
 * so that of a file only the last record counts that is whole; what is behind it is the torn end of a write.
 *
 *	file    | head: magic, byte order, identity, sum | record | record | ...
 *	record  | head | runs of items | groups that were seen | blocks of rows | sum |
 *	block   | first row, rows, bytes | the rows (qn_cells_pack), filled up to 8 bytes |
 *
 * Numbers are of 64 bits, in the byte order of the machine. The sum (XXH3-128) is of what is between head and sum, and
 * then of the head, which is written last. The identity is the sum of what the journal is of (journal.h), the pass
 * that of all that says which cells there are, and how items are numbered.
 *
 * Invariants: a record is never changed once it is whole; runs of items ascend and do not touch; the rows are those
 * of exactly these items.
 */
#ifndef QN_JOURNAL_RECORD_H
#define QN_JOURNAL_RECORD_H

#include "base/error.h"
#include "data/sum.h"
#include "kernel/cells.h"

struct qn_item_run {
	uint64_t first, n;
};

/* What a record says of itself, as it is stored. */
struct qn_states_head {
	char magic[8];
	uint64_t nbytes; /* of the record, from here to the end of its sum */
	struct qn_sum pass;
	uint64_t nitems;	  /* that the pass has in all */
	uint64_t nruns, ncovered; /* items: in so many runs */
	uint64_t nheld, nbeyond;  /* of their elements, as counted by struct qn_report */
	uint64_t nseen;		  /* words of groups; 0: nobody asks */
	uint64_t nblocks, nrows;
};

/* One that was found. */
struct qn_states {
	char *file; /* owned */
	struct qn_states_head head;
	struct qn_item_run *run; /* owned */
	uint64_t blocks_at;	 /* in the file */
};

void qn_states_fini(struct qn_states *r);

/* The last whole record of a file of this identity. *found: there is one. QUERN_ERR_RUN: there is no memory. What cannot
   be read, or is no such file, has none: it is computed again. */
enum quern_status qn_states_find(const char *file, const struct qn_sum *identity,
				 struct qn_states *out, bool *found, struct quern_message *err);

/* The record at an offset of an open file of so many bytes, the file's name for later. *found: there is one that is
   whole. QUERN_ERR_RUN: there is no memory. */
enum quern_status qn_states_at(int fd, const char *file, uint64_t at, uint64_t file_nbytes,
			       struct qn_states *out, bool *found, struct quern_message *err);

/* Adds its rows, and the groups that were seen, to cells. QUERN_ERR_DATA: it is not what it was when it was found. */
enum quern_status qn_states_add(const struct qn_states *r, struct qn_cells *cells,
				struct quern_message *err);

/* The bytes at the beginning of a file. */
#define QN_STATES_HEAD_NBYTES 64
void qn_states_file_head(const struct qn_sum *identity, void *out);

/* Writes a record of the cells, which are normalized, at an offset of an open file. head: pass, nitems, nheld and nbeyond;
   the rest is filled in. done: a bit an item. 0 or errno. */
int qn_states_write(int fd, uint64_t at, struct qn_states_head *head, const uint64_t *done,
		    struct qn_cells *cells);

#endif
