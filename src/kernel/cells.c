#include "kernel/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"

#define NLOCKS	      256
#define VALUES_NBYTES (QN_RUN_NELEMS * sizeof(double))
#define BITMAP_NWORDS (QN_RUN_NELEMS / 64)

/* A tile on its way to the cells. */
struct absorber {
	struct qn_cells *cells;
	const struct quern_tile *tile;
	void *scratch;	 /* of the kernel */
	uint8_t *values; /* of a part of the tile that does not lie in one piece */
	uint64_t *valid;
};

uint64_t qn_cells_nbytes(const struct qn_layout_of_state *l, uint64_t nrows)
{
	uint64_t n;

	return qn_mul(nrows, l->nwords * sizeof(int64_t), &n) ? n : UINT64_MAX;
}

void qn_cells_clear(struct qn_cells *c)
{
	for (uint64_t r = 0; r < c->rows->nrows; r++)
		qn_state_identity(c->layout, qn_cells_row(c, r));
}

bool qn_cells_init(struct qn_cells *c, bool is_shared)
{
	const uint64_t nbytes = qn_cells_nbytes(c->layout, c->rows->nrows);

	c->words = nbytes > PTRDIFF_MAX ? NULL : qn_alloc_aligned((size_t)nbytes);
	c->lock = is_shared ? qn_calloc(NLOCKS, sizeof(*c->lock)) : NULL;
	if (!c->words || (is_shared && !c->lock)) {
		qn_cells_fini(c);
		return false;
	}
	for (; is_shared && c->nlocks < NLOCKS; c->nlocks++)
		pthread_mutex_init(&c->lock[c->nlocks], NULL);
	return true;
}

void qn_cells_fini(struct qn_cells *c)
{
	for (; c->nlocks > 0; c->nlocks--)
		pthread_mutex_destroy(&c->lock[c->nlocks - 1]);
	free(c->lock);
	free(c->words);
	c->lock = NULL;
	c->words = NULL;
}

int64_t *qn_cells_row(const struct qn_cells *c, uint64_t row)
{
	return c->words + row * c->layout->nwords;
}

size_t qn_cells_scratch_nbytes(const struct quern_kernel *k, const void *self)
{
	const size_t own = k->scratch ? k->scratch(self) : 0;

	return (own + 63) / 64 * 64 + VALUES_NBYTES + BITMAP_NWORDS * sizeof(uint64_t);
}

static void lock(const struct qn_cells *c, uint64_t row)
{
	if (c->nlocks)
		pthread_mutex_lock(&c->lock[row / QN_RUN_NELEMS % c->nlocks]);
}

static void unlock(const struct qn_cells *c, uint64_t row)
{
	if (c->nlocks)
		pthread_mutex_unlock(&c->lock[row / QN_RUN_NELEMS % c->nlocks]);
}

static bool is_valid(const uint64_t *valid, uint64_t i)
{
	return valid[i / 64] >> i % 64 & 1;
}

/* n bits from bit `first` on; returns how many are clear. */
static size_t copy_bits(const uint64_t *bits, uint64_t first, size_t n, uint64_t *out)
{
	const unsigned shift = first % 64;
	size_t nset = 0;

	bits += first / 64;
	for (size_t i = 0; i < n; i += 64, bits++, out++) {
		*out = bits[0] >> shift;
		if (shift && i + 64 - shift < n)
			*out |= bits[1] << (64 - shift);
		if (n - i < 64)
			*out &= (UINT64_C(1) << (n - i)) - 1;
		nset += (size_t)__builtin_popcountll(*out);
	}
	return n - nset;
}

/* n elements of the tile, one after the other from `first` on, to one row. */
static void absorb_piece(const struct absorber *a, uint64_t row, uint64_t first, size_t n)
{
	const struct qn_cells *c = a->cells;
	struct quern_var var = *a->tile->var;
	struct quern_tile piece = {
		.box = a->tile->box, .first = first, .nelems = n, .nvars = 1, .var = &var
	};

	var.values = (const char *)var.values + first * qn_dtype_size(var.dtype);
	var.nmissing = var.valid ? copy_bits(var.valid, first, n, a->valid) : 0;
	var.valid = var.nmissing ? a->valid : NULL;
	c->kernel->absorb(c->self, qn_cells_row(c, row), a->scratch, &piece);
}

static void absorb_one(const struct absorber *a, const struct qn_row_run *run)
{
	lock(a->cells, run->row);
	absorb_piece(a, run->row, run->first, run->nelems);
	unlock(a->cells, run->row);
}

