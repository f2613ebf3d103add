/*
 * json.h - small helpers over jansson for documents.
 */
#ifndef QN_JSON_JSON_H
#define QN_JSON_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "data/missing.h"

/* A double as JSON: a number, or "nan", "inf", "-inf". */
json_t *qn_json_real(double x);
/* An integer, which is one in the document however many digits it has. jansson has none beyond int64:
   there it is a string of its digits that ends with a zero byte, as no other string does. */
json_t *qn_json_integer(const char *digits);
json_t *qn_json_uint(uint64_t n);
json_t *qn_json_uints(const uint64_t *v, int n);
/* A string, or null for NULL or "". Bytes that are not UTF-8 are written as \xff in it. NULL: no memory. */
json_t *qn_json_text(const char *s);

/* An object a source that is known by name: its file and dataset. */
json_t *qn_json_missing(const struct qn_missing *m);

/* These take the value. One that is NULL, since there was no memory for it, and one that the object or the
   array has no memory for, leave NULL in the place of all of it, which whatever holds it takes for the
   same: a document lacks nothing, or there is none. */
bool qn_json_set(json_t **o, const char *name, json_t *value);
bool qn_json_append(json_t **a, json_t *value);

/* The document as text with a newline, in which no character is one that a terminal obeys; owned; takes doc,
   which may be NULL. NULL: no memory, for it or for a part of it. */
char *qn_json_dump(json_t *doc);

/* Reads a document; integers beyond int64 become what qn_json_integer makes of them, which
   json_string_value shows as digits. NULL: it is none, or there is no memory. why may be NULL. */
json_t *qn_json_load(const char *text, json_error_t *why);

/* Is a file such a document? */
bool qn_json_is_document(const char *file);

#endif
