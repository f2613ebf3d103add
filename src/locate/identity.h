/*
 * identity.h - that hosts which see a file under one path see the same file: copies with the size
 * and the time of change of the one that was described. Where more than one host has it on a disk
 * or in memory of its own, the copies must also have the same sum of metadata: XXH3-128 over the
 * first 64 KiB, where HDF5 files keep most of their headers, the last 16 KiB and 4 KiB in the
 * middle, and the size. A file that was written again has another one, if not by its headers then
 * by its data; a change that touches neither is not found. Without libxxhash size and time do. A file
 * in the page cache costs 13 us, 10,000 of them 0.13 s on each host; on a disk three reads.
 */
#ifndef QN_LOCATE_IDENTITY_H
#define QN_LOCATE_IDENTITY_H

#include "locate/where.h"

/* How a host sees the file of a member. */
enum qn_sight {
	QN_UNSEEN,
	QN_ELSEWHERE, /* on storage that hosts share */
	QN_ON_DISK,
	QN_IN_MEMORY, /* of its own */
	QN_OTHER_SIZE,
	QN_OTHER_TIME, /* it is not the one that was described */
	QN_NSIGHTS
};

/* What a host sees where it is another file. */
struct qn_stranger {
	uint32_t member, host;
	uint64_t nbytes;
	int64_t mtime_ns;
};

struct qn_sights {
	uint8_t *mine; /* owned: enum qn_sight of each member; the first rank of a host */
	/* Rank 0; NULL and 0 elsewhere: */
	uint8_t *sight; /* owned: of all hosts, host by host */
	size_t nstrangers;
	struct qn_stranger *stranger; /* owned: some of each host */
};

/* QUERN_ERR_DATA names the files that are not the same everywhere, the hosts, and what differs.
   Collective. */
enum quern_status qn_identity_check(const struct qn_team *team, const struct qn_subject *subject,
				    const struct qn_sights *sights, struct quern_message *err);

#endif
