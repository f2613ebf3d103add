/*
 * simulate.h - a run as it would go: a discrete-event model of the workers with the real plan and
 * the real policy of taking and stealing (policy.h).
 *
 * A worker's task takes the seconds of rates.h, times the slowness of its host. What it reads
 * passes disk, link and shared storage, which serve bytes in the order in which they are asked for,
 * at their limits: a reader waits for the later of its own time and the server. Between ranks there
 * are trees, and a root that sends each host its shares: the collectives that the engine uses. A
 * pure function.
 *
 * A host that runs low gets a lease from another by the policy, of what it can read; the agents'
 * conversation is not simulated. Who is asked: hosts that hold copies of what it holds, the next
 * ones in the order of hosts, and the one that gave last.
 */
#ifndef QN_PLAN_SIMULATE_H
#define QN_PLAN_SIMULATE_H

#include "plan/plan.h"

/* What a run costs beside its work. */
struct qn_costs {
	struct qn_rates rates;
	double startup;		/* seconds: to start, and to know the ranks; for one rank */
	double metadata;	/* seconds: to read it on rank 0 */
	double plan_item;	/* seconds an item to weigh it and to write its descriptor */
	double plan_rank;	/* seconds a rank, to plan */
	double latency;		/* seconds of a message between hosts */
	double message;		/* seconds that the root spends for each host it sends to */
	double network;		/* bytes a second of a host */
	double output;		/* seconds at the end */
	double metadata_nbytes; /* that all ranks get */
	double state_nbytes;	/* that are reduced */
	int npasses;
};

extern const struct qn_costs qn_costs_default;

/* One run, in seconds. */
struct qn_forecast {
	double lost; /* until a host failed and all was begun again */
	double startup, metadata, plan, scatter, work, reduce, output, total;
	uint64_t ntasks_stolen, ntasks_leased;
	double busy; /* seconds of all threads */
};

/* slow[h]: how many times slower host h is than the rates say; NULL: none. */
enum quern_status qn_simulate(const struct qn_cluster *cluster, const struct qn_work *work,
			      const struct qn_plan *plan, const struct qn_costs *costs,
			      const double *slow, struct qn_forecast *out,
			      struct quern_message *err);

#endif
