/*
 * deflate.c - filter 1: a zlib stream, whose Adler-32 libdeflate verifies.
 */
#include "io/filter/filters.h"

#include <libdeflate.h>

#define LEVEL 1

void *qn_deflate_state_new(void)
{
	return libdeflate_alloc_decompressor();
}

void qn_deflate_state_free(void *state)
{
	libdeflate_free_decompressor(state);
}

bool qn_deflate_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		       const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes,
		       size_t *out_n)
{
	(void)step;
	(void)elem_size;
	return libdeflate_zlib_decompress(state, in, nin, out, out_nbytes, out_n) ==
	       LIBDEFLATE_SUCCESS;
}

size_t qn_deflate_encode(const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(LEVEL);
	const size_t n = c ? libdeflate_zlib_compress(c, in, nin, out, out_nbytes) : 0;

	libdeflate_free_compressor(c);
	return n;
}
