/*
 * zstd.c - filter 32015: Zstandard frames.
 */
#include "io/filter/filters.h"

#ifdef QN_HAVE_ZSTD
#include <zstd.h>

void *qn_zstd_state_new(void)
{
	return ZSTD_createDCtx();
}

void qn_zstd_state_free(void *state)
{
	ZSTD_freeDCtx(state);
}

bool qn_zstd_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		    const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	const size_t n = ZSTD_decompressDCtx(state, out, out_nbytes, in, nin);

	(void)step;
	(void)elem_size;
	if (ZSTD_isError(n))
		return false;
	*out_n = n;
	return true;
}
#endif
