/*
 * density.c - shares of a total for each unit of volume.
 *
 * Of counts the divisor is had as a sum of two doubles, and a quotient of doubles next to it. That is the right one
 * where what is left over is well within half a unit of its last place; where it is not so clear, big integers say.
 */
#include "exact/density.h"

#include <float.h>
#include <math.h>

#include "exact/fraction.h"

static bool is_infinite(int ndims, const double *lo, const double *hi)
{
	for (int i = 0; i < ndims; i++)
		if (isinf(lo[i]) || isinf(hi[i]))
			return true;
	return false;
}

/* z *= hi - lo, in units of the least double. */
static void multiply_width(mpz_t z, double lo, double hi)
{
	const struct qn_acc_form f = qn_acc_form(QUERN_F64, 1);
	int64_t limb[QN_ACC_MAX_LIMBS] = { 0 };
	mpz_t width;

	mpz_init(width);
	qn_acc_add_double(&f, limb, hi);
	qn_acc_add_double(&f, limb, -lo);
	qn_mpz_from_limbs(width, &f, limb);
	mpz_mul(z, z, width);
	mpz_clear(width);
}

double qn_density(const struct qn_acc_form *f, const int64_t *part, const int64_t *total, int ndims,
		  const double *lo, const double *hi)
{
	const struct qn_acc_form width = qn_acc_form(QUERN_F64, 1);
	mpz_t num, den;
	double x;

	if (is_infinite(ndims, lo, hi))
		return 0;
	mpz_init(num);
	mpz_init(den);
	qn_mpz_from_limbs(num, f, part);
	qn_mpz_from_limbs(den, f, total);
	for (int i = 0; i < ndims; i++)
		multiply_width(den, lo[i], hi[i]);
	x = qn_round_quotient(num, den, -(long)ndims * width.base);
	mpz_clear(den);
	mpz_clear(num);
	return x;
}

/* --- counts --- */

/* Is q the double nearest to the quotient, c - q d being r? */
static bool is_nearest(double q, double r, double d)
{
	const double most = 0.499 * d;

	return r < most * (nextafter(q, INFINITY) - q) && -r < most * (q - nextafter(q, 0));
}

/* c / (d + e), where e is small beside d. False: that would take more digits. */
static bool divide(double c, double d, double e, double *q)
{
	for (int i = 0; i < 3; i++) {
		const double r = fma(-*q, d, c) - *q * e;

		if (is_nearest(*q, r, d))
			return true;
		*q += r / d;
	}
	return false;
}

static bool is_moderate(double x)
{
	return x > 0x1p-400 && x < 0x1p400;
}

static bool divide_quickly(double c, double total, int ndims, const double *lo, const double *hi,
			   double *q)
{
	double d = total, e = 0;

	for (int i = 0; i < ndims; i++) {
		const double w = hi[i] - lo[i], t = w - hi[i];
		const double rest = (hi[i] - (w - t)) - (lo[i] + t), p = d * w;

		e = fma(d, w, -p) + (d * rest + e * w);
		d = p;
		if (!is_moderate(w) || !is_moderate(d))
			return false;
	}
	*q = c / d;
	return divide(c, d, e, q);
}

double qn_density_of_count(uint64_t part, uint64_t total, int ndims, const double *lo,
			   const double *hi)
{
	const struct qn_acc_form f = qn_acc_form(QUERN_U64, 1);
	int64_t limbs[2][QN_ACC_MAX_LIMBS] = { { 0 } };
	double q;

	if (!part || is_infinite(ndims, lo, hi))
		return 0;
	if (divide_quickly((double)part, (double)total, ndims, lo, hi, &q))
		return q;
	qn_acc_add(&f, limbs[0], (qn_i128)part, 0);
	qn_acc_add(&f, limbs[1], (qn_i128)total, 0);
	return qn_density(&f, limbs[0], limbs[1], ndims, lo, hi);
}
