/*
 * journal.h - what a run has found so far, kept in a directory so that the same command takes it up again.
 *
 *	DIR/journal               what it is of: a text of a line each thing that results depend on
 *	DIR/lock                  held by rank 0 while it runs
 *	DIR/RUN-RANK-PASS.states  records of a rank (record.h); RUN counts the runs, from 1
 *
 * DIR lies on storage that all hosts share, or on each host's own disk: of that every host reads what it has, and
 * what none has is computed again. Records of other runs are read once, and never written to.
 *
 *	           begin          write, sync          end
 *	absent ------------> open ------------> dirty ------> kept ------> removed, when the result is there
 *	                      ^                   |             |
 *	                      +----- killed ------+---- stopped-+
 *
 * Invariants: no two records whose states are added up share an item; an item is of a record only when all of it was
 * added to the state; what was added of the records of runs before is in no record of this one.
 */
#ifndef QN_JOURNAL_JOURNAL_H
#define QN_JOURNAL_JOURNAL_H

#include "base/publish.h"
#include "cluster/comm.h"
#include "journal/record.h"

struct qn_journal {
	struct qn_comm *comm; /* keeps */
	char *folder;	      /* owned */
	char *text;	      /* owned, '\0' behind it: what it is of */
	size_t text_nbytes;
	struct qn_sum identity;
	int lock;	  /* rank 0; -1: none */
	int64_t run;	  /* the number of this one */
	unsigned npasses; /* so far, */
	bool has_text;	  /* this rank knows that DIR/journal is there */
	struct qn_states
		*record; /* owned: of the first rank of a host, which runs before have left there */
	size_t nrecords;
};

/*
 * Opens the journal of a directory, which is made when it is not there. text: rank 0, taken: lines that end with '\n',
 * each a name and a value. QUERN_ERR_USAGE: it is of something else, and the message names the first difference; or
 * another run has it. Collective.
 */
enum quern_status qn_journal_open(struct qn_comm *c, const char *folder, char *text,
				  struct qn_journal **out, struct quern_message *err);

/* is_done: the result is where it was to be, and nothing of the journal stays. NULL is none. Not collective, and legal
   after MPI_Finalize. */
void qn_journal_close(struct qn_journal *j, bool is_done);

/* A pass over the data, of this rank. */
struct qn_journal_pass {
	struct qn_journal *journal; /* keeps */
	struct qn_sum key;
	uint64_t nitems;
	uint64_t *before; /* owned: a bit an item that records of runs before have; NULL: none */
	uint64_t *chosen; /* owned: which of the journal's records this rank is to add */
	size_t nchosen;
	unsigned number;
	char *file;	 /* owned: of this rank; NULL: not begun */
	int fd;		 /* of the file, while it is small enough to be appended to; or -1 */
	uint64_t nbytes; /* of it */
	struct qn_publishing new; /* that takes its place */
};

/* key: the sum of all that says which cells the pass has, and how items are numbered; the same on all ranks. Finds
   what is done. The caller has a pass of zeros, and frees with qn_journal_pass_fini. Collective. */
enum quern_status qn_journal_pass_init(struct qn_journal_pass *p, struct qn_journal *j,
				       const struct qn_sum *key, uint64_t nitems,
				       struct quern_message *err);
void qn_journal_pass_fini(struct qn_journal_pass *p);

/* Was it done by a run before? */
static inline bool qn_journal_pass_has(const struct qn_journal_pass *p, uint64_t item)
{
	return p->before && p->before[item / 64] >> item % 64 & 1;
}

/* Writes a record of what this rank has; it is durable when it was synced. head: as of qn_states_write, but for the
   pass and nitems. Nobody adds to the cells meanwhile. Not collective, like the next two. */
enum quern_status qn_journal_pass_write(struct qn_journal_pass *p, struct qn_states_head *head,
					const uint64_t *done, struct qn_cells *cells,
					struct quern_message *err);
enum quern_status qn_journal_pass_sync(struct qn_journal_pass *p, struct quern_message *err);

/* Adds what is left to this rank of the records of runs before, and to *nheld and *nbeyond what they counted. */
enum quern_status qn_journal_pass_add(const struct qn_journal_pass *p, struct qn_cells *cells,
				      uint64_t *nheld, uint64_t *nbeyond,
				      struct quern_message *err);

#endif
