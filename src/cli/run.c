/*
 * run.c - quern run and quern plan: they differ in the last call.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/options.h"
#include "cli/cli.h"
#include "kernel/kernel.h"
#include "registry/choice.h"
#include "quern.h"

static const struct quern_option run_table[] = {
	{ "output", 'o', QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "write the result to FILE: .json, .csv, .h5 or .nc, whole or not at all; without it a table is "
	  "printed" },
	{ "json", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "print the JSON document, nothing else; mpirun of Open MPI 5 may mix standard output with standard "
	  "error: -o then" },
	{ "progress", 0, QUERN_OPT_CHOICE, "auto|always|never", "auto", 0, 0,
	  "a progress bar on standard error; auto: when that is a terminal" },
	{ "stats", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "say on standard error what ran where and what it cost" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

/* Of merges, which have the options of their parts. */
static const struct quern_option merge_table[] = {
	{ "partial", 0, QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "write the merged state to FILE instead of the result: a part of all that its parts are of" },
	{ "along", 0, QUERN_OPT_STRING, "DIM", NULL, 0, 0,
	  "join the files along this dimension, by name or number (default: as the parts have it; the "
	  "first)" },
	{ "force", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "let --output replace a file that is no result of quern" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_run_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = run_table;
	table[1] = qn_run_options;
}

void qn_cli_merge_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = run_table;
	table[1] = merge_table;
}

void qn_cli_plan_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = qn_cli_document_options;
	table[1] = qn_run_options;
	table[2] = qn_plan_options;
}

/* A command line: options of the command, and of the run with its kernel. */
struct line {
	quern_session *session;
	struct quern_options own;
	quern_run *run;
	struct quern_message err; /* what is wrong with it */
};

static enum quern_status set(void *ctx, const char *name, const char *text,
			     struct quern_message *err)
{
	struct line *l = ctx;
	enum quern_status st;

	if (qn_options_row(&l->own, name))
		return qn_options_set(&l->own, name, text, err);
	st = quern_run_set(l->run, name, text);
	return st ? qn_error_set(err, st, "%s", quern_run_message(l->run)) : QUERN_OK;
}

static void line_fini(struct line *l)
{
	quern_run_free(l->run);
	quern_session_free(l->session);
	qn_options_fini(&l->own);
}

/* `quern run mean minmax FILE`: several kernels are one word. Whether there is such a file is not asked: it may be on
   another host, and all ranks must say the same. */
static enum quern_status check_words(const char *command, int argc, char **argv, int operands,
				     struct quern_message *err)
{
	char list[256] = "";

	for (int i = operands; i < argc - 1 && qn_kernel_find(argv[i]); i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), ",%s", argv[i]);
	if (!*list)
		return QUERN_OK;
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s is a kernel, and a file of that name is written ./%s; several "
			    "kernels are one word: quern %s %s%s [options] FILE...",
			    argv[operands], argv[operands], command, argv[1], list);
}

/* The operands: names of files and patterns. */
static enum quern_status add_files(struct line *l, const char *command, int argc, char **argv,
				   int operands, struct quern_message *err)
{
	enum quern_status st = check_words(command, argc, argv, operands, err);

	if (st)
		return st;
	if (operands == argc)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "no file given: quern %s KERNEL [options] "
				    "FILE...",
				    command);
	for (int i = operands; !st && i < argc; i++)
		st = quern_run_add_file(l->run, argv[i]);
	return st ? qn_error_set(err, st, "%s", quern_run_message(l->run)) : QUERN_OK;
}

/* The environment is rank 0's: mpirun does not pass it on to other hosts. */
static enum quern_status from_environment(struct line *l, struct quern_message *err)
{
	enum quern_status st = qn_options_from_environment(&l->own, err);

	if (st || qn_cli_rank())
		return st;
	st = quern_run_set_from_environment(l->run);
	return st ? qn_error_set(err, st, "%s", quern_run_message(l->run)) : QUERN_OK;
}

/* --- the kernel --- */

/* Options may stand before the kernel: that is the first word which is neither an option nor the value of
   one of any kernel. It is moved to argv[1]; *kernel is NULL when there is none. */
static enum quern_status bring_kernel_first(const struct qn_command *command, int argc, char **argv,
					    const char **kernel, bool *help,
					    struct quern_message *err)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };
	struct qn_args all = { .nrows = 0 };
	enum quern_status st;
	char *word;
	int at;

	command->tables(table);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		qn_args_add_table(&all, table[i]);
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		qn_args_add_table(&all, (*k)->options);
	*kernel = NULL;
	st = qn_args_find(&all, argc, argv, &at, help, err);
	if (st || at >= argc)
		return st;
	*kernel = word = argv[at];
	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	argv[1] = word;
	return QUERN_OK;
}

