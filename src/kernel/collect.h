/*
 * collect.h - the result of many rows, from what a kernel emits of each of them.
 */
#ifndef QN_KERNEL_COLLECT_H
#define QN_KERNEL_COLLECT_H

#include "kernel/result.h"

/*
 * Puts what was emitted for a row into the result of all, which has its axes. Rows come in any order, each
 * once, and emit the same fields in the same order. kept: of indexes within the dataset only those of
 * these dimensions are kept, nkept of them (NULL: all). Rows may have lists of other lengths: what the
 * shorter ones lack is not there. Integers of any size stay integers where they fit, in all rows; else they
 * are digits. False: there is no memory, or the rows differ, which is a kernel's fault.
 */
bool qn_collect_row(struct quern_result *all, uint64_t row, const struct quern_result *one,
		    const int *kept, size_t nkept);

/* The same of rows that follow each other and have been collected: from `row` on. */
bool qn_collect_rows(struct quern_result *all, uint64_t row, const struct quern_result *rows);

/* The fields alone, of a result without rows. False: no memory. */
bool qn_collect_fields(struct quern_result *all, const struct quern_result *one);

/* Of an array that is the same in all rows, the first one. False: no memory. */
bool qn_collect_shared(struct qn_field *to, const struct qn_field *f);

#endif
