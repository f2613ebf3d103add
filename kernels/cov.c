/*
 * cov.c - covariance and correlation of two values of each element, each rounded once.
 */
#include "kernels.h"
#include "pairs.h"

static void emit_cov(const void *self, const int64_t *state, struct quern_result *r)
{
	qn_pair_emit(self, state, 1u << QN_PAIR_COV, r);
}

static void emit_corr(const void *self, const int64_t *state, struct quern_result *r)
{
	qn_pair_emit(self, state, 1u << QN_PAIR_CORR, r);
}

static const char *const *fields_of_cov(const void *self)
{
	static const char *const fields[] = { "cov", NULL };

	(void)self;
	return fields;
}

static const char *const *fields_of_corr(const void *self)
{
	static const char *const fields[] = { "corr", NULL };

	(void)self;
	return fields;
}

const struct quern_kernel qn_kernel_cov = {
	QN_PAIR_SLOTS,
	.name = "cov",
	.doc = "covariance with another value of each element, over n - 1",
	.fields = fields_of_cov,
	.emit = emit_cov,
};

const struct quern_kernel qn_kernel_corr = {
	QN_PAIR_SLOTS,
	.name = "corr",
	.doc = "correlation (Pearson) with another value of each element",
	.fields = fields_of_corr,
	.emit = emit_corr,
};
