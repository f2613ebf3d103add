/*
 * column_pack.c - columns into columns, as they are or as bytes.
 *
 * Packed rows are, of each block that they are in, in words of 64 bits:
 *
 *	nrows | unit | top | nhot | nparts | nwide | nparts times nrows sums | nwide times: row, limbs
 *
 * where rows count from the first of these.
 */
#include <string.h>

#include "base/mem.h"
#include "columns/column_parts.h"

enum { NROWS, UNIT, TOP, NHOT, NPARTS, NWIDE, HEADER };

/* Rows of one block. */
struct run {
	uint64_t block;
	size_t row, n;
};

/* The first of n rows from `row` on that are of one block. */
static struct run run_at(uint64_t row, uint64_t n)
{
	struct run r = { row / QN_COLUMN_BLOCK, row % QN_COLUMN_BLOCK, 0 };

	r.n = qn_min_u64(n, QN_COLUMN_BLOCK - r.row);
	return r;
}

/* --- merge --- */

/* Adds the accumulators of a block. */
static bool merge_wide(const struct qn_column *c, struct qn_column_block *b,
		       const struct qn_column *from, const struct qn_column_block *other)
{
	for (size_t r = 0; other->wide.slot && r < other->nrows; r++) {
		const int64_t *limb = qn_column_block_wide(from, other, r);

		if (limb && !qn_column_block_add_limbs(c, b, r, &c->form, limb))
			return false;
	}
	return true;
}

static bool merge_block(const struct qn_column *c, struct qn_column_block *b,
			const struct qn_column *from, const struct qn_column_block *other)
{
	return !other->spoilt &&
	       qn_column_block_add_parts(c, b, 0, other, (const int64_t *const *)other->part,
					 b->nrows) &&
	       merge_wide(c, b, from, other);
}

bool qn_column_merge(struct qn_column *into, const struct qn_column *from)
{
	for (uint64_t i = 0; i < into->nblocks; i++)
		if (!merge_block(into, &into->block[i], from, &from->block[i])) {
			qn_column_spoil(into, 0, into->nrows);
			return false;
		}
	return true;
}

/* --- pack --- */

static uint64_t run_nwords(const struct qn_column *c, const struct run *r)
{
	const struct qn_column_block *b = &c->block[r->block];
	uint64_t nwide = qn_min_u64(b->wide.n, r->n);

	return HEADER + (uint64_t)b->nparts * r->n + nwide * (1 + (uint64_t)c->form.nlimbs);
}

uint64_t qn_column_pack_nbytes(const struct qn_column *c, uint64_t first_row, uint64_t n)
{
	uint64_t nwords = 0;
	struct run r;

	for (; n > 0; first_row += r.n, n -= r.n) {
		r = run_at(first_row, n);
		nwords += run_nwords(c, &r);
	}
	return nwords * sizeof(int64_t);
}

static int64_t *pack_run(const struct qn_column *c, const struct run *r, int64_t *out)
{
	const struct qn_column_block *b = &c->block[r->block];
	int64_t *header = out;

	memset(header, 0, HEADER * sizeof(*out));
	header[NROWS] = (int64_t)r->n;
	header[UNIT] = b->unit;
	header[TOP] = b->top;
	header[NHOT] = b->nhot;
	header[NPARTS] = b->nparts;
	out += HEADER;
	for (int j = 0; j < b->nparts; j++, out += r->n)
		memcpy(out, b->part[j] + r->row, r->n * sizeof(*out));
	for (size_t i = 0; b->wide.slot && i < r->n; i++) {
		const int64_t *limb = qn_column_block_wide(c, b, r->row + i);

		if (!limb)
			continue;
		*out = (int64_t)i;
		memcpy(out + 1, limb, (size_t)c->form.nlimbs * sizeof(*out));
		out += 1 + c->form.nlimbs;
		header[NWIDE]++;
	}
	return out;
}

uint64_t qn_column_pack(const struct qn_column *c, uint64_t first_row, uint64_t n, void *out)
{
	int64_t *p = out;
	struct run r;

	for (; n > 0; first_row += r.n, n -= r.n) {
		r = run_at(first_row, n);
		if (c->block[r.block].spoilt)
			return 0;
		p = pack_run(c, &r, p);
	}
	return (uint64_t)((char *)p - (char *)out);
}

/* --- unpack --- */

/* A header's word, from `least` to `most`. */
static bool within(const int64_t *header, int i, int64_t least, int64_t most)
{
	return header[i] >= least && header[i] <= most;
}

