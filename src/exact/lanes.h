/*
 * lanes.h - error-free sums of powers of a tile of floating-point numbers, in vector lanes.
 *
 * A pass adds the tile, with plain floating-point instructions, into bins: each a term such as x,
 * x^2 or the product of two parts of x. Whether that was exact follows afterwards from the
 * magnitudes of the tile, which the pass finds on the way; if it was not, the bins are thrown
 * away.
 *
 * Let all terms of a bin be at most 2^t in magnitude and multiples of 2^v, and let a lane take at
 * most 2^a of them. There are two kinds of bin:
 *
 * - plain: lo += term. Every partial sum is a multiple of 2^v of at most 2^(t + a): a double, so no
 *   addition rounds, if t + a - v <= 53.
 *
 * - cut: hi starts at 1.5 * 2^(52 + k), k = t + a - 51. The terms cannot move it by more than
 *   2^(51 + k), so it stays within [2^52, 2^53] * 2^k, where doubles are the multiples of 2^k:
 *	next = fma(x, y, hi); lo += fma(x, y, -(next - hi)); hi = next;
 *   next - hi is exact, being a multiple of 2^k below 2^53 * 2^k. What is left of the term is at
 *   most 2^(k - 1) and a multiple of 2^v, so a plain bin holds it if k - 1 + a - v <= 53, that is
 *   t + 2 a - v <= 105. The bits of hi, read as an integer, less those it started with, are the
 *   sum in units of 2^k: lanes add without rounding as integers.
 *
 * Bins of integers do without: where all elements are multiples of 2^v below 2^(v + 26), a pass may multiply
 * them by 2^-v and add integers of 64 bits, that at most 2^10 products of 52 bits do not overflow. The bits of
 * hi are the sum then.
 *
 * A term of two factors is never rounded by itself; nor is x * x of float32, which is a double.
 * Numbers are split like this: high = (x + s) - s, low = x - high, with s = 1.5 * 2^(52 + w): high
 * is a multiple of 2^w, low at most 2^(w - 1), and both are exact.
 */
#ifndef QN_EXACT_LANES_H
#define QN_EXACT_LANES_H

#include "base/isa.h"
#include "quern_kernel.h"

#define QN_MAX_BINS   36
#define QN_MAX_SPLITS 2
#define QN_MAX_LANES  32
/* Bits of the elements that passes add as integers. */
#define QN_INTEGER_NBITS 26

enum qn_bin_kind { QN_BIN_PLAIN, QN_BIN_CUT, QN_BIN_INTEGER };

/* The terms of a bin: a part, or the product of two, of those that a pass splits elements into. */
struct qn_term {
	uint8_t kind, x, y; /* y: QN_NO_PART if there is one only */
};

#define QN_NO_PART 255

/* What a pass needs to know of its scheme (scheme.h). */
struct qn_cuts {
	int nbins;
	double start[QN_MAX_BINS];   /* what hi starts at */
	double split[QN_MAX_SPLITS]; /* the constants that split */
	double scale;		     /* what makes integers of elements */
	/* Borrows: of which elements (quern_var), for a pass that can leave others out; NULL: of all. */
	const uint64_t *valid;
	struct qn_term term[QN_MAX_BINS];
};

struct qn_lanes {
	/* Bits of the largest magnitude and of the smallest that is not zero, in the format of the
	   input; smallest is UINT64_MAX when all are zero. largest is UINT64_MAX when a pass over some of the elements
	   could not tell. NaN is above infinity in float32, and
	   goes unnoticed in float64, where lo or hi of bin 0 shows it. */
	uint64_t largest, smallest;
	/* Of the passes that say so: the extremes, -0 below +0. Undefined with NaN. */
	double min, max;
	double hi[QN_MAX_BINS][QN_MAX_LANES];
	double lo[QN_MAX_BINS][QN_MAX_LANES];
};

/* Of each bin the first lanes are used: as many vectors as the pass likes (scheme.h). */
typedef void qn_pass(const void *x, size_t n, const struct qn_cuts *cuts, struct qn_lanes *out);

/* Doubles in a vector, by level. */
QN_ISA_DECLARE(size_t, qn_vector_ndoubles, (void));

#define QN_DECLARE_PASS(NAME) \
	QN_ISA_DECLARE(       \
		void, NAME,   \
		(const void *x, size_t n, const struct qn_cuts *cuts, struct qn_lanes *out))

/* The quick ones. Bins: x. */
QN_DECLARE_PASS(qn_pass_f32_sum);
QN_DECLARE_PASS(qn_pass_f64_sum);
QN_DECLARE_PASS(qn_pass_f32_wide_sum);
/* x, x^2; extremes. */
QN_DECLARE_PASS(qn_pass_f32_order2);
/* The same, and further 2^26 a x, b x, 2^52 a^2, 2^26 a b, b^2, where x^2 = 2^26 a + b: integers; extremes. With
   AVX-512 they can leave elements out. */
QN_DECLARE_PASS(qn_pass_f32_integers2);
QN_DECLARE_PASS(qn_pass_f32_integers4);
/* x, c, d, where x^2 = c + d; extremes. */
QN_DECLARE_PASS(qn_pass_f32_wide_order2);
/* a, t, a^2, a t, t^2, where x = a + t; extremes. */
QN_DECLARE_PASS(qn_pass_f64_order2);

/*
 * The others: an element is split into parts, and the bins are what cuts->term says. All give
 * extremes. Of float32: x; q = x^2 = c + d; d = d1 + d2. Each gives the parts up to some number.
 */
enum { QN_F32_X, QN_F32_Q, QN_F32_C, QN_F32_D, QN_F32_D1, QN_F32_D2, QN_F32_NPARTS };

QN_DECLARE_PASS(qn_pass_f32_cd);
QN_DECLARE_PASS(qn_pass_f32_cd1d2);

/* Of float64: x = a + t, t = b + c, and products of these. */
enum {
	QN_F64_A,
	QN_F64_T,
	QN_F64_B,
	QN_F64_C,
	QN_F64_AA,
	QN_F64_AB,
	QN_F64_BB,
	QN_F64_AC,
	QN_F64_BC,
	QN_F64_CC,
	QN_F64_NPARTS
};

QN_DECLARE_PASS(qn_pass_f64_at);
QN_DECLARE_PASS(qn_pass_f64_abc);
QN_DECLARE_PASS(qn_pass_f64_products);

#endif
