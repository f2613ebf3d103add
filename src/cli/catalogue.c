/*
 * catalogue.c - the subcommands that only show something: inspect, info; what there is of kernels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/options.h"
#include "base/names.h"
#include "cli/cli.h"
#include "quern.h"

#define WHY_NBYTES 1024

static const struct quern_option info_table[] = {
	{ "launch", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "print how best to launch a run on this machine, or in this Slurm job" },
	{ "json", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "print JSON, nothing else" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

static const struct quern_option inspect_table[] = {
	{ "select", 's', QUERN_OPT_STRING, "SLICES", NULL, 0, 0,
	  "show what a selection of it touches; see quern help select" },
	{ "homes", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0,
	  "show instead on which hosts, NUMA nodes and tiers the bytes are; under mpirun on all of "
	  "its hosts" },
	{ "json", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "print JSON, nothing else" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

void qn_cli_info_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = info_table;
}

void qn_cli_inspect_tables(const struct quern_option *table[QN_MAX_OPTION_TABLES])
{
	table[0] = qn_homes_report_options;
	table[1] = inspect_table;
}

/* Prints a document, as it is or by print. Takes text. */
static int show(enum quern_status st, char *text, const char *why, bool json,
		void (*print)(const json_t *doc))
{
	json_t *doc;

	if (st)
		return qn_cli_fail(st, why);
	if (json) {
		fputs(text, stdout);
		free(text);
		return QUERN_OK;
	}
	doc = qn_cli_load(text);
	if (!doc)
		return qn_cli_fail(QUERN_ERR_RUN, "cannot read the document: out of memory");
	print(doc);
	json_decref(doc);
	return QUERN_OK;
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* --- inspect --- */

static int tell_errors(const char *file, const json_t *doc)
{
	static const char *const lists[] = { "datasets", "links", "damaged" };
	struct qn_row_errors e = { .n = 0 };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		qn_cli_add_errors(&e, json_object_get(doc, lists[i]));
	return qn_cli_tell_errors(&e, file);
}

static int inspect_file(quern_session *session, const struct quern_options *o, const char *file,
			bool with_name, bool first)
{
	quern_run *run = session ? quern_inspect_new(session) : NULL;
	bool json = quern_option_flag(o, "json");
	int st = QUERN_ERR_RUN;
	const char *why = "out of memory";
	char *text = NULL;
	json_t *doc;
	int code;

	if (run) {
		qn_cli_set(run, o, &file, 1);
		st = (int)quern_run_execute(run);
		text = qn_cli_take_document(run, &st, &why);
	}
	if (!st && with_name && !json) {
		fputs(first ? "" : "\n", stdout);
		qn_cli_print_text(stdout, file);
		fputs(":\n", stdout);
	}
	doc = text ? json_loads(text, 0, NULL) : NULL;
	code = show((enum quern_status)st, text, why, json, qn_cli_print_inspect);
	if (!code)
		code = tell_errors(file, doc);
	json_decref(doc);
	quern_run_free(run);
	return code;
}

static int inspect_files(const struct quern_options *o, char **words, int n)
{
	struct quern_message err = { .status = QUERN_OK };
	quern_session *session = quern_session_new(MPI_COMM_NULL);
	struct qn_names files = { .n = 0 };
	int code = QUERN_OK;

	for (int i = 0; !code && i < n; i++)
		if (qn_names_expand(&files, words[i], &err))
			code = qn_cli_fail(err.status, err.text);
	for (size_t i = 0; i < files.n; i++) {
		int failed = inspect_file(session, o, files.name[i], files.n > 1, i == 0);

		/* Each file's as soon as it is there, in one piece. */
		qn_cli_flush();
		code = (int)qn_error_worst((enum quern_status)code, (enum quern_status)failed);
	}
	qn_names_fini(&files);
	quern_session_free(session);
	return code ? code : qn_cli_finish();
}

/* What rank 0 makes of the command line, and of its environment: all ranks do the same. */
enum inspect_mode { ENDED, ALONE, HOMES };

static int choose_mode(const struct quern_options *o, int first, int argc, int *code)
{
	*code = first < 0 ? -1 - first : QUERN_OK;
	if (first < 0)
		return ENDED;
	if (first == argc)
		*code = qn_cli_fail(QUERN_ERR_USAGE, "no file given: quern inspect FILE...");
	else if (!quern_option_flag(o, "homes"))
		return ALONE;
	else if (quern_option_string(o, "select"))
		*code = qn_cli_fail(QUERN_ERR_USAGE,
				    "--homes is of whole datasets: without --select");
	return *code ? ENDED : HOMES;
}

int qn_cli_inspect(int argc, char **argv)
{
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("inspect"), argc, argv, &o), code;
	int mode = choose_mode(&o, first, argc, &code);

	/* A rank that cannot follow stops all. */
	if (qn_cli_agree(first < 0))
		mode = ENDED;
	mode = qn_cli_agree(qn_cli_rank() ? ENDED : mode);
	if (mode == HOMES)
		code = qn_cli_homes(&o, (const char *const *)argv + first, (size_t)(argc - first));
	else if (mode == ALONE && !qn_cli_rank())
		code = inspect_files(&o, argv + first, argc - first);
	if (first >= 0)
		qn_options_fini(&o);
	return code;
}

/* --- kernels --- */

static void print_option(const json_t *row)
{
	char left[80], doc[512];
	const char *fallback = text_of(row, "default");

	snprintf(left, sizeof(left), "      --%s %s", text_of(row, "name"),
		 text_of(row, "argument"));
	snprintf(doc, sizeof(doc), "%s%s%s%s", text_of(row, "doc"), *fallback ? " (default: " : "",
		 fallback, *fallback ? ")" : "");
	qn_cli_print_row(stdout, left, doc);
}

