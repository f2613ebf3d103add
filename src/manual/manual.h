/*
 * manual.h - the manual: the texts of src/manual, which are built into the command, with the rows of
 * options in their places, as sources of man pages and as plain text.
 *
 * A text is written in a few words of Markdown:
 *
 *	# quern-select(7) - TITLE	the first line; of a command without a title, which its row has
 *	## HEADING, ### HEADING
 *	- ITEM				goes on in lines that begin with two blanks
 *	| TAG | TEXT |			a row of a table; its first two rows are the head, and are left out
 *	    CODE			four blanks
 *	{options}			here stand the rows of something: see the table in manual.c
 *	`code`, **strong**		in all texts but code
 *
 * and everything else is paragraphs.
 */
#ifndef QN_MANUAL_MANUAL_H
#define QN_MANUAL_MANUAL_H

#include <stdio.h>

#include "manual/rows.h"

struct qn_page {
	const char *name;  /* "quern-run.1" */
	const char *topic; /* "run" */
	const char *text;
};

/* What src/manual/embed.awk makes; ends with a NULL name. The date is that of the first release in
   NEWS. */
extern const struct qn_page qn_manual_pages[];
extern const char qn_manual_date[];

/* The page for a topic, "run", "quern-run", "quern-run(1)" or "quern-run.1"; or NULL. */
const struct qn_page *qn_manual_find(const char *topic);

/* A part of a page that has a topic of its own: what stands under a heading. */
struct qn_part {
	const char *topic, *page, *heading; /* "groups", "run", "Groups" */
};
extern const struct qn_part qn_manual_parts[]; /* ends with a NULL topic */

/* The part of a topic as a page, whose text is owned; text NULL: there is no such part, or no memory. */
struct qn_page qn_manual_part(const char *topic);

/* A page that is being written. */
struct qn_manual {
	const struct qn_manual_format *format;
	const struct qn_rows *rows;
	const struct qn_page *page;
	const struct qn_command *command; /* that it is about, or NULL */
	FILE *out;
	int width;  /* columns, where lines are filled */
	bool fresh; /* for the format: nothing came after the heading yet */
	bool lost;  /* by the format: there was no memory for something */
};

/* How the parts of a page are written, in the order in which they are read. */
struct qn_manual_format {
	void (*begin)(struct qn_manual *m, const char *name, char section);
	void (*heading)(struct qn_manual *m, int level, const char *text);
	void (*paragraph)(struct qn_manual *m, const char *text);
	void (*item)(struct qn_manual *m, const char *text);
	void (*definition)(struct qn_manual *m, const char *tag, const char *text);
	/* Lines up to `end`, as they are in the text. */
	void (*code)(struct qn_manual *m, const char *text, const char *end);
};

extern const struct qn_manual_format qn_manual_roff, qn_manual_text;

/* Writes a page, in lines of `width` columns where the format fills them. Returns false when there is no
   memory for it. */
bool qn_manual_write(const struct qn_page *page, const struct qn_rows *rows,
		     const struct qn_manual_format *format, FILE *out, int width);

/* The script by which bash, zsh or fish completes command lines (completion.c). */
void qn_completion_print(FILE *out, const struct qn_rows *rows, const char *shell);

/* What the marks in a text say of its next character: *at is moved to it, over the marks. */
struct qn_manual_marks {
	bool code, strong;
};
void qn_manual_skip_marks(const char **at, struct qn_manual_marks *marks);

/* The lines of the first code under "## Examples" of a command's page, up to *end; NULL: none. */
const char *qn_manual_examples(const struct qn_command *command, const char **end);

/* The line after this one, or the end of the text. */
const char *qn_manual_next_line(const char *line);

#endif
