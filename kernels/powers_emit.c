/*
 * powers_emit.c - the fields of many rows at once, for `sum`, `mean` and their like.
 *
 * What can be told of a block of rows together, mostly all of them, is; of the others each state is looked at.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"
#include "kernel/result.h"
#include "kernel/tile.h"
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

/* Rows of so many elements have no value. */
static void lack_rows_of(struct rows *r, int64_t nelems, void *values)
{
	const int64_t *count = column(r, QN_POWERS_COUNT);

	for (size_t i = 0; i < r->n; i++)
		if (count[i] == nelems) {
			memset((char *)values + i * sizeof(double), 0, sizeof(double));
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

/* False: not at once. */
static bool add_means(struct rows *r)
{
	double *mean = qn_result_add_rows(r->out, "mean", QN_FIELD_REAL);

	if (!mean || !divide(r, mean))
		return false;
	leave_specials(r);
	leave_weightless(r);
	lack_rows_of(r, 0, mean);
	return fill_left(r, mean, mean_of);
}

bool qn_powers_emit_means(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			  struct quern_result *out)
{
	struct rows r;

	return begin(self, cells, row, n, out, &r) && add_means(&r);
}

static bool variance_of(const struct qn_powers *p, const int64_t *state, double *out)
{
	return qn_powers_stat(QN_STAT_VARIANCE, p, state, out);
}

static bool stddev_of(const struct qn_powers *p, const int64_t *state, double *out)
{
	return qn_powers_stat(QN_STAT_STDDEV, p, state, out);
}

/* False: not at once. */
static bool add_deviations(struct rows *r, const char *name, bool is_root)
{
	struct qn_column *const *sum = r->cells->exact + 1;
	double *values = qn_result_add_rows(r->out, name, QN_FIELD_REAL);

	if (!values || !qn_column_deviations(sum[0], sum[1], r->row, r->n,
					     column(r, QN_POWERS_COUNT), is_root, values, r->left))
		return false;
	leave_specials(r);
	lack_rows_of(r, 0, values);
	lack_rows_of(r, 1, values);
	return fill_left(r, values, is_root ? stddev_of : variance_of);
}

static bool emit_deviations(const struct qn_powers *p, const struct qn_cells *cells, uint64_t row,
			    size_t n, struct quern_result *out, const char *name, bool is_root)
{
	struct rows r;

	return begin(p, cells, row, n, out, &r) && !p->weighs && add_deviations(&r, name, is_root);
}

bool qn_powers_emit_variances(const void *self, const struct qn_cells *cells, uint64_t row,
			      size_t n, struct quern_result *out)
{
	return emit_deviations(self, cells, row, n, out, "variance", false);
}

bool qn_powers_emit_stddevs(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			    struct quern_result *out)
{
	return emit_deviations(self, cells, row, n, out, "stddev", true);
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

/* False: not at once. */
static bool begin_counts(const struct qn_powers *p, const struct qn_cells *cells, uint64_t row,
			 size_t n, struct quern_result *out, struct rows *r)
{
	return begin(p, cells, row, n, out, r) && !p->weighs &&
	       add_counts(r, "count", QN_POWERS_COUNT) &&
	       add_counts(r, "missing", QN_POWERS_MISSING);
}

bool qn_powers_emit_sums(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			 struct quern_result *out)
{
	struct rows r;

	return begin_counts(self, cells, row, n, out, &r) && add_sums(&r);
}

/* Of floating-point elements. */
static void fill_reals(const struct rows *r, const int64_t *key, double *values)
{
	const int64_t *nan = column(r, r->p->special + QN_SPECIAL_NAN);

	for (size_t i = 0; i < r->n; i++)
		values[i] = nan[i] ? NAN : qn_key_to_double(key[i]);
}

static void fill_uints(const struct rows *r, const int64_t *key, uint64_t *values)
{
	for (size_t i = 0; i < r->n; i++)
		values[i] = qn_key_to_uint(key[i]);
}

static bool add_extreme(struct rows *r, const char *name, size_t word)
{
	const int64_t *key = column(r, word);
	const bool is_signed = qn_dtype_is_signed(r->p->power.dtype);
	enum qn_field_type type = is_signed ? QN_FIELD_INT : QN_FIELD_UINT;
	void *values;

	if (r->p->is_float)
		type = QN_FIELD_REAL;
	values = qn_result_add_rows(r->out, name, type);
	if (!values)
		return false;
	if (type == QN_FIELD_REAL)
		fill_reals(r, key, values);
	else if (type == QN_FIELD_UINT)
		fill_uints(r, key, values);
	else
		memcpy(values, key, r->n * sizeof(*key));
	lack_rows_of(r, 0, values);
	return true;
}

bool qn_powers_emit_moments(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			    struct quern_result *out)
{
	const struct qn_powers *p = self;
	struct rows r;

	return p->power.npowers == 2 && begin_counts(p, cells, row, n, out, &r) && add_sums(&r) &&
	       add_means(&r) && add_deviations(&r, "variance", false) &&
	       add_deviations(&r, "stddev", true) && add_extreme(&r, "min", p->min) &&
	       add_extreme(&r, "max", p->max);
}
