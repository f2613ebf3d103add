/*
 * numbers.c - numbers of documents, as people read them.
 */
#include <stdlib.h>

#include "base/real.h"
#include "base/text.h"
#include "cli/cli.h"

void qn_cli_bytes(double nbytes, char *out, size_t n)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t u = 0;

	for (; nbytes >= 1024 && u + 1 < sizeof(unit) / sizeof(*unit); u++)
		nbytes /= 1024;
	snprintf(out, n, u ? "%.2f %s" : "%.0f %s", nbytes, unit[u]);
}

void qn_cli_shape(const json_t *shape, char *out, size_t n)
{
	size_t i, used = 0;
	const json_t *v;

	snprintf(out, n, "%s", json_array_size(shape) ? "" : "scalar");
	json_array_foreach(shape, i, v)
	{
		char number[32];

		qn_cli_number(v, number, sizeof(number));
		used += (size_t)snprintf(out + used, used < n ? n - used : 0, "%s%s",
					 i ? " x " : "", number);
		if (used >= n)
			return;
	}
}

void qn_cli_number(const json_t *v, char *out, size_t n)
{
	char real[QN_REAL_NBYTES];

	if (json_is_integer(v)) {
		snprintf(out, n, "%lld", (long long)json_integer_value(v));
	} else if (json_is_string(v)) {
		qn_text_put(out, n, json_string_value(v));
	} else if (json_is_real(v)) {
		qn_real_print(json_real_value(v), real);
		snprintf(out, n, "%s", real);
	} else {
		snprintf(out, n, "-");
	}
}

void qn_cli_place(const json_t *v, char *out, size_t n)
{
	const double x = json_real_value(v);
	const bool is_single = (double)(float)x == x;

	if (!json_is_real(v)) {
		qn_cli_number(v, out, n);
		return;
	}
	for (int digits = 6; digits <= 17; digits++) {
		double back;

		snprintf(out, n, "%.*g", digits, x);
		back = strtod(out, NULL);
		if (back == x || (is_single && (float)back == (float)x))
			return;
	}
}
