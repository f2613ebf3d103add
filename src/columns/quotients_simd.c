/*
 * quotients_simd.c - quotients of integers of more digits than a double has, and deviations. Compiled once per ISA.
 *
 * Dividend and divisor are sums of two doubles, high + low and d + e, where one is below the digits of the other. The
 * quotient is
 *
 *	q = high / d, rounded		r = high - q d, exact		c = (r + low - q e) / d
 *
 * q + c but for an error of some 2^-50 of the last digit of q: rounded to f it is the right double unless what was
 * rounded off is about half a digit, of which the slow way is to tell.
 *
 * Of n elements with the sum A1 and the sum of squares A2 the variance is
 *
 *	D / (n (n - 1)),  D = n A2 - A1^2
 *
 * Both products are sums of two doubles but for 2^-101 of n A2. Where D is not much less than that it is divided as
 * others are, and the root of the quotient q + c is
 *
 *	s = root of q, rounded		r = q - s^2, exact		s + (r + c) / 2s
 */
#include "columns/quotients_simd.h"

#include "exact/cut.h"
#include "exact/vec.h"

/* Rows of a strip: a word of bits. */
#define STRIP 64
/* Half of a last digit, of 1 and more, but for one millionth; and of the digits below a power of two. */
#define HALF	   (0x1p-53 * (1 - 0x1p-20))
#define HALF_BELOW (0x1p-54 * (1 - 0x1p-20))
/* The low double, of the high one: at most. */
#define MOST_LOW 0x1p-50
/* D over n A2: at the least. */
#define LEAST_SPREAD 0x1p-22
/* The product of a number and the one before is a double: up to here. */
#define MOST_N 0x1p26
/* What a part counts of, from the first to the second. */
#define STEP 0x1p48

/* A dividend. */
struct pair {
	qn_vd high, low;
};

/* An integer below 2^63 - 2^52. */
QN_INLINE struct pair pair_of(qn_vq part)
{
	const qn_vd high = __builtin_convertvector(part, qn_vd);

	return (struct pair){ high, __builtin_convertvector(
					    part - __builtin_convertvector(high, qn_vq), qn_vd) };
}

/* a + b, and what is rounded off. */
QN_INLINE struct pair add(qn_vd a, qn_vd b)
{
	const qn_vd sum = a + b, of_b = sum - a;

	return (struct pair){ sum, (a - (sum - of_b)) + (b - of_b) };
}

/* What is rounded off more than once is nothing, or far below the digits that count. */
QN_INLINE struct pair add_parts(qn_vq low, qn_vq high)
{
	const struct pair a = pair_of(low), b = pair_of(high);
	const struct pair top = add(b.high * qn_vd_set(STEP), a.high);
	const struct pair rest = add(top.low, b.low * qn_vd_set(STEP));

	return add(top.high, rest.high + (rest.low + a.low));
}

QN_INLINE qn_vd magnitude(qn_vd x)
{
	return (qn_vd)((qn_vq)x & INT64_MAX);
}

QN_INLINE qn_vq is_long(struct pair a)
{
	return ~(qn_vq)(magnitude(a.low) <= magnitude(a.high) * qn_vd_set(MOST_LOW));
}

/* A double, and all bits of the lanes where it is not known. */
struct rounded {
	qn_vd value;
	qn_vq unknown;
};

QN_INLINE struct rounded round_pair(struct pair q)
{
	const qn_vd f = q.high + q.low, off = magnitude((q.high - f) + q.low);
	const qn_vd power = (qn_vd)((qn_vq)f & INT64_C(0x7ff0000000000000));
	const qn_vq is_power = (qn_vq)(magnitude(f) == power);
	const qn_vd most = (qn_vd)(((qn_vq)(power * qn_vd_set(HALF_BELOW)) & is_power) |
				   ((qn_vq)(power * qn_vd_set(HALF)) & ~is_power));

	return (struct rounded){ f, ~(qn_vq)(off <= most) };
}

QN_INLINE struct pair divide_pairs(struct pair a, struct pair by)
{
	const qn_vd q = a.high / by.high, r = qn_vd_fma(-q, by.high, a.high);

	return (struct pair){ q, (r + (a.low - q * by.low)) / by.high };
}

QN_INLINE struct rounded divide(struct pair a, struct pair by)
{
	struct rounded q = round_pair(divide_pairs(a, by));

	q.unknown |= is_long(a) | is_long(by);
	return q;
}

