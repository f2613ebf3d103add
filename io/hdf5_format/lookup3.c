/*
 * lookup3.c - the checksum of HDF5 metadata.
 *
 * lookup3 by Bob Jenkins (http://burtleburtle.net/bob/c/lookup3.c, in the public domain), the
 * variant for bytes: three 32-bit words are mixed with each 12 bytes of input, and the last 1 to
 * 12 bytes, padded with zeros, are mixed in by a final round that is stronger.
 */
#include <string.h>

#include "io/hdf5_format/raw.h"

struct words {
	uint32_t a, b, c;
};

static inline uint32_t rotate(uint32_t x, int k)
{
	return x << k | x >> (32 - k);
}

static inline void mix(struct words *w)
{
	static const int turn[6] = { 4, 6, 8, 16, 19, 4 };
	uint32_t a = w->a, b = w->b, c = w->c;

	for (int i = 0; i < 6; i++) {
		/* a -= c; a ^= rotate(c, k); c += b, and the three change places. */
		uint32_t x = (a - c) ^ rotate(c, turn[i]);

		c += b;
		a = b;
		b = c;
		c = x;
	}
	w->a = a;
	w->b = b;
	w->c = c;
}

static inline void final(struct words *w)
{
	uint32_t a = w->a, b = w->b, c = w->c;

	c = (c ^ b) - rotate(b, 14);
	a = (a ^ c) - rotate(c, 11);
	b = (b ^ a) - rotate(a, 25);
	c = (c ^ b) - rotate(b, 16);
	a = (a ^ c) - rotate(c, 4);
	b = (b ^ a) - rotate(a, 14);
	c = (c ^ b) - rotate(b, 24);
	w->a = a;
	w->b = b;
	w->c = c;
}

static inline void add(struct words *w, const uint8_t *p)
{
	w->a += (uint32_t)qn_h5_uint(p, 4);
	w->b += (uint32_t)qn_h5_uint(p + 4, 4);
	w->c += (uint32_t)qn_h5_uint(p + 8, 4);
}

uint32_t qn_h5_lookup3(const uint8_t *p, size_t nbytes)
{
	uint32_t start = 0xdeadbeef + (uint32_t)nbytes;
	struct words w = { start, start, start };
	uint8_t last[12] = { 0 };

	if (nbytes == 0)
		return w.c;
	for (; nbytes > 12; nbytes -= 12, p += 12) {
		add(&w, p);
		mix(&w);
	}
	memcpy(last, p, nbytes);
	add(&w, last);
	final(&w);
	return w.c;
}
