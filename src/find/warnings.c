#include "find/subject.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "find/coordinate.h"

enum quern_status qn_warnings_add(struct qn_names *warnings, struct quern_message *err,
				  const char *format, ...)
{
	char text[QN_ERROR_NBYTES], *whole = NULL;
	va_list ap;

	va_start(ap, format);
	if (qn_vasprintf(&whole, format, ap) < 0)
		whole = NULL;
	va_end(ap);
	if (!whole)
		return qn_error_nomem(err, 0, "a warning");
	qn_text_put(text, sizeof(text), whole);
	free(whole);
	return qn_names_add(warnings, text, err);
}

enum quern_status qn_warn_of_lost_axis(struct qn_names *warnings, const struct qn_dataset *d,
				       int dim, const char *why, struct quern_message *err)
{
	return qn_warnings_add(warnings, err,
			       "the result is without coordinates of dimension %s: %s",
			       d->dim_name[dim] ? d->dim_name[dim] : "", why);
}

enum quern_status qn_subject_blame(struct qn_subject *subject, const struct qn_dataset *d,
				   struct quern_message *err)
{
	for (int i = 0; i < QN_NATTRIBUTES; i++) {
		struct qn_blame *b = &subject->blame[i];

		if (d->fault[i] == QN_SOUND)
			continue;
		if (!b->nfiles++) {
			b->file = qn_strdup(d->file);
			memcpy(b->fault, d->fault, sizeof(b->fault));
		}
		if (!b->file)
			return qn_error_nomem(err, strlen(d->file), "the name of a file");
	}
	return QUERN_OK;
}

void qn_blames_fini(struct qn_blame blame[QN_NATTRIBUTES])
{
	for (int i = 0; i < QN_NATTRIBUTES; i++)
		free(blame[i].file);
	memset(blame, 0, QN_NATTRIBUTES * sizeof(*blame));
}

static enum quern_status warn_of_attribute(struct qn_subject *subject, const char *file,
					   const char *path, enum qn_attribute attribute,
					   const qn_faults fault, uint64_t nothers,
					   struct quern_message *err)
{
	const char *name = qn_attribute_names[attribute];
	char others[64] = "";

	if (nothers)
		snprintf(others, sizeof(others), " (and in %" PRIu64 " other file%s)", nothers,
			 nothers > 1 ? "s" : "");
	return qn_warnings_add(&subject->warnings, err,
			       "%s: dataset %s: its attribute %s%s %s; h5dump -a %s/%s shows "
			       "it, ncatted of NCO corrects it",
			       file, path, name, others, qn_fault_text(fault, attribute), path,
			       name);
}

enum quern_status qn_subject_warn(struct qn_subject *subject, struct quern_message *err)
{
	int i = subject->settings.raw ? QN_NDECODING : 0;
	enum quern_status st = QUERN_OK;

	if (subject->dataset.left_out_beyond)
		st = qn_warnings_add(
			&subject->warnings, err,
			"%s: dataset %s ends earlier than its dimensions, which "
			"other variables make longer: --raw takes what is stored, so "
			"that indexes and files joined along such a dimension do not go "
			"by it",
			subject->dataset.file, subject->dataset.path);
	for (; !st && i < QN_NATTRIBUTES; i++)
		if (subject->blame[i].nfiles)
			st = warn_of_attribute(subject, subject->blame[i].file,
					       subject->dataset.path, (enum qn_attribute)i,
					       subject->blame[i].fault,
					       subject->blame[i].nfiles - 1, err);
	return st;
}

enum quern_status qn_warn_of_coordinate(struct qn_subject *subject, const struct qn_ends *c,
					struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	/* A dataset that is its own coordinate is blamed already. */
	for (int i = 0; !st && strcmp(c->path, subject->dataset.path) && i < QN_NATTRIBUTES; i++)
		if (c->fault[i] != QN_SOUND)
			st = warn_of_attribute(subject, c->file, c->path, (enum qn_attribute)i,
					       c->fault, 0, err);
	return st;
}
