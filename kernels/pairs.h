/*
 * pairs.h - the state that `cov`, `corr`, `regress` and `trend` share: counts, and exact sums of two values of each
 * element.
 *
 *	state   | count | missing | infinite or NaN | of a weight above 0 | sums of weighted/pairs.h |
 *	segment |                          SUM                            |           EXACT ...      |
 *
 * count includes pairs of which a value is infinite, or NaN where that is a value: there the sums are of no use.
 */
#ifndef QN_KERNELS_PAIRS_H
#define QN_KERNELS_PAIRS_H

#include "quern_kernel.h"
#include "weighted/pairs.h"

/* Slots of a kernel. */
enum quern_status qn_pair_open(const struct quern_input *in, void **self);
void qn_pair_close(void *self);
int qn_pair_layout(const void *self, struct quern_segment *segments);
size_t qn_pair_scratch(const void *self);
void qn_pair_absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile);
bool qn_pair_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			 const struct quern_tile *tile, const struct qn_row_run *run);
void qn_pair_normalize(const void *self, int64_t *state);
void qn_pair_share(void *self, void *other);

#define QN_PAIR_SLOTS                                                                     \
	.abi = QUERN_KERNEL_ABI, .repeats = true, .needs = QUERN_ROLE(QUERN_WITH),        \
	.takes = QUERN_ROLE(QUERN_WITH) | QUERN_ROLE(QUERN_WEIGHT), .open = qn_pair_open, \
	.close = qn_pair_close, .layout = qn_pair_layout, .scratch = qn_pair_scratch,     \
	.absorb = qn_pair_absorb, .absorb_rows = qn_pair_absorb_rows,                     \
	.normalize = qn_pair_normalize, .share = qn_pair_share

/* Of a normalized state. */
void qn_pair_emit_counts(const int64_t *state, struct quern_result *r);

/* Adds fields, of these names, for the statistics that are asked for, bits of their numbers. NULL, where there is
   none. */
void qn_pair_emit(const void *self, const int64_t *state, unsigned asked, struct quern_result *r);

#endif
