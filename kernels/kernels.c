/*
 * kernels.c - the table of kernels, in the order in which they are listed.
 */
#include "kernels.h"

#include "kernel/kernel.h"

const struct quern_kernel *const qn_kernels[] = {
	/* clang-format off */
	&qn_kernel_moments, &qn_kernel_mean, &qn_kernel_std, &qn_kernel_var, &qn_kernel_rms,
	&qn_kernel_sum, &qn_kernel_count, &qn_kernel_minmax, &qn_kernel_min, &qn_kernel_max,
	&qn_kernel_range, &qn_kernel_median, &qn_kernel_quantiles, &qn_kernel_histogram,
	&qn_kernel_histogram2d, &qn_kernel_distinct, &qn_kernel_mode, &qn_kernel_topk,
	&qn_kernel_cov, &qn_kernel_corr, &qn_kernel_regress, &qn_kernel_trend, &qn_kernel_covariance,
	&qn_kernel_spells,
	/* clang-format on */
	NULL,
};
