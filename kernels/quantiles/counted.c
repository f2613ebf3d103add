/*
 * counted.c - quantiles of a few rows, in passes, each of which counts the values in bins of the slots where the
 * ranks lie; a slot of the next pass is a bin of this one:
 *
 *	pass 1   |............................#.......#...............|   one slot: all keys
 *	pass 2                               /....#...\ /..#.....\        slots of ranks
 *
 *	state    | count | missing | NaN | bins of slot 0 | bins of slot 1 | ... | row | least | greatest |
 *	segment  |                         SUM                                   |     MIN     |    MAX   |
 *
 * row is the number of the row, which tells find() where in the course its values are. least and greatest keys
 * of bins are there where bins have several keys: those of a bin are one key more often than not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/order.h"
#include "kernel/tile.h"
#include "kernels/quantiles/keys_simd.h"
#include "kernels/quantiles/quantiles.h"

#define MOST_RANKS (2 * QN_MOST_QUANTILES)
#define BINS	   QN_QUANTILES_REST

/* Words of counters, of a row and of all. */
#define MOST_WORDS     (UINT64_C(1) << 18)
#define MOST_ALL_WORDS (UINT64_C(1) << 23)
#define MOST_BITS      16

/* Keys from base to top. */
struct slot {
	uint64_t base, top;
};

/* A rank that is looked for: the how-manieth of a slot, from 0; or the key, once that is found. */
struct rank {
	uint64_t at, key;
	int32_t slot;
	int32_t is_found;
};

/* Sent from rank 0 after each pass. Slots are `most` a row, ranks of quantile i of a row 2 i and 2 i + 1. */
struct qn_quantile_course {
	uint64_t nslots; /* of the row that has most */
	uint64_t bits;	 /* of the number of a bin */
	uint64_t has_extremes;
	uint64_t is_begun; /* a pass is done */
};

/* What lies behind the course: `most` slots of each row, and as many ranks. */
static struct slot *slots_of(const struct qn_quantiles *s, uint64_t row)
{
	return (struct slot *)(s->course + 1) + row * s->most;
}

static struct rank *ranks_of(const struct qn_quantiles *s, uint64_t row)
{
	return (struct rank *)((struct slot *)(s->course + 1) + s->nrows * s->most) + row * s->most;
}

static size_t count_bins(const struct qn_quantiles *s)
{
	return (size_t)s->course->nslots << s->course->bits;
}

static size_t count_extremes(const struct qn_quantiles *s)
{
	return s->course->has_extremes ? count_bins(s) : 0;
}

static int64_t *row_of(const struct qn_quantiles *s, int64_t *state)
{
	return state + BINS + count_bins(s);
}

/* The number of significant bits. */
static unsigned width(uint64_t x)
{
	return x ? 64u - (unsigned)__builtin_clzll(x) : 0;
}

/* Keys of a bin, as a power of two. */
static unsigned bin_shift(const struct qn_quantiles *s, const struct slot *slot)
{
	const unsigned bits = width(slot->top - slot->base);

	return bits > s->course->bits ? bits - (unsigned)s->course->bits : 0;
}

/* --- open --- */

uint64_t qn_quantiles_count_words(uint64_t nrows)
{
	return qn_min_u64(MOST_WORDS, MOST_ALL_WORDS / qn_max_u64(nrows, 1));
}

/* Of the number of a bin in the first pass. */
static unsigned first_bits(const struct qn_quantiles *s)
{
	const uint64_t bits = qn_min_u64(qn_order_bits(s->dtype), MOST_BITS);

	return (unsigned)qn_min_u64(bits, width(s->most_words / 2) - 1);
}

/* One slot of each row, with all keys. */
static void begin(struct qn_quantiles *s)
{
	const unsigned bits = qn_order_bits(s->dtype);
	const uint64_t top = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	s->course->nslots = 1;
	s->course->bits = first_bits(s);
	for (uint64_t r = 0; r < s->nrows; r++)
		*slots_of(s, r) = (struct slot){ .base = 0, .top = top };
}

static bool counted_open(struct qn_quantiles *s)
{
	s->most_words = qn_quantiles_count_words(s->nrows);
	s->most = 2 * s->n;
	s->course_nbytes = sizeof(*s->course) +
			   (size_t)s->nrows * s->most * (sizeof(struct slot) + sizeof(struct rank));
	s->course = qn_calloc(1, s->course_nbytes);
	if (s->course)
		begin(s);
	return s->course != NULL;
}

