/*
 * sums.c - exact sums of weighted elements: what they are, and those of one row.
 */
#include "weighted/sums.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "exact/bits.h"
#include "kernel/convert_simd.h"
#include "kernel/tile.h"
#include "weighted/parts.h"
#include "weighted/products_simd.h"

/* Magnitudes that fit, but for zero: the product of three has all of its bits in the range of doubles. */
#define LEAST_THAT_FITS 0x1p-256
#define MOST_THAT_FIT	0x1p256
/* Integers below are doubles. */
#define MOST_INTEGER 0x1p53
/* Of one weight so many elements, or more, are added up before they are multiplied by it. */
#define ALIKE 64

static const struct traits {
	int nbits;	 /* of a mantissa */
	bool fits, wide; /* every value fits; it may have more bits than a double */
} traits[QUERN_NDTYPES] = {
	[QUERN_I8] = { 8, true, false },    [QUERN_U8] = { 8, true, false },
	[QUERN_I16] = { 16, true, false },  [QUERN_U16] = { 16, true, false },
	[QUERN_I32] = { 32, true, false },  [QUERN_U32] = { 32, true, false },
	[QUERN_I64] = { 53, false, true },  [QUERN_U64] = { 53, false, true },
	[QUERN_F32] = { 24, false, false }, [QUERN_F64] = { 53, false, false },
};

/* Which are multiplied, and how often. */
static const struct monomial {
	int power[QN_NFACTORS]; /* of w, x, y */
	bool is_rest;		/* of errors of products of two, beside the sum before it */
} monomials[QN_NWEIGHTED] = {
	[QN_SUM_W] = { { 1, 0, 0 }, false },	  [QN_SUM_WX] = { { 1, 1, 0 }, false },
	[QN_SUM_WW] = { { 2, 0, 0 }, false },	  [QN_SUM_WXX] = { { 1, 2, 0 }, false },
	[QN_SUM_WXX_LOW] = { { 1, 2, 0 }, true }, [QN_SUM_WY] = { { 1, 0, 1 }, false },
	[QN_SUM_WXY] = { { 1, 1, 1 }, false },	  [QN_SUM_WXY_LOW] = { { 1, 1, 1 }, true },
	[QN_SUM_WYY] = { { 1, 0, 2 }, false },	  [QN_SUM_WYY_LOW] = { { 1, 0, 2 }, true },
	[QN_SUM_XY] = { { 0, 1, 1 }, false },
};

/* Of each order: first and last sum. */
static const struct {
	int first, last;
} orders[QN_NWEIGHTED_ORDERS] = {
	[QN_WEIGHTED_MEAN] = { QN_SUM_W, QN_SUM_WX },
	[QN_WEIGHTED_SPREAD] = { QN_SUM_W, QN_SUM_WXX_LOW },
	[QN_WEIGHTED_PAIRS] = { QN_SUM_W, QN_SUM_WYY_LOW },
	[QN_WEIGHTED_PRODUCT] = { QN_SUM_XY, QN_SUM_XY },
};

int qn_weighted_nfactors(int sum)
{
	const int *power = monomials[sum].power;

	return power[QN_FACTOR_W] + power[QN_FACTOR_X] + power[QN_FACTOR_Y];
}

bool qn_weighted_has_sum(const struct qn_weighted *s, int sum)
{
	return s->place[sum] >= 0;
}

/* Of a product of these factors; but for weights where they are left out. */
static int count_bits(const struct qn_weighted *s, int sum, bool weighs)
{
	int n = 0;

	for (int f = weighs ? 0 : QN_FACTOR_X; f < QN_NFACTORS; f++)
		n += monomials[sum].power[f] * traits[s->dtype[f]].nbits;
	return n;
}

static bool fit_double(int nbits)
{
	return nbits <= 53;
}

/* The errors of products of two are there if there can be any. */
static void choose_sums(struct qn_weighted *s, enum qn_weighted_order order)
{
	for (int k = 0; k < QN_NWEIGHTED; k++) {
		const bool is_asked = k >= orders[order].first && k <= orders[order].last;

		s->place[k] = -1;
		if (!is_asked || (monomials[k].is_rest && fit_double(count_bits(s, k, false))))
			continue;
		s->place[k] = s->nsums;
		s->sum[s->nsums++] = k;
		s->is_exact[k] = fit_double(count_bits(s, k, true));
		s->form[k] = qn_acc_form(QUERN_F64, qn_weighted_nfactors(k));
		s->offset[k] = s->nwords;
		s->nwords += (size_t)s->form[k].nlimbs;
		for (int f = 0; f < QN_NFACTORS; f++)
			s->uses[f] = s->uses[f] || monomials[k].power[f];
	}
}

