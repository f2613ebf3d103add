/*
 * histogram2d.c - counts of pairs of values in bins of both.
 *
 *	pass 1, where nobody says where bins are  | least x | least y | greatest x | greatest y |   keys of finite values
 *	                                  segment |      MIN, 2       |         MAX, 2          |
 *	pass 2 or only pass  | count | missing | slots, x by y, and their weights |
 *	             segment |                SUM                                 |
 *
 * Slots are those of x (bins.h) by those of y, so that pairs outside of the bins have a place too. Where no range is
 * given, that of each variable goes over the pairs of which it is finite. A pair of which one is NaN that is a value
 * counts, and is in no bin.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels/kernels.h"
#include "binned.h"

#define DEFAULT_NBINS 50
#define MOST_PLANE    (UINT64_C(1) << 24) /* bins of both: 128 MiB of counts */

enum { X, Y, NDIMS };
enum { LEAST, GREATEST = NDIMS };    /* words of pass 1, of x and of y */
enum { COUNT, MISSING, FIRST_SLOT }; /* words of pass 2 */

static const enum quern_role roles[NDIMS] = { QUERN_VALUE, QUERN_WITH };

struct plane {
	bool nan_missing, has_density;
	struct qn_bins bins[NDIMS];
	struct qn_slots slots;
	size_t shared_nbytes;
	char *shared; /* owned: the edges of x, then those of y */
};

static const struct quern_option options[] = {
	{ "bins", 0, QUERN_OPT_REALS, "N,M", NULL, 1, 2, "numbers of bins; 50,50 by default" },
	{ "range", 0, QUERN_OPT_REALS, "A,B,C,D", NULL, 4, 4,
	  "bins from A to B, of the others from C to D; by default from the least to the greatest "
	  "finite value" },
	{ "log", 0, QUERN_OPT_CHOICE, "x|y|xy", NULL, 0, 0,
	  "bins of equal ratio, above 0, of values, others, or both" },
	{ "edges", 0, QUERN_OPT_REALS, "E,E,...", NULL, 2, QN_MOST_BINS + 1,
	  "edges of the bins instead; also -inf and inf" },
	{ "with-edges", 0, QUERN_OPT_REALS, "E,E,...", NULL, 2, QN_MOST_BINS + 1,
	  "the same of the others" },
	{ "density", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "the density in each bin, too" },
	{ .name = NULL },
};

/* What is asked for. */
struct asked {
	size_t nbins[NDIMS];
	double *edges[NDIMS]; /* owned; NULL: none are given */
	bool is_log[NDIMS];
	bool has_range;
	double range[2 * NDIMS];
};

static void asked_fini(struct asked *a)
{
	for (int d = 0; d < NDIMS; d++)
		free(a->edges[d]);
}

/* --- open --- */

static enum quern_status read_bins(const struct quern_input *in, struct asked *a)
{
	double n[NDIMS];
	const size_t given = quern_option_reals(in->options, "bins", NDIMS, n);

	if (given == 1)
		n[Y] = n[X];
	for (int d = 0; d < NDIMS; d++) {
		a->nbins[d] = DEFAULT_NBINS;
		if (!given)
			continue;
		if (!(n[d] >= 1 && n[d] <= QN_MOST_BINS) || n[d] != floor(n[d]))
			return quern_message_set(
				in->message, QUERN_ERR_USAGE,
				"--bins: %.9g is not a number of bins from 1 to %d", n[d],
				QN_MOST_BINS);
		a->nbins[d] = (size_t)n[d];
	}
	return QUERN_OK;
}

/* Of one variable alone bins and their ratio can still be said, in one number and by its letter; a range cannot. */
static enum quern_status check_edges(const struct quern_input *in, const struct asked *a)
{
	double n[NDIMS];
	const bool both = a->edges[X] && a->edges[Y];

