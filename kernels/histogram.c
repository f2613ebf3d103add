/*
 * histogram.c - counts of values in bins of equal width.
 *
 *	pass 1, without --range  | least key | greatest key |   of the finite values
 *	                 segment |  MIN, 1   |    MAX, 1    |
 *	pass 2 or only pass      | count | missing | below | bin 0 ... bin n-1 | above |
 *	                 segment |                SUM, n + 4                          |
 *
 * The edges are those of numpy.linspace in double precision, and the bins those of numpy.histogram:
 * half open, except the last, which holds its upper edge too. Bins are decided by comparing values
 * with edges, exactly, for 64-bit integers too; arithmetic only guesses which edges to look at.
 *
 * Infinities are below or above, as are the values outside --range; without --range it goes from
 * the least to the greatest finite value (of 64-bit integers rounded outwards to doubles), and from 0
 * to 1 when there is none. Where both ends are equal, of a given range too, it goes by half a unit
 * further on both sides. NaN that
 * is a value (not missing) counts, and is in no bin: the result says how many there are.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/mem.h"
#include "kernel/tile.h"
#include "kernel/convert_simd.h"
#include "histogram_simd.h"
#include "kernels.h"
#include "minmax_simd.h"

#define MAX_NBINS 1048576 /* 8 MiB of state */
/* Up to so many bins a tile is counted in four sets of 32-bit counters, so that equal values next
   to each other do not wait for the store of the count before. 4 KiB to clear and add up a tile. */
#define NSETS		  4
#define MAX_PRIVATE_NBINS 254
/* Values at a time: their doubles and slots stay in the cache of level 1. */
#define BLOCK 256

enum { LEAST, GREATEST };	     /* words of pass 1 */
enum { COUNT, MISSING, FIRST_SLOT }; /* words of pass 2; slot 0 is `below` */

typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);

typedef bool guess_fn(const struct qn_histogram_scale *, const double *, size_t, uint32_t *);

static guess_fn *const guesses[] = QN_ISA_TABLE(qn_histogram_guess);
static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);
static qn_convert_fn *const converts[] = QN_ISA_TABLE(qn_convert_to_double);

/* Sent from rank 0 after pass 1. */
struct bins {
	int64_t has_range;
	double lo, hi;
	double per_width;      /* bins per unit: 1 / width */
	int64_t guess_is_near; /* a guess by per_width is wrong only in doubt, by one slot */
	/* Slot s holds the values x with from[s] <= x < from[s + 1]. Slot 0 is below, s > 0 is bin
	   s - 1, slot nbins + 1 is above. from[0] is -inf; from[nbins + 1] the first double after
	   the last edge; from[nbins + 2] is NaN, with which no comparison holds. */
	double from[];
};

struct histogram {
	enum quern_dtype dtype;
	bool nan_missing;
	size_t nbins;
	scan_fn *scan;
	qn_convert_fn *convert;
	guess_fn *guess;
	size_t shared_nbytes;
	struct bins *bins; /* owned */
	double *edges;	   /* nbins + 1, behind bins->from */
};

static const struct quern_option options[] = {
	{ "bins", 0, QUERN_OPT_INT, "N", "50", 1, MAX_NBINS, "number of bins of equal width" },
	{ "range", 0, QUERN_OPT_REALS, "LO,HI", NULL, 2, 2,
	  "lower edge of the first bin and upper edge of the last; by default the least and the "
	  "greatest finite value, which takes a pass of its own" },
	{ .name = NULL },
};

/* Edge i of numpy.linspace(lo, hi, nbins + 1). */
static double edge(const struct histogram *h, size_t i)
{
	const double lo = h->bins->lo, hi = h->bins->hi;
	const double nbins = (double)h->nbins, delta = hi - lo;

	if (i == h->nbins)
		return hi;
	if (!isfinite(delta)) /* numpy gives none */
		return lo * (1 - (double)i / nbins) + hi * ((double)i / nbins);
	if (delta / nbins == 0)
		return (double)i / nbins * delta + lo;
	return (double)i * (delta / nbins) + lo;
}

static void set_range(struct histogram *h, double lo, double hi)
{
	struct bins *b = h->bins;
	double width, largest;

	if (lo == hi) { /* half a unit, or what is needed for edges that differ */
		double pad = fmax(0.5, fabs(lo) * 0x1p-50);

		lo = fmax(lo - pad, -DBL_MAX);
		hi = fmin(hi + pad, DBL_MAX);
	}
	b->lo = lo;
	b->hi = hi;
	b->has_range = true;
	b->from[0] = -INFINITY;
	for (size_t i = 0; i <= h->nbins; i++)
		h->edges[i] = b->from[i + 1] = edge(h, i);
	b->from[h->nbins + 1] = nextafter(hi, INFINITY);
	b->from[h->nbins + 2] = NAN;
	/* The rounding of edges and guesses is some 2^-51 of the largest number involved: under
	   this condition 2^-21 of a bin, well below the doubt that is allowed for. */
	width = (hi - lo) / (double)h->nbins;
	largest = fmax(fabs(lo), fabs(hi));
	b->per_width = (double)h->nbins / (hi - lo);
	b->guess_is_near = isfinite(hi - lo) && isnormal(b->per_width) && width > largest * 0x1p-30;
}