static bool header_is_valid(const struct qn_column *c, const int64_t *h)
{
	return within(h, NROWS, 1, QN_COLUMN_BLOCK) &&
	       within(h, UNIT, c->power <= 2 ? c->least_unit : 0, 1023 - 52) &&
	       within(h, TOP, INT16_MIN, INT16_MAX) && within(h, NHOT, 0, QN_COLUMN_PARTS) &&
	       within(h, NPARTS, h[NHOT], h[NHOT] ? QN_COLUMN_PARTS : 0) &&
	       within(h, NWIDE, 0, h[NROWS]) && (c->is_float || h[UNIT] == 0) &&
	       (c->is_float || h[NHOT] == 0 || h[NHOT] == c->nusual) &&
	       h[UNIT] + QN_COLUMN_STEP * (h[NHOT] - 1) <= 1023 - 52;
}

/* Words of the packed rows of a block. */
static uint64_t packed_nwords(const struct qn_column *c, const int64_t *p)
{
	return HEADER + (uint64_t)(p[NPARTS] * p[NROWS]) +
	       (uint64_t)p[NWIDE] * (1 + (uint64_t)c->form.nlimbs);
}

/* Whether nwords begin with packed rows of a block, n at the most; *size: their words. */
static bool run_is_valid(const struct qn_column *c, const int64_t *p, uint64_t nwords, uint64_t n,
			 uint64_t *size)
{
	const uint64_t nlimbs = (uint64_t)c->form.nlimbs;
	const int64_t *row;

	if (nwords < HEADER || !header_is_valid(c, p) || (uint64_t)p[NROWS] > n)
		return false;
	*size = packed_nwords(c, p);
	if (*size > nwords)
		return false;
	row = p + HEADER + p[NPARTS] * p[NROWS];
	for (int64_t i = 0; i < p[NWIDE]; i++, row += 1 + nlimbs) {
		if (*row < 0 || *row >= p[NROWS])
			return false;
		for (uint64_t k = 1; k < nlimbs; k++)
			if (row[k] < 0 || row[k] > UINT32_MAX)
				return false;
	}
	return true;
}

static bool is_valid(const struct qn_column *c, uint64_t n, const int64_t *p, uint64_t nbytes)
{
	uint64_t nwords = nbytes / sizeof(*p), size;

	if (nbytes % sizeof(*p) != 0)
		return false;
	for (; n > 0; n -= (uint64_t)p[NROWS], p += size, nwords -= size)
		if (!run_is_valid(c, p, nwords, n, &size))
			return false;
	return nwords == 0;
}

/* Adds the packed rows from the i-th on that go to one block. */
static bool unpack_run(struct qn_column *c, const struct run *r, const int64_t *p, size_t i)
{
	struct qn_column_block from = { .nrows = (size_t)p[NROWS],
					.unit = (int)p[UNIT],
					.top = (int)p[TOP],
					.nhot = (int)p[NHOT],
					.nparts = (int)p[NPARTS] };
	struct qn_column_block *b = &c->block[r->block];
	const int64_t *part[QN_COLUMN_PARTS], *row;

	for (int j = 0; j < from.nparts; j++) {
		part[j] = p + HEADER + (size_t)j * from.nrows + i;
		from.bound[j] = qn_column_largest(part[j], r->n);
	}
	if (!qn_column_block_add_parts(c, b, r->row, &from, part, r->n))
		return false;
	row = p + HEADER + (size_t)from.nparts * from.nrows;
	for (int64_t k = 0; k < p[NWIDE]; k++, row += 1 + c->form.nlimbs)
		if ((size_t)*row >= i && (size_t)*row < i + r->n &&
		    !qn_column_block_add_limbs(c, b, r->row + (size_t)*row - i, &c->form, row + 1))
			return false;
	return true;
}

bool qn_column_unpack(struct qn_column *c, uint64_t first_row, uint64_t n, const void *bytes,
		      uint64_t nbytes)
{
	const uint64_t end = first_row + n;
	const int64_t *p = bytes;
	size_t i = 0;
	struct run r;

	if (!is_valid(c, n, p, nbytes))
		return false;
	for (uint64_t row = first_row; row < end; row += r.n) {
		r = run_at(row, qn_min_u64(end - row, (uint64_t)p[NROWS] - i));
		if (!unpack_run(c, &r, p, i)) {
			qn_column_spoil(c, first_row, n);
			return false;
		}
		i += r.n;
		if (i == (size_t)p[NROWS]) {
			p += packed_nwords(c, p);
			i = 0;
		}
	}
	return true;
}
