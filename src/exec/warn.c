#include "exec/warn.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum quern_status qn_job_add_warning(struct qn_job *j, struct quern_message *err, const char *format, ...)
{
	char text[QN_ERROR_NBYTES], *whole = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&whole, format, ap) < 0)
		whole = NULL;
	va_end(ap);
	if (!whole)
		return qn_error_nomem(err, 0, "a warning");
	qn_text_put(text, sizeof text, whole);
	free(whole);
	return qn_names_add(&j->warnings, text, err);
}

static enum quern_status warn_of_nothing(struct qn_job *j, int dim, struct quern_message *err)
{
	const struct qn_dataset *d = &j->dataset;
	const char *name = d->dim_name[dim];

	return qn_job_add_warning(j, err, "--select: nothing is selected: no element of dimension %d%s%s%s, "
				  "which has %" PRIu64 "; numbers are indexes, half open, unless they "
				  "have a decimal point", dim, name ? " (" : "", name ? name : "",
				  name ? ")" : "", d->shape[dim]);
}

static enum quern_status warn_of_attribute(struct qn_job *j, const char *attribute,
					   struct quern_message *err)
{
	return qn_job_add_warning(j, err, "%s: dataset %s: its attribute %s is ignored, for it is no number "
				  "that can be used: have a look at it with h5dump -a; ncatted of NCO "
				  "corrects it", j->dataset.file, j->dataset.path, attribute);
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
