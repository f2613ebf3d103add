/*
 * acc.c - exact accumulators.
 */
#include "exact/acc.h"

#include <stdio.h>

#include "exact/bits.h"

#define LIMB_BITS 32
#define LIMB_MASK INT64_C(0xffffffff)
/* log2 of the most values summed, and of the room for them that the highest limb gives. */
#define COUNT_BITS 60
#define TOP_BITS   38
/* Decimal digits that are split off at a time. */
#define CHUNK	     1000000000u
#define CHUNK_DIGITS 9

/* Finite values of a type are multiples of 2^min_exp below 2^top in magnitude (not above, for the
   most negative integers: COUNT_BITS has the room). */
static const struct range {
	int16_t min_exp, top;
} ranges[QUERN_NDTYPES] = {
	[QUERN_I8] = { 0, 7 },
	[QUERN_U8] = { 0, 8 },
	[QUERN_I16] = { 0, 15 },
	[QUERN_U16] = { 0, 16 },
	[QUERN_I32] = { 0, 31 },
	[QUERN_U32] = { 0, 32 },
	[QUERN_I64] = { 0, 63 },
	[QUERN_U64] = { 0, 64 },
	[QUERN_F32] = { QN_F32_MIN_EXP, 128 },
	[QUERN_F64] = { QN_F64_MIN_EXP, 1024 },
};

struct qn_acc_form qn_acc_form(enum quern_dtype t, int power)
{
	int nbits = power * (ranges[t].top - ranges[t].min_exp) + COUNT_BITS - TOP_BITS;
	struct qn_acc_form f = {
		.base = power * ranges[t].min_exp,
		.nlimbs = 1 + (nbits + LIMB_BITS - 1) / LIMB_BITS,
	};

	return f;
}

void qn_acc_normalize(const struct qn_acc_form *f, int64_t *limb)
{
	int64_t carry = 0;
	int i;

	for (i = 0; i < f->nlimbs - 1; i++) {
		carry += limb[i];
		limb[i] = carry & LIMB_MASK;
		carry >>= LIMB_BITS;
	}
	limb[i] += carry;
}

/* Adds v at limb i. The carry runs only as far as it must: past the bits of v that is seldom more
   than a limb, but for sums that change their sign. */
static void add_at(const struct qn_acc_form *f, int64_t *limb, int i, qn_i128 v)
{
	for (; v != 0 && i < f->nlimbs - 1; i++) {
		v += limb[i];
		limb[i] = (int64_t)v & LIMB_MASK;
		v >>= LIMB_BITS;
	}
	limb[f->nlimbs - 1] += (int64_t)v;
}

void qn_acc_add(const struct qn_acc_form *f, int64_t *limb, qn_i128 v, int exp)
{
	int pos = exp - f->base;

	if (v == 0)
		return;
	if (pos < 0) {
		/* The bits shifted out are zero by the caller's promise. */
		v = pos > -127 ? v >> -pos : 0;
		pos = 0;
	}
	add_at(f, limb, pos / LIMB_BITS, v * ((qn_i128)1 << pos % LIMB_BITS));
}

void qn_acc_add_words(const struct qn_acc_form *f, int64_t *limb, const uint64_t *w, int nw,
		      int exp, bool negative)
{
	for (int i = 0; i < nw; i++)
		qn_acc_add(f, limb, negative ? -(qn_i128)w[i] : (qn_i128)w[i], exp + 64 * i);
}

void qn_acc_add_double(const struct qn_acc_form *f, int64_t *limb, double x)
{
	uint64_t bits = qn_bits64(x), magnitude = bits & ~(UINT64_C(1) << 63);
	int64_t m = (int64_t)(magnitude & ((UINT64_C(1) << 52) - 1));

	if (magnitude >> 52)
		m |= INT64_C(1) << 52;
	qn_acc_add(f, limb, bits >> 63 ? -m : m, qn_f64_unit(magnitude));
}

