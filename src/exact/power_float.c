/*
 * power_float.c - power sums of floating-point tiles.
 *
 * A plan says which terms the bins of a pass hold (lanes.h), so that one function decides whether a
 * pass was exact, and another adds the bins up. A pass needs to know beforehand a bound on the
 * magnitudes: it is guessed from a sample of the tile, and the pass repeated in case it was wrong.
 * A tile whose magnitudes are too far apart for any bound is taken apart into bands of magnitude.
 */
#include "exact/power_parts.h"

#include "exact/bits.h"
#include "exact/lanes.h"

/* Elements looked at for the guess, and what it is raised by, in bits. */
#define SAMPLE 64
/* A tile with more bands than this, and what is left of few elements, is added one by one. */
#define MAX_BANDS 6
#define FEW 12

/* An exponent in terms of the bound g (all |x| < 2^g) and the unit u (all x multiples of 2^u). */
struct span {
	int8_t g, u;
	int16_t c;
};

/* What a bin holds: terms of at most 2^top that are multiples of 2^unit; their sum, times 2^shift,
   goes to a power. */
struct bin {
	int8_t power, shift;
	bool cut;
	struct span top, unit;
};

struct plan {
	qn_pass *const pass[3];
	int npowers;		/* all powers up to this */
	int nsets;		/* vectors a bin */
	int log2_adds;		/* of terms a lane may take */
	bool bounded;		/* the pass needs the bound */
	int slack;		/* bits added to the bound of the sample */
	int nsplits, nbins;
	struct span split[QN_MAX_SPLITS];
	struct bin bin[12];
};

static const struct plan f32_sum = {
	.pass = QN_ISA_TABLE(qn_pass_f32_sum),
	.npowers = 1,
	.nsets = 4,
	.log2_adds = 9,
	.nbins = 1,
	.bin = { { 1, 0, false, { 1, 0, 0 }, { 0, 1, 0 } } },
};

static const struct plan f32_order2 = {
	.pass = QN_ISA_TABLE(qn_pass_f32_order2),
	.npowers = 2,
	.nsets = 2,
	.log2_adds = 9,
	.bounded = true,
	.slack = 1,
	.nbins = 2,
	.bin = {
		{ 1, 0, false, { 1, 0, 0 }, { 0, 1, 0 } },
		{ 2, 0, true, { 2, 0, 0 }, { 0, 2, 0 } },
	},
};

/* x^2 = c + d1 + d2: c a multiple of 2^(2g - 24), d1 of 2^(2g - 49). */
static const struct plan f32_order4 = {
	.pass = QN_ISA_TABLE(qn_pass_f32_order4),
	.npowers = 4,
	.nsets = 1,
	.log2_adds = 10,
	.bounded = true,
	.slack = 1,
	.nsplits = 2,
	.split = { { 2, 0, -24 }, { 2, 0, -49 } },
	.nbins = 12,
	.bin = {
		{ 1, 0, false, { 1, 0, 0 }, { 0, 1, 0 } },		/* x */
		{ 2, 0, false, { 2, 0, 0 }, { 2, 0, -24 } },		/* c */
		{ 2, 0, false, { 2, 0, -25 }, { 2, 0, -49 } },		/* d1 */
		{ 2, 0, false, { 2, 0, -50 }, { 0, 2, 0 } },		/* d2 */
		{ 3, 0, true, { 3, 0, 0 }, { 2, 1, -24 } },		/* c x */
		{ 3, 0, true, { 3, 0, -25 }, { 2, 1, -49 } },		/* d1 x */
		{ 3, 0, true, { 3, 0, -50 }, { 0, 3, 0 } },		/* d2 x */
		{ 4, 0, true, { 4, 0, 0 }, { 4, 0, -48 } },		/* c c */
		{ 4, 1, true, { 4, 0, -25 }, { 2, 2, -24 } },		/* c (d1 + d2) */
		{ 4, 0, true, { 4, 0, -50 }, { 4, 0, -98 } },		/* d1 d1 */
		{ 4, 1, true, { 4, 0, -75 }, { 2, 2, -49 } },		/* d1 d2 */
		{ 4, 0, true, { 4, 0, -100 }, { 0, 4, 0 } },		/* d2 d2 */
	},
};

