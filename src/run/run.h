/*
 * run.h - one run as a rank sees it: a kernel over a subject, by a team.
 */
#ifndef QN_RUN_RUN_H
#define QN_RUN_RUN_H

#include "cluster/team.h"
#include "find/subject.h"
#include "kernel/cells.h"
#include "kernel/kernel.h"
#include "kernel/places.h"
#include "formula/formula.h"
#include "grouping/computed.h"
#include "locate/where.h"
#include "plan/items.h"
#include "plan/plan.h"
#include "plan/simulate.h"
#include "crew/balance.h"
#include "crew/queue.h"
#include "crew/refusals.h"
#include "run/report.h"
#include "run/settings.h"
#include "crew/weigher.h"
#include "rolling/rolling.h"

enum qn_phase { QN_STARTUP, QN_METADATA, QN_PLAN, QN_WORK, QN_REDUCE, QN_OUTPUT, QN_NPHASES };

struct qn_journal;
struct qn_keeping;
struct qn_run;
struct qn_point;
struct qn_shown;

/* Takes the fields of some rows of the result, from `row` on; they come in order, each once. Of a result without
   rows fields come once. *rows is the caller's, who frees it; fields may be added to it. On a thread of its own, one call at a time. */
struct qn_taker {
	enum quern_status (*take)(void *ctx, uint64_t row, struct quern_result *rows,
				  struct quern_message *err);
	void *ctx;
};

/* Takes the cells of a sweep over the data in the place of the rows that they make: rank 0 has them all in run->cells,
   normalized, of which rows from `first` on are new. counted: nheld and nbeyond of all ranks so far (report.h). */
struct qn_state_taker {
	enum quern_status (*take)(void *ctx, struct qn_run *run, uint64_t first,
				  const int64_t counted[2], struct quern_message *err);
	void *ctx;
};

struct qn_run {
	struct qn_run_settings settings;
	const struct qn_team *team;	  /* borrows */
	const struct qn_subject *subject; /* borrows */
	const struct qn_where *where;	  /* borrows */
	const struct quern_kernel *kernel;
	void *self;		/* of the kernel */
	struct qn_names fields; /* of the result; none: all of them */
	bool whole; /* items are delivered whole: it demands so, or there are many rows */
	bool reduced[QUERN_MAX_DIMS]; /* dimensions; the others are kept */
	/* Owned: of kept dimensions along which the selection is a union, the numbers in the result of its indexes. */
	int32_t *number[QUERN_MAX_DIMS];
	struct qn_keys keys;		  /* of groups, */
	struct qn_computed_keys computed; /* and those of them that come with tiles */
	bool collects; /* in this pass, their values: there are no rows yet, and no states */
	struct qn_value_room room; /* of the values, */
	struct qn_value_set
		found[QN_MOST_KEYS]; /* found by the workers of the pass: of each of them */
	struct qn_formula formula;   /* what becomes of elements before */
	struct qn_rows rows;	     /* of the result, */
	struct qn_rows window;	     /* those of a sweep over the data, */
	struct qn_rows all;	     /* and the one of a pass over everything */
	struct qn_rolling rolling;   /* windows of rows, */
	struct qn_rows emitted; /* and those that a sweep emits: without windows all that it has */
	uint64_t swept;		/* the rows before this one have been in a sweep that counts */
	struct qn_places
		places; /* that elements are added to first, where that pays; not in a sweep of some rows */
	uint32_t nthreads;	/* of this rank, and */
	uint64_t most_rows;	/* of a sweep: as there is memory for */
	uint64_t memory_nbytes; /* that this rank needs, as planned (memory.h) */
	uint64_t cells_nbytes;	/* that its tables may take; 0: not known */
	const struct qn_shown
		*shown;	       /* borrows: which rows the result has, while they are emitted */
	struct qn_taker taker; /* rank 0: of the rows of the result, */
	struct qn_state_taker states; /* or of their cells: on all ranks; NULL: there are rows */
	struct qn_items items;

