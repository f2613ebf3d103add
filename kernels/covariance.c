/*
 * covariance.c - the covariance matrix of the features of a dataset of samples.
 *
 * One dimension of the dataset counts the samples; all others, in C order, are the K features of a
 * sample. A sample counts if it is complete: it is left out when any of its features is missing.
 *
 *	pass 1  | samples | left out | K exact sums  | K keys | K keys |
 *	segment |               SUM                  | MIN, K | MAX, K |
 *	pass 2  | hi of P, row by row | hi of sums | lo of P | lo of sums |
 *	segment |                   SUM, 2 (K(K+1)/2 + K)                 |
 *
 * Pass 1 finds, for each feature, its mean m, nearly, and a power of two 2^e that |x - m| does not
 * exceed. Pass 2 takes z = (x - m) 2^-e, |z| <= 1, and adds up the products P = sum of z_j z_k for
 * k <= j by BLAS dsyrk, and the sums of z, which correct for m not being the mean:
 *
 *	covariance = 2^(e_j + e_k) (P_jk - sum_j sum_k / n) / (n - 1)
 *
 * Order. BLAS sums in floating point, so its sums depend on what is summed. Hence an item is always
 * cut into the same sub-panels of rows, and a sub-panel into the same pieces; the matrix of a
 * sub-panel is a function of the data in it alone. It is added to the state as fixed-point numbers,
 * two words each (covariance_simd.h): integer additions, which may come in any order. Bits
 * therefore do not depend on ranks, threads or schedule; they may differ between models of
 * processor for which BLAS has different code.
 *
 * Error. With R <= 4096 rows in a sub-panel, u = 2^-53, and s_j, s_k the standard deviations,
 * dsyrk is off by at most R u times sqrt(P_jj P_kk), a z by u, and the fixed point by 2^-(point+38)
 * a sub-panel where P_jj >= 1/4, so a covariance is within (R + 8) u s_j s_k: 5e-13 of the largest
 * it could be. In practice errors cancel and are around 1e-15. All types are converted to double
 * first, which rounds 64-bit integers beyond 2^53.
 *
 * A feature with an infinity among its values, or with NaN where NaN is a value, has NaN for
 * covariances.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/mem.h"
#include "exact/acc.h"
#include "kernel/result.h"
#include "kernel/tile.h"
#include "convert_simd.h"
#include "covariance_simd.h"
#include "kernels.h"

/* Rows of a sub-panel. Many, so that adding its K^2 / 2 sums to the state costs little beside the
   K^2 products a row that made them; and the magnitude of a sum is bounded by it. */
#define SUB_PANEL_NROWS 4096
/* Doubles of a piece of rows given to dsyrk at once, or one row: 512 KiB, so that most of it is in
   a core's second cache when dsyrk packs it, which then takes half the time. */
#define PIECE_NELEMS (1u << 16)
/* Doubles converted at once, so that they are still in the first cache when they are used; and
   where features must be transposed, in the second. */
#define BLOCK_NELEMS		 2048
#define TRANSPOSED_BLOCK_NELEMS (1u << 15)
/* Elements of an item that are always acceptable: 16 MiB of float32. */
#define ITEM_NELEMS (UINT64_C(1) << 22)
/* K up to here gives a state of 4 GiB, and a worker a matrix of as much again besides it: more
   than a core's share of memory on almost any machine. */
#define MAX_NFEATURES 16384

/* What pass 1 found, sent from rank 0. Arrays of K numbers follow it. */
struct found {
	int64_t second_pass;
	int64_t nsamples, nmissing;
	int64_t point;		/* of the fixed-point numbers of pass 2 */
	int64_t any_dropped;	/* a feature has values that are not finite */
};

struct covariance {
	enum quern_dtype dtype;
	bool drop_nan;
	int sample_dim;
	size_t k;		/* number of features */
	double unit;		/* of the sums of pass 1: see choose_unit */
	struct qn_acc_form form;
	size_t piece_nrows, block_nrows;
	struct found *found;	/* owned, with the arrays below behind it */
	size_t found_nbytes;
	double *mean;		/* the m of a feature; if it is left out, what to report as mean */
	double *scale, *shift;	/* z = x * scale - shift */
	uint64_t *keep;		/* all ones, or 0 for features left out */
	int64_t *exponent;	/* e */
	void (*range)(const double *, size_t, size_t, double, const struct qn_cov_ranges *);
	void (*to_z)(const double *, size_t, size_t, const struct qn_cov_columns *, double *,
		     double *);
	bool (*all_finite)(const double *, size_t);
	void (*add)(const double *, size_t, int, int64_t *, int64_t *);
	qn_convert_fn *convert;
	int blas_nthreads;	/* before open; 0: not changed */
};

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

