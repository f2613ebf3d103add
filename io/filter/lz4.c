/*
 * lz4.c - filter 32004: blocks of LZ4, all but the last of one decoded size.
 *
 *	| decoded size, 8 bytes | size of a block, 4 bytes | stored size, 4 bytes | block | ...
 *
 * Integers are big-endian. A block whose stored size is its decoded size is stored as it is.
 */
#include "io/filter/filters.h"

#ifdef QN_HAVE_LZ4
#include <limits.h>
#include <lz4.h>
#include <string.h>

#define HEADER_NBYTES 12

/* Decodes the block at *in, which must give exactly n bytes, and moves *in behind it. */
static bool decode_block(const uint8_t **in, const uint8_t *end, uint8_t *out, size_t n)
{
	size_t stored;

	if (end - *in < 4)
		return false;
	stored = qn_load_be32(*in);
	*in += 4;
	if (stored > (size_t)(end - *in) || stored > INT_MAX || n > INT_MAX)
		return false;
	if (stored == n)
		memcpy(out, *in, n);
	else if (LZ4_decompress_safe((const char *)*in, (char *)out, (int)stored, (int)n) != (int)n)
		return false;
	*in += stored;
	return true;
}

bool qn_lz4_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		   const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	const uint8_t *end = in + nin;
	uint64_t nbytes, block;

	(void)state;
	(void)step;
	(void)elem_size;
	if (nin < HEADER_NBYTES)
		return false;
	nbytes = qn_load_be64(in);
	block = qn_load_be32(in + 8);
	in += HEADER_NBYTES;
	if (nbytes > out_nbytes || block == 0)
		return false;
	for (uint64_t done = 0; done < nbytes; done += block) {
		if (block > nbytes - done)
			block = nbytes - done;
		if (!decode_block(&in, end, out + done, (size_t)block))
			return false;
	}
	*out_n = (size_t)nbytes;
	return true;
}
#endif
