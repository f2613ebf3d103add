/*
 * apply.c - a tile through the programs of a formula, QUERN_TILE_NELEMS elements at a time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "formula/piece.h"
#include "kernel/tile.h"
#include "weighted/products_simd.h"
#include "weighted/sums.h"

/* Of fewer elements of one weight each is computed. */
#define SHORT_RUN 16

struct qn_formula_worker {
	const struct qn_formula *f;
	void *scratch;
	struct qn_stored_reader **reader; /* by operand; NULL: it is in memory */
	struct qn_spot *spot;		  /* by operand */
	struct qn_picked picked;	  /* of the item at hand */
};

/* Where things are in the scratch. */
struct room {
	uint8_t *columns, *program, *made[QUERN_NROLES];
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
	size_t most = program_nbytes(f->where);

	for (int i = 0; i < QUERN_NROLES; i++)
		most = (size_t)qn_max_u64(most, program_nbytes(f->made[i]));
	return most;
}

static size_t scratch_nbytes(const struct qn_formula *f, uint64_t nelems)
{
	size_t nbytes = qn_piece_columns_nbytes(f) + programs_nbytes(f);

	if (!qn_formula_is_any(f))
		return 0;
	for (int i = 0; i < QUERN_NROLES; i++)
		nbytes += values_nbytes(f->made[i], nelems);
	return nbytes + 2 * bitmap_nbytes(nelems);
}

static struct room divide(const struct qn_formula *f, void *scratch, uint64_t nelems)
{
	struct room r = { .columns = scratch };
	uint8_t *at;

	r.program = r.columns + qn_piece_columns_nbytes(f);
	at = r.program + programs_nbytes(f);
	for (int i = 0; i < QUERN_NROLES; i++) {
		r.made[i] = at;
		at += values_nbytes(f->made[i], nelems);
	}
	r.valid = (uint64_t *)(void *)at;
	r.there = r.valid + bitmap_nbytes(nelems) / sizeof(uint64_t);
	return r;
}

/* --- columns --- */

/* Tiles and pieces begin at whole words. */
static void take_data(struct qn_formula_piece *p, uint64_t *valid)
{
	const struct quern_var *v = p->in->var;
	struct quern_var *out = &p->column[0];

	*out = *v;
	out->values = (const char *)v->values + p->at * qn_view_size(v->dtype);
	out->valid = NULL;
	out->nmissing = v->valid ? p->n - qn_bitmap_count(v->valid + p->at / 64, p->n) : 0;
	if (!out->nmissing)
		return;
	memcpy(valid, v->valid + p->at / 64, (p->n + 63) / 64 * sizeof(*valid));
	if (p->n % 64)
		valid[p->n / 64] &= (UINT64_C(1) << p->n % 64) - 1;
	out->valid = valid;
}

static bool uses(const struct qn_program *program, int number)
{
	return program && qn_program_uses(program, number);
}

/* Those of elements. */
static const struct qn_program *weights_of(const struct qn_formula *f)
{
	return f->row_weight ? NULL : f->made[QUERN_WEIGHT];
}

/* Which of them there are, and what they are. */
static bool is_of_values(const struct qn_formula *f, int number)
{
	return uses(f->where, number) || uses(f->made[QUERN_VALUE], number) ||
	       uses(f->made[QUERN_WITH], number);
}

static bool is_used(const struct qn_formula *f, int number)
{
	return is_of_values(f, number) || uses(weights_of(f), number);
}

/* Of --where, --expr and --with, and the data. */
static void take_columns(struct qn_formula_piece *p, const struct room *r)
{
	take_data(p, (uint64_t *)(void *)r->columns);
	for (int i = 1; i < p->f->n; i++)
		if (is_of_values(p->f, i))
			qn_piece_take(p, i, r->columns + (size_t)i * QN_PIECE_COLUMN_NBYTES);
}

