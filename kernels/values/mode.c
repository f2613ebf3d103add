/*
 * mode.c - the most frequent value, the least of those that are as frequent. NaN, where it is a value, is greater than
 * all others.
 *
 * Of more values than the limit there is no telling: a count of each would have to be kept, and any sketch names a value
 * that may not be the one, or another one when the data are cut otherwise.
 */
#include <math.h>
#include <stdlib.h>

#include "kernels/kernels.h"
#include "values.h"

static enum quern_status mode_open(const struct quern_input *in, void **self)
{
	return qn_values_open(in, self, false);
}

static const char *const *mode_fields(const void *self)
{
	static const char *const fields[] = {
		"count", "missing", "mode", "frequency", "exact", NULL
	};

	(void)self;
	return fields;
}

static void mode_emit(const void *self, const int64_t *state, struct quern_result *r)
{
	struct qn_values_found found;

	qn_values_find(self, state, &found);
	quern_result_int(r, "count", (int64_t)found.count);
	quern_result_int(r, "missing", (int64_t)found.missing);
	if (!found.is_exact || !found.count)
		quern_result_null(r, "mode");
	else if (found.nnan > found.frequency)
		quern_result_real(r, "mode", NAN);
	else
		qn_values_emit_key(self, "mode", &found, r);
	if (!found.is_exact)
		quern_result_null(r, "frequency");
	else
		quern_result_int(
			r, "frequency",
			(int64_t)(found.nnan > found.frequency ? found.nnan : found.frequency));
	quern_result_int(r, "exact", found.is_exact);
}

const struct quern_kernel qn_kernel_mode = {
	QN_VALUES_SLOTS,
	.name = "mode",
	.doc = "the most frequent value, the least of several, and how often it is there",
	.open = mode_open,
	.fields = mode_fields,
	.emit = mode_emit,
};
