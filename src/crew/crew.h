/*
 * crew.h - the worker threads of a rank.
 *
 * Each thread is bound, takes tasks from the queue of its rank, steals from those of the other ranks of
 * its host, and does what other hosts have leased to it, until there is nothing left. The thread that
 * has started them tells meanwhile how far the work is and, on the first rank of a host, balances with
 * other hosts (balance.h). What a task is, only the job knows.
 */
#ifndef QN_CREW_CREW_H
#define QN_CREW_CREW_H

#include "cluster/team.h"
#include "crew/balance.h"

/* How a job is done. What a worker has is the job's: worker_nbytes that begin zeroed. */
struct qn_job {
	size_t worker_nbytes;
	/* On the worker's thread, which is bound (or could not be). Keeps ctx and err, which is this
	   worker's alone: errors of run and leave go there too. */
	enum quern_status (*equip)(void *worker, void *ctx, bool bound, struct quern_message *err);
	/* On the worker's thread: does the tasks [begin, end) of a queue, no more of them once the queues
	   are stopped, and adds their weight to what is done of this rank's. */
	enum quern_status (*run)(void *worker, const struct qn_queue *q, uint32_t begin,
				 uint32_t end);
	/* On the worker's thread, when it will do no more; after a failure of equip, too. */
	enum quern_status (*leave)(void *worker, bool failed);
	/* When no thread is left: adds what a worker has found to ctx, unless something has failed, and
	   frees what it had. */
	enum quern_status (*dismiss)(void *worker, bool failed, struct quern_message *err);
};

/* Who works on what. Borrows. */
struct qn_crew {
	const struct qn_team *team;
	const struct qn_job *job;
	void *ctx; /* of the job */
	struct qn_queues *queues;
	struct qn_leases *leases;
	struct qn_balance *balance;
	uint32_t nthreads;
	bool takes_holes; /* chunks that nobody has written at once, as many as there are */
	int pass;	  /* for the progress */
};

struct qn_crew_report {
	uint32_t nthreads, nbound;
	uint64_t nstolen, nleased; /* chunks */
	double busy_seconds;	   /* summed over the threads */
};

/* Works until all ranks of all hosts have nothing left, or one has failed: all ranks call it, and none
   returns before. *r is filled whatever is returned. */
enum quern_status qn_crew_work(const struct qn_crew *crew, struct qn_crew_report *r,
			       struct quern_message *err);

#endif
