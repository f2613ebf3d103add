#include "json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/real.h"
#include "base/text.h"

/* 17 significant digits bring back every double. */
#define ROUND_TRIP 17

static bool keep_or_drop(json_t **whole, int failed)
{
	if (!failed)
		return true;
	json_decref(*whole);
	*whole = NULL;
	return false;
}

bool qn_json_set(json_t **o, const char *name, json_t *value)
{
	return keep_or_drop(o, json_object_set_new(*o, name, value));
}

bool qn_json_append(json_t **a, json_t *value)
{
	return keep_or_drop(a, json_array_append_new(*a, value));
}

json_t *qn_json_real(double x)
{
	if (isnan(x))
		return json_string("nan");
	if (isinf(x))
		return json_string(x > 0 ? "inf" : "-inf");
	return json_real(x);
}

json_t *qn_json_integer(const char *digits)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(digits, &end, 10);
	return errno || *end ? json_stringn(digits, strlen(digits) + 1) : json_integer(n);
}

json_t *qn_json_uint(uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	return qn_json_integer(digits);
}

json_t *qn_json_uints(const uint64_t *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; i < n; i++)
		qn_json_append(&a, qn_json_uint(v[i]));
	return a;
}

json_t *qn_json_text(const char *s)
{
	char *utf8;
	json_t *text;

	if (!s || !*s)
		return json_null();
	utf8 = qn_text_utf8(s, strlen(s));
	text = utf8 ? json_string(utf8) : NULL;
	free(utf8);
	return text;
}

json_t *qn_json_missing(const struct qn_missing *m)
{
	json_t *a = json_array();

	for (size_t i = 0; i < m->nnamed; i++)
		qn_json_append(&a, json_pack("{s:o, s:o}", "file", qn_json_text(m->named[i].file),
					     "dataset", qn_json_text(m->named[i].path)));
	return a;
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

/* As jansson writes the zero byte at the end of what qn_json_integer makes, and the quote. */
#define INTEGER_END "\\u0000\""

static bool is_integer(const char *at, const char *end)
{
	const size_t n = strlen(INTEGER_END);
	const char *digits = at + 1 + (at[1] == '-');

	/* The text of a file may end so too, with a backslash of its own before. */
	return (size_t)(end - at) > n && !memcmp(end - n, INTEGER_END, n) && digits < end - n &&
	       digits + strspn(digits, "0123456789") == end - n;
}

static void copy_document(FILE *out, const char *at)
{
	while (*at) {
		const char *end = at + strspn(at, "+-.0123456789eE");

		if (*at == '"') {
			end = string_end(at);
			if (is_integer(at, end))
				fwrite(at + 1, 1, (size_t)(end - at) - 1 - strlen(INTEGER_END),
				       out);
			else
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
	FILE *out = text ? qn_open_memstream(&short_text, &n) : NULL;
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

/* A number of the document, as jansson can read it. */
static void copy_readable(FILE *out, const char *at, size_t n)
{
	const bool is_real = memchr(at, '.', n) || memchr(at, 'e', n) || memchr(at, 'E', n);

	errno = 0;
	strtoll(at, NULL, 10);
	if (errno && !is_real)
		fprintf(out, "\"%.*s" INTEGER_END, (int)n, at);
	else
		fwrite(at, 1, n, out);
}

json_t *qn_json_load(const char *text, json_error_t *why)
{
	char *readable = NULL;
	size_t n;
	FILE *out = qn_open_memstream(&readable, &n);
	json_t *doc = NULL;

	while (out && *text) {
		const char *end = text + strspn(text, "+-.0123456789eE");

		if (*text == '"') {
			end = string_end(text);
			fwrite(text, 1, (size_t)(end - text), out);
		} else if (*text == '-' || (*text >= '0' && *text <= '9')) {
			copy_readable(out, text, (size_t)(end - text));
		} else {
			end = text + 1;
			fputc(*text, out);
		}
		text = end;
	}
	if (out && !fclose(out))
		doc = json_loads(readable, JSON_ALLOW_NUL, why);
	free(readable);
	return doc;
}

bool qn_json_is_document(const char *file)
{
	return qn_file_begins(file, "{\"quern\":");
}
