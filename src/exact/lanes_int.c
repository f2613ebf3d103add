/*
 * lanes_int.c - the passes over integers.
 *
 * Elements go through blocks of a fixed size, whose loops compilers turn into vector code. Sums in
 * a block are in types that they cannot overflow, which is what the table at the end is about.
 */
#include "exact/power_parts.h"

#include <string.h>

#define BLOCK 256

/* What blocks are added to. */
struct sums {
	int64_t x;
	uint64_t square_lo, square_hi; /* square_lo + 2^32 square_hi */
	int64_t cube;		       /* of types up to 16 bits */
	qn_i128 cube_wide;	       /* of the others */
	qn_u128 fourth_lo, fourth_hi;  /* fourth_lo + 2^64 fourth_hi */
};

/*
 * sum_NAME, square_NAME and range_NAME on full blocks; high_NAME on any number of elements.
 *
 *	sum_t		BLOCK elements
 *	product_t	an element's square
 *	square_t	BLOCK squares, or of 32-bit types halves of squares
 *	cube_t		4096 cubes
 */
#define DEFINE(NAME, type, sum_t, product_t, square_t, cube_t, cube_field, HALF)                   \
	static void sum_##NAME(const type *x, struct sums *s)                                      \
	{                                                                                          \
		sum_t sum = 0;                                                                     \
                                                                                                   \
		for (int i = 0; i < BLOCK; i++)                                                    \
			sum += (sum_t)x[i];                                                        \
		s->x += (int64_t)sum;                                                              \
	}                                                                                          \
                                                                                                   \
	static void square_##NAME(const type *x, struct sums *s)                                   \
	{                                                                                          \
		square_t lo = 0, hi = 0;                                                           \
                                                                                                   \
		for (int i = 0; i < BLOCK; i++) {                                                  \
			product_t q = (product_t)((product_t)x[i] * (product_t)x[i]);              \
                                                                                                   \
			lo += HALF ? (square_t)(uint32_t)q : (square_t)q;                          \
			hi += HALF ? (square_t)((uint64_t)q >> 32) : 0;                            \
		}                                                                                  \
		s->square_lo += lo;                                                                \
		s->square_hi += hi;                                                                \
	}                                                                                          \
                                                                                                   \
	static void range_##NAME(const type *x, type *min, type *max)                              \
	{                                                                                          \
		type lo = *min, hi = *max;                                                         \
                                                                                                   \
		for (int i = 0; i < BLOCK; i++) {                                                  \
			lo = x[i] < lo ? x[i] : lo;                                                \
			hi = x[i] > hi ? x[i] : hi;                                                \
		}                                                                                  \
		*min = lo;                                                                         \
		*max = hi;                                                                         \
	}                                                                                          \
                                                                                                   \
	static void high_##NAME(const type *x, struct sums *s)                                     \
	{                                                                                          \
		for (int i = 0; i < BLOCK; i++) {                                                  \
			uint64_t q = (uint64_t)((product_t)x[i] * (product_t)x[i]);                \
			qn_u128 fourth = (qn_u128)q * q;                                           \
                                                                                                   \
			s->cube_field += (cube_t)x[i] * (cube_t)q;                                 \
			s->fourth_lo += (uint64_t)fourth;                                          \
			s->fourth_hi += fourth >> 64;                                              \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	static void block_##NAME(const type *x, int npowers, struct sums *s, type *min, type *max) \
	{                                                                                          \
		sum_##NAME(x, s);                                                                  \
		if (npowers == 1)                                                                  \
			return;                                                                    \
		square_##NAME(x, s);                                                               \
		range_##NAME(x, min, max);                                                         \
		if (npowers == 4)                                                                  \
			high_##NAME(x, s);                                                         \
	}                                                                                          \
                                                                                                   \
	/* The tail is done as a block filled up with zeros, but for the extremes. */              \
	static void pass_##NAME(const char *values, size_t n, int npowers, struct sums *s,         \
				type *min, type *max)                                              \
	{                                                                                          \
		type x[BLOCK], ignored[2] = { 0, 0 };                                              \
                                                                                                   \
		memcpy(x, values, sizeof(type));                                                   \
		*min = *max = x[0];                                                                \
		for (; n >= BLOCK; n -= BLOCK, values += sizeof(x)) {                              \
			memcpy(x, values, sizeof(x));                                              \
			block_##NAME(x, npowers, s, min, max);                                     \
		}                                                                                  \
		if (n == 0)                                                                        \
			return;                                                                    \
		memset(x, 0, sizeof(x));                                                           \
		memcpy(x, values, n * sizeof(type));                                               \
		block_##NAME(x, npowers, s, &ignored[0], &ignored[1]);                             \
		for (size_t i = 0; i < n; i++) {                                                   \
			*min = x[i] < *min ? x[i] : *min;                                          \
			*max = x[i] > *max ? x[i] : *max;                                          \
		}                                                                                  \
	}

DEFINE(i8, int8_t, int32_t, int32_t, uint32_t, int64_t, cube, 0)
DEFINE(u8, uint8_t, uint32_t, uint32_t, uint32_t, int64_t, cube, 0)
DEFINE(i16, int16_t, int32_t, int32_t, uint64_t, int64_t, cube, 0)
DEFINE(u16, uint16_t, uint32_t, uint32_t, uint64_t, int64_t, cube, 0)
DEFINE(i32, int32_t, int64_t, int64_t, uint64_t, qn_i128, cube_wide, 1)
DEFINE(u32, uint32_t, uint64_t, uint64_t, uint64_t, qn_i128, cube_wide, 1)

static void store(const struct sums *s, struct qn_int_sums *out)
{
	out->lo[0] = s->x;
	out->lo[1] = (qn_i128)s->square_lo + ((qn_i128)s->square_hi << 32);
	out->lo[2] = s->cube + s->cube_wide;
	out->lo[3] = (qn_i128)s->fourth_lo;
	out->hi[3] = (qn_i128)s->fourth_hi;
}

#define CASE(DTYPE, NAME, type, field)                                               \
	case DTYPE: {                                                                \
		type min, max;                                                       \
                                                                                     \
		pass_##NAME(values, n, npowers, &s, &min, &max);                     \
		out->e = (struct qn_extremes){ { .field = min }, { .field = max } }; \
		break;                                                               \
	}

static void pass_narrow(enum quern_dtype t, int npowers, const void *values, size_t n,
			struct qn_int_sums *out)
{
	struct sums s = { 0 };

	switch (t) {
		CASE(QUERN_I8, i8, int8_t, i)
		CASE(QUERN_U8, u8, uint8_t, u)
		CASE(QUERN_I16, i16, int16_t, i)
		CASE(QUERN_U16, u16, uint16_t, u)
		CASE(QUERN_I32, i32, int32_t, i)
		CASE(QUERN_U32, u32, uint32_t, u)
	default:
		break;
	}
	store(&s, out);
}

/* 64-bit integers: carries are cheap enough as they are. */

static uint64_t word(const char *values, size_t i)
{
	uint64_t x;

	memcpy(&x, values + i * sizeof(x), sizeof(x));
	return x;
}

static void squares64(const char *values, size_t n, bool is_signed, struct qn_int_sums *out)
{
	qn_u128 lo = 0, hi = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = word(values, i);
		qn_u128 q;

		x = is_signed && x >> 63 ? -x : x;
		q = (qn_u128)x * x;
		lo += (uint64_t)q;
		hi += (uint64_t)(q >> 64);
	}
	out->lo[1] = (qn_i128)lo;
	out->hi[1] = (qn_i128)hi;
}

