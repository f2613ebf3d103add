/*
 * power_float.c - power sums of floating-point tiles.
 *
 * A pass needs to know beforehand a bound on the magnitudes, and which scheme is wide enough: both
 * are guessed from a sample of the tile. The pass finds out whether that was right, and it is
 * repeated with what it found if not. A tile too wide for any scheme is taken apart into bands of
 * magnitude.
 */
#include "exact/bits.h"
#include "exact/lanes.h"
#include "exact/power_parts.h"
#include "exact/scheme.h"

/* Elements looked at for the guess. The bound is raised by SLACK bits over theirs; the width by
   MARGIN, if they are spread at all, for the small elements that a sample misses. */
#define SAMPLE 64
#define SLACK  1
#define MARGIN 6
/* A tile with more bands than this, and what is left of few elements, is added one by one. */
#define MAX_BANDS 6
#define FEW	  12

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

_Static_assert(sizeof(struct scratch) <= QN_POWER_MOST_SCRATCH, "the room for any scratch");

/* What does not change within a tile. */
struct job {
	const struct qn_power *p;
	bool f32;
	int nschemes;
	const struct qn_scheme *const *schemes;
	int64_t *words;
	struct scratch *s;
};

/* Bits of the largest magnitude, and of the smallest that is not zero, or UINT64_MAX. */
struct range {
	uint64_t largest, smallest;
};

size_t qn_power_scratch_nbytes(const struct qn_power *p)
{
	return p->dtype == QUERN_F32 || p->dtype == QUERN_F64 ? sizeof(struct scratch) : 0;
}

/* --- elements --- */

static size_t element_size(const struct job *j)
{
	return j->f32 ? sizeof(float) : sizeof(double);
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
	return j->f32 ? UINT64_C(0x7f800000) : UINT64_C(0x7ff) << 52;
}

static int top_of(const struct job *j, uint64_t bits)
{
	return j->f32 ? qn_f32_top((uint32_t)bits) : qn_f64_top(bits);
}

static int unit_of(const struct job *j, uint64_t bits)
{
	return j->f32 ? qn_f32_unit((uint32_t)bits) : qn_f64_unit(bits);
}

/* The range of every stride-th element. */
static struct range range32(const void *values, size_t n, size_t stride)
{
	uint32_t largest = 0, smallest = UINT32_MAX;

	/* Zero less one is the largest of all. */
	for (size_t i = 0; i < n; i += stride) {
		uint32_t m = magnitude32(values, i);

		largest = m > largest ? m : largest;
		smallest = m - 1 < smallest ? m - 1 : smallest;
	}
	return (struct range){ largest, smallest == UINT32_MAX ? UINT64_MAX : smallest + 1 };
}

static struct range range64(const void *values, size_t n, size_t stride)
{
	uint64_t largest = 0, smallest = UINT64_MAX;

	for (size_t i = 0; i < n; i += stride) {
		uint64_t m = magnitude64(values, i);

		largest = m > largest ? m : largest;
		smallest = m - 1 < smallest ? m - 1 : smallest;
	}
	return (struct range){ largest, smallest == UINT64_MAX ? UINT64_MAX : smallest + 1 };
}

static struct range range(const struct job *j, const void *values, size_t n, size_t stride)
{
	return j->f32 ? range32(values, n, stride) : range64(values, n, stride);
}

/* --- passes --- */

static void run_pass(const struct job *j, const struct qn_scheme *scheme, int bound,
		     const void *values, const uint64_t *valid, size_t n)
{
	qn_scheme_cuts(scheme, j->p->level, bound, &j->s->cuts);
	j->s->cuts.valid = valid;
	scheme->pass[j->p->level](values, n, &j->s->cuts, &j->s->lanes);
}

/* Of elements that had been divided by 2^scale. */
static void add_pass(const struct job *j, const struct qn_scheme *scheme, int bound, int unit,
		     int scale)
{
	qn_scheme_add(scheme, j->p, bound, unit, scale, &j->s->cuts, &j->s->lanes, j->words);
}

/* --- bands --- */

/* Moves elements with a magnitude below `limit` to the front of rest, and the others to band;
   zeros to neither. rest may be values. Returns the number in rest. */
static size_t split_band32(const float *values, size_t n, uint64_t limit, float *band, float *rest,
			   size_t *nband)
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
	int field = j->f32 ? unit + 150 : unit + 1075;

	if (field <= 1)
		return 1;
	return (uint64_t)field << (j->f32 ? 23 : 52);
}

/* Splits off the uppermost band that the widest scheme can take, and adds it. Returns how many are
   left. */
