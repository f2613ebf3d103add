/*
 * power.h - exact sums of powers of the elements of tiles, and their extremes.
 *
 * A set of power sums is so many int64 words, which merge by addition: one accumulator (acc.h) for
 * each power, one after the other,
 *
 *	| sum of x | sum of x^2 | sum of x^3 | sum of x^4 |
 *	  order 1    order 2      order 4      order 4
 *
 * The words are canonical before and after each call.
 */
#ifndef QN_EXACT_POWER_H
#define QN_EXACT_POWER_H

#include "base/cpu.h"
#include "exact/acc.h"

#define QN_MAX_SCHEMES 4

struct qn_power {
	enum quern_dtype dtype;
	enum qn_cpu level;
	int npowers; /* 1, 2 or 4 */
	size_t nwords;
	size_t offset[4]; /* word where power i + 1 starts */
	struct qn_acc_form form[4];
	int width[QN_MAX_SCHEMES]; /* of the schemes (scheme.h) for floating-point types */
};

/* Floating-point types use f (-0 is below +0), signed integers i, unsigned ones u. */
union qn_scalar {
	double f;
	int64_t i;
	uint64_t u;
};

struct qn_extremes {
	union qn_scalar min, max;
};

/* Infinities and NaN, which are counted, not summed. The counts merge by addition. */
enum { QN_SPECIAL_NAN, QN_SPECIAL_PINF, QN_SPECIAL_NINF, QN_NSPECIALS };

/* order: 1, 2 or 4. */
void qn_power_init(struct qn_power *p, enum quern_dtype t, int order);

/* The segments of a state that are these sums; returns how many. */
int qn_power_segments(const struct qn_power *p, struct quern_segment *segments);

/* Bytes of scratch for qn_power_add and qn_power_add_special, 64-byte aligned. */
size_t qn_power_scratch_nbytes(const struct qn_power *p);
#define QN_POWER_MOST_SCRATCH (32 * QUERN_TILE_NELEMS) /* of any */

/*
 * Adds the powers of n values, 1 <= n <= QUERN_TILE_NELEMS, of any alignment, to the words, and
 * sets *e to their extremes if the order is 2 or 4 (else e may be NULL). False, with words as they
 * were and *e undefined, if there is an infinity or a NaN among them.
 */
bool qn_power_add(const struct qn_power *p, const void *values, size_t n, int64_t *words,
		  struct qn_extremes *e, void *scratch);

/* The same of those of n values that are valid (quern_var), of which there is one at least. False, with nothing added,
   too, where that is no less work than to pick them first. */
bool qn_power_add_valid(const struct qn_power *p, const void *values, const uint64_t *valid,
			size_t n, int64_t *words, struct qn_extremes *e, void *scratch);

/*
 * The same for floating-point values of which some are infinite or NaN: these are counted in
 * special, the extremes are those of all that are no NaN. Returns how many these are; if none, *e
 * is undefined.
 */
size_t qn_power_add_special(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			    int64_t special[QN_NSPECIALS], struct qn_extremes *e, void *scratch);

/* Makes the words canonical. */
void qn_power_normalize(const struct qn_power *p, int64_t *words);

#endif
