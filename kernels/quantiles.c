/*
 * quantiles.c - exact quantiles: `quantiles` and `median`.
 *
 * Of n values the quantile q is at (n - 1) q among them in rising order, in double as numpy's default has it;
 * between two of them it is a + w (b - a), rounded once. What is looked for are therefore values by
 * their ranks.
 *
 * Of a few rows they are found in passes, each of which counts the values in bins of the slots where the ranks
 * lie; a slot of the next pass is a bin of this one:
 *
 *	pass 1   |............................#.......#...............|   one slot: all keys
 *	pass 2                               /....#...\ /..#.....\        slots of ranks
 *
 *	state    | count | missing | NaN | bins of slot 0 | bins of slot 1 | ... | row | least | greatest |
 *	segment  |                         SUM                                   |     MIN     |    MAX   |
 *
 * row is the number of the row, which tells emit() where in the course its values are. least and greatest keys
 * of bins are there where bins have several keys: those of a bin are one key more often than not.
 *
 * Of many rows all values are kept, in one pass:
 *
 *	state    | count | missing | NaN | list |
 *	segment  |        SUM, 3         | LIST |
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/cells.h"
#include "kernel/list.h"
#include "kernel/order.h"
#include "kernel/tile.h"
#include "one_field.h"

#define MOST_QUANTILES 64
#define MOST_RANKS     (2 * MOST_QUANTILES)

/* Words of counters, of a row and of all. */
#define MOST_WORDS     (UINT64_C(1) << 18)
#define MOST_ALL_WORDS (UINT64_C(1) << 23)
#define LEAST_WORDS    (UINT64_C(1) << 12)
#define MOST_BITS      16
/* Up to so many bytes of lists, of all rows, are preferred to several passes. */
#define MOST_LISTS_NBYTES (UINT64_C(256) << 20)

enum { COUNT, MISSING, NANS, BINS };

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
struct course {
	uint64_t nslots; /* of the row that has most */
	uint64_t bits;	 /* of the number of a bin */
	uint64_t has_extremes;
	uint64_t is_begun; /* a pass is done */
};

struct quantiles {
	enum quern_dtype dtype;
	bool nan_missing, keeps_lists;
	size_t n; /* of quantiles */
	double q[MOST_QUANTILES];
	uint64_t nrows, most_in_row, most_words;
	size_t most; /* slots of a row */
	size_t course_nbytes;
	struct course *course; /* owned; what follows lies behind it */
	struct slot *slot;
	struct rank *rank;
};

static size_t count_bins(const struct quantiles *s)
{
	return (size_t)s->course->nslots << s->course->bits;
}

static size_t count_extremes(const struct quantiles *s)
{
	return s->course->has_extremes ? count_bins(s) : 0;
}

static int64_t *row_of(const struct quantiles *s, int64_t *state)
{
	return state + BINS + count_bins(s);
}

/* The number of significant bits. */
static unsigned width(uint64_t x)
{
	return x ? 64u - (unsigned)__builtin_clzll(x) : 0;
}

/* Keys of a bin, as a power of two. */
static unsigned bin_shift(const struct quantiles *s, const struct slot *slot)
{
	const unsigned bits = width(slot->top - slot->base);

	return bits > s->course->bits ? bits - (unsigned)s->course->bits : 0;
}

/* --- open --- */

static const struct quern_option quantiles_options[] = {
	{ "q", 0, QUERN_OPT_REALS, "Q,...", "0.25,0.5,0.75", 1, MOST_QUANTILES,
	  "which quantiles, from 0, the least value, to 1, the greatest; 0.5 is the median" },
	{ .name = NULL },
};

static enum quern_status check_quantiles(const struct quantiles *s, const struct quern_input *in)
{
	for (size_t i = 0; i < s->n; i++)
		if (!(s->q[i] >= 0 && s->q[i] <= 1))
			return quern_message_set(
				in->message, QUERN_ERR_USAGE,
				"--q %.9g: a quantile is a number from 0 to 1%s", s->q[i],
				s->q[i] > 1 && s->q[i] <= 100
					? "; a percentile is a hundred times as much"
					: "");
	return QUERN_OK;
}

