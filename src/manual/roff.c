/*
 * roff.c - pages of the manual as sources for man(1), in the macros of man(7).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "manual/manual.h"
#include "quern.h"

#define WIDTH 78 /* of lines of the source; what man(1) makes of them is filled */

/* Characters that stand for others in roff, where they are meant as they are. */
static const struct {
	char c;
	const char *roff;
} escapes[] = {
	{ '\\', "\\e" }, { '\'', "\\(aq" }, { '`', "\\(ga" }, { '^', "\\(ha" }, { '~', "\\(ti" },
};

static void put_character(FILE *out, char c, bool code)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++)
		if (escapes[i].c == c) {
			fputs(escapes[i].roff, out);
			return;
		}
	if (c == '-' && code)
		fputc('\\', out);
	fputc(c, out);
}

/* A text in roff, as one line; owned. */
static char *to_roff(const char *text)
{
	struct qn_manual_marks marks = { .code = false }, before;
	char *roff = NULL;
	size_t n;
	FILE *out = qn_open_memstream(&roff, &n);

	if (!out)
		return NULL;
	for (const char *start = text;;) {
		before = marks;
		qn_manual_skip_marks(&text, &marks);
		if ((marks.code || marks.strong) != (before.code || before.strong))
			fputs(marks.code || marks.strong ? "\\fB" : "\\fR", out);
		if (!*text)
			break;
		/* The name of a page is not broken at its dash. */
		put_character(out, *text,
			      marks.code || (text - start >= 5 && !strncmp(text - 5, "quern", 5)));
		text++;
	}
	fclose(out);
	return roff;
}

/* Does a sentence end with this word of n bytes, before one that begins like `next`? */
static bool ends_sentence(const char *word, size_t n, const char *next)
{
	while (n > 3 && (word[n - 1] == ')' || !strncmp(word + n - 3, "\\fR", 3)))
		n -= word[n - 1] == ')' ? 1 : 3;
	return n && strchr(".?!", word[n - 1]) && (isupper((unsigned char)*next) || *next == '\\');
}

/* Words into lines, with a line for each sentence, by which roff knows where one ends. A line that
   began with . or ' would be a request. */
static void fill(FILE *out, const char *roff)
{
	size_t column = 0;

	while (*roff) {
		const size_t n = strcspn(roff, " ");
		const char *next = roff + n + (roff[n] == ' ');

		if (column && column + 1 + n > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%s%.*s", column ? " " : "",
					  !column && strchr(".'", *roff) ? "\\&" : "", (int)n,
					  roff);
		if (*next && ends_sentence(roff, n, next)) {
			fputc('\n', out);
			column = 0;
		}
		roff = next;
	}
	fputc('\n', out);
}

static void put_filled(struct qn_manual *m, const char *text)
{
	char *roff = to_roff(text);

	if (roff)
		fill(m->out, roff);
	else
		m->lost = true;
	free(roff);
	m->fresh = false;
}

static void put_line(struct qn_manual *m, const char *text)
{
	char *roff = to_roff(text);

	if (roff)
		fprintf(m->out, "%s%s\n", strchr(".'", *roff) ? "\\&" : "", roff);
	else
		m->lost = true;
	free(roff);
}

static void put_capitals(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

static void begin(struct qn_manual *m, const char *name, char section)
{
	fputs(".\\\" made by quern from its table of options and src/manual\n.TH ", m->out);
	for (const char *dot = strrchr(name, '.'); name < dot; name++)
		fputc(toupper((unsigned char)*name), m->out);
	fprintf(m->out, " %c %s \"quern %s\" \"quern manual\"\n.nh\n.ad l\n", section,
		qn_manual_date, quern_version());
}

static void heading(struct qn_manual *m, int level, const char *text)
{
	fputs(level == 2 ? ".SH " : ".SS ", m->out);
	if (level == 2)
		put_capitals(m->out, text);
	else
		fputs(text, m->out);
	fputc('\n', m->out);
	m->fresh = true;
}

static void paragraph(struct qn_manual *m, const char *text)
{
	if (!m->fresh)
		fputs(".PP\n", m->out);
	put_filled(m, text);
}

static void item(struct qn_manual *m, const char *text)
{
	fputs(".IP \\(bu 2\n", m->out);
	put_filled(m, text);
}

static void definition(struct qn_manual *m, const char *tag, const char *text)
{
	fputs(".TP\n", m->out);
	put_line(m, tag);
	put_filled(m, text);
}

static void code(struct qn_manual *m, const char *text, const char *end)
{
	if (!m->fresh)
		fputs(".PP\n", m->out);
	fputs(".RS 4\n.nf\n", m->out);
	while (text < end) {
		const char *next = qn_manual_next_line(text);

		text += strspn(text, " ") < 4 ? strspn(text, " ") : 4;
		if (*text == '.')
			fputs("\\&", m->out);
		for (; text < next; text++)
			put_character(m->out, *text, true);
	}
	fputs(".fi\n.RE\n", m->out);
	m->fresh = false;
}

const struct qn_manual_format qn_manual_roff = {
	.begin = begin,
	.heading = heading,
	.paragraph = paragraph,
	.item = item,
	.definition = definition,
	.code = code,
};
