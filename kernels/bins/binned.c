/*
 * binned.c - options, tiles and results of counts in bins.
 */
#include "binned.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "exact/density.h"
#include "kernel/tile.h"

/* --- options --- */

/* The first of them that is given, or NULL. */
static const char *find_given(const struct quern_options *o, const char *const *names)
{
	for (; *names; names++)
		if (quern_option_string(o, *names))
			return *names;
	return NULL;
}

static enum quern_status check_edges(const struct quern_input *in, const char *option,
				     const double *e, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (!(e[i - 1] < e[i]))
			return quern_message_set(
				in->message, QUERN_ERR_USAGE,
				"--%s: edges of bins rise, and after %.9g comes %.9g", option,
				e[i - 1], e[i]);
	return QUERN_OK;
}

enum quern_status qn_bins_read_edges(const struct quern_input *in, const char *option,
				     const char *const *beside, double **edges, size_t *nbins)
{
	const size_t n = quern_option_reals(in->options, option, QN_MOST_BINS + 1, NULL);
	const char *other = n ? find_given(in->options, beside) : NULL;

	*edges = NULL;
	if (!n)
		return QUERN_OK;
	if (other)
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--%s says where bins are: leave --%s out", option, other);
	*edges = qn_calloc(n, sizeof(**edges));
	if (!*edges)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	quern_option_reals(in->options, option, n, *edges);
	*nbins = n - 1;
	return check_edges(in, option, *edges, n);
}

enum quern_status qn_bins_check_range(const struct quern_input *in, const char *option,
				      const double range[2], bool is_log)
{
	if (!isfinite(range[0]) || !isfinite(range[1]) || range[0] > range[1])
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--%s %g,%g: give two finite numbers, the lower first",
					 option, range[0], range[1]);
	if (is_log && !(range[0] > 0))
		return quern_message_set(in->message, QUERN_ERR_USAGE,
					 "--%s %g,%g: bins of equal ratio (--log) are above 0",
					 option, range[0], range[1]);
	return QUERN_OK;
}

/* --- tiles --- */

/* The bits of elements of which no role is missing or NaN; weights are no NaN where there are values. */
static void mark(const struct quern_tile *tile, unsigned roles,
		 uint64_t valid[QUERN_NROLES][QUERN_TILE_NELEMS / 64], struct quern_var *mask)
{
	for (int r = 0; r < QUERN_NROLES; r++) {
		struct quern_var v;

		if (!(roles & QUERN_ROLE(r)) || r == QUERN_WEIGHT ||
		    !qn_dtype_is_float(tile->var[r].dtype))
			continue;
		v = tile->var[r];
		v.valid = mask->valid;
		v.nmissing = mask->nmissing;
		mask->nmissing = qn_tile_mark(&v, tile->nelems, true, valid[r]);
		mask->valid = valid[r];
	}
}

void qn_bins_pack(const struct quern_tile *tile, unsigned roles, void *scratch,
		  struct qn_packed *packed)
{
	uint64_t valid[QUERN_NROLES][QUERN_TILE_NELEMS / 64];
	struct quern_var mask = tile->var[QUERN_VALUE];
	char *room = scratch;

	mark(tile, roles, valid, &mask);
	*packed = (struct qn_packed){ .n = tile->nelems };
	for (int r = 0; r < QUERN_NROLES; r++, room += QN_PACKED_NBYTES) {
		struct quern_var v;

		if (!(roles & QUERN_ROLE(r)))
			continue;
		v = tile->var[r];
		v.valid = mask.valid;
		v.nmissing = mask.nmissing;
		packed->of[r] = mask.nmissing ? room : v.values;
		if (mask.nmissing)
			packed->n = qn_tile_pack(&v, tile->nelems, false, room);
	}
}

/* --- results --- */

/* A bin by its numbers, from 0. */
struct place {
	size_t at[QN_MOST_BINNED_DIMS];
};

static size_t count_bins(const struct qn_binned *b)
{
	size_t n = 1;

	for (int d = 0; d < b->ndims; d++)
		n *= b->bins[d]->nbins;
	return n;
}

