/*
 * products.c - products of elements and weights to the rows of columns.
 */
#include "base/mem.h"
#include "columns/products_simd.h"

/* In a part, of what is added to many rows. */
#define MOST_ALIKE (UINT64_C(1) << 52)

/* Has a block take numbers in a pass. False: it has no unit yet, or there is no memory. */
static bool prepare(const struct qn_column *c, struct qn_column_block *b, size_t row, size_t nsteps,
		    struct qn_column_sum *out)
{
	if (b->spoilt || b->nhot == 0 || !qn_column_block_reserve(c, b, nsteps))
		return false;
	out->nparts = b->nhot;
	for (int j = 0; j < b->nhot; j++) {
		out->magic[j] = b->magic[j];
		out->part[j] = b->part[j] + row;
	}
	return true;
}

size_t qn_column_add_products(struct qn_column *products, struct qn_column *weights,
			      uint64_t first_row, const struct qn_column_products *t, size_t first)
{
	static qn_products_pass_fn *const pass[] = QN_ISA_TABLE(qn_products_pass);
	const uint64_t number = first_row / QN_COLUMN_BLOCK;
	const size_t row = first_row % QN_COLUMN_BLOCK;
	struct qn_column_block *b = &products->block[number];
	struct qn_products_pass p = { .x_is_single = t->x_dtype == QUERN_F32,
				      .w_is_single = t->w_dtype == QUERN_F32,
				      .x = t->x,
				      .w = t->w,
				      .n = t->n,
				      .nsteps = t->nsteps,
				      .stride = t->stride,
				      .w_stride = t->w_stride,
				      .w_is_one = t->w_is_one };

	if (b->unit < QN_COLUMN_LEAST_SQUARE || !prepare(products, b, row, t->nsteps, &p.sum) ||
	    (weights && !prepare(weights, &weights->block[number], row, t->nsteps, &p.of_w)))
		return first;
	return pass[products->level](&p, first);
}

/* Parts of limbs that may be added to rows as they are. */
static bool split_alike(const struct qn_column *c, const struct qn_column_block *b,
			const int64_t *limb, int64_t part[QN_COLUMN_PARTS],
			uint64_t more[QN_COLUMN_PARTS])
{
	bool fit = b->nhot > 0 && qn_column_split_limbs(&c->form, limb, b->unit, b->nhot, part);

	for (int j = 0; fit && j < b->nhot; j++) {
		more[j] = qn_column_largest(&part[j], 1);
		fit = more[j] <= MOST_ALIKE;
	}
	return fit;
}

bool qn_column_add_alike(struct qn_column *c, uint64_t first_row, size_t n, const int64_t *limb)
{
	struct qn_column_block *b = &c->block[first_row / QN_COLUMN_BLOCK];
	const size_t row = first_row % QN_COLUMN_BLOCK;
	int64_t part[QN_COLUMN_PARTS];
	uint64_t more[QN_COLUMN_PARTS];
	size_t i;

	/* The first has the block take a unit for it. */
	if (n && !qn_column_block_add_limbs(c, b, row, &c->form, limb))
		return false;
	if (split_alike(c, b, limb, part, more)) {
		if (!qn_column_block_raise(c, b, more, 1))
			return false;
		for (int j = 0; j < b->nhot; j++)
			for (i = 1; i < n; i++)
				b->part[j][row + i] += part[j];
		return true;
	}
	for (i = 1; i < n; i++)
		if (!qn_column_block_add_limbs(c, b, row + i, &c->form, limb))
			return false;
	return true;
}