static enum quern_status choose_features(struct covariance *c, const struct quern_input *in)
{
	const char *text = quern_option_string(in->options, "samples");
	uint64_t count[QUERN_MAX_DIMS], k;

	c->sample_dim = find_dim(in, text);
	if (c->sample_dim < 0)
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--samples %s: the dataset has no such dimension: give a "
					 "name or a number below %d", text, in->ndim);
	memcpy(count, in->selection->count, sizeof(count));
	count[c->sample_dim] = 1;
	if (!qn_product(count, in->ndim, &k) || k > MAX_NFEATURES)
		return quern_message_set(in->message, QUERN_ERR_DATA,
					 "covariance: more than %d features, for which the matrix "
					 "does not fit in memory: select fewer, or name another "
					 "dimension by --samples", MAX_NFEATURES);
	if (k == 0)
		return quern_message_set(in->message, QUERN_ERR_DATA,
					 "covariance: the selection has no features");
	c->k = (size_t)k;
	return QUERN_OK;
}

/* Sums of a sub-panel of float64 might overflow, so they are taken in units of 2^20. That loses
   the last bits of subnormals: the sums are for choosing m only. */
static void choose_unit(struct covariance *c)
{
	c->unit = c->dtype == QUERN_F64 ? 0x1p-20 : 1;
	c->form = qn_acc_form(c->dtype, 1);
}

static void choose_code(struct covariance *c)
{
	static void (*const ranges[])(const double *, size_t, size_t, double,
				      const struct qn_cov_ranges *) = QN_ISA_TABLE(qn_cov_range);
	static void (*const scales[])(const double *, size_t, size_t,
				      const struct qn_cov_columns *, double *,
				      double *) = QN_ISA_TABLE(qn_cov_scale);
	static bool (*const finites[])(const double *, size_t) = QN_ISA_TABLE(qn_cov_all_finite);
	static void (*const adds[])(const double *, size_t, int, int64_t *,
				    int64_t *) = QN_ISA_TABLE(qn_cov_add);
	static qn_convert_fn *const converts[] = QN_ISA_TABLE(qn_convert_to_double);
	const enum qn_cpu level = qn_cpu_level();

	c->range = ranges[level];
	c->to_z = scales[level];
	c->all_finite = finites[level];
	c->add = adds[level];
	c->convert = converts[level];
}

static size_t at_least_1(size_t n)
{
	return n ? n : 1;
}

/* Whether the samples are the fastest dimension, so that features must be transposed. */
static bool has_features_first(const struct covariance *c, int ndim)
{
	return c->sample_dim == ndim - 1 && c->k > 1;
}

static enum quern_status make_found(struct covariance *c, struct quern_message *message)
{
	double *array;

	c->found_nbytes = sizeof(*c->found) + 5 * c->k * sizeof(*array);
	c->found = qn_calloc(1, c->found_nbytes);
	if (!c->found)
		return quern_message_set(message, QUERN_ERR_RUN,
					 "out of memory for covariance of %zu features", c->k);
	array = (double *)(void *)(c->found + 1);
	c->mean = array;
	c->scale = array + c->k;
	c->shift = array + 2 * c->k;
	c->keep = (uint64_t *)(void *)(array + 3 * c->k);
	c->exponent = (int64_t *)(void *)(array + 4 * c->k);
	return QUERN_OK;
}

static void covariance_close(void *self)
{
	struct covariance *c = self;

	if (c->blas_nthreads)
		openblas_set_num_threads(c->blas_nthreads);
	free(c->found);
	free(c);
}

static enum quern_status covariance_open(const struct quern_input *in, void **self)
{
	struct covariance *c = qn_calloc(1, sizeof(*c));
	enum quern_status status;
	size_t block_nelems;

