/*
 * select.h - keys of lists by their ranks, without sorting all of them.
 */
#ifndef QN_KERNELS_QUANTILES_SELECT_H
#define QN_KERNELS_QUANTILES_SELECT_H

#include "quern_kernel.h"

/* The keys number at[0] and at[1] of n keys of a list in rising order: at[0] <= at[1] < n, next to each other or the
   same. False: no memory. */
bool qn_quantile_select(enum quern_dtype t, const void *keys, size_t n, const uint64_t at[2],
			uint64_t key[2]);

#endif
