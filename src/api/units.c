/*
 * units.c - what values the kernel of a run was given: their units, and how they were weighted.
 */
#include "api/run.h"

/* Packed numbers are not in the units of what they stand for. */
const char *qn_run_units(const quern_run *run)
{
	const struct qn_mosaic *m = &run->subject.mosaic;
	bool packed = run->subject.dataset.cf.has_scale;

	/* What an expression makes of them is not known. */
	if (run->engine.formula.made[QUERN_VALUE])
		return "";
	for (uint32_t i = 0; i < m->nforms; i++)
		packed = packed || m->form[i].cf.has_scale;
	return packed && quern_option_flag(&run->options, "raw") ? "" : run->subject.dataset.units;
}

const char *qn_run_weights(const quern_run *run)
{
	const struct qn_program *made = run->engine.formula.made[QUERN_WEIGHT];

	if (made && !quern_option_string(&run->options, "weights"))
		return quern_option_string(&run->options, "rolling");
	return made ? qn_program_text(made) : NULL;
}
