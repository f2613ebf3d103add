/*
 * screen.c - what --help prints: all commands, or one with its options.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "kernel/several.h"
#include "manual/manual.h"

#define MOST_EXAMPLES 3
#define HELP_COLUMN   28
#define NARROW_COLUMN 8 /* of a narrow terminal */
#define NARROW	      72

void qn_cli_print_row(FILE *out, const char *left, const char *text)
{
	const int width = qn_cli_columns(fileno(out));
	const int column = width < NARROW ? NARROW_COLUMN : HELP_COLUMN;

	if (qn_cli_width(left) < column) {
		qn_cli_print_cell(out, left, column);
	} else {
		qn_cli_wrap(out, left, 0, column, width);
		fprintf(out, "\n%*s", column, "");
	}
	qn_cli_wrap(out, text, column, column, width);
	fputc('\n', out);
}

void qn_cli_print_option(FILE *out, const struct quern_option *row)
{
	char left[80], *doc = qn_option_doc(row);
	int n;

	n = row->letter ? snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name)
			: snprintf(left, sizeof(left), "      --%s", row->name);
	if (row->arg)
		snprintf(left + n, sizeof(left) - (size_t)n, " %s", row->arg);
	if (doc)
		qn_cli_print_row(out, left, doc);
	free(doc);
}

void qn_cli_print_options(FILE *out, const struct quern_option *table)
{
	for (; table && table->name; table++)
		qn_cli_print_option(out, table);
}

static void print_topics(FILE *out, int width)
{
	char text[1024] = "topics:";
	size_t used = strlen(text);

	for (const struct qn_page *p = qn_manual_pages; p->name && used < sizeof(text); p++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", p->topic);
	for (const struct qn_part *p = qn_manual_parts; p->topic && used < sizeof(text); p++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", p->topic);
	fputs("  ", out);
	qn_cli_wrap(out, text, 2, 10, width);
	fputc('\n', out);
}

void qn_cli_print_overview(FILE *out)
{
	const int width = qn_cli_columns(fileno(out));

	qn_cli_wrap(
		out,
		"quern grinds kernels where the grain lies: exact reductions over HDF5 data, in "
		"parallel.",
		0, 0, width);
	fputs("\n\nusage:\n", out);
	for (const struct qn_command *c = qn_cli_rows()->commands; c->name; c++) {
		fputs("  quern ", out);
		qn_cli_wrap(out, c->usage, 8, 8, width);
		fputs("\n      ", out);
		qn_cli_wrap(out, c->doc, 6, 6, width);
		fputc('\n', out);
	}
	fputc('\n', out);
	qn_cli_print_row(out, "  quern COMMAND --help",
			 "a screen: the options used most, and examples");
	qn_cli_print_row(out, "  quern run KERNEL --help", "with the options of a kernel");
	qn_cli_print_row(out, "  quern help TOPIC", "all of it");
	print_topics(out, width);
	qn_cli_print_row(out, "  quern --version", "the version");
}

static const struct quern_option *row_of(const struct quern_option *const *table, const char *name,
					 size_t nbytes)
{
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		for (const struct quern_option *row = table[i]; row && row->name; row++)
			if (strlen(row->name) == nbytes && !strncmp(row->name, name, nbytes))
				return row;
	return NULL;
}

/* In the order in which the command names them, or all. */
static void print_common(const struct qn_command *command)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL }, *row;
	size_t n;

	command->tables(table);
	for (const char *name = command->common; name && *name; name += n + (name[n] == ' ')) {
		n = strcspn(name, " ");
		row = row_of(table, name, n);
		if (row)
			qn_cli_print_option(stdout, row);
	}
	for (int i = 0; !command->common && i < QN_MAX_OPTION_TABLES; i++)
		qn_cli_print_options(stdout, table[i]);
	qn_cli_print_row(stdout, "  -h, --help", "this text");
}

/* The names, for a command that takes one. */
static void print_kernels(int width)
{
	char text[1024] = "kernels:";
	size_t used = strlen(text);

	for (const struct quern_kernel *const *k = qn_kernels; *k && used < sizeof(text); k++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", (*k)->name);
	fputc('\n', stdout);
	qn_cli_wrap(stdout, text, 0, 9, width);
	fputc('\n', stdout);
}

static void print_kernel(const struct quern_kernel *k)
{
	printf("\nkernel %s%s\n", k->name, k->options ? ":" : " has no options of its own.");
	qn_cli_print_options(stdout, k->options);
}

/* Those at the top of the examples of its page, each with the comment before it. */
static void print_examples(const struct qn_command *command, int width)
{
	const char *end = NULL, *line = qn_manual_examples(command, &end);
	int n = 0;

	if (!line)
		return;
	fputs("\nexamples:\n", stdout);
	for (; line < end && n < MOST_EXAMPLES; line = qn_manual_next_line(line)) {
		const int nbytes = (int)strcspn(line, "\n") - 4;
		const int indent = (int)strspn(line, " ") - 2;
		char text[256];

		if (nbytes <= 0)
			continue;
		snprintf(text, sizeof(text), "%.*s", nbytes - (indent - 2), line + indent + 2);
		printf("%*s", indent, "");
		qn_cli_wrap(stdout, text, indent, indent + 4, width);
		fputc('\n', stdout);
		n += *text != '#' && text[strlen(text) - 1] != '\\';
	}
}

int qn_cli_print_screen(const struct qn_command *command, const struct quern_kernel *kernel)
{
	const int width = qn_cli_columns(STDOUT_FILENO);
	const bool takes_kernel = qn_command_takes_kernel(command);
	char text[512];

	if (qn_cli_rank())
		return QUERN_OK;
	fputs("usage: quern ", stdout);
	qn_cli_wrap(stdout, command->usage, 13, 13, width);
	fputs("\n\n", stdout);
	snprintf(text, sizeof(text), "%s%s", command->doc,
		 command->common ? "; the options used most:" : "");
	qn_cli_wrap(stdout, text, 0, 0, width);
	fputs("\n\n", stdout);
	print_common(command);
	for (int i = 0; kernel && qn_kernel_of(kernel, i); i++)
		print_kernel(qn_kernel_of(kernel, i));
	if (!kernel && takes_kernel)
		print_kernels(width);
	print_examples(command, width);
	snprintf(text, sizeof(text), "all of it: quern help %s%s", command->name,
		 takes_kernel && !kernel ? "; of the kernels: quern help kernels" : "");
	fputc('\n', stdout);
	qn_cli_wrap(stdout, text, 0, 4, width);
	fputc('\n', stdout);
	return qn_cli_finish();
}