static const struct plan f64_sum = {
	.pass = QN_ISA_TABLE(qn_pass_f64_sum),
	.npowers = 1,
	.nsets = 2,
	.log2_adds = 9,
	.bounded = true,
	.slack = 3,
	.nbins = 1,
	.bin = { { 1, 0, true, { 1, 0, 0 }, { 0, 1, 0 } } },
};

/* x = a + b: a a multiple of 2^(g - 26). */
static const struct plan f64_order2 = {
	.pass = QN_ISA_TABLE(qn_pass_f64_order2),
	.npowers = 2,
	.nsets = 1,
	.log2_adds = 10,
	.bounded = true,
	.slack = 1,
	.nsplits = 1,
	.split = { { 1, 0, -26 } },
	.nbins = 5,
	.bin = {
		{ 1, 0, false, { 1, 0, 0 }, { 1, 0, -26 } },		/* a */
		{ 1, 0, false, { 1, 0, -27 }, { 0, 1, 0 } },		/* b */
		{ 2, 0, true, { 2, 0, 0 }, { 2, 0, -52 } },		/* a a */
		{ 2, 1, true, { 2, 0, -27 }, { 1, 1, -26 } },		/* a b */
		{ 2, 0, true, { 2, 0, -54 }, { 0, 2, 0 } },		/* b b */
	},
};

union values {
	float f32[QUERN_TILE_NELEMS];
	double f64[QUERN_TILE_NELEMS];
};

struct scratch {
	struct qn_lanes lanes;
	struct qn_cuts cuts;
	union values band, rest;
	union values finite;
};

/* What does not change within a tile. */
struct job {
	const struct qn_power *p;
	const struct plan *plan;
	size_t nlanes;
	int64_t *words;
	struct scratch *s;
};

size_t qn_power_scratch_nbytes(const struct qn_power *p)
{
	return p->dtype == QUERN_F32 || p->dtype == QUERN_F64 ? sizeof(struct scratch) : 0;
}

/* --- elements --- */

static bool is_f32(const struct job *j)
{
	return j->p->dtype == QUERN_F32;
}

static size_t element_size(const struct job *j)
{
	return is_f32(j) ? sizeof(float) : sizeof(double);
}

static uint32_t magnitude32(const void *values, size_t i)
{
	uint32_t bits;

	memcpy(&bits, (const char *)values + i * sizeof(bits), sizeof(bits));
	return bits & 0x7fffffff;
}

static uint64_t magnitude64(const void *values, size_t i)
{
	uint64_t bits;

	memcpy(&bits, (const char *)values + i * sizeof(bits), sizeof(bits));
	return bits & INT64_MAX;
}

static double element(enum quern_dtype t, const void *values, size_t i)
{
	double x;
	float y;

	if (t == QUERN_F32) {
		memcpy(&y, (const char *)values + i * sizeof(y), sizeof(y));
		return (double)y;
	}
	memcpy(&x, (const char *)values + i * sizeof(x), sizeof(x));
	return x;
}

static uint64_t infinity_bits(const struct job *j)
{
	return is_f32(j) ? UINT64_C(0x7f800000) : UINT64_C(0x7ff) << 52;
}

static int top_of(const struct job *j, uint64_t bits)
{
	return is_f32(j) ? qn_f32_top((uint32_t)bits) : qn_f64_top(bits);
}

static int unit_of(const struct job *j, uint64_t bits)
{
	return is_f32(j) ? qn_f32_unit((uint32_t)bits) : qn_f64_unit(bits);
}

/* The largest magnitude of every stride-th element. */
static uint64_t largest(const struct job *j, const void *values, size_t n, size_t stride)
{
	uint64_t max64 = 0;
	uint32_t max32 = 0;

	if (is_f32(j)) {
		for (size_t i = 0; i < n; i += stride) {
			uint32_t m = magnitude32(values, i);

			max32 = m > max32 ? m : max32;
		}
		return max32;
	}
	for (size_t i = 0; i < n; i += stride) {
		uint64_t m = magnitude64(values, i);

		max64 = m > max64 ? m : max64;
	}
	return max64;
}