	for (int d = 0; d < NDIMS; d++)
		if (a->edges[d] && a->is_log[d])
			return quern_message_set(in->message, QUERN_ERR_USAGE,
						 "--%s says where bins are: leave --log out, or "
						 "give it for the other variable",
						 d ? "with-edges" : "edges");
	if ((a->edges[X] || a->edges[Y]) && a->has_range)
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--range goes with no edges: give the others by --%s too",
					 a->edges[X] ? "with-edges" : "edges");
	if (quern_option_reals(in->options, "bins", NDIMS, n) >= (both ? 1 : NDIMS) &&
	    (a->edges[X] || a->edges[Y]))
		return quern_message_set(
			in->message, QUERN_ERR_USAGE, "--bins: edges say how many bins there are%s",
			both ? "" : "; of the variable without edges one number does");
	return QUERN_OK;
}

static enum quern_status read_edges(const struct quern_input *in, struct asked *a)
{
	static const char *const names[] = { "edges", "with-edges" }, *const none[] = { NULL };
	enum quern_status st = QUERN_OK;

	for (int d = 0; !st && d < NDIMS; d++)
		st = qn_bins_read_edges(in, names[d], none, &a->edges[d], &a->nbins[d]);
	return st;
}

static enum quern_status read_range(const struct quern_input *in, struct asked *a)
{
	enum quern_status st = QUERN_OK;

	a->has_range = quern_option_reals(in->options, "range", 2 * NDIMS, a->range) > 0;
	for (int d = 0; !st && a->has_range && d < NDIMS; d++)
		st = qn_bins_check_range(in, "range", a->range + 2 * d, a->is_log[d]);
	return st;
}

static enum quern_status read_options(const struct quern_input *in, struct asked *a)
{
	const char *log = quern_option_string(in->options, "log");
	enum quern_status st;

	a->is_log[X] = log && *log == 'x';
	a->is_log[Y] = log && (*log == 'y' || log[1] == 'y');
	st = read_bins(in, a);
	if (!st)
		st = read_edges(in, a);
	if (!st)
		st = read_range(in, a);
	if (!st)
		st = check_edges(in, a);
	if (!st && a->nbins[X] * a->nbins[Y] > MOST_PLANE)
		st = quern_message_set(in->message, QUERN_ERR_USAGE,
				       "%zu by %zu bins are more than %d: use fewer", a->nbins[X],
				       a->nbins[Y], (int)MOST_PLANE);
	return st;
}

static void plane_close(void *self)
{
	struct plane *p = self;

	free(p->shared);
	free(p);
}

/* What bins are made of is behind the one before. */
static void set_bins(struct plane *p, const struct quern_input *in, const struct asked *a)
{
	const enum quern_dtype dtype[] = { in->dtype, in->role_dtype[QUERN_WITH] };
	char *at = p->shared;

	for (int d = 0; d < NDIMS; d++) {
		qn_bins_init(&p->bins[d], dtype[d], a->nbins[d], a->is_log[d], (void *)at);
		if (a->edges[d])
			qn_bins_set_edges(&p->bins[d], a->edges[d]);
		else if (a->has_range)
			qn_bins_set_range(&p->bins[d], a->range[2 * d], a->range[2 * d + 1]);
		at += qn_bins_nbytes(a->nbins[d]);
	}
}

static enum quern_status warn_of_range(const struct quern_input *in, const struct asked *a,
				       const struct plane *p)
{
	for (int d = 0; a->has_range && d < NDIMS; d++) {
		const double *range = a->range + 2 * d;

		if (range[0] == range[1])
			quern_message_set(in->message, QUERN_OK,
					  "--range: %g,%g are edges that are one number; the bins "
					  "go from %.9g to %.9g instead",
					  range[0], range[1], p->bins[d].edges[0],
					  p->bins[d].edges[a->nbins[d]]);
	}
	return QUERN_OK;
}

static enum quern_status plane_open(const struct quern_input *in, void **self)
{
	struct plane *p = qn_calloc(1, sizeof(*p));
	struct asked a = { .nbins = { 0 } };
	enum quern_status st = p ? read_options(in, &a) : QUERN_ERR_RUN;

