/*
 * keeping.h - a pass over the data as it is kept in the journal: every few seconds a thread of each rank stops the
 * workers between two tasks, writes what all of them have found, and has it synced while they go on.
 */
#ifndef QN_JOURNAL_KEEPING_H
#define QN_JOURNAL_KEEPING_H

#include <pthread.h>

#include "journal/journal.h"

/* A worker. It holds its lock while it is at a task, so that what is in cells and what is marked as done go together. */
struct qn_keeper {
	pthread_mutex_t lock;
	struct qn_cells *own; /* borrows: cells of its own; NULL: it adds to those of the run */
	const uint64_t *nheld, *nbeyond; /* borrows: as it counts them */
	struct qn_item_run *done;	 /* owned: items since the last record */
	size_t ndone, room;
	struct qn_keeper *next;
};

struct qn_keeping {
	struct qn_cells *
		cells; /* borrows, like the queues: of this rank, which workers add to or leave theirs to */
	double seconds;		    /* between two records; 0: as few as can be */
	void (*stop)(void *queues); /* what the workers do, when nothing can be kept */
	void *queues;
	struct qn_journal_pass pass;
	atomic_bool is_waiting; /* for workers to be between two tasks */
	atomic_bool is_torn;	/* a task has failed half-way: states have what is of no item */
	pthread_mutex_t
		lock; /* of all below, and of the cells of the run where workers have their own */
	struct qn_keeper *first; /* those at work */
	uint64_t *done;		 /* owned: a bit an item, */
	bool has_new;		 /* and some that are in no record */
	uint64_t nheld, nbeyond; /* of those that have left */
	bool has_record;
	double pause_seconds; /* that workers waited for the last record */
	/* of the thread */
	pthread_t thread;
	pthread_cond_t wake;
	bool is_running, ends;
	struct quern_message err;
};

/* cells, seconds, stop and queues are given, the rest of *k is zeroed. key, nitems: as of qn_journal_pass_init. Followed by
   qn_keeping_end, whatever is returned. Collective. */
enum quern_status qn_keeping_begin(struct qn_keeping *k, struct qn_journal *journal,
				   const struct qn_sum *key, uint64_t nitems,
				   struct quern_message *err);

/* Of a worker, before its first task and after the last one; leaving adds its own cells to those of the run. False: no
   memory. */
void qn_keeping_join(struct qn_keeping *k, struct qn_keeper *worker);
bool qn_keeping_leave(struct qn_keeping *k, struct qn_keeper *worker);

/* A worker takes its lock for a task, but not before who waits for it, and gives it back. */
void qn_keeping_lock(struct qn_keeping *k, struct qn_keeper *worker);
void qn_keeping_unlock(struct qn_keeper *worker);

/* Items that are done, by a worker that holds its lock. */
void qn_keeping_mark(struct qn_keeping *k, struct qn_keeper *worker, uint64_t item, uint64_t n);
static inline void qn_keeping_tear(struct qn_keeping *k)
{
	if (k)
		atomic_store(&k->is_torn, true);
}

/* Is nothing to be done for the item any more? */
static inline bool qn_keeping_has(const struct qn_keeping *k, uint64_t item)
{
	return k && qn_journal_pass_has(&k->pass, item);
}

/* After the work, which came to st: keeps what was found where the run ends here or has taken long, and adds what runs
   before have found to the cells, and what they counted to the two. Collective; returns the status of all. */
enum quern_status qn_keeping_end(struct qn_keeping *k, enum quern_status st, uint64_t *nheld,
				 uint64_t *nbeyond, struct quern_message *err);

#endif
