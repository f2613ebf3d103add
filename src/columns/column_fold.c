/*
 * column_fold.c - elements of one row, side by side.
 *
 * As steps of a strip of rows that hold nothing they go through the pass of many rows. What these rows hold then is
 * added up, and that to the row.
 */
#include <string.h>

#include "base/mem.h"
#include "columns/column_parts.h"

#define STRIP QN_COLUMN_STRIP
/* Sums of elements are left with no more, where there is a part above. */
#define MUCH (UINT64_C(1) << 52)

/* On their way to the row of one block of each column: elements that were blanked, as `nsteps` strips. */
struct fold {
	struct qn_column *column[2];
	struct qn_column_block *block[2];
	int ncolumns;
	size_t row, size;
	enum quern_dtype dtype;
};

/* The sums of the rows of a strip. */
struct strip {
	int64_t part[2][QN_COLUMN_PARTS][STRIP];
};

/* Adds strips to rows of nothing. False: they have something that does not fit. */
static bool run(const struct fold *f, const char *values, size_t nsteps, struct strip *out)
{
	struct qn_column_pass p = { .dtype = f->dtype,
				    .values = values,
				    .n = STRIP,
				    .nsteps = nsteps,
				    .stride = STRIP,
				    .least = 1,
				    .most = UINT32_C(0x7f800000) };

	for (int k = 0; k < f->ncolumns; k++) {
		const struct qn_column_block *b = f->block[k];
		const int power = f->column[k]->power;
		struct qn_column_sum *to = &p.sum[power - 1];

		if (b->nhot == 0)
			return false;
		to->nparts = b->nhot;
		memcpy(to->magic, b->magic, sizeof(to->magic));
		for (int j = 0; j < b->nhot; j++) {
			to->part[j] = out->part[k][j];
			memset(to->part[j], 0, sizeof(out->part[k][j]));
		}
		qn_column_bound_pass(&p, b, power);
	}
	return qn_column_pass_of(f->column[0]->level)(&p, 0) == STRIP;
}

static int64_t add_up(const int64_t part[STRIP])
{
	int64_t sum = 0;

	for (int i = 0; i < STRIP; i++)
		sum += part[i];
	return sum;
}

/* Adds the sums of a strip to the row. */
static bool put(const struct fold *f, int k, const struct strip *s)
{
	struct qn_column_block *b = f->block[k];
	int64_t sum[QN_COLUMN_PARTS];

	for (int j = 0; j < b->nhot; j++)
		sum[j] = add_up(s->part[k][j]);
	for (int j = 0; j + 1 < b->nhot; j++)
		if (qn_column_largest(&sum[j], 1) > MUCH)
			qn_column_carry(&sum[j], &sum[j + 1], 1);
	return qn_column_block_add_row(f->column[k], b, f->row, sum);
}

static bool add_each(const struct fold *f, const char *values)
{
	for (int k = 0; k < f->ncolumns; k++)
		for (size_t i = 0; i < STRIP; i++)
			if (!qn_column_block_add(f->column[k], f->block[k], f->row,
						 values + i * f->size))
				return false;
	return true;
}

/* Halves of what does not fit go on their own: blocks take another unit by single elements, which the others may fit
   then. */
static bool add_strips(const struct fold *f, const char *values, size_t nsteps)
{
	struct strip sums;

	if (!run(f, values, nsteps, &sums))
		return nsteps == 1 ? add_each(f, values)
				   : add_strips(f, values, nsteps / 2) &&
					     add_strips(f, values + nsteps / 2 * STRIP * f->size,
							nsteps - nsteps / 2);
	for (int k = 0; k < f->ncolumns; k++)
		if (!put(f, k, &sums))
			return false;
	return true;
}

/* n elements of the tile from number i on, as many as are copied at the most. */
static bool add_piece(const struct fold *f, struct qn_column_tile *t, size_t i, size_t n)
{
	char copy[QN_COLUMN_FOLD * sizeof(double)] __attribute__((aligned(64)));
	const size_t nsteps = (n + STRIP - 1) / STRIP;

	if (!qn_column_blank_of(f->column[0]->level)(
		    t->dtype, (const char *)t->values + i * f->size, n, t->valid, t->bit + i, copy,
		    t->special, &t->nspecial))
		return true;
	memset(copy + n * f->size, 0, (nsteps * STRIP - n) * f->size);
	for (int k = 0; k < f->ncolumns; k++)
		if (f->block[k]->spoilt ||
		    !qn_column_block_start(f->column[k], f->block[k], copy, n))
			return false;
	return add_strips(f, copy, nsteps);
}

bool qn_column_fold(struct qn_column *const column[2], uint64_t row, struct qn_column_tile *t)
{
	struct fold f = { .row = row % QN_COLUMN_BLOCK,
			  .size = qn_column_elem_size(t->dtype),
			  .dtype = t->dtype };

	t->nspecial = 0;
	for (int k = 0; k < 2; k++)
		if (column[k]) {
			f.column[f.ncolumns] = column[k];
			f.block[f.ncolumns++] = &column[k]->block[row / QN_COLUMN_BLOCK];
		}
	for (size_t i = 0, n; i < t->nsteps; i += n) {
		n = qn_min_u64(t->nsteps - i, QN_COLUMN_FOLD);
		if (!add_piece(&f, t, i, n))
			return false;
	}
	return true;
}
