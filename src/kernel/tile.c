/*
 * tile.c - validity of elements, keys that order values, and positions in a dataset.
 */
#include "kernel/tile.h"

#include <string.h>

#include "base/isa.h"
#include "kernel/tile_simd.h"

static const struct {
	size_t size;
	bool is_float, is_signed;
	const char *name;
} types[QUERN_NDTYPES + 1] = {
	[QUERN_I8] = { 1, false, true, "i1" },	 [QUERN_U8] = { 1, false, false, "u1" },
	[QUERN_I16] = { 2, false, true, "i2" },	 [QUERN_U16] = { 2, false, false, "u2" },
	[QUERN_I32] = { 4, false, true, "i4" },	 [QUERN_U32] = { 4, false, false, "u4" },
	[QUERN_I64] = { 8, false, true, "i8" },	 [QUERN_U64] = { 8, false, false, "u8" },
	[QUERN_F32] = { 4, true, true, "f4" },	 [QUERN_F64] = { 8, true, true, "f8" },
	[QUERN_TEXT] = { 1, false, false, "S" },
};

size_t qn_dtype_size(enum quern_dtype t)
{
	return types[t].size;
}

bool qn_dtype_is_float(enum quern_dtype t)
{
	return types[t].is_float;
}

bool qn_dtype_is_signed(enum quern_dtype t)
{
	return types[t].is_signed;
}

const char *qn_dtype_name(enum quern_dtype t)
{
	return types[t].name;
}

typedef size_t pack_fn(const struct quern_var *, size_t, bool, void *);
typedef size_t mark_fn(const struct quern_var *, size_t, bool, uint64_t *);

size_t qn_tile_pack(const struct quern_var *v, size_t nelems, bool drop_nan, void *out)
{
	static pack_fn *const pack[] = QN_ISA_TABLE(qn_tile_pack);

	drop_nan = drop_nan && qn_dtype_is_float(v->dtype);
	if (!drop_nan && v->nmissing == 0) {
		memcpy(out, v->values, nelems * qn_dtype_size(v->dtype));
		return nelems;
	}
	return pack[qn_cpu_level()](v, nelems, drop_nan, out);
}

size_t qn_tile_mark(const struct quern_var *v, size_t nelems, bool drop_nan, uint64_t *valid)
{
	static mark_fn *const mark[] = QN_ISA_TABLE(qn_tile_mark);

	return mark[qn_cpu_level()](v, nelems, drop_nan && qn_dtype_is_float(v->dtype), valid);
}

/* The bits below the sign, of numbers whose sign is set: there the order of the bits is reversed. */
static uint64_t reversed(uint64_t bits)
{
	return bits >> 63 ? UINT64_MAX >> 1 : 0;
}

int64_t qn_key_from_double(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return (int64_t)(bits ^ reversed(bits));
}

double qn_key_to_double(int64_t key)
{
	uint64_t bits = (uint64_t)key ^ reversed((uint64_t)key);
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

void qn_unravel(uint64_t index, int ndim, const uint64_t *shape, uint64_t *coord)
{
	for (int d = ndim - 1; d >= 0; d--) {
		coord[d] = index % shape[d];
		index /= shape[d];
	}
}

uint64_t qn_ravel(int ndim, const uint64_t *shape, const uint64_t *coord)
{
	uint64_t index = 0;

	for (int d = 0; d < ndim; d++)
		index = index * shape[d] + coord[d];
	return index;
}

uint64_t qn_box_index(const struct quern_box *box, uint64_t i, const uint64_t *shape)
{
	uint64_t coord[QUERN_MAX_DIMS];

	qn_unravel(i, box->ndim, box->count, coord);
	for (int d = 0; d < box->ndim; d++)
		coord[d] = box->start[d] + coord[d] * box->step[d];
	return qn_ravel(box->ndim, shape, coord);
}
