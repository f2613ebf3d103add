/*
 * sums_rows.c - exact sums of weighted elements for many rows at once.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "weighted/parts.h"

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

bool qn_weighted_add_rows(const struct qn_weighted *s, struct qn_column *const *sum,
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
