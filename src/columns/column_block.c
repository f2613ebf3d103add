/*
 * column_block.c - a block of rows of a column: its unit and parts, and what does not fit them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exact/bits.h"
#include "columns/column_parts.h"
#include "exact/power_parts.h"

#define STEP	  QN_COLUMN_STEP
#define HALF_STEP (INT64_C(1) << (STEP - 1))
/* Of any part: with this a carry from below, and half a step for rounding, cannot overflow. */
#define LIMIT (((uint64_t)1 << 63) - ((uint64_t)1 << 52))
/* The highest part is carried from when it has more. */
#define TOP_LIMIT ((uint64_t)1 << 61)
/* Elements that go to accumulators before a block takes more parts than usual for them. */
#define MISFITS 64
/* A unit is chosen smaller by up to so many bits, times the power, for the smaller ones to come. */
#define SLACK 16
/* Elements looked at to choose a unit. */
#define SAMPLE 256

static bool spoil(struct qn_column_block *b)
{
	b->spoilt = true;
	return false;
}

/* --- elements --- */

/* Exponents of the unit and of the bound of a power of an element that is not zero. */
static int power_unit(const struct qn_column *c, const struct qn_column_element *e)
{
	return c->power * (e->unit + __builtin_ctzll(e->m));
}

static int power_top(const struct qn_column *c, const struct qn_column_element *e)
{
	return c->power * (e->unit + 64 - __builtin_clzll(e->m));
}

/* --- accumulators --- */

static void count_spilled(const struct qn_column *c, size_t nbytes)
{
	atomic_fetch_add_explicit(c->spilled, nbytes, memory_order_relaxed);
}

/* Room for one more accumulator. */
static bool grow_wide(const struct qn_column *c, struct qn_column_wide *w)
{
	const size_t nbytes = (size_t)c->form.nlimbs * sizeof(*w->limb), before = w->room;

	if (!qn_grow(&w->limb, &w->room, w->n + 1, nbytes))
		return false;
	count_spilled(c, (w->room - before) * nbytes);
	return true;
}

/* The accumulator of a row, made if it has none. */
static int64_t *wide_row(const struct qn_column *c, struct qn_column_block *b, size_t row)
{
	struct qn_column_wide *w = &b->wide;
	const size_t n = (size_t)c->form.nlimbs;

	if (!w->slot) {
		w->slot = qn_calloc(b->nrows, sizeof(*w->slot));
		if (!w->slot)
			return NULL;
		count_spilled(c, b->nrows * sizeof(*w->slot));
	}
	if (!w->slot[row]) {
		if (!grow_wide(c, w))
			return NULL;
		memset(w->limb + n * w->n, 0, n * sizeof(*w->limb));
		w->slot[row] = (uint16_t)++w->n;
	}
	return w->limb + n * (size_t)(w->slot[row] - 1);
}

const int64_t *qn_column_block_wide(const struct qn_column *c, const struct qn_column_block *b,
				    size_t row)
{
	const struct qn_column_wide *w = &b->wide;

	return w->slot && w->slot[row] ? w->limb + c->form.nlimbs * (w->slot[row] - 1) : NULL;
}

static void add_parts(const struct qn_acc_form *f, const struct qn_column_block *b,
		      const int64_t *const *part, size_t row, int64_t *limb)
{
	for (int j = 0; j < b->nparts; j++)
		qn_acc_add(f, limb, part[j][row], b->unit + STEP * j);
}

/* Moves what the parts of a row hold to its accumulator. */
static bool spill(const struct qn_column *c, struct qn_column_block *b, size_t row)
{
	int64_t *limb = wide_row(c, b, row);

	if (!limb)
		return spoil(b);
	add_parts(&c->form, b, (const int64_t *const *)b->part, row, limb);
	for (int j = 0; j < b->nparts; j++)
		b->part[j][row] = 0;
	return true;
}

void qn_column_block_get(const struct qn_column *c, const struct qn_column_block *b, size_t row,
			 int64_t *limb)
{
	const int64_t *wide = qn_column_block_wide(c, b, row);
	const size_t nbytes = (size_t)c->form.nlimbs * sizeof(*limb);

	if (wide)
		memcpy(limb, wide, nbytes);
	else
		memset(limb, 0, nbytes);
	add_parts(&c->form, b, (const int64_t *const *)b->part, row, limb);
}

/* --- bounds --- */

uint64_t qn_column_largest(const int64_t *word, size_t n)
{
	int64_t low = 0, high = 0;

	for (size_t i = 0; i < n; i++) {
		low = word[i] < low ? word[i] : low;
		high = word[i] > high ? word[i] : high;
	}
	return qn_max_u64(-(uint64_t)low, (uint64_t)high);
}

