/*
 * histogram.c - counts of values in bins.
 *
 *	pass 1, where nobody says where bins are  | least key | greatest key |   of the finite values
 *	                                  segment |  MIN, 1   |    MAX, 1    |
 *	pass 2 or only pass  | count | missing | slots below, bin 0 ... bin n-1, above, and their weights |
 *	             segment |                             SUM                                            |
 *
 * Infinities are below or above, as are the values outside of the bins; without a range these go from the least to
 * the greatest finite value (of 64-bit integers rounded outwards to doubles). NaN that is a value (not missing)
 * counts, and is in no bin: the result says how many there are.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels/kernels.h"
#include "bins.h"
#include "counts.h"
#include "binned.h"

#define DEFAULT_NBINS 50

enum { LEAST, GREATEST };	     /* words of pass 1 */
enum { COUNT, MISSING, FIRST_SLOT }; /* words of pass 2 */

struct histogram {
	bool nan_missing, has_density;
	struct qn_bins bins;
	struct qn_slots slots;
	size_t shared_nbytes;
	struct qn_bin_edges *shared; /* owned */
};

static const struct quern_option options[] = {
	{ "bins", 0, QUERN_OPT_INT, "N", NULL, 1, QN_MOST_BINS, "number of bins; 50 by default" },
	{ "range", 0, QUERN_OPT_REALS, "LO,HI", NULL, 2, 2,
	  "where the first bin begins and the last ends; by default the least and the greatest "
	  "finite value" },
	{ "log", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "bins of equal ratio, above 0" },
	{ "edges", 0, QUERN_OPT_REALS, "E,E,...", NULL, 2, QN_MOST_BINS + 1,
	  "edges of the bins instead; also -inf and inf" },
	{ "density", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "the density in each bin, too" },
	{ .name = NULL },
};

static enum quern_status set_range(struct histogram *h, const struct quern_input *in)
{
	double range[2];
	enum quern_status st;

	if (quern_option_reals(in->options, "range", 2, range) == 0)
		return QUERN_OK;
	st = qn_bins_check_range(in, "range", range, h->bins.is_log);
	if (st)
		return st;
	qn_bins_set_range(&h->bins, range[0], range[1]);
	if (range[0] == range[1])
		quern_message_set(
			in->message, QUERN_OK,
			"--range %g,%g: its edges are one number; the bins go from %.9g to "
			"%.9g instead%s",
			range[0], range[1], h->bins.edges[0], h->bins.edges[h->bins.nbins],
			h->bins.is_log ? "" : ", as those of numpy do");
	return QUERN_OK;
}

static void histogram_close(void *self)
{
	struct histogram *h = self;

	free(h->shared);
	free(h);
}

/* given: edges; NULL: there are none. */
static enum quern_status open_with(struct histogram *h, const struct quern_input *in, size_t nbins,
				   const double *given)
{
	h->nan_missing = in->nan_missing;
	h->has_density = quern_option_flag(in->options, "density");
	h->shared_nbytes = qn_bins_nbytes(nbins);
	h->shared = qn_calloc(1, h->shared_nbytes);
	if (!h->shared)
		return quern_message_set(in->message, QUERN_ERR_RUN,
					 "out of memory for %zu bins: use fewer", nbins);
	qn_bins_init(&h->bins, in->dtype, nbins, quern_option_flag(in->options, "log"), h->shared);
	qn_slots_init(&h->slots, nbins + 2, in);
	if (!given)
		return set_range(h, in);
	qn_bins_set_edges(&h->bins, given);
	return QUERN_OK;
}

static const char *const beside_edges[] = { "bins", "range", "log", NULL };

static enum quern_status histogram_open(const struct quern_input *in, void **self)
{
	struct histogram *h = qn_calloc(1, sizeof(*h));
	size_t nbins = (size_t)quern_option_int(in->options, "bins");
	double *given = NULL;
	enum quern_status st;

	if (!h)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	st = qn_bins_read_edges(in, "edges", beside_edges, &given, &nbins);
	if (!st)
		st = open_with(h, in, nbins ? nbins : DEFAULT_NBINS, given);
	free(given);
	if (st)
		histogram_close(h);
	else
		*self = h;
	return st;
}

static int histogram_layout(const void *self, struct quern_segment *segments)
{
	const struct histogram *h = self;

	if (h->bins.at->is_set)
		return qn_slots_segments(&h->slots, FIRST_SLOT, segments);
	segments[0] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 };
	segments[1] = (struct quern_segment){ .op = QUERN_MAX, .nwords = 1 };
	return 2;
}

/* Of many rows the bins are the same. */
static bool histogram_is_pooled(const void *self)
{
	const struct histogram *h = self;

	return !h->bins.at->is_set;
}

static size_t histogram_most_words(const void *self)
{
	const struct histogram *h = self;

	return FIRST_SLOT + qn_slots_nwords(&h->slots);
}

