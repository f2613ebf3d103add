#include "api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 17 significant digits bring back every double. */
#define ROUND_TRIP 17

json_t *qn_json_real(double x)
{
	if (isnan(x))
		return json_string("nan");
	if (isinf(x))
		return json_string(x > 0 ? "inf" : "-inf");
	return json_real(x);
}

json_t *qn_json_uint(uint64_t n)
{
	char digits[24];

	if (n <= INT64_MAX)
		return json_integer((json_int_t)n);
	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	return json_string(digits);
}

json_t *qn_json_uints(const uint64_t *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(a, qn_json_uint(v[i]));
	return a;
}

json_t *qn_json_text(const char *s)
{
	json_t *text = s && *s ? json_string(s) : json_null();

	/* A name that is not UTF-8 must not spoil the document. */
	return text ? text : json_string("(not UTF-8)");
}

char *qn_json_dump(json_t *doc)
{
	char *text, *line;
	size_t n;

	if (!doc)
		return NULL;
	text = json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(ROUND_TRIP));
	json_decref(doc);
	if (!text)
		return NULL;
	n = strlen(text);
	line = realloc(text, n + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + n, "\n", 2);
	return line;
}
