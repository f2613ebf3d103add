/*
 * sum.c - the sum of all elements: correctly rounded, of integers exact.
 *
 * The state is that of powers.h with order 1.
 */
#include "kernels.h"
#include "powers.h"

static enum quern_status sum_open(const struct quern_input *in, void **self)
{
	return qn_powers_open(in, 1, false, self);
}

static void sum_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	qn_powers_emit_sum(self, state, r);
}

static const char *const *sum_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing", "sum", NULL };
	static const char *const weighted[] = { "count", "missing", "sum", "sum_of_weights", NULL };
	const struct qn_powers *p = self;

	return p->weighs ? weighted : fields;
}

const struct quern_kernel qn_kernel_sum = {
	.abi = QUERN_KERNEL_ABI,
	.name = "sum",
	.doc = "count and sum, correctly rounded",
	.repeats = true,
	.takes_row_weights = true,
	.takes = QUERN_ROLE(QUERN_WEIGHT),
	.open = sum_open,
	.close = qn_powers_close,
	.layout = qn_powers_layout,
	.scratch = qn_powers_scratch,
	.absorb = qn_powers_absorb,
	.absorb_rows = qn_powers_absorb_rows,
	.normalize = qn_powers_normalize,
	.share = qn_powers_share,
	.fields = sum_fields,
	.emit = sum_emit,
	.emit_rows = qn_powers_emit_sums,
};