	if (!c)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	c->dtype = in->dtype;
	c->drop_nan = in->nan_missing && qn_dtype_is_float(in->dtype);
	status = choose_features(c, in);
	if (!status)
		status = make_found(c, in->message);
	if (status) {
		covariance_close(c);
		return status;
	}
	choose_unit(c);
	choose_code(c);
	block_nelems = has_features_first(c, in->ndim) ? TRANSPOSED_BLOCK_NELEMS
							    : BLOCK_NELEMS;
	c->block_nrows = at_least_1(block_nelems / c->k);
	c->piece_nrows = at_least_1(PIECE_NELEMS / c->k);
	if (c->piece_nrows > SUB_PANEL_NROWS)
		c->piece_nrows = SUB_PANEL_NROWS;
	/* Every worker thread calls BLAS for itself. What the caller had is restored by close. */
	c->blas_nthreads = openblas_get_num_threads();
	openblas_set_num_threads(1);
	*self = c;
	return QUERN_OK;
}

/* Whole samples, and so many that a sub-panel is full, unless an item would then be larger than
   both what is always acceptable and the matrix. */
static void covariance_demand(const void *self, struct quern_demand *d)
{
	const struct covariance *c = self;
	const uint64_t limit = qn_max_u64(ITEM_NELEMS, (uint64_t)c->k * c->k);

	for (int i = 0; i < QUERN_MAX_DIMS; i++)
		d->whole[i] = i != c->sample_dim;
	d->min_nelems = qn_min_u64((uint64_t)SUB_PANEL_NROWS * c->k, limit);
}

/* Numbers in a lower triangle with its diagonal. */
static size_t triangle(size_t k)
{
	return k * (k + 1) / 2;
}

/* Words of the state in pass 1, up to the keys. */
static size_t nwords_of_sums(const struct covariance *c)
{
	return 2 + c->k * (size_t)c->form.nlimbs;
}

static size_t nwords_of_products(const struct covariance *c)
{
	return triangle(c->k) + c->k;
}

static int covariance_layout(const void *self, struct quern_segment *segments)
{
	const struct covariance *c = self;

	if (c->found->second_pass) {
		segments[0] = (struct quern_segment){ QUERN_SUM, 2 * nwords_of_products(c) };
		return 1;
	}
	segments[0] = (struct quern_segment){ QUERN_SUM, nwords_of_sums(c) };
	segments[1] = (struct quern_segment){ QUERN_MIN, c->k };
	segments[2] = (struct quern_segment){ QUERN_MAX, c->k };
	return 3;
}

static size_t covariance_most_words(const void *self)
{
	const struct covariance *c = self;
	const size_t first = nwords_of_sums(c) + 2 * c->k, second = 2 * nwords_of_products(c);

	return first > second ? first : second;
}

/* Parts of the scratch, each from a cache line on. */
struct parts {
	double *block;		/* rows as doubles */
	double *run;		/* one feature of a block, before it is transposed */
	double *sum, *piece_sum, *min, *max;	/* K each */
	double *piece;		/* rows as z */
	double *matrix;		/* K x K */
};

/* Reserves nelems doubles; returns where they begin. */
static size_t reserve(size_t *end, size_t nelems)
{
	size_t begin = *end;

	*end += (nelems + 7) / 8 * 8;
	return begin;
}

/* Lays the parts out in memory, if it is not NULL; returns the number of doubles. */
static size_t divide(const struct covariance *c, double *memory, struct parts *parts)
{
	double **const part[] = { &parts->block, &parts->run, &parts->sum,   &parts->piece_sum,
				  &parts->min,	 &parts->max, &parts->piece, &parts->matrix };
	const size_t nelems[] = { c->block_nrows * c->k, c->block_nrows, c->k, c->k,
				  c->k, c->k, c->piece_nrows * c->k, c->k * c->k };
	size_t end = 0;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		size_t begin = reserve(&end, nelems[i]);

		*part[i] = memory ? memory + begin : NULL;
	}
	return end;
}

static size_t covariance_scratch(const void *self)
{
	struct parts unused;

	return divide(self, NULL, &unused) * sizeof(double);
}

/* --- Rows of a tile ------------------------------------------------------------------------- */

/* A tile as [outer][nrows][inner]: row r has K = outer * inner features. */
struct panel {
	const struct quern_var *var;
	size_t outer, nrows, inner;
};

