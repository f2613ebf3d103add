/*
 * planted.c - a kernel with a mistake, of which the definition PLANTED says which: for `quern kernels --check`. Without it
 * the kernel is right: count, sum of the low bytes, and how often the largest of them occurs would not be, so it
 * has their sum and maximum.
 */
#include <fenv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "quern_kernel.h"

#ifndef PLANTED
#define PLANTED 0
#endif

enum {
	RIGHT,
	ORDER,
	OVERFLOW,
	SCRATCH,
	CUTS,
	ROUNDING,
	GLOBAL,
	SELF,
	MERGE,
	CRASH,
	BEYOND,
	FIELDS,
	STACK
};
enum { COUNT, SUM, LARGEST, NWORDS };

struct self {
	size_t size;
	int64_t ntiles;
};

static int64_t global;

static enum quern_status open_it(const struct quern_input *in, void **self)
{
	static const size_t sizes[] = { 1, 1, 2, 2, 4, 4, 8, 8, 4, 8 };
	struct self *s = calloc(1, sizeof(*s));

	if (!s)
		return quern_message_set(in->message, QUERN_ERR_RUN, "out of memory");
	s->size = sizes[in->dtype];
	*self = s;
	return QUERN_OK;
}

static int layout(const void *self, struct quern_segment *segments)
{
	(void)self;
	segments[0] = (struct quern_segment){ .op = QUERN_SUM, .nwords = 2 };
	segments[1] = (struct quern_segment){ .op = PLANTED == MERGE ? QUERN_SUM : QUERN_MAX,
					      .nwords = 1 };
	return 2;
}

static size_t scratch_nbytes(const void *self)
{
	(void)self;
	return 256 * sizeof(int64_t);
}

static int fall(volatile char *from, int depth)
{
	char more[4096];

	memset(more, *from, sizeof(more));
	return depth < 1 << 20 ? fall(more, depth + 1) + more[7] : 0;
}

static void misbehave(struct self *s, int64_t *state, void *scratch, const struct quern_tile *tile)
{
	const unsigned char *values = tile->var->values;
	int64_t *counts = scratch;

	if (PLANTED == ORDER)
		state[SUM] = 3 * state[SUM] + 1;
	if (PLANTED == OVERFLOW)
		state[NWORDS] = 1;
	if (PLANTED == SCRATCH)
		state[SUM] += ++counts[values[0]];
	if (PLANTED == CUTS)
		state[SUM] += 1;
	if (PLANTED == ROUNDING)
		fesetround(FE_UPWARD);
	if (PLANTED == GLOBAL)
		global++;
	if (PLANTED == SELF)
		s->ntiles++;
	if (PLANTED == CRASH && tile->nelems)
		*(volatile char *)16 = 1;
	if (PLANTED == BEYOND)
		state[SUM] += ((const volatile unsigned char *)values)[tile->nelems * s->size] & 0;
	if (PLANTED == STACK)
		state[SUM] += fall((volatile char *)values, 0) & 0;
}

static void absorb(const void *self, int64_t *state, void *scratch, const struct quern_tile *tile)
{
	const struct quern_var *v = tile->var;
	const struct self *s = self;

	for (size_t i = 0; i < tile->nelems; i++) {
		const unsigned char low = ((const unsigned char *)v->values)[i * s->size];

		if (v->valid && !(v->valid[i / 64] >> i % 64 & 1))
			continue;
		state[COUNT]++;
		state[SUM] += low;
		if (low > state[LARGEST])
			state[LARGEST] = low;
	}
	misbehave((struct self *)s, state, scratch, tile);
}

static const char *const *fields(const void *self)
{
	static const char *const names[] = { "count", PLANTED == FIELDS ? "other" : "sum",
					     "largest", NULL };

	(void)self;
	return names;
}

static void emit(const void *self, const int64_t *state, struct quern_result *r)
{
	(void)self;
	quern_result_int(r, "count", state[COUNT]);
	quern_result_int(r, "sum", state[SUM]);
	if (state[COUNT])
		quern_result_int(r, "largest", state[LARGEST]);
	else
		quern_result_null(r, "largest");
}

const struct quern_kernel quern_kernel = {
	.abi = QUERN_KERNEL_ABI,
	.name = "planted",
	.doc = "sum and maximum of low bytes",
	.open = open_it,
	.close = free,
	.layout = layout,
	.scratch = scratch_nbytes,
	.absorb = absorb,
	.fields = fields,
	.emit = emit,
};
