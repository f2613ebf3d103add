/*
 * room.h - how much memory this process may still take: what the machine has free, within the limits of
 * its control groups.
 */
#ifndef QN_CLUSTER_ROOM_H
#define QN_CLUSTER_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct qn_room {
	uint64_t nbytes; /* UINT64_MAX: the system does not tell */
	bool is_group;	 /* a control group has the least, or else the machine */
};

/* root: in front of /proc and /sys; "" but in tests. What can be had back from the page cache counts as
   free. */
struct qn_room qn_room_find(const char *root);

#endif