double qn_round_bits(uint64_t m, bool more, int exp, bool negative)
{
	uint64_t sign = (uint64_t)negative << 63, bits, rest, half;
	int lsb = exp + 11, drop = 11;

	/* Subnormal results have their last place at the smallest exponent. */
	if (lsb < QN_F64_MIN_EXP) {
		drop += QN_F64_MIN_EXP - lsb;
		lsb = QN_F64_MIN_EXP;
	}
	if (drop > 64)
		return qn_double(sign);
	if (lsb > 1023)
		return qn_double(sign | UINT64_C(0x7ff) << 52);
	bits = drop == 64 ? 0 : m >> drop;
	rest = drop == 64 ? m : m & ((UINT64_C(1) << drop) - 1);
	half = UINT64_C(1) << (drop - 1);
	/* A carry out of the fraction raises the exponent field by itself, up to infinity. */
	bits += (uint64_t)(lsb - QN_F64_MIN_EXP) << 52;
	if (rest > half || (rest == half && (more || (bits & 1))))
		bits++;
	if (bits >= UINT64_C(0x7ff) << 52)
		bits = UINT64_C(0x7ff) << 52;
	return qn_double(sign | bits);
}

/* The magnitude of canonical limbs as 32-bit digits, two for the highest limb; returns how many
   without leading zeros. */
static int magnitude_digits(const struct qn_acc_form *f, const int64_t *limb, uint32_t *digit)
{
	const int top = f->nlimbs - 1;
	const bool negative = limb[top] < 0;
	int64_t carry = 0;
	int n = top + 2;

	for (int i = 0; i < top; i++) {
		carry += negative ? -limb[i] : limb[i];
		digit[i] = (uint32_t)carry;
		carry >>= LIMB_BITS;
	}
	carry += negative ? -limb[top] : limb[top];
	digit[top] = (uint32_t)carry;
	digit[top + 1] = (uint32_t)(carry >> LIMB_BITS);
	while (n > 0 && digit[n - 1] == 0)
		n--;
	return n;
}

double qn_acc_round(const struct qn_acc_form *f, const int64_t *limb)
{
	uint32_t digit[QN_ACC_MAX_LIMBS + 3], *d = digit + 2;
	int n = magnitude_digits(f, limb, d), shift;
	qn_u128 window;
	bool more;

	if (n == 0)
		return 0.0;
	/* The three highest digits hold at least 65 bits; two zeros stand below the lowest. */
	d[-1] = d[-2] = 0;
	window = (qn_u128)d[n - 1] << 64 | (uint64_t)d[n - 2] << 32 | d[n - 3];
	shift = LIMB_BITS - __builtin_clz(d[n - 1]);
	more = (window & (((qn_u128)1 << shift) - 1)) != 0;
	for (int i = 0; i < n - 3 && !more; i++)
		more = d[i] != 0;
	return qn_round_bits((uint64_t)(window >> shift), more,
			     f->base + LIMB_BITS * (n - 3) + shift, limb[f->nlimbs - 1] < 0);
}

/* Divides by CHUNK in place; returns the remainder. */
static uint32_t divide(uint32_t *digit, int n)
{
	uint64_t rest = 0;

	for (int i = n - 1; i >= 0; i--) {
		rest = rest << LIMB_BITS | digit[i];
		digit[i] = (uint32_t)(rest / CHUNK);
		rest %= CHUNK;
	}
	return (uint32_t)rest;
}

void qn_acc_decimal(const struct qn_acc_form *f, const int64_t *limb, char out[QN_ACC_MAX_DIGITS])
{
	uint32_t digit[16 + 1], chunk[18 + 1];
	int n = magnitude_digits(f, limb, digit), nchunks = 0, len = 0;

	do {
		chunk[nchunks++] = divide(digit, n);
		while (n > 0 && digit[n - 1] == 0)
			n--;
	} while (n > 0);
	if (limb[f->nlimbs - 1] < 0)
		out[len++] = '-';
	len += snprintf(out + len, QN_ACC_MAX_DIGITS - (size_t)len, "%u", chunk[nchunks - 1]);
	for (int i = nchunks - 2; i >= 0; i--)
		len += snprintf(out + len, QN_ACC_MAX_DIGITS - (size_t)len, "%0*u", CHUNK_DIGITS,
				chunk[i]);
}
