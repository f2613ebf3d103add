/*
 * schedule.h - the plan phase of a run, between qn_run_open and qn_run_work.
 */
#ifndef QN_SCHEDULE_SCHEDULE_H
#define QN_SCHEDULE_SCHEDULE_H

#include "run/run.h"

/* Finds where, and keeps it. team: that of the run, of which ranks get fewer threads where their memory
   is short. with_work false: rank 0 makes the plan and nothing is scattered (`quern plan`). Collective: every rank returns
   the same status. */
enum quern_status qn_run_plan(struct qn_run *run, struct qn_team *team, struct qn_where *where,
			      bool with_work, struct quern_message *err);

#endif
