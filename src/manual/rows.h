/*
 * rows.h - what the command tells of itself: the rows that the manual, the help and completion are made of.
 */
#ifndef QN_MANUAL_ROWS_H
#define QN_MANUAL_ROWS_H

#include <stdbool.h>

#include "base/options.h"

/* A subcommand: a row of the table in cli/main.c. argv[0] is its name. Returns the exit code. */
struct qn_command {
	const char *name;
	const char *usage;  /* after "quern "; completion goes by the words in capitals */
	const char *doc;    /* one sentence */
	const char *common; /* names of the options used most, with blanks between; NULL: all */
	bool collective;    /* runs on the ranks of mpirun; otherwise rank 0 does it alone */
	int (*run)(int argc, char **argv);
	/* The tables of its options, without those of kernels; fewer end with NULL. */
	void (*tables)(const struct quern_option *table[QN_MAX_OPTION_TABLES]);
};

/* A variable of the environment that belongs to no option. */
struct qn_variable {
	const char *name, *doc;
};

struct qn_rows {
	const struct qn_command *commands;   /* the last has a NULL name */
	const struct qn_variable *variables; /* ... */
};

/* The row of a subcommand, or NULL. */
const struct qn_command *qn_rows_command(const struct qn_rows *rows, const char *name);

/* Does this command take a kernel, with the options of that? */
bool qn_command_takes_kernel(const struct qn_command *c);

/* The doc of an option with its default; owned. NULL: out of memory. */
char *qn_option_doc(const struct quern_option *row);

#endif
