/*
 * several.h - several kernels as one, so that each chunk is read and decoded once for all of them.
 *
 * The state of all is that of each, one after the other; kernels that can share a state (slot `share`) have one
 * between them:
 *
 *	mean,std,minmax   | state of mean and std | state of minmax |
 *
 * A pass whose states are of all rows together, or that needs a sample only, is one of the kernels alone that
 * ask for it. In every other pass all take part, also those that were done before: their results are those of
 * the last pass.
 */
#ifndef QN_KERNEL_SEVERAL_H
#define QN_KERNEL_SEVERAL_H

#include "kernel/kernel.h"

#define QN_MOST_KERNELS 16 /* of one run */

/* The i-th of the kernels that this one stands for, from 0: itself, where it is one. NULL: there are no more. */
const struct quern_kernel *qn_kernel_of(const struct quern_kernel *k, int i);
/* What that one's open() has made, of what this one's has. */
const void *qn_kernel_self_of(const struct quern_kernel *k, const void *self, int i);

#endif
