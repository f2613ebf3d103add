/*
 * moments.c - count, sum, mean, variance, extremes, and with --order 4 skewness and kurtosis.
 *
 * The state is that of powers.h; the statistics, defined in exact/stats.h, are each rounded once.
 * Where there are infinities or NaN, sum and mean follow the usual rules, and the others are NaN.
 */
#include <math.h>
#include <string.h>

#include "exact/stats.h"
#include "kernels.h"
#include "powers.h"

static const struct quern_option options[] = {
	{ .name = "order",
	  .type = QUERN_OPT_CHOICE,
	  .arg = "2|4",
	  .fallback = "2",
	  .doc = "highest moment: 4 adds skewness M3/M2^1.5 and excess kurtosis M4/M2^2-3 "
		 "of the population" },
	{ 0 },
};

static enum quern_status moments_open(const struct quern_input *in, void **self)
{
	const char *order = quern_option_string(in->options, "order");

	return qn_powers_open(in, order && strcmp(order, "4") == 0 ? 4 : 2, true, self);
}

/* The statistics of elements that are not all finite. */
static struct qn_stats special_stats(enum qn_powers_kind kind, uint64_t n, int npowers)
{
	return (struct qn_stats){
		.has_mean = true,
		.has_variance = n >= 2,
		.has_shape = n >= 2 && npowers == 4,
		.mean = qn_powers_special(kind),
		.variance = NAN,
		.stddev = NAN,
		.skewness = NAN,
		.kurtosis = NAN,
	};
}

static struct qn_stats weighted_stats(const struct qn_powers *p, const int64_t *state)
{
	struct qn_stats s = { .has_mean = false };

	s.has_mean = qn_powers_stat(QN_STAT_MEAN, p, state, &s.mean);
	s.has_variance = qn_powers_stat(QN_STAT_VARIANCE, p, state, &s.variance) &&
			 qn_powers_stat(QN_STAT_STDDEV, p, state, &s.stddev);
	return s;
}

static void emit_real(struct quern_result *r, const char *name, bool there, double x)
{
	if (there)
		quern_result_real(r, name, x);
	else
		quern_result_null(r, name);
}

static void moments_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	const struct qn_powers *p = self;
	const uint64_t n = qn_powers_count(state);
	const enum qn_powers_kind kind = qn_powers_kind(p, state);
	struct qn_stats s;

	if (p->weighs)
		s = weighted_stats(p, state);
	else if (kind == QN_POWERS_FINITE)
		qn_stats_from_power(&p->power, state + p->sums, n, &s);
	else
		s = special_stats(kind, n, p->power.npowers);
	qn_powers_emit_sum(p, state, r);
	emit_real(r, "mean", s.has_mean, s.mean);
	emit_real(r, "variance", s.has_variance, s.variance);
	emit_real(r, "stddev", s.has_variance, s.stddev);
	qn_powers_emit_extremes(p, state, r);
	if (p->power.npowers < 4)
		return;
	emit_real(r, "skewness", s.has_shape, s.skewness);
	emit_real(r, "kurtosis", s.has_shape, s.kurtosis);
}

static const char *const *moments_fields(const void *self)
{
	static const char *const fields[] = { "count",	  "missing",  "sum", "mean",
					      "variance", "stddev",   "min", "max",
					      "skewness", "kurtosis", NULL };
	static const char *const low[] = { "count",  "missing", "sum", "mean", "variance",
					   "stddev", "min",	"max", NULL };
	static const char *const weighted[] = { "count", "missing",  "sum",    "sum_of_weights",
						"mean",	 "variance", "stddev", "min",
						"max",	 NULL };
	const struct qn_powers *p = self;

	if (p->weighs)
		return weighted;
	return p->power.npowers < 4 ? low : fields;
}

const struct quern_kernel qn_kernel_moments = {
	.abi = QUERN_KERNEL_ABI,
	.name = "moments",
	.doc = "count, sum, mean, variance, standard deviation, extremes; skewness and kurtosis",
	.options = options,
	.repeats = true,
	.takes_row_weights = true,
	.takes = QUERN_ROLE(QUERN_WEIGHT),
	.open = moments_open,
	.close = qn_powers_close,
	.layout = qn_powers_layout,
	.scratch = qn_powers_scratch,
	.absorb = qn_powers_absorb,
	.absorb_rows = qn_powers_absorb_rows,
	.normalize = qn_powers_normalize,
	.share = qn_powers_share,
	.fields = moments_fields,
	.emit = moments_emit,
	.emit_rows = qn_powers_emit_moments,
};
