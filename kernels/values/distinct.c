/*
 * distinct.c - how many different values there are.
 */
#include <stdlib.h>

#include "kernels/kernels.h"
#include "values.h"

static enum quern_status distinct_open(const struct quern_input *in, void **self)
{
	return qn_values_open(in, self, true);
}

static const char *const *distinct_fields(const void *self)
{
	static const char *const fields[] = { "count", "missing",	 "distinct",
					      "exact", "standard_error", NULL };

	(void)self;
	return fields;
}

static void distinct_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	struct qn_values_found found;

	qn_values_find(self, state, &found);
	quern_result_int(r, "count", (int64_t)found.count);
	quern_result_int(r, "missing", (int64_t)found.missing);
	quern_result_int(r, "distinct", (int64_t)found.ndistinct);
	quern_result_int(r, "exact", found.is_exact);
	quern_result_real(r, "standard_error", found.error);
}

const struct quern_kernel qn_kernel_distinct = {
	QN_VALUES_SLOTS,
	.name = "distinct",
	.doc = "number of different values, exact up to a limit and estimated beyond",
	.open = distinct_open,
	.fields = distinct_fields,
	.emit = distinct_emit,
};