	if (!st) {
		p->nan_missing = in->nan_missing;
		p->has_density = quern_option_flag(in->options, "density");
		p->shared_nbytes = qn_bins_nbytes(a.nbins[X]) + qn_bins_nbytes(a.nbins[Y]);
		qn_slots_init(&p->slots, (a.nbins[X] + 2) * (a.nbins[Y] + 2), in);
		p->shared = qn_calloc(1, p->shared_nbytes);
	}
	if (!p || (!st && !p->shared))
		st = quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	if (!st) {
		set_bins(p, in, &a);
		st = warn_of_range(in, &a, p);
		*self = p;
	} else if (p) {
		plane_close(p);
	}
	asked_fini(&a);
	return st;
}

/* --- states --- */

static bool is_set(const struct plane *p)
{
	return p->bins[X].at->is_set && p->bins[Y].at->is_set;
}

static int plane_layout(const void *self, struct quern_segment *segments)
{
	const struct plane *p = self;

	if (is_set(p))
		return qn_slots_segments(&p->slots, FIRST_SLOT, segments);
	segments[0] = (struct quern_segment){ .op = QUERN_MIN, .nwords = NDIMS };
	segments[1] = (struct quern_segment){ .op = QUERN_MAX, .nwords = NDIMS };
	return 2;
}

/* Of many rows the bins are the same. */
static bool plane_is_pooled(const void *self)
{
	return !is_set(self);
}

static size_t plane_most_words(const void *self)
{
	const struct plane *p = self;

	return FIRST_SLOT + qn_slots_nwords(&p->slots);
}

static unsigned roles_of(const struct plane *p)
{
	return QUERN_ROLE(QUERN_VALUE) | QUERN_ROLE(QUERN_WITH) |
	       (p->slots.has_weights ? QUERN_ROLE(QUERN_WEIGHT) : 0);
}

/* Packed values, then private counters. */
static size_t plane_scratch(const void *self)
{
	const struct plane *p = self;

	return QUERN_NROLES * QN_PACKED_NBYTES + qn_slots_scratch_nbytes(&p->slots);
}

static void absorb_extent(const struct plane *p, int64_t *state, void *scratch,
			  const struct quern_tile *tile)
{
	for (int d = 0; d < NDIMS; d++) {
		struct quern_var v = tile->var[roles[d]];

		v.valid = tile->var[QUERN_VALUE].valid;
		v.nmissing = tile->var[QUERN_VALUE].nmissing;
		if (!p->bins[d].at->is_set)
			qn_bins_extend(&p->bins[d], &v, tile->nelems, scratch, &state[LEAST + d],
				       &state[GREATEST + d]);
	}
}

static void find_slots(const struct plane *p, const struct qn_packed *packed, size_t first,
		       size_t n, uint32_t *slot)
{
	const uint32_t width = (uint32_t)p->bins[Y].nbins + 2;
	uint32_t other[QN_BINS_BLOCK];

	for (int d = 0; d < NDIMS; d++) {
		const char *values = packed->of[roles[d]];

		qn_bins_find(&p->bins[d], values + first * qn_dtype_size(p->bins[d].dtype), n,
			     d ? other : slot);
	}
	for (size_t i = 0; i < n; i++)
		slot[i] = slot[i] * width + other[i];
}

static void absorb_pairs(const struct plane *p, int64_t *words, void *counters,
			 const struct qn_packed *packed)
{
	uint32_t slot[QN_BINS_BLOCK];

	qn_slots_begin(&p->slots, counters);
	for (size_t i = 0; i < packed->n; i += QN_BINS_BLOCK) {
		const size_t n = qn_min_u64(packed->n - i, QN_BINS_BLOCK);

		find_slots(p, packed, i, n, slot);
		qn_slots_count(&p->slots, words, counters, slot, n);
		if (p->slots.has_weights)
			qn_slots_weigh(&p->slots, words, slot, packed->of[QUERN_WEIGHT], i, n);
	}
	qn_slots_end(&p->slots, words, counters);
}

