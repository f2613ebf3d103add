/*
 * forecast.h - plans of a run on an imagined cluster, and simulations of it.
 */
#ifndef QN_RUN_FORECAST_H
#define QN_RUN_FORECAST_H

#include "run/run.h"

/* A simulated run, of strong scaling (the same items) or weak (as many for each host). */
struct qn_point {
	bool weak;
	uint32_t nhosts;
	int nranks;
	uint64_t nthreads, nitems, stored;
	double planned;			/* finish that the plan predicts */
	int64_t slow_host, failed_host; /* -1: none */
	double slowness;		/* how many times slower than planned */
	struct qn_forecast seconds;
};

/* Makes run->plan for what the options of synthetic.h say, and the points of a simulation when they ask
   for one. work: the items as they are. Fills run->planned, too. Rank 0. */
enum quern_status qn_forecast_make(struct qn_run *run, const struct qn_work *work,
				   struct quern_message *err);

#endif