	struct qn_journal *journal; /* borrows; NULL: there is none */
	uint64_t dataset_number;    /* of those that share it */
	struct qn_keeping *keeping; /* borrows: of this pass; NULL: it is not kept */

	struct qn_costs costs;	  /* what plans and simulations predict with */
	struct qn_plan plan;	  /* rank 0 */
	int nplanned_hosts;	  /* rank 0: of a plan without work, */
	struct qn_place *planned; /* and its ranks: owned */
	struct qn_point *points;  /* rank 0: owned, of a simulation (schedule/forecast.h) */
	int npoints;
	struct qn_queues queues;
	struct qn_share share;
	struct qn_item_weigher weigher; /* where there are several hosts */
	struct qn_leases leases;
	struct qn_balance balance;
	struct qn_refusals refused; /* in this pass */
	uint64_t ncopies_missing;   /* of shards: listed in a catalog, and not there */

	uint64_t longest; /* chunk, as it is stored: bytes */
	uint64_t nchunks; /* that are stored, of all members */
	struct qn_layout_of_state layout;
	struct qn_cells cells; /* of this pass: this rank's; of one row then rank 0's merged one */
	int npasses;
	uint64_t
		nsweeps; /* over the data, for rows: done, and done again with fewer rows (sweeps.c) */
	uint64_t nagain;

	struct qn_report report;
	struct qn_report counted;  /* of chunks and elements, by the sweeps before */
	struct qn_report *reports; /* rank 0: owned, of all ranks */
	double seconds[QN_NPHASES];
	struct qn_names warnings; /* rank 0: for the user, after those of the subject */
};

/* A run goes through these, in this order, and through its plan (schedule/schedule.h) before the work; after a failure only through qn_run_fini. Each is collective, and
   every rank returns the same status. */

/* Opens the kernel on a subject, and cuts the work. Settings, kernel and costs are given, the rest is
   zeroed. Keeps the team and the subject, which is left to the library where the kernel must see whole
   what several sources share. */
enum quern_status qn_run_open(struct qn_run *run, const struct qn_team *team,
			      struct qn_subject *subject, struct quern_message *err);
/* Finds the rows again and opens the kernel for them, when the groups of all keys are known. Not collective. */
enum quern_status qn_run_reopen(struct qn_run *run, struct quern_message *err);
/* The name of an operand by its number: those of the formula, then those of keys. */
const char *qn_run_operand(const struct qn_run *run, uint32_t number);
enum quern_status qn_run_work(struct qn_run *run, struct quern_message *err);

/* Of data that was absorbed before, as a simulation had it in memory: finds the rows and their fields as qn_run_work
   does, after qn_run_open and without a plan, of the cells that each rank has. `fill` adds these to run->cells, and
   what is counted to run->report; `check` says before whether the kernel can do so. Collective. */
struct qn_absorbed {
	enum quern_status (*check)(const struct qn_run *run, struct quern_message *err);
	enum quern_status (*fill)(void *ctx, struct qn_run *run, struct quern_message *err);
	void *ctx;
};
enum quern_status qn_run_settle(struct qn_run *run, const struct qn_absorbed *absorbed,
				struct quern_message *err);
/* Of a run that is open: would its kernel look at the data several times? Not collective, like the next. */
bool qn_run_looks_again(const struct qn_run *run);
/* The check of what a simulation has in memory. QUERN_ERR_USAGE: it must be seen again, or at once. */
enum quern_status qn_run_check_once(const struct qn_run *run, struct quern_message *err);
void qn_run_fini(struct qn_run *run);

/* Runs one pass on this rank's threads and adds what they found to run->cells. The threads of all ranks
   take work from each other, so that all ranks run it, and none is done before there is none left. */
enum quern_status qn_workers_run(struct qn_run *run, int pass, struct quern_message *err);

/* Does tasks again that other hosts have refused, on the calling thread, and adds what it found to
   run->cells. Not collective. */
enum quern_status qn_workers_redo(struct qn_run *run, const struct qn_task *task, size_t n,
				  struct quern_message *err);

#endif