/* --- states --- */

static int counted_layout(const struct qn_quantiles *s, struct quern_segment *segments)
{
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = BINS + count_bins(s) };
	segments[1] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 + count_extremes(s) };
	if (!s->course->has_extremes)
		return 2;
	segments[2] = (struct quern_segment){ .op = QUERN_MAX, .nwords = count_extremes(s) };
	return 3;
}

/* Counters of so many slots of keys of up to so many bits: choose_bins() for the worst of these. */
static uint64_t count_words(const struct qn_quantiles *s, uint64_t nslots, unsigned widest)
{
	const uint64_t room = s->most_words / nslots;
	const uint64_t single = nslots << qn_min_u64(widest, width(room) - 1);
	const uint64_t with_extremes = 3 * nslots << (width(qn_max_u64(room / 3, 2)) - 1);

	return widest < width(room) ? single : qn_max_u64(single, with_extremes);
}

static size_t counted_most_words(const struct qn_quantiles *s)
{
	const unsigned first = first_bits(s), left = qn_order_bits(s->dtype) - first;
	uint64_t most = UINT64_C(1) << first;

	for (uint64_t n = 1; left && n <= s->most; n++)
		most = qn_max_u64(most, count_words(s, n, left));
	return (size_t)most + BINS + 1;
}

static void lower(int64_t *least, uint64_t key)
{
	const int64_t k = qn_key_from_uint(key);

	*least = k < *least ? k : *least;
}

static void raise(int64_t *greatest, uint64_t key)
{
	const int64_t k = qn_key_from_uint(key);

	*greatest = k > *greatest ? k : *greatest;
}

/* The first slot: all keys are in it. */
static void count_all(int64_t *bins, unsigned shift, const uint64_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bins[keys[i] >> shift]++;
}

/* The counters of a slot. */
struct counters {
	uint64_t base;
	unsigned shift;
	bool has_extremes;
	int64_t *bins, *least, *greatest;
};

static struct counters counters_of(const struct qn_quantiles *s, const struct slot *slot,
				   int64_t *state, size_t i)
{
	const size_t first = i << s->course->bits;
	int64_t *extremes = row_of(s, state) + 1;

	return (struct counters){ .base = slot->base,
				  .shift = bin_shift(s, slot),
				  .has_extremes = s->course->has_extremes,
				  .bins = state + BINS + first,
				  .least = extremes + first,
				  .greatest = extremes + count_extremes(s) + first };
}

/* The key that is so far from the base. */
static inline void count_key(const struct counters *c, uint64_t distance)
{
	const uint64_t bin = distance >> c->shift;

	c->bins[bin]++;
	if (c->has_extremes) {
		lower(&c->least[bin], c->base + distance);
		raise(&c->greatest[bin], c->base + distance);
	}
}

/* Keys that are in a slot are few. */
static void count_slot(const struct counters *c, uint64_t span, const uint64_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i] - c->base <= span)
			count_key(c, keys[i] - c->base);
}

/* Slots in use come first; base and top of one that is not are 1 and 0. */
static bool is_used(const struct slot *slot)
{
	return slot->base <= slot->top;
}

static void take(const struct qn_quantiles *s, int64_t *state, uint64_t row, const uint64_t *keys,
		 size_t n)
{
	const struct slot *slot = slots_of(s, row);

	*row_of(s, state) = (int64_t)row;
	if (!s->course->is_begun) {
		count_all(state + BINS, bin_shift(s, slot), keys, n);
		return;
	}
	for (size_t i = 0; i < s->course->nslots && is_used(&slot[i]); i++) {
		const struct counters c = counters_of(s, &slot[i], state, i);

		count_slot(&c, slot[i].top - slot[i].base, keys, n);
	}
}

/* --- float32 of one row --- */

/* Of bins within so many each tile has counters of its own, several that take turns: those of elements side by side are
   often the same, and would wait for each other. */
#define NEAR	512
#define NCOUNTS 4

/* Of scratch. */
struct floats {
	float packed[QUERN_TILE_NELEMS];
	uint32_t distance[QUERN_TILE_NELEMS + QN_KEYS_PAD];
	uint16_t bin[QUERN_TILE_NELEMS];
	uint32_t count[NCOUNTS][NEAR];
};

_Static_assert(sizeof(struct floats) <= QN_QUANTILES_SCRATCH_NBYTES, "scratch");

