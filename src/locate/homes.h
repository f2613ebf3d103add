/*
 * homes.h - maps file offsets of members to homes (host, NUMA node, tier). Rank 0 builds it from access.h
 * (who can read what) and probe.h (where pages and disks are); the planner reads it.
 */
#ifndef QN_LOCATE_HOMES_H
#define QN_LOCATE_HOMES_H

#include "locate/probe.h"

/* From this address of a member's file on, up to the next extent. */
struct qn_home_extent {
	uint64_t addr;
	uint32_t set; /* of homes, or QN_NO_HOMES */
};

struct qn_whereabouts {
	struct qn_homes homes;
	uint64_t *first;	       /* owned, members + 1: where the extents of each begin */
	struct qn_home_extent *extent; /* owned: by address; the first of a member is at 0 */
};

/* On rank 0; of the other ranks it is left empty. Collective. */
enum quern_status qn_whereabouts_find(const struct qn_team *team, const struct qn_subject *subject,
				      const struct qn_where *where, struct qn_whereabouts *w,
				      struct quern_message *err);

/* The same of what has been found, which is put in order. nhosts: those that findings may be of.
   Findings that no host can have made are QUERN_ERR_RUN. Where very many sets would come of it, the
   rest is told by hosts only. Not collective. */
enum quern_status qn_whereabouts_make(const struct qn_access *access, uint32_t nmembers,
				      uint32_t nhosts, struct qn_probed *found, size_t n,
				      struct qn_whereabouts *w, struct quern_message *err);
void qn_whereabouts_fini(struct qn_whereabouts *w);

/* The set of what begins at an address of a member; at QN_ADDR_NONE nothing is stored, and it may be
   taken by all that can open the file. *hint: a extent near it, as this left it; begins as 0. Not
   collective. */
uint32_t qn_whereabouts_set(const struct qn_whereabouts *w, uint32_t member, uint64_t addr,
			    uint64_t *hint);

#endif
