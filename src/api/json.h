/*
 * json.h - small helpers over jansson for the documents of the API.
 */
#ifndef QN_API_JSON_H
#define QN_API_JSON_H

#include <jansson.h>

#include "base/error.h"

/* A double as JSON: a number, or "nan", "inf", "-inf". */
json_t *qn_json_real(double x);
/* An unsigned number; a decimal string beyond int64, which JSON readers would round. */
json_t *qn_json_uint(uint64_t n);
json_t *qn_json_uints(const uint64_t *v, int n);
/* A string, or null for NULL or "". Bytes that are not UTF-8 are written as \xff in it. */
json_t *qn_json_text(const char *s);

/* The document as text with a newline, in which no character is one that a terminal obeys; owned; takes doc (which may be NULL). NULL: no memory. */
char *qn_json_dump(json_t *doc);

#endif
