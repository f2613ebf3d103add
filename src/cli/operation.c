/*
 * operation.c - what verify, stage, unstage and inspect begin and end with: a run of the library.
 */
#include "cli/cli.h"

void qn_cli_set(quern_run *run, const struct quern_options *o, const char *const *files,
		size_t nfiles)
{
	const struct quern_option *row = NULL;

	while ((row = quern_run_option(run, row))) {
		const char *value = quern_option_string(o, row->name);

		if (value)
			quern_run_set(run, row->name, value);
	}
	for (size_t i = 0; i < nfiles; i++)
		quern_run_add_file(run, files[i]);
}

int qn_cli_operation_init(struct qn_cli_operation *op, quern_run *(*make)(quern_session *session),
			  const struct quern_options *o, const char *const *files, size_t nfiles)
{
	op->session = quern_session_new(qn_cli_world());
	op->run = op->session ? make(op->session) : NULL;
	if (op->run)
		qn_cli_set(op->run, o, files, nfiles);
	return qn_cli_agree(op->run ? QUERN_OK : qn_cli_fail(QUERN_ERR_RUN, "out of memory"));
}

void qn_cli_operation_fini(struct qn_cli_operation *op)
{
	quern_run_free(op->run);
	quern_session_free(op->session);
}