static enum quern_status read_range(struct histogram *h, const struct quern_input *in)
{
	double range[2];

	if (quern_option_reals(in->options, "range", 2, range) == 0)
		return QUERN_OK;
	if (!isfinite(range[0]) || !isfinite(range[1]) || range[0] > range[1])
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--range %g,%g: give two finite numbers, the lower first",
					 range[0], range[1]);
	set_range(h, range[0], range[1]);
	if (range[0] == range[1])
		quern_message_set(
			in->message, QUERN_OK,
			"--range %g,%g: its edges are one number; the bins go from %.9g to "
			"%.9g instead, as those of numpy do",
			range[0], range[1], h->bins->lo, h->bins->hi);
	return QUERN_OK;
}

static void histogram_close(void *self)
{
	struct histogram *h = self;

	free(h->bins);
	free(h);
}

static enum quern_status histogram_open(const struct quern_input *in, void **self)
{
	struct histogram *h = qn_calloc(1, sizeof(*h));
	enum quern_status status;

	if (!h)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	h->dtype = in->dtype;
	h->nan_missing = in->nan_missing;
	h->nbins = (size_t)quern_option_int(in->options, "bins");
	h->scan = scans[qn_cpu_level()];
	h->guess = guesses[qn_cpu_level()];
	h->convert = converts[qn_cpu_level()];
	h->shared_nbytes = sizeof(*h->bins) + (2 * h->nbins + 4) * sizeof(h->bins->from[0]);
	h->bins = qn_calloc(1, h->shared_nbytes);
	if (!h->bins) {
		status = quern_message_set(in->message, QUERN_ERR_RUN,
					   "out of memory for %zu bins: use fewer", h->nbins);
		goto close;
	}
	h->edges = h->bins->from + h->nbins + 3;
	status = read_range(h, in);
	if (status)
		goto close;
	*self = h;
	return QUERN_OK;
close:
	histogram_close(h);
	return status;
}

static int histogram_layout(const void *self, struct quern_segment *segments)
{
	const struct histogram *h = self;

	if (h->bins->has_range) {
		segments[0] = (struct quern_segment){ .op = QUERN_SUM,
						      .nwords = FIRST_SLOT + h->nbins + 2 };
		return 1;
	}
	segments[0] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 };
	segments[1] = (struct quern_segment){ .op = QUERN_MAX, .nwords = 1 };
	return 2;
}

/* Of many rows the bins are the same. */
static bool histogram_is_pooled(const void *self)
{
	const struct histogram *h = self;

	return !h->bins->has_range;
}

static size_t histogram_most_words(const void *self)
{
	const struct histogram *h = self;

	return FIRST_SLOT + h->nbins + 2;
}

static bool counts_privately(const struct histogram *h)
{
	return h->nbins <= MAX_PRIVATE_NBINS;
}

/* A packed tile, then the private counters. */
static size_t histogram_scratch(const void *self)
{
	const struct histogram *h = self;
	size_t nbytes = QUERN_TILE_NELEMS * qn_dtype_size(h->dtype);

	if (counts_privately(h))
		nbytes += NSETS * (h->nbins + 2) * sizeof(uint32_t);
	return nbytes;
}

/* Leaves only the finite among n packed floating-point values; returns how many. */
static size_t drop_infinities(enum quern_dtype t, void *values, size_t n)
{
	float *f = values;
	double *d = values;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (t == QUERN_F32 && isfinite(f[i]))
			f[k++] = f[i];
		else if (t == QUERN_F64 && isfinite(d[i]))
			d[k++] = d[i];
	}
	return k;
}

static bool all_finite(enum quern_dtype t, const struct qn_minmax_keys *k)
{
	return !qn_dtype_is_float(t) || (k->max < qn_minmax_inf(t) && k->min > ~qn_minmax_inf(t));
}

/* The extremes of the finite values of a tile; false if there are none. */
static bool find_extremes(const struct histogram *h, const struct quern_tile *tile, void *packed,
			  struct qn_minmax_keys *k)
{
	size_t n;

