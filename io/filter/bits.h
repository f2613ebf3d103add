/*
 * bits.h - numbers of any width from a stream of bits, the highest bit of each byte first.
 */
#ifndef QN_IO_FILTER_BITS_H
#define QN_IO_FILTER_BITS_H

#include "io/filter/filters.h"

struct qn_bits {
	const uint8_t *bytes; /* borrows */
	size_t nbytes;
	uint64_t at; /* the next bit */
};

/* The next n bits as a number, 1 <= n <= 64. The caller has made sure that they are there. */
static inline uint64_t qn_bits_take(struct qn_bits *b, unsigned n)
{
	const size_t byte = (size_t)(b->at / 8);
	const unsigned skip = b->at % 8;
	uint64_t v = 0;

	b->at += n;
	if (byte + 9 <= b->nbytes) {
		v = qn_load_be64(b->bytes + byte) << skip;
		if (skip > 0)
			v |= (uint64_t)b->bytes[byte + 8] >> (8 - skip);
		return v >> (64 - n);
	}
	/* The last bytes of the stream, of which there are at most eight. */
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (byte + i < b->nbytes ? b->bytes[byte + i] : 0u);
	return v << skip >> (64 - n);
}

#endif
