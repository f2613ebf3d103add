/*
 * bins.c - which bin a value is in.
 */
#include "bins.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/isa.h"
#include "base/mem.h"
#include "kernel/tile.h"
#include "ratio.h"

static qn_bins_guess_fn *const guesses[] = QN_ISA_TABLE(qn_histogram_guess);
static qn_convert_fn *const converts[] = QN_ISA_TABLE(qn_convert_to_double);

size_t qn_bins_nbytes(size_t nbins)
{
	return sizeof(struct qn_bin_edges) + (2 * nbins + 4) * sizeof(double);
}

void qn_bins_init(struct qn_bins *b, enum quern_dtype dtype, size_t nbins, bool is_log,
		  struct qn_bin_edges *at)
{
	*b = (struct qn_bins){ .dtype = dtype,
			       .is_log = is_log,
			       .nbins = nbins,
			       .convert = converts[qn_cpu_level()],
			       .guess = guesses[qn_cpu_level()],
			       .at = at,
			       .edges = at->from + nbins + 3 };
}

/* --- edges --- */

/* Edge i of numpy.linspace(lo, hi, nbins + 1). */
static double linear_edge(size_t i, double nbins, double lo, double hi)
{
	const double delta = hi - lo;

	if (!isfinite(delta)) /* numpy gives none */
		return lo * (1 - (double)i / nbins) + hi * ((double)i / nbins);
	if (delta / nbins == 0)
		return (double)i / nbins * delta + lo;
	return (double)i * (delta / nbins) + lo;
}

static void make_edges(struct qn_bins *b, double lo, double hi)
{
	const struct qn_ratio ratio = b->is_log ? qn_ratio_of(lo, hi)
						: (struct qn_ratio){ .span = { 0, 0 } };

	for (size_t i = 1; i < b->nbins; i++)
		b->edges[i] = b->is_log ? qn_ratio_at(&ratio, i, b->nbins)
					: linear_edge(i, (double)b->nbins, lo, hi);
	b->edges[0] = lo;
	b->edges[b->nbins] = hi;
}

static void set_slots(struct qn_bins *b)
{
	double *from = b->at->from;
	const double last = b->edges[b->nbins];

	from[0] = -INFINITY;
	memcpy(from + 1, b->edges, b->nbins * sizeof(*from));
	from[b->nbins + 1] = isinf(last) ? NAN : nextafter(last, INFINITY);
	from[b->nbins + 2] = NAN;
}

/* The greatest slot from lo on that begins at x or below, below hi. */
#define DEFINE_BISECT(NAME, TYPE, AT_LEAST)                                         \
	static uint32_t NAME(const struct qn_bins *b, TYPE x, size_t lo, size_t hi) \
	{                                                                           \
		const double *from = b->at->from;                                   \
                                                                                    \
		while (hi - lo > 1) {                                               \
			size_t mid = lo + (hi - lo) / 2;                            \
                                                                                    \
			if (AT_LEAST(x, from[mid]))                                 \
				lo = mid;                                           \
			else                                                        \
				hi = mid;                                           \
		}                                                                   \
		return (uint32_t)lo;                                                \
	}

static inline bool double_at_least(double x, double e)
{
	return x >= e;
}

/* x >= e is x >= ceil(e) for an integer x; outside the range of its type the answer is known. */
static inline bool int_at_least(int64_t x, double e)
{
	if (e <= -0x1p63 || !(e < 0x1p63))
		return e < 0;
	return x >= (int64_t)ceil(e);
}

static inline bool uint_at_least(uint64_t x, double e)
{
	if (e <= 0 || !(e < 0x1p64))
		return e <= 0;
	return x >= (uint64_t)ceil(e);
}

DEFINE_BISECT(slot_of_double, double, double_at_least)
DEFINE_BISECT(slot_of_int, int64_t, int_at_least)
DEFINE_BISECT(slot_of_uint, uint64_t, uint_at_least)

/* --- cells, where bins are not of one width --- */

