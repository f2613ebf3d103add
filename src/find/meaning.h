/*
 * meaning.h - what a selection means in coordinates: the values at its ends, for people.
 */
#ifndef QN_FIND_MEANING_H
#define QN_FIND_MEANING_H

#include "find/coordinate.h"
#include "find/files.h"

/* A slice of a selection. Plain memory. */
struct qn_meaning {
	char slice[256]; /* "lat=10:20" */
	uint64_t start, count,
		step; /* indexes; step 0: it is a union (select/picks.h) of `count` of them */
	uint64_t end; /* behind the last */
	int dim;
	bool has_ends;	     /* there is a coordinate */
	struct qn_ends ends; /* at the first and the last index */
};

/* Fills subject->meaning, and warns of attributes of coordinates, on rank 0, for the slices of a
   selection that has been made; the coordinates are read by m->reader. Collective. */
enum quern_status qn_explain(const struct qn_team *team, struct qn_subject *subject,
			     const struct qn_files *m, struct quern_message *err);

#endif
