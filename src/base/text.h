/*
 * text.h - text that others wrote, as it may be shown: names, units and attributes of files are any
 * bytes, and a terminal takes orders from some of them.
 *
 * Plain text is UTF-8 without control characters (C0, DEL, C1, line and paragraph separators) and
 * without marks, overrides and isolates of the direction of writing. These are written as \x1b (below
 * U+0080) and \u202e, and bytes that are not UTF-8 as \xff. Plain text stays as it is, so it does no
 * harm to make it plain twice.
 */
#ifndef QN_BASE_TEXT_H
#define QN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define QN_PLAIN_NBYTES 8 /* room for one character in its plain form, and a '\0' */

/* The bytes of the UTF-8 character at `at`, which lies before `end`, and its code; 0: it is none. */
size_t qn_text_character(const char *at, const char *end, uint32_t *code);

/* Must this character not reach a terminal as it is? */
bool qn_text_is_unsafe(uint32_t code);

/* The next character of a text in plain form, into out; *at is moved behind it. Returns the number of
   bytes written, without the '\0'. */
size_t qn_text_next(const char **at, const char *end, char out[QN_PLAIN_NBYTES]);

/* The text in plain form; owned. NULL: there is no memory. */
char *qn_text_plain(const char *text);

/* Any bytes as UTF-8: what is not, and zero bytes, are written as \xff; nothing else is changed. Owned. */
char *qn_text_utf8(const void *bytes, size_t nbytes);

/* A name of a dimension or a variable as every reader of netCDF takes it: '/', ':', blanks, control characters and
   bytes that are not UTF-8 are '_', and it begins with a letter, a digit or '_'. At most nbytes - 1 bytes,
   and never empty. */
#define QN_NAME_NBYTES 200
void qn_text_name(const char *text, size_t nbytes, char *out);

/* Writes the text in plain form. */
void qn_text_print(FILE *out, const char *text);

/* Writes plain text of which a shell makes these bytes: as they are, in quotation marks, or where they are
   not plain as bash, ksh and zsh have it: $'a\012b'. */
void qn_text_print_word(FILE *out, const char *word);
/* The same; owned. NULL: there is no memory. */
char *qn_text_word(const char *word);

/*
 * Makes a text fit into nbytes with its '\0': its longest words, which are names of files and datasets,
 * lose their middle (...), and if there are none to be cut, the text loses its own. Its beginning and
 * its end stay: the end says what to do.
 */
void qn_text_fit(char *text, size_t nbytes);

/* The text in plain form, made to fit. Never fails: without memory it is cut at its end. */
void qn_text_put(char *out, size_t nbytes, const char *text);

/* What is behind the last slash of a path. */
const char *qn_text_last(const char *path);

#endif