/* The key of a finite number; -0 is as 0. */
static inline int64_t key_of(double x)
{
	int64_t bits;

	x += 0.0;
	memcpy(&bits, &x, sizeof(bits));
	return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static double clamp(double x)
{
	return fmin(fmax(x, -DBL_MAX), DBL_MAX);
}

/* Cells of keys between the first edge and the last. */
static void set_cells(struct qn_bins *b)
{
	struct qn_bin_edges *at = b->at;
	const int64_t first = key_of(clamp(b->edges[0])), last = key_of(clamp(b->edges[b->nbins]));
	const uint64_t span = (uint64_t)last - (uint64_t)first;

	at->first_key = first;
	at->cell_shift = 0;
	while (span >> at->cell_shift >= QN_BINS_NCELLS)
		at->cell_shift++;
	for (uint64_t c = 0; c <= QN_BINS_NCELLS; c++) {
		const uint64_t distance = qn_min_u64(c << at->cell_shift, span);
		const double x = qn_key_to_double((int64_t)((uint64_t)first + distance));

		at->cell[c] = slot_of_double(b, x, 0, b->nbins + 2);
	}
}

static uint32_t slot_by_cell(const struct qn_bins *b, double x)
{
	const struct qn_bin_edges *at = b->at;
	const double *from = at->from;
	uint64_t c;

	if (!(x >= from[1]))
		return 0;
	if (x >= from[b->nbins + 1])
		return (uint32_t)b->nbins + 1;
	if (isinf(x))
		return slot_of_double(b, x, 0, b->nbins + 2);
	c = ((uint64_t)key_of(x) - (uint64_t)at->first_key) >> at->cell_shift;
	return slot_of_double(b, x, at->cell[c], (size_t)at->cell[c + 1] + 1);
}

void qn_bins_set_range(struct qn_bins *b, double lo, double hi)
{
	struct qn_bin_edges *at = b->at;
	double width, largest;

	if (lo == hi && b->is_log) {
		lo = lo / 2 > 0 ? lo / 2 : lo;
		hi = fmin(hi * 2, DBL_MAX);
	} else if (lo == hi) { /* half a unit, or what is needed for edges that differ */
		double pad = fmax(0.5, fabs(lo) * 0x1p-50);

		lo = fmax(lo - pad, -DBL_MAX);
		hi = fmin(hi + pad, DBL_MAX);
	}
	at->is_set = true;
	make_edges(b, lo, hi);
	set_slots(b);
	/* The rounding of edges and guesses is some 2^-51 of the largest number involved: under
	   this condition 2^-21 of a bin, well below the doubt that is allowed for. */
	width = (hi - lo) / (double)b->nbins;
	largest = fmax(fabs(lo), fabs(hi));
	at->per_width = (double)b->nbins / (hi - lo);
	at->guess_is_near = !b->is_log && isfinite(hi - lo) && isnormal(at->per_width) &&
			    width > largest * 0x1p-30;
	if (!at->guess_is_near)
		set_cells(b);
}

void qn_bins_set_edges(struct qn_bins *b, const double *edges)
{
	b->at->is_set = true;
	b->at->guess_is_near = false;
	memcpy(b->edges, edges, (b->nbins + 1) * sizeof(*edges));
	set_slots(b);
	set_cells(b);
}

/* --- slots --- */

/* Slots of values without NaN: guessed, and put right by the edges on both sides of the guess if
   any is so near to an edge that the guess may be one off. */
static void find_near(const struct qn_bins *b, const double *x, size_t n, uint32_t *slot)
{
	const struct qn_histogram_scale scale = { b->edges[0], b->at->per_width,
						  (double)(b->nbins + 1) };
	const double *from = b->at->from;

	if (!b->guess(&scale, x, n, slot))
		return;
	for (size_t i = 0; i < n; i++) {
		uint32_t s = slot[i];

		slot[i] = s + (x[i] >= from[s + 1]) - (x[i] < from[s]);
	}
}

/* Slots of 64-bit integers of which one is not exact as a double. */
static void find_wide(const struct qn_bins *b, const unsigned char *values, size_t n,
		      uint32_t *slot)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t x;

		memcpy(&x, values + i * sizeof(x), sizeof(x));
		slot[i] = b->dtype == QUERN_I64 ? slot_of_int(b, (int64_t)x, 0, b->nbins + 2)
						: slot_of_uint(b, x, 0, b->nbins + 2);
	}
}

static bool all_exact(const double *x, size_t n)
{
	bool exact = true;

	for (size_t i = 0; i < n; i++)
		exact &= fabs(x[i]) < 0x1p53;
	return exact;
}

void qn_bins_find(const struct qn_bins *b, const void *values, size_t n, uint32_t *slot)
{
	double x[QN_BINS_BLOCK];

	b->convert(b->dtype, values, n, x);
	if ((b->dtype == QUERN_I64 || b->dtype == QUERN_U64) && !all_exact(x, n)) {
		find_wide(b, values, n, slot);
	} else if (b->at->guess_is_near) {
		find_near(b, x, n, slot);
	} else {
		for (size_t i = 0; i < n; i++)
			slot[i] = slot_by_cell(b, x[i]);
	}
}
