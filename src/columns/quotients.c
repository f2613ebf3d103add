/*
 * quotients.c - sums of many rows as numbers.
 */
#include "columns/column_parts.h"
#include "columns/quotients_simd.h"
#include "exact/bits.h"

/* Quotients, of less than 2^160 units over 2^160 at the most, times such a unit are doubles like any. */
#define LEAST_UNIT (-800)
#define MOST_UNIT  800
/* Powers of two between squares of the units of sums and those of squares. */
#define MOST_APART 200
/* A part of which, and of one above that, an integer is made. */
#define MOST_LOW (UINT64_C(1) << 62)

static const struct qn_column_block *block_of(const struct qn_column *c, uint64_t row, size_t n,
					      size_t *at)
{
	const struct qn_column_block *b = &c->block[row / QN_COLUMN_BLOCK];

	*at = row % QN_COLUMN_BLOCK;
	return b->spoilt || b->wide.n > 0 || *at + n > b->nrows ? NULL : b;
}

/* What a bound says is more than there is, mostly. */
static bool is_within(const struct qn_column_block *b, int j, size_t at, size_t n, uint64_t most)
{
	return b->nparts <= j || b->bound[j] <= most ||
	       qn_column_largest(b->part[j] + at, n) <= most;
}

/* The parts of n rows, and their unit. False: they are too long. */
static bool find_parts(const struct qn_column *c, uint64_t row, size_t n, struct qn_parts *out,
		       int *unit)
{
	static const int64_t zeros[QN_COLUMN_BLOCK];
	size_t at;
	const struct qn_column_block *b = block_of(c, row, n, &at);

	if (!b || b->nparts > 2)
		return false;
	out->low = b->nparts ? b->part[0] + at : zeros;
	out->high = b->nparts > 1 ? b->part[1] + at : NULL;
	*unit = b->nparts ? b->unit : 0;
	return true;
}

static bool divide(const struct qn_column *c, const struct qn_parts *upper,
		   const struct qn_parts *lower, size_t n, int unit, double *quotient,
		   uint64_t *left)
{
	static qn_quotients_fn *const quotients[] = QN_ISA_TABLE(qn_quotients);

	if (unit < LEAST_UNIT || unit > MOST_UNIT)
		return false;
	quotients[c->level](upper, lower, n, qn_pow2(unit), quotient, left);
	return true;
}

bool qn_column_divide(const struct qn_column *c, uint64_t row, size_t n, const int64_t *by,
		      double *quotient, uint64_t *left)
{
	int64_t ones[QN_COLUMN_BLOCK];
	const struct qn_parts lower = { by ? by : ones, NULL };
	struct qn_parts upper;
	int unit;

	for (size_t i = 0; !by && i < n; i++)
		ones[i] = 1;
	return find_parts(c, row, n, &upper, &unit) &&
	       divide(c, &upper, &lower, n, unit, quotient, left);
}

bool qn_column_ratios(const struct qn_column *upper, const struct qn_column *lower, uint64_t row,
		      size_t n, double *quotient, uint64_t *left)
{
	struct qn_parts a, b;
	int of_upper, of_lower;

	return find_parts(upper, row, n, &a, &of_upper) &&
	       find_parts(lower, row, n, &b, &of_lower) &&
	       divide(upper, &a, &b, n, of_upper - of_lower, quotient, left);
}

bool qn_column_deviations(const struct qn_column *sum, const struct qn_column *square, uint64_t row,
			  size_t n, const int64_t *count, bool is_root, double *out, uint64_t *left)
{
	static qn_deviations_fn *const deviations[] = QN_ISA_TABLE(qn_deviations);
	struct qn_deviations d = { .is_root = is_root };
	int of_sum, of_square, both;

	if (!find_parts(sum, row, n, &d.sums, &of_sum) ||
	    !find_parts(square, row, n, &d.squares, &of_square))
		return false;
	both = of_square - 2 * of_sum;
	if (2 * of_sum < LEAST_UNIT || 2 * of_sum > MOST_UNIT || both < -MOST_APART ||
	    both > MOST_APART)
		return false;
	d.square_unit = qn_pow2(both);
	d.unit = qn_pow2(is_root ? of_sum : 2 * of_sum);
	deviations[sum->level](&d, count, n, out, left);
	return true;
}

bool qn_column_integers(const struct qn_column *c, uint64_t row, size_t n, int64_t *sum)
{
	size_t at;
	const struct qn_column_block *b = block_of(c, row, n, &at);
	bool fit = b && !c->is_float && b->unit == 0 && b->nparts <= 2;

	if (fit && b->nparts > 1)
		fit = is_within(b, 0, at, n, MOST_LOW) &&
		      is_within(b, 1, at, n, MOST_LOW >> (QN_COLUMN_STEP + 1));
	for (size_t i = 0; fit && i < n; i++) {
		sum[i] = b->nparts ? b->part[0][at + i] : 0;
		sum[i] += b->nparts > 1 ? b->part[1][at + i] * (INT64_C(1) << QN_COLUMN_STEP) : 0;
	}
	return fit;
}
