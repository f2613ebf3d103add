/*
 * manual.c - reads the texts of the manual (see manual.h) and tells a format what is in them.
 */
#include "manual/manual.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/kernel.h"

#define MOST_CELLS 4
#define MOST_NAME  64

/* --- names of pages --- */

/* "quern-run(1)", or "quern-run", which may be the name of a page of any section. */
static bool is_called(const char *page, const char *word)
{
	const size_t n = strlen(page) - 2;
	char full[MOST_NAME];

	if (!strcmp(page, word) || (strlen(word) == n && !strncmp(page, word, n)))
		return true;
	snprintf(full, sizeof(full), "%.*s(%c)", (int)n, page, page[n + 1]);
	return !strcmp(full, word);
}

const struct qn_page *qn_manual_find(const char *word)
{
	for (const struct qn_page *p = qn_manual_pages; p->name; p++)
		if (!strcmp(p->topic, word))
			return p;
	for (const struct qn_page *p = qn_manual_pages; p->name; p++)
		if (is_called(p->name, word))
			return p;
	return NULL;
}

const struct qn_part qn_manual_parts[] = {
	{ "expressions", "run", "Expressions and conditions" },
	{ "groups", "run", "Groups" },
	{ "pairs", "run", "Pairs" },
	{ "histograms", "run", "Histograms" },
	{ "values", "run", "Different values" },
	{ "selections", "select", "Description" },
	{ "weights", "run", "Weights" },
	{ "windows", "run", "Windows" },
	{ NULL, NULL, NULL },
};

/* Words of options and for things that people look for, which no list of topics has. */
static const struct qn_part words[] = {
	{ "approx", "run", "Quantiles" },
	{ "by", "run", "Groups" },
	{ "climatology", "run", "Windows" },
	{ "expr", "run", "Expressions and conditions" },
	{ "fields", "run", "Fields" },
	{ "keepdims", "run", "Reductions over some dimensions" },
	{ "over", "run", "Reductions over some dimensions" },
	{ "rolling", "run", "Windows" },
	{ "stack", "run", "Ensembles" },
	{ "where", "run", "Expressions and conditions" },
	{ "with", "run", "Pairs" },
	{ NULL, NULL, NULL },
};

/* The lines from a heading up to the next one of its level. */
static char *cut_part(const struct qn_page *page, const char *heading)
{
	char line[MOST_NAME], *text = NULL;
	const char *from, *end;

	snprintf(line, sizeof(line), "\n## %s\n", heading);
	from = strstr(page->text, line);
	end = from ? strstr(from + 1, "\n## ") : NULL;
	if (from && qn_asprintf(&text, "%.*s%.*s\n", (int)strcspn(page->text, "\n"), page->text,
				end ? (int)(end - from) : (int)strlen(from), from) < 0)
		text = NULL;
	return text;
}

static const struct qn_part *find_part(const struct qn_part *p, const char *topic)
{
	while (p->topic && strcmp(p->topic, topic))
		p++;
	return p->topic ? p : NULL;
}

struct qn_page qn_manual_part(const char *topic)
{
	const struct qn_part *p = find_part(qn_manual_parts, topic);
	struct qn_page page = { .text = NULL };

	if (!p)
		p = find_part(words, topic);
	if (p) {
		page = *qn_manual_find(p->page);
		page.text = cut_part(&page, p->heading);
	}
	return page;
}

/* --- lines --- */

static const char *line_end(const char *line)
{
	return line + strcspn(line, "\n");
}