static void add_options(struct qn_args *a, const struct qn_command *command, const quern_run *run)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL }, *row = NULL;

	command->tables(table);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		qn_args_add_table(a, table[i]);
	while ((row = quern_run_option(run, row)))
		if (!qn_plan_option(row))
			qn_args_add(a, row);
}

/* The screen of a command with the options of its kernels. */
static int print_help(const struct qn_command *command, const char *kernels)
{
	struct qn_registry registry = { .n = 0 };
	struct qn_choice c = { .kernel = NULL };
	int code;

	if (kernels)
		qn_choice_find(kernels, &registry, &c, NULL);
	code = qn_cli_print_screen(command, c.kernel);
	qn_choice_fini(&c);
	qn_registry_fini(&registry);
	return 1 + code;
}

/* Of a run that could not be made: a wrong kernel, or no memory. Every call says which. */
static enum quern_status status_of(quern_run *run)
{
	return quern_run_set(run, "", NULL);
}

/* Reads the command line into *l. Returns 0, or 1 + the exit code when the command is done; l->err: why. */
static int read_line(const struct qn_command *command, const struct quern_option *own, int argc,
		     char **argv, struct line *l)
{
	struct qn_args a = { .set = set, .ctx = l };
	struct quern_message *err = &l->err;
	const char *kernel;
	bool help = false;
	int operands = argc;
	enum quern_status st = bring_kernel_first(command, argc, argv, &kernel, &help, err);

	if (!st && help && !kernel)
		return print_help(command, NULL);
	if (!st && !kernel)
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "no kernel given: quern %s KERNEL "
				  "[options] FILE...; `quern kernels` lists them",
				  command->name);
	if (!st && (!l->session || !(l->run = quern_run_new(l->session, kernel))))
		st = qn_error_nomem(err, 0, "a run");
	if (!st && *quern_run_message(l->run))
		st = qn_error_set(err, status_of(l->run), "%s", quern_run_message(l->run));
	if (!st && help)
		return print_help(command, kernel);
	if (!st)
		st = qn_options_init(&l->own, &own, 1, err);
	if (!st) {
		add_options(&a, command, l->run);
		st = from_environment(l, err);
	}
	if (!st)
		st = qn_args_parse(&a, argc, argv, 2, &operands, &help, err);
	if (!st && help)
		return print_help(command, kernel);
	if (!st)
		st = add_files(l, command->name, argc, argv, operands, err);
	return st ? 1 + (int)st : 0;
}

/* What stops a rank stops all; of those that it stops the lowest says why. Returns the exit code, -1: nothing does. */
static int settle(int code, const struct line *l)
{
	if (!qn_cli_rank())
		qn_cli_warn_of_variables(l->run);
	if (qn_cli_is_first(l->err.status != QUERN_OK))
		qn_cli_tell(l->err.text);
	return qn_cli_agree(code) - 1;
}

static int no_document(void)
{
	return qn_cli_fail(QUERN_ERR_RUN, qn_cli_no_document);
}

/* Takes text. */
static int print_json(char *text)
{
	if (!text)
		return no_document();
	fputs(text, stdout);
	free(text);
	return QUERN_OK;
}

/* Takes text. */
static int print_tables(char *text, void (*print)(const json_t *doc))
{
	json_t *doc = qn_cli_load(text);

	if (!doc)
		return no_document();
	print(doc);
	json_decref(doc);
	return QUERN_OK;
}

/* From number `first` on; returns how many there are. */
static size_t print_warnings(const quern_run *run, size_t first)
{
	const char *text;

	for (; (text = quern_run_warning(run, first)); first++)
		qn_cli_warn("%s", text);
	return first;
}

#define MOST_NAMED 4
#define MOST_CELLS 100000 /* of a result as text */

static bool is_text(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && (!strcmp(dot, ".json") || !strcmp(dot, ".csv"));
}

/* Some of them, and how many more there are. */
static void print_named(const quern_run *run, const char *what, uint64_t n,
			bool (*name)(const quern_run *run, size_t i, char *text, size_t nbytes))
{
	char text[1024];
	uint64_t i = 0;

	for (; i < MOST_NAMED && name(run, (size_t)i, text, sizeof(text)); i++)
		qn_cli_warn("%s: %s", what, text);
	if (i && i < n)
		qn_cli_warn("%s: %" PRIu64 " more", what, n - i);
}

