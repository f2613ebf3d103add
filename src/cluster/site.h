/*
 * site.h - what a site says of its storage and its hosts, where looking would find something else or
 * nothing: a text file, read by rank 0. Each line is blank, a comment that begins with #, or
 *
 *	bandwidth TIER RATE	bytes a second that one thread reads of memory, memory_near, disk,
 *				disk_near or shared (cluster/rates.h)
 *	limit WHAT RATE		bytes a second that all threads get: of the disks of a host (disk), of
 *				shared storage on a host (shared_host) and on all (shared)
 *	local PATH		files below it are on a disk of the host's own
 *	shared PATH		files below it are on storage that hosts share
 *	label HOST NAME...	kept, and shown in plans
 *
 * A rate is a number of bytes, 3G for instance. Of several paths the longest counts. Nothing is said
 * twice, and anything else is an error.
 */
#ifndef QN_CLUSTER_SITE_H
#define QN_CLUSTER_SITE_H

#include "cluster/comm.h"
#include "cluster/rates.h"

enum qn_limit { QN_LIMIT_DISK, QN_LIMIT_SHARED_HOST, QN_LIMIT_SHARED, QN_NLIMITS };

struct qn_root {
	char *path; /* owned: absolute, without / at its end */
	bool shared;
};

struct qn_label {
	char *host, *name; /* owned */
};

/* All zero: nothing is said. */
struct qn_site {
	double read[QN_NTIERS], limit[QN_NLIMITS]; /* bytes a second; 0: not said */
	size_t nroots, nlabels;
	struct qn_root *root;	/* owned */
	struct qn_label *label; /* owned */
};

/* Reads text (nbytes). file: its name, for messages. QUERN_ERR_DATA names the line. *site must be
   freed with qn_site_fini, whatever is returned. Not collective. */
enum quern_status qn_site_parse(const char *file, const char *text, size_t nbytes,
				struct qn_site *site, struct quern_message *err);

/* Rank 0's file on all ranks; NULL there: nothing is said. Collective. */
enum quern_status qn_site_load(struct qn_comm *c, const char *file, struct qn_site *site,
			       struct quern_message *err);
void qn_site_fini(struct qn_site *site);

/* Is something said of where a file lies? Follows links, on this host. Not collective. */
bool qn_site_knows(const struct qn_site *site, const char *file, bool *shared);

/* Puts in what is said of bandwidths. A limit that is not said is raised to what one thread gets. */
void qn_site_rates(const struct qn_site *site, struct qn_rates *rates);

#endif
