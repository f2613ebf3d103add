/*
 * terminal.h - what the command says to people: text that is plain, whole lines, and columns that fit.
 *
 * Text of others (names, units, messages that hold them) is made plain here, in one place for each way
 * to the terminal: qn_cli_load for what is printed of a document, qn_cli_warn and qn_cli_fail for
 * messages, and qn_cli_print_text for words of the command line.
 */
#ifndef QN_CLI_TERMINAL_H
#define QN_CLI_TERMINAL_H

#include <jansson.h>
#include <stdio.h>

#include "quern.h"

/* Called first: standard output is written when it is flushed, in as few pieces as can be. */
void qn_cli_begin(void);

/* "quern: TEXT" on standard error, of plain text (base/error.h). */
void qn_cli_tell(const char *text);
/* The same from rank 0 only; returns the exit code of the status. */
int qn_cli_fail(enum quern_status st, const char *text);

/* "quern: warning: TEXT" on standard error, and "quern: TEXT", a line each. */
void qn_cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void qn_cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Under a launcher: waits, a second at most, until that has taken what was written to standard error. May
   be called in a handler of signals. */
void qn_cli_await_stderr(void);

/* Writes what is in the buffer of standard output. Nothing should be said on standard error after it. */
void qn_cli_flush(void);

/* The same, as the last thing; an error there is one of the command. Returns the exit code. */
int qn_cli_finish(void);

/* All bytes to a descriptor, in one write(2) where the system takes them at once. */
bool qn_cli_write(int fd, const char *bytes, size_t nbytes);

/* A document to be shown: qn_json_load, with every string in it made plain. Takes text, which may be NULL.
   NULL: there is no memory. */
json_t *qn_cli_load(char *text);

/* A word of the command line, or of the environment, in plain form. */
void qn_cli_print_text(FILE *out, const char *text);

/* How many columns a line on this descriptor may have: of COLUMNS, or of its terminal, or 96; never
   fewer than 40 or more than 96. */
int qn_cli_columns(int fd);

/* The columns that a text takes: none for a combining character, two for a wide one. */
int qn_cli_width(const char *text);

/* The text, and blanks up to so many columns. */
void qn_cli_print_cell(FILE *out, const char *text, int width);

/* Prints words from `column` on, and from column `indent` on in the lines that follow, so that none is
   wider than `width`; words that are too long go on in the next line. */
void qn_cli_wrap(FILE *out, const char *text, int column, int indent, int width);

#endif