static void print_left_out(const quern_run *run)
{
	const uint64_t nskipped = quern_run_nskipped(run),
		       nmissing = quern_run_nmissing_sources(run);

	if (nskipped)
		qn_cli_warn("%" PRIu64 " chunk%s could not be read and %s left out (--on-bad-chunk "
			    "skip)",
			    nskipped, nskipped == 1 ? "" : "s", nskipped == 1 ? "was" : "were");
	print_named(run, "left out", nskipped, quern_run_skipped);
	if (nmissing)
		qn_cli_warn(
			"sources of the virtual dataset that are not there, or raw files that are too "
			"short: %" PRIu64 "; its fill value, of raw files zeros, stands for their "
			"elements",
			nmissing);
	print_named(run, "missing source", nmissing, quern_run_missing_source);
}

/* What the run went on in spite of. */
static void print_more_warnings(const quern_run *run)
{
	const uint64_t nover = quern_run_nfailed_over(run),
		       ncopies = quern_run_nmissing_copies(run);

	if (quern_run_nresumed(run))
		qn_cli_note("%" PRIu64 " chunks were not read: a run before had done them",
			    quern_run_nresumed(run));
	print_left_out(run);
	if (nover)
		qn_cli_warn("%" PRIu64 " chunks were read from another copy, because: %s", nover,
			    quern_run_failure(run));
	if (ncopies)
		qn_cli_warn(
			"%" PRIu64
			" copies of shards are on none of these hosts; start ranks on the hosts "
			"that have them, or, if these are gone, `quern stage --repair` makes them anew",
			ncopies);
}

/* One of several datasets, as a document of its own; what all of them left out is said with the first. */
static json_t *document_of(const json_t *doc, const char *name, bool is_first)
{
	json_t *run = is_first ? json_object_get(doc, "run") : NULL;

	return json_pack("{s:O, s:O, s:O, s:o}", "kernel", json_object_get(doc, "kernel"), "input",
			 json_object_get(json_object_get(doc, "input"), name), "result",
			 json_object_get(json_object_get(doc, "result"), name), "run",
			 run ? json_incref(run) : json_object());
}

/* A table for each dataset. */
static void print_results(const json_t *doc)
{
	const json_t *names = json_object_get(doc, "datasets"), *name;
	size_t i;

	if (!json_is_array(names))
		qn_cli_print_result(doc);
	json_array_foreach(names, i, name)
	{
		json_t *one = document_of(doc, json_string_value(name), i == 0);

		if (i)
			putchar('\n');
		if (one)
			qn_cli_print_result(one);
		json_decref(one);
	}
}

/* Rank 0: the result to where it was asked for, last: nothing is said once it is being printed. */
static int publish(struct line *l)
{
	const char *output = quern_option_string(&l->own, "output");
	bool json = quern_option_flag(&l->own, "json");
	bool table = !json && !output && !quern_run_value(l->run, "partial");
	bool stats = quern_option_flag(&l->own, "stats");
	size_t nwarnings;
	int code = QUERN_OK;

	nwarnings = print_warnings(l->run, 0);
	print_more_warnings(l->run);
	if (output)
		code = (int)quern_run_write(l->run, output);
	qn_cli_unwatch();
	print_warnings(l->run, nwarnings);
	if (code)
		return qn_cli_fail((enum quern_status)code, quern_run_message(l->run));
	if (stats)
		code = print_tables(quern_run_document(l->run, true), qn_cli_print_stats);
	if (!code && json)
		code = print_json(quern_run_document(l->run, false));
	else if (!code && table)
		code = print_tables(quern_run_document(l->run, false), print_results);
	return code ? code : qn_cli_finish();
}

/* Of a result that is not printed too nothing need be in memory. */
static void announce(const struct line *l, const char *output)
{
	if (quern_option_flag(&l->own, "json"))
		quern_run_check_output(l->run, output);
	else
		quern_run_output(l->run, output);
}

static void interrupt(void *run)
{
	quern_run_interrupt(run);
}

/* The options of rank 0 are those of all. */
static void watch(struct line *l, const char *output)
{
	if (qn_cli_agree(!qn_cli_rank() && quern_run_value(l->run, "journal")))
		qn_cli_watch_resumable(
			interrupt, l->run,
			"what was found so far is kept, and the same command resumes");
	else
		qn_cli_watch(output ? "the result was not written" : "there is no result");
}

