/*
 * spells.c - elements that follow each other along a dimension: how many at most, how often so many, from where to where.
 *
 *	state   | a bit for each place along the dimension | first place, its index |
 *	segment |                 SUM, n                   |       MINLOC, 2        |
 *
 * Every element has a bit of its own in the state of its cell, so that a sum of states is the union of their bits: whatever the
 * chunks and whoever has seen them, spells are counted when all is there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"
#include "kernel/rows.h"
#include "kernel/tile.h"
#include "kernels/kernels.h"

static const struct quern_option spells_options[] = {
	{ "min-length", 0, QUERN_OPT_INT, "N", "1", 1, INT64_MAX,
	  "count spells of at least so many elements, in number and total" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

struct spells {
	int dim;		 /* that spells go along; negative: the dataset is a scalar */
	uint64_t n, start, step; /* places of the selection along it */
	int ndim;
	int64_t index[QUERN_MAX_DIMS]; /* of the first element that is selected */
	size_t nwords;		       /* of bits */
	uint64_t min_length;
	bool drop_nan;
};

/* --- the dimension --- */

/* The only one that is reduced, or the only one of these that has several elements. */
static enum quern_status find_dimension(const struct quern_input *in, int *dim)
{
	int nreduced = 0, nlong = 0, any = -1;

	*dim = -1;
	for (int d = 0; d < in->ndim; d++) {
		if (in->reduced && !in->reduced[d])
			continue;
		nreduced++;
		any = d;
		if (in->selection->count[d] > 1) {
			nlong++;
			*dim = d;
		}
	}
	if (!nlong)
		*dim = any;
	if (nlong == 1 || nreduced <= 1)
		return QUERN_OK;
	return quern_message_set(in->message, QUERN_ERR_USAGE,
				 "kernel spells goes along one dimension, and several are reduced: "
				 "name it with --over, and the others are kept");
}

static enum quern_status spells_open(const struct quern_input *in, void **self)
{
	struct spells *s = qn_calloc(1, sizeof(*s));
	enum quern_status st = QUERN_OK;

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	if (quern_option_string(in->options, "rolling"))
		st = quern_message_set(
			in->message, QUERN_ERR_USAGE,
			"--rolling: kernel spells has no windows: elements of several "
			"cells do not follow each other");
	if (!st)
		st = find_dimension(in, &s->dim);
	if (st) {
		free(s);
		return st;
	}
	s->ndim = in->ndim;
	for (int d = 0; d < in->ndim; d++)
		s->index[d] = (int64_t)in->selection->start[d];
	s->n = s->dim < 0 ? 1 : in->selection->count[s->dim];
	s->start = s->dim < 0 ? 0 : in->selection->start[s->dim];
	s->step = s->dim < 0 ? 1 : in->selection->step[s->dim];
	s->nwords = (size_t)qn_ceil_div(s->n, 64);
	s->min_length = (uint64_t)quern_option_int(in->options, "min-length");
	s->drop_nan = in->nan_missing && qn_dtype_is_float(in->dtype);
	*self = s;
	return QUERN_OK;
}

static int spells_layout(const void *self, struct quern_segment *segments)
{
	const struct spells *s = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = s->nwords };
	segments[1] = (struct quern_segment){ .op = QUERN_MINLOC, .nwords = 2 };
	return 2;
}

/* --- bits --- */

/* The place of element i of a box. */
static uint64_t place_of(const struct spells *s, const struct quern_box *box, uint64_t i)
{
	uint64_t inner = 1;

	if (s->dim < 0)
		return 0;
	for (int d = box->ndim - 1; d > s->dim; d--)
		inner *= box->count[d];
	return (box->start[s->dim] + i / inner % box->count[s->dim] * box->step[s->dim] -
		s->start) /
	       s->step;
}

static void set(const struct spells *s, int64_t *state, uint64_t place)
{
	int64_t *first = state + s->nwords;

	state[place / 64] = (int64_t)((uint64_t)state[place / 64] | UINT64_C(1) << place % 64);
	if ((int64_t)place < first[0]) {
		first[0] = (int64_t)place;
		first[1] = (int64_t)(s->start + place * s->step);
	}
}

static void spells_absorb(const void *self, int64_t *state, void *scratch,
			  const struct quern_tile *tile)
{
	const struct spells *s = self;
	uint64_t valid[QUERN_TILE_NELEMS / 64];

	(void)scratch;
	qn_tile_mark(tile->var, tile->nelems, s->drop_nan, valid);
	for (size_t w = 0; w < (tile->nelems + 63) / 64; w++)
		for (uint64_t left = valid[w]; left; left &= left - 1) {
			const uint64_t i = w * 64 + (uint64_t)__builtin_ctzll(left);

			set(s, state, place_of(s, tile->box, tile->first + i));
		}
}

