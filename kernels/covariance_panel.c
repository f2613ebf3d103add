/*
 * covariance_panel.c - from tiles to the states of covariance.
 *
 *	block of rows of a tile -> doubles -> ranges	in the first cache
 *				          \-> z		in the first cache
 *	piece, several blocks   -> dsyrk -> matrix	in the second cache
 */
#include "covariance_impl.h"

#include <cblas.h>
#include <math.h>

#include "base/mem.h"
#include "kernel/tile.h"

/* Doubles of a piece of rows given to dsyrk at once, or one row: 512 KiB, so that most of it is in
   a core's second cache when dsyrk packs it, which then takes half the time. */
#define PIECE_NELEMS (1u << 16)
/* And its rows, for the sums of z, which are made one row after another, to keep their last bits. */
#define MAX_PIECE_NROWS 256
/* Doubles converted at once, so that they are still in the first cache when they are used; and
   where features must be transposed, in the second. */
#define BLOCK_NELEMS		1024
#define TRANSPOSED_BLOCK_NELEMS (1u << 15)

/* --- Setting up ----------------------------------------------------------------------------- */

/* Rows of about so many elements. */
static size_t nrows_of(const struct qn_covariance *c, size_t nelems)
{
	const size_t n = qn_min_u64(nelems / c->k, MAX_PIECE_NROWS);

	return n ? n : 1;
}

static void choose_code(struct qn_covariance *c)
{
	static void (*const ranges[])(const double *, size_t, size_t, double,
				      const struct qn_cov_ranges *) = QN_ISA_TABLE(qn_cov_range);
	static void (*const scales[])(double *, size_t, size_t, const double *, const double *,
				      double *) = QN_ISA_TABLE(qn_cov_scale);
	static bool (*const finites[])(const double *, size_t) = QN_ISA_TABLE(qn_cov_all_finite);
	static void (*const adds[])(const double *, size_t, int, int64_t *, int64_t *) =
		QN_ISA_TABLE(qn_cov_add);
	static qn_convert_fn *const converts[] = QN_ISA_TABLE(qn_convert_to_double);
	const enum qn_cpu level = qn_cpu_level();

	c->range = ranges[level];
	c->scale_rows = scales[level];
	c->all_finite = finites[level];
	c->add = adds[level];
	c->convert = converts[level];
}

void qn_cov_panel_init(struct qn_covariance *c, bool is_transposed)
{
	const size_t block_nelems = is_transposed ? TRANSPOSED_BLOCK_NELEMS : BLOCK_NELEMS;

	choose_code(c);
	c->piece_nrows = nrows_of(c, PIECE_NELEMS);
	c->block_nrows = nrows_of(c, block_nelems);
}

/* Parts of the scratch, each from a cache line on. */
struct parts {
	double *run; /* one feature of a block of rows, before it is transposed */
	double *sum, *piece_sum, *min, *max; /* K each */
	double *piece;			     /* rows as doubles, then as z */
	double *matrix;			     /* K x K */
};

/* Reserves nelems doubles; returns where they begin. */
static size_t reserve(size_t *end, size_t nelems)
{
	size_t begin = *end;

	*end += (nelems + 7) / 8 * 8;
	return begin;
}

/* Lays the parts out in memory, if it is not NULL; returns the number of doubles. */
static size_t divide(const struct qn_covariance *c, double *memory, struct parts *parts)
{
	double **const part[] = { &parts->run, &parts->sum,   &parts->piece_sum, &parts->min,
				  &parts->max, &parts->piece, &parts->matrix };
	const size_t nelems[] = { c->block_nrows,	 c->k,	     c->k, c->k, c->k,
				  c->piece_nrows * c->k, c->k * c->k };
	size_t end = 0;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		size_t begin = reserve(&end, nelems[i]);

		*part[i] = memory ? memory + begin : NULL;
	}
	return end;
}

size_t qn_cov_scratch(const void *self)
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

static struct panel panel_of_box(const struct qn_covariance *c, const struct quern_box *box)
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

static void convert_run(const struct qn_covariance *c, const struct panel *p, size_t start,
			size_t n, double *out)
{
	const char *values = p->var->values;

	c->convert(c->dtype, values + start * qn_dtype_size(c->dtype), n, out);
}

