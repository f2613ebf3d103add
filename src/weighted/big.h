/*
 * big.h - exact sums as big numbers, for what is computed of several of them. Only sources that compute with GMP
 * include this.
 */
#ifndef QN_WEIGHTED_BIG_H
#define QN_WEIGHTED_BIG_H

#include "exact/fraction.h"
#include "weighted/sums.h"

/* z * 2^exp */
struct qn_big {
	mpz_t z;
	long exp;
};

/* Zero. */
void qn_big_init(struct qn_big *b);
void qn_big_fini(struct qn_big *b);

/* b += canonical limbs. */
void qn_big_add_limbs(struct qn_big *b, const struct qn_acc_form *f, const int64_t *limb);

/* out = a * b, which are others. */
void qn_big_multiply(struct qn_big *out, const struct qn_big *a, const struct qn_big *b);

/* a -= b, a += b; *b may get another exponent. */
void qn_big_subtract(struct qn_big *a, struct qn_big *b);
void qn_big_add(struct qn_big *a, struct qn_big *b);

/* W^2 - WW of weights, to what it inits. (stats.c) */
void qn_weighted_load_freedom(struct qn_big *b, const struct qn_weighted *s, const int64_t *words);

#endif
