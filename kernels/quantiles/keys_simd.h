/*
 * keys_simd.h - keys of four bytes (kernel/order.h), of many values at once: compiled once per instruction set.
 *
 * The words are keys, or with are_floats the bits of float32, none of them NaN, whose keys are meant. They may lie at
 * any address.
 */
#ifndef QN_KERNELS_QUANTILES_KEYS_SIMD_H
#define QN_KERNELS_QUANTILES_KEYS_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* Keys that are written behind those that are wanted. */
#define QN_KEYS_PAD 16

/* How far from base on those keys lie that are within base ... base + span, in the order of the words: out, which has
   room for n + QN_KEYS_PAD and may be where the words are. Returns how many they are; *nbelow: how many are below. */
QN_ISA_DECLARE(size_t, qn_keys_within,
	       (const void *words, size_t n, bool are_floats, uint32_t base, uint32_t span,
		uint32_t *out, size_t *nbelow));

/* What float32 are like. */
struct qn_keys_span {
	uint32_t least, greatest; /* of the bins: of no values UINT32_MAX, 0 */
	bool has_nan;		  /* then nothing else means anything */
};

/* The highest bits of the keys of n float32: as many as are left of a shift, at most 16. bins has room for n. */
QN_ISA_DECLARE(struct qn_keys_span, qn_keys_bins,
	       (const void *floats, size_t n, unsigned shift, uint16_t *bins));

/* Is there NaN among n float32? */
QN_ISA_DECLARE(bool, qn_keys_have_nan, (const void *floats, size_t n));

/* Rows that are turned at once, and steps of them. */
#define QN_TURNED 16

/* The keys of each row, one after the other, and how many they are. */
struct qn_turned {
	uint32_t key[QN_TURNED][QN_TURNED], n[QN_TURNED];
};

/* nrows float32 that lie side by side, in each of nsteps steps that are `stride` elements apart; valid: of each step,
   which rows have a value that is wanted. False: there is NaN. */
QN_ISA_DECLARE(bool, qn_keys_turn,
	       (const void *floats, size_t stride, size_t nrows, size_t nsteps,
		const uint32_t valid[QN_TURNED], struct qn_turned *out));

#endif
