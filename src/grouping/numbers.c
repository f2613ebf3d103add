/*
 * numbers.c - the groups of the elements of a tile, QUERN_TILE_NELEMS at a time.
 */
#include "grouping/numbers.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "keys/bins.h"

#define CONVERT(name, from, to)                                                      \
	static void name(const void *values, size_t n, to *out)                      \
	{                                                                            \
		for (size_t i = 0; i < n; i++) {                                     \
			from x;                                                      \
                                                                                     \
			memcpy(&x, (const char *)values + i * sizeof(x), sizeof(x)); \
			out[i] = (to)x;                                              \
		}                                                                    \
	}

CONVERT(reals_of_float, float, double)
CONVERT(reals_of_double, double, double)
CONVERT(from_i8, int8_t, int64_t)
CONVERT(from_u8, uint8_t, int64_t)
CONVERT(from_i16, int16_t, int64_t)
CONVERT(from_u16, uint16_t, int64_t)
CONVERT(from_i32, int32_t, int64_t)
CONVERT(from_u32, uint32_t, int64_t)
CONVERT(from_64, int64_t, int64_t)

void qn_values_to_reals(const struct quern_var *v, size_t n, double *out)
{
	if (v->dtype == QUERN_F32)
		reals_of_float(v->values, n, out);
	else
		reals_of_double(v->values, n, out);
}

void qn_values_to_integers(const struct quern_var *v, size_t n, int64_t *out)
{
	static void (*const convert[QUERN_NDTYPES])(const void *, size_t, int64_t *) = {
		[QUERN_I8] = from_i8,	[QUERN_U8] = from_u8,	[QUERN_I16] = from_i16,
		[QUERN_U16] = from_u16, [QUERN_I32] = from_i32, [QUERN_U32] = from_u32,
		[QUERN_I64] = from_64,	[QUERN_U64] = from_64,
	};

	convert[v->dtype](v->values, n, out);
}

static bool is_valid(const struct qn_piece_of_key *p, size_t i)
{
	return !p->valid || (p->valid[i / 64] >> i % 64 & 1);
}

static void evaluate(const struct qn_computed *c, struct qn_formula_worker *w,
		     const struct quern_tile *tile, const uint64_t *there, size_t at,
		     struct qn_formula_tile *made, struct qn_piece_of_key *p)
{
	const struct quern_var *all = tile->var;
	struct quern_var var = *all;
	struct quern_tile piece = *tile;

	p->n = (size_t)qn_min_u64(tile->nelems - at, QUERN_TILE_NELEMS);
	var.values = (const char *)all->values + at * qn_dtype_size(all->dtype);
	var.valid = all->valid ? all->valid + at / 64 : NULL;
	piece.first += at;
	piece.nelems = p->n;
	piece.var = &var;
	piece.there = there ? there + at / 64 : NULL;
	qn_formula_apply(w, &piece, made);
	p->valid = made->var[0].valid;
	if (c->is_real)
		qn_values_to_reals(&made->var[0], p->n, p->v.real);
	else
		qn_values_to_integers(&made->var[0], p->n, p->v.integer);
}

/* --- bins --- */

/* Where even bins would have it, and then from there to where it is. */
static int32_t find_even(const struct qn_computed *c, double x)
{
	const double last = (double)(c->nedges - 2), place = (x - c->edges[0]) * c->per_bin;
	uint64_t i;

	if (!(x >= c->edges[0] && x <= c->edges[c->nedges - 1]))
		return -1;
	i = (uint64_t)(place > last ? last : place);
	while (i > 0 && x < c->edges[i])
		i--;
	while (i + 2 < c->nedges && x >= c->edges[i + 1])
		i++;
	return (int32_t)i;
}

static int32_t find_real(const struct qn_computed *c, double x)
{
	int64_t bin;

	if (c->per_bin > 0)
		return find_even(c, x);
	return qn_bin_of_real(c->edges, c->nedges, x, &bin) ? (int32_t)bin : -1;
}

static int32_t find_integer(const struct qn_computed *c, int64_t v)
{
	int64_t bin;

	return qn_bin_of_integer(c->edges, c->nedges, v, &bin) ? (int32_t)bin : -1;
}

static void number_bins(const struct qn_computed *c, const struct qn_piece_of_key *p,
			int32_t *group)
{
	for (size_t i = 0; i < p->n; i++)
		group[i] = c->is_real ? find_real(c, p->v.real[i])
				      : find_integer(c, p->v.integer[i]);
}

/* --- values --- */

static bool has_value(const struct qn_computed *c, const struct qn_piece_of_key *p, size_t i)
{
	return is_valid(p, i) && !(c->is_real && isnan(p->v.real[i]));
}

/* The two zeros are one. */
static int64_t value_of(const struct qn_computed *c, const struct qn_piece_of_key *p, size_t i)
{
	return c->is_real ? qn_key_from_double(p->v.real[i] + 0.0) : p->v.integer[i];
}

static void number_values(const struct qn_computed *c, const struct qn_piece_of_key *p,
			  int32_t *group)
{
	for (size_t i = 0; i < p->n; i++)
		group[i] = has_value(c, p, i)
				   ? qn_value_numbers_find(&c->numbers, value_of(c, p, i))
				   : -1;
}

static void number_condition(const struct qn_computed *c, const struct qn_piece_of_key *p,
			     int32_t *group)
{
	(void)c;
	for (size_t i = 0; i < p->n; i++)
		group[i] = p->v.integer[i] != 0;
}

/* --- tiles --- */

uint64_t qn_computed_number(const struct qn_computed *c, struct qn_formula_worker *w,
			    const struct quern_tile *tile, const uint64_t *there,
			    struct qn_piece_of_key *p, int32_t *group)
{
	static void (*const number[])(const struct qn_computed *, const struct qn_piece_of_key *,
				      int32_t *) = {
		[QN_COMPUTED_BINS] = number_bins,
		[QN_COMPUTED_CONDITION] = number_condition,
		[QN_COMPUTED_VALUES] = number_values,
	};
	struct qn_formula_tile made;
	uint64_t nbeyond = 0;

	for (size_t at = 0; at < tile->nelems; at += p->n) {
		evaluate(c, w, tile, there, at, &made, p);
		nbeyond += made.nbeyond;
		number[c->kind](c, p, group + at);
		for (size_t i = 0; p->valid && i < p->n; i++)
			if (!is_valid(p, i))
				group[at + i] = -1;
	}
	return nbeyond;
}

void qn_computed_collect(const struct qn_computed *c, struct qn_formula_worker *w,
			 const struct quern_tile *tile, const uint64_t *there,
			 struct qn_piece_of_key *p, struct qn_value_set *set)
{
	struct qn_formula_tile made;

	if (c->kind != QN_COMPUTED_VALUES)
		return;
	for (size_t at = 0; at < tile->nelems; at += p->n) {
		evaluate(c, w, tile, there, at, &made, p);
		for (size_t i = 0; i < p->n; i++)
			if ((!there || (there[(at + i) / 64] >> i % 64 & 1)) && has_value(c, p, i))
				qn_value_set_add(set, value_of(c, p, i));
	}
}
