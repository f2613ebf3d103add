/*
 * kernels.h - the parts of `quern kernels`. Each returns the exit code, after what it has to say.
 */
#ifndef QN_AUTHORING_KERNELS_H
#define QN_AUTHORING_KERNELS_H

#include "base/options.h"

/* Writes the skeleton of a kernel to a directory, which is made where it is not there. (kernel_new.c) */
int qn_cli_new_kernel(const char *name, const char *folder);
/* The texts of it, with @NAME@ for the name (template/). */
extern const char qn_template_kernel[], qn_template_makefile[], qn_template_test[];

/* Tries a kernel of a file, by options type, set and seed, in a process of its own. (kernel_check.c) */
int qn_cli_check_kernel(const struct quern_options *o, const char *file);

#endif