static size_t product(const uint64_t *count, int n)
{
	size_t p = 1;

	for (int i = 0; i < n; i++)
		p *= (size_t)count[i];
	return p;
}

static struct panel panel_of_box(const struct covariance *c, const struct quern_box *box)
{
	const int s = c->sample_dim;

	return (struct panel){ .outer = product(box->count, s),
			       .nrows = (size_t)box->count[s],
			       .inner = product(box->count + s + 1, box->ndim - s - 1) };
}

/* Where the run of features `outer` of a row starts. */
static size_t run_start(const struct panel *p, size_t outer, size_t row)
{
	return (outer * p->nrows + row) * p->inner;
}

static void convert_run(const struct covariance *c, const struct panel *p, size_t start, size_t n,
			double *out)
{
	const char *values = p->var->values;

	c->convert(c->dtype, values + start * qn_dtype_size(c->dtype), n, out);
}

/* Rows first ... first+nrows-1 as doubles, row by row, to parts->block. */
static void gather(const struct covariance *c, const struct panel *p, size_t first, size_t nrows,
		   const struct parts *parts)
{
	if (p->outer == 1) {
		convert_run(c, p, first * c->k, nrows * c->k, parts->block);
		return;
	}
	for (size_t o = 0; o < p->outer; o++) {
		double *out = parts->block + o * p->inner;

		if (p->inner == 1) {
			convert_run(c, p, run_start(p, o, first), nrows, parts->run);
			for (size_t r = 0; r < nrows; r++)
				out[r * c->k] = parts->run[r];
			continue;
		}
		for (size_t r = 0; r < nrows; r++)
			convert_run(c, p, run_start(p, o, first + r), p->inner, out + r * c->k);
	}
}

static bool all_set(const uint64_t *bits, size_t first, size_t n)
{
	while (n > 0) {
		size_t bit = first % 64, count = 64 - bit < n ? 64 - bit : n;
		uint64_t mask = UINT64_MAX >> (64 - count) << bit;

		if ((bits[first / 64] & mask) != mask)
			return false;
		first += count;
		n -= count;
	}
	return true;
}

static bool has_nan(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(x[i]))
			return true;
	return false;
}

/* Whether no feature of a row, x as doubles, is missing. */
static bool is_complete(const struct covariance *c, const struct panel *p, size_t row,
			const double *x)
{
	for (size_t o = 0; p->var->nmissing && o < p->outer; o++)
		if (!all_set(p->var->valid, run_start(p, o, row), p->inner))
			return false;
	return !c->drop_nan || c->all_finite(x, c->k) || !has_nan(x, c->k);
}

/* n cut into the fewest parts of at most max, of nearly equal size: the size. */
static size_t even_cut(size_t n, size_t max)
{
	return qn_ceil_div(n, qn_ceil_div(n, max));
}

/* --- Pass 1 --------------------------------------------------------------------------------- */

static void fill(double *x, size_t n, double value)
{
	for (size_t i = 0; i < n; i++)
		x[i] = value;
}

static void clear_ranges(const struct covariance *c, const struct qn_cov_ranges *ranges)
{
	fill(ranges->sum, c->k, 0);
	fill(ranges->min, c->k, INFINITY);
	fill(ranges->max, c->k, -INFINITY);
}

/* A row in which not all is finite. NaN, which is a value here, stays as the maximum. */
static void add_odd_row(const struct covariance *c, const double *x,
			const struct qn_cov_ranges *ranges)
{
	for (size_t j = 0; j < c->k; j++) {
		if (isfinite(x[j]))
			ranges->sum[j] += x[j] * c->unit;
		if (x[j] < ranges->min[j])
			ranges->min[j] = x[j];
		if (x[j] > ranges->max[j] || isnan(x[j]))
			ranges->max[j] = x[j];
	}
}

/* The ranges of rows of which some may not be complete, or not finite. Returns how many are
   complete. */