	if (tile->var->nmissing == 0) {
		h->scan(h->dtype, tile->var->values, tile->nelems, k);
		if (all_finite(h->dtype, k))
			return true;
	}
	n = qn_tile_pack(tile->var, tile->nelems, true, packed);
	if (n == 0)
		return false;
	h->scan(h->dtype, packed, n, k);
	if (all_finite(h->dtype, k))
		return true;
	n = drop_infinities(h->dtype, packed, n);
	if (n > 0)
		h->scan(h->dtype, packed, n, k);
	return n > 0;
}

/* Pass 1. */
static void absorb_range(const struct histogram *h, int64_t *state, const struct quern_tile *tile,
			 void *packed)
{
	struct qn_minmax_keys k;

	if (!find_extremes(h, tile, packed, &k))
		return;
	if (k.min < state[LEAST])
		state[LEAST] = k.min;
	if (k.max > state[GREATEST])
		state[GREATEST] = k.max;
}

/* The slot of a value, by bisection; AT_LEAST(x, e) says whether x >= e. */
#define DEFINE_BISECT(NAME, TYPE, AT_LEAST)                     \
	static uint32_t NAME(const struct histogram *h, TYPE x) \
	{                                                       \
		size_t lo = 0, hi = h->nbins + 2;               \
                                                                \
		while (hi - lo > 1) {                           \
			size_t mid = lo + (hi - lo) / 2;        \
                                                                \
			if (AT_LEAST(x, h->bins->from[mid]))    \
				lo = mid;                       \
			else                                    \
				hi = mid;                       \
		}                                               \
		return (uint32_t)lo;                            \
	}

static inline bool double_at_least(double x, double e)
{
	return x >= e;
}

/* x >= e is x >= ceil(e) for an integer x; outside the range of its type the answer is known. */
static inline bool int_at_least(int64_t x, double e)
{
	if (e <= -0x1p63 || e >= 0x1p63)
		return e < 0;
	return x >= (int64_t)ceil(e);
}

static inline bool uint_at_least(uint64_t x, double e)
{
	if (e <= 0 || e >= 0x1p64)
		return e <= 0;
	return x >= (uint64_t)ceil(e);
}

DEFINE_BISECT(slot_of_double, double, double_at_least)
DEFINE_BISECT(slot_of_int, int64_t, int_at_least)
DEFINE_BISECT(slot_of_uint, uint64_t, uint_at_least)

/* Slots of values without NaN: guessed, and put right by the edges on both sides of the guess if
   any is so near to an edge that the guess may be one off. */
static void find_near_slots(const struct histogram *h, const double *x, size_t n, uint32_t *slot)
{
	const struct qn_histogram_scale scale = { h->bins->lo, h->bins->per_width,
						  (double)(h->nbins + 1) };
	const double *from = h->bins->from;

	if (!h->guess(&scale, x, n, slot))
		return;
	for (size_t i = 0; i < n; i++) {
		uint32_t s = slot[i];

		slot[i] = s + (x[i] >= from[s + 1]) - (x[i] < from[s]);
	}
}

/* Slots of 64-bit integers of which one is not exact as a double. */
static void find_wide_slots(const struct histogram *h, const unsigned char *values, size_t n,
			    uint32_t *slot)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t x;

		memcpy(&x, values + i * sizeof(x), sizeof(x));
		slot[i] = h->dtype == QUERN_I64 ? slot_of_int(h, (int64_t)x) : slot_of_uint(h, x);
	}
}

static bool all_exact(const double *x, size_t n)
{
	bool exact = true;

	for (size_t i = 0; i < n; i++)
		exact &= fabs(x[i]) < 0x1p53;
	return exact;
}

static void find_slots(const struct histogram *h, const unsigned char *values, size_t n,
		       uint32_t *slot)
{
	double x[BLOCK];

	h->convert(h->dtype, values, n, x);
	if ((h->dtype == QUERN_I64 || h->dtype == QUERN_U64) && !all_exact(x, n)) {
		find_wide_slots(h, values, n, slot);
	} else if (h->bins->guess_is_near) {
		find_near_slots(h, x, n, slot);
	} else {
		for (size_t i = 0; i < n; i++)
			slot[i] = slot_of_double(h, x[i]);
	}
}

static void count_privately(uint32_t *counter, size_t nslots, const uint32_t *slot, size_t n)
{
	size_t i = 0;

	for (; i + NSETS <= n; i += NSETS) {
		counter[slot[i]]++;
		counter[nslots + slot[i + 1]]++;
		counter[2 * nslots + slot[i + 2]]++;
		counter[3 * nslots + slot[i + 3]]++;
	}
	for (; i < n; i++)
		counter[slot[i]]++;
}

static void absorb_slots(const struct histogram *h, int64_t *count, uint32_t *counter,
			 const unsigned char *values, size_t n)
{
	const size_t nslots = h->nbins + 2, size = qn_dtype_size(h->dtype);
	uint32_t slot[BLOCK];

	for (size_t i = 0; i < n; i += BLOCK) {
		size_t nblock = n - i < BLOCK ? n - i : BLOCK;

		find_slots(h, values + i * size, nblock, slot);
		if (counter) {
			count_privately(counter, nslots, slot, nblock);
			continue;
		}
		for (size_t k = 0; k < nblock; k++)
			count[slot[k]]++;
	}
}

