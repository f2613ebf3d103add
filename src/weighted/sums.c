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

int qn_weighted_nfactors(int sum)
{
	static const int nfactors[] = { [QN_SUM_W] = 1,
					[QN_SUM_WX] = 2,
					[QN_SUM_WW] = 2,
					[QN_SUM_WXX] = 3,
					[QN_SUM_WXX_LOW] = 3 };

	return nfactors[sum];
}

static bool fit_double(int nbits)
{
	return nbits <= 53;
}

void qn_weighted_init(struct qn_weighted *s, enum quern_dtype x, enum quern_dtype w,
		      enum qn_weighted_order order, bool drops_nan)
{
	const int nx = traits[x].nbits, nw = traits[w].nbits;

	*s = (struct qn_weighted){ .x = x,
				   .w = w,
				   .drops_nan = drops_nan,
				   .level = qn_cpu_level(),
				   .nsums = (int)order,
				   .fits = { traits[x].fits, traits[w].fits } };
	if (order == QN_WEIGHTED_SPREAD && !fit_double(2 * nx))
		s->nsums++;
	s->is_exact[QN_SUM_WX] = fit_double(nw + nx);
	s->is_exact[QN_SUM_WW] = fit_double(2 * nw);
	s->is_exact[QN_SUM_WXX] = fit_double(nw + 2 * nx);
	for (int k = 0; k < s->nsums; k++) {
		s->form[k] = qn_acc_form(QUERN_F64, qn_weighted_nfactors(k));
		s->offset[k] = s->nwords;
		s->nwords += (size_t)s->form[k].nlimbs;
	}
	for (int k = 0; k < 3; k++) {
		qn_power_init(&s->doubles[k], QUERN_F64, 1);
		s->doubles[k].form[0] = qn_acc_form(QUERN_F64, k + 1);
	}
	qn_power_init(&s->plain, x, s->nsums > QN_SUM_WXX ? 2 : 1);
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

void qn_weighted_load(const struct qn_weighted *s, struct qn_weighted_block *b, const void *x,
		      const void *w, size_t at, size_t n, size_t to)
{
	static qn_convert_fn *const convert[] = QN_ISA_TABLE(qn_convert_to_double);

	convert[s->level](s->x, qn_weighted_at(s->x, x, at), n, b->x + to);
	convert[s->level](s->w, qn_weighted_at(s->w, w, at), n, b->w + to);
}

static double most_of(enum quern_dtype t)
{
	return traits[t].wide ? MOST_INTEGER : MOST_THAT_FIT;
}

bool qn_weighted_fit(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t n)
{
	static qn_doubles_fit_fn *const fit[] = QN_ISA_TABLE(qn_doubles_fit);

	return (s->fits[0] || fit[s->level](b->x, n, LEAST_THAT_FITS, most_of(s->x))) &&
	       (s->fits[1] || fit[s->level](b->w, n, LEAST_THAT_FITS, most_of(s->w)));
}

static bool fits(enum quern_dtype t, double v)
{
	return v == 0 || (fabs(v) >= LEAST_THAT_FITS && fabs(v) < most_of(t));
}

bool qn_weighted_fits_one(const struct qn_weighted *s, const struct qn_weighted_block *b, size_t i)
{
	return fits(s->x, b->x[i]) && fits(s->w, b->w[i]);
}

/* Products of a and c, to a sum. */
static bool multiply(const struct qn_weighted *s, struct qn_weighted_block *b, int sum,
		     const double *a, const double *c, size_t n, qn_weighted_take *take, void *ctx)
{
	static qn_products_fn *const products[] = QN_ISA_TABLE(qn_products);
	const bool more = products[s->level](a, c, n, b->high, s->is_exact[sum] ? NULL : b->low);

	return take(ctx, sum, b->high, n) && (!more || take(ctx, sum, b->low, n));
}

static bool multiply_squares(const struct qn_weighted *s, struct qn_weighted_block *b, size_t n,
			     qn_weighted_take *take, void *ctx)
{
	static qn_products_fn *const products[] = QN_ISA_TABLE(qn_products);
	const bool rounds = s->nsums > QN_SUM_WXX_LOW;
	const bool more = products[s->level](b->x, b->x, n, b->square, rounds ? b->error : NULL);

	return multiply(s, b, QN_SUM_WXX, b->w, b->square, n, take, ctx) &&
	       (!more || multiply(s, b, QN_SUM_WXX_LOW, b->w, b->error, n, take, ctx));
}

bool qn_weighted_multiply(const struct qn_weighted *s, struct qn_weighted_block *b, size_t n,
			  qn_weighted_take *take, void *ctx)
{
	return take(ctx, QN_SUM_W, b->w, n) &&
	       multiply(s, b, QN_SUM_WX, b->w, b->x, n, take, ctx) &&
	       (s->nsums <= QN_SUM_WW || (multiply(s, b, QN_SUM_WW, b->w, b->w, n, take, ctx) &&
					  multiply_squares(s, b, n, take, ctx)));
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

void qn_weighted_add_one(const struct qn_weighted *s, int sum, int64_t *limb,
			 const struct qn_weighted_number *x, const struct qn_weighted_number *w,
			 uint64_t times)
{
	static const struct {
		int w, x;
	} power[] = { [QN_SUM_W] = { 1, 0 },
		      [QN_SUM_WX] = { 1, 1 },
		      [QN_SUM_WW] = { 2, 0 },
		      [QN_SUM_WXX] = { 1, 2 } };
	uint64_t words[4] = { times, 0, 0, 0 };
	int exp = 0;

	if (sum == QN_SUM_WXX_LOW || (power[sum].x && !x))
		return;
	for (int i = 0; i < power[sum].w; i++, exp += w->unit)
		scale(words, w->m);
	for (int i = 0; i < power[sum].x; i++, exp += x->unit)
		scale(words, x->m);
	if (words[0] | words[1] | words[2] | words[3])
		qn_acc_add_words(&s->form[sum], limb, words, 4, exp,
				 power[sum].x == 1 && x->negative);
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

/* Adds an element on its own, and takes it out of the block. Is it there? */
static bool add_odd(const struct row *r, struct qn_weighted_block *b, size_t i, const char *x,
		    const char *w)
{
	const struct qn_weighted *s = r->s;
	const struct qn_weighted_number of_x = qn_weighted_number(s->x, x);
	const struct qn_weighted_number of_w = qn_weighted_number(s->w, w);
	const bool is_finite = isfinite(b->x[i]);
	const bool is_there = !s->drops_nan || !isnan(b->x[i]);

	if (is_there && !is_finite)
		r->special[qn_weighted_special(b->x[i], b->w[i])]++;
	for (int k = 0; is_there && k < s->nsums; k++)
		qn_weighted_add_one(s, k, r->words + s->offset[k], is_finite ? &of_x : NULL, &of_w,
				    1);
	b->x[i] = b->w[i] = 0;
	return is_there;
}

/* Adds n elements of a block's size at most. Returns how many are not there. */
static size_t add_block(struct row *r, struct qn_weighted_block *b, const char *x, const char *w,
			size_t n)
{
	const struct qn_weighted *s = r->s;
	size_t nlost = 0;

	qn_weighted_load(s, b, x, w, 0, n, 0);
	if (!qn_weighted_fit(s, b, n))
		for (size_t i = 0; i < n; i++)
			if (!qn_weighted_fits_one(s, b, i))
				nlost += !add_odd(r, b, i, qn_weighted_at(s->x, x, i),
						  qn_weighted_at(s->w, w, i));
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
	const struct qn_weighted_number by = qn_weighted_number(s->w, w);
	struct qn_extremes ignored;

	if (by.m >> 53)
		return false;
	memset(plain, 0, s->plain.nwords * sizeof(*plain));
	if (!qn_power_add(&s->plain, x, n, plain, &ignored, r->scratch))
		return false;
	for (int k = 0; k < s->nsums; k++) {
		const int power = k == QN_SUM_WXX ? 1 : 0;
		const struct qn_acc_form *own = &s->plain.form[power];
		int64_t *limb = r->words + s->offset[k];

		if (k == QN_SUM_WX || k == QN_SUM_WXX)
			add_scaled(&s->form[k], limb, own, plain + s->plain.offset[power], &by);
		else
			qn_weighted_add_one(s, k, limb, NULL, &by, n);
	}
	return true;
}

size_t qn_weighted_add(const struct qn_weighted *s, const void *x, const void *w, size_t n,
		       int64_t *words, int64_t special[QN_WEIGHTED_NSPECIALS], void *scratch)
{
	static qn_count_alike_fn *const count_alike[] = QN_ISA_TABLE(qn_count_alike);
	struct qn_weighted_block *b = scratch;
	int64_t *plain = (int64_t *)(void *)((char *)scratch + sizeof(*b));
	struct row r = { s, words, special, (char *)plain + plain_nbytes(s) };
	size_t nlost = 0;

	for (size_t i = 0, len; i < n; i += len) {
		const char *at_x = qn_weighted_at(s->x, x, i), *at_w = qn_weighted_at(s->w, w, i);

		len = count_alike[s->level](at_w, qn_dtype_size(s->w), n - i);
		if (len >= ALIKE && s->nsums <= QN_SUM_WXX_LOW &&
		    add_alike(&r, plain, at_x, at_w, len))
			continue;
		len = (size_t)qn_min_u64(n - i, QN_WEIGHTED_BLOCK);
		nlost += add_block(&r, b, at_x, at_w, len);
	}
	return nlost;
}

void qn_weighted_normalize(const struct qn_weighted *s, int64_t *words)
{
	for (int k = 0; k < s->nsums; k++)
		qn_acc_normalize(&s->form[k], words + s->offset[k]);
}
