/*
 * min.c - one extreme alone, without its place: `min`, `max`; and `range`, the one less the other.
 *
 *	state   | valid | invalid | NaN | min key | max key |
 *	segment |        SUM, 3         | MIN, 1  | MAX, 1  |
 *
 * NaN are among the valid ones, and in no extreme; where NaN is a value, one makes all of them NaN. -0 is
 * below +0. The range of integers is exact; of others it is rounded once.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "one_field.h"
#include "minmax_simd.h"
#include "elements/part.h"

typedef void scan_fn(enum quern_dtype, const void *, size_t, struct qn_minmax_keys *);

static scan_fn *const scans[] = QN_ISA_TABLE(qn_minmax_scan);
static qn_part_extremes_fn *const extremes[] = QN_ISA_TABLE(qn_part_extremes);
static qn_part_nans_fn *const nans[] = QN_ISA_TABLE(qn_part_nans);

enum { VALID, INVALID, NANS, MIN, MAX };

struct extremes {
	enum quern_dtype dtype;
	bool nan_missing;
};

static enum quern_status extremes_open(const struct quern_input *in, void **self)
{
	struct extremes *e = qn_malloc(sizeof(*e));

	if (!e)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	e->dtype = in->dtype;
	e->nan_missing = in->nan_missing;
	*self = e;
	return QUERN_OK;
}

static int extremes_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = MIN };
	segments[1] = (struct quern_segment){ .op = QUERN_MIN, .nwords = 1 };
	segments[2] = (struct quern_segment){ .op = QUERN_MAX, .nwords = 1 };
	return 3;
}

/* Room for a packed tile. */
static size_t extremes_scratch(const void *self)
{
	const struct extremes *e = self;

	return QUERN_TILE_NELEMS * qn_dtype_size(e->dtype);
}

static void lower(const struct extremes *e, int64_t *state, const struct qn_minmax_keys *k)
{
	const int64_t min = qn_minmax_state_key(e->dtype, k->min);
	const int64_t max = qn_minmax_state_key(e->dtype, k->max);

	state[MIN] = min < state[MIN] ? min : state[MIN];
	state[MAX] = max > state[MAX] ? max : state[MAX];
}

static void extremes_absorb(const void *self, int64_t *state, void *scratch,
			    const struct quern_tile *tile)
{
	const struct extremes *e = self;
	const struct quern_var *v = tile->var;
	const size_t nvalid = tile->nelems - v->nmissing;
	const void *values = v->values;
	struct qn_minmax_keys k = { 0, 0 };
	size_t n = nvalid;

	if (v->nmissing) {
		n = qn_tile_pack(v, tile->nelems, false, scratch);
		values = scratch;
	}
	if (n)
		scans[qn_cpu_level()](e->dtype, values, n, &k);
	if (n && qn_minmax_has_nan(e->dtype, &k)) {
		n = qn_tile_pack(v, tile->nelems, true, scratch);
		if (n)
			scans[qn_cpu_level()](e->dtype, scratch, n, &k);
	}
	state[VALID] += (int64_t)nvalid;
	state[INVALID] += (int64_t)v->nmissing;
	state[NANS] += (int64_t)(nvalid - n);
	if (n)
		lower(e, state, &k);
}

static bool extremes_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
				 const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct extremes *e = self;
	struct qn_part part = { .cells = cells };
	struct qn_picked picked;

	(void)scratch;
	if (!qn_part_begin(&part, tile, run, VALID, INVALID, &picked))
		return true;
	if (extremes[qn_cpu_level()](&part.r, qn_part_column(&part, MIN),
				     qn_part_column(&part, MAX)) &&
	    qn_dtype_is_float(e->dtype))
		nans[qn_cpu_level()](&part.r, qn_part_column(&part, NANS));
	return true;
}

/* The state of all of them is one already. */
static void extremes_share(void *self, void *other)
{
	(void)self;
	(void)other;
}

/* Is there no value, or NaN: is the field emitted then? */
static bool emit_none(const struct extremes *e, const int64_t *state, const char *name,
		      struct quern_result *r)
{
	const int64_t n = state[VALID] - (e->nan_missing ? state[NANS] : 0);
	const bool nan = state[NANS] > 0 && !e->nan_missing;

	if (n == 0)
		quern_result_null(r, name);
	else if (nan)
		quern_result_real(r, name, NAN);
	return n == 0 || nan;
}

static void emit_key(const struct extremes *e, const int64_t *state, const char *name, int64_t key,
		     struct quern_result *r)
{
	if (emit_none(e, state, name, r))
		return;
	if (e->dtype == QUERN_U64)
		quern_result_uint(r, name, qn_key_to_uint(key));
	else if (qn_dtype_is_float(e->dtype))
		quern_result_real(r, name, qn_key_to_double(key));
	else
		quern_result_int(r, name, qn_minmax_integer(e->dtype, key));
}

static void emit_min(const void *self, const int64_t *state, struct quern_result *r)
{
	emit_key(self, state, "min", state[MIN], r);
}

static void emit_max(const void *self, const int64_t *state, struct quern_result *r)
{
	emit_key(self, state, "max", state[MAX], r);
}

/* Of integers of 64 bits it may need them all; keys have the same distances. */
static void emit_range(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct extremes *e = self;
	const uint64_t distance = (uint64_t)state[MAX] - (uint64_t)state[MIN];

	if (emit_none(e, state, "range", r))
		return;
	if (qn_dtype_is_float(e->dtype))
		quern_result_real(r, "range",
				  qn_key_to_double(state[MAX]) - qn_key_to_double(state[MIN]));
	else if (qn_dtype_size(e->dtype) == sizeof(distance))
		quern_result_uint(r, "range", distance);
	else
		quern_result_int(r, "range", (int64_t)distance);
}

#define EXTREMES_SLOTS                                                                           \
	.open = extremes_open, .close = free, .layout = extremes_layout,                         \
	.scratch = extremes_scratch, .absorb = extremes_absorb,                                  \
	.absorb_rows = extremes_absorb_rows, .share = extremes_share, .takes_row_weights = true, \
	.takes = QUERN_ROLE(QUERN_WEIGHT)

QN_ONE_FIELD_KERNEL(min, "min", "smallest value, and nothing else", EXTREMES_SLOTS);
QN_ONE_FIELD_KERNEL(max, "max", "largest value, and nothing else", EXTREMES_SLOTS);
QN_ONE_FIELD_KERNEL(range, "range", "largest value less the smallest", EXTREMES_SLOTS);