/* --- plans --- */

static int at(struct span s, int bound, int unit)
{
	return s.g * bound + s.u * unit + s.c;
}

/* Exponent of the unit of a cut bin's hi. */
static int cut_unit(const struct plan *plan, const struct bin *b, int bound)
{
	return at(b->top, bound, 0) + plan->log2_adds - 51;
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

/* Whether a bin is exact: see lanes.h. */
static bool bin_holds(const struct plan *plan, const struct bin *b, int bound, int unit)
{
	int top = at(b->top, bound, unit), term = at(b->unit, bound, unit);

	if (term < QN_F64_MIN_EXP)
		return false;
	if (!b->cut)
		return top + plan->log2_adds - term <= 53 && top + plan->log2_adds < 1023;
	return top + 2 * plan->log2_adds - term <= 105 && startable(cut_unit(plan, b, bound));
}

/* Whether a pass with this bound is exact for elements below 2^top that are multiples of 2^unit. */
static bool plan_holds(const struct plan *plan, int bound, int top, int unit)
{
	if (top > bound)
		return false;
	for (int i = 0; i < plan->nsplits; i++)
		if (!startable(at(plan->split[i], bound, 0)))
			return false;
	for (int i = 0; i < plan->nbins; i++)
		if (!bin_holds(plan, &plan->bin[i], bound, unit))
			return false;
	return true;
}

/* The most bits from the bound to the unit that a plan takes. */
static int plan_width(const struct plan *plan)
{
	int width = 24;

	while (plan_holds(plan, 0, 0, -(width + 1)))
		width++;
	return width;
}

static void run_pass(const struct job *j, const void *values, size_t n, int bound)
{
	const struct plan *plan = j->plan;
	struct qn_cuts *cuts = &j->s->cuts;

	for (int i = 0; i < plan->nsplits; i++)
		cuts->split[i] = cut_start(at(plan->split[i], bound, 0));
	for (int i = 0; i < plan->nbins; i++)
		cuts->start[i] = cut_start(cut_unit(plan, &plan->bin[i], bound));
	plan->pass[j->p->level](values, n, cuts, &j->s->lanes);
}

/* --- adding up bins --- */

static int64_t sum_hi(const double *lane, size_t nlanes, double start)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nlanes; i++)
		sum += qn_bits64(lane[i]) - qn_bits64(start);
	return (int64_t)sum;
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

/* Adds the bins of a pass over elements that had been divided by 2^scale. */
static void add_bins(const struct job *j, int bound, int unit, int scale)
{
	const struct qn_lanes *lanes = &j->s->lanes;

	for (int i = 0; i < j->plan->nbins; i++) {
		const struct bin *b = &j->plan->bin[i];
		const struct qn_acc_form *f = &j->p->form[b->power - 1];
		int64_t *limb = j->words + j->p->offset[b->power - 1];
		int shift = b->shift + b->power * scale, term = at(b->unit, bound, unit);

		if (b->cut)
			qn_acc_add(f, limb, sum_hi(lanes->hi[i], j->nlanes, j->s->cuts.start[i]),
				   cut_unit(j->plan, b, bound) + shift);
		qn_acc_add(f, limb, sum_lo(lanes->lo[i], j->nlanes, term), term + shift);
	}
}

/* --- bands --- */

/* Moves elements with a magnitude below `limit` to the front of rest, and the others to band;
   zeros to neither. rest may be values. Returns the number in rest. */
static size_t split_band32(const float *values, size_t n, uint64_t limit, float *band,
			   float *rest, size_t *nband)
{
	size_t nb = 0, nr = 0;

	for (size_t i = 0; i < n; i++) {
		float x = values[i];
		uint32_t m = magnitude32(&x, 0);

		band[nb] = x;
		nb += m >= limit;
		rest[nr] = x;
		nr += m < limit && m != 0;
	}
	*nband = nb;
	return nr;
}

