/*
 * random.h - seeded random numbers for tests: xorshift64*.
 */
#ifndef QN_TESTS_RANDOM_H
#define QN_TESTS_RANDOM_H

#include <stdint.h>

/* The next number below n > 0. *s is the state, not 0. */
static inline uint64_t random_below(uint64_t *s, uint64_t n)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (*s * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

#endif
