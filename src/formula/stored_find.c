/*
 * stored_find.c - a dataset beside the data is found as the data is, as a subject of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formula/stored.h"
#include "select/select.h"

/* More than this no worker keeps. */
#define MOST_KEPT_NBYTES (UINT64_C(256) << 20)

/* What the run looks at, as a box of the operand. */
static void take_selection(const struct qn_subject *subject, const struct qn_key_source *source,
			   struct qn_stored *out)
{
	const struct quern_box *of_run = &subject->selection;

	out->selection = (struct quern_box){ .ndim = source->like.ndim };
	memcpy(out->dim, source->dim, sizeof(out->dim));
	for (int k = 0; k < source->like.ndim; k++) {
		out->selection.start[k] = of_run->start[source->dim[k]];
		out->selection.count[k] = of_run->count[source->dim[k]];
		out->selection.step[k] = of_run->step[source->dim[k]];
	}
}

/* Items that differ in a dimension that the operand does not have need the same of it. */
static bool is_reused(const struct qn_subject *subject, const struct qn_stored *s)
{
	for (int d = 0; d < subject->dataset.ndim; d++) {
		bool has = subject->selection.count[d] < 2;

		for (int k = 0; k < s->selection.ndim; k++)
			has = has || s->dim[k] == d;
		if (!has)
			return true;
	}
	return false;
}

/* The words of the user that would name it. */
struct words {
	char along[16], select[QUERN_MAX_DIMS * 64];
	struct qn_names files;
	struct qn_subject_settings settings;
};

static enum quern_status choose_files(const struct qn_subject *subject,
				      const struct qn_key_source *source,
				      const struct qn_names *given, struct qn_names *out,
				      struct quern_message *err)
{
	const struct qn_names *all = given ? given : &subject->files;
	enum quern_status st = QUERN_OK;

	if (!given && source->joined < 0)
		return qn_names_add(out, subject->files.name[subject->first], err);
	for (size_t i = given ? 0 : subject->first; !st && i < all->n; i++)
		st = qn_names_add(out, all->name[i], err);
	return st;
}

/* Of what is joined otherwise, the indexes are not known before. */
static enum quern_status choose_words(const struct qn_subject *subject,
				      const struct qn_key_source *source,
				      const struct qn_names *given, const struct qn_stored *s,
				      struct words *w, struct quern_message *err)
{
	w->settings = (struct qn_subject_settings){ .dataset = qn_dataset_name(&source->like),
						    .raw = subject->settings.raw,
						    .is_beside = true };
	if (source->like.stacked) {
		w->settings.stack = source->like.dim_name[0];
	} else if (source->joined >= 0) {
		snprintf(w->along, sizeof(w->along), "%d", source->joined);
		w->settings.along = w->along;
	}
	if (qn_box_nelems(&s->selection) && qn_box_nelems(&s->selection) < UINT64_MAX / 2) {
		qn_box_format(&s->selection, sizeof(w->select), w->select);
		w->settings.select = w->select;
	}
	return choose_files(subject, source, given, &w->files, err);
}

static enum quern_status check_extents(const struct qn_key_source *source,
				       const struct qn_stored *s, struct quern_message *err)
{
	const struct qn_dataset *d = &s->subject.dataset;

	for (int k = 0; k < source->like.ndim; k++)
		if (d->ndim != source->like.ndim || qn_dataset_length(d, k) != source->length[k])
			return qn_error_set(err, QUERN_ERR_DATA,
					    "%s: dataset %s has changed while it was described",
					    d->file, d->path);
	return QUERN_OK;
}

/* The most chunks that boxes of an item's extents meet, in bytes: a worker that keeps them decodes each once. */
static uint64_t keeps(const struct qn_stored *s)
{
	uint64_t most = 0, total = qn_view_size(s->subject.views[0].dtype);

	for (int k = 0; k < s->selection.ndim; k++)
		if (!qn_mul(total, qn_dataset_length(&s->subject.dataset, k), &total))
			total = UINT64_MAX;
	for (uint32_t i = 0; i < s->subject.mosaic.nforms; i++) {
		const struct qn_dataset *d = &s->subject.mosaic.form[i];

		/* What lies in the file as it is costs little to be read again. */
		if (d->native && !d->nfilters)
			continue;
		most = MOST_KEPT_NBYTES;
	}
	/* With what else it takes to keep a chunk. */
	return qn_min_u64(most, total < UINT64_MAX / 4 ? 2 * total + (1u << 20) : total);
}

static void count_chunks(struct qn_stored *s)
{
	for (uint32_t i = 0; i < s->subject.mosaic.nmembers; i++) {
		const struct qn_member *m = &s->subject.mosaic.member[i];

		s->nchunks += m->nchunks;
		for (uint64_t k = 0; k < m->nchunks; k++)
			s->longest = qn_max_u64(s->longest, m->chunks[k].nbytes);
	}
}

enum quern_status qn_stored_find(const struct qn_subject *subject, const struct qn_team *team,
				 const struct qn_key_source *source, const struct qn_names *words,
				 struct qn_stored *out, struct quern_message *err)
{
	struct words w = { .along = "" };
	enum quern_status st;

	memset(out, 0, sizeof(*out));
	take_selection(subject, source, out);
	out->is_reused = is_reused(subject, out);
	st = choose_words(subject, source, words, out, &w, err);
	out->subject.settings = w.settings;
	st = qn_comm_agree(team->comm, st, err);
	if (!st)
		st = qn_subject_find(&out->subject, team, &w.files, err);
	if (!st)
		st = qn_share_chunks(team->comm, &out->subject.mosaic, err);
	if (!st)
		st = qn_comm_agree(team->comm, check_extents(source, out, err), err);
	if (!st) {
		count_chunks(out);
		out->keeps_nbytes = keeps(out);
	}
	out->subject.settings = (struct qn_subject_settings){ .raw = subject->settings.raw };
	qn_names_fini(&w.files);
	return st;
}

void qn_stored_fini(struct qn_stored *s)
{
	qn_subject_fini(&s->subject);
	memset(s, 0, sizeof(*s));
}

uint64_t qn_stored_nbytes(const struct qn_stored *s)
{
	return s->nchunks * sizeof(struct qn_chunk);
}
