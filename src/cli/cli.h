/*
 * cli.h - what the subcommands share. The command uses the public API and small helpers only.
 */
#ifndef QN_CLI_CLI_H
#define QN_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "base/options.h"
#include "cli/terminal.h"
#include "manual/rows.h"
#include "quern.h"

int qn_cli_run(int argc, char **argv);
int qn_cli_merge(int argc, char **argv);
int qn_cli_plan(int argc, char **argv);
int qn_cli_inspect(int argc, char **argv);
int qn_cli_verify(int argc, char **argv);
int qn_cli_stage(int argc, char **argv);
int qn_cli_unstage(int argc, char **argv);
int qn_cli_kernels(int argc, char **argv);
int qn_cli_info(int argc, char **argv);
int qn_cli_bench(int argc, char **argv);
int qn_cli_supervise(int argc, char **argv);
int qn_cli_help(int argc, char **argv);

/* Shows all kernels, or one: a name, or a file of the user's. (catalogue.c) */
int qn_cli_show_kernels(const char *name, bool json);

void qn_cli_run_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_merge_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_plan_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_inspect_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_verify_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_stage_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_unstage_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_kernels_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_info_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_bench_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_supervise_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
void qn_cli_help_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES]);

/* --- the ranks (world.c) --- */

/* The rank as the launcher's environment tells it; NULL, or 0, when there is none. */
const char *qn_cli_launcher_rank(void);
int qn_cli_rank(void);

/* All ranks of the launcher; MPI_COMM_NULL when there is none. */
MPI_Comm qn_cli_world(void);

/* What stops one rank stops all: rank 0 reads its environment alone. The largest code. Collective on
   qn_cli_world. */
int qn_cli_agree(int code);
/* Is this the lowest of the ranks of which it is true? Collective on qn_cli_world. */
bool qn_cli_is_first(bool does);

/* --- arguments (args.c) --- */

#define QN_MAX_ROWS 128

/* The options of a subcommand: rows of several tables, and where a value goes. */
struct qn_args {
	const struct quern_option *row[QN_MAX_ROWS];
	int nrows;
	enum quern_status (*set)(void *ctx, const char *name, const char *text,
				 struct quern_message *err);
	void *ctx;
};

/* A row whose name is there already is not added again. */
void qn_args_add(struct qn_args *a, const struct quern_option *row);
void qn_args_add_table(struct qn_args *a, const struct quern_option *table);

/* Parses argv from `first`; on success *operands is the index of the first operand in argv, which
   was permuted. Stops with *help set when --help is there. An option with two values is refused. */
enum quern_status qn_args_parse(struct qn_args *a, int argc, char **argv, int first, int *operands,
				bool *help, struct quern_message *err);

/* Looks past options, which are not set, for the first operand: *operand is its index in argv, or argc.
   *help: --help stands before it. */
enum quern_status qn_args_find(struct qn_args *a, int argc, char **argv, int *operand, bool *help,
			       struct quern_message *err);

/* For subcommands whose options are those of its tables: sets them in *o (which the caller frees with
   qn_options_fini), prints the help or the error itself. Returns the index of the first operand, or
   -1 - EXIT_CODE when the command is done. */
int qn_cli_options(const struct qn_command *command, int argc, char **argv,
		   struct quern_options *o);

/* --- what --help prints (screen.c) --- */

/* A row of a help text: what is described, and from a fixed column its description, wrapped. */
void qn_cli_print_row(FILE *out, const char *left, const char *text);

/* Options as a help text: names, argument, doc. The table may be NULL. */
void qn_cli_print_option(FILE *out, const struct quern_option *row);
void qn_cli_print_options(FILE *out, const struct quern_option *table);

/* All commands, in a screen. */
void qn_cli_print_overview(FILE *out);

/* A screen about a command: how it is called, the options used most, those of the kernel (NULL: none),
   examples, and where the rest is. From rank 0. Returns the exit code. */
int qn_cli_print_screen(const struct qn_command *command, const struct quern_kernel *kernel);

/* --- documents (document.c) --- */

/* json and output: of commands whose options are otherwise their own. */
extern const struct quern_option qn_cli_document_options[];

/* Before the work, before the ranks agree: may the file of --output be written? Returns the exit code; says
   why not, on rank 0. */
int qn_cli_check_document(const struct quern_options *o);
/* Neither --json nor --output is there. */
bool qn_cli_wants_tables(const struct quern_options *o);
/* The document of a run that was executed and ended with *status, owned, and *why it failed. Where there is no memory for
   it, both say so. NULL: there is none. */
char *qn_cli_take_document(quern_run *run, int *status, const char **why);
extern const char qn_cli_no_document[];
/* The document to where it was asked for. Returns the exit code. */
int qn_cli_put_document(const struct quern_options *o, const char *text);

/* --progress: always, or auto on a terminal. */
bool qn_cli_wants_progress(const struct quern_options *o);
/* Where the launcher may mix the progress into a document on standard output: says so. */
void qn_cli_warn_of_mixing(const struct quern_options *o);

/* Rows of a document that have an `error`, added up. Begun with 0. */
struct qn_row_errors {
	size_t n;
	enum quern_status st; /* the worst exit_code of them */
	const json_t *row;    /* the first that has it: borrowed */
};
void qn_cli_add_errors(struct qn_row_errors *e, const json_t *rows);
/* After what is whole has been shown: how many objects of `of` cannot be read, and why. Returns the exit
   code. */