static bool has_bit(const uint64_t *bits, uint64_t i)
{
	return !bits || (bits[i / 64] >> i % 64 & 1);
}

static bool is_nan(const struct quern_var *v, uint64_t i)
{
	float single;
	double x;

	if (v->dtype == QUERN_F32) {
		memcpy(&single, (const char *)v->values + i * sizeof(single), sizeof(single));
		return isnan(single);
	}
	memcpy(&x, (const char *)v->values + i * sizeof(x), sizeof(x));
	return isnan(x);
}

/* Elements of a step are of one place, which rises with the steps, unless they go along the dimension themselves. */
static bool spells_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			       const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct spells *s = self;
	const uint64_t first = place_of(s, tile->box, run->first), steps = run->nsteps;
	const uint64_t next = steps > 1 ? place_of(s, tile->box, run->first + run->stride) : first;
	const bool is_one = place_of(s, tile->box, run->first + run->nelems - 1) == first;

	(void)scratch;
	for (size_t i = 0; i < run->nelems; i++) {
		int64_t *state = qn_cells_state(cells, run->row + i);
		uint64_t at = run->first + i;

		for (uint64_t step = 0; step < steps; step++, at += run->stride)
			if (has_bit(tile->there, at) && has_bit(tile->var->valid, at) &&
			    !(s->drop_nan && is_nan(tile->var, at)))
				set(s, state,
				    is_one ? first + step * (next - first)
					   : place_of(s, tile->box, at));
	}
	return true;
}

/* --- spells --- */

struct found {
	uint64_t count, longest, begin, number, total, last;
};

/* The first place from `at` on that has a bit, or has none; n: there is none. */
static uint64_t find_place(const struct spells *s, const int64_t *bits, uint64_t at, bool is_set)
{
	while (at < s->n) {
		const uint64_t word = (uint64_t)bits[at / 64];
		const uint64_t left = (is_set ? word : ~word) >> at % 64;

		if (left)
			return qn_min_u64(at + (uint64_t)__builtin_ctzll(left), s->n);
		at += 64 - at % 64;
	}
	return s->n;
}

static struct found find_spells(const struct spells *s, const int64_t *bits)
{
	struct found f = { .longest = 0 };
	uint64_t end;

	for (uint64_t at = find_place(s, bits, 0, true); at < s->n;
	     at = find_place(s, bits, end, true)) {
		end = find_place(s, bits, at, false);
		f.count += end - at;
		if (end - at > f.longest) {
			f.longest = end - at;
			f.begin = at;
		}
		f.number += end - at >= s->min_length;
		f.total += end - at >= s->min_length ? end - at : 0;
		f.last = end - 1;
	}
	return f;
}

/* Where it begins, as other kernels tell places. */
static void emit_begin(const struct spells *s, const struct found *f, struct quern_result *r)
{
	int64_t index[QUERN_MAX_DIMS];

	if (!f->longest || !s->ndim) {
		quern_result_null(r, "longest_start");
		return;
	}
	memcpy(index, s->index, sizeof(index));
	if (s->dim >= 0)
		index[s->dim] = (int64_t)(s->start + f->begin * s->step);
	quern_result_ints(r, "longest_start", (size_t)s->ndim, 0, index);
}

static void spells_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct spells *s = self;
	const struct found f = find_spells(s, state);

	quern_result_int(r, "count", (int64_t)f.count);
	quern_result_int(r, "longest", (int64_t)f.longest);
	emit_begin(s, &f, r);
	quern_result_int(r, "number", (int64_t)f.number);
	quern_result_int(r, "total", (int64_t)f.total);
	if (!f.longest) {
		quern_result_null(r, "first");
		quern_result_null(r, "last");
		return;
	}
	quern_result_int(r, "first", state[s->nwords + 1]);
	quern_result_int(r, "last", (int64_t)(s->start + f.last * s->step));
}

static const char *const *spells_fields(const void *self)
{
	static const char *const fields[] = { "count", "longest", "longest_start", "number",
					      "total", "first",	  "last",	   NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_spells = {
	.abi = QUERN_KERNEL_ABI,
	.name = "spells",
	.doc = "runs of elements along a dimension that hold --where: longest, number, first and last",
	.options = spells_options,
	.has_row_states = true,
	.follows = true,
	.open = spells_open,
	.close = free,
	.layout = spells_layout,
	.absorb = spells_absorb,
	.absorb_rows = spells_absorb_rows,
	.fields = spells_fields,
	.emit = spells_emit,
};
