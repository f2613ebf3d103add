/*
 * once.c - whether a run can do with data that is there once.
 */
#include "run/run.h"

bool qn_run_looks_again(const struct qn_run *run)
{
	const struct quern_kernel *k = run->kernel;

	return (k->is_pooled && k->is_pooled(run->self)) ||
	       (k->is_reviewed && k->is_reviewed(run->self)) || (k->sample && k->sample(run->self));
}

enum quern_status qn_run_check_once(const struct qn_run *run, struct quern_message *err)
{
	const struct quern_kernel *k = run->kernel;

	if (k->demand)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "kernel %s must see whole dimensions at once, and of a grid in "
				    "memory each rank has a part, at one step: run it over a file",
				    k->name);
	if (qn_computed_collects(&run->computed))
		return qn_error_set(
			err, QUERN_ERR_USAGE,
			"--by: which groups there are is found by looking at all data "
			"first, and in memory each step is there once: write bins, as in "
			"bin(x, 0:100:10), or a condition");
	if (!qn_run_looks_again(run))
		return QUERN_OK;
	return qn_error_set(
		err, QUERN_ERR_USAGE,
		"kernel %s looks at the data several times, and in memory each step is "
		"there once: see `quern kernels %s` for options with which it looks "
		"once (--range or --edges of histograms, --approx of quantiles), say how "
		"many steps there will be, or run it over a file",
		k->name, k->name);
}
