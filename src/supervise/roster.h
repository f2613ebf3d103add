/*
 * roster.h - the hosts that a launcher is told of: lists of its options, files of hosts, the nodes of a job
 * of Slurm. Pure functions.
 */
#ifndef QN_SUPERVISE_ROSTER_H
#define QN_SUPERVISE_ROSTER_H

#include "base/error.h"

#define QN_ALL_CORES 0 /* for slots: as many as the host has cores */

struct qn_roster_host {
	char *name; /* owned */
	int slots;  /* ranks that it is to have, or QN_ALL_CORES */
};

struct qn_roster {
	size_t n, room;
	struct qn_roster_host
		*host; /* owned; each name is there once, and has the slots of all its mentions */
};

void qn_roster_fini(struct qn_roster *h);

/* Each adds hosts. QUERN_ERR_USAGE: it is no such list. */
/* "n1:2,n2,n2": of --host. A mention is a slot. */
enum quern_status qn_roster_of_list(struct qn_roster *h, const char *text,
				    struct quern_message *err);
/* "n1 slots=2" or "n1:2", a line each; # begins a comment. */
enum quern_status qn_roster_of_file(struct qn_roster *h, const char *text,
				    struct quern_message *err);
/* "n[1-4,07],m3" of SLURM_JOB_NODELIST, and "2(x4),1" of SLURM_TASKS_PER_NODE, or NULL: cores. */
enum quern_status qn_roster_of_slurm(struct qn_roster *h, const char *nodes, const char *tasks,
				     struct quern_message *err);

/* "n1:2,n3:*", or "n1,n3" without slots, of those that are `kept` (one a host). Owned; NULL: no memory. */
char *qn_roster_list(const struct qn_roster *h, const bool *kept, bool with_slots);

/* How many of n ranks belong on the hosts that are kept, at least one: each has as many as before. */
int qn_roster_ranks(const struct qn_roster *h, const bool *kept, int n);

/* Is it the host named `self`, or a name that each host has for itself? */
bool qn_roster_is_self(const char *name, const char *self);

#endif
