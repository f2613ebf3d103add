/*
 * cf.h - the CF attributes of packed values: which are missing, and what the others mean.
 *
 * Everything is compared in the type of the packed values. A value is missing if it equals
 * _FillValue or one of missing_value, or lies outside valid_min ... valid_max. NaN is equal to
 * nothing and outside of nothing: whether it counts as missing is not decided here.
 */
#ifndef QN_FEED_CF_H
#define QN_FEED_CF_H

#include "data/dataset.h"

#define QN_CF_MAX_EQUAL (1 + QN_CF_MOST_MISSING) /* _FillValue and the others */

/* Values are in the packed type, at the beginning of their 8 bytes. */
struct qn_cf_test {
	int nequal;
	bool has_min, has_max;
	uint64_t equal[QN_CF_MAX_EQUAL], min, max;
};

/* Writes the validity bitmap of n values; returns the number of clear bits among them. */
typedef size_t qn_cf_mark_fn(const void *values, size_t n, const struct qn_cf_test *test,
			     uint64_t *valid);
/* out = values * scale + offset, rounded after each of the two operations: to double, or in functions
   that are called single to float32. */
typedef void qn_cf_scale_fn(const void *values, size_t n, double scale, double offset, double *out);

/* What a dataset's attributes come to. */
struct qn_cf_plan {
	qn_cf_mark_fn *mark;	/* NULL: nothing can be missing */
	qn_cf_scale_fn *unpack; /* NULL: values stay as they are */
	struct qn_cf_test test;
	double scale, offset;
};

/* The plan for values of the type `packed`. Looks at the environment: call it at set-up. */
void qn_cf_plan_init(struct qn_cf_plan *p, const struct qn_cf *cf, enum quern_dtype packed);

/*
 * Completes *var, whose values are packed: fills in valid, nmissing, and where there is a scale,
 * the dtype and the values. Uses valid (room for n bits) and out (room for n doubles), which *var
 * then borrows.
 */
void qn_cf_apply(const struct qn_cf_plan *p, size_t n, uint64_t *valid, double *out,
		 struct quern_var *var);

#endif
