/*
 * pairs.c - the state that kernels of two values of each element share.
 */
#include "pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "elements/part.h"

/* What the state begins with. WEIGHTED stays 0 without weights. */
enum { COUNT, MISSING, SPECIAL, WEIGHTED, SUMS };

struct pair {
	struct qn_pairs pairs;
	enum quern_dtype dtype[QN_NFACTORS];
};

static const enum quern_role roles[QN_NFACTORS] = {
	[QN_FACTOR_W] = QUERN_WEIGHT, [QN_FACTOR_X] = QUERN_VALUE, [QN_FACTOR_Y] = QUERN_WITH
};

enum quern_status qn_pair_open(const struct quern_input *in, void **self)
{
	struct pair *p = qn_calloc(1, sizeof(*p));

	if (!p)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	p->dtype[QN_FACTOR_X] = in->dtype;
	p->dtype[QN_FACTOR_Y] = in->role_dtype[QUERN_WITH];
	p->dtype[QN_FACTOR_W] = in->role_dtype[QUERN_WEIGHT];
	qn_pairs_init(&p->pairs, p->dtype, in->roles & QUERN_ROLE(QUERN_WEIGHT));
	*self = p;
	return QUERN_OK;
}

void qn_pair_close(void *self)
{
	free(self);
}

/* All of one input have the same. */
void qn_pair_share(void *self, void *other)
{
	(void)self;
	(void)other;
}

int qn_pair_layout(const void *self, struct quern_segment *segments)
{
	const struct pair *p = self;

	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = SUMS };
	return 1 + qn_pairs_segments(&p->pairs, segments + 1);
}

/* Of factors without what is missing. */
#define PACKED_NBYTES (QUERN_TILE_NELEMS * sizeof(double))

size_t qn_pair_scratch(const void *self)
{
	const struct pair *p = self;

	return QN_NFACTORS * PACKED_NBYTES + qn_pairs_scratch_nbytes(&p->pairs);
}

void qn_pair_normalize(const void *self, int64_t *state)
{
	const struct pair *p = self;

	qn_pairs_normalize(&p->pairs, state + SUMS);
}

static bool is_used(const struct pair *p, int factor)
{
	return factor != QN_FACTOR_W || p->pairs.is_weighted;
}

/* Puts the pairs that are valid side by side; returns how many there are. */
static size_t pack(const struct pair *p, const struct quern_tile *tile, char *scratch,
		   const void *v[QN_NFACTORS])
{
	const struct quern_var *x = &tile->var[QUERN_VALUE];
	size_t n = tile->nelems;

	for (int f = 0; f < QN_NFACTORS; f++) {
		struct quern_var var;

		v[f] = NULL;
		if (!is_used(p, f))
			continue;
		var = tile->var[roles[f]];
		v[f] = var.values;
		if (!x->valid || !x->nmissing)
			continue;
		var.valid = x->valid;
		var.nmissing = x->nmissing;
		v[f] = scratch + (size_t)f * PACKED_NBYTES;
		n = qn_tile_pack(&var, tile->nelems, false, scratch + (size_t)f * PACKED_NBYTES);
	}
	return n;
}

/* Of element i; a NaN has none. */
static bool has_weight(const struct pair *p, const void *weights, size_t i)
{
	return qn_weighted_double(p->dtype[QN_FACTOR_W], weights, i) > 0;
}

void qn_pair_absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile)
{
	const struct pair *p = self;
	const void *v[QN_NFACTORS];
	const size_t n = pack(p, tile, scratch, v);

	state[COUNT] += (int64_t)n;
	state[MISSING] += (int64_t)(tile->nelems - n);
	if (!n)
		return;
	state[SPECIAL] += (int64_t)qn_pairs_add(&p->pairs, v, n, state + SUMS,
						(char *)scratch + QN_NFACTORS * PACKED_NBYTES);
	for (size_t i = 0; p->pairs.is_weighted && i < n; i++)
		state[WEIGHTED] += has_weight(p, v[QN_FACTOR_W], i);
}

/* --- many rows --- */

/* Pairs on their way to the cells. */
struct part {
	const struct pair *p;
	struct qn_part at;
	const void *v[QN_NFACTORS];
};

typedef bool holds_fn(const struct pair *p, const void *values, int factor, size_t i);

static bool is_special(const struct pair *p, const void *values, int factor, size_t i)
{
	return !isfinite(qn_weighted_double(p->dtype[factor], values, i));
}