static size_t add_rows_with_care(const struct covariance *c, const struct panel *p, size_t first,
				 size_t nrows, const struct parts *parts,
				 const struct qn_cov_ranges *ranges)
{
	size_t ncomplete = 0;

	for (size_t r = 0; r < nrows; r++) {
		gather(c, p, first + r, 1, parts);
		if (!is_complete(c, p, first + r, parts->block))
			continue;
		ncomplete++;
		if (c->all_finite(parts->block, c->k))
			c->range(parts->block, 1, c->k, c->unit, ranges);
		else
			add_odd_row(c, parts->block, ranges);
	}
	return ncomplete;
}

/* The ranges of rows, taken to be complete; false if the sums show that something is not finite. */
static bool add_rows(const struct covariance *c, const struct panel *p, size_t first, size_t nrows,
		     const struct parts *parts, const struct qn_cov_ranges *ranges)
{
	for (size_t r = 0; r < nrows; r += c->block_nrows) {
		size_t n = qn_min_u64(c->block_nrows, nrows - r);

		gather(c, p, first + r, n, parts);
		c->range(parts->block, n, c->k, c->unit, ranges);
	}
	return c->all_finite(ranges->sum, c->k);
}

/* Adds the ranges of a sub-panel to the state of pass 1. */
static void deposit_ranges(const struct covariance *c, int64_t *state,
			   const struct qn_cov_ranges *ranges)
{
	int64_t *limbs = state + 2, *min = state + nwords_of_sums(c), *max = min + c->k;

	for (size_t j = 0; j < c->k; j++) {
		int64_t lo = qn_key_from_double(ranges->min[j]);
		int64_t hi = isnan(ranges->max[j]) ? INT64_MAX : qn_key_from_double(ranges->max[j]);

		qn_acc_add_double(&c->form, limbs + j * (size_t)c->form.nlimbs, ranges->sum[j]);
		min[j] = lo < min[j] ? lo : min[j];
		max[j] = hi > max[j] ? hi : max[j];
	}
}

static void absorb_ranges(const struct covariance *c, int64_t *state, const struct panel *p,
			  size_t first, size_t nrows, const struct parts *parts)
{
	const struct qn_cov_ranges ranges = { parts->sum, parts->min, parts->max };
	size_t ncomplete = nrows;

	clear_ranges(c, &ranges);
	if (p->var->nmissing || !add_rows(c, p, first, nrows, parts, &ranges)) {
		clear_ranges(c, &ranges);
		ncomplete = add_rows_with_care(c, p, first, nrows, parts, &ranges);
	}
	state[0] += (int64_t)ncomplete;
	state[1] += (int64_t)(nrows - ncomplete);
	if (ncomplete)
		deposit_ranges(c, state, &ranges);
}

/* --- Pass 2 --------------------------------------------------------------------------------- */

static struct qn_cov_columns columns(const struct covariance *c)
{
	return (struct qn_cov_columns){ c->scale, c->shift, c->keep };
}

/* z of complete rows to parts->piece, their sums to parts->piece_sum; returns how many. */
static size_t fill_piece_with_care(const struct covariance *c, const struct panel *p, size_t first,
				   size_t nrows, const struct parts *parts)
{
	const struct qn_cov_columns cols = columns(c);
	size_t ncomplete = 0;

	fill(parts->piece_sum, c->k, 0);
	for (size_t r = 0; r < nrows; r++) {
		gather(c, p, first + r, 1, parts);
		if (is_complete(c, p, first + r, parts->block))
			c->to_z(parts->block, 1, c->k, &cols, parts->piece + ncomplete++ * c->k,
				parts->piece_sum);
	}
	return ncomplete;
}

/* Likewise, where all are complete; false if the sums show that one is not. */
static bool fill_piece(const struct covariance *c, const struct panel *p, size_t first,
		       size_t nrows, const struct parts *parts)
{
	const struct qn_cov_columns cols = columns(c);

	fill(parts->piece_sum, c->k, 0);
	for (size_t r = 0; r < nrows; r += c->block_nrows) {
		size_t n = qn_min_u64(c->block_nrows, nrows - r);

		gather(c, p, first + r, n, parts);
		c->to_z(parts->block, n, c->k, &cols, parts->piece + r * c->k, parts->piece_sum);
	}
	return c->all_finite(parts->piece_sum, c->k);
}

