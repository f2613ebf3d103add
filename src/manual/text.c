/*
 * text.c - pages of the manual as plain text, as man(1) would lay them out.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "manual/manual.h"
#include "quern.h"

#define INDENT 4 /* of all but headings */
#define DEEPER 8 /* of what a tag stands for, and of code */

/* A text without its marks; owned. */
static char *without_marks(const char *text)
{
	struct qn_manual_marks marks = { .code = false };
	char *plain = qn_malloc(strlen(text) + 1), *to = plain;

	for (; plain; *to++ = *text++) {
		qn_manual_skip_marks(&text, &marks);
		if (!*text)
			break;
	}
	if (plain)
		*to = 0;
	return plain;
}

/* Words, from `column` on, into lines that begin at column `indent`. */
static void fill(FILE *out, const char *text, int column, int indent, int width)
{
	bool first = true;

	while (*text) {
		const int n = (int)strcspn(text, " ");

		if (first || column + 1 + n <= width)
			column += fprintf(out, "%s%.*s", first ? "" : " ", n, text);
		else
			column = fprintf(out, "\n%*s%.*s", indent, "", n, text) - 1;
		text += n + (text[n] == ' ');
		first = false;
	}
}

static void put(struct qn_manual *m, const char *first, const char *text, int indent)
{
	char *plain = without_marks(text);

	fputs(first, m->out);
	if (plain)
		fill(m->out, plain, (int)strlen(first), indent, m->width);
	else
		m->lost = true;
	fputc('\n', m->out);
	free(plain);
}

static void begin(struct qn_manual *m, const char *name, char section)
{
	fprintf(m->out, "%.*s(%c), quern %s\n", (int)strlen(name) - 2, name, section,
		quern_version());
}

static void heading(struct qn_manual *m, int level, const char *text)
{
	fputs(level == 2 ? "\n" : "\n  ", m->out);
	for (; *text; text++)
		fputc(level == 2 ? toupper((unsigned char)*text) : *text, m->out);
	fputc('\n', m->out);
	m->fresh = true;
}

/* The line between two parts: none after a heading. */
static void separate(struct qn_manual *m)
{
	if (!m->fresh)
		fputc('\n', m->out);
	m->fresh = false;
}

static void paragraph(struct qn_manual *m, const char *text)
{
	separate(m);
	put(m, "    ", text, INDENT);
}

static void item(struct qn_manual *m, const char *text)
{
	separate(m);
	put(m, "    - ", text, INDENT + 2);
}

static void definition(struct qn_manual *m, const char *tag, const char *text)
{
	separate(m);
	put(m, "    ", tag, DEEPER);
	put(m, "        ", text, DEEPER);
}

static void code(struct qn_manual *m, const char *text, const char *end)
{
	separate(m);
	while (text < end) {
		const char *next = qn_manual_next_line(text);

		if (*text != '\n')
			fputs("    ", m->out);
		fwrite(text, 1, (size_t)(next - text), m->out);
		text = next;
	}
}

const struct qn_manual_format qn_manual_text = {
	.begin = begin,
	.heading = heading,
	.paragraph = paragraph,
	.item = item,
	.definition = definition,
	.code = code,
};