/* D, of the sum of squares in the unit of squares of the sum. */
QN_INLINE struct pair spread(struct pair sum, struct pair squares, qn_vd n)
{
	const qn_vd upper = n * squares.high, lower = sum.high * sum.high;
	const qn_vd more = qn_vd_fma(n, squares.high, -upper) -
			   qn_vd_fma(sum.high, sum.high, -lower);
	const qn_vd rest = n * squares.low - (sum.high + sum.high) * sum.low;
	const struct pair d = add(upper, -lower);

	return add(d.high, d.low + (more + rest));
}

/* Too little of D is known. */
QN_INLINE qn_vq is_vague(struct pair d, struct pair sum, struct pair squares, qn_vd n)
{
	return ~(qn_vq)(d.high >= n * squares.high * qn_vd_set(LEAST_SPREAD)) |
	       ~(qn_vq)(n <= qn_vd_set(MOST_N)) | is_long(sum) | is_long(squares);
}

QN_INLINE struct pair root(struct pair q)
{
	const qn_vd s = qn_vd_sqrt(q.high);

	return (struct pair){ s, (qn_vd_fma(-s, s, q.high) + q.low) / (s + s) };
}

/* A bit a lane. */
QN_INLINE uint64_t bits_of(qn_vq lanes)
{
	int64_t lane[QN_VD];
	uint64_t bits = 0;

	memcpy(lane, &lanes, sizeof(lane));
	for (size_t k = 0; k < QN_VD; k++)
		bits |= (uint64_t)(lane[k] & 1) << k;
	return bits;
}

QN_INLINE uint64_t left_of(struct rounded x)
{
	return qn_vq_any(x.unknown) ? bits_of(x.unknown) : 0;
}

QN_INLINE void store(double *out, qn_vd x)
{
	memcpy(out, &x, sizeof(x));
}

QN_INLINE qn_vq load(const int64_t *p)
{
	qn_vq v;

	memcpy(&v, p, sizeof(v));
	return v;
}

QN_INLINE struct pair load_pair(const struct qn_parts *p, size_t i)
{
	return p->high ? add_parts(load(p->low + i), load(p->high + i)) : pair_of(load(p->low + i));
}

/* Of STRIP rows from row i on; returns the bits of those that are left. */
QN_INLINE uint64_t divide_strip(const struct qn_parts *upper, const struct qn_parts *lower,
				size_t i, double unit, double *quotient)
{
	uint64_t left = 0;

	for (size_t k = 0; k < STRIP; k += QN_VD) {
		const struct rounded q = divide(load_pair(upper, i + k), load_pair(lower, i + k));

		store(quotient + k, q.value * qn_vd_set(unit));
		left |= left_of(q) << k;
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

/* Of QN_VD rows; bits of those that are left. */
QN_INLINE uint64_t deviate(const struct qn_deviations *d, qn_vd n, size_t i, double *out)
{
	const qn_vd unit = qn_vd_set(d->square_unit);
	const struct pair by = { n * (n - qn_vd_set(1)), qn_vd_set(0) };
	const struct pair sum = load_pair(&d->sums, i), s = load_pair(&d->squares, i);
	const struct pair squares = { s.high * unit, s.low * unit };
	const struct pair all = spread(sum, squares, n), q = divide_pairs(all, by);
	struct rounded x = round_pair(d->is_root ? root(q) : q);

	x.unknown |= is_vague(all, sum, squares, n);
	store(out, x.value * qn_vd_set(d->unit));
	return left_of(x);
}

QN_INLINE uint64_t deviate_strip(const struct qn_deviations *d, const int64_t *n, size_t i,
				 double *out)
{
	uint64_t left = 0;

	for (size_t k = 0; k < STRIP; k += QN_VD)
		left |= deviate(d, __builtin_convertvector(load(n + k), qn_vd), i + k, out + k)
			<< k;
	return left;
}

static uint64_t deviate_tail(const struct qn_deviations *d, const int64_t *n, size_t i, size_t rest,
			     double *out)
{
	int64_t room[2][2][STRIP], counts[STRIP];
	double deviations[STRIP];
	struct qn_deviations of = *d;
	uint64_t left;

	copy_tail(&d->sums, i, rest, 0, room[0], &of.sums);
	copy_tail(&d->squares, i, rest, 1, room[1], &of.squares);
	for (size_t k = 0; k < STRIP; k++)
		counts[k] = k < rest ? n[k] : 2;
	left = deviate_strip(&of, counts, 0, deviations);
	memcpy(out, deviations, rest * sizeof(*out));
	return left;
}

void QN_ISA(qn_deviations)(const struct qn_deviations *d, const int64_t *count, size_t n,
			   double *out, uint64_t *left)
{
	size_t i = 0;

	for (; i + STRIP <= n; i += STRIP)
		left[i / STRIP] = deviate_strip(d, count + i, i, out + i);
	if (i < n)
		left[i / STRIP] = deviate_tail(d, count + i, i, n - i, out + i);
}