int qn_cli_tell_errors(const struct qn_row_errors *e, const char *of);

/* --- what there is elsewhere (known.c) --- */

/* The commands, in the order of the help: told once, at the start, and kept. */
void qn_cli_know(const struct qn_command *commands);
/* They, and the variables that belong to no option. */
const struct qn_rows *qn_cli_rows(void);
/* NULL: there is none of this name. */
const struct qn_command *qn_cli_command(const char *name);

/* "kernel histogram", "quern stage and quern plan": of whom a long option is, into out. False: nobody's. */
bool qn_cli_whose(const char *option, char *out, size_t nbytes);

/* Warns of variables QUERN_... that nothing reads. run: whose kernel may be a user's, with options of its own; NULL:
   none. */
void qn_cli_warn_of_variables(const quern_run *run);
/* Takes them out of the environment: for processes of this command, so that one warning is enough. */
void qn_cli_forget_variables(void);

/* --- output --- */

/* "lat=10:20 is -80 to -71 degrees_north", a line a slice that has a coordinate. */
void qn_cli_print_selected(const json_t *input, const char *indent);

/* The document of a run as a table on standard output, with bars for a histogram. */
void qn_cli_print_result(const json_t *doc);
/* The result of a document that has cells: a line each where they are few, else the ends of each field. */
void qn_cli_print_cells(const json_t *doc);
/* The document of a plan, and of a simulation in it, as tables on standard output (plan.c). */
void qn_cli_print_plan(const json_t *doc);
/* What the run cost, on standard error. */
void qn_cli_print_stats(const json_t *doc);

/* Members of a document: 0 or "" where there is none. The text is borrowed. */
static inline long long qn_cli_int(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static inline double qn_cli_real(const json_t *o, const char *name)
{
	return json_number_value(json_object_get(o, name));
}

static inline const char *qn_cli_text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* 1234567890 as "1.15 GiB", into out. */
void qn_cli_bytes(double nbytes, char *out, size_t n);
/* [480, 361, 720] as "480 x 361 x 720"; [] as "scalar". */
void qn_cli_shape(const json_t *shape, char *out, size_t n);
/* A JSON number or string, doubles in the fewest digits that bring them back. */
void qn_cli_number(const json_t *v, char *out, size_t n);
/* The same of a coordinate: where it is a float32 as one of these, 0.1 is not 0.100000001490116. */
void qn_cli_place(const json_t *v, char *out, size_t n);

/* The document of an inspection, on standard output. */
void qn_cli_print_inspect(const json_t *doc);

/* `quern inspect --homes`: rank 0's options and words are used. Returns the exit code. Collective on
   qn_cli_world (homes.c). */
int qn_cli_homes(const struct quern_options *o, const char *const *words, size_t nwords);

/* "1 file", "2 files", of a number in a document, and what comes after it. */
void qn_cli_print_count(FILE *out, const json_t *j, const char *name, const char *one,
			const char *after);

/* "2 sources missing, ...: FILE, dataset PATH; ...", of what has `sources_missing` and `missing_sources`.
   Owned; NULL: none is missing, or there is no memory. */
char *qn_cli_missing(const json_t *o);

/* --- operations of the library (operation.c) --- */

struct qn_cli_operation {
	quern_session *session;
	quern_run *run;
};

/* One with the options and files of a command, on all ranks. Returns the exit code; says itself what failed.
   Freed with qn_cli_operation_fini, whatever is returned. Collective on qn_cli_world. */
int qn_cli_operation_init(struct qn_cli_operation *op, quern_run *(*make)(quern_session *session),
			  const struct quern_options *o, const char *const *files, size_t nfiles);
void qn_cli_operation_fini(struct qn_cli_operation *op);

/* Options and files of a command. What is wrong with them the run says when it is executed. */
void qn_cli_set(quern_run *run, const struct quern_options *o, const char *const *files,
		size_t nfiles);

/* A progress bar on standard error; see quern_progress_fn. ctx: struct qn_progress, begun. */
struct qn_progress {
	const char *what; /* that is counted; NULL: passes */
	double start;
	int pass;
	bool drawn;
	double told,
		told_part; /* the last line of what is no terminal: when, and how much was done */
};
void qn_cli_progress_begin(struct qn_progress *p, int pass);
bool qn_cli_progress(void *ctx, int pass, uint64_t done, uint64_t total);
void qn_cli_progress_end(struct qn_progress *p);

/* From here on an interrupt or a request to end ends the process as it would have, but with a word on
   standard error, of rank 0, and without files of users that are written in part. The text must stay. Nothing is
   changed where these are ignored. */
void qn_cli_watch(const char *text);
void qn_cli_unwatch(void);

/* What a signal that ends a run does where it can be resumed: `end` is told the first time, and the process ends by
   itself, within 2 s, with QUERN_ERR_INTERRUPTED; or at once the second time. On all ranks. */
void qn_cli_watch_resumable(void (*end)(void *ctx), void *ctx, const char *text);
/* `end` is told no more: a signal ends the process at once. has_told: it has said how it ends. */
void qn_cli_unwatch_resumable(bool has_told);

#endif
