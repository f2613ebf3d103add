/*
 * forecast.h - plans of a run on an imagined cluster, and simulations of it.
 */
#ifndef QN_RUN_FORECAST_H
#define QN_RUN_FORECAST_H

#include "run/job.h"

/* Makes j->plan for what the options of synthetic.h say, and the points of a simulation when they ask
   for one. work: the items as they are. Fills j->planned, too. Rank 0. */
enum quern_status qn_forecast_make(struct qn_job *j, const struct qn_work *work,
			     struct quern_message *err);

#endif
