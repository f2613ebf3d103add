/*
 * sums_rows.c - exact sums of weighted elements for many rows at once.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "columns/column_parts.h"
#include "kernel/tile.h"
#include "weighted/parts.h"
#include "weighted/products_simd.h"

/* Places of a block, each of so many steps. */
#define NSTEPS	8
#define NPLACES (QN_WEIGHTED_BLOCK / NSTEPS)

/* A block on its way to the columns: places i to i + n - 1 of steps `step` to step + nsteps - 1. */
struct rows {
	const struct qn_weighted *s;
	struct qn_column *const *sum;
	uint64_t first_row;
	struct qn_weighted_tile *t;
	struct qn_weighted_block *b;
	size_t i, n, step, nsteps;
};

static bool take(void *ctx, int sum, const double *values, size_t n)
{
	const struct rows *r = ctx;
	struct qn_column_tile t = {
		.dtype = QUERN_F64, .values = values, .n = r->n, .nsteps = r->nsteps, .stride = r->n
	};
	struct qn_column *column = r->sum[r->s->place[sum]];

	(void)n;
	return r->t->row ? qn_column_add_at(column, NULL, r->first_row, r->t->row + r->i, &t)
			 : qn_column_add_rows(column, NULL, r->first_row + r->i, &t);
}

static uint64_t row_of(const struct rows *r, size_t place)
{
	return r->first_row + (r->t->row ? r->t->row[place] : place);
}

/* Adds element i of the block, number `at` of the tile, of a place, on its own. */
static bool add_odd(const struct rows *r, size_t place, size_t at, size_t i)
{
	const struct qn_weighted *s = r->s;
	const struct qn_weighted_one one = qn_weighted_one(s, r->b, i, r->t->v, at);
	int64_t limb[QN_ACC_MAX_LIMBS];

	r->t->nspecial += one.weights_only;
	if (isnan(r->b->v[QN_FACTOR_X][i]) && s->drops_nan)
		return true;
	for (int k = 0; k < s->nsums; k++) {
		memset(limb, 0, (size_t)s->form[s->sum[k]].nlimbs * sizeof(*limb));
		qn_weighted_add_one(s, s->sum[k], limb, &one, 1);
		if (!qn_column_add_limbs(r->sum[k], row_of(r, place), limb))
			return false;
	}
	return true;
}

static bool is_valid(const struct qn_weighted_tile *t, size_t at)
{
	const uint64_t bit = t->bit + at;

	return !t->valid || (t->valid[bit / 64] >> bit % 64 & 1);
}

/* Takes what is not valid out of the block, as zeros. */
static void blank(const struct rows *r)
{
	size_t k = 0;

	for (size_t step = 0; step < r->nsteps; step++)
		for (size_t i = 0; i < r->n; i++, k++)
			if (!is_valid(r->t, (r->step + step) * r->t->stride + r->i + i))
				qn_weighted_blank(r->b, k);
}

/* Adds what does not fit, and takes it out. */
static bool take_odd(const struct rows *r)
{
	struct qn_weighted_block *b = r->b;
	size_t k = 0;

	for (size_t step = 0; step < r->nsteps; step++)
		for (size_t i = 0; i < r->n; i++, k++) {
			const size_t at = (r->step + step) * r->t->stride + r->i + i;

			if (qn_weighted_fits_one(r->s, b, k))
				continue;
			if (!add_odd(r, r->i + i, at, k))
				return false;
			qn_weighted_blank(b, k);
		}
	return true;
}

/* Steps of one place, side by side? */
static bool is_one(const struct qn_weighted_tile *t)
{
	return t->n == 1 && t->stride == 1 && !t->row;
}

static void load(const struct rows *r)
{
	if (is_one(r->t))
		qn_weighted_load(r->s, r->b, r->t->v, r->step, r->nsteps, 0);
	else
		for (size_t step = 0; step < r->nsteps; step++)
			qn_weighted_load(r->s, r->b, r->t->v,
					 (r->step + step) * r->t->stride + r->i, r->n, step * r->n);
}