const char *qn_manual_next_line(const char *line)
{
	const char *end = line_end(line);

	return *end ? end + 1 : end;
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

enum kind { END, BLANK, HEADING, CODE, ITEM, ROW, INSERT, PARAGRAPH };

static enum kind kind_of(const char *line)
{
	static const struct {
		const char *with;
		enum kind kind;
	} kinds[] = {
		{ "\n", BLANK }, { "## ", HEADING }, { "### ", HEADING }, { "    ", CODE },
		{ "- ", ITEM },	 { "| ", ROW },	     { "{", INSERT },
	};

	if (!*line)
		return END;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (begins(line, kinds[i].with))
			return kinds[i].kind;
	return PARAGRAPH;
}

/* Lines as one, without the blanks at their beginnings; owned. */
static char *join(const char *text, const char *end)
{
	char *joined = qn_malloc((size_t)(end - text) + 1), *to = joined;
	bool starts = true;

	for (; joined && text < end; text++) {
		if (starts && *text == ' ')
			continue;
		starts = *text == '\n';
		*to++ = starts ? ' ' : *text;
	}
	while (joined && to > joined && to[-1] == ' ')
		to--;
	if (joined)
		*to = 0;
	return joined;
}

void qn_manual_skip_marks(const char **at, struct qn_manual_marks *marks)
{
	for (;;) {
		if (**at == '`') {
			marks->code = !marks->code;
			++*at;
		} else if (!marks->code && begins(*at, "**")) {
			marks->strong = !marks->strong;
			*at += 2;
		} else {
			return;
		}
	}
}

/* --- what rows say --- */

static bool put_option(struct qn_manual *m, const struct quern_option *row)
{
	char tag[128], variable[MOST_NAME], *doc = qn_option_doc(row), *text = NULL;
	int n = 0;

	if (row->letter)
		n = snprintf(tag, sizeof(tag), "`-%c`, ", row->letter);
	snprintf(tag + n, sizeof(tag) - (size_t)n, "`--%s`%s%s", row->name, row->arg ? " " : "",
		 row->arg ? row->arg : "");
	qn_option_variable(row, variable, sizeof(variable));
	if (!doc || qn_asprintf(&text, "%s [%s]", doc, variable) < 0)
		text = NULL;
	if (text)
		m->format->definition(m, tag, text);
	free(doc);
	free(text);
	return text != NULL;
}

static bool put_table(struct qn_manual *m, const struct quern_option *row)
{
	for (; row && row->name; row++)
		if (!put_option(m, row))
			return false;
	return true;
}

/* {options}: of the command that the page is about. */
static bool put_options(struct qn_manual *m)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };

	if (m->command)
		m->command->tables(table);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		if (!put_table(m, table[i]))
			return false;
	m->format->definition(m, "`-h`, `--help`", "the options used most, and examples");
	return true;
}

/* {kernels}: each with what it is, and its options. */
static bool put_kernels(struct qn_manual *m)
{
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++) {
		m->format->heading(m, 3, (*k)->name);
		m->format->paragraph(m, (*k)->doc);
		if (!put_table(m, (*k)->options))
			return false;
	}
	return true;
}

static bool put_commands(struct qn_manual *m)
{
	char tag[128];

	for (const struct qn_command *c = m->rows->commands; c->name; c++) {
		snprintf(tag, sizeof(tag), "`quern %s`", c->usage);
		m->format->definition(m, tag, c->doc);
	}
	return true;
}

/* {variables}: those that belong to no option. */
static bool put_variables(struct qn_manual *m)
{
	char tag[128];

	for (const struct qn_variable *v = m->rows->variables; v->name; v++) {
		snprintf(tag, sizeof(tag), "`%s`", v->name);
		m->format->definition(m, tag, v->doc);
	}
	return true;
}

/* What the first line of a page has behind its name; owned. */
static char *title_of(const struct qn_rows *rows, const struct qn_page *page)
{
	const char *dash = strstr(page->text, " - "), *end = line_end(page->text);
	const struct qn_command *c = qn_rows_command(rows, page->topic);

	if (c || !dash || dash > end)
		return qn_strdup(c ? c->doc : "");
	return qn_strndup(dash + 3, (size_t)(end - dash) - 3);
}

/* {pages}: how each is called, and what it is about. */
static bool put_pages(struct qn_manual *m)
{
	for (const struct qn_page *p = qn_manual_pages; p->name; p++) {
		char *title = title_of(m->rows, p), tag[128];
		const int n = (int)strlen(p->name) - 2;

		snprintf(tag, sizeof(tag), "`%.*s`(%c), `quern help %s`", n, p->name,
			 p->name[n + 1], p->topic);
		if (title)
			m->format->definition(m, tag, title);
		free(title);
		if (!title)
			return false;
	}
	return true;
}

static const struct {
	const char *line;
	bool (*put)(struct qn_manual *m);
} inserts[] = {
	{ "{options}\n", put_options },	  { "{kernels}\n", put_kernels },
	{ "{commands}\n", put_commands }, { "{variables}\n", put_variables },
	{ "{pages}\n", put_pages },
};

/* --- parts of a page --- */