static size_t add_band(const struct job *j, size_t n)
{
	const struct qn_scheme *scheme = j->schemes[j->nschemes - 1];
	const int width = j->p->width[j->nschemes - 1];
	struct scratch *s = j->s;
	int top = top_of(j, range(j, &s->rest, n, 1).largest), scale = 0;
	uint64_t limit = limit_bits(j, top - width);
	size_t nband;

	if (j->f32) {
		n = split_band32(s->rest.f32, n, limit, s->band.f32, s->rest.f32, &nband);
	} else {
		n = split_band64(s->rest.f64, n, limit, s->band.f64, s->rest.f64, &nband);
		/* Powers of doubles may leave the range of doubles: move the band to 1. */
		scale = top;
		for (size_t i = 0; i < nband; i++)
			s->band.f64[i] = qn_scale(s->band.f64[i], -scale);
	}
	run_pass(j, scheme, top - scale, &s->band, NULL, nband);
	add_pass(j, scheme, top - scale, top - scale - width, scale);
	return n;
}

static void add_one(const struct job *j, double x)
{
	uint64_t bits = qn_bits64(x), m = bits & ((UINT64_C(1) << 52) - 1);

	if ((bits & INT64_MAX) >> 52)
		m |= UINT64_C(1) << 52;
	qn_power_add_one(j->p, j->words, m, qn_f64_unit(bits & INT64_MAX), bits >> 63, 1,
			 j->p->npowers);
}

static void add_bands(const struct job *j, const void *values, size_t n)
{
	memcpy(&j->s->rest, values, n * element_size(j));
	for (int i = 0; i < MAX_BANDS && n > FEW; i++)
		n = add_band(j, n);
	for (size_t i = 0; i < n; i++)
		add_one(j, element(j->p->dtype, &j->s->rest, i));
}

/* --- tiles --- */

/* Whether the tile of the last pass has infinities or NaN. */
static bool saw_special(const struct job *j, const struct qn_scheme *scheme, const void *values,
			size_t n)
{
	const struct qn_lanes *lanes = &j->s->lanes;
	bool suspect = lanes->largest >= infinity_bits(j);

	if (j->f32 || suspect)
		return suspect;
	/* NaN shows in the sums; so may a wrong bound. */
	for (size_t i = 0; i < qn_scheme_nlanes(scheme, j->p->level); i++)
		suspect |= !(lanes->lo[0][i] - lanes->lo[0][i] == 0);
	return suspect && range(j, values, n, 1).largest >= infinity_bits(j);
}

/* The first scheme of some width, or the number of schemes. */
static int wide_enough(const struct job *j, int width)
{
	int i = 0;

	while (i < j->nschemes && j->p->width[i] < width)
		i++;
	return i;
}

/* The scheme to look at a tile with that is likely to be too wide for what the order would like. It
   tells the range and the extremes for less than a pass of order 4 costs. */
static const struct qn_scheme *probe(const struct job *j)
{
	const struct qn_scheme *const *schemes;

	qn_schemes(j->p->dtype, j->p->npowers == 1 ? 1 : 2, j->p->level, &schemes);
	return schemes[0];
}

/* The scheme for a tile, and its bound, by the range of a sample. Any will do, or a probe. */
static const struct qn_scheme *choose(const struct job *j, const struct range *r, int *bound)
{
	const int top = top_of(j, r->largest);
	int width, i;

	*bound = top + SLACK;
	if (r->smallest == UINT64_MAX)
		return j->schemes[0];
	width = *bound - unit_of(j, r->smallest);
	i = wide_enough(j, width + (top_of(j, r->smallest) < top - 1 ? MARGIN : 0));
	if (i == j->nschemes && j->p->npowers < 4)
		i = wide_enough(j, width);
	return i < j->nschemes ? j->schemes[i] : probe(j);
}

/* By what a sample looks like. */
static const struct qn_scheme *guess(const struct job *j, const void *values, size_t n, int *bound)
{
	struct range r;

	*bound = 0;
	if (!j->schemes[0]->bounded)
		return j->schemes[0];
	r = range(j, values, n, n > SAMPLE ? n / SAMPLE : 1);
	return choose(j, &r, bound);
}

/* Whether the pass just run was exact and all there is to do. */
static bool is_done(const struct job *j, const struct qn_scheme *scheme, int bound, int top,
		    int unit)
{
	if (j->p->npowers == 4 && scheme == probe(j))
		return false;
	return qn_scheme_holds(scheme, j->p->level, bound, top, unit);
}

