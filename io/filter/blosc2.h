/*
 * blosc2.h - the parts of the Blosc2 decoder.
 *
 *	blosc2.c	the frame, and arrays in it that were cut into blocks of their own
 *	blosc2_chunk.c	a chunk: blocks, their streams, the filters of Blosc2
 *	blosc2_lz.c	the codec BloscLZ
 */
#ifndef QN_IO_FILTER_BLOSC2_H
#define QN_IO_FILTER_BLOSC2_H

#include "io/filter/filters.h"

/* One a worker. */
struct qn_blosc2 {
	struct qn_scratch block[2]; /* between the filters of a block */
	struct qn_scratch chunk;    /* whose blocks are not in the order of its elements */
	struct qn_scratch index;    /* of a frame */
	void *zstd, *deflate;	    /* owned; zstd is NULL where it is not built in */
};

/* Decoded and stored bytes of the chunk at in, from its header; false: damaged. */
bool qn_blosc2_chunk_sizes(const uint8_t *in, size_t nin, size_t *nbytes, size_t *stored);

/* Decodes the chunk at in to exactly nbytes. */
bool qn_blosc2_chunk_decode(struct qn_blosc2 *b, const uint8_t *in, size_t nin, uint8_t *out,
			    size_t nbytes);

/* Decodes a BloscLZ stream to exactly n bytes. */
bool qn_blosc2_lz_decode(const uint8_t *in, size_t nin, uint8_t *out, size_t n);

#endif
