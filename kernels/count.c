/*
 * count.c - how many elements have a value, and how many have none.
 *
 *	state   | valid | invalid | NaN |
 *	segment |        SUM, 3         |
 *
 * NaN are among the valid ones, and are counted where they are missing.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels.h"
#include "elements/part.h"

static qn_part_nans_fn *const nans[] = QN_ISA_TABLE(qn_part_nans);

enum { VALID, INVALID, NANS, NWORDS };

struct count {
	bool drop_nan;
};

static enum quern_status count_open(const struct quern_input *in, void **self)
{
	struct count *c = qn_malloc(sizeof(*c));

	if (!c)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	c->drop_nan = in->nan_missing && qn_dtype_is_float(in->dtype);
	*self = c;
	return QUERN_OK;
}

static int count_layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = NWORDS };
	return 1;
}

static void count_absorb(const void *self, int64_t *state, void *scratch,
			 const struct quern_tile *tile)
{
	const struct count *c = self;
	const struct quern_var *v = tile->var;
	uint64_t valid[QUERN_TILE_NELEMS / 64];

	(void)scratch;
	state[VALID] += (int64_t)(tile->nelems - v->nmissing);
	state[INVALID] += (int64_t)v->nmissing;
	if (c->drop_nan)
		state[NANS] += (int64_t)(qn_tile_mark(v, tile->nelems, true, valid) - v->nmissing);
}

static bool count_absorb_rows(const void *self, struct qn_cells *cells, void *scratch,
			      const struct quern_tile *tile, const struct qn_row_run *run)
{
	const struct count *c = self;
	struct qn_part part = { .cells = cells };
	struct qn_picked picked;

	(void)scratch;
	if (qn_part_begin(&part, tile, run, VALID, INVALID, &picked) && c->drop_nan)
		nans[qn_cpu_level()](&part.r, qn_part_column(&part, NANS));
	return true;
}

static void count_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	(void)self;
	quern_result_int(r, "count", state[VALID] - state[NANS]);
	quern_result_int(r, "missing", state[INVALID] + state[NANS]);
}

static const char *const *count_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing", NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_count = {
	.abi = QUERN_KERNEL_ABI,
	.name = "count",
	.doc = "number of elements that have a value, and of those that are missing",
	.takes_text = true,
	.repeats = true,
	.takes_row_weights = true,
	.takes = QUERN_ROLE(QUERN_WEIGHT) | QUERN_ROLE(QUERN_WITH),
	.open = count_open,
	.close = free,
	.layout = count_layout,
	.absorb = count_absorb,
	.absorb_rows = count_absorb_rows,
	.fields = count_fields,
	.emit = count_emit,
};