/* Rows first ... first+nrows-1 as doubles, row by row. run: room for a value a row. */
static void gather(const struct qn_covariance *c, const struct panel *p, size_t first, size_t nrows,
		   double *run, double *rows)
{
	if (p->outer == 1) {
		convert_run(c, p, first * c->k, nrows * c->k, rows);
		return;
	}
	for (size_t o = 0; o < p->outer; o++) {
		double *out = rows + o * p->inner;

		if (p->inner == 1) {
			convert_run(c, p, run_start(p, o, first), nrows, run);
			for (size_t r = 0; r < nrows; r++)
				out[r * c->k] = run[r];
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
static bool is_complete(const struct qn_covariance *c, const struct panel *p, size_t row,
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

/* --- Ranges --------------------------------------------------------------------------------- */

static void fill(double *x, size_t n, double value)
{
	for (size_t i = 0; i < n; i++)
		x[i] = value;
}

static void clear_ranges(const struct qn_covariance *c, const struct qn_cov_ranges *ranges)
{
	fill(ranges->sum, c->k, 0);
	fill(ranges->min, c->k, INFINITY);
	fill(ranges->max, c->k, -INFINITY);
}

/* A row in which not all is finite. NaN, which is a value here, stays as the maximum. */
static void add_odd_row(const struct qn_covariance *c, const double *x,
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
static size_t add_rows_with_care(const struct qn_covariance *c, const struct panel *p, size_t first,
				 size_t nrows, const struct parts *parts,
				 const struct qn_cov_ranges *ranges)
{
	size_t ncomplete = 0;

	for (size_t r = 0; r < nrows; r++) {
		gather(c, p, first + r, 1, parts->run, parts->piece);
		if (!is_complete(c, p, first + r, parts->piece))
			continue;
		ncomplete++;
		if (c->all_finite(parts->piece, c->k))
			c->range(parts->piece, 1, c->k, c->unit, ranges);
		else
			add_odd_row(c, parts->piece, ranges);
	}
	return ncomplete;
}

/* The ranges of rows, taken to be complete; false if the sums show that something is not finite. */
static bool add_rows(const struct qn_covariance *c, const struct panel *p, size_t first,
		     size_t nrows, const struct parts *parts, const struct qn_cov_ranges *ranges)
{
	for (size_t r = 0; r < nrows; r += c->block_nrows) {
		size_t n = qn_min_u64(c->block_nrows, nrows - r);

		gather(c, p, first + r, n, parts->run, parts->piece);
		c->range(parts->piece, n, c->k, c->unit, ranges);
	}
	return c->all_finite(ranges->sum, c->k);
}

/* Adds the ranges of a sub-panel to the state. */
static void deposit_ranges(const struct qn_covariance *c, int64_t *state,
			   const struct qn_cov_ranges *ranges)
{
	int64_t *limbs = state + QN_COV_RANGES_HEAD, *min = state + qn_cov_nwords_of_sums(c),
		*max = min + c->k;

	for (size_t j = 0; j < c->k; j++) {
		int64_t lo = qn_key_from_double(ranges->min[j]);
		int64_t hi = isnan(ranges->max[j]) ? INT64_MAX : qn_key_from_double(ranges->max[j]);

		qn_acc_add_double(&c->form, limbs + j * (size_t)c->form.nlimbs, ranges->sum[j]);
		min[j] = lo < min[j] ? lo : min[j];
		max[j] = hi > max[j] ? hi : max[j];
	}
}

static void absorb_ranges(const struct qn_covariance *c, int64_t *state, const struct panel *p,
			  size_t first, size_t nrows, const struct parts *parts)
{
	const struct qn_cov_ranges ranges = { parts->sum, parts->min, parts->max };
	size_t ncomplete = nrows;

	clear_ranges(c, &ranges);
	if (p->var->nmissing || !add_rows(c, p, first, nrows, parts, &ranges)) {
		clear_ranges(c, &ranges);
		ncomplete = add_rows_with_care(c, p, first, nrows, parts, &ranges);
	}
	state[QN_COV_NSAMPLES] += (int64_t)ncomplete;
	state[QN_COV_NMISSING] += (int64_t)(nrows - ncomplete);
	if (ncomplete)
		deposit_ranges(c, state, &ranges);
}

/* --- Products ------------------------------------------------------------------------------- */

/* Turns complete rows into z, and adds them to parts->piece_sum. */
static void to_z(const struct qn_covariance *c, double *rows, size_t nrows,
		 const struct parts *parts)
{
	c->scale_rows(rows, nrows, c->k, c->scale, c->shift, parts->piece_sum);
}

/* Features that are left out are 0. */
static void clear_dropped(const struct qn_covariance *c, double *row, const struct parts *parts)
{
	for (size_t j = 0; j < c->k; j++)
		if (c->scale[j] == 0)
			row[j] = parts->piece_sum[j] = 0;
}

/* z of complete rows to parts->piece, their sums to parts->piece_sum; returns how many. */
static size_t fill_piece_with_care(const struct qn_covariance *c, const struct panel *p,
				   size_t first, size_t nrows, const struct parts *parts)
{
	double *row = parts->piece;

	fill(parts->piece_sum, c->k, 0);
	for (size_t r = 0; r < nrows; r++) {
		gather(c, p, first + r, 1, parts->run, row);
		if (!is_complete(c, p, first + r, row))
			continue;
		to_z(c, row, 1, parts);
		if (c->found->any_dropped)
			clear_dropped(c, row, parts);
		row += c->k;
	}
	return (size_t)(row - parts->piece) / c->k;
}

/* Likewise, where all are complete; false if the sums show that one is not. A block at a time, so
   that it is in the first cache from being converted to being z. */
static bool fill_piece(const struct qn_covariance *c, const struct panel *p, size_t first,
		       size_t nrows, const struct parts *parts)
{
	fill(parts->piece_sum, c->k, 0);
	for (size_t r = 0; r < nrows; r += c->block_nrows) {
		size_t n = qn_min_u64(c->block_nrows, nrows - r);

		gather(c, p, first + r, n, parts->run, parts->piece + r * c->k);
		to_z(c, parts->piece + r * c->k, n, parts);
	}
	return c->all_finite(parts->piece_sum, c->k);
}

/* Whether the sums are such as the fixed-point numbers take: no sum of squares of z exceeds the
   number of rows, and so none of products does. Not if one is NaN. With m and e from all samples
   every z is at most 1. */
static bool products_fit(const struct qn_covariance *c, const struct parts *parts, size_t nrows)
{
	for (size_t j = 0; c->found->is_sampled && j < c->k; j++)
		if (!(parts->matrix[j * c->k + j] <= (double)nrows))
			return false;
	return true;
}

/* Adds a sub-panel's sums of products, and of z, to the state. */
static void deposit_products(const struct qn_covariance *c, int64_t *state,
			     const struct parts *parts)
{
	const size_t k = c->k, triangle = qn_cov_triangle(k);
	int64_t *hi = state + QN_COV_PRODUCTS_HEAD, *lo = hi + qn_cov_nwords_of_products(c);

	for (size_t j = 0; j < k; j++)
		c->add(parts->matrix + j * k, j + 1, c->point, hi + qn_cov_triangle(j),
		       lo + qn_cov_triangle(j));
	c->add(parts->sum, k, c->point, hi + triangle, lo + triangle);
}

/* The products of a sub-panel to parts->matrix, the sums of z to parts->sum; returns how many of
   its rows are complete. */
static size_t multiply(const struct qn_covariance *c, const struct panel *p, size_t first,
		       size_t nrows, const struct parts *parts)
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
		c->blas.dsyrk(CblasRowMajor, CblasLower, CblasTrans, k, (int)n, 1, parts->piece, k,
			      ncomplete ? 1 : 0, parts->matrix, k);
		for (size_t j = 0; j < c->k; j++)
			parts->sum[j] += parts->piece_sum[j];
		ncomplete += n;
	}
	return ncomplete;
}

static void absorb_products(const struct qn_covariance *c, int64_t *state, const struct panel *p,
			    size_t first, size_t nrows, const struct parts *parts)
{
	size_t ncomplete;

	if (state[QN_COV_MISFITS]) /* all of the pass is in vain */
		return;
	ncomplete = multiply(c, p, first, nrows, parts);
	if (ncomplete && !products_fit(c, parts, ncomplete)) {
		state[QN_COV_MISFITS] = 1;
		return;
	}
	state[QN_COV_NSAMPLES] += (int64_t)ncomplete;
	state[QN_COV_NMISSING] += (int64_t)(nrows - ncomplete);
	if (ncomplete)
		deposit_products(c, state, parts);
}

void qn_cov_absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile)
{
	const struct qn_covariance *c = self;
	struct panel p = panel_of_box(c, tile->box);
	struct parts parts;
	size_t step;

	if (p.nrows == 0)
		return;
	p.var = tile->var;
	divide(c, scratch, &parts);
	step = even_cut(p.nrows, QN_COV_SUB_PANEL_NROWS);
	for (size_t first = 0; first < p.nrows; first += step) {
		size_t nrows = qn_min_u64(step, p.nrows - first);

		if (c->found->pass == QN_COV_PRODUCTS)
			absorb_products(c, state, &p, first, nrows, &parts);
		else
			absorb_ranges(c, state, &p, first, nrows, &parts);
	}
}
