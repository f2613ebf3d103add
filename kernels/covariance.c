/*
 * covariance.c - the covariance matrix of the features of a dataset of samples.
 *
 * One dimension of the dataset counts the samples; all others, in C order, are the K features of a
 * sample. A sample counts if it is complete: it is left out when any of its features is missing.
 *
 *	ranges   | samples | left out | K exact sums | K keys | K keys |
 *	segment  |             SUM                   | MIN, K | MAX, K |
 *	products | samples | left out | misfits | hi of P, row by row | of sums | lo of P | of sums |
 *	segment  |                    SUM, 3 + 2 (K(K+1)/2 + K)                                 |
 *
 * A pass finds, for each feature, its mean m, nearly, and a power of two 2^e that |x - m| does not
 * exceed. The next takes z = (x - m) 2^-e and adds up the products P = sum of z_j z_k for k <= j by
 * BLAS dsyrk, and the sums of z, which correct for m not being the mean:
 *
 *	covariance = 2^(e_j + e_k) (P_jk - sum_j sum_k / n) / (n - 1)
 *
 * Passes. m and e need not be exact, so at first they are taken from a sample of the items, and the
 * data are read once. The products prove whether m and e were good enough: in every sub-panel the
 * squares of z are 1 on average, or less (else it is a misfit); m is within s, the standard
 * deviation, of the mean; and s 2^-e is not too small. If not, or if the sample has a feature that is
 * constant or not finite, a pass over everything finds the ranges, and another the products.
 *
 * Order. BLAS sums in floating point, so its sums depend on what is summed. Hence an item is always
 * cut into the same sub-panels of rows, and a sub-panel into the same pieces; the matrix of a
 * sub-panel is a function of the data in it alone. It is added to the state as fixed-point numbers,
 * two words each (covariance_simd.h): integer additions, which may come in any order. Bits
 * therefore do not depend on ranks, threads or schedule; they may differ between models of
 * processor for which BLAS has different code.
 *
 * Error. With R <= 2048 rows in a sub-panel, u = 2^-53, and s_j, s_k the standard deviations,
 * dsyrk is off by at most R u times sqrt(P_jj P_kk), which is at most 2 (n-1) s_j s_k as m is within
 * s of the mean; a z is off by u, and the fixed point by 2^-(point+38) a sub-panel where P_jj >= 1/4
 * or, after a sample, n 2^-SMALL_BITS. So a covariance is within (2 R + 16) u s_j s_k: 5e-13 of the
 * largest it could be. In practice errors cancel and are around 1e-15. All types are converted to
 * double first, which rounds 64-bit integers beyond 2^53.
 *
 * A feature with an infinity among its values, or with NaN where NaN is a value, has NaN for
 * covariances.
 */
#include "covariance_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/system.h"
#include "kernel/result.h"
#include "kernel/tile.h"
#include "kernels.h"

/* Items whose m and e do for all. Their means are then off by about s / sqrt(32) where items differ
   as much as their samples, and less where they do not: far from s. */
#define SAMPLE_NITEMS 32
/* Bits by which 2^e is above what a sample asks for, as other items may have larger values. */
#define HEADROOM_BITS 4
/* The square of s 2^-e, of which the sample has at most 2^-8, must be above 2^-this. Larger, the
   rounding of fixed-point numbers might count. */
#define SMALL_BITS 24
/* Elements of an item that are always acceptable: 16 MiB of float32. */
#define ITEM_NELEMS (UINT64_C(1) << 22)
/* K up to here gives a state of 4 GiB, and a worker a matrix of as much again besides it: more
   than a core's share of memory on almost any machine. */
#define MAX_NFEATURES 16384

static const struct quern_option options[] = {
	{ "samples", 0, QUERN_OPT_STRING, "DIM", "0", 0, 0,
	  "dimension that counts the samples, by name or number; all others are features" },
	{ .name = NULL },
};

/* --- Setting up ----------------------------------------------------------------------------- */

