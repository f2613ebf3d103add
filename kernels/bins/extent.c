/*
 * extent.c - from which value to which bins go, where nobody has said it.
 */
#include "bins.h"

#include <math.h>
#include <string.h>

#include "base/isa.h"
#include "kernel/tile.h"
#include "kernels/minmax_simd.h"

typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);

static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);

/* Leaves only values above `over` and below infinity among n; returns how many. */
#define DEFINE_KEEP(NAME, TYPE, OVER)                              \
	static size_t NAME(void *values, size_t n, bool is_log)    \
	{                                                          \
		TYPE *v = values;                                  \
		size_t k = 0;                                      \
                                                                   \
		for (size_t i = 0; i < n; i++) {                   \
			v[k] = v[i];                               \
			k += is_log ? v[k] > 0 && (OVER) : (OVER); \
		}                                                  \
		return k;                                          \
	}

DEFINE_KEEP(keep_i8, int8_t, true)
DEFINE_KEEP(keep_u8, uint8_t, true)
DEFINE_KEEP(keep_i16, int16_t, true)
DEFINE_KEEP(keep_u16, uint16_t, true)
DEFINE_KEEP(keep_i32, int32_t, true)
DEFINE_KEEP(keep_u32, uint32_t, true)
DEFINE_KEEP(keep_i64, int64_t, true)
DEFINE_KEEP(keep_u64, uint64_t, true)
DEFINE_KEEP(keep_f32, float, isfinite(v[k]))
DEFINE_KEEP(keep_f64, double, isfinite(v[k]))

typedef size_t keep_fn(void *, size_t, bool);

static keep_fn *const keeps[QUERN_NDTYPES] = {
	[QUERN_I8] = keep_i8,	[QUERN_U8] = keep_u8,	[QUERN_I16] = keep_i16,
	[QUERN_U16] = keep_u16, [QUERN_I32] = keep_i32, [QUERN_U32] = keep_u32,
	[QUERN_I64] = keep_i64, [QUERN_U64] = keep_u64, [QUERN_F32] = keep_f32,
	[QUERN_F64] = keep_f64,
};

/* Have bins a place for all values between? The key of 0 is that of uint64 or 0. */
static bool fits_all(const struct qn_bins *b, const struct qn_minmax_keys *k)
{
	const int64_t zero = b->dtype == QUERN_U64 ? qn_key_from_uint(0) : 0;
	const int64_t inf = qn_minmax_inf(b->dtype);

	return (!b->is_log || k->min > zero) &&
	       (!qn_dtype_is_float(b->dtype) || (k->max < inf && k->min > ~inf));
}

/* False: there are none. */
static bool find_extremes(const struct qn_bins *b, const struct quern_var *v, size_t nelems,
			  void *packed, struct qn_minmax_keys *k)
{
	scan_fn *scan = scans[qn_cpu_level()];
	size_t n;

	if (v->nmissing == 0) {
		scan(b->dtype, v->values, nelems, k);
		if (fits_all(b, k))
			return true;
	}
	n = qn_tile_pack(v, nelems, true, packed);
	if (n == 0)
		return false;
	scan(b->dtype, packed, n, k);
	if (fits_all(b, k))
		return true;
	n = keeps[b->dtype](packed, n, b->is_log);
	if (n > 0)
		scan(b->dtype, packed, n, k);
	return n > 0;
}

void qn_bins_extend(const struct qn_bins *b, const struct quern_var *v, size_t nelems, void *packed,
		    int64_t *least, int64_t *greatest)
{
	struct qn_minmax_keys k;

	if (!find_extremes(b, v, nelems, packed, &k))
		return;
	if (k.min < *least)
		*least = k.min;
	if (k.max > *greatest)
		*greatest = k.max;
}

/* How a 64-bit integer compares with its own value rounded to double: -1, 0 or 1. A double of 2^63 or 2^64 is
   above all of them. */
static int compare_rounded(enum quern_dtype t, int64_t key, double rounded)
{
	const uint64_t u = qn_key_to_uint(key);

	if (rounded >= (t == QUERN_I64 ? 0x1p63 : 0x1p64))
		return -1;
	if (t == QUERN_I64)
		return (key > (int64_t)rounded) - (key < (int64_t)rounded);
	return (u > (uint64_t)rounded) - (u < (uint64_t)rounded);
}

/* The value of a key, rounded in the direction of `towards`, an infinity. */
static double value_of_key(enum quern_dtype t, int64_t key, double towards)
{
	const uint64_t bits = qn_minmax_bits(t, key);
	const uint32_t bits32 = (uint32_t)bits;
	double x = t == QUERN_U64 ? (double)bits : (double)key;
	float f;
	int side;

	memcpy(&f, &bits32, sizeof(f));
	if (t == QUERN_F32)
		return f;
	if (t == QUERN_F64)
		return qn_key_to_double(key);
	if (t != QUERN_I64 && t != QUERN_U64)
		return x;
	side = compare_rounded(t, key, x);
	return (side > 0 && towards > 0) || (side < 0 && towards < 0) ? nextafter(x, towards) : x;
}

void qn_bins_set_found(struct qn_bins *b, int64_t least, int64_t greatest)
{
	if (least > greatest)
		qn_bins_set_range(b, b->is_log, b->is_log ? 10 : 1);
	else
		qn_bins_set_range(b, value_of_key(b->dtype, least, -INFINITY),
				  value_of_key(b->dtype, greatest, INFINITY));
}
