/*
 * power_parts.h - what power.c is made of: tiles of floating-point numbers, and of integers.
 */
#ifndef QN_EXACT_POWER_PARTS_H
#define QN_EXACT_POWER_PARTS_H

#include "base/isa.h"
#include "exact/power.h"

/* As qn_power_add; a tile may be empty, and then *e is undefined. */
bool qn_power_add_float(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			struct qn_extremes *e, void *scratch);
/* As qn_power_add. */
void qn_power_add_int(const struct qn_power *p, const void *values, size_t n, int64_t *words,
		      struct qn_extremes *e);

/* Adds the powers `first` to `last` of one number +-m * 2^unit. */
void qn_power_add_one(const struct qn_power *p, int64_t *words, uint64_t m, int unit, bool negative,
		      int first, int last);

/* Sums over a tile of integers: of power i + 1 it is lo[i] + 2^64 hi[i]. */
struct qn_int_sums {
	qn_i128 lo[4], hi[4];
	struct qn_extremes e;
};

/* Fills *out for the powers up to npowers, 1, 2 or 4, and the extremes if it is more than 1; of
   64-bit integers only up to 2. */
QN_ISA_DECLARE(void, qn_pass_int,
	       (enum quern_dtype t, int npowers, const void *values, size_t n,
		struct qn_int_sums *out));

#endif