static int find_dim(const struct quern_input *in, const char *text)
{
	char *end;
	long d;

	for (int i = 0; i < in->ndim; i++)
		if (in->dims[i] && !strcmp(in->dims[i], text))
			return i;
	d = strtol(text, &end, 10);
	return *text && !*end && d >= 0 && d < in->ndim ? (int)d : -1;
}

static enum quern_status choose_features(struct qn_covariance *c, const struct quern_input *in)
{
	const char *text = quern_option_string(in->options, "samples");
	uint64_t count[QUERN_MAX_DIMS], k;

	c->sample_dim = find_dim(in, text);
	if (c->sample_dim < 0)
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--samples %s: the dataset has no such dimension: give a "
					 "name or a number below %d",
					 text, in->ndim);
	memcpy(count, in->selection->count, sizeof(count));
	c->nrows = count[c->sample_dim];
	count[c->sample_dim] = 1;
	if (!qn_product(count, in->ndim, &k) || k > MAX_NFEATURES)
		return quern_message_set(in->message, QUERN_ERR_DATA,
					 "covariance: more than %d features, for which the matrix "
					 "does not fit in memory: select fewer, or name another "
					 "dimension by --samples",
					 MAX_NFEATURES);
	if (k == 0)
		return quern_message_set(in->message, QUERN_ERR_DATA,
					 "covariance: the selection has no features");
	c->k = (size_t)k;
	return QUERN_OK;
}

/* Sums of a sub-panel of float64 might overflow, so they are taken in units of 2^20. That loses
   the last bits of subnormals: the sums are for choosing m only. */
static void choose_unit(struct qn_covariance *c)
{
	c->unit = c->dtype == QUERN_F64 ? 0x1p-20 : 1;
	c->form = qn_acc_form(c->dtype, 1);
}

/* A sum is at most the number of rows, so its high word stays below 2^62. */
static void choose_point(struct qn_covariance *c)
{
	const int nbits = 64 - __builtin_clzll(c->nrows | 1);

	c->point = 61 - nbits < QN_COV_HIGH_BITS ? 61 - nbits : QN_COV_HIGH_BITS;
}

/* Whether the samples are the fastest dimension, so that features must be transposed. */
static bool has_features_first(const struct qn_covariance *c, int ndim)
{
	return c->sample_dim == ndim - 1 && c->k > 1;
}

static enum quern_status make_found(struct qn_covariance *c, struct quern_message *message)
{
	double *array;

	c->found_nbytes = sizeof(*c->found) + 4 * c->k * sizeof(*array);
	c->found = qn_calloc(1, c->found_nbytes);
	if (!c->found)
		return quern_message_set(message, QUERN_ERR_RUN,
					 "out of memory for covariance of %zu features", c->k);
	array = (double *)(void *)(c->found + 1);
	c->mean = array;
	c->scale = array + c->k;
	c->shift = array + 2 * c->k;
	c->exponent = (int64_t *)(void *)(array + 3 * c->k);
	return QUERN_OK;
}

static void covariance_close(void *self)
{
	struct qn_covariance *c = self;

	if (c->blas_nthreads)
		c->blas.set_num_threads(c->blas_nthreads);
	free(c->found);
	free(c);
}

static enum quern_status covariance_open(const struct quern_input *in, void **self)
{
	struct qn_covariance *c = qn_calloc(1, sizeof(*c));
	enum quern_status status;

	if (!c)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	c->dtype = in->dtype;
	c->drop_nan = in->nan_missing && qn_dtype_is_float(in->dtype);
	status = choose_features(c, in);
	if (!status)
		status = qn_blas_load(quern_option_int(in->options, "threads"), &c->blas,
				      in->message);
	if (!status)
		status = make_found(c, in->message);
	if (status) {
		covariance_close(c);
		return status;
	}
	choose_unit(c);
	choose_point(c);
	qn_cov_panel_init(c, has_features_first(c, in->ndim));
	/* Every worker thread calls BLAS for itself. What the caller had is restored by close. */
	c->blas_nthreads = c->blas.get_num_threads();
	c->blas.set_num_threads(1);
	*self = c;
	return QUERN_OK;
}