/* Adds a sub-panel's sums of products, and of z, to the state of pass 2. */
static void deposit_products(const struct covariance *c, int64_t *state, const struct parts *parts)
{
	const int point = (int)c->found->point;
	int64_t *hi = state, *lo = state + nwords_of_products(c);

	for (size_t j = 0; j < c->k; j++)
		c->add(parts->matrix + j * c->k, j + 1, point, hi + triangle(j), lo + triangle(j));
	c->add(parts->sum, c->k, point, hi + triangle(c->k), lo + triangle(c->k));
}

static void absorb_products(const struct covariance *c, int64_t *state, const struct panel *p,
			    size_t first, size_t nrows, const struct parts *parts)
{
	const bool care = p->var->nmissing || c->found->any_dropped;
	const size_t step = even_cut(nrows, c->piece_nrows);
	const int k = (int)c->k;
	size_t ncomplete = 0;

	fill(parts->sum, c->k, 0);
	for (size_t r = 0; r < nrows; r += step) {
		size_t n = qn_min_u64(step, nrows - r);

		if (care || !fill_piece(c, p, first + r, n, parts))
			n = fill_piece_with_care(c, p, first + r, n, parts);
		if (n == 0)
			continue;
		cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, k, (int)n, 1, parts->piece, k,
			    ncomplete ? 1 : 0, parts->matrix, k);
		for (size_t j = 0; j < c->k; j++)
			parts->sum[j] += parts->piece_sum[j];
		ncomplete += n;
	}
	if (ncomplete)
		deposit_products(c, state, parts);
}

/* --- The slots of the kernel ---------------------------------------------------------------- */

static void covariance_absorb(const void *self, int64_t *state, void *scratch,
			      const struct quern_tile *tile)
{
	const struct covariance *c = self;
	struct panel p = panel_of_box(c, tile->box);
	struct parts parts;
	size_t step;

	if (p.nrows == 0)
		return;
	p.var = tile->var;
	divide(c, scratch, &parts);
	step = even_cut(p.nrows, SUB_PANEL_NROWS);
	for (size_t first = 0; first < p.nrows; first += step) {
		size_t nrows = qn_min_u64(step, p.nrows - first);

		if (c->found->second_pass)
			absorb_products(c, state, &p, first, nrows, &parts);
		else
			absorb_ranges(c, state, &p, first, nrows, &parts);
	}
}

static void covariance_normalize(const void *self, int64_t *state)
{
	const struct covariance *c = self;
	const size_t n = nwords_of_products(c);
	int64_t *lo = state + n;

	if (!c->found->second_pass) {
		for (size_t j = 0; j < c->k; j++)
			qn_acc_normalize(&c->form, state + 2 + j * (size_t)c->form.nlimbs);
		return;
	}
	for (size_t i = 0; i < n; i++) { /* 0 <= lo < 1 in units of hi */
		state[i] += lo[i] >> QN_COV_LOW_BITS;
		lo[i] &= (INT64_C(1) << QN_COV_LOW_BITS) - 1;
	}
}

/* A feature that is left out: its mean is infinite if all infinities have one sign. */
static void drop_feature(struct covariance *c, size_t j, int64_t min_key, int64_t max_key)
{
	const int64_t inf = qn_key_from_double(INFINITY), minus_inf = qn_key_from_double(-INFINITY);

	c->mean[j] = NAN;
	if (max_key == inf && min_key != minus_inf)
		c->mean[j] = INFINITY;
	else if (max_key < inf && min_key == minus_inf)
		c->mean[j] = -INFINITY;
	c->scale[j] = c->shift[j] = 0;
	c->keep[j] = 0;
	c->found->any_dropped = true;
}

/* m and e of a feature whose values are all finite. */
static void scale_feature(struct covariance *c, size_t j, double sum, double min, double max)
{
	double m = sum / (double)c->found->nsamples / c->unit, half;
	int e;

	m = fmin(fmax(m, min), max);
	/* Half of it cannot overflow; frexp gives a power of two above it. */
	half = fmax(max / 2 - m / 2, m / 2 - min / 2);
	frexp(half, &e);
	e = half == 0 ? 0 : e + 1;
	if (e < -1000) /* so that 2^-e is a double; z is small then, and no harm done */
		e = -1000;
	c->mean[j] = m;
	c->scale[j] = ldexp(1, -e);
	c->shift[j] = m * c->scale[j];
	c->keep[j] = UINT64_MAX;
	c->exponent[j] = e;
}