static void quantiles_close(void *self)
{
	struct quantiles *s = self;

	free(s->course);
	free(s);
}

/* Of the number of a bin in the first pass. */
static unsigned first_bits(const struct quantiles *s)
{
	const uint64_t bits = qn_min_u64(qn_order_bits(s->dtype), MOST_BITS);

	return (unsigned)qn_min_u64(bits, width(s->most_words / 2) - 1);
}

/* One slot of each row, with all keys. */
static void begin(struct quantiles *s)
{
	const unsigned bits = qn_order_bits(s->dtype);
	const uint64_t top = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	s->course->nslots = 1;
	s->course->bits = first_bits(s);
	for (uint64_t r = 0; r < s->nrows; r++)
		s->slot[r * s->most] = (struct slot){ .base = 0, .top = top };
}

/* Few rows are counted, and those of which the lists would be too much. */
static void choose_way(struct quantiles *s)
{
	uint64_t nbytes;

	s->most_words = qn_min_u64(MOST_WORDS, MOST_ALL_WORDS / qn_max_u64(s->nrows, 1));
	if (!qn_mul(s->nrows, s->most_in_row, &nbytes) ||
	    !qn_mul(nbytes, qn_list_key_nbytes(s->dtype), &nbytes))
		nbytes = UINT64_MAX;
	s->keeps_lists = s->most_words < LEAST_WORDS ||
			 (s->nrows > 1 && nbytes <= MOST_LISTS_NBYTES);
}

static bool make_course(struct quantiles *s)
{
	const uint64_t nrows = s->keeps_lists ? 0 : s->nrows;

	s->most = 2 * s->n;
	s->course_nbytes = sizeof(*s->course) +
			   (size_t)nrows * s->most * (sizeof(*s->slot) + sizeof(*s->rank));
	s->course = qn_calloc(1, s->course_nbytes);
	if (!s->course)
		return false;
	s->slot = (struct slot *)(s->course + 1);
	s->rank = (struct rank *)(s->slot + nrows * s->most);
	return true;
}

static enum quern_status open_with(const struct quern_input *in, struct quantiles *s, void **self)
{
	enum quern_status st = check_quantiles(s, in);

	s->dtype = in->dtype;
	s->nan_missing = in->nan_missing;
	s->nrows = in->nrows;
	s->most_in_row = in->most_in_row;
	choose_way(s);
	if (!st && !make_course(s))
		st = quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	if (st) {
		quantiles_close(s);
		return st;
	}
	if (!s->keeps_lists)
		begin(s);
	*self = s;
	return QUERN_OK;
}

static enum quern_status quantiles_open(const struct quern_input *in, void **self)
{
	struct quantiles *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->n = quern_option_reals(in->options, "q", MOST_QUANTILES, s->q);
	return open_with(in, s, self);
}

static enum quern_status median_open(const struct quern_input *in, void **self)
{
	struct quantiles *s = qn_calloc(1, sizeof(*s));

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->n = 1;
	s->q[0] = 0.5;
	return open_with(in, s, self);
}

/* --- states --- */

static int quantiles_layout(const void *self, struct quern_segment *segments)
{
	const struct quantiles *s = self;

	if (s->keeps_lists) {
		segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = BINS };
		segments[1] =
			(struct quern_segment){ .op = QUERN_LIST,
						.nwords = qn_list_nwords(s->dtype, s->most_in_row),
						.dtype = s->dtype };
		return 2;
	}
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = BINS + count_bins(s) };
	segments[1] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 + count_extremes(s) };
	if (!s->course->has_extremes)
		return 2;
	segments[2] = (struct quern_segment){ .op = QUERN_MAX, .nwords = count_extremes(s) };
	return 3;
}

/* Counters of so many slots of keys of up to so many bits: choose_bins() for the worst of these. */
static uint64_t count_words(const struct quantiles *s, uint64_t nslots, unsigned widest)
{
	const uint64_t room = s->most_words / nslots;
	const uint64_t single = nslots << qn_min_u64(widest, width(room) - 1);
	const uint64_t with_extremes = 3 * nslots << (width(qn_max_u64(room / 3, 2)) - 1);

	return widest < width(room) ? single : qn_max_u64(single, with_extremes);
}

