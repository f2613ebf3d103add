/*
 * bitmap.h - bitmaps of elements: that of element i is bit i % 64 of word i / 64.
 */
#ifndef QN_BASE_BITMAP_H
#define QN_BASE_BITMAP_H

#include <stddef.h>
#include <stdint.h>

/* n bits, 1 to 64, from any bit on; the others are clear. Reads no word that has none of them. */
static inline uint64_t qn_bitmap_word(const uint64_t *map, uint64_t bit, size_t n)
{
	const uint64_t word = bit / 64, shift = bit % 64;
	uint64_t bits = map[word] >> shift;

	if (shift + n > 64)
		bits |= map[word + 1] << (64 - shift);
	return bits & UINT64_MAX >> (64 - n);
}

/* How many of the first n bits are set. */
static inline size_t qn_bitmap_count(const uint64_t *map, size_t n)
{
	size_t nset = 0;

	for (size_t w = 0; w < n / 64; w++)
		nset += (size_t)__builtin_popcountll(map[w]);
	if (n % 64)
		nset += (size_t)__builtin_popcountll(map[n / 64] & ((UINT64_C(1) << n % 64) - 1));
	return nset;
}

#endif
