/*
 * powers_rows.c - sums, counts and extremes of many rows at once, for `sum`, `moments` and their like.
 */
#include "powers_rows.h"

#include <math.h>
#include <string.h>

#include "kernel/cells.h"
#include "kernel/tile.h"
#include "powers.h"
#include "rows.h"

static qn_powers_extremes_fn *const extremes[] = QN_ISA_TABLE(qn_powers_extremes);

/* Some elements of a tile on their way to the cells of sums. */
struct part {
	const struct qn_powers *p;
	struct qn_part at;
};

static double value(const struct part *part, uint64_t i)
{
	const char *at = (const char *)part->at.r.values + i * qn_dtype_size(part->at.r.dtype);
	double x = 0;
	float f;

	if (part->at.r.dtype == QUERN_F64) {
		memcpy(&x, at, sizeof(x));
	} else if (part->at.r.dtype == QUERN_F32) {
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
		qn_part_column(&part->at, QN_POWERS_COUNT)[row]--;
		qn_part_column(&part->at, QN_POWERS_MISSING)[row]++;
	} else {
		qn_part_column(&part->at, p->special + kind)[row]++;
	}
}

/* Elements that are infinite or NaN, which are in no sum. */
static void count_specials(const struct part *part)
{
	for (size_t s = 0; s < part->at.r.nsteps; s++)
		for (size_t i = 0; i < part->at.r.n; i++) {
			const uint64_t at = s * part->at.r.stride + i;
			const double x = value(part, at);

			if (!isfinite(x) && qn_part_has(&part->at, at))
				count_special(part, qn_part_row(&part->at, i), x);
		}
}

/* Sums of powers 1 and 2 in one go; the higher ones, which few ask for, one by one. */
static bool add_sums(const struct part *part, size_t *nspecial)
{
	struct qn_column *const *sum = part->at.cells->exact + 1;
	struct qn_column_tile t = {
		.dtype = part->at.r.dtype,
		.values = part->at.r.values,
		.n = part->at.r.n,
		.nsteps = part->at.r.nsteps,
		.stride = part->at.r.stride,
		.valid = part->at.r.valid,
		.bit = part->at.r.bit,
	};
	const int npowers = part->p->power.npowers;
	bool ok = true;

	for (int i = 0; ok && i < npowers; i += 1 + (i == 0)) {
		struct qn_column *square = i == 0 && npowers > 1 ? sum[1] : NULL;

		ok = part->at.r.row ? qn_column_add_at(sum[i], square, part->at.first_row,
						       part->at.r.row, &t)
				    : qn_column_add_rows(sum[i], square, part->at.first_row, &t);
	}
	*nspecial = t.nspecial;
	return ok;
}

bool qn_powers_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			   const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct qn_powers *p = self;
	struct part part = { .p = p, .at = { .cells = cells } };
	struct qn_part *at = &part.at;
	struct qn_picked picked;
	size_t nspecial = 0;
	bool ok;

	(void)scratch;
	if (!qn_part_begin(at, tile, run, QN_POWERS_COUNT, QN_POWERS_MISSING, &picked))
		return true;
	ok = add_sums(&part, &nspecial);
	if (nspecial)
		count_specials(&part);
	if (p->has_extremes)
		extremes[p->power.level](&at->r, qn_part_column(at, p->min),
					 qn_part_column(at, p->max));
	return ok;
}
