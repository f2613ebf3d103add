#include "kernel/there.h"

#include "kernel/tile.h"

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

static size_t value_nbytes(const struct quern_var *v)
{
	return v->dtype == QUERN_TEXT ? v->text_nbytes : qn_dtype_size(v->dtype);
}

static void absorb_run(const struct quern_kernel *k, const void *self, int64_t *state,
		       void *scratch, uint64_t *valid, const struct quern_tile *tile,
		       uint64_t first, size_t n)
{
	struct quern_var var[QUERN_NROLES];
	struct quern_tile piece = *tile;

	for (int i = 0; i < tile->nvars; i++) {
		var[i] = tile->var[i];
		if (var[i].values)
			var[i].values = (const char *)var[i].values + first * value_nbytes(&var[i]);
	}
	var->nmissing = var->valid ? copy_bits(var->valid, first, n, valid) : 0;
	var->valid = var->nmissing ? valid : NULL;
	piece.var = var;
	piece.there = NULL;
	piece.first += first;
	piece.nelems = n;
	k->absorb(self, state, scratch, &piece);
}

/* The first bit from `at` on, below end, that is set or not; end: there is none. */
static uint64_t find_bit(const uint64_t *bits, uint64_t at, uint64_t end, bool set)
{
	while (at < end) {
		const uint64_t word = (set ? bits[at / 64] : ~bits[at / 64]) >> at % 64;

		if (word) {
			at += (uint64_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		at += 64 - at % 64;
	}
	return end;
}

void qn_absorb_there(const struct quern_kernel *k, const void *self, int64_t *state, void *scratch,
		     uint64_t *valid, const struct quern_tile *tile, uint64_t first, size_t n)
{
	const uint64_t end = first + n;

	if (!tile->there) {
		absorb_run(k, self, state, scratch, valid, tile, first, n);
		return;
	}
	for (uint64_t at = find_bit(tile->there, first, end, true), next; at < end;
	     at = find_bit(tile->there, next, end, true)) {
		next = find_bit(tile->there, at, end, false);
		absorb_run(k, self, state, scratch, valid, tile, at, (size_t)(next - at));
	}
}

/* The bits of `from` where `there` is set, side by side; returns how many of these are clear. */
static size_t pack_bits(const uint64_t *from, const uint64_t *there, size_t n, uint64_t *out)
{
	size_t at = 0, nclear = 0;

	for (size_t w = 0; w < (n + 63) / 64; w++)
		for (uint64_t left = there[w]; left; left &= left - 1, at++) {
			const uint64_t bit = from[w] >> __builtin_ctzll(left) & 1;

			out[at / 64] |= bit << at % 64;
			nclear += !bit;
		}
	return nclear;
}

void qn_absorb_packed(const struct quern_kernel *k, const void *self, int64_t *state, void *scratch,
		      const struct quern_tile *tile)
{
	double values[QUERN_NROLES][QUERN_TILE_NELEMS];
	uint64_t valid[QUERN_TILE_NELEMS / 64] = { 0 };
	struct quern_var var[QUERN_NROLES];
	struct quern_tile packed = *tile;

	for (int i = 0; i < tile->nvars; i++) {
		struct quern_var there = tile->var[i];

		var[i] = tile->var[i];
		if (!var[i].values)
			continue;
		there.valid = tile->there;
		there.nmissing = 1; /* or more */
		packed.nelems = qn_tile_pack(&there, tile->nelems, false, values[i]);
		var[i].values = values[i];
	}
	packed.there = NULL;
	packed.var = var;
	var->nmissing = var->valid ? pack_bits(var->valid, tile->there, tile->nelems, valid) : 0;
	var->valid = var->nmissing ? valid : NULL;
	if (packed.nelems)
		k->absorb(self, state, scratch, &packed);
}

bool qn_state_is_placeless(const struct qn_layout_of_state *l)
{
	for (int i = 0; i < l->nsegments; i++) {
		const enum quern_op op = l->segment[i].op;

		if (op == QUERN_MINLOC || op == QUERN_MAXLOC || op == QUERN_LEAST)
			return false;
	}
	return true;
}