/* Of options for what elements have besides their value. */
static const char *text_of_takes(const json_t *k)
{
	const bool weights = json_is_true(json_object_get(k, "weights"));

	if (json_is_true(json_object_get(k, "needs_with")))
		return weights ? " (needs --with, takes --weights)" : " (needs --with)";
	if (json_is_true(json_object_get(k, "with")))
		return weights ? " (takes --with and --weights)" : " (takes --with)";
	return weights ? " (takes --weights)" : "";
}

static void print_kernels(const json_t *doc)
{
	const json_t *kernels = json_object_get(doc, "kernels"), *k, *row;
	char what[256];
	size_t i, n;

	json_array_foreach(kernels, i, k)
	{
		printf("%-12s ", text_of(k, "name"));
		snprintf(what, sizeof(what), "%s%s", text_of(k, "doc"), text_of_takes(k));
		qn_cli_wrap(stdout, what, 13, 13, qn_cli_columns(STDOUT_FILENO));
		putchar('\n');
		json_array_foreach(json_object_get(k, "options"), n, row) print_option(row);
	}
}

int qn_cli_show_kernels(const char *name, bool json)
{
	char *text, why[WHY_NBYTES];
	enum quern_status st = quern_kernels(name, &text, why, sizeof(why));

	return show(st, text, why, json, print_kernels);
}

/* --- info --- */

/* Codecs that were left out of this build; those that only plugins of the HDF5 library have are too
   many to name here. */
static void print_missing(const json_t *missing)
{
	const json_t *v;
	size_t i, nplugins = 0;

	json_array_foreach(missing, i, v)
	{
		if (json_is_string(json_object_get(v, "package")))
			printf("missing    %lld %s (%s)\n",
			       json_integer_value(json_object_get(v, "id")), text_of(v, "name"),
			       text_of(v, "package"));
		else
			nplugins++;
	}
	printf("plugins    %zu more registered filters, where an HDF5 plugin has them (--json names "
	       "them)\n",
	       nplugins);
}

/* What confines the processes that read files. */
static void print_sandbox(const json_t *s)
{
	const json_t *abi = json_object_get(s, "landlock_abi");

	printf("sandbox    processes with limits of memory and time, no writing, calls of the system %s, "
	       "files %s",
	       json_is_true(json_object_get(s, "calls_filtered"))
		       ? "filtered (seccomp)"
		       : "not filtered (no seccomp here)",
	       json_is_true(json_object_get(s, "files_restricted"))
		       ? "restricted to those that are named (Landlock"
		       : "not restricted (no Landlock here");
	if (json_is_integer(abi))
		printf(" %lld", json_integer_value(abi));
	printf(")\n");
}

static void print_info(const json_t *doc)
{
	const json_t *machine = json_object_get(doc, "machine"), *v;
	char memory[32];
	size_t i;

	qn_cli_bytes(json_number_value(json_object_get(machine, "memory_bytes")), memory,
		     sizeof(memory));
	printf("quern      %s (compiler %s)\n", text_of(doc, "quern"), text_of(doc, "compiler"));
	printf("MPI        %s\n", text_of(doc, "mpi"));
	printf("hwloc      %s\n", text_of(doc, "hwloc"));
	if (*text_of(doc, "sums"))
		printf("sums       %s\n", text_of(doc, "sums"));
	json_array_foreach(json_object_get(doc, "formats"), i, v)
		printf("format     %s\n", json_string_value(v));
	json_array_foreach(json_object_get(doc, "codecs"), i, v)
		printf("codec      %lld %s (%s)\n", json_integer_value(json_object_get(v, "id")),
		       text_of(v, "name"), text_of(v, "library"));
	print_missing(json_object_get(doc, "missing"));
	print_sandbox(json_object_get(doc, "sandbox"));
	printf("machine    %s, %s\n", text_of(machine, "topology"), memory);
	printf("cores      %s permitted\n", text_of(machine, "permitted_cpus"));
	printf("SIMD       %s\n", text_of(machine, "simd"));
}

/* Lines for a shell; what is not a command is a comment. */
static void print_launch(const json_t *doc)
{
	const json_t *l = json_object_get(doc, "launch");
	long long hosts = json_integer_value(json_object_get(l, "hosts"));
	long long ranks = json_integer_value(json_object_get(l, "ranks_per_host"));
	const char *job = json_string_value(json_object_get(l, "slurm_job"));

	printf("# %lld host%s%s%s, %lld NUMA node%s each: a rank a node, with its %lld cores as "
	       "threads\n",
	       hosts, hosts == 1 ? "" : "s", job ? " of Slurm job " : "", job ? job : "", ranks,
	       ranks == 1 ? "" : "s", json_integer_value(json_object_get(l, "threads_per_rank")));
	if (hosts == 1 && ranks == 1)
		printf("quern run\n");
	printf("%s\n%s\n", text_of(l, "mpirun"), text_of(l, "srun"));
}

int qn_cli_info(int argc, char **argv)
{
	struct quern_options o;
	int first = qn_cli_options(qn_cli_command("info"), argc, argv, &o), code;
	char *text, why[WHY_NBYTES];
	enum quern_status st;

	if (first < 0)
		return -1 - first;
	if (first < argc) {
		qn_options_fini(&o);
		return qn_cli_fail(QUERN_ERR_USAGE,
				   "info takes no operands: quern info [--launch]");
	}
	st = quern_info(&text, why, sizeof(why));
	code = show(st, text, why, quern_option_flag(&o, "json"),
		    quern_option_flag(&o, "launch") ? print_launch : print_info);
	qn_options_fini(&o);
	return code ? code : qn_cli_finish();
}
