#include "run/rolled.h"

#include <inttypes.h>
#include <stdlib.h>

#include "find/warnings.h"
#include "rolling/windows.h"
#include "run/kept.h"
#include "run/shown.h"

enum quern_status qn_rolled_make(struct qn_run *run, struct quern_message *err)
{
	const int key = run->rolling.key;
	struct qn_cells from = run->cells;
	struct qn_windows w = { .rolling = &run->rolling, .from = &from, .to = &run->cells };
	bool ok;

	w.n = key < 0 ? run->rolling.length : run->shown->ngroups[key];
	w.group = key < 0 ? NULL : run->shown->group[key];
	run->cells = (struct qn_cells){ .kernel = run->kernel,
					.self = run->self,
					.layout = &run->layout,
					.rows = &run->emitted,
					.most_spilled = from.most_spilled };
	ok = qn_cells_init(&run->cells, true);
	if (ok) {
		qn_cells_clear(&run->cells);
		ok = qn_windows_merge(&w, run->nthreads) || atomic_load(&run->cells.is_over);
	}
	qn_cells_fini(&from);
	return ok ? QUERN_OK
		  : qn_error_nomem(err, qn_kept_nbytes(run, run->emitted.nrows),
				   "the cells of the result");
}

bool qn_rolled_is_whole(const struct qn_run *run, uint64_t row)
{
	const struct qn_rolling *r = &run->rolling;
	const struct qn_shown *s = run->shown;
	uint64_t stride = s->nkept;

	if (r->key < 0)
		return qn_rolling_is_whole(r, r->length, row / r->stride % r->length);
	for (int k = r->key + 1; k < run->keys.n; k++)
		stride *= s->ngroups[k];
	return qn_rolling_is_whole(r, s->ngroups[r->key], row / stride % s->ngroups[r->key]);
}

/* Groups without elements that windows pass over: those before the first and behind the last only where they go round. */
static uint64_t count_gaps(const struct qn_run *run)
{
	const int key = run->rolling.key;
	const uint32_t *group = key < 0 ? NULL : run->shown->group[key];
	const uint64_t n = key < 0 ? 0 : run->shown->ngroups[key];

	if (!group || !n || run->rolling.n == 1)
		return 0;
	return (run->rolling.wraps ? run->keys.key[key].ngroups
				   : (uint64_t)group[n - 1] - group[0] + 1) -
	       n;
}

enum quern_status qn_rolled_warn(struct qn_run *run, struct quern_message *err)
{
	const uint64_t n = qn_comm_rank(run->team->comm) ? 0 : count_gaps(run);

	if (!n)
		return QUERN_OK;
	return qn_warnings_add(&run->warnings, err,
			       "--rolling: groups of %s without elements, %" PRIu64 " of %" PRIu64
			       ", are left out, and windows go on behind them as if nothing were "
			       "between: select times with -s, instead of --where, where they are "
			       "in one piece",
			       run->rolling.name, n,
			       (uint64_t)run->keys.key[run->rolling.key].ngroups);
}
