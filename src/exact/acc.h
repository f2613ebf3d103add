/*
 * acc.h - exact accumulators: integers of hundreds of bits, kept as plain int64 words.
 *
 *	value = sum over i of limb[i] * 2^(base + 32 i)
 *
 * Each limb holds 32 bits and has 31 to spare, so accumulators of one form add word by word, in any
 * order, by MPI_SUM too. The canonical form, unique for a value, has limbs in [0, 2^32) except the
 * highest, which carries the sign and stays below 2^38 in magnitude: 2^24 canonical accumulators
 * can be added before they must be made canonical again.
 */
#ifndef QN_EXACT_ACC_H
#define QN_EXACT_ACC_H

#include "quern_kernel.h"

typedef __int128 qn_i128;
typedef unsigned __int128 qn_u128;

/* Limbs of the largest form: fourth powers of float64. */
#define QN_ACC_MAX_LIMBS 272
/* Bytes of the longest text of qn_acc_decimal. */
#define QN_ACC_MAX_DIGITS 160

struct qn_acc_form {
	int base; /* exponent of bit 0 of limb 0 */
	int nlimbs;
};

/* The form for sums of up to 2^60 powers of finite values of a type: 1 <= power <= 4. The base of
   a power is that many times the base of the first. */
struct qn_acc_form qn_acc_form(enum quern_dtype t, int power);

/* Makes the limbs canonical. */
void qn_acc_normalize(const struct qn_acc_form *f, int64_t *limb);

/* Adds v * 2^exp, which must be a multiple of 2^base, |v| < 2^94. Canonical limbs stay so. */
void qn_acc_add(const struct qn_acc_form *f, int64_t *limb, qn_i128 v, int exp);

/* Adds +-(w[0] + w[1] 2^64 + ...) * 2^exp, nw <= 4, likewise. Canonical limbs stay so. */
void qn_acc_add_words(const struct qn_acc_form *f, int64_t *limb, const uint64_t *w, int nw,
		      int exp, bool negative);

/* Adds a finite double that is a multiple of 2^base. Canonical limbs stay so. */
void qn_acc_add_double(const struct qn_acc_form *f, int64_t *limb, double x);

/* The double nearest to the value of canonical limbs, ties to even; beyond the largest finite
   double by half a unit or more: infinity. Zero is +0. */
double qn_acc_round(const struct qn_acc_form *f, const int64_t *limb);

/* The value of canonical limbs of a form with base 0, of at most 16 limbs, in decimal. */
void qn_acc_decimal(const struct qn_acc_form *f, const int64_t *limb, char out[QN_ACC_MAX_DIGITS]);

/* The double nearest to m * 2^exp, or, if more, to a value between that and (m + 1) * 2^exp;
   bit 63 of m is set. */
double qn_round_bits(uint64_t m, bool more, int exp, bool negative);

#endif
