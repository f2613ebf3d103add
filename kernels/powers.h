/*
 * powers.h - the state that `sum`, `moments` and `mean` and its like share: counts, exact power sums, extremes.
 *
 *	state   | count | missing | NaN | +inf | -inf | power sums | min key | max key |
 *	segment |                     SUM                          | MIN, 1  | MAX, 1  |
 *
 * Integers have no words for NaN and infinities; extremes are there if they are asked for. count includes NaN
 * where it is a value, and infinities.
 */
#ifndef QN_KERNELS_POWERS_H
#define QN_KERNELS_POWERS_H

#include "exact/power.h"
#include "quern_kernel.h"

/* What the state begins with. */
enum { QN_POWERS_COUNT, QN_POWERS_MISSING, QN_POWERS_REST };

struct qn_powers {
	struct qn_power power;
	bool nan_missing, is_float, has_extremes;
	size_t special, sums, min, max; /* words where they start */
	size_t packed_nbytes;		/* of scratch, before that of the power sums */
};

/* What was absorbed has no NaN and no infinities (FINITE), has +inf only, -inf only, or has NaN or
   both infinities, so that its sum is NaN. */
enum qn_powers_kind { QN_POWERS_FINITE, QN_POWERS_PINF, QN_POWERS_NINF, QN_POWERS_NAN };

/* order: 1, 2 or 4. *self is malloc'd. */
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
void qn_powers_normalize(const void *self, int64_t *state);
void qn_powers_share(void *self, void *other);

/* Of a normalized state. */
uint64_t qn_powers_count(const int64_t *state);
enum qn_powers_kind qn_powers_kind(const struct qn_powers *p, const int64_t *state);
/* The mean, and the sum, of what is not all finite. */
double qn_powers_special(enum qn_powers_kind kind);
/* Emits count, missing, sum. */
void qn_powers_emit_sum(const struct qn_powers *p, const int64_t *state, struct quern_result *r);
/* Emits min, max. Only where they were asked for. */
void qn_powers_emit_extremes(const struct qn_powers *p, const int64_t *state,
			     struct quern_result *r);

#endif
