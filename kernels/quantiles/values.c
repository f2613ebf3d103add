/*
 * values.c - which values quantiles are; the keys of the values of tiles, and of rows that lie side by side in them.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/order.h"
#include "kernel/tile.h"
#include "kernels/quantiles/quantiles.h"

double qn_quantile_ranks(double q, uint64_t n, uint64_t at[2])
{
	const double h = (double)(n - 1) * q, low = floor(h);

	at[0] = low >= (double)(n - 1) ? n - 1 : (uint64_t)low;
	at[1] = at[0] + 1 < n ? at[0] + 1 : at[0];
	return at[0] + 1 < n ? h - low : 0;
}

/* Rows that are taken at a time, and steps of them: values of a cache line are used while it is there. */
#define NROWS  16
#define NSTEPS 256

/* Steps of NROWS rows, each of which has its own one after the other. */
struct block {
	double values[NROWS][NSTEPS];
	uint64_t valid[NROWS][NSTEPS / 64], there[NROWS][NSTEPS / 64];
};

/* Keys of a tile, and the values of which they are. */
#define TILE_NBYTES QN_QUANTILES_SCRATCH_NBYTES

size_t qn_quantiles_scratch_nbytes(void)
{
	return TILE_NBYTES + sizeof(struct block);
}

/* The keys of the valid values that are no NaN; returns how many. */
static size_t find_keys(const struct qn_quantiles *q, const struct quern_var *v, size_t n,
			void *scratch, uint64_t **keys)
{
	void *packed = (char *)scratch + QUERN_TILE_NELEMS * sizeof(uint64_t);

	*keys = scratch;
	if (!v->nmissing && !qn_order_keys(q->dtype, v->values, n, *keys))
		return n;
	n = qn_tile_pack(v, n, true, packed);
	qn_order_keys(q->dtype, packed, n, *keys);
	return n;
}

/* Adds values to the state of a row. */
static void absorb_var(const struct qn_quantiles *q, int64_t *state, uint64_t row, void *scratch,
		       const struct quern_var *v, size_t nelems, qn_quantile_take *take)
{
	uint64_t *keys;
	const size_t n = find_keys(q, v, nelems, scratch, &keys);
	const size_t nvalid = nelems - v->nmissing;

	state[QN_QUANTILES_COUNT] += (int64_t)nvalid;
	state[QN_QUANTILES_MISSING] += (int64_t)v->nmissing;
	state[QN_QUANTILES_NANS] += (int64_t)(nvalid - n);
	take(q, state, row, keys, n);
}

void qn_quantiles_absorb(const struct qn_quantiles *q, int64_t *state, void *scratch,
			 const struct quern_tile *tile, qn_quantile_take *take)
{
	absorb_var(q, state, tile->row, scratch, tile->var, tile->nelems, take);
}

/* --- rows side by side --- */

#define DEFINE_TURN(SIZE)                                                                       \
	static void turn_##SIZE(const unsigned char *from, size_t nrows, size_t nsteps,         \
				size_t stride, struct block *b)                                 \
	{                                                                                       \
		for (size_t s = 0; s < nsteps; s++, from += stride * SIZE)                      \
			for (size_t r = 0; r < nrows; r++)                                      \
				memcpy((char *)b->values[r] + s * SIZE, from + r * SIZE, SIZE); \
	}

DEFINE_TURN(1)
DEFINE_TURN(2)
DEFINE_TURN(4)
DEFINE_TURN(8)

typedef void turn_fn(const unsigned char *, size_t, size_t, size_t, struct block *);

static turn_fn *const turns[] = { [1] = turn_1, [2] = turn_2, [4] = turn_4, [8] = turn_8 };

static bool has_bit(const uint64_t *bits, uint64_t i)
{
	return !bits || (bits[i / 64] >> i % 64 & 1);
}

/* Bits of the elements of a row; returns how many are set. */
static size_t turn_bits(const uint64_t *from, uint64_t at, size_t nsteps, uint64_t stride,
			uint64_t *to)
{
	size_t n = 0;

	memset(to, 0, NSTEPS / 8);
	for (size_t s = 0; s < nsteps; s++, at += stride) {
		const bool is_set = has_bit(from, at);

		to[s / 64] |= (uint64_t)is_set << s % 64;
		n += is_set;
	}
	return n;
}

/* What is not there is neither valid nor missing. */
static void absorb_turned(const struct qn_quantiles *q, struct block *b, size_t r, int64_t *state,
			  uint64_t row, void *scratch, const struct quern_tile *tile, uint64_t at,
			  size_t nsteps, uint64_t stride, qn_quantile_take *take)
{
	struct quern_var v = { .dtype = q->dtype, .values = b->values[r] };
	size_t nthere = nsteps;

	if (tile->var->valid) {
		v.nmissing = nsteps - turn_bits(tile->var->valid, at, nsteps, stride, b->valid[r]);
		v.valid = v.nmissing ? b->valid[r] : NULL;
	}
	if (tile->there)
		nthere = turn_bits(tile->there, at, nsteps, stride, b->there[r]);
	absorb_var(q, state, row, scratch, &v, nsteps, take);
	state[QN_QUANTILES_MISSING] -= (int64_t)(nsteps - nthere);
}

bool qn_quantiles_absorb_rows(const struct qn_quantiles *q, struct qn_cells *cells, void *scratch,
			      const struct quern_tile *tile, const struct qn_row_run *run,
			      qn_quantile_take *take)
{
	const size_t size = qn_dtype_size(q->dtype);
	struct block *b = (struct block *)((char *)scratch + TILE_NBYTES);

	for (uint64_t step = 0, n; step < run->nsteps; step += n) {
		n = qn_min_u64(run->nsteps - step, NSTEPS);
		for (size_t i = 0, nrows; i < run->nelems; i += nrows) {
			const uint64_t first = run->first + step * run->stride + i;

			nrows = (size_t)qn_min_u64(run->nelems - i, NROWS);
			turns[size]((const unsigned char *)tile->var->values + first * size, nrows,
				    (size_t)n, (size_t)run->stride, b);
			for (size_t r = 0; r < nrows; r++)
				absorb_turned(q, b, r, qn_cells_state(cells, run->row + i + r),
					      cells->rows->first + run->row + i + r, scratch, tile,
					      first + r, (size_t)n, run->stride, take);
		}
	}
	return true;
}
