/*
 * bits.h - the fields of IEEE floating-point numbers.
 */
#ifndef QN_EXACT_BITS_H
#define QN_EXACT_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Exponent of the unit of the smallest subnormal. */
#define QN_F32_MIN_EXP (-149)
#define QN_F64_MIN_EXP (-1074)

static inline uint64_t qn_bits64(double x)
{
	uint64_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static inline double qn_double(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline float qn_float(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* 2^e for a normal result: -1022 <= e <= 1023. */
static inline double qn_pow2(int e)
{
	return qn_double((uint64_t)(e + 1023) << 52);
}

/* x * 2^e, where the result and every value between are exact; |e| <= 2000. Two factors, as one
   may not be a double. */
static inline double qn_scale(double x, int e)
{
	return x * qn_pow2(e / 2) * qn_pow2(e - e / 2);
}

/* For the magnitude bits of a finite number: the least t with |x| < 2^t, and the exponent of the
   unit in its last place. Of a subnormal both are those of the smallest normal number. */
static inline int qn_f32_top(uint32_t bits)
{
	int field = (int)(bits >> 23);

	return (field ? field : 1) - 126;
}

static inline int qn_f64_top(uint64_t bits)
{
	int field = (int)(bits >> 52);

	return (field ? field : 1) - 1022;
}

static inline int qn_f32_unit(uint32_t bits)
{
	return qn_f32_top(bits) - 24;
}
static inline int qn_f64_unit(uint64_t bits)
{
	return qn_f64_top(bits) - 53;
}

#endif
