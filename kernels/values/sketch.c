/*
 * sketch.c - HyperLogLog.
 */
#include "sketch.h"

#include <math.h>
#include <stddef.h>

#define HASH_BITS 64

void qn_sketch_add(int64_t *reg, unsigned bits, uint64_t hash)
{
	const size_t i = (size_t)(hash >> (HASH_BITS - bits));
	const uint64_t rest = hash << bits;
	const int64_t rank = rest ? __builtin_clzll(rest) + 1 : (int64_t)(HASH_BITS - bits + 1);

	reg[i] = rank > reg[i] ? rank : reg[i];
}

/* x + sum of x^(2^k) 2^(k - 1), k from 1 on; 0 <= x < 1. */
static double sigma(double x)
{
	double y = 1, z = x, before;

	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3, k from 1 on. */
static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (!(x > 0) || !(x < 1))
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z < before);
	return z / 3;
}

double qn_sketch_count(const int64_t *reg, unsigned bits)
{
	const double half_over_ln2 = 0x1.71547652b82fep-1, m = (double)(UINT64_C(1) << bits);
	const unsigned top = HASH_BITS - bits + 1;
	double n[HASH_BITS + 2] = { 0 }, z;

	for (size_t i = 0; i < (size_t)1 << bits; i++)
		n[reg[i] > 0 ? reg[i] : 0]++;
	if (!(n[0] < m))
		return 0;
	z = m * tau(1 - n[top] / m);
	for (unsigned k = top - 1; k > 0; k--)
		z = 0.5 * (z + n[k]);
	z += m * sigma(n[0] / m);
	return half_over_ln2 * m * m / z;
}

double qn_sketch_error(unsigned bits)
{
	return 1.04 / sqrt((double)(UINT64_C(1) << bits));
}