void qn_weighted_init(struct qn_weighted *s, const enum quern_dtype dtype[QN_NFACTORS],
		      enum qn_weighted_order order, bool drops_nan)
{
	*s = (struct qn_weighted){ .drops_nan = drops_nan, .level = qn_cpu_level() };
	for (int f = 0; f < QN_NFACTORS; f++) {
		s->dtype[f] = dtype[f];
		s->fits[f] = traits[dtype[f]].fits;
	}
	choose_sums(s, order);
	for (int k = 0; k < 3; k++) {
		qn_power_init(&s->doubles[k], QUERN_F64, 1);
		s->doubles[k].form[0] = qn_acc_form(QUERN_F64, k + 1);
	}
	s->adds_alike = order <= QN_WEIGHTED_SPREAD && !qn_weighted_has_sum(s, QN_SUM_WXX_LOW);
	qn_power_init(&s->plain, dtype[QN_FACTOR_X], qn_weighted_has_sum(s, QN_SUM_WXX) ? 2 : 1);
}

int qn_weighted_segments(const struct qn_weighted *s, struct quern_segment *segments)
{
	for (int i = 0; i < s->nsums; i++)
		segments[i] = (struct quern_segment){
			.op = QUERN_EXACT,
			.nwords = (size_t)s->form[s->sum[i]].nlimbs,
			.power = 1,
			.dtype = QUERN_F64,
			.nfactors = qn_weighted_nfactors(s->sum[i]),
			.nweights = monomials[s->sum[i]].power[QN_FACTOR_W],
		};
	return s->nsums;
}

static size_t round_up(size_t nbytes)
{
	return (nbytes + 63) / 64 * 64;
}

static size_t plain_nbytes(const struct qn_weighted *s)
{
	return round_up(s->plain.nwords * sizeof(int64_t));
}

size_t qn_weighted_scratch_nbytes(const struct qn_weighted *s)
{
	const size_t of_doubles = qn_power_scratch_nbytes(&s->doubles[0]);
	const size_t of_plain = qn_power_scratch_nbytes(&s->plain);

	return sizeof(struct qn_weighted_block) + plain_nbytes(s) +
	       (of_doubles > of_plain ? of_doubles : of_plain);
}

/* --- blocks --- */

const char *qn_weighted_at(enum quern_dtype t, const void *values, size_t i)
{
	return (const char *)values + i * qn_dtype_size(t);
}

void qn_weighted_load(const struct qn_weighted *s, struct qn_weighted_block *b,
		      const void *const v[QN_NFACTORS], size_t at, size_t n, size_t to)
{
	static qn_convert_fn *const convert[] = QN_ISA_TABLE(qn_convert_to_double);

	for (int f = 0; f < QN_NFACTORS; f++)
		if (s->uses[f])
			convert[s->level](s->dtype[f], qn_weighted_at(s->dtype[f], v[f], at), n,
					  b->v[f] + to);
}

void qn_weighted_blank(struct qn_weighted_block *b, size_t i)
{
	for (int f = 0; f < QN_NFACTORS; f++)
		b->v[f][i] = 0;
}

bool qn_weighted_is_special(const struct qn_weighted *s, const struct qn_weighted_block *b,
			    size_t i)
{
	return !isfinite(b->v[QN_FACTOR_X][i]) ||
	       (s->uses[QN_FACTOR_Y] && !isfinite(b->v[QN_FACTOR_Y][i]));
}

static double most_of(enum quern_dtype t)
{
	return traits[t].wide ? MOST_INTEGER : MOST_THAT_FIT;
}

bool qn_weighted_fit(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t n)
{
	static qn_doubles_fit_fn *const fit[] = QN_ISA_TABLE(qn_doubles_fit);
	bool ok = true;

	for (int f = 0; ok && f < QN_NFACTORS; f++)
		ok = !s->uses[f] || s->fits[f] ||
		     fit[s->level](b->v[f], n, LEAST_THAT_FITS, most_of(s->dtype[f]));
	return ok;
}

