/*
 * kernels.h - the kernels. A new one is a file, a line here and a row in kernels.c.
 */
#ifndef QN_KERNELS_KERNELS_H
#define QN_KERNELS_KERNELS_H

#include "quern_kernel.h"

extern const struct quern_kernel qn_kernel_corr;
extern const struct quern_kernel qn_kernel_count;
extern const struct quern_kernel qn_kernel_cov;
extern const struct quern_kernel qn_kernel_covariance;
extern const struct quern_kernel qn_kernel_distinct;
extern const struct quern_kernel qn_kernel_histogram;
extern const struct quern_kernel qn_kernel_histogram2d;
extern const struct quern_kernel qn_kernel_max;
extern const struct quern_kernel qn_kernel_mean;
extern const struct quern_kernel qn_kernel_median;
extern const struct quern_kernel qn_kernel_min;
extern const struct quern_kernel qn_kernel_minmax;
extern const struct quern_kernel qn_kernel_mode;
extern const struct quern_kernel qn_kernel_moments;
extern const struct quern_kernel qn_kernel_quantiles;
extern const struct quern_kernel qn_kernel_range;
extern const struct quern_kernel qn_kernel_regress;
extern const struct quern_kernel qn_kernel_rms;
extern const struct quern_kernel qn_kernel_spells;
extern const struct quern_kernel qn_kernel_std;
extern const struct quern_kernel qn_kernel_sum;
extern const struct quern_kernel qn_kernel_topk;
extern const struct quern_kernel qn_kernel_trend;
extern const struct quern_kernel qn_kernel_var;

#endif
