#include "kernel/order.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "exact/acc.h"
#include "kernel/list.h"
#include "kernel/tile.h"

unsigned qn_order_bits(enum quern_dtype t)
{
	return 8 * (unsigned)qn_dtype_size(t);
}

/* Negative numbers are complemented, the others get the highest bit. */
#define FLIP_U(x)    (x)
#define FLIP_I8(x)   ((uint8_t)(x) ^ UINT8_C(0x80))
#define FLIP_I16(x)  ((uint16_t)(x) ^ UINT16_C(0x8000))
#define FLIP_I32(x)  ((uint32_t)(x) ^ UINT32_C(0x80000000))
#define FLIP_I64(x)  ((uint64_t)(x) ^ UINT64_C(1) << 63)
#define FLIP_F32(x)  ((x) ^ ((uint32_t)((int32_t)(x) >> 31) | UINT32_C(0x80000000)))
#define FLIP_F64(x)  ((x) ^ ((uint64_t)((int64_t)(x) >> 63) | UINT64_C(1) << 63))
#define NO_NAN(x)    false
#define IS_NAN_32(x) (((x)&UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000))
#define IS_NAN_64(x) (((x) & (~UINT64_C(0) >> 1)) > UINT64_C(0x7ff0000000000000))

#define DEFINE_KEYS(name, TYPE, FLIP, IS_NAN)                                       \
	static bool name(const unsigned char *in, size_t n, uint64_t *restrict out) \
	{                                                                           \
		unsigned nan = 0;                                                   \
                                                                                    \
		for (size_t i = 0; i < n; i++) {                                    \
			TYPE x;                                                     \
                                                                                    \
			memcpy(&x, in + i * sizeof(x), sizeof(x));                  \
			out[i] = FLIP(x);                                           \
			nan |= IS_NAN(x);                                           \
		}                                                                   \
		return nan;                                                         \
	}

DEFINE_KEYS(keys_i8, int8_t, FLIP_I8, NO_NAN)
DEFINE_KEYS(keys_u8, uint8_t, FLIP_U, NO_NAN)
DEFINE_KEYS(keys_i16, int16_t, FLIP_I16, NO_NAN)
DEFINE_KEYS(keys_u16, uint16_t, FLIP_U, NO_NAN)
DEFINE_KEYS(keys_i32, int32_t, FLIP_I32, NO_NAN)
DEFINE_KEYS(keys_u32, uint32_t, FLIP_U, NO_NAN)
DEFINE_KEYS(keys_i64, int64_t, FLIP_I64, NO_NAN)
DEFINE_KEYS(keys_u64, uint64_t, FLIP_U, NO_NAN)
DEFINE_KEYS(keys_f32, uint32_t, FLIP_F32, IS_NAN_32)
DEFINE_KEYS(keys_f64, uint64_t, FLIP_F64, IS_NAN_64)

typedef bool keys_fn(const unsigned char *, size_t, uint64_t *);

bool qn_order_keys(enum quern_dtype t, const void *values, size_t n, uint64_t *keys)
{
	static keys_fn *const keys_of[QUERN_NDTYPES] = {
		[QUERN_I8] = keys_i8,	[QUERN_U8] = keys_u8,	[QUERN_I16] = keys_i16,
		[QUERN_U16] = keys_u16, [QUERN_I32] = keys_i32, [QUERN_U32] = keys_u32,
		[QUERN_I64] = keys_i64, [QUERN_U64] = keys_u64, [QUERN_F32] = keys_f32,
		[QUERN_F64] = keys_f64,
	};

	return keys_of[t](values, n, keys);
}

/* The value of a key: significand * 2^exponent, both signs; *is_infinite: 2^1024 in place of infinity. */
struct value {
	bool is_negative, is_infinite;
	uint64_t significand;
	int exponent;
};

static struct value value_of_double(double x)
{
	struct value v = { .is_negative = signbit(x), .is_infinite = isinf(x) };
	int exponent;

