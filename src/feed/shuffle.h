/*
 * shuffle.h - undoing HDF5's byte shuffle, for a whole chunk or any run of its elements.
 *
 * A shuffled chunk of n elements of s bytes is s planes of n bytes:
 *
 *	in:  | byte 0 of elements 0 ... n-1 | byte 1 of elements 0 ... n-1 | ... |
 *	out: | bytes 0 ... s-1 of element 0 | bytes 0 ... s-1 of element 1 | ... |
 */
#ifndef QN_FEED_SHUFFLE_H
#define QN_FEED_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Byte b of element i of out comes from in[b * stride + i]. To begin at element k, add k to in; to
 * swap bytes as well, start at the last plane with a negative stride.
 */
typedef void qn_unshuffle_fn(const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out);

/* The fastest for elements of `size` bytes on this machine, or NULL unless size is 2, 4 or 8.
   Looks at the environment: call it at set-up. */
qn_unshuffle_fn *qn_unshuffle_for(size_t size);

/* Any size > 0. */
void qn_unshuffle(size_t size, const uint8_t *in, ptrdiff_t stride, size_t n, uint8_t *out);

#endif
