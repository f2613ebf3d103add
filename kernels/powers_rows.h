/*
 * powers_rows.h - the loops of powers over many rows, compiled once per instruction set.
 */
#ifndef QN_KERNELS_POWERS_ROWS_H
#define QN_KERNELS_POWERS_ROWS_H

#include "base/isa.h"
#include "quern_kernel.h"

/* Elements of many rows: that of step s and place i is values[s * stride + i], of row i, or of row
   row[i]. */
struct qn_powers_rows {
	enum quern_dtype dtype;
	const void *values;    /* of any alignment */
	const uint64_t *valid; /* NULL: all are valid */
	uint64_t bit;	       /* in valid, of values[0] */
	size_t n, nsteps;
	size_t stride;
	const uint32_t *row; /* NULL: side by side */
};

/* Lowers min and raises max, keys of a row each, to those of the valid elements that are not NaN. */
QN_ISA_DECLARE(void, qn_powers_extremes,
	       (const struct qn_powers_rows *r, int64_t *min, int64_t *max));

typedef void qn_powers_extremes_fn(const struct qn_powers_rows *r, int64_t *min, int64_t *max);

#endif
