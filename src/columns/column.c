/*
 * column.c - exact sums of many rows.
 */
#include "columns/column.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "columns/column_parts.h"

/* Parts that a block has, of powers 1 and 2. */
static const struct traits {
	uint8_t size, nusual[2];
} traits[QUERN_NDTYPES] = {
	[QUERN_I8] = { 1, { 1, 1 } },  [QUERN_U8] = { 1, { 1, 1 } },  [QUERN_I16] = { 2, { 1, 1 } },
	[QUERN_U16] = { 2, { 1, 1 } }, [QUERN_I32] = { 4, { 1, 2 } }, [QUERN_U32] = { 4, { 1, 2 } },
	[QUERN_I64] = { 8, { 2, 3 } }, [QUERN_U64] = { 8, { 2, 3 } }, [QUERN_F32] = { 4, { 1, 2 } },
	[QUERN_F64] = { 8, { 2, 3 } },
};

static int usual_parts(enum quern_dtype t, int power)
{
	return power <= 2 ? traits[t].nusual[power - 1] : 0;
}

size_t qn_column_elem_size(enum quern_dtype t)
{
	return traits[t].size;
}

/* --- columns --- */

static uint64_t header_nbytes(uint64_t nrows)
{
	return sizeof(struct qn_column) +
	       qn_ceil_div(nrows, QN_COLUMN_BLOCK) * sizeof(struct qn_column_block);
}

uint64_t qn_column_nbytes(enum quern_dtype t, int power, uint64_t nrows)
{
	const struct qn_acc_form f = qn_acc_form(t, power);
	int usual = usual_parts(t, power);
	uint64_t a_row = sizeof(int64_t) * (uint64_t)usual, total;

	if (usual == 0)
		a_row = sizeof(uint16_t) + sizeof(int64_t) * (uint64_t)f.nlimbs;
	if (!qn_mul(nrows, a_row, &total) || !qn_add(total, header_nbytes(nrows), &total))
		return UINT64_MAX;
	return total;
}

uint64_t qn_column_products_nbytes(uint64_t nrows)
{
	uint64_t total;

	return qn_mul(nrows, sizeof(int64_t) * QN_COLUMN_PARTS, &total) &&
			       qn_add(total, header_nbytes(nrows), &total)
		       ? total
		       : UINT64_MAX;
}

struct qn_column *qn_column_new(enum quern_dtype t, int power, uint64_t nrows)
{
	struct qn_column *c;

	if (qn_column_nbytes(t, power, nrows) > SIZE_MAX / 2)
		return NULL;
	c = qn_calloc(1, header_nbytes(nrows));
	if (!c)
		return NULL;
	c->dtype = t;
	c->power = power;
	c->level = qn_cpu_level();
	c->is_float = t == QUERN_F32 || t == QUERN_F64;
	c->nusual = usual_parts(t, power);
	c->spilled = &c->spilled_nbytes;
	c->form = qn_acc_form(t, power);
	c->one.form[power - 1] = c->form;
	c->least_unit = t == QUERN_F64 && power == 2 ? QN_COLUMN_LEAST_SQUARE : c->form.base;
	c->nrows = nrows;
	c->nblocks = qn_ceil_div(nrows, QN_COLUMN_BLOCK);
	for (uint64_t i = 0; i < c->nblocks; i++)
		c->block[i].nrows = qn_min_u64(nrows - i * QN_COLUMN_BLOCK, QN_COLUMN_BLOCK);
	return c;
}

struct qn_column *qn_column_new_products(int nfactors, uint64_t nrows)
{
	struct qn_column *c = qn_column_new(QUERN_F64, 1, nrows);

	if (!c)
		return NULL;
	c->form = qn_acc_form(QUERN_F64, nfactors);
	c->one.form[0] = c->form;
	c->nusual = QN_COLUMN_PARTS;
	return c;
}

static void free_blocks(struct qn_column *c)
{
	for (uint64_t i = 0; i < c->nblocks; i++) {
		struct qn_column_block *b = &c->block[i];

		for (int j = 0; j < b->nparts; j++)
			free(b->part[j]);
		free(b->wide.slot);
		free(b->wide.limb);
	}
}

void qn_column_free(struct qn_column *c)
{
	if (c)
		free_blocks(c);
	free(c);
}

void qn_column_clear(struct qn_column *c)
{
	free_blocks(c);
	for (uint64_t i = 0; i < c->nblocks; i++)
		c->block[i] = (struct qn_column_block){ .nrows = c->block[i].nrows };
	atomic_store_explicit(c->spilled, 0, memory_order_relaxed);
}

static uint64_t count_spilled(const struct qn_column *c)
{
	return atomic_load_explicit(c->spilled, memory_order_relaxed);
}

uint64_t qn_column_nbytes_now(const struct qn_column *c)
{
	uint64_t nbytes = header_nbytes(c->nrows) + count_spilled(c);

	for (uint64_t i = 0; i < c->nblocks; i++)
		nbytes +=
			c->block[i].nrows * sizeof(int64_t) *
			(uint64_t)(c->block[i].nparts < c->nusual ? c->block[i].nparts : c->nusual);
	return nbytes;
}

uint64_t qn_column_nbytes_spilled(const struct qn_column *c)
{
	return c->nusual > 0 ? count_spilled(c) : 0;
}

void qn_column_spoil(struct qn_column *c, uint64_t first_row, uint64_t n)
{
	if (n == 0)
		return;
	for (uint64_t i = first_row / QN_COLUMN_BLOCK; i <= (first_row + n - 1) / QN_COLUMN_BLOCK;
	     i++)
		c->block[i].spoilt = true;
}

bool qn_column_get(const struct qn_column *c, uint64_t row, int64_t *limb)
{
	const struct qn_column_block *b = &c->block[row / QN_COLUMN_BLOCK];

	if (b->spoilt)
		return false;
	qn_column_block_get(c, b, row % QN_COLUMN_BLOCK, limb);
	return true;
}

bool qn_column_add_limbs(struct qn_column *c, uint64_t row, const int64_t *limb)
{
	return qn_column_block_add_limbs(c, &c->block[row / QN_COLUMN_BLOCK], row % QN_COLUMN_BLOCK,
					 &c->form, limb);
}