static bool add_block(struct rows *r)
{
	const size_t n = r->n * r->nsteps;

	load(r);
	if (r->t->valid)
		blank(r);
	if (!qn_weighted_fit(r->s, r->b, n) && !take_odd(r))
		return false;
	return qn_weighted_multiply(r->s, r->b, n, take, r);
}

/* All of a tile, block by block. */
static bool add_blocks(const struct qn_weighted *s, struct qn_column *const *sum,
		       uint64_t first_row, struct qn_weighted_tile *t, void *scratch)
{
	struct rows r = { .s = s, .sum = sum, .first_row = first_row, .t = t, .b = scratch };
	const size_t most = is_one(t) ? QN_WEIGHTED_BLOCK : NSTEPS;

	t->nspecial = 0;
	for (r.i = 0; r.i < t->n; r.i += r.n) {
		r.n = (size_t)qn_min_u64(t->n - r.i, NPLACES);
		for (r.step = 0; r.step < t->nsteps; r.step += r.nsteps) {
			r.nsteps = (size_t)qn_min_u64(t->nsteps - r.step, most);
			if (!add_block(&r))
				return false;
		}
	}
	return true;
}

/* --- sums of weights and of weighted elements, in passes --- */

/* Some places of a tile, of one block of columns, and some steps: `x` and `w` begin at its first element. */
struct quick {
	const struct qn_weighted *s;
	struct qn_column *const *sum;
	uint64_t row;
	struct qn_weighted_tile *t;
	void *scratch;
	size_t i, n, step, nsteps;
};

static size_t place_of(const struct quick *q)
{
	return q->step * q->t->stride + q->i;
}

/* Adds places `first` to first + n - 1 of these the other way. */
static bool add_others(const struct quick *q, size_t first, size_t n)
{
	const size_t at = place_of(q) + first;
	struct qn_weighted_tile some = *q->t;

	for (int f = 0; f < QN_NFACTORS; f++)
		if (some.v[f])
			some.v[f] = qn_weighted_at(q->s->dtype[f], some.v[f], at);
	some.bit += at;
	some.n = n;
	some.nsteps = q->nsteps;
	some.nspecial = 0;
	if (!add_blocks(q->s, q->sum, q->row + first, &some, q->scratch))
		return false;
	q->t->nspecial += some.nspecial;
	return true;
}

/* The sum of the weights of the steps, if all elements of each have one. */
static bool sum_alike(const struct quick *q, const struct qn_column_products *t, int64_t *limb)
{
	static qn_count_alike_fn *const count[] = QN_ISA_TABLE(qn_count_alike);
	const struct qn_acc_form *form = &q->s->form[QN_SUM_W];
	const size_t size = qn_dtype_size(t->w_dtype);
	bool are = true;

	memset(limb, 0, (size_t)form->nlimbs * sizeof(*limb));
	for (size_t step = 0; are && step < t->nsteps; step++) {
		const char *w = (const char *)t->w + step * t->w_stride * size;

		are = count[q->s->level](w, size, t->n) == t->n;
		if (are)
			qn_acc_add_double(form, limb, qn_weighted_double(t->w_dtype, w, 0));
	}
	return are;
}

static bool add_pass(const struct quick *q, struct qn_column_products *t)
{
	struct qn_column *products = q->sum[q->s->place[QN_SUM_WX]];
	struct qn_column *weights = q->sum[q->s->place[QN_SUM_W]];
	int64_t limb[QN_ACC_MAX_LIMBS];
	size_t n;

	t->w_is_one = sum_alike(q, t, limb);
	for (size_t i = 0, end; i < t->n; i = end + n) {
		end = qn_column_add_products(products, t->w_is_one ? NULL : weights, q->row, t, i);
		if (t->w_is_one && !qn_column_add_alike(weights, q->row + i, end - i, limb))
			return false;
		n = (size_t)qn_min_u64(QN_PRODUCTS_STRIP, t->n - end);
		if (n && !add_others(q, end, n))
			return false;
	}
	return true;
}

