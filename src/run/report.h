/*
 * report.h - what a rank did and where, as it tells rank 0 at the end.
 */
#ifndef QN_RUN_REPORT_H
#define QN_RUN_REPORT_H

#include "crew/refusals.h"
#include "feed/numa_watch.h"

/* What a rank did and where; sent to rank 0. */
struct qn_report {
	char host[64];
	char cpus[64]; /* the slice, as a list */
	uint32_t host_number, node, nthreads, nbound;
	uint64_t nbeyond; /* elements that an expression has no 64 bits for */
	uint64_t
		nheld; /* for which --where holds: of those that several sweeps need, as often as these */
	uint64_t nchunks, nstolen, nskipped, nlibrary;
	uint64_t
		npruned; /* of rank 0: chunks in which --where cannot hold, or nothing is picked, which no plan has */
	uint64_t nrepeated, repeated_nbytes; /* chunks that were counted, not absorbed */
	struct qn_skips skips;		     /* of nskipped */
	uint64_t nkept;			     /* chunks that a run before had done, by the journal */
	uint64_t nleased;		     /* chunks that were another host's by the plan */
	uint64_t nfailed_over;		     /* chunks that were left to another host */
	char failure[256];		     /* why the first of them was; "" */
	uint64_t stored_nbytes, decoded_nbytes, local_nbytes, remote_nbytes;
	uint64_t crossed_nbytes; /* of messages between hosts, as this rank counts */
	uint64_t disk_nbytes;	 /* of local_nbytes: not from memory */
	struct qn_numa_watch_sums near;
	uint64_t memory_nbytes, peak_rss_nbytes; /* as planned (memory.h), and what it came to */
	double busy_seconds;			 /* summed over the threads */
};

#endif
