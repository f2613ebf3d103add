/*
 * powers_rows.c - sums, counts and extremes of many rows at once, for `sum`, `moments` and their like.
 */
#include "elements/part_simd.h"

#include <math.h>

#include "kernel/cells.h"
#include "kernel/tile.h"
#include "powers.h"
#include "elements/part.h"

static qn_part_extremes_fn *const extremes[] = QN_ISA_TABLE(qn_part_extremes);

/* Some elements of a tile on their way to the cells of sums. */
struct part {
	const struct qn_powers *p;
	struct qn_part at;
	const void *weights; /* of the same elements as at.r.values; NULL: there are none */
};

static void count_special(const struct part *part, size_t row, double x, uint64_t i)
{
	const struct qn_powers *p = part->p;
	const double w =
		part->weights ? qn_weighted_double(p->weighted.dtype[QN_FACTOR_W], part->weights, i)
			      : 1;
	const int kind = qn_weighted_special(x, w);

	if (kind == QN_SPECIAL_NAN && p->nan_missing) {
		qn_part_column(&part->at, QN_POWERS_COUNT)[row]--;
		qn_part_column(&part->at, QN_POWERS_MISSING)[row]++;
	} else {
		qn_part_column(&part->at, p->special + (size_t)kind)[row]++;
	}
}

/* Elements that are infinite or NaN, which are in no sum. */
static void count_specials(const struct part *part)
{
	for (size_t s = 0; s < part->at.r.nsteps; s++)
		for (size_t i = 0; i < part->at.r.n; i++) {
			const uint64_t at = s * part->at.r.stride + i;
			const double x =
				qn_weighted_double(part->at.r.dtype, part->at.r.values, at);

			if (!isfinite(x) && qn_part_has(&part->at, at))
				count_special(part, qn_part_row(&part->at, i), x, at);
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

static bool add_weighted(const struct part *part, void *scratch, size_t *nspecial)
{
	struct qn_weighted_tile t = {
		.v = { [QN_FACTOR_W] = part->weights, [QN_FACTOR_X] = part->at.r.values },
		.n = part->at.r.n,
		.nsteps = part->at.r.nsteps,
		.stride = part->at.r.stride,
		.valid = part->at.r.valid,
		.bit = part->at.r.bit,
		.row = part->at.r.row,
	};
	const bool ok = qn_weighted_add_rows(&part->p->weighted, part->at.cells->exact + 1,
					     part->at.first_row, &t, scratch);

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

	if (!qn_part_begin(at, tile, run, QN_POWERS_COUNT, QN_POWERS_MISSING, &picked))
		return true;
	if (p->is_weighted)
		part.weights = qn_part_values(tile, run, QUERN_WEIGHT);
	ok = p->is_weighted
		     ? add_weighted(&part, (char *)scratch + QN_POWERS_WEIGHTED_NBYTES, &nspecial)
		     : add_sums(&part, &nspecial);
	if (nspecial)
		count_specials(&part);
	if (p->has_extremes)
		extremes[p->power.level](&at->r, qn_part_column(at, p->min),
					 qn_part_column(at, p->max));
	return ok;
}
