/*
 * column_split.c - elements and accumulators as parts of a block's rows.
 */
#include <math.h>
#include <string.h>

#include "exact/bits.h"
#include "columns/column_parts.h"

#define STEP	 QN_COLUMN_STEP
#define LOW_MASK ((INT64_C(1) << STEP) - 1)
/* The highest part begins with less, which leaves room in it for what is added. */
#define SPLIT_LIMIT (INT64_C(1) << 59)

/* --- elements --- */

static struct qn_column_element integer(bool negative, uint64_t bits)
{
	return (struct qn_column_element){ .m = negative ? -bits : bits, .negative = negative };
}

static struct qn_column_element number(double x)
{
	uint64_t bits = qn_bits64(x), magnitude = bits & INT64_MAX;
	struct qn_column_element e = { .x = x,
				       .unit = qn_f64_unit(magnitude),
				       .negative = bits >> 63 };

	e.m = magnitude & ((UINT64_C(1) << 52) - 1);
	if (magnitude >> 52)
		e.m |= UINT64_C(1) << 52;
	return e;
}

#define DECODE(type, expression)              \
	{                                     \
		type v;                       \
                                              \
		memcpy(&v, value, sizeof(v)); \
		return expression;            \
	}

struct qn_column_element qn_column_decode(enum quern_dtype t, const char *value)
{
	switch (t) {
	case QUERN_I8:
		DECODE(int8_t, integer(v < 0, (uint64_t)(int64_t)v))
	case QUERN_U8:
		DECODE(uint8_t, integer(false, v))
	case QUERN_I16:
		DECODE(int16_t, integer(v < 0, (uint64_t)(int64_t)v))
	case QUERN_U16:
		DECODE(uint16_t, integer(false, v))
	case QUERN_I32:
		DECODE(int32_t, integer(v < 0, (uint64_t)(int64_t)v))
	case QUERN_U32:
		DECODE(uint32_t, integer(false, v))
	case QUERN_I64:
		DECODE(int64_t, integer(v < 0, (uint64_t)v))
	case QUERN_U64:
		DECODE(uint64_t, integer(false, v))
	case QUERN_F32:
		DECODE(float, number((double)v))
	default:
		DECODE(double, number(v))
	}
}

/* --- accumulators --- */

/* Bits `pos` to `pos` + 63 of limbs as a number in two's complement of any length. */
static uint64_t bits_at(const struct qn_acc_form *f, const int64_t *limb, int pos)
{
	const int top = f->nlimbs - 1;
	qn_u128 bits = 0;

	for (int i = pos / 32 + 2; i >= pos / 32; i--) {
		uint32_t digit = i < top   ? (uint32_t)limb[i]
				 : i > top ? (uint32_t)(limb[top] >> (i > top + 1 ? 63 : 32))
					   : (uint32_t)limb[top];

		bits = bits << 32 | digit;
	}
	return (uint64_t)(bits >> pos % 32);
}

int qn_column_lowest_bit(const struct qn_acc_form *f, const int64_t *limb)
{
	int i = 0;

	while (i < f->nlimbs && limb[i] == 0)
		i++;
	return f->base + 32 * i + (i < f->nlimbs ? __builtin_ctzll((uint64_t)limb[i]) : 0);
}

int qn_column_highest_bit(const struct qn_acc_form *f, const int64_t *limb)
{
	const int64_t sign = limb[f->nlimbs - 1] < 0 ? -1 : 0;
	const int64_t digit = sign & UINT32_MAX;
	int i = f->nlimbs - 1;

	if (limb[i] != sign)
		return f->base + 32 * i + 64 - __builtin_clzll((uint64_t)(limb[i] ^ sign));
	for (i--; i > 0 && limb[i] == digit; i--)
		;
	return f->base + 32 * i + 32;
}

bool qn_column_split_limbs(const struct qn_acc_form *f, const int64_t *limb, int unit, int nparts,
			   int64_t part[QN_COLUMN_PARTS])
{
	const int end = f->base + 32 * f->nlimbs + 32;
	int pos = unit, j = 0;
	int64_t top;

	if (qn_column_lowest_bit(f, limb) < unit)
		return false;
	if (unit < f->base)
		return false;
	for (; j < nparts - 1; j++, pos += STEP)
		part[j] = (int64_t)bits_at(f, limb, pos - f->base) & LOW_MASK;
	top = (int64_t)bits_at(f, limb, pos - f->base);
	if (top >= SPLIT_LIMIT || top < -SPLIT_LIMIT)
		return false;
	for (pos += 64; pos < end; pos += 64)
		if ((int64_t)bits_at(f, limb, pos - f->base) != (top < 0 ? -1 : 0))
			return false;
	part[j] = top;
	return true;
}

/* --- powers of elements --- */

/* Adds a double to the parts; false if it does not fit. */
static bool split_double(const struct qn_column_block *b, double x, int64_t *part)
{
	for (int j = b->nhot - 1; j >= 0; j--) {
		const uint64_t start = qn_bits64(b->magic[j]);
		double sum = x + b->magic[j];

		if ((qn_bits64(sum) ^ start) >> 52)
			return false;
		part[j] += (int64_t)(qn_bits64(sum) - start);
		x -= sum - b->magic[j];
	}
	return x == 0;
}

static void split_integer(const struct qn_column *c, const struct qn_column_block *b,
			  const struct qn_column_element *e, int64_t *part)
{
	qn_u128 m = c->power == 2 ? (qn_u128)e->m * e->m : e->m;
	const int64_t sign = c->power == 1 && e->negative ? -1 : 1;

	for (int j = 0; j < b->nhot - 1; j++, m >>= STEP)
		part[j] = sign * ((int64_t)m & LOW_MASK);
	part[b->nhot - 1] = sign * (int64_t)m;
}

bool qn_column_split(const struct qn_column *c, const struct qn_column_block *b,
		     const struct qn_column_element *e, int64_t part[QN_COLUMN_PARTS])
{
	const double x = e->x, square = x * x;

	memset(part, 0, QN_COLUMN_PARTS * sizeof(*part));
	if (b->nhot == 0)
		return false;
	if (!c->is_float) {
		split_integer(c, b, e, part);
		return true;
	}
	if (c->power == 1)
		return split_double(b, x, part);
	if (square == 0 || !split_double(b, square, part))
		return false;
	return c->dtype == QUERN_F32 || split_double(b, fma(x, x, -square), part);
}
