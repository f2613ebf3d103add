/*
 * results.h - results as callers of the library read them (quern.h): list.c, what there is; values.c, the values.
 */
#ifndef QN_RESULTS_RESULTS_H
#define QN_RESULTS_RESULTS_H

#include "kernel/result.h"
#include "quern.h"

/* Names the fields and their units, where the values have `units`, those beside them `with` (""; NULL: they have
   none) and elements were weighted so (NULL: they were not). Without it a result is not listed. False: no memory. */
bool qn_results_label(struct quern_result *r, const char *units, const char *with,
		      const char *weights);

/* The coordinates of an axis: a field, and dates. */
const struct qn_field *qn_results_coordinates(const struct quern_result *r, size_t axis);

/* How many values a field has in all. */
uint64_t qn_results_nvalues(const struct quern_result *r, const struct qn_field *f);
enum quern_type qn_results_type(const struct qn_field *f);

#endif
