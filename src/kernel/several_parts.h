/*
 * several_parts.h - what lists of kernels are made of (registry/choice.h), and what runs them (several.c).
 */
#ifndef QN_KERNEL_SEVERAL_PARTS_H
#define QN_KERNEL_SEVERAL_PARTS_H

#include "kernel/several.h"

/* Always: kernel, which the engine has of it, comes first. */
struct qn_several {
	struct quern_kernel kernel;
	int n;
	const struct quern_kernel *of[QN_MOST_KERNELS];
	char *name;		      /* owned */
	struct quern_option *options; /* owned: those of all */
};

/* Makes the kernel of those that are there, with their options and name. */
void qn_several_make(struct qn_several *s);

#endif
