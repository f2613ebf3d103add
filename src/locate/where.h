/*
 * where.h - who can read what: which host sees which member of a subject, and on what kind of
 * storage. Where the bytes of the members are, homes.h finds out by it.
 */
#ifndef QN_LOCATE_WHERE_H
#define QN_LOCATE_WHERE_H

#include "cluster/team.h"
#include "find/subject.h"
#include "locate/access.h"

/* On all ranks. */
struct qn_where {
	struct qn_access access;
	bool looks_closely; /* homes are to be told, not only used (probe.h) */
};

#endif
