/*
 * part_simd.h - loops over the elements of many rows, compiled once per instruction set.
 */
#ifndef QN_ELEMENTS_PART_SIMD_H
#define QN_ELEMENTS_PART_SIMD_H

#include "base/isa.h"
#include "quern_kernel.h"

/* Elements of many rows: that of step s and place i is values[s * stride + i], of row i, or of row
   row[i]. */
struct qn_part_elements {
	enum quern_dtype dtype;
	const void *values;    /* of any alignment */
	const uint64_t *valid; /* NULL: all are valid */
	uint64_t bit;	       /* in valid, of values[0] */
	size_t n, nsteps;
	size_t stride;
	const uint32_t *row; /* NULL: side by side */
};

/* Steps of one place, side by side? */
static inline bool qn_part_is_one(const struct qn_part_elements *r)
{
	return r->n == 1 && r->stride == 1 && !r->row;
}

/* Lowers min and raises max, keys of a row each, to those of the valid elements that are not NaN. False: none of them
   is. */
QN_ISA_DECLARE(bool, qn_part_extremes,
	       (const struct qn_part_elements *r, int64_t *min, int64_t *max));

typedef bool qn_part_extremes_fn(const struct qn_part_elements *r, int64_t *min, int64_t *max);

/* How many elements of each row are not valid, of rows side by side, where some may not be: takes them from `in`, and
   adds those of them that are there to `out`. there: as r->valid; NULL: all are. */
QN_ISA_DECLARE(void, qn_part_counts,
	       (const struct qn_part_elements *r, const uint64_t *there, int64_t *in,
		int64_t *out));

typedef void qn_part_counts_fn(const struct qn_part_elements *r, const uint64_t *there, int64_t *in,
			       int64_t *out);

/* Adds the number of valid elements of each row that are NaN; of a floating-point type. */
QN_ISA_DECLARE(void, qn_part_nans, (const struct qn_part_elements *r, int64_t *nan));

typedef void qn_part_nans_fn(const struct qn_part_elements *r, int64_t *nan);

/* The keys (kernel/tile.h) of n values, of any alignment. */
QN_ISA_DECLARE(void, qn_part_keys,
	       (enum quern_dtype t, const void *values, size_t n, int64_t *key));

typedef void qn_part_keys_fn(enum quern_dtype t, const void *values, size_t n, int64_t *key);

#endif
