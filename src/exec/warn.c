#include "exec/warn.h"

#include <inttypes.h>
#include <stdio.h>

static enum quern_status warn_of_nothing(struct qn_job *j, int dim, struct quern_message *err)
{
	const struct qn_dataset *d = &j->dataset;
	char text[512], name[64] = "";

	if (d->dim_name[dim])
		snprintf(name, sizeof name, " (%.48s)", d->dim_name[dim]);
	snprintf(text, sizeof text, "--select: nothing is selected: no element of dimension %d%s, which "
		 "has %" PRIu64 "; numbers are indexes, half open, unless they have a decimal point",
		 dim, name, d->shape[dim]);
	return qn_names_add(&j->warnings, text, err);
}

static enum quern_status warn_of_attribute(struct qn_job *j, const char *attribute,
					   struct quern_message *err)
{
	char text[512];

	snprintf(text, sizeof text, "%.128s: dataset %.128s: its attribute %s is ignored, for it is no "
		 "number that can be used: have a look at it with h5dump -a; ncatted of NCO corrects "
		 "it", j->dataset.file, j->dataset.path, attribute);
	return qn_names_add(&j->warnings, text, err);
}

enum quern_status qn_job_warn(struct qn_job *j, struct quern_message *err)
{
	uint32_t unusable = 0;
	enum quern_status st = QUERN_OK;

	for (int i = 0; !st && i < j->dataset.ndim; i++)
		if (j->selection.count[i] == 0 && j->dataset.shape[i] > 0)
			st = warn_of_nothing(j, i, err);
	for (uint32_t i = 0; i < j->mosaic.nforms; i++)
		unusable |= j->mosaic.form[i].cf.unusable;
	if (quern_option_flag(j->options, "raw"))
		unusable = 0;
	for (int i = 0; !st && i < QN_CF_NATTRIBUTES; i++)
		if (unusable >> i & 1)
			st = warn_of_attribute(j, qn_cf_attributes[i], err);
	return st;
}
