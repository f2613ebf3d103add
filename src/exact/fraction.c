/*
 * fraction.c - fractions of big integers as doubles.
 */
#include "exact/fraction.h"

/* Bits of a quotient, or of a root, at the least: those of a double, and then some. */
#define QUOTIENT_BITS 66

/* The low limbs are an unsigned number, the highest has the sign. */
void qn_mpz_from_limbs(mpz_t z, const struct qn_acc_form *f, const int64_t *limb)
{
	uint32_t low[QN_ACC_MAX_LIMBS];
	const int top = f->nlimbs - 1;
	mpz_t high;

	for (int i = 0; i < top; i++)
		low[i] = (uint32_t)limb[i];
	mpz_import(z, (size_t)top, -1, sizeof(low[0]), 0, 0, low);
	mpz_init_set_si(high, limb[top]);
	mpz_mul_2exp(high, high, 32 * (mp_bitcnt_t)top);
	mpz_add(z, z, high);
	mpz_clear(high);
}

static long nbits(const mpz_t z)
{
	return (long)mpz_sizeinbase(z, 2);
}

/* z *= 2^shift, for a shift that loses nothing. */
static void shift_left(mpz_t z, long shift)
{
	if (shift >= 0)
		mpz_mul_2exp(z, z, (mp_bitcnt_t)shift);
}

/* The double nearest to z * 2^exp, or, if more, to a value between that and (z + 1) * 2^exp; z has
   QUOTIENT_BITS or more. Changes z. */
static double round_integer(mpz_t z, bool more, long exp, bool negative)
{
	long drop = nbits(z) - 64;

	more = more || mpz_scan1(z, 0) < (mp_bitcnt_t)drop;
	mpz_tdiv_q_2exp(z, z, (mp_bitcnt_t)drop);
	return qn_round_bits(mpz_get_ui(z), more, (int)(exp + drop), negative);
}

/* num = floor(|num| / den * 2^shift); returns whether there is a rest. */
static bool divide(mpz_t num, mpz_t den, long shift)
{
	mpz_t rest;
	bool more;

	mpz_init(rest);
	mpz_abs(num, num);
	shift_left(num, shift);
	shift_left(den, -shift);
	mpz_tdiv_qr(num, rest, num, den);
	more = mpz_sgn(rest) != 0;
	mpz_clear(rest);
	return more;
}

double qn_round_quotient(mpz_t num, mpz_t den, long exp)
{
	const bool negative = mpz_sgn(num) < 0;
	long shift = QUOTIENT_BITS + 1 - (nbits(num) - nbits(den));
	bool more;

	if (mpz_sgn(num) == 0)
		return 0.0;
	more = divide(num, den, shift);
	return round_integer(num, more, exp - shift, negative);
}

/* A root of a floor is the floor of the root, and exact only if both were. */
double qn_round_root(mpz_t num, mpz_t den, long exp, bool negative)
{
	long shift = 2 * QUOTIENT_BITS + 2 - (nbits(num) - nbits(den));
	bool more;

	if (mpz_sgn(num) == 0)
		return 0.0;
	shift += (exp - shift) & 1;
	more = divide(num, den, shift);
	more = more || !mpz_perfect_square_p(num);
	mpz_sqrt(num, num);
	return round_integer(num, more, (exp - shift) / 2, negative);
}
