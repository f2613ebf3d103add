#include "find/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "select/select.h"
#include "find/axes.h"
#include "find/join.h"
#include "find/meaning.h"
#include "find/selection.h"

/* The view of the form of a member. A kernel sees one type of value. */
static enum quern_status make_view(struct qn_subject *subject, uint32_t member,
				   struct quern_message *err)
{
	struct qn_view *view = &subject->views[subject->mosaic.member[member].form];
	struct qn_dataset d;
	enum quern_status st;

	qn_mosaic_member(&subject->mosaic, member, &d);
	st = qn_view_init(&d, subject->settings.raw, view, err);
	if (!st && view->dtype == QUERN_TEXT && d.type.size != subject->dataset.type.size)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: its strings are of another length than "
				    "those of %s: they cannot be computed with as one dataset",
				    d.file, subject->mosaic.member[0].file);
	if (st || view->dtype == subject->views[0].dtype)
		return st;
	return qn_error_set(
		err, QUERN_ERR_DATA,
		"%s: its values are of another type than those of %s, "
		"because only one of them has scale_factor or add_offset: they cannot be "
		"computed with as one dataset",
		d.file, subject->mosaic.member[0].file);
}

/* The views of all forms, which are numbered as they first occur. */
static enum quern_status make_views(struct qn_subject *subject, struct quern_message *err)
{
	struct qn_view whole;
	enum quern_status st = qn_view_init(&subject->dataset, subject->settings.raw, &whole, err);
	uint32_t nknown = 0;

	if (st) /* what is wrong with its type, it knows best */
		return st;
	subject->views = qn_calloc(subject->mosaic.nforms, sizeof(*subject->views));
	if (!subject->views)
		return qn_error_nomem(err, subject->mosaic.nforms * sizeof(*subject->views),
				      "views");
	for (uint32_t i = 0; !st && i < subject->mosaic.nmembers; i++)
		if (subject->mosaic.member[i].form == nknown) {
			st = make_view(subject, i, err);
			nknown++;
		}
	return st;
}

/* Gives up the parts: the library reads the dataset of the one file as a whole. */
enum quern_status qn_subject_leave_to_library(struct qn_subject *subject, struct quern_message *err)
{
	static const uint64_t origin[QUERN_MAX_DIMS];
	const struct qn_missing missing = subject->mosaic.missing;
	enum quern_status st;

	subject->mosaic.missing = (struct qn_missing){ .n = 0 };
	qn_mosaic_fini(&subject->mosaic);
	qn_mosaic_init(&subject->mosaic, subject->dataset.ndim);
	subject->mosaic.missing = missing;
	free(subject->views);
	subject->views = NULL;
	qn_log(QN_LOG_INFO,
	       "%s: the kernel must see whole what several sources share: left to the library",
	       subject->dataset.file);
	subject->dataset.native = false;
	snprintf(subject->dataset.why_not_native, sizeof(subject->dataset.why_not_native),
		 "the kernel must see whole what several sources share");
	st = qn_mosaic_place(&subject->mosaic, &subject->dataset, origin, err);
	return st ? st : make_views(subject, err);
}

static void log_subject(const struct qn_subject *subject)
{
	const struct qn_mosaic *m = &subject->mosaic;
	char shape[256], selection[512];

	if (!qn_log_has(QN_LOG_INFO))
		return;
	qn_shape_format(subject->dataset.shape, subject->dataset.ndim, sizeof(shape), shape);
	qn_box_format(&subject->selection, sizeof(selection), selection);
	qn_log(QN_LOG_INFO, "dataset %s [%s] of %u members in %llu parts; selected: %s",
	       subject->dataset.path, shape, m->nmembers, (unsigned long long)m->nparts, selection);
}

enum quern_status qn_subject_find(struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_names *words, struct quern_message *err)
{
	struct qn_files m = { .describer = NULL };
	enum quern_status st = qn_files_find(team, subject, words, &m, err);

	if (!st)
		st = qn_join(team, subject, &m, err);
	if (!st && !m.reads_all) /* what finds coordinates sees the file that describes them */
		m.reader = m.describer[subject->first];
	if (!st)
		st = qn_share_mosaic(team->comm, &subject->mosaic, err);
	if (!st)
		st = qn_selection_make(team, subject, &m, err);
	if (!st && qn_comm_rank(team->comm) == 0)
		log_subject(subject);
	if (!st && qn_comm_rank(team->comm) == 0)
		st = qn_subject_warn(subject, err);
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_explain(team, subject, &m, err);
	if (!st)
		st = qn_axes_find(team, subject, &m, err);
	subject->describer = m.describer;
	m.describer = NULL;
	qn_files_fini(&m);
	return qn_comm_agree(team->comm, st ? st : make_views(subject, err), err);
}

static void free_axes(struct qn_subject *subject)
{
	for (int d = 0; subject->axes && d < subject->dataset.ndim; d++)
		qn_axis_values_fini(&subject->axes[d]);
	free(subject->axes);
	subject->axes = NULL;
	for (size_t i = 0; i < subject->nothers; i++)
		qn_axis_values_fini(&subject->other[i]);
	free(subject->other);
	subject->other = NULL;
	subject->nothers = 0;
	qn_names_fini(&subject->attributes);
}

void qn_subject_fini(struct qn_subject *subject)
{
	free_axes(subject);
	qn_mosaic_fini(&subject->mosaic);
	qn_dataset_fini(&subject->dataset);
	qn_names_fini(&subject->files);
	qn_names_fini(&subject->warnings);
	qn_picks_fini(&subject->picks);
	qn_blames_fini(subject->blame);
	free(subject->meaning);
	free(subject->file_end);
	free(subject->describer);
	free(subject->views);
	subject->meaning = NULL;
	subject->file_end = NULL;
	subject->describer = NULL;
	subject->views = NULL;
}
