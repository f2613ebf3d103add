/*
 * counts.h - slots of bins that are counted, and weights that are added up in each of them.
 *
 *	words | count 0 ... count n-1 | weight 0 ... weight n-1 |
 *
 * A weight is the exact sum of those of a slot, nlimbs words (exact/acc.h); there is none without weights. All
 * words are sums.
 */
#ifndef QN_KERNELS_BINS_COUNTS_H
#define QN_KERNELS_BINS_COUNTS_H

#include "exact/acc.h"
#include "quern_kernel.h"

struct qn_slots {
	size_t n;
	bool has_weights;
	enum quern_dtype dtype; /* of weights */
	struct qn_acc_form form;
};

void qn_slots_init(struct qn_slots *s, size_t n, const struct quern_input *in);

size_t qn_slots_nwords(const struct qn_slots *s);

/* The segments of a state that begins with so many other sums; returns how many. */
int qn_slots_segments(const struct qn_slots *s, size_t nbefore, struct quern_segment *segments);

/* Bytes of private counters; 0: there are none. */
size_t qn_slots_scratch_nbytes(const struct qn_slots *s);

/* Counters are private to a tile where there are few slots: clear them, count slots of values in any number of
   calls, and add them to the words. */
void qn_slots_begin(const struct qn_slots *s, void *scratch);
void qn_slots_count(const struct qn_slots *s, int64_t *words, void *scratch, const uint32_t *slot,
		    size_t n);
void qn_slots_end(const struct qn_slots *s, int64_t *words, const void *scratch);

/* Adds the weights of n values to their slots, weight 0 being that at `first` of an array of any alignment. */
void qn_slots_weigh(const struct qn_slots *s, int64_t *words, const uint32_t *slot,
		    const void *weights, size_t first, size_t n);

void qn_slots_normalize(const struct qn_slots *s, int64_t *words);

/* The weight of a slot, canonical. */
const int64_t *qn_slots_weight(const struct qn_slots *s, const int64_t *words, size_t slot);

#endif