static bool is_weighed(const struct pair *p, const void *values, int factor, size_t i)
{
	(void)factor;
	return has_weight(p, values, i);
}

/* Adds the number of pairs of each row of which something holds to the column of a word. */
static void count_rows(const struct part *part, int factor, holds_fn *holds, size_t word)
{
	const struct qn_part_elements *r = &part->at.r;
	int64_t *column = qn_part_column(&part->at, word);

	for (size_t s = 0; s < r->nsteps; s++)
		for (size_t i = 0; i < r->n; i++) {
			const size_t at = s * r->stride + i;

			if (qn_part_has(&part->at, at))
				column[qn_part_row(&part->at, i)] +=
					holds(part->p, part->v[factor], factor, at);
		}
}

/* Sums of x, or of y, and of squares. Counts what is infinite or NaN. */
static bool add_powers(const struct part *part, int factor, struct qn_column *const *sum)
{
	const struct qn_part_elements *r = &part->at.r;
	struct qn_column_tile t = {
		.dtype = part->p->dtype[factor],
		.values = part->v[factor],
		.n = r->n,
		.nsteps = r->nsteps,
		.stride = r->stride,
		.valid = r->valid,
		.bit = r->bit,
	};
	const bool ok = r->row ? qn_column_add_at(sum[0], sum[1], part->at.first_row, r->row, &t)
			       : qn_column_add_rows(sum[0], sum[1], part->at.first_row, &t);

	if (t.nspecial)
		count_rows(part, factor, is_special, SPECIAL);
	return ok;
}

static bool add_products(const struct part *part, struct qn_column *const *sum, void *scratch)
{
	const struct qn_part_elements *r = &part->at.r;
	struct qn_weighted_tile t = {
		.n = r->n,
		.nsteps = r->nsteps,
		.stride = r->stride,
		.valid = r->valid,
		.bit = r->bit,
		.row = r->row,
	};
	bool ok;

	memcpy(t.v, part->v, sizeof(t.v));
	ok = qn_weighted_add_rows(&part->p->pairs.products, sum, part->at.first_row, &t, scratch);
	if (!part->p->pairs.is_weighted)
		return ok;
	for (int f = QN_FACTOR_X; t.nspecial && f < QN_NFACTORS; f++)
		count_rows(part, f, is_special, SPECIAL);
	count_rows(part, QN_FACTOR_W, is_weighed, WEIGHTED);
	return ok;
}

bool qn_pair_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			 const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct pair *p = self;
	struct part part = { .p = p, .at = { .cells = cells } };
	struct qn_column *const *sum = cells->exact + 1;
	struct qn_picked picked;

	if (!qn_part_begin(&part.at, tile, run, COUNT, MISSING, &picked))
		return true;
	for (int f = 0; f < QN_NFACTORS; f++)
		if (is_used(p, f))
			part.v[f] = qn_part_values(tile, run, roles[f]);
	if (p->pairs.is_weighted)
		return add_products(&part, sum, scratch);
	return add_powers(&part, QN_FACTOR_X, sum) && add_powers(&part, QN_FACTOR_Y, sum + 2) &&
	       add_products(&part, sum + 4, scratch);
}

/* --- results --- */

void qn_pair_emit_counts(const int64_t *state, struct quern_result *r)
{
	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "missing", state[MISSING]);
}

/* Of pairs of which some are infinite or NaN. */
static void set_special(uint64_t n, struct qn_pair_stats *stats)
{
	for (int k = 0; k < QN_NPAIR_STATS; k++) {
		stats->has[k] = n >= 2;
		stats->value[k] = NAN;
	}
}

void qn_pair_emit(const void *self, const int64_t *state, unsigned asked, struct quern_result *r)
{
	static const char *const names[] = { "cov", "corr", "slope", "intercept", "r2", "stderr" };
	const struct pair *p = self;
	const uint64_t n = (uint64_t)state[COUNT];
	const uint64_t nweighted = p->pairs.is_weighted ? (uint64_t)state[WEIGHTED] : n;
	struct qn_pair_stats stats;

	if (state[SPECIAL])
		set_special(n, &stats);
	else
		qn_pairs_stats(&p->pairs, state + SUMS, n, nweighted, asked, &stats);
	for (int k = 0; k < QN_NPAIR_STATS; k++) {
		if (asked >> k & 1 && stats.has[k])
			quern_result_real(r, names[k], stats.value[k]);
		else if (asked >> k & 1)
			quern_result_null(r, names[k]);
	}
}