/* Adds a tile whose first pass was not exact, now that its range is known. */
static void add_again(const struct job *j, const void *values, size_t n, int top, int unit)
{
	int i = wide_enough(j, top - unit);

	if (i == j->nschemes || !qn_scheme_holds(j->schemes[i], j->p->level, top, top, unit)) {
		add_bands(j, values, n);
		return;
	}
	run_pass(j, j->schemes[i], top, values, NULL, n);
	add_pass(j, j->schemes[i], top, unit, 0);
}

bool qn_power_add_float(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			struct qn_extremes *e, void *scratch)
{
	struct job j = { p, p->dtype == QUERN_F32, 0, NULL, words, scratch };
	const struct qn_lanes *lanes = &j.s->lanes;
	const struct qn_scheme *scheme;
	int bound, top, unit;

	j.nschemes = qn_schemes(p->dtype, p->npowers, p->level, &j.schemes);
	scheme = guess(&j, values, n, &bound);
	run_pass(&j, scheme, bound, values, NULL, n);
	if (saw_special(&j, scheme, values, n))
		return false;
	if (p->npowers > 1)
		*e = (struct qn_extremes){ { .f = lanes->min }, { .f = lanes->max } };
	if (lanes->smallest == UINT64_MAX)
		return true;
	top = top_of(&j, lanes->largest);
	unit = unit_of(&j, lanes->smallest);
	if (!scheme->bounded)
		bound = top;
	if (is_done(&j, scheme, bound, top, unit))
		add_pass(&j, scheme, bound, unit, 0);
	else
		add_again(&j, values, n, top, unit);
	return true;
}

/* Of a sample: those of its elements that are valid, of float32. */
static struct range range_valid(const void *values, const uint64_t *valid, size_t n, size_t stride)
{
	uint32_t largest = 0, smallest = UINT32_MAX;

	for (size_t i = 0; i < n; i += stride) {
		const uint32_t m = valid[i / 64] >> i % 64 & 1 ? magnitude32(values, i) : 0;

		largest = m > largest ? m : largest;
		smallest = m - 1 < smallest ? m - 1 : smallest;
	}
	return (struct range){ largest, smallest == UINT32_MAX ? UINT64_MAX : smallest + 1 };
}

bool qn_power_add_valid(const struct qn_power *p, const void *values, const uint64_t *valid,
			size_t n, int64_t *words, struct qn_extremes *e, void *scratch)
{
	struct job j = { p, p->dtype == QUERN_F32, 0, NULL, words, scratch };
	const struct qn_scheme *scheme;
	struct range r;
	int bound, unit;

	if (!j.f32)
		return false;
	j.nschemes = qn_schemes(p->dtype, p->npowers, p->level, &j.schemes);
	r = range_valid(values, valid, n, n > SAMPLE ? n / SAMPLE : 1);
	scheme = choose(&j, &r, &bound);
	if (!qn_scheme_leaves_out(scheme, p->level) || r.smallest == UINT64_MAX ||
	    (p->npowers == 4 && scheme == probe(&j)))
		return false;
	run_pass(&j, scheme, bound, values, valid, n);
	if (j.s->lanes.largest >= infinity_bits(&j))
		return false;
	unit = unit_of(&j, j.s->lanes.smallest);
	if (!is_done(&j, scheme, bound, top_of(&j, j.s->lanes.largest), unit))
		return false;
	*e = (struct qn_extremes){ { .f = j.s->lanes.min }, { .f = j.s->lanes.max } };
	add_pass(&j, scheme, bound, unit, 0);
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
	const int64_t nnan = special[QN_SPECIAL_NAN];
	struct scratch *s = scratch;
	struct qn_extremes outer = { { .f = inf }, { .f = -inf } }, inner = outer;
	size_t nfinite = 0;

	for (size_t i = 0; i < n; i++) {
		double x = element(p->dtype, values, i);

		if (!(x - x == 0))
			count_special(x, special, &outer);
		else if (p->dtype == QUERN_F32)
			s->finite.f32[nfinite++] = (float)x;
		else
			s->finite.f64[nfinite++] = x;
	}
	if (nfinite > 0)
		qn_power_add_float(p, &s->finite, nfinite, words, &inner, scratch);
	if (p->npowers > 1) {
		e->min.f = outer.min.f < inner.min.f ? outer.min.f : inner.min.f;
		e->max.f = outer.max.f > inner.max.f ? outer.max.f : inner.max.f;
	}
	return n - (size_t)(special[QN_SPECIAL_NAN] - nnan);
}