static bool grow_parts(const struct qn_column *c, struct qn_column_block *b, int n)
{
	const size_t nbytes = b->nrows * sizeof(int64_t);

	for (; b->nparts < n; b->nparts++) {
		int64_t *part = qn_alloc_aligned(nbytes);

		if (!part)
			return spoil(b);
		memset(part, 0, nbytes);
		count_spilled(c, b->nparts < c->nusual ? 0 : nbytes);
		b->part[b->nparts] = part;
		b->bound[b->nparts] = 0;
	}
	return true;
}

/* Leaves part j of each row within half a step of zero. */
static void carry(struct qn_column_block *b, int j)
{
	qn_column_carry(b->part[j], b->part[j + 1], b->nrows);
	b->bound[j] = HALF_STEP;
}

static void measure(struct qn_column_block *b, int j)
{
	b->bound[j] = qn_column_largest(b->part[j], b->nrows);
}

/* Carries, so that the bounds are TOP_LIMIT at most. Where there is no part more, rows spill. */
static bool settle(const struct qn_column *c, struct qn_column_block *b)
{
	int top = b->nparts - 1;

	for (int j = 0; j < top; j++)
		carry(b, j);
	measure(b, top);
	if (b->bound[top] <= TOP_LIMIT)
		return true;
	if (b->nparts < QN_COLUMN_PARTS) {
		if (!grow_parts(c, b, b->nparts + 1))
			return false;
		carry(b, top);
		measure(b, top + 1);
		return true;
	}
	for (size_t r = 0; r < b->nrows; r++)
		if (qn_column_largest(&b->part[top][r], 1) > TOP_LIMIT / 2 && !spill(c, b, r))
			return false;
	measure(b, top);
	return true;
}

/* Raises the bounds of the first n parts for what is to be added; each is less than half of LIMIT. */
static bool raise_bounds(const struct qn_column *c, struct qn_column_block *b, const uint64_t *more,
			 int n)
{
	bool room = true;

	for (int j = 0; j < n; j++)
		room = room && b->bound[j] + more[j] <= LIMIT;
	if (!room && !settle(c, b))
		return false;
	for (int j = 0; j < n; j++)
		b->bound[j] += more[j];
	return true;
}

bool qn_column_block_reserve(const struct qn_column *c, struct qn_column_block *b, size_t nsteps)
{
	uint64_t more[QN_COLUMN_PARTS];
	int top = b->nhot - 1, nbits = QN_COLUMN_TOP;

	if (!c->is_float)
		nbits = 8 * (int)qn_column_elem_size(c->dtype) * c->power - STEP * top;
	for (int j = 0; j < top; j++)
		more[j] = nsteps << STEP;
	more[top] = nsteps << nbits;
	return raise_bounds(c, b, more, b->nhot);
}

bool qn_column_block_raise(const struct qn_column *c, struct qn_column_block *b,
			   const uint64_t *more, size_t n)
{
	uint64_t all[QN_COLUMN_PARTS];

	for (int j = 0; j < b->nhot; j++)
		all[j] = n * more[j];
	return raise_bounds(c, b, all, b->nhot);
}

bool qn_column_block_add_row(const struct qn_column *c, struct qn_column_block *b, size_t row,
			     const int64_t *sum)
{
	bool room = true;

	for (int j = 0; j < b->nhot; j++)
		room = room && b->bound[j] + qn_column_largest(&sum[j], 1) <= LIMIT;
	if (!room && !settle(c, b))
		return false;
	for (int j = 0; j < b->nhot; j++) {
		b->part[j][row] += sum[j];
		b->bound[j] = qn_max_u64(b->bound[j], qn_column_largest(&b->part[j][row], 1));
	}
	return true;
}

/* --- units --- */

/* Parts for elements of so many bits. */
static int parts_for(int width)
{
	int more = width - QN_COLUMN_TOP;

	return 1 + (more > 0 ? (more + STEP - 1) / STEP : 0);
}

/* Writes a row's parts in a finer unit. */
static bool reform_row(const struct qn_column *c, struct qn_column_block *b, size_t row, int unit)
{
	const struct qn_acc_form f = { unit, (b->unit - unit + 192) / 32 + 2 };
	int64_t limb[QN_ACC_MAX_LIMBS], part[QN_COLUMN_PARTS];

	memset(limb, 0, (size_t)f.nlimbs * sizeof(*limb));
	add_parts(&f, b, (const int64_t *const *)b->part, row, limb);
	while (!qn_column_split_limbs(&f, limb, unit, b->nparts, part)) {
		if (b->nparts == QN_COLUMN_PARTS)
			return spill(c, b, row);
		if (!grow_parts(c, b, b->nparts + 1))
			return false;
	}
	for (int j = 0; j < b->nparts; j++)
		b->part[j][row] = part[j];
	return true;
}

