/*
 * probe.h - what a host finds out about the files that it can read: which of their pages are in its
 * memory, of which NUMA node, and at which node the disk is that the rest are on. By samples, whose
 * number is bounded: each speaks for the bytes around it.
 */
#ifndef QN_LOCATE_PROBE_H
#define QN_LOCATE_PROBE_H

#include "locate/where.h"

/* From this address of a member's file on, up to the next one of the same host. */
struct qn_probed {
	uint64_t addr;
	uint32_t member, host;
	uint16_t node; /* or QN_ANY_NODE */
	uint16_t tier; /* enum qn_home_tier; shared: not in memory of this host */
};

/* Samples that a host takes at most, and all hosts together. Of 8192 it takes 10 ms, 40 ms with NUMA
   nodes; a file that is looked at costs 12 us. */
#define QN_MOST_SAMPLES	    8192
#define QN_MOST_SAMPLES_ALL (UINT64_C(1) << 22)

/* What this host finds, by member and address: *out is owned by the caller. Of a member that is looked
   at, the first is at 0; what says no more than where->access is left out. The rank that has the chunks asks
   for these, others for the bytes of files. Not collective. */
enum quern_status qn_probe(const struct qn_team *team, const struct qn_subject *subject,
			   const struct qn_where *where, struct qn_probed **out, size_t *n,
			   struct quern_message *err);

#endif