typedef size_t within_fn(const void *, size_t, bool, uint32_t, uint32_t, uint32_t *, size_t *);
typedef struct qn_keys_span bins_fn(const void *, size_t, unsigned, uint16_t *);
typedef bool have_nan_fn(const void *, size_t);

static within_fn *const within[] = QN_ISA_TABLE(qn_keys_within);
static bins_fn *const bins_of[] = QN_ISA_TABLE(qn_keys_bins);
static have_nan_fn *const have_nan[] = QN_ISA_TABLE(qn_keys_have_nan);

/* bins: from that of the least on, which are few. */
static void count_near(struct floats *f, size_t n, size_t nbins, uint32_t least, int64_t *bins)
{
	size_t i = 0;

	for (size_t k = 0; k < NCOUNTS; k++)
		memset(f->count[k], 0, nbins * sizeof(f->count[k][0]));
	for (; i + NCOUNTS <= n; i += NCOUNTS)
		for (size_t k = 0; k < NCOUNTS; k++)
			f->count[k][f->bin[i + k] - least]++;
	for (; i < n; i++)
		f->count[0][f->bin[i] - least]++;
	for (size_t b = 0; b < nbins; b++)
		for (size_t k = 0; k < NCOUNTS; k++)
			bins[b] += f->count[k][b];
}

/* The first pass, where all keys are in one slot. */
static void count_floats(struct floats *f, size_t n, const struct qn_keys_span *span, int64_t *bins)
{
	if (n && span->greatest - span->least < NEAR)
		count_near(f, n, span->greatest - span->least + 1, span->least, bins + span->least);
	else
		for (size_t i = 0; i < n; i++)
			bins[f->bin[i]]++;
}

/* The others. */
static void count_floats_within(const struct qn_quantiles *s, struct floats *f, int64_t *state,
				uint64_t row, const void *values, size_t n)
{
	const struct slot *slot = slots_of(s, row);
	size_t nbelow;

	for (size_t i = 0; i < s->course->nslots && is_used(&slot[i]); i++) {
		const struct counters c = counters_of(s, &slot[i], state, i);
		const size_t nwithin = within[qn_cpu_level()](
			values, n, true, (uint32_t)slot[i].base,
			(uint32_t)(slot[i].top - slot[i].base), f->distance, &nbelow);

		for (size_t k = 0; k < nwithin; k++)
			count_key(&c, f->distance[k]);
	}
}

/* False: there is NaN, and nothing was counted. */
static bool take_floats(const struct qn_quantiles *s, struct floats *f, int64_t *state,
			uint64_t row, const void *values, size_t n)
{
	const unsigned shift = bin_shift(s, slots_of(s, row));
	struct qn_keys_span span;

	if (s->course->is_begun) {
		if (have_nan[qn_cpu_level()](values, n))
			return false;
		count_floats_within(s, f, state, row, values, n);
		return true;
	}
	span = bins_of[qn_cpu_level()](values, n, shift, f->bin);
	if (!span.has_nan)
		count_floats(f, n, &span, state + BINS);
	return !span.has_nan;
}

static void absorb_floats(const struct qn_quantiles *s, int64_t *state, struct floats *f,
			  const struct quern_tile *tile)
{
	const struct quern_var *v = tile->var;
	const size_t nvalid = tile->nelems - v->nmissing;
	size_t n = tile->nelems;

	*row_of(s, state) = (int64_t)tile->row;
	if (v->nmissing || !take_floats(s, f, state, tile->row, v->values, n)) {
		n = qn_tile_pack(v, n, true, f->packed);
		take_floats(s, f, state, tile->row, f->packed, n);
	}
	state[QN_QUANTILES_COUNT] += (int64_t)nvalid;
	state[QN_QUANTILES_MISSING] += (int64_t)v->nmissing;
	state[QN_QUANTILES_NANS] += (int64_t)(nvalid - n);
}

static void counted_absorb(const struct qn_quantiles *s, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
	if (s->dtype == QUERN_F32)
		absorb_floats(s, state, scratch, tile);
	else
		qn_quantiles_absorb(s, state, scratch, tile, take);
}

static bool counted_absorb_rows(const struct qn_quantiles *s, struct qn_cells *cells, void *scratch,
				const struct quern_tile *tile, const struct qn_row_run *run)
{
	return qn_quantiles_absorb_rows(s, cells, scratch, tile, run, take);
}

/* --- passes --- */

