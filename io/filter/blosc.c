/*
 * blosc.c - filter 32001: one Blosc chunk, which says itself how it was made.
 */
#include "io/filter/filters.h"

#ifdef QN_HAVE_BLOSC
#include <blosc.h>

bool qn_blosc_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		     const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	size_t n, stored, block;

	(void)state;
	(void)step;
	(void)elem_size;
	if (nin < BLOSC_MIN_HEADER_LENGTH)
		return false;
	/* Trusting nothing but sizes: the chunk must say that it is what we have. */
	blosc_cbuffer_sizes(in, &n, &stored, &block);
	if (stored > nin || n > out_nbytes || blosc_cbuffer_validate(in, stored, &n) < 0)
		return false;
	/* The _ctx functions have no state shared by threads; this one starts no threads. */
	if (n > 0 && blosc_decompress_ctx(in, out, out_nbytes, 1) != (int)n)
		return false;
	*out_n = n;
	return true;
}
#endif