/* Whole samples, and so many that a sub-panel is full, unless an item would then be larger than
   both what is always acceptable and the matrix. */
static void covariance_demand(const void *self, struct quern_demand *d)
{
	const struct qn_covariance *c = self;
	const uint64_t limit = qn_max_u64(ITEM_NELEMS, (uint64_t)c->k * c->k);

	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		d->whole[i] = i != c->sample_dim;
	d->min_nelems = qn_min_u64((uint64_t)QN_COV_SUB_PANEL_NROWS * c->k, limit);
}

static uint64_t covariance_sample(const void *self)
{
	const struct qn_covariance *c = self;

	return c->found->pass == QN_COV_SAMPLE ? SAMPLE_NITEMS : 0;
}

static size_t nwords_of_products_state(const struct qn_covariance *c)
{
	return QN_COV_PRODUCTS_HEAD + 2 * qn_cov_nwords_of_products(c);
}

static int covariance_layout(const void *self, struct quern_segment *segments)
{
	const struct qn_covariance *c = self;

	if (c->found->pass == QN_COV_PRODUCTS) {
		segments[0] = (struct quern_segment){ .op = QUERN_SUM,
						      .nwords = nwords_of_products_state(c) };
		return 1;
	}
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = qn_cov_nwords_of_sums(c) };
	segments[1] = (struct quern_segment){ .op = QUERN_MIN, .nwords = c->k };
	segments[2] = (struct quern_segment){ .op = QUERN_MAX, .nwords = c->k };
	return 3;
}

static size_t covariance_most_words(const void *self)
{
	const struct qn_covariance *c = self;
	const size_t ranges = qn_cov_nwords_of_sums(c) + 2 * c->k;
	const size_t products = nwords_of_products_state(c);

	return ranges > products ? ranges : products;
}

/* --- Passes --------------------------------------------------------------------------------- */

/* If there are misfits, the rest is void, and depends on what was absorbed after them. */
static void normalize_products(const struct qn_covariance *c, int64_t *state)
{
	const size_t n = qn_cov_nwords_of_products(c);
	int64_t *hi = state + QN_COV_PRODUCTS_HEAD, *lo = hi + n;

	if (state[QN_COV_MISFITS]) {
		memset(state, 0, nwords_of_products_state(c) * sizeof(*state));
		state[QN_COV_MISFITS] = 1;
	}
	for (size_t i = 0; i < n; i++) { /* 0 <= lo < 1 in units of hi */
		hi[i] += lo[i] >> QN_COV_LOW_BITS;
		lo[i] &= (INT64_C(1) << QN_COV_LOW_BITS) - 1;
	}
}

static void covariance_normalize(const void *self, int64_t *state)
{
	const struct qn_covariance *c = self;
	int64_t *limbs = state + QN_COV_RANGES_HEAD;

	if (c->found->pass == QN_COV_PRODUCTS)
		normalize_products(c, state);
	else
		for (size_t j = 0; j < c->k; j++)
			qn_acc_normalize(&c->form, limbs + j * (size_t)c->form.nlimbs);
}

/* A feature that is left out: its mean is infinite if all infinities have one sign. */
static void drop_feature(struct qn_covariance *c, size_t j, int64_t min_key, int64_t max_key)
{
	const int64_t inf = qn_key_from_double(INFINITY), minus_inf = qn_key_from_double(-INFINITY);

	c->mean[j] = NAN;
	if (max_key == inf && min_key != minus_inf)
		c->mean[j] = INFINITY;
	else if (max_key < inf && min_key == minus_inf)
		c->mean[j] = -INFINITY;
	c->scale[j] = c->shift[j] = 0;
	c->found->any_dropped = true;
}

