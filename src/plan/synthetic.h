/*
 * synthetic.h - clusters that are not there, and data that would lie on them: for plans and
 * simulations.
 */
#ifndef QN_PLAN_SYNTHETIC_H
#define QN_PLAN_SYNTHETIC_H

#include "base/error.h"
#include "plan/plan.h"

/* Equal hosts, with a rank on each NUMA node whose threads are the cores there. */
struct qn_synthetic {
	uint32_t nhosts, nnodes; /* nodes of a host */
	uint32_t *nthreads;	 /* owned: of each node */
};

/* 'host:8 numa:2 core:16': so many hosts, each an hwloc synthetic description; without 'host:' it
   is one. QUERN_ERR_USAGE: it is no such thing. Freed by qn_synthetic_fini. */
enum quern_status qn_synthetic_init(struct qn_synthetic *c, const char *text,
				    struct quern_message *err);
void qn_synthetic_fini(struct qn_synthetic *c);

/* The ranks of the first nhosts hosts: owned by the caller; NULL without memory. */
struct qn_place *qn_synthetic_places(const struct qn_synthetic *c, uint32_t nhosts);

/* Items over and over, and how they are imagined to lie (option `homes`) on hosts with nnodes NUMA
   nodes each. At most about most_lumps lumps but for where homes change. Owned by the caller:
   work->lump, and the homes, which work refers to. */
enum quern_status qn_synthetic_work(const struct qn_work *from, uint64_t times, const char *how,
				    uint32_t nreplicas, uint32_t nhosts, uint32_t nnodes,
				    uint64_t most_lumps, struct qn_work *work,
				    struct qn_homes *homes, struct quern_message *err);

#endif
