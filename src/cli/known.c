/*
 * known.c - which options and environment variables there are, of all commands and kernels together.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "kernel/kernel.h"

extern char **environ;

#define MAX_VARIABLE 64

/* Those that are read and are no options. */
static const struct qn_variable variables_of_none[] = {
	{ "QUERN_CPU",
	  "`baseline`, `avx2` or `avx512`: the instructions that are used at most; otherwise those "
	  "that the processor has. Other values are refused" },
	{ "QUERN_LOG",
	  "`error`, `warn`, `info` or `debug`: what a run does is told on standard error, up to "
	  "that level, a line with time (UTC), host, rank and thread each, for who is to "
	  "find out what went wrong; `debug` has each reader, lease and retry. Without it "
	  "there is none. Other values are refused" },
	{ "QUERN_KERNEL_PATH",
	  "directories, with colons between them, in which kernels of users are looked for by their "
	  "names: NAME.so, or NAME.c" },
	{ "QUERN_READER",
	  "who reads metadata: fork (default), program, or the path of a quern-reader: quern(3)" },
	{ "QUERN_CC", "the compiler of kernels in C, with flags (default: that of quern itself)" },
	{ "QUERN_BIN", "the command, for the templates of `sbatch` (default: quern)" },
	{ "QUERN_FILE", "the file, for these, if it is not an operand" },
	{ "QUERN_RANKS_PER_NODE",
	  "ranks on each node, for these (default: one for each NUMA node)" },
	{ "QUERN_RESULT", "where these write the document of the run" },
	{ "QUERN_LIBRARY", "the file of the library, for the package for Python" },
	{ "QUERN_CORPUS", "where `make check` looks for public test files of HDF5 and netCDF" },
	{ NULL, NULL },
};

static struct qn_rows all_rows = { .variables = variables_of_none };

void qn_cli_know(const struct qn_command *commands)
{
	all_rows.commands = commands;
}

const struct qn_rows *qn_cli_rows(void)
{
	return &all_rows;
}

const struct qn_command *qn_cli_command(const char *name)
{
	return qn_rows_command(&all_rows, name);
}

static const char prefix[] = "QUERN_";

/* --- options --- */

static bool has_option(const struct quern_option *table, const char *name)
{
	for (; table && table->name; table++)
		if (!strcmp(table->name, name))
			return true;
	return false;
}

static bool command_has(const struct qn_command *c, const char *name)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };

	c->tables(table);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		if (has_option(table[i], name))
			return true;
	return false;
}

/* Adds "BEFOREname", after a comma if it is not the first. */
static void add_owner(char *out, size_t nbytes, const char *before, const char *name)
{
	const size_t used = strlen(out);

	snprintf(out + used, nbytes - used, "%s%s%s", used ? ", " : "", before, name);
}

bool qn_cli_whose(const char *option, char *out, size_t nbytes)
{
	*out = 0;
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		if (has_option((*k)->options, option))
			add_owner(out, nbytes, "kernel ", (*k)->name);
	for (const struct qn_command *c = all_rows.commands; c->name; c++)
		if (command_has(c, option))
			add_owner(out, nbytes, "quern ", c->name);
	return *out != 0;
}

/* --- variables --- */

/* Of all options. */
struct variables {
	char (*name)[MAX_VARIABLE]; /* owned */
	int n;
	size_t room;
};

static void add_variable(struct variables *v, const struct quern_option *row)
{
	if (qn_grow(&v->name, &v->room, (size_t)v->n + 1, sizeof(*v->name)))
		qn_option_variable(row, v->name[v->n++], MAX_VARIABLE);
}

static void add_variables(struct variables *v, const struct quern_option *table)
{
	for (; table && table->name; table++)
		add_variable(v, table);
}

static void collect(struct variables *v)
{
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		add_variables(v, (*k)->options);
	for (const struct qn_command *c = all_rows.commands; c->name; c++) {
		const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };

		c->tables(table);
		for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
			add_variables(v, table[i]);
	}
}

static const char *variable(const void *ctx, int i)
{
	const struct variables *v = ctx;

	return i < v->n ? v->name[i] : variables_of_none[i - v->n].name;
}

/* The name of an entry NAME=VALUE, if it begins like ours, has a value, and nothing reads it; owned. */
static char *unknown_name(const struct variables *v, const char *entry)
{
	const size_t n = strcspn(entry, "=");
	const char *known;
	char *name;

	if (strncmp(entry, prefix, sizeof(prefix) - 1) || !entry[n] || !entry[n + 1])
		return NULL;
	name = qn_strndup(entry, n);
	for (int i = 0; name && (known = variable(v, i)); i++)
		if (!strcmp(name, known)) {
			free(name);
			return NULL;
		}
	return name;
}

void qn_cli_warn_of_variables(const quern_run *run)
{
	const struct quern_option *row = NULL;
	struct variables v = { .n = 0 };

	collect(&v);
	while (run && (row = quern_run_option(run, row)))
		add_variable(&v, row);
	for (char **e = environ; v.n && *e; e++) {
		char *name = unknown_name(&v, *e);
		const char *near = name ? qn_nearest(name, variable, &v) : NULL;

		if (name)
			qn_cli_warn("%s is set, but nothing reads a variable of that name%s%s%s",
				    name, near ? "; did you mean " : "", near ? near : "",
				    near ? "?" : "");
		free(name);
	}
	free(v.name);
}

void qn_cli_forget_variables(void)
{
	struct variables v = { .n = 0 };

	collect(&v);
	for (char **e = environ; v.n && *e;) {
		char *name = unknown_name(&v, *e);

		/* What comes after it then stands in its place. */
		if (name)
			unsetenv(name);
		else
			e++;
		free(name);
	}
	free(v.name);
}