/* m and e of a feature whose values, as far as they were seen, are all finite. */
static void scale_feature(struct qn_covariance *c, size_t j, double sum, double min, double max)
{
	double m = sum / (double)c->found->nsamples / c->unit, half;
	int e;

	m = fmin(fmax(m, min), max);
	/* Half of it cannot overflow; frexp gives a power of two above it. */
	half = fmax(max / 2 - m / 2, m / 2 - min / 2);
	frexp(half, &e);
	e = half == 0 ? 0 : e + 1 + (c->found->is_sampled ? HEADROOM_BITS : 0);
	if (e < -1000) /* so that 2^-e is a double; z is small then, and no harm done */
		e = -1000;
	c->mean[j] = m;
	c->scale[j] = ldexp(1, -e);
	c->shift[j] = m * c->scale[j];
	c->exponent[j] = e;
}

/* m and e of all features from the state of ranges. */
static void choose_scales(struct qn_covariance *c, const int64_t *state)
{
	const int64_t *limbs = state + QN_COV_RANGES_HEAD;
	const int64_t *min = state + qn_cov_nwords_of_sums(c), *max = min + c->k;
	const int64_t inf = qn_key_from_double(INFINITY), minus_inf = qn_key_from_double(-INFINITY);

	for (size_t j = 0; j < c->k; j++) {
		const int64_t *sum = limbs + j * (size_t)c->form.nlimbs;

		if (max[j] >= inf || min[j] <= minus_inf)
			drop_feature(c, j, min[j], max[j]);
		else
			scale_feature(c, j, qn_acc_round(&c->form, sum), qn_key_to_double(min[j]),
				      qn_key_to_double(max[j]));
	}
}

/* Whether the ranges of a sample may do for all: every feature varies, and is finite. */
static bool sample_is_plain(const struct qn_covariance *c, const int64_t *state)
{
	const int64_t *min = state + qn_cov_nwords_of_sums(c), *max = min + c->k;
	const int64_t inf = qn_key_from_double(INFINITY), minus_inf = qn_key_from_double(-INFINITY);

	for (size_t j = 0; j < c->k; j++)
		if (min[j] <= minus_inf || min[j] >= max[j] || max[j] >= inf)
			return false;
	return true;
}

/* The value of fixed-point number i of the state of products. */
static double fixed_value(const struct qn_covariance *c, const int64_t *state, size_t i)
{
	const int64_t *hi = state + QN_COV_PRODUCTS_HEAD, *lo = hi + qn_cov_nwords_of_products(c);
	const qn_i128 v = (qn_i128)hi[i] * (INT64_C(1) << QN_COV_LOW_BITS) + lo[i];

	return ldexp((double)v, -c->point - QN_COV_LOW_BITS);
}

/* Whether the products are as accurate as promised though m and e are from a sample. */
static bool sample_was_good(const struct qn_covariance *c, const int64_t *state)
{
	const double n = (double)state[QN_COV_NSAMPLES];

	if (state[QN_COV_MISFITS])
		return false;
	for (size_t j = 0; j < c->k; j++) {
		double sum = fixed_value(c, state, qn_cov_triangle(c->k) + j);
		double squares = fixed_value(c, state, qn_cov_triangle(j) + j);
		double offset = sum * (sum / n), rest = squares - offset;

		if (!(offset <= rest && rest >= ldexp(n, -SMALL_BITS)))
			return false;
	}
	return true;
}

static bool start_pass(struct qn_covariance *c, enum qn_cov_pass pass)
{
	c->found->pass = pass;
	return true;
}

