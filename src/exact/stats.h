/*
 * stats.h - statistics from exact sums of powers, each rounded once.
 *
 * Of n values with power sums S1 ... S4:
 *
 *	mean		S1 / n
 *	variance	sum of (x - mean)^2 / (n - 1)
 *	stddev		square root of the variance
 *	rms		square root of S2 / n
 *	skewness	M3 / M2^1.5, of the population: Mk = sum of (x - mean)^k / n (g1)
 *	kurtosis	M4 / M2^2 - 3, of the population (excess, g2)
 *
 * With integers A_k = S_k / 2^(k e), D = n A2 - A1^2 and so on, all powers of n but those shown
 * cancel:
 *
 *	variance = D / (n (n - 1)) * 2^(2 e)
 *	skewness = T / D^1.5, T = n^2 A3 - 3 n A1 A2 + 2 A1^3
 *	kurtosis = Q / D^2 - 3, Q = n^3 A4 - 4 n^2 A1 A3 + 6 n A1^2 A2 - 3 A1^4
 *
 * Where the sums have few digits these are done on the stack, in less than a microsecond. The big integers are
 * GMP's otherwise, which ends the process when it is out of memory; it needs less than
 * 100 KiB here.
 */
#ifndef QN_EXACT_STATS_H
#define QN_EXACT_STATS_H

#include "exact/power.h"

struct qn_stats {
	/* Which of the values there are: with one element or more; with two; of order 4, with
	   elements that are not all equal. */
	bool has_mean, has_variance, has_shape;
	double mean, variance, stddev, skewness, kurtosis;
};

enum qn_stat { QN_STAT_MEAN, QN_STAT_VARIANCE, QN_STAT_STDDEV, QN_STAT_RMS };

/* One statistic of n values, all finite, with these canonical words: n > 0, and of VARIANCE and STDDEV n > 1;
   of all but MEAN the order is 2 or 4. */
double qn_stat(enum qn_stat which, const struct qn_power *p, const int64_t *words, uint64_t n);

/* All of them. */
void qn_stats_from_power(const struct qn_power *p, const int64_t *words, uint64_t n,
			 struct qn_stats *out);

#endif
