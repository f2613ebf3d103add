/*
 * products_simd.h - passes over elements of many rows and their weights, compiled once per instruction set.
 */
#ifndef QN_COLUMNS_PRODUCTS_SIMD_H
#define QN_COLUMNS_PRODUCTS_SIMD_H

#include "columns/column_parts.h"

/* Of float32 and float64. */
struct qn_products_pass {
	bool x_is_single, w_is_single;
	const char *x, *w;
	size_t n, nsteps, stride;
	size_t w_stride;		/* weights from a step to the next */
	bool w_is_one;			/* of all rows of a step: its first */
	struct qn_column_sum sum, of_w; /* of products, and of weights; no parts: not asked for */
};

/* As qn_column_pass: a strip has QN_COLUMN_STRIP rows at most. */
QN_ISA_DECLARE(size_t, qn_products_pass, (const struct qn_products_pass *p, size_t first));

typedef size_t qn_products_pass_fn(const struct qn_products_pass *p, size_t first);

#endif
