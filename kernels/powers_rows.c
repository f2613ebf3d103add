/*
 * powers_rows.c - sums, counts and extremes of many rows at once, for `sum`, `moments` and their like.
 */
#include "powers_rows.h"

#include <math.h>
#include <string.h>

#include "kernel/cells.h"
#include "kernel/tile.h"
#include "powers.h"

static qn_powers_extremes_fn *const extremes[] = QN_ISA_TABLE(qn_powers_extremes);

/* Some elements of a tile on their way to rows first_row + row[i], or side by side. */
struct part {
	const struct qn_powers *p;
	struct qn_cells *cells;
	uint64_t first_row;
	const uint64_t *there; /* bits as those of r.valid; NULL: all are */
	struct qn_powers_rows r;
};

/* An indexed run in a form that leaves out those of no row. */
struct picked {
	uint32_t row[QN_RUN_NELEMS];
	uint64_t valid[QN_RUN_NELEMS / 64];
};

static int64_t *column(const struct part *part, size_t word)
{
	return qn_cells_column(part->cells, word) + part->first_row;
}

static size_t row_of(const struct part *part, size_t i)
{
	return part->r.row ? part->r.row[i] : i;
}

static bool is_valid(const struct part *part, uint64_t i)
{
	const uint64_t bit = part->r.bit + i;

	return !part->r.valid || (part->r.valid[bit / 64] >> bit % 64 & 1);
}

static bool is_there(const struct part *part, uint64_t i)
{
	const uint64_t bit = part->r.bit + i;

	return !part->there || (part->there[bit / 64] >> bit % 64 & 1);
}

/* The valid ones, NaN among them. */
static void count_valid(const struct part *part)
{
	int64_t *count = column(part, QN_POWERS_COUNT);

	for (size_t i = 0; !part->r.valid && i < part->r.n; i++)
		count[row_of(part, i)] += (int64_t)part->r.nsteps;
	for (size_t s = 0; part->r.valid && s < part->r.nsteps; s++)
		for (size_t i = 0; i < part->r.n; i++)
			count[row_of(part, i)] += is_valid(part, s * part->r.stride + i);
}

static double value(const struct part *part, uint64_t i)
{
	const char *at = (const char *)part->r.values + i * qn_dtype_size(part->r.dtype);
	double x = 0;
	float f;

	if (part->r.dtype == QUERN_F64) {
		memcpy(&x, at, sizeof(x));
	} else if (part->r.dtype == QUERN_F32) {
		memcpy(&f, at, sizeof(f));
		x = (double)f;
	}
	return x;
}

static void count_special(const struct part *part, size_t row, double x)
{
	const struct qn_powers *p = part->p;
	const size_t kind = isnan(x) ? QN_SPECIAL_NAN : x > 0 ? QN_SPECIAL_PINF : QN_SPECIAL_NINF;

	if (kind == QN_SPECIAL_NAN && p->nan_missing) {
		column(part, QN_POWERS_COUNT)[row]--;
		column(part, QN_POWERS_MISSING)[row]++;
	} else {
		column(part, p->special + kind)[row]++;
	}
}

/* Elements that are infinite or NaN, which are in no sum. */
static void count_specials(const struct part *part)
{
	for (size_t s = 0; s < part->r.nsteps; s++)
		for (size_t i = 0; i < part->r.n; i++) {
			const uint64_t at = s * part->r.stride + i;
			const double x = value(part, at);

			if (!isfinite(x) && is_valid(part, at))
				count_special(part, row_of(part, i), x);
		}
}

/* Sums of powers 1 and 2 in one go; the higher ones, which few ask for, one by one. */
static bool add_sums(const struct part *part, size_t *nspecial)
{
	struct qn_column *const *sum = part->cells->exact + 1;
	struct qn_column_tile t = {
		.dtype = part->r.dtype,
		.values = part->r.values,
		.n = part->r.n,
		.nsteps = part->r.nsteps,
		.stride = part->r.stride,
		.valid = part->r.valid,
		.bit = part->r.bit,
	};
	const int npowers = part->p->power.npowers;
	bool ok = true;

	for (int i = 0; ok && i < npowers; i += 1 + (i == 0)) {
		struct qn_column *square = i == 0 && npowers > 1 ? sum[1] : NULL;

		ok = part->r.row
			     ? qn_column_add_at(sum[i], square, part->first_row, part->r.row, &t)
			     : qn_column_add_rows(sum[i], square, part->first_row, &t);
	}
	*nspecial = t.nspecial;
	return ok;
}

static bool add_part(const struct part *part)
{
	const struct qn_powers *p = part->p;
	size_t nspecial = 0;
	bool ok = add_sums(part, &nspecial);

	count_valid(part);
	if (nspecial)
		count_specials(part);
	if (p->has_extremes)
		extremes[p->power.level](&part->r, column(part, p->min), column(part, p->max));
	return ok;
}

/* Elements without a value, of a run that has some. */
static void count_missing(const struct part *part)
{
	int64_t *missing = column(part, QN_POWERS_MISSING);

	for (size_t s = 0; s < part->r.nsteps; s++)
		for (size_t i = 0; i < part->r.n; i++) {
			const uint64_t at = s * part->r.stride + i;

			missing[row_of(part, i)] += is_there(part, at) && !is_valid(part, at);
		}
}

/* Rows are told by their distance from the first of them, and those of no row have no value. */
static bool add_indexed(struct part *part, const struct qn_row_run *run)
{
	struct picked picked = { .valid = { 0 } };
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < run->nelems; i++)
		if (run->rows[i] >= 0 && run->rows[i] < least)
			least = run->rows[i];
	if (least == INT64_MAX)
		return true;
	part->first_row = (uint64_t)least;
	for (size_t i = 0; i < run->nelems; i++) {
		const bool has_row = run->rows[i] >= 0;

		picked.row[i] = has_row ? (uint32_t)(run->rows[i] - least) : 0;
		if (has_row && !is_there(part, i))
			continue;
		if (has_row && !is_valid(part, i))
			column(part, QN_POWERS_MISSING)[picked.row[i]]++;
		else if (has_row)
			picked.valid[i / 64] |= UINT64_C(1) << i % 64;
	}
	part->r.row = picked.row;
	part->r.valid = picked.valid;
	part->r.bit = 0;
	return add_part(part);
}

bool qn_powers_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			   const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct quern_var *v = tile->var;
	struct part part = {
		.p = self,
		.cells = cells,
		.first_row = run->row,
		.there = tile->there,
		.r = { .dtype = v->dtype,
		       .values = (const char *)v->values + run->first * qn_dtype_size(v->dtype),
		       .valid = v->valid,
		       .bit = run->first,
		       .n = run->nelems,
		       .nsteps = (size_t)run->nsteps,
		       .stride = (size_t)run->stride },
	};

	(void)scratch;
	if (run->kind == QN_RUN_INDEXED)
		return add_indexed(&part, run);
	if (v->valid)
		count_missing(&part);
	return add_part(&part);
}
