/*
 * tile_simd.h - the parts of tile.h that are compiled once per instruction set. drop_nan is set for
 * floating-point types only.
 */
#ifndef QN_KERNEL_TILE_SIMD_H
#define QN_KERNEL_TILE_SIMD_H

#include "base/isa.h"
#include "quern_kernel.h"

QN_ISA_DECLARE(size_t, qn_tile_pack,
	       (const struct quern_var *v, size_t nelems, bool drop_nan, void *out));
QN_ISA_DECLARE(size_t, qn_tile_mark,
	       (const struct quern_var *v, size_t nelems, bool drop_nan, uint64_t *valid));

#endif
