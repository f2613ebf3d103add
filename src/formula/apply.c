/*
 * apply.c - a tile through the programs of a formula, QUERN_TILE_NELEMS elements at a time.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "formula/formula.h"
#include "weighted/products_simd.h"
#include "weighted/sums.h"

#define PIECE	      QUERN_TILE_NELEMS
#define PIECE_NWORDS  (PIECE / 64)
#define COLUMN_NBYTES (PIECE * sizeof(double) + PIECE_NWORDS * sizeof(uint64_t))

/* A piece of a tile: elements `first` to first + n - 1 of its box, number `at` and on of the tile. */
struct piece {
	const struct qn_formula *f;
	const struct quern_tile *in;
	uint64_t first, at;
	size_t n;
	struct quern_var column[QN_PROGRAM_MOST_OPERANDS];
};

/* Where things are in the scratch. */
struct room {
	uint8_t *columns, *program, *values, *weights;
	uint64_t *valid, *there;
};

static size_t round_up(size_t nbytes)
{
	return (nbytes + 63) / 64 * 64;
}

static size_t program_nbytes(const struct qn_program *p)
{
	return p ? round_up(qn_program_scratch_nbytes(p)) : 0;
}

static size_t bitmap_nbytes(uint64_t nelems)
{
	return round_up((size_t)qn_ceil_div(nelems, 64) * sizeof(uint64_t));
}

/* Of the values that a program makes. */
static size_t values_nbytes(const struct qn_program *p, uint64_t nelems)
{
	return p ? round_up((size_t)nelems * qn_view_size(qn_program_dtype(p))) : 0;
}

/* One program runs after the other. */
static size_t programs_nbytes(const struct qn_formula *f)
{
	const size_t weights = program_nbytes(f->weights), where = program_nbytes(f->where);
	const size_t most = weights > where ? weights : where, expr = program_nbytes(f->expr);

	return most > expr ? most : expr;
}

size_t qn_formula_scratch_nbytes(const struct qn_formula *f, uint64_t nelems)
{
	if (!qn_formula_is_any(f))
		return 0;
	return (size_t)f->n * COLUMN_NBYTES + programs_nbytes(f) + values_nbytes(f->expr, nelems) +
	       values_nbytes(f->weights, nelems) + 2 * bitmap_nbytes(nelems);
}

static struct room divide(const struct qn_formula *f, void *scratch, uint64_t nelems)
{
	struct room r = { .columns = scratch };

	r.program = r.columns + (size_t)f->n * COLUMN_NBYTES;
	r.values = r.program + programs_nbytes(f);
	r.weights = r.values + values_nbytes(f->expr, nelems);
	r.valid = (uint64_t *)(void *)(r.weights + values_nbytes(f->weights, nelems));
	r.there = r.valid + bitmap_nbytes(nelems) / sizeof(uint64_t);
	return r;
}

/* --- columns --- */

static size_t count_bits(const uint64_t *bits, size_t n)
{
	size_t nset = 0;

	for (size_t w = 0; w < n / 64; w++)
		nset += (size_t)__builtin_popcountll(bits[w]);
	if (n % 64)
		nset += (size_t)__builtin_popcountll(bits[n / 64] & ((UINT64_C(1) << n % 64) - 1));
	return nset;
}

/* Tiles and pieces begin at whole words. */
static void take_data(struct piece *p, uint64_t *valid)
{
	const struct quern_var *v = p->in->var;
	struct quern_var *out = &p->column[0];

	*out = *v;
	out->values = (const char *)v->values + p->at * qn_view_size(v->dtype);
	out->valid = NULL;
	out->nmissing = v->valid ? p->n - count_bits(v->valid + p->at / 64, p->n) : 0;
	if (!out->nmissing)
		return;
	memcpy(valid, v->valid + p->at / 64, (p->n + 63) / 64 * sizeof(*valid));
	if (p->n % 64)
		valid[p->n / 64] &= (UINT64_C(1) << p->n % 64) - 1;
	out->valid = valid;
}

