/*
 * scheme.c - tables of what bins hold, and the arithmetic on them.
 */
#include "exact/scheme.h"

#include "exact/bits.h"

#define PLAIN(part)                            \
	{                                      \
		QN_BIN_PLAIN, part, QN_NO_PART \
	}
#define CUT(part)                            \
	{                                    \
		QN_BIN_CUT, part, QN_NO_PART \
	}
#define PRODUCT(p0, p1)            \
	{                          \
		QN_BIN_CUT, p0, p1 \
	}
#define INTEGER                                        \
	{                                              \
		QN_BIN_INTEGER, QN_NO_PART, QN_NO_PART \
	}
#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

/* --- float32 --- */

static const struct qn_bin f32_x_bins[] = {
	{ 1, 1, PLAIN(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
};

static const struct qn_bin f32_x_wide_bins[] = {
	{ 1, 1, CUT(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
};

static const struct qn_bin f32_integers_bins[] = {
	{ 1, 1, INTEGER, { 1, 0, 0 }, { 1, 0, -26 } },
	{ 2, 1, INTEGER, { 2, 0, 0 }, { 2, 0, -52 } },
	{ 3, 1, INTEGER, { 3, 0, 0 }, { 3, 0, -52 } },
	{ 3, 1, INTEGER, { 3, 0, -26 }, { 3, 0, -78 } },
	{ 4, 1, INTEGER, { 4, 0, 0 }, { 4, 0, -52 } },
	{ 4, 2, INTEGER, { 4, 0, -26 }, { 4, 0, -78 } },
	{ 4, 1, INTEGER, { 4, 0, -52 }, { 4, 0, -104 } },
};

static const struct qn_bin f32_order2_bins[] = {
	{ 1, 1, PLAIN(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
	{ 2, 1, CUT(QN_F32_Q), { 2, 0, 0 }, { 0, 2, 0 } },
};

/* c: multiples of 2^(2g - 42). */
static const struct qn_bin f32_order2_wide_bins[] = {
	{ 1, 1, CUT(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
	{ 2, 1, PLAIN(QN_F32_C), { 2, 0, 0 }, { 2, 0, -42 } },
	{ 2, 1, CUT(QN_F32_D), { 2, 0, -43 }, { 0, 2, 0 } },
};

/* c: multiples of 2^(2g - 24), here and below. */
static const struct qn_bin f32_order4_bins[] = {
	{ 1, 1, PLAIN(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
	{ 2, 1, PLAIN(QN_F32_C), { 2, 0, 0 }, { 2, 0, -24 } },
	{ 2, 1, PLAIN(QN_F32_D), { 2, 0, -25 }, { 0, 2, 0 } },
	{ 3, 1, PRODUCT(QN_F32_Q, QN_F32_X), { 3, 0, 0 }, { 0, 3, 0 } },
	{ 4, 1, PRODUCT(QN_F32_Q, QN_F32_C), { 4, 0, 0 }, { 2, 2, -24 } },
	{ 4, 1, PRODUCT(QN_F32_Q, QN_F32_D), { 4, 0, -25 }, { 0, 4, 0 } },
};

static const struct qn_bin f32_order4_wide_bins[] = {
	{ 1, 1, PLAIN(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
	{ 2, 1, PLAIN(QN_F32_C), { 2, 0, 0 }, { 2, 0, -24 } },
	{ 2, 1, PLAIN(QN_F32_D), { 2, 0, -25 }, { 0, 2, 0 } },
	{ 3, 1, PRODUCT(QN_F32_C, QN_F32_X), { 3, 0, 0 }, { 2, 1, -24 } },
	{ 3, 1, PRODUCT(QN_F32_D, QN_F32_X), { 3, 0, -25 }, { 0, 3, 0 } },
	{ 4, 1, PRODUCT(QN_F32_C, QN_F32_C), { 4, 0, 0 }, { 4, 0, -48 } },
	{ 4, 2, PRODUCT(QN_F32_C, QN_F32_D), { 4, 0, -25 }, { 2, 2, -24 } },
	{ 4, 1, PRODUCT(QN_F32_D, QN_F32_D), { 4, 0, -50 }, { 0, 4, 0 } },
};

/* d1: multiples of 2^(2g - 49). */
static const struct qn_bin f32_order4_widest_bins[] = {
	{ 1, 1, PLAIN(QN_F32_X), { 1, 0, 0 }, { 0, 1, 0 } },
	{ 2, 1, PLAIN(QN_F32_C), { 2, 0, 0 }, { 2, 0, -24 } },
	{ 2, 1, PLAIN(QN_F32_D1), { 2, 0, -25 }, { 2, 0, -49 } },
	{ 2, 1, PLAIN(QN_F32_D2), { 2, 0, -50 }, { 0, 2, 0 } },
	{ 3, 1, PRODUCT(QN_F32_C, QN_F32_X), { 3, 0, 0 }, { 2, 1, -24 } },
	{ 3, 1, PRODUCT(QN_F32_D1, QN_F32_X), { 3, 0, -25 }, { 2, 1, -49 } },
	{ 3, 1, PRODUCT(QN_F32_D2, QN_F32_X), { 3, 0, -50 }, { 0, 3, 0 } },
	{ 4, 1, PRODUCT(QN_F32_C, QN_F32_C), { 4, 0, 0 }, { 4, 0, -48 } },
	{ 4, 2, PRODUCT(QN_F32_C, QN_F32_D), { 4, 0, -25 }, { 2, 2, -24 } },
	{ 4, 1, PRODUCT(QN_F32_D1, QN_F32_D1), { 4, 0, -50 }, { 4, 0, -98 } },
	{ 4, 2, PRODUCT(QN_F32_D1, QN_F32_D2), { 4, 0, -75 }, { 2, 2, -49 } },
	{ 4, 1, PRODUCT(QN_F32_D2, QN_F32_D2), { 4, 0, -100 }, { 0, 4, 0 } },
};

/* --- float64 --- */

static const struct qn_bin f64_x_bins[] = {
	{ 1, 1, { QN_BIN_CUT, 0, QN_NO_PART }, { 1, 0, 0 }, { 0, 1, 0 } },
};

/* a: multiples of 2^(g - 44). */
static const struct qn_bin f64_x_wide_bins[] = {
	{ 1, 1, PLAIN(QN_F64_A), { 1, 0, 0 }, { 1, 0, -44 } },
	{ 1, 1, CUT(QN_F64_T), { 1, 0, -45 }, { 0, 1, 0 } },
};

/* a: multiples of 2^(g - 26), here and next. */
static const struct qn_bin f64_order2_bins[] = {
	{ 1, 1, PLAIN(QN_F64_A), { 1, 0, 0 }, { 1, 0, -26 } },
	{ 1, 1, PLAIN(QN_F64_T), { 1, 0, -27 }, { 0, 1, 0 } },
	{ 2, 1, PRODUCT(QN_F64_A, QN_F64_A), { 2, 0, 0 }, { 2, 0, -52 } },
	{ 2, 2, PRODUCT(QN_F64_A, QN_F64_T), { 2, 0, -27 }, { 1, 1, -26 } },
	{ 2, 1, PRODUCT(QN_F64_T, QN_F64_T), { 2, 0, -54 }, { 0, 2, 0 } },
};

/* b: multiples of 2^(g - 53). */
static const struct qn_bin f64_order2_wide_bins[] = {
	{ 1, 1, PLAIN(QN_F64_A), { 1, 0, 0 }, { 1, 0, -26 } },
	{ 1, 1, PLAIN(QN_F64_B), { 1, 0, -27 }, { 1, 0, -53 } },
	{ 1, 1, PLAIN(QN_F64_C), { 1, 0, -54 }, { 0, 1, 0 } },
	{ 2, 1, PRODUCT(QN_F64_A, QN_F64_A), { 2, 0, 0 }, { 2, 0, -52 } },
	{ 2, 2, PRODUCT(QN_F64_A, QN_F64_T), { 2, 0, -27 }, { 1, 1, -26 } },
	{ 2, 1, PRODUCT(QN_F64_B, QN_F64_B), { 2, 0, -54 }, { 2, 0, -106 } },
	{ 2, 2, PRODUCT(QN_F64_B, QN_F64_C), { 2, 0, -81 }, { 1, 1, -53 } },
	{ 2, 1, PRODUCT(QN_F64_C, QN_F64_C), { 2, 0, -108 }, { 0, 2, 0 } },
};

/* The expansions of (a + b + c)^k. a: multiples of 2^(g - 21), b: of 2^(g - 43). Fourth powers of
   parts of more bits would not fit a cut bin. */
static const struct qn_bin f64_order4_bins[] = {
	{ 1, 1, PLAIN(QN_F64_A), { 1, 0, 0 }, { 1, 0, -21 } },
	{ 1, 1, PLAIN(QN_F64_B), { 1, 0, -22 }, { 1, 0, -43 } },
	{ 1, 1, PLAIN(QN_F64_C), { 1, 0, -44 }, { 0, 1, 0 } },

	{ 2, 1, PLAIN(QN_F64_AA), { 2, 0, 0 }, { 2, 0, -42 } },
	{ 2, 2, PLAIN(QN_F64_AB), { 2, 0, -22 }, { 2, 0, -64 } },
	{ 2, 1, PLAIN(QN_F64_BB), { 2, 0, -44 }, { 2, 0, -86 } },
	{ 2, 2, PLAIN(QN_F64_AC), { 2, 0, -44 }, { 1, 1, -21 } },
	{ 2, 2, PLAIN(QN_F64_BC), { 2, 0, -66 }, { 1, 1, -43 } },
	{ 2, 1, PLAIN(QN_F64_CC), { 2, 0, -88 }, { 0, 2, 0 } },

	{ 3, 1, PRODUCT(QN_F64_AA, QN_F64_A), { 3, 0, 0 }, { 3, 0, -63 } },
	{ 3, 3, PRODUCT(QN_F64_AA, QN_F64_B), { 3, 0, -22 }, { 3, 0, -85 } },
	{ 3, 3, PRODUCT(QN_F64_AB, QN_F64_B), { 3, 0, -44 }, { 3, 0, -107 } },
	{ 3, 1, PRODUCT(QN_F64_BB, QN_F64_B), { 3, 0, -66 }, { 3, 0, -129 } },
	{ 3, 3, PRODUCT(QN_F64_AA, QN_F64_C), { 3, 0, -44 }, { 2, 1, -42 } },
	{ 3, 6, PRODUCT(QN_F64_AB, QN_F64_C), { 3, 0, -66 }, { 2, 1, -64 } },
	{ 3, 3, PRODUCT(QN_F64_BB, QN_F64_C), { 3, 0, -88 }, { 2, 1, -86 } },
	{ 3, 3, PRODUCT(QN_F64_AC, QN_F64_C), { 3, 0, -88 }, { 1, 2, -21 } },
	{ 3, 3, PRODUCT(QN_F64_BC, QN_F64_C), { 3, 0, -110 }, { 1, 2, -43 } },
	{ 3, 1, PRODUCT(QN_F64_CC, QN_F64_C), { 3, 0, -132 }, { 0, 3, 0 } },

	{ 4, 1, PRODUCT(QN_F64_AA, QN_F64_AA), { 4, 0, 0 }, { 4, 0, -84 } },
	{ 4, 4, PRODUCT(QN_F64_AA, QN_F64_AB), { 4, 0, -22 }, { 4, 0, -106 } },
	{ 4, 6, PRODUCT(QN_F64_AA, QN_F64_BB), { 4, 0, -44 }, { 4, 0, -128 } },
	{ 4, 4, PRODUCT(QN_F64_AB, QN_F64_BB), { 4, 0, -66 }, { 4, 0, -150 } },
	{ 4, 1, PRODUCT(QN_F64_BB, QN_F64_BB), { 4, 0, -88 }, { 4, 0, -172 } },
	{ 4, 4, PRODUCT(QN_F64_AA, QN_F64_AC), { 4, 0, -44 }, { 3, 1, -63 } },
	{ 4, 12, PRODUCT(QN_F64_AA, QN_F64_BC), { 4, 0, -66 }, { 3, 1, -85 } },
	{ 4, 12, PRODUCT(QN_F64_AB, QN_F64_BC), { 4, 0, -88 }, { 3, 1, -107 } },
	{ 4, 4, PRODUCT(QN_F64_BB, QN_F64_BC), { 4, 0, -110 }, { 3, 1, -129 } },
	{ 4, 6, PRODUCT(QN_F64_AA, QN_F64_CC), { 4, 0, -88 }, { 2, 2, -42 } },
	{ 4, 12, PRODUCT(QN_F64_AB, QN_F64_CC), { 4, 0, -110 }, { 2, 2, -64 } },
	{ 4, 6, PRODUCT(QN_F64_BB, QN_F64_CC), { 4, 0, -132 }, { 2, 2, -86 } },
	{ 4, 4, PRODUCT(QN_F64_AC, QN_F64_CC), { 4, 0, -132 }, { 1, 3, -21 } },
	{ 4, 4, PRODUCT(QN_F64_BC, QN_F64_CC), { 4, 0, -154 }, { 1, 3, -43 } },
	{ 4, 1, PRODUCT(QN_F64_CC, QN_F64_CC), { 4, 0, -176 }, { 0, 4, 0 } },
};

_Static_assert(COUNT(f64_order4_bins) <= QN_MAX_BINS, "bins");

/* --- schemes --- */

/* The least that passes over integers need is AVX2. */
#ifdef QN_MULTI_ISA
#define INTEGER_PASS(name)                       \
	{                                        \
		NULL, name##_avx2, name##_avx512 \
	}
#else
#define INTEGER_PASS(name) \
	{                  \
		NULL       \
	}
#endif
#define SCHEME(PASS, NSETS, BINS) \
	.pass = QN_ISA_TABLE(PASS), .nsets = NSETS, .nbins = COUNT(BINS), .bin = BINS

static const struct qn_scheme f32_x = { SCHEME(qn_pass_f32_sum, 4, f32_x_bins) };
static const struct qn_scheme f32_x_wide = {
	SCHEME(qn_pass_f32_wide_sum, 2, f32_x_wide_bins),
	.bounded = true,
};
static const struct qn_scheme f32_integers2 = {
	.pass = INTEGER_PASS(qn_pass_f32_integers2),
	.nsets = 1,
	.bounded = true,
	.integers = true,
	.nbins = 2,
	.bin = f32_integers_bins,
};
static const struct qn_scheme f32_integers4 = {
	.pass = INTEGER_PASS(qn_pass_f32_integers4),
	.nsets = 1,
	.bounded = true,
	.integers = true,
	.nbins = COUNT(f32_integers_bins),
	.bin = f32_integers_bins,
};
static const struct qn_scheme f32_order2 = {
	SCHEME(qn_pass_f32_order2, 2, f32_order2_bins),
	.bounded = true,
};
static const struct qn_scheme f32_order2_wide = {
	SCHEME(qn_pass_f32_wide_order2, 1, f32_order2_wide_bins),
	.bounded = true,
	.nsplits = 1,
	.split = { { 2, 0, -42 } },
};
static const struct qn_scheme f32_order4 = {
	SCHEME(qn_pass_f32_cd, 4, f32_order4_bins),
	.bounded = true,
	.nsplits = 1,
	.split = { { 2, 0, -24 } },
};
static const struct qn_scheme f32_order4_wide = {
	SCHEME(qn_pass_f32_cd, 4, f32_order4_wide_bins),
	.bounded = true,
	.nsplits = 1,
	.split = { { 2, 0, -24 } },
};
static const struct qn_scheme f32_order4_widest = {
	SCHEME(qn_pass_f32_cd1d2, 4, f32_order4_widest_bins),
	.bounded = true,
	.nsplits = 2,
	.split = { { 2, 0, -24 }, { 2, 0, -49 } },
};
static const struct qn_scheme f64_x = {
	SCHEME(qn_pass_f64_sum, 2, f64_x_bins),
	.bounded = true,
};
static const struct qn_scheme f64_x_wide = {
	SCHEME(qn_pass_f64_at, 4, f64_x_wide_bins),
	.bounded = true,
	.nsplits = 1,
	.split = { { 1, 0, -44 } },
};
static const struct qn_scheme f64_order2 = {
	SCHEME(qn_pass_f64_order2, 1, f64_order2_bins),
	.bounded = true,
	.nsplits = 1,
	.split = { { 1, 0, -26 } },
};
static const struct qn_scheme f64_order2_wide = {
	SCHEME(qn_pass_f64_abc, 4, f64_order2_wide_bins),
	.bounded = true,
	.nsplits = 2,
	.split = { { 1, 0, -26 }, { 1, 0, -53 } },
};
/* The product c c is at most 2^(2g - 88): a double as long as it is a multiple of 2^(2g - 141). */
static const struct qn_scheme f64_order4 = {
	SCHEME(qn_pass_f64_products, 4, f64_order4_bins), .bounded = true, .cap = 70, .nsplits = 2,
	.split = { { 1, 0, -21 }, { 1, 0, -43 } },
};

static const struct family {
	enum quern_dtype t;
	int npowers, nschemes;
	const struct qn_scheme *scheme[QN_MAX_SCHEMES];
} families[] = {
	{ QUERN_F32, 1, 2, { &f32_x, &f32_x_wide } },
	{ QUERN_F32, 2, 3, { &f32_integers2, &f32_order2, &f32_order2_wide } },
	{ QUERN_F32, 4, 4, { &f32_integers4, &f32_order4, &f32_order4_wide, &f32_order4_widest } },
	{ QUERN_F64, 1, 2, { &f64_x, &f64_x_wide } },
	{ QUERN_F64, 2, 2, { &f64_order2, &f64_order2_wide } },
	{ QUERN_F64, 4, 1, { &f64_order4 } },
};

int qn_schemes(enum quern_dtype t, int npowers, enum qn_cpu level,
	       const struct qn_scheme *const **schemes)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct family *f = &families[i];

		if (f->t == t && f->npowers == npowers) {
			const int first = f->scheme[0]->pass[level] ? 0 : 1;

			*schemes = f->scheme + first;
			return f->nschemes - first;
		}
	}
	return 0;
}

/* --- exactness --- */

static int at(struct qn_exponents s, int bound, int unit)
{
	return s.g * bound + s.u * unit + s.c;
}

size_t qn_scheme_nlanes(const struct qn_scheme *s, enum qn_cpu level)
{
	static size_t (*const ndoubles[])(void) = QN_ISA_TABLE(qn_vector_ndoubles);

	return ndoubles[level]() * (size_t)s->nsets;
}

/* log2 of the terms that a lane takes of a whole tile: both numbers are powers of two. */
static int log2_adds(const struct qn_scheme *s, enum qn_cpu level)
{
	return __builtin_ctzll(QUERN_TILE_NELEMS / qn_scheme_nlanes(s, level));
}

/* Exponent of the unit of a cut bin's hi. */
static int cut_unit(const struct qn_bin *b, int adds, int bound)
{
	return at(b->top, bound, 0) + adds - 51;
}

static double cut_start(int unit)
{
	return 1.5 * qn_pow2(52 + unit);
}

/* Whether 1.5 * 2^(52 + unit), and what it grows to, is a normal number. */
static bool startable(int unit)
{
	return unit >= QN_F64_MIN_EXP && unit <= 1023 - 54;
}

/* See lanes.h. */
static bool bin_holds(const struct qn_bin *b, int adds, int bound, int unit)
{
	int top = at(b->top, bound, unit), term = at(b->unit, bound, unit);

	if (term < QN_F64_MIN_EXP)
		return false;
	if (b->term.kind == QN_BIN_INTEGER)
		return true;
	if (b->term.kind == QN_BIN_PLAIN)
		return top + adds - term <= 53 && top + adds < 1023;
	return top + 2 * adds - term <= 105 && startable(cut_unit(b, adds, bound));
}

/* Whether elements of a float32 tile are integers in units that float32 has, and the factor that makes them so
   is one too. */
static bool are_integers(int bound, int unit)
{
	const int least = bound - QN_INTEGER_NBITS;

	return unit >= least && -least <= 127 && -least >= -126;
}

bool qn_scheme_leaves_out(const struct qn_scheme *s, enum qn_cpu level)
{
	return s->integers && level == QN_CPU_AVX512;
}

bool qn_scheme_holds(const struct qn_scheme *s, enum qn_cpu level, int bound, int top, int unit)
{
	const int adds = log2_adds(s, level);

	if (top > bound || (s->cap && bound - unit > s->cap))
		return false;
	if (s->integers && !are_integers(bound, unit))
		return false;
	for (int i = 0; i < s->nsplits; i++)
		if (!startable(at(s->split[i], bound, 0)))
			return false;
	for (int i = 0; i < s->nbins; i++)
		if (!bin_holds(&s->bin[i], adds, bound, unit))
			return false;
	return true;
}

int qn_scheme_width(const struct qn_scheme *s, enum qn_cpu level)
{
	int width = 0;

	while (qn_scheme_holds(s, level, 0, 0, -(width + 1)))
		width++;
	return width;
}

void qn_scheme_cuts(const struct qn_scheme *s, enum qn_cpu level, int bound, struct qn_cuts *cuts)
{
	const int adds = log2_adds(s, level);

	cuts->nbins = s->nbins;
	cuts->valid = NULL;
	cuts->scale = s->integers ? qn_pow2(QN_INTEGER_NBITS - bound) : 1;
	for (int i = 0; i < QN_MAX_SPLITS; i++)
		cuts->split[i] = i < s->nsplits ? cut_start(at(s->split[i], bound, 0)) : 0;
	for (int i = 0; i < s->nbins; i++) {
		cuts->term[i] = s->bin[i].term;
		cuts->start[i] = cut_start(cut_unit(&s->bin[i], adds, bound));
	}
}

/* --- adding up --- */

static qn_i128 sum_hi(const double *lane, size_t nlanes, double start)
{
	qn_i128 sum = 0;

	for (size_t i = 0; i < nlanes; i++)
		sum += (int64_t)(qn_bits64(lane[i]) - qn_bits64(start));
	return sum;
}

/* In units of 2^unit. Two factors: one may not be a double. */
static int64_t sum_lo(const double *lane, size_t nlanes, int unit)
{
	const double f0 = qn_pow2(-unit / 2), f1 = qn_pow2(-unit - -unit / 2);
	int64_t sum = 0;

	for (size_t i = 0; i < nlanes; i++)
		sum += (int64_t)(lane[i] * f0 * f1);
	return sum;
}

void qn_scheme_add(const struct qn_scheme *s, const struct qn_power *p, int bound, int unit,
		   int scale, const struct qn_cuts *cuts, const struct qn_lanes *lanes,
		   int64_t *words)
{
	const size_t nlanes = qn_scheme_nlanes(s, p->level);
	const int adds = log2_adds(s, p->level);

	for (int i = 0; i < s->nbins; i++) {
		const struct qn_bin *b = &s->bin[i];
		const struct qn_acc_form *f = &p->form[b->power - 1];
		int64_t *limb = words + p->offset[b->power - 1];
		int shift = b->power * scale, term = at(b->unit, bound, unit);

		if (b->term.kind == QN_BIN_INTEGER) {
			qn_acc_add(f, limb, sum_hi(lanes->hi[i], nlanes, 0) * b->times,
				   term + shift);
			continue;
		}
		if (b->term.kind == QN_BIN_CUT)
			qn_acc_add(f, limb, sum_hi(lanes->hi[i], nlanes, cuts->start[i]) * b->times,
				   cut_unit(b, adds, bound) + shift);
		qn_acc_add(f, limb, (qn_i128)sum_lo(lanes->lo[i], nlanes, term) * b->times,
			   term + shift);
	}
}
