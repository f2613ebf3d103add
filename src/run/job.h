/*
 * job.h - one run as a rank sees it, and what it reports at the end.
 */
#ifndef QN_RUN_JOB_H
#define QN_RUN_JOB_H

#include "base/names.h"
#include "feed/feed.h"
#include "run/balance.h"
#include "run/failover.h"
#include "run/numa_watch.h"
#include "run/queue.h"
#include "locate/access.h"
#include "cluster/team.h"
#include "kernel/kernel.h"
#include "plan/items.h"
#include "plan/plan.h"
#include "plan/simulate.h"

/* Chunks that were skipped: the first few of a rank. */
#define QN_NSKIPS 4
struct qn_skips {
	uint32_t n, reserved;
	struct {
		uint32_t member, reserved;
		uint64_t number; /* in the grid of the member's dataset */
	} skip[QN_NSKIPS];
};

void qn_skips_add(struct qn_skips *s, uint32_t member, const struct qn_chunk *chunk, uint64_t n);
void qn_skips_merge(struct qn_skips *into, const struct qn_skips *from);

/* What a rank did and where; sent to rank 0. */
struct qn_report {
	char host[64];
	char cpus[64];			/* the slice, as a list */
	uint32_t host_number, node, nthreads, nbound;
	uint64_t nchunks, nstolen, nskipped, nlibrary;
	uint64_t nrepeated, repeated_nbytes;	/* chunks that were counted, not absorbed */
	struct qn_skips skips;		/* of nskipped */
	uint64_t nleased;		/* chunks that were another host's by the plan */
	uint64_t nfailed_over;		/* chunks that were left to another host */
	char failure[256];		/* why the first of them was; "" */
	uint64_t stored_nbytes, decoded_nbytes, local_nbytes, remote_nbytes;
	uint64_t crossed_nbytes;	/* of messages between hosts, as this rank counts */
	uint64_t disk_nbytes;		/* of local_nbytes: not from memory */
	struct qn_numa_watch_sums near;
	uint64_t peak_rss_nbytes;
	double busy_seconds;		/* summed over the threads */
};

enum qn_phase { QN_STARTUP, QN_METADATA, QN_PLAN, QN_WORK, QN_REDUCE, QN_OUTPUT, QN_NPHASES };

/* A simulated run, of strong scaling (the same items) or weak (as many for each host). */
struct qn_point {
	bool weak;
	uint32_t nhosts;
	int nranks;
	uint64_t nthreads, nitems, stored;
	double planned;			/* finish that the plan predicts */
	int64_t slow_host, failed_host;	/* -1: none */
	double slowness;		/* how many times slower than planned */
	struct qn_forecast seconds;
};

/* Files whose attribute has a fault. */
struct qn_blame {
	uint64_t nfiles;
	char *file;			/* owned: the first of them */
	qn_faults fault;		/* its faults */
};

struct qn_meaning;

struct qn_job {
	struct qn_team team;
	const struct quern_kernel *kernel;
	const struct quern_options *options;	/* borrows; rank 0's, on all ranks */
	struct qn_names files;			/* in the order in which they are joined */
	size_t first;				/* of them: those before it have a null dataspace */
	int along;				/* this dimension */
	uint64_t *file_end;			/* rank 0: owned; the index after the last of each file */
	struct qn_dataset dataset;		/* the whole; its chunks are in the mosaic */
	struct qn_mosaic mosaic;
	struct qn_view *views;			/* owned: of each form, all of one type of value */
	struct quern_box selection;
	bool selected;				/* the rank that describes: the selection is made, and
						   the mosaic has the chunks of no other */
	bool whole;
	struct qn_items items;
	void *self;				/* of the kernel */

	struct qn_access access;
	bool looks_closely;			/* homes are to be told, not only used (probe.h) */
	struct qn_costs costs;			/* what plans and simulations predict with */
	struct qn_plan plan;			/* rank 0 */
	int nplanned_hosts;			/* rank 0: of the plan, */
	struct qn_place *planned;		/* and its ranks: owned, of a plan without work */
	struct qn_point *points;		/* rank 0: owned, of a simulation */
	int npoints;
	struct qn_queues queues;
	struct qn_share share;
	struct qn_leases leases;
	struct qn_balance balance;
	struct qn_refusals refused;		/* in this pass */
	uint64_t ncopies_missing;		/* of shards: listed in a catalog, and not there */

	struct qn_layout_of_state layout;
	int64_t *state;				/* owned: this rank's, then rank 0's merged one */
	int npasses;

	struct qn_report report;
	struct qn_report *reports;		/* rank 0: owned, of all ranks */
	double seconds[QN_NPHASES];
	struct qn_names warnings;		/* rank 0: sentences for the user */
	struct qn_blame blame[QN_NATTRIBUTES];	/* rank 0 */
	size_t nmeanings;			/* rank 0 */
	struct qn_meaning *meaning;		/* rank 0: owned; of the slices of the selection */
};

/* Options of a run that the engine itself reads. */
extern const struct quern_option qn_run_options[];

/* Phases, each collective; every rank returns the same status. They are called in this order;
   after a failure only qn_job_fini. */
enum quern_status qn_job_place(struct qn_job *j, const struct qn_team_settings *s,
			       struct quern_message *err);
/* words: names of files and patterns; rank 0's count. */
enum quern_status qn_job_describe(struct qn_job *j, const struct qn_names *words,
				  struct quern_message *err);
/* with_work false: rank 0 makes the plan and nothing is scattered (`quern plan`). */
enum quern_status qn_job_plan(struct qn_job *j, bool with_work, struct quern_message *err);
enum quern_status qn_job_work(struct qn_job *j, struct quern_message *err);
void qn_job_fini(struct qn_job *j);

/* Rank 0's j->dataset, or its j->mosaic, on all ranks, without its chunks. Collective. */
enum quern_status qn_job_share_mosaic(struct qn_job *j, struct quern_message *err);
enum quern_status qn_job_share_dataset(struct qn_job *j, struct quern_message *err);

/* Runs one pass on this rank's threads and adds what they found to j->state. The threads of all ranks
   take work from each other, so that all ranks run it, and none is done before there is none left. */
enum quern_status qn_workers_run(struct qn_job *j, int pass, struct quern_message *err);

/* Does tasks again that other hosts have refused, on the calling thread, and adds what it found to
   j->state. Not collective. */
enum quern_status qn_workers_redo(struct qn_job *j, const struct qn_task *task, size_t n,
			       struct quern_message *err);

#endif
