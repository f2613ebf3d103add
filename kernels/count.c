/*
 * count.c - how many elements have a value, and how many have none.
 *
 *	state   | count | missing |
 *	segment |     SUM, 2      |
 */
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/tile.h"
#include "kernels.h"

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
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 2 };
	return 1;
}

static void count_absorb(const void *self, int64_t *state, void *scratch,
			 const struct quern_tile *tile)
{
	const struct count *c = self;
	const struct quern_var *v = tile->var;
	uint64_t valid[QUERN_TILE_NELEMS / 64];
	size_t nmissing = v->nmissing;

	(void)scratch;
	if (c->drop_nan)
		nmissing = qn_tile_mark(v, tile->nelems, true, valid);
	state[0] += (int64_t)(tile->nelems - nmissing);
	state[1] += (int64_t)nmissing;
}

static void count_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	(void)self;
	quern_result_int(r, "count", state[0]);
	quern_result_int(r, "missing", state[1]);
}

const struct quern_kernel qn_kernel_count = {
	.abi = QUERN_KERNEL_ABI,
	.name = "count",
	.doc = "number of elements that have a value, and of those that are missing",
	.takes_text = true,
	.repeats = true,
	.open = count_open,
	.close = free,
	.layout = count_layout,
	.absorb = count_absorb,
	.emit = count_emit,
};
