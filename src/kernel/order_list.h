/*
 * order_list.h - lists of keys of type KEY: included once for each, with NAME(x) for what it defines.
 *
 * A list is sorted by radix exchange in place, which is as deep as keys have bits at most, down to pieces of which
 * a copy fits on the stack; these by their bytes, from the lowest.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef KEY
#define KEY	uint32_t
#define NAME(x) x##_32
#endif

#define PIECE_NBYTES 16384
#define FEW	     24

static inline void NAME(append)(void *list, size_t at, const uint64_t *keys, size_t n)
{
	KEY *out = (KEY *)list + at;

	for (size_t i = 0; i < n; i++)
		out[i] = (KEY)keys[i];
}

static inline void NAME(insert)(KEY *k, size_t n)
{
	for (size_t i = 1, j; i < n; i++) {
		const KEY x = k[i];

		for (j = i; j > 0 && k[j - 1] > x; j--)
			k[j] = k[j - 1];
		k[j] = x;
	}
}

/* In the order of the byte from bit `shift` on. */
static inline void NAME(deal)(const KEY *from, KEY *to, size_t n, unsigned shift)
{
	uint16_t at[256] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i] >> shift & 255]++;
	for (size_t b = 0; b < 256; b++) {
		const uint16_t count = at[b];

		at[b] = sum;
		sum = (uint16_t)(sum + count);
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i] >> shift & 255]++] = from[i];
}

/* differs: bits in which keys differ. */
static inline void NAME(sort_piece)(KEY *k, size_t n, uint64_t differs)
{
	KEY copy[PIECE_NBYTES / sizeof(KEY)];
	KEY *from = k, *to = copy, *other;

	for (unsigned shift = 0; shift < 8 * sizeof(KEY); shift += 8) {
		if (!(differs >> shift & 255))
			continue;
		NAME(deal)(from, to, n, shift);
		other = from;
		from = to;
		to = other;
	}
	if (from != k)
		memcpy(k, from, n * sizeof(KEY));
}

/* Those without a bit come first; returns how many they are. */
static inline size_t NAME(exchange)(KEY *k, size_t n, unsigned bit)
{
	size_t at = 0;

	while (at < n) {
		const KEY x = k[at];

		if (x >> bit & 1) {
			k[at] = k[--n];
			k[n] = x;
		} else {
			at++;
		}
	}
	return at;
}

static inline void NAME(sort_keys)(void *list, size_t n)
{
	KEY *k = list;
	uint64_t differs = 0;
	bool rises = true;
	size_t low;

	for (size_t i = 1; i < n; i++) {
		differs |= k[i] ^ k[0];
		rises = rises && k[i - 1] <= k[i];
	}
	if (rises)
		return;
	if (n <= FEW) {
		NAME(insert)(k, n);
	} else if (n <= PIECE_NBYTES / sizeof(KEY)) {
		NAME(sort_piece)(k, n, differs);
	} else {
		low = NAME(exchange)(k, n, 63u - (unsigned)__builtin_clzll(differs));
		NAME(sort_keys)(k, low);
		NAME(sort_keys)(k + low, n - low);
	}
}

#undef PIECE_NBYTES
#undef FEW
#undef KEY
#undef NAME
