/*
 * progression.h - where two boxes with steps meet, dimension by dimension.
 */
#ifndef QN_SELECT_PROGRESSION_H
#define QN_SELECT_PROGRESSION_H

#include "quern_kernel.h"

/* The greatest common divisor; b > 0. */
uint64_t qn_gcd(uint64_t a, uint64_t b);

/* Indexes first, first + step, ..., count of them. */
struct qn_progression {
	uint64_t first, count, step;
};

/* Which indexes of dimension d of the box `at` are in the selection: index i of the box is
   at->start + i * at->step. False: none. */
bool qn_box_meet(const struct quern_box *at, const struct quern_box *selection, int d,
		 struct qn_progression *out);

#endif
