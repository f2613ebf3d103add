/*
 * filters.h - the decode slots of the filter table; struct qn_filter has their contract.
 */
#ifndef QN_IO_FILTERS_H
#define QN_IO_FILTERS_H

#include "data/storage.h"

void *qn_deflate_state_new(void);
void qn_deflate_state_free(void *state);
bool qn_deflate_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		       const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
		       size_t *out_n);

bool qn_shuffle_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		       const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
		       size_t *out_n);

/* Works in place too: with out == in nothing is copied. */
bool qn_fletcher32_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
			  const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
			  size_t *out_n);

#endif
