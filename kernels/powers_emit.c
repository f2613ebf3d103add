/*
 * powers_emit.c - the fields of many rows at once, for `sum`, `mean` and their like.
 *
 * What can be told of a block of rows together, mostly all of them, is; of the others each state is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"
#include "kernel/result.h"
#include "powers.h"

#define MOST_NWORDS (QN_RUN_NELEMS / 64)

/* Some rows of a table. */
struct rows {
	const struct qn_powers *p;
	const struct qn_cells *cells;
	uint64_t row;
	size_t n;
	struct quern_result *out;
	uint64_t left[MOST_NWORDS]; /* those to be looked at one by one */
};

static const int64_t *column(const struct rows *r, size_t word)
{
	return qn_cells_column(r->cells, word) + r->row;
}

static const struct qn_column *sums(const struct rows *r)
{
	return r->cells->exact[1];
}

static void leave(struct rows *r, size_t i)
{
	r->left[i / 64] |= UINT64_C(1) << i % 64;
}

/* Rows with elements that are infinite or NaN. */
static void leave_specials(struct rows *r)
{
	for (size_t word = r->p->special; word < r->p->sums; word++) {
		const int64_t *special = column(r, word);

		for (size_t i = 0; i < r->n; i++)
			if (special[i])
				leave(r, i);
	}
}

static bool begin(const struct qn_powers *p, const struct qn_cells *cells, uint64_t row, size_t n,
		  struct quern_result *out, struct rows *r)
{
	*r = (struct rows){ .p = p, .cells = cells, .row = row, .n = n, .out = out };
	return n <= QN_RUN_NELEMS;
}

/* The value of a field of a row, from its state. False: it has none. */
typedef bool value_fn(const struct qn_powers *p, const int64_t *state, double *out);

/* Those that are left. */
static bool fill_left(const struct rows *r, double *values, value_fn *value)
{
	int64_t *buffer = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < r->n; i++) {
		const int64_t *state;

		if (!(r->left[i / 64] >> i % 64 & 1))
			continue;
		if (!buffer)
			buffer = qn_alloc_aligned(r->cells->layout->nwords * sizeof(*buffer));
		state = buffer ? qn_cells_get(r->cells, r->row + i, buffer) : NULL;
		ok = state != NULL;
		values[i] = 0;
		if (ok && !value(r->p, state, &values[i]))
			qn_result_lack_row(r->out, i);
	}
	free(buffer);
	r->out->nomem = r->out->nomem || !ok;
	return ok;
}

/* Those of a weight of 0 are. */
static void leave_weightless(struct rows *r)
{
	const int64_t *weight = r->p->has_row_weights ? column(r, r->p->weight) : NULL;

	for (size_t i = 0; weight && i < r->n; i++)
		if (!weight[i]) /* its bits */
			leave(r, i);
}

static void lack_empty(struct rows *r, double *values)
{
	const int64_t *count = column(r, QN_POWERS_COUNT);

	for (size_t i = 0; i < r->n; i++)
		if (count[i] == 0) {
			values[i] = 0;
			qn_result_lack_row(r->out, i);
			r->left[i / 64] &= ~(UINT64_C(1) << i % 64);
		}
}

static bool mean_of(const struct qn_powers *p, const int64_t *state, double *out)
{
	return qn_powers_stat(QN_STAT_MEAN, p, state, out);
}

static bool divide(struct rows *r, double *mean)
{
	const struct qn_weighted *w = &r->p->weighted;
	struct qn_column *const *sum = r->cells->exact + 1;

	if (r->p->is_weighted)
		return qn_column_ratios(sum[w->place[QN_SUM_WX]], sum[w->place[QN_SUM_W]], r->row,
					r->n, mean, r->left);
	return qn_column_divide(sums(r), r->row, r->n, column(r, QN_POWERS_COUNT), mean, r->left);
}

bool qn_powers_emit_means(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			  struct quern_result *out)
{
	struct rows r;
	double *mean;

	if (!begin(self, cells, row, n, out, &r) ||
	    !(mean = qn_result_add_rows(out, "mean", QN_FIELD_REAL)) || !divide(&r, mean))
		return false;
	leave_specials(&r);
	leave_weightless(&r);
	lack_empty(&r, mean);
	return fill_left(&r, mean, mean_of);
}

static bool sum_of(const struct qn_powers *p, const int64_t *state, double *out)
{
	*out = qn_powers_sum(p, state);
	return true;
}

/* False: not at once. */
static bool add_sums(struct rows *r)
{
	const bool is_float = r->p->is_float;
	void *sum = qn_result_add_rows(r->out, "sum", is_float ? QN_FIELD_REAL : QN_FIELD_INT);

	if (!sum)
		return false;
	if (!is_float)
		return qn_column_integers(sums(r), r->row, r->n, sum);
	if (!qn_column_divide(sums(r), r->row, r->n, NULL, sum, r->left))
		return false;
	leave_specials(r);
	return fill_left(r, sum, sum_of);
}

static bool add_counts(const struct rows *r, const char *name, size_t word)
{
	int64_t *counts = qn_result_add_rows(r->out, name, QN_FIELD_INT);

	if (counts)
		memcpy(counts, column(r, word), r->n * sizeof(*counts));
	return counts != NULL;
}

bool qn_powers_emit_sums(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			 struct quern_result *out)
{
	struct rows r;

	return begin(self, cells, row, n, out, &r) && !r.p->weighs &&
	       add_counts(&r, "count", QN_POWERS_COUNT) &&
	       add_counts(&r, "missing", QN_POWERS_MISSING) && add_sums(&r);
}
