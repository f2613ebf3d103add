/*
 * room.h - how much memory this process may still take: what the machine has free, within the limits of
 * its control groups.
 */
#ifndef QN_CLUSTER_ROOM_H
#define QN_CLUSTER_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qn_room {
	uint64_t nbytes; /* UINT64_MAX: the system does not tell */
	bool is_group;	 /* a control group has the least, or else the machine */
};

/* root: in front of /proc and /sys; "" but in tests. What can be had back from the page cache counts as
   free. */
struct qn_room qn_room_find(const char *root);

/* What a user allows a rank, and as it was written. */
struct qn_allowance {
	uint64_t nbytes;  /* 0: what there is */
	const char *text; /* borrowed: "1G" */
};

/* What a rank may hold: that, or its part of what there is on the host. why: which it is, "--memory 1G". */
uint64_t qn_room_limit(const struct qn_allowance *asked, int nranks_of_host, size_t n, char *why);

/* Is there room for nbytes beside what the process has? False: why has "takes about 138 MiB beside the 16 MiB of the
   rest, more than --memory 30M: raise it to 153M at least". Little always is. */
bool qn_room_has(const struct qn_allowance *asked, int nranks_of_host, uint64_t nbytes, size_t n,
		 char *why);

#endif