static bool reform(const struct qn_column *c, struct qn_column_block *b, int unit)
{
	for (size_t r = 0; r < b->nrows; r++)
		if (!reform_row(c, b, r, unit))
			return false;
	for (int j = 0; j < b->nparts; j++)
		measure(b, j);
	return true;
}

/* A unit of 2^unit or somewhat less: by up to `slack` bits, and such that blocks are likely to agree. */
static int choose_unit(const struct qn_column *c, int unit, int slack)
{
	const int most = SLACK * c->power, least = unit - (slack < most ? slack : most);

	for (int step = 8; step > 1; step /= 2) {
		int rounded = (least + step - 1) & -step;

		if (rounded <= unit && rounded >= c->least_unit)
			return rounded;
	}
	return unit;
}

/* Takes a unit, no coarser than before, for elements below 2^top in `nhot` parts. */
static bool take_unit(const struct qn_column *c, struct qn_column_block *b, int unit, int top,
		      int nhot)
{
	if (!grow_parts(c, b, nhot))
		return false;
	if (b->nhot > 0 && unit != b->unit && !reform(c, b, unit))
		return false;
	b->unit = unit;
	b->top = top;
	b->nhot = nhot;
	for (int j = 0; j < nhot; j++)
		b->magic[j] = 1.5 * qn_pow2(52 + unit + STEP * j);
	return true;
}

/* Where it pays, changes the block so that multiples of 2^unit below 2^top fit it, and those that did
   still do. */
static bool admit(const struct qn_column *c, struct qn_column_block *b, int unit, int top)
{
	const bool fresh = b->nhot == 0;
	int n;

	/* Powers of the first elements may be followed by those of somewhat larger ones. */
	if (fresh && parts_for(top + c->power - unit) == parts_for(top - unit))
		top += c->power;
	if (!fresh) {
		unit = unit < b->unit ? unit : b->unit;
		top = top > b->top ? top : b->top;
	}
	n = parts_for(top - unit);
	if (n > QN_COLUMN_PARTS || unit < c->least_unit || unit + STEP * (n - 1) > 1023 - 52)
		return true;
	if (!fresh && n > b->nhot && n > c->nusual && b->nmisfits++ < MISFITS)
		return true;
	if (fresh || unit < b->unit)
		unit = choose_unit(c, unit, QN_COLUMN_TOP + STEP * (n - 1) - (top - unit));
	return take_unit(c, b, unit, top, n < b->nhot ? b->nhot : n);
}

bool qn_column_block_start(const struct qn_column *c, struct qn_column_block *b, const char *values,
			   size_t n)
{
	const size_t size = qn_column_elem_size(c->dtype);
	int unit = INT16_MAX, top = INT16_MIN;

	if (b->nhot > 0 || c->nusual == 0)
		return true;
	if (!c->is_float)
		return take_unit(c, b, 0, 0, c->nusual);
	for (size_t i = 0; i < n; i += n / SAMPLE + 1) {
		struct qn_column_element e = qn_column_decode(c->dtype, values + i * size);

		if (e.m == 0 || !isfinite(e.x))
			continue;
		unit = power_unit(c, &e) < unit ? power_unit(c, &e) : unit;
		top = power_top(c, &e) > top ? power_top(c, &e) : top;
	}
	return top == INT16_MIN || admit(c, b, unit, top);
}

/* --- adding --- */

/* Adds parts, as many as `n`, to a row. */
static bool commit(const struct qn_column *c, struct qn_column_block *b, size_t row,
		   const int64_t *part, int n)
{
	uint64_t more[QN_COLUMN_PARTS] = { 0 };

	for (int j = 0; j < n; j++)
		more[j] = part[j] < 0 ? -(uint64_t)part[j] : (uint64_t)part[j];
	if (!raise_bounds(c, b, more, n))
		return false;
	for (int j = 0; j < n; j++)
		b->part[j][row] += part[j];
	return true;
}

bool qn_column_block_add(const struct qn_column *c, struct qn_column_block *b, size_t row,
			 const char *value)
{
	const struct qn_column_element e = qn_column_decode(c->dtype, value);
	int64_t part[QN_COLUMN_PARTS], *limb;

	if (b->spoilt)
		return false;
	if (e.m == 0)
		return true;
	if (c->nusual > 0) {
		if (qn_column_split(c, b, &e, part))
			return commit(c, b, row, part, b->nhot);
		if (!admit(c, b, power_unit(c, &e), power_top(c, &e)))
			return false;
		if (qn_column_split(c, b, &e, part))
			return commit(c, b, row, part, b->nhot);
	}
	limb = wide_row(c, b, row);
	if (!limb)
		return spoil(b);
	qn_power_add_one(&c->one, limb, e.m, e.unit, e.negative, c->power, c->power);
	return true;
}

