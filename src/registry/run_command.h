/*
 * run_command.h - another program, run to its end: a compiler.
 */
#ifndef QN_REGISTRY_RUN_COMMAND_H
#define QN_REGISTRY_RUN_COMMAND_H

#include "base/error.h"

#define QN_MOST_WORDS 64 /* of a command line */

/* A command line: words, which it borrows; NULL after the last. */
struct qn_command_line {
	int n;
	const char *word[QN_MOST_WORDS + 1];
};

/* Words beyond the most are an error that qn_run_command reports. */
void qn_command_add(struct qn_command_line *l, const char *word);

/* Runs it, found on PATH, in a directory, with no input. What it says, on standard output and error, goes to the file `said`
   there, which is written anew. *ok: it ended with exit code 0. Failure: it cannot be run, or took minutes. */
enum quern_status qn_run_command(const struct qn_command_line *l, const char *folder,
				 const char *said, bool *ok, struct quern_message *err);

#endif
