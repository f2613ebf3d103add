/*
 * regress.c - the straight line of least squares through two values of each element: value = slope * with + intercept;
 * and `trend`, where the other value is a coordinate.
 */
#include "kernels.h"
#include "pairs.h"

static void emit(const void *self, const int64_t *state, struct quern_result *r)
{
	qn_pair_emit_counts(state, r);
	qn_pair_emit(self, state,
		     1u << QN_PAIR_SLOPE | 1u << QN_PAIR_INTERCEPT | 1u << QN_PAIR_R2 |
			     1u << QN_PAIR_STDERR,
		     r);
}

static const char *const *fields_of(const void *self)
{
	static const char *const fields[] = { "count", "missing", "slope", "intercept",
					      "r2",    "stderr",  NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_regress = {
	QN_PAIR_SLOTS,
	.name = "regress",
	.doc = "slope, intercept, r2 and standard error of the slope of the line through pairs of values",
	.fields = fields_of,
	.emit = emit,
};

static const struct quern_option options[] = {
	{ .name = "against",
	  .type = QUERN_OPT_STRING,
	  .arg = "DIM",
	  .fallback = "time",
	  .doc = "the dimension whose coordinate it is against, by name or number" },
	{ 0 },
};

const struct quern_kernel qn_kernel_trend = {
	QN_PAIR_SLOTS,
	.name = "trend",
	.doc = "the line of least squares against a coordinate: slope for each unit of it, intercept, r2, "
	       "standard error of the slope",
	.options = options,
	.against = "against",
	.fields = fields_of,
	.emit = emit,
};
