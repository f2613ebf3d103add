/*
 * sums.h - exact sums of weights, of weighted elements, and of products of two values of each element.
 *
 *	number    sum of     factors   needed for
 *	W         w          1         sums and means
 *	WX        w x        2
 *	WW        w^2        2         variances
 *	WXX       w x^2      3         variances, and root mean squares
 *	WXX_LOW   w x^2      3         where squares of elements are no doubles
 *	WY, WYY, WYY_LOW               the same of the other values, y
 *	WXY       w x y      3         covariances
 *	WXY_LOW   w x y      3         where products of elements are no doubles
 *	XY        x y        2         covariances without weights
 *
 * The sum of w x^2 is WXX + WXX_LOW: the one has what the rounded squares give, the other what their errors
 * do, so that a column (columns/column.h) has room for either. Each sum has the form of that power of float64
 * (exact/acc.h), and those that there are stand one after the other in the words of a state.
 *
 * Factors from 2^-256 to below 2^256, that is most, are multiplied as doubles, with the errors of the products;
 * other ones as integers. Both are exact, so that a sum does not depend on it, nor on what was taken together:
 * elements of one weight are added up first.
 */
#ifndef QN_WEIGHTED_SUMS_H
#define QN_WEIGHTED_SUMS_H

#include "columns/column.h"
#include "exact/power.h"

/* Infinities with a weight of 0, which have no product, beside those of power.h. */
enum { QN_SPECIAL_VOID = QN_NSPECIALS, QN_WEIGHTED_NSPECIALS };

enum {
	QN_SUM_W,
	QN_SUM_WX,
	QN_SUM_WW,
	QN_SUM_WXX,
	QN_SUM_WXX_LOW,
	QN_SUM_WY,
	QN_SUM_WXY,
	QN_SUM_WXY_LOW,
	QN_SUM_WYY,
	QN_SUM_WYY_LOW,
	QN_SUM_XY,
	QN_NWEIGHTED
};

/* What sums are there for: of x with weights, of x and y with weights, and of x y alone. */
enum qn_weighted_order {
	QN_WEIGHTED_MEAN,
	QN_WEIGHTED_SPREAD,
	QN_WEIGHTED_PAIRS,
	QN_WEIGHTED_PRODUCT,
	QN_NWEIGHTED_ORDERS
};

/* What is multiplied: weights, elements, their other values. */
enum { QN_FACTOR_W, QN_FACTOR_X, QN_FACTOR_Y, QN_NFACTORS };

struct qn_weighted {
	enum quern_dtype dtype[QN_NFACTORS];
	bool uses[QN_NFACTORS]; /* it has such factors */
	bool drops_nan;		/* an element x that is NaN is not there */
	enum qn_cpu level;
	int nsums;
	int sum[QN_NWEIGHTED];	 /* the sums that there are, in their order */
	int place[QN_NWEIGHTED]; /* of a sum among them; negative: there is none */
	struct qn_acc_form form[QN_NWEIGHTED];
	size_t offset[QN_NWEIGHTED]; /* word where a sum starts */
	size_t nwords;
	struct qn_power plain;	     /* of elements of one weight */
	struct qn_power doubles[3];  /* of doubles, in the form of so many factors and one */
	bool adds_alike;	     /* elements of one weight are added up first */
	bool fits[QN_NFACTORS];	     /* every value does */
	bool is_exact[QN_NWEIGHTED]; /* products are doubles */
};

/* dtype: of factors that are used. */
void qn_weighted_init(struct qn_weighted *s, const enum quern_dtype dtype[QN_NFACTORS],
		      enum qn_weighted_order order, bool drops_nan);

bool qn_weighted_has_sum(const struct qn_weighted *s, int sum);

int qn_weighted_nfactors(int sum);

/* The segments of a state that are these sums; returns how many. */
int qn_weighted_segments(const struct qn_weighted *s, struct quern_segment *segments);

/* Bytes of scratch, 64-byte aligned. */
size_t qn_weighted_scratch_nbytes(const struct qn_weighted *s);

/* Adds the factors of n elements, of any alignment, to the words; weights are finite and not negative. Elements
   that are infinite or NaN count in `special`, and in no sum but those of weights alone (of which y is infinite or
   NaN, as NaN). Returns how many NaN are not there, and in no sum. */
size_t qn_weighted_add(const struct qn_weighted *s, const void *const v[QN_NFACTORS], size_t n,
		       int64_t *words, int64_t special[QN_WEIGHTED_NSPECIALS], void *scratch);

/* W or WX, in its place in the words, of n elements of one weight, an integer below 2^53 times a power of two, that have
   these power sums without it. */
void qn_weighted_scale(const struct qn_weighted *s, int sum, int64_t *words, double weight,
		       uint64_t n, const struct qn_power *plain, const int64_t *sums);

/* Which of the special ones an element is. */
int qn_weighted_special(double x, double w);

/* Element i of n of a type, as a double. */
double qn_weighted_double(enum quern_dtype t, const void *values, size_t i);

/* Makes the words canonical. */
void qn_weighted_normalize(const struct qn_weighted *s, int64_t *words);

/* Elements of many rows: as qn_column_tile. */
struct qn_weighted_tile {
	const void *v[QN_NFACTORS];
	const uint64_t *valid;
	uint64_t bit;
	size_t n, nsteps, stride;
	const uint32_t *row; /* of place i of each step, from the first row; NULL: i */
	size_t nspecial;     /* gets how many valid elements are infinite or NaN */
};

/* The same for many rows: sum[k] is the column of sum k of those that there are. The elements that are infinite or NaN are left to the
   caller, but for their weights. False: there is no memory. */
bool qn_weighted_add_rows(const struct qn_weighted *s, struct qn_column *const *sum,
			  uint64_t first_row, struct qn_weighted_tile *t, void *scratch);

/* --- statistics (stats.c), each rounded once --- */

/* Of x alone: canonical words of elements that are all finite:
 *
 *	MEAN		WX / W
 *	VARIANCE	(W WXX - WX^2) / (W^2 - WW), which is sum of w (x - mean)^2 / (W - WW / W)
 *	STDDEV		its square root
 *	RMS		square root of WXX / W
 *
 * False: there is none, because the weights add up to 0, or, of VARIANCE and STDDEV, because all but one are 0. */
enum qn_stat;
bool qn_weighted_stat(enum qn_stat which, const struct qn_weighted *s, const int64_t *words,
		      double *out);

/* Would there be one? */
bool qn_weighted_has(enum qn_stat which, const struct qn_weighted *s, const int64_t *words);

/* Are all elements and weights integers, or of the sum W all weights? */
bool qn_weighted_is_integer(const struct qn_weighted *s, int sum);
/* W or WX of these, in decimal. */
void qn_weighted_decimal(const struct qn_weighted *s, int sum, const int64_t *words,
			 char out[QN_ACC_MAX_DIGITS]);

#endif
