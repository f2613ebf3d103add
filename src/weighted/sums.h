/*
 * sums.h - exact sums of weights and of weighted elements.
 *
 *	number    sum of     factors   needed for
 *	W         w          1         sums and means
 *	WX        w x        2
 *	WW        w^2        2         variances
 *	WXX       w x^2      3         variances, and root mean squares
 *	WXX_LOW   w x^2      3         where squares of elements are no doubles
 *
 * The sum of w x^2 is WXX + WXX_LOW: the one has what the rounded squares give, the other what their errors
 * do, so that a column (columns/column.h) has room for either. Each sum has the form of that power of float64
 * (exact/acc.h), and the sums are one after the other in the words of a state.
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

enum { QN_SUM_W, QN_SUM_WX, QN_SUM_WW, QN_SUM_WXX, QN_SUM_WXX_LOW, QN_NWEIGHTED };

/* What sums are there for. */
enum qn_weighted_order { QN_WEIGHTED_MEAN = QN_SUM_WW, QN_WEIGHTED_SPREAD = QN_SUM_WXX_LOW };

struct qn_weighted {
	enum quern_dtype x, w; /* of elements, of weights */
	bool drops_nan;	       /* an element that is NaN is not there */
	enum qn_cpu level;
	int nsums;
	struct qn_acc_form form[QN_NWEIGHTED];
	size_t offset[QN_NWEIGHTED]; /* word where a sum starts */
	size_t nwords;
	struct qn_power plain;	     /* of elements of one weight */
	struct qn_power doubles[3];  /* of doubles, in the form of so many factors and one */
	bool fits[2];		     /* of x, of w: every value does */
	bool is_exact[QN_NWEIGHTED]; /* products are doubles */
};

void qn_weighted_init(struct qn_weighted *s, enum quern_dtype x, enum quern_dtype w,
		      enum qn_weighted_order order, bool drops_nan);

int qn_weighted_nfactors(int sum);

/* Bytes of scratch, 64-byte aligned. */
size_t qn_weighted_scratch_nbytes(const struct qn_weighted *s);

/* Adds n elements with their weights, which are finite and not negative, of any alignment, to the words. Elements
   that are infinite or NaN count in `special`, and in no sum but those of weights alone. Returns how many NaN are not there, and in no sum. */
size_t qn_weighted_add(const struct qn_weighted *s, const void *x, const void *w, size_t n,
		       int64_t *words, int64_t special[QN_WEIGHTED_NSPECIALS], void *scratch);

/* Which of the special ones an element is. */
int qn_weighted_special(double x, double w);

/* Element i of n of a type, as a double. */
double qn_weighted_double(enum quern_dtype t, const void *values, size_t i);

/* Makes the words canonical. */
void qn_weighted_normalize(const struct qn_weighted *s, int64_t *words);

/* Elements of many rows, with their weights: as qn_column_tile. */
struct qn_weighted_tile {
	const void *x, *w;
	const uint64_t *valid;
	uint64_t bit;
	size_t n, nsteps, stride;
	const uint32_t *row; /* of place i of each step, from the first row; NULL: i */
	size_t nspecial;     /* gets how many valid elements are infinite or NaN */
};

/* The same for many rows: sum[k] is the column of a sum. The elements that are infinite or NaN are left to the
   caller, but for their weights. False: there is no memory. */
bool qn_weighted_add_rows(const struct qn_weighted *s, struct qn_column *const *sum,
			  uint64_t first_row, struct qn_weighted_tile *t, void *scratch);

/* --- statistics (stats.c), each rounded once --- */

/* Of canonical words of elements that are all finite:
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