static void pass_i64(int npowers, const char *values, size_t n, struct qn_int_sums *out)
{
	int64_t min = INT64_MAX, max = INT64_MIN;
	qn_i128 sum = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t x = (int64_t)word(values, i);

		sum += x;
		min = x < min ? x : min;
		max = x > max ? x : max;
	}
	out->lo[0] = sum;
	out->e = (struct qn_extremes){ { .i = min }, { .i = max } };
	if (npowers > 1)
		squares64(values, n, true, out);
}

static void pass_u64(int npowers, const char *values, size_t n, struct qn_int_sums *out)
{
	uint64_t min = UINT64_MAX, max = 0;
	qn_u128 sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = word(values, i);

		sum += x;
		min = x < min ? x : min;
		max = x > max ? x : max;
	}
	out->lo[0] = (qn_i128)sum;
	out->e = (struct qn_extremes){ { .u = min }, { .u = max } };
	if (npowers > 1)
		squares64(values, n, false, out);
}

void QN_ISA(qn_pass_int)(enum quern_dtype t, int npowers, const void *values, size_t n,
			 struct qn_int_sums *out)
{
	memset(out, 0, sizeof(*out));
	if (t == QUERN_I64)
		pass_i64(npowers, values, n, out);
	else if (t == QUERN_U64)
		pass_u64(npowers, values, n, out);
	else
		pass_narrow(t, npowers, values, n, out);
}