static bool covariance_advance(void *self, const int64_t *state)
{
	struct qn_covariance *c = self;
	struct qn_cov_found *f = c->found;

	f->nsamples = state[QN_COV_NSAMPLES];
	f->nmissing = state[QN_COV_NMISSING];
	if (f->pass == QN_COV_PRODUCTS)
		return f->is_sampled && !sample_was_good(c, state) && start_pass(c, QN_COV_RANGES);
	f->is_sampled = f->pass == QN_COV_SAMPLE &&
			(uint64_t)(f->nsamples + f->nmissing) < c->nrows;
	if (f->is_sampled && !sample_is_plain(c, state))
		return start_pass(c, QN_COV_RANGES);
	if (f->nsamples == 0)
		return false;
	choose_scales(c, state);
	return start_pass(c, QN_COV_PRODUCTS);
}

static void *covariance_shared(void *self, size_t *nbytes)
{
	struct qn_covariance *c = self;

	*nbytes = c->found_nbytes;
	return c->found;
}

/* --- The result ----------------------------------------------------------------------------- */

static void emit_means(const struct qn_covariance *c, const int64_t *state, struct quern_result *r)
{
	double *mean = qn_malloc(c->k * sizeof(*mean));

	if (!mean) {
		r->nomem = true;
		return;
	}
	for (size_t j = 0; j < c->k; j++) {
		double off = fixed_value(c, state, qn_cov_triangle(c->k) + j) /
			     (double)c->found->nsamples;

		mean[j] = c->mean[j];
		if (c->scale[j] != 0)
			mean[j] += ldexp(off, (int)c->exponent[j]);
	}
	quern_result_reals(r, "mean", c->k, 0, mean);
	free(mean);
}

static double one_covariance(const struct qn_covariance *c, const int64_t *state, size_t j,
			     size_t k)
{
	const double n = (double)c->found->nsamples;
	const double sum_j = fixed_value(c, state, qn_cov_triangle(c->k) + j);
	const double sum_k = fixed_value(c, state, qn_cov_triangle(c->k) + k);
	const double product_of_z = fixed_value(c, state, qn_cov_triangle(j) + k);

	if (c->scale[j] == 0 || c->scale[k] == 0)
		return NAN;
	return ldexp((product_of_z - sum_j * (sum_k / n)) / (n - 1),
		     (int)(c->exponent[j] + c->exponent[k]));
}

static void emit_matrix(const struct qn_covariance *c, const int64_t *state, struct quern_result *r)
{
	double *matrix = qn_malloc(c->k * c->k * sizeof(*matrix));

	if (!matrix) {
		r->nomem = true;
		return;
	}
	for (size_t j = 0; j < c->k; j++)
		for (size_t k = 0; k <= j; k++)
			matrix[j * c->k + k] = matrix[k * c->k + j] =
				one_covariance(c, state, j, k);
	quern_result_reals(r, "covariance", c->k, c->k, matrix);
	free(matrix);
}

static void covariance_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct qn_covariance *c = self;

	quern_result_int(r, "samples", c->found->nsamples);
	quern_result_int(r, "missing", c->found->nmissing);
	quern_result_int(r, "features", (int64_t)c->k);
	if (c->found->nsamples > 0)
		emit_means(c, state, r);
	else
		quern_result_null(r, "mean");
	if (c->found->nsamples > 1)
		emit_matrix(c, state, r);
	else
		quern_result_null(r, "covariance");
}

static const char *const *covariance_fields(const void *self)
{
	static const char *const fields[] = { "samples", "missing",    "features",
					      "mean",	 "covariance", NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_covariance = {
	.abi = QUERN_KERNEL_ABI,
	.name = "covariance",
	.doc = "means and covariance matrix of the features of complete samples; no unions of --select",
	.options = options,
	.open = covariance_open,
	.close = covariance_close,
	.demand = covariance_demand,
	.sample = covariance_sample,
	.layout = covariance_layout,
	.most_words = covariance_most_words,
	.scratch = qn_cov_scratch,
	.absorb = qn_cov_absorb,
	.normalize = covariance_normalize,
	.advance = covariance_advance,
	.shared = covariance_shared,
	.fields = covariance_fields,
	.emit = covariance_emit,
};
