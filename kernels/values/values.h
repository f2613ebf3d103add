/*
 * values.h - the state that `distinct` and `mode` share: the different values of a row.
 *
 *	state   | count | missing | NaN | the least values and how often each is there | sketch |
 *	segment |        SUM, 3         |                    TALLY                     |  MAX   |
 *
 * The tally has room for one value more than the limit: where there are as many, there may be others that it does not
 * have, and the sketch (sketch.h) says about how many. There is none where no row can have so many.
 *
 * Of many rows of few elements each, of which all take less room:
 *
 *	state   | count | missing | NaN | all values |
 *	segment |        SUM, 3         |    LIST    |
 *
 * count has NaN, and what is missing has not. -0 and 0 are one value.
 */
#ifndef QN_KERNELS_VALUES_VALUES_H
#define QN_KERNELS_VALUES_VALUES_H

#include "kernel/cells.h"
#include "quern_kernel.h"

/* Slots of a kernel, and its options. */
extern const struct quern_option qn_values_options[];
enum quern_status qn_values_open(const struct quern_input *in, void **self, bool wants_sketch);
int qn_values_layout(const void *self, struct quern_segment *segments);
size_t qn_values_most_values(const void *self);
size_t qn_values_scratch(const void *self);
void qn_values_absorb(const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile);
void qn_values_normalize(const void *self, int64_t *state);
void qn_values_share(void *self, void *other);

#define QN_VALUES_SLOTS                                                                           \
	.abi = QUERN_KERNEL_ABI, .options = qn_values_options, .takes_text = true, .close = free, \
	.layout = qn_values_layout, .most_values = qn_values_most_values,                         \
	.scratch = qn_values_scratch, .absorb = qn_values_absorb,                                 \
	.normalize = qn_values_normalize, .share = qn_values_share

/* What a normalized state says. */
struct qn_values_found {
	uint64_t count, missing, nnan; /* NaN that is a value */
	bool is_exact;		       /* all values are known */
	uint64_t ndistinct;	       /* NaN as one */
	double error;		       /* the standard error of that */
	/* Where all are known, and there is one but NaN: the most frequent, the least of those. */
	uint64_t frequency;
	const int64_t *text; /* its key; or */
	uint64_t key;	     /* that of a number (kernel/order.h) */
};

void qn_values_find(const void *self, const int64_t *state, struct qn_values_found *found);

/* The field of the value of a key. */
void qn_values_emit_key(const void *self, const char *name, const struct qn_values_found *found,
			struct quern_result *r);

#endif
