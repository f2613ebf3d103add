/*
 * text.h - texts as keys of words: compared one word after the other as int64, they order as their
 * bytes do. A text has nbytes bytes, zeros after its end; the last word is filled up with zeros.
 */
#ifndef QN_KERNELS_TEXT_H
#define QN_KERNELS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t qn_text_nwords(size_t nbytes)
{
	return (nbytes + 7) / 8;
}

/* Word i of the key. turn: 0, or -1 for keys in the opposite order. */
static inline int64_t qn_text_word(const unsigned char *text, size_t nbytes, size_t i, int64_t turn)
{
	unsigned char bytes[8] = { 0 };
	uint64_t word = 0;

	memcpy(bytes, text + 8 * i, nbytes - 8 * i < 8 ? nbytes - 8 * i : 8);
	for (int k = 0; k < 8; k++)
		word = word << 8 | bytes[k];
	return (int64_t)(word ^ UINT64_C(1) << 63) ^ turn;
}

/* The text of a key, nbytes of it. */
static inline void qn_text_from_key(const int64_t *key, size_t nbytes, int64_t turn,
				    unsigned char *text)
{
	for (size_t i = 0; i < nbytes; i++) {
		uint64_t word = (uint64_t)(key[i / 8] ^ turn) ^ UINT64_C(1) << 63;

		text[i] = (unsigned char)(word >> (56 - 8 * (i % 8)));
	}
}

#endif