static size_t split_band64(const double *values, size_t n, uint64_t limit, double *band,
			   double *rest, size_t *nband)
{
	size_t nb = 0, nr = 0;

	for (size_t i = 0; i < n; i++) {
		double x = values[i];
		uint64_t m = magnitude64(&x, 0);

		band[nb] = x;
		nb += m >= limit;
		rest[nr] = x;
		nr += m < limit && m != 0;
	}
	*nband = nb;
	return nr;
}

/* Bits of the smallest magnitude whose unit is at least 2^unit. */
static uint64_t limit_bits(const struct job *j, int unit)
{
	int field = is_f32(j) ? unit + 150 : unit + 1075;

	if (field <= 1)
		return 1;
	return (uint64_t)field << (is_f32(j) ? 23 : 52);
}

/* Splits off the uppermost band that the plan can take, and adds it. Returns how many are left. */
static size_t add_band(const struct job *j, size_t n)
{
	struct scratch *s = j->s;
	int top = top_of(j, largest(j, &s->rest, n, 1)), width = plan_width(j->plan), scale = 0;
	uint64_t limit = limit_bits(j, top - width);
	size_t nband;

	if (is_f32(j)) {
		n = split_band32(s->rest.f32, n, limit, s->band.f32, s->rest.f32, &nband);
	} else {
		n = split_band64(s->rest.f64, n, limit, s->band.f64, s->rest.f64, &nband);
		/* Powers of doubles may leave the range of doubles: move the band to 1. */
		scale = top;
		for (size_t i = 0; i < nband; i++)
			s->band.f64[i] = qn_scale(s->band.f64[i], -scale);
	}
	run_pass(j, &s->band, nband, top - scale);
	add_bins(j, top - scale, top - scale - width, scale);
	return n;
}

/* Adds powers first to last of one element. */
static void add_one(const struct job *j, double x, int first, int last)
{
	uint64_t bits = qn_bits64(x), m = bits & ((UINT64_C(1) << 52) - 1);

	if ((bits & INT64_MAX) >> 52)
		m |= UINT64_C(1) << 52;
	qn_power_add_one(j->p, j->words, m, qn_f64_unit(bits & INT64_MAX), bits >> 63, first, last);
}

static void add_bands(const struct job *j, const void *values, size_t n)
{
	memcpy(&j->s->rest, values, n * element_size(j));
	for (int i = 0; i < MAX_BANDS && n > FEW; i++)
		n = add_band(j, n);
	for (size_t i = 0; i < n; i++)
		add_one(j, element(j->p->dtype, &j->s->rest, i), 1, j->plan->npowers);
}

/* --- tiles --- */

static bool any_special(const struct job *j, const void *values, size_t n)
{
	return n > 0 && largest(j, values, n, 1) >= infinity_bits(j);
}

/* Whether the tile of the last pass has infinities or NaN. */
static bool pass_saw_special(const struct job *j, const void *values, size_t n)
{
	const struct qn_lanes *lanes = &j->s->lanes;
	uint64_t field = UINT64_C(0x7ff) << 52;
	bool suspect = lanes->largest >= infinity_bits(j);

	if (is_f32(j) || suspect)
		return suspect;
	/* NaN shows in the sums; so may a wrong bound. */
	for (size_t i = 0; i < j->nlanes; i++)
		suspect |= (qn_bits64(lanes->lo[0][i]) & field) == field;
	return suspect && any_special(j, values, n);
}

static int guess_bound(const struct job *j, const void *values, size_t n)
{
	size_t stride = n > SAMPLE ? n / SAMPLE : 1;

	return top_of(j, largest(j, values, n, stride)) + j->plan->slack;
}

