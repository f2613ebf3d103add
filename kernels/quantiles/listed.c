/*
 * listed.c - quantiles of many rows: all values are kept, in one pass.
 *
 *	state    | count | missing | NaN | list |
 *	segment  |        SUM, 3         | LIST |
 */
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernels/quantiles/quantiles.h"

double qn_quantile_in_list(const struct qn_quantiles *q, const int64_t *list, uint64_t n, double x)
{
	uint64_t at[2];
	const double weight = qn_quantile_ranks(x, n, at);

	return qn_order_between(q->dtype, qn_list_key(q->dtype, list, at[0]),
				qn_list_key(q->dtype, list, at[1]), weight);
}

static bool listed_open(struct qn_quantiles *q)
{
	(void)q;
	return true;
}

static int listed_layout(const struct qn_quantiles *q, struct quern_segment *segments)
{
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = QN_QUANTILES_REST };
	segments[1] = (struct quern_segment){ .op = QUERN_LIST,
					      .nwords = qn_list_nwords(q->dtype, q->most_in_row),
					      .dtype = q->dtype };
	return 2;
}

static size_t listed_most_words(const struct qn_quantiles *q)
{
	(void)q;
	return 0;
}

static void take(const struct qn_quantiles *q, int64_t *state, uint64_t row, const uint64_t *keys,
		 size_t n)
{
	(void)row;
	qn_list_append(q->dtype, state + QN_QUANTILES_REST, keys, n);
}

static void listed_absorb(const struct qn_quantiles *q, int64_t *state, void *scratch,
			  const struct quern_tile *tile)
{
	qn_quantiles_absorb(q, state, scratch, tile, take);
}

static bool listed_absorb_rows(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			       const struct quern_tile *tile, const struct qn_row_run *run)
{
	return qn_quantiles_absorb_rows(q, cells, scratch, tile, run, take);
}

static void listed_normalize(const struct qn_quantiles *q, int64_t *state)
{
	qn_list_sort(q->dtype, state + QN_QUANTILES_REST, q->most_in_row);
}

static bool listed_find(const struct qn_quantiles *q, const int64_t *state, double *values)
{
	for (size_t i = 0; i < q->n; i++)
		values[i] = qn_quantile_in_list(q, state + QN_QUANTILES_REST,
						qn_quantiles_nvalues(state), q->q[i]);
	return true;
}

const struct qn_quantile_way qn_quantiles_listed = {
	.open = listed_open,
	.layout = listed_layout,
	.most_words = listed_most_words,
	.absorb = listed_absorb,
	.absorb_rows = listed_absorb_rows,
	.normalize = listed_normalize,
	.find = listed_find,
};
