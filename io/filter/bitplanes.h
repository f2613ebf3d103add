/*
 * bitplanes.h - undoing a bit shuffle.
 *
 * A block of n elements of s bytes, n a multiple of 8, is 8 s rows of n / 8 bytes: row 8 b + k has
 * bit k of byte b of all elements, the first element in the lowest bit of the first byte.
 */
#ifndef QN_IO_FILTER_BITPLANES_H
#define QN_IO_FILTER_BITPLANES_H

#include "feed/shuffle.h"

/* Transposes n matrices of 8 x 8 bits, a byte a row, in place. */
typedef void qn_transpose_bits_fn(uint8_t *bytes, size_t n);

struct qn_bitplanes {
	size_t size;		 /* of an element */
	qn_unshuffle_fn *gather; /* one byte of each of eight rows */
	qn_transpose_bits_fn *transpose;
	qn_unshuffle_fn *unshuffle; /* NULL: of a size for which there is no fast one */
};

/* Chooses for elements of `size` > 0 bytes. Looks at the environment: once a chunk, not a block. */
void qn_bitplanes_init(struct qn_bitplanes *p, size_t size);

/* Undoes a block of n elements. tmp: room for as many bytes as the block has, unless size is 1. */
void qn_bitplanes_undo(const struct qn_bitplanes *p, const uint8_t *in, size_t n, uint8_t *tmp,
		       uint8_t *out);

#endif
