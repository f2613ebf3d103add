#include "api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "base/text.h"

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
	char *utf8 = s && *s ? qn_text_utf8(s, strlen(s)) : NULL;
	json_t *text = utf8 ? json_string(utf8) : json_null();

	free(utf8);
	return text;
}

/* A number as jansson has it: reals are made as short as they can be, and stay reals. */
static void copy_number(FILE *out, const char *at, size_t n)
{
	char text[QN_REAL_NBYTES];

	if (!memchr(at, '.', n) && !memchr(at, 'e', n)) {
		fwrite(at, 1, n, out);
		return;
	}
	qn_real_print(strtod(at, NULL), text);
	fputs(text, out);
	if (!strpbrk(text, ".e"))
		fputs(".0", out);
}

/* The end of a string that begins with its quote. */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		at += *at == '\\' && at[1];
	return at + (*at == '"');
}

/* A string as jansson has it, in which C0 are escaped; the other characters that a terminal would obey
   are escaped here, for documents are looked at too. */
static void copy_string(FILE *out, const char *at, const char *end)
{
	while (at < end) {
		uint32_t code = 0;
		const size_t n = qn_text_character(at, end, &code);

		if (n && qn_text_is_unsafe(code))
			fprintf(out, "\\u%04x", (unsigned)code);
		else
			fwrite(at, 1, n ? n : 1, out);
		at += n ? n : 1;
	}
}

static void copy_document(FILE *out, const char *at)
{
	while (*at) {
		const char *end = at + strspn(at, "+-.0123456789eE");

		if (*at == '"') {
			end = string_end(at);
			copy_string(out, at, end);
		} else if (*at == '-' || (*at >= '0' && *at <= '9')) {
			copy_number(out, at, (size_t)(end - at));
		} else {
			end = at + 1;
			fputc(*at, out);
		}
		at = end;
	}
	fputc('\n', out);
}

char *qn_json_dump(json_t *doc)
{
	char *text = doc ? json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(ROUND_TRIP)) : NULL;
	char *short_text = NULL;
	size_t n;
	FILE *out = text ? open_memstream(&short_text, &n) : NULL;
	bool ok;

	json_decref(doc);
	if (out)
		copy_document(out, text);
	ok = out && !ferror(out);
	if (out && fclose(out))
		ok = false;
	free(text);
	if (ok)
		return short_text;
	free(short_text);
	return NULL;
}