/* Adds canonical limbs of another form, the value of which is one of the column's. That form may reach further:
   of its highest limbs those that but carry the sign go to the one below. */
static void add_to_wide(const struct qn_column *c, int64_t *wide, const struct qn_acc_form *f,
			const int64_t *limb)
{
	int top = f->nlimbs - 1;
	qn_i128 high = limb[top];

	while (top > 0 && (high == 0 || high == -1))
		high = high * ((qn_i128)1 << 32) + limb[--top];
	for (int i = 0; i < top; i++)
		qn_acc_add(&c->form, wide, limb[i], f->base + 32 * i);
	qn_acc_add(&c->form, wide, high, f->base + 32 * top);
}

bool qn_column_block_add_limbs(const struct qn_column *c, struct qn_column_block *b, size_t row,
			       const struct qn_acc_form *f, const int64_t *limb)
{
	const int unit = qn_column_lowest_bit(f, limb), top = qn_column_highest_bit(f, limb);
	int64_t part[QN_COLUMN_PARTS], *wide;

	if (b->spoilt)
		return false;
	if (unit == f->base + 32 * f->nlimbs)
		return true;
	if (c->nusual > 0) {
		if (!c->is_float && !take_unit(c, b, 0, 0, c->nusual))
			return false;
		if (c->is_float && (b->nhot == 0 || unit < b->unit) && !admit(c, b, unit, top))
			return false;
		for (int n = b->nparts; b->nhot > 0 && n <= QN_COLUMN_PARTS; n++)
			if (qn_column_split_limbs(f, limb, b->unit, n, part))
				return grow_parts(c, b, n) && commit(c, b, row, part, n);
	}
	wide = wide_row(c, b, row);
	if (!wide)
		return spoil(b);
	add_to_wide(c, wide, f, limb);
	return true;
}

/* Can parts be written in the unit of another block, which is no coarser? */
static bool can_shift(const struct qn_column_block *from, const struct qn_column_block *b)
{
	const int nbits = from->unit - b->unit;
	bool can = nbits >= 0 && nbits < STEP;

	for (int j = 0; j < from->nparts; j++)
		can = can && from->bound[j] <= TOP_LIMIT >> nbits;
	return can;
}

/* Adds the parts of n rows, in that unit. */
static bool add_shifted(const struct qn_column *c, struct qn_column_block *b, size_t row,
			const struct qn_column_block *from, const int64_t *const *part, size_t n)
{
	const int64_t units = INT64_C(1) << (from->unit - b->unit);
	uint64_t more[QN_COLUMN_PARTS];

	for (int j = 0; j < from->nparts; j++)
		more[j] = from->bound[j] * (uint64_t)units;
	if (!grow_parts(c, b, from->nparts) || !raise_bounds(c, b, more, from->nparts))
		return false;
	for (int j = 0; j < from->nparts; j++)
		for (size_t i = 0; i < n; i++)
			b->part[j][row + i] += part[j][i] * units;
	return true;
}

/* In whatever unit. */
static bool add_row(const struct qn_column *c, struct qn_column_block *b, size_t row,
		    const struct qn_column_block *from, const int64_t *const *part, size_t i)
{
	struct qn_acc_form f = { from->unit, (192 + 32) / 32 };
	int64_t limb[QN_ACC_MAX_LIMBS];

	if (b->nhot > 0 && b->unit < from->unit) {
		f.base = b->unit;
		f.nlimbs += (from->unit - b->unit) / 32 + 1;
	}
	memset(limb, 0, (size_t)f.nlimbs * sizeof(*limb));
	add_parts(&f, from, part, i, limb);
	return qn_column_block_add_limbs(c, b, row, &f, limb);
}

bool qn_column_block_add_parts(const struct qn_column *c, struct qn_column_block *b, size_t row,
			       const struct qn_column_block *from, const int64_t *const *part,
			       size_t n)
{
	if (b->spoilt)
		return false;
	if (from->nhot == 0)
		return true;
	if (b->nhot == 0 ? !take_unit(c, b, from->unit, from->top, from->nhot)
			 : from->unit < b->unit && !admit(c, b, from->unit, b->top))
		return false;
	if (can_shift(from, b))
		return add_shifted(c, b, row, from, part, n);
	for (size_t i = 0; i < n; i++)
		if (!add_row(c, b, row + i, from, part, i))
			return false;
	return true;
}
