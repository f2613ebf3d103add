/*
 * compile.h - kernels in one C file: compiled by the compiler that quern was built with, or by QUERN_CC, and kept in
 * $XDG_CACHE_HOME/quern (~/.cache/quern), which is the user's alone.
 *
 * The name of a compiled kernel is a sum of all that it was made of: the source as the preprocessor has it, flags,
 * compiler and its version. So it is found again as long as none of these changes, and one that is there is never
 * written again. It appears whole or not at all; of several processes of a host one compiles.
 */
#ifndef QN_REGISTRY_COMPILE_H
#define QN_REGISTRY_COMPILE_H

#include "base/error.h"

/* *object: owned, the name of the shared object. QUERN_ERR_USAGE with the compiler's first words where it does not
   compile. */
enum quern_status qn_compile(const char *file, char **object, struct quern_message *err);

/* The flags with which a kernel may be compiled by hand against the quern_kernel.h of this quern, which is put into
   the cache, as words for a shell. Owned. */
enum quern_status qn_compile_flags(char **flags, struct quern_message *err);

/* The text of quern_kernel.h (made by text.awk). */
extern const char qn_kernel_header[];

#endif