/* A row of a table: the first cell, and the others with "; " between them. */
static void put_row(struct qn_manual *m, char *line)
{
	char *cell[MOST_CELLS], rest[4096] = "";
	int n = 0;
	size_t used = 0;

	for (char *at = line + 2; n < MOST_CELLS && *at;) {
		char *bar = strstr(at, " |");

		cell[n++] = at;
		if (!bar)
			break;
		*bar = 0;
		at = bar + 2 + (bar[2] == ' ');
	}
	for (int i = 1; i < n && used < sizeof(rest); i++)
		if (*cell[i])
			used += (size_t)snprintf(rest + used, sizeof(rest) - used, "%s%s",
						 used ? "; " : "", cell[i]);
	if (n)
		m->format->definition(m, cell[0], rest);
}

static void put_block(struct qn_manual *m, enum kind kind, char *text)
{
	const size_t level = strspn(text, "#");

	switch (kind) {
	case HEADING:
		m->format->heading(m, (int)level, text + level + 1);
		break;
	case ITEM:
		m->format->item(m, text + 2);
		break;
	case ROW:
		put_row(m, text);
		break;
	default:
		m->format->paragraph(m, text);
	}
}

/* Where the block that begins at a line ends. Paragraphs and items go on, and code does over blank lines. */
static const char *block_end(const char *line, enum kind kind)
{
	const char *end = qn_manual_next_line(line), *next = end;

	if (kind == PARAGRAPH || kind == ITEM)
		while (kind_of(end) == PARAGRAPH)
			end = qn_manual_next_line(end);
	if (kind == CODE)
		for (; kind_of(next) == CODE || kind_of(next) == BLANK;
		     next = qn_manual_next_line(next))
			if (kind_of(next) == CODE)
				end = qn_manual_next_line(next);
	return end;
}

static bool put_insert(struct qn_manual *m, const char *line)
{
	for (size_t i = 0; i < sizeof(inserts) / sizeof(*inserts); i++)
		if (begins(line, inserts[i].line))
			return inserts[i].put(m);
	return true;
}

/* Is this the head of a table? Its second row is dashes. */
static bool is_head(const char *line)
{
	return kind_of(line) == ROW && begins(qn_manual_next_line(line), "|-");
}

static bool put_blocks(struct qn_manual *m, const char *line)
{
	enum kind kind;
	const char *end;

	for (; (kind = kind_of(line)) != END; line = end) {
		char *text = NULL;

		end = block_end(line, kind);
		if (is_head(line))
			end = qn_manual_next_line(end);
		else if (kind == INSERT && !put_insert(m, line))
			return false;
		else if (kind == CODE)
			m->format->code(m, line, end);
		else if (kind != BLANK && kind != INSERT && !(text = join(line, end)))
			return false;
		if (text)
			put_block(m, kind, text);
		free(text);
	}
	return true;
}

static bool put_head(struct qn_manual *m)
{
	const char *name = m->page->name;
	const int n = (int)strlen(name) - 2;
	char *title = title_of(m->rows, m->page), text[512];

	m->format->begin(m, name, name[n + 1]);
	m->format->heading(m, 2, "Name");
	snprintf(text, sizeof(text), "`%.*s` `-` %s", n, name, title ? title : "");
	m->format->paragraph(m, text);
	if (m->command) {
		m->format->heading(m, 2, "Synopsis");
		snprintf(text, sizeof(text), "`quern %s`", m->command->usage);
		m->format->paragraph(m, text);
	}
	free(title);
	return title != NULL;
}

bool qn_manual_write(const struct qn_page *page, const struct qn_rows *rows,
		     const struct qn_manual_format *format, FILE *out, int width)
{
	struct qn_manual m = {
		.format = format, .rows = rows, .page = page, .out = out, .width = width
	};

	m.command = qn_rows_command(rows, page->topic);
	return put_head(&m) && put_blocks(&m, qn_manual_next_line(page->text)) && !m.lost;
}

const char *qn_manual_examples(const struct qn_command *command, const char **end)
{
	const struct qn_page *page = qn_manual_find(command->name);
	const char *line = page ? strstr(page->text, "\n## Examples\n") : NULL;

	if (!line)
		return NULL;
	for (line = qn_manual_next_line(line + 1); kind_of(line) != CODE;
	     line = qn_manual_next_line(line))
		if (kind_of(line) == END || kind_of(line) == HEADING)
			return NULL;
	*end = block_end(line, CODE);
	return line;
}
