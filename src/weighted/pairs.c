#include "weighted/pairs.h"

#include "weighted/big.h"

void qn_pairs_init(struct qn_pairs *p, const enum quern_dtype dtype[QN_NFACTORS], bool is_weighted)
{
	*p = (struct qn_pairs){ .is_weighted = is_weighted };
	qn_weighted_init(&p->products, dtype, is_weighted ? QN_WEIGHTED_PAIRS : QN_WEIGHTED_PRODUCT,
			 false);
	if (!is_weighted) {
		qn_power_init(&p->x, dtype[QN_FACTOR_X], 2);
		qn_power_init(&p->y, dtype[QN_FACTOR_Y], 2);
		p->of_y = p->x.nwords;
		p->of_products = p->of_y + p->y.nwords;
	}
	p->nwords = p->of_products + p->products.nwords;
}

int qn_pairs_segments(const struct qn_pairs *p, struct quern_segment *segments)
{
	int n = 0;

	if (!p->is_weighted) {
		n += qn_power_segments(&p->x, segments);
		n += qn_power_segments(&p->y, segments + n);
	}
	return n + qn_weighted_segments(&p->products, segments + n);
}

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t qn_pairs_scratch_nbytes(const struct qn_pairs *p)
{
	const size_t of_products = qn_weighted_scratch_nbytes(&p->products);

	if (p->is_weighted)
		return of_products;
	return most(of_products,
		    most(qn_power_scratch_nbytes(&p->x), qn_power_scratch_nbytes(&p->y)));
}

/* Returns how many are infinite or NaN. */
static uint64_t add_powers(const struct qn_power *p, const void *values, size_t n, int64_t *words,
			   void *scratch)
{
	int64_t special[QN_NSPECIALS] = { 0 };
	struct qn_extremes ignored;

	if (qn_power_add(p, values, n, words, &ignored, scratch))
		return 0;
	qn_power_add_special(p, values, n, words, special, &ignored, scratch);
	return (uint64_t)(special[QN_SPECIAL_NAN] + special[QN_SPECIAL_PINF] +
			  special[QN_SPECIAL_NINF]);
}

uint64_t qn_pairs_add(const struct qn_pairs *p, const void *const v[QN_NFACTORS], size_t n,
		      int64_t *words, void *scratch)
{
	int64_t special[QN_WEIGHTED_NSPECIALS] = { 0 };
	uint64_t nspecial = 0;

	if (!p->is_weighted) {
		nspecial = add_powers(&p->x, v[QN_FACTOR_X], n, words, scratch);
		nspecial += add_powers(&p->y, v[QN_FACTOR_Y], n, words + p->of_y, scratch);
	}
	qn_weighted_add(&p->products, v, n, words + p->of_products, special, scratch);
	return p->is_weighted ? (uint64_t)special[QN_SPECIAL_NAN] : nspecial;
}

void qn_pairs_normalize(const struct qn_pairs *p, int64_t *words)
{
	if (!p->is_weighted) {
		qn_power_normalize(&p->x, words);
		qn_power_normalize(&p->y, words + p->of_y);
	}
	qn_weighted_normalize(&p->products, words + p->of_products);
}

/* --- statistics --- */

/* Of each sum the factors of x and of y. */
enum sum { N, X, Y, XX, XY, YY, NSUMS };

/* The sums, and the numbers of pairs.h that are made of them. */
struct numbers {
	struct qn_big sum[NSUMS];
	struct qn_big c, dx, dy;
	struct qn_big freedom;
	struct qn_big num, den, work; /* of what is made at last */
};

static void init(struct numbers *b)
{
	for (int k = 0; k < NSUMS; k++)
		qn_big_init(&b->sum[k]);
	qn_big_init(&b->c);
	qn_big_init(&b->dx);
	qn_big_init(&b->dy);
	qn_big_init(&b->freedom);
	qn_big_init(&b->num);
	qn_big_init(&b->den);
	qn_big_init(&b->work);
}

static void fini(struct numbers *b)
{
	for (int k = 0; k < NSUMS; k++)
		qn_big_fini(&b->sum[k]);
	qn_big_fini(&b->c);
	qn_big_fini(&b->dx);
	qn_big_fini(&b->dy);
	qn_big_fini(&b->freedom);
	qn_big_fini(&b->num);
	qn_big_fini(&b->den);
	qn_big_fini(&b->work);
}

static void load_weighted(struct numbers *b, const struct qn_weighted *s, const int64_t *words)
{
	static const int first[] = { [N] = QN_SUM_W,	[X] = QN_SUM_WX,   [Y] = QN_SUM_WY,
				     [XX] = QN_SUM_WXX, [XY] = QN_SUM_WXY, [YY] = QN_SUM_WYY };

	for (int k = 0; k < NSUMS; k++)
		for (int sum = first[k]; sum <= first[k] + (k >= XX); sum++)
			if (qn_weighted_has_sum(s, sum))
				qn_big_add_limbs(&b->sum[k], &s->form[sum], words + s->offset[sum]);
}