/* A part has the state, in the place of a result. */
static int check_outputs(const struct line *l)
{
	const bool has = quern_option_string(&l->own, "output") ||
			 quern_option_flag(&l->own, "json");

	if (!has || !l->run || !quern_run_value(l->run, "partial"))
		return QUERN_OK;
	return qn_cli_fail(QUERN_ERR_USAGE,
			   "--partial: the state is written, and there is no result: leave "
			   "--output and --json to `quern merge`");
}

/* A run that was made, to its end. Returns the exit code. */
static int execute(struct line *l)
{
	struct qn_progress progress = { .drawn = false };
	const char *output = quern_option_string(&l->own, "output");
	int code = qn_cli_agree(qn_cli_rank() ? 0 : check_outputs(l));

	if (code)
		return code;
	qn_cli_progress_begin(&progress, 0);
	qn_cli_warn_of_mixing(&l->own);
	if (qn_cli_wants_progress(&l->own))
		quern_run_progress(l->run, qn_cli_progress, &progress);
	/* A wrong name must not cost the work; what this finds, the run reports. */
	if (output && !qn_cli_rank())
		announce(l, output);
	if (!output || is_text(output))
		quern_run_most_cells(l->run, quern_run_value(l->run, "partial") ? 0 : MOST_CELLS);
	watch(l, output);
	code = (int)quern_run_execute(l->run);
	qn_cli_unwatch_resumable(code != QUERN_OK);
	qn_cli_progress_end(&progress);
	if (code)
		qn_cli_fail((enum quern_status)code, quern_run_message(l->run));
	else if (!qn_cli_rank())
		code = publish(l);
	return code;
}

int qn_cli_run(int argc, char **argv)
{
	struct line l = { .session = quern_session_new(qn_cli_world()) };
	int code = settle(read_line(qn_cli_command("run"), run_table, argc, argv, &l), &l);

	if (code < 0)
		code = execute(&l);
	qn_cli_unwatch();
	line_fini(&l);
	return code;
}

/* --- merge --- */

/* What is wrong with the parts, or the options, the run says when it is executed. */
static quern_run *new_merge(struct line *l, int argc, char **argv, int first)
{
	quern_run *run = quern_merge_new(l->session, (const char *const *)argv + first,
					 (size_t)(argc - first));

	for (const struct quern_option *row = merge_table; run && row->name; row++) {
		const char *value = quern_option_string(&l->own, row->name);

		if (value)
			quern_run_set(run, row->name, row->type == QUERN_OPT_FLAG ? NULL : value);
	}
	return run;
}

int qn_cli_merge(int argc, char **argv)
{
	struct line l = { .session = quern_session_new(qn_cli_world()) };
	const int first = qn_cli_options(qn_cli_command("merge"), argc, argv, &l.own);
	int code = first < 0 ? -1 - first : QUERN_OK;

	if (first >= 0) {
		l.run = l.session ? new_merge(&l, argc, argv, first) : NULL;
		code = qn_cli_agree(l.run ? QUERN_OK : qn_cli_fail(QUERN_ERR_RUN, "out of memory"));
		if (!code)
			code = execute(&l);
	}
	qn_cli_unwatch();
	line_fini(&l);
	return code;
}

/* --- plan --- */

/* Rank 0. */
static int publish_plan(struct line *l)
{
	char *text = quern_run_plan_document(l->run);
	int code;

	print_warnings(l->run, 0);
	if (qn_cli_wants_tables(&l->own))
		return print_tables(text, qn_cli_print_plan);
	code = text ? qn_cli_put_document(&l->own, text) : no_document();
	free(text);
	return code;
}

int qn_cli_plan(int argc, char **argv)
{
	struct line l = { .session = quern_session_new(qn_cli_world()) };
	int code = read_line(qn_cli_command("plan"), qn_cli_document_options, argc, argv, &l),
	    failed;

	if (!code && (failed = qn_cli_check_document(&l.own)))
		code = 1 + failed;
	code = settle(code, &l);
	if (code < 0) {
		code = (int)quern_run_plan(l.run);
		if (code)
			qn_cli_fail((enum quern_status)code, quern_run_message(l.run));
		else if (!qn_cli_rank())
			code = publish_plan(&l);
		if (!code)
			code = qn_cli_finish();
	}
	line_fini(&l);
	return code;
}
