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
	s->progress(s->progress_ctx, s->number, qn_min_u64(s->done_nbytes, s->total_nbytes),
		    s->total_nbytes);
}