static size_t quantiles_most_words(const void *self)
{
	const struct quantiles *s = self;
	const unsigned first = s->keeps_lists ? 0 : first_bits(s);
	const unsigned left = qn_order_bits(s->dtype) - first;
	uint64_t most = UINT64_C(1) << first;

	if (s->keeps_lists)
		return 0;
	for (uint64_t n = 1; left && n <= s->most; n++)
		most = qn_max_u64(most, count_words(s, n, left));
	return (size_t)most + BINS + 1;
}

static size_t quantiles_most_values(const void *self)
{
	const struct quantiles *s = self;

	return s->n;
}

/* Rows that are taken at a time, and steps of them: values of a cache line are used while it is there. */
#define NROWS  16
#define NSTEPS 256

/* Steps of NROWS rows, each of which has its own one after the other. */
struct block {
	double values[NROWS][NSTEPS];
	uint64_t valid[NROWS][NSTEPS / 64], there[NROWS][NSTEPS / 64];
};

/* Keys of a tile, and the values of which they are. */
#define TILE_NBYTES (QUERN_TILE_NELEMS * (sizeof(uint64_t) + sizeof(double)))

static size_t quantiles_scratch(const void *self)
{
	(void)self;
	return TILE_NBYTES + sizeof(struct block);
}

/* The keys of the valid values that are no NaN; returns how many. */
static size_t find_keys(const struct quantiles *s, const struct quern_var *v, size_t n,
			void *scratch, uint64_t **keys)
{
	void *packed = (char *)scratch + QUERN_TILE_NELEMS * sizeof(uint64_t);

	*keys = scratch;
	if (!v->nmissing && !qn_order_keys(s->dtype, v->values, n, *keys))
		return n;
	n = qn_tile_pack(v, n, true, packed);
	qn_order_keys(s->dtype, packed, n, *keys);
	return n;
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
static void count_slot(const struct quantiles *s, const struct slot *slot, int64_t *bins,
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

static void count_keys(const struct quantiles *s, int64_t *state, uint64_t row,
		       const uint64_t *keys, size_t n)
{
	const struct slot *slot = &s->slot[row * s->most];
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

/* Adds values to the state of a row. */
static void absorb_var(const struct quantiles *s, int64_t *state, uint64_t row, void *scratch,
		       const struct quern_var *v, size_t nelems)
{
	uint64_t *keys;
	const size_t n = find_keys(s, v, nelems, scratch, &keys);
	const size_t nvalid = nelems - v->nmissing;

	state[COUNT] += (int64_t)nvalid;
	state[MISSING] += (int64_t)v->nmissing;
	state[NANS] += (int64_t)(nvalid - n);
	if (s->keeps_lists)
		qn_list_append(s->dtype, state + BINS, keys, n);
	else
		count_keys(s, state, row, keys, n);
}

static void quantiles_absorb(const void *self, int64_t *state, void *scratch,
			     const struct quern_tile *tile)
{
	absorb_var(self, state, tile->row, scratch, tile->var, tile->nelems);
}

/* --- rows side by side --- */

#define DEFINE_TURN(SIZE)                                                                       \
	static void turn_##SIZE(const unsigned char *from, size_t nrows, size_t nsteps,         \
				size_t stride, struct block *b)                                 \
	{                                                                                       \
		for (size_t s = 0; s < nsteps; s++, from += stride * SIZE)                      \
			for (size_t r = 0; r < nrows; r++)                                      \
				memcpy((char *)b->values[r] + s * SIZE, from + r * SIZE, SIZE); \
	}

DEFINE_TURN(1)
DEFINE_TURN(2)
DEFINE_TURN(4)
DEFINE_TURN(8)

typedef void turn_fn(const unsigned char *, size_t, size_t, size_t, struct block *);

static turn_fn *const turns[] = { [1] = turn_1, [2] = turn_2, [4] = turn_4, [8] = turn_8 };

static bool has_bit(const uint64_t *bits, uint64_t i)
{
	return !bits || (bits[i / 64] >> i % 64 & 1);
}

/* Bits of the elements of a row; returns how many are set. */
static size_t turn_bits(const uint64_t *from, uint64_t at, size_t nsteps, uint64_t stride,
			uint64_t *to)
{
	size_t n = 0;

	memset(to, 0, NSTEPS / 8);
	for (size_t s = 0; s < nsteps; s++, at += stride) {
		const bool is_set = has_bit(from, at);

		to[s / 64] |= (uint64_t)is_set << s % 64;
		n += is_set;
	}
	return n;
}

/* What is not there is neither valid nor missing. */
static void absorb_turned(const struct quantiles *q, struct block *b, size_t r, int64_t *state,
			  uint64_t row, void *scratch, const struct quern_tile *tile, uint64_t at,
			  size_t nsteps, uint64_t stride)
{
	struct quern_var v = { .dtype = q->dtype, .values = b->values[r] };
	size_t nthere = nsteps;

	if (tile->var->valid) {
		v.nmissing = nsteps - turn_bits(tile->var->valid, at, nsteps, stride, b->valid[r]);
		v.valid = v.nmissing ? b->valid[r] : NULL;
	}
	if (tile->there)
		nthere = turn_bits(tile->there, at, nsteps, stride, b->there[r]);
	absorb_var(q, state, row, scratch, &v, nsteps);
	state[MISSING] -= (int64_t)(nsteps - nthere);
}

static bool quantiles_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
				  const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct quantiles *q = self;
	const size_t size = qn_dtype_size(q->dtype);
	struct block *b = (struct block *)((char *)scratch + TILE_NBYTES);

	for (uint64_t step = 0, n; step < run->nsteps; step += n) {
		n = qn_min_u64(run->nsteps - step, NSTEPS);
		for (size_t i = 0, nrows; i < run->nelems; i += nrows) {
			const uint64_t first = run->first + step * run->stride + i;

			nrows = (size_t)qn_min_u64(run->nelems - i, NROWS);
			turns[size]((const unsigned char *)tile->var->values + first * size, nrows,
				    (size_t)n, (size_t)run->stride, b);
			for (size_t r = 0; r < nrows; r++)
				absorb_turned(q, b, r, qn_cells_state(cells, run->row + i + r),
					      cells->rows->first + run->row + i + r, scratch, tile,
					      first + r, (size_t)n, run->stride);
		}
	}
	return true;
}

static void quantiles_normalize(const void *self, int64_t *state)
{
	const struct quantiles *s = self;
	int64_t *list = state + BINS;

	if (!s->keeps_lists)
		return;
	qn_list_sort(s->dtype, list, s->most_in_row);
}

/* --- passes --- */

static uint64_t count_values(const int64_t *state)
{
	return (uint64_t)(state[COUNT] - state[NANS]);
}

/* The ranks of quantile q of n values, n > 0, and the weight of the second: 0 if there is but the first. */
static double find_ranks(double q, uint64_t n, uint64_t at[2])
{
	const double h = (double)(n - 1) * q, low = floor(h);

	at[0] = low >= (double)(n - 1) ? n - 1 : (uint64_t)low;
	at[1] = at[0] + 1 < n ? at[0] + 1 : at[0];
	return at[0] + 1 < n ? h - low : 0;
}

/* All ranks of a row, in its first slot. */
static void set_ranks(const struct quantiles *s, struct rank *rank, uint64_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t at[2] = { 0, 0 };

		if (n)
			find_ranks(s->q[i], n, at);
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
static struct slot find_bin(const struct quantiles *s, const struct slot *slot,
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

static void quantiles_review(void *self, uint64_t row, const int64_t *state)
{
	struct quantiles *s = self;
	struct slot *slot = &s->slot[row * s->most];
	struct rank *rank = &s->rank[row * s->most];
	struct slot next[MOST_RANKS];
	size_t n = 0;

	if (s->keeps_lists)
		return;
	if (!s->course->is_begun)
		set_ranks(s, rank, count_values(state));
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
static void choose_bins(struct quantiles *s, unsigned widest)
{
	struct course *c = s->course;
	const uint64_t room = s->most_words / qn_max_u64(c->nslots, 1);

	c->has_extremes = widest >= width(room);
	c->bits = c->has_extremes ? width(qn_max_u64(room / 3, 2)) - 1 : widest;
}

static bool quantiles_is_reviewed(const void *self)
{
	const struct quantiles *s = self;

	return !s->keeps_lists;
}

static bool quantiles_advance(void *self, const int64_t *state)
{
	struct quantiles *s = self;
	unsigned widest = 0;
	uint64_t nslots = 0;

	(void)state;
	if (s->keeps_lists)
		return false;
	s->course->is_begun = true;
	for (uint64_t r = 0; r < s->nrows; r++)
		for (size_t i = 0; i < s->most && is_used(&s->slot[r * s->most + i]); i++) {
			const struct slot *slot = &s->slot[r * s->most + i];

			nslots = qn_max_u64(nslots, i + 1);
			widest = (unsigned)qn_max_u64(widest, width(slot->top - slot->base));
		}
	if (!nslots) /* the states are still read by emit() */
		return false;
	s->course->nslots = nslots;
	choose_bins(s, widest);
	return true;
}

static void *quantiles_shared(void *self, size_t *nbytes)
{
	struct quantiles *s = self;

	*nbytes = s->course_nbytes;
	return s->course;
}

/* --- result --- */

static uint64_t find_key(const struct quantiles *s, const int64_t *state, size_t i, int k,
			 uint64_t at)
{
	const uint64_t row = (uint64_t)state[BINS + count_bins(s)];

	if (s->keeps_lists)
		return qn_list_key(s->dtype, state + BINS, at);
	return s->rank[row * s->most + 2 * i + (size_t)k].key;
}

/* Of a row that has values. */
static double find_quantile(const struct quantiles *s, const int64_t *state, size_t i)
{
	uint64_t at[2], key[2];
	double weight;

	if (state[NANS] && !s->nan_missing)
		return NAN;
	weight = find_ranks(s->q[i], count_values(state), at);
	for (int k = 0; k < 2; k++)
		key[k] = find_key(s, state, i, k, at[k]);
	return qn_order_between(s->dtype, key[0], key[1], weight);
}

static bool has_none(const struct quantiles *s, const int64_t *state)
{
	return s->nan_missing ? !count_values(state) : !state[COUNT];
}

static const char *const *quantiles_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing", "q", "values", NULL };

	(void)self;
	return fields;
}

static void quantiles_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct quantiles *s = self;
	const int64_t nan = s->nan_missing ? state[NANS] : 0;
	double values[MOST_QUANTILES];

	quern_result_int(r, "count", state[COUNT] - nan);
	quern_result_int(r, "missing", state[MISSING] + nan);
	quern_result_reals(r, "q", s->n, 0, s->q);
	if (has_none(s, state)) {
		quern_result_null(r, "values");
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		values[i] = find_quantile(s, state, i);
	quern_result_reals(r, "values", s->n, 0, values);
}

static void emit_median(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct quantiles *s = self;

	if (has_none(s, state))
		quern_result_null(r, "median");
	else
		quern_result_real(r, "median", find_quantile(s, state, 0));
}

#define QUANTILES_SLOTS                                                                           \
	.close = quantiles_close, .layout = quantiles_layout, .most_words = quantiles_most_words, \
	.most_values = quantiles_most_values, .scratch = quantiles_scratch,                       \
	.absorb = quantiles_absorb, .absorb_rows = quantiles_absorb_rows, .has_row_states = true, \
	.normalize = quantiles_normalize, .review = quantiles_review,                             \
	.is_reviewed = quantiles_is_reviewed, .advance = quantiles_advance,                       \
	.shared = quantiles_shared

QN_ONE_FIELD_KERNEL(median, "median", "exact median, and nothing else", .open = median_open,
		    QUANTILES_SLOTS);

const struct quern_kernel qn_kernel_quantiles = {
	.abi = QUERN_KERNEL_ABI,
	.name = "quantiles",
	.doc = "exact quantiles, by linear interpolation as numpy's",
	.options = quantiles_options,
	.repeats = true,
	.fields = quantiles_fields,
	.open = quantiles_open,
	.emit = quantiles_emit,
	QUANTILES_SLOTS,
};