/* Elements and weights in room of their own, zeros where they are not valid. *has_special: some are infinite or
   NaN. */
static void copy_valid(const struct quick *q, double room[2][QN_WEIGHTED_BLOCK],
		       struct qn_column_products *t, bool *has_special)
{
	static qn_column_blank_fn *const blank[] = QN_ISA_TABLE(qn_column_blank);
	const void *const from[] = { t->w, t->x };
	const enum quern_dtype dtype[] = { t->w_dtype, t->x_dtype };
	size_t nspecial = 0;

	for (int f = 0; f < 2; f++) {
		const size_t size = qn_dtype_size(dtype[f]);
		char *to = (char *)room[f];

		nspecial = 0;
		for (size_t s = 0; s < q->nsteps; s++)
			blank[q->s->level](dtype[f], (const char *)from[f] + s * t->stride * size,
					   t->n, q->t->valid,
					   q->t->bit + place_of(q) + s * q->t->stride,
					   to + s * t->n * size, NULL, &nspecial);
	}
	t->w = room[0];
	t->x = room[1];
	t->stride = t->w_stride = t->n;
	*has_special = nspecial > 0;
}

static bool add_quick(const struct quick *q)
{
	struct qn_column_products t = {
		.x_dtype = q->s->dtype[QN_FACTOR_X],
		.w_dtype = q->s->dtype[QN_FACTOR_W],
		.x = qn_weighted_at(q->s->dtype[QN_FACTOR_X], q->t->v[QN_FACTOR_X], place_of(q)),
		.w = qn_weighted_at(q->s->dtype[QN_FACTOR_W], q->t->v[QN_FACTOR_W], place_of(q)),
		.n = q->n,
		.nsteps = q->nsteps,
		.stride = q->t->stride,
		.w_stride = q->t->stride,
	};
	double room[2][QN_WEIGHTED_BLOCK];
	bool has_special = false;

	if (q->t->valid)
		copy_valid(q, room, &t, &has_special);
	return has_special ? add_others(q, 0, q->n) : add_pass(q, &t);
}

static bool can_be_quick(const struct qn_weighted *s, const struct qn_weighted_tile *t)
{
	return s->nsums == 2 && qn_weighted_has_sum(s, QN_SUM_WX) && !t->row &&
	       t->n >= QN_PRODUCTS_STRIP && qn_dtype_is_float(s->dtype[QN_FACTOR_X]) &&
	       qn_dtype_is_float(s->dtype[QN_FACTOR_W]);
}

/* So many elements at a time as there is room for where they are copied. */
bool qn_weighted_add_rows(const struct qn_weighted *s, struct qn_column *const *sum,
			  uint64_t first_row, struct qn_weighted_tile *t, void *scratch)
{
	struct quick q = { .s = s, .sum = sum, .t = t, .scratch = scratch };

	if (!can_be_quick(s, t))
		return add_blocks(s, sum, first_row, t, scratch);
	t->nspecial = 0;
	for (q.i = 0; q.i < t->n; q.i += q.n) {
		q.row = first_row + q.i;
		q.n = (size_t)qn_min_u64(t->n - q.i, QN_COLUMN_BLOCK - q.row % QN_COLUMN_BLOCK);
		q.n = (size_t)qn_min_u64(q.n, t->valid ? NPLACES : QN_WEIGHTED_BLOCK);
		for (q.step = 0; q.step < t->nsteps; q.step += q.nsteps) {
			q.nsteps = (size_t)qn_min_u64(t->nsteps - q.step,
						      t->valid ? NSTEPS : QN_PRODUCTS_NSTEPS);
			if (!add_quick(&q))
				return false;
		}
	}
	return true;
}