	x = fabs(x);
	if (v.is_infinite || x == 0)
		return v;
	v.significand = (uint64_t)ldexp(frexp(x, &exponent), DBL_MANT_DIG);
	v.exponent = exponent - DBL_MANT_DIG;
	return v;
}

static float float_of(uint64_t key)
{
	const uint32_t bits = key >> 31 ? (uint32_t)key ^ UINT32_C(0x80000000) : ~(uint32_t)key;
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static double double_of(uint64_t key)
{
	const uint64_t bits = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static struct value value_of(enum quern_dtype t, uint64_t key)
{
	const uint64_t half = UINT64_C(1) << (qn_order_bits(t) - 1);
	struct value v = { .significand = key };

	if (t == QUERN_F32)
		return value_of_double((double)float_of(key));
	if (t == QUERN_F64)
		return value_of_double(double_of(key));
	if (!qn_dtype_is_signed(t))
		return v;
	v.is_negative = key < half;
	v.significand = v.is_negative ? half - key : key - half;
	return v;
}

/* Adds +-x * w. */
static void add_product(const struct qn_acc_form *f, int64_t *limb, const struct value *x,
			const struct value *w, bool subtract)
{
	const qn_u128 p = (qn_u128)x->significand * w->significand;
	const uint64_t words[2] = { (uint64_t)p, (uint64_t)(p >> 64) };

	if (p)
		qn_acc_add_words(f, limb, words, 2, x->exponent + w->exponent,
				 x->is_negative != subtract);
}

double qn_order_between(enum quern_dtype t, uint64_t a, uint64_t b, double w)
{
	const struct value x = value_of(t, a), y = value_of(t, b);
	const struct value one = { .significand = 1 }, weight = value_of_double(w);
	/* Products of two doubles are multiples of the unit of squares. */
	const struct qn_acc_form f = qn_acc_form(QUERN_F64, 2);
	int64_t limb[QN_ACC_MAX_LIMBS] = { 0 };

	if (w > 0 && x.is_infinite && y.is_infinite && x.is_negative != y.is_negative)
		return NAN;
	if (x.is_infinite || (w > 0 && y.is_infinite))
		return (x.is_infinite ? x.is_negative : y.is_negative) ? -INFINITY : INFINITY;
	if (!(w > 0) && !x.significand)
		return x.is_negative ? -0.0 : 0.0;
	add_product(&f, limb, &x, &one, false);
	add_product(&f, limb, &y, &weight, false);
	add_product(&f, limb, &x, &weight, true);
	return qn_acc_round(&f, limb);
}

/* --- lists --- */

#include "kernel/order_list.h"

#define KEY	uint64_t
#define NAME(x) x##_64
#include "kernel/order_list.h"

static bool is_wide(enum quern_dtype t)
{
	return qn_list_key_nbytes(t) == sizeof(uint64_t);
}

void qn_list_append(enum quern_dtype t, int64_t *list, const uint64_t *keys, size_t n)
{
	(is_wide(t) ? append_64 : append_32)(list + 1, (size_t)list[0], keys, n);
	list[0] += (int64_t)n;
}

void qn_order_sort(enum quern_dtype t, void *keys, size_t n)
{
	(is_wide(t) ? sort_keys_64 : sort_keys_32)(keys, n);
}

void qn_list_sort(enum quern_dtype t, int64_t *list, uint64_t most)
{
	const size_t size = qn_list_key_nbytes(t), n = (size_t)list[0];
	const size_t nbytes = (qn_list_nwords(t, most) - 1) * sizeof(*list);

	qn_order_sort(t, list + 1, n);
	memset((char *)(list + 1) + n * size, 0, nbytes - n * size);
}

uint64_t qn_list_key(enum quern_dtype t, const int64_t *list, uint64_t i)
{
	return is_wide(t) ? ((const uint64_t *)(list + 1))[i] : ((const uint32_t *)(list + 1))[i];
}
