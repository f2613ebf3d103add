/*
 * density.h - what share of a total lies in a box, for each unit of its volume: rounded once.
 */
#ifndef QN_EXACT_DENSITY_H
#define QN_EXACT_DENSITY_H

#include "exact/acc.h"

/* The double nearest to part / (total * product of the widths), a width being hi[i] - lo[i] > 0, i < ndims; 0 where one is
   infinite. part: canonical limbs of a value of 0 or more; total: above 0. */
double qn_density(const struct qn_acc_form *f, const int64_t *part, const int64_t *total, int ndims,
		  const double *lo, const double *hi);

/* The same of counts below 2^53, in less time. */
double qn_density_of_count(uint64_t part, uint64_t total, int ndims, const double *lo,
			   const double *hi);

#endif