static bool has(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void copy_bits(const struct qn_operand *o, uint64_t from, uint64_t step, size_t i, size_t n,
		      uint64_t *valid)
{
	for (size_t k = 0; k < n; k++, from += step)
		if (has(o->valid, from))
			valid[(i + k) / 64] |= UINT64_C(1) << (i + k) % 64;
}

/* Bits i to i + n - 1. */
static void set_bits(uint64_t *bits, size_t i, size_t n)
{
	for (size_t end = i + n, next; i < end; i = next) {
		const size_t first = i % 64, last = end - i < 64 - first ? first + end - i : 64;
		const uint64_t below = last == 64 ? UINT64_MAX : (UINT64_C(1) << last) - 1;

		bits[i / 64] |= below & UINT64_MAX << first;
		next = i + last - first;
	}
}

/* The first of n values of `size` bytes, for all of them. */
static void repeat(char *values, size_t size, size_t n)
{
	for (size_t done = 1, more; done < n; done += more) {
		more = done < n - done ? done : n - done;
		memcpy(values + done * size, values, more * size);
	}
}

/* n values that are `step` apart, from place `from` on, to places i and on. */
static void gather(const struct qn_operand *o, uint64_t from, uint64_t step, size_t i, size_t n,
		   void *values, uint64_t *valid)
{
	const size_t size = qn_view_size(o->dtype);
	const char *all = o->values;
	char *to = (char *)values + i * size;

	if (o->valid)
		copy_bits(o, from, step, i, n, valid);
	else
		set_bits(valid, i, n);
	if (o->kind == QN_OPERAND_INDEX) {
		for (size_t k = 0; k < n; k++, from += step, to += size)
			memcpy(to, &from, size);
	} else if (step == 1) {
		memcpy(to, all + from * size, n * size);
	} else if (step == 0) {
		memcpy(to, all + from * size, size);
		repeat(to, size, n);
	} else {
		for (size_t k = 0; k < n; k++, from += step, to += size)
			memcpy(to, all + from * size, size);
	}
}

/* Indexes in the box of its element number `first`. */
static void locate(const struct quern_box *box, uint64_t first, uint64_t *index)
{
	for (int d = box->ndim - 1; d >= 0; d--) {
		index[d] = first % box->count[d];
		first /= box->count[d];
	}
}

/* The place in an operand of an element. */
static uint64_t place(const struct qn_operand *o, const struct quern_box *box,
		      const uint64_t *index)
{
	uint64_t at = 0;

	for (int d = 0; d < box->ndim; d++)
		at += (box->start[d] + index[d] * box->step[d]) * o->stride[d];
	return at;
}

/* Row after row of the innermost dimension. */
static void take_operand(struct piece *p, int number, uint8_t *values, uint64_t *valid)
{
	const struct qn_operand *o = &p->f->operand[number];
	const struct quern_box *box = p->in->box;
	const int last = box->ndim - 1;
	uint64_t index[QUERN_MAX_DIMS];
	size_t n;

	memset(valid, 0, PIECE_NWORDS * sizeof(*valid));
	locate(box, p->first, index);
	for (size_t i = 0; i < p->n; i += n) {
		n = (size_t)qn_min_u64(p->n - i, last < 0 ? 1 : box->count[last] - index[last]);
		gather(o, place(o, box, index), last < 0 ? 0 : box->step[last] * o->stride[last], i,
		       n, values, valid);
		if (last < 0)
			continue;
		index[last] = 0;
		for (int d = last - 1; d >= 0 && ++index[d] == box->count[d]; d--)
			index[d] = 0;
	}
	p->column[number] = (struct quern_var){ .dtype = o->dtype, .values = values };
	p->column[number].nmissing = p->n - count_bits(valid, p->n);
	if (p->column[number].nmissing)
		p->column[number].valid = valid;
}

static bool is_used(const struct qn_formula *f, int number)
{
	return (f->expr && qn_program_uses(f->expr, number)) ||
	       (f->where && qn_program_uses(f->where, number)) ||
	       (f->weights && qn_program_uses(f->weights, number));
}

static void take_columns(struct piece *p, const struct room *r)
{
	for (int i = 0; i < p->f->n; i++) {
		uint8_t *values = r->columns + (size_t)i * COLUMN_NBYTES;
		uint64_t *valid = (uint64_t *)(void *)(values + PIECE * sizeof(double));

		if (i == 0)
			take_data(p, valid);
		else if (is_used(p->f, i))
			take_operand(p, i, values, valid);
	}
}

/* --- what becomes of a piece --- */

/* Bits of a piece: all of them where bits are NULL. */
static void put_bits(uint64_t *to, const uint64_t *bits, size_t n)
{
	const size_t nwords = (n + 63) / 64;

	if (bits)
		memcpy(to, bits, nwords * sizeof(*to));
	else
		memset(to, 0xff, nwords * sizeof(*to));
	if (n % 64)
		to[nwords - 1] &= (UINT64_C(1) << n % 64) - 1;
}

static void apply_expr(const struct piece *p, const struct room *r, struct qn_formula_tile *out)
{
	const size_t size = qn_view_size(out->var->dtype);
	struct qn_program_result result;

	if (!p->f->expr) {
		put_bits(r->valid + p->at / 64, p->column[0].valid, p->n);
		return;
	}
	qn_program_run(p->f->expr, p->column, p->n, r->program, &result);
	memcpy(r->values + p->at * size, result.var.values, p->n * size);
	put_bits(r->valid + p->at / 64, result.var.valid, p->n);
	out->nbeyond += result.nbeyond;
}

static void apply_where(const struct piece *p, const struct room *r, struct qn_formula_tile *out)
{
	struct qn_program_result result;

	if (!p->f->where) {
		out->nthere += p->n;
		return;
	}
	qn_program_run(p->f->where, p->column, p->n, r->program, &result);
	put_bits(r->there + p->at / 64, result.holds, p->n);
	for (size_t w = 0; w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= r->there[p->at / 64 + w];
	out->nthere += result.nholds;
}

/* Weights of which some are negative, infinite or NaN: is one of these of an element that has a value? A NaN may
   count as missing. */
static void look_closely(const struct piece *p, const struct room *r, const struct quern_var *w,
			 struct qn_formula_tile *out)
{
	for (size_t i = 0; i < p->n && !out->has_bad; i++) {
		const double weight = qn_weighted_double(w->dtype, w->values, i);
		const uint64_t at = p->at + i;

		if (!has(r->valid, at) || (weight >= 0 && isfinite(weight)))
			continue;
		if (isnan(weight) && p->f->nan_missing) {
			r->valid[at / 64] &= ~(UINT64_C(1) << at % 64);
			continue;
		}
		out->has_bad = true;
		out->bad = at;
		out->bad_weight = weight;
	}
}

static void apply_weights(const struct piece *p, const struct room *r, struct qn_formula_tile *out)
{
	static qn_weights_right_fn *const are_right[] = QN_ISA_TABLE(qn_weights_right);
	struct qn_program_result result;
	size_t size;

	if (!p->f->weights)
		return;
	qn_program_run(p->f->weights, p->column, p->n, r->program, &result);
	size = qn_view_size(result.var.dtype);
	memcpy(r->weights + p->at * size, result.var.values, p->n * size);
	for (size_t w = 0; result.var.valid && w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= result.var.valid[w];
	if (!are_right[qn_cpu_level()](result.var.dtype, result.var.values, p->n))
		look_closely(p, r, &result.var, out);
	out->nbeyond += result.nbeyond;
}

/* What became of the values, and the weights beside them. */
static void set_vars(const struct qn_formula *f, const struct room *r, struct qn_formula_tile *out)
{
	if (f->expr)
		out->var->values = r->values;
	out->var->nmissing = out->tile.nelems - count_bits(r->valid, out->tile.nelems);
	out->var->valid = out->var->nmissing ? r->valid : NULL;
	out->tile.var = out->var;
	out->tile.there = out->nthere < out->tile.nelems ? r->there : NULL;
	if (!f->weights)
		return;
	out->tile.nvars = 2;
	out->var[1] =
		(struct quern_var){ .dtype = qn_program_dtype(f->weights), .values = r->weights };
}

void qn_formula_apply(const struct qn_formula *f, void *scratch, const struct quern_tile *in,
		      struct qn_formula_tile *out)
{
	const struct room r = divide(f, scratch, in->nelems);
	struct piece p; /* without zeroing: few of its many columns are used */

	p.f = f;
	p.in = in;
	*out = (struct qn_formula_tile){ .var = { *in->var }, .tile = *in };
	out->var->dtype = qn_formula_dtype(f, in->var->dtype);
	for (p.at = 0; p.at < in->nelems; p.at += p.n) {
		p.first = in->first + p.at;
		p.n = (size_t)qn_min_u64(in->nelems - p.at, PIECE);
		take_columns(&p, &r);
		apply_expr(&p, &r, out);
		apply_where(&p, &r, out);
		apply_weights(&p, &r, out);
	}
	set_vars(f, &r, out);
}
