/*
 * tile.h - what kernels share in looking at a tile: validity, and keys that order values.
 */
#ifndef QN_KERNEL_TILE_H
#define QN_KERNEL_TILE_H

#include "quern_kernel.h"

/* Bytes of an element. */
size_t qn_dtype_size(enum quern_dtype t);
bool qn_dtype_is_float(enum quern_dtype t);
bool qn_dtype_is_signed(enum quern_dtype t);
/* As numpy writes it in native order: "f4", "u2". */
const char *qn_dtype_name(enum quern_dtype t);

/*
 * Copies the valid elements among the first nelems, in order, to out (room for nelems elements);
 * with drop_nan, NaN counts as not valid. Returns how many were copied.
 */
size_t qn_tile_pack(const struct quern_var *v, size_t nelems, bool drop_nan, void *out);

/*
 * Writes the validity bitmap of the first nelems elements to valid (nelems / 64 words, rounded
 * up; bits past nelems clear), NaN cleared too with drop_nan. Returns the number of clear bits.
 */
size_t qn_tile_mark(const struct quern_var *v, size_t nelems, bool drop_nan, uint64_t *valid);

/* An int64 that orders like the value (-0 below +0; NaN above +inf or below -inf by its sign);
   and back. The double forms serve float32 too: the conversion is exact. */
int64_t qn_key_from_double(double x);
double qn_key_to_double(int64_t key);
static inline int64_t qn_key_from_uint(uint64_t x)
{
	return (int64_t)(x ^ (UINT64_C(1) << 63));
}
static inline uint64_t qn_key_to_uint(int64_t key)
{
	return (uint64_t)key ^ (UINT64_C(1) << 63);
}

/* Coordinates of element `index` (C order) of an array of the given shape. */
void qn_unravel(uint64_t index, int ndim, const uint64_t *shape, uint64_t *coord);
uint64_t qn_ravel(int ndim, const uint64_t *shape, const uint64_t *coord);

/* Index, in C order of the whole dataset of the given shape, of element i of a box. */
uint64_t qn_box_index(const struct quern_box *box, uint64_t i, const uint64_t *shape);

#endif
