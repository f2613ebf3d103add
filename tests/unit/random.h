/*
 * random.h - seeded random numbers for tests: xorshift64*. The same ones every time, unless TEST_SEED=N
 * in the environment asks for others (tests/run).
 */
#ifndef QN_TESTS_RANDOM_H
#define QN_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "proof/random.h"

/* A state to begin with: a test's own number, not 0, or another one for each TEST_SEED. */
static inline uint64_t random_seed(uint64_t own)
{
	const char *text = getenv("TEST_SEED");
	uint64_t s = text ? own + strtoull(text, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) : own;

	return s ? s : own;
}

/* Is the n-th of many trials made? TEST_SHARE=N in the environment leaves every N-th of them. */
static inline bool random_is_tried(uint64_t n)
{
	const char *text = getenv("TEST_SHARE");
	const uint64_t share = text ? strtoull(text, NULL, 10) : 1;

	return share < 2 || n % share == 0;
}

/* The next number below n > 0. *s is the state, not 0. */
static inline uint64_t random_below(uint64_t *s, uint64_t n)
{
	return qn_random_below(s, n);
}

#endif
