/*
 * bzip2.c - filter 307: one bzip2 stream, with its own checksums.
 */
#include "io/filter/filters.h"

#ifdef QN_HAVE_BZIP2
#include <bzlib.h>
#include <limits.h>

bool qn_bzip2_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		     const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	unsigned int n = out_nbytes < UINT_MAX ? (unsigned int)out_nbytes : UINT_MAX;

	(void)state;
	(void)step;
	(void)elem_size;
	/* The library's prototype is without const; it only reads the input. */
	if (nin > UINT_MAX || BZ2_bzBuffToBuffDecompress((char *)out, &n, (char *)(uintptr_t)in,
							 (unsigned int)nin, 0, 0) != BZ_OK)
		return false;
	*out_n = n;
	return true;
}
#endif
