/*
 * piece.c - values of operands, gathered as a box has its elements.
 */
#include "formula/piece.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"

/* n bits from bit `at` on, to bits i and on, which are clear. */
static void put_run(const uint64_t *from, uint64_t at, uint64_t *to, size_t i, size_t n)
{
	for (size_t k; n; n -= k, i += k, at += k) {
		k = (size_t)qn_min_u64(n, 64 - qn_max_u64(i % 64, at % 64));
		to[i / 64] |= (from[at / 64] >> at % 64 & (UINT64_MAX >> (64 - k))) << i % 64;
	}
}

static void put_valid(const struct qn_spot *s, uint64_t from, uint64_t step, size_t i, size_t n,
		      uint64_t *valid)
{
	if (step == 1) {
		put_run(s->valid, from, valid, i, n);
		return;
	}
	for (size_t k = 0; k < n; k++, from += step)
		if (qn_piece_bit(s->valid, from))
			valid[(i + k) / 64] |= UINT64_C(1) << (i + k) % 64;
}

/* Reckoned as addresses are, modulo 2^64: of an array in memory index 0 may lie outside, and indexes lead back. */
static const void *find_place(const void *values, uint64_t at, size_t size)
{
	return (const void *)((uintptr_t)values + at * size);
}

#define GATHER(type)                                                                      \
	for (size_t k = 0; k < n; k++)                                                    \
		((type *)to)[k] =                                                         \
			*(const type *)find_place(values, from + k * step, sizeof(type)); \
	break

/* n values that are `step` apart, from place `from` on. */
static void gather(const void *values, uint64_t from, uint64_t step, size_t n, size_t size,
		   void *to)
{
	if (!values) {
		for (size_t k = 0; k < n; k++)
			((uint64_t *)to)[k] = from + k * step;
		return;
	}
	if (step == 1) {
		memcpy(to, find_place(values, from, size), n * size);
		return;
	}
	switch (size) {
	case 1:
		GATHER(uint8_t);
	case 2:
		GATHER(uint16_t);
	case 4:
		GATHER(uint32_t);
	default:
		GATHER(uint64_t);
	}
}

/* Indexes in the box of its element number `first`, and its place in an operand. */
static uint64_t locate(const struct quern_box *box, const struct qn_spot *s, uint64_t first,
		       uint64_t *index)
{
	uint64_t at = s->at;

	for (int d = box->ndim - 1; d >= 0; d--) {
		index[d] = first % box->count[d];
		first /= box->count[d];
		at += index[d] * s->stride[d];
	}
	return at;
}

/* To the beginning of the next row of the innermost dimension, from the beginning of one. */
static uint64_t next_row(const struct quern_box *box, const struct qn_spot *s, uint64_t *index,
			 uint64_t at)
{
	for (int d = box->ndim - 2; d >= 0; d--) {
		at += s->stride[d];
		if (++index[d] < box->count[d])
			break;
		at -= box->count[d] * s->stride[d];
		index[d] = 0;
	}
	return at;
}

/* Row after row of the innermost dimension. */
static void gather_rows(const struct qn_formula_piece *p, const struct qn_spot *s, size_t size,
			uint8_t *values, uint64_t *valid)
{
	const struct quern_box *box = p->in->box;
	const int last = box->ndim - 1;
	const uint64_t step = last < 0 ? 0 : s->stride[last];
	uint64_t index[QUERN_MAX_DIMS], at = locate(box, s, p->first, index);
	size_t n;

	for (size_t i = 0; i < p->n; i += n) {
		n = (size_t)qn_min_u64(p->n - i, last < 0 ? 1 : box->count[last] - index[last]);
		gather(s->values, at, step, n, size, values + i * size);
		if (s->valid)
			put_valid(s, at, step, i, n, valid);
		if (last < 0)
			continue;
		at = next_row(box, s, index, at - index[last] * step);
		index[last] = 0;
	}
}

void qn_piece_take(struct qn_formula_piece *p, int number, uint8_t *room)
{
	uint64_t *valid = (uint64_t *)(void *)(room + QN_PIECE * sizeof(double));
	const struct qn_operand *o = &p->f->operand[number];
	const struct qn_spot *s = &p->spot[number];
	const size_t size = qn_view_size(o->dtype);
	struct quern_var *out = &p->column[number];
	uint64_t index[QUERN_MAX_DIMS], at;

	*out = (struct quern_var){ .dtype = o->dtype, .values = room };
	if (s->valid)
		memset(valid, 0, QN_PIECE_NWORDS * sizeof(*valid));
	if (s->values && p->n <= s->span - p->first % s->span) { /* where it lies */
		at = locate(p->in->box, s, p->first, index);
		out->values = find_place(s->values, at, size);
		if (s->valid)
			put_run(s->valid, at, valid, 0, p->n);
	} else {
		gather_rows(p, s, size, room, valid);
	}
	out->nmissing = s->valid ? p->n - qn_bitmap_count(valid, p->n) : 0;
	if (out->nmissing)
		out->valid = valid;
}

void qn_spot_whole(const struct qn_operand *o, const struct quern_box *box, struct qn_spot *out)
{
	*out = (struct qn_spot){ .values = o->values, .valid = o->valid };
	for (int d = 0; d < box->ndim; d++) {
		out->at += box->start[d] * o->stride[d];
		out->stride[d] = box->step[d] * o->stride[d];
	}
}

void qn_spot_measure(struct qn_spot *s, const struct quern_box *box)
{
	uint64_t span = 1;

	for (int d = box->ndim - 1; d >= 0; d--) {
		if (box->count[d] > 1 && s->stride[d] != span)
			break;
		span *= box->count[d];
	}
	s->span = span;
}
