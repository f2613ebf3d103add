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

#include "base/mem.h"
#include "kernel/order.h"
#include "kernel/tile.h"
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

/* Keys that are in a slot are few. */
static void count_slot(const struct qn_quantiles *s, const struct slot *slot, int64_t *bins,
		       int64_t *least, int64_t *greatest, const uint64_t *keys, size_t n)
{
	const uint64_t base = slot->base, span = slot->top - base;
	const unsigned shift = bin_shift(s, slot);

	for (size_t i = 0; i < n; i++) {
		const uint64_t distance = keys[i] - base;

		if (distance > span)
			continue;
		bins[distance >> shift]++;
		if (s->course->has_extremes) {
			lower(&least[distance >> shift], keys[i]);
			raise(&greatest[distance >> shift], keys[i]);
		}
	}
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
	const size_t nbins = (size_t)1 << s->course->bits;
	int64_t *bins = state + BINS, *least = row_of(s, state);
	int64_t *greatest = least + 1 + count_extremes(s);

	*least++ = (int64_t)row;
	if (!s->course->is_begun) {
		count_all(bins, bin_shift(s, slot), keys, n);
		return;
	}
	for (size_t i = 0; i < s->course->nslots && is_used(&slot[i]); i++)
		count_slot(s, &slot[i], bins + i * nbins, least + i * nbins, greatest + i * nbins,
			   keys, n);
}

static void counted_absorb(const struct qn_quantiles *s, int64_t *state, void *scratch,
			   const struct quern_tile *tile)
{
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
