#include "stage/stage_impl.h"

#include "base/mem.h"

#define PAUSE_SECONDS 0.2

void qn_stage_progress(struct qn_stager *s, uint64_t more_nbytes)
{
	const double now = qn_comm_wtime();
	const bool was_done = s->done_nbytes >= s->total_nbytes;

	s->done_nbytes += more_nbytes;
	if (!s->progress ||
	    (now - s->told < PAUSE_SECONDS && (was_done || s->done_nbytes < s->total_nbytes)))
		return;
	s->told = now;
	if (!s->progress(s->progress_ctx, s->number, qn_min_u64(s->done_nbytes, s->total_nbytes),
			 s->total_nbytes))
		s->is_cancelled = true;
}

enum quern_status qn_stage_check_cancelled(const struct qn_stager *s, struct quern_message *err)
{
	return s->is_cancelled ? qn_error_set(err, QUERN_ERR_INTERRUPTED,
					      "cancelled by the caller of the run")
			       : QUERN_OK;
}
