/*
 * known_values.c - what expressions that do not use the data come to: conditions, and the weights of rows.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "formula/piece.h"
#include "kernel/tile.h"
#include "weighted/sums.h"

/* What is done with the result of a piece; false: that was enough. */
typedef bool take_fn(void *ctx, const struct qn_formula_piece *p,
		     const struct qn_program_result *result);

/* A program over the n elements of a box, in C order. False: no memory. */
static bool compute(const struct qn_formula *f, const struct qn_program *program,
		    const struct quern_box *box, uint64_t n, take_fn *take, void *ctx)
{
	const size_t columns = qn_piece_columns_nbytes(f);
	uint8_t *scratch = qn_alloc_aligned(columns + qn_program_scratch_nbytes(program));
	struct qn_spot *spot = qn_calloc((size_t)f->n, sizeof(*spot));
	const struct quern_tile tile = { .box = box };
	const bool ok = scratch && spot;
	struct qn_program_result result;
	struct qn_formula_piece p; /* without zeroing */
	bool more = ok;

	p.f = f;
	p.in = &tile;
	p.spot = spot;
	for (int i = 1; ok && i < f->n; i++) {
		qn_spot_whole(&f->operand[i], box, &spot[i]);
		qn_spot_measure(&spot[i], box);
	}
	for (p.first = 0; more && p.first < n; p.first += p.n) {
		p.n = (size_t)qn_min_u64(n - p.first, QN_PIECE);
		for (int i = 1; i < f->n; i++)
			if (qn_program_uses(program, i))
				qn_piece_take(&p, i, scratch + (size_t)i * QN_PIECE_COLUMN_NBYTES);
		qn_program_run(program, p.column, p.n, scratch + columns, &result);
		more = take(ctx, &p, &result);
	}
	free(scratch);
	free(spot);
	return ok;
}

static bool clear_bits(void *ctx, const struct qn_formula_piece *p,
		       const struct qn_program_result *result)
{
	uint64_t *holds = ctx;

	for (size_t w = 0; w < (p->n + 63) / 64; w++)
		holds[p->first / 64 + w] &= result->holds[w];
	return true;
}

enum quern_status qn_formula_hold(const struct qn_formula *f, const struct qn_program *condition,
				  const struct quern_box *box, uint64_t n, uint64_t *holds,
				  struct quern_message *err)
{
	return compute(f, condition, box, n, clear_bits, holds)
		       ? QUERN_OK
		       : qn_error_nomem(err, 0, "an expression");
}

/* --- weights of rows --- */

/* Of more weights each comes with its element. */
#define MOST_ROW_WEIGHTS (UINT64_C(1) << 22)
#define MOST_INTEGER	 0x1p53

/* Does an operand depend on the selected indexes of a dimension? */
static bool varies(const struct qn_formula *f, int d)
{
	bool does = false;

	for (int i = 1; i < f->n; i++)
		does = does ||
		       (qn_program_uses(f->made[QUERN_WEIGHT], i) && f->operand[i].stride[d]);
	return does;
}

/* Are weights of kept dimensions alone, and of what is in memory? */
static bool are_of_rows(const struct qn_formula *f, const bool *reduced)
{
	const struct qn_program *weights = f->made[QUERN_WEIGHT];
	bool are = weights && !qn_program_uses(weights, 0) && !f->picks;

	for (int i = 1; are && i < f->n; i++)
		are = !qn_program_uses(weights, i) || qn_operand_is_known(&f->operand[i]);
	for (int d = 0; are && d < f->selection->ndim; d++)
		are = !(reduced[d] && varies(f, d));
	return are;
}

struct weighing {
	double *weight;
	bool are_right;
};

/* All of them are there, finite and not negative; integers are doubles. */
static bool take_weights(void *ctx, const struct qn_formula_piece *p,
			 const struct qn_program_result *result)
{
	struct weighing *to = ctx;
	const struct quern_var *v = &result->var;

	to->are_right = !v->valid && !result->nbeyond;
	for (size_t i = 0; to->are_right && i < p->n; i++) {
		const double w = qn_weighted_double(v->dtype, v->values, i);

		to->weight[p->first + i] = w + 0.0; /* no -0 */
		to->are_right = w >= 0 && isfinite(w) &&
				(w < MOST_INTEGER || qn_dtype_is_float(v->dtype));
	}
	return to->are_right;
}

bool qn_formula_weigh_rows(struct qn_formula *f, const bool *reduced)
{
	struct quern_box box = *f->selection;
	struct weighing to = { .are_right = true };
	uint64_t n = 1;

	if (!are_of_rows(f, reduced))
		return true;
	for (int d = box.ndim - 1; d >= 0; d--) {
		box.count[d] = varies(f, d) ? box.count[d] : 1;
		f->row_stride[d] = box.count[d] > 1 ? n : 0;
		if (!qn_mul(n, box.count[d], &n) || n > MOST_ROW_WEIGHTS)
			return true;
	}
	to.weight = qn_calloc((size_t)n, sizeof(*to.weight));
	if (!to.weight || !compute(f, f->made[QUERN_WEIGHT], &box, n, take_weights, &to)) {
		free(to.weight);
		return false;
	}
	if (to.are_right) {
		f->row_weight = to.weight;
		f->nrow_weights = n;
	} else {
		free(to.weight);
	}
	return true;
}