static void load_powers(const struct qn_power *p, const int64_t *words, struct qn_big *sum,
			struct qn_big *squares)
{
	qn_big_add_limbs(sum, &p->form[0], words + p->offset[0]);
	qn_big_add_limbs(squares, &p->form[1], words + p->offset[1]);
}

static void load(struct numbers *b, const struct qn_pairs *p, const int64_t *words, uint64_t n)
{
	const struct qn_weighted *s = &p->products;

	if (p->is_weighted) {
		load_weighted(b, s, words);
		qn_big_fini(&b->freedom);
		qn_weighted_load_freedom(&b->freedom, s, words);
		return;
	}
	mpz_set_ui(b->sum[N].z, n);
	mpz_set_ui(b->freedom.z, n - 1);
	mpz_mul(b->freedom.z, b->freedom.z, b->sum[N].z);
	load_powers(&p->x, words, &b->sum[X], &b->sum[XX]);
	load_powers(&p->y, words + p->of_y, &b->sum[Y], &b->sum[YY]);
	qn_big_add_limbs(&b->sum[XY], &s->form[QN_SUM_XY],
			 words + p->of_products + s->offset[QN_SUM_XY]);
}

/* out = N * product - a * b */
static void find_difference(struct numbers *b, enum sum product, enum sum first, enum sum second,
			    struct qn_big *out)
{
	qn_big_multiply(out, &b->sum[N], &b->sum[product]);
	qn_big_multiply(&b->work, &b->sum[first], &b->sum[second]);
	qn_big_subtract(out, &b->work);
}

/* num / den, or its root, with the sign of C. False: den is 0. */
static bool divide(struct numbers *b, bool is_root, double *out)
{
	const long exp = b->num.exp - b->den.exp;

	if (mpz_sgn(b->den.z) <= 0)
		return false;
	*out = is_root ? qn_round_root(b->num.z, b->den.z, exp, false)
		       : qn_round_quotient(b->num.z, b->den.z, exp);
	return true;
}

static void set(struct qn_big *to, const struct qn_big *from)
{
	mpz_set(to->z, from->z);
	to->exp = from->exp;
}

static bool find_cov(struct numbers *b, uint64_t n, double *out)
{
	(void)n;
	set(&b->num, &b->c);
	set(&b->den, &b->freedom);
	return divide(b, false, out);
}

/* num = C^2, den = Dx Dy */
static void set_squares(struct numbers *b)
{
	qn_big_multiply(&b->num, &b->c, &b->c);
	qn_big_multiply(&b->den, &b->dx, &b->dy);
}

static bool find_corr(struct numbers *b, uint64_t n, double *out)
{
	(void)n;
	set_squares(b);
	if (!divide(b, true, out))
		return false;
	*out = mpz_sgn(b->c.z) < 0 ? -*out : *out;
	return true;
}

static bool find_slope(struct numbers *b, uint64_t n, double *out)
{
	(void)n;
	set(&b->num, &b->c);
	set(&b->den, &b->dy);
	return divide(b, false, out);
}

static bool find_intercept(struct numbers *b, uint64_t n, double *out)
{
	(void)n;
	qn_big_multiply(&b->num, &b->sum[X], &b->dy);
	qn_big_multiply(&b->work, &b->c, &b->sum[Y]);
	qn_big_subtract(&b->num, &b->work);
	qn_big_multiply(&b->den, &b->sum[N], &b->dy);
	return divide(b, false, out);
}

static bool find_r2(struct numbers *b, uint64_t n, double *out)
{
	(void)n;
	set_squares(b);
	return divide(b, false, out);
}

static bool find_stderr(struct numbers *b, uint64_t n, double *out)
{
	if (n < 3)
		return false;
	qn_big_multiply(&b->num, &b->dx, &b->dy);
	qn_big_multiply(&b->work, &b->c, &b->c);
	qn_big_subtract(&b->num, &b->work);
	qn_big_multiply(&b->den, &b->dy, &b->dy);
	mpz_mul_ui(b->den.z, b->den.z, n - 2);
	return divide(b, true, out);
}

void qn_pairs_stats(const struct qn_pairs *p, const int64_t *words, uint64_t n, uint64_t nweighted,
		    unsigned asked, struct qn_pair_stats *out)
{
	static bool (*const find[])(struct numbers *, uint64_t, double *) = {
		[QN_PAIR_COV] = find_cov,     [QN_PAIR_CORR] = find_corr,
		[QN_PAIR_SLOPE] = find_slope, [QN_PAIR_INTERCEPT] = find_intercept,
		[QN_PAIR_R2] = find_r2,	      [QN_PAIR_STDERR] = find_stderr,
	};
	struct numbers b;

	*out = (struct qn_pair_stats){ .has = { false } };
	if (!n)
		return;
	init(&b);
	load(&b, p, words, n);
	find_difference(&b, XY, X, Y, &b.c);
	if (asked & ~(1u << QN_PAIR_COV)) {
		find_difference(&b, XX, X, X, &b.dx);
		find_difference(&b, YY, Y, Y, &b.dy);
	}
	for (int k = 0; k < QN_NPAIR_STATS; k++)
		out->has[k] = (asked >> k & 1) && find[k](&b, nweighted, &out->value[k]);
	fini(&b);
}