static bool fits(enum quern_dtype t, double v)
{
	return v == 0 || (fabs(v) >= LEAST_THAT_FITS && fabs(v) < most_of(t));
}

bool qn_weighted_fits_one(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t i)
{
	bool ok = true;

	for (int f = 0; ok && f < QN_NFACTORS; f++)
		ok = !s->uses[f] || fits(s->dtype[f], b->v[f][i]);
	return ok;
}

/* Products of a and c, to a sum that there is. */
static bool multiply(const struct qn_weighted *s, struct qn_weighted_block *b, int sum,
		     const double *a, const double *c, size_t n, qn_weighted_take *take, void *ctx)
{
	static qn_products_fn *const products[] = QN_ISA_TABLE(qn_products);
	bool more;

	if (!qn_weighted_has_sum(s, sum))
		return true;
	more = products[s->level](a, c, n, b->high, s->is_exact[sum] ? NULL : b->low);
	return take(ctx, sum, b->high, n) && (!more || take(ctx, sum, b->low, n));
}

/* Weights by the products of a and c. */
static bool multiply_three(const struct qn_weighted *s, struct qn_weighted_block *b, int sum,
			   const double *a, const double *c, size_t n, qn_weighted_take *take,
			   void *ctx)
{
	static qn_products_fn *const products[] = QN_ISA_TABLE(qn_products);
	const double *w = b->v[QN_FACTOR_W];
	bool rounds, more;

	if (!qn_weighted_has_sum(s, sum))
		return true;
	rounds = qn_weighted_has_sum(s, sum + 1);
	more = products[s->level](a, c, n, b->product, rounds ? b->error : NULL);
	return multiply(s, b, sum, w, b->product, n, take, ctx) &&
	       (!more || multiply(s, b, sum + 1, w, b->error, n, take, ctx));
}

bool qn_weighted_multiply(const struct qn_weighted *s, struct qn_weighted_block *b, size_t n,
			  qn_weighted_take *take, void *ctx)
{
	const double *w = b->v[QN_FACTOR_W], *x = b->v[QN_FACTOR_X], *y = b->v[QN_FACTOR_Y];

	return (!qn_weighted_has_sum(s, QN_SUM_W) || take(ctx, QN_SUM_W, w, n)) &&
	       multiply(s, b, QN_SUM_WX, w, x, n, take, ctx) &&
	       multiply(s, b, QN_SUM_WW, w, w, n, take, ctx) &&
	       multiply_three(s, b, QN_SUM_WXX, x, x, n, take, ctx) &&
	       multiply(s, b, QN_SUM_WY, w, y, n, take, ctx) &&
	       multiply_three(s, b, QN_SUM_WXY, x, y, n, take, ctx) &&
	       multiply_three(s, b, QN_SUM_WYY, y, y, n, take, ctx) &&
	       multiply(s, b, QN_SUM_XY, x, y, n, take, ctx);
}

/* --- single elements --- */

double qn_weighted_double(enum quern_dtype t, const void *values, size_t i)
{
	static qn_convert_fn *const convert[] = QN_ISA_TABLE(qn_convert_to_double);
	double x;

	convert[0](t, qn_weighted_at(t, values, i), 1, &x);
	return x;
}

static struct qn_weighted_number number(uint64_t m, int unit, bool negative)
{
	const int nzeros = m ? __builtin_ctzll(m) : 0;

	return (struct qn_weighted_number){ m >> nzeros, unit + nzeros, negative };
}

struct qn_weighted_number qn_weighted_number(enum quern_dtype t, const void *value)
{
	uint64_t bits, m;

	if (traits[t].wide) {
		memcpy(&bits, value, sizeof(bits));
		return t == QUERN_I64 && bits >> 63 ? number(-bits, 0, true)
						    : number(bits, 0, false);
	}
	bits = qn_bits64(qn_weighted_double(t, value, 0));
	m = bits & ((UINT64_C(1) << 52) - 1);
	if ((bits & INT64_MAX) >> 52)
		m |= UINT64_C(1) << 52;
	return number(m, qn_f64_unit(bits & INT64_MAX), bits >> 63);
}

