/*
 * document.c - the document of a command: on standard output, in a file, or as tables; and what is said
 * on standard error meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/publish.h"
#include "base/system.h"
#include "cli/cli.h"
#include "json/json.h"

const struct quern_option qn_cli_document_options[] = {
	{ "json", 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, "print the JSON document, nothing else" },
	{ "output", 'o', QUERN_OPT_STRING, "FILE", NULL, 0, 0,
	  "write the JSON document to FILE, a name in .json, whole or not at all: mpirun of Open MPI 5 may "
	  "mix standard output with standard error" },
	{ NULL, 0, QUERN_OPT_FLAG, NULL, NULL, 0, 0, NULL },
};

bool qn_cli_wants_tables(const struct quern_options *o)
{
	return !quern_option_flag(o, "json") && !quern_option_string(o, "output");
}

static enum quern_status check_output(const char *file, struct quern_message *err)
{
	const char *dot = strrchr(file, '.');
	enum quern_status st;
	struct stat there;

	if (!dot || strcmp(dot, ".json"))
		return qn_error_set(err, QUERN_ERR_USAGE, "--output %s: the name must end in .json",
				    file);
	st = qn_publish_check("--output", file, err);
	if (!st && !qn_sys_stat(file, &there) && there.st_size && !qn_json_is_document(file))
		st = qn_error_set(err, QUERN_ERR_USAGE,
				  "--output %s: is there and is no document of quern, "
				  "so it is not replaced; choose another name, or remove it first",
				  file);
	return st;
}

int qn_cli_check_document(const struct quern_options *o)
{
	const char *output = quern_option_string(o, "output");
	struct quern_message err = { .status = QUERN_OK };

	if (output && !qn_cli_rank() && check_output(output, &err))
		return qn_cli_fail(err.status, err.text);
	return QUERN_OK;
}

const char qn_cli_no_document[] = "cannot make the document: out of memory";

char *qn_cli_take_document(quern_run *run, int *status, const char **why)
{
	char *text = quern_run_document(run, false);

	*why = quern_run_message(run);
	if (!text && !*status && !qn_cli_rank()) {
		*status = QUERN_ERR_RUN;
		*why = qn_cli_no_document;
	}
	return text;
}

int qn_cli_put_document(const struct quern_options *o, const char *text)
{
	const char *output = quern_option_string(o, "output");
	struct quern_message err = { .status = QUERN_OK };

	if (output && qn_publish_write(output, QN_FOLLOW_LINK, QN_RIGHTS_ALL, text, strlen(text),
				       QN_PUBLISH_NOW, &err))
		return qn_cli_fail(err.status, err.text);
	if (quern_option_flag(o, "json"))
		fputs(text, stdout);
	return qn_cli_finish();
}

void qn_cli_add_errors(struct qn_row_errors *e, const json_t *rows)
{
	const json_t *row, *code;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		enum quern_status st;

		code = json_object_get(row, "exit_code");
		if (!json_is_integer(code))
			continue;
		st = qn_error_worst(e->st, (enum quern_status)json_integer_value(code));
		if (st != e->st)
			e->row = row;
		e->st = st;
		e->n++;
	}
}

int qn_cli_tell_errors(const struct qn_row_errors *e, const char *of)
{
	const char *path = qn_cli_text(e->row, "path");
	char *why;
	int code;

	if (!e->n)
		return QUERN_OK;
	if (qn_asprintf(&why, "%s: %zu object%s of it cannot be read%s%s%s: %s", of, e->n,
			e->n == 1 ? "" : "s", *path ? ", nor what may be below" : "",
			*path ? ": " : "", path, qn_cli_text(e->row, "error")) < 0)
		return qn_cli_fail(QUERN_ERR_RUN, "out of memory");
	code = qn_cli_fail(e->st, why);
	free(why);
	return code;
}

/* Does the launcher hand on standard output and standard error as it likes? PMIx says which it is. */
static bool launcher_mixes(void)
{
	const char *version = getenv("PMIX_VERSION");

	return version && atoi(version) >= 5;
}

bool qn_cli_wants_progress(const struct quern_options *o)
{
	const char *when = quern_option_string(o, "progress");

	return !strcmp(when, "always") || (!strcmp(when, "auto") && isatty(STDERR_FILENO));
}

void qn_cli_warn_of_mixing(const struct quern_options *o)
{
	if (qn_cli_wants_progress(o) && !qn_cli_rank() && launcher_mixes() &&
	    quern_option_flag(o, "json") && !quern_option_string(o, "output"))
		qn_cli_warn(
			"this launcher (PMIx %d) may mix what is said here into the document on standard "
			"output; -o FILE.json keeps it whole",
			atoi(getenv("PMIX_VERSION")));
}
