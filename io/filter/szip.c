/*
 * szip.c - filter 4: the size of the chunk in 4 bytes, little-endian, and a stream of the
 * extended Rice coding of CCSDS 121.0-B.
 *
 * Parameters: options, pixels of a block, bits of a pixel, pixels of a scanline. Pixels of 32 and 64
 * bits are stored as planes of bytes, as a shuffle makes them. A scanline that is not a whole number
 * of blocks was padded to one.
 */
#include "io/filter/filters.h"

#ifdef QN_HAVE_SZIP
#include <libaec.h>
#include <string.h>

#include "base/mem.h"
#include "feed/shuffle.h"

#define HEADER_NBYTES	  4
#define OPTION_MSB	  16u
#define OPTION_PREDICT	  32u
#define MAX_BLOCK	  64u
#define MAX_SCANLINE	  (1u << 16)
#define PARAM_OPTIONS	  0
#define PARAM_BLOCK	  1
#define PARAM_PIXEL_NBITS 2
#define PARAM_SCANLINE	  3
#define NPARAMS		  4

/* How the samples of a chunk were coded. */
struct coding {
	unsigned flags;
	unsigned block; /* samples */
	unsigned nbits; /* of a sample */
	size_t sample_nbytes;
	size_t nplanes;	     /* bytes of a pixel that are samples of their own; 1: none are */
	size_t line, padded; /* bytes of a scanline, and with its padding */
};

static bool read_coding(const struct qn_filter_step *step, struct coding *c)
{
	const uint32_t *p = step->params;
	const uint32_t scanline = step->nparams < NPARAMS ? 0 : p[PARAM_SCANLINE];
	const uint32_t nbits = p[PARAM_PIXEL_NBITS];
	size_t nblocks;

	if (scanline == 0 || scanline > MAX_SCANLINE || p[PARAM_BLOCK] < 2 ||
	    p[PARAM_BLOCK] > MAX_BLOCK || p[PARAM_BLOCK] % 2 != 0 || scanline < p[PARAM_BLOCK] ||
	    nbits == 0 || (nbits > 24 && nbits != 32 && nbits != 64))
		return false;
	c->flags = (p[PARAM_OPTIONS] & OPTION_MSB ? (unsigned)AEC_DATA_MSB : 0u) |
		   (p[PARAM_OPTIONS] & OPTION_PREDICT ? (unsigned)AEC_DATA_PREPROCESS : 0u);
	c->block = p[PARAM_BLOCK];
	c->nplanes = nbits >= 32 ? nbits / 8 : 1;
	c->nbits = nbits >= 32 ? 8 : nbits;
	c->sample_nbytes = c->nbits <= 8 ? 1 : c->nbits <= 16 ? 2 : 4;
	nblocks = (size_t)qn_ceil_div(scanline, c->block);
	c->line = scanline * c->sample_nbytes;
	c->padded = nblocks * c->block * c->sample_nbytes;
	return true;
}

/* Decodes exactly n bytes. */
static bool decode_samples(const struct coding *c, const uint8_t *in, size_t nin, uint8_t *out,
			   size_t n)
{
	struct aec_stream s = {
		.next_in = in,
		.avail_in = nin,
		.next_out = out,
		.avail_out = n,
		.bits_per_sample = c->nbits,
		.block_size = c->block,
		.rsi = (unsigned)(c->padded / (c->block * c->sample_nbytes)),
		.flags = c->flags,
	};

	return aec_buffer_decode(&s) == AEC_OK && s.total_out == n;
}

/* In place: the lines of n bytes of samples without their padding. */
static void remove_padding(const struct coding *c, uint8_t *samples, size_t n)
{
	const uint8_t *from = samples + c->padded;

	for (size_t done = c->line; done < n; done += c->line, from += c->padded)
		memmove(samples + done, from, c->line < n - done ? c->line : n - done);
}

bool qn_szip_decode(void *state, const struct qn_filter_step *step, size_t elem_size,
		    const uint8_t *in, size_t nin, uint8_t *out, size_t out_nbytes, size_t *out_n)
{
	struct coding c;
	size_t n, coded;
	uint8_t *samples = out;

	(void)elem_size;
	if (!read_coding(step, &c) || nin < HEADER_NBYTES)
		return false;
	n = qn_load_le32(in);
	if (n == 0 || n > out_nbytes || n % (c.sample_nbytes * c.nplanes) != 0)
		return false;
	coded = c.line == c.padded ? n : (size_t)qn_ceil_div(n, c.line) * c.padded;
	if (coded != n || c.nplanes > 1)
		samples = qn_scratch_reserve(state, coded);
	if (!samples ||
	    !decode_samples(&c, in + HEADER_NBYTES, nin - HEADER_NBYTES, samples, coded))
		return false;
	if (coded != n)
		remove_padding(&c, samples, n);
	if (c.nplanes > 1)
		qn_unshuffle(c.nplanes, samples, (ptrdiff_t)(n / c.nplanes), n / c.nplanes, out);
	else if (samples != out)
		memcpy(out, samples, n);
	*out_n = n;
	return true;
}
#endif
