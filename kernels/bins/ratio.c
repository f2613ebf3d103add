/*
 * ratio.c - exponentials and logarithms of twofold doubles.
 *
 * Sums and products are those of Dekker and Knuth. exp(x) is 2^k exp(x - k ln 2), by the series of a 512th of the
 * rest, which is squared nine times: that loses 10 bits of 104. log(x) is a step of Newton's from that of the C
 * library, whose error counts squared.
 */
#include "ratio.h"

#include <math.h>

#define SQUARINGS 9
#define NTERMS	  12 /* (ln 2 / 1024)^13 / 13! is below 2^-160 */

/* ln 2, of which the low part has as many bits again. */
static const struct qn_twofold ln2 = { 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56 };

static struct qn_twofold quick_sum(double a, double b)
{
	const double s = a + b;

	return (struct qn_twofold){ s, b - (s - a) };
}

static struct qn_twofold add(struct qn_twofold a, struct qn_twofold b)
{
	const double s = a.high + b.high, t = s - a.high;
	const double error = (a.high - (s - t)) + (b.high - t);

	return quick_sum(s, error + a.low + b.low);
}

static struct qn_twofold multiply(struct qn_twofold a, struct qn_twofold b)
{
	const double p = a.high * b.high, error = fma(a.high, b.high, -p);

	return quick_sum(p, error + (a.high * b.low + a.low * b.high));
}

static struct qn_twofold divide(struct qn_twofold a, double by)
{
	const double q = a.high / by;

	return quick_sum(q, (fma(-q, by, a.high) + a.low) / by);
}

static struct qn_twofold scale(struct qn_twofold a, double by)
{
	return multiply(a, (struct qn_twofold){ by, 0 });
}

/* Of x, as 2^*exponent times the result. */
static struct qn_twofold exponential(struct qn_twofold x, int *exponent)
{
	const struct qn_twofold one = { 1, 0 };
	const double k = nearbyint(x.high / ln2.high);
	struct qn_twofold r = add(x, scale(ln2, -k)), sum = one;

	r.high *= 1.0 / (1 << SQUARINGS);
	r.low *= 1.0 / (1 << SQUARINGS);
	for (int i = NTERMS; i > 0; i--)
		sum = add(one, divide(multiply(sum, r), i));
	for (int i = 0; i < SQUARINGS; i++)
		sum = multiply(sum, sum);
	*exponent = (int)k;
	return sum;
}

static struct qn_twofold logarithm(double x)
{
	int exponent, e;
	const double m = frexp(x, &exponent);
	const struct qn_twofold guess = { log(m), 0 };
	struct qn_twofold y = exponential((struct qn_twofold){ -guess.high, 0 }, &e);

	/* m exp(-guess) - 1 */
	y = add(scale(y, ldexp(m, e)), (struct qn_twofold){ -1, 0 });
	return add(scale(ln2, exponent), add(guess, y));
}

struct qn_ratio qn_ratio_of(double lo, double hi)
{
	const struct qn_twofold from = logarithm(lo), to = logarithm(hi);

	return (struct qn_ratio){ from, add(to, (struct qn_twofold){ -from.high, -from.low }) };
}

double qn_ratio_at(const struct qn_ratio *r, size_t i, size_t n)
{
	int exponent;
	const struct qn_twofold x =
		exponential(add(r->from, divide(scale(r->span, (double)i), (double)n)), &exponent);

	return ldexp(x.high + x.low, exponent);
}
