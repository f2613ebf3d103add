/*
 * cosine.c - cosines of latitudes by Taylor's series, in integers.
 *
 *	cos x = 1 - x^2 (1/2! - x^2 (1/4! - ...))
 *	sin y = y (1 - y^2 (1/3! - y^2 (1/5! - ...)))
 *
 * Numbers are unsigned, in units of 2^-124. Near a pole the cosine is the sine of what is left of a quarter of a
 * turn. All brackets are positive there, and errors are below 2^-118, of a sine 2^-64 of it: it is the nearest double
 * unless it is that close to the middle between two.
 */
#include "weighted/cosine.h"

#include <math.h>

#include "exact/acc.h"
#include "exact/bits.h"

#define SCALE 124
#define ONE   ((qn_u128)1 << SCALE)
/* pi / 2 */
#define QUARTER_TURN ((qn_u128)UINT64_C(0x1921fb54442d1846) << 64 | UINT64_C(0x9898cc51701b839a))
/* Terms; the next would be below the unit. */
#define NTERMS 18
/* In radians: beyond, sines are taken. */
#define NEAR_POLE 1
/* pi / 180 and pi / 2, rounded. */
#define DEGREE	0x1.1df46a2529d39p-6
#define QUARTER 0x1.921fb54442d18p+0
/* 1 - x^2 / 2 is nearest to 1 below. */
#define SMALL 0x1p-28

static qn_u128 multiply(qn_u128 a, qn_u128 b)
{
	const uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b,
		       b1 = (uint64_t)(b >> 64);
	const qn_u128 low = (qn_u128)a0 * b0, left = (qn_u128)a1 * b0, right = (qn_u128)a0 * b1;
	const qn_u128 middle = (low >> 64) + (uint64_t)left + (uint64_t)right;
	const qn_u128 high = (qn_u128)a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64);

	return high << (128 - SCALE) | (uint64_t)middle >> (SCALE - 64);
}

static double to_double(qn_u128 x)
{
	const int shift = x >> 64 ? __builtin_clzll((uint64_t)(x >> 64))
				  : 64 + __builtin_clzll((uint64_t)x);

	x <<= shift;
	return qn_round_bits((uint64_t)(x >> 64), (uint64_t)x != 0, 64 - SCALE - shift, false);
}

/* 1 / (2 k)! and 1 / (2 k + 1)! */
struct terms {
	qn_u128 of_cos[NTERMS], of_sin[NTERMS];
};

static void fill_terms(struct terms *t)
{
	t->of_cos[0] = t->of_sin[0] = ONE;
	for (unsigned k = 1; k < NTERMS; k++) {
		t->of_cos[k] = t->of_cos[k - 1] / ((2 * k - 1) * (2 * k));
		t->of_sin[k] = t->of_sin[k - 1] / ((2 * k + 1) * (2 * k));
	}
}

static qn_u128 add_up(const qn_u128 term[NTERMS], qn_u128 square)
{
	qn_u128 sum = term[NTERMS - 1];

	for (int k = NTERMS - 2; k >= 0; k--)
		sum = term[k] - multiply(square, sum);
	return sum;
}

/* SMALL <= x <= QUARTER */
static double cosine(const struct terms *t, double x)
{
	const uint64_t bits = qn_bits64(x);
	const uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
	const qn_u128 angle = (qn_u128)m << (SCALE + qn_f64_unit(bits));
	const qn_u128 rest = QUARTER_TURN - angle;

	if (x < NEAR_POLE)
		return to_double(add_up(t->of_cos, multiply(angle, angle)));
	return to_double(multiply(rest, add_up(t->of_sin, multiply(rest, rest))));
}

size_t qn_cosines(double *x, size_t n, bool degrees)
{
	const double most = degrees ? QN_MOST_DEGREES : QN_MOST_DEGREES * DEGREE;
	double last = 0, of_last = 1;
	struct terms terms;

	fill_terms(&terms);
	for (size_t i = 0; i < n; i++) {
		const double angle = fabs(x[i]);
		const double radians = degrees ? angle * DEGREE : angle;

		if (angle > most)
			return i;
		if (isnan(angle))
			continue;
		if (radians != last) {
			last = radians;
			of_last = radians > QUARTER ? 0
				  : radians < SMALL ? 1
						    : cosine(&terms, radians);
		}
		x[i] = of_last;
	}
	return n;
}