static void plane_absorb(const void *self, int64_t *state, void *scratch,
			 const struct quern_tile *tile)
{
	const struct plane *p = self;
	struct qn_packed packed;
	size_t nmissing;

	if (!is_set(p)) {
		absorb_extent(p, state, scratch, tile);
		return;
	}
	qn_bins_pack(tile, roles_of(p), scratch, &packed);
	absorb_pairs(p, state + FIRST_SLOT, (char *)scratch + QUERN_NROLES * QN_PACKED_NBYTES,
		     &packed);
	nmissing = p->nan_missing ? tile->nelems - packed.n : tile->var->nmissing;
	state[COUNT] += (int64_t)(tile->nelems - nmissing);
	state[MISSING] += (int64_t)nmissing;
}

static void plane_normalize(const void *self, int64_t *state)
{
	const struct plane *p = self;

	if (is_set(p))
		qn_slots_normalize(&p->slots, state + FIRST_SLOT);
}

static bool plane_advance(void *self, const int64_t *state)
{
	struct plane *p = self;

	if (is_set(p))
		return false;
	for (int d = 0; d < NDIMS; d++)
		if (!p->bins[d].at->is_set)
			qn_bins_set_found(&p->bins[d], state[LEAST + d], state[GREATEST + d]);
	return true;
}

static void *plane_shared(void *self, size_t *nbytes)
{
	struct plane *p = self;

	*nbytes = p->shared_nbytes;
	return p->shared;
}

/* --- result --- */

static void plane_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct plane *p = self;
	const struct qn_binned binned = { .slots = &p->slots,
					  .words = state + FIRST_SLOT,
					  .ndims = NDIMS,
					  .bins = { &p->bins[X], &p->bins[Y] } };
	int64_t counted = 0;

	for (size_t s = 0; s < p->slots.n; s++)
		counted += state[FIRST_SLOT + s];
	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
	quern_result_reals(r, "x_edges", p->bins[X].nbins + 1, 0, p->bins[X].edges);
	quern_result_reals(r, "y_edges", p->bins[Y].nbins + 1, 0, p->bins[Y].edges);
	qn_binned_emit(&binned, p->has_density, r);
	quern_result_int(r, "outside", counted - (int64_t)qn_binned_total(&binned));
	quern_result_int(r, "nan", state[COUNT] - counted);
}

static const char *const *plane_fields(const void *self)
{
	static const char *const fields[4][10] = {
		{ "count", "missing", "x_edges", "y_edges", "counts", "outside", "nan" },
		{ "count", "missing", "x_edges", "y_edges", "counts", "density", "outside", "nan" },
		{ "count", "missing", "x_edges", "y_edges", "counts", "weights", "outside", "nan" },
		{ "count", "missing", "x_edges", "y_edges", "counts", "weights", "density",
		  "outside", "nan" },
	};
	const struct plane *p = self;

	return fields[2 * p->slots.has_weights + p->has_density];
}

const struct quern_kernel qn_kernel_histogram2d = {
	.abi = QUERN_KERNEL_ABI,
	.name = "histogram2d",
	.doc = "counts of pairs of values, each with another of its element, in bins of both",
	.options = options,
	.takes = QUERN_ROLE(QUERN_WITH) | QUERN_ROLE(QUERN_WEIGHT),
	.needs = QUERN_ROLE(QUERN_WITH),
	.repeats = true,
	.open = plane_open,
	.close = plane_close,
	.is_pooled = plane_is_pooled,
	.layout = plane_layout,
	.most_words = plane_most_words,
	.scratch = plane_scratch,
	.absorb = plane_absorb,
	.normalize = plane_normalize,
	.advance = plane_advance,
	.shared = plane_shared,
	.fields = plane_fields,
	.emit = plane_emit,
};
