/*
 * swap.h - from elements as they are in the file to values that kernels take: byte order, and
 * float16 and bfloat16 widened to float32.
 */
#ifndef QN_FEED_SWAP_H
#define QN_FEED_SWAP_H

#include "data/dataset.h"

/* n elements of in to n values of out. Both are aligned to their types, and do not overlap. */
typedef void qn_convert_fn(const void *in, size_t n, void *out);

/* What turns elements of the type into values; `swapped`: their bytes are not in the order of the
   machine. NULL: they are values already. Looks at the environment: call it at set-up. */
qn_convert_fn *qn_convert_for(const struct qn_type *type, bool swapped);

/* Are the bytes of the type in the other order than the machine's? */
bool qn_type_is_swapped(const struct qn_type *type);

/* n pieces of `size` bytes, which begin every `stride` bytes of in, to out, side by side. */
void qn_gather(const void *in, size_t stride, size_t n, size_t size, void *out);

#endif
