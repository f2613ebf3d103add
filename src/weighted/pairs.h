/*
 * pairs.h - exact sums of pairs of values x, y, and what they come to, each rounded once.
 *
 *	unweighted   | x | x^2 | y | y^2 | x y |
 *	weighted     | w | w x | w^2 | ... |		those of sums.h
 *
 * With N = n, or the sum of weights W; C = N Sxy - Sx Sy, Dx = N Sxx - Sx^2, Dy likewise, all exact:
 *
 *	COV		C / (n (n - 1)), or C / (W^2 - WW)
 *	CORR		C / sqrt(Dx Dy)
 *	SLOPE		C / Dy				of x = slope y + intercept
 *	INTERCEPT	(Sx Dy - C Sy) / (N Dy)
 *	R2		C^2 / (Dx Dy)
 *	STDERR		sqrt((Dx Dy - C^2) / (Dy^2 (n - 2)))	of the slope
 *
 * where n of a weighted standard error is the number of weights above 0.
 */
#ifndef QN_WEIGHTED_PAIRS_H
#define QN_WEIGHTED_PAIRS_H

#include "weighted/sums.h"

struct qn_pairs {
	bool is_weighted;
	struct qn_power x, y;	     /* without weights */
	struct qn_weighted products; /* of x and y; with weights all */
	size_t of_y, of_products;    /* words where they start; those of x do at 0 */
	size_t nwords;
};

/* dtype: of weights too, where there are some. */
void qn_pairs_init(struct qn_pairs *p, const enum quern_dtype dtype[QN_NFACTORS], bool is_weighted);

/* The segments of a state that are these words; returns how many. */
int qn_pairs_segments(const struct qn_pairs *p, struct quern_segment *segments);

/* Bytes of scratch for qn_pairs_add, 64-byte aligned. */
size_t qn_pairs_scratch_nbytes(const struct qn_pairs *p);

/* Adds n pairs, 1 <= n <= QUERN_TILE_NELEMS, of any alignment, to the words. Returns how many values are infinite
   or NaN: the sums are of no use then. */
uint64_t qn_pairs_add(const struct qn_pairs *p, const void *const v[QN_NFACTORS], size_t n,
		      int64_t *words, void *scratch);

/* Makes the words canonical. */
void qn_pairs_normalize(const struct qn_pairs *p, int64_t *words);

enum qn_pair_stat {
	QN_PAIR_COV,
	QN_PAIR_CORR,
	QN_PAIR_SLOPE,
	QN_PAIR_INTERCEPT,
	QN_PAIR_R2,
	QN_PAIR_STDERR,
	QN_NPAIR_STATS
};

struct qn_pair_stats {
	bool has[QN_NPAIR_STATS];
	double value[QN_NPAIR_STATS];
};

/* Those of n pairs, all finite, with these canonical words, that are asked for: bits of their numbers. nweighted:
   pairs with a weight above 0; n without weights. What there is not: anything of no pairs, COV of one, and what is
   over 0, as x or y is constant; STDERR of less than 3. */
void qn_pairs_stats(const struct qn_pairs *p, const int64_t *words, uint64_t n, uint64_t nweighted,
		    unsigned asked, struct qn_pair_stats *out);

#endif