static bool covariance_advance(void *self, const int64_t *state)
{
	struct covariance *c = self;
	const int64_t *limbs = state + 2, *min = state + nwords_of_sums(c), *max = min + c->k;
	const int64_t inf = qn_key_from_double(INFINITY), minus_inf = qn_key_from_double(-INFINITY);
	struct found *f = c->found;
	int nbits;

	if (f->second_pass)
		return false;
	f->nsamples = state[0];
	f->nmissing = state[1];
	if (f->nsamples == 0)
		return false;
	/* A sum is at most nsamples, so its high word stays below 2^62. */
	nbits = 64 - __builtin_clzll((unsigned long long)f->nsamples);
	f->point = 61 - nbits < QN_COV_HIGH_BITS ? 61 - nbits : QN_COV_HIGH_BITS;
	f->second_pass = true;
	for (size_t j = 0; j < c->k; j++) {
		const int64_t *sum = limbs + j * (size_t)c->form.nlimbs;

		if (max[j] >= inf || min[j] <= minus_inf)
			drop_feature(c, j, min[j], max[j]);
		else
			scale_feature(c, j, qn_acc_round(&c->form, sum), qn_key_to_double(min[j]),
				      qn_key_to_double(max[j]));
	}
	return true;
}

static void *covariance_shared(void *self, size_t *nbytes)
{
	struct covariance *c = self;

	*nbytes = c->found_nbytes;
	return c->found;
}

/* The value of fixed-point number i of the state of pass 2. */
static double fixed_value(const struct covariance *c, const int64_t *state, size_t i)
{
	const int64_t hi = state[i], lo = state[nwords_of_products(c) + i];
	const qn_i128 v = (qn_i128)hi * (INT64_C(1) << QN_COV_LOW_BITS) + lo;

	return ldexp((double)v, -(int)c->found->point - QN_COV_LOW_BITS);
}

static void emit_means(const struct covariance *c, const int64_t *state, struct quern_result *r)
{
	double *mean = malloc(c->k * sizeof(*mean));

	if (!mean) {
		r->nomem = true;
		return;
	}
	for (size_t j = 0; j < c->k; j++) {
		double off = fixed_value(c, state, triangle(c->k) + j) / (double)c->found->nsamples;

		mean[j] = c->mean[j];
		if (c->keep[j])
			mean[j] += ldexp(off, (int)c->exponent[j]);
	}
	quern_result_reals(r, "mean", c->k, 0, mean);
	free(mean);
}

static double one_covariance(const struct covariance *c, const int64_t *state, size_t j, size_t k)
{
	const double n = (double)c->found->nsamples;
	const double sum_j = fixed_value(c, state, triangle(c->k) + j);
	const double sum_k = fixed_value(c, state, triangle(c->k) + k);
	const double product_of_z = fixed_value(c, state, triangle(j) + k);

	if (!c->keep[j] || !c->keep[k])
		return NAN;
	return ldexp((product_of_z - sum_j * (sum_k / n)) / (n - 1),
		     (int)(c->exponent[j] + c->exponent[k]));
}

static void emit_matrix(const struct covariance *c, const int64_t *state, struct quern_result *r)
{
	double *matrix = malloc(c->k * c->k * sizeof(*matrix));

	if (!matrix) {
		r->nomem = true;
		return;
	}
	for (size_t j = 0; j < c->k; j++)
		for (size_t k = 0; k <= j; k++)
			matrix[j * c->k + k] = matrix[k * c->k + j] = one_covariance(c, state, j, k);
	quern_result_reals(r, "covariance", c->k, c->k, matrix);
	free(matrix);
}

static void covariance_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct covariance *c = self;

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

const struct quern_kernel qn_kernel_covariance = {
	.abi = QUERN_KERNEL_ABI,
	.name = "covariance",
	.doc = "means and covariance matrix of the features of complete samples",
	.options = options,
	.open = covariance_open,
	.close = covariance_close,
	.demand = covariance_demand,
	.layout = covariance_layout,
	.most_words = covariance_most_words,
	.scratch = covariance_scratch,
	.absorb = covariance_absorb,
	.normalize = covariance_normalize,
	.advance = covariance_advance,
	.shared = covariance_shared,
	.emit = covariance_emit,
};
