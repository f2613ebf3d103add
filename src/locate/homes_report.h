/*
 * homes_report.h - how many bytes of datasets are where: on which hosts, NUMA nodes and tiers.
 */
#ifndef QN_LOCATE_HOMES_REPORT_H
#define QN_LOCATE_HOMES_REPORT_H

#include "locate/where.h"

/* Bytes of one dataset in one kind of home. */
struct qn_home_bytes {
	struct qn_home home;
	uint64_t nbytes;
};

struct qn_counted {
	char *path;		/* owned: the dataset */
	char *why;		/* owned: why it was not counted; NULL: it was */
	enum quern_status st;	/* what that is */
	uint64_t stored_nbytes; /* that a run over all of it reads */
	uint64_t shared_nbytes; /* of these: with no home, on storage that all hosts share */
	size_t n;
	struct qn_home_bytes *home; /* owned: by host, node and tier. Copies count each */
};

struct qn_homes_report {
	size_t n;
	struct qn_counted *dataset; /* owned; rank 0's */
};

/*
 * Counts the datasets of files that are joined as for a run: the one that the settings of the subject
 * name, or all that the first file has; of several, one that cannot be counted says why. Of the
 * subject only the settings are given, and rank 0 then has its files. Collective. The caller frees
 * with qn_homes_report_fini and qn_subject_fini, whatever is returned.
 */
enum quern_status qn_homes_report_take(const struct qn_team *team, struct qn_subject *subject,
				       const struct qn_names *words, struct qn_homes_report *out,
				       struct quern_message *err);
void qn_homes_report_fini(struct qn_homes_report *c);

#endif
