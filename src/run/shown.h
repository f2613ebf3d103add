/*
 * shown.h - the groups of a finished run that its result has: those with an element that is there.
 */
#ifndef QN_RUN_SHOWN_H
#define QN_RUN_SHOWN_H

#include "run/run.h"

/* Tells all ranks what any has seen. Collective. */
enum quern_status qn_seen_share(struct qn_run *run, struct quern_message *err);

/* A combination of groups has the number that its place in the product of all groups has, in C order. */
struct qn_shown {
	uint64_t nkept;	  /* rows of each */
	uint64_t n;	  /* combinations */
	uint64_t *number; /* owned, rising; NULL: all n of them */
	/* Of each key: how many of its groups are in the product, and which; owned; NULL: all of them. Where there are
	   pairs, the group of each combination. */
	uint64_t ngroups[QN_MOST_KEYS];
	uint32_t *group[QN_MOST_KEYS];
};

/* Of all rows, and what has been seen was shared. The caller frees with qn_shown_fini, whatever is returned. False: no memory. */
bool qn_shown_find(const struct qn_run *run, struct qn_shown *out);
void qn_shown_fini(struct qn_shown *s);

/* The row of the run that row `row` of the result is. */
static inline uint64_t qn_shown_row(const struct qn_shown *s, uint64_t row)
{
	return s->number ? s->number[row / s->nkept] * s->nkept + row % s->nkept : row;
}

/* How many rows of the result are before row `row` of the run. */
uint64_t qn_shown_before(const struct qn_shown *s, uint64_t row);

#endif
