/*
 * help.c - quern help, and what --help prints: a screen for each command.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "kernel/kernel.h"
#include "manual/manual.h"

#define MOST_EXAMPLES 3 /* in a screen */

static const struct quern_option help_table[] = {
	{ "roff", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "print the source of the man page: `quern help --roff run | man -l -`" },
	{ "completion", 0, QUERN_OPT_CHOICE, "bash|zsh|fish", NULL, 0, 0,
	  "print what this shell needs to complete command lines of quern" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_help_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = help_table;
}

/* --- screens --- */

static void print_topics(FILE *out, int width)
{
	char text[1024] = "topics:";
	size_t used = strlen(text);

	for (const struct qn_page *p = qn_manual_pages; p->name && used < sizeof(text); p++)
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
	for (const struct qn_command *c = qn_cli_commands; c->name; c++) {
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
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };
	size_t n;

	command->tables(table);
	for (const char *name = command->common; name && *name; name += n + (name[n] == ' ')) {
		n = strcspn(name, " ");
		qn_cli_print_option(stdout, row_of(table, name, n));
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
	if (kernel)
		print_kernel(kernel);
	else if (takes_kernel)
		print_kernels(width);
	print_examples(command, width);
	snprintf(text, sizeof(text), "all of it: quern help %s%s", command->name,
		 takes_kernel && !kernel ? "; of the kernels: quern help kernels" : "");
	fputc('\n', stdout);
	qn_cli_wrap(stdout, text, 0, 4, width);
	fputc('\n', stdout);
	return qn_cli_finish();
}

/* --- quern help --- */

static const char *topic_name(const void *ctx, int i)
{
	(void)ctx;
	return qn_manual_pages[i].topic;
}

static int unknown_topic(const char *word)
{
	const char *near = qn_nearest(word, topic_name, NULL);
	struct quern_message err = { .status = QUERN_OK };

	qn_error_set(&err, QUERN_ERR_USAGE,
		     "the manual has no page '%s'%s%s%s; `quern help` lists them", word,
		     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return qn_cli_fail(err.status, err.text);
}

/* What man(1) would use, but not the paths of its configuration. */
static const char *pager(void)
{
	const char *named = getenv("MANPAGER");

	if (!named)
		named = getenv("PAGER");
	return named && *named ? named
			       : "if command -v less >/dev/null; then exec less; else exec cat; fi";
}

/* True when a pager has shown the text. */
static bool show_in_pager(const char *text, size_t nbytes)
{
	void (*interrupt)(int), (*broken)(int);
	FILE *to;
	int status;

	setenv("LESS", "FRX", 0);
	fflush(stdout);
	to = popen(pager(), "w");
	if (!to)
		return false;
	/* Whoever leaves the pager early has read enough. */
	broken = signal(SIGPIPE, SIG_IGN);
	interrupt = signal(SIGINT, SIG_IGN);
	fwrite(text, 1, nbytes, to);
	status = pclose(to);
	signal(SIGINT, interrupt);
	signal(SIGPIPE, broken);
	return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) != 126 &&
	       WEXITSTATUS(status) != 127;
}

static int show_page(const struct qn_page *page, bool roff)
{
	const bool terminal = !roff && isatty(STDOUT_FILENO);
	char *text = NULL;
	size_t nbytes = 0;
	FILE *out = qn_open_memstream(&text, &nbytes);
	bool ok = out &&
		  qn_manual_write(page, &qn_cli_rows, roff ? &qn_manual_roff : &qn_manual_text, out,
				  qn_cli_columns(STDOUT_FILENO));

	if (out && fclose(out))
		ok = false;
	if (ok && !(terminal && show_in_pager(text, nbytes)))
		fwrite(text, 1, nbytes, stdout);
	free(text);
	return ok ? qn_cli_finish() : qn_cli_fail(QUERN_ERR_RUN, "out of memory");
}

/* `quern help moments`: the screen of a run of it. */
static int show_topic(const char *word, bool roff)
{
	const struct qn_page *page = qn_manual_find(word);
	const struct quern_kernel *kernel = page || roff ? NULL : qn_kernel_find(word);

	if (kernel)
		return qn_cli_print_screen(qn_cli_command("run"), kernel);
	return page ? show_page(page, roff) : unknown_topic(word);
}

static int help(const struct quern_options *o, int first, int argc, char **argv)
{
	const char *shell = quern_option_string(o, "completion");
	const bool roff = quern_option_flag(o, "roff");

	if (argc - first > 1)
		return qn_cli_fail(QUERN_ERR_USAGE, "one topic at a time: quern help TOPIC");
	if (roff && (shell || first == argc))
		return qn_cli_fail(QUERN_ERR_USAGE,
				   "--roff is of one page: quern help --roff TOPIC");
	if (shell && first < argc)
		return qn_cli_fail(QUERN_ERR_USAGE,
				   "--completion is of all commands: without a TOPIC");
	if (first < argc)
		return show_topic(argv[first], roff);
	if (shell)
		qn_completion_print(stdout, &qn_cli_rows, shell);
	else
		qn_cli_print_overview(stdout);
	return qn_cli_finish();
}

int qn_cli_help(int argc, char **argv)
{
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("help"), argc, argv, &o), code;

	if (first < 0)
		return -1 - first;
	code = help(&o, first, argc, argv);
	qn_options_fini(&o);
	return code;
}