/* Element `first` of the tile and those that follow it in the steps of the run, `begin` to
   begin + n, to one row. They are a box of their own. */
static void absorb_column(const struct absorber *a, const struct qn_row_run *run, uint64_t row,
			  uint64_t first, const struct quern_box *box, uint64_t begin, size_t n)
{
	const struct qn_cells *c = a->cells;
	const size_t size = qn_dtype_size(a->tile->var->dtype);
	struct quern_var var = { .dtype = a->tile->var->dtype, .values = a->values };
	struct quern_tile piece = {
		.box = box, .first = begin, .nelems = n, .nvars = 1, .var = &var
	};
	uint64_t at = first + begin * run->stride;

	if (a->tile->var->valid)
		memset(a->valid, 0, (n + 63) / 64 * sizeof(*a->valid));
	for (size_t i = 0; i < n; i++, at += run->stride) {
		memcpy(a->values + i * size, (const char *)a->tile->var->values + at * size, size);
		if (!a->tile->var->valid)
			continue;
		if (is_valid(a->tile->var->valid, at))
			a->valid[i / 64] |= UINT64_C(1) << i % 64;
		else
			var.nmissing++;
	}
	var.valid = var.nmissing ? a->valid : NULL;
	c->kernel->absorb(c->self, qn_cells_row(c, row), a->scratch, &piece);
}

/* The box of the steps of one element of a run. */
static void find_column(const struct quern_box *box, const struct qn_row_run *run, uint64_t first,
			struct quern_box *out)
{
	*out = *box;
	for (int d = box->ndim - 1; d >= 0; d--) {
		out->start[d] += first % box->count[d] * box->step[d];
		first /= box->count[d];
		if (d < run->step_dim || d >= run->run_dim)
			out->count[d] = 1;
	}
}

static void absorb_consecutive(const struct absorber *a, const struct qn_row_run *run)
{
	struct quern_box column;

	lock(a->cells, run->row);
	for (size_t i = 0; i < run->nelems; i++) {
		const uint64_t row = run->row + i, first = run->first + i;
		size_t n;

		if (run->nsteps == 1) {
			absorb_piece(a, row, first, 1);
			continue;
		}
		find_column(a->tile->box, run, first, &column);
		for (uint64_t s = 0; s < run->nsteps; s += n) {
			n = (size_t)qn_min_u64(run->nsteps - s, QN_RUN_NELEMS);
			absorb_column(a, run, row, first, &column, s, n);
		}
	}
	unlock(a->cells, run->row);
}

/* Neighbours of one row go together. */
static void absorb_indexed(const struct absorber *a, const struct qn_row_run *run)
{
	size_t n;

	for (size_t i = 0; i < run->nelems; i += n) {
		const int64_t row = run->rows[i];

		for (n = 1; i + n < run->nelems && run->rows[i + n] == row; n++)
			;
		if (row < 0)
			continue;
		lock(a->cells, (uint64_t)row);
		absorb_piece(a, (uint64_t)row, run->first + i, n);
		unlock(a->cells, (uint64_t)row);
	}
}

static bool absorb_run(void *ctx, const struct qn_row_run *run)
{
	static void (*const absorb[])(const struct absorber *, const struct qn_row_run *) = {
		[QN_RUN_ONE] = absorb_one,
		[QN_RUN_CONSECUTIVE] = absorb_consecutive,
		[QN_RUN_INDEXED] = absorb_indexed,
	};

	absorb[run->kind](ctx, run);
	return true;
}

void qn_cells_absorb(struct qn_cells *c, void *scratch, const struct quern_tile *tile)
{
	struct absorber a = { .cells = c, .tile = tile };

	a.values = scratch;
	a.valid = (uint64_t *)(void *)(a.values + VALUES_NBYTES);
	a.scratch = a.valid + BITMAP_NWORDS;
	qn_rows_visit(c->rows, tile->box, absorb_run, &a);
}

void qn_cells_normalize(struct qn_cells *c)
{
	for (uint64_t r = 0; c->kernel->normalize && r < c->rows->nrows; r++)
		c->kernel->normalize(c->self, qn_cells_row(c, r));
}

void qn_cells_merge(struct qn_cells *into, const struct qn_cells *from)
{
	for (uint64_t r = 0; r < into->rows->nrows; r++)
		qn_state_merge(into->layout, qn_cells_row(into, r), qn_cells_row(from, r));
}