static void absorb_counts(const struct histogram *h, int64_t *count, uint32_t *counter,
			  const unsigned char *values, size_t n)
{
	const size_t nslots = h->nbins + 2;

	memset(counter, 0, NSETS * nslots * sizeof(*counter));
	absorb_slots(h, count, counter, values, n);
	for (size_t s = 0; s < nslots; s++)
		for (size_t k = 0; k < NSETS; k++)
			count[s] += counter[k * nslots + s];
}

static void histogram_absorb(const void *self, int64_t *state, void *scratch,
			     const struct quern_tile *tile)
{
	const struct histogram *h = self;
	const size_t packed_nbytes = QUERN_TILE_NELEMS * qn_dtype_size(h->dtype);
	size_t n, nmissing;

	if (!h->bins->has_range) {
		absorb_range(h, state, tile, scratch);
		return;
	}
	n = qn_tile_pack(tile->var, tile->nelems, true, scratch);
	nmissing = h->nan_missing ? tile->nelems - n : tile->var->nmissing;
	state[COUNT] += (int64_t)(tile->nelems - nmissing);
	state[MISSING] += (int64_t)nmissing;
	if (counts_privately(h))
		absorb_counts(h, state + FIRST_SLOT, (void *)((char *)scratch + packed_nbytes),
			      scratch, n);
	else
		absorb_slots(h, state + FIRST_SLOT, NULL, scratch, n);
}

/* How a 64-bit integer compares with its own value rounded to double: -1, 0 or 1. */
static int compare_rounded(enum quern_dtype t, int64_t key, double rounded)
{
	uint64_t u = qn_key_to_uint(key);

	if (t == QUERN_I64)
		return int_at_least(key, rounded) ? key != (int64_t)rounded : -1;
	return uint_at_least(u, rounded) ? u != (uint64_t)rounded : -1;
}

/* The value of a key of pass 1, rounded in the direction of `towards`, an infinity. */
static double value_of_key(enum quern_dtype t, int64_t key, double towards)
{
	uint64_t bits = qn_minmax_bits(t, key);
	uint32_t bits32 = (uint32_t)bits;
	double x = (double)key;
	float f;
	int side;

	memcpy(&f, &bits32, sizeof(f));
	if (t == QUERN_F32)
		return f;
	if (t == QUERN_F64)
		return qn_key_to_double(key);
	if (t != QUERN_I64 && t != QUERN_U64)
		return x;
	if (t == QUERN_U64)
		x = (double)bits;
	side = compare_rounded(t, key, x);
	return (side > 0 && towards > 0) || (side < 0 && towards < 0) ? nextafter(x, towards) : x;
}

static bool histogram_advance(void *self, const int64_t *state)
{
	struct histogram *h = self;

	if (h->bins->has_range)
		return false;
	if (state[LEAST] > state[GREATEST])
		set_range(h, 0, 1);
	else
		set_range(h, value_of_key(h->dtype, state[LEAST], -INFINITY),
			  value_of_key(h->dtype, state[GREATEST], INFINITY));
	return true;
}

static void *histogram_shared(void *self, size_t *nbytes)
{
	struct histogram *h = self;

	*nbytes = h->shared_nbytes;
	return h->bins;
}

static void histogram_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct histogram *h = self;
	const int64_t *slot = state + FIRST_SLOT;
	int64_t nan = state[COUNT];

	for (size_t s = 0; s < h->nbins + 2; s++)
		nan -= slot[s];
	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
	quern_result_reals(r, "edges", h->nbins + 1, 0, h->edges);
	quern_result_ints(r, "counts", h->nbins, 0, slot + 1);
	quern_result_int(r, "below", slot[0]);
	quern_result_int(r, "above", slot[h->nbins + 1]);
	quern_result_int(r, "nan", nan);
}

static const char *const *histogram_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing", "edges", "counts",
					      "below", "above",	  "nan",   NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_histogram = {
	.abi = QUERN_KERNEL_ABI,
	.name = "histogram",
	.doc = "counts of values in bins of equal width, and below and above them",
	.options = options,
	.repeats = true,
	.open = histogram_open,
	.close = histogram_close,
	.is_pooled = histogram_is_pooled,
	.layout = histogram_layout,
	.most_words = histogram_most_words,
	.scratch = histogram_scratch,
	.absorb = histogram_absorb,
	.advance = histogram_advance,
	.shared = histogram_shared,
	.fields = histogram_fields,
	.emit = histogram_emit,
};
