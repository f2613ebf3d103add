#include "weighted/big.h"

#include <string.h>

void qn_big_init(struct qn_big *b)
{
	mpz_init(b->z);
	b->exp = 0;
}

void qn_big_fini(struct qn_big *b)
{
	mpz_clear(b->z);
}

static void strip(struct qn_big *b)
{
	const mp_bitcnt_t n = mpz_sgn(b->z) ? mpz_scan1(b->z, 0) : 0;

	mpz_tdiv_q_2exp(b->z, b->z, n);
	b->exp += (long)n;
}

/* Of the many limbs few are not those of the sign, or zeros below. */
static void load(struct qn_big *b, const struct qn_acc_form *form, const int64_t *from)
{
	struct qn_acc_form f = *form;
	int64_t limb[QN_ACC_MAX_LIMBS];
	int low = 0, top = f.nlimbs - 1;

	memcpy(limb, from, (size_t)f.nlimbs * sizeof(*limb));
	for (; top > 0 && (limb[top] == 0 || limb[top] == -1); top--)
		limb[top - 1] += limb[top] * (INT64_C(1) << 32);
	while (low < top && limb[low] == 0)
		low++;
	f.base += 32 * low;
	f.nlimbs = top - low + 1;
	qn_mpz_from_limbs(b->z, &f, limb + low);
	b->exp = f.base;
	strip(b);
}

void qn_big_add_limbs(struct qn_big *b, const struct qn_acc_form *f, const int64_t *limb)
{
	struct qn_big more;

	if (!mpz_sgn(b->z)) {
		load(b, f, limb);
		return;
	}
	qn_big_init(&more);
	load(&more, f, limb);
	qn_big_add(b, &more);
	qn_big_fini(&more);
}

void qn_big_multiply(struct qn_big *out, const struct qn_big *a, const struct qn_big *b)
{
	mpz_mul(out->z, a->z, b->z);
	out->exp = a->exp + b->exp;
}

/* Gives both the lower exponent. Zero takes any. */
static void align(struct qn_big *a, struct qn_big *b)
{
	if (!mpz_sgn(a->z))
		a->exp = b->exp;
	if (!mpz_sgn(b->z))
		b->exp = a->exp;
	if (a->exp > b->exp) {
		mpz_mul_2exp(a->z, a->z, (mp_bitcnt_t)(a->exp - b->exp));
		a->exp = b->exp;
	} else {
		mpz_mul_2exp(b->z, b->z, (mp_bitcnt_t)(b->exp - a->exp));
		b->exp = a->exp;
	}
}

void qn_big_subtract(struct qn_big *a, struct qn_big *b)
{
	align(a, b);
	mpz_sub(a->z, a->z, b->z);
}

void qn_big_add(struct qn_big *a, struct qn_big *b)
{
	align(a, b);
	mpz_add(a->z, a->z, b->z);
}
