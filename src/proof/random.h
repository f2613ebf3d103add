/*
 * random.h - seeded random numbers: xorshift64*, and what is made of it. A state is never 0.
 */
#ifndef QN_PROOF_RANDOM_H
#define QN_PROOF_RANDOM_H

#include <stdint.h>

/* The next number below n > 0. */
static inline uint64_t qn_random_below(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (*seed * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

static inline uint64_t qn_random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* Of a standard normal distribution, nearly. */
static inline double qn_random_normal(uint64_t *seed)
{
	double x = -6;

	for (int i = 0; i < 12; i++)
		x += (double)(qn_random_bits(seed) >> 11) * 0x1p-53;
	return x;
}

#endif
