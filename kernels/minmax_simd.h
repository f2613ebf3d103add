/*
 * minmax_simd.h - the loops of minmax, compiled once per instruction set.
 */
#ifndef QN_KERNELS_MINMAX_SIMD_H
#define QN_KERNELS_MINMAX_SIMD_H

#include <string.h>

#include "base/isa.h"
#include "kernel/tile.h"

/*
 * The extremes of an array as keys: integers that order like the values. The key of an integer is
 * its value (of uint64, qn_key_from_uint); of a floating-point number its bits, those below the
 * sign inverted when the sign is set, as a signed integer of the same size. NaN lies outside the
 * infinities, so min or max is its key when there is one.
 */
struct qn_minmax_keys {
	int64_t min, max;
};

/* nelems > 0 values of type t at any address. */
QN_ISA_DECLARE(void, qn_minmax_scan,
	       (enum quern_dtype t, const void *values, size_t nelems,
		struct qn_minmax_keys *keys));

/* The same of those that are valid (quern_var), of which there is one at least. False: there is no such loop for the
   type and the instruction set. */
QN_ISA_DECLARE(bool, qn_minmax_scan_valid,
	       (enum quern_dtype t, const void *values, const uint64_t *valid, size_t nelems,
		struct qn_minmax_keys *keys));

/* The first of the elements first ... nelems-1, of size bytes, that has these bits (the low
   8 size ones); nelems if none has. */
QN_ISA_DECLARE(size_t, qn_minmax_find,
	       (const void *values, size_t size, uint64_t bits, size_t first, size_t nelems));

/* The bits of the value of a key. */
static inline uint64_t qn_minmax_bits(enum quern_dtype t, int64_t key)
{
	switch (t) {
	case QUERN_U64:
		return qn_key_to_uint(key);
	case QUERN_F32:
		return (uint32_t)key ^ (key < 0 ? (uint32_t)INT32_MAX : 0);
	case QUERN_F64:
		return (uint64_t)key ^ (key < 0 ? (uint64_t)INT64_MAX : 0);
	default:
		return (uint64_t)key & UINT64_MAX >> (64 - 8 * qn_dtype_size(t));
	}
}

/* The key of +inf; that of -inf is its complement. */
static inline int64_t qn_minmax_inf(enum quern_dtype t)
{
	return t == QUERN_F32 ? 0x7f800000 : INT64_C(0x7ff) << 52;
}

/* Whether one of the extremes is NaN. */
static inline bool qn_minmax_has_nan(enum quern_dtype t, const struct qn_minmax_keys *k)
{
	return qn_dtype_is_float(t) && (k->max > qn_minmax_inf(t) || k->min < ~qn_minmax_inf(t));
}

/* The integer of a key of kernel/tile.h, of a type that has fewer than 64 bits or a sign. */
static inline int64_t qn_minmax_integer(enum quern_dtype t, int64_t key)
{
	return qn_dtype_is_signed(t) ? key : (int64_t)qn_key_to_uint(key);
}

/* The key of kernel/tile.h, as states have it, of a value with a key of the scan. */
static inline int64_t qn_minmax_state_key(enum quern_dtype t, int64_t key)
{
	const uint32_t bits = (uint32_t)qn_minmax_bits(t, key);
	float x;

	if (t == QUERN_U8 || t == QUERN_U16 || t == QUERN_U32)
		return qn_key_from_uint((uint64_t)key);
	if (t != QUERN_F32)
		return key;
	memcpy(&x, &bits, sizeof(x));
	return qn_key_from_double((double)x);
}

#endif
