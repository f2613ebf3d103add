/*
 * quotients_simd.c - quotients of integers of more digits than a double has. Compiled once per ISA.
 *
 * Dividend and divisor are sums of two doubles, high + low and d + e, where one is below the digits of the other. The
 * quotient is
 *
 *	q = high / d, rounded		r = high - q d, exact		c = (r + low - q e) / d
 *
 * q + c but for an error of some 2^-50 of the last digit of q: rounded to f it is the right double unless what was
 * rounded off is about half a digit, of which the slow way is to tell.
 */
#include "columns/quotients_simd.h"

#include "exact/vec.h"

/* Rows of a strip: a word of bits. */
#define STRIP 64
/* Half of a last digit, of 1 and more, but for one millionth; and of the digits below a power of two. */
#define HALF	   (0x1p-53 * (1 - 0x1p-20))
#define HALF_BELOW (0x1p-54 * (1 - 0x1p-20))
/* The low double, of the high one: at most. */
#define MOST_LOW 0x1p-50
/* What a part counts of, from the first to the second. */
#define STEP 0x1p48

/* A dividend. */
struct pair {
	qn_vd high, low;
};

/* An integer below 2^63 - 2^52. */
static inline struct pair pair_of(qn_vq part)
{
	const qn_vd high = __builtin_convertvector(part, qn_vd);

	return (struct pair){ high, __builtin_convertvector(
					    part - __builtin_convertvector(high, qn_vq), qn_vd) };
}

/* a + b, and what is rounded off. */
static inline struct pair add(qn_vd a, qn_vd b)
{
	const qn_vd sum = a + b, of_b = sum - a;

	return (struct pair){ sum, (a - (sum - of_b)) + (b - of_b) };
}

/* What is rounded off more than once is nothing, or far below the digits that count. */
static inline struct pair add_parts(qn_vq low, qn_vq high)
{
	const struct pair a = pair_of(low), b = pair_of(high);
	const struct pair top = add(b.high * qn_vd_set(STEP), a.high);
	const struct pair rest = add(top.low, b.low * qn_vd_set(STEP));

	return add(top.high, rest.high + (rest.low + a.low));
}

static inline qn_vd magnitude(qn_vd x)
{
	return (qn_vd)((qn_vq)x & INT64_MAX);
}

static inline qn_vq is_long(struct pair a)
{
	return ~(qn_vq)(magnitude(a.low) <= magnitude(a.high) * qn_vd_set(MOST_LOW));
}

/* All bits of a lane are set where the quotient is not known. */
static inline qn_vq divide(struct pair a, struct pair by, qn_vd *quotient)
{
	const qn_vd q = a.high / by.high, r = qn_vd_fma(-q, by.high, a.high);
	const qn_vd c = (r + (a.low - q * by.low)) / by.high;
	const qn_vd f = q + c, off = magnitude((q - f) + c);
	const qn_vd power = (qn_vd)((qn_vq)f & INT64_C(0x7ff0000000000000));
	const qn_vq is_power = (qn_vq)(magnitude(f) == power);
	const qn_vd most = (qn_vd)(((qn_vq)(power * qn_vd_set(HALF_BELOW)) & is_power) |
				   ((qn_vq)(power * qn_vd_set(HALF)) & ~is_power));

	*quotient = f;
	return ~(qn_vq)(off <= most) | is_long(a) | is_long(by);
}

/* A bit a lane. */
static inline uint64_t bits_of(qn_vq lanes)
{
	int64_t lane[QN_VD];
	uint64_t bits = 0;

	memcpy(lane, &lanes, sizeof(lane));
	for (size_t k = 0; k < QN_VD; k++)
		bits |= (uint64_t)(lane[k] & 1) << k;
	return bits;
}

static inline bool is_any(qn_vq lanes)
{
	uint64_t lane[QN_VD], any = 0;

	memcpy(lane, &lanes, sizeof(lane));
	for (size_t k = 0; k < QN_VD; k++)
		any |= lane[k];
	return any;
}

static inline qn_vq load(const int64_t *p)
{
	qn_vq v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline struct pair load_pair(const struct qn_parts *p, size_t i)
{
	return p->high ? add_parts(load(p->low + i), load(p->high + i)) : pair_of(load(p->low + i));
}

/* Of STRIP rows from row i on; returns the bits of those that are left. */
static inline uint64_t divide_strip(const struct qn_parts *upper, const struct qn_parts *lower,
				    size_t i, double unit, double *quotient)
{
	uint64_t left = 0;

	for (size_t k = 0; k < STRIP; k += QN_VD) {
		qn_vd f;
		const qn_vq bad = divide(load_pair(upper, i + k), load_pair(lower, i + k), &f);

		f *= qn_vd_set(unit);
		memcpy(quotient + k, &f, sizeof(f));
		if (is_any(bad))
			left |= bits_of(bad) << k;
	}
	return left;
}

/* n of them, fewer than STRIP, and others of `filling` behind them. */
static void copy_tail(const struct qn_parts *p, size_t i, size_t n, int64_t filling,
		      int64_t room[2][STRIP], struct qn_parts *out)
{
	for (size_t k = 0; k < STRIP; k++) {
		room[0][k] = k < n ? p->low[i + k] : filling;
		room[1][k] = k < n && p->high ? p->high[i + k] : 0;
	}
	*out = (struct qn_parts){ room[0], p->high ? room[1] : NULL };
}

static uint64_t divide_tail(const struct qn_parts *upper, const struct qn_parts *lower, size_t i,
			    size_t n, double unit, double *quotient)
{
	int64_t room[2][2][STRIP];
	double quotients[STRIP];
	struct qn_parts a, b;
	uint64_t left;

	copy_tail(upper, i, n, 0, room[0], &a);
	copy_tail(lower, i, n, 1, room[1], &b);
	left = divide_strip(&a, &b, 0, unit, quotients);
	memcpy(quotient, quotients, n * sizeof(*quotient));
	return left;
}

void QN_ISA(qn_quotients)(const struct qn_parts *upper, const struct qn_parts *lower, size_t n,
			  double unit, double *quotient, uint64_t *left)
{
	size_t i = 0;

	for (; i + STRIP <= n; i += STRIP)
		left[i / STRIP] = divide_strip(upper, lower, i, unit, quotient + i);
	if (i < n)
		left[i / STRIP] = divide_tail(upper, lower, i, n - i, unit, quotient + i);
}
