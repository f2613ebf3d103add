#include "api/operation.h"

#include <stdlib.h>

#include "api/options.h"
#include "api/settings.h"
#include "base/fp.h"
#include "base/mem.h"
#include "cluster/share.h"
#include "data/reading.h"

quern_run *qn_operation_new(quern_session *session, const struct qn_operation *operation)
{
	QN_OWN_FP;
	quern_run *run = qn_calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->session = session;
	run->operation = operation;
	qn_options_init(&run->options, &operation->options, 1, &run->err);
	return run;
}

static enum quern_status work(quern_run *run)
{
	enum quern_status st =
		qn_share_options(run->comm, run->err.status, &run->options, &run->err);

	qn_reading_set(qn_settings_reading(&run->options, run->session));
	if (!st)
		st = run->operation->work(run, &run->document);
	return qn_comm_agree(run->comm, st, &run->err);
}

enum quern_status qn_operation_execute(quern_run *run)
{
	const struct qn_reading before = *qn_reading();
	enum quern_status st;

	run->started = true;
	st = qn_session_begin(run->session, run->operation->name, &run->comm, &run->err);
	if (!st) {
		run->rank = qn_comm_rank(run->comm);
		run->team.comm = run->comm;
		if (run->rank != 0)
			run->team.progress = NULL;
		st = work(run);
	}
	qn_session_end(run->comm, st, &run->err);
	run->done = !st;
	run->comm = run->team.comm = NULL;
	qn_reading_set(before);
	return st;
}