static unsigned roles_of(const struct histogram *h)
{
	return QUERN_ROLE(QUERN_VALUE) | (h->slots.has_weights ? QUERN_ROLE(QUERN_WEIGHT) : 0);
}

/* Packed values, then private counters. */
static size_t histogram_scratch(const void *self)
{
	const struct histogram *h = self;

	return QUERN_NROLES * QN_PACKED_NBYTES + qn_slots_scratch_nbytes(&h->slots);
}

static void absorb_slots(const struct histogram *h, int64_t *words, void *counters,
			 const struct qn_packed *p)
{
	const unsigned char *values = p->of[QUERN_VALUE];
	const size_t size = qn_dtype_size(h->bins.dtype);
	uint32_t slot[QN_BINS_BLOCK];

	qn_slots_begin(&h->slots, counters);
	for (size_t i = 0; i < p->n; i += QN_BINS_BLOCK) {
		const size_t n = qn_min_u64(p->n - i, QN_BINS_BLOCK);

		qn_bins_find(&h->bins, values + i * size, n, slot);
		qn_slots_count(&h->slots, words, counters, slot, n);
		if (h->slots.has_weights)
			qn_slots_weigh(&h->slots, words, slot, p->of[QUERN_WEIGHT], i, n);
	}
	qn_slots_end(&h->slots, words, counters);
}

static void histogram_absorb(const void *self, int64_t *state, void *scratch,
			     const struct quern_tile *tile)
{
	const struct histogram *h = self;
	struct qn_packed packed;
	size_t nmissing;

	if (!h->bins.at->is_set) {
		qn_bins_extend(&h->bins, tile->var, tile->nelems, scratch, &state[LEAST],
			       &state[GREATEST]);
		return;
	}
	qn_bins_pack(tile, roles_of(h), scratch, &packed);
	absorb_slots(h, state + FIRST_SLOT, (char *)scratch + QUERN_NROLES * QN_PACKED_NBYTES,
		     &packed);
	nmissing = h->nan_missing ? tile->nelems - packed.n : tile->var->nmissing;
	state[COUNT] += (int64_t)(tile->nelems - nmissing);
	state[MISSING] += (int64_t)nmissing;
}

static void histogram_normalize(const void *self, int64_t *state)
{
	const struct histogram *h = self;

	if (h->bins.at->is_set)
		qn_slots_normalize(&h->slots, state + FIRST_SLOT);
}

static bool histogram_advance(void *self, const int64_t *state)
{
	struct histogram *h = self;

	if (h->bins.at->is_set)
		return false;
	qn_bins_set_found(&h->bins, state[LEAST], state[GREATEST]);
	return true;
}

static void *histogram_shared(void *self, size_t *nbytes)
{
	struct histogram *h = self;

	*nbytes = h->shared_nbytes;
	return h->shared;
}

static void histogram_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct histogram *h = self;
	const size_t nbins = h->bins.nbins;
	const int64_t *slot = state + FIRST_SLOT;
	const struct qn_binned binned = {
		.slots = &h->slots, .words = slot, .ndims = 1, .bins = { &h->bins }
	};
	int64_t nan = state[COUNT];

	for (size_t s = 0; s < h->slots.n; s++)
		nan -= slot[s];
	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
	quern_result_reals(r, "edges", nbins + 1, 0, h->bins.edges);
	qn_binned_emit(&binned, h->has_density, r);
	quern_result_int(r, "below", slot[0]);
	quern_result_int(r, "above", slot[nbins + 1]);
	quern_result_int(r, "nan", nan);
}

static const char *const *histogram_fields(const void *self)
{
	static const char *const fields[4][10] = {
		{ "count", "missing", "edges", "counts", "below", "above", "nan" },
		{ "count", "missing", "edges", "counts", "density", "below", "above", "nan" },
		{ "count", "missing", "edges", "counts", "weights", "below", "above", "nan" },
		{ "count", "missing", "edges", "counts", "weights", "density", "below", "above",
		  "nan" },
	};
	const struct histogram *h = self;

	return fields[2 * h->slots.has_weights + h->has_density];
}

const struct quern_kernel qn_kernel_histogram = {
	.abi = QUERN_KERNEL_ABI,
	.name = "histogram",
	.doc = "counts of values in bins, and below and above them",
	.options = options,
	.takes = QUERN_ROLE(QUERN_WEIGHT),
	.repeats = true,
	.open = histogram_open,
	.close = histogram_close,
	.is_pooled = histogram_is_pooled,
	.layout = histogram_layout,
	.most_words = histogram_most_words,
	.scratch = histogram_scratch,
	.absorb = histogram_absorb,
	.normalize = histogram_normalize,
	.advance = histogram_advance,
	.shared = histogram_shared,
	.fields = histogram_fields,
	.emit = histogram_emit,
};
