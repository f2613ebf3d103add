/*
 * scheme.h - which terms the bins of a pass hold, and when they are exact.
 *
 * A scheme describes a pass (lanes.h) well enough that one function decides whether it was exact,
 * and another adds its bins up. For a type and an order there are several, from the quick and
 * narrow to the slow and wide: the width of a scheme is the number of bits from the bound of the
 * magnitudes down to the unit that all elements are multiples of.
 */
#ifndef QN_EXACT_SCHEME_H
#define QN_EXACT_SCHEME_H

#include "exact/lanes.h"
#include "exact/power.h"

/* An exponent in terms of the bound g (all |x| < 2^g) and the unit u (all x multiples of 2^u). */
struct qn_exponents {
	int8_t g, u;
	int16_t c;
};

/* Terms of at most 2^top that are multiples of 2^unit; `times` their sum goes to a power. */
struct qn_bin {
	int8_t power, times;
	struct qn_term term;
	struct qn_exponents top, unit;
};

struct qn_scheme {
	qn_pass *const pass[3]; /* NULL: not at this level */
	int nsets;		/* vectors a bin: 1, 2 or 4 */
	bool bounded;		/* the pass needs the bound beforehand */
	bool integers;		/* elements are added as integers */
	int cap;		/* width beyond which products of parts would be rounded; 0: none */
	int nsplits;
	struct qn_exponents split[QN_MAX_SPLITS];
	int nbins;
	const struct qn_bin *bin;
};

/* The schemes of a floating-point type and an order that a level has, the narrowest first; returns how many, at
   most QN_MAX_SCHEMES. */
int qn_schemes(enum quern_dtype t, int npowers, enum qn_cpu level,
	       const struct qn_scheme *const **schemes);

/* Lanes of a bin, by the level that the pass is run at. */
size_t qn_scheme_nlanes(const struct qn_scheme *s, enum qn_cpu level);

/* Whether the pass can leave elements out (qn_cuts). */
bool qn_scheme_leaves_out(const struct qn_scheme *s, enum qn_cpu level);

/* Whether a pass over a tile with this bound is exact for elements below 2^top that are multiples
   of 2^unit. */
bool qn_scheme_holds(const struct qn_scheme *s, enum qn_cpu level, int bound, int top, int unit);

/* The width, for magnitudes far from the ends of the range of doubles. */
int qn_scheme_width(const struct qn_scheme *s, enum qn_cpu level);

/* What the pass needs for this bound. */
void qn_scheme_cuts(const struct qn_scheme *s, enum qn_cpu level, int bound, struct qn_cuts *cuts);

/* Adds the bins of a pass over elements that had been divided by 2^scale to power sums. */
void qn_scheme_add(const struct qn_scheme *s, const struct qn_power *p, int bound, int unit,
		   int scale, const struct qn_cuts *cuts, const struct qn_lanes *lanes,
		   int64_t *words);

#endif
