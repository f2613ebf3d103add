/*
 * operation.h - what a session can do besides kernels: verify, homes, stage, unstage, inspect. To its caller each
 * is a quern_run: options, files, status, message and a document.
 */
#ifndef QN_API_OPERATION_H
#define QN_API_OPERATION_H

#include "api/run.h"

struct qn_operation {
	const char *name; /* for the log */
	const struct quern_option *options;
	/* The work: run->comm, the options and the words for files are there, rank 0's options on all ranks. *json:
	   on rank 0 the document, owned, which may be there too where it fails. Returns the same status on all
	   ranks. Collective. */
	enum quern_status (*work)(quern_run *run, char **json);
};

/* NULL: no memory. Not collective. */
quern_run *qn_operation_new(quern_session *session, const struct qn_operation *operation);

/* quern_run_execute of a run that has one. Collective. */
enum quern_status qn_operation_execute(quern_run *run);

#endif
