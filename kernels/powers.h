/*
 * powers.h - the state that `sum`, `moments` and `mean` and its like share: counts, exact power sums, extremes.
 *
 *	state   | count | missing | NaN | +inf | -inf | power sums | min key | max key |
 *	segment |                     SUM                          | MIN, 1  | MAX, 1  |
 *
 * Of a row that has one weight for all of its elements that of elements without, and its weight as the last word.
 *
 * Integers have no words for NaN and infinities; extremes are there if they are asked for. count includes NaN
 * where it is a value, and infinities. Of weighted elements there is a word more for infinities with a weight of 0,
 * and the sums are those of weighted/sums.h.
 */
#ifndef QN_KERNELS_POWERS_H
#define QN_KERNELS_POWERS_H

#include "exact/stats.h"
#include "quern_kernel.h"
#include "weighted/sums.h"

/* What the state begins with. */
enum { QN_POWERS_COUNT, QN_POWERS_MISSING, QN_POWERS_REST };

struct qn_powers {
	struct qn_power power;
	bool nan_missing, is_float, has_extremes;
	size_t special, sums, min, max; /* words where they start */
	size_t packed_nbytes;		/* of scratch, before that of the power sums */
	bool weighs;			/* there are weights: */
	bool is_weighted;		/* each element has its own, */
	bool has_row_weights;		/* or each row has one, in word `weight` of its state */
	size_t weight;
	struct qn_weighted weighted;
};

/* Of scratch, before that of the sums of weighted elements: elements and weights without what is missing, and
   elements without NaN. */
#define QN_POWERS_WEIGHTED_NBYTES (3 * QUERN_TILE_NELEMS * sizeof(double))

/* What was absorbed has no NaN and no infinities (FINITE), has +inf only, -inf only, or has NaN or
   both infinities, so that its sum is NaN. */
enum qn_powers_kind { QN_POWERS_FINITE, QN_POWERS_PINF, QN_POWERS_NINF, QN_POWERS_NAN };

/* order: 1, 2 or 4; of weighted elements 4 is refused. *self is malloc'd. */
enum quern_status qn_powers_open(const struct quern_input *in, int order, bool with_extremes,
				 void **self);

/* Slots of a kernel. */
void qn_powers_close(void *self);
int qn_powers_layout(const void *self, struct quern_segment *segments);
size_t qn_powers_scratch(const void *self);
void qn_powers_absorb(const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile);
bool qn_powers_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			   const struct quern_tile *tile, const struct qn_row_run *run);
/* absorb() of weighted elements. */
void qn_powers_absorb_weighted(const struct qn_powers *p, int64_t *state, char *scratch,
			       const struct quern_tile *tile);
void qn_powers_normalize(const void *self, int64_t *state);
void qn_powers_share(void *self, void *other);

/* Of a normalized state. */
uint64_t qn_powers_count(const int64_t *state);
enum qn_powers_kind qn_powers_kind(const struct qn_powers *p, const int64_t *state);
/* That of the row; 1 where elements have their own, or none. */
double qn_powers_weight(const struct qn_powers *p, const int64_t *state);
/* The mean, and the sum, of what is not all finite. */
double qn_powers_special(enum qn_powers_kind kind);
/* A statistic of what was absorbed. False: there is none. */
bool qn_powers_stat(enum qn_stat which, const struct qn_powers *p, const int64_t *state,
		    double *out);
/* The sum of floating-point elements, rounded once. */
double qn_powers_sum(const struct qn_powers *p, const int64_t *state);
/* Emits count, missing, sum; of weighted elements sum_of_weights. */
void qn_powers_emit_sum(const struct qn_powers *p, const int64_t *state, struct quern_result *r);
/* Emits min, max. Only where they were asked for. */
void qn_powers_emit_extremes(const struct qn_powers *p, const int64_t *state,
			     struct quern_result *r);

/* emit_rows() of one statistic alone; of count, missing and sum; of moments. (powers_emit.c) */
bool qn_powers_emit_means(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			  struct quern_result *out);
bool qn_powers_emit_variances(const void *self, const struct qn_cells *cells, uint64_t row,
			      size_t n, struct quern_result *out);
bool qn_powers_emit_stddevs(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			    struct quern_result *out);
bool qn_powers_emit_sums(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			 struct quern_result *out);
bool qn_powers_emit_moments(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			    struct quern_result *out);

#endif
