/*
 * help.c - quern help: pages of the manual, and what shells need to complete.
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

static const char *topic_name(const void *ctx, int i)
{
	int npages = 0;

	(void)ctx;
	while (qn_manual_pages[npages].name)
		npages++;
	return i < npages ? qn_manual_pages[i].topic : qn_manual_parts[i - npages].topic;
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
		  qn_manual_write(page, qn_cli_rows(), roff ? &qn_manual_roff : &qn_manual_text,
				  out, qn_cli_columns(STDOUT_FILENO));

	if (out && fclose(out))
		ok = false;
	if (ok && !(terminal && show_in_pager(text, nbytes)))
		fwrite(text, 1, nbytes, stdout);
	free(text);
	return ok ? qn_cli_finish() : qn_cli_fail(QUERN_ERR_RUN, "out of memory");
}

static int show_part(const char *word, bool roff)
{
	const struct qn_page part = qn_manual_part(word);
	const int code = part.text ? show_page(&part, roff) : unknown_topic(word);

	free((char *)(uintptr_t)part.text);
	return code;
}

/* `quern help moments`: the screen of a run of it. */
static int show_topic(const char *word, bool roff)
{
	const struct qn_page *page = qn_manual_find(word);
	const struct quern_kernel *kernel = page || roff ? NULL : qn_kernel_find(word);

	if (kernel)
		return qn_cli_print_screen(qn_cli_command("run"), kernel);
	return page ? show_page(page, roff) : show_part(word, roff);
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
		qn_completion_print(stdout, qn_cli_rows(), shell);
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