/* All ranks of a row, in its first slot. */
static void set_ranks(const struct qn_quantiles *s, struct rank *rank, uint64_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t at[2] = { 0, 0 };

		if (n)
			qn_quantile_ranks(s->q[i], n, at);
		for (size_t k = 0; k < 2; k++)
			rank[2 * i + k] = (struct rank){ .at = at[k], .is_found = n == 0 };
	}
}

/* The slot of a row that has these keys: one that is there, or a new one. */
static int32_t have_slot(struct slot *slot, size_t *n, struct slot wanted)
{
	for (size_t i = 0; i < *n; i++)
		if (slot[i].base == wanted.base)
			return (int32_t)i;
	slot[*n] = wanted;
	return (int32_t)(*n)++;
}

/* The bin of a rank, which is then one of that bin; and the keys that bin may have. */
static struct slot find_bin(const struct qn_quantiles *s, const struct slot *slot,
			    const int64_t *state, struct rank *rank)
{
	const size_t first = (size_t)rank->slot << s->course->bits;
	const unsigned shift = bin_shift(s, slot);
	const int64_t *bins = state + BINS + first;
	const int64_t *least = state + BINS + count_bins(s) + 1 + first;
	uint64_t b = 0;
	struct slot found;

	for (; rank->at >= (uint64_t)bins[b]; b++)
		rank->at -= (uint64_t)bins[b];
	found.base = slot->base + (b << shift);
	found.top = qn_min_u64(found.base + ((UINT64_C(1) << shift) - 1), slot->top);
	if (s->course->has_extremes) {
		found.base = qn_key_to_uint(least[b]);
		found.top = qn_key_to_uint(least[count_extremes(s) + b]);
	}
	return found;
}

void qn_quantiles_review(void *self, uint64_t row, const int64_t *state)
{
	struct qn_quantiles *s = self;
	struct slot *slot = slots_of(s, row);
	struct rank *rank = ranks_of(s, row);
	struct slot next[MOST_RANKS];
	size_t n = 0;

	if (!s->course->is_begun)
		set_ranks(s, rank, qn_quantiles_nvalues(state));
	for (size_t i = 0; i < s->most; i++) {
		struct slot found;

		if (rank[i].is_found)
			continue;
		found = find_bin(s, &slot[rank[i].slot], state, &rank[i]);
		rank[i].is_found = found.base == found.top;
		rank[i].key = found.base;
		rank[i].slot = rank[i].is_found ? 0 : have_slot(next, &n, found);
	}
	for (size_t i = 0; i < s->most; i++)
		slot[i] = i < n ? next[i] : (struct slot){ .base = 1, .top = 0 };
}

/* As many bins as there is room for: of single keys, or with extremes. */
static void choose_bins(struct qn_quantiles *s, unsigned widest)
{
	struct qn_quantile_course *c = s->course;
	const uint64_t room = s->most_words / qn_max_u64(c->nslots, 1);

	c->has_extremes = widest >= width(room);
	c->bits = c->has_extremes ? width(qn_max_u64(room / 3, 2)) - 1 : widest;
}

bool qn_quantiles_advance(void *self, const int64_t *state)
{
	struct qn_quantiles *s = self;
	unsigned widest = 0;
	uint64_t nslots = 0;

	(void)state;
	s->course->is_begun = true;
	for (uint64_t r = 0; r < s->nrows; r++)
		for (size_t i = 0; i < s->most && is_used(slots_of(s, r) + i); i++) {
			const struct slot *slot = slots_of(s, r) + i;

			nslots = qn_max_u64(nslots, i + 1);
			widest = (unsigned)qn_max_u64(widest, width(slot->top - slot->base));
		}
	if (!nslots) /* the states are still read by emit() */
		return false;
	s->course->nslots = nslots;
	choose_bins(s, widest);
	return true;
}

static bool counted_find(const struct qn_quantiles *s, const int64_t *state, double *values)
{
	const struct rank *rank = ranks_of(s, (uint64_t)state[BINS + count_bins(s)]);

	for (size_t i = 0; i < s->n; i++) {
		uint64_t at[2];
		const double weight = qn_quantile_ranks(s->q[i], qn_quantiles_nvalues(state), at);

		values[i] =
			qn_order_between(s->dtype, rank[2 * i].key, rank[2 * i + 1].key, weight);
	}
	return true;
}

const struct qn_quantile_way qn_quantiles_counted = {
	.open = counted_open,
	.layout = counted_layout,
	.most_words = counted_most_words,
	.absorb = counted_absorb,
	.absorb_rows = counted_absorb_rows,
	.find = counted_find,
};
