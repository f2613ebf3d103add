#include "run/rolled.h"

#include <stdlib.h>

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
		ok = qn_windows_merge(&w, run->team->place.nthreads) ||
		     atomic_load(&run->cells.is_over);
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
