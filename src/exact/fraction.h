/*
 * fraction.h - fractions of big integers as doubles, each rounded once. Only sources that compute with GMP
 * include this.
 */
#ifndef QN_EXACT_FRACTION_H
#define QN_EXACT_FRACTION_H

#include <gmp.h>

#include "exact/acc.h"

/* z = canonical limbs, without the exponent. */
void qn_mpz_from_limbs(mpz_t z, const struct qn_acc_form *f, const int64_t *limb);

/* num / den * 2^exp; den > 0. Changes both. */
double qn_round_quotient(mpz_t num, mpz_t den, long exp);

/* The square root of num / den * 2^exp, with a sign; num >= 0, den > 0. Changes both. */
double qn_round_root(mpz_t num, mpz_t den, long exp, bool negative);

#endif
