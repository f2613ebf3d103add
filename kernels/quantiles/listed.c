/*
 * listed.c - quantiles of many rows: all values are kept, in one pass.
 *
 *	state    | count | missing | NaN | list |
 *	segment  |        SUM, 3         | LIST |
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernels/quantiles/keys_simd.h"
#include "kernels/quantiles/quantiles.h"
#include "kernels/quantiles/select.h"

/* Of more quantiles all values are sorted. */
#define MOST_SELECTED 4

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

/* --- rows of float32 side by side --- */

typedef bool turn_fn(const void *, size_t, size_t, size_t, const uint32_t *, struct qn_turned *);

static turn_fn *const turn[] = QN_ISA_TABLE(qn_keys_turn);

/* Up to 32 bits from bit `at` on. */
static uint32_t bits_from(const uint64_t *bits, uint64_t at, size_t n)
{
	const unsigned shift = at % 64;
	uint64_t x = bits[at / 64] >> shift;

	if (shift + n > 64)
		x |= bits[at / 64 + 1] << (64 - shift);
	return (uint32_t)(x & ((UINT64_C(1) << n) - 1));
}

/* Which rows are valid in each step; in none, where there are fewer. */
static void find_valid(const struct quern_tile *tile, const struct qn_row_run *part,
		       uint32_t valid[QN_TURNED])
{
	const uint64_t *bits = tile->var->valid;
	uint64_t at = part->first;

	for (size_t s = 0; s < QN_TURNED; s++, at += part->stride) {
		const uint32_t all = s < part->nsteps ? (1u << part->nelems) - 1 : 0;

		valid[s] = all && bits ? bits_from(bits, at, part->nelems) : all;
	}
}

/* most: that the list has room for. Where it has enough, what is copied has always the same length. */
static void append(int64_t *list, uint64_t most, const uint32_t key[QN_TURNED], uint32_t n)
{
	uint32_t *end = (uint32_t *)(list + 1) + list[0];

	if ((uint64_t)list[0] + QN_TURNED <= most)
		memcpy(end, key, QN_TURNED * sizeof(*key));
	else
		memcpy(end, key, n * sizeof(*key));
	list[0] += n;
}

static void append_rows(const struct qn_quantiles *q, struct qn_cells *cells,
			const struct qn_row_run *part, const struct qn_turned *t)
{
	const size_t nwords = cells->layout->nwords;
	const uint64_t most = qn_list_most(q->dtype, nwords - QN_QUANTILES_REST);
	int64_t *state = qn_cells_state(cells, part->row);

	for (size_t r = 0; r < part->nelems; r++, state += nwords) {
		int64_t *list = state + QN_QUANTILES_REST;

		/* Of rows that come soon: their lists are about as long. */
		__builtin_prefetch(state + QN_TURNED * nwords, 1);
		__builtin_prefetch(list + 1 + list[0] / 2 + QN_TURNED * nwords, 1);
		__builtin_prefetch(list + 9 + list[0] / 2 + QN_TURNED * nwords, 1);
		append(list, most, t->key[r], t->n[r]);
		state[QN_QUANTILES_COUNT] += t->n[r];
		state[QN_QUANTILES_MISSING] += (int64_t)part->nsteps - t->n[r];
	}
}

/* A part of a run, of at most QN_TURNED rows and as many steps. */
static void absorb_part(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			const struct quern_tile *tile, const struct qn_row_run *part)
{
	const char *values = tile->var->values;
	uint32_t valid[QN_TURNED];
	struct qn_turned t;

	find_valid(tile, part, valid);
	if (turn[qn_cpu_level()](values + part->first * sizeof(float), (size_t)part->stride,
				 part->nelems, (size_t)part->nsteps, valid, &t))
		append_rows(q, cells, part, &t);
	else
		qn_quantiles_absorb_rows(q, cells, scratch, tile, part, take);
}

static bool listed_absorb_rows(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			       const struct quern_tile *tile, const struct qn_row_run *run)
{
	struct qn_row_run part = *run;

	if (q->dtype != QUERN_F32 || tile->there)
		return qn_quantiles_absorb_rows(q, cells, scratch, tile, run, take);
	for (size_t i = 0; i < run->nelems; i += part.nelems) {
		part.nelems = (size_t)qn_min_u64(run->nelems - i, QN_TURNED);
		part.row = run->row + i;
		for (uint64_t step = 0; step < run->nsteps; step += part.nsteps) {
			part.nsteps = qn_min_u64(run->nsteps - step, QN_TURNED);
			part.first = run->first + step * run->stride + i;
			absorb_part(q, cells, scratch, tile, &part);
		}
	}
	return true;
}

/* --- values --- */

static bool select_all(const struct qn_quantiles *q, const int64_t *list, uint64_t n,
		       double *values)
{
	for (size_t i = 0; i < q->n; i++) {
		uint64_t at[2], key[2];
		const double weight = qn_quantile_ranks(q->q[i], n, at);

		if (!qn_quantile_select(q->dtype, list + 1, (size_t)n, at, key))
			return false;
		values[i] = qn_order_between(q->dtype, key[0], key[1], weight);
	}
	return true;
}

static bool sort_all(const struct qn_quantiles *q, const int64_t *list, uint64_t n, double *values)
{
	const size_t nwords = qn_list_nwords(q->dtype, n);
	int64_t *sorted = qn_malloc(nwords * sizeof(*sorted));

	if (!sorted)
		return false;
	memcpy(sorted, list, nwords * sizeof(*sorted));
	qn_list_sort(q->dtype, sorted, n);
	for (size_t i = 0; i < q->n; i++)
		values[i] = qn_quantile_in_list(q, sorted, n, q->q[i]);
	free(sorted);
	return true;
}

static bool listed_find(const struct qn_quantiles *q, const int64_t *state, double *values)
{
	return (q->n <= MOST_SELECTED ? select_all : sort_all)(q, state + QN_QUANTILES_REST,
							       qn_quantiles_nvalues(state), values);
}

const struct qn_quantile_way qn_quantiles_listed = {
	.open = listed_open,
	.layout = listed_layout,
	.most_words = listed_most_words,
	.absorb = listed_absorb,
	.absorb_rows = listed_absorb_rows,
	.find = listed_find,
};
