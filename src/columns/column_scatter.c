/*
 * column_scatter.c - the rows of a column to rows anywhere in another one.
 *
 * Some rows of a block are copied. What their parts hold may be much: there it is carried to the next part, so that
 * blocks that get many of them do not have to carry again and again.
 */
#include <string.h>

#include "base/mem.h"
#include "columns/column_parts.h"

/* Rows that are copied at a time. */
#define LOOSE 256
/* Parts are left with no more, where there is a part above. */
#define MUCH	  (UINT64_C(1) << 52)
#define HALF_STEP (INT64_C(1) << (QN_COLUMN_STEP - 1))

/* Rows on their way. */
struct loose {
	struct qn_column_block of; /* unit, parts and bounds */
	int64_t part[QN_COLUMN_PARTS][LOOSE];
};

static void carry(struct loose *l, int j, size_t n)
{
	if (j + 1 == l->of.nparts)
		memset(l->part[j + 1], 0, n * sizeof(*l->part[j + 1]));
	qn_column_carry(l->part[j], l->part[j + 1], n);
	if (j + 1 == l->of.nparts)
		l->of.nparts++;
}

/* n rows of a block, from `row` on. */
static void take(struct loose *l, const struct qn_column_block *b, size_t row, size_t n)
{
	l->of = (struct qn_column_block){
		.nrows = n, .unit = b->unit, .top = b->top, .nhot = b->nhot, .nparts = b->nparts
	};
	for (int j = 0; j < b->nparts; j++)
		memcpy(l->part[j], b->part[j] + row, n * sizeof(l->part[j][0]));
	for (int j = 0; j < l->of.nparts; j++) {
		l->of.bound[j] = qn_column_largest(l->part[j], n);
		if (l->of.bound[j] <= MUCH || j + 1 == QN_COLUMN_PARTS)
			continue;
		carry(l, j, n);
		l->of.bound[j] = (uint64_t)HALF_STEP;
	}
}

/* So many of n rows follow each other in one block. */
static size_t count_run(const int64_t *row, size_t n)
{
	const size_t left = QN_COLUMN_BLOCK - (uint64_t)row[0] % QN_COLUMN_BLOCK;
	size_t k = 1;

	while (k < n && k < left && row[k] == row[0] + (int64_t)k)
		k++;
	return k;
}

/* Has the rows on their way into cache, all at once: one by one each would be waited for. */
static void fetch_rows(const struct qn_column *c, const int64_t *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = row[i] < 0 ? 0 : (uint64_t)row[i];
		const struct qn_column_block *b = &c->block[at / QN_COLUMN_BLOCK];

		for (int j = 0; j < b->nparts; j++)
			__builtin_prefetch(b->part[j] + at % QN_COLUMN_BLOCK, 1);
	}
}

static bool put_parts(struct qn_column *c, const struct loose *l, const int64_t *row, size_t n)
{
	bool ok = true;

	for (size_t i = 0, k; ok && i < n; i += k) {
		const int64_t *part[QN_COLUMN_PARTS] = { l->part[0] + i, l->part[1] + i,
							 l->part[2] + i };

		k = row[i] < 0 ? 1 : count_run(row + i, n - i);
		if (row[i] >= 0)
			ok = qn_column_block_add_parts(c, &c->block[row[i] / QN_COLUMN_BLOCK],
						       (size_t)(row[i] % QN_COLUMN_BLOCK), &l->of,
						       part, k);
	}
	return ok;
}

/* Their accumulators. */
static bool put_wide(struct qn_column *c, const struct qn_column *from,
		     const struct qn_column_block *b, size_t first, const int64_t *row, size_t n)
{
	bool ok = true;

	for (size_t i = 0; ok && b->wide.slot && i < n; i++) {
		const int64_t *limb = qn_column_block_wide(from, b, first + i);

		if (limb && row[i] >= 0)
			ok = qn_column_add_limbs(c, (uint64_t)row[i], limb);
	}
	return ok;
}

/* Rows of one block, LOOSE at the most. */
static bool scatter(struct qn_column *c, const struct qn_column *from, uint64_t first, size_t n,
		    const int64_t *row)
{
	const struct qn_column_block *b = &from->block[first / QN_COLUMN_BLOCK];
	const size_t begin = first % QN_COLUMN_BLOCK;
	struct loose l;

	if (b->spoilt)
		return false;
	if (b->nhot > 0) {
		fetch_rows(c, row, n);
		take(&l, b, begin, n);
		if (!put_parts(c, &l, row, n))
			return false;
	}
	return put_wide(c, from, b, begin, row, n);
}

bool qn_column_scatter(struct qn_column *c, const struct qn_column *from, uint64_t first, size_t n,
		       const int64_t *row)
{
	for (size_t i = 0, k; i < n; i += k) {
		const uint64_t left = QN_COLUMN_BLOCK - (first + i) % QN_COLUMN_BLOCK;

		k = qn_min_u64(qn_min_u64(n - i, LOOSE), left);
		if (scatter(c, from, first + i, k, row + i))
			continue;
		for (size_t r = 0; r < n; r++)
			if (row[r] >= 0)
				qn_column_spoil(c, (uint64_t)row[r], 1);
		return false;
	}
	return true;
}
