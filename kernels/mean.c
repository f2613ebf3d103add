/*
 * mean.c - one field of `moments` alone: `mean`, `std`, `var`; and `rms`, the root of the mean square.
 *
 * The state is that of powers.h without extremes, and for a mean without squares. Each statistic is rounded
 * once. Where there are infinities or NaN it is what `moments` says; the rms of infinities is infinite.
 */
#include "one_field.h"
#include "powers.h"

static enum quern_status open_sum(const struct quern_input *in, void **self)
{
	return qn_powers_open(in, 1, false, self);
}

static enum quern_status open_squares(const struct quern_input *in, void **self)
{
	return qn_powers_open(in, 2, false, self);
}

static void emit(const struct qn_powers *p, const int64_t *state, enum qn_stat which,
		 const char *name, struct quern_result *r)
{
	double x;

	if (qn_powers_stat(which, p, state, &x))
		quern_result_real(r, name, x);
	else
		quern_result_null(r, name);
}

static void emit_mean(const void *self, const int64_t *state, struct quern_result *r)
{
	emit(self, state, QN_STAT_MEAN, "mean", r);
}

static void emit_std(const void *self, const int64_t *state, struct quern_result *r)
{
	emit(self, state, QN_STAT_STDDEV, "stddev", r);
}

static void emit_var(const void *self, const int64_t *state, struct quern_result *r)
{
	emit(self, state, QN_STAT_VARIANCE, "variance", r);
}

static void emit_rms(const void *self, const int64_t *state, struct quern_result *r)
{
	emit(self, state, QN_STAT_RMS, "rms", r);
}

#define POWERS_SLOTS(open_slot)                                                  \
	.open = open_slot, .close = qn_powers_close, .layout = qn_powers_layout, \
	.scratch = qn_powers_scratch, .absorb = qn_powers_absorb,                \
	.absorb_rows = qn_powers_absorb_rows, .normalize = qn_powers_normalize,  \
	.share = qn_powers_share, .takes_row_weights = true, .takes = QUERN_ROLE(QUERN_WEIGHT)

QN_ONE_FIELD_KERNEL(mean, "mean", "arithmetic mean, and nothing else", POWERS_SLOTS(open_sum),
		    .emit_rows = qn_powers_emit_means);
QN_ONE_FIELD_KERNEL(std, "stddev", "standard deviation over n - 1, and nothing else",
		    POWERS_SLOTS(open_squares), .emit_rows = qn_powers_emit_stddevs);
QN_ONE_FIELD_KERNEL(var, "variance", "variance over n - 1, and nothing else",
		    POWERS_SLOTS(open_squares), .emit_rows = qn_powers_emit_variances);
QN_ONE_FIELD_KERNEL(rms, "rms", "root of the mean square", POWERS_SLOTS(open_squares));