/* n is at most what the lanes take. */
static bool add_chunk(const struct job *j, const void *values, size_t n, struct qn_extremes *e)
{
	const struct qn_lanes *lanes = &j->s->lanes;
	int bound = j->plan->bounded ? guess_bound(j, values, n) : 0, top, unit;

	run_pass(j, values, n, bound);
	if (pass_saw_special(j, values, n))
		return false;
	if (j->p->npowers > 1)
		*e = (struct qn_extremes){ { .f = lanes->min }, { .f = lanes->max } };
	if (lanes->smallest == UINT64_MAX)
		return true;
	top = top_of(j, lanes->largest);
	unit = unit_of(j, lanes->smallest);
	if (!j->plan->bounded)
		bound = top;
	if (!plan_holds(j->plan, bound, top, unit)) {
		bound = top;
		if (!plan_holds(j->plan, bound, top, unit)) {
			add_bands(j, values, n);
			return true;
		}
		run_pass(j, values, n, bound);
	}
	add_bins(j, bound, unit, 0);
	return true;
}

static const struct plan *choose(const struct qn_power *p)
{
	if (p->dtype == QUERN_F32)
		return p->npowers == 1 ? &f32_sum : p->npowers == 2 ? &f32_order2 : &f32_order4;
	return p->npowers == 1 ? &f64_sum : &f64_order2;
}

static struct job job_of(const struct qn_power *p, int64_t *words, void *scratch)
{
	static size_t (*const ndoubles[])(void) = QN_ISA_TABLE(qn_vector_ndoubles);
	const struct plan *plan = choose(p);

	return (struct job){ p, plan, ndoubles[p->level]() * (size_t)plan->nsets, words, scratch };
}

static void widen_extremes(struct qn_extremes *e, const struct qn_extremes *other)
{
	if (qn_order_key(other->min.f) < qn_order_key(e->min.f))
		e->min = other->min;
	if (qn_order_key(other->max.f) > qn_order_key(e->max.f))
		e->max = other->max;
}

bool qn_power_add_float(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			struct qn_extremes *e, void *scratch)
{
	const struct job j = job_of(p, words, scratch);
	const size_t most = j.nlanes << j.plan->log2_adds;
	struct qn_extremes part;

	/* Nothing may have been added when something special turns up. */
	if (n > most && any_special(&j, values, n))
		return false;
	for (size_t i = 0; i < n; i += most) {
		const char *from = (const char *)values + i * element_size(&j);

		if (!add_chunk(&j, from, n - i < most ? n - i : most, &part))
			return false;
		if (p->npowers == 1)
			continue;
		if (i == 0)
			*e = part;
		else
			widen_extremes(e, &part);
	}
	for (size_t i = 0; j.plan->npowers < p->npowers && i < n; i++)
		add_one(&j, element(p->dtype, values, i), j.plan->npowers + 1, p->npowers);
	return true;
}

/* --- infinities and NaN --- */

static void count_special(double x, int64_t special[QN_NSPECIALS], struct qn_extremes *e)
{
	if (x != x) {
		special[QN_SPECIAL_NAN]++;
	} else if (x > 0) {
		special[QN_SPECIAL_PINF]++;
		e->max.f = x;
	} else {
		special[QN_SPECIAL_NINF]++;
		e->min.f = x;
	}
}

size_t qn_power_add_special(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			    int64_t special[QN_NSPECIALS], struct qn_extremes *e, void *scratch)
{
	const double inf = __builtin_inf();
	struct scratch *s = scratch;
	struct qn_extremes outer = { { .f = inf }, { .f = -inf } }, inner;
	size_t nfinite = 0, nnan = (size_t)special[QN_SPECIAL_NAN];

	for (size_t i = 0; i < n; i++) {
		double x = element(p->dtype, values, i);

		if (!(x - x == 0))
			count_special(x, special, &outer);
		else if (p->dtype == QUERN_F32)
			s->finite.f32[nfinite++] = (float)x;
		else
			s->finite.f64[nfinite++] = x;
	}
	qn_power_add_float(p, &s->finite, nfinite, words, &inner, scratch);
	if (p->npowers > 1) {
		*e = outer;
		if (nfinite > 0)
			widen_extremes(e, &inner);
	}
	return n - ((size_t)special[QN_SPECIAL_NAN] - nnan);
}
