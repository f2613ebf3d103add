/*
 * emit.h - from the states of a finished run to its result.
 */
#ifndef QN_RUN_EMIT_H
#define QN_RUN_EMIT_H

#include "kernel/result.h"
#include "run/run.h"

/* The result of a run whose work is done; *result is empty. Rank 0. Freed with qn_result_fini, whatever is
   returned. */
enum quern_status qn_run_emit(const struct qn_run *run, struct quern_result *result,
			      struct quern_message *err);

#endif