static void take_columns_of_weights(struct qn_formula_piece *p, const struct room *r)
{
	for (int i = 1; i < p->f->n; i++)
		if (uses(weights_of(p->f), i))
			qn_piece_take(p, i, r->columns + (size_t)i * QN_PIECE_COLUMN_NBYTES);
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

/* May elements not be there? */
static bool leaves_out(const struct qn_formula *f)
{
	return f->where || f->picks;
}

/* Elements that are there are missing because of 64 bits. */
static size_t count_beyond(const struct qn_formula_piece *p, const struct room *r,
			   const struct qn_program_result *result)
{
	const uint64_t *there = leaves_out(p->f) ? r->there : p->in->there;
	size_t n = 0;

	if (!there || !result->nbeyond)
		return (size_t)result->nbeyond;
	for (size_t w = 0; w < (p->n + 63) / 64; w++) {
		const uint64_t bits = result->beyond[w] & there[p->at / 64 + w];

		n += qn_bitmap_count(&bits, 64);
	}
	return n;
}

/* The elements that are picked; returns how many. */
static size_t apply_picks(const struct qn_formula_piece *p, const struct room *r)
{
	if (!p->f->picks)
		return p->n;
	put_bits(r->there + p->at / 64, NULL, p->n);
	return qn_picked_keep(p->picked, p->first, p->n, r->there + p->at / 64);
}

static void apply_where(const struct qn_formula_piece *p, const struct room *r,
			struct qn_formula_tile *out)
{
	struct qn_program_result result;
	uint64_t *there = r->there + p->at / 64;

	if (!p->f->where)
		return;
	qn_program_run(p->f->where, p->column, p->n, r->program, &result);
	out->nbeyond += p->f->picks ? count_beyond(p, r, &result) : result.nbeyond;
	if (!p->f->picks)
		put_bits(there, result.holds, p->n);
	for (size_t w = 0; p->f->picks && result.holds && w < (p->n + 63) / 64; w++)
		there[w] &= result.holds[w];
}

static void make_values(const struct qn_formula_piece *p, const struct room *r,
			struct qn_formula_tile *out)
{
	const size_t size = qn_view_size(out->var->dtype);
	struct qn_program_result result;

	if (!p->f->made[QUERN_VALUE]) {
		put_bits(r->valid + p->at / 64, p->column[0].valid, p->n);
		return;
	}
	qn_program_run(p->f->made[QUERN_VALUE], p->column, p->n, r->program, &result);
	memcpy(r->made[QUERN_VALUE] + p->at * size, result.var.values, p->n * size);
	put_bits(r->valid + p->at / 64, result.var.valid, p->n);
	out->nbeyond += count_beyond(p, r, &result);
}

/* After --where. */
static void apply_expr(const struct qn_formula_piece *p, const struct room *r,
		       struct qn_formula_tile *out)
{
	make_values(p, r, out);
	for (size_t w = 0; leaves_out(p->f) && w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= r->there[p->at / 64 + w];
}

/* Clears the bits of a piece whose elements are NaN. */
static void drop_nans(const struct qn_formula_piece *p, const struct room *r, enum quern_dtype t,
		      const void *values)
{
	const struct quern_var v = { .dtype = t, .values = values };
	uint64_t valid[QN_PIECE_NWORDS];

	if (!qn_dtype_is_float(t) || !qn_tile_mark(&v, p->n, true, valid))
		return;
	for (size_t w = 0; w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= valid[w];
}

/* Of the values, by --expr or as they come. */
static const void *values_of_piece(const struct qn_formula_piece *p, const struct room *r,
				   enum quern_dtype t)
{
	if (!p->f->made[QUERN_VALUE])
		return p->column[0].values;
	return r->made[QUERN_VALUE] + p->at * qn_view_size(t);
}

/* After --expr. NaN that are missing make a pair missing, whichever of the two they are. */
static void apply_with(const struct qn_formula_piece *p, const struct room *r,
		       struct qn_formula_tile *out)
{
	struct qn_program_result result;
	const enum quern_dtype t = out->var->dtype;
	size_t size;

	if (!p->f->made[QUERN_WITH])
		return;
	qn_program_run(p->f->made[QUERN_WITH], p->column, p->n, r->program, &result);
	size = qn_view_size(result.var.dtype);
	memcpy(r->made[QUERN_WITH] + p->at * size, result.var.values, p->n * size);
	for (size_t w = 0; result.var.valid && w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= result.var.valid[w];
	if (p->f->nan_missing) {
		drop_nans(p, r, t, values_of_piece(p, r, t));
		drop_nans(p, r, result.var.dtype, r->made[QUERN_WITH] + p->at * size);
	}
	out->nbeyond += count_beyond(p, r, &result);
}

static bool are_right(enum quern_dtype t, const void *values, size_t n)
{
	static qn_weights_right_fn *const right[] = QN_ISA_TABLE(qn_weights_right);

	return right[qn_cpu_level()](t, values, n);
}

/* Weights of which some are negative, infinite or NaN: is one of these of an element that has a value? A NaN may
   count as missing. */
static void look_closely(const struct qn_formula_piece *p, const struct room *r,
			 const struct quern_var *w, struct qn_formula_tile *out)
{
	for (size_t i = 0; i < p->n && !out->has_bad; i++) {
		const double weight = qn_weighted_double(w->dtype, w->values, i);
		const uint64_t at = p->at + i;

		if (!qn_piece_bit(r->valid, at) || (weight >= 0 && isfinite(weight)))
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

/* The outer dimensions that weights depend on: those inside have one weight for all of their elements. */
static int count_varying(const struct qn_formula_piece *p)
{
	int ndim = uses(weights_of(p->f), 0) ? p->in->box->ndim : 0;

	for (int i = 1; i < p->f->n; i++)
		for (int d = p->in->box->ndim - 1; d >= ndim && uses(weights_of(p->f), i); d--)
			if (p->spot[i].stride[d])
				ndim = d + 1;
	return ndim;
}

/* A value of 1, 2, 4 or 8 bytes, n times. */
static void repeat(const void *value, size_t size, uint8_t *out, size_t n)
{
	const size_t nbytes = n * size;
	char word[sizeof(uint64_t)];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(word); i += size)
		memcpy(word + i, value, size);
	for (; at + sizeof(word) <= nbytes; at += sizeof(word))
		memcpy(out + at, word, sizeof(word));
	memcpy(out + at, word, nbytes - at);
}

/* Gives the elements of a piece the weights of their runs, of `run` elements of the box each. */
static void spread(const struct qn_formula_piece *p, const struct quern_var *of_runs, uint64_t run,
		   uint8_t *out)
{
	const size_t size = qn_view_size(of_runs->dtype);
	const char *value = of_runs->values;
	uint64_t left = run - p->first % run;

	for (size_t i = 0, n; i < p->n; i += n, left = run, value += size) {
		n = (size_t)qn_min_u64(left, p->n - i);
		repeat(value, size, out + i * size, n);
	}
}

/* Weights that do not depend on the inner dimensions are computed once for all of these: those of a box of the outer
   ones. False: not so, or not all of them are weights. */
static bool apply_few_weights(const struct qn_formula_piece *p, const struct room *r, uint8_t *out)
{
	struct quern_box outer = *p->in->box;
	const struct quern_tile tile = { .box = &outer };
	struct qn_program_result result;
	struct qn_formula_piece of_runs; /* without zeroing */
	uint64_t run = 1;

	outer.ndim = count_varying(p);
	for (int d = outer.ndim; d < p->in->box->ndim; d++)
		run *= outer.count[d];
	if (run < SHORT_RUN)
		return false;
	of_runs.f = p->f;
	of_runs.spot = p->spot;
	of_runs.in = &tile;
	of_runs.first = p->first / run;
	of_runs.n = (size_t)((p->first + p->n - 1) / run - of_runs.first + 1);
	take_columns_of_weights(&of_runs, r);
	qn_program_run(p->f->made[QUERN_WEIGHT], of_runs.column, of_runs.n, r->program, &result);
	if (result.var.valid || result.nbeyond ||
	    !are_right(result.var.dtype, result.var.values, of_runs.n))
		return false;
	spread(p, &result.var, run, out);
	return true;
}

/* Those of a tile of one piece stay where they are. */
static void apply_weights(struct qn_formula_piece *p, const struct room *r,
			  struct qn_formula_tile *out)
{
	const struct qn_program *weights = weights_of(p->f);
	const size_t size = weights ? qn_view_size(out->var[QUERN_WEIGHT].dtype) : 0;
	uint8_t *to = r->made[QUERN_WEIGHT] + p->at * size;
	struct qn_program_result result;

	if (!weights || apply_few_weights(p, r, to))
		return;
	take_columns_of_weights(p, r);
	qn_program_run(weights, p->column, p->n, r->program, &result);
	if (p->n == p->in->nelems)
		out->var[QUERN_WEIGHT].values = result.var.values;
	else
		memcpy(to, result.var.values, p->n * size);
	for (size_t w = 0; result.var.valid && w < (p->n + 63) / 64; w++)
		r->valid[p->at / 64 + w] &= result.var.valid[w];
	if (!are_right(result.var.dtype, result.var.values, p->n))
		look_closely(p, r, &result.var, out);
	out->nbeyond += count_beyond(p, r, &result);
}

/* What became of the values, and the weights beside them. */
static void set_vars(const struct qn_formula *f, const struct room *r, struct qn_formula_tile *out)
{
	if (f->made[QUERN_VALUE])
		out->var->values = r->made[QUERN_VALUE];
	out->var->nmissing = out->tile.nelems - qn_bitmap_count(r->valid, out->tile.nelems);
	out->var->valid = out->var->nmissing ? r->valid : NULL;
	out->tile.var = out->var;
	out->tile.there = out->nthere < out->tile.nelems ? r->there : NULL;
	if (qn_formula_roles(f))
		out->tile.nvars = QUERN_NROLES;
}

/* Of elements of which none is there. */
static void blank_piece(const struct qn_formula_piece *p, const struct room *r,
			const struct qn_formula_tile *out)
{
	memset(r->valid + p->at / 64, 0, (p->n + 63) / 64 * sizeof(*r->valid));
	for (int i = 0; i < QUERN_NROLES; i++) {
		const size_t size = p->f->made[i] ? qn_view_size(out->var[i].dtype) : 0;

		memset(r->made[i] + p->at * size, 0, p->n * size);
	}
}

static void apply_piece(struct qn_formula_piece *p, const struct room *r,
			struct qn_formula_tile *out)
{
	take_columns(p, r);
	apply_where(p, r, out);
	apply_expr(p, r, out);
	apply_with(p, r, out);
	apply_weights(p, r, out);
	out->nthere += leaves_out(p->f) ? qn_bitmap_count(r->there + p->at / 64, p->n) : p->n;
}

void qn_formula_apply(struct qn_formula_worker *w, const struct quern_tile *in,
		      struct qn_formula_tile *out)
{
	const struct qn_formula *f = w->f;
	const struct room r = divide(f, w->scratch, in->nelems);
	struct qn_formula_piece p; /* without zeroing: few of its many columns are used */

	p.f = f;
	p.spot = w->spot;
	p.picked = &w->picked;
	p.in = in;
	*out = (struct qn_formula_tile){ .var = { *in->var }, .tile = *in };
	out->var->dtype = qn_formula_dtype(f, in->var->dtype);
	for (int i = QUERN_VALUE + 1; i < QUERN_NROLES; i++)
		if (f->made[i] && !(i == QUERN_WEIGHT && f->row_weight))
			out->var[i] = (struct quern_var){ .dtype = qn_program_dtype(f->made[i]),
							  .values = r.made[i] };
	for (p.at = 0; p.at < in->nelems; p.at += p.n) {
		p.first = in->first + p.at;
		p.n = (size_t)qn_min_u64(in->nelems - p.at, QN_PIECE);
		if (apply_picks(&p, &r))
			apply_piece(&p, &r, out);
		else
			blank_piece(&p, &r, out);
	}
	set_vars(f, &r, out);
}

/* --- the life of a worker --- */

struct qn_formula_worker *qn_formula_worker_new(const struct qn_formula *f, uint64_t tile_nelems,
						const char *host)
{
	struct qn_formula_worker *w = qn_calloc(1, sizeof(*w));
	struct quern_message ignored = { .status = QUERN_OK };
	bool ok = w != NULL;

	if (!ok)
		return NULL;
	w->f = f;
	w->scratch = qn_alloc_aligned(scratch_nbytes(f, tile_nelems) + 1);
	w->reader = qn_calloc((size_t)f->n, sizeof(*w->reader));
	w->spot = qn_calloc((size_t)f->n, sizeof(*w->spot));
	ok = w->scratch && w->reader && w->spot;
	for (int i = 0; ok && i < f->n; i++)
		if (f->operand[i].stored && is_used(f, i))
			ok = (w->reader[i] = qn_stored_reader_new(f->operand[i].stored, host));
	if (ok)
		return w;
	qn_formula_worker_free(w, &ignored);
	return NULL;
}

static enum quern_status read_operand(struct qn_formula_worker *w, int i,
				      const struct quern_box *box, struct quern_message *err)
{
	const struct qn_operand *o = &w->f->operand[i];
	struct qn_spot *s = &w->spot[i];
	struct quern_message why = { .status = QUERN_OK };
	struct qn_stored_values got;
	const enum quern_status st = qn_stored_read(w->reader[i], box, &got, &why);

	if (st)
		return qn_error_because(err, st, why.reason, "%s: %s: %s", o->option, o->name,
					why.text);
	*s = (struct qn_spot){ .values = got.values, .valid = got.valid };
	memcpy(s->stride, got.stride, sizeof(s->stride));
	return QUERN_OK;
}

enum quern_status qn_formula_worker_turn(struct qn_formula_worker *w, const struct quern_box *box,
					 uint32_t *operand, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	*operand = 0;
	if (w->f->picks && !qn_picked_turn(&w->picked, w->f->picks, w->f->selection, box))
		return qn_error_nomem(err, 0, "a selection");
	for (int i = 1; !st && i < w->f->n; i++) {
		struct qn_spot *s = &w->spot[i];

		if (!is_used(w->f, i))
			continue;
		if (w->reader[i])
			st = read_operand(w, i, box, err);
		else
			qn_spot_whole(&w->f->operand[i], box, s);
		if (!st)
			qn_spot_measure(s, box);
		*operand = st ? (uint32_t)i : 0;
	}
	return st;
}

uint64_t qn_formula_worker_read_nbytes(const struct qn_formula_worker *w)
{
	uint64_t nbytes = 0;

	for (int i = 0; w && i < w->f->n; i++)
		if (w->reader[i])
			nbytes += qn_stored_reader_read_nbytes(w->reader[i]);
	return nbytes;
}

enum quern_status qn_formula_worker_free(struct qn_formula_worker *w, struct quern_message *err)
{
	enum quern_status st = QUERN_OK, one;

	if (!w)
		return QUERN_OK;
	for (int i = 0; w->reader && i < w->f->n; i++) {
		one = qn_stored_reader_free(w->reader[i], err);
		st = st ? st : one;
	}
	qn_picked_fini(&w->picked);
	free(w->scratch);
	free(w->reader);
	free(w->spot);
	free(w);
	return st;
}

uint64_t qn_formula_worker_nbytes(const struct qn_formula *f, uint64_t tile_nelems,
				  uint64_t item_nelems)
{
	uint64_t nbytes = scratch_nbytes(f, tile_nelems);

	for (int i = 0; i < f->n; i++)
		if (f->operand[i].stored)
			nbytes += qn_stored_reader_nbytes(f->operand[i].stored, item_nelems);
	return nbytes;
}
