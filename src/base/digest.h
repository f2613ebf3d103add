/*
 * digest.h - a number that bytes have, and others hardly ever: FNV-1a, of 64 bits. Against accidents, not forgery.
 */
#ifndef QN_BASE_DIGEST_H
#define QN_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define QN_DIGEST_OF_NONE UINT64_C(0xcbf29ce484222325)

/* Of the bytes that `digest` is of, and n more. */
static inline uint64_t qn_digest(uint64_t digest, const void *bytes, size_t n)
{
	const uint8_t *byte = (const uint8_t *)bytes;

	for (size_t i = 0; i < n; i++)
		digest = (digest ^ byte[i]) * UINT64_C(0x100000001b3);
	return digest;
}

#endif
