/*
 * stats_parts.h - the two ways to a statistic, which come to the same double: with digits on the stack,
 * where they are few enough, and with GMP.
 */
#ifndef QN_EXACT_STATS_PARTS_H
#define QN_EXACT_STATS_PARTS_H

#include "exact/stats.h"

/* As qn_stat. False: too many values, or too many digits. */
bool qn_stat_quick(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n,
		   double *out);

double qn_stat_gmp(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n);

#endif