static struct place place_of(const struct qn_binned *b, size_t bin)
{
	struct place p;

	for (int d = b->ndims - 1; d >= 0; d--) {
		p.at[d] = bin % b->bins[d]->nbins;
		bin /= b->bins[d]->nbins;
	}
	return p;
}

static size_t slot_of(const struct qn_binned *b, const struct place *p)
{
	size_t slot = 0;

	for (int d = 0; d < b->ndims; d++)
		slot = slot * (b->bins[d]->nbins + 2) + p->at[d] + 1;
	return slot;
}

static uint64_t count_in(const struct qn_binned *b, size_t bin)
{
	const struct place p = place_of(b, bin);

	return (uint64_t)b->words[slot_of(b, &p)];
}

uint64_t qn_binned_total(const struct qn_binned *b)
{
	uint64_t total = 0;

	for (size_t i = 0, n = count_bins(b); i < n; i++)
		total += count_in(b, i);
	return total;
}

static void add_reals(const struct qn_binned *b, const char *name, const double *v,
		      struct quern_result *r)
{
	quern_result_reals(r, name, b->bins[0]->nbins, b->ndims > 1 ? b->bins[1]->nbins : 0, v);
}

static void emit_counts(const struct qn_binned *b, size_t n, int64_t *counts,
			struct quern_result *r)
{
	for (size_t i = 0; i < n; i++)
		counts[i] = (int64_t)count_in(b, i);
	quern_result_ints(r, "counts", b->bins[0]->nbins, b->ndims > 1 ? b->bins[1]->nbins : 0,
			  counts);
}

static const int64_t *weight_in(const struct qn_binned *b, size_t bin)
{
	const struct place p = place_of(b, bin);

	return qn_slots_weight(b->slots, b->words, slot_of(b, &p));
}

static void emit_weights(const struct qn_binned *b, size_t n, double *room, struct quern_result *r)
{
	for (size_t i = 0; i < n; i++)
		room[i] = qn_acc_round(&b->slots->form, weight_in(b, i));
	add_reals(b, "weights", room, r);
}

/* What the weights of all bins add up to; false: nothing. */
static bool add_weights(const struct qn_binned *b, size_t n, int64_t total[QN_ACC_MAX_LIMBS])
{
	const struct qn_acc_form *f = &b->slots->form;
	bool any = false;

	for (int k = 0; k < f->nlimbs; k++)
		total[k] = 0;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < f->nlimbs; k++)
			total[k] += weight_in(b, i)[k];
	qn_acc_normalize(f, total);
	for (int k = 0; k < f->nlimbs; k++)
		any = any || total[k];
	return any;
}

/* Where there is nothing in any bin there is no density. */
static void emit_density(const struct qn_binned *b, size_t n, double *room, struct quern_result *r)
{
	int64_t weight[QN_ACC_MAX_LIMBS];
	const uint64_t total = qn_binned_total(b);
	double lo[QN_MOST_BINNED_DIMS], hi[QN_MOST_BINNED_DIMS];

	if (b->slots->has_weights ? !add_weights(b, n, weight) : !total) {
		quern_result_null(r, "density");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct place p = place_of(b, i);

		for (int d = 0; d < b->ndims; d++) {
			lo[d] = b->bins[d]->edges[p.at[d]];
			hi[d] = b->bins[d]->edges[p.at[d] + 1];
		}
		room[i] = b->slots->has_weights
				  ? qn_density(&b->slots->form, weight_in(b, i), weight, b->ndims,
					       lo, hi)
				  : qn_density_of_count(count_in(b, i), total, b->ndims, lo, hi);
	}
	add_reals(b, "density", room, r);
}

void qn_binned_emit(const struct qn_binned *b, bool has_density, struct quern_result *r)
{
	const size_t n = count_bins(b);
	void *room = qn_calloc(n, sizeof(double));

	if (!room) {
		quern_result_lost(r);
		return;
	}
	emit_counts(b, n, room, r);
	if (b->slots->has_weights)
		emit_weights(b, n, room, r);
	if (has_density)
		emit_density(b, n, room, r);
	free(room);
}