/* words *= m; there is room for the product. */
static void scale(uint64_t words[4], uint64_t m)
{
	qn_u128 carry = 0;

	for (int i = 0; i < 4; i++) {
		carry += (qn_u128)words[i] * m;
		words[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

struct qn_weighted_one qn_weighted_one(const struct qn_weighted *s,
				       const struct qn_weighted_block *b, size_t i,
				       const void *const v[QN_NFACTORS], size_t at)
{
	struct qn_weighted_one one = { .weights_only = qn_weighted_is_special(s, b, i) };

	for (int f = 0; f < QN_NFACTORS; f++)
		if (s->uses[f])
			one.v[f] = qn_weighted_number(s->dtype[f],
						      qn_weighted_at(s->dtype[f], v[f], at));
	return one;
}

void qn_weighted_add_one(const struct qn_weighted *s, int sum, int64_t *limb,
			 const struct qn_weighted_one *one, uint64_t times)
{
	const struct monomial *of = &monomials[sum];
	uint64_t words[4] = { times, 0, 0, 0 };
	bool negative = false;
	int exp = 0;

	if (of->is_rest ||
	    (one->weights_only && (of->power[QN_FACTOR_X] || of->power[QN_FACTOR_Y])))
		return;
	for (int f = 0; f < QN_NFACTORS; f++)
		for (int i = 0; i < of->power[f]; i++) {
			scale(words, one->v[f].m);
			exp += one->v[f].unit;
			negative ^= one->v[f].negative;
		}
	if (words[0] | words[1] | words[2] | words[3])
		qn_acc_add_words(&s->form[sum], limb, words, 4, exp, negative);
}

/* --- one row --- */

/* Where a block goes. */
struct row {
	const struct qn_weighted *s;
	int64_t *words, *special;
	void *scratch; /* of the power sums */
};

static bool take(void *ctx, int sum, const double *values, size_t n)
{
	const struct row *r = ctx;

	return qn_power_add(&r->s->doubles[qn_weighted_nfactors(sum) - 1], values, n,
			    r->words + r->s->offset[sum], NULL, r->scratch);
}

int qn_weighted_special(double x, double w)
{
	if (isnan(x))
		return QN_SPECIAL_NAN;
	if (w == 0)
		return QN_SPECIAL_VOID;
	return x > 0 ? QN_SPECIAL_PINF : QN_SPECIAL_NINF;
}

static int special_of(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t i)
{
	if (s->uses[QN_FACTOR_Y])
		return QN_SPECIAL_NAN;
	return qn_weighted_special(b->v[QN_FACTOR_X][i], b->v[QN_FACTOR_W][i]);
}

/* Adds an element on its own, and takes it out of the block. Is it there? */
static bool add_odd(const struct row *r, struct qn_weighted_block *b, size_t i,
		    const void *const v[QN_NFACTORS], size_t at)
{
	const struct qn_weighted *s = r->s;
	const struct qn_weighted_one one = qn_weighted_one(s, b, i, v, at);
	const bool is_there = !s->drops_nan || !isnan(b->v[QN_FACTOR_X][i]);

	if (is_there && one.weights_only)
		r->special[special_of(s, b, i)]++;
	for (int k = 0; is_there && k < s->nsums; k++)
		qn_weighted_add_one(s, s->sum[k], r->words + s->offset[s->sum[k]], &one, 1);
	qn_weighted_blank(b, i);
	return is_there;
}

/* Adds n elements of a block's size at most, from element `at` on. Returns how many are not there. */
static size_t add_block(struct row *r, struct qn_weighted_block *b,
			const void *const v[QN_NFACTORS], size_t at, size_t n)
{
	const struct qn_weighted *s = r->s;
	size_t nlost = 0;

	qn_weighted_load(s, b, v, at, n, 0);
	if (!qn_weighted_fit(s, b, n))
		for (size_t i = 0; i < n; i++)
			if (!qn_weighted_fits_one(s, b, i))
				nlost += !add_odd(r, b, i, v, at + i);
	qn_weighted_multiply(s, b, n, take, r);
	return nlost;
}

/* Adds limbs, which are canonical in a form of their own, times +m * 2^unit, m below 2^53. Changes them. */
static void add_scaled(const struct qn_acc_form *f, int64_t *limb, const struct qn_acc_form *own,
		       int64_t *from, const struct qn_weighted_number *by)
{
	const bool negative = from[own->nlimbs - 1] < 0;

	for (int i = 0; negative && i < own->nlimbs; i++)
		from[i] = -from[i];
	qn_acc_normalize(own, from);
	for (int i = 0; i < own->nlimbs; i++) {
		const qn_i128 v = (qn_i128)from[i] * (int64_t)by->m;

		if (v)
			qn_acc_add(f, limb, negative ? -v : v, own->base + 32 * i + by->unit);
	}
}

/* Adds n elements of one weight. False: not all are finite, or it is too large; nothing was added. */
static bool add_alike(const struct row *r, int64_t *plain, const char *x, const char *w, size_t n)
{
	const struct qn_weighted *s = r->s;
	const struct qn_weighted_one by = { .v[QN_FACTOR_W] =
						    qn_weighted_number(s->dtype[QN_FACTOR_W], w) };
	struct qn_extremes ignored;

	if (by.v[QN_FACTOR_W].m >> 53)
		return false;
	memset(plain, 0, s->plain.nwords * sizeof(*plain));
	if (!qn_power_add(&s->plain, x, n, plain, &ignored, r->scratch))
		return false;
	for (int i = 0; i < s->nsums; i++) {
		const int k = s->sum[i], power = k == QN_SUM_WXX ? 1 : 0;
		const struct qn_acc_form *own = &s->plain.form[power];
		int64_t *limb = r->words + s->offset[k];

		if (k == QN_SUM_WX || k == QN_SUM_WXX)
			add_scaled(&s->form[k], limb, own, plain + s->plain.offset[power],
				   &by.v[QN_FACTOR_W]);
		else
			qn_weighted_add_one(s, k, limb, &by, n);
	}
	return true;
}

void qn_weighted_scale(const struct qn_weighted *s, int sum, int64_t *words, double weight,
		       uint64_t n, const struct qn_power *plain, const int64_t *sums)
{
	const struct qn_weighted_one by = { .v[QN_FACTOR_W] =
						    qn_weighted_number(QUERN_F64, &weight) };
	const struct qn_acc_form *own = &plain->form[0];
	int64_t *limb = words + s->offset[sum], from[QN_ACC_MAX_LIMBS];

	memset(limb, 0, (size_t)s->form[sum].nlimbs * sizeof(*limb));
	memcpy(from, sums + plain->offset[0], (size_t)own->nlimbs * sizeof(*from));
	if (sum == QN_SUM_WX)
		add_scaled(&s->form[sum], limb, own, from, &by.v[QN_FACTOR_W]);
	else
		qn_weighted_add_one(s, sum, limb, &by, n);
}

/* Adds the first of n elements, if they have one weight and are many. Returns how many. */
static size_t add_first(const struct row *r, int64_t *plain, const void *const v[QN_NFACTORS],
			size_t at, size_t n)
{
	static qn_count_alike_fn *const count[] = QN_ISA_TABLE(qn_count_alike);
	const enum quern_dtype *t = r->s->dtype;
	const char *w;
	size_t len;

	if (!r->s->adds_alike)
		return 0;
	w = qn_weighted_at(t[QN_FACTOR_W], v[QN_FACTOR_W], at);
	len = count[r->s->level](w, qn_dtype_size(t[QN_FACTOR_W]), n);
	if (len < ALIKE)
		return 0;
	return add_alike(r, plain, qn_weighted_at(t[QN_FACTOR_X], v[QN_FACTOR_X], at), w, len) ? len
											       : 0;
}

size_t qn_weighted_add(const struct qn_weighted *s, const void *const v[QN_NFACTORS], size_t n,
		       int64_t *words, int64_t special[QN_WEIGHTED_NSPECIALS], void *scratch)
{
	struct qn_weighted_block *b = scratch;
	int64_t *plain = (int64_t *)(void *)((char *)scratch + sizeof(*b));
	struct row r = { s, words, special, (char *)plain + plain_nbytes(s) };
	size_t nlost = 0;

	for (size_t i = 0, len; i < n; i += len) {
		len = add_first(&r, plain, v, i, n - i);
		if (len)
			continue;
		len = (size_t)qn_min_u64(n - i, QN_WEIGHTED_BLOCK);
		nlost += add_block(&r, b, v, i, len);
	}
	return nlost;
}

void qn_weighted_normalize(const struct qn_weighted *s, int64_t *words)
{
	for (int i = 0; i < s->nsums; i++)
		qn_acc_normalize(&s->form[s->sum[i]], words + s->offset[s->sum[i]]);
}
